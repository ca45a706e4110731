//! How the minimum payment is figured, in sentences: while draws can be made, and in the repayment period (12 CFR 1026.40(d)(5) has
//! the payment terms of both told where a dwelling secures the line; told of every line here).

use chrono::NaiveDate;
use credit::{
    Terms,
    product::{MinimumArm, MinimumBase, MinimumTerms},
};
use money::{Apr, Cents};

use crate::{terms::listed_or, words::long_date};

/// How the minimum payment is figured; nothing where one sentence does not say it.
pub(crate) fn minimum(terms: &Terms) -> Option<String> {
    formula(&terms.product.minimum, "The minimum payment").as_deref().map(finished)
}

/// When draws end, and what each statement asks for from then on.
pub(crate) fn repayment(terms: &Terms, opened_on: NaiveDate) -> Option<String> {
    let rule = terms.product.repayment.as_ref()?;
    let from = terms.repayment_begins_on(opened_on)?;
    let mut text = match from.pred_opt().filter(|last| *last >= opened_on) {
        Some(last) => format!(
            "You can draw through {}. The repayment period begins on {}: from that day on there are no draws.",
            long_date(last),
            long_date(from)
        ),
        None => "There are no draws: the line is in its repayment period.".to_owned(),
    };
    let own = rule.minimum.as_ref().and_then(|own| formula(own, "In it the minimum payment"));
    match (own, &rule.minimum) {
        (Some(own), _) => text = format!("{text} {}", finished(&own)),
        (None, Some(_)) => {}
        (None, None) => text.push_str(" The minimum payment goes on as before."),
    }
    if let Some(cycles) = rule.cycles {
        text = format!(
            "{text} The last of its {cycles} statements asks for all that is owed, which can be more than the payments before it."
        );
    }
    Some(text)
}

fn finished(formula: &str) -> String {
    format!("{formula}; it is never more than what you owe.")
}

fn formula(minimum: &MinimumTerms, subject: &str) -> Option<String> {
    let more = minimum.add_interest || minimum.add_fees || minimum.add_penalty_fees;
    if more || minimum.free_cycles > 0 || !minimum.arms.iter().all(in_a_sentence) {
        return None;
    }
    let arms: Vec<String> = minimum.arms.iter().map(arm).collect();
    let mut text = match arms.as_slice() {
        [one] => format!("{subject} is {one}"),
        arms => format!("{subject} is the greater of {}", listed_or(arms)),
    };
    let part = minimum.over_limit_one_of.filter(|parts| *parts > 1);
    let part = part.map_or_else(String::new, |parts| format!("one part in {parts} of "));
    let past_due = "any amount past due".to_owned();
    let over_limit = format!("{part}any amount over the credit limit");
    let added = match (minimum.add_past_due, minimum.add_over_limit) {
        (true, true) if minimum.past_due_or_over_limit => {
            vec![format!("the greater of {past_due} and {over_limit}")]
        }
        (true, true) => vec![past_due, over_limit],
        (true, false) => vec![past_due],
        (false, true) => vec![over_limit],
        (false, false) => Vec::new(),
    };
    for added in added {
        text = format!("{text}, plus {added}");
    }
    Some(text)
}

fn in_a_sentence(arm: &MinimumArm) -> bool {
    arm.amount_when_late.is_none()
        && arm.amortised_over.is_none()
        && arm.brackets.is_empty()
        && arm.less.is_empty()
        && !arm.plus_past_due
        && arm.most.is_none()
}

fn arm(arm: &MinimumArm) -> String {
    let of = match arm.of {
        MinimumBase::Principal => "principal",
        MinimumBase::NewBalance => "the new balance",
        MinimumBase::NewBalanceLessCharges => "the new balance less its interest and fees",
        MinimumBase::PrincipalAfterLastDraw => "principal as it was after the last draw",
        MinimumBase::HighestBalance => "the highest new balance since nothing was owed",
        MinimumBase::PrincipalAtRepayment => "principal as it was when the repayment period began",
        MinimumBase::CreditLimit => "the credit limit",
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
