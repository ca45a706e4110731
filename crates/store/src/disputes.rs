//! Disputes: billing-error notices with their clocks, what of a finding waits for a second person, and how they were settled.

use chrono::{DateTime, NaiveDate, Utc};
use identity::{Actor, CaseId, CreditLineId, CustomerId, RepresentativeId};
use money::Cents;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::{PgConnection, types::Json};

use crate::StoreError;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DisputeRow {
    /// Under which the line's events know it.
    pub id: CaseId,
    /// The case in which the desk works on it.
    pub case_id: CaseId,
    pub customer_id: CustomerId,
    pub credit_line_id: CreditLineId,
    /// What it is about, as the event has it.
    pub subject: Value,
    pub amount: Cents,
    /// What the customer wrote.
    pub words: String,
    /// The first statement that shows it, where one has been issued.
    pub statement_number: Option<i64>,
    pub received_at: DateTime<Utc>,
    pub acknowledge_by: NaiveDate,
    pub resolve_by: NaiveDate,
    pub resolved_at: Option<DateTime<Utc>>,
    pub resolved_by: Option<Actor>,
    /// How much of it was our error.
    pub error: Option<Cents>,
    /// What the customer is told.
    pub explanation: Option<String>,
    /// A finding that a second person has to look at.
    pub waiting: Option<WaitingFinding>,
}

/// What one person found, and another has to agree to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingFinding {
    /// The countersignature.
    pub id: CaseId,
    pub error: Cents,
    pub asked_by: RepresentativeId,
}

macro_rules! select_disputes {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            r#"SELECT id, case_id, customer_id, credit_line_id, subject, amount_cents, words, statement_number, received_at,
                      acknowledge_by, resolve_by, resolved_at, resolved_by AS "resolved_by: Json<Actor>", error_cents,
                      explanation, second_id AS "second_id?", asked_cents AS "asked_cents?", asked_by AS "asked_by?"
               FROM disputes d
               LEFT JOIN LATERAL (
                   SELECT c.id AS second_id, c.amount_cents AS asked_cents, c.asked_by FROM countersignatures c
                    WHERE c.dispute_id = d.id AND c.outcome IS NULL) AS waiting ON true "# + $tail
            $(, $arg)*
        )
        .map(|row| DisputeRow {
            id: CaseId::from_uuid(row.id),
            case_id: CaseId::from_uuid(row.case_id),
            customer_id: CustomerId::from_uuid(row.customer_id),
            credit_line_id: CreditLineId::from_uuid(row.credit_line_id),
            subject: row.subject,
            amount: Cents::new(row.amount_cents),
            words: row.words,
            statement_number: row.statement_number,
            received_at: row.received_at,
            acknowledge_by: row.acknowledge_by,
            resolve_by: row.resolve_by,
            resolved_at: row.resolved_at,
            resolved_by: row.resolved_by.map(|actor| actor.0),
            error: row.error_cents.map(Cents::new),
            explanation: row.explanation,
            waiting: row.second_id.zip(row.asked_cents).zip(row.asked_by).map(|((id, cents), by)| {
                WaitingFinding {
                    id: CaseId::from_uuid(id),
                    error: Cents::new(cents),
                    asked_by: RepresentativeId::from_uuid(by),
                }
            }),
        })
    };
}

pub async fn insert(conn: &mut PgConnection, dispute: &DisputeRow) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO disputes (id, case_id, customer_id, credit_line_id, subject, amount_cents, words, statement_number,
                               received_at, acknowledge_by, resolve_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        dispute.id.as_uuid(),
        dispute.case_id.as_uuid(),
        dispute.customer_id.as_uuid(),
        dispute.credit_line_id.as_uuid(),
        dispute.subject,
        dispute.amount.get(),
        dispute.words,
        dispute.statement_number,
        dispute.received_at,
        dispute.acknowledge_by,
        dispute.resolve_by,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn find(conn: &mut PgConnection, id: CaseId) -> Result<Option<DisputeRow>, StoreError> {
    Ok(select_disputes!("WHERE id = $1", id.as_uuid()).fetch_optional(conn).await?)
}

/// A customer's, newest first.
pub async fn list_of_customer(
    conn: &mut PgConnection,
    customer_id: CustomerId,
) -> Result<Vec<DisputeRow>, StoreError> {
    Ok(select_disputes!(
        "WHERE customer_id = $1 ORDER BY received_at DESC, id DESC",
        customer_id.as_uuid()
    )
    .fetch_all(conn)
    .await?)
}

/// Those that wait, the most urgent first.
pub async fn list_open(conn: &mut PgConnection, limit: i64) -> Result<Vec<DisputeRow>, StoreError> {
    Ok(select_disputes!("WHERE resolved_at IS NULL ORDER BY resolve_by, id LIMIT $1", limit)
        .fetch_all(conn)
        .await?)
}

/// What was given back by findings since an instant, by one person each time, in all disputes of the customer: errors, and the
/// interest and fees that went back with them.
pub async fn credited_alone(
    conn: &mut PgConnection,
    customer_id: CustomerId,
    since: DateTime<Utc>,
) -> Result<Cents, StoreError> {
    let cents = sqlx::query_scalar!(
        r#"SELECT coalesce(sum(given_back_cents), 0)::bigint AS "cents!" FROM disputes d
            WHERE customer_id = $1 AND resolved_at >= $2
              AND NOT EXISTS (SELECT FROM countersignatures c WHERE c.dispute_id = d.id AND c.outcome = 'done')"#,
        customer_id.as_uuid(),
        since,
    )
    .fetch_one(conn)
    .await?;
    Ok(Cents::new(cents))
}

/// What was found, and what the customer owes less by it.
#[derive(Clone, Copy, Debug)]
pub struct Resolution<'a> {
    pub error: Cents,
    pub given_back: Cents,
    pub explanation: &'a str,
}

/// Settles an open dispute; `false` where it is settled.
pub async fn resolve(
    conn: &mut PgConnection,
    id: CaseId,
    of: Resolution<'_>,
    by: Actor,
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "UPDATE disputes SET error_cents = $2, explanation = $3, resolved_by = $4, resolved_at = $5, given_back_cents = $6
         WHERE id = $1 AND resolved_at IS NULL",
        id.as_uuid(),
        of.error.get(),
        of.explanation,
        Json(by) as _,
        at,
        of.given_back.get(),
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}
