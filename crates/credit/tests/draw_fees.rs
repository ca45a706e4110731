//! The fee of a draw when facts arrive late: less where the terms would have asked for less, never more than was told.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;
#[path = "common/text.rs"]
mod text;

use std::collections::BTreeMap;

use common::{Book, cents, day, product};
use credit::{
    Charge, LineEventBody, Product, ProductCatalog, Recorded, draw_fee, replay,
    scenario::{self, LineReport},
};
use identity::DrawId;
use ledger::Chart;
use money::Cents;
use proptest::prelude::*;
use text::{draw, event, pay};

/// A line at 24 % from 2026-09-01, cycles by calendar month, draws at the fee.
fn lived(fee: &str, line: &str) -> LineReport {
    let text = format!(
        "as_of = 2026-12-02\n[[product]]\nname = \"T\"\n[[product.features]]\nname = \"draws\"\napr = \"24%\"\nfee = {{ {fee} }}\n[line]\nproduct = \"T\"\nopened_on = 2026-09-01\nclose_day = 31\n{line}"
    );
    let scenario = scenario::parse(&text, &ProductCatalog::embedded().unwrap()).unwrap();
    scenario::run(&scenario).unwrap().lines.remove(0)
}

const THREE_PERCENT: &str = "percent = \"3%\"";

/// A payment of a day that is learned of on another.
fn paid_late(on: &str, known: &str, amount: &str) -> String {
    event("payment", on, &format!("recorded_on = {known}\namount = \"{amount}\"\nid = \"late\""))
}

/// What was charged for draws, with what was given back, in the order of the books.
fn draw_fees(report: &LineReport) -> Vec<(Cents, String)> {
    let of_event = |body: &LineEventBody| match body {
        LineEventBody::Drew { fee, .. } => Some(*fee),
        LineEventBody::Adjusted { charge: Charge::DrawFee { .. }, amount } => Some(*amount),
        _ => None,
    };
    let fees = report.events.iter();
    let fees = fees.filter_map(|one| Some((of_event(&one.body)?, one.effective_on.to_string())));
    fees.collect()
}

fn amounts(report: &LineReport) -> Vec<Cents> {
    draw_fees(report).into_iter().map(|(amount, _)| amount).collect()
}

#[test]
fn a_payment_that_is_keyed_late_lowers_the_fee_of_the_draw_after_it() {
    let late = paid_late("2026-09-05", "2026-09-20", "100.00");
    let report = lived(THREE_PERCENT, &(draw("2026-09-10", "1000.00") + &late));
    let on = || "2026-09-10".to_owned();
    assert_eq!(draw_fees(&report), [(cents("30.00"), on()), (cents("-3.00"), on())]);
    let first = &report.statements[0];
    assert_eq!((first.fees_total, first.adjustments_total), (cents("30.00"), cents("-3.00")));
    assert_eq!(first.fees_this_year, cents("27.00"));
    assert_eq!(first.off_by(), Cents::ZERO);
    let given_back = &first.adjustments[0];
    assert_eq!(given_back.label, "adjustment of the fee of a draw");
    assert_eq!(given_back.recorded_on, day("2026-09-20"));
}

#[test]
fn what_a_statement_has_shown_is_given_back_on_the_next_one() {
    let late = paid_late("2026-09-05", "2026-10-20", "100.00");
    let report = lived(THREE_PERCENT, &(draw("2026-09-10", "1000.00") + &late));
    assert_eq!(report.statements[0].fees_total, cents("30.00"));
    assert!(report.statements[0].adjustments.is_empty());
    let next = &report.statements[1];
    let given_back = next.adjustments.iter().find(|one| one.amount == cents("-3.00")).unwrap();
    assert_eq!(given_back.effective_on, day("2026-09-10"));
    assert_eq!(given_back.recorded_on, day("2026-10-20"));
    assert_eq!(next.off_by(), Cents::ZERO);
    // As if nothing had come late.
    let timely =
        lived(THREE_PERCENT, &(pay("2026-09-05", "100.00") + &draw("2026-09-10", "1000.00")));
    assert_eq!(report.position.total_owed, timely.position.total_owed);
}

#[test]
fn the_fee_comes_again_where_the_payment_comes_back_but_is_never_more_than_was_told() {
    let late = paid_late("2026-09-05", "2026-09-20", "100.00");
    let back = event("payment_returned", "2026-10-12", "payment = \"late\"\nfee = \"0.00\"");
    let drew = draw("2026-09-10", "1000.00");
    let report = lived(THREE_PERCENT, &(drew.clone() + &late + &back));
    assert_eq!(amounts(&report), ["30.00", "-3.00", "3.00"].map(cents));
    // The credit balance that the quote went by turns out not to have been there.
    let paid = event("payment", "2026-09-05", "amount = \"100.00\"\nid = \"late\"");
    let report = lived(THREE_PERCENT, &(paid + &drew + &back));
    assert_eq!(amounts(&report), ["27.00"].map(cents));
}

#[test]
fn a_fee_that_somebody_agreed_on_stays() {
    let late = paid_late("2026-09-05", "2026-09-20", "100.00");
    let agreed = |fee: &str| {
        let drew = event("draw", "2026-09-10", &format!("amount = \"1000.00\"\nfee = \"{fee}\""));
        amounts(&lived(THREE_PERCENT, &(drew + &late)))
    };
    assert_eq!(agreed("20.00"), ["20.00"].map(cents));
    assert_eq!(agreed("45.00"), ["45.00"].map(cents));
    // What the product asks for anyway is its fee.
    assert_eq!(agreed("30.00"), ["30.00", "-3.00"].map(cents));
    let corrected = event(
        "draw_corrected",
        "2026-09-12",
        "draw = \"A\"\namount = \"1000.00\"\nfee = \"40.00\"",
    );
    let drew = event("draw", "2026-09-10", "id = \"A\"\namount = \"1000.00\"");
    assert_eq!(amounts(&lived(THREE_PERCENT, &(drew + &corrected + &late))), ["30.00"].map(cents));
}

#[test]
fn a_draw_that_never_was_leaves_the_first_one_free() {
    let free = "percent = \"3%\", first_draw_free = true";
    let drew = event("draw", "2026-09-05", "id = \"A\"\namount = \"500.00\"");
    let refused = event("draw_refused", "2026-09-15", "draw = \"A\"");
    let events = drew + &draw("2026-09-10", "1000.00");
    assert_eq!(amounts(&lived(free, &events)), ["0.00", "30.00"].map(cents));
    let report = lived(free, &(events + &refused));
    assert_eq!(amounts(&report), ["0.00", "30.00", "-30.00"].map(cents));
    assert_eq!(report.statements[0].fees_this_year, Cents::ZERO);
}

#[test]
fn a_draw_that_was_held_and_is_refused_sets_nothing_aside_and_was_not_the_first() {
    let held = event("draw_held", "2026-09-06", "id = \"A\"\namount = \"60.00\"");
    let refused = event("draw_refused", "2026-10-15", "draw = \"A\"");
    let credit = pay("2026-09-05", "100.00");
    let events = credit + &held + &draw("2026-09-10", "1000.00");
    // 40.00 of the credit balance are left for it, then all of it.
    assert_eq!(amounts(&lived(THREE_PERCENT, &events)), ["28.80"].map(cents));
    let refused_in_time = events.clone() + &refused;
    assert_eq!(amounts(&lived(THREE_PERCENT, &refused_in_time)), ["28.80", "-1.80"].map(cents));
    let free = "percent = \"3%\", first_draw_free = true";
    assert_eq!(amounts(&lived(free, &refused_in_time)), ["28.80", "-28.80"].map(cents));
}

#[test]
fn a_draw_corrected_to_less_leaves_more_of_a_credit_balance_to_the_next() {
    let events = [
        pay("2026-09-05", "500.00"),
        event("draw", "2026-09-08", "id = \"A\"\namount = \"500.00\""),
        draw("2026-09-10", "1000.00"),
        event("draw_corrected", "2026-09-25", "draw = \"A\"\namount = \"300.00\""),
    ];
    assert_eq!(
        amounts(&lived(THREE_PERCENT, &events.concat())),
        ["0.00", "30.00", "-6.00"].map(cents)
    );
}

#[test]
fn nothing_late_gives_nothing_back() {
    let events = [
        pay("2026-09-05", "100.00"),
        // Asked back, and gone before the draw of the same day.
        event("refund", "2026-09-10", "amount = \"100.00\""),
        draw("2026-09-10", "1000.00"),
        pay("2026-09-10", "1100.00"),
        event("draw_held", "2026-09-12", "id = \"H\"\namount = \"30.00\""),
        draw("2026-09-12", "200.00"),
        event("draw", "2026-09-14", "draw = \"H\"\namount = \"30.00\""),
    ];
    let report = lived(THREE_PERCENT, &events.concat());
    let kinds = report.events.iter().map(|one| one.body.kind());
    assert!(kinds.clone().all(|kind| kind != "adjusted"), "{:?}", amounts(&report));
}

#[test]
fn a_fee_that_joins_the_balance_is_given_back_in_principal() {
    let joins = "percent = \"3%\", joins_balance = true";
    let late = paid_late("2026-09-05", "2026-10-20", "100.00");
    let report = lived(joins, &(draw("2026-09-10", "1000.00") + &late));
    assert_eq!(amounts(&report), ["30.00", "-3.00"].map(cents));
    assert_eq!(report.position.principal_balance, cents("927.00"));
    let timely = lived(joins, &(pay("2026-09-05", "100.00") + &draw("2026-09-10", "1000.00")));
    assert_eq!(report.position.total_owed, timely.position.total_owed);
    let given_back = |one: &&Recorded| {
        matches!(one.event.body, LineEventBody::Adjusted { charge: Charge::DrawFee { .. }, .. })
    };
    let adjusted = report.postings.iter().find(given_back);
    let accounts = adjusted.unwrap().posting.as_ref().unwrap().entries();
    assert_eq!(accounts.len(), 2, "principal against the income of draw fees");
}

/// 3 %, at least 1.00, at most 30.00.
fn with_fee() -> Product {
    product("CASHLINE-STD-1-FEE3")
}

#[test]
fn books_hold_and_settling_twice_gives_nothing_back_twice() {
    let mut book = Book::open(&with_fee(), 240_000, 31, "2026-09-01");
    book.draw("50.00", "2026-09-01");
    book.pay("50.00", "2026-09-02");
    let on = day("2026-09-10");
    let before = book.line.position(on).unwrap();
    let (draw, amount) = (DrawId::mint(common::noon(on)), cents("500.00"));
    let fee = draw_fee(&before, None, amount);
    assert_eq!(fee, cents("15.00"));
    book.record(
        LineEventBody::Drew { draw, feature: None, amount, fee, by_terms: true },
        "2026-09-10",
    );
    book.pay_late("100.00", "2026-09-05", "2026-10-20");
    let end = day("2026-11-20");
    book.live_to(end);
    assert_eq!(book.line.settle(end, common::noon(end)).unwrap(), []);
    assert_eq!(book.line.untied(&book.books).unwrap(), []);
    let income = Chart::embedded().unwrap().account("draw_fee_income").unwrap().code;
    // 100.00 less 0.03 of interest are a credit balance: 3 % of 400.03.
    assert_eq!(book.books.account(income).net(), -cents("12.00"));
    let all = book.line.position(end).unwrap();
    assert_eq!(replay(book.line.events(), end).unwrap(), all);
}

fn held(id: &str, on: &str, amount: &str) -> String {
    event("draw_held", on, &format!("id = \"{id}\"\namount = \"{amount}\""))
}

fn made(id: &str, on: &str, amount: &str) -> String {
    event("draw", on, &format!("draw = \"{id}\"\namount = \"{amount}\""))
}

/// Each by what it found when it was asked for: the hold of the second is no draw before the first.
#[test]
fn two_holds_at_once_cost_what_they_would_one_after_the_other() {
    let both = |first: &str| {
        held("a", "2026-09-03", first)
            + &held("b", "2026-09-03", "300.00")
            + &made("a", "2026-09-04", first)
            + &made("b", "2026-09-05", "300.00")
    };
    let first_free = format!("{THREE_PERCENT}, first_draw_free = true");
    assert_eq!(amounts(&lived(&first_free, &both("100.00"))), [Cents::ZERO, cents("9.00")]);
    // A credit balance of 300.00 covers one of them, and not the other as well.
    let with_credit = pay("2026-09-02", "300.00") + &both("300.00");
    assert_eq!(amounts(&lived(THREE_PERCENT, &with_credit)), [Cents::ZERO, cents("9.00")]);
}

#[test]
fn a_payment_keyed_late_covers_draws_in_the_order_in_which_they_were_asked_for() {
    let late = paid_late("2026-09-05", "2026-09-20", "500.00");
    let asked = held("a", "2026-09-10", "500.00") + &held("b", "2026-09-10", "300.00");
    let as_asked = made("a", "2026-09-11", "500.00") + &made("b", "2026-09-12", "300.00");
    let report = lived(THREE_PERCENT, &(asked.clone() + &as_asked + &late));
    assert_eq!(amounts(&report), ["15.00", "9.00", "-15.00"].map(cents));
    let the_other_way = made("b", "2026-09-11", "300.00") + &made("a", "2026-09-12", "500.00");
    let report = lived(THREE_PERCENT, &(asked + &the_other_way + &late));
    assert_eq!(amounts(&report), ["9.00", "15.00", "-15.00"].map(cents));
    // The second is made on the day on which both are asked for.
    let instant = held("a", "2026-09-10", "500.00")
        + &draw("2026-09-10", "300.00")
        + &made("a", "2026-09-11", "500.00");
    let report = lived(THREE_PERCENT, &(instant + &late));
    assert_eq!(amounts(&report), ["9.00", "15.00", "-15.00"].map(cents));
}

#[test]
fn the_first_draw_is_the_one_that_was_asked_for_first() {
    let free = "percent = \"3%\", first_draw_free = true";
    let never_was = event("draw", "2026-09-05", "id = \"z\"\namount = \"500.00\"");
    let events = [
        never_was,
        held("a", "2026-09-10", "1000.00"),
        held("b", "2026-09-10", "300.00"),
        made("a", "2026-09-11", "1000.00"),
        made("b", "2026-09-12", "300.00"),
        event("draw_refused", "2026-09-20", "draw = \"z\""),
    ];
    let report = lived(free, &events.concat());
    assert_eq!(amounts(&report), ["0.00", "30.00", "9.00", "-30.00"].map(cents));
}

#[test]
fn a_draw_corrected_to_less_than_was_held_leaves_the_rest_to_the_next() {
    let events = [
        pay("2026-09-05", "500.00"),
        held("a", "2026-09-08", "500.00"),
        draw("2026-09-10", "1000.00"),
        made("a", "2026-09-11", "500.00"),
        event("draw_corrected", "2026-10-25", "draw = \"a\"\namount = \"300.00\""),
    ];
    let report = lived(THREE_PERCENT, &events.concat());
    assert_eq!(amounts(&report), ["30.00", "0.00", "-6.00"].map(cents));
}

#[test]
fn what_was_paid_on_the_day_before_the_draw_covers_it_beside_what_is_learned_late() {
    let told = pay("2026-09-10", "100.00") + &draw("2026-09-10", "150.00");
    assert_eq!(amounts(&lived(THREE_PERCENT, &told)), ["1.50"].map(cents));
    let late = paid_late("2026-09-05", "2026-09-20", "50.00");
    let report = lived(THREE_PERCENT, &(told.clone() + &late));
    assert_eq!(amounts(&report), ["1.50", "-1.50"].map(cents));
    // What was paid after it covers nothing of it, and what was refunded before it is gone.
    let after = told.clone() + &pay("2026-09-10", "50.00");
    assert_eq!(amounts(&lived(THREE_PERCENT, &after)), ["1.50"].map(cents));
    let refunded = event("refund", "2026-09-10", "amount = \"60.00\"");
    let events = pay("2026-09-10", "100.00") + &refunded + &draw("2026-09-10", "150.00") + &late;
    assert_eq!(amounts(&lived(THREE_PERCENT, &events)), ["3.30", "-1.50"].map(cents));
    // Draws before it on the day had their fees, and a payment between pays those as well.
    let between = pay("2026-09-05", "100.00")
        + &draw("2026-09-10", "150.00")
        + &pay("2026-09-10", "60.00")
        + &draw("2026-09-10", "100.00");
    assert_eq!(amounts(&lived(THREE_PERCENT, &between)), ["1.50", "2.75"].map(cents));
}

/// Whether a stated fee is the product's is judged without the hold of the very draw.
#[test]
fn a_fee_agreed_on_for_a_draw_that_was_held_stays() {
    let stated = |fee: &str, amount: &str| {
        held("h", "2026-09-03", amount)
            + &event(
                "draw",
                "2026-09-04",
                &format!("draw = \"h\"\namount = \"{amount}\"\nfee = \"{fee}\""),
            )
    };
    let free = "percent = \"3%\", first_draw_free = true";
    assert_eq!(amounts(&lived(free, &stated("9.00", "300.00"))), ["9.00"].map(cents));
    let late = paid_late("2026-09-02", "2026-09-20", "100.00");
    let credit = pay("2026-09-01", "100.00");
    let of_the_product = credit.clone() + &stated("27.00", "1000.00") + &late;
    assert_eq!(amounts(&lived(THREE_PERCENT, &of_the_product)), ["27.00", "-3.00"].map(cents));
    let agreed = credit + &stated("30.00", "1000.00") + &late;
    assert_eq!(amounts(&lived(THREE_PERCENT, &agreed)), ["30.00"].map(cents));
}

#[test]
fn a_fee_that_joined_the_balance_never_stands_among_fees() {
    let joins = "percent = \"3%\", joins_balance = true";
    let late = paid_late("2026-09-05", "2026-10-20", "100.00");
    let drew = event("draw", "2026-09-10", "id = \"a\"\namount = \"1000.00\"");
    let back = event("payment_returned", "2026-11-05", "payment = \"late\"\nfee = \"0.00\"");
    let refused = event("draw_refused", "2026-11-05", "draw = \"a\"");
    let fees = Chart::embedded().unwrap().account("fees").unwrap().code;
    for (undone, expected) in
        [(back, &["30.00", "-3.00", "3.00"][..]), (refused, &["30.00", "-3.00", "3.00"])]
    {
        let report = lived(joins, &(drew.clone() + &late + &undone));
        assert_eq!(amounts(&report), expected.iter().copied().map(cents).collect::<Vec<_>>());
        let entries = report.postings.iter().filter_map(|one| one.posting.as_ref());
        let mut entries = entries.flat_map(ledger::Posting::entries);
        assert!(entries.all(|entry| entry.account != fees), "{undone}");
    }
}

/// A draw of even days, asked for and made some days later, or at once; a few are refused after that.
#[derive(Clone, Debug)]
struct Asked {
    day: u64,
    amount: i64,
    made_after: u64,
    /// So many days after it was made.
    refused_after: Option<u64>,
}

/// A payment of an odd day, keyed so many days later.
#[derive(Clone, Debug)]
struct Paid {
    day: u64,
    amount: i64,
    late: u64,
}

fn asked() -> impl Strategy<Value = Vec<Asked>> {
    let one = (0..20_u64, 100..60_000_i64, 0..9_u64, prop::option::weighted(0.2, 1..40_u64));
    let one = one.prop_map(|(half, amount, made_after, refused_after)| Asked {
        day: 2 * half,
        amount,
        made_after,
        refused_after,
    });
    prop::collection::vec(one, 1..7)
}

fn paid() -> impl Strategy<Value = Vec<Paid>> {
    let one = (0..20_u64, 100..60_000_i64, 1..70_u64);
    let one = one.prop_map(|(half, amount, late)| Paid { day: 2 * half + 1, amount, late });
    prop::collection::vec(one, 0..6)
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Ask(DrawId, &'a Asked),
    Make(DrawId, &'a Asked),
    Refuse(DrawId),
    Pay(&'a Paid),
}

fn nth(at: usize) -> DrawId {
    DrawId::from_uuid(uuid::Uuid::from_u128(1 + u128::try_from(at).unwrap()))
}

/// By the day on which each is known.
fn steps<'a>(asked: &'a [Asked], paid: &'a [Paid], in_time: bool) -> Vec<(u64, Step<'a>)> {
    let mut steps: Vec<(u64, u8, Step<'_>)> = Vec::new();
    for (at, one) in asked.iter().enumerate() {
        let (draw, made) = (nth(at), one.day + one.made_after);
        steps.push((one.day, 1, Step::Ask(draw, one)));
        steps.extend((made > one.day).then_some((made, 0, Step::Make(draw, one))));
        steps.extend(one.refused_after.map(|days| (made + days, 2, Step::Refuse(draw))));
    }
    let known = |one: &Paid| one.day + if in_time { 0 } else { one.late };
    steps.extend(paid.iter().map(|one| (known(one), 3, Step::Pay(one))));
    steps.sort_by_key(|(known, turn, _)| (*known, *turn));
    steps.into_iter().map(|(known, _, step)| (known, step)).collect()
}

/// What the draws that stand cost by the terms: as told, and after all.
fn costs(product: &Product, asked: &[Asked], paid: &[Paid], in_time: bool) -> [Vec<Cents>; 2] {
    let on = |days: u64| day("2026-09-01") + chrono::Days::new(days);
    let mut book = Book::open(product, 240_000, 17, "2026-09-01");
    let mut told: BTreeMap<DrawId, Cents> = BTreeMap::new();
    for (known, step) in steps(asked, paid, in_time) {
        let known = on(known);
        book.live_to(known);
        if let Step::Ask(draw, one) = step {
            let before = book.line.position(known).unwrap();
            told.insert(draw, draw_fee(&before, None, Cents::new(one.amount)));
        }
        let body = match step {
            Step::Ask(draw, one) if one.made_after > 0 => {
                let amount = Cents::new(one.amount);
                LineEventBody::DrawHeld { draw, amount, expires_on: None }
            }
            Step::Ask(draw, one) | Step::Make(draw, one) => {
                let (amount, fee) = (Cents::new(one.amount), *told.get(&draw).unwrap());
                LineEventBody::Drew { draw, feature: None, amount, fee, by_terms: true }
            }
            Step::Refuse(draw) => LineEventBody::DrawRefused { draw, reason: "R23".to_owned() },
            Step::Pay(one) => {
                let amount = credit::units::dollar_text(Cents::new(one.amount));
                book.pay_late(&amount, &on(one.day).to_string(), &known.to_string());
                continue;
            }
        };
        book.record_late(body, known, known);
    }
    book.live_to(on(200));
    assert_eq!(book.line.untied(&book.books).unwrap(), []);
    for (at, _) in asked.iter().enumerate().filter(|(_, one)| one.refused_after.is_some()) {
        told.remove(&nth(at));
    }
    let mut after_all = told.clone();
    for event in book.line.events() {
        if let LineEventBody::Adjusted { charge: Charge::DrawFee { draw }, amount } = &event.body
            && let Some(fee) = after_all.get_mut(draw)
        {
            *fee += *amount;
        }
    }
    [told.into_values().collect(), after_all.into_values().collect()]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// Posting late creates no charge (12 CFR 1026.10(c)).
    #[test]
    fn payments_keyed_late_leave_what_they_would_have_left_in_time(
        first_draw_free in any::<bool>(), asked in asked(), paid in paid()
    ) {
        let mut product = with_fee();
        let fee = product.features.first_mut().unwrap().fee.as_mut().unwrap();
        fee.first_draw_free = first_draw_free;
        let [told, after_all] = costs(&product, &asked, &paid, false);
        for (told, after_all) in told.iter().zip(&after_all) {
            prop_assert!(!after_all.is_negative() && after_all <= told);
        }
        let [told_in_time, in_time] = costs(&product, &asked, &paid, true);
        prop_assert_eq!(&after_all, &in_time);
        if asked.iter().all(|one| one.refused_after.is_none()) {
            prop_assert_eq!(told_in_time, in_time);
        }
    }
}
