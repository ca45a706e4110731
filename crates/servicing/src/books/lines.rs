//! The sub-ledgers against the lines: what the books show for a line is what replaying its history comes to.

use std::{collections::BTreeMap, fmt};

use chrono::NaiveDate;
use credit::{Buckets, CreditError, CreditLine, Group, LineEvent, LineEventBody, Step};
use identity::CreditLineId;
use ledger::{AccountCode, Chart};
use money::Cents;
use serde::Serialize;
use store::{Tx, accruals, line_events, postings};

use crate::ServicingError;

const PAGE: u32 = 500;

/// What was found, line by line and over all of them.
#[derive(Default)]
pub(super) struct Lines {
    pub(super) checked: u64,
    pub(super) differences: Vec<Difference>,
    pub(super) accruals_off: Vec<String>,
    /// The sum of all lines' balances, by control account.
    pub(super) totals: BTreeMap<AccountCode, Cents>,
}

/// A figure of a line that the books and the history do not agree on. Positive: owed by the customer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub credit_line: CreditLineId,
    pub account: String,
    pub ledger_cents: Cents,
    /// Nothing where the history could not be replayed: then `problem` says why.
    pub replayed_cents: Option<Cents>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Loads every line once, a page of ids at a time.
pub(super) async fn check(tx: &mut Tx<'_>, chart: &Chart) -> Result<Lines, ServicingError> {
    let mut lines = Lines::default();
    let mut after = None;
    loop {
        let page = postings::lines_after(tx, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(lines) };
        after = Some(*last);
        let mut booked: BTreeMap<CreditLineId, BTreeMap<AccountCode, Cents>> = BTreeMap::new();
        for balance in postings::balances_of(tx, &page).await? {
            booked.entry(balance.credit_line).or_default().insert(balance.account, balance.balance);
            *lines.totals.entry(balance.account).or_default() += balance.balance;
        }
        // All that was ever told: no line is older than 1970.
        let since: Vec<_> = page.iter().map(|id| (*id, NaiveDate::default())).collect();
        let mut told: BTreeMap<CreditLineId, Vec<Step>> = BTreeMap::new();
        for (id, step) in accruals::told(tx, &since).await? {
            told.entry(id).or_default().push(step);
        }
        let mut histories: BTreeMap<_, _> =
            line_events::load_all(tx, &page).await?.into_iter().collect();
        for id in page {
            let events = histories.remove(&id).unwrap_or_default();
            let (booked, told) = (booked.remove(&id), told.remove(&id));
            lines.look_at(
                chart,
                id,
                events,
                &booked.unwrap_or_default(),
                &told.unwrap_or_default(),
            )?;
        }
    }
}

impl Lines {
    fn look_at(
        &mut self,
        chart: &Chart,
        id: CreditLineId,
        events: Vec<LineEvent>,
        booked: &BTreeMap<AccountCode, Cents>,
        told: &[Step],
    ) -> Result<(), ServicingError> {
        self.checked += 1;
        let replayed = CreditLine::from_history(id, events, Vec::new());
        match replayed.and_then(|line| Ok((accrual_off(&line, told)?, line))) {
            Ok((off, line)) => {
                self.differences.extend(against(chart, &line, booked)?);
                if off {
                    let problem = format!(
                        "line {id}: its unbilled interest is not what accrual was told of it"
                    );
                    self.accruals_off.push(problem);
                }
            }
            Err(error) => self.differences.push(not_replayed(id, booked, &error)),
        }
        Ok(())
    }
}

/// What the entries of one line and its history do not agree on.
pub(super) fn differ(
    chart: &Chart,
    id: CreditLineId,
    events: Vec<LineEvent>,
    booked: &BTreeMap<AccountCode, Cents>,
) -> Result<Vec<Difference>, ServicingError> {
    match CreditLine::from_history(id, events, Vec::new()) {
        Ok(line) => against(chart, &line, booked),
        Err(error) => Ok(vec![not_replayed(id, booked, &error)]),
    }
}

fn against(
    chart: &Chart,
    line: &CreditLine,
    booked: &BTreeMap<AccountCode, Cents>,
) -> Result<Vec<Difference>, ServicingError> {
    Ok(compare(line.id(), &by_account(chart, line.posted())?, booked, chart))
}

fn not_replayed(
    credit_line: CreditLineId,
    booked: &BTreeMap<AccountCode, Cents>,
    error: &CreditError,
) -> Difference {
    Difference {
        credit_line,
        account: "all".to_owned(),
        ledger_cents: booked.values().copied().sum(),
        replayed_cents: None,
        problem: Some(error.to_string()),
    }
}

/// Whether a line's steps, up to the day of its last posted event, are not those that accrual was told. An estimate depends on the
/// day on which it was made, and is not looked at.
fn accrual_off(line: &CreditLine, told: &[Step]) -> Result<bool, CreditError> {
    let zone = line.events().iter().find_map(|event| match &event.body {
        LineEventBody::Opened { terms } => Some(terms.product.dates.zone),
        _ => None,
    });
    let posts = |event: &&LineEvent| {
        !matches!(event.body, LineEventBody::FlagRaised { .. } | LineEventBody::FlagCleared { .. })
    };
    let last = line.events().iter().rev().find(posts);
    let Some((zone, last)) = zone.zip(last) else { return Ok(false) };
    let on = calendar::local_date(last.recorded_at, zone);
    let accrual = line.accrual(on)?;
    let by_then = |steps: &[Step]| -> BTreeMap<(Group, NaiveDate), Cents> {
        let steps = steps.iter().filter(|step| step.from <= on);
        steps.map(|step| ((step.group.clone(), step.from), step.change)).collect()
    };
    Ok(accrual.exact && by_then(&accrual.steps) != by_then(told))
}

/// The buckets as debit balances of the control accounts.
fn by_account(
    chart: &Chart,
    buckets: &Buckets,
) -> Result<BTreeMap<AccountCode, Cents>, ServicingError> {
    let named = [
        ("principal", buckets.principal),
        ("billed_interest", buckets.billed_interest),
        ("fees", buckets.fees),
        ("penalty_fees", buckets.penalty_fees),
        ("credit_balances", -buckets.credit_balance),
    ];
    named
        .into_iter()
        .map(|(name, amount)| {
            let account = chart.account(name).map_err(ServicingError::engine)?;
            Ok((account.code, amount))
        })
        .collect()
}

/// Both ways: an account that only one side knows counts as zero on the other.
fn compare(
    credit_line: CreditLineId,
    replayed: &BTreeMap<AccountCode, Cents>,
    booked: &BTreeMap<AccountCode, Cents>,
    chart: &Chart,
) -> Vec<Difference> {
    let mut codes: Vec<AccountCode> = replayed.keys().chain(booked.keys()).copied().collect();
    codes.sort_unstable();
    codes.dedup();
    let amount =
        |side: &BTreeMap<AccountCode, Cents>, code| side.get(&code).copied().unwrap_or_default();
    codes
        .into_iter()
        .filter(|code| amount(replayed, *code) != amount(booked, *code))
        .map(|code| Difference {
            credit_line,
            account: chart
                .by_code(code)
                .map_or_else(|| code.to_string(), |account| account.name.clone()),
            ledger_cents: amount(booked, code),
            replayed_cents: Some(amount(replayed, code)),
            problem: None,
        })
        .collect()
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { credit_line, account, ledger_cents, .. } = self;
        write!(f, "line {credit_line}: {account} is {ledger_cents} in the books")?;
        match (&self.replayed_cents, &self.problem) {
            (Some(replayed), _) => write!(f, " and {replayed} by its history"),
            (None, Some(problem)) => write!(f, ", and its history cannot be replayed: {problem}"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cent_that_only_one_side_knows_is_a_difference() {
        let chart = Chart::embedded().unwrap();
        let id = CreditLineId::mint(chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap());
        let buckets = Buckets {
            principal: Cents::new(5_000),
            credit_balance: Cents::new(7),
            ..Buckets::default()
        };
        let replayed = by_account(&chart, &buckets).unwrap();
        let mut booked = replayed.clone();
        booked.retain(|_, amount| !amount.is_zero());
        assert_eq!(compare(id, &replayed, &booked, &chart), []);

        let cash = chart.account("cash").unwrap().code;
        booked.insert(cash, Cents::new(1));
        booked.remove(&chart.account("credit_balances").unwrap().code);
        let found: Vec<_> = compare(id, &replayed, &booked, &chart)
            .into_iter()
            .map(|one| (one.account, one.ledger_cents))
            .collect();
        assert_eq!(
            found,
            [("cash".to_owned(), Cents::new(1)), ("credit_balances".to_owned(), Cents::ZERO)]
        );
    }
}
