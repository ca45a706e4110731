//! Payments: money from the customer, from the day it is asked for until it settled or came back.

use chrono::{DateTime, NaiveDate, Utc};
use identity::{BankAccountId, CreditLineId, CustomerId, PaymentId};
use money::Cents;
use serde::Serialize;
use sqlx::PgConnection;

use crate::{
    StoreError,
    rail_files::{Place, Wanted},
};

text_enum! {
    PaymentStatus {
        Scheduled = "scheduled",
        /// In a file the bank has accepted.
        Released = "released",
        /// In a file of which we do not know whether the bank has it.
        Pending = "pending",
        Settled = "settled",
        Returned = "returned",
        /// Not taken, because something forbade taking it.
        HeldBack = "held_back",
        Cancelled = "cancelled",
    }
}

text_enum! {
    /// What the customer asked to pay; the amount was resolved from it when the payment was scheduled.
    AmountKind {
        Exact = "exact",
        Minimum = "minimum",
        Statement = "statement",
        Payoff = "payoff",
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PaymentRow {
    pub id: PaymentId,
    pub credit_line_id: CreditLineId,
    pub customer_id: CustomerId,
    pub bank_account_id: BankAccountId,
    pub reference: String,
    pub amount: Cents,
    pub amount_kind: AmountKind,
    /// The day the customer chose, and is credited for.
    pub authorised_on: NaiveDate,
    /// The banking day on which the bank is asked.
    pub debit_on: NaiveDate,
    pub status: PaymentStatus,
    pub file_key: Option<String>,
    pub trace_number: Option<String>,
    /// The line event that credited it.
    pub received_seq: Option<i64>,
    /// The day its money is to be there; once it is, the bank's own day.
    pub settle_on: Option<NaiveDate>,
    pub return_code: Option<String>,
    pub returned_on: Option<NaiveDate>,
    /// While its one retry is still to be made: the first day on which it may be.
    pub retry_on: Option<NaiveDate>,
    /// The payment that came back, of which this is the retry.
    pub retry_of: Option<PaymentId>,
    pub cancel_reason: Option<String>,
    /// How often the bank refused a file with it.
    pub refusals: i32,
    pub authorised_at: DateTime<Utc>,
    pub changed_at: DateTime<Utc>,
}

macro_rules! select_payments {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            r#"SELECT id, credit_line_id, customer_id, bank_account_id, reference, amount_cents,
                      amount_kind AS "amount_kind: AmountKind", authorised_on, debit_on,
                      status AS "status: PaymentStatus", file_key, trace_number, received_seq, settle_on,
                      return_code, returned_on, retry_on, retry_of, cancel_reason, refusals, authorised_at, changed_at
               FROM payments "# + $tail
            $(, $arg)*
        )
        .map(|row| PaymentRow {
            id: PaymentId::from_uuid(row.id),
            credit_line_id: CreditLineId::from_uuid(row.credit_line_id),
            customer_id: CustomerId::from_uuid(row.customer_id),
            bank_account_id: BankAccountId::from_uuid(row.bank_account_id),
            reference: row.reference,
            amount: Cents::new(row.amount_cents),
            amount_kind: row.amount_kind,
            authorised_on: row.authorised_on,
            debit_on: row.debit_on,
            status: row.status,
            file_key: row.file_key,
            trace_number: row.trace_number,
            received_seq: row.received_seq,
            settle_on: row.settle_on,
            return_code: row.return_code,
            returned_on: row.returned_on,
            retry_on: row.retry_on,
            retry_of: row.retry_of.map(PaymentId::from_uuid),
            cancel_reason: row.cancel_reason,
            refusals: row.refusals,
            authorised_at: row.authorised_at,
            changed_at: row.changed_at,
        })
    };
}

/// Adds a payment that is scheduled.
pub async fn insert(conn: &mut PgConnection, payment: &PaymentRow) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO payments (id, credit_line_id, customer_id, bank_account_id, reference, amount_cents, amount_kind,
                               authorised_on, debit_on, status, retry_of, authorised_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        payment.id.as_uuid(),
        payment.credit_line_id.as_uuid(),
        payment.customer_id.as_uuid(),
        payment.bank_account_id.as_uuid(),
        payment.reference,
        payment.amount.get(),
        payment.amount_kind.as_str(),
        payment.authorised_on,
        payment.debit_on,
        payment.status.as_str(),
        payment.retry_of.map(PaymentId::as_uuid),
        payment.authorised_at,
        payment.changed_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds a payment of a history, as it ended.
pub async fn insert_past(conn: &mut PgConnection, payment: &PaymentRow) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO payments (id, credit_line_id, customer_id, bank_account_id, reference, amount_cents, amount_kind,
                               authorised_on, debit_on, status, received_seq, settle_on, return_code, returned_on,
                               authorised_at, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        payment.id.as_uuid(),
        payment.credit_line_id.as_uuid(),
        payment.customer_id.as_uuid(),
        payment.bank_account_id.as_uuid(),
        payment.reference,
        payment.amount.get(),
        payment.amount_kind.as_str(),
        payment.authorised_on,
        payment.debit_on,
        payment.status.as_str(),
        payment.received_seq,
        payment.settle_on,
        payment.return_code,
        payment.returned_on,
        payment.authorised_at,
        payment.changed_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes what may change of a payment: its status and all that came with it.
pub async fn update(conn: &mut PgConnection, payment: &PaymentRow) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE payments
         SET status = $2, file_key = $3, trace_number = $4, received_seq = $5, settle_on = $6, debit_on = $7,
             return_code = $8, returned_on = $9, retry_on = $10, cancel_reason = $11, changed_at = $12
         WHERE id = $1",
        payment.id.as_uuid(),
        payment.status.as_str(),
        payment.file_key,
        payment.trace_number,
        payment.received_seq,
        payment.settle_on,
        payment.debit_on,
        payment.return_code,
        payment.returned_on,
        payment.retry_on,
        payment.cancel_reason,
        payment.changed_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn find(
    conn: &mut PgConnection,
    id: PaymentId,
) -> Result<Option<PaymentRow>, StoreError> {
    Ok(select_payments!("WHERE id = $1", id.as_uuid()).fetch_optional(conn).await?)
}

/// The same, held until the end of the transaction.
pub async fn find_for_update(
    conn: &mut PgConnection,
    id: PaymentId,
) -> Result<Option<PaymentRow>, StoreError> {
    Ok(select_payments!("WHERE id = $1 FOR UPDATE", id.as_uuid()).fetch_optional(conn).await?)
}

/// The line's payments, newest first.
pub async fn list_of_line(
    conn: &mut PgConnection,
    credit_line_id: CreditLineId,
) -> Result<Vec<PaymentRow>, StoreError> {
    Ok(select_payments!(
        "WHERE credit_line_id = $1 ORDER BY authorised_at DESC, id DESC",
        credit_line_id.as_uuid()
    )
    .fetch_all(conn)
    .await?)
}

/// Holds the lines of the next scheduled payments whose day has come, until the end of the transaction; lines that somebody else
/// holds are passed over. Answers where the payments stand, in order.
pub async fn take_due(
    conn: &mut PgConnection,
    wanted: &Wanted<'_>,
) -> Result<Vec<Place>, StoreError> {
    let but: Vec<_> = wanted.but.iter().map(|id| id.as_uuid()).collect();
    let rows = sqlx::query!(
        "SELECT p.debit_on, p.credit_line_id, p.id
           FROM payments p JOIN line_heads h ON h.credit_line_id = p.credit_line_id
          WHERE p.status = 'scheduled' AND p.debit_on <= $1 AND (p.debit_on, p.credit_line_id, p.id) > ($2, $3, $4)
            AND p.bank_account_id <> ALL ($5)
          ORDER BY p.debit_on, p.credit_line_id, p.id LIMIT $6
            FOR NO KEY UPDATE OF h SKIP LOCKED",
        wanted.by,
        wanted.after.due_on,
        wanted.after.credit_line_id.as_uuid(),
        wanted.after.id,
        &but,
        i64::from(wanted.limit),
    )
    .fetch_all(conn)
    .await?;
    let place =
        |(due_on, line, id)| Place { due_on, credit_line_id: CreditLineId::from_uuid(line), id };
    Ok(rows.into_iter().map(|row| place((row.debit_on, row.credit_line_id, row.id))).collect())
}

/// Those of these payments that are still scheduled and at which nobody else is looking; held until the end of the transaction.
pub async fn claim(
    conn: &mut PgConnection,
    by: NaiveDate,
    places: &[Place],
) -> Result<Vec<PaymentRow>, StoreError> {
    let ids: Vec<_> = places.iter().map(|place| place.id).collect();
    Ok(select_payments!(
        "WHERE id = ANY ($1) AND debit_on <= $2 AND status = 'scheduled'
         ORDER BY debit_on, credit_line_id, id FOR UPDATE SKIP LOCKED",
        &ids,
        by
    )
    .fetch_all(conn)
    .await?)
}

/// How many scheduled payments there are whose day has come, but from these accounts.
pub async fn count_due(
    conn: &mut PgConnection,
    by: NaiveDate,
    but: &[BankAccountId],
) -> Result<u64, StoreError> {
    let but: Vec<_> = but.iter().map(|id| id.as_uuid()).collect();
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM payments
           WHERE status = 'scheduled' AND debit_on <= $1 AND bank_account_id <> ALL ($2)"#,
        by,
        &but,
    )
    .fetch_one(conn)
    .await?;
    Ok(count.unsigned_abs())
}

/// Puts payments into a file, each under its trace number; in one statement whatever their number.
pub async fn put_in_file(
    conn: &mut PgConnection,
    file_key: &str,
    entries: &[(PaymentId, String)],
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let ids: Vec<_> = entries.iter().map(|(id, _)| id.as_uuid()).collect();
    let traces: Vec<&str> = entries.iter().map(|(_, trace)| trace.as_str()).collect();
    sqlx::query!(
        "UPDATE payments p SET status = 'pending', file_key = $1, trace_number = new.trace_number, changed_at = $4
           FROM unnest($2::uuid[], $3::text[]) AS new (id, trace_number) WHERE p.id = new.id",
        file_key,
        &ids,
        &traces as &[&str],
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts that the bank refused a file with this payment; answers how often that was.
pub async fn count_refusal(conn: &mut PgConnection, id: PaymentId) -> Result<i32, StoreError> {
    Ok(sqlx::query_scalar!(
        "UPDATE payments SET refusals = refusals + 1 WHERE id = $1 RETURNING refusals",
        id.as_uuid(),
    )
    .fetch_one(conn)
    .await?)
}

/// Payments of files the bank has accepted that are not yet credited, in order of their files.
pub async fn list_accepted(conn: &mut PgConnection) -> Result<Vec<PaymentId>, StoreError> {
    let ids = sqlx::query_scalar!(
        "SELECT p.id FROM payments p JOIN rail_files f ON f.key = p.file_key
         WHERE p.status = 'pending' AND f.status = 'accepted' ORDER BY f.number, p.trace_number",
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(PaymentId::from_uuid).collect())
}

/// The files with released payments whose settlement day has come.
pub async fn files_to_settle(
    conn: &mut PgConnection,
    today: NaiveDate,
) -> Result<Vec<String>, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT DISTINCT file_key AS "file_key!" FROM payments
           WHERE status = 'released' AND settle_on <= $1 ORDER BY 1"#,
        today,
    )
    .fetch_all(conn)
    .await?)
}

/// The payments of a file, in the order of their entries.
pub async fn list_of_file(
    conn: &mut PgConnection,
    file_key: &str,
) -> Result<Vec<PaymentRow>, StoreError> {
    Ok(select_payments!("WHERE file_key = $1 ORDER BY trace_number", file_key)
        .fetch_all(conn)
        .await?)
}

/// Debits of a bank account that came back one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failures {
    pub in_row: i64,
    pub last_at: Option<DateTime<Utc>>,
}

/// The debits of a bank account that came back since the last one that settled for good: on or before `final_through`,
/// so long ago that it would have come back by now. They follow each other by the keys of their files, which begin with the
/// time, and then by their entries, whose numbers begin with the originator's routing number: that is a setting, and says
/// nothing of time.
pub async fn failures(
    conn: &mut PgConnection,
    bank_account_id: BankAccountId,
    final_through: NaiveDate,
) -> Result<Failures, StoreError> {
    let row = sqlx::query!(
        r#"SELECT count(*) AS "in_row!", max(p.changed_at) AS last_at
           FROM payments p
           WHERE p.bank_account_id = $1 AND p.status = 'returned' AND p.file_key IS NOT NULL
             AND NOT EXISTS (SELECT FROM countersignatures r WHERE r.payment_id = p.id AND r.outcome = 'done')
             AND NOT EXISTS (SELECT FROM payments later
                             WHERE later.bank_account_id = $1 AND later.status = 'settled' AND later.settle_on <= $2
                               AND (later.file_key, later.trace_number) > (p.file_key, p.trace_number))"#,
        bank_account_id.as_uuid(),
        final_through,
    )
    .fetch_one(conn)
    .await?;
    Ok(Failures { in_row: row.in_row, last_at: row.last_at })
}

/// Debits that went to the bank, and what came back of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReturnCounts {
    pub entries: i64,
    pub returned: i64,
    pub unauthorised: i64,
    pub administrative: i64,
    /// The newest of their days, and when the newest was told that came back again.
    pub last_on: Option<NaiveDate>,
    pub last_again_at: Option<DateTime<Utc>>,
}

/// The debits of the days after `after`, and what came back on those days, by the codes that count in a class: a debit may come
/// back long after its own day. One that came back again since `since` with a further code counts in the class of that code too;
/// the code follows the word `again` in its notice.
pub async fn count_returns(
    conn: &mut PgConnection,
    (after, since): (NaiveDate, DateTime<Utc>),
    again: &str,
    unauthorised: &[String],
    administrative: &[String],
) -> Result<ReturnCounts, StoreError> {
    Ok(sqlx::query_as!(
        ReturnCounts,
        r#"WITH again AS (
             SELECT entry, array_agg(split_part(code, ' ', 2)) AS codes, max(told_at) AS told_at FROM rail_notices
              WHERE split_part(code, ' ', 1) = $5 AND told_at >= $2 GROUP BY entry
           ), debit AS (
             SELECT p.debit_on, p.returned_on, again.told_at, coalesce(again.codes, '{}')
                    || CASE WHEN p.returned_on > $1 THEN ARRAY[p.return_code] ELSE '{}' END AS codes
               FROM payments p LEFT JOIN again ON again.entry = p.reference
              WHERE p.status IN ('released', 'settled', 'returned') AND p.file_key IS NOT NULL
                AND (p.debit_on > $1 OR p.returned_on > $1 OR again.entry IS NOT NULL)
           )
           SELECT count(*) FILTER (WHERE debit_on > $1) AS "entries!",
                  count(*) FILTER (WHERE cardinality(codes) > 0) AS "returned!",
                  count(*) FILTER (WHERE codes && $3) AS "unauthorised!",
                  count(*) FILTER (WHERE codes && $4) AS "administrative!",
                  max(returned_on) FILTER (WHERE returned_on > $1) AS last_on, max(told_at) AS last_again_at
           FROM debit"#,
        after,
        since,
        unauthorised,
        administrative,
        again,
    )
    .fetch_one(conn)
    .await?)
}
