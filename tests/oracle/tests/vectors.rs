//! The worked vectors of the rule book that a line can live through, told as stories. Figures come
//! from `vectors.json`; a vector without a story here fails the last test.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod story;

use chrono::{Datelike, NaiveDate, Weekday};
use oracle::{
    Corrects, Fact, FeeKind, Flag, INTEREST_DENOMINATOR, draw_fee, half_up, is_banking_day,
    late_fee, minimum_due,
};
use serde_json::Value;
use story::{Story, day};

const TOLD: [&str; 25] = [
    "V01", "V02", "V03", "V04", "V06", "V07", "V09", "V10", "V11", "V12", "V13", "V15", "V16",
    "V17", "V18", "V20", "V23", "V24", "V26", "V32", "V33", "V35", "V39", "V43", "V48",
];
/// Told beside the waterfall itself, in `books.rs`.
const TOLD_ELSEWHERE: [&str; 2] = ["V21", "V22"];

fn vectors() -> Vec<Value> {
    serde_json::from_str(include_str!("../vectors.json")).unwrap()
}

fn vector(id: &str) -> Value {
    vectors().into_iter().find(|vector| vector["id"] == id).unwrap()
}

fn cents(dollars: &str) -> i64 {
    dollars.replace('.', "").parse().unwrap()
}

/// The money under `key`.
fn money(part: &Value, key: &str) -> i64 {
    cents(part[key].as_str().unwrap_or_else(|| panic!("{key} in {part}")))
}

fn rate(part: &Value) -> u32 {
    u32::try_from(part["apr_ppm"].as_u64().unwrap()).unwrap()
}

fn date_of(part: &Value, key: &str) -> NaiveDate {
    day(part[key].as_str().unwrap())
}

#[test]
fn a_cycle_is_billed_on_the_balance_of_every_day() {
    for id in ["V01", "V02", "V03"] {
        let vector = vector(id);
        let (given, expected) = (&vector["inputs"], &vector["expected"]);
        let [start, end] = ["cycle_start", "cycle_end"].map(|key| given[key].as_str().unwrap());
        let mut story =
            Story::new(rate(given), start, end).draw(start, money(given, "opening_principal"));
        for event in given["events"].as_array().unwrap() {
            story = story.draw(event[0].as_str().unwrap(), cents(event[1].as_str().unwrap()));
        }
        let line = story.at(end);
        assert_eq!(line.end_of_day_principal.len() as u64, expected["days"].as_u64().unwrap());
        let sum: i64 = line.end_of_day_principal.iter().map(|(_, cents)| cents).sum();
        assert_eq!(sum, money(expected, "sum_daily_balances"), "{id}");
        assert_eq!(line.statements[0].interest, money(expected, "interest"), "{id}");
        assert_eq!(line.principal, money(expected, "closing_principal"), "{id}");
    }
    let daily = vector("V04");
    let line = Story::new(299_900, "2026-09-01", "2026-09-30")
        .draw("2026-09-01", 50_000)
        .draw("2026-09-16", 30_000);
    assert_eq!(line.first_interest(), money(&daily["expected"], "interest_daily_rate"));
    assert_ne!(line.first_interest(), money(&daily["expected"], "interest_monthly_rate"));
}

#[test]
fn a_payment_counts_from_the_day_it_was_received() {
    let expected = &vector("V06")["expected"];
    let drawn = || Story::new(240_000, "2026-09-01", "2026-09-30").draw("2026-09-01", 100_000);
    let payment = Fact::Payment { id: 9, cents: 25_000 };
    let keyed = drawn().on("2026-09-14", payment).first_interest();
    let in_time = drawn().late("2026-09-10", "2026-09-14", payment);
    assert_eq!(keyed, money(expected, "interest_if_keyed_date"));
    assert_eq!(in_time.first_interest(), money(expected, "interest_correct"));
    assert_eq!(keyed - in_time.first_interest(), money(expected, "difference"));
    assert_eq!(in_time.at("2026-10-15").adjustments, []);

    // Keyed after the close: the statement stands, the difference is posted, the next one shows it.
    let after = drawn().late("2026-09-10", "2026-10-05", payment).at("2026-10-31");
    assert_eq!(after.statements[0].interest, 1_973);
    assert_eq!(after.adjustments.len(), 1);
    let adjustment = after.adjustments[0];
    assert_eq!(adjustment.cents, money(expected, "interest_correct") - 1_973);
    assert_eq!(adjustment.recorded_on, day("2026-10-05"));
    assert_eq!(adjustment.effective_on, day("2026-09-30"));
    assert_eq!(adjustment.corrects, Corrects::Interest { cycle: 1 });
    assert_eq!(after.statements[1].adjustments, adjustment.cents);
    assert_eq!(after.statements[1].payments, 25_000);
}

#[test]
fn a_returned_payment_was_never_made() {
    let expected = &vector("V07")["expected"];
    let paid = || {
        Story::new(240_000, "2026-09-01", "2026-09-30")
            .draw("2026-09-01", 100_000)
            .on("2026-09-05", Fact::Payment { id: 9, cents: 20_000 })
    };
    assert_eq!(paid().first_interest(), money(expected, "interest_had_payment_stood"));
    let returned = paid().on("2026-09-09", Fact::PaymentReturned { payment_id: 9 });
    assert_eq!(returned.first_interest(), money(expected, "interest_from_original_effective_date"));

    // Returned after the close: what was billed too little is posted.
    let later = paid().on("2026-10-02", Fact::PaymentReturned { payment_id: 9 }).at("2026-10-31");
    assert_eq!(later.adjustments.iter().map(|a| a.cents).sum::<i64>(), 1_973 - 1_631);
    assert_eq!(later.statements[1].returned, 20_000);
    assert_eq!(later.principal, 100_000);
}

#[test]
fn every_year_has_365_days_and_rounding_happens_once() {
    let flat = |apr_ppm, from: &str, to: &str, cents| {
        Story::new(apr_ppm, from, to).draw(from, cents).first_interest()
    };
    let year = &vector("V09")["expected"];
    let february = |from, to| flat(240_000, from, to, 100_000);
    assert_eq!(february("2028-02-01", "2028-02-29"), money(year, "feb2028_fixed365"));
    assert_eq!(february("2027-02-01", "2027-02-28"), money(year, "feb2027"));
    assert_eq!(february("2028-01-01", "2028-12-31"), money(year, "all_2028_fixed365"));
    let across = flat(240_000, "2027-12-15", "2028-01-14", 100_000);
    assert_eq!(across, money(&vector("V10")["expected"], "fixed365"));
    let tie = flat(182_500, "2026-09-01", "2026-09-30", 100_300);
    assert_eq!(tie, money(&vector("V11")["expected"], "half_up"));
    let once = flat(240_000, "2026-09-01", "2026-09-30", 3_333);
    assert_eq!(once, money(&vector("V12")["expected"], "correct_round_once"));
}

#[test]
fn a_promotion_ends_by_date() {
    let rate = Fact::RateChanged { apr_ppm: 249_900, applies_to_all: true };
    let story = Story::new(0, "2026-09-01", "2026-09-30").draw("2026-09-01", 90_000);
    let interest = story.on("2026-09-11", rate).first_interest();
    assert_eq!(interest, money(&vector("V13")["expected"], "interest"));
}

#[test]
fn the_minimum_has_a_floor_and_a_cap() {
    for id in ["V15", "V16", "V17", "V18"] {
        let vector = vector(id);
        let [principal, interest, fees, past_due, owed] =
            ["principal", "billed_interest", "billed_fees", "past_due", "total_owed"]
                .map(|key| money(&vector["inputs"], key));
        let minimum = minimum_due(principal, interest, fees, past_due, owed);
        assert_eq!(minimum, money(&vector["expected"], "minimum_due"), "{id}");
    }
}

#[test]
fn a_payoff_has_accrual_to_the_day_before() {
    let expected = &vector("V20")["expected"];
    let story = || Story::new(240_000, "2026-09-01", "2026-09-30").draw("2026-09-01", 100_000);
    let payoff = story().at("2026-10-20").payoff;
    assert_eq!(payoff, money(expected, "payoff"));
    // Dollars to four decimals: cents x 100.
    assert_eq!(
        half_up(100_000 * 240_000 * 100, INTEREST_DENOMINATOR).to_string(),
        expected["per_diem"].as_str().unwrap().replace("0.", "")
    );
    let paid = story().pay("2026-10-20", payoff).at("2026-11-30");
    let statement = &paid.statements[1];
    assert_eq!((statement.new_balance, statement.interest), (0, 1_249));
    assert_eq!((paid.principal, paid.credit_balance, paid.payoff), (0, 0, 0));
    assert!(!paid.statements[2].produced);
}

#[test]
fn paying_too_much_makes_a_credit_balance() {
    let expected = &vector("V23")["expected"];
    // Forty days at 29.2 % on 1000.00 are 32.00.
    let story = Story::new(292_000, "2026-09-01", "2026-12-31").draw("2026-09-01", 100_000);
    let owed = story.at("2026-10-11").payoff;
    assert_eq!(owed, money(&vector("V23")["inputs"], "total_owed"));
    let line = story.pay("2026-10-11", 120_000).at("2026-12-31");
    assert_eq!(line.credit_balance, money(expected, "credit_balance"));
    assert_eq!(line.statements[0].interest, 3_200);
}

#[test]
fn a_late_fee_is_capped_late_and_single() {
    let expected = &vector("V24")["expected"];
    for (case, fee) in expected.as_object().unwrap() {
        let unpaid = case.split("unpaid ").nth(1).unwrap().split(',').next().unwrap();
        let days = case.split(", ").nth(1).unwrap().trim_end_matches(" days").parse().unwrap();
        let (charged, stayed) = (case.contains("charged=True"), case.contains("DISPUTE"));
        let charge = late_fee(1_500, cents(unpaid), days, stayed, charged);
        assert_eq!(charge, cents(fee.as_str().unwrap()), "{case}");
    }
    // Closes on the 30th, due on Sunday the 25th, so from Monday the 26th; tested on 6 November.
    let story = || Story::new(240_000, "2026-09-01", "2026-09-30").draw("2026-09-01", 100_000);
    assert_eq!(story().at("2026-11-05").late_fees, []);
    let charged = story().at("2026-11-30");
    assert_eq!(charged.late_fees, [(day("2026-11-06"), 1_500)]);
    assert_eq!(charged.statements[2].fees, 1_500);
    let minimum = story().at("2026-09-30").statements[0].minimum_due;
    let nearly = story().pay("2026-11-05", minimum - 800).at("2026-11-06");
    assert_eq!(nearly.late_fees, [(day("2026-11-06"), 800)]);
    assert_eq!(story().pay("2026-11-05", minimum).at("2026-11-30").late_fees, []);
    let disputed = story().on("2026-10-20", Fact::FlagRaised { flag: Flag::Dispute });
    assert_eq!(disputed.at("2026-11-30").late_fees, []);
    let relief = Fact::FeeWaived { kind: FeeKind::Penalty, cents: 1_500 };
    let waived = story().on("2026-11-10", relief).at("2026-11-30");
    assert_eq!((waived.penalty_fees, waived.statements[2].credits), (0, 1_500));
}

#[test]
fn a_draw_fee_is_clamped_and_then_rounded() {
    let expected = &vector("V26")["expected"];
    assert_eq!(draw_fee(25_000, 0), money(expected, "250.00"));
    assert_eq!(draw_fee(2_000, 0), money(expected, "20.00 (min)"));
    assert_eq!(draw_fee(150_000, 0), money(expected, "1500.00 (cap)"));
    assert_eq!(draw_fee(8_350, 500_000), money(expected, "83.50 at 50% off"));
    let first = Story::new(240_000, "2026-09-01", "2026-09-30").with_draw_fee();
    let first = first.draw("2026-09-02", 25_000);
    let free = first.at("2026-09-02").unbilled_fees;
    assert_eq!(free, money(expected, "250.00 first-draw waiver"));
    let second = first.draw("2026-09-03", 25_000).at("2026-09-03");
    assert_eq!(second.unbilled_fees, money(expected, "250.00"));
}

#[test]
fn a_service_member_gets_the_excess_back_to_the_first_day() {
    let vector = vector("V32");
    let (given, expected) = (&vector["inputs"], &vector["expected"]);
    let known = "2026-08-10";
    let capped = Fact::RateChanged { apr_ppm: 60_000, applies_to_all: true };
    let line = Story::new(rate(given), "2026-06-01", "2026-06-30")
        .draw("2026-06-01", money(given, "pre_service_balance"))
        .late(given["service_start"].as_str().unwrap(), known, capped)
        .late(
            given["service_start"].as_str().unwrap(),
            known,
            Fact::FlagRaised { flag: Flag::Scra },
        )
        .at(known);
    let billed = [&line.statements[0], &line.statements[1]].map(|statement| statement.interest);
    assert_eq!(billed, ["june_billed", "july_billed"].map(|key| money(expected, key)));
    let capped: Vec<i64> = line.interest_by_cycle.iter().map(|(_, cents)| *cents).collect();
    assert_eq!(capped, ["june_capped", "july_capped"].map(|key| money(expected, key)));
    let given_back: Vec<i64> = line.adjustments.iter().map(|a| -a.cents).collect();
    let forgiven = ["june_forgiven", "july_forgiven", "july_late_fee_forgiven"];
    assert_eq!(given_back, forgiven.map(|key| money(expected, key)));
    assert_eq!(given_back.iter().sum::<i64>(), money(expected, "total_credit"));
}

#[test]
fn the_federal_reserve_keeps_these_holidays() {
    for (year, holidays) in vector("V33")["expected"].as_object().unwrap() {
        let named = holidays.as_array().unwrap().iter();
        let named: Vec<NaiveDate> = named.map(|h| day(&h.as_str().unwrap()[..10])).collect();
        let first = day(&format!("{year}-01-01"));
        let closed: Vec<NaiveDate> = first
            .iter_days()
            .take_while(|date| date.year() == first.year())
            .filter(|date| !matches!(date.weekday(), Weekday::Sat | Weekday::Sun))
            .filter(|date| !is_banking_day(*date))
            .collect();
        assert_eq!(closed, named);
    }
}

#[test]
fn a_due_date_on_a_holiday_moves_and_a_late_statement_moves_it_too() {
    let holiday = &vector("V35")["expected"];
    let story = || Story::new(240_000, "2026-10-02", "2026-11-01").draw("2026-10-02", 50_000);
    let asked = story().at("2026-11-01").statements[0].clone();
    assert_eq!(asked.due_on, day("2026-11-26"));
    assert_eq!(asked.enforceable_due_on, Some(date_of(holiday, "web_1701_effective")));
    let paid = story().pay("2026-11-27", asked.minimum_due);
    assert_eq!(paid.at("2026-11-27").days_past_due, 0);
    assert_eq!(paid.at("2026-11-28").days_past_due, 0);
    assert_eq!(story().at("2026-11-27").days_past_due, 0);
    assert_eq!(story().at("2026-11-28").days_past_due, 1);

    let vector = vector("V48");
    let sent_on = date_of(&vector["inputs"], "statement_sent").to_string();
    let late = Story::new(240_000, "2026-09-01", "2026-09-25")
        .draw("2026-09-01", 50_000)
        .on(&sent_on, Fact::StatementSent { number: 1 });
    let statement = &late.at("2026-10-21").statements[0];
    assert_eq!(statement.due_on, date_of(&vector["inputs"], "printed_due"));
    let last = date_of(&vector["expected"], "last_timely_date_noncard");
    assert_eq!(late.at(&last.to_string()).days_past_due, 0);
    assert_eq!(late.at(&last.succ_opt().unwrap().to_string()).days_past_due, 1);
    assert_eq!(late.pay("2026-10-22", 2_500).at("2026-10-24").days_past_due, 0);
}

#[test]
fn delinquency_is_counted_from_the_first_missed_due_date() {
    let vector = vector("V39");
    let line = Story::new(240_000, "2025-12-01", "2025-12-21").draw("2025-12-01", 100_000);
    let missed = line.at("2025-12-21").statements[0].enforceable_due_on;
    assert_eq!(missed, Some(date_of(&vector["inputs"], "first_missed_due")));
    let steps = [
        ("dpd30", 30),
        ("dpd60", 60),
        ("dpd90_substandard", 90),
        ("dpd120", 120),
        ("dpd150", 150),
        ("dpd180", 180),
    ];
    for (key, days) in steps {
        let on = vector["expected"][key].as_str().unwrap().to_owned();
        assert_eq!(line.at(&on).days_past_due, days, "{key}");
    }
}

#[test]
fn a_whole_statement() {
    let vector = vector("V43");
    let (given, expected) = (&vector["inputs"], &vector["expected"]);
    // The cycle before: 810.00 for a day and 800.00 for 29, which bills the 19.07 of the vector.
    let line = Story::new(rate(given), "2026-08-07", "2026-09-05")
        .with_draw_fee()
        .draw("2026-08-07", 81_000)
        .pay("2026-08-08", 1_000)
        .draw("2026-09-10", 20_000)
        .pay("2026-09-25", 6_907)
        .at("2026-10-05");
    let before = &line.statements[0];
    assert_eq!(before.principal, money(given, "opening_principal"));
    assert_eq!(before.interest, money(given, "opening_billed_interest"));
    let statement = &line.statements[1];
    let shown = [
        ("previous_balance", statement.previous),
        ("payments", statement.payments),
        ("draws", statement.draws),
        ("fees", statement.fees),
        ("interest", statement.interest),
        ("new_balance", statement.new_balance),
        ("principal", statement.principal),
        ("minimum_due", statement.minimum_due),
    ];
    for (key, cents) in shown {
        assert_eq!(cents, money(expected, key), "{key}");
    }
    assert_eq!(statement.due_on, date_of(expected, "due_date"));
    let days = (statement.closed_on - statement.opened_on).num_days() + 1;
    assert_eq!(days, expected["statement_days"].as_i64().unwrap());
}

#[test]
fn every_vector_has_its_story() {
    let mut told: Vec<&str> = TOLD.into_iter().chain(TOLD_ELSEWHERE).collect();
    told.sort_unstable();
    let listed = vectors();
    let listed: Vec<&str> = listed.iter().map(|vector| vector["id"].as_str().unwrap()).collect();
    assert_eq!(told, listed);
}
