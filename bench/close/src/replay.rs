//! One line by itself, without a database: lived through from nothing, and corrected by a payment that came back late.

use std::{fs, time::Duration};

use anyhow::ensure;
use chrono::{Days, Months, NaiveDate};
use credit::{CreditLine, LineEvent, LineEventBody, Recorded, Snapshot, Terms, replay};
use identity::{CreditLineId, DrawId, PaymentId};
use money::{Apr, Cents};
use serde::Serialize;
use servicing::testing::{day, noon, product};

#[derive(Serialize)]
pub(crate) struct Replay {
    pub(crate) cycles: u32,
    pub(crate) events: usize,
    /// CPU time of one replay of the whole history, from nothing.
    pub(crate) from_nothing_us: u128,
    /// CPU time of recording the return of a payment effective 45 days before, with everything that it corrects.
    pub(crate) returned_late_us: u128,
    /// Statements, fees and adjustments that the return brought about.
    pub(crate) corrections: usize,
}

const CYCLES: u32 = 24;
const TIMES: u32 = 200;

/// What this thread has had of the processor.
fn cpu() -> anyhow::Result<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = text.split_whitespace().next().and_then(|nanos| nanos.parse().ok());
    nanos.map(Duration::from_nanos).ok_or_else(|| anyhow::anyhow!("no schedstat on this system"))
}

struct Lived {
    line: CreditLine,
    last_payment: PaymentId,
    today: NaiveDate,
}

/// Two years of a customer who draws every other month and pays twice a month, and 45 days more.
fn live() -> anyhow::Result<Lived> {
    let opened_on = day("2024-01-06");
    let terms = Terms::open(&product(), Cents::new(500_000), Apr::from_ppm(240_000), 5);
    let id = CreditLineId::mint(noon(opened_on));
    let (mut line, _) = CreditLine::open(id, terms, opened_on, noon(opened_on))?;
    let mut last_payment = PaymentId::mint(noon(opened_on));
    let mut last_on = opened_on;
    let add = |line: &mut CreditLine, on: NaiveDate, body| -> anyhow::Result<()> {
        line.settle(on, noon(on))?;
        line.record(body, on, noon(on))?;
        Ok(())
    };
    for month in 0..CYCLES {
        let first = opened_on + Months::new(month);
        if month % 2 == 0 {
            let draw = DrawId::mint(noon(first));
            let (amount, fee) = (Cents::new(20_000), Cents::ZERO);
            add(
                &mut line,
                first,
                LineEventBody::Drew { draw, feature: None, amount, fee, by_terms: true },
            )?;
        }
        for days in [10, 22] {
            last_on = first + Days::new(days);
            last_payment = PaymentId::mint(noon(last_on));
            let (payment, amount) = (last_payment, Cents::new(4_500));
            add(&mut line, last_on, LineEventBody::PaymentReceived { payment, amount })?;
        }
    }
    let today = last_on + Days::new(45);
    line.settle(today, noon(today))?;
    Ok(Lived { line, last_payment, today })
}

pub(crate) fn measure() -> anyhow::Result<Replay> {
    let Lived { line, last_payment, today } = live()?;
    let events: Vec<LineEvent> = line.events().to_vec();
    let position = replay(&events, today)?;
    ensure!(position.cycles.len() >= CYCLES as usize, "too few cycles");
    let began = cpu()?;
    for _ in 0..TIMES {
        std::hint::black_box(replay(std::hint::black_box(&events), today)?);
    }
    let from_nothing_us = cpu()?.saturating_sub(began).as_micros() / u128::from(TIMES);

    let body = LineEventBody::PaymentReturned {
        payment: last_payment,
        code: "R10".to_owned(),
        fee: Cents::ZERO,
    };
    let snapshots: Vec<Snapshot> = line.snapshots().to_vec();
    let mut spent = Duration::ZERO;
    let mut corrections = 0;
    for _ in 0..TIMES {
        let (events, snapshots) = (events.clone(), snapshots.clone());
        let began = cpu()?;
        let mut line = CreditLine::from_history(line.id(), events, snapshots)?;
        let returned = line.record(body.clone(), today, noon(today))?;
        let settled = line.settle(today, noon(today))?;
        spent += cpu()?.saturating_sub(began);
        corrections = settled.len();
        is_exact(&line, &returned, &settled, today)?;
    }
    Ok(Replay {
        cycles: CYCLES,
        events: events.len(),
        from_nothing_us,
        returned_late_us: spent.as_micros() / u128::from(TIMES),
        corrections,
    })
}

/// What was posted is what a replay of everything from nothing says.
fn is_exact(
    line: &CreditLine,
    returned: &Recorded,
    settled: &[Recorded],
    today: NaiveDate,
) -> anyhow::Result<()> {
    let whole = replay(line.events(), today)?;
    ensure!(whole.pending.is_empty() && whole.statements_due.is_empty(), "not all is posted");
    ensure!(whole == line.position(today)?, "the line is not what its history says");
    ensure!(&whole.posted == line.posted(), "the books are not what the history says");
    ensure!(returned.posting.is_some() && !settled.is_empty(), "the return changed nothing");
    Ok(())
}
