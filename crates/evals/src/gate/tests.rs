use super::*;
use crate::{Case, suite::Declaration};

const CASES: usize = 300;

fn suite() -> Suite {
    let cases = (0..CASES)
        .map(|n| Case {
            id: format!("case-{n:03}"),
            slice: if n < 10 { "rights" } else { "balance" }.into(),
            world: "revolving".into(),
            steps: vec![],
            expect: crate::Expectations::default(),
        })
        .collect();
    let declaration = Declaration {
        name: "consumer".into(),
        version: 1,
        margin: 0.03,
        confidence: 0.95,
        first_pass_rate: 0.95,
        regulated: ["rights".to_owned()].into(),
        tokens_ratio: 1.25,
        latency_ratio: 2.0,
        infrastructure: 0.01,
    };
    Suite { declaration, cases, digest: "d".into() }
}

/// A run in which these cases fail.
fn run(failing: &[usize]) -> Run {
    let results = suite()
        .cases
        .iter()
        .enumerate()
        .map(|(n, case)| CaseResult {
            id: case.id.clone(),
            slice: case.slice.clone(),
            outcome: if failing.contains(&n) { CaseOutcome::Fail } else { CaseOutcome::Pass },
            repeats: 1,
            passed: u32::from(!failing.contains(&n)),
            findings: vec![],
            tokens: 100,
            latency_ms: 10,
            transcript: vec![Line {
                who: "assistant".into(),
                text: format!("{n} {}", failing.contains(&n)),
            }],
        })
        .collect();
    Run { configuration: "c".into(), results }
}

fn outcome(candidate: &Run, baseline: Option<&Run>) -> Outcome {
    judge(&suite(), candidate, baseline).outcome
}

#[test]
fn the_same_answers_pass_and_are_said_to_have_no_effect() {
    let report = judge(&suite(), &run(&[]), Some(&run(&[])));
    assert_eq!(report.outcome, Outcome::Pass);
    assert!(report.no_effect);
    assert!(!judge(&suite(), &run(&[50]), Some(&run(&[]))).no_effect);
}

#[test]
fn many_newly_failing_cases_do_not_pass() {
    let worse: Vec<usize> = (20..28).collect();
    let report = judge(&suite(), &run(&worse), Some(&run(&[])));
    assert_eq!(report.outcome, Outcome::Quality);
    assert_eq!(report.newly_failing.len(), 8);
}

#[test]
fn one_case_that_always_worked_and_now_fails_does_not_pass() {
    assert_eq!(outcome(&run(&[50]), Some(&run(&[]))), Outcome::Quality);
    let mut shaky = run(&[]);
    shaky.results[50].repeats = 5;
    shaky.results[50].passed = 4;
    assert_eq!(outcome(&run(&[50]), Some(&shaky)), Outcome::Pass);
}

#[test]
fn one_newly_failing_case_of_a_small_regulated_slice_does_not_pass() {
    let worse = run(&[3]);
    assert_eq!(outcome(&worse, Some(&run(&[]))), Outcome::Quality);
    assert_eq!(outcome(&worse, Some(&worse)), Outcome::Pass);
}

#[test]
fn a_hard_rule_outweighs_everything() {
    let mut candidate = run(&[]);
    candidate.results[60].findings.push(Finding {
        grader: "figures".into(),
        hard_rule: true,
        detail: "an unsourced figure was released".into(),
    });
    assert_eq!(outcome(&candidate, Some(&run(&(30..90).collect::<Vec<_>>()))), Outcome::HardRule);
    assert_eq!(outcome(&candidate, None), Outcome::HardRule);
}

#[test]
fn cases_that_could_not_be_run_decide_nothing() {
    let mut candidate = run(&[]);
    for result in &mut candidate.results[50..54] {
        result.outcome = CaseOutcome::Infrastructure;
    }
    assert_eq!(outcome(&candidate, Some(&run(&[]))), Outcome::Inconclusive);
    let mut short = run(&[]);
    short.results.truncate(200);
    assert_eq!(outcome(&short, Some(&run(&[]))), Outcome::Inconclusive);
}

#[test]
fn a_candidate_that_costs_too_much_does_not_pass() {
    let mut dear = run(&[]);
    for result in &mut dear.results {
        result.tokens = 200;
    }
    assert_eq!(outcome(&dear, Some(&run(&[]))), Outcome::Budget);
}

#[test]
fn the_first_promotion_has_to_reach_the_bar() {
    assert_eq!(outcome(&run(&[20, 21]), None), Outcome::Pass);
    assert_eq!(outcome(&run(&(20..50).collect::<Vec<_>>()), None), Outcome::Quality);
}
