//! The line as it stands on a day.

use chrono::NaiveDate;
use money::{Apr, Cents};
use serde::{Deserialize, Serialize};

use crate::{
    Allocation, Charge, CycleRecord, FlagKind, FurnishedStatus, LineEvent, LineEventBody, Segment,
    Standing, StandingFlag, Terms,
    age::draws_before,
    balance::DayRate,
    draws::DrawFacts,
    holds::HeldPayments,
    interest::AverageAtRate,
    pending::{pending, posted},
    rate,
    state::State,
    timeline::Timeline,
};

/// Everything that is known of a line on the day `on`, before that day ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pub on: NaiveDate,
    pub terms: Terms,
    /// Before our books begin, where it came in from another lender.
    pub opened_on: NaiveDate,
    pub status: LineStatus,
    #[serde(rename = "credit_limit_cents")]
    pub credit_limit: Cents,
    /// Of the balance that new draws join.
    #[serde(rename = "apr_ppm")]
    pub apr: Apr,
    /// What that rate is less by for automatic payments.
    #[serde(
        default,
        rename = "autopay_discount_ppm",
        skip_serializing_if = "crate::discount::none"
    )]
    pub autopay_discount: Apr,
    pub features: Vec<FeaturePosition>,
    #[serde(rename = "principal_balance_cents")]
    pub principal_balance: Cents,
    /// Billed and unpaid.
    #[serde(rename = "billed_interest_cents")]
    pub billed_interest: Cents,
    /// Of the open cycle, through the day before, not yet billed nor paid.
    #[serde(rename = "accrued_interest_cents")]
    pub accrued_interest: Cents,
    /// Draw, plan and other fees that are no penalties, unpaid.
    #[serde(rename = "fees_cents")]
    pub fees: Cents,
    #[serde(rename = "penalty_fees_cents")]
    pub penalty_fees: Cents,
    #[serde(rename = "credit_balance_cents")]
    pub credit_balance: Cents,
    /// All of the above (negative: the lender owes). What pays the line off is `quote_payoff`.
    #[serde(rename = "total_owed_cents")]
    pub total_owed: Cents,
    /// As `total_owed` without accrued interest.
    #[serde(rename = "current_balance_cents")]
    pub current_balance: Cents,
    #[serde(rename = "available_credit_cents")]
    pub available_credit: Cents,
    /// Set aside for draws not yet made available, or until payments are final.
    #[serde(rename = "held_credit_cents")]
    pub held_credit: Cents,
    /// Of the credit balance, what payments made that could still be returned: no draw uses it yet.
    #[serde(default, rename = "held_credit_balance_cents")]
    pub held_credit_balance: Cents,
    /// Of it, for draws.
    #[serde(default, rename = "draws_held_cents")]
    pub draws_held: Cents,
    /// Under dispute, with the interest billed on it: nobody has to pay it meanwhile, and no debit may take it.
    #[serde(default, rename = "disputed_cents")]
    pub disputed: Cents,
    pub cycle: CyclePosition,
    /// Of the last closed cycle.
    pub last_statement: Option<LastStatement>,
    /// Still unpaid of all minimums, past due ones included.
    #[serde(rename = "minimum_due_cents")]
    pub minimum_due: Cents,
    /// Due date of the last statement, another lender's where there is none of ours and something of it is unpaid.
    pub due_on: Option<NaiveDate>,
    /// The next due date, of a statement still to come where the last one's has passed.
    pub next_due_on: NaiveDate,
    #[serde(rename = "past_due_cents")]
    pub past_due: Cents,
    pub days_past_due: u32,
    pub standing: Standing,
    /// What would be furnished of it, disputes aside: Metro 2's account status.
    pub furnished_status: FurnishedStatus,
    pub flags: Vec<StandingFlag>,
    /// The first later day on which `CreditLine::settle` can have something to do if nothing else happens.
    pub settles_next_on: NaiveDate,
    /// With those made before it came in from another lender.
    pub draws_made: u32,
    pub draws_today: u32,
    #[serde(rename = "drawn_today_cents")]
    pub drawn_today: Cents,
    /// Charges of the terms that differ from what was posted.
    pub pending: Vec<PendingCharge>,
    /// Closed cycles without an issued statement.
    pub statements_due: Vec<u32>,
    /// What the ledger shows for the line once every event so far is posted.
    pub posted: Buckets,
    pub cycles: Vec<CycleRecord>,
    pub late_fees: Vec<LateFee>,
    /// Cycles in which a payment came back at a fee.
    #[serde(default)]
    pub returned_in: Vec<u32>,
    /// What is owed is capped by law, and fees are interest then: none is charged (50 USC 3937(d)).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fees_barred: bool,
    pub allocations: Vec<Allocation>,
    /// What fees other than penalties may still come to in the first year; absent where nothing caps them (12 CFR 1026.52(a)).
    #[serde(default, rename = "fee_room_cents")]
    pub fee_room: Option<Cents>,
    /// From when a penalty rate is in force or will be.
    #[serde(default)]
    pub penalty_rate_from: Option<NaiveDate>,
    /// The first day on which no draw is made any more, past or to come; absent where draws have no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repayment_from: Option<NaiveDate>,
    /// One more day, in `rate::DENOMINATOR`ths of a cent.
    #[serde(with = "crate::units::wide")]
    pub per_diem_numerator: i128,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineStatus {
    Open,
    /// No draws: more than ten days late (`Standing::frozen`), or a flag says so.
    Frozen,
    Closed,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeaturePosition {
    pub name: String,
    #[serde(rename = "principal_cents")]
    pub principal: Cents,
    #[serde(rename = "apr_ppm")]
    pub apr: Apr,
    /// What the rate is less by for automatic payments.
    #[serde(
        default,
        rename = "autopay_discount_ppm",
        skip_serializing_if = "crate::discount::none"
    )]
    pub autopay_discount: Apr,
    #[serde(rename = "accrued_interest_cents")]
    pub accrued_interest: Cents,
    /// The days of the open cycle so far.
    pub segments: Vec<Segment>,
    /// As `InterestLine::averages`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub averages: Vec<AverageAtRate>,
    /// What they come to before it is rounded, in `rate::DENOMINATOR`ths of a cent.
    #[serde(default, with = "crate::units::wide")]
    pub accrued_numerator: i128,
    /// Paid of it already.
    #[serde(default, rename = "prepaid_cents")]
    pub prepaid: Cents,
}

impl FeaturePosition {
    pub(crate) fn bears_interest(&self) -> bool {
        self.accrued_interest.is_positive()
            || self.prepaid.is_positive()
            || self.segments.iter().any(|segment| segment.balance.is_positive())
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CyclePosition {
    pub number: u32,
    pub starts_on: NaiveDate,
    pub closes_on: NaiveDate,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastStatement {
    pub number: u32,
    pub closed_on: NaiveDate,
    pub due_on: NaiveDate,
    #[serde(rename = "new_balance_cents")]
    pub new_balance: Cents,
    #[serde(rename = "minimum_due_cents")]
    pub minimum_due: Cents,
}

/// A late fee that stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateFee {
    pub cycle: u32,
    pub on: NaiveDate,
    #[serde(rename = "amount_cents")]
    pub amount: Cents,
    /// Before its caps.
    #[serde(default, rename = "uncapped_cents")]
    pub uncapped: Cents,
    #[serde(rename = "unpaid_minimum_cents")]
    pub unpaid_minimum: Cents,
}

/// Recomputed less posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingCharge {
    pub charge: Charge,
    /// The day to which the charge belongs.
    pub on: NaiveDate,
    #[serde(rename = "amount_cents")]
    pub amount: Cents,
    /// Nothing of it was posted yet.
    pub first: bool,
}

/// The line's control accounts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buckets {
    #[serde(rename = "principal_cents")]
    pub principal: Cents,
    /// Negative where interest was paid before it was billed.
    #[serde(rename = "billed_interest_cents")]
    pub billed_interest: Cents,
    #[serde(rename = "fees_cents")]
    pub fees: Cents,
    #[serde(rename = "penalty_fees_cents")]
    pub penalty_fees: Cents,
    /// What the lender owes.
    #[serde(rename = "credit_balance_cents")]
    pub credit_balance: Cents,
}

impl Buckets {
    /// What the customer owes by the books.
    #[must_use]
    pub fn total(&self) -> Cents {
        self.principal + self.billed_interest + self.fees + self.penalty_fees - self.credit_balance
    }
}

impl Position {
    pub(crate) fn of(state: &State, timeline: &Timeline<'_>, events: &[LineEvent]) -> Self {
        let (terms, on) = (state.terms_today(timeline), state.day);
        let pending = pending(state, timeline);
        let last_statement = last_statement(state, timeline, events);
        let due_on = due_on(state, last_statement.as_ref());
        let upcoming = state.schedule.due_on(state.cycle.closes_on, &terms.product.dates);
        let accrued_interest = state.accrued(terms);
        let current_balance = state.balance() + state.prepaid();
        let total_owed = current_balance + accrued_interest;
        let standing = state.standing(terms);
        let owes = total_owed.is_positive();
        let draws = Draws::of(state, events);
        let unsure = HeldPayments::of(state, terms, events);
        // What a draw took of a credit balance that is not final sets aside as much of the limit.
        let taken = (unsure.credit_balance - state.credit_balance).or_zero();
        let held_credit = draws.held + unsure.principal + taken;
        let first = state.balances.iter().find(|one| one.feature == 0 && !one.full);
        let first = first.or(state.balances.first());
        let of_draws = first.map(|one| one.rate_on(terms, on, &state.cycle)).unwrap_or_default();
        Self {
            on,
            opened_on: state.opened_on,
            status: status(state, terms),
            credit_limit: state.credit_limit,
            apr: of_draws.apr,
            autopay_discount: of_draws.discount,
            features: features(state, terms),
            principal_balance: state.principal(),
            billed_interest: state.billed_interest(),
            accrued_interest,
            fees: state.fees(false),
            penalty_fees: state.fees(true),
            credit_balance: state.credit_balance,
            total_owed,
            current_balance,
            available_credit: (state.available_credit(terms) - held_credit).or_zero(),
            held_credit,
            held_credit_balance: unsure.credit_balance.min(state.credit_balance),
            draws_held: draws.held,
            disputed: state.disputed(),
            cycle: CyclePosition {
                number: state.cycle.number,
                starts_on: state.cycle.starts_on,
                closes_on: state.cycle.closes_on,
            },
            minimum_due: state.obligations.iter().map(|due| due.owed).sum(),
            due_on,
            next_due_on: due_on.filter(|due| *due >= on).unwrap_or(upcoming),
            last_statement,
            past_due: state.past_due(on),
            days_past_due: state.days_past_due(terms, on),
            standing,
            furnished_status: FurnishedStatus::of(standing.bucket, state.closed_on, owes),
            flags: state.flags.clone(),
            settles_next_on: state.settles_next_on(terms),
            draws_made: draws.made,
            draws_today: draws.today,
            drawn_today: draws.amount_today,
            statements_due: statements_due(state, timeline),
            posted: posted(state, timeline, &pending),
            pending,
            cycles: state.records.clone(),
            late_fees: late_fees(state),
            returned_in: state.returned_in.clone(),
            fees_barred: state.capped_by_law(),
            allocations: state.allocations.clone(),
            fee_room: state.fee_room(terms),
            repayment_from: terms.repayment_begins_on(state.opened_on),
            penalty_rate_from: state.cycle.penalty.map(|penalty| penalty.from),
            per_diem_numerator: state.per_diem(terms),
            terms: terms.clone(),
        }
    }

    /// Interest of one more day, as dollars with four decimals.
    #[must_use]
    pub fn per_diem(&self) -> String {
        rate::to_dollar_text(self.per_diem_numerator, 4)
    }

    #[must_use]
    pub fn flagged(&self, flag: FlagKind) -> bool {
        self.flags.iter().any(|standing| standing.flag == flag)
    }

    /// What a debit of the whole balance may take: nothing of what is disputed.
    #[must_use]
    pub fn collectable_balance(&self) -> Cents {
        (self.current_balance - self.disputed).or_zero()
    }

    /// The last statement's minimum has cost its late fee.
    pub(crate) fn late_fee_of_this_statement(&self) -> bool {
        let last = self.last_statement.as_ref().map(|statement| statement.number);
        self.late_fees.iter().any(|fee| Some(fee.cycle) == last)
    }

    /// Draws stop from the first day past due, before the line is frozen.
    #[must_use]
    pub const fn lateness_stops_draws(&self) -> bool {
        self.terms.product.limits.draws_stop_when_past_due && self.days_past_due > 0
    }

    /// All fees unpaid.
    #[must_use]
    pub fn all_fees(&self) -> Cents {
        self.fees + self.penalty_fees
    }
}

fn status(state: &State, terms: &Terms) -> LineStatus {
    let stops = [FlagKind::Frozen, FlagKind::Fraud, FlagKind::IdentityTheft, FlagKind::Bankruptcy];
    if state.closed_on.is_some() {
        LineStatus::Closed
    } else if state.standing(terms).frozen
        || state.flagged(&stops)
        || state.flagged(&[FlagKind::Deceased])
    {
        LineStatus::Frozen
    } else {
        LineStatus::Open
    }
}

/// Of cycles that closed without one.
fn statements_due(state: &State, timeline: &Timeline<'_>) -> Vec<u32> {
    let numbers = state.records.iter().map(|record| record.number);
    numbers.filter(|number| !timeline.printed.contains_key(number)).collect()
}

fn features(state: &State, terms: &Terms) -> Vec<FeaturePosition> {
    state
        .balances
        .iter()
        .zip(state.accrued_by_balance(terms))
        .map(|(balance, accrued_interest)| {
            let DayRate { apr, discount, .. } = balance.rate_on(terms, state.day, &state.cycle);
            let told = state.told(terms, balance);
            FeaturePosition {
                name: balance.name.clone(),
                principal: balance.principal(),
                apr,
                autopay_discount: discount,
                accrued_interest,
                segments: told.segments,
                averages: told.averages,
                accrued_numerator: state.accrued_numerator(terms, balance),
                prepaid: balance.prepaid,
            }
        })
        .collect()
}

/// Of the last statement; of one before the line came in, what is unpaid of it.
fn due_on(state: &State, last: Option<&LastStatement>) -> Option<NaiveDate> {
    let brought = || state.obligations.iter().map(|due| due.due_on).max();
    last.map(|statement| statement.due_on).or_else(brought)
}

fn late_fees(state: &State) -> Vec<LateFee> {
    state
        .late_fees
        .iter()
        .map(|fee| LateFee {
            cycle: fee.cycle,
            on: fee.on,
            amount: fee.amount,
            uncapped: fee.uncapped,
            unpaid_minimum: fee.unpaid_minimum,
        })
        .collect()
}

fn last_statement(
    state: &State,
    timeline: &Timeline<'_>,
    events: &[LineEvent],
) -> Option<LastStatement> {
    let record = state.records.last()?;
    let issued = timeline.printed.get(&record.number).and_then(|printed| {
        let event = events.iter().find(|event| event.seq == printed.seq)?;
        match &event.body {
            LineEventBody::StatementIssued { statement } => Some(statement),
            _ => None,
        }
    });
    Some(match issued {
        Some(statement) => LastStatement {
            number: statement.number,
            closed_on: statement.closed_on,
            due_on: statement.due_on,
            new_balance: statement.new_balance,
            minimum_due: statement.minimum_due,
        },
        None => LastStatement {
            number: record.number,
            closed_on: record.closes_on,
            due_on: record.due_on,
            new_balance: record.balance,
            minimum_due: record.minimum.due,
        },
    })
}

/// What the draws of a history come to, refused ones left out.
struct Draws {
    made: u32,
    today: u32,
    amount_today: Cents,
    held: Cents,
}

impl Draws {
    /// A draw counts once, on the day on which it was asked for: where it was held first, that is the day of the hold.
    fn of(state: &State, events: &[LineEvent]) -> Self {
        let made = draws_before(events, state.day, state.cycle.elsewhere);
        let mut draws = Self { made, today: 0, amount_today: Cents::ZERO, held: Cents::ZERO };
        let known = events.iter().filter(|event| event.effective_on <= state.day);
        for fact in DrawFacts::of(known).all() {
            let hold = fact.held_on(state.day);
            let drew = fact.drew_on.filter(|_| !fact.refused);
            let (on, amount) = match (drew, hold) {
                (Some(on), _) => (fact.held.map_or(on, |hold| hold.on), fact.amount),
                (None, Some(hold)) => {
                    draws.held += hold.amount;
                    (hold.on, hold.amount)
                }
                (None, None) => continue,
            };
            draws.made += 1;
            if on == state.day {
                draws.today += 1;
                draws.amount_today += amount;
            }
        }
        draws
    }
}
