//! Credit that a payment frees is held, longer while the line is new.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Book, day, product};

#[test]
fn credit_freed_by_a_payment_is_held_three_banking_days_and_five_while_the_line_is_new() {
    for name in ["CASHLINE-STD-1", "CASHLINE-STD-1-FEE3", "CASHLINE-SUB-1"] {
        // Paid on a Monday; nothing is a holiday.
        for (opened, paid, freed) in [
            ("2026-06-01", "2026-06-15", "2026-06-23"),
            ("2026-06-14", "2026-07-13", "2026-07-20"),
            ("2026-06-13", "2026-07-13", "2026-07-16"),
        ] {
            let mut book = Book::open(&product(name), 240_000, 5, opened);
            book.draw("400.00", opened);
            book.pay("100.00", paid);
            let held = |on| book.line.position(on).unwrap().held_credit;
            let free = day(freed);
            assert!(held(free.pred_opt().unwrap()).is_positive(), "{name} {opened} {freed}");
            assert!(held(free).is_zero(), "{name} {opened} {freed}");
        }
    }
}
