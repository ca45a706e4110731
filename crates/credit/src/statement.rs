//! The periodic statement (12 CFR 1026.7(b)).
//!
//! Invariants: an issued statement never changes; `new = previous − payments and credits + draws + fees + interest ± adjustments`;
//! each fact is shown on exactly one statement, the first one issued after it was known and took effect.

use chrono::{Datelike, NaiveDate};
use money::{Apr, Cents};
use serde::{Deserialize, Serialize};

use crate::{
    CycleRecord, FeeKind, InterestLine, LineEvent, LineEventBody, Position, Terms,
    interest::NANO,
    listing::Listing,
    product::{InterestTerms, LateFee},
    rate,
    repayment::Repayment,
    statement_terms::{Issuer, StatementTerms, UnusedRate},
};

/// What a statement says, as data at close.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    pub number: u32,
    pub opened_on: NaiveDate,
    pub closed_on: NaiveDate,
    /// When it was made available: the statement window runs from here.
    pub sent_on: NaiveDate,
    pub due_on: NaiveDate,
    pub days: u32,
    #[serde(rename = "previous_balance_cents")]
    pub previous_balance: Cents,
    pub draws: Vec<StatementItem>,
    pub payments: Vec<StatementItem>,
    pub fees: Vec<StatementItem>,
    pub adjustments: Vec<StatementItem>,
    pub interest: Vec<StatementInterest>,
    #[serde(rename = "draws_total_cents")]
    pub draws_total: Cents,
    /// Payments and credits, as a positive amount.
    #[serde(rename = "payments_total_cents")]
    pub payments_total: Cents,
    /// Of them, credits that are no payments.
    #[serde(default, rename = "credits_total_cents")]
    pub credits_total: Cents,
    #[serde(rename = "fees_total_cents")]
    pub fees_total: Cents,
    #[serde(rename = "interest_total_cents")]
    pub interest_total: Cents,
    /// Signed: positive where the customer owes more.
    #[serde(rename = "adjustments_total_cents")]
    pub adjustments_total: Cents,
    #[serde(rename = "new_balance_cents")]
    pub new_balance: Cents,
    #[serde(rename = "principal_balance_cents")]
    pub principal_balance: Cents,
    #[serde(rename = "credit_limit_cents")]
    pub credit_limit: Cents,
    #[serde(rename = "minimum_due_cents")]
    pub minimum_due: Cents,
    /// Not to be paid while it is disputed.
    #[serde(default, rename = "disputed_cents")]
    pub disputed: Cents,
    #[serde(default, rename = "available_credit_cents")]
    pub available_credit: Cents,
    /// How the balance subject to interest was found (12 CFR 1026.7(b)(5)).
    #[serde(default)]
    pub balance_method: String,
    /// What has to be paid by the due date to be spared interest; absent where there is no grace (1026.7(b)(8)).
    #[serde(default, rename = "pay_to_avoid_interest_cents")]
    pub pay_to_avoid_interest: Option<Cents>,
    /// What a payment after the due date can cost (1026.7(b)(11)).
    #[serde(default, rename = "late_fee_up_to_cents")]
    pub late_fee_up_to: Option<Cents>,
    /// Changes of terms since the statement before, and those to come (1026.7(b)(7)).
    #[serde(default)]
    pub changes_in_terms: Vec<ChangeInTerms>,
    /// On a card: what paying the minimum only comes to, and paying off in 36 months (1026.7(b)(12)).
    #[serde(default)]
    pub repayment: Option<Repayment>,
    /// What it tells of the terms; absent on statements from before there was this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<StatementTerms>,
    /// Who issued it, where that was known (1026.7(b)(9)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<Issuer>,
    /// Rates that a draw could have had, where nothing was owed at them (1026.7(b)(4)).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unused_rates: Vec<UnusedRate>,
    /// Of it, unpaid from earlier statements whose date has passed.
    #[serde(rename = "past_due_cents")]
    pub past_due: Cents,
    /// Of it, asked for by an earlier statement that falls due after this close.
    #[serde(default, rename = "not_yet_due_cents", skip_serializing_if = "crate::units::nothing")]
    pub not_yet_due: Cents,
    #[serde(rename = "interest_this_year_cents")]
    pub interest_this_year: Cents,
    #[serde(rename = "fees_this_year_cents")]
    pub fees_this_year: Cents,
    /// More than a dollar is owed either way, or a finance charge was imposed: interest, or the fee of a draw (12 CFR
    /// 1026.5(b)(2)(i), 1026.4(b)(2)).
    pub must_be_sent: bool,
}

/// One change of terms that the customer was told of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangeInTerms {
    pub effective_on: NaiveDate,
    pub notice_given_on: Option<NaiveDate>,
    /// What it changes, as a product file names it.
    pub what: Vec<String>,
    /// What it makes of that, as a product file would say it.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub terms: serde_json::Map<String, serde_json::Value>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementItem {
    pub seq: u64,
    /// Of a draw: the feature it joined. Of the monthly fee of instalments: the plan.
    #[serde(default)]
    pub feature: Option<String>,
    pub label: String,
    /// When it counts from.
    pub effective_on: NaiveDate,
    /// When we learned of it.
    pub recorded_on: NaiveDate,
    /// As it changes the balance.
    #[serde(rename = "amount_cents")]
    pub amount: Cents,
}

/// Days of a cycle at one rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementRate {
    #[serde(rename = "apr_ppm")]
    pub apr: Apr,
    pub periodic_rate: String,
    pub days: u32,
    #[serde(rename = "average_balance_cents")]
    pub average_balance: Cents,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementInterest {
    pub feature: String,
    #[serde(rename = "apr_ppm")]
    pub apr: Apr,
    /// As a percentage with six decimals.
    pub periodic_rate: String,
    pub days: u32,
    /// The balance subject to interest.
    #[serde(rename = "average_balance_cents")]
    pub average_balance: Cents,
    #[serde(rename = "amount_cents")]
    pub amount: Cents,
    /// Where the rate changed in the cycle: each of them (12 CFR 1026.7(b)(5)).
    #[serde(default)]
    pub rates: Vec<StatementRate>,
    /// Of the amount: deferred by a promotion that has ended...
    #[serde(default, rename = "deferred_due_cents")]
    pub deferred_due: Cents,
    /// ...and spared at an earlier close, when a statement was still to fall due that was then not paid in full.
    #[serde(default, rename = "earlier_cycles_cents")]
    pub earlier_cycles: Cents,
    /// Deferred so far by a promotion, and its last day (1026.7(b)(14)).
    #[serde(default)]
    pub deferred: Option<Deferred>,
}

/// Interest that falls due if the balance is not paid off by the end of a promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deferred {
    #[serde(rename = "amount_cents")]
    pub amount: Cents,
    /// Absent where the promotion ends with a cycle.
    pub through: Option<NaiveDate>,
}

impl Statement {
    /// Zero where the identity of the statement holds.
    #[must_use]
    pub fn off_by(&self) -> Cents {
        self.previous_balance - self.payments_total
            + self.draws_total
            + self.fees_total
            + self.interest_total
            + self.adjustments_total
            - self.new_balance
    }

    /// The statement of a closed cycle of `position`, by the terms that it closed with, from the events known so far.
    pub(crate) fn of(
        (record, terms): (&CycleRecord, &Terms),
        position: &Position,
        events: &[LineEvent],
        issued_on: NaiveDate,
    ) -> Self {
        let issued = issued_statements(events);
        let previous = issued.iter().rev().find(|(_, issued)| issued.number < record.number);
        let listing = Listing::of(events, position, &issued, record);
        let interest: Vec<_> = interest_lines(record, terms);
        let total =
            |items: &[StatementItem]| -> Cents { items.iter().map(|item| item.amount).sum() };
        let interest_total = interest.iter().map(|line| line.amount).sum();
        let (draws_total, fees_total) = (total(&listing.draws), total(&listing.fees));
        let year = YearToDate::of(events, &issued, record.closes_on.year());
        let sent_on = issued_on.max(record.closes_on);
        Self {
            number: record.number,
            opened_on: record.starts_on,
            closed_on: record.closes_on,
            sent_on,
            due_on: record.due_on,
            days: u32::try_from((record.closes_on - record.starts_on).num_days() + 1)
                .unwrap_or_default(),
            previous_balance: match previous {
                Some((_, statement)) => statement.new_balance,
                None => brought_forward(events),
            },
            draws_total,
            payments_total: -total(&listing.payments),
            credits_total: listing.credits,
            fees_total,
            interest_total,
            adjustments_total: total(&listing.adjustments),
            new_balance: record.balance,
            principal_balance: record.principal,
            credit_limit: record.credit_limit,
            minimum_due: record.minimum.due,
            disputed: record.minimum.inputs.disputed,
            available_credit: record.available_credit,
            balance_method: terms.product.method_text(),
            pay_to_avoid_interest: record
                .pay_to_avoid_interest
                .filter(|amount| amount.is_positive()),
            late_fee_up_to: terms.product.fees.late.as_ref().map(LateFee::up_to),
            changes_in_terms: changes_in_terms(events, previous, record.closes_on),
            repayment: Repayment::of(record, terms, position.apr),
            terms: Some(StatementTerms::of(terms)),
            issuer: None,
            unused_rates: record.unused_rates.clone(),
            past_due: record.minimum.asked_before().0,
            not_yet_due: record.minimum.asked_before().1,
            interest_this_year: year.interest + interest_total + listing.interest_adjusted,
            fees_this_year: year.fees + fees_total + listing.fees_adjusted,
            must_be_sent: record.balance.abs() > Cents::new(100)
                || Cents::is_positive(interest_total)
                || listing.fees.iter().any(|fee| fee.label == FeeKind::Draw.label()),
            draws: listing.draws,
            payments: listing.payments,
            fees: listing.fees,
            adjustments: listing.adjustments,
            interest,
        }
    }
}

fn interest_lines(record: &CycleRecord, terms: &Terms) -> Vec<StatementInterest> {
    let terms = &terms.product.interest;
    record
        .interest
        .iter()
        .filter(|line| line.bears_interest())
        .map(|line| {
            let periodic = terms.periodic_rate(line.apr, record.closes_on);
            StatementInterest {
                feature: line.feature.clone(),
                apr: line.apr,
                periodic_rate: rate::to_percent_text(periodic, 6),
                days: line.days,
                average_balance: line.average_balance,
                amount: line.amount,
                rates: rates_of(line, record.closes_on, terms),
                deferred_due: rate::to_cents(line.deferred, terms.rounding),
                earlier_cycles: rate::to_cents(line.spared_before, terms.rounding),
                deferred: line.promotion_deferred,
            }
        })
        .collect()
}

/// One entry per rate that was charged, where there are several, or another than that of the close.
fn rates_of(
    line: &InterestLine,
    closes_on: NaiveDate,
    terms: &InterestTerms,
) -> Vec<StatementRate> {
    let by_day = line.segments.iter().filter(|_| line.averages.is_empty());
    let by_day =
        by_day.map(|one| (one.apr, one.from, one.days(), i128::from(one.balance.get()) * NANO));
    let by_rate = line.averages.iter();
    let first = line.segments.first().map_or(closes_on, |one| one.from);
    let by_rate = by_rate.map(|one| (one.apr, first, i64::from(one.days), one.exact));
    let mut sums: Vec<(Apr, NaiveDate, i64, i128)> = Vec::new();
    for (apr, on, days, nano) in by_day.chain(by_rate) {
        let sum = nano * i128::from(days);
        match sums.iter_mut().find(|(of, ..)| *of == apr) {
            Some((_, _, all_days, all)) => {
                *all_days += days;
                *all += sum;
            }
            None => sums.push((apr, on, days, sum)),
        }
    }
    if sums.len() < 2 && sums.iter().all(|(apr, ..)| *apr == line.apr) {
        return Vec::new();
    }
    let rate = |(apr, on, days, sum): (Apr, NaiveDate, i64, i128)| StatementRate {
        apr,
        periodic_rate: rate::to_percent_text(terms.periodic_rate(apr, on), 6),
        days: u32::try_from(days).unwrap_or_default(),
        average_balance: Cents::from_ratio(
            sum,
            i128::from(days.max(1)) * NANO,
            terms.average_rounding,
        )
        .unwrap_or_default(),
    };
    sums.into_iter().map(rate).collect()
}

fn issued_statements(events: &[LineEvent]) -> Vec<(u64, &Statement)> {
    events
        .iter()
        .filter_map(|event| match &event.body {
            LineEventBody::StatementIssued { statement } => Some((event.seq, statement.as_ref())),
            _ => None,
        })
        .collect()
}

/// Changes that the statement before could not tell of.
fn changes_in_terms(
    events: &[LineEvent],
    previous: Option<&(u64, &Statement)>,
    closes_on: NaiveDate,
) -> Vec<ChangeInTerms> {
    let told = previous.map_or(0, |(seq, _)| *seq);
    let since = previous.map(|(_, statement)| statement.closed_on);
    let mut changes = Vec::new();
    for event in events {
        let (what, terms, notice) = match &event.body {
            LineEventBody::TermsChanged { changes, notice } => {
                (names(changes), changes.clone(), *notice)
            }
            LineEventBody::RateChanged { feature, apr, notice: Some(notice), .. } => {
                let what = format!("apr of {}", feature.as_deref().unwrap_or("all features"));
                (vec![what], rate_as_terms(feature.as_deref(), *apr), *notice)
            }
            _ => continue,
        };
        let came_into_force =
            since.is_none_or(|since| event.effective_on > since) && event.effective_on <= closes_on;
        if event.seq > told || came_into_force {
            changes.push(ChangeInTerms {
                effective_on: event.effective_on,
                notice_given_on: notice.given_on,
                what,
                terms,
            });
        }
    }
    changes
}

/// A rate as a change of terms would say it.
fn rate_as_terms(feature: Option<&str>, apr: Apr) -> serde_json::Map<String, serde_json::Value> {
    let mut of = serde_json::Map::from_iter([("apr".to_owned(), apr.to_string().into())]);
    of.extend(feature.map(|name| ("name".to_owned(), name.into())));
    serde_json::Map::from_iter([("features".to_owned(), vec![of].into())])
}

fn names(changes: &serde_json::Map<String, serde_json::Value>) -> Vec<String> {
    let of = |(key, value): (&String, &serde_json::Value)| match value.as_object() {
        Some(table) => table.keys().map(|inner| format!("{key}.{inner}")).collect(),
        None => vec![key.clone()],
    };
    changes.iter().flat_map(of).collect()
}

fn brought_forward(events: &[LineEvent]) -> Cents {
    events
        .iter()
        .filter_map(|event| match &event.body {
            LineEventBody::BalanceBroughtForward { balances } => Some(
                balances.principal.iter().map(|part| part.amount).sum::<Cents>()
                    + balances.billed_interest
                    + balances.fees
                    + balances.penalty_fees
                    - balances.credit_balance,
            ),
            _ => None,
        })
        .sum()
}

struct YearToDate {
    interest: Cents,
    fees: Cents,
}

impl YearToDate {
    /// Of the statements issued so far that closed in the year, their adjustments included.
    fn of(events: &[LineEvent], issued: &[(u64, &Statement)], year: i32) -> Self {
        let mut latest_first = issued.iter().rev().map(|(_, statement)| statement);
        if let Some(statement) = latest_first.find(|statement| statement.closed_on.year() == year) {
            return Self { interest: statement.interest_this_year, fees: statement.fees_this_year };
        }
        let boarded = events.iter().find_map(|event| match &event.body {
            LineEventBody::BalanceBroughtForward { balances }
                if event.effective_on.year() == year =>
            {
                Some(balances)
            }
            _ => None,
        });
        Self {
            interest: boarded.map_or(Cents::ZERO, |balances| balances.interest_this_year),
            fees: boarded.map_or(Cents::ZERO, |balances| balances.fees_this_year),
        }
    }
}
