use super::*;

fn read(text: &str) -> Vec<Reading> {
    figures(text).into_iter().map(|figure| figure.value).collect()
}

fn money(cents: i64) -> Reading {
    Reading::Money(Cents::new(cents))
}

fn date(year: i32, month: u32, day: u32) -> Reading {
    Reading::Date { year: (year > 0).then_some(year), month, day }
}

fn number(value: i128) -> Reading {
    Reading::Number(value * MICROS)
}

#[test]
fn amounts_are_read_in_every_form() {
    let cases = [
        ("$1,234.56", 123_456),
        ("$50", 5_000),
        ("USD 50", 5_000),
        ("50 dollars", 5_000),
        ("50 bucks", 5_000),
        ("fifty dollars", 5_000),
        ("fifty-two dollars and thirty cents", 5_230),
        ("one hundred and five dollars", 10_500),
        ("a hundred dollars", 10_000),
        ("a thousand dollars", 100_000),
        ("$1.2k", 120_000),
        ("cincuenta d\u{f3}lares", 5_000),
        ("treinta y dos d\u{f3}lares con diez centavos", 3_210),
        ("75 cents", 75),
        ("\u{ff04}\u{ff15}\u{ff10}", 5_000),
        ("$.50", 50),
        ("mil doscientos d\u{f3}lares", 120_000),
    ];
    for (text, cents) in cases {
        assert_eq!(read(text), [money(cents)], "{text}");
    }
}

#[test]
fn rates_dates_counts_and_ordinals_are_read() {
    let cases = [
        ("24.00%", Reading::Percent(240_000)),
        ("24 percent", Reading::Percent(240_000)),
        ("twenty-four percent", Reading::Percent(240_000)),
        ("veinticuatro por ciento", Reading::Percent(240_000)),
        ("2026-11-24", date(2026, 11, 24)),
        ("11/24/2026", date(2026, 11, 24)),
        ("11/24", date(0, 11, 24)),
        ("November 24, 2026", date(2026, 11, 24)),
        ("Nov 24th", date(0, 11, 24)),
        ("24 de noviembre de 2026", date(2026, 11, 24)),
        ("the 24th", Reading::Ordinal(24)),
        ("the twenty-fourth", Reading::Ordinal(24)),
        ("tomorrow", Reading::DayFromToday(1)),
        ("on Friday", Reading::Weekday(Weekday::Fri)),
        ("three payments", number(3)),
        ("a dozen payments", number(12)),
        ("one day", number(1)),
        ("dos pagos", number(2)),
        ("half of it", Reading::Number(MICROS / 2)),
        ("reference P0042", Reading::Identifier("p0042".into())),
        ("\u{0665}\u{0660}", Reading::Unreadable),
    ];
    for (text, reading) in cases {
        assert_eq!(read(text), [reading], "{text}");
    }
}

#[test]
fn a_range_is_two_figures() {
    assert_eq!(read("between $20 and $30"), [money(2_000), money(3_000)]);
    assert_eq!(read("20-30 days"), [number(20), number(30)]);
    assert_eq!(read("hundreds of dollars"), [number(100)]);
}

#[test]
fn words_that_only_look_like_numbers_are_not_figures() {
    for text in [
        "this one is fine",
        "no one else",
        "first, let me look",
        "just a second",
        "you may pay any time",
        "a third party",
        "How can I help you today?",
        "por la ma\u{f1}ana",
        "una persona",
        "prepar\u{e9} un pago",
        "Thanks.",
        "Wait... what?",
    ] {
        assert_eq!(read(text), [], "{text}");
    }
}

#[test]
fn an_ordinal_names_the_day_of_a_date() {
    let due = NaiveDate::from_ymd_opt(2026, 11, 24).unwrap();
    let today = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
    for text in ["the 24th", "Nov 24", "11/24", "Tuesday", "tomorrow", "2026-11-24"] {
        assert!(figures(text).iter().all(|figure| figure.value.is_date(due, today)), "{text}");
    }
    assert!(!figures("Nov 24, 2027").iter().any(|figure| figure.value.is_date(due, today)));
}
