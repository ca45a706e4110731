//! Notices that the law has us give of what staff did to a line: a change in terms, and what was found of a dispute.

use documents::{MessageKind, Value};
use money::Cents;
use sqlx::PgConnection;
use store::disputes;

use super::{Drafted, Told, With, values};
use crate::ServicingError;

pub(super) fn terms(told: &Told<'_>) -> Result<Drafted, ServicingError> {
    let mut changes = Vec::new();
    told_of(&told.need::<serde_json::Value>("changes")?, &mut Vec::new(), &mut changes);
    let said = values([
        ("on", Value::Date(told.need("effective_on")?)),
        ("changes", Value::Text(changes.join("; "))),
    ]);
    Ok((MessageKind::TermsChanged, said, With::default()))
}

/// `fees, late, amount: 20.00` of each thing that changes, as the product file names it.
fn told_of<'a>(change: &'a serde_json::Value, path: &mut Vec<&'a str>, into: &mut Vec<String>) {
    if let serde_json::Value::Object(fields) = change {
        for (name, value) in fields {
            path.push(name);
            told_of(value, path, into);
            path.pop();
        }
        return;
    }
    let value = change.as_str().map_or_else(|| change.to_string(), str::to_owned);
    into.push(format!("{}: {value}", path.join(", ")).replace('_', " "));
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
