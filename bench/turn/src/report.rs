//! What the bench found, as a table and as JSON.

use std::fmt::{self, Display};

use serde::Serialize;

use crate::figures::{Percentiles, permille};

#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) machine: String,
    pub(crate) load_before: String,
    pub(crate) load_after: String,
    pub(crate) turns: u32,
    pub(crate) turns_per_conversation: u32,
    pub(crate) platform: Side,
    /// PostgreSQL's own processes, which work for our side alone.
    pub(crate) postgres_cpu_us_per_turn: u64,
    pub(crate) rival: Side,
    pub(crate) ratios: Ratios,
}

#[derive(Serialize)]
pub(crate) struct Side {
    pub(crate) name: String,
    pub(crate) own: Percentiles,
    pub(crate) total: Percentiles,
    pub(crate) cpu_us_per_turn: u64,
}

/// Ours to the rival's, in thousandths.
#[derive(Serialize)]
pub(crate) struct Ratios {
    own_p50_permille: Option<u64>,
    own_p99_permille: Option<u64>,
    cpu_permille: Option<u64>,
    cpu_with_postgres_permille: Option<u64>,
}

impl Ratios {
    pub(crate) const fn of(ours: &Side, postgres_cpu_us: u64, rival: &Side) -> Self {
        let cpu = ours.cpu_us_per_turn;
        Self {
            own_p50_permille: permille(ours.own.p50_us, rival.own.p50_us),
            own_p99_permille: permille(ours.own.p99_us, rival.own.p99_us),
            cpu_permille: permille(cpu, rival.cpu_us_per_turn),
            cpu_with_postgres_permille: permille(cpu + postgres_cpu_us, rival.cpu_us_per_turn),
        }
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "One turn with one read tool, recorded; the model answers at once.")?;
        writeln!(
            f,
            "{} turns a side, in turn, {} to a conversation. {}; load {} before, {} after.\n",
            self.turns,
            self.turns_per_conversation,
            self.machine,
            self.load_before,
            self.load_after
        )?;
        writeln!(
            f,
            "{:<24}{:>10}{:>10}{:>10}{:>12}{:>12}{:>12}",
            "ms", "own p50", "p90", "p99", "total p50", "CPU a turn", "PostgreSQL"
        )?;
        let postgres = thousandths(self.postgres_cpu_us_per_turn);
        for (side, postgres) in [(&self.platform, postgres.as_str()), (&self.rival, "-")] {
            writeln!(
                f,
                "{:<24}{:>10}{:>10}{:>10}{:>12}{:>12}{:>12}",
                side.name,
                thousandths(side.own.p50_us),
                thousandths(side.own.p90_us),
                thousandths(side.own.p99_us),
                thousandths(side.total.p50_us),
                thousandths(side.cpu_us_per_turn),
                postgres,
            )?;
        }
        let ratio = |ratio: Option<u64>| ratio.map_or_else(|| "-".to_owned(), thousandths);
        writeln!(
            f,
            "{:<24}{:>10}{:>10}{:>10}{:>12}{:>12}   {} with PostgreSQL",
            "ratio",
            ratio(self.ratios.own_p50_permille),
            "",
            ratio(self.ratios.own_p99_permille),
            "",
            ratio(self.ratios.cpu_permille),
            ratio(self.ratios.cpu_with_postgres_permille),
        )
    }
}

/// A number of thousandths as a decimal.
fn thousandths(value: u64) -> String {
    format!("{}.{:03}", value / 1000, value % 1000)
}
