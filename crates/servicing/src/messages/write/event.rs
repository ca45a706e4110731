//! Of which events a customer is told, by which messages, and which of them the law has us tell of.
//!
//! Invariant: `draft` matches on all of these without a wildcard, and a test holds this list against every event that this crate
//! records: a new one is told of, or said to be silent, before the tests pass.

use documents::MessageKind;

macro_rules! events {
    ($($variant:ident = $word:literal, $law:expr, [$($message:ident),+];)+) => {
        /// An event of the outbox of which a customer is told.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Event {
            $($variant,)+
        }

        impl Event {
            #[cfg(test)]
            const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub(super) fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }

            /// What may be written of it.
            pub(super) const fn messages(self) -> &'static [MessageKind] {
                match self {
                    $(Self::$variant => &[$(MessageKind::$message),+],)+
                }
            }

            /// Which law has us write.
            #[cfg(test)]
            const fn law(self) -> Option<&'static str> {
                match self {
                    $(Self::$variant => $law,)+
                }
            }
        }
    };
}

events! {
    StatementIssued = "statement.issued", Some("12 CFR 1026.5(b)(2)"), [StatementReady];
    PaymentScheduled = "payment.scheduled", None, [PaymentScheduled];
    PaymentCredited = "payment.credited", None, [PaymentTaken];
    PaymentReturned = "payment.returned", None, [PaymentReturned];
    PaymentReversed = "payment.reversed", None, [PaymentReversed];
    PaymentHeldBack = "payment.held_back", None, [PaymentNotMade];
    DrawMade = "draw.made", None, [DrawSent];
    DrawReleased = "draw.released", None, [DrawSent];
    DrawRefused = "draw.refused", None, [DrawRefused];
    DrawVoided = "draw.voided", None, [DrawRefused];
    AutopayEnrolled = "autopay.enrolled", Some("12 CFR 1005.10(b)"), [AutopayEnrolled];
    AutopayChanged = "autopay.changed", Some("12 CFR 1005.10(b)"), [AutopayChanged];
    AutopayCancelled = "autopay.cancelled", Some("12 CFR 1005.10(c)"), [AutopayCancelled];
    AutopayNotice = "autopay.notice", Some("12 CFR 1005.10(d)"), [AutopayNotice];
    AutopayNotMade = "autopay.not_made", None, [PaymentNotMade];
    TermsChanged = "terms.changed", Some("12 CFR 1026.9(c)(2)"), [TermsChanged];
    DisputeResolved = "dispute.resolved", Some("12 CFR 1026.13(e), (f)"), [DisputeResolved];
    RefundSent = "refund.sent", None, [CreditRefund];
    RefundRefused = "refund.refused", None, [RefundNotSent];
    ChequeSent = "refund.cheque_sent", None, [RefundCheque];
    ChequeVoided = "refund.cheque_voided", None, [RefundChequeVoid];
    ContactChanged = "contact.changed", None, [ContactChanged];
    ConsentWithdrawn = "consent.withdrawn", Some("15 USC 7001(c)"), [ConsentWithdrawn];
    DecisionRecorded = "decision.recorded", Some("12 CFR 1002.9"), [AdverseAction];
    CaseOpened = "case.opened", Some("12 CFR 1026.13(c)(1)"), [DisputeAcknowledged, CaseAcknowledged];
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use documents::MessageClass;

    use super::*;

    /// What is recorded and told to nobody by a message of its own.
    const SILENT: [&str; 43] = [
        "autopay.nothing_due",
        "autopay.skipped",
        "bank_account.added",
        "bank_account.change_told",
        "case.closed",
        "case.repeated",
        "charge.adjusted",
        "consent.given",
        "consent.in_doubt",
        "contact.limited",
        // Acknowledged by the case that it opens.
        "dispute.opened",
        "draw.chosen_for_file",
        "draw.given_back",
        "draw.handed_over",
        "draw.held",
        "draw.looked_at",
        "dispute.credit_asked",
        "dispute.credit_refused",
        "draw.set_aside",
        "draw.settled",
        "fee.assessed",
        "flag.cleared",
        "flag.raised",
        "line.disclosed",
        "line.disclosure_made",
        "line.due_day_changed",
        "line.event",
        "line.history_loaded",
        "line.limit_lowered",
        "line.opened",
        "line.standing_changed",
        "payment.cancelled",
        "payment.chosen_for_file",
        "payment.given_back",
        "payment.not_retried",
        "payment.reversal_asked",
        "payment.reversal_refused",
        "payment.settled",
        "statement.not_sent",
        "statement.rendered",
        "statement.sent",
        "terms.service_recorded",
        "refund.handed_over",
    ];
    /// The same of what is between us, the bank and the desk.
    const SILENT_OF: [&str; 4] = ["intent", "hand_off", "rail_file", "return"];
    const SILENT_REFUNDS: [&str; 3] =
        ["refund.cheque_asked", "refund.cheque_refused", "refund.requested"];
    /// What goes out at all (`work`).
    const TOLD: [&str; 21] = [
        "intent",
        "payment",
        "draw",
        "case",
        "flag",
        "hand_off",
        "line",
        "statement",
        "fee",
        "charge",
        "decision",
        "application",
        "rail_file",
        "return",
        "bank_account",
        "autopay",
        "dispute",
        "refund",
        "terms",
        "contact",
        "consent",
    ];

    fn sources(folder: &Path, into: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                sources(&path, into);
            } else if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("event.rs")
            {
                into.push(fs::read_to_string(path).unwrap());
            }
        }
    }

    /// The words `of.what` between quotes.
    fn recorded() -> BTreeSet<String> {
        let mut texts = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut texts);
        let plain = |part: &str| {
            !part.is_empty() && part.chars().all(|c| c == '_' || c.is_ascii_lowercase())
        };
        let of_event = |piece: &&str| {
            piece.split_once('.').is_some_and(|(of, what)| TOLD.contains(&of) && plain(what))
        };
        texts.iter().flat_map(|text| text.split('"').filter(of_event)).map(str::to_owned).collect()
    }

    #[test]
    fn whatever_is_recorded_is_told_of_or_is_said_to_be_silent() {
        let recorded = recorded();
        assert!(recorded.len() > 50, "the sources were not read: {recorded:?}");
        let silent = |word: &str| {
            let of = word.split_once('.').map(|(of, _)| of).unwrap_or_default();
            SILENT.contains(&word) || SILENT_REFUNDS.contains(&word) || SILENT_OF.contains(&of)
        };
        for word in &recorded {
            let told = Event::parse(word).is_some();
            assert!(told != silent(word), "{word}: told of, or silent, and not both");
        }
        for word in SILENT.iter().chain(&SILENT_REFUNDS) {
            assert!(recorded.contains(*word), "{word} is recorded no more");
        }
    }

    #[test]
    fn what_the_law_has_us_tell_is_written_as_a_legal_notice_and_every_notice_is_of_an_event() {
        for event in Event::ALL {
            let legal = event.messages().iter().any(|kind| kind.class() == MessageClass::Legal);
            assert_eq!(event.law().is_some(), legal, "{event:?}");
        }
        for kind in MessageKind::ALL {
            let of = Event::ALL.iter().filter(|event| event.messages().contains(kind)).count();
            assert!(of > 0, "{kind:?} is written of nothing");
        }
    }
}
