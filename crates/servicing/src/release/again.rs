//! A payment that came back comes back again, with another code (docs/payments.md, "Coming back").
//!
//! Invariants: it is undone once, and stays recorded with its first code; what each further code asks for is done once, a person
//! is told, and its retry is not made. The same code again says nothing new.

use chrono::NaiveDate;
use nacha::ReturnCode;
use rails::ReturnRules;
use serde_json::json;
use sqlx::PgConnection;
use store::{
    credit_lines::CreditLineRow,
    payments::{self, PaymentRow, PaymentStatus},
    rail_files,
};

use super::undone::DESK;
use crate::{Servicing, ServicingError, work::Trail};

/// The first word of the note, before the code, of a payment that came back again, and why its retry is not made.
pub(super) const AGAIN: &str = "returned_again";

impl Servicing {
    /// Does what a further code asks for; `false` where that was done before. The line is held.
    pub(super) async fn returned_again(
        &self,
        conn: &mut PgConnection,
        line: &CreditLineRow,
        payment: &PaymentRow,
        (code, returned_on): (ReturnCode, NaiveDate),
    ) -> Result<bool, ServicingError> {
        let (rules, reference) = (ReturnRules::embedded()?, &payment.reference);
        let first = payment.return_code.as_deref().unwrap_or_default();
        let note = format!("{AGAIN} {code}");
        if first == code.to_string()
            || !rail_files::note_once(conn, reference, &note, self.now()).await?
        {
            return Ok(false);
        }
        tracing::error!(payment.id = %payment.id, "payment {reference} came back with {code}, and before with {first}");
        let rule = rules.of(code);
        let late = payment.settle_on.is_some_and(|on| rules.late(code, on, returned_on));
        let payload = json!({
            "payment_id": payment.id, "reference": reference, "return_code": code, "before": first,
            "returned_on": returned_on, "action": rule.action, "late": late,
        });
        let stream = Trail::stream(None, Some(payment.credit_line_id));
        self.trail(conn, stream, "return.again", payload).await?;
        let words = format!(
            "Payment {reference} came back with {code} although it had come back with {first}."
        );
        // Whatever the code says, that there are two is looked into.
        let mut rule = rule.clone();
        rule.desk.get_or_insert_with(|| DESK.to_owned());
        self.act_on_return(conn, line, payment, (&rule, words)).await?;
        if late {
            let words = format!(
                "Payment {reference} came back with {code} later than the bank may send it back."
            );
            self.open_desk_case(conn, payment, DESK, words).await?;
        }
        self.stop_retry(conn, payment).await?;
        Ok(true)
    }

    /// Why a retry is not made of a payment that came back again. It is told at the desk.
    pub(super) async fn retry_disowned(
        &self,
        conn: &mut PgConnection,
        returned: &PaymentRow,
    ) -> Result<Option<String>, ServicingError> {
        let again = rail_files::noted(conn, &returned.reference, AGAIN).await?;
        Ok(again.then(|| AGAIN.to_owned()))
    }

    /// Holds back the retry that has not left. One that is still to be scheduled finds the note.
    async fn stop_retry(
        &self,
        conn: &mut PgConnection,
        returned: &PaymentRow,
    ) -> Result<(), ServicingError> {
        let payments = payments::list_of_line(conn, returned.credit_line_id).await?;
        let retry = payments.into_iter().find(|one| one.retry_of == Some(returned.id));
        match retry {
            Some(retry) if retry.status == PaymentStatus::Scheduled => {
                self.hold_back(conn, retry, AGAIN).await
            }
            _ => Ok(()),
        }
    }
}
