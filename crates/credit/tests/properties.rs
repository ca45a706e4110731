//! What holds of every history.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use chrono::{Days, NaiveDate};
use common::{Book, day, noon, product};
use credit::{
    AppliesTo, ChangeNotice, CreditError, Disputed, FeeKind, FlagKind, LineEvent, LineEventBody,
    NoticeException, Product, ProductCatalog, Terms, rate::DENOMINATOR, replay, replay_from,
};
use identity::{AutopayId, CaseId, DrawId, PaymentId};
use money::{Apr, Cents};
use proptest::prelude::*;

const OPENED: &str = "2026-01-10";
const DAYS: u64 = 200;

fn on(offset: u64) -> NaiveDate {
    day(OPENED).checked_add_days(Days::new(offset)).unwrap()
}

#[derive(Clone, Debug)]
enum Fact {
    Draw {
        amount: i64,
        fee: i64,
    },
    Payment {
        amount: i64,
        returned_after: Option<u64>,
        reversed: bool,
    },
    Credit {
        amount: i64,
    },
    Rate {
        ppm: u32,
        new_draws: bool,
    },
    Cap {
        ppm: u32,
    },
    /// With the days after which it ends, the first ones before it began, and how late the end is known.
    Autopay {
        ended: Option<(u64, u64)>,
    },
    Fee {
        amount: i64,
        late: bool,
    },
    Waiver {
        amount: i64,
    },
    Flag,
    RefusedDraw {
        amount: i64,
    },
    CorrectedDraw {
        amount: i64,
        to: i64,
    },
    Hold {
        amount: i64,
        days: u64,
    },
    DisputedDraw {
        amount: i64,
        error: Option<i64>,
    },
    DisputedFee {
        amount: i64,
        error: i64,
    },
    Limit {
        amount: i64,
    },
    LateFee {
        amount: i64,
    },
}

/// A fact, the day it takes effect and by how many days we learn of it late.
type Dated = (u64, u64, Fact);

fn facts() -> impl Strategy<Value = Vec<Dated>> {
    let fact = prop_oneof![
        6 => (1_i64..200_000, prop_oneof![2 => Just(0_i64), 1 => 1_i64..3_000])
            .prop_map(|(amount, fee)| Fact::Draw { amount, fee }),
        8 => (1_i64..120_000, prop::option::weighted(0.25, 0_u64..60), prop::bool::weighted(0.1))
            .prop_map(|(amount, returned_after, reversed)| Fact::Payment {
                amount, returned_after, reversed,
            }),
        1 => (1_i64..20_000).prop_map(|amount| Fact::Credit { amount }),
        1 => (0_u32..359_900, any::<bool>()).prop_map(|(ppm, new_draws)| Fact::Rate { ppm, new_draws }),
        1 => (0_u32..60_000).prop_map(|ppm| Fact::Cap { ppm }),
        2 => prop::option::weighted(0.7, (0_u64..60, prop_oneof![Just(0_u64), 1_u64..50]))
            .prop_map(|ended| Fact::Autopay { ended }),
        1 => (1_i64..4_000, any::<bool>()).prop_map(|(amount, late)| Fact::Fee { amount, late }),
        1 => (1_i64..4_000).prop_map(|amount| Fact::Waiver { amount }),
        1 => Just(Fact::Flag),
        1 => (1_i64..50_000).prop_map(|amount| Fact::RefusedDraw { amount }),
        1 => (1_i64..50_000, 1_i64..50_000)
            .prop_map(|(amount, to)| Fact::CorrectedDraw { amount, to }),
        1 => (1_i64..50_000, 0_u64..9).prop_map(|(amount, days)| Fact::Hold { amount, days }),
        1 => (1_i64..90_000, prop::option::of(0_i64..90_000))
            .prop_map(|(amount, error)| Fact::DisputedDraw { amount, error }),
        1 => (1_i64..4_000, 0_i64..4_000)
            .prop_map(|(amount, error)| Fact::DisputedFee { amount, error: error.min(amount) }),
        1 => (1_i64..900_000).prop_map(|amount| Fact::Limit { amount }),
        1 => (0_i64..4_000).prop_map(|amount| Fact::LateFee { amount }),
    ];
    let late = prop_oneof![3 => Just(0_u64), 1 => 1_u64..70];
    prop::collection::vec((0..DAYS, late, fact), 1..24)
}

/// Every product of `products/`, and what they leave unused: one of another lender, and the other rule of returns.
fn products() -> impl Strategy<Value = Product> {
    let catalog = ProductCatalog::embedded().unwrap();
    let mut all: Vec<Product> =
        catalog.names().map(|name| catalog.get(name).unwrap().clone()).collect();
    all.push(Product {
        returns: credit::product::ReturnPolicy::FromReturnDate,
        ..product("CASHLINE-STD-1")
    });
    all.push(Product::parse(OTHER).unwrap());
    all.extend(common::odd_products());
    prop::sample::select(all)
}

const OTHER: &str = include_str!("common/other-lender.toml");

/// The events of the facts with the day each becomes known, in that order.
#[expect(clippy::too_many_lines, reason = "one arm per kind of fact")]
fn events_of(facts: &[Dated]) -> Vec<(NaiveDate, NaiveDate, LineEventBody)> {
    let mut events = Vec::new();
    for (at, (offset, late, fact)) in facts.iter().enumerate() {
        let (effective, known) = (on(*offset), on(offset + late));
        // An id that sorts by the fact and not by its arrival.
        let stamp = noon(effective) + chrono::TimeDelta::milliseconds(i64::try_from(at).unwrap());
        let mut add = |effective, known, body| events.push((effective, known, body));
        match fact {
            Fact::Draw { amount, fee } => {
                let draw = DrawId::mint(stamp);
                let (amount, fee) = (Cents::new(*amount), Cents::new(*fee));
                add(effective, known, LineEventBody::Drew { draw, feature: None, amount, fee });
            }
            Fact::RefusedDraw { amount } => {
                let (draw, amount, fee) = (DrawId::mint(stamp), Cents::new(*amount), Cents::ZERO);
                add(effective, known, LineEventBody::Drew { draw, feature: None, amount, fee });
                let reason = "R23".to_owned();
                let later = on(offset + late + 3);
                add(later, later, LineEventBody::DrawRefused { draw, reason });
            }
            Fact::Payment { amount, returned_after, reversed } => {
                let payment = PaymentId::mint(stamp);
                let amount = Cents::new(*amount);
                add(effective, known, LineEventBody::PaymentReceived { payment, amount });
                if let Some(after) = returned_after {
                    let later = on(offset + late + after);
                    let (code, fee) = ("R01".to_owned(), Cents::ZERO);
                    add(later, later, LineEventBody::PaymentReturned { payment, code, fee });
                } else if *reversed {
                    let later = on(offset + late + 2);
                    let reason = "keyed twice".to_owned();
                    add(later, later, LineEventBody::PaymentReversed { payment, reason });
                }
            }
            Fact::Credit { amount } => {
                let reason = "goodwill".to_owned();
                let amount = Cents::new(*amount);
                add(
                    effective,
                    known,
                    LineEventBody::CreditGranted { amount, reason, feature: None },
                );
            }
            Fact::Rate { ppm, new_draws } => {
                let applies_to =
                    if *new_draws { AppliesTo::NewDraws } else { AppliesTo::AllBalances };
                let apr = Apr::from_ppm(*ppm);
                add(
                    effective,
                    known,
                    LineEventBody::RateChanged { feature: None, apr, applies_to, notice: None },
                );
            }
            Fact::Cap { ppm } => {
                let (apr, reason) = (Apr::from_ppm(*ppm), "service".to_owned());
                add(effective, known, LineEventBody::RateCapped { apr, through: None, reason });
            }
            Fact::Autopay { ended } => {
                let autopay = AutopayId::mint(stamp);
                add(effective, known, LineEventBody::AutopayDiscountBegan { autopay });
                if let Some((after, late)) = ended {
                    let through = on((offset + after).saturating_sub(2));
                    let learned = known.max(on(offset + after + late));
                    add(through, learned, LineEventBody::AutopayDiscountEnded { autopay });
                }
            }
            Fact::Fee { amount, late: penalty } => {
                let fee = if *penalty { FeeKind::Late } else { FeeKind::Other };
                let (cycle, amount) = (None, Cents::new(*amount));
                add(effective, known, LineEventBody::FeeAssessed { fee, cycle, amount });
            }
            Fact::Waiver { amount } => {
                let (fee, amount, reason) = (FeeKind::Late, Cents::new(*amount), String::new());
                add(effective, known, LineEventBody::FeeWaived { fee, amount, reason });
            }
            Fact::CorrectedDraw { amount, to } => {
                let (draw, amount, fee) = (DrawId::mint(stamp), Cents::new(*amount), Cents::ZERO);
                add(effective, known, LineEventBody::Drew { draw, feature: None, amount, fee });
                let later = on(offset + late + 40);
                add(
                    later,
                    later,
                    LineEventBody::DrawCorrected { draw, amount: Cents::new(*to), fee: None },
                );
            }
            Fact::Hold { amount, days } => {
                let (draw, amount) = (DrawId::mint(stamp), Cents::new(*amount));
                let expires_on = Some(on(offset + days));
                add(effective, known, LineEventBody::DrawHeld { draw, amount, expires_on });
            }
            Fact::DisputedDraw { amount, error } => {
                let (draw, amount, fee) = (DrawId::mint(stamp), Cents::new(*amount), Cents::ZERO);
                add(effective, known, LineEventBody::Drew { draw, feature: None, amount, fee });
                let (dispute, subject) = (CaseId::mint(stamp), Disputed::Draw { draw });
                let later = on(offset + late + 33);
                add(later, later, LineEventBody::DisputeOpened { dispute, subject, amount });
                if let Some(error) = error {
                    let later = on(offset + late + 71);
                    let (error, reason) = (Cents::new(*error).min(amount), String::new());
                    add(later, later, LineEventBody::DisputeResolved { dispute, error, reason });
                }
            }
            Fact::DisputedFee { amount, error } => {
                let (fee, amount) = (FeeKind::Other, Cents::new(*amount));
                add(effective, known, LineEventBody::FeeAssessed { fee, cycle: None, amount });
                let (dispute, subject) = (CaseId::mint(stamp), Disputed::Fee { fee });
                let later = on(offset + late + 20);
                add(later, later, LineEventBody::DisputeOpened { dispute, subject, amount });
                let later = on(offset + late + 50);
                let (error, reason) = (Cents::new(*error), String::new());
                add(later, later, LineEventBody::DisputeResolved { dispute, error, reason });
            }
            Fact::Limit { amount } => {
                let (credit_limit, reason) = (Cents::new(*amount), String::new());
                add(effective, known, LineEventBody::LimitChanged { credit_limit, reason });
            }
            Fact::LateFee { amount } => {
                let amount = credit::units::dollar_text(Cents::new(*amount));
                let late = serde_json::json!({ "fees": { "late": { "amount": amount } } });
                let changes = late.as_object().unwrap().clone();
                let exception = Some(NoticeException::Agreed);
                let notice = ChangeNotice { given_on: None, exception };
                add(effective, known, LineEventBody::TermsChanged { changes, notice });
            }
            Fact::Flag => {
                let (flag, note) = (FlagKind::Dispute, String::new());
                add(effective, known, LineEventBody::FlagRaised { flag, note });
            }
        }
    }
    events.sort_by_key(|(_, known, _)| *known);
    events
}

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
        prop_assert_eq!(
            position.available_credit + drawn + position.held_credit,
            position.credit_limit + over
        );
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
        let events = book.line.events();
        let asked = on(asked);
        // For every prefix, with all snapshots that any shorter prefix left behind.
        let mut snapshots = Vec::new();
        for known in (1..=events.len()).step_by(3) {
            let prefix = &events[..known];
            let fresh = replay(prefix, asked).unwrap();
            let resumed = replay_from(&snapshots, prefix, asked).unwrap();
            prop_assert_eq!(&resumed.position, &fresh);
            snapshots.extend(resumed.snapshots);
        }
    }

    #[test]
    fn facts_may_arrive_in_any_order(
        product in products(), facts in facts(), seed in any::<u64>()
    ) {
        let book = book_of(&product, &facts);
        let facts = bare(book.line.events());
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
        | LineEventBody::DisputeOpened { .. } => 1,
        LineEventBody::DisputeResolved { .. } => 2,
        _ => 0,
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
