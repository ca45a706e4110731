//! How hard a close works: what it takes at a time, and how long it rests in between.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How hard a close works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// One worker that rests as long as it works, and longer while the database is busy.
    #[default]
    Gentle,
    /// One worker per processor, without rest.
    Full,
}

impl Pace {
    pub(crate) fn workers(self) -> usize {
        match self {
            Self::Gentle => 1,
            Self::Full => std::thread::available_parallelism().map_or(2, usize::from),
        }
    }
}

/// A chunk holds its lines no longer than about this: so long may a payment wait.
const HOLDS_AT_MOST: Duration = Duration::from_millis(20);

/// Lines of a chunk: at a gentle pace at first, and at most; at full pace always.
const FIRST: u32 = 4;
const GENTLE_AT_MOST: u32 = 32;
const FULL: u32 = 256;

const RESTS_AT_MOST: Duration = Duration::from_millis(500);

/// Watches how long chunks take. A line costs what it costs: where it takes longer than it has been seen to, somebody else
/// wants the database too, and the close makes room.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Throttle {
    pace: Pace,
    lines: u32,
    /// The least that a line took, in microseconds; it creeps up, so that it is not one lucky moment for ever.
    least: u64,
}

impl Throttle {
    pub(crate) const fn new(pace: Pace) -> Self {
        let lines = match pace {
            Pace::Gentle => FIRST,
            Pace::Full => FULL,
        };
        Self { pace, lines, least: u64::MAX }
    }

    /// How many lines to take next.
    pub(crate) const fn lines(&self) -> u32 {
        self.lines
    }

    /// A chunk of that many lines took so long; answers how long to rest.
    pub(crate) fn took(&mut self, lines: usize, elapsed: Duration) -> Duration {
        let lines = u64::try_from(lines).unwrap_or(u64::MAX).max(1);
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        let each = (micros / lines).max(1);
        let least = self.least.saturating_add(self.least / 64).min(each);
        self.least = least;
        if self.pace == Pace::Full {
            return Duration::ZERO;
        }
        self.lines = if elapsed > HOLDS_AT_MOST {
            (self.lines / 2).max(1)
        } else if elapsed < HOLDS_AT_MOST / 2 {
            (self.lines + 4).min(GENTLE_AT_MOST)
        } else {
            self.lines
        };
        // Twice as slow as it could be: rest four times as long as the work, and so on.
        let times = (each / least).clamp(1, 8);
        let times = u32::try_from(times * times).unwrap_or(1);
        elapsed.saturating_mul(times).min(RESTS_AT_MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn millis(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn it_rests_as_long_as_it_works_and_longer_when_lines_become_slow() {
        let mut throttle = Throttle::new(Pace::Gentle);
        assert_eq!(throttle.took(4, millis(4)), millis(4));
        assert_eq!(throttle.took(8, millis(8)), millis(8));
        assert_eq!(throttle.took(12, millis(24)), millis(24), "not quite twice as slow yet");
        assert_eq!(throttle.took(4, millis(12)), millis(12 * 4));
        assert_eq!(throttle.took(1, millis(400)), RESTS_AT_MOST);
        assert_eq!(
            throttle.took(4, millis(4)),
            millis(4),
            "and no longer once they are fast again"
        );
    }

    #[test]
    fn a_chunk_grows_while_it_is_quick_and_shrinks_when_it_holds_its_lines_too_long() {
        let mut throttle = Throttle::new(Pace::Gentle);
        let mut sizes = Vec::new();
        for elapsed in [1, 1, 15, 30, 30, 30, 30, 30] {
            throttle.took(4, millis(elapsed));
            sizes.push(throttle.lines());
        }
        assert_eq!(sizes, [8, 12, 12, 6, 3, 1, 1, 1]);
        for _ in 0..20 {
            throttle.took(4, millis(1));
        }
        assert_eq!(throttle.lines(), GENTLE_AT_MOST);
    }

    #[test]
    fn at_full_pace_there_is_no_rest() {
        let mut throttle = Throttle::new(Pace::Full);
        for elapsed in [1, 1000] {
            assert_eq!(throttle.took(256, millis(elapsed)), Duration::ZERO);
            assert_eq!(throttle.lines(), FULL);
        }
    }
}
