//! Short lives of a card, each figure had by hand.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use chrono::NaiveDate;
use oracle::{CASH_ADVANCES, Card, Cycle, Dated, Fact, Standing, reckon_card};

fn day(date: &str) -> NaiveDate {
    date.parse().unwrap()
}

fn lived(facts: &[(&str, Fact)], through: &str) -> Standing {
    let dated = |(on, fact): &(&str, Fact)| {
        let (effective_on, recorded_on) = (day(on), day(on));
        Dated { effective_on, recorded_on, fact: *fact }
    };
    let facts: Vec<Dated> = facts.iter().map(dated).collect();
    let cycle = Cycle { first_close: day("2026-09-30"), day: 31 };
    let opened_on = day("2026-09-01");
    let card = Card { apr_ppm: 240_000, limit_cents: 500_000, opened_on, cycle };
    reckon_card(card, &facts, day(through))
}

fn interest(standing: &Standing) -> Vec<i64> {
    standing.statements.iter().map(|statement| statement.interest).collect()
}

const PURCHASE: (&str, Fact) = ("2026-09-05", Fact::Draw { id: 1, cents: 100_000 });

fn paid(on: &str, cents: i64) -> (&str, Fact) {
    (on, Fact::Payment { id: 1, cents })
}

#[test]
fn purchases_that_are_paid_in_full_bear_no_interest() {
    let line = lived(&[PURCHASE, paid("2026-10-26", 100_000)], "2026-11-30");
    assert_eq!(interest(&line), [0, 0, 0]);
    assert_eq!(line.statements.first().unwrap().minimum_due, 3_500);
    assert_eq!(line.late_fees, []);
}

/// Due on Sunday, October 25, and so by the 26th. The 400.00 of October 10 count from the 1st: 31 days of 600.00 at 0.06575 %, compounded,
/// are 12.3509.
#[test]
fn grace_is_lost_but_for_what_was_paid_in_time() {
    let line = lived(&[PURCHASE, paid("2026-10-10", 40_000)], "2026-10-31");
    assert_eq!(interest(&line), [0, 1_235]);
    assert_eq!(line.late_fees, []);
}

/// 31 days of 1,000.00 are 20.58; the statement is then paid in full, and with the next one grace is back: November bears until the
/// payment, December nothing though something is bought.
#[test]
fn grace_comes_back_with_a_statement_paid_in_full() {
    let bought = ("2026-12-03", Fact::Draw { id: 2, cents: 5_000 });
    let late = ("2026-11-05", Fact::Payment { id: 2, cents: 110_000 });
    let line = lived(&[PURCHASE, late, bought], "2026-12-31");
    let interest = interest(&line);
    assert_eq!(interest.first(), Some(&0));
    assert!(interest[1] > 2_000 && interest[2] > 0, "{interest:?}");
    assert_eq!(interest[3], 0);
    assert_eq!(line.late_fees, [(day("2026-10-27"), 3_000)]);
}

/// 30 days of 1,000.00 at 29.99 % / 365, rounded to 0.08216 %, each day's interest joining the next: 24.9439.
#[test]
fn a_cash_advance_bears_interest_from_its_day_and_compounds() {
    let advance = ("2026-09-01", Fact::Draw { id: 1, cents: 100_000 });
    let feature = ("2026-09-01", Fact::DrawFeature { draw_id: 1, feature: CASH_ADVANCES });
    let line = lived(&[advance, feature], "2026-09-30");
    assert_eq!(interest(&line), [2_494]);
}
