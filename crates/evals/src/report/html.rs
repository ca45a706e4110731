//! One HTML file with nothing else beside it.

use std::fmt::Write as _;

use super::{Report, escaped, finding_line, sentence, word};
use crate::gate::{CaseOutcome, CaseResult};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24}\
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #d0d7de;padding:.4rem;text-align:left;vertical-align:top}\
details{border-bottom:1px solid #d0d7de;padding:.4rem 0}summary{cursor:pointer}dt{font-weight:600}dd{margin:0 0 .5rem;white-space:pre-wrap}";

pub(super) fn write(report: &Report) -> String {
    let gate = &report.report;
    let mut html = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        html,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Gate: {outcome}</title>\
         <style>{STYLE}</style></head><body>\n<h1>Gate: {outcome}</h1>\n<p>{}</p>\n\
         <p>Suite {}, model {}, run {}.</p>\n",
        sentence(gate.outcome),
        escaped(&gate.suite),
        escaped(&report.model),
        escaped(&report.id),
        outcome = word(gate.outcome),
    );
    if gate.no_effect {
        html.push_str("<p>No answer differs from the baseline's: to this model the change has no effect.</p>\n");
    }
    html.push_str("<table><tr><th>Condition</th><th>Holds</th><th></th></tr>\n");
    for check in &gate.checks {
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{}</td></tr>",
            escaped(&check.name),
            if check.holds { "yes" } else { "no" },
            escaped(&check.detail)
        );
    }
    html.push_str("</table>\n<h2>Cases</h2>\n");
    for result in report.failing() {
        case(&mut html, result, true);
    }
    for result in &report.cases.candidate {
        if !report.failing().any(|failing| failing.id == result.id) {
            case(&mut html, result, false);
        }
    }
    html.push_str("</body></html>\n");
    html
}

fn case(html: &mut String, result: &CaseResult, open: bool) {
    let outcome = match result.outcome {
        CaseOutcome::Pass => "passes",
        CaseOutcome::Fail => "fails",
        CaseOutcome::Infrastructure => "could not be run",
    };
    let _ = writeln!(
        html,
        "<details{}><summary>{} {outcome}</summary>",
        if open { " open" } else { "" },
        escaped(&result.id)
    );
    if !result.findings.is_empty() {
        html.push_str("<ul>");
        for finding in &result.findings {
            let _ = write!(html, "<li>{}</li>", escaped(&finding_line(finding)));
        }
        html.push_str("</ul>\n");
    }
    html.push_str("<dl>");
    for line in &result.transcript {
        let _ = write!(html, "<dt>{}</dt><dd>{}</dd>", escaped(&line.who), escaped(&line.text));
    }
    html.push_str("</dl></details>\n");
}
