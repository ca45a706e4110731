//! What the terms of a line say, in sentences: the same ones wherever they are disclosed.

use credit::{
    BalanceTerms, GraceTold, StatementTerms, Terms,
    product::{
        BalanceMethod, DrawFee, Feature, FeeBracket, FeeTerms, Instalments, LateFeeBase,
        PenaltyRate, PlanFee, PlanFeeBase, Tier, Variable,
    },
};
use money::{Apr, Cents};

use crate::words::{days, listed, long_date, title};

/// The rates of a kind of draw: the one it has, those to come, tiers and promotion.
pub(crate) fn rates(feature: &Feature) -> String {
    let mut own = match feature.tiers.as_slice() {
        [] => match &feature.variable {
            Some(variable) => format!(
                "{}, which varies with the index: the index plus {} points",
                at_opening(variable),
                percent_points(variable.margin)
            ),
            None => feature.apr.unwrap_or(Apr::ZERO).to_string(),
        },
        tiers => {
            let said: Vec<String> = tiers
                .iter()
                .map(|tier| {
                    let over = tier.margin.map(percent_points);
                    let over = over.map(|margin| format!(" (the index plus {margin} points)"));
                    let rate = format!("{}{}", tier_apr(feature, tier), over.unwrap_or_default());
                    match tier.up_to {
                        Some(top) => format!("{rate} on balances up to {top}"),
                        None => format!("{rate} on what is above"),
                    }
                })
                .collect();
            let varies = feature.variable.as_ref().map(|_| ", which vary with the index");
            format!("{}{}", listed(&said), varies.unwrap_or_default())
        }
    };
    for step in &feature.rates {
        own = format!("{own}, from {} {}", long_date(step.from), step.apr);
    }
    let Some(promotion) = &feature.promotion else { return own };
    let of_a_draw = match (promotion.cycles_from_draw, promotion.months_from_draw) {
        (Some(cycles), _) => Some(format!("for {cycles} billing cycles from each draw")),
        (None, Some(months)) => Some(format!("for {months} months from each draw")),
        (None, None) => None,
    };
    let until = match (promotion.through, promotion.cycles) {
        _ if of_a_draw.is_some() => of_a_draw.unwrap_or_default(),
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

/// What automatic payments do to the rates, where they do something.
pub(crate) fn autopay_discount(terms: &Terms) -> Option<String> {
    let discount = terms.product.interest.autopay_discount;
    (discount > Apr::ZERO).then(|| while_they_are_on(discount))
}

/// Told before the first draw and when leave to debit is signed, so that its end is no change in terms.
pub(crate) fn while_they_are_on(discount: Apr) -> String {
    let size = discount.to_string();
    format!(
        "While automatic payments are on, each rate of your contract is {} percentage points lower. When they are off, the \
         discount ends for the days after.",
        size.trim_end_matches('%')
    )
}

/// A variable rate as it stands at the beginning: `clamp(index + margin, floor, cap)`.
pub(crate) fn at_opening(variable: &Variable) -> Apr {
    variable.with(variable.margin, index_at_opening(variable))
}

fn index_at_opening(variable: &Variable) -> Apr {
    variable.index.first().map(|step| step.apr).unwrap_or_default()
}

/// The rate of a tier: where it is a margin over an index, as it stands at the beginning.
pub(crate) fn tier_apr(feature: &Feature, tier: &Tier) -> Apr {
    let index = feature.variable.as_ref().map(index_at_opening).unwrap_or_default();
    tier.apr_at(Some(feature), index)
}

/// `-12500` as `-1.25`.
fn percent_points(margin: i32) -> String {
    let sign = if margin < 0 { "-" } else { "" };
    let size = Apr::from_ppm(margin.unsigned_abs()).to_string();
    format!("{sign}{}", size.trim_end_matches('%'))
}

/// When interest begins (12 CFR 1026.6(b)(2)(v), 1026.7(b)(8)).
pub(crate) fn grace(told: &GraceTold) -> String {
    let names = |of: &[String]| -> Vec<String> { of.iter().map(|name| plain(name)).collect() };
    let (spared, others) = (names(&told.spared), names(&told.charged));
    if spared.is_empty() && others.is_empty() {
        return "No interest is charged on this line.".to_owned();
    }
    if spared.is_empty() {
        return "There is no grace period: interest is charged on each draw from the day on which the funds are made \
                available."
            .to_owned();
    }
    let mut text = format!(
        "Your due date is at least {} after the close of each billing cycle. We do not charge interest on {} if you pay the \
         whole statement balance by the due date each month.",
        days(told.window_days),
        listed(&spared)
    );
    if !others.is_empty() {
        let others = listed(&others);
        text = format!("{text} Interest on {others} is charged from the day of the transaction.");
    }
    text
}

fn plain(name: &str) -> String {
    name.replace('_', " ")
}

/// The name of the balance method, and how it works (12 CFR 1026.6(b)(2)(vi), 1026.7(b)(5)): by kind of draw, where they differ.
pub(crate) fn balance_method(told: &StatementTerms) -> (String, String) {
    let (name, how) = if told.balances.is_empty() {
        method_of(told.balance)
    } else {
        let each = told.balances.iter().map(|one| {
            let ((name, how), of) = (method_of(one.balance), plain(&one.feature));
            (format!("{name} for {of}"), format!("For {of}: {how}"))
        });
        let (names, hows): (Vec<String>, Vec<String>) = each.unzip();
        (listed(&names), hows.join(" "))
    };
    (name, format!("{how} {}", what_bears_interest(told.balance)))
}

fn method_of(interest: BalanceTerms) -> (String, String) {
    let counted = if interest.new_draws { "including" } else { "excluding" };
    let draws = if interest.new_draws {
        "add any new draws and"
    } else {
        "leave out the draws of the cycle and"
    };
    match interest.method {
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
    }
}

fn what_bears_interest(interest: BalanceTerms) -> String {
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
    if interest.compounds_daily {
        text.push_str(" The interest of each day is added to the balance of the next.");
    }
    text
}

/// What a draw of this kind costs.
pub(crate) fn draw_fee(fee: &DrawFee) -> String {
    let share = (fee.percent > Apr::ZERO).then(|| format!("{} of the draw", fee.percent));
    let plus = fee.plus.is_positive().then(|| fee.plus.to_string());
    let parts: Vec<String> = share.into_iter().chain(plus).collect();
    let beyond = match parts.as_slice() {
        [] => fee.least.to_string(),
        parts => bounded(&parts.join(" plus "), fee.least, fee.most),
    };
    let ends = fee.brackets.last().is_some_and(|last| last.up_to.is_some());
    let mut text = match by_size(&fee.brackets, "draws") {
        Some(by_size) if ends => format!("{by_size}; above that {beyond}"),
        Some(by_size) => by_size,
        None => beyond,
    };
    if fee.discount > Apr::ZERO {
        text = format!("{text}, less {}", fee.discount);
    }
    if fee.first_draw_free {
        text.push_str("; none on the first draw");
    }
    text
}

/// What a month of instalments costs beside them, where it costs something.
pub(crate) fn instalment_fee(rule: &Instalments) -> Option<String> {
    let fixed = rule.monthly_fee.is_positive().then(|| rule.monthly_fee.to_string());
    let share = rule.monthly_fee_percent;
    let share = (share > Apr::ZERO).then(|| format!("{share} of the draw"));
    let share = match rule.monthly_fee_percents.as_slice() {
        [] => share,
        [one] => Some(format!("{one} of the draw")),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(Apr::to_string).collect();
            Some(format!("{} and then {last} of the draw", first.join(", ")))
        }
    };
    let parts: Vec<String> = fixed.into_iter().chain(share).collect();
    (!parts.is_empty()).then(|| format!("{} with each payment", parts.join(" plus ")))
}

fn bounded(text: &str, least: Cents, most: Option<Cents>) -> String {
    match (least.is_positive(), most) {
        (true, Some(most)) => format!("{text}, at least {least} and at most {most}"),
        (true, None) => format!("{text}, at least {least}"),
        (false, Some(most)) => format!("{text}, at most {most}"),
        (false, None) => text.to_owned(),
    }
}

/// Amounts by size.
fn by_size(brackets: &[FeeBracket], of: &str) -> Option<String> {
    let said: Vec<String> = brackets
        .iter()
        .map(|bracket| match bracket.up_to {
            Some(top) => format!("{} on {of} up to {top}", bracket.amount),
            None => format!("{} above", bracket.amount),
        })
        .collect();
    (!said.is_empty()).then(|| listed(&said))
}

/// The fees for having the line, each that there is.
pub(crate) fn plan_fees(fees: &FeeTerms) -> Vec<String> {
    fees.plan.iter().chain(&fees.further_plans).filter_map(plan_fee).collect()
}

fn plan_fee(plan: &PlanFee) -> Option<String> {
    let of = match plan.of {
        PlanFeeBase::PrincipalAtCharge => "principal",
        PlanFeeBase::AverageDailyBalance => "the average daily balance",
        PlanFeeBase::CreditLimit => "the credit limit",
    };
    let fixed = by_size(&plan.brackets, of)
        .or_else(|| plan.amount.is_positive().then(|| plan.amount.to_string()));
    let share = (plan.percent > Apr::ZERO).then(|| format!("{} of {of}", plan.percent));
    let parts: Vec<String> = fixed.into_iter().chain(share).collect();
    if parts.is_empty() {
        return None;
    }
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
    let text = bounded(&parts.join(" plus "), plan.least, plan.most);
    Some(format!("{text} {every}{free}"))
}

/// What paying late costs, where it costs something.
pub(crate) fn late_fee(fees: &FeeTerms) -> Option<String> {
    let late = fees.late.as_ref()?;
    let of = match late.percent_of {
        LateFeeBase::UnpaidMinimum => "the minimum that is unpaid",
        LateFeeBase::Minimum => "the minimum",
        LateFeeBase::BilledInterest => "the interest billed on the statement",
    };
    let amounts = late.brackets.iter().map(|bracket| bracket.amount);
    let fixed = amounts.chain([late.amount]).chain(late.repeat_amount).max().unwrap_or_default();
    let fixed = fixed.is_positive().then(|| fixed.to_string());
    let share = (late.percent > Apr::ZERO).then(|| format!("{} of {of}", late.percent));
    let parts: Vec<String> = fixed.into_iter().chain(share).collect();
    if parts.is_empty() {
        return None;
    }
    let most = bounded(&listed_or(&parts), Cents::ZERO, late.most);
    let when = match late.after_days {
        0 => "after the due date".to_owned(),
        days => format!("more than {} after the due date", crate::words::days(days)),
    };
    let capped = match (late.capped_by_unpaid_minimum, late.capped_by_minimum) {
        (true, _) => ", and never more than the minimum that is unpaid",
        (false, true) => ", and never more than the minimum",
        (false, false) => "",
    };
    Some(format!("Up to {most} if the minimum payment arrives {when}{capped}"))
}

/// The rate for who pays late, when it comes and how long it lasts (12 CFR 1026.6(b)(2)(i)(D)(1)).
pub(crate) fn penalty_rate(rule: &PenaltyRate) -> String {
    let late = match rule.after_days_past_due {
        0 => "after its due date".to_owned(),
        count => format!("more than {} after its due date", days(count)),
    };
    let noticed = match rule.notice_days {
        0 => String::new(),
        count => format!(", {} after we tell you", days(count)),
    };
    let to = match rule.features.as_slice() {
        [] => "your balances".to_owned(),
        named => listed(&named.iter().map(|name| plain(name)).collect::<Vec<_>>()),
    };
    let spared = if rule.spares_promotions { " Promotional rates stay." } else { "" };
    let how_long = match (rule.cured_after_minimums, rule.cured_at_once_or_never) {
        (None, _) => "for good".to_owned(),
        (Some(0 | 1), _) => "until you pay a minimum payment in time".to_owned(),
        (Some(count), false) => format!("until you pay {count} minimum payments in a row in time"),
        (Some(count), true) => format!(
            "until you have paid the first {count} minimum payments after it came, each in time; otherwise for good"
        ),
    };
    format!(
        "{}. It may apply to {to} if a minimum payment is still unpaid {late}{noticed}.{spared} It applies {how_long}.",
        rule.apr
    )
}

/// What a balance above the limit costs, where it costs something.
pub(crate) fn over_limit_fee(fees: &FeeTerms) -> Option<String> {
    let fee = fees.over_limit.as_ref().filter(|fee| fee.amount.is_positive())?;
    Some(format!("Up to {}", fee.amount))
}

/// What a returned payment costs.
pub(crate) fn returned_fee(fees: &FeeTerms) -> String {
    let most = fees.returned_payment.max(fees.returned_payment_repeat.unwrap_or_default());
    if most.is_positive() { format!("Up to {most}") } else { "None".to_owned() }
}

pub(crate) fn listed_or(items: &[String]) -> String {
    match items {
        [most @ .., last] if !most.is_empty() => format!("{} or {last}", most.join(", ")),
        items => items.concat(),
    }
}

/// `Draws`, as a row names a kind of draw.
pub(crate) fn feature(name: &str) -> String {
    title(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instalments_say_what_each_payment_costs_beside_it() {
        let (months, monthly_fee_percent) = (12, Apr::from_ppm(5_000));
        let rule = |cents| Instalments {
            months,
            payment_percent: None,
            payment_rounded_up_to: Cents::ZERO,
            monthly_fee: Cents::new(cents),
            monthly_fee_percent,
            monthly_fee_percents: Vec::new(),
        };
        let share = format!("{monthly_fee_percent} of the draw with each payment");
        assert_eq!(instalment_fee(&rule(450)), Some(format!("$4.50 plus {share}")));
        assert_eq!(instalment_fee(&rule(0)), Some(share));
        let free = Instalments { monthly_fee_percent: Apr::ZERO, ..rule(0) };
        assert_eq!(instalment_fee(&free), None);
        let [high, low] = [30_000, 10_000].map(Apr::from_ppm);
        let months = Instalments { monthly_fee_percents: vec![high, high, low], ..free };
        let said = format!("{high}, {high} and then {low} of the draw with each payment");
        assert_eq!(instalment_fee(&months), Some(said));
    }
}
