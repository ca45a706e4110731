//! How long a customer waits who schedules a payment: while nothing else happens, and while a day is closed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use chrono::{Days, NaiveDate};
use money::Cents;
use serde::Serialize;
use servicing::{
    AmountAsk, BankAccountAsk, Caller, PaymentAsk, Servicing,
    close::{CloseAsk, Pace},
    testing::{boarded::Ids, key, noon},
};
use tokio::task::JoinSet;

use crate::{
    close,
    portfolio::{Portfolio, due_on},
};

#[derive(Serialize)]
pub(crate) struct Payments {
    pub(crate) lines_loaded: u64,
    pub(crate) idle: Latency,
    /// During a close at the default pace.
    pub(crate) gentle: Latency,
    /// During one that nothing holds back.
    pub(crate) full: Latency,
    /// p99 during a close at the default pace, in hundredths of the idle one.
    pub(crate) gentle_percent_of_idle: u128,
    pub(crate) full_percent_of_idle: u128,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Latency {
    pub(crate) payments: usize,
    pub(crate) p50_us: u128,
    pub(crate) p99_us: u128,
    pub(crate) max_us: u128,
    /// How long the close took.
    pub(crate) close_ms: u128,
    pub(crate) lines_closed: u64,
    /// Debits that the close sent and credited first.
    pub(crate) debits: u32,
}

/// Customers at a time, and how often each pays.
const PAYERS: u64 = 4;
const EVERY: Duration = Duration::from_millis(40);

/// How long payments are timed while nothing else happens.
const IDLE_FOR: Duration = Duration::from_secs(12);

struct Payers {
    servicing: Servicing,
    lines: u64,
    on: NaiveDate,
    next: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Payers {
    /// Pays until told to stop, each payment for another line, and tells how long each took from the moment it was to begin.
    async fn pay(self) -> anyhow::Result<Vec<u128>> {
        let mut waited = Vec::new();
        let mut begins = Instant::now();
        while !self.stop.load(Ordering::Relaxed) {
            tokio::time::sleep_until(begins.into()).await;
            let n = self.next.fetch_add(1, Ordering::Relaxed);
            // Every line comes, those that are due too, and far from one another.
            let customer = Ids::of(n * 7_919 % self.lines).customer;
            let ask = PaymentAsk {
                amount: AmountAsk::Exact { cents: Cents::new(1_000) },
                on: self.on,
                from: BankAccountAsk::Only,
            };
            let key = key(&format!("bench-{n}"));
            self.servicing
                .schedule_payment(Caller::customer(customer), customer, &ask, &key)
                .await?;
            waited.push(begins.elapsed().as_micros());
            begins += EVERY;
        }
        Ok(waited)
    }
}

/// Payments while `work` lasts.
async fn during<T>(
    portfolio: &Portfolio,
    lines: u64,
    next: &Arc<AtomicU64>,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<(Latency, T)> {
    let stop = Arc::new(AtomicBool::new(false));
    let mut payers = JoinSet::new();
    for _ in 0..PAYERS {
        let payer = Payers {
            servicing: portfolio.servicing.clone(),
            lines,
            on: due_on() + Days::new(9),
            next: Arc::clone(next),
            stop: Arc::clone(&stop),
        };
        payers.spawn(payer.pay());
    }
    let began = Instant::now();
    let done = work.await?;
    let close_ms = began.elapsed().as_millis();
    stop.store(true, Ordering::Relaxed);
    let mut waited = Vec::new();
    for payer in payers.join_all().await {
        waited.extend(payer?);
    }
    waited.sort_unstable();
    let at = |percent: usize| waited.get((waited.len() * percent / 100).min(waited.len() - 1));
    let of = |percent| at(percent).copied().unwrap_or_default();
    let (p50_us, p99_us, max_us) = (of(50), of(99), of(100));
    let payments = waited.len();
    Ok((Latency { payments, p50_us, p99_us, max_us, close_ms, lines_closed: 0, debits: 0 }, done))
}

pub(crate) async fn measure(lines: u64) -> anyhow::Result<Payments> {
    let portfolio = Portfolio::load(lines).await?;
    let next = Arc::new(AtomicU64::new(0));
    let at_rest = |length| async move {
        tokio::time::sleep(length).await;
        anyhow::Ok(())
    };
    // To warm up, which is not told.
    during(&portfolio, lines, &next, at_rest(Duration::from_secs(2))).await?;
    let (idle, ()) = during(&portfolio, lines, &next, at_rest(IDLE_FOR)).await?;
    let mut latencies = Vec::new();
    for (day, pace) in [(0, Pace::Gentle), (1, Pace::Full)] {
        let on = due_on() + Days::new(day);
        portfolio.hand.set(noon(on));
        let ask = CloseAsk { on, workers: None, pace, payments: true };
        let (latency, report) =
            Box::pin(during(&portfolio, lines, &next, close::run(&portfolio, ask))).await?;
        let debits = report.payments.report.map_or(0, |payments| payments.released);
        latencies.push(Latency { lines_closed: report.lines.lines, debits, ..latency });
    }
    portfolio.close().await;
    let (gentle, full) = (latencies[0], latencies[1]);
    let percent = |latency: Latency| latency.p99_us * 100 / idle.p99_us.max(1);
    Ok(Payments {
        lines_loaded: lines,
        idle: Latency { close_ms: 0, ..idle },
        gentle,
        full,
        gentle_percent_of_idle: percent(gentle),
        full_percent_of_idle: percent(full),
    })
}
