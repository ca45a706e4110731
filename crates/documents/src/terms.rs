//! What the terms of a line say, in sentences: the same ones wherever they are disclosed.

use credit::{
    Terms,
    product::{
        BalanceMethod, Compounding, DrawFee, Feature, FeeTerms, GraceKind, MinimumArm, MinimumBase,
    },
};
use money::{Apr, Cents};

use crate::words::{days, listed, long_date, title};

/// The rates of a kind of draw: the one it has, those to come, tiers and promotion.
pub(crate) fn rates(feature: &Feature) -> String {
    let mut own = match feature.tiers.as_slice() {
        [] => feature.apr.unwrap_or(Apr::ZERO).to_string(),
        tiers => {
            let said: Vec<String> = tiers
                .iter()
                .map(|tier| match tier.up_to {
                    Some(top) => format!("{} on balances up to {top}", tier.apr),
                    None => format!("{} on what is above", tier.apr),
                })
                .collect();
            listed(&said)
        }
    };
    for step in &feature.rates {
        own = format!("{own}, from {} {}", long_date(step.from), step.apr);
    }
    let Some(promotion) = &feature.promotion else { return own };
    let until = match (promotion.through, promotion.cycles) {
        (Some(through), _) => format!("through {}", long_date(through)),
        (None, Some(1)) => "for the first billing cycle".to_owned(),
        (None, Some(cycles)) => format!("for the first {cycles} billing cycles"),
        (None, None) => "at first".to_owned(),
    };
    let deferred = if promotion.deferred {
        " If the balance is not paid in full by then, interest at the later rate is charged from the day of the draw."
    } else {
        ""
    };
    format!("{} {until}; after that {own}.{deferred}", promotion.apr)
}

/// When interest begins (12 CFR 1026.6(b)(2)(v), 1026.7(b)(8)).
pub(crate) fn grace(terms: &Terms) -> String {
    let product = &terms.product;
    let charged: Vec<&Feature> =
        product.features.iter().filter(|one| bears_interest(one)).collect();
    if charged.is_empty() {
        return "No interest is charged on this line.".to_owned();
    }
    let names = |spared: bool| -> Vec<String> {
        charged.iter().filter(|one| one.grace == spared).map(|one| plain(&one.name)).collect()
    };
    let (spared, others) = (names(true), names(false));
    if product.grace.kind == GraceKind::None || spared.is_empty() {
        return "There is no grace period: interest is charged on each draw from the day on which the funds are made \
                available."
            .to_owned();
    }
    let mut text = format!(
        "Your due date is at least {} after the close of each billing cycle. We do not charge interest on {} if you pay the \
         whole statement balance by the due date each month.",
        days(product.dates.statement_window_days),
        listed(&spared)
    );
    if !others.is_empty() {
        let others = listed(&others);
        text = format!("{text} Interest on {others} is charged from the day of the transaction.");
    }
    text
}

/// Whether any draw on the line can cost interest.
pub(crate) fn has_interest(terms: &Terms) -> bool {
    terms.product.features.iter().any(bears_interest)
}

fn bears_interest(feature: &Feature) -> bool {
    let later = feature.rates.iter().map(|step| step.apr);
    let tiers = feature.tiers.iter().map(|tier| tier.apr);
    feature.apr.into_iter().chain(later).chain(tiers).any(|apr| apr > Apr::ZERO)
}

fn plain(name: &str) -> String {
    name.replace('_', " ")
}

/// The name of the balance method, and how it works (12 CFR 1026.6(b)(2)(vi), 1026.7(b)(5)).
pub(crate) fn balance_method(terms: &Terms) -> (String, String) {
    let interest = &terms.product.interest;
    let counted = if interest.new_draws { "including" } else { "excluding" };
    let draws = if interest.new_draws {
        "add any new draws and"
    } else {
        "leave out the draws of the cycle and"
    };
    let (name, how) = match interest.balance {
        BalanceMethod::DailyBalance => (
            format!("daily balance ({counted} current transactions)"),
            format!(
                "We figure the interest charge by applying the periodic rate to the daily balance of your line for each day \
                 of the billing cycle. To get the daily balance we take the beginning balance of each day, {draws} subtract \
                 any payments and credits."
            ),
        ),
        BalanceMethod::AverageDailyBalance => (
            format!("average daily balance ({counted} new transactions)"),
            format!(
                "We figure the interest charge by applying the periodic rate to the average daily balance of your line. To \
                 get it we take the beginning balance of each day, {draws} subtract any payments and credits; then we add \
                 up the daily balances and divide by the number of days in the billing cycle."
            ),
        ),
        BalanceMethod::PreviousBalance => (
            "previous balance".to_owned(),
            "We figure the interest charge on the balance at the beginning of the billing cycle."
                .to_owned(),
        ),
        BalanceMethod::AdjustedBalance => (
            "adjusted balance".to_owned(),
            "We figure the interest charge on the balance at the beginning of the billing cycle less the payments and \
             credits received during it."
                .to_owned(),
        ),
        BalanceMethod::EndingBalance => (
            "ending balance".to_owned(),
            "We figure the interest charge on the balance at the end of the billing cycle.".to_owned(),
        ),
    };
    (name, format!("{how} {}", what_bears_interest(terms)))
}

fn what_bears_interest(terms: &Terms) -> String {
    let interest = &terms.product.interest;
    let mut bearing = Vec::new();
    if interest.on_billed_interest {
        bearing.push("unpaid interest".to_owned());
    }
    if interest.on_fees {
        bearing.push("unpaid fees".to_owned());
    }
    let mut text = if bearing.is_empty() {
        "Unpaid interest and fees do not bear interest.".to_owned()
    } else {
        format!("The balance includes {}.", listed(&bearing))
    };
    if interest.compounding == Compounding::Daily {
        text.push_str(" The interest of each day is added to the balance of the next.");
    }
    text
}

/// What a draw of this kind costs.
pub(crate) fn draw_fee(fee: &DrawFee) -> String {
    let mut text = match (fee.percent > Apr::ZERO, fee.least.is_positive(), fee.most) {
        (true, true, Some(most)) => {
            format!("{} of the draw, at least {} and at most {most}", fee.percent, fee.least)
        }
        (true, true, None) => format!("{} of the draw, at least {}", fee.percent, fee.least),
        (true, false, Some(most)) => format!("{} of the draw, at most {most}", fee.percent),
        (true, false, None) => format!("{} of the draw", fee.percent),
        (false, ..) => fee.least.to_string(),
    };
    if fee.discount > Apr::ZERO {
        text = format!("{text}, less {}", fee.discount);
    }
    if fee.first_draw_free {
        text.push_str("; none on the first draw");
    }
    text
}

/// The fee for having the line, where there is one.
pub(crate) fn plan_fee(fees: &FeeTerms) -> Option<String> {
    let plan = fees.plan.as_ref().filter(|plan| plan.amount.is_positive())?;
    let every = match plan.every_cycles {
        0 | 1 => "each billing cycle".to_owned(),
        12 => "each year".to_owned(),
        cycles => format!("every {cycles} billing cycles"),
    };
    let free = match plan.free_cycles {
        0 => String::new(),
        1 => "; none for the first billing cycle".to_owned(),
        cycles => format!("; none for the first {cycles} billing cycles"),
    };
    Some(format!("{} {every}{free}", plan.amount))
}

/// What paying late costs, where it costs something.
pub(crate) fn late_fee(fees: &FeeTerms) -> Option<String> {
    let late = fees.late.as_ref().filter(|late| late.amount.is_positive())?;
    let most = late.repeat_amount.map_or(late.amount, |repeat| repeat.max(late.amount));
    let when = match late.after_days {
        0 => "after the due date".to_owned(),
        days => format!("more than {} after the due date", crate::words::days(days)),
    };
    let capped = if late.capped_by_unpaid_minimum {
        ", and never more than the minimum that is unpaid"
    } else {
        ""
    };
    Some(format!("Up to {most} if the minimum payment arrives {when}{capped}"))
}

/// What a returned payment costs.
pub(crate) fn returned_fee(fees: &FeeTerms) -> String {
    if fees.returned_payment.is_positive() {
        format!("Up to {}", fees.returned_payment)
    } else {
        "None".to_owned()
    }
}

/// How the minimum payment is figured.
pub(crate) fn minimum(terms: &Terms) -> String {
    let minimum = &terms.product.minimum;
    let arms: Vec<String> = minimum.arms.iter().map(arm).collect();
    let mut text = match arms.as_slice() {
        [one] => format!("The minimum payment is {one}"),
        arms => format!("The minimum payment is the greater of {}", listed_or(arms)),
    };
    if minimum.add_past_due {
        text.push_str(", plus any amount past due");
    }
    if minimum.add_over_limit {
        text.push_str(", plus any amount over the credit limit");
    }
    text.push_str("; it is never more than what you owe.");
    text
}

fn listed_or(items: &[String]) -> String {
    match items {
        [most @ .., last] if !most.is_empty() => format!("{} or {last}", most.join(", ")),
        items => items.concat(),
    }
}

fn arm(arm: &MinimumArm) -> String {
    let of = match arm.of {
        MinimumBase::Principal => "principal",
        MinimumBase::NewBalance => "the new balance",
        MinimumBase::NewBalanceLessCharges => "the new balance less its interest and fees",
    };
    let share = match (arm.percent > Apr::ZERO, arm.one_of) {
        (true, _) if arm.percent == Apr::from_ppm(1_000_000) => Some(of.to_owned()),
        (true, _) => Some(format!("{} of {of}", arm.percent)),
        (false, Some(parts)) => Some(format!("one part in {parts} of {of}")),
        (false, None) => None,
    };
    let amount = arm.amount.is_positive().then(|| arm.amount.to_string());
    let charges = [
        (arm.plus_interest, "interest"),
        (arm.plus_fees, "fees"),
        (arm.plus_penalty_fees, "penalty fees"),
    ];
    let added: Vec<String> = charges
        .into_iter()
        .filter(|(plus, _)| *plus)
        .map(|(_, what)| format!("the {what} billed on the statement"))
        .collect();
    let mut parts: Vec<String> = amount.into_iter().chain(share).collect();
    parts.extend(added);
    if parts.is_empty() { Cents::ZERO.to_string() } else { parts.join(" plus ") }
}

/// `Draws`, as a row names a kind of draw.
pub(crate) fn feature(name: &str) -> String {
    title(name)
}
