//! The one place where the wall clock is read.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

/// Tells the time. A constructor argument of whatever needs it, so that a test owns time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Manual(Hand),
}

/// Moves a manual clock.
#[derive(Clone, Debug)]
pub struct Hand(Arc<Mutex<DateTime<Utc>>>);

impl Clock {
    /// The machine's own clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until its hand is moved.
    #[must_use]
    pub fn manual(start: DateTime<Utc>) -> (Self, Hand) {
        let hand = Hand(Arc::new(Mutex::new(start)));
        (Self(Source::Manual(hand.clone())), hand)
    }

    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one reading of the wall clock")]
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            Source::System => Utc::now(),
            Source::Manual(hand) => *hand.lock(),
        }
    }

    /// Whether time stands still unless moved by hand.
    #[must_use]
    pub const fn manual_hand(&self) -> Option<&Hand> {
        match &self.0 {
            Source::System => None,
            Source::Manual(hand) => Some(hand),
        }
    }
}

impl Hand {
    pub fn set(&self, now: DateTime<Utc>) {
        *self.lock() = now;
    }

    pub fn advance(&self, by: TimeDelta) {
        *self.lock() += by;
    }

    fn lock(&self) -> MutexGuard<'_, DateTime<Utc>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let start = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let (clock, hand) = Clock::manual(start);
        let copy = clock.clone();
        assert_eq!(clock.now(), start);
        hand.advance(TimeDelta::days(30));
        assert_eq!(copy.now(), start + TimeDelta::days(30));
        hand.set(start);
        assert_eq!(clock.now(), start);
    }
}
