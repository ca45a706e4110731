//! The rights a customer can invoke: the flag each one raises, the day by which it is answered, and what the customer is
//! told, in our words.

use calendar::add_banking_days;
use chrono::{Days, NaiveDate};
use credit::FlagKind;
use serde::{Deserialize, Serialize};
use store::customers::Language;

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

    /// The flag that such a case raises.
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
        match self {
            Self::Crisis => CRISIS,
            Self::IdentityTheft => IDENTITY_THEFT,
            Self::Unauthorised => UNAUTHORISED,
            Self::Bankruptcy => BANKRUPTCY,
            Self::Death => DEATH,
            Self::Attorney => ATTORNEY,
            Self::CeaseContact => CEASE_CONTACT,
            Self::StopPayment => STOP_PAYMENT,
            Self::Military => MILITARY,
            Self::LegalAction => LEGAL_ACTION,
            Self::Dispute => DISPUTE,
            Self::CreditReportError => CREDIT_REPORT_ERROR,
            Self::Hardship => HARDSHIP,
            Self::ReasonsRequest => REASONS_REQUEST,
            Self::Regulator => REGULATOR,
            Self::Complaint => COMPLAINT,
        }
    }
}

const CRISIS: CaseTerms = CaseTerms {
    word: "crisis",
    flag: Some(FlagKind::Vulnerable),
    within: Within::BankingDays(0),
    promise_en: "We have set everything else aside, stopped debits, and asked a person to reach out to you. If you are in danger, call or text 988, or 911.",
    promise_es: "Hemos dejado todo lo demás a un lado, detenido los débitos y pedido que una persona se comunique con usted. Si está en peligro, llame o envíe un mensaje al 988, o llame al 911.",
};

const IDENTITY_THEFT: CaseTerms = CaseTerms {
    word: "identity_theft",
    flag: Some(FlagKind::IdentityTheft),
    within: Within::BankingDays(1),
    promise_en: "We have recorded that this may not be your account. All debits and collection stop while a person looks into it.",
    promise_es: "Hemos registrado que esta cuenta podría no ser suya. Los débitos y los cobros se detienen mientras una persona lo revisa.",
};

const UNAUTHORISED: CaseTerms = CaseTerms {
    word: "unauthorised",
    flag: Some(FlagKind::Fraud),
    within: Within::BankingDays(1),
    promise_en: "We have locked the line, stopped debits and recorded that you did not authorize this. A person looks into it.",
    promise_es: "Hemos bloqueado la línea, detenido los débitos y registrado que usted no autorizó esto. Una persona lo revisa.",
};

const BANKRUPTCY: CaseTerms = CaseTerms {
    word: "bankruptcy",
    flag: Some(FlagKind::Bankruptcy),
    within: Within::BankingDays(1),
    promise_en: "We have recorded what you told us about a bankruptcy. We stop asking for payment and stop debits from today.",
    promise_es: "Hemos registrado lo que nos dijo sobre una bancarrota. Dejamos de pedir pagos y detenemos los débitos a partir de hoy.",
};

const DEATH: CaseTerms = CaseTerms {
    word: "death",
    flag: Some(FlagKind::Deceased),
    within: Within::BankingDays(1),
    promise_en: "We are sorry for your loss. We have stopped debits, and a person will explain what happens next.",
    promise_es: "Lamentamos su pérdida. Hemos detenido los débitos, y una persona explicará lo que sigue.",
};

const ATTORNEY: CaseTerms = CaseTerms {
    word: "attorney",
    flag: Some(FlagKind::Attorney),
    within: Within::BankingDays(1),
    promise_en: "We have recorded that an attorney represents you. A person will take down the details.",
    promise_es: "Hemos registrado que un abogado le representa. Una persona tomará los datos.",
};

const CEASE_CONTACT: CaseTerms = CaseTerms {
    word: "cease_contact",
    flag: Some(FlagKind::Cease),
    within: Within::BankingDays(10),
    promise_en: "We have recorded that you do not want to be contacted. You will hear from us only where the law requires a notice.",
    promise_es: "Hemos registrado que no desea que le contactemos. Solo recibirá los avisos que exige la ley.",
};

const STOP_PAYMENT: CaseTerms = CaseTerms {
    word: "stop_payment",
    flag: None,
    within: Within::BankingDays(1),
    promise_en: "We have recorded that we may no longer take payments you set up before now. None of them that has not yet left will be sent.",
    promise_es: "Hemos registrado que ya no podemos tomar los pagos que programó antes. No se enviará ninguno que aún no haya salido.",
};

const MILITARY: CaseTerms = CaseTerms {
    word: "military",
    flag: Some(FlagKind::Scra),
    within: Within::BankingDays(5),
    promise_en: "We have recorded what you told us about military service. A person will check which protections apply; any form of orders is fine.",
    promise_es: "Hemos registrado lo que nos dijo sobre el servicio militar. Una persona verificará qué protecciones corresponden; aceptamos órdenes en cualquier formato.",
};

const LEGAL_ACTION: CaseTerms = CaseTerms {
    word: "legal_action",
    flag: Some(FlagKind::Litigation),
    within: Within::BankingDays(1),
    promise_en: "We have recorded what you told us about legal action and passed it to a person.",
    promise_es: "Hemos registrado lo que nos dijo sobre acciones legales y lo hemos pasado a una persona.",
};

const DISPUTE: CaseTerms = CaseTerms {
    word: "dispute",
    flag: Some(FlagKind::Dispute),
    within: Within::Days(30),
    promise_en: "We have recorded your dispute and do not collect the disputed part meanwhile. A message here counts as written notice.",
    promise_es: "Hemos registrado su disputa y mientras tanto no cobramos la parte en disputa. Un mensaje aquí cuenta como aviso por escrito.",
};

const CREDIT_REPORT_ERROR: CaseTerms = CaseTerms {
    word: "credit_report_error",
    flag: Some(FlagKind::Dispute),
    within: Within::Days(30),
    promise_en: "We have recorded that your credit report may be wrong. We investigate and answer in writing.",
    promise_es: "Hemos registrado que su informe de crédito podría estar equivocado. Investigamos y respondemos por escrito.",
};

const HARDSHIP: CaseTerms = CaseTerms {
    word: "hardship",
    flag: Some(FlagKind::Hardship),
    within: Within::BankingDays(3),
    promise_en: "We have recorded that paying is hard right now. No late fee is charged meanwhile, and a person will go through the options with you.",
    promise_es: "Hemos registrado que ahora le es difícil pagar. Mientras tanto no se cobra cargo por mora, y una persona revisará las opciones con usted.",
};

const REASONS_REQUEST: CaseTerms = CaseTerms {
    word: "reasons_request",
    flag: None,
    within: Within::Days(30),
    promise_en: "We have recorded that you ask for the specific reasons of our decision.",
    promise_es: "Hemos registrado que solicita las razones específicas de nuestra decisión.",
};

const REGULATOR: CaseTerms = CaseTerms {
    word: "regulator",
    flag: Some(FlagKind::Regulator),
    within: Within::BankingDays(1),
    promise_en: "We have recorded this and passed it to the person who answers regulators.",
    promise_es: "Hemos registrado esto y lo hemos pasado a la persona que responde a los reguladores.",
};

const COMPLAINT: CaseTerms = CaseTerms {
    word: "complaint",
    flag: None,
    within: Within::Days(15),
    promise_en: "We have recorded your complaint. A person acknowledges it and answers it.",
    promise_es: "Hemos registrado su queja. Una persona acusará recibo y le responderá.",
};

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
