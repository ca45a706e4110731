//! Accounting months, and balances as of any day.
//!
//! A balance is what the last closed month kept plus the entries since: a close adds up one month, and a trial balance the open
//! one. Each function is one statement; `trial_balance` is two.

use chrono::{DateTime, Months, NaiveDate, Utc};
use ledger::AccountCode;
use money::Cents;
use sqlx::PgConnection;

use crate::{StoreError, postings::code_from_column};

/// Months that are not closed in their order, or not yet: the name of the constraint.
pub const IN_ORDER: &str = "ledger_periods_in_order";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its first day.
    pub month: NaiveDate,
    pub closed_at: DateTime<Utc>,
    /// Its balances are kept.
    pub balanced: bool,
}

/// By which date an entry counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByDate {
    /// The accounting date.
    Booked,
    /// The value date.
    Value,
}

/// What a balance is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsOf {
    /// With all of this day.
    pub on: NaiveDate,
    pub by: ByDate,
    /// As it was known at an instant; absent: as it is known now.
    pub known_at: Option<DateTime<Utc>>,
}

/// What an account came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    pub debits: Cents,
    pub credits: Cents,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountMovement {
    pub account: AccountCode,
    /// Through the end of the last closed month.
    pub brought_forward: Sums,
    /// Since then.
    pub moved: Sums,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balances {
    /// The closed month that they begin with.
    pub since: Option<NaiveDate>,
    pub accounts: Vec<AccountMovement>,
}

/// The last closed month.
pub async fn last(conn: &mut PgConnection) -> Result<Option<Period>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT month, closed_at, balanced_at IS NOT NULL AS "balanced!" FROM ledger_periods
            ORDER BY month DESC LIMIT 1"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Period { month: row.month, closed_at: row.closed_at, balanced: row.balanced }))
}

/// The first day on which something was booked that is in no closed month.
pub async fn first_open(conn: &mut PgConnection) -> Result<Option<NaiveDate>, StoreError> {
    let first = sqlx::query_scalar!(
        "SELECT min(booked_on) FROM entries
          WHERE booked_on >= (SELECT coalesce((max(month) + interval '1 month')::date, '-infinity') FROM ledger_periods)"
    )
    .fetch_one(conn)
    .await?;
    Ok(first)
}

/// Closes a month: waits for whoever is posting, and nobody books into it from then on. Whoever posts waits behind that, so
/// it waits two seconds at most and then fails with `StoreError::waited_too_long`.
pub async fn close(
    conn: &mut PgConnection,
    month: NaiveDate,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!("SET LOCAL lock_timeout = '2s'").execute(&mut *conn).await?;
    sqlx::query!("INSERT INTO ledger_periods (month, closed_at) VALUES ($1, $2)", month, at)
        .execute(conn)
        .await?;
    Ok(())
}

/// Keeps the balances of a closed month. Doing it again does nothing. In a transaction begun after the close was committed.
pub async fn keep_balances(
    conn: &mut PgConnection,
    month: NaiveDate,
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    sqlx::query!(
        "WITH done AS (
             UPDATE ledger_periods SET balanced_at = $2,
                    known_at = greatest(
                        (SELECT b.known_at FROM ledger_periods b WHERE b.month = ($1::date - interval '1 month')::date),
                        (SELECT max(p.recorded_at) FROM postings p
                          WHERE p.id IN (SELECT e.posting_id FROM entries e
                                          WHERE e.booked_on < ($1::date + interval '1 month')::date
                                            AND e.booked_on >= $1)))
              WHERE month = $1 AND balanced_at IS NULL RETURNING month
         ), moved AS (
             SELECT e.account_code, sum(e.amount_cents) FILTER (WHERE e.side = 'debit') AS debits,
                    sum(e.amount_cents) FILTER (WHERE e.side = 'credit') AS credits
               FROM entries e WHERE e.booked_on >= $1 AND e.booked_on < ($1::date + interval '1 month')::date
              GROUP BY e.account_code
         ), before AS (
             SELECT account_code, debits_cents, credits_cents FROM ledger_balances
              WHERE month = ($1::date - interval '1 month')::date
         )
         INSERT INTO ledger_balances (month, account_code, debits_cents, credits_cents)
         SELECT done.month, account_code, (coalesce(b.debits_cents, 0) + coalesce(m.debits, 0))::bigint,
                (coalesce(b.credits_cents, 0) + coalesce(m.credits, 0))::bigint
           FROM done, before b FULL JOIN moved m USING (account_code)",
        month,
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What every account came to.
pub async fn trial_balance(conn: &mut PgConnection, as_of: AsOf) -> Result<Balances, StoreError> {
    let since = sqlx::query_scalar!(
        "SELECT max(month) FROM ledger_periods
          WHERE balanced_at IS NOT NULL AND (month + interval '1 month')::date <= $1::date + 1
            AND ($2::timestamptz IS NULL OR coalesce(known_at, '-infinity') <= $2)",
        as_of.on,
        as_of.known_at,
    )
    .fetch_one(&mut *conn)
    .await?;
    let from = since.and_then(|month| month.checked_add_months(Months::new(1)));
    let rows = sqlx::query!(
        r#"WITH moved AS (
               SELECT e.account_code, sum(e.amount_cents) FILTER (WHERE e.side = 'debit') AS debits,
                      sum(e.amount_cents) FILTER (WHERE e.side = 'credit') AS credits
                 FROM entries e
                WHERE e.booked_on >= coalesce($1::date, '-infinity')
                  AND CASE WHEN $3 THEN e.effective_on ELSE e.booked_on END <= $4
                  AND ($5::timestamptz IS NULL
                       OR EXISTS (SELECT FROM postings p WHERE p.id = e.posting_id AND p.recorded_at <= $5))
                GROUP BY e.account_code
           ), before AS (
               SELECT account_code, debits_cents, credits_cents FROM ledger_balances WHERE month = $2
           )
           SELECT account_code AS "account_code!", coalesce(b.debits_cents, 0) AS "before_debits!",
                  coalesce(b.credits_cents, 0) AS "before_credits!", coalesce(m.debits, 0)::bigint AS "debits!",
                  coalesce(m.credits, 0)::bigint AS "credits!"
             FROM before b FULL JOIN moved m USING (account_code) ORDER BY account_code"#,
        from,
        since,
        as_of.by == ByDate::Value,
        as_of.on,
        as_of.known_at,
    )
    .fetch_all(conn)
    .await?;
    let sums = |debits, credits| Sums { debits: Cents::new(debits), credits: Cents::new(credits) };
    let accounts = rows.into_iter().map(|row| {
        Ok(AccountMovement {
            account: code_from_column(row.account_code)?,
            brought_forward: sums(row.before_debits, row.before_credits),
            moved: sums(row.debits, row.credits),
        })
    });
    Ok(Balances { since, accounts: accounts.collect::<Result<_, StoreError>>()? })
}

/// An account in a closed month whose kept balance is not the sum of its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongBalance {
    pub month: NaiveDate,
    pub account: AccountCode,
}

/// Closed months against all their entries: adds up everything that was ever booked into them.
pub async fn find_wrong(conn: &mut PgConnection) -> Result<Vec<WrongBalance>, StoreError> {
    let rows = sqlx::query!(
        r#"WITH months AS (
               SELECT account_code, date_trunc('month', booked_on)::date AS month,
                      coalesce(sum(amount_cents) FILTER (WHERE side = 'debit'), 0) AS debits,
                      coalesce(sum(amount_cents) FILTER (WHERE side = 'credit'), 0) AS credits
                 FROM entries GROUP BY 1, 2
           ), sums AS (
               SELECT p.month, m.account_code, sum(m.debits) AS debits, sum(m.credits) AS credits
                 FROM ledger_periods p JOIN months m ON m.month <= p.month
                WHERE p.balanced_at IS NOT NULL GROUP BY 1, 2
           )
           SELECT month AS "month!", account_code AS "account_code!"
             FROM sums s FULL JOIN ledger_balances b USING (month, account_code)
            WHERE s.debits IS DISTINCT FROM b.debits_cents OR s.credits IS DISTINCT FROM b.credits_cents
            ORDER BY 1, 2"#
    )
    .fetch_all(conn)
    .await?;
    let wrong = |month, code| Ok(WrongBalance { month, account: code_from_column(code)? });
    rows.into_iter().map(|row| wrong(row.month, row.account_code)).collect()
}
