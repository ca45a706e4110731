//! How much is taken for a statement: what was agreed, less what is paid or arranged otherwise, and never more than is owed and not
//! disputed.

use chrono::NaiveDate;
use credit::Position;
use money::Cents;
use store::payments::{AmountKind, PaymentRow, PaymentStatus};

use crate::lines::statement_balance_left;

/// What was agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Agreed {
    pub(super) kind: AmountKind,
    /// Of a fixed amount.
    pub(super) amount: Option<Cents>,
}

/// What is arranged beside: chosen by the customer, and not credited yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Arranged {
    /// For the due date or before.
    pub(super) by_due: Cents,
    pub(super) at_all: Cents,
}

/// What will or may still be taken, for a debit on `on`; the rows are the line's that nothing stands against.
pub(super) fn arranged(payments: &[PaymentRow], on: NaiveDate) -> Arranged {
    let underway =
        |row: &&PaymentRow| matches!(row.status, PaymentStatus::Scheduled | PaymentStatus::Pending);
    let underway: Vec<&PaymentRow> = payments.iter().filter(underway).collect();
    Arranged {
        by_due: underway.iter().filter(|row| row.authorised_on <= on).map(|row| row.amount).sum(),
        at_all: underway.iter().map(|row| row.amount).sum(),
    }
}

/// What is to be taken, as the line stands; zero where nothing is.
pub(super) fn wanted(
    agreed: Agreed,
    position: &Position,
    payoff: Cents,
    arranged: Arranged,
) -> Cents {
    let wished = match agreed.kind {
        AmountKind::Minimum => position.minimum_due,
        AmountKind::Statement => statement_balance_left(position),
        AmountKind::Exact => (agreed.amount.unwrap_or_default() - paid_since(position)).or_zero(),
        AmountKind::Payoff => payoff,
    };
    let most = (payoff - position.disputed - arranged.at_all).or_zero();
    (wished - arranged.by_due).or_zero().min(most)
}

/// What the customer has paid since the last statement closed.
fn paid_since(position: &Position) -> Cents {
    let closed_on = position.last_statement.as_ref().map(|statement| statement.closed_on);
    let since = |on: NaiveDate| closed_on.is_some_and(|closed_on| on > closed_on);
    let payments = position.allocations.iter().filter(|one| since(one.effective_on));
    payments.map(|one| one.amount).sum()
}
