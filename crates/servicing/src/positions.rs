//! Questions about a line: position, transactions, statements, traces, payoff. Each reads the same fold of the same
//! events; nothing here is stored.

use chrono::{DateTime, NaiveDate, Utc};
use credit::{Derivation, LineEvent, LineEventBody, PayoffQuote, Position, Statement};
use identity::{CreditLineId, CustomerId};
use money::Cents;
use serde::Serialize;
use store::credit_lines;

use crate::{
    Caller, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    disputes::{self, DisputeSubject},
    flags::{self, StandingFlag},
    lines::statement_balance_left,
    words::date_text,
};

/// The line as it stands now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PositionView {
    pub as_of: DateTime<Utc>,
    pub credit_line_id: CreditLineId,
    pub position: Position,
    /// What is left to pay of the last statement's balance.
    pub statement_balance_left: Cents,
    /// By precedence.
    pub flags: Vec<StandingFlag>,
}

/// Something that happened on a line, as its owner reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Transaction {
    /// The seq of its event; with a dot where one event is several transactions.
    pub id: String,
    pub kind: &'static str,
    pub effective_on: NaiveDate,
    pub recorded_at: DateTime<Utc>,
    pub description: String,
    /// As it changes what is owed.
    #[serde(rename = "amount_cents")]
    pub amount: Cents,
    /// As what it is disputed, where it can be by itself: of the fees of a kind only the newest. The fee of a draw cannot, what is
    /// found wrong with a draw takes principal back.
    pub subject: Option<DisputeSubject>,
}

/// One page, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Transactions {
    pub items: Vec<Transaction>,
    pub next_cursor: Option<String>,
}

/// A statement with the derivation of its new balance.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StatementView {
    pub statement: Statement,
    pub derivation: Derivation,
}

/// The longest page of transactions.
const TRANSACTIONS_MAX: usize = 200;

impl Servicing {
    /// Which line is the customer's; nothing for one who has none.
    pub async fn credit_line_id(
        &self,
        caller: Caller,
        customer_id: CustomerId,
    ) -> Result<Option<CreditLineId>, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        let mut conn = self.pool_for(caller).acquire().await?;
        let line = credit_lines::find_of_customer(&mut conn, customer_id).await?;
        Ok(line.map(|line| line.id))
    }

    /// The customer's line as it stands now.
    pub async fn position(
        &self,
        caller: Caller,
        customer_id: CustomerId,
    ) -> Result<PositionView, ServicingError> {
        let now = self.now();
        authorise(caller, UseCase::Read, Some(customer_id), now)?;
        let mut conn = self.pool_for(caller).acquire().await?;
        let line = self.line_of(&mut conn, customer_id).await?;
        let position = line.position(self.today())?;
        Ok(PositionView {
            as_of: now,
            credit_line_id: line.row.id,
            statement_balance_left: statement_balance_left(&position),
            flags: flags::standing(&mut conn, customer_id).await?,
            position,
        })
    }

    /// What happened on the line, newest first, from `cursor` on.
    pub async fn transactions(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Transactions, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        if !(1..=TRANSACTIONS_MAX).contains(&limit) {
            let sentence = format!("A page of {limit} transactions cannot be given.");
            return Err(Refusal::new(RefusalCode::LimitInvalid, sentence).into());
        }
        let before = cursor.map_or(Ok(u64::MAX), read_cursor)?;
        let mut conn = self.pool_for(caller).acquire().await?;
        let line = self.line_of(&mut conn, customer_id).await?;
        let mut items = Vec::new();
        let mut next_cursor = None;
        for event in line.events().iter().rev().filter(|event| event.seq < before) {
            if items.len() >= limit {
                next_cursor = Some((event.seq + 1).to_string());
                break;
            }
            items.extend(transactions_of(event));
        }
        with_referred_amounts(&mut items, line.events());
        without_older_subjects(&mut items, line.events());
        // A draw that was given up before it was ever owed is no transaction.
        items.retain(|item| item.kind != "draw_refused" || !item.amount.is_zero());
        Ok(Transactions { items, next_cursor })
    }

    /// The statements issued so far, newest first.
    pub async fn statements(
        &self,
        caller: Caller,
        customer_id: CustomerId,
    ) -> Result<Vec<Statement>, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        let mut conn = self.pool_for(caller).acquire().await?;
        let line = self.line_of(&mut conn, customer_id).await?;
        Ok(line.events().iter().rev().filter_map(statement_in).cloned().collect())
    }

    /// One statement, as it was issued.
    pub async fn statement(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        number: u32,
    ) -> Result<StatementView, ServicingError> {
        let statement = self
            .statements(caller, customer_id)
            .await?
            .into_iter()
            .find(|statement| statement.number == number)
            .ok_or_else(|| Refusal::not_found("statement"))?;
        let derivation = credit::explain::new_balance(&statement);
        Ok(StatementView { statement, derivation })
    }

    /// Where a figure comes from: `interest` and `minimum_due` of a statement (the last one where none is named),
    /// `accrued_interest`, `total_owed`, `late_fee`, `payoff`.
    pub async fn trace(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        figure: &str,
        statement: Option<u32>,
    ) -> Result<Derivation, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        let mut conn = self.pool_for(caller).acquire().await?;
        let line = self.line_of(&mut conn, customer_id).await?;
        let position = line.position(self.today())?;
        let last = position.last_statement.as_ref().map(|statement| statement.number);
        let name = match (figure, statement.or(last)) {
            ("interest" | "minimum_due", Some(number)) => format!("cycle.{number}.{figure}"),
            ("late_fee", Some(number)) => format!("late_fee.{number}"),
            _ => figure.to_owned(),
        };
        if figure == "payoff" {
            return Ok(line.quote_payoff(self.today())?.derivation);
        }
        position.explain(&name).ok_or_else(|| Refusal::not_found("figure").into())
    }

    /// What pays everything off on a day, today or later.
    pub async fn payoff_quote(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        on: NaiveDate,
    ) -> Result<PayoffQuote, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        let today = self.today();
        if on < today {
            return Err(Refusal::new(
                RefusalCode::DateInPast,
                format!("{} has passed.", date_text(on)),
            )
            .into());
        }
        if (on - today).num_days() > 366 {
            return Err(Refusal::new(
                RefusalCode::DateTooFar,
                format!("{} is too far ahead.", date_text(on)),
            )
            .into());
        }
        let mut conn = self.pool_for(caller).acquire().await?;
        self.line_of(&mut conn, customer_id).await?.quote_payoff(on)
    }
}

/// The event before which a page begins, in the one spelling in which it was given out.
pub(crate) fn read_cursor(cursor: &str) -> Result<u64, Refusal> {
    let seq = cursor.parse().ok().filter(|seq: &u64| seq.to_string() == cursor);
    seq.ok_or_else(Refusal::cursor_invalid)
}

fn statement_in(event: &LineEvent) -> Option<&Statement> {
    match &event.body {
        LineEventBody::StatementIssued { statement } => Some(statement),
        _ => None,
    }
}

fn subject_of(event: &LineEvent) -> Option<DisputeSubject> {
    match event.body {
        LineEventBody::Drew { draw, .. } => Some(DisputeSubject::Draw { draw_id: draw }),
        LineEventBody::FeeAssessed { fee, .. } => Some(DisputeSubject::Fee { fee }),
        _ => None,
    }
}

fn transactions_of(event: &LineEvent) -> Vec<Transaction> {
    let one = |place: &str, kind, description: String, amount: Cents| Transaction {
        id: format!("{}{place}", event.seq),
        kind,
        effective_on: event.effective_on,
        recorded_at: event.recorded_at,
        description,
        amount,
        subject: if place.is_empty() { subject_of(event) } else { None },
    };
    match &event.body {
        LineEventBody::Drew { amount, fee, .. } => {
            let mut items = vec![one("", "draw", "Draw".to_owned(), *amount)];
            if !fee.is_zero() {
                items.push(one(".fee", "fee", "Draw fee".to_owned(), *fee));
            }
            items
        }
        LineEventBody::DrawRefused { .. } => {
            vec![one("", "draw_refused", "Draw that did not arrive".to_owned(), Cents::ZERO)]
        }
        LineEventBody::PaymentReceived { amount, .. } => {
            vec![one("", "payment", "Payment received".to_owned(), -*amount)]
        }
        LineEventBody::PaymentReturned { code, fee, .. } => {
            let text = format!("Payment returned by the bank ({code})");
            let mut items = vec![one("", "payment_returned", text, Cents::ZERO)];
            if !fee.is_zero() {
                items.push(one(".fee", "fee", "Returned payment fee".to_owned(), *fee));
            }
            items
        }
        LineEventBody::PaymentReversed { .. } => {
            vec![one("", "payment_reversed", "Payment corrected".to_owned(), Cents::ZERO)]
        }
        LineEventBody::CreditGranted { amount, .. } => {
            vec![one("", "credit", "Credit".to_owned(), -*amount)]
        }
        LineEventBody::CreditBalanceRefunded { amount } => {
            vec![one("", "refund", "Refund of a credit balance".to_owned(), *amount)]
        }
        LineEventBody::CreditBalanceRestored { amount } => {
            vec![one("", "refund_restored", "Refund that did not arrive".to_owned(), -*amount)]
        }
        LineEventBody::FeeAssessed { fee, amount, .. } => {
            vec![one("", "fee", capitalised(fee.label()), *amount)]
        }
        LineEventBody::FeeWaived { fee, amount, .. } => {
            let text = format!("{} taken back", capitalised(fee.label()));
            vec![one("", "fee_waived", text, -*amount)]
        }
        LineEventBody::StatementIssued { statement } if !statement.interest_total.is_zero() => {
            let text = format!("Interest of statement {}", statement.number);
            vec![one("", "interest", text, statement.interest_total)]
        }
        LineEventBody::Adjusted { amount, charge } => {
            let text = match charge.cycle() {
                Some(cycle) => format!("Adjustment of statement {cycle}"),
                None => "Adjustment of the fee of a draw".to_owned(),
            };
            vec![one("", "adjustment", text, *amount)]
        }
        LineEventBody::BalanceBroughtForward { .. } => {
            vec![one("", "brought_forward", "Balance brought forward".to_owned(), Cents::ZERO)]
        }
        _ => Vec::new(),
    }
}

fn capitalised(label: &str) -> String {
    let mut chars = label.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Amounts of transactions that undo another are those of the other, which the event does not repeat.
fn with_referred_amounts(items: &mut [Transaction], events: &[LineEvent]) {
    for item in items {
        let Some(event) = events.iter().find(|event| event.seq.to_string() == item.id) else {
            continue;
        };
        if let LineEventBody::PaymentReturned { payment: undone, .. }
        | LineEventBody::PaymentReversed { payment: undone, .. } = &event.body
        {
            let received = events.iter().find_map(|event| match &event.body {
                LineEventBody::PaymentReceived { payment, amount } if payment == undone => {
                    Some(*amount)
                }
                _ => None,
            });
            item.amount = received.unwrap_or_default();
        }
        if let LineEventBody::DrawRefused { draw: refused, .. } = &event.body {
            let drew = events.iter().find_map(|event| match &event.body {
                LineEventBody::Drew { draw, amount, fee, .. } if draw == refused => {
                    Some(*amount + *fee)
                }
                _ => None,
            });
            item.amount = -drew.unwrap_or_default();
        }
    }
}

/// A notice that names the kind of a fee is about the newest one: an older one is not offered as if it were.
fn without_older_subjects(items: &mut [Transaction], events: &[LineEvent]) {
    for item in items {
        let newest = item.subject.and_then(|subject| disputes::newest_charge(events, subject));
        if newest.is_none_or(|(event, _)| event.seq.to_string() != item.id) {
            item.subject = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use credit::FeeKind;
    use identity::{DrawId, PaymentId};

    use super::*;

    #[test]
    fn a_returned_payment_shows_the_fee_that_its_product_charges_for_it() {
        let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let amounts = |fee| {
            let body = LineEventBody::PaymentReturned {
                payment: PaymentId::mint(at),
                code: "R01".to_owned(),
                fee,
            };
            let event = LineEvent { seq: 7, effective_on: at.date_naive(), recorded_at: at, body };
            let items = transactions_of(&event);
            items.into_iter().map(|item| (item.id, item.kind, item.amount)).collect::<Vec<_>>()
        };
        let returned = || ("7".to_owned(), "payment_returned", Cents::ZERO);
        assert_eq!(amounts(Cents::ZERO), [returned()]);
        let fee = ("7.fee".to_owned(), "fee", Cents::new(3_000));
        assert_eq!(amounts(Cents::new(3_000)), [returned(), fee]);
    }

    #[test]
    fn a_draw_is_disputed_by_itself_and_its_fee_is_not_taken_for_it() {
        let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let draw = DrawId::mint(at);
        let (amount, fee) = (Cents::new(100_000), Cents::new(750));
        let body = LineEventBody::Drew { draw, feature: None, amount, fee, by_terms: true };
        let event = LineEvent { seq: 3, effective_on: at.date_naive(), recorded_at: at, body };
        let items = transactions_of(&event);
        let subjects: Vec<_> = items.into_iter().map(|item| (item.id, item.subject)).collect();
        let of_draw = Some(DisputeSubject::Draw { draw_id: draw });
        assert_eq!(subjects, [("3".to_owned(), of_draw), ("3.fee".to_owned(), None)]);
    }

    #[test]
    fn of_the_fees_of_a_kind_only_the_newest_is_offered_for_a_dispute() {
        let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let charged = |seq, days, fee| LineEvent {
            seq,
            effective_on: at.date_naive() + chrono::Days::new(days),
            recorded_at: at,
            body: LineEventBody::FeeAssessed { fee, cycle: None, amount: Cents::new(1_500) },
        };
        let events = [
            charged(1, 0, FeeKind::Late),
            charged(2, 40, FeeKind::Late),
            charged(3, 41, FeeKind::Plan),
            // Booked later and dated earlier: not the newest.
            charged(4, 30, FeeKind::Late),
        ];
        // The page holds what is older: the newest of all counts, not the newest of the page.
        let mut items: Vec<_> = events.iter().take(1).flat_map(transactions_of).collect();
        without_older_subjects(&mut items, &events);
        assert_eq!(items.first().unwrap().subject, None);
        let mut items: Vec<_> = events.iter().flat_map(transactions_of).collect();
        without_older_subjects(&mut items, &events);
        let fee = |fee| Some(DisputeSubject::Fee { fee });
        let subjects: Vec<_> = items.into_iter().map(|item| item.subject).collect();
        assert_eq!(subjects, [None, fee(FeeKind::Late), fee(FeeKind::Plan), None]);
    }
}
