//! Derivations of interest: of what is billed, of what has accrued, and of the balance that bears it.

use money::{Cents, Rounding};

use crate::{
    CycleRecord, Derivation, How, InterestLine, Position, Segment,
    derivation::Value,
    discount,
    interest::{AverageAtRate, GraceOutcome, NANO},
    position::FeaturePosition,
    product::{BalanceMethod, Compounding, InterestTerms, Period, Product},
    rate,
};

fn text(label: &str, numerator: i128, rule: &str, inputs: Vec<Derivation>) -> Derivation {
    let value = Value::Text(format!("${}", rate::to_dollar_text(numerator, 8)));
    Derivation::of(rule, label, value, inputs)
}

/// Days divided by the days of a month differ in the last of so many digits.
const TOLD_OFF: i128 = 400;

const SHARE: &str = "share of the feature's one rounding";

/// Interest of the open cycle through the day before.
pub(crate) fn accrued(position: &Position) -> Derivation {
    let features = position.features.iter().filter(|feature| feature.bears_interest());
    let inputs = features.map(|feature| accrued_on(feature, &position.terms.product)).collect();
    Derivation::sum(
        "interest of the open cycle through the day before, not yet billed",
        "accrued interest",
        position.accrued_interest,
        inputs,
    )
}

pub(crate) fn accrued_on(feature: &FeaturePosition, product: &Product) -> Derivation {
    let FeaturePosition { name, accrued_numerator, prepaid, accrued_interest, .. } = feature;
    let terms = &product.interest_named(name);
    let label = format!("accrued on {name}");
    let rule = format!("{} since the cycle began, rounded once, less what is paid", method(terms));
    let bore = bore(&feature.segments, &feature.averages, None, (terms, product));
    let unrounded = unrounded(*accrued_numerator, [0, 0], bore);
    let whole = rate::to_cents(*accrued_numerator, terms.rounding);
    let share = *accrued_interest - (whole - *prepaid).or_zero();
    if prepaid.is_zero() && share.is_zero() && unrounded.how.is_some() {
        let rule = with_unrounded(&rule, &unrounded);
        return Derivation::cents(&rule, &label, *accrued_interest, unrounded.inputs)
            .by(How::RoundedSum);
    }
    let share = if share.is_zero() { share } else { *accrued_interest - whole + *prepaid };
    let rounded = format!("rounded {}", rounding(terms.rounding));
    let whole = Derivation::cents(&rounded, "of the cycle so far", whole, vec![unrounded]);
    let paid = Derivation::amount("paid of it already", -*prepaid);
    if !share.is_zero() {
        let inputs = vec![whole.by(How::Rounded), paid, Derivation::amount(SHARE, share)];
        return Derivation::sum(&rule, &label, *accrued_interest, inputs);
    }
    Derivation::at_least_zero(&rule, &label, *accrued_interest, vec![whole.by(How::Rounded), paid])
}

fn with_unrounded(rule: &str, unrounded: &Derivation) -> String {
    format!("{rule}; before rounding {}", unrounded.value.text())
}

/// What bore the interest of a cycle, each with what it comes to, and the sum of those.
fn bore(
    segments: &[Segment],
    averages: &[AverageAtRate],
    whole: Option<&Derivation>,
    (terms, product): (&InterestTerms, &Product),
) -> (Vec<Derivation>, i128) {
    let by_day: i128 = segments.iter().map(|one| one.numerator).sum();
    let sum: i128 = averages.iter().map(|one| one.numerator).sum();
    let daily = terms.balance == BalanceMethod::DailyBalance;
    let sliced = daily && averages.len() > 1;
    // What payments round, each day has and no slice.
    if averages.is_empty() || daily && !(sliced && (sum - by_day).abs() <= TOLD_OFF) {
        let segments = segments.iter().map(|one| segment(one, sliced, product));
        return (segments.collect(), by_day);
    }
    let whole = whole.filter(|_| !daily);
    (averages.iter().map(|one| average_at_rate(one, whole, terms)).collect(), sum)
}

pub(crate) const DEFERRED_DUE: &str =
    "interest at the contract rate since the promotion began, which was not paid off";
pub(crate) const EARLIER_CYCLES: &str = "spared at an earlier close, when a statement was still to fall due, which was not paid in full";

/// Before rounding.
fn unrounded(
    numerator: i128,
    [deferred, spared_before]: [i128; 2],
    (mut inputs, sum): (Vec<Derivation>, i128),
) -> Derivation {
    if deferred > 0 {
        inputs.push(text("deferred interest", deferred, DEFERRED_DUE, Vec::new()));
    }
    if spared_before > 0 {
        inputs.push(text("interest of earlier cycles", spared_before, EARLIER_CYCLES, Vec::new()));
    }
    let node = text("unrounded", numerator, "as the method has it, before rounding", inputs);
    let adds_up = (numerator - sum - deferred - spared_before).abs() <= TOLD_OFF;
    if adds_up { node.by(How::Sum) } else { node }
}

/// Interest that a closed cycle bills.
#[must_use]
pub fn interest(record: &CycleRecord, product: &Product) -> Derivation {
    let lines = record.interest.iter().filter(|line| line.bears_interest());
    let lines = lines.map(|line| interest_line(line, product)).collect();
    let total = record.interest.iter().map(|line| line.amount).sum();
    Derivation::sum(
        "sum over features; one rounding per feature and cycle (12 CFR 1026.7(b)(6)(ii); rounding: docs/engine.md)",
        &format!(
            "interest of cycle {} ({} to {})",
            record.number, record.starts_on, record.closes_on
        ),
        total,
        lines,
    )
}

pub(crate) fn interest_line(line: &InterestLine, product: &Product) -> Derivation {
    let terms = &product.interest_named(&line.feature);
    let others = [line.deferred, line.spared_before];
    let before = match base(line, product) {
        Some(base) if others == [0, 0] && line.borne_by_base() => by_base(line, base),
        base => {
            let one = line.averages.iter().all(|one| one.days == line.days);
            let whole = base.or_else(|| one.then(|| average(line, product)));
            let bore = bore(&line.segments, &line.averages, whole.as_ref(), (terms, product));
            unrounded(line.numerator, others, bore)
        }
    };
    let whole = rate::to_cents(line.numerator, terms.rounding);
    let other = line.amount - whole - line.shared;
    let rule = format!(
        "{}{}, rounded {}; grace: {}",
        method(terms),
        if terms.compounding == Compounding::Daily { ", compounded daily" } else { "" },
        rounding(terms.rounding),
        grace(line.grace)
    );
    let label = format!("interest on {}", line.feature);
    if other.is_zero() && line.shared.is_zero() && before.how == Some(How::Sum) {
        let rule = with_unrounded(&rule, &before);
        return Derivation::cents(&rule, &label, line.amount, before.inputs).by(How::RoundedSum);
    }
    let rounded = format!("rounded {}", rounding(terms.rounding));
    let whole = Derivation::cents(&rounded, "of the cycle", whole, vec![before]).by(How::Rounded);
    let mut inputs = vec![whole];
    if !line.shared.is_zero() {
        inputs.push(Derivation::amount(SHARE, line.shared));
    }
    if other.is_positive() {
        inputs.push(Derivation::amount("raised to the least interest of a cycle", other));
    } else if other.is_negative() {
        let label = "not charged: below the least that is, or beyond the military cap";
        inputs.push(Derivation::amount(label, other));
    }
    Derivation::sum(&rule, &label, line.amount, inputs)
}

/// One balance, or one average, at the rates of the days.
fn by_base(line: &InterestLine, base: Derivation) -> Derivation {
    let each = line.averages.iter().map(|one| {
        let apr = Derivation::given("rate", Value::AprPpm(one.apr));
        let label = format!("{} days at {}", one.days, one.apr);
        let rates = Value::Text(rate::to_percent_text(one.rates, 10));
        Derivation::of("periodic rates of these days, added up", &label, rates, vec![apr])
    });
    let rates = line.averages.iter().map(|one| one.rates).sum();
    let rates = Value::Text(rate::to_percent_text(rates, 10));
    let rule = "periodic rates of the cycle, added up";
    let rates = Derivation::of(rule, "rates", rates, each.collect());
    text("unrounded", line.numerator, "balance × rates", vec![base, rates]).by(How::Product)
}

/// What bore one rate, at the rates of its days.
fn average_at_rate(
    one: &AverageAtRate,
    whole: Option<&Derivation>,
    terms: &InterestTerms,
) -> Derivation {
    let apr = Derivation::given("rate", Value::AprPpm(one.apr));
    let rates = Value::Text(rate::to_percent_text(one.rates, 10));
    let rates = Derivation::of("periodic rates of these days, added up", "rates", rates, vec![apr]);
    let label = format!("{} days at {}", one.days, one.apr);
    let balance = balance_at_rate(one, whole, terms);
    text(&label, one.numerator, "balance × rates", vec![balance, rates]).by(How::Product)
}

fn balance_at_rate(
    one: &AverageAtRate,
    whole: Option<&Derivation>,
    terms: &InterestTerms,
) -> Derivation {
    let average = if terms.balance == BalanceMethod::DailyBalance {
        "what the tier takes of each day's balance, on average of its days".to_owned()
    } else if terms.round_average {
        let how = rounding(terms.average_rounding);
        format!("average of the days at this rate, rounded {how} (12 CFR 1026.7(b)(5))")
    } else {
        "average of the days at this rate, not rounded".to_owned()
    };
    let by_tier = one.average != one.whole;
    let rule = match (by_tier, terms.by_day()) {
        (true, _) => "the part that the tier takes of the balance subject to interest".to_owned(),
        (_, true) => average,
        (_, false) => "the one balance of the method".to_owned(),
    };
    let of = whole.cloned().unwrap_or_else(|| {
        if by_tier {
            Derivation::amount("balance subject to interest", one.whole)
        } else {
            Derivation::given("days", Value::Count(one.days.into()))
        }
    });
    if one.is_whole() {
        return Derivation::cents(&rule, "balance", one.average, vec![of]);
    }
    text("balance", one.exact * (rate::DENOMINATOR / NANO), &rule, vec![of])
}

/// The one balance that bears the interest of the cycle, where there is one.
fn base(line: &InterestLine, product: &Product) -> Option<Derivation> {
    let base = line.base?;
    let amount = Derivation::amount;
    let terms = &product.interest_named(&line.feature);
    let spared = amount("spared, for it was paid within grace or is new", base - line.unspared);
    let (rule, inputs) = match terms.balance {
        BalanceMethod::PreviousBalance => {
            ("what was owed when the cycle began", vec![amount("at the start", line.opening)])
        }
        BalanceMethod::AdjustedBalance => (
            "what was owed when the cycle began, less the payments and credits in it",
            vec![amount("at the start", line.opening), amount("paid", -line.repaid)],
        ),
        BalanceMethod::EndingBalance => {
            ("what was owed at the close", vec![amount("at the close", line.unspared)])
        }
        BalanceMethod::AverageDailyBalance | BalanceMethod::DailyBalance => {
            return Some(average(line, product));
        }
    };
    let inputs =
        if base == line.unspared { inputs } else { inputs.into_iter().chain([spared]).collect() };
    Some(Derivation::at_least_zero(rule, "balance", base, inputs))
}

/// The balance subject to interest.
pub(crate) fn subject_to_interest(line: &InterestLine, product: &Product) -> Derivation {
    base(line, product).unwrap_or_else(|| average(line, product))
}

/// The average of the days.
fn average(line: &InterestLine, product: &Product) -> Derivation {
    let each = line.segments.iter().map(|one| {
        let days = Derivation::given("days", Value::Count(one.days()));
        let sum = Cents::new(one.balance.get().saturating_mul(one.days()));
        let label = format!("{} to {}", one.from, one.through);
        let inputs = vec![days, Derivation::amount("balance", one.balance)];
        Derivation::cents("days × balance", &label, sum, inputs).by(How::Product)
    });
    let each: Vec<_> = each.collect();
    let total = each.iter().filter_map(|one| match one.value {
        Value::Cents(cents) => Some(cents),
        _ => None,
    });
    let total = Derivation::sum("sum of the daily balances", "sum", total.sum(), each);
    let days = Derivation::given("days", Value::Count(line.days.into()));
    let rule = format!(
        "average of the daily balances, rounded {} (12 CFR 1026.7(b)(5))",
        rounding(product.interest.average_rounding)
    );
    let average = line.average_balance;
    let again = total.value.cents().and_then(|sum| {
        let days = i128::from(line.days.max(1));
        Cents::from_ratio(sum.get().into(), days, product.interest.average_rounding)
    });
    if again == Some(average) {
        let inputs = vec![total, days];
        return Derivation::cents(&rule, "balance subject to interest", average, inputs)
            .by(How::Quotient);
    }
    let rule = format!("{rule}; the fractions of a cent that joined it day by day count too");
    Derivation::cents(&rule, "balance subject to interest", average, vec![total, days])
}

const fn method(terms: &InterestTerms) -> &'static str {
    match (terms.balance, terms.period) {
        (BalanceMethod::DailyBalance, Period::Daily) => "each day's balance × daily rate",
        (BalanceMethod::AverageDailyBalance, Period::Daily) => {
            "average daily balance × daily rates of the cycle"
        }
        (BalanceMethod::PreviousBalance, _) => "balance at the start × periodic rates",
        (BalanceMethod::AdjustedBalance, _) => {
            "balance at the start less payments × periodic rates"
        }
        (BalanceMethod::EndingBalance, _) => "balance at the close × periodic rates",
        (_, Period::Monthly) => "average daily balance × monthly rate",
    }
}

/// Days at one balance; `sliced`: at the rates of several tiers, of which the segment has the highest.
fn segment(segment: &Segment, sliced: bool, product: &Product) -> Derivation {
    let terms = &product.interest;
    let periodic = terms.periodic_rate(segment.apr, segment.from);
    let days = terms.day_basis.counted(segment.from, segment.through);
    let days = if terms.period == Period::Monthly { segment.days() } else { days };
    let monthly = terms.period == Period::Monthly;
    let named = if monthly { "monthly rate" } else { "daily rate" };
    let apr = vec![discount::rate("given", "rate", segment.apr, segment.autopay_discount)];
    let value = Value::Text(rate::to_percent_text(periodic, 10));
    let rule = "yearly rate ÷ the periods of a year (12 CFR 1026.14(b))";
    let inputs = vec![
        Derivation::given("days", Value::Count(days)),
        Derivation::amount("balance", segment.balance),
        Derivation::of(rule, named, value, apr),
    ];
    let label = format!("{} to {}", segment.from, segment.through);
    let tiered = product.features.iter().any(|feature| !feature.tiers.is_empty());
    let shared = if monthly { ", shared out over the days of the cycle" } else { "" };
    let rule = if sliced {
        format!(
            "{days} days × interest of each slice of the balance at the rate of its tier{shared}"
        )
    } else {
        format!("{days} days × balance × {named}{shared}")
    };
    let node = text(&label, segment.numerator, &rule, inputs);
    let exact = !monthly && !tiered && terms.daily_decimals.is_none() && !segment.rounded;
    if exact { node.by(How::Product) } else { node }
}

const fn grace(outcome: GraceOutcome) -> &'static str {
    match outcome {
        GraceOutcome::Charged => "none",
        GraceOutcome::Spared => "the last statement was paid in full by its due date",
        GraceOutcome::Lost => {
            "lost in this cycle; payments by the due date count from its first day"
        }
        GraceOutcome::Regained => "came back in this cycle; its draws are spared",
        GraceOutcome::LostAndRegained => {
            "lost in this cycle for an older statement, so that payments by its due date count from the first day, and came back with the next one; the draws of the cycle are spared"
        }
    }
}

const fn rounding(rounding: Rounding) -> &'static str {
    match rounding {
        Rounding::HalfUp => "half up",
        Rounding::HalfEven => "half to even",
        Rounding::Down => "down",
        Rounding::Up => "up",
    }
}
