//! A lower credit limit, at the customer's wish. A higher one is an application.

use credit::LineEventBody;
use identity::CustomerId;
use money::Cents;
use serde_json::json;
use store::intents::ReceiptRow;

use crate::{
    Caller, Key, Level, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    words::shown,
    work::{Begun, Trail},
};

impl Servicing {
    /// Lowers the customer's credit limit; what is owed stays as it is. Needs a step-up (L3).
    pub async fn lower_limit(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        to: Cents,
        key: &Key,
    ) -> Result<ReceiptRow, ServicingError> {
        let permit = authorise(caller, UseCase::MoveMoney, Some(customer_id), self.now())?;
        if caller.level < Level::L3 {
            return Err(Refusal::level_too_low(caller.level, Level::L3).into());
        }
        let request = ("lower_limit", customer_id, to);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let mut line = self.hold_own_line(work.conn(), customer_id).await?;
        let today = self.today();
        let before = line.position(today)?.credit_limit;
        if !to.is_positive() || to >= before {
            let sentence = if to.is_positive() {
                format!("{to} is not below the limit of {before}.")
            } else {
                "A limit is an amount above zero.".to_owned()
            };
            return Err(Refusal::new(RefusalCode::LimitNotLower, sentence).into());
        }
        let body = LineEventBody::LimitChanged { credit_limit: to, reason: "customer".to_owned() };
        let seq = self.post(work.conn(), &mut line, today, body).await?;
        let id = line.row.id;
        let payload = json!({
            "customer_id": customer_id, "credit_line_id": id, "credit_limit_cents": to, "before_cents": before,
            "event_seq": seq, "authorised": permit,
        });
        self.trail(work.conn(), Trail::stream(None, Some(id)), "line.limit_lowered", payload)
            .await?;
        let position = line.position(today)?;
        let mut text = format!("Your credit limit is now {to}. It was {before}.");
        if position.principal_balance > to {
            text.push_str(" What you owe stays as it is; nothing more can be drawn until it is below the limit.");
        }
        let fields = vec![
            shown("credit_limit", "credit limit", to.to_string()),
            shown("available", "available", position.available_credit.to_string()),
        ];
        let of = (customer_id, id);
        let receipt = self.keep_receipt(work.conn(), of, ("limit_lowered", text), fields).await?;
        work.finish(receipt).await
    }
}
