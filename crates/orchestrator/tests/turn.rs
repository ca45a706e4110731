//! Turns driven by models that behave and models that do not.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic"
)]

use std::collections::VecDeque;

use orchestrator::{
    Effect, Ended, Event, Guarded, HandOff, Judgment, Limits, ModelFailure, Phase, Plain,
    StepError, ToolOutcome, ToolRequest, ToolResult, Turn, Usage, fold, step,
};
use proptest::prelude::*;
use serde_json::json;

/// What a scripted model does when it is asked.
#[derive(Clone, Debug)]
enum Move {
    Say(Vec<&'static str>),
    /// Clauses, then calls.
    Call(Vec<&'static str>, Vec<(&'static str, &'static str)>),
    /// Clauses, then nothing more.
    Fail(Vec<&'static str>, ModelFailure),
}

/// A clause that holds `bad` fails its check, one that holds `drop` shows nothing.
fn judge(text: &str) -> Judgment {
    if text.contains("bad") {
        Judgment::Repair { reason: "unsourced figure".into() }
    } else if text.contains("drop") {
        Judgment::Drop
    } else {
        Judgment::Pass { text: text.to_uppercase() }
    }
}

#[derive(Default)]
struct Driven {
    turn: Turn,
    events: Vec<Event>,
    shown: Vec<String>,
    ran: Vec<String>,
    plain: Vec<Plain>,
    /// Refold the recorded events before every n-th effect, as a restarted server does.
    restart_every: usize,
}

impl Driven {
    fn record(&mut self, event: Event) -> Result<(), StepError> {
        let (turn, _) = step(self.turn.clone(), event.clone())?;
        self.turn = turn;
        self.events.push(event);
        Ok(())
    }

    fn drive(mut self, script: &[Move]) -> Self {
        let mut script: VecDeque<Move> = script.iter().cloned().collect();
        self.record(Event::Received { text: "hi".into(), limits: Limits::default() }).unwrap();
        for turned in 1.. {
            assert!(turned < 500, "the turn does not end: {:?}", self.turn);
            if self.restart_every > 0 && turned % self.restart_every == 0 {
                self.turn = fold(self.events.clone()).unwrap();
            }
            let Some(effect) = self.turn.outstanding().first().cloned() else {
                panic!("nothing is pending in {:?}", self.turn)
            };
            if matches!(effect, Effect::Finish { .. }) {
                return self;
            }
            self.perform(effect, &mut script);
        }
        self
    }

    fn perform(&mut self, effect: Effect, script: &mut VecDeque<Move>) {
        match effect {
            Effect::Guard => self.record(Event::Guarded { outcome: Guarded::Proceed }).unwrap(),
            Effect::Plan => self.record(Event::Planned { prompt_tokens: 100 }).unwrap(),
            Effect::Ask(ask) => {
                let next = script.pop_front().unwrap_or(Move::Say(vec!["the end."]));
                self.ask(ask.number, next);
            }
            Effect::Check { clause, text } => {
                self.record(Event::Judged { clause, judgment: judge(&text) }).unwrap();
            }
            Effect::Run { requests, .. } => {
                let results = requests.iter().map(|request| {
                    self.ran.push(format!("{} {}", request.tool, request.arguments));
                    let outcome = match request.tool.as_str() {
                        "pay" => ToolOutcome::Proposed,
                        "get" => ToolOutcome::Answered,
                        _ => ToolOutcome::Failed,
                    };
                    ToolResult { request_id: request.id.clone(), outcome, content: json!({}) }
                });
                let results = results.collect();
                self.record(Event::Ran { results }).unwrap();
            }
            Effect::Release { through } => {
                let before = self.turn.released as usize;
                let new = self.turn.clauses[before..through as usize].iter();
                self.shown
                    .extend(new.filter_map(|clause| clause.text.clone()).filter(|t| !t.is_empty()));
                self.record(Event::Released { through }).unwrap();
            }
            Effect::Say { plain } => {
                self.plain.push(plain);
                self.record(Event::Said).unwrap();
            }
            Effect::HandOff { .. } => {
                self.record(Event::HandedOff { reference: "H-1".into() }).unwrap();
            }
            Effect::Finish { .. } => {}
        }
    }

    /// Streams a reply; whatever becomes stale on the way is not recorded.
    fn ask(&mut self, ask: u32, next: Move) {
        let usage = Some(Usage { prompt_tokens: 100, completion_tokens: 20 });
        let (clauses, end) = match next {
            Move::Say(clauses) => (clauses, Event::Replied { ask, requests: vec![], usage }),
            Move::Call(clauses, calls) => {
                let requests = calls.iter().map(|(tool, arguments)| ToolRequest {
                    id: "same".into(),
                    tool: (*tool).into(),
                    arguments: (*arguments).into(),
                });
                (clauses, Event::Replied { ask, requests: requests.collect(), usage })
            }
            Move::Fail(clauses, failure) => {
                (clauses, Event::ModelFailed { ask, failure, usage: None })
            }
        };
        let drafts = clauses.into_iter().map(|text| Event::Drafted { ask, text: text.into() });
        for event in drafts.chain([end]) {
            match self.record(event) {
                Ok(()) | Err(StepError::Stale) => {}
                Err(error) => panic!("{error}"),
            }
            while let Some(check) = self.pending_check() {
                self.perform(check, &mut VecDeque::new());
            }
        }
    }

    fn pending_check(&self) -> Option<Effect> {
        let pending = self.turn.outstanding();
        pending.iter().find(|e| matches!(e, Effect::Check { .. } | Effect::Release { .. })).cloned()
    }
}

fn drive(script: &[Move]) -> Driven {
    Driven::default().drive(script)
}

#[test]
fn a_turn_asks_reads_asks_again_and_answers() {
    let driven = drive(&[
        Move::Call(vec![], vec![("get", "{}")]),
        Move::Say(vec!["you owe it.", "pay any time."]),
    ]);
    assert_eq!(driven.shown, ["YOU OWE IT.", "PAY ANY TIME."]);
    assert_eq!(driven.ran, ["get {}"]);
    assert_eq!(driven.turn.ended(), Some(Ended::Done));
}

#[test]
fn a_bad_clause_is_repaired_once_and_what_stood_before_it_stays() {
    let driven = drive(&[
        Move::Say(vec!["good.", "bad.", "never seen."]),
        Move::Say(vec!["good.", "better."]),
    ]);
    assert_eq!(driven.shown, ["GOOD.", "BETTER."]);
    assert_eq!(driven.turn.budget.unwrap().spent.repairs, 1);
}

#[test]
fn a_second_bad_clause_is_answered_by_the_server() {
    let driven = drive(&[
        Move::Call(vec![], vec![("get", "{}")]),
        Move::Say(vec!["bad."]),
        Move::Say(vec!["fine.", "bad again."]),
    ]);
    assert_eq!(driven.shown, ["FINE."]);
    assert_eq!(driven.plain, [Plain::Facts]);
    assert_eq!(driven.turn.ended(), Some(Ended::Faulted));
}

#[test]
fn a_cut_stream_is_asked_again_and_repeats_nothing() {
    let driven = drive(&[
        Move::Fail(vec!["first."], ModelFailure::Cut),
        Move::Say(vec!["First.", "second."]),
    ]);
    assert_eq!(driven.shown, ["FIRST.", "SECOND."]);
}

#[test]
fn a_model_that_stays_away_is_given_up() {
    let away = || Move::Fail(vec![], ModelFailure::Unavailable);
    let driven = drive(&[away(), away(), away(), Move::Say(vec!["too late."])]);
    assert_eq!(driven.plain, [Plain::Unavailable]);
    let rejected = drive(&[Move::Fail(vec![], ModelFailure::Rejected)]);
    assert_eq!(rejected.turn.ask, 1);
}

#[test]
fn a_model_that_loops_is_stopped_and_each_call_runs_once() {
    let again = || Move::Call(vec![], vec![("get", "{\"a\":1,\"b\":2}")]);
    let twisted = Move::Call(vec![], vec![("get", "{\"b\":2,\"a\":1}")]);
    let driven = drive(&[again(), again(), twisted, again(), again()]);
    assert_eq!(driven.ran.len(), 1);
    assert_eq!(driven.plain, [Plain::Facts]);
}

#[test]
fn calls_that_are_not_json_or_too_many_do_not_run() {
    let mut calls = vec![("get", "{broken"), ("get", "[1]")];
    calls.extend([
        ("get", "{\"n\":1}"),
        ("get", "{\"n\":2}"),
        ("get", "{\"n\":3}"),
        ("get", "{\"n\":4}"),
        ("get", "{\"n\":5}"),
    ]);
    let driven = drive(&[Move::Call(vec![], calls)]);
    assert_eq!(driven.ran.len(), 4, "six calls a reply, two of them unreadable");
    let exchange = &driven.turn.exchanges[0];
    let asked: Vec<_> = exchange.requests.iter().map(|request| &request.id).collect();
    let answered: Vec<_> = exchange.results.iter().map(|result| &result.request_id).collect();
    assert_eq!(asked, answered, "each call once, in call order");
}

#[test]
fn tokens_are_reserved_before_and_settled_after() {
    let limits = Limits { tokens: 1_200, reply_tokens: 1_000, ..Limits::default() };
    let mut driven = Driven::default();
    driven.record(Event::Received { text: "hi".into(), limits }).unwrap();
    driven.record(Event::Guarded { outcome: Guarded::Proceed }).unwrap();
    driven.record(Event::Planned { prompt_tokens: 150 }).unwrap();
    assert_eq!(driven.turn.budget.as_ref().unwrap().reserved, 1_150);
    driven.ask(1, Move::Call(vec![], vec![("get", "{}")]));
    assert_eq!(driven.turn.budget.as_ref().unwrap().reserved, 0);
    assert_eq!(driven.turn.budget.as_ref().unwrap().spent.tokens, 120);
    driven.perform(driven.turn.outstanding()[0].clone(), &mut VecDeque::new());
    driven.record(Event::Planned { prompt_tokens: 150 }).unwrap();
    assert!(matches!(driven.turn.outstanding(), [Effect::Say { plain: Plain::Facts }]));
    assert_eq!(driven.turn.phase, Phase::Saying);
}

#[test]
fn guards_answer_or_hand_off_without_the_model() {
    for (outcome, ended) in [
        (Guarded::Answer { text: "not released yet".into() }, Ended::Done),
        (Guarded::HandOff { reason: HandOff::Flag }, Ended::HandedOff),
    ] {
        let mut driven = Driven::default();
        driven.record(Event::Received { text: "hi".into(), limits: Limits::default() }).unwrap();
        driven.record(Event::Guarded { outcome }).unwrap();
        driven.perform(driven.turn.outstanding()[0].clone(), &mut VecDeque::new());
        assert_eq!(driven.turn.ended(), Some(ended));
        assert_eq!(driven.turn.ask, 0);
    }
}

#[test]
fn a_customer_who_leaves_ends_the_turn() {
    let mut driven = Driven::default();
    driven.record(Event::Received { text: "hi".into(), limits: Limits::default() }).unwrap();
    driven.record(Event::Guarded { outcome: Guarded::Proceed }).unwrap();
    driven.record(Event::Cancelled).unwrap();
    assert_eq!(driven.turn.ended(), Some(Ended::Cancelled));
    assert_eq!(driven.record(Event::Said), Err(StepError::OutOfStep));
}

#[test]
fn a_result_for_a_call_nobody_made_is_refused() {
    let mut driven = Driven::default();
    driven.record(Event::Received { text: "hi".into(), limits: Limits::default() }).unwrap();
    driven.record(Event::Guarded { outcome: Guarded::Proceed }).unwrap();
    driven.record(Event::Planned { prompt_tokens: 1 }).unwrap();
    driven.ask(1, Move::Call(vec![], vec![("get", "{}")]));
    let stray =
        ToolResult { request_id: "x".into(), outcome: ToolOutcome::Answered, content: json!({}) };
    assert_eq!(driven.record(Event::Ran { results: vec![stray] }), Err(StepError::ResultsMismatch));
}

fn clauses() -> impl Strategy<Value = Vec<&'static str>> {
    let words = prop_oneof![
        Just("one."),
        Just("two."),
        Just("three."),
        Just("four."),
        Just("bad."),
        Just("drop.")
    ];
    prop::collection::vec(words, 0..5)
}

fn moves() -> impl Strategy<Value = Move> {
    let calls = prop_oneof![
        Just(("get", "{}")),
        Just(("get", "{\"a\":1}")),
        Just(("pay", "{}")),
        Just(("fly", "")),
        Just(("get", "{broken")),
    ];
    let failures = prop_oneof![
        Just(ModelFailure::Cut),
        Just(ModelFailure::Stalled),
        Just(ModelFailure::Unavailable),
        Just(ModelFailure::Broken),
        Just(ModelFailure::Rejected),
    ];
    prop_oneof![
        clauses().prop_map(Move::Say),
        (clauses(), prop::collection::vec(calls, 1..8)).prop_map(|(c, calls)| Move::Call(c, calls)),
        (clauses(), failures).prop_map(|(c, failure)| Move::Fail(c, failure)),
    ]
}

proptest! {
    #[test]
    fn every_turn_ends_says_nothing_twice_and_keeps_its_budget(
        script in prop::collection::vec(moves(), 0..12),
        restart_every in 0_usize..4,
    ) {
        let driven = Driven { restart_every, ..Driven::default() }.drive(&script);
        let limits = Limits::default();
        let spent = driven.turn.budget.clone().unwrap().spent;
        prop_assert!(spent.asks <= limits.asks && spent.calls <= limits.calls);
        prop_assert!(spent.repairs <= limits.repairs && spent.retries <= limits.retries);
        let mut once = driven.shown.clone();
        once.sort();
        once.dedup();
        prop_assert_eq!(once.len(), driven.shown.len(), "a clause was said twice");
        prop_assert!(!driven.shown.iter().any(|text| text.contains("BAD")));
        prop_assert_eq!(driven.turn.released_text(), driven.shown.iter().collect::<Vec<_>>());
        prop_assert!(!driven.shown.is_empty() || !driven.plain.is_empty(), "a turn that says nothing");
        for exchange in &driven.turn.exchanges {
            let asked: Vec<_> = exchange.requests.iter().map(|request| &request.id).collect();
            let answered: Vec<_> = exchange.results.iter().map(|result| &result.request_id).collect();
            prop_assert_eq!(asked, answered);
        }
    }

    #[test]
    fn a_turn_is_the_fold_of_its_events_at_every_prefix(
        script in prop::collection::vec(moves(), 0..8),
    ) {
        let driven = drive(&script);
        let mut turn = Turn::default();
        for (at, event) in driven.events.iter().enumerate() {
            turn = step(turn, event.clone()).unwrap().0;
            let stored = serde_json::to_string(&driven.events[..=at]).unwrap();
            let recorded: Vec<Event> = serde_json::from_str(&stored).unwrap();
            prop_assert_eq!(&fold(recorded).unwrap(), &turn);
        }
    }

    #[test]
    fn an_answered_call_never_runs_again(script in prop::collection::vec(moves(), 0..12)) {
        let driven = drive(&script);
        let mut ran: Vec<_> = driven.ran.iter().filter(|call| !call.starts_with("fly")).collect();
        let all = ran.len();
        ran.sort();
        ran.dedup();
        prop_assert_eq!(all, ran.len());
    }
}
