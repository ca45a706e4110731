//! A credit balance leaves once: as a refund, as a cheque, or as part of a draw.
//!
//! Invariant: whoever lets money leave asks here under the line's lock, and what was let go before and is not charged yet counts. What is
//! absent: what may be drawn (`credit::quote_draw`).

use credit::Position;
use money::Cents;
use sqlx::PgConnection;
use store::{
    cases,
    refunds::{self, RefundStatus},
};

use super::DESK_CASE;
use crate::{Servicing, ServicingError, lines::Line};

impl Servicing {
    /// What may be on its way back to the customer and is not charged yet: no draw counts on it.
    pub(crate) async fn going_back(
        &self,
        conn: &mut PgConnection,
        line: &Line,
        position: &Position,
    ) -> Result<Cents, ServicingError> {
        let refunds = refunds::list_of_line(conn, line.row.id).await?;
        let at_the_bank = refunds.iter().filter(|one| one.status == RefundStatus::Pending);
        let by_bank: Cents = at_the_bank.map(|one| one.amount).sum();
        // A person has it: a cheque, which is of all of it, may have been sent and not be recorded yet.
        let by_cheque = match cases::find_open(conn, line.row.customer_id, DESK_CASE).await? {
            Some(_) => position.credit_balance,
            None => Cents::ZERO,
        };
        Ok(by_bank.max(by_cheque))
    }
}

/// Whether draws that are on their way need some of this to stay within the limit.
pub(crate) fn needed_by_draws(position: &Position, amount: Cents) -> bool {
    let used = position.principal_balance + position.draws_held;
    position.draws_held.is_positive()
        && position.credit_limit + position.credit_balance - used < amount
}
