//! What the bench found, as a table and as JSON.

use std::fmt;

use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct Report {
    pub(crate) machine: String,
    pub(crate) load_before: String,
    pub(crate) load_after: String,
    pub(crate) seconds: u64,
    pub(crate) rounds: u32,
    pub(crate) comparisons: Vec<Comparison>,
}

#[derive(Serialize)]
pub(crate) struct Comparison {
    what: String,
    /// A second; while the rounds go on, of all of them.
    ours: u64,
    pgbench: u64,
    ratio_permille: u64,
    /// Of each round.
    ratios_permille: Vec<u64>,
}

impl Comparison {
    pub(crate) const fn new(what: String) -> Self {
        Self { what, ours: 0, pgbench: 0, ratio_permille: 0, ratios_permille: Vec::new() }
    }

    pub(crate) fn add(&mut self, ours: u64, pgbench: u64) {
        self.ours += ours;
        self.pgbench += pgbench;
        self.ratios_permille.push(permille(ours, pgbench));
    }

    pub(crate) fn done(mut self, seconds: u64) -> Self {
        let rounds = u64::try_from(self.ratios_permille.len()).unwrap_or(1).max(1);
        self.ratio_permille = permille(self.ours, self.pgbench);
        self.ours /= seconds.max(1) * rounds;
        self.pgbench /= seconds.max(1) * rounds;
        self
    }
}

fn permille(ours: u64, theirs: u64) -> u64 {
    ours * 1_000 / theirs.max(1)
}

/// As a decimal with two places.
fn ratio(permille: u64) -> String {
    let hundredths = (permille + 5) / 10;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { machine, load_before, load_after, seconds, rounds, comparisons } = self;
        writeln!(
            f,
            "{rounds} rounds of {seconds} s a side, in turn, every commit synced. {machine}; load {load_before} before, \
             {load_after} after.\n"
        )?;
        writeln!(f, "{:<44} {:>10} {:>10} {:>6}  by round", "", "ours", "pgbench", "ratio")?;
        for one in comparisons {
            let by_round: Vec<_> = one.ratios_permille.iter().map(|one| ratio(*one)).collect();
            writeln!(
                f,
                "{:<44} {:>10} {:>10} {:>6}  {}",
                one.what,
                one.ours,
                one.pgbench,
                ratio(one.ratio_permille),
                by_round.join(" ")
            )?;
        }
        Ok(())
    }
}
