//! Another due day, at the customer's wish.
//!
//! Rules (docs/payments.md): a day from 1 to 28, the same in every month; once in twelve months, and not while anything is past
//! due; the statement that is out and the open cycle stay as they are; from one due date to the next are 45 days at most. The
//! customer agrees to it, so that it needs no notice (12 CFR 1026.9(c)(2)(i)(B)).

use chrono::{Days, NaiveDate};
use credit::{
    ChangeNotice, CycleSchedule, LineEvent, LineEventBody, NoticeException, Position,
    product::DateTerms,
};
use identity::CustomerId;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{autopays, intents::ReceiptRow};

use crate::{
    Caller, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    lines::Line,
    words::{date_text, shown},
    work::{Begun, Trail},
};

/// The last day that every month has.
const LAST_DAY: u32 = 28;

/// Days from one due date to the next, at most.
const GAP_DAYS_MAX: i64 = 45;

/// Months in which it can be changed once.
const ONCE_IN_MONTHS: i32 = 12;

/// Days from a close to the due date that the new closing day aims at.
const CLOSE_TO_DUE_DAYS: u32 = 25;

/// Days of a month, for which no due day is too late.
const MONTH_DAYS: u32 = 30;

/// What another due day would mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DueDayChange {
    pub due_day: u32,
    /// The last due date as it was.
    pub old_due_on: NaiveDate,
    /// From when the new days count: the open cycle ends as it was to.
    pub from: NaiveDate,
    /// The first close and the first two due dates by the new days.
    pub closes_on: NaiveDate,
    pub due_on: NaiveDate,
    pub then_due_on: NaiveDate,
    cycles: CycleSchedule,
}

/// The closing day whose due dates fall on `due_day`, some 25 days later in any month.
const fn close_day_for(due_day: u32) -> u32 {
    if due_day > CLOSE_TO_DUE_DAYS {
        due_day - CLOSE_TO_DUE_DAYS
    } else {
        due_day + MONTH_DAYS - CLOSE_TO_DUE_DAYS
    }
}

/// The schedule that another due day brings, after the open cycle that closes on `open_closes_on`.
fn plan(
    (old, dates): (&CycleSchedule, &DateTerms),
    open_closes_on: NaiveDate,
    due_day: u32,
) -> Option<DueDayChange> {
    let new_dates = DateTerms { due_day: Some(due_day), ..*dates };
    let after = |day: NaiveDate| day.checked_add_days(Days::new(1));
    let old_due_on = old.due_on(open_closes_on, dates);
    let from = after(open_closes_on)?;
    let monthly = CycleSchedule::monthly(close_day_for(due_day));
    let short = monthly.close_of(from);
    let long = monthly.close_of(after(short)?);
    let gap = |close: NaiveDate| (new_dates.due_on(close) - old_due_on).num_days();
    let closes_on = if gap(long) <= GAP_DAYS_MAX { long } else { short };
    let then = monthly.close_of(after(closes_on)?);
    let cycles = CycleSchedule { closes_on: vec![closes_on], ..monthly };
    Some(DueDayChange {
        due_day,
        old_due_on,
        from,
        closes_on,
        due_on: new_dates.due_on(closes_on),
        then_due_on: new_dates.due_on(then),
        cycles,
    })
}

/// The schedule by which the line's cycles close, with all that is known.
fn schedule(line: &Line) -> &CycleSchedule {
    let changed = line.events().iter().rev().find_map(|event| match &event.body {
        LineEventBody::CyclesChanged { cycles } => Some(cycles),
        _ => None,
    });
    changed.unwrap_or(&line.opening_terms.cycles)
}

fn changed_at(event: &LineEvent) -> Option<chrono::DateTime<chrono::Utc>> {
    matches!(event.body, LineEventBody::CyclesChanged { .. }).then_some(event.recorded_at)
}

impl Servicing {
    /// What another due day would mean, if it were chosen now.
    pub async fn preview_due_day(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        due_day: u32,
    ) -> Result<DueDayChange, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        let mut conn = self.pool_for(caller).acquire().await?;
        let line = self.line_of(&mut conn, customer_id).await?;
        self.plan_due_day(&line, due_day)
    }

    /// Chooses another due day.
    pub async fn change_due_day(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        due_day: u32,
        key: &Key,
    ) -> Result<ReceiptRow, ServicingError> {
        let permit = authorise(caller, UseCase::MoveMoney, Some(customer_id), self.now())?;
        let request = ("change_due_day", customer_id, due_day);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let mut line = self.hold_own_line(work.conn(), customer_id).await?;
        let change = self.plan_due_day(&line, due_day)?;
        let cycles = LineEventBody::CyclesChanged { cycles: change.cycles.clone() };
        self.post(work.conn(), &mut line, change.from, cycles).await?;
        let agreed = ChangeNotice { given_on: None, exception: Some(NoticeException::Agreed) };
        let dates = json!({ "dates": { "due_day": due_day } });
        let terms = LineEventBody::TermsChanged {
            changes: dates.as_object().cloned().unwrap_or_default(),
            notice: agreed,
        };
        let seq = self.post(work.conn(), &mut line, change.from, terms).await?;
        let id = line.row.id;
        let payload = json!({
            "customer_id": customer_id, "credit_line_id": id, "due_day": due_day, "from": change.from,
            "old_due_on": change.old_due_on, "closes_on": change.closes_on, "due_on": change.due_on,
            "then_due_on": change.then_due_on, "event_seq": seq, "authorised": permit,
        });
        self.trail(work.conn(), Trail::stream(None, Some(id)), "line.due_day_changed", payload)
            .await?;
        autopays::look_next_on(work.conn(), id, self.today()).await?;
        let (old, first) = (date_text(change.old_due_on), date_text(change.due_on));
        let text = format!(
            "Your due day is now the {} of the month. What is due by {old} stays due then; the first payment by the new day is \
             due on {first}.",
            ordinal(due_day)
        );
        let fields = vec![
            shown("old_due_on", "still due", old),
            shown("due_on", "first new due date", first),
            shown("then_due_on", "and then", date_text(change.then_due_on)),
        ];
        let of = (customer_id, id);
        let receipt = self.keep_receipt(work.conn(), of, ("due_day_changed", text), fields).await?;
        work.finish(receipt).await
    }

    fn plan_due_day(&self, line: &Line, due_day: u32) -> Result<DueDayChange, ServicingError> {
        let refused = |code, sentence: String| ServicingError::from(Refusal::new(code, sentence));
        if !(1..=LAST_DAY).contains(&due_day) {
            let sentence = format!("The {} of the month cannot be a due day.", ordinal(due_day));
            return Err(refused(RefusalCode::DueDayInvalid, sentence));
        }
        let last = line.events().iter().filter_map(changed_at).max();
        let year_ago = calendar::add_months(self.today(), -ONCE_IN_MONTHS);
        if let Some(at) = last.map(|at| calendar::local_date(at, self.zone))
            && at > year_ago
        {
            let sentence = format!(
                "The due day was changed on {}, and can be changed once in twelve months.",
                date_text(at)
            );
            return Err(refused(RefusalCode::ChangedLately, sentence));
        }
        let position = line.position(self.today())?;
        if position.days_past_due > 0 {
            let sentence = format!("{} is past due on this line.", position.past_due);
            return Err(refused(RefusalCode::PastDue, sentence));
        }
        planned(schedule(line), &position, due_day)
            .ok_or_else(|| refused(RefusalCode::DateTooFar, "There is no such day.".to_owned()))
    }
}

fn planned(old: &CycleSchedule, position: &Position, due_day: u32) -> Option<DueDayChange> {
    plan((old, &position.terms.product.dates), position.cycle.closes_on, due_day)
}

/// `1st`, `22nd`, `13th`.
fn ordinal(day: u32) -> String {
    let ending = match (day % 10, day % 100) {
        (1, rest) if rest != 11 => "st",
        (2, rest) if rest != 12 => "nd",
        (3, rest) if rest != 13 => "rd",
        _ => "th",
    };
    format!("{day}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// From every closing day to every due day, in every month of four years, by the windows of lines and of cards.
    #[test]
    fn no_change_brings_due_dates_more_than_forty_five_days_apart_or_a_statement_too_late() {
        for window in [14, 21] {
            let dates = DateTerms { statement_window_days: window, ..DateTerms::default() };
            for close_day in 1..=31 {
                let old = CycleSchedule::monthly(close_day);
                let mut closes_on = old.close_of(day("2026-01-01"));
                while closes_on < day("2030-01-01") {
                    for due_day in 1..=LAST_DAY {
                        let change = plan((&old, &dates), closes_on, due_day).unwrap();
                        let said =
                            format!("{close_day} to {due_day} after {closes_on}: {change:?}");
                        let gap = (change.due_on - change.old_due_on).num_days();
                        assert!((15..=GAP_DAYS_MAX).contains(&gap), "{gap}: {said}");
                        let window = i64::from(window);
                        assert!((change.due_on - change.closes_on).num_days() >= window, "{said}");
                        let then = (change.then_due_on - change.due_on).num_days();
                        assert!((28..=31).contains(&then), "{then}: {said}");
                        let open = (change.closes_on - closes_on).num_days();
                        assert!((1..=GAP_DAYS_MAX + 8).contains(&open), "{open}: {said}");
                    }
                    closes_on = old.close_of(closes_on + Days::new(1));
                }
            }
        }
    }

    #[test]
    fn a_day_is_said_as_people_say_it() {
        let said: Vec<_> = [1, 2, 3, 4, 11, 12, 13, 21, 22, 23, 28].map(ordinal).into();
        assert_eq!(
            said,
            ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "22nd", "23rd", "28th"]
        );
    }
}
