//! Delivery: decided anew before each attempt, handed over, and what came of it recorded.
//!
//! Invariants: one process delivers at a time; a message is `sending` before it leaves, so that a process that dies in between
//! leaves behind that it may have left; what may have left is asked about, and goes out again only where the server never had
//! it, under the same id.

use chrono::TimeDelta;
use identity::{OutboundId, chain};
use rails::{Bounce, Enclosed, Mail, MailError};
use serde_json::json;
use sqlx::PgConnection;
use store::{
    contacts::ConsentEnd,
    customers, decisions, outbound,
    outbound::{OutboundRow, OutboundState},
};

use super::{MessageReport, Way, Why};
use crate::{Refusal, Servicing, ServicingError, ports::Post};

/// Messages looked at in one go.
const MESSAGES_AT_ONCE: i64 = 200;
/// How long until the next attempt, after each that was put off; then it goes on paper.
const AGAIN_AFTER_MINUTES: [i64; 4] = [15, 60, 240, 720];
/// How long until it is asked about, after each answer that was lost; then it goes on paper.
const ASKED_AFTER_MINUTES: [i64; 5] = [0, 15, 60, 240, 720];
/// A server that cannot be reached is tried so long, and no longer.
const UNREACHED_FOR_DAYS: i64 = 3;
/// How long a message is left alone that could not be worked off, and one of which the post office could not tell.
const BROKEN_RESTS: TimeDelta = TimeDelta::minutes(1);
const UNTOLD_RESTS: TimeDelta = TimeDelta::minutes(15);

/// What is ready to be handed over.
struct Ready {
    message: OutboundRow,
    name: String,
    /// The notice that goes with it.
    notice: Option<Vec<u8>>,
}

/// Whether the run goes on.
#[derive(PartialEq, Eq)]
enum Wire {
    Up,
    Down,
}

impl Servicing {
    /// Works off what is due.
    pub(super) async fn deliver_messages(
        &self,
        post: &dyn Post,
        alone: &mut PgConnection,
        report: &mut MessageReport,
    ) -> Result<(), ServicingError> {
        if !self.patience.wire_may_be_tried(self.session_clock.now()) {
            return Ok(());
        }
        let mut seen = self.patience.left(self.session_clock.now());
        loop {
            let due = outbound::list_due(alone, self.now(), &seen, MESSAGES_AT_ONCE).await?;
            if due.is_empty() {
                return Ok(());
            }
            for id in due {
                seen.push(id);
                match self.deliver_one(post, id, report).await {
                    Ok(Wire::Up) => {}
                    Ok(Wire::Down) => return Ok(()),
                    Err(error) => {
                        tracing::error!(message.id = %id, error = %chain(&error), "message {id} could not be worked off");
                        report.messages_failed += 1;
                        self.message_undone(id, &name_of(id), &error).await;
                        self.leave(id, BROKEN_RESTS);
                    }
                }
            }
        }
    }

    fn is_due(&self, message: &OutboundRow) -> bool {
        message.next_at.is_some_and(|at| at <= self.now())
    }

    async fn deliver_one(
        &self,
        post: &dyn Post,
        id: OutboundId,
        report: &mut MessageReport,
    ) -> Result<Wire, ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let Some(message) = outbound::find_for_update(&mut tx, id).await? else {
            return Ok(Wire::Up);
        };
        if !self.is_due(&message) {
            return Ok(Wire::Up);
        }
        if message.state == OutboundState::Sending {
            tx.rollback().await?;
            match post.has(&id.to_string()).await {
                Ok(true) => return self.sent(id, report).await.map(|()| Wire::Up),
                // It never arrived: it is decided about anew.
                Ok(false) => tx = self.store.app().begin().await?,
                Err(error) => {
                    tracing::warn!(message.id = %id, error = %chain(&error), "whether message {id} was taken is not known");
                    report.messages_unknown += 1;
                    self.leave(id, UNTOLD_RESTS);
                    return Ok(Wire::Up);
                }
            }
        }
        let Some(mut message) = outbound::find_for_update(&mut tx, id).await? else {
            return Ok(Wire::Up);
        };
        // Its bounce may have been read meanwhile.
        if !self.is_due(&message) {
            return Ok(Wire::Up);
        }
        let way = self.way(&mut tx, &mut message).await?;
        let ready = self.take(&mut tx, message, way, report).await?;
        tx.commit().await?;
        match ready {
            Some(ready) => self.send_ready(post, ready, report).await,
            None => Ok(Wire::Up),
        }
    }

    /// Records what is done with a message; answers it where it is to be handed over now.
    async fn take(
        &self,
        conn: &mut PgConnection,
        mut message: OutboundRow,
        way: Way,
        report: &mut MessageReport,
    ) -> Result<Option<Ready>, ServicingError> {
        let now = self.now();
        message.changed_at = now;
        match way {
            Way::Now => {
                let customer = customers::find(conn, message.customer_id)
                    .await?
                    .ok_or_else(|| Refusal::not_found("customer"))?;
                let notice = match message.decision_id {
                    Some(id) => decisions::find(conn, id).await?.map(|decision| decision.notice),
                    None => None,
                };
                message.state = OutboundState::Sending;
                (message.why, message.code) = (None, None);
                message.next_at = Some(now);
                message.attempts += 1;
                outbound::update(conn, &message).await?;
                Ok(Some(Ready { message, name: customer.name, notice }))
            }
            Way::Wait(until, why) => {
                message.state = OutboundState::Waiting;
                message.why = Some(why.word());
                message.next_at = Some(until);
                outbound::update(conn, &message).await?;
                Ok(None)
            }
            Way::Paper(why) => {
                self.put_on_paper(conn, message, &why.word(), report).await?;
                Ok(None)
            }
            Way::Never(why) => {
                self.withhold(conn, message, why, report).await?;
                Ok(None)
            }
        }
    }

    async fn send_ready(
        &self,
        post: &dyn Post,
        ready: Ready,
        report: &mut MessageReport,
    ) -> Result<Wire, ServicingError> {
        let Ready { message, name, notice } = ready;
        let id = message.id.to_string();
        let mail = Mail {
            id: &id,
            name: &name,
            address: &message.address,
            subject: &message.subject,
            text: &message.body,
            html: &message.html,
            enclosed: notice.as_ref().map(|bytes| Enclosed {
                file_name: "notice.html",
                media_type: "text/html; charset=utf-8",
                bytes,
            }),
            written_at: message.written_at,
        };
        let id = message.id;
        match post.send(&mail).await {
            Ok(()) => self.sent(id, report).await?,
            Err(MailError::Bounced { code }) => self.bounced(id, &code, report).await?,
            Err(MailError::Malformed { .. }) => self.bounced(id, "malformed", report).await?,
            Err(MailError::Deferred { code } | MailError::Refused { code }) => {
                self.defer(id, Some(&code), report).await?;
            }
            Err(error @ (MailError::NotSent { .. } | MailError::Address { .. })) => {
                tracing::error!(error = %chain(&error), "mail cannot be sent: {error}");
                self.patience.leave_wire(self.session_clock.now());
                self.defer(id, None, report).await?;
                return Ok(Wire::Down);
            }
            Err(MailError::Unknown { .. }) => {
                self.answer_lost(id, report).await?;
            }
        }
        Ok(Wire::Up)
    }

    /// The server has it and answers for it.
    async fn sent(&self, id: OutboundId, report: &mut MessageReport) -> Result<(), ServicingError> {
        let now = self.now();
        let mut tx = self.store.app().begin().await?;
        let Some(mut message) = in_flight(&mut tx, id).await? else { return Ok(()) };
        message.state = OutboundState::Sent;
        (message.why, message.code, message.next_at) = (None, None, None);
        message.changed_at = now;
        message.sent_at = Some(now);
        outbound::update(&mut tx, &message).await?;
        self.statement_left(&mut tx, &message).await?;
        self.trail_message(&mut tx, &message, "mail.sent", json!({})).await?;
        tx.commit().await?;
        report.messages_sent += 1;
        Ok(())
    }

    /// The address takes no mail: consent to electronic records is in doubt, and the message goes on paper.
    async fn bounced(
        &self,
        id: OutboundId,
        code: &str,
        report: &mut MessageReport,
    ) -> Result<(), ServicingError> {
        let now = self.now();
        let mut tx = self.store.app().begin().await?;
        let Some(mut message) = outbound::find_for_update(&mut tx, id).await? else {
            return Ok(());
        };
        if !matches!(message.state, OutboundState::Sending | OutboundState::Sent) {
            return Ok(());
        }
        self.hold_line_of_statement(&mut tx, &message).await?;
        let had_left = message.state == OutboundState::Sent;
        message.state = OutboundState::Bounced;
        message.why = Some("mail_came_back".to_owned());
        message.code = Some(code.to_owned());
        (message.next_at, message.sent_at) = (None, None);
        message.changed_at = now;
        outbound::update(&mut tx, &message).await?;
        self.trail_message(&mut tx, &message, "mail.bounced", json!({})).await?;
        // Paper of it may leave today.
        if let Some(yesterday) = self.today().pred_opt().filter(|_| had_left) {
            self.statement_not_left(&mut tx, &message, yesterday).await?;
        }
        let customer = customers::find(&mut tx, message.customer_id).await?;
        // An address that they gave up says nothing of the one that counts.
        if customer.is_some_and(|customer| customer.email == message.address) {
            self.consent_ends(&mut tx, message.customer_id, ConsentEnd::Bounced).await?;
        }
        report.messages_bounced += 1;
        // A flag that was raised since it left stands against its paper too.
        match self.way(&mut tx, &mut message.clone()).await? {
            Way::Never(why @ Why::Flag(_)) => self.withhold(&mut tx, message, why, report).await?,
            _ => self.put_on_paper(&mut tx, message, "mail_came_back", report).await?,
        }
        tx.commit().await?;
        Ok(())
    }

    /// Tries again later; after the last time, on paper. Without a code the server was not reached.
    async fn defer(
        &self,
        id: OutboundId,
        code: Option<&str>,
        report: &mut MessageReport,
    ) -> Result<(), ServicingError> {
        let now = self.now();
        let mut tx = self.store.app().begin().await?;
        let Some(mut message) = in_flight(&mut tx, id).await? else { return Ok(()) };
        let attempt = usize::try_from(message.attempts - 1).unwrap_or_default();
        let again = if code.is_some() {
            AGAIN_AFTER_MINUTES.get(attempt).copied()
        } else {
            // It is due all the while; the wire rests.
            message.attempts -= 1;
            let waited = now - message.written_at;
            (waited < TimeDelta::days(UNREACHED_FOR_DAYS)).then_some(0)
        };
        message.code = code.map(str::to_owned);
        message.changed_at = now;
        report.messages_put_off += 1;
        let Some(minutes) = again else {
            self.put_on_paper(&mut tx, message, "mail_not_taken", report).await?;
            tx.commit().await?;
            return Ok(());
        };
        message.state = OutboundState::Deferred;
        message.why = Some(if code.is_some() { "put_off" } else { "not_reached" }.to_owned());
        message.next_at = Some(now + TimeDelta::minutes(minutes));
        outbound::update(&mut tx, &message).await?;
        if code.is_some() {
            self.trail_message(&mut tx, &message, "mail.deferred", json!({})).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// It stays `sending` and is asked about by the next run, and from the second time on after longer and longer waits; after
    /// the last time it goes on paper.
    async fn answer_lost(
        &self,
        id: OutboundId,
        report: &mut MessageReport,
    ) -> Result<(), ServicingError> {
        let now = self.now();
        let mut tx = self.store.app().begin().await?;
        let Some(mut message) = in_flight(&mut tx, id).await? else { return Ok(()) };
        self.hold_line_of_statement(&mut tx, &message).await?;
        self.trail_message(&mut tx, &message, "mail.unknown", json!({})).await?;
        report.messages_unknown += 1;
        let attempt = usize::try_from(message.attempts - 1).unwrap_or_default();
        if let Some(minutes) = ASKED_AFTER_MINUTES.get(attempt) {
            message.next_at = Some(now + TimeDelta::minutes(*minutes));
            message.changed_at = now;
            outbound::update(&mut tx, &message).await?;
        } else {
            self.put_on_paper(&mut tx, message, "answer_lost", report).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Looks at a message again after a moment: by the clock that no hand holds.
    fn leave(&self, id: OutboundId, rests: TimeDelta) {
        self.patience.leave(id, self.session_clock.now() + rests);
    }

    /// Reads which messages came back after they were taken.
    pub(super) async fn read_bounces(
        &self,
        post: &dyn Post,
        report: &mut MessageReport,
    ) -> Result<(), ServicingError> {
        let mut alone = self.store.app().begin().await?;
        let read = outbound::bounce_cursor(&mut alone).await?;
        let bounces = match post.bounces_after(read).await {
            Ok(bounces) => bounces,
            Err(error) => {
                tracing::warn!(error = %chain(&error), "what came back could not be read: {error}");
                return Ok(());
            }
        };
        // It passes what is worked off: the first that is not comes again, with those after it, of which nothing is done twice.
        let (mut passed, mut whole) = (read, true);
        for bounce in bounces {
            let id = of_message(&bounce);
            let worked_off = match id {
                Some(id) if bounce.letter().is_some() => {
                    self.letter_came_back(id, &bounce.code, report).await
                }
                Some(id) => self.bounced(id, &bounce.code, report).await,
                // What we did not send or print is none of ours.
                None => Ok(()),
            };
            // One that cannot be worked off must not keep the others, and all that is to be sent, from going on.
            if let Err(error) = worked_off {
                tracing::error!(
                    bounce.sequence = bounce.sequence, error = %chain(&error),
                    "that {} came back could not be worked off", bounce.message_id
                );
                report.messages_failed += 1;
                if let Some(id) = id {
                    self.message_undone(id, &name_of(id), &error).await;
                }
                whole = false;
            }
            if whole {
                passed = bounce.sequence;
            }
        }
        outbound::move_bounce_cursor(&mut alone, passed).await?;
        alone.commit().await?;
        Ok(())
    }
}

/// A message that is being handed over; none where its bounce was read before the answer.
async fn in_flight(
    conn: &mut PgConnection,
    id: OutboundId,
) -> Result<Option<OutboundRow>, ServicingError> {
    let message = outbound::find_for_update(conn, id).await?;
    Ok(message.filter(|message| message.state == OutboundState::Sending))
}

/// The id of ours under which it was printed, or sent: `<id@domain>`.
fn of_message(bounce: &Bounce) -> Option<OutboundId> {
    let sent_as = || bounce.message_id.trim_start_matches('<').split('@').next();
    bounce.letter().or_else(sent_as)?.parse().ok()
}

/// Under which the desk is told of a message that cannot be delivered.
fn name_of(id: OutboundId) -> String {
    format!("Delivery of message {id}")
}
