//! What the business said no to: data for customers and models, never logged as an error.

use std::fmt;

use serde::Serialize;

use crate::Level;

/// Why not, as a stable word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RefusalCode {
    AlreadyClaimed,
    AmountNotPositive,
    AmountOverPayoff,
    AmountTooLarge,
    BankAccountAmbiguous,
    BankAccountDisabled,
    BankAccountUnknown,
    CannotCancel,
    CaseClosed,
    ChangedLately,
    ChequeInvalid,
    ContactChangedLately,
    ConversationClosed,
    CursorInvalid,
    DateInPast,
    DateTooFar,
    DateUnclear,
    DebitsStopped,
    DrawsBlocked,
    DueDayInvalid,
    FlagNotStanding,
    FlagUnknown,
    IntentChanged,
    IntentConfirmed,
    IntentExpired,
    IntentRefused,
    IntentSuperseded,
    KeyInvalid,
    KeyReused,
    LevelTooLow,
    LimitInvalid,
    LimitNotLower,
    NoCreditLine,
    NoCreditBalance,
    NotAllowed,
    NotFound,
    NothingDue,
    NoticeTooShort,
    OpeningRecordMissing,
    OverLimit,
    PastDue,
    TextInvalid,
    TermsInvalid,
    TurnOver,
    TurnRunning,
}

/// How a refusal is to be shown to a program: the server maps it to a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// The request itself makes no sense.
    Invalid,
    /// This person may not.
    Forbidden,
    /// There is no such thing, or it is somebody else's.
    Missing,
    /// It clashes with the state of things.
    Conflict,
    /// It was possible once.
    Gone,
    /// The credit line does not permit it.
    Refused,
}

impl RefusalCode {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AlreadyClaimed => "already_claimed",
            Self::AmountNotPositive => "amount_not_positive",
            Self::AmountOverPayoff => "amount_over_payoff",
            Self::AmountTooLarge => "amount_too_large",
            Self::BankAccountAmbiguous => "bank_account_ambiguous",
            Self::BankAccountDisabled => "bank_account_disabled",
            Self::BankAccountUnknown => "bank_account_unknown",
            Self::CannotCancel => "cannot_cancel",
            Self::CaseClosed => "case_closed",
            Self::ChangedLately => "changed_lately",
            Self::ChequeInvalid => "cheque_invalid",
            Self::ContactChangedLately => "contact_changed_lately",
            Self::ConversationClosed => "conversation_closed",
            Self::CursorInvalid => "cursor_invalid",
            Self::DateInPast => "date_in_past",
            Self::DateTooFar => "date_too_far",
            Self::DateUnclear => "date_unclear",
            Self::DebitsStopped => "debits_stopped",
            Self::DrawsBlocked => "draws_blocked",
            Self::DueDayInvalid => "due_day_invalid",
            Self::FlagNotStanding => "flag_not_standing",
            Self::FlagUnknown => "flag_unknown",
            Self::IntentChanged => "intent_changed",
            Self::IntentConfirmed => "intent_confirmed",
            Self::IntentExpired => "expired",
            Self::IntentRefused => "refused",
            Self::IntentSuperseded => "superseded",
            Self::KeyInvalid => "key_invalid",
            Self::KeyReused => "key_reused",
            Self::LevelTooLow => "level_too_low",
            Self::LimitInvalid => "limit_invalid",
            Self::LimitNotLower => "limit_not_lower",
            Self::NoCreditLine => "no_credit_line",
            Self::NoCreditBalance => "no_credit_balance",
            Self::NotAllowed => "not_allowed",
            Self::NotFound => "not_found",
            Self::NothingDue => "nothing_due",
            Self::NoticeTooShort => "notice_too_short",
            Self::OpeningRecordMissing => "opening_record_missing",
            Self::OverLimit => "over_limit",
            Self::PastDue => "past_due",
            Self::TextInvalid => "text_invalid",
            Self::TermsInvalid => "terms_invalid",
            Self::TurnOver => "turn_over",
            Self::TurnRunning => "turn_running",
        }
    }

    /// What sort of no it is.
    #[must_use]
    pub const fn kind(self) -> RefusalKind {
        match self {
            Self::AmountNotPositive
            | Self::AmountTooLarge
            | Self::BankAccountAmbiguous
            | Self::ChequeInvalid
            | Self::CursorInvalid
            | Self::DateInPast
            | Self::DateTooFar
            | Self::DateUnclear
            | Self::FlagUnknown
            | Self::KeyInvalid
            | Self::LimitInvalid
            | Self::DueDayInvalid
            | Self::TermsInvalid
            | Self::TextInvalid => RefusalKind::Invalid,
            Self::LevelTooLow | Self::NotAllowed => RefusalKind::Forbidden,
            Self::BankAccountUnknown | Self::NoCreditLine | Self::NotFound => RefusalKind::Missing,
            Self::AlreadyClaimed
            | Self::CaseClosed
            | Self::ConversationClosed
            | Self::FlagNotStanding
            | Self::IntentChanged
            | Self::IntentConfirmed
            | Self::IntentRefused
            | Self::IntentSuperseded
            | Self::KeyReused
            | Self::TurnOver
            | Self::TurnRunning => RefusalKind::Conflict,
            Self::IntentExpired => RefusalKind::Gone,
            Self::AmountOverPayoff
            | Self::BankAccountDisabled
            | Self::CannotCancel
            | Self::ContactChangedLately
            | Self::DebitsStopped
            | Self::DrawsBlocked
            | Self::NothingDue
            | Self::OpeningRecordMissing
            | Self::ChangedLately
            | Self::LimitNotLower
            | Self::NoCreditBalance
            | Self::NoticeTooShort
            | Self::PastDue
            | Self::OverLimit => RefusalKind::Refused,
        }
    }

    /// What the person can do about it, in one sentence.
    #[must_use]
    pub const fn what_to_do(self) -> &'static str {
        match self {
            Self::AlreadyClaimed => {
                "Choose another conversation from the queue, or take this one over."
            }
            Self::AmountNotPositive => "Name an amount above zero.",
            Self::AmountOverPayoff => "Name a smaller amount, or pay the whole payoff amount.",
            Self::AmountTooLarge => "Name a smaller amount.",
            Self::BankAccountAmbiguous => {
                "Say which bank account, by its kind or its last four digits."
            }
            Self::BankAccountDisabled => "Choose another bank account.",
            Self::BankAccountUnknown => "Choose one of the bank accounts on file.",
            Self::CannotCancel => "Ask for a person if the payment should not have been made.",
            Self::CaseClosed => "Open a new case if there is something new.",
            Self::ContactChangedLately => "Wait three days, or ask for a person.",
            Self::ConversationClosed => "Nothing more is said in it: a new one can be started.",
            Self::CursorInvalid => "Send the cursor of the page before as it came, or none.",
            Self::DateInPast => "Choose today or a later day.",
            Self::DateTooFar => "Choose a day within the next year.",
            Self::DateUnclear => "Name the day, such as December 4.",
            Self::DebitsStopped | Self::NotAllowed => {
                "Ask for a person, who can look at it with you."
            }
            Self::DrawsBlocked | Self::PastDue => {
                "Bring the line up to date first, or ask for a person."
            }
            Self::FlagNotStanding => "Look at the flags that stand now.",
            Self::FlagUnknown => "Use one of the flags that docs/scenario.md lists.",
            Self::IntentChanged | Self::IntentExpired | Self::IntentRefused => "Ask for it again.",
            Self::IntentConfirmed => "Nothing more is needed: see the receipt.",
            Self::IntentSuperseded => "Confirm the newer proposal, or ask again.",
            Self::KeyInvalid => "Send 8 to 128 visible characters as the key.",
            Self::KeyReused => "Send a new key with a new request.",
            Self::LevelTooLow => {
                "Confirm who you are with a second factor, then repeat the request."
            }
            Self::LimitInvalid => "Ask for 1 to 200 at a time.",
            Self::NoCreditLine => "Ask about your application instead.",
            Self::NotFound => "Check which one you mean.",
            Self::NothingDue => "Name an amount if you want to pay anyway.",
            Self::OpeningRecordMissing => {
                "Agree to get records on the screen, or ask for a person."
            }
            Self::OverLimit => "Ask for no more than the credit that is available.",
            Self::TextInvalid => "Send a text of 1 to 4,000 characters.",
            Self::ChequeInvalid => "Check the number, the amount and the day of the cheque.",
            Self::ChangedLately => "Ask for a person if it has to be sooner.",
            Self::DueDayInvalid => "Choose a day from 1 to 28.",
            Self::LimitNotLower => "Name a limit below the one of today; for a higher one, apply.",
            Self::NoCreditBalance => "Look at the balance: nothing is owed to you on this line.",
            Self::NoticeTooShort => {
                "Choose a day at least 45 days ahead, or name the reason why no notice is needed."
            }
            Self::TermsInvalid => "Send terms as a product file has them (docs/scenario.md).",
            Self::TurnOver => "Send the message again.",
            Self::TurnRunning => "Wait until the answer before has been given.",
        }
    }
}

impl fmt::Display for RefusalCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The domain said no.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{sentence}")]
pub struct Refusal {
    pub code: RefusalCode,
    /// What was refused and why: one plain sentence, complete.
    pub sentence: String,
}

impl Refusal {
    pub fn new(code: RefusalCode, sentence: impl Into<String>) -> Self {
        Self { code, sentence: sentence.into() }
    }

    /// Who asks is not known well enough: the program is told the code, the person both levels.
    pub(crate) fn level_too_low(level: Level, needed: Level) -> Self {
        let sentence = format!(
            "This needs a step-up: we know who you are to level {level:?}, and level {needed:?} is asked for."
        );
        Self::new(RefusalCode::LevelTooLow, sentence)
    }

    /// There is no such thing for this person. Says the same whether it does not exist or is somebody else's.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(RefusalCode::NotFound, format!("There is no such {what}."))
    }

    /// What was sent to page on with was never given out.
    pub(crate) fn cursor_invalid() -> Self {
        Self::new(RefusalCode::CursorInvalid, "This cursor is none of ours.")
    }

    /// The stable word.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.code.as_str()
    }

    /// What the person can do about it.
    #[must_use]
    pub const fn what_to_do(&self) -> &'static str {
        self.code.what_to_do()
    }
}
