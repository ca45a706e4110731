//! A second reckoning of a cash line, written from the rule book alone and shared with nothing.
//!
//! It walks every calendar day from the opening to the day asked about, in the order of a day that
//! the rules lay down, and starts from nothing each time it is asked. It is slow on purpose: there is
//! no state to go stale and no shortcut to be wrong. Money is whole cents; unbilled interest is an
//! exact fraction. `README.md` lists where the rules are silent and which reading was taken.

mod asking;
mod books;
mod card;
mod days;
mod facts;
mod issue;
mod replay;
mod terms;

use chrono::NaiveDate;

pub use crate::{
    card::{BALANCE_TRANSFERS, CASH_ADVANCES, Card, PURCHASES, reckon_card},
    days::{Cycle, banking_day_on_or_after, is_banking_day},
    issue::{Reckoner, reckon},
    terms::{INTEREST_DENOMINATOR, draw_fee, half_up, late_fee, minimum_due},
};

/// The product and the terms agreed for the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// Interest on principal, no fee for a draw.
    CashlineStd { apr_ppm: u32, limit_cents: i64 },
    /// As `CashlineStd`, and 3 % of each draw, at least $1.00, at most $30.00, the first draw free.
    CashlineFee3 { apr_ppm: u32, limit_cents: i64 },
    /// No interest, $10.00 a month from the second cycle, due in full. `late_fee_cents` is 0 where
    /// the line has no late fee (the rule book does not say: 1500 is the reading of section 1.5).
    CashlineSub { limit_cents: i64, late_fee_cents: i64 },
}

/// Why the late fee is stayed: any one of them does it while raised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Flag {
    Vulnerable,
    Fraud,
    IdentityTheft,
    Bankruptcy,
    Deceased,
    Dispute,
    Hardship,
    Scra,
    Disaster,
    OurError,
}

/// Which kind of fee a waiver takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FeeKind {
    /// Draw and plan fees.
    Charge,
    /// Late fees.
    Penalty,
}

/// Something that happened to the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    Draw {
        id: u64,
        cents: i64,
    },
    Payment {
        id: u64,
        cents: i64,
    },
    /// The bank sent the payment back: it never happened, from its own effective date.
    PaymentReturned {
        payment_id: u64,
    },
    /// The payment was recorded in error: the same reckoning as a return.
    PaymentReversed {
        payment_id: u64,
    },
    /// The receiving bank refused the draw: it never happened, from its own effective date.
    DrawRefused {
        draw_id: u64,
    },
    /// The rate of draws from this date on; with `applies_to_all` also of the principal already drawn.
    RateChanged {
        apr_ppm: u32,
        applies_to_all: bool,
    },
    /// What the late fee is from this date on, after its notice.
    LateFeeChanged {
        cents: i64,
    },
    /// The least minimum from this date on, after its notice.
    FloorChanged {
        cents: i64,
    },
    /// No draws, and no fee for having the line.
    LineClosed,
    LimitChanged {
        cents: i64,
    },
    FeeWaived {
        kind: FeeKind,
        cents: i64,
    },
    /// A credit that is no payment (goodwill, a billing error corrected).
    CreditGranted {
        cents: i64,
    },
    /// A credit balance paid out.
    CreditRefunded {
        cents: i64,
    },
    FlagRaised {
        flag: Flag,
    },
    FlagCleared {
        flag: Flag,
    },
    /// What the draw is said to have cost when it was made: the most that its fee can be. It is worked out anew, which a late fact
    /// can make less.
    FeeQuoted {
        draw_id: u64,
        cents: i64,
    },
    /// Of a card: which of its features the draw is of.
    DrawFeature {
        draw_id: u64,
        feature: usize,
    },
    /// The draw was recorded wrongly, or part of it was a billing error: it was of this amount, from its own effective date. The
    /// last such fact counts.
    DrawCorrected {
        draw_id: u64,
        cents: i64,
    },
    /// Credit set aside for a draw that is not yet made available, through the last day of the hold.
    DrawHeld {
        draw_id: u64,
        cents: i64,
        expires_on: Option<NaiveDate>,
    },
    /// A fee as a fact.
    FeeCharged {
        kind: FeeKind,
        cents: i64,
    },
    /// No rate above this on what was owed before this date, through a last day (section 1.9).
    RateCapped {
        apr_ppm: u32,
        through: Option<NaiveDate>,
    },
    /// Leave to debit was given: from this date the rates of the contract are less by the product's discount.
    AutopayBegan {
        id: u64,
    },
    /// That leave ended: this date is the last one with its discount.
    AutopayEnded {
        id: u64,
    },
    /// From this date cycles close on this day of the month, the running one included.
    CloseDayChanged {
        day: u32,
    },
    /// What an existing line owes when it comes in, on the day it is opened.
    BroughtForward {
        principal: i64,
        billed_interest: i64,
        billed_fees: i64,
        penalty_fees: i64,
        credit_balance: i64,
    },
    /// A copy of the statement with this number left on this date, those before it having come back. Where nothing is said, it left
    /// on its closing date.
    StatementSent {
        number: u32,
    },
    /// By the end of this date no copy of it had left, or what had left came back.
    StatementNotSent {
        number: u32,
    },
}

/// What the rule book leaves open, where a product or a house says how it is to be (`README.md` has the numbers). The default is the
/// reading given there.
#[expect(clippy::struct_excessive_bools, reason = "each point is read by itself")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Readings {
    /// (1) A printed minimum counts at most for what it would be with all that is known, as late fees, days past due and the
    /// waterfall go.
    pub lower_minimum: bool,
    /// (22) So many days from its opening a line is new, and its payments are held for five banking days.
    pub new_line_days: u64,
    /// (14) A credit granted, and what a waiver gives back, count to the minimum as a payment does.
    pub credits_count: bool,
    /// (28) Whether the subscription fee stops is judged after the payments of the closing date, and so is the fee itself.
    pub plan_fee_after_payments: bool,
    /// (12) A waiver of less than all the draw or plan fees takes the newest back first.
    pub waives_newest: bool,
}

/// A fact with its two dates. Facts of one date and kind take the order of the slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dated {
    pub effective_on: NaiveDate,
    pub recorded_on: NaiveDate,
    pub fact: Fact,
}

/// A statement as issued on the evening of its closing date, with what was recorded by then. It is
/// never edited. `new_balance = previous - payments + returned + draws - refused + fees - credits +
/// refunds + interest + adjustments`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Every close counts, also one without a statement.
    pub number: u32,
    /// Whether a statement goes out: a balance above $1.00 either way, or a finance charge.
    pub produced: bool,
    /// The first day of the cycle.
    pub opened_on: NaiveDate,
    pub closed_on: NaiveDate,
    /// The printed due date.
    pub due_on: NaiveDate,
    /// The day from which lateness counts, or nothing where by the close it was known that no copy left.
    pub enforceable_due_on: Option<NaiveDate>,
    pub previous: i64,
    /// Payments first shown here, also those that have come back since.
    pub payments: i64,
    /// Payments, of this or an earlier statement, whose return or reversal is first shown here.
    pub returned: i64,
    pub draws: i64,
    /// Draws, of this or an earlier statement, whose refusal is first shown here.
    pub refused: i64,
    /// Draw and plan fees first shown here, and the late fees of the cycle.
    pub fees: i64,
    /// Waived fees and credits granted.
    pub credits: i64,
    /// Credit balances paid out.
    pub refunds: i64,
    /// The interest of this cycle, rounded once.
    pub interest: i64,
    /// Corrections of interest, late fees and draw fees of closed cycles.
    pub adjustments: i64,
    pub new_balance: i64,
    pub principal: i64,
    pub minimum_due: i64,
    /// The part of `minimum_due` that earlier statements had asked for and whose date has passed.
    pub past_due: i64,
    /// The part that an earlier statement asks for by a date after this close.
    pub not_yet_due: i64,
}

/// What an adjustment corrects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Corrects {
    /// The interest of the cycle with this number.
    Interest {
        cycle: u32,
    },
    LateFee,
}

/// The difference a late fact makes to what was billed, posted the day the fact was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Adjustment {
    pub recorded_on: NaiveDate,
    /// The closing date of the cycle, or the date of the late fee.
    pub effective_on: NaiveDate,
    /// Positive where the customer owes more.
    pub cents: i64,
    pub corrects: Corrects,
}

/// An exact number of cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fraction {
    pub numerator: i128,
    pub denominator: i128,
}

/// Where the line stands at the end of a day, after its close where there is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub principal: i64,
    pub billed_interest: i64,
    /// Draw and plan fees of closed cycles.
    pub billed_fees: i64,
    pub penalty_fees: i64,
    /// Draw and plan fees of the open cycle.
    pub unbilled_fees: i64,
    pub credit_balance: i64,
    pub limit: i64,
    /// The limit less principal and less payments still on hold, never below zero; whether draws are
    /// stopped for another reason is not looked at.
    pub available: i64,
    /// What `available` leaves out because payments may still come back.
    pub held: i64,
    pub days_past_due: u32,
    /// All that earlier statements asked for and did not get, whether or not its date has passed.
    pub unpaid_minimum: i64,
    /// Interest of the open cycle up to and with this day, before what was paid of it.
    pub accrued_interest: Fraction,
    /// Interest of the open cycle already paid.
    pub prepaid_interest: i64,
    /// Late fees in force, by date: what the reckoning charges with all that is known now.
    pub late_fees: Vec<(NaiveDate, i64)>,
    /// The interest of each closed cycle with all that is known now.
    pub interest_by_cycle: Vec<(NaiveDate, i64)>,
    pub statements: Vec<Statement>,
    pub adjustments: Vec<Adjustment>,
    /// What a further payment on this day has to be to settle everything.
    pub payoff: i64,
    pub end_of_day_principal: Vec<(NaiveDate, i64)>,
}
