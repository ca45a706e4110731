//! The gate: from two runs of one sealed suite to a verdict.
//!
//! It passes only if everything holds; whatever is missing or could not be measured counts against the candidate.
#![expect(clippy::float_arithmetic, reason = "statistics; no money here")]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Suite,
    statistics::{Difference, Paired, fewest_cases},
};

/// How one case went under one configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CaseResult {
    pub id: String,
    pub slice: String,
    /// Passed when more than half of its repeats did.
    pub outcome: CaseOutcome,
    /// How often it was run, and passed. A deterministic model is run once.
    pub repeats: u32,
    pub passed: u32,
    /// What was expected and did not hold; the rules broken.
    pub findings: Vec<Finding>,
    pub tokens: u64,
    pub latency_ms: u64,
    /// What was said, for whoever looks at a failure.
    pub transcript: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    pub who: String,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CaseOutcome {
    Pass,
    Fail,
    /// It could not be run: neither for nor against the candidate, up to the suite's bound.
    Infrastructure,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub grader: String,
    /// A hard rule is never weighed against anything.
    pub hard_rule: bool,
    pub detail: String,
}

/// What the gate says, and the exit status it says it with (docs/gate.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Pass,
    Inconclusive,
    Quality,
    HardRule,
    Budget,
}

impl Outcome {
    #[must_use]
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Inconclusive => 3,
            Self::Quality => 10,
            Self::HardRule => 11,
            Self::Budget => 12,
        }
    }
}

/// One comparison the gate made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub name: String,
    pub holds: bool,
    pub detail: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SliceReport {
    pub slice: String,
    pub regulated: bool,
    pub paired: Paired,
    pub difference: Difference,
    /// Whether it has enough cases for the paired test; else no case may newly fail.
    pub by_test: bool,
    pub holds: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateReport {
    pub suite: String,
    pub suite_digest: String,
    pub candidate: String,
    /// `None` for a first promotion: the absolute bars apply.
    pub baseline: Option<String>,
    pub outcome: Outcome,
    pub margin: f64,
    pub overall: Option<Paired>,
    pub difference: Option<Difference>,
    pub pass_rate: f64,
    pub checks: Vec<Check>,
    pub slices: Vec<SliceReport>,
    pub newly_failing: Vec<String>,
    pub newly_passing: Vec<String>,
    /// Whether any answer differed at all between the two. A stand-in that feels nothing is told, never passed over.
    pub no_effect: bool,
}

/// One configuration's run of the suite.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// The served configuration's digest.
    pub configuration: String,
    pub results: Vec<CaseResult>,
}

/// Judges a candidate against the promoted baseline, or by the absolute bars where there is none.
#[must_use]
pub fn judge(suite: &Suite, candidate: &Run, baseline: Option<&Run>) -> GateReport {
    let mut report = GateReport {
        suite: suite.declaration.name.clone(),
        suite_digest: suite.digest.clone(),
        candidate: candidate.configuration.clone(),
        baseline: baseline.map(|run| run.configuration.clone()),
        outcome: Outcome::Pass,
        margin: suite.declaration.margin,
        overall: None,
        difference: None,
        pass_rate: pass_rate(candidate),
        checks: Vec::new(),
        slices: Vec::new(),
        newly_failing: Vec::new(),
        newly_passing: Vec::new(),
        no_effect: false,
    };
    let hard = check_hard_rules(candidate, &mut report);
    let conclusive = check_infrastructure(suite, candidate, baseline, &mut report);
    let quality = match baseline {
        Some(baseline) => compare(suite, candidate, baseline, &mut report),
        None => check_first(suite, &mut report),
    };
    let budget =
        baseline.is_none_or(|baseline| check_budget(suite, candidate, baseline, &mut report));
    report.outcome = match (hard, conclusive, quality, budget) {
        (false, ..) => Outcome::HardRule,
        (true, false, ..) => Outcome::Inconclusive,
        (true, true, false, _) => Outcome::Quality,
        (true, true, true, false) => Outcome::Budget,
        (true, true, true, true) => Outcome::Pass,
    };
    report
}

impl GateReport {
    fn check(&mut self, name: &str, holds: bool, detail: String) -> bool {
        self.checks.push(Check { name: name.to_owned(), holds, detail });
        holds
    }
}

fn check_hard_rules(candidate: &Run, report: &mut GateReport) -> bool {
    let broken: Vec<&str> = candidate
        .results
        .iter()
        .filter(|result| result.findings.iter().any(|finding| finding.hard_rule))
        .map(|result| result.id.as_str())
        .collect();
    let detail = if broken.is_empty() {
        "no hard rule was broken".to_owned()
    } else {
        format!("hard rules broken in {}", broken.join(", "))
    };
    report.check("hard rules", broken.is_empty(), detail)
}

/// Too many cases that could not be run, or a case missing from a run, decide nothing.
fn check_infrastructure(
    suite: &Suite,
    candidate: &Run,
    baseline: Option<&Run>,
    report: &mut GateReport,
) -> bool {
    let failed = |run: &Run| {
        let ran = run.results.iter().filter(|r| r.outcome != CaseOutcome::Infrastructure).count();
        suite.cases.len().saturating_sub(ran)
    };
    let most = [Some(candidate), baseline].into_iter().flatten().map(failed).max().unwrap_or(0);
    let holds = !suite.too_many_not_run(most);
    report.check(
        "infrastructure",
        holds,
        format!("{most} of {} cases could not be run", suite.cases.len()),
    )
}

fn check_first(suite: &Suite, report: &mut GateReport) -> bool {
    let (rate, bar) = (report.pass_rate, suite.declaration.first_pass_rate);
    let detail =
        format!("first promotion: pass rate {:.1} %, bar {:.1} %", rate * 100.0, bar * 100.0);
    report.check("pass rate", rate >= bar, detail)
}

fn compare(suite: &Suite, candidate: &Run, baseline: &Run, report: &mut GateReport) -> bool {
    let before: BTreeMap<&str, &CaseResult> =
        baseline.results.iter().map(|result| (result.id.as_str(), result)).collect();
    let mut overall = Paired::default();
    let mut slices: BTreeMap<&str, Paired> = BTreeMap::new();
    let mut alike = true;
    let mut broken = Vec::new();
    for now in &candidate.results {
        let Some(was) = before.get(now.id.as_str()) else { continue };
        alike &= was.transcript == now.transcript;
        if now.outcome == CaseOutcome::Infrastructure || was.outcome == CaseOutcome::Infrastructure
        {
            continue;
        }
        let always = was.passed == was.repeats;
        let (was, passes) = (was.outcome == CaseOutcome::Pass, now.outcome == CaseOutcome::Pass);
        for paired in [&mut overall, slices.entry(now.slice.as_str()).or_default()] {
            match (was, passes) {
                (true, true) => paired.both_pass += 1,
                (true, false) => paired.newly_failing += 1,
                (false, true) => paired.newly_passing += 1,
                (false, false) => paired.both_fail += 1,
            }
        }
        if always && !passes {
            broken.push(now.id.as_str());
        }
        match (was, passes) {
            (true, false) => report.newly_failing.push(now.id.clone()),
            (false, true) => report.newly_passing.push(now.id.clone()),
            _ => {}
        }
    }
    let (z, margin) = (suite.z(), suite.declaration.margin);
    let difference = overall.difference(z);
    report.overall = Some(overall);
    report.difference = Some(difference);
    report.no_effect = alike;
    let detail = format!(
        "difference {:+.2} points, lower bound {:+.2}, margin -{:.2}",
        difference.estimate * 100.0,
        difference.lower * 100.0,
        margin * 100.0
    );
    let mut holds = report.check("paired non-inferiority", difference.lower > -margin, detail);
    let detail = match broken.as_slice() {
        [] => "every case that always worked still does".to_owned(),
        cases => format!("these always worked and now mostly fail: {}", cases.join(", ")),
    };
    holds &= report.check("nothing that always worked now mostly fails", broken.is_empty(), detail);
    holds & judge_slices(suite, slices, report)
}

/// Regulated slices: the paired test where there are cases enough for it, else no newly failing case.
fn judge_slices(suite: &Suite, slices: BTreeMap<&str, Paired>, report: &mut GateReport) -> bool {
    let (z, margin) = (suite.z(), suite.declaration.margin);
    let mut holds = true;
    for (slice, paired) in slices {
        let by_test = paired.cases() >= fewest_cases(margin, z);
        let difference = paired.difference(z);
        let regulated = suite.declaration.regulated.contains(slice);
        let slice_holds = !regulated
            || if by_test { difference.lower > -margin } else { paired.newly_failing == 0 };
        holds &= slice_holds;
        if regulated {
            let detail = format!("{} of {} cases newly fail", paired.newly_failing, paired.cases());
            report.check(&format!("regulated slice {slice}"), slice_holds, detail);
        }
        report.slices.push(SliceReport {
            slice: slice.to_owned(),
            regulated,
            paired,
            difference,
            by_test,
            holds: slice_holds,
        });
    }
    holds
}

/// Cost and latency, as ratios of sums over the cases that both runs have.
fn check_budget(suite: &Suite, candidate: &Run, baseline: &Run, report: &mut GateReport) -> bool {
    let ratio = |of: fn(&CaseResult) -> u64| {
        let sum = |run: &Run| run.results.iter().map(of).sum::<u64>();
        share_of_sums(sum(candidate), sum(baseline))
    };
    let tokens = ratio(|result| result.tokens);
    let latency = ratio(|result| result.latency_ms);
    let (most_tokens, most_latency) =
        (suite.declaration.tokens_ratio, suite.declaration.latency_ratio);
    let cheap = report.check(
        "tokens",
        tokens <= most_tokens,
        format!("{tokens:.2} times the baseline's, at most {most_tokens:.2}"),
    );
    let fast = report.check(
        "latency",
        latency <= most_latency,
        format!("{latency:.2} times the baseline's, at most {most_latency:.2}"),
    );
    cheap && fast
}

fn pass_rate(run: &Run) -> f64 {
    let passed = run.results.iter().filter(|r| r.outcome == CaseOutcome::Pass).count();
    let ran = run.results.iter().filter(|r| r.outcome != CaseOutcome::Infrastructure).count();
    share(passed, ran)
}

#[expect(clippy::cast_precision_loss, reason = "counts of cases are far below 2^52")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "sums of tokens and milliseconds are far below 2^52"
)]
fn share_of_sums(now: u64, before: u64) -> f64 {
    match (now, before) {
        (0, 0) => 1.0,
        (_, 0) => f64::INFINITY,
        (now, before) => now as f64 / before as f64,
    }
}

#[cfg(test)]
mod tests;
