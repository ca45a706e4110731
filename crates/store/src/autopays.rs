//! Automatic payments: leave to debit month by month, and what became of each statement under it.

use chrono::{DateTime, NaiveDate, Utc};
use identity::{AutopayId, BankAccountId, CreditLineId, CustomerId, PaymentId};
use money::Cents;
use serde::Serialize;
use sqlx::PgConnection;

use crate::{StoreError, documents::Kept, payments::AmountKind};

text_enum! {
    /// What became of a statement's debit.
    DebitStatus {
        Planned = "planned",
        /// The customer did not want it this once.
        Skipped = "skipped",
        /// There is a payment for it.
        Made = "made",
        NothingDue = "nothing_due",
        NotMade = "not_made",
    }
}

/// Leave to debit, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AutopayRow {
    pub id: AutopayId,
    pub credit_line_id: CreditLineId,
    pub customer_id: CustomerId,
    pub bank_account_id: BankAccountId,
    pub amount_kind: AmountKind,
    /// Of a fixed amount.
    pub amount: Option<Cents>,
    pub authorised_at: DateTime<Utc>,
    /// The next morning on which something may be to do.
    pub looks_next_on: NaiveDate,
    pub ended_at: Option<DateTime<Utc>>,
    pub end_reason: Option<String>,
}

/// The debit of a statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DebitRow {
    pub credit_line_id: CreditLineId,
    pub statement_number: u32,
    pub autopay_id: AutopayId,
    /// The day the customer is credited for.
    pub pays_on: NaiveDate,
    pub status: DebitStatus,
    /// When the customer was told of the amount, and how much that was: no more is taken.
    pub noticed_at: Option<DateTime<Utc>>,
    pub noticed: Option<Cents>,
    pub payment_id: Option<PaymentId>,
    /// Why it was not made.
    pub why: Option<String>,
    pub changed_at: DateTime<Utc>,
}

macro_rules! select_autopays {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            r#"SELECT id, credit_line_id, customer_id, bank_account_id, amount_kind AS "amount_kind: AmountKind",
                      amount_cents, authorised_at, looks_next_on, ended_at, end_reason
               FROM autopays "# + $tail
            $(, $arg)*
        )
        .map(|row| AutopayRow {
            id: AutopayId::from_uuid(row.id),
            credit_line_id: CreditLineId::from_uuid(row.credit_line_id),
            customer_id: CustomerId::from_uuid(row.customer_id),
            bank_account_id: BankAccountId::from_uuid(row.bank_account_id),
            amount_kind: row.amount_kind,
            amount: row.amount_cents.map(Cents::new),
            authorised_at: row.authorised_at,
            looks_next_on: row.looks_next_on,
            ended_at: row.ended_at,
            end_reason: row.end_reason,
        })
    };
}

/// Adds leave to debit. There must be none that stands.
pub async fn insert(
    conn: &mut PgConnection,
    autopay: &AutopayRow,
    document: &Kept,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO autopays (id, credit_line_id, customer_id, bank_account_id, amount_kind, amount_cents, template,
                               media_type, bytes, digest, authorised_at, looks_next_on)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        autopay.id.as_uuid(),
        autopay.credit_line_id.as_uuid(),
        autopay.customer_id.as_uuid(),
        autopay.bank_account_id.as_uuid(),
        autopay.amount_kind.as_str(),
        autopay.amount.map(Cents::get),
        document.template,
        document.media_type,
        document.bytes,
        document.digest,
        autopay.authorised_at,
        autopay.looks_next_on,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The leave that stands on a line.
pub async fn find_standing(
    conn: &mut PgConnection,
    credit_line_id: CreditLineId,
) -> Result<Option<AutopayRow>, StoreError> {
    Ok(select_autopays!("WHERE credit_line_id = $1 AND ended_at IS NULL", credit_line_id.as_uuid())
        .fetch_optional(conn)
        .await?)
}

/// All that was ever given on a line, newest first.
pub async fn list_of_line(
    conn: &mut PgConnection,
    credit_line_id: CreditLineId,
) -> Result<Vec<AutopayRow>, StoreError> {
    Ok(select_autopays!(
        "WHERE credit_line_id = $1 ORDER BY authorised_at DESC, id DESC",
        credit_line_id.as_uuid()
    )
    .fetch_all(conn)
    .await?)
}

/// What was signed, byte for byte, of the customer's own.
pub async fn find_document(
    conn: &mut PgConnection,
    customer_id: CustomerId,
    id: AutopayId,
) -> Result<Option<Kept>, StoreError> {
    let found = sqlx::query!(
        "SELECT template, media_type, bytes, digest, authorised_at FROM autopays WHERE customer_id = $1 AND id = $2",
        customer_id.as_uuid(),
        id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| Kept {
        template: row.template,
        media_type: row.media_type,
        bytes: row.bytes,
        digest: row.digest,
        rendered_at: row.authorised_at,
    }))
}

/// Ends leave to debit; `false` where it has ended.
pub async fn end(
    conn: &mut PgConnection,
    id: AutopayId,
    reason: &str,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE autopays SET ended_at = $2, end_reason = $3 WHERE id = $1 AND ended_at IS NULL",
        id.as_uuid(),
        at,
        reason,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// The lines whose leave to debit has something to do by `today`, a page at a time.
pub async fn lines_to_look_at(
    conn: &mut PgConnection,
    today: NaiveDate,
    after: Option<CreditLineId>,
    limit: i64,
) -> Result<Vec<CreditLineId>, StoreError> {
    let ids = sqlx::query_scalar!(
        "SELECT credit_line_id FROM autopays
         WHERE ended_at IS NULL AND looks_next_on <= $1 AND ($2::uuid IS NULL OR credit_line_id > $2)
         ORDER BY credit_line_id LIMIT $3",
        today,
        after.map(CreditLineId::as_uuid),
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(CreditLineId::from_uuid).collect())
}

/// Sets the next morning on which the leave that stands on a line is looked at.
pub async fn look_next_on(
    conn: &mut PgConnection,
    credit_line_id: CreditLineId,
    on: NaiveDate,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE autopays SET looks_next_on = $2 WHERE credit_line_id = $1 AND ended_at IS NULL",
        credit_line_id.as_uuid(),
        on,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether a payment was made under leave to debit that was taken back since: the customer's own, not a change of it. Who
/// takes back what they changed it into takes back all that was given before.
pub async fn taken_back(
    conn: &mut PgConnection,
    payment_id: PaymentId,
) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM autopay_debits d JOIN autopays under ON under.id = d.autopay_id
                          JOIN autopays a ON a.credit_line_id = under.credit_line_id
                          WHERE d.payment_id = $1 AND a.end_reason = 'customer'
                            AND (a.id = under.id OR a.ended_at > under.authorised_at)) AS "taken_back!""#,
        payment_id.as_uuid(),
    )
    .fetch_one(conn)
    .await?)
}

/// Whether an automatic payment of the line was made since, and has not come to nothing.
pub async fn paid_since(
    conn: &mut PgConnection,
    credit_line_id: CreditLineId,
    since: DateTime<Utc>,
) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM autopay_debits d JOIN payments p ON p.id = d.payment_id
                          WHERE d.credit_line_id = $1 AND d.changed_at >= $2
                            AND p.status IN ('scheduled', 'pending', 'released', 'settled')) AS "paid_since!""#,
        credit_line_id.as_uuid(),
        since,
    )
    .fetch_one(conn)
    .await?)
}

/// The newest debits of a line, newest statement first.
pub async fn list_debits(
    conn: &mut PgConnection,
    credit_line_id: CreditLineId,
    limit: i64,
) -> Result<Vec<DebitRow>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT statement_number, autopay_id, pays_on, status AS "status: DebitStatus", noticed_at, noticed_cents,
                  payment_id, why, changed_at
           FROM autopay_debits WHERE credit_line_id = $1 ORDER BY statement_number DESC LIMIT $2"#,
        credit_line_id.as_uuid(),
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(DebitRow {
                credit_line_id,
                statement_number: u32::try_from(row.statement_number)
                    .map_err(|_| StoreError::OutOfRange { what: "statement number" })?,
                autopay_id: AutopayId::from_uuid(row.autopay_id),
                pays_on: row.pays_on,
                status: row.status,
                noticed_at: row.noticed_at,
                noticed: row.noticed_cents.map(Cents::new),
                payment_id: row.payment_id.map(PaymentId::from_uuid),
                why: row.why,
                changed_at: row.changed_at,
            })
        })
        .collect()
}

/// Whether the notice of a debit, as it was last told, was taken by a mail server or printed before then, and has not come back.
pub async fn told_before(
    conn: &mut PgConnection,
    customer_id: CustomerId,
    debit: &DebitRow,
    before: DateTime<Utc>,
) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM outbound_messages m JOIN outbox told ON told.position = m.cause
                          LEFT JOIN letters l ON l.message_id = m.id
                          WHERE m.customer_id = $1 AND m.credit_line_id = $2 AND m.kind = 'autopay_notice'
                            AND told.payload ->> 'statement_number' = $3 AND told.payload ->> 'on' = $4
                            AND told.payload ->> 'amount_cents' = $5 AND told.recorded_at >= $6
                            AND (m.state = 'sent' AND m.sent_at < $7
                                 OR m.state = 'on_paper' AND l.printed_at < $7)) AS "told!""#,
        customer_id.as_uuid(),
        debit.credit_line_id.as_uuid(),
        debit.statement_number.to_string(),
        debit.pays_on.to_string(),
        debit.noticed.map(|amount| amount.get().to_string()),
        debit.noticed_at,
        before,
    )
    .fetch_one(conn)
    .await?)
}

/// Plans the debit of a statement. The database refuses a second one.
pub async fn insert_debit(conn: &mut PgConnection, debit: &DebitRow) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO autopay_debits (credit_line_id, statement_number, autopay_id, pays_on, status, why, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        debit.credit_line_id.as_uuid(),
        i64::from(debit.statement_number),
        debit.autopay_id.as_uuid(),
        debit.pays_on,
        debit.status.as_str(),
        debit.why,
        debit.changed_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn update_debit(conn: &mut PgConnection, debit: &DebitRow) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE autopay_debits SET autopay_id = $3, pays_on = $4, status = $5, noticed_at = $6, noticed_cents = $7,
                payment_id = $8, why = $9, changed_at = $10
         WHERE credit_line_id = $1 AND statement_number = $2",
        debit.credit_line_id.as_uuid(),
        i64::from(debit.statement_number),
        debit.autopay_id.as_uuid(),
        debit.pays_on,
        debit.status.as_str(),
        debit.noticed_at,
        debit.noticed.map(Cents::get),
        debit.payment_id.map(PaymentId::as_uuid),
        debit.why,
        debit.changed_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}
