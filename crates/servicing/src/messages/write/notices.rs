//! What the law or a person's act has us give: a statement, the finding on a dispute, a refund that did not go by bank, and which cheque
//! was sent or is void.

use documents::{MessageKind, Value};
use money::Cents;
use sqlx::PgConnection;
use store::{disputes, refunds::RefundCause};

use super::{Drafted, Told, With, values};
use crate::{
    ServicingError,
    refunds::{CREDIT_BALANCE_USED, TIMED_OUT},
};

/// A statement that must be sent (12 CFR 1026.5(b)(2)(i)). Any other is there to be opened and asks for nothing; one that did would
/// be sent, as nobody is late with what they were not told of.
pub(super) fn statement(told: &Told<'_>) -> Result<Option<Drafted>, ServicingError> {
    let minimum: Cents = told.need("minimum_due_cents")?;
    if !told.need::<bool>("must_be_sent")? && !minimum.is_positive() {
        return Ok(None);
    }
    let said = values([
        ("closed_on", Value::Date(told.need("closed_on")?)),
        ("due_on", told.date("due_on")),
        ("balance", Value::Money(told.need("new_balance_cents")?)),
        ("minimum", Value::Money(minimum)),
    ]);
    let with = With { statement: Some(told.need("number")?), ..With::default() };
    Ok(Some((MessageKind::StatementReady, said, with)))
}

/// What was said of the finding stands with the dispute: words do not leave with an event.
pub(super) async fn dispute(
    conn: &mut PgConnection,
    told: &Told<'_>,
) -> Result<Drafted, ServicingError> {
    let found = disputes::find(conn, told.need("dispute_id")?).await?;
    let explanation = found
        .and_then(|row| row.explanation)
        .ok_or(ServicingError::Stored { what: "explanation of a dispute", source: None })?;
    let error: Cents = told.need("error_cents")?;
    let said = values([
        ("amount", Value::Money(told.need("amount_cents")?)),
        ("error", if error.is_zero() { Value::Nothing } else { Value::Money(error) }),
        ("explanation", Value::Text(explanation)),
        ("reference", Value::Text(told.need("dispute_id")?)),
    ]);
    Ok((MessageKind::DisputeResolved, said, With::default()))
}

/// That a refund which the customer asked for does not come by bank; of what goes back unasked there is no news before it is sent.
pub(super) fn refund_not_sent(told: &Told<'_>) -> Result<Option<Drafted>, ServicingError> {
    if told.need::<RefundCause>("cause")? != RefundCause::Asked {
        return Ok(None);
    }
    let why = told.get::<String>("why").unwrap_or_default();
    let said = values([
        ("amount", Value::Money(told.need("amount_cents")?)),
        ("used", Value::Flag(why == CREDIT_BALANCE_USED)),
        ("again", Value::Flag(why == TIMED_OUT)),
        ("on", told.date("pay_by")),
        ("reference", Value::Text(told.need("reference")?)),
    ]);
    Ok(Some((MessageKind::RefundNotSent, said, With::default())))
}

/// Of a cheque that was sent, or is void.
pub(super) fn cheque(kind: MessageKind, told: &Told<'_>) -> Result<Drafted, ServicingError> {
    let said = values([
        ("amount", Value::Money(told.need("amount_cents")?)),
        ("cheque", Value::Text(told.need("number")?)),
        ("on", Value::Date(told.need("on")?)),
    ]);
    Ok((kind, said, With::default()))
}
