//! What has to hold whatever happens to a line: on facts drawn at random, recorded in time or late.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use chrono::{Days, NaiveDate};
use oracle::{
    Corrects, Cycle, Dated, Fact, FeeKind, Flag, Product, Standing, Statement, half_up, reckon,
};
use proptest::prelude::*;

const LAST: u64 = 200;

fn date(offset: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 9, 10).unwrap() + Days::new(offset)
}

fn cycle() -> Cycle {
    Cycle { first_close: NaiveDate::from_ymd_opt(2026, 9, 30).unwrap(), day: 31 }
}

fn product() -> impl Strategy<Value = Product> {
    let limit_cents = 500_000;
    prop_oneof![
        (119_900..=359_900_u32)
            .prop_map(move |apr_ppm| Product::CashlineStd { apr_ppm, limit_cents }),
        (119_900..=359_900_u32)
            .prop_map(move |apr_ppm| Product::CashlineFee3 { apr_ppm, limit_cents }),
        Just(Product::CashlineSub { limit_cents: 50_000, late_fee_cents: 1_500 }),
    ]
}

/// One fact of any kind; the ids of payments and draws are their places, so that a few returns hit.
fn fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        6 => (2_000..80_000_i64).prop_map(|cents| Fact::Draw { id: 0, cents }),
        6 => (100..60_000_i64).prop_map(|cents| Fact::Payment { id: 0, cents }),
        2 => (0..12_u64).prop_map(|payment_id| Fact::PaymentReturned { payment_id }),
        1 => (0..12_u64).prop_map(|payment_id| Fact::PaymentReversed { payment_id }),
        1 => (0..12_u64).prop_map(|draw_id| Fact::DrawRefused { draw_id }),
        1 => (60_000..359_900_u32, any::<bool>())
            .prop_map(|(apr_ppm, applies_to_all)| Fact::RateChanged { apr_ppm, applies_to_all }),
        1 => (100..2_000_i64)
            .prop_map(|cents| Fact::FeeWaived { kind: FeeKind::Penalty, cents }),
        1 => (100..2_000_i64).prop_map(|cents| Fact::FeeWaived { kind: FeeKind::Charge, cents }),
        1 => (100..3_000_i64).prop_map(|cents| Fact::CreditGranted { cents }),
        1 => (100..9_000_i64).prop_map(|cents| Fact::CreditRefunded { cents }),
        1 => Just(Fact::FlagRaised { flag: Flag::Hardship }),
        1 => Just(Fact::FlagCleared { flag: Flag::Hardship }),
    ]
}

/// Facts whose recording lags by up to `delay` days.
fn facts(delay: u64) -> impl Strategy<Value = Vec<Dated>> {
    let dated = (0..LAST, 0..=delay, fact());
    prop::collection::vec(dated, 1..12).prop_map(|drawn| {
        let numbered = (0..).zip(drawn);
        let dated = numbered.map(|(place, (offset, delay, fact))| Dated {
            effective_on: date(offset),
            recorded_on: date(offset + delay),
            fact: match fact {
                Fact::Draw { cents, .. } => Fact::Draw { id: place, cents },
                Fact::Payment { cents, .. } => Fact::Payment { id: place, cents },
                other => other,
            },
        });
        dated.collect()
    })
}

/// The line at the end of a day, with what is known that day.
fn at(product: Product, facts: &[Dated], through: NaiveDate) -> Standing {
    reckon(product, date(0), cycle(), facts, through, through)
}

fn lines(statement: &Statement) -> i64 {
    statement.previous - statement.payments + statement.returned + statement.draws
        - statement.refused
        + statement.fees
        - statement.credits
        + statement.refunds
        + statement.interest
        + statement.adjustments
}

fn owed(line: &Standing) -> i64 {
    line.principal
        + line.billed_interest
        + line.billed_fees
        + line.penalty_fees
        + line.unbilled_fees
        - line.credit_balance
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 96, failure_persistence: None, ..ProptestConfig::default()
    })]

    #[test]
    fn the_lines_of_a_statement_make_its_balance(product in product(), facts in facts(60)) {
        let line = at(product, &facts, date(LAST + 60));
        let mut before: Option<&Statement> = None;
        for statement in &line.statements {
            prop_assert_eq!(lines(statement), statement.new_balance);
            prop_assert_eq!(statement.previous, before.map_or(0, |before| before.new_balance));
            prop_assert!(statement.past_due <= statement.minimum_due);
            prop_assert!(statement.minimum_due <= statement.new_balance.max(0));
            before = Some(statement);
        }
    }

    /// As issued and as adjusted since is the same as known now, cycle by cycle.
    #[test]
    fn adjustments_bridge_what_was_billed_and_what_is_known(
        product in product(), facts in facts(60),
    ) {
        let line = at(product, &facts, date(LAST + 60));
        for ((closed_on, now), statement) in line.interest_by_cycle.iter().zip(&line.statements) {
            let corrects = Corrects::Interest { cycle: statement.number };
            let posted = line.adjustments.iter().filter(|a| a.corrects == corrects);
            let posted: i64 = posted.map(|adjustment| adjustment.cents).sum();
            prop_assert_eq!(*closed_on, statement.closed_on);
            prop_assert_eq!(statement.interest + posted, *now);
        }
    }

    #[test]
    fn nothing_is_adjusted_when_everything_is_recorded_in_time(
        product in product(), facts in facts(0),
    ) {
        let reaches_back = |fact: &Fact| matches!(
            fact,
            Fact::PaymentReturned { .. } | Fact::PaymentReversed { .. } | Fact::DrawRefused { .. }
        );
        let facts: Vec<Dated> =
            facts.into_iter().filter(|dated| !reaches_back(&dated.fact)).collect();
        let line = at(product, &facts, date(LAST + 60));
        prop_assert_eq!(line.adjustments, vec![]);
        for statement in &line.statements {
            prop_assert_eq!(statement.adjustments, 0);
        }
    }

    /// A statement is never edited: asked again later, with more known, it reads the same.
    #[test]
    fn a_statement_stays_as_issued(
        product in product(), facts in facts(60), earlier in 20..LAST,
    ) {
        let then = at(product, &facts, date(earlier)).statements;
        let now = at(product, &facts, date(LAST + 60)).statements;
        prop_assert_eq!(then.as_slice(), now.get(..then.len()).unwrap());
    }

    #[test]
    fn a_payoff_leaves_nothing(product in product(), facts in facts(60), on in 0..LAST) {
        let mut facts = facts;
        facts.retain(|dated| dated.effective_on <= date(on) && dated.recorded_on <= date(on));
        facts.retain(|dated| !matches!(dated.fact, Fact::CreditRefunded { .. }));
        let line = at(product, &facts, date(on));
        prop_assume!(line.payoff > 0);
        let payment = Fact::Payment { id: 999, cents: line.payoff };
        let (effective_on, recorded_on) = (date(on), date(on));
        facts.push(Dated { effective_on, recorded_on, fact: payment });
        let paid = at(product, &facts, date(on));
        prop_assert_eq!((owed(&paid), paid.payoff), (0, 0));
        prop_assert_eq!((paid.days_past_due, paid.unpaid_minimum), (0, 0));
        let after = at(product, &facts, date(on + 31));
        prop_assert_eq!(after.principal, 0);
        prop_assert_eq!((after.billed_interest, after.penalty_fees), (0, 0));
    }

    #[test]
    fn principal_and_a_credit_balance_exclude_each_other(
        product in product(), facts in facts(60), on in 0..LAST,
    ) {
        let line = at(product, &facts, date(on));
        let parts = [
            line.principal, line.billed_interest, line.billed_fees, line.penalty_fees,
            line.unbilled_fees, line.credit_balance, line.prepaid_interest,
        ];
        prop_assert!(parts.iter().all(|cents| *cents >= 0), "{parts:?}");
        prop_assert!(line.principal == 0 || line.credit_balance == 0);
        let accrued = line.accrued_interest;
        prop_assert!(line.prepaid_interest <= half_up(accrued.numerator, accrued.denominator));
        prop_assert!(line.unpaid_minimum <= owed(&line) + line.credit_balance);
    }
}
