use super::*;
use crate::gate::{Check, Line, Run};

fn report() -> Report {
    let failing = CaseResult {
        id: "hostile/markup".into(),
        slice: "hostile".into(),
        outcome: CaseOutcome::Fail,
        repeats: 1,
        passed: 0,
        findings: vec![Finding {
            grader: "figures".into(),
            hard_rule: true,
            detail: "`$9 <b>` & no source".into(),
        }],
        tokens: 10,
        latency_ms: 1_250,
        transcript: vec![Line { who: "customer".into(), text: "<script>1\u{1}</script>".into() }],
    };
    let gate = GateReport {
        suite: "consumer".into(),
        suite_digest: "ab".repeat(32),
        candidate: "cd".repeat(32),
        baseline: None,
        outcome: Outcome::HardRule,
        margin: 0.05,
        overall: None,
        difference: None,
        pass_rate: 0.0,
        checks: vec![Check { name: "hard rules".into(), holds: false, detail: "a | b".into() }],
        slices: vec![],
        newly_failing: vec![],
        newly_passing: vec![],
        no_effect: false,
    };
    let configuration = ServedConfiguration {
        prompt: Digest::of("p"),
        model: "understudy-1".into(),
        corpus: "c".into(),
        embedder: "e".into(),
        guards: "g".into(),
    };
    let candidate = Run { configuration: "cd".repeat(32), results: vec![failing] };
    let at = DateTime::from_timestamp(1_795_000_000, 0).unwrap();
    Report::new(gate, configuration, Played { candidate, baseline: None }, at)
}

#[test]
fn every_form_is_written_and_what_was_said_cannot_break_out_of_it() {
    let folder = tempfile::tempdir().unwrap();
    report().write(folder.path()).unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    for name in ["junit.xml", "report.html"] {
        let text = read(name);
        assert!(text.contains("&lt;script&gt;1&lt;/script&gt;"), "{name}: {text}");
        assert!(!text.contains("<script>"), "{name}");
    }
    assert!(read("junit.xml").contains("failures=\"1\" errors=\"0\""));
    assert!(read("junit.xml").contains("time=\"1.250\""));
    assert!(read("report.md").contains("| hard rules | **no** | a \\| b |"));
    let sarif: serde_json::Value = serde_json::from_str(&read("report.sarif")).unwrap();
    assert_eq!(sarif.pointer("/runs/0/results/0/level").unwrap(), "error");
    let back: Report = serde_json::from_str(&read(REPORT_FILE)).unwrap();
    assert_eq!(back, report());
}

#[test]
fn a_verdict_says_what_the_gate_said_about_exactly_this_configuration() {
    let report = report();
    let verdict = report.verdict().unwrap();
    assert_eq!(verdict.outcome, prompts::Outcome::HardRule);
    assert_eq!(verdict.configuration, report.configuration);
    assert_eq!(verdict.suite.digest.as_str(), report.report.suite_digest);
}
