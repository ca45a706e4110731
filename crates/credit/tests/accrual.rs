//! The sum over all lines is what the lines come to one by one.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use common::{day, noon, product};
use credit::{
    Accrual, AppliesTo, CreditLine, Delta, Group, LineEventBody, Renewed, Running, Step, Terms,
    rate::DENOMINATOR,
};
use identity::{AutopayId, CreditLineId, DrawId, PaymentId};
use money::{Apr, Cents};
use proptest::prelude::*;

const OPENED: &str = "2027-11-20";
const DAYS: u64 = 130;

fn on(offset: u64) -> NaiveDate {
    day(OPENED).checked_add_days(Days::new(offset)).unwrap()
}

#[derive(Clone, Debug)]
enum Fact {
    Draw {
        amount: i64,
    },
    RefusedDraw {
        amount: i64,
    },
    Payment {
        amount: i64,
        returned_after: Option<u64>,
        reversed: bool,
    },
    Rate {
        ppm: u32,
        new_draws: bool,
    },
    /// A cap of the law that ends by itself.
    Cap {
        ppm: u32,
        days: u64,
    },
    /// With the days after which it ends, and how late that is known.
    Autopay {
        ended: Option<(u64, u64)>,
    },
    Credit {
        amount: i64,
    },
}

/// A fact, its day, and by how many days we learn of it late.
type Dated = (u64, u64, Fact);

fn facts() -> impl Strategy<Value = Vec<Dated>> {
    let fact = prop_oneof![
        6 => (1_i64..200_000).prop_map(|amount| Fact::Draw { amount }),
        1 => (1_i64..90_000).prop_map(|amount| Fact::RefusedDraw { amount }),
        8 => (1_i64..120_000, prop::option::weighted(0.3, 0_u64..60), prop::bool::weighted(0.1))
            .prop_map(|(amount, returned_after, reversed)| Fact::Payment {
                amount, returned_after, reversed,
            }),
        1 => (0_u32..359_900, any::<bool>())
            .prop_map(|(ppm, new_draws)| Fact::Rate { ppm, new_draws }),
        1 => (0_u32..60_000, 0_u64..90).prop_map(|(ppm, days)| Fact::Cap { ppm, days }),
        2 => prop::option::weighted(0.7, (0_u64..60, prop_oneof![Just(0_u64), 1_u64..50]))
            .prop_map(|ended| Fact::Autopay { ended }),
        1 => (1_i64..20_000).prop_map(|amount| Fact::Credit { amount }),
    ];
    let late = prop_oneof![3 => Just(0_u64), 2 => 1_u64..70];
    prop::collection::vec((0..DAYS, late, fact), 1..16)
}

/// The events with the day each becomes known.
fn events_of(facts: &[Dated]) -> Vec<(NaiveDate, NaiveDate, LineEventBody)> {
    let mut events = Vec::new();
    for (at, (offset, late, fact)) in facts.iter().enumerate() {
        let (effective, known) = (on(*offset), on(offset + late));
        let stamp = noon(effective) + chrono::TimeDelta::milliseconds(i64::try_from(at).unwrap());
        let (draw_id, payment) = (DrawId::mint(stamp), PaymentId::mint(stamp));
        let drew = |amount: &i64| LineEventBody::Drew {
            draw: draw_id,
            feature: None,
            amount: Cents::new(*amount),
            fee: Cents::ZERO,
            by_terms: false,
        };
        match fact {
            Fact::Draw { amount } => events.push((effective, known, drew(amount))),
            Fact::RefusedDraw { amount } => {
                events.push((effective, known, drew(amount)));
                let later = on(offset + late + 3);
                let reason = "R23".to_owned();
                events.push((later, later, LineEventBody::DrawRefused { draw: draw_id, reason }));
            }
            Fact::Payment { amount, returned_after, reversed } => {
                let amount = Cents::new(*amount);
                events.push((effective, known, LineEventBody::PaymentReceived { payment, amount }));
                if let Some(after) = returned_after {
                    let later = on(offset + late + after);
                    let (code, fee) = ("R01".to_owned(), Cents::ZERO);
                    events.push((
                        later,
                        later,
                        LineEventBody::PaymentReturned { payment, code, fee },
                    ));
                } else if *reversed {
                    let later = on(offset + late + 2);
                    let reason = "keyed twice".to_owned();
                    events.push((later, later, LineEventBody::PaymentReversed { payment, reason }));
                }
            }
            Fact::Rate { ppm, new_draws } => {
                let applies_to =
                    if *new_draws { AppliesTo::NewDraws } else { AppliesTo::AllBalances };
                let apr = Apr::from_ppm(*ppm);
                let body =
                    LineEventBody::RateChanged { feature: None, apr, applies_to, notice: None };
                events.push((effective, known, body));
            }
            Fact::Cap { ppm, days } => {
                let (apr, reason) = (Apr::from_ppm(*ppm), "service".to_owned());
                let through = Some(on(offset + days));
                events.push((effective, known, LineEventBody::RateCapped { apr, through, reason }));
            }
            Fact::Autopay { ended } => {
                let autopay = AutopayId::mint(stamp);
                let began = LineEventBody::AutopayDiscountBegan { autopay };
                events.push((effective, known, began));
                if let Some((after, late)) = ended {
                    let through = on(offset + after);
                    let learned = known.max(on(offset + after + late));
                    let ended = LineEventBody::AutopayDiscountEnded { autopay };
                    events.push((through, learned, ended));
                }
            }
            Fact::Credit { amount } => {
                let (amount, reason) = (Cents::new(*amount), "goodwill".to_owned());
                let body = LineEventBody::CreditGranted { amount, reason, feature: None };
                events.push((effective, known, body));
            }
        }
    }
    events.sort_by_key(|(_, known, _)| *known);
    events
}

/// All lines' deltas, and what was made of them so far.
#[derive(Default)]
struct Sum {
    waiting: Vec<Delta>,
    groups: BTreeMap<Group, Running>,
    income: Cents,
}

impl Sum {
    fn accrue(&mut self, day: NaiveDate) {
        let (now, later) = self.waiting.drain(..).partition(|delta| delta.effective_on <= day);
        self.waiting = later;
        let now: Vec<Delta> = now;
        for delta in &now {
            self.groups.entry(delta.group.clone()).or_default();
        }
        for (group, running) in &mut self.groups {
            let mine = now.iter().filter(|delta| delta.group == *group);
            let mine = mine.map(|delta| (delta.effective_on, delta.change, delta.true_up));
            self.income += running.add_day(group, day, mine).unwrap().interest;
        }
        self.groups.retain(|_, running| !running.ended());
    }

    fn unbilled(&self) -> i128 {
        self.groups.values().map(|running| running.unbilled).sum()
    }
}

/// One line, lived day by day.
struct Lived {
    line: CreditLine,
    facts: Vec<(NaiveDate, NaiveDate, LineEventBody)>,
    told: Vec<Step>,
    billed: Cents,
}

impl Lived {
    fn open(name: &str, apr_ppm: u32, close_day: u32, facts: &[Dated]) -> Self {
        let product = product(name);
        let terms = Terms::open(&product, Cents::new(500_000), Apr::from_ppm(apr_ppm), close_day);
        let opened_on = day(OPENED);
        let id = CreditLineId::mint(noon(opened_on));
        let (line, _) = CreditLine::open(id, terms, opened_on, noon(opened_on)).unwrap();
        let facts = events_of(facts);
        Self { line, facts, told: Vec::new(), billed: Cents::ZERO }
    }

    /// What is learned on a day, what is due by then, and what the sum is told of it.
    /// Answers whether it is no estimate.
    fn live(&mut self, today: NaiveDate, sum: &mut Sum) -> bool {
        while self.facts.first().is_some_and(|(_, known, _)| *known <= today) {
            let (effective, _, body) = self.facts.remove(0);
            self.line.record(body, effective, noon(today)).unwrap();
        }
        let settled = self.line.settle(today, noon(today)).unwrap();
        let statement = Renewed::by(settled.iter().map(|recorded| &recorded.event));
        self.billed += statement.map_or(Cents::ZERO, |statement| statement.billed);
        let accrual = self.line.accrual(today).unwrap();
        sum.waiting.extend(accrual.deltas(&self.told, statement));
        self.told = accrual.steps;
        accrual.exact
    }

    /// By the line's own reckoning: interest of the open cycle's days before `today`, before any rounding.
    fn unbilled(&self, today: NaiveDate) -> i128 {
        let position = self.line.position(today).unwrap();
        assert!(position.statements_due.is_empty());
        let segments = position.features.iter().flat_map(|feature| &feature.segments);
        segments.map(|segment| segment.numerator).sum()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn the_groups_come_to_what_the_lines_come_to_on_every_day(
        plain in facts(), other in facts(), fee in facts(), subscribed in facts()
    ) {
        let mut lines = [
            Lived::open("CASHLINE-STD-1", 249_900, 17, &plain),
            Lived::open("CASHLINE-STD-1", 249_900, 3, &other),
            Lived::open("CASHLINE-STD-1-FEE3", 319_900, 28, &fee),
            Lived::open("CASHLINE-SUB-1", 0, 9, &subscribed),
        ];
        let mut sum = Sum::default();
        for offset in 1..DAYS + 80 {
            let (today, yesterday) = (on(offset), on(offset - 1));
            for line in &mut lines {
                prop_assert!(line.live(today, &mut sum), "no estimate");
            }
            sum.accrue(yesterday);
            let one_by_one: i128 = lines.iter().map(|line| line.unbilled(today)).sum();
            prop_assert_eq!(sum.unbilled(), one_by_one, "at the end of {}", yesterday);
            prop_assert!(sum.groups.values().all(|running| running.true_up == 0));
            let cents: Cents = sum.groups.values().map(|running| running.posted).sum();
            prop_assert_eq!(sum.income, cents);
        }
    }

    /// What grace and compounding make of it is an estimate; what a statement billed beyond it is known to the last digit.
    #[test]
    fn an_estimate_is_trued_up_by_the_statement(facts in facts()) {
        let mut card = Lived::open("CARD-STD-1", 249_900, 17, &facts);
        let mut sum = Sum::default();
        let mut accrued = 0;
        for offset in 1..DAYS + 80 {
            let today = on(offset);
            let before = sum.waiting.len();
            prop_assert!(!card.live(today, &mut sum));
            // What a statement takes out of the estimate.
            accrued += sum.waiting[before..].iter().map(|delta| delta.true_up).sum::<i128>();
            sum.accrue(on(offset - 1));
            prop_assert!(sum.groups.values().all(|running| !running.base.is_negative()));
        }
        let trued_up: i128 = sum.groups.values().map(|running| running.true_up).sum();
        prop_assert_eq!(trued_up, accrued);
        prop_assert!(i128::from(card.billed.get()) * DENOMINATOR >= trued_up);
    }
}

/// The steps to come: from when, at which rate, by how much.
fn told(accrual: &Accrual) -> Vec<(String, u32, i64)> {
    let step = |step: &Step| (step.from.to_string(), step.group.apr.ppm(), step.change.get());
    accrual.steps.iter().map(step).collect()
}

#[test]
fn a_rate_that_will_end_is_told_with_its_day() {
    let product = with_promotion();
    let terms = Terms::open(&product, Cents::new(500_000), Apr::from_ppm(240_000), 20);
    let opened_on = day("2026-10-01");
    let id = CreditLineId::mint(noon(opened_on));
    let (mut line, _) = CreditLine::open(id, terms, opened_on, noon(opened_on)).unwrap();
    let (draw, amount) = (DrawId::mint(noon(opened_on)), Cents::new(100_000));
    let body =
        LineEventBody::Drew { draw, feature: None, amount, fee: Cents::ZERO, by_terms: false };
    line.record(body, opened_on, noon(opened_on)).unwrap();
    let accrual = line.accrual(opened_on).unwrap();
    assert_eq!(
        told(&accrual),
        [
            ("2026-10-01".to_owned(), 99_900, 100_000),
            ("2026-11-16".to_owned(), 99_900, -100_000),
            ("2026-11-16".to_owned(), 240_000, 100_000),
        ]
    );
}

#[test]
fn a_penalty_rate_that_comes_by_itself_is_told_with_its_day() {
    let mut product = product("CASHLINE-STD-1");
    product.penalty_rate = Some(credit::product::PenaltyRate {
        apr: Apr::from_ppm(300_000),
        after_days_past_due: 5,
        notice_days: 0,
        takes_effect: credit::product::PenaltyDay::OnTheDay,
        ..credit::product::PenaltyRate::default()
    });
    let mut book = common::Book::open(&product, 240_000, 20, "2026-10-01");
    book.draw("1000.00", "2026-10-01");
    book.on("2026-11-10");
    let accrual = book.line.accrual(day("2026-11-10")).unwrap();
    // Due on Saturday, November 14, and so timely on the 16th: more than five days late on the 22nd.
    assert_eq!(
        told(&accrual),
        [
            ("2026-10-21".to_owned(), 240_000, 100_000),
            ("2026-11-22".to_owned(), 240_000, -100_000),
            ("2026-11-22".to_owned(), 300_000, 100_000),
        ]
    );
    let [rounds_at_payments, _, _] = common::odd_products();
    let line = common::Book::open(&rounds_at_payments, 240_000, 20, "2026-10-01").line;
    assert!(!line.accrual(day("2026-10-01")).unwrap().exact, "each payment rounds");
}

/// The plain line with an introductory rate.
fn with_promotion() -> credit::Product {
    let text = "name = \"INTRO\"\nbased_on = \"CASHLINE-STD-1\"\ntitle = \"Intro\"\n\n[[features]]\nname = \"draws\"\n\
                promotion = { apr = \"9.99%\", through = \"2026-11-15\" }\n";
    let mut catalog = credit::ProductCatalog::embedded().unwrap();
    catalog.add(text).unwrap();
    catalog.get("INTRO").unwrap().clone()
}
