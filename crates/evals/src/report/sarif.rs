//! SARIF 2.1.0: what failed, where its case stands.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Report, finding_line};
use crate::gate::CaseOutcome;

pub(super) fn write(report: &Report) -> Value {
    let graders: BTreeSet<&str> = report
        .failing()
        .flat_map(|result| result.findings.iter().map(|finding| finding.grader.as_str()))
        .collect();
    let rules: Vec<Value> = graders
        .iter()
        .map(|grader| {
            let text = format!("What the {grader} grader found does not hold.");
            json!({"id": grader, "shortDescription": {"text": text}})
        })
        .collect();
    let suite = &report.report.suite;
    let results: Vec<Value> = report
        .failing()
        .flat_map(|result| {
            let level = |hard| match result.outcome {
                CaseOutcome::Infrastructure => "note",
                _ if hard => "error",
                _ => "warning",
            };
            result.findings.iter().map(move |finding| {
                json!({
                    "ruleId": finding.grader,
                    "level": level(finding.hard_rule),
                    "message": {"text": format!("{}: {}", result.id, finding_line(finding))},
                    "locations": [{"physicalLocation": {"artifactLocation": {
                        "uri": format!("evals/suites/{suite}/cases/{}.toml", result.slice),
                    }}}],
                })
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "plumbline-eval", "version": env!("CARGO_PKG_VERSION"), "rules": rules,
            }},
            "automationDetails": {"id": format!("{suite}/{}", report.id)},
            "results": results,
        }],
    })
}
