//! What holds of every history.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;
#[path = "common/histories.rs"]
mod histories;

use common::{Book, day, noon, product};
use credit::{
    CreditError, FlagKind, LineEvent, LineEventBody, Product, Terms, rate::DENOMINATOR, replay,
};
use histories::{DAYS, Dated, Fact, OPENED, events_of, facts, on, products, resumed_as_replayed};
use identity::PaymentId;
use money::{Apr, Cents};
use proptest::prelude::*;

fn book_of(product: &Product, facts: &[Dated]) -> Book {
    let mut book = Book::open(product, 249_900, 17, OPENED);
    for (effective, known, body) in events_of(facts) {
        book.record_late(body, effective, known);
    }
    book.live_to(on(DAYS + 140));
    book
}

/// The events of a book without its consequences.
fn bare(events: &[LineEvent]) -> Vec<LineEvent> {
    let fact = |event: &&LineEvent| match &event.body {
        LineEventBody::StatementIssued { .. } | LineEventBody::Adjusted { .. } => false,
        LineEventBody::FeeAssessed { cycle, .. } => cycle.is_none(),
        _ => true,
    };
    events.iter().filter(fact).cloned().collect()
}

fn renumbered(events: impl IntoIterator<Item = LineEvent>) -> Vec<LineEvent> {
    (1..).zip(events).map(|(seq, event)| LineEvent { seq, ..event }).collect()
}

/// With the fees of draws as facts: what was told is told for what was known then (docs/adr/a-fee-is-at-most-what-was-told.md).
fn agreed(event: LineEvent) -> LineEvent {
    let body = match event.body {
        LineEventBody::Drew { draw, feature, amount, fee, .. } => {
            LineEventBody::Drew { draw, feature, amount, fee, by_terms: false }
        }
        body => body,
    };
    LineEvent { body, ..event }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn entries_balance_and_sum_to_the_position(product in products(), facts in facts()) {
        let mut book = book_of(&product, &facts);
        let end = on(DAYS + 140);
        let position = book.on(&end.to_string());
        prop_assert!(book.books.holds());
        prop_assert_eq!(book.books.untied(), []);
        prop_assert_eq!(&position.pending, &[]);
        prop_assert_eq!(&position.statements_due, &Vec::<u32>::new());
        prop_assert_eq!(book.line.untied(&book.books).unwrap(), []);
        let chart = ledger::Chart::embedded().unwrap();
        let net = |name: &str| {
            book.books.line(book.line.id(), chart.account(name).unwrap().code).net()
        };
        let posted = *book.line.posted();
        prop_assert_eq!(net("principal"), posted.principal);
        prop_assert_eq!(net("billed_interest"), posted.billed_interest);
        prop_assert_eq!(net("fees"), posted.fees);
        prop_assert_eq!(net("penalty_fees"), posted.penalty_fees);
        prop_assert_eq!(net("credit_balances"), -posted.credit_balance);
        prop_assert_eq!(posted.total(), position.current_balance);
        prop_assert_eq!(position.total_owed, position.current_balance + position.accrued_interest);
        let by_feature: Cents = position.features.iter().map(|one| one.principal).sum();
        prop_assert_eq!(by_feature, position.principal_balance);
    }

    #[test]
    fn every_statement_adds_up(product in products(), facts in facts()) {
        let book = book_of(&product, &facts);
        let mut previous = Cents::ZERO;
        for statement in book.statements() {
            prop_assert_eq!(statement.off_by(), Cents::ZERO, "statement {}", statement.number);
            prop_assert_eq!(statement.previous_balance, previous);
            prop_assert!(!statement.interest_total.is_negative());
            prop_assert!(!statement.minimum_due.is_negative());
            previous = statement.new_balance;
        }
    }

    #[test]
    fn an_allocation_uses_up_its_payment(product in products(), facts in facts()) {
        let mut book = book_of(&product, &facts);
        let position = book.on(&on(DAYS + 140).to_string());
        for allocation in &position.allocations {
            let parts: Cents = allocation.parts.iter().map(|part| part.amount).sum();
            prop_assert_eq!(parts, allocation.amount);
        }
        for feature in &position.features {
            prop_assert!(!feature.principal.is_negative());
        }
        let charges = position.billed_interest + position.all_fees();
        let used = if product.limits.charges_use_limit { charges } else { Cents::ZERO };
        let drawn = position.principal_balance + used;
        let over = (drawn + position.held_credit - position.credit_limit).or_zero();
        let all = position.available_credit + drawn + position.held_credit;
        if position.repayment_from.is_some_and(|from| from <= position.on) {
            prop_assert!(position.available_credit.is_zero());
        } else {
            prop_assert_eq!(all, position.credit_limit + over);
        }
        prop_assert!(over.is_zero() || position.available_credit.is_zero());
        for line in position.cycles.iter().flat_map(|record| &record.interest) {
            prop_assert!(!line.amount.is_negative() && line.numerator >= 0);
        }
    }

    #[test]
    fn a_snapshot_never_changes_the_answer(
        product in products(), facts in facts(), asked in 0..DAYS + 100
    ) {
        let book = book_of(&product, &facts);
        resumed_as_replayed(book.line.events(), on(asked))?;
    }

    #[test]
    fn facts_may_arrive_in_any_order(
        product in products(), facts in facts(), seed in any::<u64>()
    ) {
        let book = book_of(&product, &facts);
        let facts: Vec<_> = bare(book.line.events()).into_iter().map(agreed).collect();
        let end = on(DAYS + 140);
        let straight = replay(&renumbered(facts.clone()), end).unwrap();
        let mut shuffled: Vec<_> = facts.iter().skip(1).cloned().collect();
        shuffle(&mut shuffled, seed);
        // A fact that undoes another must still follow it, and changes of terms of one day their order.
        shuffled.sort_by_key(|event| undoes(&event.body));
        let first = facts.first().cloned();
        let other = replay(&renumbered(first.into_iter().chain(shuffled)), end).unwrap();
        prop_assert_eq!(other.posted.total(), straight.posted.total());
        prop_assert_eq!(other.total_owed, straight.total_owed);
        prop_assert_eq!(other.principal_balance, straight.principal_balance);
        prop_assert_eq!(other.minimum_due, straight.minimum_due);
        prop_assert_eq!(other.days_past_due, straight.days_past_due);
        prop_assert_eq!(interest(&other), interest(&straight));
    }

    /// Statements with their adjustments come to the same as never having been wrong, after the second late fact as after the
    /// first. What a printed minimum decides (late fees, a plan fee that stops) is left out: there the customer has the better.
    #[test]
    fn late_facts_leave_nothing_behind(product in products(), facts in facts()) {
        let mut product = product;
        product.fees.late = None;
        product.fees.plan = None;
        product.penalty_rate = None;
        for arm in &mut product.minimum.arms {
            arm.amount_when_late = None;
        }
        let changes_late_fee = |fact: &&Dated| !matches!(fact.2, Fact::LateFee { .. });
        let facts: Vec<_> = facts.iter().filter(changes_late_fee).cloned().collect();
        let book = book_of(&product, &facts);
        let end = on(DAYS + 140);
        let straight = replay(&renumbered(bare(book.line.events())), end).unwrap();
        let settled = book.line.position(end).unwrap();
        prop_assert_eq!(settled.total_owed, straight.total_owed);
        prop_assert_eq!(settled.principal_balance, straight.principal_balance);
        prop_assert_eq!(interest(&settled), interest(&straight));
    }

    #[test]
    fn nobody_is_asked_for_more_than_is_owed_and_not_disputed(
        product in products(), facts in facts(), asked in 0..DAYS + 100
    ) {
        let book = book_of(&product, &facts);
        let position = book.line.position(on(asked)).unwrap();
        prop_assert!(position.minimum_due <= position.collectable_balance());
        prop_assert!(position.past_due <= position.minimum_due);
    }

    #[test]
    fn nothing_is_rounded_twice(facts in facts()) {
        let book = book_of(&product("CASHLINE-STD-1"), &facts);
        let position = book.line.position(on(DAYS + 140)).unwrap();
        for record in &position.cycles {
            // One feature, in however many balances new rates have made of it.
            let segments = record.interest.iter().flat_map(|line| &line.segments);
            let ppm_days: i128 = segments
                .map(|segment| {
                    i128::from(segment.days())
                        * i128::from(segment.balance.get())
                        * i128::from(segment.apr.ppm())
                })
                .sum();
            let once = (2 * ppm_days + 365_000_000) / (2 * 365_000_000);
            let billed: Cents = record.interest.iter().map(|line| line.amount).sum();
            prop_assert_eq!(i128::from(billed.get()), once);
            for line in &record.interest {
                let own = (2 * line.numerator + DENOMINATOR) / (2 * DENOMINATOR);
                let beyond = i128::from(line.amount.get()) - own;
                prop_assert_eq!(i128::from(line.shared.get()), beyond);
                prop_assert!(beyond.abs() <= 1, "{} beside {own}", line.amount);
            }
        }
    }
}

fn interest(position: &credit::Position) -> Vec<Cents> {
    position.cycles.iter().flat_map(|one| one.interest.iter().map(|line| line.amount)).collect()
}

/// What must have come before, as a number that grows.
const fn undoes(body: &LineEventBody) -> u8 {
    match body {
        LineEventBody::PaymentReturned { .. }
        | LineEventBody::PaymentReversed { .. }
        | LineEventBody::DrawRefused { .. }
        | LineEventBody::DrawCorrected { .. }
        | LineEventBody::AutopayDiscountEnded { .. }
        | LineEventBody::DisputeOpened { .. } => 2,
        LineEventBody::DisputeResolved { .. } => 3,
        LineEventBody::DrawHeld { .. } => 0,
        _ => 1,
    }
}

/// Fisher and Yates with a small linear congruential generator.
fn shuffle<T>(items: &mut [T], seed: u64) {
    let mut state = seed | 1;
    for at in (1..items.len()).rev() {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(state >> 33).unwrap() % (at + 1);
        items.swap(at, other);
    }
}

#[test]
fn a_flag_that_was_stored_without_the_engine_leaves_the_books_whole() {
    let mut book = Book::open(&product("CASHLINE-SUB-1"), 0, 31, "2026-09-01");
    book.pay("15.00", "2026-09-20");
    // The close of October bills the plan fee against the credit balance; nobody has settled yet.
    book.on("2026-10-31");
    let raised = day("2026-11-01");
    let mut events = book.line.events().to_vec();
    let body = LineEventBody::FlagRaised { flag: FlagKind::Attorney, note: String::new() };
    let seq = events.last().unwrap().seq + 1;
    events.push(LineEvent { seq, effective_on: raised, recorded_at: noon(raised), body });
    let id = book.line.id();
    let mut line = credit::CreditLine::from_history(id, events, Vec::new()).unwrap();
    for recorded in line.settle(raised, noon(raised)).unwrap() {
        if let Some(posting) = &recorded.posting {
            book.books.add(posting);
        }
    }
    assert_eq!(line.posted().credit_balance, Cents::new(500));
    assert_eq!(line.untied(&book.books).unwrap(), []);
}

#[test]
fn settling_twice_posts_nothing_the_second_time() {
    let mut book = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    book.pay_late("250.00", "2026-09-10", "2026-11-20");
    let end = day("2026-12-20");
    book.live_to(end);
    assert_eq!(book.line.settle(end, noon(end)).unwrap(), []);
}

#[test]
fn a_history_that_cannot_be_is_refused_and_changes_nothing() {
    let mut book = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    let before = book.line.events().len();
    let payment = PaymentId::mint(noon(day("2026-09-02")));
    let unknown =
        LineEventBody::PaymentReturned { payment, code: "R01".to_owned(), fee: Cents::ZERO };
    let at = noon(day("2026-09-03"));
    let error = book.line.record(unknown, day("2026-09-03"), at).unwrap_err();
    assert_eq!(error, CreditError::Unknown { seq: 3, what: "payment" });
    let nothing = LineEventBody::PaymentReceived { payment, amount: Cents::ZERO };
    let error = book.line.record(nothing, day("2026-09-03"), at).unwrap_err();
    assert_eq!(error, CreditError::Amount { seq: 3, amount: Cents::ZERO });
    let early = LineEventBody::PaymentReceived { payment, amount: Cents::new(1) };
    let error = book.line.record(early, day("2026-08-31"), at).unwrap_err();
    assert!(matches!(error, CreditError::BeforeOpening { seq: 3, .. }));
    assert_eq!(book.line.events().len(), before);
}

#[test]
fn events_and_snapshots_are_stored_and_read_back_whole() {
    let mut book = Book::owing("1000.00", 240_000, 31, "2026-09-01");
    book.pay("50.00", "2026-10-20");
    book.live_to(day("2026-12-05"));
    for event in book.line.events() {
        let stored = serde_json::to_value(event).unwrap();
        assert_eq!(&serde_json::from_value::<LineEvent>(stored).unwrap(), event);
    }
    for snapshot in book.line.snapshots() {
        let stored = serde_json::to_value(snapshot).unwrap();
        assert_eq!(&serde_json::from_value::<credit::Snapshot>(stored).unwrap(), snapshot);
    }
    let terms = Terms::open(&product("CARD-STD-1"), Cents::new(5), Apr::from_ppm(1), 3);
    let stored = serde_json::to_value(&terms).unwrap();
    assert_eq!(serde_json::from_value::<Terms>(stored).unwrap(), terms);
}
