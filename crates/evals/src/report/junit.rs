//! `JUnit` XML, which every build server reads.

use std::fmt::Write as _;

use super::{Report, escaped, finding_line};
use crate::gate::{CaseOutcome, CaseResult};

pub(super) fn write(report: &Report) -> String {
    let cases = &report.cases.candidate;
    let count = |of: CaseOutcome| cases.iter().filter(|result| result.outcome == of).count();
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a string cannot fail.
    let _ = writeln!(
        xml,
        "<testsuites>\n<testsuite name=\"{}\" id=\"{}\" timestamp=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\">",
        escaped(&report.report.suite),
        escaped(&report.id),
        report.ended_at.format("%Y-%m-%dT%H:%M:%S"),
        cases.len(),
        count(CaseOutcome::Fail),
        count(CaseOutcome::Infrastructure),
    );
    for result in cases {
        case(&mut xml, result);
    }
    xml.push_str("</testsuite>\n</testsuites>\n");
    xml
}

fn case(xml: &mut String, result: &CaseResult) {
    let (seconds, millis) = (result.latency_ms / 1000, result.latency_ms % 1000);
    let _ = write!(
        xml,
        "<testcase classname=\"{}\" name=\"{}\" time=\"{seconds}.{millis:03}\">",
        escaped(&result.slice),
        escaped(&result.id),
    );
    let findings: Vec<String> = result.findings.iter().map(finding_line).collect();
    let first = findings.first().map_or("", String::as_str);
    let tag = match result.outcome {
        CaseOutcome::Pass => None,
        CaseOutcome::Fail => Some("failure"),
        CaseOutcome::Infrastructure => Some("error"),
    };
    if let Some(tag) = tag {
        let said: Vec<String> =
            result.transcript.iter().map(|line| format!("{}: {}", line.who, line.text)).collect();
        let text = format!("{}\n\n{}", findings.join("\n"), said.join("\n"));
        let _ = write!(xml, "<{tag} message=\"{}\">{}</{tag}>", escaped(first), escaped(&text));
    }
    xml.push_str("</testcase>\n");
}
