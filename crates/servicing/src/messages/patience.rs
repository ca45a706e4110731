//! What this process leaves alone for a moment because something broke: one message, or all mail while the server is away.
//!
//! It is reckoned by the clock of sessions and not by that of business: a sandbox's business clock stands still until a hand
//! moves it, and a wire that was away for a second must not be away for good. What is absent: what a mail server said, which
//! stands with the message and waits by the clock of business.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use chrono::{DateTime, TimeDelta, Utc};
use identity::OutboundId;

/// How long after a mail server was not reached until it is tried again.
const WIRE_RESTS: TimeDelta = TimeDelta::seconds(30);

#[derive(Debug, Default)]
struct Left {
    wire_until: Option<DateTime<Utc>>,
    messages: HashMap<OutboundId, DateTime<Utc>>,
}

/// Shared by the clones of a `Servicing`. No lock is held across a wait.
#[derive(Debug, Default)]
pub(crate) struct Patience(Mutex<Left>);

impl Patience {
    /// Whoever panicked with it left it whole: each change is one assignment.
    fn lock(&self) -> MutexGuard<'_, Left> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The mail server was not reached.
    pub(super) fn leave_wire(&self, now: DateTime<Utc>) {
        self.lock().wire_until = Some(now + WIRE_RESTS);
    }

    /// Whether the mail server is to be tried.
    pub(super) fn wire_may_be_tried(&self, now: DateTime<Utc>) -> bool {
        self.lock().wire_until.is_none_or(|until| until <= now)
    }

    pub(super) fn leave(&self, id: OutboundId, until: DateTime<Utc>) {
        self.lock().messages.insert(id, until);
    }

    /// The messages that are not looked at now.
    pub(super) fn left(&self, now: DateTime<Utc>) -> Vec<OutboundId> {
        let mut left = self.lock();
        left.messages.retain(|_, until| *until > now);
        left.messages.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_broke_is_left_alone_for_a_moment_and_then_looked_at_again() {
        let now = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let (patience, id) = (Patience::default(), OutboundId::mint(now));
        assert!(patience.wire_may_be_tried(now));
        patience.leave_wire(now);
        patience.leave(id, now + TimeDelta::minutes(1));
        assert!(!patience.wire_may_be_tried(now + TimeDelta::seconds(29)));
        assert!(patience.wire_may_be_tried(now + TimeDelta::seconds(30)));
        assert_eq!(patience.left(now + TimeDelta::seconds(59)), [id]);
        assert!(patience.left(now + TimeDelta::minutes(1)).is_empty());
    }
}
