//! Accounting months: the close, and balances as of any day.
//!
//! A month is closed once it is over, after the months before it, when nothing that belongs into it is left to do and the books
//! add up. From then on the database books nothing into it. Its balances are added up in a second transaction, so that nobody
//! who posts waits for that; killed in between, the next close finishes it.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, Utc};
use ledger::{Chart, Side};
use money::Cents;
use serde::Serialize;
use serde_json::json;
use store::{
    OnConstraint as _, StoreError, accruals, closing,
    periods::{self, AccountMovement, AsOf, Sums},
};

use crate::{
    Caller, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise, books, work::Trail,
};

/// A month whose books are closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PeriodClosed {
    /// Its first day.
    pub month: NaiveDate,
    /// It was closed before, and only its balances were missing.
    pub resumed: bool,
    /// How many lines' histories were held against the books.
    pub lines_checked: u64,
}

/// What every account came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrialBalance {
    pub as_of: NaiveDate,
    pub known_at: Option<DateTime<Utc>>,
    /// The closed month that the balances begin with.
    pub brought_forward_from: Option<NaiveDate>,
    pub accounts: Vec<AccountBalance>,
    #[serde(rename = "debits_cents")]
    pub debits: Cents,
    #[serde(rename = "credits_cents")]
    pub credits: Cents,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AccountBalance {
    pub code: String,
    pub name: String,
    pub title: String,
    /// The side on which the account grows, and on which its balances are stated.
    pub side: Side,
    #[serde(rename = "brought_forward_cents")]
    pub brought_forward: Cents,
    /// Since then.
    #[serde(rename = "debits_cents")]
    pub debits: Cents,
    #[serde(rename = "credits_cents")]
    pub credits: Cents,
    #[serde(rename = "balance_cents")]
    pub balance: Cents,
}

impl Servicing {
    /// Closes an accounting month, named by any of its days.
    pub async fn close_period(
        &self,
        caller: Caller,
        day: NaiveDate,
    ) -> Result<PeriodClosed, ServicingError> {
        let permit = authorise(caller, UseCase::Operate, None, self.now())?;
        let month = day.with_day(1).unwrap_or(day);
        let next = month.checked_add_months(Months::new(1)).unwrap_or(month);
        if self.today() < next {
            return Err(Refusal::new(
                RefusalCode::DateTooFar,
                format!("{} is not over: it can be closed from {next} on.", named(month)),
            )
            .into());
        }
        if self.resume_close(month).await? {
            return Ok(PeriodClosed { month, resumed: true, lines_checked: 0 });
        }
        self.nothing_left_to_do(next).await?;
        let checked = books::check(&self.store).await?;
        if !checked.ok {
            let problem = "The books do not add up: `plumbline ledger check` says where.";
            return Err(Refusal::new(RefusalCode::NotAllowed, problem).into());
        }
        let mut tx = self.store.app().begin().await?;
        let refused = |sentence: &'static str| {
            ServicingError::from(Refusal::new(RefusalCode::NotAllowed, sentence))
        };
        let closed = periods::close(&mut tx, month, self.now()).await;
        if closed.as_ref().is_err_and(StoreError::waited_too_long) {
            return Err(refused("Somebody is posting just now: try again."));
        }
        closed.on_constraint(periods::IN_ORDER, || {
            refused(
                "Another month is to be closed first, or somebody else has just closed this one.",
            )
        })?;
        let payload = json!({ "month": month, "authorised": permit });
        self.trail(&mut tx, Trail::stream(None, None), "period.closed", payload).await?;
        tx.commit().await?;
        self.keep_balances(month).await?;
        Ok(PeriodClosed { month, resumed: false, lines_checked: checked.lines_replayed })
    }

    /// Adds up what a killed close left. Answers whether that was all there was to do; a refusal where the month is closed
    /// already or another one comes first.
    async fn resume_close(&self, month: NaiveDate) -> Result<bool, ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let last = periods::last(&mut conn).await?;
        let first_open = periods::first_open(&mut conn).await?;
        drop(conn);
        if let Some(last) = last.filter(|last| !last.balanced) {
            self.keep_balances(last.month).await?;
            if last.month == month {
                return Ok(true);
            }
        }
        let refuse = |sentence: String| Err(Refusal::new(RefusalCode::NotAllowed, sentence).into());
        match last {
            Some(last) if last.month >= month => {
                refuse(format!("{} was closed at {}.", named(month), last.closed_at))
            }
            Some(last) => match last.month.checked_add_months(Months::new(1)) {
                Some(next) if next < month => {
                    refuse(format!("{} is still open: close it first.", named(next)))
                }
                _ => Ok(false),
            },
            None => match first_open.filter(|first| *first < month) {
                Some(first) => refuse(format!("{} is still open: close it first.", named(first))),
                None => Ok(false),
            },
        }
    }

    /// Whatever belongs into the days before `next` is posted.
    async fn nothing_left_to_do(&self, next: NaiveDate) -> Result<(), ServicingError> {
        let last_day = next.checked_sub_days(Days::new(1)).unwrap_or(next);
        let mut conn = self.store.app().acquire().await?;
        let due = closing::count_due(&mut conn, next, &[]).await?;
        let accrued = accruals::last_day(&mut conn).await?;
        let waiting = accruals::first_waiting(&mut conn).await?;
        let sentence = if due > 0 {
            format!(
                "Something is due by {next} and not posted, on this many lines: {due}. `plumbline close --date {next}` does it, and says what stands against it."
            )
        } else if accrued.is_some_and(|day| day < last_day)
            || (accrued.is_none() && waiting.is_some_and(|day| day <= last_day))
        {
            format!(
                "Interest is not accrued through {last_day}: `plumbline ledger accrue --through {last_day}` does it."
            )
        } else {
            return Ok(());
        };
        Err(Refusal::new(RefusalCode::NotAllowed, sentence).into())
    }

    async fn keep_balances(&self, month: NaiveDate) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        Ok(periods::keep_balances(&mut conn, month, self.now()).await?)
    }

    /// What every account came to: the last closed month and what moved since.
    pub async fn trial_balance(
        &self,
        caller: Caller,
        as_of: AsOf,
    ) -> Result<TrialBalance, ServicingError> {
        authorise(caller, UseCase::Oversee, None, self.now())?;
        let mut conn = self.store.audit().acquire().await?;
        let chart = Chart::embedded().map_err(ServicingError::engine)?;
        Ok(TrialBalance::of(&chart, as_of, periods::trial_balance(&mut conn, as_of).await?))
    }
}

impl TrialBalance {
    /// Of the balances as the database has them, in the order of the chart.
    #[must_use]
    pub fn of(chart: &Chart, as_of: AsOf, balances: periods::Balances) -> Self {
        let mut accounts = Vec::with_capacity(balances.accounts.len());
        let (mut debits, mut credits) = (Cents::ZERO, Cents::ZERO);
        for one in balances.accounts {
            debits += one.brought_forward.debits + one.moved.debits;
            credits += one.brought_forward.credits + one.moved.credits;
            accounts.push(AccountBalance::of(chart, one));
        }
        let (as_of, known_at) = (as_of.on, as_of.known_at);
        let brought_forward_from = balances.since;
        Self { as_of, known_at, brought_forward_from, accounts, debits, credits }
    }
}

impl AccountBalance {
    /// An account that the chart does not know counts as a debit.
    pub(crate) fn of(chart: &Chart, one: AccountMovement) -> Self {
        let known = chart.by_code(one.account);
        let side = known.map_or(Side::Debit, |account| account.class.normal_side());
        let name = known.map_or("unknown", |account| account.name.as_str());
        let title = known.map_or("Not in the chart", |account| account.title.as_str());
        let on_side = |sums: Sums| match side {
            Side::Debit => sums.debits - sums.credits,
            Side::Credit => sums.credits - sums.debits,
        };
        let (brought_forward, moved) = (on_side(one.brought_forward), on_side(one.moved));
        Self {
            code: one.account.to_string(),
            name: name.to_owned(),
            title: title.to_owned(),
            side,
            brought_forward,
            debits: one.moved.debits,
            credits: one.moved.credits,
            balance: brought_forward + moved,
        }
    }
}

fn named(month: NaiveDate) -> String {
    month.format("%Y-%m").to_string()
}

#[cfg(test)]
mod tests {
    use store::periods::{Balances, ByDate};

    use super::*;

    #[test]
    fn a_balance_stands_on_the_side_on_which_its_account_grows() {
        let chart = Chart::embedded().unwrap();
        let sums =
            |debits, credits| Sums { debits: Cents::new(debits), credits: Cents::new(credits) };
        let account = |name: &str| chart.account(name).unwrap().code;
        let on = NaiveDate::from_ymd_opt(2026, 10, 31).unwrap();
        let as_of = AsOf { on, by: ByDate::Booked, known_at: None };
        let moved = |name, before, moved| AccountMovement {
            account: account(name),
            brought_forward: before,
            moved,
        };
        let accounts = vec![
            moved("principal", sums(500, 100), sums(70, 20)),
            moved("interest_income", sums(0, 400), sums(0, 50)),
        ];
        let shown = TrialBalance::of(&chart, as_of, Balances { since: None, accounts });
        let balances: Vec<_> = shown
            .accounts
            .iter()
            .map(|one| (one.brought_forward.get(), one.balance.get()))
            .collect();
        assert_eq!(balances, [(400, 450), (400, 450)]);
        assert_eq!((shown.debits, shown.credits), (Cents::new(570), Cents::new(570)));
    }
}
