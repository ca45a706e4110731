//! The postings of one credit line with their entries, as they are read back from the books.
//!
//! A posting is a line's where it was made of an event of it, cash included, or where an entry of it names the line: the first go by
//! `postings_event_unique`, the others by `entries_by_line`, so that what is read goes by the line's own history and not by the
//! books'. What is absent: interest that runs, which is posted for all lines together.

use chrono::{DateTime, NaiveDate, Utc};
use identity::{CreditLineId, PostingId};
use ledger::{Entry, Side};
use money::Cents;
use sqlx::PgConnection;

use crate::{StoreError, number::from_column, postings::code_from_column};

/// A posting as it stands in the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookedPosting {
    pub id: PostingId,
    pub kind: String,
    /// The event of the line that it was made of, if it was made of one.
    pub event_seq: Option<u64>,
    /// The value date.
    pub effective_on: NaiveDate,
    /// The accounting date.
    pub booked_on: NaiveDate,
    pub recorded_at: DateTime<Utc>,
    /// As they were posted.
    pub entries: Vec<Entry>,
}

/// All postings of the line, in the order of their value dates, and of one day as they were recorded. One statement.
pub async fn of_line(
    conn: &mut PgConnection,
    credit_line: CreditLineId,
) -> Result<Vec<BookedPosting>, StoreError> {
    let rows = sqlx::query!(
        r#"WITH own AS (
               SELECT p.id FROM postings p WHERE p.credit_line_id = $1 AND p.event_seq IS NOT NULL
               UNION
               SELECT e.posting_id FROM entries e WHERE e.credit_line_id = $1
           )
           SELECT p.id, p.kind, CASE WHEN p.credit_line_id = $1 THEN p.event_seq END AS event_seq,
                  p.effective_on, p.booked_on, p.recorded_at, e.account_code, e.side = 'debit' AS "debit!",
                  e.amount_cents, e.credit_line_id
             FROM own JOIN postings p ON p.id = own.id JOIN entries e ON e.posting_id = p.id
            ORDER BY p.effective_on, p.recorded_at, p.event_seq, p.id, e.n"#,
        credit_line.as_uuid(),
    )
    .fetch_all(conn)
    .await?;
    let mut postings: Vec<BookedPosting> = Vec::new();
    for row in rows {
        let entry = Entry {
            account: code_from_column(row.account_code)?,
            side: if row.debit { Side::Debit } else { Side::Credit },
            amount: Cents::new(row.amount_cents),
            credit_line: row.credit_line_id.map(CreditLineId::from_uuid),
        };
        let id = PostingId::from_uuid(row.id);
        match postings.last_mut() {
            Some(last) if last.id == id => last.entries.push(entry),
            _ => postings.push(BookedPosting {
                id,
                kind: row.kind,
                event_seq: row.event_seq.map(|seq| from_column(seq, "event seq")).transpose()?,
                effective_on: row.effective_on,
                booked_on: row.booked_on,
                recorded_at: row.recorded_at,
                entries: vec![entry],
            }),
        }
    }
    Ok(postings)
}
