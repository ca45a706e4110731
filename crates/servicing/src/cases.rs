//! Cases: a right that the customer invoked becomes a record in the same turn, with the flag that goes with it and the
//! day by which it must be answered.
//!
//! Invariants: opening is safe to repeat (one open case of a kind for a customer); it asks for no confirmation; what it
//! raises only ever stops us from doing something. What is absent: recognising the words (`assistant`).

use calendar::add_banking_days;
use chrono::{Days, NaiveDate};
use credit::FlagKind;
use identity::{CaseId, ConversationId, CustomerId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{
    cases::{self, CaseRow, CaseStatus},
    credit_lines,
    customers::Language,
};

use crate::{
    Caller, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    reference::reference,
    work::{Begun, Trail},
};

/// The right that was invoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseKind {
    Crisis,
    IdentityTheft,
    Unauthorised,
    Bankruptcy,
    Death,
    Attorney,
    CeaseContact,
    StopPayment,
    Military,
    LegalAction,
    Dispute,
    CreditReportError,
    Hardship,
    ReasonsRequest,
    Regulator,
    Complaint,
}

/// By when a case is to be answered, counted from the day it was opened.
#[derive(Clone, Copy)]
enum Within {
    BankingDays(i32),
    Days(u64),
}

struct CaseTerms {
    word: &'static str,
    flag: Option<FlagKind>,
    within: Within,
    promise_en: &'static str,
    promise_es: &'static str,
}

impl CaseKind {
    pub const ALL: [Self; 16] = [
        Self::Crisis,
        Self::IdentityTheft,
        Self::Unauthorised,
        Self::Bankruptcy,
        Self::Death,
        Self::Attorney,
        Self::CeaseContact,
        Self::StopPayment,
        Self::Military,
        Self::LegalAction,
        Self::Dispute,
        Self::CreditReportError,
        Self::Hardship,
        Self::ReasonsRequest,
        Self::Regulator,
        Self::Complaint,
    ];

    /// The word in the database, in JSON and in leaves.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.terms().word
    }

    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The flag that such a case raises (SPEC §3.6).
    #[must_use]
    pub const fn flag(self) -> Option<FlagKind> {
        self.terms().flag
    }

    /// What the customer is told beside the reference: what we have done, and what comes next.
    #[must_use]
    pub const fn promise(self, language: Language) -> &'static str {
        match language {
            Language::English => self.terms().promise_en,
            Language::Spanish => self.terms().promise_es,
        }
    }

    /// The day by which a case opened on `opened_on` is to be answered.
    #[must_use]
    pub fn due_on(self, opened_on: NaiveDate) -> NaiveDate {
        match self.terms().within {
            Within::BankingDays(days) => add_banking_days(opened_on, days),
            Within::Days(days) => opened_on.checked_add_days(Days::new(days)).unwrap_or(opened_on),
        }
    }

    const fn terms(self) -> CaseTerms {
        use Within::{BankingDays, Days};
        match self {
            Self::Crisis => CaseTerms {
                word: "crisis",
                flag: Some(FlagKind::Vulnerable),
                within: BankingDays(0),
                promise_en: "We have set everything else aside and asked a person to reach out to you. If you are in danger, call or text 988, or 911.",
                promise_es: "Hemos dejado todo lo demás a un lado y pedido que una persona se comunique con usted. Si está en peligro, llame o envíe un mensaje al 988, o llame al 911.",
            },
            Self::IdentityTheft => CaseTerms {
                word: "identity_theft",
                flag: Some(FlagKind::IdentityTheft),
                within: BankingDays(1),
                promise_en: "We have recorded that this may not be your account. Debits and collection stop while a person looks into it.",
                promise_es: "Hemos registrado que esta cuenta podría no ser suya. Los débitos y los cobros se detienen mientras una persona lo revisa.",
            },
            Self::Unauthorised => CaseTerms {
                word: "unauthorised",
                flag: Some(FlagKind::Fraud),
                within: BankingDays(1),
                promise_en: "We have locked the line and recorded that you did not authorize this. A person looks into it.",
                promise_es: "Hemos bloqueado la línea y registrado que usted no autorizó esto. Una persona lo revisa.",
            },
            Self::Bankruptcy => CaseTerms {
                word: "bankruptcy",
                flag: Some(FlagKind::Bankruptcy),
                within: BankingDays(1),
                promise_en: "We have recorded what you told us about a bankruptcy. We stop asking for payment and stop debits from today.",
                promise_es: "Hemos registrado lo que nos dijo sobre una bancarrota. Dejamos de pedir pagos y detenemos los débitos a partir de hoy.",
            },
            Self::Death => CaseTerms {
                word: "death",
                flag: Some(FlagKind::Deceased),
                within: BankingDays(1),
                promise_en: "We are sorry for your loss. We have stopped debits, and a person will explain what happens next.",
                promise_es: "Lamentamos su pérdida. Hemos detenido los débitos, y una persona explicará lo que sigue.",
            },
            Self::Attorney => CaseTerms {
                word: "attorney",
                flag: Some(FlagKind::Attorney),
                within: BankingDays(1),
                promise_en: "We have recorded that an attorney represents you. A person will take down the details.",
                promise_es: "Hemos registrado que un abogado le representa. Una persona tomará los datos.",
            },
            Self::CeaseContact => CaseTerms {
                word: "cease_contact",
                flag: Some(FlagKind::Cease),
                within: BankingDays(10),
                promise_en: "We have recorded that you do not want to be contacted. You will hear from us only where the law requires a notice.",
                promise_es: "Hemos registrado que no desea que le contactemos. Solo recibirá los avisos que exige la ley.",
            },
            Self::StopPayment => CaseTerms {
                word: "stop_payment",
                flag: None,
                within: BankingDays(1),
                promise_en: "We have recorded that we may no longer take payments you set up before now. None of them that has not yet left will be sent.",
                promise_es: "Hemos registrado que ya no podemos tomar los pagos que programó antes. No se enviará ninguno que aún no haya salido.",
            },
            Self::Military => CaseTerms {
                word: "military",
                flag: Some(FlagKind::Scra),
                within: BankingDays(5),
                promise_en: "We have recorded what you told us about military service. A person will check which protections apply; any form of orders is fine.",
                promise_es: "Hemos registrado lo que nos dijo sobre el servicio militar. Una persona verificará qué protecciones corresponden; aceptamos órdenes en cualquier formato.",
            },
            Self::LegalAction => CaseTerms {
                word: "legal_action",
                flag: Some(FlagKind::Litigation),
                within: BankingDays(1),
                promise_en: "We have recorded what you told us about legal action and passed it to a person.",
                promise_es: "Hemos registrado lo que nos dijo sobre acciones legales y lo hemos pasado a una persona.",
            },
            Self::Dispute => CaseTerms {
                word: "dispute",
                flag: Some(FlagKind::Dispute),
                within: Days(30),
                promise_en: "We have recorded your dispute and do not collect the disputed part meanwhile. A message here counts as written notice.",
                promise_es: "Hemos registrado su disputa y mientras tanto no cobramos la parte en disputa. Un mensaje aquí cuenta como aviso por escrito.",
            },
            Self::CreditReportError => CaseTerms {
                word: "credit_report_error",
                flag: Some(FlagKind::Dispute),
                within: Days(30),
                promise_en: "We have recorded that your credit report may be wrong. We investigate and answer in writing.",
                promise_es: "Hemos registrado que su informe de crédito podría estar equivocado. Investigamos y respondemos por escrito.",
            },
            Self::Hardship => CaseTerms {
                word: "hardship",
                flag: Some(FlagKind::Hardship),
                within: BankingDays(3),
                promise_en: "We have recorded that paying is hard right now. No late fee is charged meanwhile, and a person will go through the options with you.",
                promise_es: "Hemos registrado que ahora le es difícil pagar. Mientras tanto no se cobra cargo por mora, y una persona revisará las opciones con usted.",
            },
            Self::ReasonsRequest => CaseTerms {
                word: "reasons_request",
                flag: None,
                within: Days(30),
                promise_en: "We have recorded that you ask for the specific reasons of our decision.",
                promise_es: "Hemos registrado que solicita las razones específicas de nuestra decisión.",
            },
            Self::Regulator => CaseTerms {
                word: "regulator",
                flag: Some(FlagKind::Regulator),
                within: BankingDays(1),
                promise_en: "We have recorded this and passed it to the person who answers regulators.",
                promise_es: "Hemos registrado esto y lo hemos pasado a la persona que responde a los reguladores.",
            },
            Self::Complaint => CaseTerms {
                word: "complaint",
                flag: None,
                within: Days(15),
                promise_en: "We have recorded your complaint. A person acknowledges it and answers it.",
                promise_es: "Hemos registrado su queja. Una persona acusará recibo y le responderá.",
            },
        }
    }
}

/// A case to be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewCase {
    pub customer_id: CustomerId,
    pub conversation_id: Option<ConversationId>,
    pub kind: CaseKind,
    /// What the customer said, as they said it.
    pub words: String,
}

impl Servicing {
    /// Opens a case and raises its flag, in one transaction. Where one of the kind is open already, that one is
    /// answered, and nothing is written.
    pub async fn open_case(
        &self,
        caller: Caller,
        case: NewCase,
    ) -> Result<CaseRow, ServicingError> {
        let now = self.now();
        let permit = authorise(caller, UseCase::Protect, Some(case.customer_id), now)?;
        let mut tx = self.pool_for(caller).begin().await?;
        if let Some(standing) =
            cases::find_open(&mut tx, case.customer_id, case.kind.as_str()).await?
        {
            return Ok(standing);
        }
        let line = credit_lines::find_of_customer(&mut tx, case.customer_id).await?;
        if let Some(line) = &line {
            self.hold_line(&mut tx, line.id).await?;
        }
        let id = CaseId::mint(now);
        let today = self.today();
        let row = CaseRow {
            id,
            reference: reference("CAS", id.as_uuid()),
            customer_id: case.customer_id,
            credit_line_id: line.as_ref().map(|line| line.id),
            conversation_id: case.conversation_id,
            kind: case.kind.as_str().to_owned(),
            words: case.words,
            status: CaseStatus::Open,
            opened_by: caller.actor,
            opened_at: now,
            due_on: case.kind.due_on(today),
            note: None,
            closed_by: None,
            closed_at: None,
        };
        if !cases::insert(&mut tx, &row).await? {
            // Somebody opened it between our look and our insert, which waited for them.
            let standing = cases::find_open(&mut tx, row.customer_id, &row.kind).await?;
            return standing.ok_or_else(|| Refusal::not_found("case").into());
        }
        let stream = Trail::stream(row.conversation_id, row.credit_line_id);
        let payload = json!({
            "case_id": row.id, "reference": row.reference, "kind": row.kind, "customer_id": row.customer_id,
            "words": row.words, "due_on": row.due_on, "authorised": permit,
        });
        self.trail(&mut tx, stream, "case.opened", payload).await?;
        if let Some(flag) = case.kind.flag() {
            let source = format!("case {}", row.reference);
            self.raise_in(&mut tx, permit, row.customer_id, line.as_ref(), flag, &source).await?;
        }
        tx.commit().await?;
        Ok(row)
    }

    /// Closes a case. Its flag stays until it is cleared.
    pub async fn close_case(
        &self,
        caller: Caller,
        id: CaseId,
        note: &str,
        key: &Key,
    ) -> Result<CaseRow, ServicingError> {
        let permit = authorise(caller, UseCase::Serve, None, self.now())?;
        let mut work = match self.begin(permit, key, &("close_case", id, note)).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let closed = cases::close(work.conn(), id, note, caller.actor, self.now()).await?;
        let row = cases::find(work.conn(), id).await?.ok_or_else(|| Refusal::not_found("case"))?;
        if !closed {
            return Err(Refusal::new(RefusalCode::CaseClosed, "This case is closed.").into());
        }
        let stream = Trail::stream(row.conversation_id, row.credit_line_id);
        let payload =
            json!({"case_id": id, "reference": row.reference, "note": note, "authorised": permit});
        self.trail(work.conn(), stream, "case.closed", payload).await?;
        work.finish(row).await
    }

    /// The customer's cases, oldest first.
    pub async fn list_cases(
        &self,
        caller: Caller,
        customer_id: CustomerId,
    ) -> Result<Vec<CaseRow>, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        let mut conn = self.pool_for(caller).acquire().await?;
        Ok(cases::list_of_customer(&mut conn, customer_id).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_own_word_and_says_what_we_do_in_both_languages() {
        for kind in CaseKind::ALL {
            assert_eq!(CaseKind::parse(kind.as_str()), Some(kind));
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            let english = kind.promise(Language::English);
            assert!(english.ends_with('.') && english != kind.promise(Language::Spanish));
        }
    }

    #[test]
    fn a_case_is_due_by_its_own_clock() {
        let friday: NaiveDate = "2026-11-20".parse().unwrap();
        let due = |kind: CaseKind| kind.due_on(friday).to_string();
        assert_eq!(due(CaseKind::Dispute), "2026-12-20");
        assert_eq!(due(CaseKind::Complaint), "2026-12-05");
        assert_eq!(due(CaseKind::Bankruptcy), "2026-11-23");
        assert_eq!(due(CaseKind::CeaseContact), "2026-12-07");
    }
}
