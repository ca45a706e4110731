//! What a row says is due, and since when: the columns that have to agree with each other.

use chrono::{Days, NaiveDate};
use money::Cents;

use crate::cells::Cells;

/// Days past due of a line that is still on its lender's books at most.
const DAYS_MAX: u32 = 3_660;

pub(crate) struct Dues {
    pub(crate) minimum: Cents,
    pub(crate) due_on: Option<NaiveDate>,
    /// Of the minimum.
    pub(crate) past_due: Cents,
    pub(crate) since: Option<NaiveDate>,
}

impl Dues {
    /// `opened_on`: of the line, where the row says it; nothing was due before.
    pub(crate) fn read(
        cells: &mut Cells<'_>,
        (as_of, opened_on): (Option<NaiveDate>, Option<NaiveDate>),
    ) -> Option<Self> {
        let minimum = cells.money("minimum_due");
        let due_on = cells.day("due_on");
        let past_due = cells.money("past_due");
        let oldest = cells.day("oldest_due_on");
        let said = cells.count("days_past_due", DAYS_MAX);
        let days = said.filter(|days| *days > 0);
        let (minimum, past_due, as_of) = (minimum?, past_due?, as_of?);
        let own = [("due_on", due_on), ("oldest_due_on", oldest)];
        if out_of_range(cells, (opened_on, as_of), own, past_due.is_positive()) {
            return None;
        }
        let by_days = days.and_then(|days| as_of.checked_sub_days(Days::new(days.into())));
        let given = oldest.or(by_days).filter(|day| *day < as_of);
        if minimum.is_positive() && due_on.is_none() {
            cells.wrong("due_on", "there is a minimum due and no day on which it is", "fill it in");
            return None;
        }
        if past_due > minimum {
            cells.wrong(
                "past_due",
                "it is a part of minimum_due and is more than that",
                "correct one of the two",
            );
            return None;
        }
        let passed = due_on.is_some_and(|due| due < as_of) && minimum.is_positive();
        let (past_due, since) = match (past_due.is_positive(), passed) {
            (true, true) if past_due != minimum => {
                cells.wrong(
                    "past_due",
                    "the due date has passed, so that all of minimum_due is past due",
                    "correct it, or leave it empty",
                );
                return None;
            }
            (_, true) => (minimum, given.or(due_on)),
            (true, false) if given.is_none() => {
                cells.wrong(
                    "oldest_due_on",
                    "something is past due and since when is not said",
                    "fill it in, or days_past_due",
                );
                return None;
            }
            (true, false) => (past_due, given),
            (false, false) if given.is_some() && minimum.is_positive() => {
                cells.wrong(
                    "past_due",
                    "the line is past due and how much of minimum_due is not said",
                    "fill it in",
                );
                return None;
            }
            (false, false) if oldest.is_some_and(|day| Some(day) != due_on) => {
                cells.wrong("oldest_due_on", "nothing is past due", "leave it empty");
                return None;
            }
            (false, false) => (Cents::ZERO, None),
        };
        let passed_on = due_on.filter(|_| passed);
        if let Some(wrong) = said.and_then(|days| contradicts(since, passed_on, as_of, days)) {
            cells.wrong("days_past_due", wrong, "correct one of the two");
            return None;
        }
        Some(Self { minimum, due_on, past_due, since })
    }
}

/// Whether one of these days lies before the line was opened, or the oldest one not before the day of the file; and says so.
fn out_of_range(
    cells: &mut Cells<'_>,
    (opened_on, as_of): (Option<NaiveDate>, NaiveDate),
    days: [(&str, Option<NaiveDate>); 2],
    is_past_due: bool,
) -> bool {
    let [_, (oldest_due_on, oldest)] = days;
    if oldest.is_some_and(|day| day >= as_of) && is_past_due {
        let wrong = "what is past due was due before the day of the file";
        cells.wrong(oldest_due_on, wrong, "correct it");
        return true;
    }
    for (column, day) in days {
        if let Some((_, opened_on)) = day.zip(opened_on).filter(|(day, from)| day <= from) {
            let wrong = format!("nothing was due before the line was opened, {opened_on}");
            cells.wrong(column, wrong, "correct one of the two");
            return true;
        }
    }
    false
}

/// What speaks against so many days: that nothing is past due, the day since when it is, or a due date that passed before.
fn contradicts(
    since: Option<NaiveDate>,
    passed_on: Option<NaiveDate>,
    as_of: NaiveDate,
    days: u32,
) -> Option<String> {
    let Some(since) = since else {
        return (days > 0).then(|| "nothing is past due".to_owned());
    };
    let later = passed_on.filter(|due| *due < since && !agree(*due, as_of, days));
    let other = later.or_else(|| (!agree(since, as_of, days)).then_some(since));
    other.map(|day| format!("what is past due was due on {day}"))
}

/// Counted from the due date, or from the banking day on which it could be met.
fn agree(since: NaiveDate, as_of: NaiveDate, days: u32) -> bool {
    let counted = |from: NaiveDate| (as_of - from).num_days() == i64::from(days);
    counted(since) || counted(calendar::banking_day_on_or_after(since))
}
