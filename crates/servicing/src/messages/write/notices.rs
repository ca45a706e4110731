//! What stands with a dispute or a cheque: the finding, as the law has us give it, and which cheque was sent or is void.

use documents::{MessageKind, Value};
use money::Cents;
use sqlx::PgConnection;
use store::disputes;

use super::{Drafted, Told, With, values};
use crate::ServicingError;

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

/// Of a cheque that was sent, or is void.
pub(super) fn cheque(kind: MessageKind, told: &Told<'_>) -> Result<Drafted, ServicingError> {
    let said = values([
        ("amount", Value::Money(told.need("amount_cents")?)),
        ("cheque", Value::Text(told.need("number")?)),
        ("on", Value::Date(told.need("on")?)),
    ]);
    Ok((kind, said, With::default()))
}
