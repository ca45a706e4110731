//! The account-opening record (12 CFR 1026.6(b)), in the order of sample G-17(D): rates, fees, the balance method by
//! name, billing rights; then the periodic rates and the long-form notice of billing rights.
//!
//! What is absent: the note of the credit that opening fees leave available ((b)(2)(xiii)). No product has a fee for opening.

use chrono::NaiveDate;
use credit::{
    GraceTold, StatementTerms, Terms, discounted,
    product::{Feature, Period},
    rate,
};
use money::Apr;

use crate::{
    Creditor, Document, Party,
    document::{Block, Column, Fact, Row, Table},
    minimum::{minimum, repayment},
    rights::billing_rights,
    terms::{
        at_opening, autopay_discount, balance_method, draw_fee, feature, grace, instalment_fee,
        late_fee, over_limit_fee, penalty_rate, plan_fees, rates, returned_fee, tier_apr,
    },
    words::long_date,
};

const TEMPLATE: &str = "opening 2";

/// What is disclosed, and to whom.
#[derive(Clone, Debug, PartialEq)]
pub struct OpeningRecord<'a> {
    pub customer: &'a Party,
    /// What the customer calls the line: the end of its id.
    pub line_reference: &'a str,
    pub terms: &'a Terms,
    pub opened_on: NaiveDate,
}

/// The account-opening record.
#[must_use]
pub fn opening_document(record: &OpeningRecord<'_>, creditor: &Creditor) -> Document {
    let terms = record.terms;
    let told = StatementTerms::of(terms);
    let heads = ["What", "How much"];
    let mut blocks = vec![
        Block::facts_table(
            "Interest rates and interest charges",
            heads,
            interest(terms, &told.grace),
        ),
        Block::facts_table("Fees", heads, fees(terms)),
    ];
    let has_interest = !told.grace.spared.is_empty() || !told.grace.charged.is_empty();
    let method = has_interest.then(|| balance_method(&told));
    if let Some((name, _)) = &method {
        blocks.push(Block::text(format!(
            "How we will calculate your balance: we use a method called \"{name}\". See below for more."
        )));
    }
    blocks.extend([
        Block::text(
            "Billing rights: information on your rights to dispute transactions and how to exercise those rights is provided \
             below, under \"Your billing rights\".",
        ),
        Block::facts_table("Your line", heads, limits(record)),
        periodic_rates(record),
    ]);
    blocks.extend(method.map(|(_, how)| Block::text(how)));
    blocks.extend(minimum(terms).map(Block::text));
    blocks.extend(repayment(terms, record.opened_on).map(Block::text));
    blocks.extend(billing_rights(creditor));
    Document {
        template: TEMPLATE,
        lang: "en",
        title: "Rates, fees and terms of your credit line".to_owned(),
        lead: "What federal law has us tell you before the first draw (12 CFR 1026.6)".to_owned(),
        from: creditor.clone(),
        to: record.customer.clone(),
        marks: vec![
            Fact::new("Product", &*terms.product.title),
            Fact::new("Line", format!("ending {}", record.line_reference)),
            Fact::new("Opened", long_date(record.opened_on)),
        ],
        blocks,
        foot: format!("Terms of the line ending {}", record.line_reference),
    }
}

fn interest(terms: &Terms, told: &GraceTold) -> Vec<Fact> {
    let product = &terms.product;
    let mut facts: Vec<Fact> = product
        .features
        .iter()
        .map(|one| {
            let label = format!("Annual percentage rate (APR) for {}", one.name.replace('_', " "));
            Fact::new(label, rates(one))
        })
        .collect();
    let discount = autopay_discount(terms).map(|text| Fact::new("Automatic payments", text));
    facts.extend(discount);
    let penalty = product.penalty_rate.as_ref().map(penalty_rate);
    facts.extend(penalty.map(|text| Fact::new("Penalty APR and when it applies", text)));
    facts.push(Fact::new("Paying interest", grace(told)));
    if product.interest.minimum_charge.is_positive() {
        let text =
            format!("If you are charged interest, at least {}", product.interest.minimum_charge);
        facts.push(Fact::new("Minimum interest charge", text));
    }
    facts
}

fn fees(terms: &Terms) -> Vec<Fact> {
    let product = &terms.product;
    let none = || "None".to_owned();
    let mut lines = plan_fees(&product.fees);
    if lines.is_empty() {
        lines.push(none());
    }
    let mut facts: Vec<Fact> =
        lines.into_iter().map(|fee| Fact::new("Fee for the line", fee)).collect();
    for one in &product.features {
        let label = match product.features.as_slice() {
            [_] => "Draw fee".to_owned(),
            _ => format!("Fee for {}", one.name.replace('_', " ")),
        };
        let monthly = one.instalments.as_ref().and_then(instalment_fee);
        facts.extend(monthly.map(|fee| Fact::new(format!("{label}, by instalments"), fee)));
        facts.push(Fact::new(label, one.fee.as_ref().map_or_else(none, draw_fee)));
    }
    facts.push(Fact::new("Late payment", late_fee(&product.fees).unwrap_or_else(none)));
    facts.push(Fact::new("Returned payment", returned_fee(&product.fees)));
    facts.extend(over_limit_fee(&product.fees).map(|fee| Fact::new("Over the limit", fee)));
    facts
}

fn limits(record: &OpeningRecord<'_>) -> Vec<Fact> {
    let (terms, limits) = (record.terms, &record.terms.product.limits);
    let mut facts = vec![Fact::new("Credit limit", terms.credit_limit.to_string())];
    if limits.least_draw.is_positive() {
        facts.push(Fact::new("Least draw", limits.least_draw.to_string()));
    }
    if let Some(most) = limits.most_per_day {
        facts.push(Fact::new("Most that can be drawn in a day", most.to_string()));
    }
    if let Some(most) = limits.most_draws_per_day {
        facts.push(Fact::new("Most draws in a day", most.to_string()));
    }
    facts
}

fn periodic_rates(record: &OpeningRecord<'_>) -> Block {
    let features = record.terms.product.features.iter();
    let penalty = record.terms.product.penalty_rate.as_ref();
    let penalty = penalty.map(|rule| rate_row("Penalty APR", rule.apr, "Fixed", record));
    let rows = features.flat_map(|one| rows(one, record)).chain(penalty).collect();
    Block::Table(Table {
        caption: "Periodic rates".to_owned(),
        columns: vec![
            Column::text("Type of balance"),
            Column::numeric("Annual percentage rate"),
            Column::numeric(match record.terms.product.interest.period {
                Period::Daily => "Daily periodic rate",
                Period::Monthly => "Monthly periodic rate",
            }),
            Column::text("Kind of rate"),
        ],
        head: 0,
        rows,
    })
}

/// Each rate that a kind of draw has or will have, and those that it has while automatic payments are on.
fn rows(one: &Feature, record: &OpeningRecord<'_>) -> Vec<Row> {
    let own = match (&one.variable, one.tiers.as_slice()) {
        (Some(variable), []) => vec![at_opening(variable)],
        (None, []) => vec![one.apr.unwrap_or(Apr::ZERO)],
        (_, _) => Vec::new(),
    };
    let kind = if one.variable.is_some() { "Variable" } else { "Fixed" };
    let promotion = one.promotion.iter().map(|promotion| promotion.apr);
    let later = one.rates.iter().map(|step| step.apr);
    let tiers = one.tiers.iter().map(|tier| tier_apr(one, tier));
    let discount = record.terms.product.interest.autopay_discount;
    let contract: Vec<Apr> = own.into_iter().chain(tiers).chain(later).collect();
    let discounted: Vec<Apr> = if discount == Apr::ZERO {
        Vec::new()
    } else {
        contract.iter().map(|apr| discounted(*apr, discount)).collect()
    };
    let name = feature(&one.name);
    let with_autopay = format!("{name}, with automatic payments");
    let plain = promotion.chain(contract).map(|apr| rate_row(&name, apr, kind, record));
    plain
        .chain(discounted.into_iter().map(|apr| rate_row(&with_autopay, apr, kind, record)))
        .collect()
}

fn rate_row(what: &str, apr: Apr, kind: &str, record: &OpeningRecord<'_>) -> Row {
    let terms = &record.terms.product.interest;
    let periodic = match terms.period {
        Period::Daily => rate::daily(apr, terms.day_basis, terms.rate_digits, record.opened_on),
        Period::Monthly => rate::monthly(apr, terms.rate_digits),
    };
    let periodic = rate::to_percent_text(periodic, 6);
    Row::of([what.to_owned(), apr.to_string(), periodic, kind.to_owned()])
}
