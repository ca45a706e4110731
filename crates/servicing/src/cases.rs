//! Cases: a right that the customer invoked becomes a record in the same turn, with the flag that goes with it and the
//! day by which it must be answered.
//!
//! Invariants: opening is safe to repeat (one open case of a kind for a customer, to which whatever comes meanwhile is added); it
//! asks for no confirmation; what it raises only ever stops us from doing something. What is absent: recognising the words (`assistant`).

mod kind;

use credit::FlagKind;
use identity::{Actor, CaseId, ConversationId, CreditLineId, CustomerId};
use serde::Serialize;
use serde_json::json;
use sqlx::PgConnection;
use store::{
    autopays::AutopayRow,
    cases::{self, CaseRow, CaseStatus},
    draws::DrawRow,
    outbound::OutboundRow,
    payments::PaymentRow,
    refunds::RefundRow,
    revocations,
};
use uuid::Uuid;

pub use kind::CaseKind;

use crate::{
    Caller, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    conversations::checked_text,
    flags,
    reference::reference,
    work::{Begun, Trail},
};

/// A case to be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewCase {
    pub customer_id: CustomerId,
    pub conversation_id: Option<ConversationId>,
    pub kind: CaseKind,
    /// What the customer said, as they said it.
    pub words: String,
}

/// What the desk is to look into.
pub(crate) struct About {
    pub(crate) customer_id: CustomerId,
    pub(crate) credit_line_id: CreditLineId,
    /// By which name and id the record knows it.
    what: (&'static str, Uuid),
}

impl From<&PaymentRow> for About {
    fn from(payment: &PaymentRow) -> Self {
        let PaymentRow { customer_id, credit_line_id, id, .. } = *payment;
        Self { customer_id, credit_line_id, what: ("payment_id", id.as_uuid()) }
    }
}

impl From<&DrawRow> for About {
    fn from(draw: &DrawRow) -> Self {
        let DrawRow { customer_id, credit_line_id, id, .. } = *draw;
        Self { customer_id, credit_line_id, what: ("draw_id", id.as_uuid()) }
    }
}

impl From<&RefundRow> for About {
    fn from(refund: &RefundRow) -> Self {
        let RefundRow { customer_id, credit_line_id, id, .. } = *refund;
        Self { customer_id, credit_line_id, what: ("refund_id", id.as_uuid()) }
    }
}

impl From<&AutopayRow> for About {
    fn from(autopay: &AutopayRow) -> Self {
        let AutopayRow { customer_id, credit_line_id, id, .. } = *autopay;
        Self { customer_id, credit_line_id, what: ("autopay_id", id.as_uuid()) }
    }
}

impl About {
    /// A message of a line.
    pub(crate) fn message(message: &OutboundRow) -> Option<Self> {
        let OutboundRow { customer_id, credit_line_id, id, .. } = *message;
        let what = ("message_id", id.as_uuid());
        Some(Self { customer_id, credit_line_id: credit_line_id?, what })
    }
}

/// How a case is closed.
#[derive(Clone, Copy, Debug)]
pub struct Closing<'a> {
    /// What was done.
    pub note: &'a str,
    /// Whether the flag that the case raised goes with it.
    pub clear_flag: bool,
}

/// The flag that closing a case may clear: the one its kind raises, while it stands and no other open case keeps it.
/// `cases` are the customer's, `standing` the flags that stand on them.
#[must_use]
pub fn offered<'a>(
    case: &CaseRow,
    cases: impl IntoIterator<Item = &'a CaseRow>,
    standing: &[FlagKind],
) -> Option<FlagKind> {
    let flag = flag_of(&case.kind).filter(|flag| standing.contains(flag))?;
    let keeps = |other: &CaseRow| {
        other.id != case.id
            && other.customer_id == case.customer_id
            && other.status == CaseStatus::Open
            && flag_of(&other.kind) == Some(flag)
    };
    (!cases.into_iter().any(keeps)).then_some(flag)
}

/// The flag behind a kind of case, a right of the customer's or work of ours.
fn flag_of(kind: &str) -> Option<FlagKind> {
    match kind {
        // What a return code that speaks of fraud opens beside the flag.
        "fraud_review" => Some(FlagKind::Fraud),
        kind => CaseKind::parse(kind)?.flag(),
    }
}

fn nothing_to_clear() -> Refusal {
    Refusal::new(
        RefusalCode::FlagNotStanding,
        "No flag goes with this case: it has none, the flag was cleared before, or another open case keeps it.",
    )
}

impl Servicing {
    /// Opens a case and raises its flag, in one transaction. Where one of the kind is open already, that one is answered;
    /// what the customer said again counts again: it is recorded, it revokes, and a flag that was cleared is raised.
    pub async fn open_case(
        &self,
        caller: Caller,
        case: NewCase,
    ) -> Result<CaseRow, ServicingError> {
        let now = self.now();
        let permit = authorise(caller, UseCase::Protect, Some(case.customer_id), now)?;
        let mut tx = self.pool_for(caller).begin().await?;
        let line = self.hold_line_of(&mut tx, case.customer_id).await?;
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
        let (standing, fresh) = self.open_or_join(&mut tx, &row).await?;
        let source = format!("case {}", standing.reference);
        let revokes = case.kind == CaseKind::StopPayment;
        if revokes {
            revocations::insert(&mut tx, row.customer_id, now, &source).await?;
        }
        let stream = Trail::stream(row.conversation_id, row.credit_line_id);
        let payload = json!({
            "case_id": standing.id, "reference": standing.reference, "kind": standing.kind,
            "customer_id": row.customer_id, "credit_line_id": row.credit_line_id, "words": row.words,
            "due_on": standing.due_on, "revoked_at": revokes.then_some(now), "authorised": permit,
        });
        let kind = if fresh { "case.opened" } else { "case.repeated" };
        self.trail(&mut tx, stream, kind, payload).await?;
        if let Some(flag) = case.kind.flag() {
            self.raise_in(&mut tx, permit, row.customer_id, line.as_ref(), (flag, &source)).await?;
        }
        tx.commit().await?;
        Ok(standing)
    }

    /// Closes a case. Its flag stays until it is cleared, with the case (`clear_flag`) or by itself.
    pub async fn close_case(
        &self,
        caller: Caller,
        id: CaseId,
        Closing { note, clear_flag }: Closing<'_>,
        key: &Key,
    ) -> Result<CaseRow, ServicingError> {
        let note = checked_text(note)?;
        let permit = authorise(caller, UseCase::Serve, None, self.now())?;
        let mut work = match self.begin(permit, key, &("close_case", id, note, clear_flag)).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let row = cases::find(work.conn(), id).await?.ok_or_else(|| Refusal::not_found("case"))?;
        let line = self.hold_line_of(work.conn(), row.customer_id).await?;
        let offered = self.flag_offered(work.conn(), &row).await?;
        if !cases::close(work.conn(), id, note, caller.actor, self.now()).await? {
            return Err(Refusal::new(RefusalCode::CaseClosed, "This case is closed.").into());
        }
        let cleared = match (clear_flag, offered) {
            (false, _) => None,
            (true, Some(flag)) => Some(flag),
            (true, None) => return Err(nothing_to_clear().into()),
        };
        let row = cases::find(work.conn(), id).await?.ok_or_else(|| Refusal::not_found("case"))?;
        let stream = Trail::stream(row.conversation_id, row.credit_line_id);
        let payload = json!({
            "case_id": id, "reference": row.reference, "note": note, "flag_cleared": cleared, "authorised": permit,
        });
        self.trail(work.conn(), stream, "case.closed", payload).await?;
        if let Some(flag) = cleared {
            let of = (flag, note);
            self.clear_in(work.conn(), permit, row.customer_id, line.as_ref(), of).await?;
        }
        work.finish(row).await
    }

    /// The flag that closing this case may clear.
    async fn flag_offered(
        &self,
        conn: &mut PgConnection,
        case: &CaseRow,
    ) -> Result<Option<FlagKind>, ServicingError> {
        let of_customer = cases::list_of_customer(conn, case.customer_id).await?;
        let standing = flags::standing(conn, case.customer_id).await?;
        let kinds: Vec<FlagKind> = standing.into_iter().map(|flag| flag.kind).collect();
        Ok(offered(case, &of_customer, &kinds))
    }

    /// The customer's cases, oldest first.
    pub async fn list_cases(
        &self,
        caller: Caller,
        customer_id: CustomerId,
    ) -> Result<Vec<CaseRow>, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        let mut conn = self.pool_for(caller).acquire().await?;
        let mut cases = cases::list_of_customer(&mut conn, customer_id).await?;
        if matches!(caller.actor, Actor::Customer { .. }) {
            // What the desk looks into by itself is no case of the customer's.
            cases.retain(|case| CaseKind::parse(&case.kind).is_some());
        }
        Ok(cases)
    }

    /// Gives the desk something to look into: work of ours, not a right of the customer's. One of a kind is open at a time, and holds
    /// what comes while it is.
    pub(crate) async fn open_desk_case(
        &self,
        conn: &mut PgConnection,
        about: impl Into<About>,
        kind: &str,
        words: String,
    ) -> Result<(), ServicingError> {
        let About { customer_id, credit_line_id, what: (name, what_id) } = about.into();
        let now = self.now();
        let permit = authorise(Caller::system(), UseCase::Protect, Some(customer_id), now)?;
        let id = CaseId::mint(now);
        let row = CaseRow {
            id,
            reference: reference("CAS", id.as_uuid()),
            customer_id,
            credit_line_id: Some(credit_line_id),
            conversation_id: None,
            kind: kind.to_owned(),
            words,
            status: CaseStatus::Open,
            opened_by: Caller::system().actor,
            opened_at: now,
            due_on: calendar::add_banking_days(self.today(), 1),
            note: None,
            closed_by: None,
            closed_at: None,
        };
        let (standing, fresh) = self.open_or_join(conn, &row).await?;
        let payload = json!({
            "case_id": standing.id, "kind": kind, "customer_id": row.customer_id,
            "credit_line_id": row.credit_line_id, name: what_id, "words": row.words,
            "due_on": row.due_on, "authorised": permit,
        });
        let stream = Trail::stream(None, Some(credit_line_id));
        let leaf = if fresh { "case.opened" } else { "case.repeated" };
        self.trail(conn, stream, leaf, payload).await
    }
}
