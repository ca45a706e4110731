//! What is kept no longer than it serves: sessions that are over, and the keys of requests that nobody repeats any more.
//!
//! Invariants: it runs under a role that can delete these and do nothing else; what says what was done (leaves, events,
//! receipts) is not among it. A key that is gone would let its request be carried out a second time: it is kept far longer
//! than any page, script or job repeats a request.

use chrono::TimeDelta;
use store::{idempotency, sessions};

use crate::{Servicing, ServicingError};

/// How long a session is kept after it expired: a report of misuse may come late.
pub const SESSIONS_KEPT: TimeDelta = TimeDelta::days(30);

/// How long a key is kept. A page repeats a request while its tab lives, and no session lives longer than
/// [`crate::sessions::SESSION_LASTS`].
pub const KEYS_KEPT: TimeDelta = TimeDelta::days(90);

/// Rows deleted in one statement.
const AT_ONCE: i64 = 5_000;

impl Servicing {
    /// Deletes what is kept no longer; answers how many sessions and how many keys.
    pub(crate) async fn purge(&self) -> Result<(u64, u64), ServicingError> {
        let mut conn = self.store.purge().acquire().await?;
        let sessions_before = self.session_clock.now() - SESSIONS_KEPT;
        let keys_before = self.now() - KEYS_KEPT;
        let (mut purged_sessions, mut purged_keys) = (0, 0);
        loop {
            let ended = sessions::purge(&mut conn, sessions_before, AT_ONCE).await?;
            let old = idempotency::purge(&mut conn, keys_before, AT_ONCE).await?;
            purged_sessions += ended;
            purged_keys += old;
            if ended + old == 0 {
                return Ok((purged_sessions, purged_keys));
            }
        }
    }
}
