//! Interest that is accrued and not yet billed: what lines tell of it, and the groups at the end of each day.
//!
//! Statements, whatever the number of lines, groups and deltas: `told` and `tell` one each; a day's accrual five (`claim`,
//! `running`, `take`, `keep`, and the postings' own). A delta is written once and touched once more, when its day has come.
//! What is absent: arithmetic, which is `credit::Accrual`'s and `credit::Running`'s.

use chrono::{DateTime, NaiveDate, Utc};
use credit::{Delta, Group, Running, Step};
use identity::CreditLineId;
use money::{Apr, Cents};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::StoreError;

/// What was learned of a group and takes effect on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub group: Group,
    pub effective_on: NaiveDate,
    pub change: Cents,
    pub true_up: i128,
    /// How many deltas that was.
    pub deltas: i64,
}

/// The steps that lines have told of since a day, each line from its own.
pub async fn told(
    conn: &mut PgConnection,
    since: &[(CreditLineId, NaiveDate)],
) -> Result<Vec<(CreditLineId, Step)>, StoreError> {
    let (ids, days): (Vec<Uuid>, Vec<NaiveDate>) =
        since.iter().map(|(id, day)| (id.as_uuid(), *day)).unzip();
    let rows = sqlx::query!(
        r#"SELECT d.credit_line_id, d.product, d.owner, d.day_basis, d.apr_ppm, d.effective_on,
                  sum(d.change_cents)::bigint AS "change!"
             FROM unnest($1::uuid[], $2::date[]) AS l (id, since)
             JOIN accrual_deltas d ON d.credit_line_id = l.id AND d.effective_on >= l.since
            GROUP BY 1, 2, 3, 4, 5, 6 HAVING sum(d.change_cents) <> 0
            ORDER BY 1, 2, 3, 4, 5, 6"#,
        &ids,
        &days,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let group = group(row.product, row.owner, row.day_basis, row.apr_ppm)?;
            let (from, change) = (row.effective_on, Cents::new(row.change));
            Ok((CreditLineId::from_uuid(row.credit_line_id), Step { group, from, change }))
        })
        .collect()
}

/// Adds what lines tell.
pub async fn tell(
    conn: &mut PgConnection,
    deltas: &[(CreditLineId, Delta)],
    recorded_at: DateTime<Utc>,
) -> Result<(), StoreError> {
    if deltas.is_empty() {
        return Ok(());
    }
    let groups = Groups::of(deltas.iter().map(|(_, delta)| &delta.group))?;
    let ids: Vec<Uuid> = deltas.iter().map(|(id, _)| id.as_uuid()).collect();
    let days: Vec<NaiveDate> = deltas.iter().map(|(_, delta)| delta.effective_on).collect();
    let changes: Vec<i64> = deltas.iter().map(|(_, delta)| delta.change.get()).collect();
    let true_ups: Vec<String> = deltas.iter().map(|(_, delta)| delta.true_up.to_string()).collect();
    sqlx::query!(
        "INSERT INTO accrual_deltas (credit_line_id, product, owner, day_basis, apr_ppm, effective_on, change_cents, true_up,
                                     recorded_at)
         SELECT id, product, owner, basis, apr, effective_on, change, true_up::numeric, $9
           FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::integer[], $6::date[], $7::bigint[], $8::text[])
                AS n (id, product, owner, basis, apr, effective_on, change, true_up)",
        &ids,
        &groups.products as &[&str],
        &groups.owners as &[&str],
        &groups.bases as &[&str],
        &groups.rates,
        &days,
        &changes,
        &true_ups,
        recorded_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The last day that is accrued.
pub async fn last_day(conn: &mut PgConnection) -> Result<Option<NaiveDate>, StoreError> {
    Ok(sqlx::query_scalar!("SELECT max(day) FROM accrual_runs").fetch_one(conn).await?)
}

/// The first day on which something takes effect that no day has taken up.
pub async fn first_waiting(conn: &mut PgConnection) -> Result<Option<NaiveDate>, StoreError> {
    let first =
        sqlx::query_scalar!("SELECT min(effective_on) FROM accrual_deltas WHERE folded_on IS NULL");
    Ok(first.fetch_one(conn).await?)
}

/// Makes a day ours to accrue, after the accrued day that it follows; false where it is done, or where days were accrued since
/// the caller found none. Whoever does the same meanwhile waits for our end.
pub async fn claim(
    conn: &mut PgConnection,
    (day, follows): (NaiveDate, Option<NaiveDate>),
    at: DateTime<Utc>,
) -> Result<bool, StoreError> {
    let claimed = sqlx::query!(
        "INSERT INTO accrual_runs (day, follows, recorded_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        day,
        follows,
        at,
    )
    .execute(conn)
    .await?;
    Ok(claimed.rows_affected() == 1)
}

/// The groups at the end of an accrued day.
pub async fn running(
    conn: &mut PgConnection,
    day: NaiveDate,
) -> Result<Vec<(Group, Running)>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT product, owner, day_basis, apr_ppm, base_cents, unbilled::text AS "unbilled!", posted_cents,
                  true_up::text AS "true_up!", trued_up_cents
             FROM accrual_days WHERE day = $1 ORDER BY product, owner, day_basis, apr_ppm"#,
        day,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let running = Running {
                base: Cents::new(row.base_cents),
                unbilled: wide(&row.unbilled)?,
                posted: Cents::new(row.posted_cents),
                true_up: wide(&row.true_up)?,
                trued_up: Cents::new(row.trued_up_cents),
            };
            Ok((group(row.product, row.owner, row.day_basis, row.apr_ppm)?, running))
        })
        .collect()
}

/// What all groups together had come to at the end of an accrued day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayEnd {
    pub day: NaiveDate,
    pub recorded_at: DateTime<Utc>,
    pub groups: i64,
    pub base: Cents,
    /// In the books, of this day and of those before.
    pub posted: Cents,
    pub trued_up: Cents,
}

/// The accrued days from one day through another, the earliest first.
pub async fn list_days(
    conn: &mut PgConnection,
    (from, through): (Option<NaiveDate>, Option<NaiveDate>),
) -> Result<Vec<DayEnd>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT r.day, r.recorded_at, count(d.day) AS "groups!", coalesce(sum(d.base_cents), 0)::bigint AS "base!",
                  coalesce(sum(d.posted_cents), 0)::bigint AS "posted!",
                  coalesce(sum(d.trued_up_cents), 0)::bigint AS "trued_up!"
             FROM accrual_runs r LEFT JOIN accrual_days d ON d.day = r.day
            WHERE r.day >= coalesce($1, r.day) AND r.day <= coalesce($2, r.day)
            GROUP BY r.day ORDER BY r.day"#,
        from,
        through,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| DayEnd {
            day: row.day,
            recorded_at: row.recorded_at,
            groups: row.groups,
            base: Cents::new(row.base),
            posted: Cents::new(row.posted),
            trued_up: Cents::new(row.trued_up),
        })
        .collect())
}

/// Takes up all that was learned and takes effect by the day.
pub async fn take(conn: &mut PgConnection, day: NaiveDate) -> Result<Vec<Taken>, StoreError> {
    let rows = sqlx::query!(
        r#"WITH taken AS (
               UPDATE accrual_deltas SET folded_on = $1 WHERE folded_on IS NULL AND effective_on <= $1
               RETURNING product, owner, day_basis, apr_ppm, effective_on, change_cents, true_up
           )
           SELECT product AS "product!", owner AS "owner!", day_basis AS "day_basis!", apr_ppm AS "apr_ppm!",
                  effective_on AS "effective_on!", sum(change_cents)::bigint AS "change!",
                  sum(true_up)::text AS "true_up!", count(*) AS "deltas!"
             FROM taken GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5"#,
        day,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let group = group(row.product, row.owner, row.day_basis, row.apr_ppm)?;
            taken(group, row.effective_on, (row.change, &row.true_up), row.deltas)
        })
        .collect()
}

/// All that was ever taken up, day by day of its effect, with the last day that took it: to reckon anew what `running` says.
pub async fn all_taken(conn: &mut PgConnection) -> Result<Vec<Taken>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT product, owner, day_basis, apr_ppm, effective_on, sum(change_cents)::bigint AS "change!",
                  sum(true_up)::text AS "true_up!", count(*) AS "deltas!"
             FROM accrual_deltas WHERE folded_on IS NOT NULL
            GROUP BY 1, 2, 3, 4, 5 HAVING sum(change_cents) <> 0 OR sum(true_up) <> 0
            ORDER BY 1, 2, 3, 4, 5"#,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            let group = group(row.product, row.owner, row.day_basis, row.apr_ppm)?;
            taken(group, row.effective_on, (row.change, &row.true_up), row.deltas)
        })
        .collect()
}

/// Keeps the groups at the end of a day.
pub async fn keep(
    conn: &mut PgConnection,
    day: NaiveDate,
    running: &[(Group, Running)],
) -> Result<(), StoreError> {
    if running.is_empty() {
        return Ok(());
    }
    let groups = Groups::of(running.iter().map(|(group, _)| group))?;
    let column = |of: fn(&Running) -> i64| -> Vec<i64> {
        running.iter().map(|(_, running)| of(running)).collect()
    };
    let wide = |of: fn(&Running) -> i128| -> Vec<String> {
        running.iter().map(|(_, running)| of(running).to_string()).collect()
    };
    sqlx::query!(
        "INSERT INTO accrual_days (day, product, owner, day_basis, apr_ppm, base_cents, unbilled, posted_cents, true_up,
                                   trued_up_cents)
         SELECT $1, product, owner, basis, apr, base, unbilled::numeric, posted, true_up::numeric, trued_up
           FROM unnest($2::text[], $3::text[], $4::text[], $5::integer[], $6::bigint[], $7::text[], $8::bigint[], $9::text[],
                       $10::bigint[])
                AS n (product, owner, basis, apr, base, unbilled, posted, true_up, trued_up)",
        day,
        &groups.products as &[&str],
        &groups.owners as &[&str],
        &groups.bases as &[&str],
        &groups.rates,
        &column(|running| running.base.get()),
        &wide(|running| running.unbilled),
        &column(|running| running.posted.get()),
        &wide(|running| running.true_up),
        &column(|running| running.trued_up.get()),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Groups, column by column.
struct Groups<'a> {
    products: Vec<&'a str>,
    owners: Vec<&'a str>,
    bases: Vec<&'a str>,
    rates: Vec<i32>,
}

impl<'a> Groups<'a> {
    fn of(groups: impl Iterator<Item = &'a Group>) -> Result<Self, StoreError> {
        let (mut products, mut owners) = (Vec::new(), Vec::new());
        let (mut bases, mut rates) = (Vec::new(), Vec::new());
        for group in groups {
            products.push(group.product.as_str());
            owners.push(group.owner.as_str());
            bases.push(group.day_basis.as_str());
            let apr = i32::try_from(group.apr.ppm());
            rates.push(apr.map_err(|_| StoreError::OutOfRange { what: "rate" })?);
        }
        Ok(Self { products, owners, bases, rates })
    }
}

fn group(
    product: String,
    owner: String,
    day_basis: String,
    apr_ppm: i32,
) -> Result<Group, StoreError> {
    let ppm = u32::try_from(apr_ppm).map_err(|_| StoreError::OutOfRange { what: "rate" })?;
    Ok(Group { product, owner, day_basis, apr: Apr::from_ppm(ppm) })
}

fn taken(
    group: Group,
    effective_on: NaiveDate,
    (change, true_up): (i64, &str),
    deltas: i64,
) -> Result<Taken, StoreError> {
    let (change, true_up) = (Cents::new(change), wide(true_up)?);
    Ok(Taken { group, effective_on, change, true_up, deltas })
}

fn wide(text: &str) -> Result<i128, StoreError> {
    text.parse().map_err(|_| StoreError::OutOfRange { what: "numerator of interest" })
}
