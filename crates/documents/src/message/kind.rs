//! What there is to tell a customer, and which rules each kind of message comes under.

use serde::{Deserialize, Serialize};

/// Which rules a message comes under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageClass {
    /// The law has us give it in writing.
    Legal,
    /// Somebody may be doing something in the customer's name.
    Alert,
    /// What we did for the customer.
    Servicing,
    /// Asking for what is past due.
    Collection,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $word:literal, $class:ident, $asks:literal;)+) => {
        /// A kind of message.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum MessageKind {
            $($(#[$doc])* #[serde(rename = $word)] $variant,)+
        }

        impl MessageKind {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word in the database, in JSON and in leaves.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            #[must_use]
            pub const fn class(self) -> MessageClass {
                match self {
                    $(Self::$variant => MessageClass::$class,)+
                }
            }

            /// Whether it says what is to be paid.
            #[must_use]
            pub const fn asks_for_money(self) -> bool {
                match self {
                    $(Self::$variant => $asks,)+
                }
            }

            /// Name and version of the template.
            #[must_use]
            pub const fn template(self) -> &'static str {
                match self {
                    $(Self::$variant => concat!("message ", $word, " 1"),)+
                }
            }

            pub(super) const fn source(self, tongue: Tongue) -> &'static str {
                match (self, tongue) {
                    $(
                        (Self::$variant, Tongue::English) => {
                            include_str!(concat!("../../../../messages/en/", $word, ".txt"))
                        }
                        (Self::$variant, Tongue::Spanish) => {
                            include_str!(concat!("../../../../messages/es/", $word, ".txt"))
                        }
                    )+
                }
            }
        }
    };
}

kinds! {
    /// 12 CFR 1026.5(b)(2).
    StatementReady = "statement_ready", Legal, true;
    PaymentScheduled = "payment_scheduled", Servicing, false;
    PaymentTaken = "payment_taken", Servicing, false;
    PaymentReturned = "payment_returned", Servicing, false;
    PaymentReversed = "payment_reversed", Servicing, false;
    /// The copy of the authorisation: 12 CFR 1005.10(b).
    AutopayEnrolled = "autopay_enrolled", Legal, false;
    AutopayChanged = "autopay_changed", Legal, false;
    AutopayCancelled = "autopay_cancelled", Legal, false;
    /// A varying amount, ten days ahead: 12 CFR 1005.10(d).
    AutopayNotice = "autopay_notice", Legal, true;
    DrawSent = "draw_sent", Servicing, false;
    DrawRefused = "draw_refused", Servicing, false;
    ContactChanged = "contact_changed", Alert, false;
    /// 12 CFR 1002.9; the notice itself goes with it.
    AdverseAction = "adverse_action", Legal, false;
    CreditRefund = "credit_refund", Servicing, false;
    RefundNotSent = "refund_not_sent", Servicing, false;
    RefundCheque = "refund_cheque", Servicing, false;
    RefundChequeVoid = "refund_cheque_void", Servicing, false;
    CaseAcknowledged = "case_acknowledged", Servicing, false;
    /// A billing error: 12 CFR 1026.13(c)(1), within 30 days.
    DisputeAcknowledged = "dispute_acknowledged", Legal, false;
    /// What was found, in writing, with the reason: 12 CFR 1026.13(e), (f).
    DisputeResolved = "dispute_resolved", Legal, false;
    /// 45 days before, or as soon as it holds: 12 CFR 1026.9(c)(2).
    TermsChanged = "terms_changed", Legal, false;
    PaymentNotMade = "payment_not_made", Servicing, false;
    /// 15 USC 7001(c)(1)(B).
    ConsentWithdrawn = "consent_withdrawn", Legal, false;
}

impl MessageClass {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Legal => "legal",
            Self::Alert => "alert",
            Self::Servicing => "servicing",
            Self::Collection => "collection",
        }
    }
}

impl MessageKind {
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }
}

/// A language we write in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tongue {
    English,
    Spanish,
}

impl Tongue {
    pub const ALL: [Self; 2] = [Self::English, Self::Spanish];

    /// As pages name it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Spanish => "es",
        }
    }

    pub(super) const fn foot(self) -> &'static str {
        match self {
            Self::English => include_str!("../../../../messages/en/foot.txt"),
            Self::Spanish => include_str!("../../../../messages/es/foot.txt"),
        }
    }
}
