//! Cash: what the bank says has moved, set against the clearing accounts.
//!
//! Invariants: a line's events speak against the clearing accounts and never against cash, but for refunds, which are recorded when
//! they have left; what is posted here is posted in the transaction that records the bank's word, once per event (one posting of
//! a kind, `postings_event_unique`), so that a clearing account holds what is in transit and nothing else (`books::clearing`). What
//! is absent: when the bank's word counts (`release`).

use chrono::{DateTime, NaiveDate, Utc};
use credit::{LineEventBody, Recorded};
use identity::{CreditLineId, PaymentId, PostingId};
use ledger::{Chart, Entry, Posting};
use money::Cents;
use sqlx::PgConnection;
use store::postings::{self, NewPosting};

use crate::{Servicing, ServicingError};

/// How money moved at the bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// A payment came in for good.
    PaymentSettled,
    /// The bank took back a payment that had settled.
    PaymentSentBack,
    /// The money of a draw is with the customer.
    DrawSettled,
    /// The money of a draw that was made came back.
    DrawSentBack,
}

impl Way {
    const fn kind(self) -> &'static str {
        match self {
            Self::PaymentSettled => "payment_settled",
            Self::PaymentSentBack => "payment_sent_back",
            Self::DrawSettled => "draw_settled",
            Self::DrawSentBack => "draw_sent_back",
        }
    }

    const fn clearing(self) -> &'static str {
        match self {
            Self::PaymentSettled | Self::PaymentSentBack => "payments_clearing",
            Self::DrawSettled | Self::DrawSentBack => "draws_clearing",
        }
    }

    const fn comes_in(self) -> bool {
        matches!(self, Self::PaymentSettled | Self::DrawSentBack)
    }
}

/// Money that moved at the bank, by the event of the line that it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) way: Way,
    pub(crate) amount: Cents,
    /// How much of a draw that came back was taken back before as an error: it is no longer in transit, and what we bore comes back.
    pub(crate) borne: Cents,
    pub(crate) event_seq: u64,
    /// The day on which the bank moved it.
    pub(crate) on: NaiveDate,
    pub(crate) recorded_at: DateTime<Utc>,
}

impl Moved {
    fn posting(&self, chart: &Chart) -> Result<Option<Posting>, ServicingError> {
        let account = |name| chart.account(name).map_err(ServicingError::engine);
        let sign = |amount: Cents| if self.way.comes_in() { amount } else { -amount };
        Posting::of(self.way.kind())
            .change(account("cash")?, sign(self.amount))
            .change(account(self.way.clearing())?, -sign(self.amount - self.borne))
            .change(account("billing_errors")?, -sign(self.borne))
            .balanced_or_empty()
            .map_err(ServicingError::engine)
    }
}

impl Servicing {
    /// What moved at the bank, as known now, of what the event of that number credited or charged.
    pub(crate) fn moved(
        &self,
        way: Way,
        amount: Cents,
        event_seq: Option<i64>,
        on: NaiveDate,
    ) -> Result<Moved, ServicingError> {
        let event_seq = event_seq
            .and_then(|seq| u64::try_from(seq).ok())
            .ok_or(ServicingError::Stored { what: "event of what moved", source: None })?;
        Ok(Moved { way, amount, borne: Cents::ZERO, event_seq, on, recorded_at: self.now() })
    }

    /// Posts what moved of a line that is held, in one statement.
    pub(crate) async fn post_cash(
        &self,
        conn: &mut PgConnection,
        credit_line: CreditLineId,
        moved: &[Moved],
    ) -> Result<(), ServicingError> {
        let chart = Chart::embedded().map_err(ServicingError::engine)?;
        let mut posted = Vec::with_capacity(moved.len());
        for one in moved {
            posted.extend(one.posting(&chart)?.map(|posting| (one, posting)));
        }
        let new: Vec<NewPosting<'_>> = posted
            .iter()
            .map(|(one, posting)| NewPosting {
                id: PostingId::mint(one.recorded_at),
                posting,
                credit_line: Some(credit_line),
                event_seq: Some(one.event_seq),
                effective_on: one.on,
                recorded_at: one.recorded_at,
            })
            .collect();
        Ok(postings::post(conn, &new).await?)
    }
}

/// What moved in a history that no bank knows of: all of it, by today. A payment settles on the day that `settles_on` says of its
/// own; what was undone by then never came in.
pub(crate) fn moved_in(
    recorded: &[Recorded],
    settles_on: impl Fn(NaiveDate) -> NaiveDate,
) -> Result<Vec<Moved>, ServicingError> {
    let chart = Chart::embedded().map_err(ServicingError::engine)?;
    let mut moved = Vec::new();
    for one in recorded {
        let event = &one.event;
        let (way, on) = match &event.body {
            LineEventBody::PaymentReceived { payment, .. } => {
                let on = settles_on(event.effective_on);
                if undone_on(recorded, *payment).is_some_and(|undone| undone <= on) {
                    continue;
                }
                (Way::PaymentSettled, on)
            }
            LineEventBody::PaymentReturned { payment, .. }
            | LineEventBody::PaymentReversed { payment, .. } => {
                let received = received_on(recorded, *payment);
                if received.is_none_or(|on| event.effective_on <= settles_on(on)) {
                    continue;
                }
                (Way::PaymentSentBack, event.effective_on)
            }
            LineEventBody::Drew { .. } => (Way::DrawSettled, event.effective_on),
            LineEventBody::DrawRefused { .. } | LineEventBody::DrawCorrected { .. } => {
                (Way::DrawSentBack, event.effective_on)
            }
            _ => continue,
        };
        let in_transit = in_transit(&chart, one, way)?;
        let amount = if way.comes_in() { in_transit } else { -in_transit };
        let (event_seq, recorded_at) = (event.seq, event.recorded_at);
        moved.push(Moved { way, amount, borne: Cents::ZERO, event_seq, on, recorded_at });
    }
    Ok(moved)
}

/// What an event added to the clearing account of its kind; negative where it took from it.
fn in_transit(chart: &Chart, one: &Recorded, way: Way) -> Result<Cents, ServicingError> {
    let code = chart.account(way.clearing()).map_err(ServicingError::engine)?.code;
    let entries = one.posting.iter().flat_map(Posting::entries);
    Ok(entries.filter(|entry| entry.account == code).map(Entry::signed).sum())
}

/// The day of the first event of which that is so.
fn day_of(recorded: &[Recorded], is: impl Fn(&LineEventBody) -> bool) -> Option<NaiveDate> {
    recorded.iter().map(|one| &one.event).find(|event| is(&event.body)).map(|one| one.effective_on)
}

fn received_on(recorded: &[Recorded], id: PaymentId) -> Option<NaiveDate> {
    day_of(recorded, |body| match body {
        LineEventBody::PaymentReceived { payment, .. } => *payment == id,
        _ => false,
    })
}

fn undone_on(recorded: &[Recorded], id: PaymentId) -> Option<NaiveDate> {
    day_of(recorded, |body| match body {
        LineEventBody::PaymentReturned { payment, .. }
        | LineEventBody::PaymentReversed { payment, .. } => *payment == id,
        _ => false,
    })
}
