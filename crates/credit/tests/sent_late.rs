//! A statement that left on another day than the one it names is enforced by the day on which it left (12 CFR 1026.5(b)(2)(ii)).

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;
#[path = "common/histories.rs"]
mod histories;
#[path = "common/text.rs"]
#[expect(dead_code, reason = "each test file uses its own part")]
mod text;

use common::{Book, cents, day, noon, product};
use credit::{
    FurnishedStatus, LineEvent, LineEventBody, LineStatus, Position, ProductCatalog, Statement,
    replay, replay_from, scenario, statement_left_on,
};
use histories::{DAYS, OPENED, events_of, facts, on, products, resumed_as_replayed};
use money::Cents;
use proptest::prelude::*;
use text::event;

/// Closes on September 25, so that October 20 is printed as the due date.
fn book() -> Book {
    Book::owing("1000.00", 240_000, 25, "2026-08-26")
}

fn sent(cycle: u32) -> LineEventBody {
    LineEventBody::StatementSent { cycle }
}

fn not_sent(cycle: u32) -> LineEventBody {
    LineEventBody::StatementNotSent { cycle }
}

fn late_fees(position: &Position) -> Vec<(u32, String)> {
    position.late_fees.iter().map(|fee| (fee.cycle, fee.on.to_string())).collect()
}

#[test]
fn v48_a_statement_that_left_late_is_enforced_by_the_day_on_which_it_left() {
    let mut written = book();
    written.live_to(day("2026-10-07"));
    let before = written.statement(1);
    assert_eq!((before.sent_on, before.due_on), (day("2026-09-26"), day("2026-10-20")));
    assert_eq!(written.on("2026-10-21").days_past_due, 1);

    let mut left = book();
    left.record(sent(1), "2026-10-08");
    let timely = left.on("2026-10-22");
    assert_eq!((timely.days_past_due, timely.past_due), (0, Cents::ZERO));
    assert_eq!(left.on("2026-10-23").days_past_due, 1);
    assert_eq!(left.statement(1), before, "what was printed stands");
    assert_eq!(left.on("2026-11-01").late_fees, []);
    assert_eq!(late_fees(&left.on("2026-11-02")), [(1, "2026-11-02".to_owned())]);

    let mut paid = book();
    paid.record(sent(1), "2026-10-08");
    paid.pay("45.00", "2026-10-22");
    assert_eq!(late_fees(&paid.on("2026-11-10")), []);
}

#[test]
fn v48_on_a_card_it_is_three_weeks() {
    let mut card = product("CARD-STD-1");
    card.dates.due_days_after_close = 25;
    let mut book = Book::open(&card, 240_000, 25, "2026-08-26");
    book.draw("1000.00", "2026-09-01");
    book.record(sent(1), "2026-10-08");
    assert_eq!(book.on("2026-10-29").days_past_due, 0);
    assert_eq!(book.on("2026-10-30").days_past_due, 1);
}

#[test]
fn a_late_fee_and_a_freeze_by_the_written_day_are_taken_back_when_the_day_of_leaving_is_learned() {
    let mut book = book();
    let frozen = book.on("2026-11-01");
    assert_eq!(late_fees(&frozen), [(1, "2026-10-31".to_owned())]);
    assert_eq!((frozen.days_past_due, frozen.status), (12, LineStatus::Frozen));
    book.record_late(sent(1), day("2026-10-28"), day("2026-11-01"));
    let known = book.on("2026-11-01");
    assert_eq!((known.days_past_due, known.status), (0, LineStatus::Open));
    assert_eq!((known.late_fees.len(), known.penalty_fees), (0, Cents::ZERO));
    assert_eq!(book.adjustments(), [cents("-15.00")]);
    // Fourteen days from October 28 end on November 11; the fee comes eleven days later.
    let fee = book.on("2026-11-22");
    assert_eq!(late_fees(&fee), [(1, "2026-11-22".to_owned())]);
    assert_eq!(book.adjustments(), [cents("-15.00"), cents("15.00")]);
    assert_eq!(book.line.untied(&book.books).unwrap(), []);
}

#[test]
fn nobody_is_late_with_what_never_left_until_the_next_statement_that_did() {
    let mut book = book();
    book.record(not_sent(1), "2026-09-26");
    let idle = book.on("2026-11-19");
    assert_eq!((idle.days_past_due, idle.late_fees.len()), (0, 0));
    assert_eq!(idle.status, LineStatus::Open);
    let second = book.statement(2);
    assert_eq!((second.closed_on, second.due_on), (day("2026-10-25"), day("2026-11-19")));
    assert_eq!(second.past_due, Cents::ZERO, "none of it can be late yet");
    assert_eq!(second.not_yet_due, book.statement(1).minimum_due);
    let late = book.on("2026-11-20");
    assert_eq!((late.days_past_due, late.past_due), (1, second.minimum_due));
    // One statement came, and one fee is due.
    assert_eq!(late_fees(&book.on("2026-12-15")), [(2, "2026-11-30".to_owned())]);
    // A copy of the first that leaves afterwards gives no more time, and no second fee comes.
    book.record(sent(1), "2026-12-20");
    assert_eq!(late_fees(&book.on("2027-01-20"))[..1], [(2, "2026-11-30".to_owned())]);
    assert!(late_fees(&book.on("2027-01-20")).iter().all(|(cycle, _)| *cycle > 1));
}

#[test]
fn who_is_sent_nothing_for_half_a_year_is_reported_as_current() {
    let mut book = book();
    for (cycle, on) in (1..).zip(["09-26", "10-26", "11-26", "12-26"]) {
        book.record(not_sent(cycle), &format!("2026-{on}"));
    }
    let position = book.on("2027-01-20");
    assert_eq!((position.days_past_due, position.penalty_fees), (0, Cents::ZERO));
    assert_eq!(position.furnished_status, FurnishedStatus::Current);
    assert_eq!(position.standing.since, book.opened_on);
}

#[test]
fn the_last_copy_counts_where_those_before_it_came_back() {
    // It left on October 8 and came back; on paper it left on October 20.
    let known = [(sent(1), "2026-10-08"), (not_sent(1), "2026-10-11"), (sent(1), "2026-10-20")];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let mut book = book();
        for at in order {
            let (body, on) = &known[at];
            book.record_late(body.clone(), day(on), day("2026-10-21"));
        }
        assert_eq!(book.on("2026-11-03").days_past_due, 0, "{order:?}");
        assert_eq!(book.on("2026-11-04").days_past_due, 1, "{order:?}");
        let left = statement_left_on(book.line.events(), &book.statement(1));
        assert_eq!(left, Some(day("2026-10-20")));
    }
    // What came back on the day on which it had left did not leave.
    let mut book = book();
    book.record(sent(1), "2026-10-08");
    book.record(not_sent(1), "2026-10-08");
    assert_eq!(statement_left_on(book.line.events(), &book.statement(1)), None);
    // That it had not left the day before it was written changes nothing.
    let mut book = self::book();
    book.record_late(not_sent(1), day("2026-09-25"), day("2026-09-27"));
    assert_eq!(book.on("2026-10-21").days_past_due, 1);
}

#[test]
fn grace_ends_three_weeks_after_a_statement_left_on_a_line_too() {
    let mut line = product("CARD-STD-1");
    line.regime = credit::product::Regime::Line;
    line.dates.statement_window_days = 14;
    line.dates.due_days_after_close = 25;
    line.fees.late = None;
    let interest = |left: Option<LineEventBody>, paid_on: &str| {
        let mut book = Book::open(&line, 240_000, 25, "2026-08-26");
        book.draw("1000.00", "2026-09-01");
        if let Some(body) = left {
            book.record(body, "2026-10-08");
        }
        book.pay("1000.00", paid_on);
        book.live_to(day("2026-12-27"));
        book.statements().iter().map(|one| one.interest_total).sum::<Cents>()
    };
    assert!(interest(None, "2026-10-21").is_positive());
    assert_eq!(interest(Some(sent(1)), "2026-10-29"), Cents::ZERO);
    assert!(interest(Some(sent(1)), "2026-10-30").is_positive());
    // What never left is shown again by the statement of October 25, whose date is November 19.
    assert_eq!(interest(Some(not_sent(1)), "2026-11-19"), Cents::ZERO);
    assert!(interest(Some(not_sent(1)), "2026-11-20").is_positive());
}

#[test]
fn a_scenario_says_when_a_statement_left_and_an_unknown_one_is_named_by_its_place() {
    let outcome = |events: &str| {
        let text = format!(
            "as_of = 2026-10-22\n[line]\nproduct = \"CASHLINE-STD-1\"\nopened_on = 2026-08-26\nclose_day = 25\napr = \"24%\"\n[line.brought_forward]\nprincipal = \"1000.00\"\n{events}"
        );
        let parsed = scenario::parse(&text, &ProductCatalog::embedded().unwrap())
            .map_err(|error| error.to_string())?;
        let report = scenario::run(&parsed).map_err(|error| {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            format!("{error} {}", source.unwrap_or_default())
        })?;
        Ok::<_, String>(report.lines[0].clone())
    };
    assert_eq!(outcome("").unwrap().position.days_past_due, 2);
    for kind in ["statement_sent", "statement_not_sent"] {
        let left = outcome(&event(kind, "2026-10-08", "statement = 1")).unwrap();
        assert_eq!((left.position.days_past_due, left.notes.as_slice()), (0, &[][..]));
    }
    let unknown = outcome(&event("statement_sent", "2026-10-08", "statement = 2")).unwrap_err();
    assert!(unknown.contains("line 10, column 1") && unknown.contains("a statement"), "{unknown}");
    let unsaid = outcome(&event("statement_sent", "2026-10-08", "")).unwrap_err();
    assert!(unsaid.contains("line 10") && unsaid.contains("needs `statement`"), "{unsaid}");
    let early = "statement = 1\nrecorded_on = 2026-10-08";
    let early = outcome(&event("statement_sent", "2026-09-20", early)).unwrap();
    assert_eq!(early.position.days_past_due, 2);
    assert!(early.notes[0].contains("so it changes nothing"), "{:?}", early.notes);
}

/// For a statement: so many days after the one it names, whether a copy left, and how much later that is learned.
type Left = (usize, u64, bool, u64);

fn left() -> impl Strategy<Value = Vec<Left>> {
    prop::collection::vec((0_usize..7, 0_u64..70, any::<bool>(), 0_u64..60), 1..6)
}

fn fact_of((_, after, gone, _): Left, statement: &Statement) -> (chrono::NaiveDate, LineEventBody) {
    let cycle = statement.number;
    let on = statement.sent_on + chrono::Days::new(after);
    (on, if gone { sent(cycle) } else { not_sent(cycle) })
}

/// Of the second one November 19 is the due date, and so it is of the first where that left on the 5th.
#[test]
fn two_due_dates_that_come_together_cost_one_late_fee() {
    for (left_on, fee_on) in [("2026-11-05", "2026-11-30"), ("2026-11-04", "2026-11-29")] {
        let mut book = book();
        book.record(sent(1), left_on);
        assert_eq!(late_fees(&book.on("2026-12-15")), [(1, fee_on.to_owned())], "{left_on}");
        // The next one is of the next cycle.
        assert_eq!(book.on("2027-01-15").late_fees.len(), 2);
    }
}

/// It is paid off before its payment comes back, so that the second statement is not to be sent: the third is the first to ask.
#[test]
fn what_nobody_was_asked_for_is_late_by_the_first_statement_that_asks() {
    let mut book = book();
    book.record(not_sent(1), "2026-09-26");
    let payment = book.pay("1020.38", "2026-09-26");
    book.on("2026-10-26");
    assert!(!book.statement(2).must_be_sent);
    book.returned(payment, "2026-11-10");
    let asked = book.on("2026-12-21");
    assert_eq!((asked.days_past_due, late_fees(&asked)), (0, Vec::new()));
    assert_eq!(book.statement(3).due_on, day("2026-12-20"));
    assert_eq!(book.on("2026-12-22").days_past_due, 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn the_order_in_which_it_is_learned_plays_no_part(
        product in products(), facts in facts(), left in left(), turn in 0_usize..6
    ) {
        let mut book = Book::open(&product, 249_900, 17, OPENED);
        for (effective, known, body) in events_of(&facts) {
            book.record_late(body, effective, known);
        }
        let end = on(DAYS + 140);
        book.live_to(end);
        let statements = book.statements();
        let mut learned: Vec<_> =
            left.iter().filter_map(|one| Some(fact_of(*one, statements.get(one.0)?))).collect();
        let with = |learned: &[(chrono::NaiveDate, LineEventBody)]| {
            let mut events = book.line.events().to_vec();
            for (effective_on, body) in learned {
                let (seq, effective_on) = (events.last().unwrap().seq + 1, *effective_on);
                let (recorded_at, body) = (noon(end), body.clone());
                events.push(LineEvent { seq, effective_on, recorded_at, body });
            }
            replay(&events, end).unwrap()
        };
        let straight = with(&learned);
        let turns = turn % learned.len().max(1);
        learned.rotate_left(turns);
        learned.reverse();
        prop_assert_eq!(with(&learned), straight);
    }

    #[test]
    fn snapshots_and_books_hold_where_statements_left_late(
        product in products(), facts in facts(), left in left(), asked in 0..DAYS + 100
    ) {
        let mut book = Book::open(&product, 249_900, 17, OPENED);
        let mut history = events_of(&facts);
        // Statements are numbered by their closes, on the 17th of each month from January on.
        for one in left {
            let closed_on = day(&format!("2026-0{}-17", one.0 + 1));
            let named = Statement {
                number: u32::try_from(one.0 + 1).unwrap(),
                sent_on: closed_on.succ_opt().unwrap(),
                ..Statement::default()
            };
            let (effective, body) = fact_of(one, &named);
            history.push((effective, effective + chrono::Days::new(one.3), body));
        }
        history.sort_by_key(|(_, known, _)| *known);
        for (effective, known, body) in history {
            book.record_late(body, effective, known);
        }
        let end = on(DAYS + 140);
        book.live_to(end);
        let position = book.line.position(end).unwrap();
        prop_assert_eq!(&position.pending, &[]);
        prop_assert_eq!(book.line.untied(&book.books).unwrap(), []);
        let events = book.line.events();
        let snapshots = resumed_as_replayed(events, on(asked))?;
        prop_assert_eq!(&replay_from(&snapshots, events, end).unwrap().position, &position);
    }
}
