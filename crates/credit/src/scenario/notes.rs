//! What a reader of a report should know of the file: what was left out of it, what was taken as a fact although the product or
//! the law would not have it so. Nothing here changes a figure.

use chrono::NaiveDate;
use money::Apr;

use super::{DatedEvent, ScenarioLine};
use crate::{
    AppliesTo, LineEventBody, Position, Product, Refusal,
    product::{Feature, GraceKind, PrincipalOrder, Regime},
    quote_draw,
};

/// Of the file as such.
pub(super) fn of_line(given: &ScenarioLine, as_of: NaiveDate) -> Vec<String> {
    let mut notes = departures(&given.terms.product, !given.terms.cycles.due_on.is_empty());
    notes.extend(lowered(&given.terms.product));
    notes.extend(given.unused_apr.map(|apr| {
        format!("`apr` of the line, {apr}, is the rate of no feature: each one states its own")
    }));
    let later: Vec<String> = given
        .events
        .iter()
        .filter(|event| event.recorded_on > as_of)
        .map(|event| format!("line {} ({})", event.line, event.recorded_on))
        .collect();
    if !later.is_empty() {
        let events = later.join(", ");
        notes.push(format!("after `as_of` {as_of}, and so no part of this report: {events}"));
    }
    notes
}

/// Of an event on the day on which it is recorded; `before` is the line before it.
pub(super) fn of_event(
    event: &DatedEvent,
    body: &LineEventBody,
    before: &Position,
) -> Option<String> {
    let line = event.line;
    match body {
        LineEventBody::Drew { feature, amount, .. } => {
            let refusal = quote_draw(before, feature.as_deref(), *amount).err()?;
            // What was held is set aside for the very draw.
            let held = matches!(
                refusal,
                Refusal::DrawStillOpen
                    | Refusal::OverAvailable { .. }
                    | Refusal::DrawPeriodOver { .. }
            );
            if held && before.draws_held.is_positive() {
                return None;
            }
            Some(format!(
                "line {line}: the product refuses this draw ({refusal}); it is taken as a fact"
            ))
        }
        LineEventBody::RateChanged { feature, apr, applies_to, notice } => {
            let rises = before.features.iter().any(|one| {
                let named = feature.as_ref().is_none_or(|name| one.name.starts_with(name.as_str()));
                named && one.apr < *apr
            });
            let card = before.terms.product.regime == Regime::Card;
            match notice {
                _ if before.terms.product.limits.apr_cap.is_some_and(|cap| *apr > cap) => {
                    let cap = before.terms.product.limits.apr_cap.unwrap_or_default();
                    Some(above_cap(&format!("line {line}: the rate"), *apr, cap))
                }
                _ if !rises => None,
                None => Some(format!(
                    "line {line}: the rate rises without `notice_on` or `exception` (12 CFR 1026.9(c)(2)); it is taken as a change that the contract itself makes"
                )),
                Some(notice)
                    if card
                        && *applies_to == AppliesTo::AllBalances
                        && notice.exception.is_none() =>
                {
                    Some(format!(
                        "line {line}: on a card the rate of what is owed already may not rise for a change of terms (12 CFR 1026.55(a)); `new_draws` would leave it"
                    ))
                }
                Some(_) => None,
            }
        }
        LineEventBody::CreditBalanceRefunded { amount } if *amount > before.credit_balance => {
            Some(format!(
                "line {line}: more is refunded than the credit balance of {}; the rest is owed as principal",
                before.credit_balance
            ))
        }
        _ => None,
    }
}

/// Rates that the product's cap lowers.
fn lowered(product: &Product) -> Vec<String> {
    let Some(cap) = product.limits.apr_cap else { return Vec::new() };
    let of_feature = |feature: &Feature| {
        let written =
            feature.apr.filter(|_| feature.variable.is_none() && feature.tiers.is_empty());
        let later = feature.rates.iter().map(|step| step.apr);
        let tiers = feature.tiers.iter().filter_map(|tier| tier.apr);
        let highest = written.into_iter().chain(later).chain(tiers).max()?;
        (highest > cap).then(|| above_cap(&format!("the rate of {}", feature.name), highest, cap))
    };
    product.features.iter().filter_map(of_feature).collect()
}

fn above_cap(what: &str, apr: Apr, cap: Apr) -> String {
    format!("{what}, {apr}, is above `limits.apr_cap` and lowered to it, {cap}")
}

/// What the law of the regime asks for and the product does not have.
fn departures(product: &Product, due_dates_listed: bool) -> Vec<String> {
    let dates = &product.dates;
    let grace = product.grace.kind == GraceKind::PaidInFull;
    let card = product.regime == Regime::Card;
    let window = if card || grace { 21 } else { 14 };
    let mut found = vec![(
        dates.statement_window_days < window,
        "12 CFR 1026.5(b)(2)(ii): `dates.statement_window_days` is 21 at least on a card or where there is grace, else 14",
    )];
    if card {
        found.extend(card_departures(product));
        found.push((
            dates.due_day.is_none() && !due_dates_listed,
            "12 CFR 1026.7(b)(11): a card's due date is the same day of each month: state `dates.due_day`, or `due_on` of the line",
        ));
    }
    let told = found.into_iter().filter(|(departs, _)| *departs);
    told.map(|(_, law)| format!("not as the law has it: {law}")).collect()
}

fn card_departures(product: &Product) -> Vec<(bool, &'static str)> {
    let (grace, fees, waterfall) = (&product.grace, &product.fees, &product.waterfall);
    let late = fees.late.as_ref();
    let penalty = product.penalty_rate.as_ref().filter(|rule| rule.apr > Apr::ZERO);
    let promotions = product.features.iter().filter_map(|feature| feature.promotion);
    let lost = |days: u32| (1..60).contains(&days);
    vec![
        (
            product.dates.change_notice_days < 45,
            "12 CFR 1026.9(c)(2): notice of a change is given 45 days ahead (`dates.change_notice_days`)",
        ),
        (
            grace.kind == GraceKind::PaidInFull && !grace.credits_partial_payment,
            "12 CFR 1026.54(a)(1)(ii): what was paid within grace bears no interest (`grace.credits_partial_payment`)",
        ),
        (
            product.features.len() > 1 && waterfall.excess_order != PrincipalOrder::HighestApr,
            "12 CFR 1026.53(a): above the minimum a payment goes to the highest rate first (`waterfall.excess_order`)",
        ),
        (
            late.is_some_and(|late| !late.capped_by_minimum && !late.capped_by_unpaid_minimum),
            "12 CFR 1026.52(b)(2)(i)(A): a late fee is never above the minimum (`late.capped_by_minimum`)",
        ),
        (
            fees.returned_payment.is_positive() && !fees.returned_payment_capped_by_minimum,
            "12 CFR 1026.52(b)(2)(i)(A): a returned-payment fee is never above the minimum (`fees.returned_payment_capped_by_minimum`)",
        ),
        (
            late.is_some() && fees.returned_payment.is_positive() && !fees.one_penalty_per_event,
            "12 CFR 1026.52(b)(2)(ii): one event costs one penalty fee (`fees.one_penalty_per_event`)",
        ),
        (
            fees.over_limit.is_some_and(|rule| !rule.capped_by_excess),
            "12 CFR 1026.52(b)(2)(i)(A): an over-limit fee is never above the excess (`over_limit.capped_by_excess`)",
        ),
        (
            penalty.is_some_and(|rule| rule.after_days_past_due < 60),
            "12 CFR 1026.55(b)(4): no penalty rate on what is owed before a minimum is 60 days late (`penalty_rate.after_days_past_due`)",
        ),
        (
            penalty.is_some_and(|rule| rule.notice_days < 45),
            "12 CFR 1026.9(g): notice of a penalty rate is given 45 days ahead (`penalty_rate.notice_days`)",
        ),
        (
            penalty.is_some_and(|rule| rule.cured_after_minimums.is_none_or(|count| count > 6)),
            "12 CFR 1026.55(b)(4)(ii): six minimums in time end a penalty rate (`penalty_rate.cured_after_minimums`)",
        ),
        (
            promotions.into_iter().any(|one| one.lost_when_days_past_due.is_some_and(lost)),
            "12 CFR 1026.55(b)(4): a promotional rate is not lost before a minimum is 60 days late (`promotion.lost_when_days_past_due`)",
        ),
    ]
}
