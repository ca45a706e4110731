//! Our side: postings built and checked by `ledger`, written by `store`, each batch or single posting a transaction of its own.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use calendar::Clock;
use chrono::{DateTime, NaiveDate, Utc};
use identity::{CreditLineId, PostingId};
use ledger::{Chart, Posting};
use money::Cents;
use sqlx::{Connection as _, PgConnection};
use store::{
    Store,
    postings::{self, NewPosting},
};
use tokio::task::JoinSet;

/// A draw: the principal of one line of many against the one account that all draws share.
fn draw(chart: &Chart, line: CreditLineId, cents: i64) -> anyhow::Result<Posting> {
    Ok(Posting::of("drew")
        .debit(chart.account("principal")?.of(line), Cents::new(cents))
        .credit(chart.account("draws_clearing")?, Cents::new(cents))
        .balanced()?)
}

fn day() -> anyhow::Result<NaiveDate> {
    NaiveDate::from_ymd_opt(2026, 10, 1).context("a day of the calendar")
}

const NOW: DateTime<Utc> = DateTime::UNIX_EPOCH;

async fn connect(store: &Store) -> anyhow::Result<PgConnection> {
    Ok(PgConnection::connect_with(&store.app().connect_options()).await?)
}

async fn post(
    conn: &mut PgConnection,
    drawn: &[(CreditLineId, Posting)],
    on: NaiveDate,
) -> anyhow::Result<()> {
    let mut tx = conn.begin().await?;
    let new: Vec<NewPosting<'_>> = drawn
        .iter()
        .map(|(line, posting)| NewPosting {
            id: PostingId::mint(Clock::system().now()),
            posting,
            credit_line: Some(*line),
            event_seq: None,
            effective_on: on,
            recorded_at: NOW,
        })
        .collect();
    postings::post(&mut tx, &new).await?;
    Ok(tx.commit().await?)
}

/// How many postings one client writes in that time, a batch at a time.
pub(crate) async fn batches(store: &Store, size: usize, time: Duration) -> anyhow::Result<u64> {
    let (chart, on) = (Chart::embedded()?, day()?);
    let mut conn = connect(store).await?;
    let lines: Vec<_> = (0..size).map(|_| CreditLineId::mint(Clock::system().now())).collect();
    let (start, mut done) = (Instant::now(), 0);
    while start.elapsed() < time {
        let drawn =
            lines.iter().zip(1..).map(|(line, cents)| Ok((*line, draw(&chart, *line, cents)?)));
        let drawn: Vec<_> = drawn.collect::<anyhow::Result<_>>()?;
        post(&mut conn, &drawn, on).await?;
        done += u64::try_from(size)?;
    }
    conn.close().await?;
    Ok(done)
}

/// How many postings that many clients write in that time, one at a time.
pub(crate) async fn singles(store: &Store, clients: u32, time: Duration) -> anyhow::Result<u64> {
    let mut tasks = JoinSet::new();
    for _ in 0..clients {
        let mut conn = connect(store).await?;
        tasks.spawn(async move {
            let (chart, on) = (Chart::embedded()?, day()?);
            let line = CreditLineId::mint(Clock::system().now());
            let (start, mut done) = (Instant::now(), 0);
            while start.elapsed() < time {
                post(&mut conn, &[(line, draw(&chart, line, 500)?)], on).await?;
                done += 1;
            }
            conn.close().await?;
            anyhow::Ok(done)
        });
    }
    let mut all = 0;
    while let Some(done) = tasks.join_next().await {
        all += done??;
    }
    Ok(all)
}
