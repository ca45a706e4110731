//! Which bank account a refund goes to that nobody asked for.

use identity::{BankAccountId, CreditLineId, CustomerId};
use sqlx::PgConnection;
use store::{
    bank_accounts::{self, BankAccountStatus},
    payments::{self, PaymentStatus},
};

use crate::ServicingError;

/// The one that was paid from last, else the only one there is.
pub(super) async fn refund_account(
    conn: &mut PgConnection,
    id: CreditLineId,
    customer_id: CustomerId,
) -> Result<Option<BankAccountId>, ServicingError> {
    let usable: Vec<BankAccountId> = bank_accounts::list_of_customer(conn, customer_id)
        .await?
        .into_iter()
        .filter(|account| account.status == BankAccountStatus::Verified)
        .map(|account| account.id)
        .collect();
    let payments = payments::list_of_line(conn, id).await?;
    let last = payments
        .iter()
        .filter(|payment| payment.status == PaymentStatus::Settled)
        .map(|payment| payment.bank_account_id)
        .find(|account| usable.contains(account));
    let only = usable.first().copied().filter(|_| usable.len() == 1);
    Ok(last.or(only))
}
