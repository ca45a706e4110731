//! The days of a row that hang together: when its line was opened, when its cycles close, and where our books of it begin.

use calendar::last_day_of_month;
use chrono::{Datelike, NaiveDate};
use credit::CycleSchedule;

use crate::cells::Cells;

pub(crate) struct Days {
    pub(crate) opened_on: NaiveDate,
    pub(crate) cycles: CycleSchedule,
    pub(crate) begins_on: NaiveDate,
    pub(crate) as_of: NaiveDate,
}

impl Days {
    pub(crate) fn read(cells: &mut Cells<'_>, today: NaiveDate) -> Option<Self> {
        let opened_on = cells.needed_day("opened_on");
        let as_of = cells.needed_day("as_of");
        let close_day = cells.count("close_day", 31);
        if close_day == Some(0) {
            cells.wrong("close_day", "a month has no such day", "write 1 to 31");
            return None;
        }
        let last_closed_on = cells.day("last_closed_on");
        let (opened_on, as_of) = (opened_on?, as_of?);
        let wrong = if as_of > today {
            let wrong = format!("it lies after today, {today}");
            Some(("as_of", wrong, "board the file on its day"))
        } else if opened_on > as_of {
            let wrong = "it lies after the day of the file".to_owned();
            Some(("opened_on", wrong, "correct one of the two"))
        } else if last_closed_on.is_some_and(|closed| closed < opened_on) {
            let wrong = format!("it lies before the line was opened, {opened_on}");
            Some(("last_closed_on", wrong, "correct one of the two, or leave it empty"))
        } else if last_closed_on.is_some_and(|closed| closed >= as_of) {
            let wrong = "it does not lie before the day of the file".to_owned();
            Some(("last_closed_on", wrong, "correct one of the two"))
        } else {
            None
        };
        if let Some((column, wrong, to_do)) = wrong {
            cells.wrong(column, wrong, to_do);
            return None;
        }
        let close_day = close_day_of(cells, close_day, last_closed_on)?;
        let (cycles, begins_on) = if let Some(closed) = last_closed_on {
            (CycleSchedule::monthly_after(close_day, closed), closed.succ_opt()?)
        } else {
            let monthly = CycleSchedule::monthly(close_day);
            // A line whose first cycle is not over was nobody's before it was opened.
            let begins_on = last_begin(&monthly, as_of)?.max(opened_on);
            (monthly, begins_on)
        };
        let closes_on = cycles.close_of(begins_on);
        if closes_on < as_of {
            let wrong =
                format!("a further cycle closed on {closes_on}, before the day of the file");
            cells.wrong("last_closed_on", wrong, "name the last close before as_of");
            return None;
        }
        Some(Self { opened_on, cycles, begins_on, as_of })
    }
}

/// As the row says it, or as its last close has it.
fn close_day_of(
    cells: &mut Cells<'_>,
    close_day: Option<u32>,
    last_closed_on: Option<NaiveDate>,
) -> Option<u32> {
    match (close_day, last_closed_on) {
        (Some(day), _) => Some(day),
        (None, Some(closed)) if closed != last_day_of_month(closed) => Some(closed.day()),
        (None, Some(_)) => {
            cells.wrong(
                "last_closed_on",
                "it is the last day of its month, so that the day of the cycle cannot be told",
                "add close_day",
            );
            None
        }
        (None, None) => {
            cells.wrong(
                "close_day",
                "neither it nor last_closed_on is filled in",
                "fill in one of them",
            );
            None
        }
    }
}

/// The first day of the cycle in which a day lies.
fn last_begin(schedule: &CycleSchedule, day: NaiveDate) -> Option<NaiveDate> {
    let mut before = std::iter::successors(day.pred_opt(), NaiveDate::pred_opt).take(40);
    before.find(|closed| schedule.close_of(*closed) == *closed)?.succ_opt()
}
