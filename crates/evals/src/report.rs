//! Reports of a run of the gate: JSON for the pages, `JUnit` and SARIF for build servers, HTML and Markdown for people.

mod html;
mod junit;
mod markdown;
mod sarif;

use std::{fs, path::Path};

use chrono::{DateTime, Utc};
use prompts::{Digest, ServedConfiguration, SuiteRef, Verdict};
use serde::{Deserialize, Serialize};

use crate::{
    EvalError, Played,
    gate::{CaseOutcome, CaseResult, Finding, GateReport, Outcome},
};

/// A run as it is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub id: String,
    pub ended_at: DateTime<Utc>,
    pub model: String,
    /// What was judged, by its parts.
    pub configuration: ServedConfiguration,
    pub report: GateReport,
    pub cases: Cases,
}

/// Every case under both configurations; the baseline's are none at a first promotion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cases {
    pub candidate: Vec<CaseResult>,
    pub baseline: Vec<CaseResult>,
}

/// The file the pages and `prompt promote` read.
pub const REPORT_FILE: &str = "report.json";

impl Report {
    /// A report of what was played, named by when it ended and what it was about.
    #[must_use]
    pub fn new(
        report: GateReport,
        configuration: ServedConfiguration,
        played: Played,
        ended_at: DateTime<Utc>,
    ) -> Self {
        let short: String = report.candidate.chars().take(8).collect();
        Self {
            id: format!("{}-{short}", ended_at.format("%Y%m%dT%H%M%SZ")),
            ended_at,
            model: configuration.model.clone(),
            configuration,
            report,
            cases: Cases {
                candidate: played.candidate.results,
                baseline: played.baseline.map(|run| run.results).unwrap_or_default(),
            },
        }
    }

    /// Writes it in all its forms into `folder`.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), EvalError> {
        let failed = |source| EvalError::Write { path: folder.to_owned(), source };
        fs::create_dir_all(folder).map_err(failed)?;
        let json = |value: serde_json::Result<String>| value.map_err(std::io::Error::other);
        let files = [
            (REPORT_FILE, json(serde_json::to_string_pretty(self)).map_err(failed)?),
            ("junit.xml", junit::write(self)),
            (
                "report.sarif",
                json(serde_json::to_string_pretty(&sarif::write(self))).map_err(failed)?,
            ),
            ("report.html", html::write(self)),
            ("report.md", markdown::write(self)),
        ];
        for (name, text) in files {
            let path = folder.join(name);
            fs::write(&path, text).map_err(|source| EvalError::Write { path, source })?;
        }
        Ok(())
    }

    /// What is signed.
    ///
    /// # Errors
    /// A digest in the report is none.
    pub fn verdict(&self) -> Result<Verdict, EvalError> {
        let digest = |text: &str| text.parse::<Digest>().map_err(EvalError::Usage);
        let report = &self.report;
        let measures = serde_json::json!({
            "pass_rate": report.pass_rate, "margin": report.margin, "paired": report.overall,
            "difference": report.difference, "checks": report.checks, "slices": report.slices,
            "newly_failing": report.newly_failing, "newly_passing": report.newly_passing,
            "no_effect": report.no_effect, "run": self.id,
        });
        Ok(Verdict {
            configuration: self.configuration.clone(),
            outcome: match report.outcome {
                Outcome::Pass => prompts::Outcome::Pass,
                Outcome::Inconclusive => prompts::Outcome::Inconclusive,
                Outcome::Quality => prompts::Outcome::Quality,
                Outcome::HardRule => prompts::Outcome::HardRule,
                Outcome::Budget => prompts::Outcome::Budget,
            },
            suite: SuiteRef { name: report.suite.clone(), digest: digest(&report.suite_digest)? },
            baseline: report.baseline.as_deref().map(digest).transpose()?,
            decided_at: self.ended_at,
            measures,
        })
    }

    /// The candidate's cases that did not pass, or broke a hard rule.
    pub fn failing(&self) -> impl Iterator<Item = &CaseResult> {
        self.cases.candidate.iter().filter(|result| {
            result.outcome != CaseOutcome::Pass || result.findings.iter().any(|f| f.hard_rule)
        })
    }
}

/// The word of an outcome, as it stands in JSON.
pub(crate) const fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "pass",
        Outcome::Inconclusive => "inconclusive",
        Outcome::Quality => "quality",
        Outcome::HardRule => "hard rule",
        Outcome::Budget => "budget",
    }
}

/// What one outcome means to whoever asked.
#[must_use]
pub const fn sentence(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Pass => "Every condition holds; it may be promoted.",
        Outcome::Inconclusive => "Too many cases could not be run to say anything.",
        Outcome::Quality => "It answers worse than the suite allows.",
        Outcome::HardRule => "A hard rule was broken. Nothing outweighs that.",
        Outcome::Budget => "It costs more, or takes longer, than the suite allows.",
    }
}

fn finding_line(finding: &Finding) -> String {
    let hard = if finding.hard_rule { "HARD RULE, " } else { "" };
    format!("{hard}{}: {}", finding.grader, finding.detail)
}

/// Text for XML and HTML alike; characters that XML cannot hold are left out.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\n' | '\t' => safe.push(c),
            c if c.is_control() => {}
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests;
