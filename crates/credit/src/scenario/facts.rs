//! Events that say more than there is: a fee waived that was never charged, a dispute of more than its subject, a draw of more than
//! was held. A what-if, a late fact or another lender's books may have it so: it is a fact, and told.
//!
//! Invariant: what is compared is what is known when the event is recorded, that day's close included.

use chrono::{DateTime, NaiveDate, Utc};
use money::{Apr, Cents};

use super::DatedEvent;
use crate::{
    Charge, CreditError, CreditLine, FeeKind, LineEvent, LineEventBody, draws::DrawFacts,
    event::Disputed,
};

/// What is odd about an event, if so; `line` is the line before it. `close`: when the day after it is settled.
pub(super) fn oddity(
    line: &CreditLine,
    event: &DatedEvent,
    body: &LineEventBody,
    close: DateTime<Utc>,
) -> Result<Option<String>, CreditError> {
    let more_than = |most: Cents, amount: Cents, of: &str| {
        (amount > most).then(|| format!("the `amount` of {amount} is more than {of} ({most})"))
    };
    let odd = match body {
        LineEventBody::FeeWaived { fee, amount, .. } => {
            let charged = after_close(line, event, close)?;
            let left = charged_as(*fee, charged.events()) - waived_of(*fee, charged.events());
            let of =
                format!("what was charged of the kind, {}, and not waived before", fee.label());
            let odd = more_than(left.or_zero(), *amount, &of);
            return Ok(odd.map(|odd| format!("{odd}; what is more is taken back again")));
        }
        LineEventBody::Drew { draw, amount, .. } => {
            let hold = DrawFacts::of(line.events()).get(*draw).and_then(|fact| fact.held);
            let ended = hold.and_then(|known| known.expires_on).filter(|last| event.on > *last);
            match (ended, hold) {
                (Some(last), _) => Some(format!("the hold of this draw ended on {last}")),
                (None, Some(known)) => more_than(known.amount, *amount, "what was held"),
                (None, None) => None,
            }
        }
        LineEventBody::DisputeOpened { subject: Disputed::Fee { fee }, amount, .. } => {
            let charged = after_close(line, event, close)?;
            let of = format!("what was charged of the kind, {}", fee.label());
            more_than(charged_as(*fee, charged.events()), *amount, &of)
        }
        LineEventBody::DisputeOpened { subject: Disputed::Draw { draw }, amount, .. } => {
            let facts = DrawFacts::of(line.events());
            let fact = facts.get(*draw).copied().unwrap_or_default();
            more_than(fact.amount + fact.fee, *amount, "the draw and its fee")
        }
        LineEventBody::DisputeOpened { subject: Disputed::Other, amount, .. } => {
            // What a statement asked for may have been paid since.
            let stated = line.events().iter().filter_map(|event| match &event.body {
                LineEventBody::StatementIssued { statement } => Some(statement.new_balance),
                _ => None,
            });
            let owed = line.position(event.on)?.total_owed;
            let most = stated.fold(owed, Cents::max).or_zero();
            more_than(most, *amount, "what is owed, or ever was by a statement")
        }
        LineEventBody::AutopayDiscountBegan { .. } => {
            let product = &line.opened_with()?.product;
            let none = product.interest.autopay_discount == Apr::ZERO;
            none.then(|| "the product has no `autopay_discount`, so no rate is less".to_owned())
        }
        LineEventBody::StatementSent { cycle } | LineEventBody::StatementNotSent { cycle } => {
            before_its_day(line.events(), *cycle, event.on)
        }
        _ => None,
    };
    Ok(odd.map(|odd| format!("{odd}; it is taken as a fact")))
}

/// That a statement left, or had not left, on a day before the one that it names: it changes nothing.
fn before_its_day(events: &[LineEvent], cycle: u32, on: NaiveDate) -> Option<String> {
    let named = events.iter().find_map(|event| match &event.body {
        LineEventBody::StatementIssued { statement } if statement.number == cycle => {
            Some(statement.sent_on)
        }
        _ => None,
    });
    let named = named.filter(|named| on < *named)?;
    Some(format!("statement {cycle} was sent on {named} at the earliest, so it changes nothing"))
}

/// The line with what the close of the day charges.
fn after_close(
    line: &CreditLine,
    event: &DatedEvent,
    close: DateTime<Utc>,
) -> Result<CreditLine, CreditError> {
    let mut line = line.clone();
    line.settle(event.recorded_on.succ_opt().unwrap_or(event.recorded_on), close)?;
    Ok(line)
}

/// Of a line that came in with fees nobody knows the kind: they are any of theirs.
fn charged_as(fee: FeeKind, events: &[LineEvent]) -> Cents {
    let of_event = |event: &LineEvent| match &event.body {
        LineEventBody::BalanceBroughtForward { balances } if fee.penalty() => balances.penalty_fees,
        LineEventBody::BalanceBroughtForward { balances } => balances.fees,
        LineEventBody::Drew { fee: charged, .. } if fee == FeeKind::Draw => *charged,
        LineEventBody::PaymentReturned { fee: charged, .. } if fee == FeeKind::ReturnedPayment => {
            *charged
        }
        LineEventBody::FeeAssessed { fee: kind, amount, .. } if *kind == fee => *amount,
        LineEventBody::Adjusted { charge, amount } if kind_of(charge) == Some(fee) => *amount,
        _ => Cents::ZERO,
    };
    events.iter().map(of_event).sum()
}

fn waived_of(fee: FeeKind, events: &[LineEvent]) -> Cents {
    let of_event = |event: &LineEvent| match &event.body {
        LineEventBody::FeeWaived { fee: kind, amount, .. } if *kind == fee => *amount,
        LineEventBody::Adjusted { charge: Charge::Waiver { fee: kind, .. }, amount }
            if *kind == fee =>
        {
            -*amount
        }
        _ => Cents::ZERO,
    };
    events.iter().map(of_event).sum()
}

const fn kind_of(charge: &Charge) -> Option<FeeKind> {
    match charge {
        Charge::LateFee { .. } => Some(FeeKind::Late),
        Charge::PlanFee { .. } => Some(FeeKind::Plan),
        Charge::OverLimitFee { .. } => Some(FeeKind::OverLimit),
        Charge::DrawFee { .. } => Some(FeeKind::Draw),
        Charge::Interest { .. } | Charge::MilitaryWaiver { .. } | Charge::Waiver { .. } => None,
    }
}
