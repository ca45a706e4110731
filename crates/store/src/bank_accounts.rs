//! The customers' bank accounts: an ending anybody may see, and a sealed number that only the role of the rails can read.

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

/// Where a bank account is, sealed under a key that the store does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedNumber {
    pub bank_account_id: BankAccountId,
    pub key_id: String,
    pub sealed: Vec<u8>,
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

pub async fn insert(conn: &mut PgConnection, account: &BankAccount) -> Result<(), StoreError> {
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
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps where the account is from now on.
pub async fn insert_number(
    conn: &mut PgConnection,
    number: &SealedNumber,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO bank_account_numbers (bank_account_id, sealed_at, key_id, sealed) VALUES ($1, $2, $3, $4)",
        number.bank_account_id.as_uuid(),
        at,
        number.key_id,
        number.sealed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What is shown of an account after the bank corrected its number.
pub async fn correct(
    conn: &mut PgConnection,
    id: BankAccountId,
    kind: BankAccountKind,
    ending: &str,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE bank_accounts SET kind = $2, ending = $3 WHERE id = $1",
        id.as_uuid(),
        kind.as_str(),
        ending,
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

/// The numbers as they were known at an instant, for the writer of a rail file; needs the role of the rails.
pub async fn numbers(
    conn: &mut PgConnection,
    ids: &[BankAccountId],
    known_at: DateTime<Utc>,
) -> Result<Vec<SealedNumber>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    let rows = sqlx::query!(
        "SELECT DISTINCT ON (bank_account_id) bank_account_id, key_id, sealed
         FROM bank_account_numbers WHERE bank_account_id = ANY($1) AND sealed_at <= $2
         ORDER BY bank_account_id, n DESC",
        &ids,
        known_at,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| SealedNumber {
            bank_account_id: BankAccountId::from_uuid(row.bank_account_id),
            key_id: row.key_id,
            sealed: row.sealed,
        })
        .collect())
}

/// A number that another key than this one sealed.
pub struct SealedOtherwise {
    pub number: SealedNumber,
    /// Which of the account's numbers it is.
    pub n: i64,
    pub customer_id: CustomerId,
}

/// Some of them, those after the account's `n` in `after`, held until the end of the transaction; needs the role of the rails.
pub async fn list_sealed_otherwise(
    conn: &mut PgConnection,
    key_id: &str,
    after: Option<(BankAccountId, i64)>,
    limit: i64,
) -> Result<Vec<SealedOtherwise>, StoreError> {
    let (after_id, after_n) = after.unzip();
    let rows = sqlx::query!(
        "SELECT n.bank_account_id, n.n, n.key_id, n.sealed, a.customer_id
         FROM bank_account_numbers n JOIN bank_accounts a ON a.id = n.bank_account_id
         WHERE n.key_id <> $1 AND ($2::uuid IS NULL OR (n.bank_account_id, n.n) > ($2, $3::bigint))
         ORDER BY n.bank_account_id, n.n LIMIT $4 FOR UPDATE OF n",
        key_id,
        after_id.map(BankAccountId::as_uuid),
        after_n,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| SealedOtherwise {
            number: SealedNumber {
                bank_account_id: BankAccountId::from_uuid(row.bank_account_id),
                key_id: row.key_id,
                sealed: row.sealed,
            },
            n: row.n,
            customer_id: CustomerId::from_uuid(row.customer_id),
        })
        .collect())
}

/// Puts the same number, sealed anew, in its place; needs the role of the rails.
pub async fn reseal(
    conn: &mut PgConnection,
    n: i64,
    number: &SealedNumber,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE bank_account_numbers SET key_id = $3, sealed = $4 WHERE bank_account_id = $1 AND n = $2",
        number.bank_account_id.as_uuid(),
        n,
        number.key_id,
        number.sealed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Nothing is sent to it any more.
pub async fn disable(conn: &mut PgConnection, id: BankAccountId) -> Result<(), StoreError> {
    sqlx::query!("UPDATE bank_accounts SET status = 'disabled' WHERE id = $1", id.as_uuid())
        .execute(conn)
        .await?;
    Ok(())
}
