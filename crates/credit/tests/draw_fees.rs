//! The fee of a draw when facts arrive late: less where the terms would have asked for less, never more than was told.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;
#[path = "common/text.rs"]
mod text;

use common::{Book, cents, day, product};
use credit::{
    Charge, LineEventBody, Product, ProductCatalog, Recorded, draw_fee, replay,
    scenario::{self, LineReport},
};
use identity::DrawId;
use money::Cents;
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
    let income = ledger::Chart::embedded().unwrap().account("draw_fee_income").unwrap().code;
    // 100.00 less 0.03 of interest are a credit balance: 3 % of 400.03.
    assert_eq!(book.books.account(income).net(), -cents("12.00"));
    let all = book.line.position(end).unwrap();
    assert_eq!(replay(book.line.events(), end).unwrap(), all);
}

/// Each by what it found when it was asked for: the hold of the second is no draw before the first.
#[test]
fn two_holds_at_once_cost_what_they_would_one_after_the_other() {
    let held = |id: &str, amount: &str| {
        event("draw_held", "2026-09-03", &format!("id = \"{id}\"\namount = \"{amount}\""))
    };
    let made = |id: &str, on: &str, amount: &str| {
        event("draw", on, &format!("draw = \"{id}\"\namount = \"{amount}\""))
    };
    let both = |first: &str| {
        held("a", first)
            + &held("b", "300.00")
            + &made("a", "2026-09-04", first)
            + &made("b", "2026-09-05", "300.00")
    };
    let first_free = format!("{THREE_PERCENT}, first_draw_free = true");
    assert_eq!(amounts(&lived(&first_free, &both("100.00"))), [Cents::ZERO, cents("9.00")]);
    // A credit balance of 300.00 covers one of them, and not the other as well.
    let with_credit = pay("2026-09-02", "300.00") + &both("300.00");
    assert_eq!(amounts(&lived(THREE_PERCENT, &with_credit)), [Cents::ZERO, cents("9.00")]);
}
