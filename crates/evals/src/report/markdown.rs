//! Markdown, for a pull request.

use std::fmt::Write as _;

use super::{Report, finding_line, sentence, word};

pub(super) fn write(report: &Report) -> String {
    let gate = &report.report;
    let mut md = String::new();
    // Writing to a string cannot fail.
    let _ = writeln!(md, "# Gate: {}\n\n{}\n", word(gate.outcome), sentence(gate.outcome));
    let _ = writeln!(
        md,
        "Suite `{}`, model `{}`, run `{}`. Candidate `{:.12}`, baseline {}.\n",
        gate.suite,
        report.model,
        report.id,
        gate.candidate,
        gate.baseline.as_ref().map_or("none".to_owned(), |digest| format!("`{digest:.12}`")),
    );
    if gate.no_effect {
        md.push_str(
            "No answer differs from the baseline's: to this model the change has no effect.\n\n",
        );
    }
    md.push_str("| condition | holds | |\n|---|---|---|\n");
    for check in &gate.checks {
        let holds = if check.holds { "yes" } else { "**no**" };
        let _ = writeln!(md, "| {} | {holds} | {} |", cell(&check.name), cell(&check.detail));
    }
    for (title, cases) in
        [("Newly failing", &gate.newly_failing), ("Newly passing", &gate.newly_passing)]
    {
        if !cases.is_empty() {
            let _ = writeln!(md, "\n{title}: {}.", cases.join(", "));
        }
    }
    let failing: Vec<_> = report.failing().collect();
    if !failing.is_empty() {
        md.push_str("\n## Cases that do not pass\n");
    }
    for result in failing {
        let _ = writeln!(md, "\n### {}\n", result.id);
        for finding in &result.findings {
            let _ = writeln!(md, "- {}", one_line(&finding_line(finding)));
        }
        md.push('\n');
        for line in &result.transcript {
            let _ = writeln!(md, "> **{}**: {}  ", line.who, one_line(&line.text));
        }
    }
    md
}

fn cell(text: &str) -> String {
    one_line(text).replace('|', "\\|")
}

fn one_line(text: &str) -> String {
    text.replace('\n', " / ").replace('<', "&lt;")
}
