//! Derivations of the figures of a position.

use money::Cents;

use crate::{
    Allocation, CycleRecord, Derivation, InterestLine, Position, Segment, Statement,
    derivation::Value,
    interest::GraceOutcome,
    minimum::Minimum,
    product::{BalanceMethod, Compounding, Period, Product},
    rate,
};

/// Interest of the open cycle through the day before.
pub(crate) fn accrued(position: &Position) -> Derivation {
    let inputs = position
        .features
        .iter()
        .map(|feature| {
            Derivation::cents(
                "daily balances × daily rate since the cycle began, rounded once",
                &format!("accrued on {}", feature.name),
                feature.accrued_interest,
                vec![
                    Derivation::given("principal", Value::Cents(feature.principal)),
                    Derivation::given("rate", Value::AprPpm(feature.apr)),
                    Derivation::given("from", Value::Date(position.cycle.starts_on)),
                ],
            )
        })
        .collect();
    Derivation::cents(
        "interest of the open cycle through the day before, not yet billed",
        "accrued interest",
        position.accrued_interest,
        inputs,
    )
}

/// Interest that a closed cycle bills.
#[must_use]
pub fn interest(record: &CycleRecord, product: &Product) -> Derivation {
    let lines = record.interest.iter().map(|line| interest_line(line, product)).collect();
    let total = record.interest.iter().map(|line| line.amount).sum();
    Derivation::cents(
        "sum over features; one rounding per feature and cycle (12 CFR 1026.7(b)(6)(ii); rounding: docs/engine.md)",
        &format!(
            "interest of cycle {} ({} to {})",
            record.number, record.starts_on, record.closes_on
        ),
        total,
        lines,
    )
}

fn interest_line(line: &InterestLine, product: &Product) -> Derivation {
    let terms = &product.interest;
    let mut inputs: Vec<_> = line.segments.iter().map(|one| segment(one, product)).collect();
    if line.deferred > 0 {
        inputs.push(Derivation::of(
            "interest at the contract rate since the promotion began, which was not paid off",
            "deferred interest",
            Value::Text(format!("${}", rate::to_dollar_text(line.deferred, 8))),
            Vec::new(),
        ));
    }
    inputs.push(Derivation::of(
        "as the method below has it, before rounding",
        "unrounded",
        Value::Text(format!("${}", rate::to_dollar_text(line.numerator, 8))),
        Vec::new(),
    ));
    inputs
        .push(Derivation::given("balance subject to interest", Value::Cents(line.average_balance)));
    inputs.push(Derivation::given("grace", Value::Text(grace(line.grace).to_owned())));
    let method = match (terms.balance, terms.period) {
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
    };
    let compounded =
        if terms.compounding == Compounding::Daily { ", compounded daily" } else { "" };
    Derivation::cents(
        &format!("{method}{compounded}, rounded {}", rounding(terms.rounding)),
        &format!("interest on {}", line.feature),
        line.amount,
        inputs,
    )
}

fn segment(segment: &Segment, product: &Product) -> Derivation {
    let terms = &product.interest;
    let periodic = terms.rate_of(segment.apr, segment.from);
    let named = if terms.period == Period::Monthly { "monthly rate" } else { "daily rate" };
    Derivation::of(
        &format!("{} days × balance × {named}", segment.days()),
        &format!("{} to {}", segment.from, segment.through),
        Value::Text(format!("${}", rate::to_dollar_text(segment.numerator, 8))),
        vec![
            Derivation::given("days", Value::Count(segment.days())),
            Derivation::given("balance", Value::Cents(segment.balance)),
            Derivation::given("rate", Value::AprPpm(segment.apr)),
            Derivation::given(named, Value::Text(rate::to_percent_text(periodic, 6))),
        ],
    )
}

const fn grace(outcome: GraceOutcome) -> &'static str {
    match outcome {
        GraceOutcome::Charged => "none",
        GraceOutcome::Spared => "the last statement was paid in full by its due date",
        GraceOutcome::Lost => {
            "lost in this cycle; payments by the due date count from its first day"
        }
        GraceOutcome::Regained => "came back in this cycle; its draws are spared",
    }
}

const fn rounding(rounding: money::Rounding) -> &'static str {
    match rounding {
        money::Rounding::HalfUp => "half up",
        money::Rounding::HalfEven => "half to even",
        money::Rounding::Down => "down",
        money::Rounding::Up => "up",
    }
}

/// The minimum of a closed cycle.
#[must_use]
pub fn minimum(minimum: &Minimum) -> Derivation {
    let inputs = &minimum.inputs;
    let given = |label: &str, value: Cents| Derivation::given(label, Value::Cents(value));
    let arms = minimum
        .arms
        .iter()
        .enumerate()
        .map(|(at, arm)| given(&format!("arm {} of the formula", at + 1), *arm))
        .collect();
    Derivation::cents(
        "min(total owed, max(arms) + what the product adds + past due) (the product's terms: products/, docs/engine.md)",
        "minimum due",
        minimum.due,
        vec![
            Derivation::cents(
                "the largest arm, and what the product adds to it",
                "before past due",
                minimum.base,
                arms,
            ),
            given("principal", inputs.principal),
            given("new balance", inputs.new_balance),
            given("interest billed on this statement", inputs.interest),
            given("draw and plan fees billed on this statement", inputs.fees),
            given("penalty fees billed on this statement", inputs.penalty_fees),
            given("over the limit", inputs.over_limit),
            given("past due", inputs.past_due),
            given("disputed, and held out of all the rest", inputs.disputed),
            given("total owed", inputs.total_owed),
        ],
    )
}

/// The new balance of a statement.
#[must_use]
pub fn new_balance(statement: &Statement) -> Derivation {
    let given = |label: &str, value: Cents| Derivation::given(label, Value::Cents(value));
    Derivation::cents(
        "previous − payments and credits + draws + fees + interest ± adjustments (12 CFR 1026.7(b))",
        &format!("new balance of statement {}", statement.number),
        statement.new_balance,
        vec![
            given("previous balance", statement.previous_balance),
            given("payments and credits", -statement.payments_total),
            given("draws", statement.draws_total),
            given("fees", statement.fees_total),
            given("interest", statement.interest_total),
            given("adjustments", statement.adjustments_total),
        ],
    )
}

/// How a payment was split.
#[must_use]
pub fn allocation(allocation: &Allocation) -> Derivation {
    let parts = allocation
        .parts
        .iter()
        .map(|part| Derivation::given(&part.to.label(), Value::Cents(part.amount)))
        .collect();
    Derivation::cents(
        "waterfall of the product's terms, in this order (products/, docs/engine.md)",
        &format!("payment effective {}", allocation.effective_on),
        allocation.amount,
        parts,
    )
}

impl Position {
    /// The derivation of a figure by name; `None` where there is none of that name.
    ///
    /// `interest`, `minimum_due` (last closed cycle), `cycle.N.interest`, `cycle.N.minimum_due`, `accrued_interest`,
    /// `total_owed`, `late_fee.N`, `allocation.N` (N: the `seq` of the payment).
    #[must_use]
    pub fn explain(&self, figure: &str) -> Option<Derivation> {
        let product = &self.terms.product;
        let record = |number: &str| {
            let number = number.parse::<u32>().ok()?;
            self.cycles.iter().find(|record| record.number == number)
        };
        match figure.split('.').collect::<Vec<_>>().as_slice() {
            ["interest"] => self.cycles.last().map(|record| interest(record, product)),
            ["minimum_due"] => self.cycles.last().map(|record| minimum(&record.minimum)),
            ["cycle", number, "interest"] => record(number).map(|one| interest(one, product)),
            ["cycle", number, "minimum_due"] => record(number).map(|one| minimum(&one.minimum)),
            ["accrued_interest"] => Some(accrued(self)),
            ["total_owed"] => Some(self.explain_total()),
            ["late_fee", number] => self.explain_late_fee(number.parse().ok()?),
            ["allocation", seq] => {
                let seq = seq.parse::<u64>().ok()?;
                self.allocations.iter().find(|one| one.seq == seq).map(allocation)
            }
            _ => None,
        }
    }

    fn explain_total(&self) -> Derivation {
        let given = |label: &str, value: Cents| Derivation::given(label, Value::Cents(value));
        Derivation::cents(
            "principal + billed interest + fees + accrued interest − credit balance",
            &format!("owed on {}", self.on),
            self.total_owed,
            vec![
                given("principal", self.principal_balance),
                given("billed interest", self.billed_interest),
                given("draw and plan fees", self.fees),
                given("penalty fees", self.penalty_fees),
                accrued(self),
                given("credit balance", -self.credit_balance),
            ],
        )
    }

    fn explain_late_fee(&self, cycle: u32) -> Option<Derivation> {
        let fee = self.late_fees.iter().find(|fee| fee.cycle == cycle)?;
        Some(Derivation::cents(
            "the fee, never above the product's caps, once per cycle, at the start of the day after the grace days (products/; the cap: 12 CFR 1026.52(b)(2)(i)(A))",
            &format!("late fee of statement {cycle}"),
            fee.amount,
            vec![
                Derivation::given("fee before its caps", Value::Cents(fee.uncapped)),
                Derivation::given("unpaid minimum", Value::Cents(fee.unpaid_minimum)),
                Derivation::given("charged on", Value::Date(fee.on)),
            ],
        ))
    }
}
