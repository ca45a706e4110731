//! What a run and a judgement look like: for a person on the terminal, and as JSON.

use std::{collections::BTreeMap, fmt, path::PathBuf};

use evals::{
    Suite,
    gate::{CaseOutcome, CaseResult, GateReport, Outcome},
    report::{Report, sentence},
};
use serde::Serialize;

/// How a run went, without judgement.
#[derive(Serialize)]
pub(super) struct Results {
    suite: String,
    passed: usize,
    failed: usize,
    /// Could not be run.
    not_run: usize,
    pub(super) cases: Vec<CaseResult>,
    #[serde(skip)]
    verbose: bool,
}

impl Results {
    pub(super) fn of(suite: &Suite, cases: Vec<CaseResult>, verbose: bool) -> Self {
        let count = |outcome| cases.iter().filter(|result| result.outcome == outcome).count();
        Self {
            suite: suite.declaration.name.clone(),
            passed: count(CaseOutcome::Pass),
            failed: count(CaseOutcome::Fail),
            not_run: count(CaseOutcome::Infrastructure),
            cases,
            verbose,
        }
    }

    /// What broke first: a hard rule, then a case that fails, then too many that could not be run.
    pub(super) fn outcome(&self, suite: &Suite) -> Outcome {
        let hard = |result: &CaseResult| result.findings.iter().any(|finding| finding.hard_rule);
        if self.cases.iter().any(hard) {
            Outcome::HardRule
        } else if self.failed > 0 {
            Outcome::Quality
        } else if suite.too_many_not_run(self.not_run) {
            Outcome::Inconclusive
        } else {
            Outcome::Pass
        }
    }
}

/// A run that was told to stop: nothing is judged and nothing is signed.
#[derive(Serialize)]
pub(super) struct Stopped {
    pub(super) ended_early: bool,
    pub(super) played: usize,
    pub(super) cases: usize,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "stopped after {} of {} cases: nothing is judged", self.played, self.cases)
    }
}

impl fmt::Display for Results {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for result in &self.cases {
            if self.verbose || result.outcome != CaseOutcome::Pass {
                case(f, result)?;
            }
        }
        let mut slices: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for result in &self.cases {
            let (passed, all) = slices.entry(&result.slice).or_default();
            *passed += usize::from(result.outcome == CaseOutcome::Pass);
            *all += 1;
        }
        for (slice, (passed, all)) in slices {
            writeln!(f, "  {slice:<14} {passed:>3} of {all}")?;
        }
        let all = self.cases.len();
        write!(f, "{} of {all} cases of {} pass, {} fail", self.passed, self.suite, self.failed)?;
        write!(f, ", {} could not be run", self.not_run)
    }
}

fn case(f: &mut fmt::Formatter<'_>, result: &CaseResult) -> fmt::Result {
    let outcome = match result.outcome {
        CaseOutcome::Pass => "pass",
        CaseOutcome::Fail => "FAIL",
        CaseOutcome::Infrastructure => "could not be run",
    };
    writeln!(f, "{}: {outcome}", result.id)?;
    for finding in &result.findings {
        let hard = if finding.hard_rule { "hard rule, " } else { "" };
        writeln!(f, "    {hard}{}: {}", finding.grader, finding.detail)?;
    }
    for line in &result.transcript {
        writeln!(f, "    {}> {}", line.who, line.text.replace('\n', "\n      "))?;
    }
    writeln!(f)
}

/// What the gate came to.
#[derive(Serialize)]
pub(super) struct Judged {
    #[serde(flatten)]
    pub(super) report: Report,
    pub(super) folder: PathBuf,
}

impl fmt::Display for Judged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let gate = &self.report.report;
        // Against a baseline what it failed too is no news; a first promotion has none.
        let news = |result: &&CaseResult| {
            gate.baseline.is_none()
                || gate.newly_failing.contains(&result.id)
                || result.outcome == CaseOutcome::Infrastructure
                || result.findings.iter().any(|finding| finding.hard_rule)
        };
        for result in self.report.failing().filter(news) {
            case(f, result)?;
        }
        paired(f, gate)?;
        for check in &gate.checks {
            let holds = if check.holds { "holds" } else { "DOES NOT HOLD" };
            writeln!(f, "{}: {holds} ({})", check.name, check.detail)?;
        }
        if gate.no_effect {
            writeln!(
                f,
                "no answer differs from the baseline's: to {} this change has no effect",
                self.report.model
            )?;
        }
        let word = if gate.outcome == Outcome::Pass { "PASS" } else { "NO PASS" };
        writeln!(f, "{word}: {}", sentence(gate.outcome))?;
        write!(f, "reports and verdict: {}", self.folder.display())
    }
}

/// The two sides, case by case, counted.
fn paired(f: &mut fmt::Formatter<'_>, gate: &GateReport) -> fmt::Result {
    let Some(paired) = &gate.overall else {
        return writeln!(f, "no baseline: nothing is promoted yet, the absolute bars apply");
    };
    writeln!(f, "                    candidate passes  candidate fails")?;
    writeln!(f, "  baseline passes   {:>16}  {:>15}", paired.both_pass, paired.newly_failing)?;
    writeln!(f, "  baseline fails    {:>16}  {:>15}", paired.newly_passing, paired.both_fail)?;
    for (what, cases) in
        [("newly failing", &gate.newly_failing), ("newly passing", &gate.newly_passing)]
    {
        if !cases.is_empty() {
            writeln!(f, "{what}: {}", cases.join(", "))?;
        }
    }
    Ok(())
}
