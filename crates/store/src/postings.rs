//! Postings and what they add up to.
//!
//! A batch of any size is written by two statements. The database checks again that each posting balances.

use chrono::{DateTime, NaiveDate, Utc};
use identity::{CreditLineId, PostingId};
use ledger::{AccountCode, Posting, Side};
use money::Cents;
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{StoreError, number::to_column};

/// A posting with its dates and its cause.
#[derive(Clone, Debug)]
pub struct NewPosting<'a> {
    pub id: PostingId,
    pub posting: &'a Posting,
    pub credit_line: Option<CreditLineId>,
    /// The line event that caused it, if one did. It can cause one posting of each kind.
    pub event_seq: Option<u64>,
    pub effective_on: NaiveDate,
    pub recorded_at: DateTime<Utc>,
}

/// The sum of a line's entries on one control account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineBalance {
    pub credit_line: CreditLineId,
    pub account: AccountCode,
    /// Debits less credits.
    pub balance: Cents,
}

/// The sum of all entries on one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountTotal {
    pub account: AccountCode,
    pub debits: Cents,
    pub credits: Cents,
}

/// Writes the postings in two statements, whatever their number.
pub async fn post(conn: &mut PgConnection, postings: &[NewPosting<'_>]) -> Result<(), StoreError> {
    if postings.is_empty() {
        return Ok(());
    }
    insert_postings(conn, postings).await?;
    insert_entries(conn, postings).await
}

async fn insert_postings(
    conn: &mut PgConnection,
    postings: &[NewPosting<'_>],
) -> Result<(), StoreError> {
    let mut ids = Vec::with_capacity(postings.len());
    let mut kinds = Vec::with_capacity(postings.len());
    let mut lines = Vec::with_capacity(postings.len());
    let mut seqs = Vec::with_capacity(postings.len());
    let mut dates = Vec::with_capacity(postings.len());
    let mut instants = Vec::with_capacity(postings.len());
    for new in postings {
        ids.push(new.id.as_uuid());
        kinds.push(new.posting.kind().to_owned());
        lines.push(new.credit_line.map(CreditLineId::as_uuid));
        seqs.push(new.event_seq.map(|seq| to_column(seq, "event seq")).transpose()?);
        dates.push(new.effective_on);
        instants.push(new.recorded_at);
    }
    sqlx::query!(
        "INSERT INTO postings (id, kind, credit_line_id, event_seq, effective_on, recorded_at)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::date[], $6::timestamptz[])",
        &ids,
        &kinds,
        &lines as &[Option<Uuid>],
        &seqs as &[Option<i64>],
        &dates,
        &instants,
    )
    .execute(conn)
    .await?;
    Ok(())
}

async fn insert_entries(
    conn: &mut PgConnection,
    postings: &[NewPosting<'_>],
) -> Result<(), StoreError> {
    let mut ids = Vec::new();
    let mut places = Vec::new();
    let mut accounts = Vec::new();
    let mut sides = Vec::new();
    let mut amounts = Vec::new();
    let mut lines = Vec::new();
    let mut dates = Vec::new();
    for new in postings {
        for (n, entry) in (0_i16..).zip(new.posting.entries()) {
            ids.push(new.id.as_uuid());
            places.push(n);
            accounts.push(code_to_column(entry.account)?);
            sides.push(side_to_column(entry.side).to_owned());
            amounts.push(entry.amount.get());
            lines.push(entry.credit_line.map(CreditLineId::as_uuid));
            dates.push(new.effective_on);
        }
    }
    sqlx::query!(
        "INSERT INTO entries (posting_id, n, account_code, side, amount_cents, credit_line_id, effective_on)
         SELECT * FROM unnest($1::uuid[], $2::smallint[], $3::smallint[], $4::text[], $5::bigint[], $6::uuid[],
                              $7::date[])",
        &ids,
        &places,
        &accounts,
        &sides,
        &amounts,
        &lines as &[Option<Uuid>],
        &dates,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The line's buckets as the ledger has them, by account; accounts that come to zero are left out.
pub async fn line_balances(
    conn: &mut PgConnection,
    credit_line: CreditLineId,
) -> Result<Vec<LineBalance>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT account_code,
                  sum(CASE side WHEN 'debit' THEN amount_cents ELSE -amount_cents END)::bigint AS "balance!"
             FROM entries WHERE credit_line_id = $1
            GROUP BY account_code HAVING sum(CASE side WHEN 'debit' THEN amount_cents ELSE -amount_cents END) <> 0
            ORDER BY account_code"#,
        credit_line.as_uuid(),
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let account = code_from_column(row.account_code)?;
            Ok(LineBalance { credit_line, account, balance: Cents::new(row.balance) })
        })
        .collect()
}

/// Debits and credits of every account that was ever posted to.
pub async fn account_totals(conn: &mut PgConnection) -> Result<Vec<AccountTotal>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT account_code,
                  coalesce(sum(amount_cents) FILTER (WHERE side = 'debit'), 0)::bigint AS "debits!",
                  coalesce(sum(amount_cents) FILTER (WHERE side = 'credit'), 0)::bigint AS "credits!"
             FROM entries GROUP BY account_code ORDER BY account_code"#,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(AccountTotal {
                account: code_from_column(row.account_code)?,
                debits: Cents::new(row.debits),
                credits: Cents::new(row.credits),
            })
        })
        .collect()
}

/// Postings that do not balance, or have no entries. The database lets none come about; this looks all the same.
pub async fn find_unbalanced(conn: &mut PgConnection) -> Result<Vec<PostingId>, StoreError> {
    let ids = sqlx::query_scalar!(
        "SELECT p.id FROM postings p LEFT JOIN entries e ON e.posting_id = p.id
          GROUP BY p.id
         HAVING count(e.posting_id) = 0
             OR sum(CASE e.side WHEN 'debit' THEN e.amount_cents ELSE -e.amount_cents END) <> 0
          ORDER BY p.id",
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(PostingId::from_uuid).collect())
}

/// The lines that have events or entries, a page at a time, in the order of their ids.
pub async fn lines_after(
    conn: &mut PgConnection,
    after: Option<CreditLineId>,
    limit: u32,
) -> Result<Vec<CreditLineId>, StoreError> {
    let ids = sqlx::query_scalar!(
        "SELECT credit_line_id FROM line_heads WHERE $1::uuid IS NULL OR credit_line_id > $1
          ORDER BY credit_line_id LIMIT $2",
        after.map(CreditLineId::as_uuid),
        i64::from(limit),
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(CreditLineId::from_uuid).collect())
}

const fn side_to_column(side: Side) -> &'static str {
    match side {
        Side::Debit => "debit",
        Side::Credit => "credit",
    }
}

fn code_to_column(code: AccountCode) -> Result<i16, StoreError> {
    i16::try_from(code.get()).map_err(|_| StoreError::OutOfRange { what: "account code" })
}

fn code_from_column(code: i16) -> Result<AccountCode, StoreError> {
    u16::try_from(code)
        .map(AccountCode::new)
        .map_err(|_| StoreError::OutOfRange { what: "account code" })
}
