//! The customers' bank accounts: an ending anybody may see, and a number that only the role of the rails can read.

use chrono::{DateTime, Utc};
use identity::{BankAccountId, CustomerId};
use serde::Serialize;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::StoreError;

text_enum! {
    BankAccountKind {
        Checking = "checking",
        Savings = "savings",
    }
}

text_enum! {
    BankAccountStatus {
        Verified = "verified",
        Disabled = "disabled",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BankAccount {
    pub id: BankAccountId,
    pub customer_id: CustomerId,
    pub kind: BankAccountKind,
    pub bank_name: String,
    pub ending: String,
    pub status: BankAccountStatus,
    pub added_at: DateTime<Utc>,
}

/// A bank account's number, on its way to a rail file. It has no `Debug` and no `Serialize`.
pub struct BankAccountNumber {
    pub bank_account_id: BankAccountId,
    pub routing_number: String,
    pub account_number: String,
}

macro_rules! select_bank_accounts {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            r#"SELECT id, customer_id, kind AS "kind: BankAccountKind", bank_name, ending,
                      status AS "status: BankAccountStatus", added_at
               FROM bank_accounts "# + $tail
            $(, $arg)*
        )
        .map(|row| BankAccount {
            id: BankAccountId::from_uuid(row.id),
            customer_id: CustomerId::from_uuid(row.customer_id),
            kind: row.kind,
            bank_name: row.bank_name,
            ending: row.ending,
            status: row.status,
            added_at: row.added_at,
        })
    };
}

pub async fn insert(
    conn: &mut PgConnection,
    account: &BankAccount,
    number: &BankAccountNumber,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO bank_accounts (id, customer_id, kind, bank_name, ending, status, added_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        account.id.as_uuid(),
        account.customer_id.as_uuid(),
        account.kind.as_str(),
        account.bank_name,
        account.ending,
        account.status.as_str(),
        account.added_at,
    )
    .execute(&mut *conn)
    .await?;
    sqlx::query!(
        "INSERT INTO bank_account_numbers (bank_account_id, routing_number, account_number) VALUES ($1, $2, $3)",
        account.id.as_uuid(),
        number.routing_number,
        number.account_number,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn find(
    conn: &mut PgConnection,
    id: BankAccountId,
) -> Result<Option<BankAccount>, StoreError> {
    Ok(select_bank_accounts!("WHERE id = $1", id.as_uuid()).fetch_optional(conn).await?)
}

pub async fn list_of_customer(
    conn: &mut PgConnection,
    customer_id: CustomerId,
) -> Result<Vec<BankAccount>, StoreError> {
    Ok(select_bank_accounts!("WHERE customer_id = $1 ORDER BY added_at, id", customer_id.as_uuid())
        .fetch_all(conn)
        .await?)
}

/// The numbers, for the writer of a rail file; needs the role of the rails.
pub async fn numbers(
    conn: &mut PgConnection,
    ids: &[BankAccountId],
) -> Result<Vec<BankAccountNumber>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let rows = sqlx::query!(
        "SELECT bank_account_id, routing_number, account_number FROM bank_account_numbers
         WHERE bank_account_id = ANY($1)",
        &ids,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| BankAccountNumber {
            bank_account_id: BankAccountId::from_uuid(row.bank_account_id),
            routing_number: row.routing_number,
            account_number: row.account_number,
        })
        .collect())
}

/// No debit will ever be tried on it again.
pub async fn disable(conn: &mut PgConnection, id: BankAccountId) -> Result<(), StoreError> {
    sqlx::query!("UPDATE bank_accounts SET status = 'disabled' WHERE id = $1", id.as_uuid())
        .execute(conn)
        .await?;
    Ok(())
}
