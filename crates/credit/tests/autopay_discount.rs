//! The discount for automatic payments (the house product: 0.50 points), in cents that were computed by hand.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{Book, cents, day, noon, product};
use credit::{
    AppliesTo, ChangeNotice, CreditError, LineEventBody, NoticeException, Product, ProductCatalog,
    Terms, scenario,
};
use identity::AutopayId;
use money::{Apr, Cents};
use serde_json::json;

const RATE: u32 = 240_000;
const LESS: u32 = 235_000;

fn leave(on: &str) -> AutopayId {
    AutopayId::mint(noon(day(on)))
}

fn began(autopay: AutopayId) -> LineEventBody {
    LineEventBody::AutopayDiscountBegan { autopay }
}

fn ended(autopay: AutopayId) -> LineEventBody {
    LineEventBody::AutopayDiscountEnded { autopay }
}

/// 1,000.00 at 24 % from September 1, of calendar months.
fn owing() -> Book {
    Book::owing("1000.00", RATE, 31, "2026-09-01")
}

fn owing_of(product: &Product) -> Book {
    let mut book = Book::open(product, RATE, 31, "2026-09-01");
    book.bring_forward("1000.00", "0.00", "2026-09-01");
    book
}

fn interest(book: &mut Book, number: u32) -> Cents {
    book.on(if number == 1 { "2026-10-02" } else { "2026-11-02" });
    book.statement(number).interest_total
}

#[test]
fn it_holds_from_the_day_it_begins_through_the_day_it_ends() {
    let mut book = owing();
    let autopay = leave("2026-09-11");
    book.record(began(autopay), "2026-09-11");
    let position = book.on("2026-09-11");
    assert_eq!((position.apr.ppm(), position.autopay_discount.ppm()), (LESS, 5_000));
    // 1,000.00 × (10 × 24 % + 20 × 23.5 %) / 365 = 6.5753 + 12.8767.
    assert_eq!(interest(&mut book, 1), cents("19.45"));
    let line = book.statement(1).interest.remove(0);
    assert_eq!(line.apr.ppm(), LESS, "the rate in force at the close");
    let rates: Vec<_> = line.rates.iter().map(|one| (one.apr.ppm(), one.days)).collect();
    assert_eq!(rates, [(RATE, 10), (LESS, 20)]);

    book.record(ended(autopay), "2026-10-10");
    assert_eq!(book.on("2026-10-10").apr.ppm(), LESS);
    let position = book.on("2026-10-11");
    assert_eq!((position.apr.ppm(), position.autopay_discount.ppm()), (RATE, 0));
    // 1,000.00 × (10 × 23.5 % + 21 × 24 %) / 365 = 6.4384 + 13.8082.
    assert_eq!(interest(&mut book, 2), cents("20.25"));
    assert_eq!(book.line.untied(&book.books).unwrap(), []);
    assert_eq!(book.adjustments(), []);
}

#[test]
fn what_is_learned_after_the_statement_is_adjusted() {
    let mut book = owing();
    let autopay = leave("2026-09-11");
    book.record(began(autopay), "2026-09-11");
    assert_eq!(interest(&mut book, 1), cents("19.45"));
    // 20 days at 24 %, 13.1507, and 10 at 23.5 %, 6.4384: 19.59.
    book.record_late(ended(autopay), day("2026-09-20"), day("2026-10-05"));
    assert_eq!(book.adjustments(), [cents("0.14")]);

    // Leave that was given and is recorded a month late.
    let mut book = owing();
    assert_eq!(interest(&mut book, 1), cents("19.73"));
    book.record_late(began(leave("2026-09-11")), day("2026-09-11"), day("2026-10-05"));
    assert_eq!(book.adjustments(), [cents("-0.28")]);
    assert_eq!(book.line.untied(&book.books).unwrap(), []);
}

#[test]
fn each_leave_counts_by_itself() {
    // Changed on September 11: one ends, another begins, and no day is without. 1,000.00 × 23.5 % × 30 / 365.
    let (first, second) = (leave("2026-09-01"), leave("2026-09-11"));
    for turned in [false, true] {
        let mut book = owing();
        book.record(began(first), "2026-09-01");
        let mut change = [ended(first), began(second)];
        if turned {
            change.reverse();
        }
        for body in change {
            book.record(body, "2026-09-11");
        }
        assert_eq!(interest(&mut book, 1), cents("19.32"));
    }
    // Given and taken back on the same day: 29 days at 24 % and one at 23.5 %, 19.7123.
    let mut book = owing();
    book.record(began(second), "2026-09-11");
    book.record(ended(second), "2026-09-11");
    assert_eq!(interest(&mut book, 1), cents("19.71"));
    // It turns out to have ended before it began: it never was.
    let mut book = owing();
    book.record(began(second), "2026-09-11");
    book.record_late(ended(second), day("2026-09-10"), day("2026-09-20"));
    assert_eq!(interest(&mut book, 1), cents("19.73"));
}

#[test]
fn a_cap_of_the_law_that_is_lower_is_what_counts() {
    for with_discount in [false, true] {
        let mut book = owing();
        let (apr, reason) = (Apr::from_ppm(60_000), "50 USC 3937".to_owned());
        book.record(LineEventBody::RateCapped { apr, through: None, reason }, "2026-09-01");
        if with_discount {
            book.record(began(leave("2026-09-11")), "2026-09-11");
        }
        // 1,000.00 × 6 % × 30 / 365.
        assert_eq!(interest(&mut book, 1), cents("4.93"));
        let owed = book.line.position(day("2026-09-20")).unwrap().features.remove(0);
        assert_eq!((owed.apr.ppm(), owed.autopay_discount.ppm()), (60_000, 0));
    }
}

#[test]
fn no_rate_falls_below_zero() {
    let mut book = Book::owing("1000.00", 3_000, 31, "2026-09-01");
    book.record(began(leave("2026-09-11")), "2026-09-11");
    // Ten days at 0.3 %.
    assert_eq!(interest(&mut book, 1), cents("0.08"));
}

#[test]
fn every_balance_has_it_whenever_its_rate_came() {
    // A new rate for new draws after the discount began: 1,000.00 at 23.5 % for 30 days, 19.3151, and 500.00 at 29.5 % for 20,
    // 8.0822, rounded once.
    let mut book = owing();
    book.record(began(leave("2026-09-01")), "2026-09-01");
    book.change_rate(300_000, AppliesTo::NewDraws, "2026-09-11");
    book.draw("500.00", "2026-09-11");
    assert_eq!(interest(&mut book, 1), cents("27.40"));
    // A new rate for all: ten days at 23.5 %, 6.4384, and twenty at 26.5 %, 14.5205.
    let mut book = owing();
    book.record(began(leave("2026-09-01")), "2026-09-01");
    book.change_rate(270_000, AppliesTo::AllBalances, "2026-09-11");
    assert_eq!(interest(&mut book, 1), cents("20.96"));
}

fn feature(changes: &serde_json::Value) -> Product {
    let mut feature = json!({ "name": "draws" });
    feature.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    let mut whole = serde_json::to_value(product("CASHLINE-STD-1")).unwrap();
    whole.as_object_mut().unwrap().insert("features".to_owned(), json!([feature]));
    serde_json::from_value(whole).unwrap()
}

#[test]
fn tiers_and_an_index_have_it_and_a_promotion_stays() {
    let cases = [
        // 500.00 at 23.5 % and 500.00 at 17.5 %.
        (json!({ "tiers": [{ "up_to": "500.00", "apr": "24%" }, { "apr": "18%" }] }), "16.85"),
        // The lower tier falls to zero: 500.00 at 23.5 %.
        (json!({ "tiers": [{ "up_to": "500.00", "apr": "24%" }, { "apr": "0.4%" }] }), "9.66"),
        // 15 days at 8 + 12 - 0.5 and 15 at 9 + 12 - 0.5.
        (
            json!({ "variable": { "margin": "12%", "index": [{ "from": "2026-01-01", "apr": "8%" }, { "from": "2026-09-16", "apr": "9%" }] } }),
            "16.44",
        ),
        // 9.9 % as it was promised.
        (json!({ "promotion": { "apr": "9.9%", "through": "2026-12-31" } }), "8.14"),
    ];
    for (changes, expected) in cases {
        let mut book = owing_of(&feature(&changes));
        book.record(began(leave("2026-09-01")), "2026-09-01");
        assert_eq!(interest(&mut book, 1), cents(expected), "{changes}");
    }
}

#[test]
fn an_index_that_counts_for_the_whole_cycle_leaves_the_days_of_the_discount() {
    let variable = json!({
        "margin": "12%", "index": [{ "from": "2026-01-01", "apr": "8%" }], "takes_effect": "this_cycle",
    });
    let mut book = owing_of(&feature(&json!({ "variable": variable })));
    book.record(began(leave("2026-09-11")), "2026-09-11");
    let index = Apr::from_ppm(90_000);
    book.record(LineEventBody::IndexChanged { feature: None, index }, "2026-09-21");
    // Ten days at 21 %, 5.7534, and twenty at 20.5 %, 11.2329.
    assert_eq!(interest(&mut book, 1), cents("16.99"));
}

#[test]
fn a_product_without_it_gives_none() {
    let mut none = product("CASHLINE-STD-1");
    none.interest.autopay_discount = Apr::ZERO;
    let mut book = owing_of(&none);
    book.record(began(leave("2026-09-01")), "2026-09-01");
    assert_eq!(interest(&mut book, 1), cents("19.73"));
    let catalog = ProductCatalog::embedded().unwrap();
    let of = |name: &str| catalog.get(name).unwrap().interest.autopay_discount.ppm();
    assert_eq!(["CASHLINE-STD-1", "CASHLINE-STD-1-FEE3"].map(of), [5_000, 5_000]);
    assert_eq!(["CASHLINE-SUB-1", "CARD-STD-1"].map(of), [0, 0]);
}

#[test]
fn it_begins_and_ends_once_and_no_change_of_terms_touches_it() {
    let mut book = owing();
    let at = noon(day("2026-09-11"));
    let (autopay, on) = (leave("2026-09-11"), day("2026-09-11"));
    let unknown = book.line.record(ended(autopay), on, at);
    assert!(matches!(unknown, Err(CreditError::Unknown { .. })), "{unknown:?}");
    book.record(began(autopay), "2026-09-11");
    let twice = book.line.record(began(autopay), on, at);
    assert!(matches!(twice, Err(CreditError::Repeated { .. })), "{twice:?}");
    // The rate rises without notice: that it would was agreed beforehand.
    book.record(ended(autopay), "2026-09-12");
    let twice = book.line.record(ended(autopay), on, at);
    assert!(matches!(twice, Err(CreditError::Repeated { .. })), "{twice:?}");
    let changes = json!({ "interest": { "autopay_discount": "0.25%" } });
    let notice = ChangeNotice { given_on: None, exception: Some(NoticeException::Agreed) };
    let changes = changes.as_object().unwrap().clone();
    let body = LineEventBody::TermsChanged { changes, notice };
    let refused = book.line.record(body, on, at);
    assert!(matches!(refused, Err(CreditError::Terms { .. })), "{refused:?}");
}

#[test]
fn a_covered_borrower_has_it_too() {
    let limit = Cents::new(500_000);
    let product = product("CASHLINE-STD-1");
    let terms = Terms {
        covered_borrower: true,
        ..Terms::open(&product, limit, Apr::from_ppm(349_900), 31)
    };
    let mut book = Book::with_terms(terms, "2026-09-01");
    book.bring_forward("1000.00", "0.00", "2026-09-01");
    book.record(began(leave("2026-09-01")), "2026-09-01");
    // 1,000.00 × 34.49 % × 30 / 365 = 28.3479.
    assert_eq!(interest(&mut book, 1), cents("28.35"));
}

#[test]
fn a_scenario_tells_it_and_explains_it() {
    let text = r#"
as_of = 2026-10-12
[[line]]
product = "CASHLINE-STD-1"
opened_on = 2026-09-01
close_day = 31
apr = "24%"
brought_forward = { principal = "1000.00" }
events = [
    { kind = "autopay_discount", id = "leave", on = 2026-09-11 },
    { kind = "autopay_discount_ended", autopay = "leave", on = 2026-10-10, recorded_on = 2026-10-11 },
]
[[line]]
product = "CASHLINE-SUB-1"
opened_on = 2026-09-01
close_day = 31
events = [{ kind = "autopay_discount", on = 2026-09-11 }]
"#;
    let catalog = ProductCatalog::embedded().unwrap();
    let report = scenario::run(&scenario::parse(text, &catalog).unwrap()).unwrap();
    let [line, other] = report.lines.as_slice() else { unreachable!("two lines were given") };
    assert_eq!(line.statements.first().unwrap().interest_total, cents("19.45"));
    assert_eq!(line.position.apr.ppm(), RATE);
    assert_eq!(line.notes, Vec::<String>::new());
    let told = line.derivations["cycle.1.interest"].text();
    assert!(told.contains("discount for automatic payments: 0.50%"), "{told}");
    assert!(told.contains("rate without automatic payments: 24.00%"), "{told}");
    assert!(
        other.notes.iter().any(|note| note.contains("`autopay_discount`")),
        "{:?}",
        other.notes
    );

    let twice = text.replace("id = \"leave\"", "id = \"other\"");
    let refused = scenario::parse(&twice, &catalog).unwrap_err().to_string();
    assert!(refused.contains("no earlier discount has the id `leave`"), "{refused}");
}
