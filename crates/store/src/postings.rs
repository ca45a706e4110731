//! Postings and what they add up to.
//!
//! A batch of any size is written by one statement. The database checks again that each posting balances, that it has entries
//! and that its month is open (`0007_ledger.sql`).

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

/// Writes the postings in one statement, whatever their number. Each is booked on its value date, or on the first day of the
/// open month where that date lies in a closed one; none of these months is closed before the transaction ends.
pub async fn post(conn: &mut PgConnection, postings: &[NewPosting<'_>]) -> Result<(), StoreError> {
    if postings.is_empty() {
        return Ok(());
    }
    let (heads, entries) = (Heads::of(postings)?, Entries::of(postings)?);
    sqlx::query!(
        "WITH open AS MATERIALIZED (
             SELECT ledger_open_from() AS since
         ), headed AS (
             INSERT INTO postings (id, kind, credit_line_id, event_seq, effective_on, booked_on, recorded_at)
             SELECT n.id, n.kind, n.line, n.seq, n.effective_on, greatest(n.effective_on, open.since), n.recorded_at
               FROM open, unnest($1::uuid[], $2::text[], $3::uuid[], $4::bigint[], $5::date[], $6::timestamptz[])
                    AS n (id, kind, line, seq, effective_on, recorded_at)
         )
         INSERT INTO entries (posting_id, n, account_code, side, amount_cents, credit_line_id, effective_on, booked_on)
         SELECT e.*, greatest(e.effective_on, open.since)
           FROM open, unnest($7::uuid[], $8::smallint[], $9::smallint[], $10::text[], $11::bigint[], $12::uuid[],
                             $13::date[])
                AS e (posting_id, n, account_code, side, amount_cents, line, effective_on)",
        &heads.ids,
        &heads.kinds,
        &heads.lines as &[Option<Uuid>],
        &heads.seqs as &[Option<i64>],
        &heads.effective_on,
        &heads.recorded_at,
        &entries.ids,
        &entries.places,
        &entries.accounts,
        &entries.sides as &[&str],
        &entries.amounts,
        &entries.lines as &[Option<Uuid>],
        &entries.effective_on,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Postings without their entries, column by column.
struct Heads {
    ids: Vec<Uuid>,
    kinds: Vec<String>,
    lines: Vec<Option<Uuid>>,
    seqs: Vec<Option<i64>>,
    effective_on: Vec<NaiveDate>,
    recorded_at: Vec<DateTime<Utc>>,
}

impl Heads {
    fn of(postings: &[NewPosting<'_>]) -> Result<Self, StoreError> {
        let size = postings.len();
        let mut heads = Self {
            ids: Vec::with_capacity(size),
            kinds: Vec::with_capacity(size),
            lines: Vec::with_capacity(size),
            seqs: Vec::with_capacity(size),
            effective_on: Vec::with_capacity(size),
            recorded_at: Vec::with_capacity(size),
        };
        for new in postings {
            heads.ids.push(new.id.as_uuid());
            heads.kinds.push(new.posting.kind().to_owned());
            heads.lines.push(new.credit_line.map(CreditLineId::as_uuid));
            heads.seqs.push(new.event_seq.map(|seq| to_column(seq, "event seq")).transpose()?);
            heads.effective_on.push(new.effective_on);
            heads.recorded_at.push(new.recorded_at);
        }
        Ok(heads)
    }
}

/// The entries of all postings, column by column.
struct Entries {
    ids: Vec<Uuid>,
    places: Vec<i16>,
    accounts: Vec<i16>,
    sides: Vec<&'static str>,
    amounts: Vec<i64>,
    lines: Vec<Option<Uuid>>,
    effective_on: Vec<NaiveDate>,
}

impl Entries {
    fn of(postings: &[NewPosting<'_>]) -> Result<Self, StoreError> {
        let size = postings.iter().map(|new| new.posting.entries().len()).sum();
        let mut entries = Self {
            ids: Vec::with_capacity(size),
            places: Vec::with_capacity(size),
            accounts: Vec::with_capacity(size),
            sides: Vec::with_capacity(size),
            amounts: Vec::with_capacity(size),
            lines: Vec::with_capacity(size),
            effective_on: Vec::with_capacity(size),
        };
        for new in postings {
            for (n, entry) in (0_i16..).zip(new.posting.entries()) {
                entries.ids.push(new.id.as_uuid());
                entries.places.push(n);
                entries.accounts.push(code_to_column(entry.account)?);
                entries.sides.push(side_to_column(entry.side));
                entries.amounts.push(entry.amount.get());
                entries.lines.push(entry.credit_line.map(CreditLineId::as_uuid));
                entries.effective_on.push(new.effective_on);
            }
        }
        Ok(entries)
    }
}

/// The line's buckets as the ledger has them, by account; accounts that come to zero are left out.
pub async fn line_balances(
    conn: &mut PgConnection,
    credit_line: CreditLineId,
) -> Result<Vec<LineBalance>, StoreError> {
    balances_of(conn, &[credit_line]).await
}

/// As [`line_balances`], of many lines in one statement, in the order of their ids.
pub async fn balances_of(
    conn: &mut PgConnection,
    credit_lines: &[CreditLineId],
) -> Result<Vec<LineBalance>, StoreError> {
    let ids: Vec<Uuid> = credit_lines.iter().map(|id| id.as_uuid()).collect();
    let rows = sqlx::query!(
        r#"SELECT credit_line_id AS "credit_line_id!", account_code,
                  sum(CASE side WHEN 'debit' THEN amount_cents ELSE -amount_cents END)::bigint AS "balance!"
             FROM entries WHERE credit_line_id = ANY($1)
            GROUP BY credit_line_id, account_code
           HAVING sum(CASE side WHEN 'debit' THEN amount_cents ELSE -amount_cents END) <> 0
            ORDER BY credit_line_id, account_code"#,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let credit_line = CreditLineId::from_uuid(row.credit_line_id);
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

pub(crate) fn code_from_column(code: i16) -> Result<AccountCode, StoreError> {
    u16::try_from(code)
        .map(AccountCode::new)
        .map_err(|_| StoreError::OutOfRange { what: "account code" })
}
