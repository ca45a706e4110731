//! The head of each credit line: whose it is, and what the jobs look for. Its history is in `line_events`, its terms in the first
//! of them.

use chrono::{DateTime, NaiveDate, Utc};
use credit::{LineEvent, Standing};
use identity::{CreditLineId, CustomerId, DecisionId};
use money::Cents;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{PgConnection, types::Json};
use uuid::Uuid;

use crate::{
    StoreError,
    line_events::{StoredSnapshot, Text, event_of, snapshot_of},
};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CreditLineRow {
    pub id: CreditLineId,
    pub customer_id: CustomerId,
    pub decision_id: Option<DecisionId>,
    pub product: String,
    /// The first day of our books; a line that was boarded is older.
    pub opened_on: NaiveDate,
    /// The next morning on which something may have to be posted.
    pub settles_next_on: NaiveDate,
    /// How it stood when it was last settled; nothing: as on the day it opened.
    pub standing: Option<Standing>,
    /// What the lender owed on it when it was last settled.
    pub credit: Cents,
    pub created_at: DateTime<Utc>,
}

/// A line with its history, as one moment shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct WholeLine<S> {
    pub row: CreditLineRow,
    /// In the order in which we learned of them.
    pub events: Vec<LineEvent>,
    /// The newest that is still true: no later event is effective in or before its cycle.
    pub snapshot: Option<StoredSnapshot<S>>,
}

macro_rules! select_credit_lines {
    ($tail:literal $(, $arg:expr)*) => {
        sqlx::query!(
            r#"SELECT id, customer_id, decision_id, product, opened_on, settles_next_on,
                      standing AS "standing: Json<Standing>", credit_cents, created_at
               FROM credit_lines "# + $tail
            $(, $arg)*
        )
        .map(|row| CreditLineRow {
            id: CreditLineId::from_uuid(row.id),
            customer_id: CustomerId::from_uuid(row.customer_id),
            decision_id: row.decision_id.map(DecisionId::from_uuid),
            product: row.product,
            opened_on: row.opened_on,
            settles_next_on: row.settles_next_on,
            standing: row.standing.map(|standing| standing.0),
            credit: Cents::new(row.credit_cents),
            created_at: row.created_at,
        })
    };
}

pub async fn insert(conn: &mut PgConnection, line: &CreditLineRow) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO credit_lines (id, customer_id, decision_id, product, opened_on, settles_next_on, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        line.id.as_uuid(),
        line.customer_id.as_uuid(),
        line.decision_id.map(DecisionId::as_uuid),
        line.product,
        line.opened_on,
        line.settles_next_on,
        line.created_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The customer's newest line.
pub async fn find_of_customer(
    conn: &mut PgConnection,
    customer_id: CustomerId,
) -> Result<Option<CreditLineRow>, StoreError> {
    Ok(select_credit_lines!(
        "WHERE customer_id = $1 ORDER BY opened_on DESC, id DESC LIMIT 1",
        customer_id.as_uuid()
    )
    .fetch_optional(conn)
    .await?)
}

/// A line with its history: one statement, whose first words choose the line.
macro_rules! select_whole_line {
    ($chosen:literal, $id:expr, $through:expr) => {
        sqlx::query!(
            r#"SELECT l.id AS "id!", l.customer_id AS "customer_id!", l.decision_id, l.product AS "product!",
                      l.opened_on AS "opened_on!", l.settles_next_on AS "settles_next_on!",
                      l.standing AS "standing: Json<Standing>", l.credit_cents AS "credit_cents!",
                      l.created_at AS "created_at!",
                      e.seqs AS "seqs: Vec<i64>", e.effective_on AS "effective_on: Vec<NaiveDate>",
                      e.recorded_at AS "recorded_at: Vec<DateTime<Utc>>", e.bodies AS "bodies: Vec<Text>",
                      s.closed_on AS "closed_on?", s.seq AS "snapshot_seq?", s.body AS "snapshot?: Text"
               FROM (SELECT * FROM credit_lines WHERE "# + $chosen + r#") l
               CROSS JOIN LATERAL (
                   SELECT array_agg(seq) AS seqs, array_agg(effective_on) AS effective_on,
                          array_agg(recorded_at) AS recorded_at, array_agg(body) AS bodies
                   FROM (SELECT * FROM line_events WHERE credit_line_id = l.id ORDER BY seq) known) e
               LEFT JOIN LATERAL (
                   SELECT k.closed_on, k.seq, k.body FROM line_snapshots k
                   WHERE k.credit_line_id = l.id AND k.closed_on <= $2
                     AND NOT EXISTS (SELECT FROM line_events n WHERE n.credit_line_id = l.id AND n.seq > k.seq
                                                                 AND n.effective_on <= k.closed_on)
                   ORDER BY k.closed_on DESC, k.seq DESC LIMIT 1) s ON true"#,
            $id,
            $through,
        )
        .map(|row| UnreadLine {
            row: CreditLineRow {
                id: CreditLineId::from_uuid(row.id),
                customer_id: CustomerId::from_uuid(row.customer_id),
                decision_id: row.decision_id.map(DecisionId::from_uuid),
                product: row.product,
                opened_on: row.opened_on,
                settles_next_on: row.settles_next_on,
                standing: row.standing.map(|standing| standing.0),
                credit: Cents::new(row.credit_cents),
                created_at: row.created_at,
            },
            events: Columns {
                seqs: row.seqs.unwrap_or_default(),
                effective_on: row.effective_on.unwrap_or_default(),
                recorded_at: row.recorded_at.unwrap_or_default(),
                bodies: row.bodies.unwrap_or_default(),
            },
            snapshot: row.closed_on.zip(row.snapshot_seq).zip(row.snapshot),
        })
    };
}

/// Events, column by column.
#[derive(Debug)]
struct Columns {
    seqs: Vec<i64>,
    effective_on: Vec<NaiveDate>,
    recorded_at: Vec<DateTime<Utc>>,
    bodies: Vec<Text>,
}

/// A line with its history, not yet read: reading is work for a thread that nobody waits for.
#[derive(Debug)]
pub struct UnreadLine {
    pub row: CreditLineRow,
    events: Columns,
    snapshot: Option<((NaiveDate, i64), Text)>,
}

impl UnreadLine {
    pub fn read<S: DeserializeOwned>(self) -> Result<WholeLine<S>, StoreError> {
        let Columns { seqs, effective_on, recorded_at, bodies } = self.events;
        let events = seqs.into_iter().zip(effective_on.into_iter().zip(recorded_at)).zip(bodies);
        let events = events.map(|((seq, (on, at)), body)| event_of(seq, on, at, &body));
        let snapshot = self.snapshot;
        // It only saves work: one that an earlier release stored and that cannot be read is done without.
        let snapshot =
            snapshot.and_then(|((closed_on, seq), body)| snapshot_of(closed_on, seq, &body).ok());
        Ok(WholeLine { row: self.row, events: events.collect::<Result<_, _>>()?, snapshot })
    }
}

/// The line with its whole history and the newest snapshot not after `through`.
pub async fn load<S: DeserializeOwned>(
    conn: &mut PgConnection,
    id: CreditLineId,
    through: NaiveDate,
) -> Result<Option<WholeLine<S>>, StoreError> {
    let found = select_whole_line!("id = $1", id.as_uuid(), through).fetch_optional(conn).await?;
    found.map(UnreadLine::read).transpose()
}

/// As [`load`], of the customer's newest line.
pub async fn load_of_customer<S: DeserializeOwned>(
    conn: &mut PgConnection,
    customer_id: CustomerId,
    through: NaiveDate,
) -> Result<Option<WholeLine<S>>, StoreError> {
    let found = select_whole_line!(
        "customer_id = $1 ORDER BY opened_on DESC, id DESC LIMIT 1",
        customer_id.as_uuid(),
        through
    )
    .fetch_optional(conn)
    .await?;
    found.map(UnreadLine::read).transpose()
}

/// As [`load`], of many lines, in no order and not yet read.
pub async fn load_many(
    conn: &mut PgConnection,
    ids: &[CreditLineId],
    through: NaiveDate,
) -> Result<Vec<UnreadLine>, StoreError> {
    let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
    Ok(select_whole_line!("id = ANY($1)", &ids, through).fetch_all(conn).await?)
}

/// Sets what the jobs look for.
pub async fn set_settles_next(
    conn: &mut PgConnection,
    id: CreditLineId,
    settles_next_on: NaiveDate,
) -> Result<(), StoreError> {
    sqlx::query!(
        "UPDATE credit_lines SET settles_next_on = $2 WHERE id = $1",
        id.as_uuid(),
        settles_next_on,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What settling a line came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    pub id: CreditLineId,
    pub settles_next_on: NaiveDate,
    /// Where it changed.
    pub standing: Option<Standing>,
    /// What the lender owes on it.
    pub credit: Cents,
    /// Whether that is enough to go back without being asked for.
    pub goes_back: bool,
}

/// Keeps what settling came to, in one statement whatever the number of lines. A credit balance that moved goes back unasked six
/// months after its last entry (12 CFR 1026.11(a)(3)).
pub async fn set_settled(conn: &mut PgConnection, lines: &[Settled]) -> Result<(), StoreError> {
    if lines.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = lines.iter().map(|line| line.id.as_uuid()).collect();
    let days: Vec<NaiveDate> = lines.iter().map(|line| line.settles_next_on).collect();
    let standings: Vec<Option<Json<Standing>>> =
        lines.iter().map(|line| line.standing.map(Json)).collect();
    let credits: Vec<i64> = lines.iter().map(|line| line.credit.get()).collect();
    let go_back: Vec<bool> = lines.iter().map(|line| line.goes_back).collect();
    sqlx::query!(
        "UPDATE credit_lines l
            SET settles_next_on = new.settles_next_on, standing = coalesce(new.standing, l.standing),
                credit_cents = new.credit_cents,
                refund_tries = CASE WHEN new.credit_cents = l.credit_cents THEN l.refund_tries ELSE 0 END,
                refund_on = CASE WHEN new.credit_cents = l.credit_cents THEN l.refund_on
                                 WHEN new.goes_back THEN (
                                     SELECT (max(e.effective_on) + interval '6 months')::date FROM entries e
                                      WHERE e.credit_line_id = l.id AND e.account_code = 2100) END
           FROM unnest($1::uuid[], $2::date[], $3::jsonb[], $4::bigint[], $5::boolean[])
             AS new (id, settles_next_on, standing, credit_cents, goes_back)
          WHERE l.id = new.id",
        &ids,
        &days,
        &standings as &[Option<Json<Standing>>],
        &credits,
        &go_back,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose line it is.
pub async fn find_owner(
    conn: &mut PgConnection,
    id: CreditLineId,
) -> Result<Option<CustomerId>, StoreError> {
    let found =
        sqlx::query_scalar!("SELECT customer_id FROM credit_lines WHERE id = $1", id.as_uuid())
            .fetch_optional(conn)
            .await?;
    Ok(found.map(CustomerId::from_uuid))
}

/// Whose line is which, for lists of people.
pub async fn list_owners(
    conn: &mut PgConnection,
) -> Result<Vec<(CustomerId, CreditLineId)>, StoreError> {
    let rows = sqlx::query!("SELECT customer_id, id FROM credit_lines ORDER BY id")
        .fetch_all(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (CustomerId::from_uuid(row.customer_id), CreditLineId::from_uuid(row.id)))
        .collect())
}
