//! Questions about tomorrow: payoff, draw, what a return costs.

use chrono::NaiveDate;
use money::Cents;
use serde::Serialize;

use crate::{
    CreditError, Derivation, LineEvent, LineStatus, Position, Refusal, derivation::Value,
    draw_fees::draw_fee, payoff::payoff, replay::replay,
};

/// What pays the line off on a day, if nothing else happens until then (V20).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PayoffQuote {
    pub on: NaiveDate,
    /// The last day on which this amount pays the line off.
    pub good_through_on: NaiveDate,
    /// Negative where the lender owes the customer.
    #[serde(rename = "payoff_cents")]
    pub payoff: Cents,
    /// Dollars with four decimals: what each further day costs.
    pub per_diem: String,
    #[serde(rename = "principal_cents")]
    pub principal: Cents,
    #[serde(rename = "billed_interest_cents")]
    pub billed_interest: Cents,
    #[serde(rename = "fees_cents")]
    pub fees: Cents,
    /// Through the day before; where the method prices the whole cycle or little is waived, what the close will bill.
    #[serde(rename = "accrued_interest_cents")]
    pub accrued_interest: Cents,
    #[serde(rename = "credit_balance_cents")]
    pub credit_balance: Cents,
    pub derivation: Derivation,
}

/// Quotes the payoff on the day `on`: today or later.
pub fn quote_payoff(events: &[LineEvent], on: NaiveDate) -> Result<PayoffQuote, CreditError> {
    let position = replay(events, on)?;
    let part = |label: &str, value: Cents| Derivation::given(label, Value::Cents(value));
    let payoff = payoff(events, on)?;
    let at_close = payoff - position.total_owed;
    let interest = position.accrued_interest + at_close;
    let accrued = interest_of(crate::explain::accrued(&position), interest, at_close);
    let derivation = Derivation::sum(
        "payoff: principal + billed interest + fees + interest accrued to the day before − credit balance (no grace period: docs/engine.md)",
        &format!("payoff on {on}"),
        payoff,
        vec![
            part("principal", position.principal_balance),
            part("billed interest", position.billed_interest),
            part("fees", position.all_fees()),
            accrued,
            part("credit balance", -position.credit_balance),
        ],
    );
    Ok(PayoffQuote {
        on,
        good_through_on: on,
        payoff,
        per_diem: position.per_diem(),
        principal: position.principal_balance,
        billed_interest: position.billed_interest,
        fees: position.all_fees(),
        accrued_interest: interest,
        credit_balance: position.credit_balance,
        derivation,
    })
}

/// What accrued, and what the close will make of it once the line is paid off.
fn interest_of(accrued: Derivation, interest: Cents, at_close: Cents) -> Derivation {
    if at_close.is_zero() {
        return accrued;
    }
    let rule = "interest that the close of the cycle bills when all is paid on the day";
    let further = "by the method of the whole cycle, its least charge or what is waived";
    let further = Derivation::amount(further, at_close);
    Derivation::sum(rule, "accrued interest", interest, vec![accrued, further])
}

/// A draw that is permitted, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DrawQuote {
    #[serde(rename = "amount_cents")]
    pub amount: Cents,
    #[serde(rename = "fee_cents")]
    pub fee: Cents,
    #[serde(rename = "available_after_cents")]
    pub available_after: Cents,
}

/// Whether `amount` may be drawn today, and at what fee.
pub fn quote_draw(
    position: &Position,
    feature: Option<&str>,
    amount: Cents,
) -> Result<DrawQuote, Refusal> {
    let limits = &position.terms.product.limits;
    let over = position.repayment_from.filter(|from| *from <= position.on);
    match (position.status, over) {
        (LineStatus::Closed, _) => return Err(Refusal::Closed),
        (_, Some(from)) => return Err(Refusal::DrawPeriodOver { from }),
        _ if position.lateness_stops_draws() => return Err(Refusal::PastDue),
        (LineStatus::Frozen, _) => return Err(Refusal::Frozen),
        (LineStatus::Open, _) => {}
    }
    if amount < limits.least_draw.max(Cents::new(1)) {
        return Err(Refusal::BelowLeastDraw { least: limits.least_draw.max(Cents::new(1)) });
    }
    let open = position.principal_balance.is_positive() || position.draws_held.is_positive();
    if limits.one_open_draw && open {
        return Err(Refusal::DrawStillOpen);
    }
    let available = drawable(position);
    if amount > available {
        return Err(Refusal::OverAvailable { available });
    }
    if let Some(most) = limits.most_per_day
        && position.drawn_today + amount > most
    {
        return Err(Refusal::OverDailyAmount { most });
    }
    if let Some(most) = limits.most_draws_per_day
        && position.draws_today >= most
    {
        return Err(Refusal::OverDailyCount { most });
    }
    let fee = draw_fee(position, feature, amount);
    Ok(DrawQuote { amount, fee, available_after: available - amount })
}

/// What a draw can come to at most: a credit balance is used first, and only once, whatever is held already.
fn drawable(position: &Position) -> Cents {
    let charges = if position.terms.product.limits.charges_use_limit {
        position.billed_interest + position.all_fees()
    } else {
        Cents::ZERO
    };
    let used = position.principal_balance + charges + position.held_credit;
    let final_credit = position.credit_balance - position.held_credit_balance;
    (position.credit_limit + final_credit - used).or_zero()
}

/// The fee of a payment that came back today.
#[must_use]
pub fn returned_payment_fee(position: &Position) -> Cents {
    let terms = &position.terms.product.fees;
    let cycle = position.cycle.number;
    let again = position
        .returned_in
        .iter()
        .any(|returned| returned + terms.returned_payment_repeat_within_cycles >= cycle);
    let fee = match terms.returned_payment_repeat {
        Some(repeat) if again => repeat,
        _ => terms.returned_payment,
    };
    if position.fees_barred || terms.one_penalty_per_event && position.late_fee_of_this_statement()
    {
        return Cents::ZERO;
    }
    let last = position.last_statement.as_ref().map(|statement| statement.minimum_due);
    let most = last.unwrap_or(position.minimum_due);
    if terms.returned_payment_capped_by_minimum { fee.min(most) } else { fee }
}
