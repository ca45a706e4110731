//! The accrual of interest against what it was told, reckoned anew, and against the books.

use std::collections::BTreeMap;

use credit::{Group, Running};
use ledger::Chart;
use money::Cents;
use store::{Tx, accruals, postings::AccountTotal};

use crate::ServicingError;

/// What is wrong, in words.
pub(super) async fn check(
    tx: &mut Tx<'_>,
    chart: &Chart,
    totals: &[AccountTotal],
) -> Result<Vec<String>, ServicingError> {
    let mut problems = Vec::new();
    let day = accruals::last_day(tx).await?;
    let kept: BTreeMap<Group, Running> = match day {
        Some(day) => accruals::running(tx, day).await?.into_iter().collect(),
        None => BTreeMap::new(),
    };
    let mut anew: BTreeMap<Group, Running> = BTreeMap::new();
    for taken in accruals::all_taken(tx).await? {
        let Some(day) = day else { break };
        let running = anew.entry(taken.group.clone()).or_default();
        // All at once on the last day comes to the same as day by day.
        let learned = [(taken.effective_on, taken.change, taken.true_up)];
        let base = std::mem::take(&mut running.base);
        if running.add_day(&taken.group, day, learned).is_none() {
            problems
                .push(format!("accrual: the day basis of {} cannot be read", told(&taken.group)));
        }
        running.base += base;
    }
    anew.retain(|_, running| !running.ended());
    for group in anew.keys().chain(kept.keys().filter(|group| !anew.contains_key(*group))) {
        if anew.get(group) != kept.get(group) {
            problems.push(format!("accrual: {} is not what its lines told", told(group)));
        }
    }
    let of = |name: &str| -> Result<Cents, ServicingError> {
        let code = chart.account(name).map_err(ServicingError::engine)?.code;
        let total = totals.iter().find(|total| total.account == code);
        Ok(total.map_or(Cents::ZERO, |total| total.debits - total.credits))
    };
    let posted: Cents = kept.values().map(|running| running.posted).sum();
    let trued_up: Cents = kept.values().map(|running| running.trued_up).sum();
    for (name, expected) in [("accrued_interest", posted), ("interest_true_ups", -trued_up)] {
        let booked = of(name)?;
        if booked != expected {
            problems.push(format!(
                "accrual: {name} is {booked} in the books and {expected} by its groups"
            ));
        }
    }
    Ok(problems)
}

fn told(group: &Group) -> String {
    let Group { product, owner, day_basis, apr } = group;
    format!("{product} at {apr} on {day_basis} days, owned by {owner},")
}
