//! A line told fact by fact.

use chrono::{Datelike, NaiveDate};
use oracle::{Cycle, Dated, Fact, Product, Standing, reckon};

pub(crate) fn day(date: &str) -> NaiveDate {
    date.parse().unwrap()
}

/// A plain line and what happened to it; facts are recorded the day they take effect unless said.
pub(crate) struct Story {
    pub(crate) product: Product,
    opened_on: NaiveDate,
    pub(crate) cycle: Cycle,
    facts: Vec<Dated>,
}

impl Story {
    pub(crate) fn new(apr_ppm: u32, opened_on: &str, first_close: &str) -> Self {
        let first_close = day(first_close);
        let month_end = first_close.succ_opt().unwrap().day() == 1;
        Self {
            product: Product::CashlineStd { apr_ppm, limit_cents: 500_000 },
            opened_on: day(opened_on),
            cycle: Cycle { first_close, day: if month_end { 31 } else { first_close.day() } },
            facts: Vec::new(),
        }
    }

    pub(crate) fn with_draw_fee(mut self) -> Self {
        let Product::CashlineStd { apr_ppm, limit_cents } = self.product else { panic!() };
        self.product = Product::CashlineFee3 { apr_ppm, limit_cents };
        self
    }

    pub(crate) fn on(self, date: &str, fact: Fact) -> Self {
        self.late(date, date, fact)
    }

    pub(crate) fn late(mut self, effective: &str, recorded: &str, fact: Fact) -> Self {
        let (effective_on, recorded_on) = (day(effective), day(recorded));
        self.facts.push(Dated { effective_on, recorded_on, fact });
        self
    }

    pub(crate) fn draw(self, date: &str, cents: i64) -> Self {
        let id = self.facts.len() as u64;
        self.on(date, Fact::Draw { id, cents })
    }

    pub(crate) fn pay(self, date: &str, cents: i64) -> Self {
        let id = self.facts.len() as u64;
        self.on(date, Fact::Payment { id, cents })
    }

    pub(crate) fn at(&self, through: &str) -> Standing {
        let through = day(through);
        reckon(self.product, self.opened_on, self.cycle, &self.facts, through, through)
    }

    /// The interest of the first statement.
    pub(crate) fn first_interest(&self) -> i64 {
        let line = self.at(&self.cycle.first_close.to_string());
        line.statements.first().unwrap().interest
    }
}
