//! A failing history made small: first its tail is cut, then one happening after another is left out.

use crate::history::History;

/// The smallest history found that still fails; `fails` says how, or nothing where it does not.
pub(crate) fn shrink(
    history: &History,
    fails: impl Fn(&History) -> Option<String>,
) -> (History, String) {
    let mut found = history.clone();
    let mut why = fails(&found).unwrap_or_default();
    let kind = kind_of(&why);
    let fails = |smaller: &History| fails(smaller).filter(|how| kind_of(how) == kind);
    // The shortest beginning that fails, to the day after a fact or after a close.
    let span = (found.through - found.agreed.opened_on).num_days();
    let (mut short, mut long) = (0, span);
    while short < long {
        let middle = i64::midpoint(short, long);
        let through = found.agreed.opened_on + chrono::TimeDelta::days(middle);
        if let Some(how) = fails(&history.until(through)) {
            (long, why) = (middle, how);
            found = history.until(through);
        } else {
            short = middle + 1;
        }
    }
    loop {
        let before = found.happenings.len();
        for at in (0..found.happenings.len()).rev() {
            let thinner = found.without(at);
            if thinner.happenings.len() < found.happenings.len()
                && let Some(how) = fails(&thinner)
            {
                (found, why) = (thinner, how);
            }
        }
        if found.happenings.len() == before {
            return (found, why);
        }
    }
}

/// What differs, without where and by how much: a smaller history must not fail in another way.
fn kind_of(why: &str) -> String {
    let first = why.split(';').next().unwrap_or_default();
    let what = first.rsplit_once(": ").map_or(first, |(what, _)| what);
    what.chars().filter(|c| c.is_alphabetic()).collect()
}
