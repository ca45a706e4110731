//! What happened to a line, as facts that are never edited.
//!
//! Invariants: `seq` is gapless and says in which order we learned; `effective_on` is the business date and may lie before facts
//! already known; the first event is `Opened`. A mistake is corrected by a further event. What is absent: consequences; what a
//! fact does to balances is `replay`'s to say.

use chrono::{DateTime, NaiveDate, Utc};
use identity::{AutopayId, CaseId, DrawId, PaymentId};
use money::{Apr, Cents};
use serde::{Deserialize, Serialize};

use crate::{Charge, Statement, Terms, terms::CycleSchedule};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineEvent {
    /// 1 for the first.
    pub seq: u64,
    pub effective_on: NaiveDate,
    pub recorded_at: DateTime<Utc>,
    pub body: LineEventBody,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LineEventBody {
    Opened {
        terms: Box<Terms>,
    },
    /// An existing line is boarded with what it owes at the start of the effective day.
    BalanceBroughtForward {
        balances: BroughtForward,
    },
    /// Credit is set aside for a draw that is not yet made available.
    DrawHeld {
        draw: DrawId,
        #[serde(rename = "amount_cents")]
        amount: Cents,
        /// The last day of the hold: after it, the draw is void and the credit free.
        #[serde(default)]
        expires_on: Option<NaiveDate>,
    },
    /// Funds were made available. `fee` is what was quoted and charged for it.
    Drew {
        draw: DrawId,
        feature: Option<String>,
        #[serde(rename = "amount_cents")]
        amount: Cents,
        #[serde(rename = "fee_cents")]
        fee: Cents,
        /// The fee is what the terms ask for: less, where late facts make it less. Otherwise somebody agreed on it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_terms: bool,
    },
    DrawSettled {
        draw: DrawId,
    },
    /// The draw never reached the customer: it is taken not to have happened, interest included.
    DrawRefused {
        draw: DrawId,
        reason: String,
    },
    /// The amount was recorded wrongly.
    DrawCorrected {
        draw: DrawId,
        #[serde(rename = "amount_cents")]
        amount: Cents,
        /// What its fee should have been; absent: what it was.
        #[serde(default, rename = "fee_cents", skip_serializing_if = "Option::is_none")]
        fee: Option<Cents>,
        /// That fee is what the terms ask for.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        by_terms: bool,
    },
    PaymentReceived {
        payment: PaymentId,
        #[serde(rename = "amount_cents")]
        amount: Cents,
    },
    /// The bank sent it back. From when it is taken not to have happened is the product's to say.
    PaymentReturned {
        payment: PaymentId,
        code: String,
        #[serde(rename = "fee_cents")]
        fee: Cents,
    },
    /// Our own mistake: the payment is taken never to have happened.
    PaymentReversed {
        payment: PaymentId,
        reason: String,
    },
    /// A credit that is not a payment (goodwill, a refund of a purchase). It counts to the minimum as a payment does.
    CreditGranted {
        #[serde(rename = "amount_cents")]
        amount: Cents,
        reason: String,
        /// Whose principal it reduces first; absent: it goes the way of a payment.
        #[serde(default)]
        feature: Option<String>,
    },
    CreditBalanceRefunded {
        #[serde(rename = "amount_cents")]
        amount: Cents,
    },
    /// What was refunded never reached the customer (a cheque that nobody cashed): it is theirs again, and goes the way of a
    /// credit. Dated on the day of the refund, it undoes it.
    CreditBalanceRestored {
        #[serde(rename = "amount_cents")]
        amount: Cents,
    },
    /// With a cycle: the posting of a fee that the terms impose for that cycle (late, plan); whether it stands is replayed.
    /// Without: a fee as a fact.
    FeeAssessed {
        fee: FeeKind,
        cycle: Option<u32>,
        #[serde(rename = "amount_cents")]
        amount: Cents,
    },
    FeeWaived {
        fee: FeeKind,
        #[serde(rename = "amount_cents")]
        amount: Cents,
        reason: String,
    },
    RateChanged {
        feature: Option<String>,
        #[serde(rename = "apr_ppm")]
        apr: Apr,
        applies_to: AppliesTo,
        /// Where the rate is a change of terms. A rate that the contract itself changes needs none.
        #[serde(default)]
        notice: Option<ChangeNotice>,
    },
    /// The index of the rates that follow one has a new value.
    IndexChanged {
        feature: Option<String>,
        #[serde(rename = "apr_ppm")]
        index: Apr,
    },
    /// Other terms from the effective day on. A new rate is for new draws; interest and grace wait for the next cycle.
    TermsChanged {
        /// What a product file would say of them.
        changes: serde_json::Map<String, serde_json::Value>,
        notice: ChangeNotice,
    },
    /// No rate above `apr` on what was owed before the effective day, from that day (50 USC 3937), until a last day.
    RateCapped {
        #[serde(rename = "apr_ppm")]
        apr: Apr,
        through: Option<NaiveDate>,
        reason: String,
    },
    /// Leave to debit is given: from that day on every rate of the contract is less by the product's discount.
    AutopayDiscountBegan {
        autopay: AutopayId,
    },
    /// That leave has ended: the day is the last one with its discount.
    AutopayDiscountEnded {
        autopay: AutopayId,
    },
    LimitChanged {
        #[serde(rename = "credit_limit_cents")]
        credit_limit: Cents,
        reason: String,
    },
    CyclesChanged {
        cycles: CycleSchedule,
    },
    FlagRaised {
        flag: FlagKind,
        note: String,
    },
    FlagCleared {
        flag: FlagKind,
        note: String,
    },
    /// The customer says that a statement is wrong (12 CFR 1026.13). Until it is settled nobody has to pay what is disputed.
    DisputeOpened {
        dispute: CaseId,
        subject: Disputed,
        #[serde(rename = "amount_cents")]
        amount: Cents,
    },
    DisputeResolved {
        dispute: CaseId,
        /// How much of it was our error: it is taken back, with the charges that came of it.
        #[serde(rename = "error_cents")]
        error: Cents,
        reason: String,
    },
    StatementIssued {
        statement: Box<Statement>,
    },
    /// The first copy of an issued statement that counts left on the effective day, and not on the one that it names.
    StatementSent {
        cycle: u32,
    },
    /// By the end of the effective day no copy of an issued statement had left, or what had left came back.
    StatementNotSent {
        cycle: u32,
    },
    /// Recomputed less posted, of a charge of a closed cycle.
    Adjusted {
        charge: Charge,
        #[serde(rename = "amount_cents")]
        amount: Cents,
    },
    LineClosed {
        reason: String,
    },
}

impl LineEventBody {
    /// The name of the kind, as it is stored.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Opened { .. } => "opened",
            Self::BalanceBroughtForward { .. } => "balance_brought_forward",
            Self::DrawHeld { .. } => "draw_held",
            Self::Drew { .. } => "drew",
            Self::DrawSettled { .. } => "draw_settled",
            Self::DrawRefused { .. } => "draw_refused",
            Self::DrawCorrected { .. } => "draw_corrected",
            Self::PaymentReceived { .. } => "payment_received",
            Self::PaymentReturned { .. } => "payment_returned",
            Self::PaymentReversed { .. } => "payment_reversed",
            Self::CreditGranted { .. } => "credit_granted",
            Self::CreditBalanceRefunded { .. } => "credit_balance_refunded",
            Self::CreditBalanceRestored { .. } => "credit_balance_restored",
            Self::FeeAssessed { .. } => "fee_assessed",
            Self::FeeWaived { .. } => "fee_waived",
            Self::RateChanged { .. } => "rate_changed",
            Self::RateCapped { .. } => "rate_capped",
            Self::IndexChanged { .. } => "index_changed",
            Self::AutopayDiscountBegan { .. } => "autopay_discount_began",
            Self::AutopayDiscountEnded { .. } => "autopay_discount_ended",
            Self::TermsChanged { .. } => "terms_changed",
            Self::DisputeOpened { .. } => "dispute_opened",
            Self::DisputeResolved { .. } => "dispute_resolved",
            Self::LimitChanged { .. } => "limit_changed",
            Self::CyclesChanged { .. } => "cycles_changed",
            Self::FlagRaised { .. } => "flag_raised",
            Self::FlagCleared { .. } => "flag_cleared",
            Self::StatementIssued { .. } => "statement_issued",
            Self::StatementSent { .. } => "statement_sent",
            Self::StatementNotSent { .. } => "statement_not_sent",
            Self::Adjusted { .. } => "adjusted",
            Self::LineClosed { .. } => "line_closed",
        }
    }
}

/// What a boarded line owes, and what its last statement said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BroughtForward {
    /// Principal by feature; an empty name is the first feature.
    pub principal: Vec<FeatureAmount>,
    #[serde(rename = "billed_interest_cents")]
    pub billed_interest: Cents,
    #[serde(rename = "fees_cents")]
    pub fees: Cents,
    #[serde(rename = "penalty_fees_cents")]
    pub penalty_fees: Cents,
    #[serde(rename = "credit_balance_cents")]
    pub credit_balance: Cents,
    /// Still unpaid of the last minimum, and its due date.
    #[serde(rename = "minimum_unpaid_cents")]
    pub minimum_unpaid: Cents,
    pub due_on: Option<NaiveDate>,
    /// Of it: what earlier due dates asked for, and the oldest of them.
    #[serde(rename = "past_due_cents")]
    pub past_due: Cents,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub past_due_since: Option<NaiveDate>,
    /// Of the calendar year, before boarding.
    #[serde(rename = "interest_this_year_cents")]
    pub interest_this_year: Cents,
    #[serde(rename = "fees_this_year_cents")]
    pub fees_this_year: Cents,
    /// On a product with grace: it is lost at boarding.
    pub grace_lost: bool,
    /// When the other lender opened the line: what counts from its opening counts from there. Absent: it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_on: Option<NaiveDate>,
    /// Draws before boarding. Absent: see `draws_before`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub draws_made: Option<u32>,
    /// Principal as the repayment period began, plans aside. Absent: what comes in.
    #[serde(rename = "principal_at_repayment_cents", skip_serializing_if = "Option::is_none")]
    pub principal_at_repayment: Option<Cents>,
}

impl BroughtForward {
    /// Draws before boarding, of a line that was so many cycles old. Where their number is not said, one was made where principal
    /// is owed or a cycle had closed: the first draw is not free twice.
    pub(crate) fn draws_before(&self, cycles: u32) -> u32 {
        self.draws_made.unwrap_or_else(|| u32::from(self.owes_principal() || cycles > 0))
    }

    fn owes_principal(&self) -> bool {
        self.principal.iter().any(|part| part.amount.is_positive())
    }

    /// With penalty fees, less a credit balance.
    fn owed(&self) -> Cents {
        let principal: Cents = self.principal.iter().map(|part| part.amount).sum();
        principal + self.billed_interest + self.fees + self.penalty_fees - self.credit_balance
    }

    /// Minimums that contradict one another, of which part would be passed over in silence.
    #[must_use]
    pub fn would_drop(&self) -> Option<&'static str> {
        let of_last = self.minimum_unpaid > self.past_due;
        let cases = [
            (
                self.past_due > self.minimum_unpaid,
                "`past_due` is part of `minimum_unpaid` and cannot be more",
            ),
            (
                self.past_due.is_positive() && self.past_due_since.is_none(),
                "`past_due` needs `past_due_since`",
            ),
            (
                of_last && self.past_due_since.is_some_and(|since| self.due_on == Some(since)),
                "`past_due_since` is `due_on`: then all of `minimum_unpaid` is past due",
            ),
            (
                of_last
                    && self.past_due_since.zip(self.due_on).is_some_and(|(since, due)| since > due),
                "`past_due_since` lies after `due_on`, the due date of the last minimum",
            ),
            (of_last && self.due_on.is_none(), "`minimum_unpaid` needs `due_on`"),
            (
                self.minimum_unpaid.is_positive() && self.minimum_unpaid > self.owed(),
                "`minimum_unpaid` is more than all that is owed",
            ),
            (
                self.draws_made == Some(0) && self.owes_principal(),
                "`draws_made` is 0, and principal is owed, which somebody drew",
            ),
        ];
        cases.iter().find(|(wrong, _)| *wrong).map(|(_, message)| *message)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureAmount {
    #[serde(default)]
    pub feature: String,
    #[serde(rename = "amount_cents")]
    pub amount: Cents,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FeeKind {
    Draw,
    Plan,
    Late,
    ReturnedPayment,
    OverLimit,
    Other,
}

impl FeeKind {
    /// Paid after the principal part of the minimum, and no part of the minimum itself.
    #[must_use]
    pub const fn penalty(self) -> bool {
        matches!(self, Self::Late | Self::ReturnedPayment | Self::OverLimit)
    }

    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Draw => "draw fee",
            Self::Plan => "plan fee",
            Self::Late => "late fee",
            Self::ReturnedPayment => "returned-payment fee",
            Self::OverLimit => "over-limit fee",
            Self::Other => "other fee",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppliesTo {
    /// Draws from the effective day on; what was drawn before keeps its rate.
    NewDraws,
    AllBalances,
}

/// When the customer was told of a change of terms, or why no notice was needed (12 CFR 1026.9(c)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChangeNotice {
    pub given_on: Option<NaiveDate>,
    pub exception: Option<NoticeException>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoticeException {
    /// Nothing in it is worse for the customer.
    ConsumerFavourable,
    /// The customer agreed to it.
    Agreed,
    /// The line is suspended or its limit lowered.
    LineSuspension,
    /// The contract names an index that it follows.
    Index,
}

/// What a billing-error notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "subject", rename_all = "snake_case")]
pub enum Disputed {
    Draw {
        draw: DrawId,
    },
    Fee {
        fee: FeeKind,
    },
    /// A payment that was not credited, a computation, or what cannot be named.
    Other,
}

/// Marks that stop or route (docs/turn.md, docs/payments.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlagKind {
    Vulnerable,
    Fraud,
    IdentityTheft,
    Bankruptcy,
    Deceased,
    Attorney,
    Cease,
    DoNotContact,
    Scra,
    Mla,
    Dispute,
    Litigation,
    Hardship,
    Disaster,
    Regulator,
    /// Our own error had a part in what follows: no late fee.
    OurError,
    /// No draws.
    Frozen,
}
