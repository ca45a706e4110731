//! A refund that never reached the customer is undone on its own day, however late that is learned.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Book, cents, day};
use credit::LineEventBody;
use money::Cents;

/// $100.00 too much was paid on September 20.
fn overpaid() -> Book {
    let mut book = Book::owing("200.00", 240_000, 5, "2026-09-06");
    book.pay("305.00", "2026-09-20");
    book
}

fn refund(book: &mut Book, on: &str) -> Cents {
    let amount = book.on(on).credit_balance;
    assert!(amount.is_positive());
    book.record(LineEventBody::CreditBalanceRefunded { amount }, on);
    amount
}

/// So many dollars are drawn two days after the credit balance went out, if it did; that it never arrived is learned on the day `learned`.
fn drawn_after(refunded: bool, drawn: &str, learned: &str) -> Book {
    let mut book = overpaid();
    let amount = refunded.then(|| refund(&mut book, "2026-10-10"));
    book.draw(drawn, "2026-10-12");
    if let Some(amount) = amount {
        let body = LineEventBody::CreditBalanceRestored { amount };
        book.record_late(body, day("2026-10-10"), day(learned));
    }
    book
}

#[test]
fn a_refund_that_never_arrived_is_a_credit_balance_again_and_the_money_is_ours_meanwhile() {
    let mut book = overpaid();
    let amount = refund(&mut book, "2026-10-10");
    assert_eq!(book.on("2026-10-10").credit_balance, Cents::ZERO);
    let body = LineEventBody::CreditBalanceRestored { amount };
    book.record_late(body, day("2026-10-10"), day("2026-12-20"));
    let after = book.on("2026-12-20");
    assert_eq!((after.credit_balance, after.total_owed), (amount, -amount));
    assert!(book.line.untied(&book.books).unwrap().is_empty());
}

#[test]
fn what_was_drawn_meanwhile_is_as_if_the_refund_had_never_left() {
    let lives = |refunded: bool| {
        let mut book = drawn_after(refunded, "500.00", "2026-12-20");
        assert!(book.line.untied(&book.books).unwrap().is_empty());
        book.on("2026-12-20")
    };
    let (undone, never) = (lives(true), lives(false));
    assert!(never.total_owed > cents("400.00"));
    assert_eq!(undone.total_owed, never.total_owed);
    assert_eq!(undone.principal_balance, never.principal_balance);
}

#[test]
fn a_refund_that_came_back_pays_no_minimum() {
    let late = |refunded: bool| {
        let mut book = drawn_after(refunded, "800.00", "2026-10-20");
        let position = book.on("2026-12-20");
        (position.standing, position.total_owed, position.minimum_due)
    };
    assert_eq!(late(true), late(false));
}
