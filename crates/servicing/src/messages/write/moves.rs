//! What became of a payment, and of a draw.

use documents::{MessageKind, Value};
use identity::{DrawId, PaymentId};
use sqlx::PgConnection;
use store::{
    draws::{self, DrawRail},
    payments,
};

use super::{Draft, Told, account, values};
use crate::ServicingError;

/// What a return calls for after which its bank account takes no debit any more (`rails/returns.toml`).
const ACCOUNT_ENDS: &str = "disable_account";

pub(super) async fn payment(
    conn: &mut PgConnection,
    told: &Told<'_>,
) -> Result<Option<Draft>, ServicingError> {
    let id: PaymentId = told.need("payment_id")?;
    let Some(row) = payments::find(conn, id).await? else { return Ok(None) };
    let mut said = values([
        ("amount", Value::Money(row.amount)),
        ("account", account(conn, Some(row.bank_account_id)).await?),
        ("on", Value::Date(row.authorised_on)),
        ("reference", Value::Text(row.reference)),
    ]);
    let kind = match told.event.kind.as_str() {
        "payment.scheduled" => {
            let apart = row.debit_on != row.authorised_on;
            let debit_on = if apart { Value::Date(row.debit_on) } else { Value::Nothing };
            said.insert("debit_on".to_owned(), debit_on);
            said.insert("retry".to_owned(), Value::Flag(row.retry_of.is_some()));
            MessageKind::PaymentScheduled
        }
        "payment.credited" => MessageKind::PaymentTaken,
        "payment.reversed" => MessageKind::PaymentReversed,
        // To whom a flag stands against a debit a person speaks.
        "payment.held_back"
            if told.get::<String>("why").is_some_and(|why| why.starts_with("flag:")) =>
        {
            return Ok(None);
        }
        "payment.held_back" => {
            said.insert("by_hand".to_owned(), Value::Flag(true));
            MessageKind::PaymentNotMade
        }
        _ => {
            let ended = told.get::<String>("action").as_deref() == Some(ACCOUNT_ENDS);
            said.insert("account_ended".to_owned(), Value::Flag(ended));
            said.insert("on".to_owned(), Value::Date(told.need("returned_on")?));
            said.insert("retry_on".to_owned(), told.date("retry_on"));
            MessageKind::PaymentReturned
        }
    };
    Ok(Some(Draft {
        kind,
        customer_id: row.customer_id,
        credit_line_id: Some(row.credit_line_id),
        values: said,
        statement: None,
        decision_id: None,
        to: Vec::new(),
    }))
}

pub(super) async fn draw(
    conn: &mut PgConnection,
    told: &Told<'_>,
) -> Result<Option<Draft>, ServicingError> {
    let id: DrawId = told.need("draw_id")?;
    let Some(row) = draws::find(conn, id).await? else { return Ok(None) };
    let by_customer = told.get::<String>("why").as_deref() == Some(crate::draws::CUSTOMER);
    let kind = match told.event.kind.as_str() {
        "draw.released" => MessageKind::DrawSent,
        // At once: it was never on its way.
        "draw.made" if row.rail == DrawRail::Instant => MessageKind::DrawSent,
        "draw.refused" => MessageKind::DrawRefused,
        "draw.voided" if !by_customer => MessageKind::DrawRefused,
        _ => return Ok(None),
    };
    let fee = if row.fee.is_zero() { Value::Nothing } else { Value::Money(row.fee) };
    let said = values([
        ("amount", Value::Money(row.amount)),
        ("fee", fee),
        ("account", account(conn, Some(row.bank_account_id)).await?),
        ("on", Value::Date(row.available_on)),
        ("reference", Value::Text(row.reference)),
    ]);
    Ok(Some(Draft {
        kind,
        customer_id: row.customer_id,
        credit_line_id: Some(row.credit_line_id),
        values: said,
        statement: None,
        decision_id: None,
        to: Vec::new(),
    }))
}
