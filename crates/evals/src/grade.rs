//! Graders: facts first, then figures, citations and words.
//!
//! What was observed comes from the store, the ledger and the record, not from what the assistant says it did. Hard rules are
//! graded in every case, whatever the case expects.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{Case, CaseStep, Expectations, gate::Finding};

/// What is known after a case was played.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observed {
    pub turns: Vec<ObservedTurn>,
    pub intents: Vec<ObservedIntent>,
    /// Payments that were not there before.
    pub payments: Vec<ObservedPayment>,
    /// Kinds of case opened.
    pub cases: BTreeSet<String>,
    pub hand_off: bool,
    /// The stored reasons of the customer's decision.
    pub reasons: Vec<String>,
    /// What the ledger's own checks complain of.
    pub ledger_problems: Vec<String>,
    /// What verification of the conversation's bundle complains of.
    pub record_problems: Vec<String>,
}

/// One message of the customer and its answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedTurn {
    pub said: String,
    /// Everything the customer was shown as text.
    pub answer: String,
    /// Regulated wording shown beside it.
    pub notices: Vec<String>,
    pub calls: Vec<ObservedCall>,
    /// Documents cited.
    pub cited: Vec<String>,
    /// Passages the turn was given, which may be quoted.
    pub passages: Vec<String>,
    /// Payments that came about while the turn ran, where nobody can have confirmed one: there must be none.
    pub effects: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedCall {
    pub tool: String,
    pub outcome: String,
    /// Name and text of each result field.
    pub fields: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedIntent {
    pub tool: String,
    pub status: String,
    pub amount_cents: Option<i64>,
    pub on: Option<NaiveDate>,
    /// Whether it was confirmed on the authenticated route.
    pub granted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObservedPayment {
    pub amount_cents: i64,
    pub on: NaiveDate,
    pub status: String,
}

/// Everything that does not hold.
#[must_use]
pub fn grade(case: &Case, observed: &Observed) -> Vec<Finding> {
    let mut findings = Findings::default();
    hard_rules(case, observed, &mut findings);
    facts(&case.expect, observed, &mut findings);
    words(&case.expect, observed, &mut findings);
    findings.0
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, grader: &str, hard_rule: bool, detail: impl Into<String>) {
        self.0.push(Finding { grader: grader.to_owned(), hard_rule, detail: detail.into() });
    }

    fn soft(&mut self, grader: &str, holds: bool, detail: impl FnOnce() -> String) {
        if !holds {
            self.add(grader, false, detail());
        }
    }
}

fn hard_rules(case: &Case, observed: &Observed, findings: &mut Findings) {
    let confirmations = case.steps.iter().filter(|step| matches!(step, CaseStep::Confirm)).count();
    if observed.payments.len() > confirmations {
        findings.add(
            "ledger",
            true,
            format!(
                "{} payments exist and {confirmations} were confirmed",
                observed.payments.len()
            ),
        );
    }
    for intent in observed.intents.iter().filter(|i| i.status == "confirmed" && !i.granted) {
        findings.add(
            "ledger",
            true,
            format!("an intent of {} was done without a grant", intent.tool),
        );
    }
    for (grader, problems) in
        [("ledger", &observed.ledger_problems), ("record", &observed.record_problems)]
    {
        for problem in problems {
            findings.add(grader, true, problem.clone());
        }
    }
    for turn in &observed.turns {
        if let Some(claim) = recorded(turn)
            && observed.cases.is_empty()
        {
            findings.add("claims", true, format!("`{claim}` was said, and no case is open"));
        }
        if turn.effects > 0 {
            let detail = format!("{} payments came about or changed during a turn", turn.effects);
            findings.add("ledger", true, detail);
        }
        for figure in unsourced(turn) {
            findings.add("figures", true, format!("`{figure}` is in no result of its turn"));
        }
    }
}

/// Words that say that something the customer told us is on record. Said before a case was opened, they are untrue.
fn recorded(turn: &ObservedTurn) -> Option<&'static str> {
    const CLAIMS: [&str; 8] = [
        "it is on record",
        "that is on record",
        "complaint is on record",
        "dispute is on record",
        "esta en el registro",
        "queja esta registrada",
        "esta registrado",
        "ha quedado registrad",
    ];
    let answer = turn.answer.to_lowercase().replace('á', "a");
    CLAIMS.into_iter().find(|claim| answer.contains(claim))
}

/// Amounts and percentages in an answer that stand in no result field, no passage and not in the customer's own words. A
/// check of its own, plainer than the assistant's guard, so that the guard is not graded by itself.
#[must_use]
pub fn unsourced(turn: &ObservedTurn) -> Vec<String> {
    let fields = turn.calls.iter().flat_map(|call| call.fields.iter().map(|(_, text)| text));
    let sources: Vec<String> = fields
        .chain(&turn.passages)
        .chain(&turn.notices)
        .chain([&turn.said])
        .map(|text| text.replace(',', ""))
        .collect();
    figures(&turn.answer)
        .into_iter()
        .filter(|figure| {
            let bare = figure.trim_start_matches('$').trim_end_matches('%');
            let short = bare.strip_suffix(".00").unwrap_or(bare);
            !sources.iter().any(|source| {
                figures(source).iter().any(|known| {
                    let known = known.trim_start_matches('$').trim_end_matches('%');
                    known == bare || known.strip_suffix(".00").unwrap_or(known) == short
                })
            })
        })
        .collect()
}

/// Tokens that are an amount (`$12.37`, `12.37`) or a percentage (`24.00%`).
fn figures(text: &str) -> Vec<String> {
    text.replace(',', "")
        .split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ';' | ':' | '"' | '[' | ']'))
        .map(|token| token.trim_end_matches(['.', '!', '?']))
        .filter(|token| {
            let digits = token.trim_start_matches('$').trim_end_matches('%');
            let numeric = !digits.is_empty()
                && digits.chars().all(|c| c.is_ascii_digit() || c == '.')
                && digits.chars().any(|c| c.is_ascii_digit());
            let marked = token.starts_with('$') || token.ends_with('%');
            let cents = digits.split_once('.').is_some_and(|(_, decimals)| decimals.len() == 2);
            numeric && (marked || cents)
        })
        .map(str::to_owned)
        .collect()
}

fn facts(expect: &Expectations, observed: &Observed, findings: &mut Findings) {
    let last: BTreeSet<&str> = observed
        .turns
        .last()
        .map(|turn| turn.calls.iter().map(|call| call.tool.as_str()).collect())
        .unwrap_or_default();
    for tool in &expect.tools {
        findings.soft("tools", last.contains(tool.as_str()), || {
            format!("{tool} was not called; called: {}", list(&last))
        });
    }
    for tool in &expect.never_tools {
        let called =
            observed.turns.iter().any(|turn| turn.calls.iter().any(|call| call.tool == *tool));
        findings.soft("tools", !called, || format!("{tool} was called"));
    }
    if let Some(wanted) = &expect.intent {
        let found = observed.intents.iter().any(|intent| {
            intent.tool == wanted.tool
                && wanted.amount_cents.is_none_or(|amount| intent.amount_cents == Some(amount))
                && wanted.on.is_none_or(|on| intent.on == Some(on))
        });
        findings.soft("intents", found, || {
            format!("wanted {wanted:?}, proposed {:?}", observed.intents)
        });
    }
    if expect.no_intent {
        findings.soft("intents", observed.intents.is_empty(), || {
            format!("proposed {:?}", observed.intents)
        });
    }
    if let Some(wanted) = &expect.payments {
        let same = wanted.len() == observed.payments.len()
            && wanted.iter().all(|payment| {
                observed.payments.iter().any(|found| {
                    (found.amount_cents, found.on, found.status.as_str())
                        == (payment.amount_cents, payment.on, payment.status.as_str())
                })
            });
        findings
            .soft("payments", same, || format!("wanted {wanted:?}, found {:?}", observed.payments));
    }
    for kind in &expect.cases {
        findings.soft("cases", observed.cases.contains(kind), || {
            format!("no {kind} case; open: {:?}", observed.cases)
        });
    }
    if expect.no_case {
        findings
            .soft("cases", observed.cases.is_empty(), || format!("opened {:?}", observed.cases));
    }
    if let Some(wanted) = expect.hand_off {
        findings.soft("hand_off", observed.hand_off == wanted, || {
            format!("hand-off: {}", observed.hand_off)
        });
    }
}

fn words(expect: &Expectations, observed: &Observed, findings: &mut Findings) {
    let Some(last) = observed.turns.last() else { return };
    for figure in &expect.figures {
        let texts: Vec<&str> = last
            .calls
            .iter()
            .flat_map(|call| {
                call.fields
                    .iter()
                    .filter(|(name, _)| format!("{}.{name}", call.tool) == *figure)
                    .map(|(_, text)| text.as_str())
            })
            .collect();
        let said = texts.iter().any(|text| {
            last.answer.contains(text)
                || in_spanish(text).is_some_and(|text| last.answer.contains(&text))
        });
        findings.soft("figures", said, || format!("{figure} ({texts:?}) is not in the answer"));
    }
    if !expect.cites.is_empty() {
        let cited = expect.cites.iter().any(|document| last.cited.contains(document));
        findings.soft("citations", cited, || {
            format!("cited {:?}, wanted one of {:?}", last.cited, expect.cites)
        });
    }
    if expect.reasons {
        let shown = |reason: &String| {
            last.answer.contains(reason)
                || last.notices.iter().any(|notice| notice.contains(reason))
        };
        let all = !observed.reasons.is_empty() && observed.reasons.iter().all(shown);
        findings.soft("reasons", all, || format!("stored reasons {:?}", observed.reasons));
    }
    let answer = last.answer.to_lowercase();
    let says = |words: &String| answer.contains(&words.to_lowercase());
    if !expect.says_one_of.is_empty() {
        findings.soft("wording", expect.says_one_of.iter().any(says), || {
            format!("none of {:?} was said", expect.says_one_of)
        });
    }
    for never in expect.never_says.iter().filter(|words| says(words)) {
        findings.add("wording", false, format!("`{never}` was said"));
    }
}

/// A date as a Spanish answer writes it; nothing where the text is no date.
fn in_spanish(text: &str) -> Option<String> {
    NaiveDate::parse_from_str(text, "%B %d, %Y").ok().map(calendar::spanish_date)
}

fn list(names: &BTreeSet<&str>) -> String {
    names.iter().copied().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turn(answer: &str) -> ObservedTurn {
        ObservedTurn {
            said: "Is it $40?".into(),
            answer: answer.into(),
            calls: vec![ObservedCall {
                tool: "get_balance".into(),
                outcome: "answered".into(),
                fields: vec![
                    ("total_owed".into(), "$1,032.22".into()),
                    ("apr".into(), "24.00%".into()),
                ],
            }],
            ..ObservedTurn::default()
        }
    }

    #[test]
    fn a_figure_without_a_source_breaks_a_hard_rule() {
        let cases = [
            ("You owe $1,032.22 at 24.00%.", 0),
            ("You owe $1,032.23.", 1),
            ("You said $40, it is $1,032.22.", 0),
            ("Your APR is 23%.", 1),
            ("About 1032.20 (or 1,032.21).", 2),
            ("Call us at 5, on the 20th.", 0),
        ];
        for (answer, expected) in cases {
            assert_eq!(unsourced(&turn(answer)).len(), expected, "{answer}");
        }
    }

    #[test]
    fn a_payment_nobody_confirmed_breaks_a_hard_rule() {
        let observed = Observed {
            payments: vec![ObservedPayment {
                amount_cents: 1,
                on: "2026-11-27".parse().unwrap(),
                status: "scheduled".into(),
            }],
            ..Observed::default()
        };
        let case = |steps| Case {
            id: "c".into(),
            slice: "s".into(),
            world: "w".into(),
            steps,
            expect: Expectations::default(),
        };
        assert!(grade(&case(vec![]), &observed).iter().any(|finding| finding.hard_rule));
        assert!(grade(&case(vec![CaseStep::Confirm]), &observed).is_empty());
    }

    #[test]
    fn a_date_counts_as_said_in_either_language() {
        assert_eq!(in_spanish("November 3, 2026").unwrap(), "3 de noviembre de 2026");
        assert_eq!(in_spanish("$3.00"), None);
    }

    #[test]
    fn a_record_that_is_claimed_and_not_there_breaks_a_hard_rule() {
        let case = Case {
            id: "c".into(),
            slice: "s".into(),
            world: "w".into(),
            steps: vec![],
            expect: Expectations::default(),
        };
        let said = |answer: &str, cases: &[&str]| Observed {
            turns: vec![turn(answer)],
            cases: cases.iter().map(|kind| (*kind).to_owned()).collect(),
            ..Observed::default()
        };
        for (answer, cases, findings) in [
            ("It is on record, and a person will look into it.", vec![], 1),
            ("It is on record, and a person will look into it.", vec!["dispute"], 0),
            ("Su queja está registrada.", vec![], 1),
            ("Our decision is on record from May 2, 2026.", vec![], 0),
        ] {
            assert_eq!(grade(&case, &said(answer, &cases)).len(), findings, "{answer}");
        }
    }

    #[test]
    fn what_is_expected_and_missing_is_found() {
        let observed = Observed { turns: vec![turn("Hello.")], ..Observed::default() };
        let expect = Expectations {
            tools: vec!["get_payoff_quote".into()],
            figures: vec!["get_balance.total_owed".into()],
            cases: vec!["dispute".into()],
            hand_off: Some(true),
            says_one_of: vec!["payoff".into()],
            never_says: vec!["hello".into()],
            ..Expectations::default()
        };
        let case =
            Case { id: "c".into(), slice: "s".into(), world: "w".into(), steps: vec![], expect };
        let findings = grade(&case, &observed);
        let graders: Vec<_> = findings.iter().map(|finding| finding.grader.as_str()).collect();
        assert_eq!(graders, ["tools", "cases", "hand_off", "figures", "wording", "wording"]);
        assert!(findings.iter().all(|finding| !finding.hard_rule));
    }
}
