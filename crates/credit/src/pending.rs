//! What was posted of the charges of the terms, and what should have been.

use chrono::NaiveDate;
use money::Cents;

use crate::{
    Buckets, Charge, FeeKind, PendingCharge,
    state::{OpenCycle, State},
    timeline::Timeline,
};

/// What replay says the terms charge, less what has been posted of it.
pub(crate) fn pending(state: &State, timeline: &Timeline<'_>) -> Vec<PendingCharge> {
    let mut charges: Vec<(Charge, NaiveDate, Cents)> = Vec::new();
    for record in &state.records {
        let cycle = record.number;
        for line in &record.interest {
            let charge = Charge::Interest { cycle, feature: line.feature.clone() };
            charges.push((charge, record.closes_on, line.amount));
        }
        charges.push((Charge::PlanFee { cycle }, record.closes_on, record.plan_fee));
        charges.push((Charge::OverLimitFee { cycle }, record.closes_on, record.over_limit_fee));
        charges.push((Charge::MilitaryWaiver { cycle }, record.closes_on, -record.waived));
    }
    if let Some(plan_fee) = state.cycle.plan_fee {
        let OpenCycle { number: cycle, starts_on, .. } = state.cycle;
        charges.push((Charge::PlanFee { cycle }, starts_on, plan_fee));
    }
    for fee in &state.late_fees {
        charges.push((Charge::LateFee { cycle: fee.cycle }, fee.on, fee.amount));
    }
    for fee in &state.fees_given_back {
        charges.push((Charge::DrawFee { draw: fee.draw }, fee.on, -fee.amount));
    }
    for waiver in &state.waivers_taken_back {
        charges.push((waiver.charge.clone(), waiver.on, waiver.amount));
    }
    let gone = |charge: &Charge| !charges.iter().any(|(known, ..)| known == charge);
    let vanished: Vec<_> = timeline
        .posted
        .iter()
        .filter(|(charge, posted)| gone(charge) && posted.on <= state.day)
        .map(|(charge, posted)| (charge.clone(), posted.on, Cents::ZERO))
        .collect();
    charges.extend(vanished);
    charges.into_iter().flat_map(|charge| unposted(state, timeline, charge)).collect()
}

/// What has not been posted of a charge: once, or twice where a plan fee of the first day stands beside one of the last.
fn unposted(
    state: &State,
    timeline: &Timeline<'_>,
    (charge, on, amount): (Charge, NaiveDate, Cents),
) -> Vec<PendingCharge> {
    let posted = timeline.posted.get(&charge);
    let difference = amount - posted.map_or(Cents::ZERO, |posted| posted.amount);
    let pending = |on, amount, first| PendingCharge { charge: charge.clone(), on, amount, first };
    let of_plan = match charge {
        Charge::PlanFee { cycle } => Some(cycle),
        _ => None,
    };
    let record = state.records.iter().find(|record| Some(record.number) == of_plan);
    let all = match (posted, record) {
        (None, Some(record)) => {
            let first = record.first_day_fee;
            vec![pending(record.starts_on, first, true), pending(on, amount - first, true)]
        }
        // No correction of what was charged on the first day, as long as no statement has shown the cycle.
        (Some(posted), Some(record))
            if posted.on < on
                && difference.is_positive()
                && !timeline.printed.contains_key(&record.number) =>
        {
            vec![pending(on, difference, true)]
        }
        // What was taken back and comes after all comes on its new day.
        (Some(posted), _) if posted.amount.is_zero() => vec![pending(on, difference, false)],
        (Some(posted), _) => vec![pending(posted.on, difference, false)],
        (None, None) => vec![pending(on, difference, true)],
    };
    all.into_iter().filter(|one| !one.amount.is_zero()).collect()
}

pub(crate) fn posted(state: &State, timeline: &Timeline<'_>, pending: &[PendingCharge]) -> Buckets {
    let any_joined = !timeline.draw_fees.joined.is_empty();
    let bucket = |charge: &Charge| match charge {
        Charge::Interest { .. } => Bucket::Interest,
        Charge::LateFee { .. } | Charge::OverLimitFee { .. } => Bucket::PenaltyFees,
        Charge::DrawFee { draw } if timeline.draw_fees.joined.contains(draw) => Bucket::Principal,
        Charge::Waiver { fee: FeeKind::Draw, .. } if any_joined => Bucket::Principal,
        Charge::Waiver { fee, .. } if fee.penalty() => Bucket::PenaltyFees,
        Charge::Waiver { .. } => Bucket::Fees,
        Charge::PlanFee { .. } | Charge::MilitaryWaiver { .. } | Charge::DrawFee { .. } => {
            Bucket::Fees
        }
    };
    let of = |wanted: Bucket| -> Cents {
        pending.iter().filter(|one| bucket(&one.charge) == wanted).map(|one| one.amount).sum()
    };
    Buckets {
        principal: state.principal() - of(Bucket::Principal),
        billed_interest: state.billed_interest() - state.prepaid() - of(Bucket::Interest),
        fees: state.fees(false) - of(Bucket::Fees),
        penalty_fees: state.fees(true) - of(Bucket::PenaltyFees),
        credit_balance: state.credit_balance,
    }
}

/// Where a charge that is not posted stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bucket {
    Principal,
    Interest,
    Fees,
    PenaltyFees,
}
