//! A line that is boarded is as old as it is: what was promised from its opening is not promised again.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use boarding::{Fault, Row, Rules, read_rows};
use chrono::{DateTime, NaiveDate, TimeZone, Utc};
use credit::{CreditLine, LineEventBody, Position, ProductCatalog, draw_fee, quote_payoff, replay};
use identity::{CreditLineId, PaymentId};
use money::{Apr, Cents};

mod common;

use common::with;

const CARD: &str = "HL-10004";
const LINE: &str = "HL-10001";

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn judged(text: &str) -> Result<Row, Vec<Fault>> {
    let catalog = ProductCatalog::embedded().unwrap();
    let rules = Rules { catalog: &catalog, today: day("2026-11-23") };
    read_rows(text.as_bytes(), rules).unwrap().remove(0)
}

fn noon(on: NaiveDate) -> DateTime<Utc> {
    Utc.from_utc_datetime(&on.and_hms_opt(20, 0, 0).unwrap())
}

/// The row of the sample with some cells otherwise, on board.
fn boarded(reference: &str, changes: &[(&str, &str)]) -> CreditLine {
    let row = judged(&with(reference, changes)).unwrap();
    let at = noon(row.as_of);
    row.open(&ProductCatalog::embedded().unwrap(), CreditLineId::mint(at), at).unwrap().0
}

/// Settled each morning, and as it stands on that day.
fn live(line: &mut CreditLine, on: &str) -> Position {
    let mut morning = day("2026-11-20");
    while morning < day(on) {
        morning = line.position(morning).unwrap().settles_next_on.min(day(on));
        line.settle(morning, noon(morning)).unwrap();
    }
    let position = line.position(day(on)).unwrap();
    assert_eq!(position, replay(line.events(), day(on)).unwrap());
    assert!(position.pending.is_empty() && position.statements_due.is_empty());
    assert_eq!(*line.posted(), position.posted);
    position
}

/// A card with a balance transfer, which costs nothing in the first twelve cycles.
fn transferred(opened_on: &str) -> CreditLine {
    let changes = [
        ("opened_on", opened_on),
        ("principal.balance_transfers", "640.75"),
        ("billed_interest", "0.00"),
    ];
    boarded(CARD, &changes)
}

fn transfer_rate(position: &Position) -> Apr {
    position.features.iter().find(|one| one.name == "balance_transfers").unwrap().apr
}

#[test]
fn a_card_of_2023_owes_its_ordinary_rate_on_what_it_once_transferred_for_nothing() {
    let mut line = transferred("2023-06-30");
    let position = live(&mut line, "2026-12-19");
    assert_eq!(position.opened_on, day("2023-06-30"));
    assert_eq!(transfer_rate(&position), Apr::from_ppm(229_900));
    assert!(position.accrued_interest > Cents::new(1_000), "{}", position.accrued_interest);
    // Statements are numbered from the first of ours.
    let position = live(&mut line, "2026-12-20");
    assert_eq!(position.last_statement.unwrap().number, 1);
    assert!(quote_payoff(line.events(), day("2026-12-21")).unwrap().payoff > Cents::new(65_000));
}

#[test]
fn a_card_that_is_eight_cycles_old_has_four_more_at_its_first_rate() {
    // Opened on March 20: its twelfth cycle ends on March 19 of the next year.
    let mut line = transferred("2026-03-20");
    assert_eq!(transfer_rate(&live(&mut line, "2027-03-19")), Apr::ZERO);
    assert_eq!(transfer_rate(&live(&mut line, "2027-03-20")), Apr::from_ppm(229_900));
}

#[test]
fn a_plan_that_ran_for_years_has_no_second_free_month() {
    let plan = |opened_on: &str, covered: &str| {
        let changes = [
            ("product", "CASHLINE-SUB-1"),
            ("apr", "0%"),
            ("opened_on", opened_on),
            ("close_day", "19"),
            ("principal", "100.00"),
            ("billed_interest", "0.00"),
            ("accrued_interest", "0.00"),
            ("minimum_due", "0.00"),
            ("due_on", ""),
            ("covered_borrower", covered),
        ];
        live(&mut boarded(LINE, &changes), "2026-12-20").cycles[0].plan_fee
    };
    assert_eq!(plan("2025-03-14", "no"), Cents::new(1_000));
    // Opened in the month of boarding: this is its first cycle.
    assert_eq!(plan("2026-11-20", "no"), Cents::ZERO);
    // A twelfth of 36 % of $100.00 is all that a covered borrower's month may cost.
    assert_eq!(plan("2025-03-14", "yes"), Cents::new(300));
}

#[test]
fn the_first_draw_is_free_once_and_no_draw_costs_a_covered_borrower_a_fee() {
    const NOTHING_OWED: [(&str, &str); 5] = [
        ("principal", "0.00"),
        ("billed_interest", "0.00"),
        ("accrued_interest", "0.00"),
        ("minimum_due", "0.00"),
        ("due_on", ""),
    ];
    let fee = |changes: &[(&str, &str)]| {
        let changes = [&[("product", "CASHLINE-STD-1-FEE3")], changes].concat();
        let mut line = boarded(LINE, &changes);
        draw_fee(&live(&mut line, "2026-11-23"), None, Cents::new(10_000))
    };
    let idle = |more: &[(&str, &str)]| fee(&[&NOTHING_OWED[..], more].concat());
    assert_eq!(fee(&[]), Cents::new(300), "principal is owed");
    assert_eq!(idle(&[]), Cents::new(300), "cycles have closed");
    assert_eq!(idle(&[("draws_made", "2")]), Cents::new(300));
    assert_eq!(idle(&[("draws_made", "0")]), Cents::ZERO, "nobody has drawn");
    assert_eq!(idle(&[("opened_on", "2026-11-10")]), Cents::ZERO, "it is new");
    assert_eq!(fee(&[("covered_borrower", "yes")]), Cents::ZERO);
}

#[test]
fn a_payment_on_an_old_line_is_not_held_as_on_a_new_one() {
    let held = |changes: &[(&str, &str)]| {
        let mut line = boarded(LINE, changes);
        live(&mut line, "2026-11-23");
        let (payment, on) = (PaymentId::mint(noon(day("2026-11-23"))), day("2026-11-23"));
        let body = LineEventBody::PaymentReceived { payment, amount: Cents::new(20_000) };
        line.record(body, on, noon(on)).unwrap();
        // Three banking days later, Thanksgiving left out; a new line waits for five.
        live(&mut line, "2026-11-27").held_credit
    };
    assert_eq!(held(&[]), Cents::ZERO);
    let new = [
        ("opened_on", "2026-11-10"),
        ("billed_interest", "0.00"),
        ("accrued_interest", "5.26"),
        ("minimum_due", "0.00"),
        ("due_on", ""),
        ("interest_this_year", "0.00"),
    ];
    assert!(held(&new).is_positive());
}

#[test]
fn the_fees_of_a_card_s_first_year_go_on_being_counted() {
    // A quarter of a limit of $1,000.00 is $250.00, of which $7.00 are left; a cash advance of $300.00 costs $15.00.
    let fee = |opened_on: &str, this_year: &str| {
        let changes = [
            ("opened_on", opened_on),
            ("credit_limit", "1000.00"),
            ("principal", "0.00"),
            ("billed_interest", "0.00"),
            ("minimum_due", "0.00"),
            ("due_on", ""),
            ("fees_this_year", this_year),
        ];
        let mut line = boarded(CARD, &changes);
        draw_fee(&live(&mut line, "2026-11-23"), Some("cash_advances"), Cents::new(30_000))
    };
    assert_eq!(fee("2026-03-20", "243.00"), Cents::new(700));
    assert_eq!(fee("2026-03-20", "0.00"), Cents::new(1_500));
    assert_eq!(fee("2023-06-30", "243.00"), Cents::new(1_500));
}

#[test]
fn a_close_that_the_bank_moved_is_not_followed_by_another_two_days_later() {
    let moved = |last_closed_on: &str, as_of: &str, accrued: &str| {
        let changes = [
            ("close_day", "25"),
            ("last_closed_on", last_closed_on),
            ("as_of", as_of),
            ("accrued_interest", accrued),
            ("due_on", "2026-11-30"),
        ];
        judged(&with(LINE, &changes))
    };
    // The close of October 25, a Sunday, came two days early: eight days have accrued since.
    let row = moved("2026-10-23", "2026-11-01", "4.21").unwrap();
    assert_eq!(row.begins_on, day("2026-10-24"));
    let at = noon(row.as_of);
    let catalog = ProductCatalog::embedded().unwrap();
    let (mut line, _) = row.open(&catalog, CreditLineId::mint(at), at).unwrap();
    let position = live(&mut line, "2026-11-26");
    assert_eq!(position.last_statement.unwrap().closed_on, day("2026-11-25"));
    assert_eq!(position.cycle.closes_on, day("2026-12-25"));
    // Two days late instead.
    assert!(moved("2026-10-27", "2026-11-01", "2.10").is_ok());
    for (last_closed_on, as_of, said) in [
        ("2026-09-25", "2026-11-20", "a further cycle closed on 2026-10-25"),
        ("2026-11-20", "2026-11-20", "before the day of the file"),
        ("2025-03-13", "2026-11-20", "before the line was opened, 2025-03-14"),
    ] {
        let faults = moved(last_closed_on, as_of, "0.00").unwrap_err();
        assert_eq!(faults[0].column.as_deref(), Some("last_closed_on"));
        assert!(faults[0].wrong.contains(said), "{faults:?}");
    }
}

#[test]
fn what_contradicts_itself_about_a_line_s_past_is_refused() {
    for (changes, column, said) in [
        (&[("draws_made", "0")][..], "draws_made", "principal is owed"),
        (&[("draws_made", "few")], "draws_made", "not a whole number"),
        (&[("principal_at_repayment", "900.00")], "principal_at_repayment", "have no end"),
        (&[("covered_borrower", "perhaps")], "covered_borrower", "neither yes nor no"),
        (&[("flags", "mla")], "covered_borrower", "the flag mla stands"),
    ] {
        let faults = judged(&with(LINE, changes)).unwrap_err();
        let told =
            |fault: &Fault| fault.column.as_deref() == Some(column) && fault.wrong.contains(said);
        assert!(faults.iter().any(told), "{changes:?}: {faults:?}");
    }
    for covered in ["yes", "no"] {
        let said = [("flags", "mla"), ("covered_borrower", covered)];
        assert_eq!(judged(&with(LINE, &said)).unwrap().covered_borrower, covered == "yes");
    }
}

/// The plain line, whose draws end a year after opening: then a tenth of what was owed, each month.
const ENDING: &str = "name = \"ENDING\"\nbased_on = \"CASHLINE-STD-1\"\n[repayment]\nbegins_after_months = 12\n[repayment.minimum]\narms = [{ one_of = 10, of = \"principal_at_repayment\" }]\n";

#[test]
fn a_line_in_its_repayment_period_goes_on_with_the_parts_that_it_had() {
    let mut catalog = ProductCatalog::embedded().unwrap();
    catalog.add(ENDING).unwrap();
    let rules = Rules { catalog: &catalog, today: day("2026-11-23") };
    let judged = |began_with: &str| {
        let cells = [("product", "ENDING"), ("principal_at_repayment", began_with)];
        read_rows(with(LINE, &cells).as_bytes(), rules).unwrap().remove(0)
    };
    let asked = |began_with: &str| {
        let row = judged(began_with).unwrap();
        let at = noon(row.as_of);
        let (mut line, _) = row.open(&catalog, CreditLineId::mint(at), at).unwrap();
        live(&mut line, "2026-12-06").minimum_due
    };
    // Beside the 35.00 of the last minimum.
    assert_eq!(asked("1500.00"), Cents::new(15_000 + 3_500));
    assert_eq!(asked(""), Cents::new(8_000 + 3_500));
    let faults = judged("799.99").unwrap_err();
    assert!(faults[0].wrong.contains("less than the principal that is owed"), "{faults:?}");
}
