//! The periodic statement (12 CFR 1026.7(b)). Every figure is the engine's; nothing is worked out here, and what does
//! not add up is not written.

use chrono::Datelike;
use credit::{
    ChangeInTerms, Repayment, Statement, StatementInterest, StatementItem, StatementTerms, Terms,
    UnusedRate, product::Period,
};
use money::{Apr, Cents};

use crate::{
    Creditor, Document, Party,
    document::{Block, Column, Fact, Row, Table},
    render::DocumentError,
    terms::{balance_method, feature, grace},
    words::{days, long_date, short_date, title},
};

const TEMPLATE: &str = "statement 3";

/// Whose statement it is.
#[derive(Clone, Debug, PartialEq)]
pub struct StatementRecord<'a> {
    pub customer: &'a Party,
    /// What the customer calls the line: the end of its id.
    pub line_reference: &'a str,
    /// In force at its close: read where the statement itself does not say what they were.
    pub terms: &'a Terms,
    pub statement: &'a Statement,
    /// What each of its changes in terms comes to, in words; where there are none, by the names of the terms.
    pub changes: &'a [String],
}

/// A periodic statement.
pub fn statement_document(
    record: &StatementRecord<'_>,
    creditor: &Creditor,
) -> Result<Document, DocumentError> {
    let statement = record.statement;
    check(statement)?;
    let terms = statement.terms.clone().unwrap_or_else(|| StatementTerms::of(record.terms));
    let issued = statement.issuer.as_ref().map(|issuer| creditor.as_issued(issuer));
    let creditor = issued.as_ref().unwrap_or(creditor);
    let (number, line) = (statement.number, record.line_reference);
    let mut blocks = vec![first_figures(statement)];
    blocks.extend(notes(statement, &terms));
    let warned = statement.repayment.as_ref();
    blocks.extend(warned.into_iter().flat_map(|one| repayment(one, creditor)));
    blocks.push(summary(statement));
    blocks.extend(listing("Draws", &statement.draws, "Total draws", statement.draws_total));
    let credits = -statement.payments_total;
    blocks.extend(listing(
        "Payments and credits",
        &statement.payments,
        "Total payments and credits",
        credits,
    ));
    let adjusted = statement.adjustments_total;
    blocks.extend(listing("Adjustments", &statement.adjustments, "Total adjustments", adjusted));
    blocks.push(items("Fees", &statement.fees, "Total fees for this period", statement.fees_total));
    blocks.push(interest_charged(statement));
    blocks.push(this_year(statement));
    if !statement.interest.is_empty() || !statement.unused_rates.is_empty() {
        blocks.push(interest_worked_out(statement, terms.balance.period));
        blocks.extend(statement.interest.iter().flat_map(earlier));
        blocks.extend(statement.interest.iter().filter_map(deferred));
        blocks.push(Block::text(balance_method(&terms).1));
    }
    blocks.push(Block::text(grace(&terms.grace)));
    blocks.extend(changes(&statement.changes_in_terms, record.changes));
    blocks.extend(mistakes(creditor));
    Ok(Document {
        template: TEMPLATE,
        lang: "en",
        title: format!("Statement {number}"),
        lead: format!(
            "{} to {} ({})",
            long_date(statement.opened_on),
            long_date(statement.closed_on),
            days(statement.days)
        ),
        from: creditor.clone(),
        to: record.customer.clone(),
        marks: vec![
            Fact::new("Product", &*terms.product_title),
            Fact::new("Line", format!("ending {line}")),
            Fact::new("Closing date", long_date(statement.closed_on)),
            Fact::new("Credit limit", statement.credit_limit.to_string()),
            Fact::new("Available credit", statement.available_credit.to_string()),
        ],
        blocks,
        foot: format!("Statement {number}, line ending {line}"),
    })
}

/// Each list comes to its total, and the totals to the new balance.
fn check(statement: &Statement) -> Result<(), DocumentError> {
    let sum = |items: &[StatementItem]| -> Cents { items.iter().map(|item| item.amount).sum() };
    let interest: Cents = statement.interest.iter().map(|line| line.amount).sum();
    let adds_up = statement.off_by().is_zero()
        && sum(&statement.draws) == statement.draws_total
        && sum(&statement.payments) == -statement.payments_total
        && sum(&statement.fees) == statement.fees_total
        && sum(&statement.adjustments) == statement.adjustments_total
        && interest == statement.interest_total;
    if adds_up { Ok(()) } else { Err(DocumentError::Record("the statement does not add up")) }
}

fn first_figures(statement: &Statement) -> Block {
    let mut facts = vec![
        Fact::new("New balance", statement.new_balance.to_string()),
        Fact::new("Minimum payment due", statement.minimum_due.to_string()),
    ];
    if statement.minimum_due.is_positive() {
        facts.push(Fact::new("Payment due date", short_date(statement.due_on)));
    }
    if statement.past_due.is_positive() {
        facts.push(Fact::new("Of which past due", statement.past_due.to_string()));
    }
    if statement.not_yet_due.is_positive() {
        let asked = "Of which your last statement asked for, by its own date";
        facts.push(Fact::new(asked, statement.not_yet_due.to_string()));
    }
    Block::Facts { facts }
}

/// What a reader must know beside the first figures.
fn notes(statement: &Statement, terms: &StatementTerms) -> Vec<Block> {
    let due = short_date(statement.due_on);
    let late = late_warning(statement, terms).filter(|_| statement.minimum_due.is_positive());
    let disputed = statement.disputed.is_positive().then(|| {
        let disputed = statement.disputed;
        format!("{disputed} of the balance is disputed: you need not pay it while we look into it.")
    });
    let spared =
        statement.pay_to_avoid_interest.filter(|amount| amount.is_positive()).map(|amount| {
            format!("Pay {amount} by {due} to avoid interest where there is a grace period.")
        });
    [late, disputed, spared].into_iter().flatten().map(Block::text).collect()
}

/// What paying late can cost (12 CFR 1026.7(b)(11)(i)(B)).
fn late_warning(statement: &Statement, terms: &StatementTerms) -> Option<String> {
    let fee = statement.late_fee_up_to.filter(|most| most.is_positive()).map(|most| {
        let when = match terms.late_after_days {
            None | Some(0) => String::new(),
            Some(after) => format!("more than {} ", days(after)),
        };
        format!("arrives {when}after the due date, you may have to pay a late fee of up to {most}")
    });
    let rate = terms
        .penalty_apr
        .map(|apr| format!("your APRs may be increased up to the penalty APR of {apr}"));
    let said = match (fee, rate) {
        (Some(fee), Some(rate)) => format!("{fee}, and {rate}"),
        (Some(fee), None) => fee,
        (None, Some(rate)) => format!("is late, {rate}"),
        (None, None) => return None,
    };
    Some(format!("Late payment: if your minimum payment {said}."))
}

/// The minimum-payment warning (12 CFR 1026.7(b)(12), in the words of samples G-18(C)).
fn repayment(repayment: &Repayment, creditor: &Creditor) -> Vec<Block> {
    let warning = match repayment {
        Repayment::Never { .. } => {
            "Even if you make no more charges, if you make only the minimum payment each month we estimate you will never pay \
             off the balance shown on this statement because your payment will be less than the interest charged each month. \
             If you make more than the minimum payment each period, you will pay less in interest and pay off your balance \
             sooner. For example:"
        }
        Repayment::Estimate { .. } => {
            "If you make only the minimum payment each period, you will pay more in interest and it will take you longer to pay \
             off your balance. For example:"
        }
    };
    let mut blocks = vec![
        Block::heading("Minimum payment warning"),
        Block::text(warning),
        repayment_table(repayment),
    ];
    let phone = &creditor.credit_counseling_phone;
    if !phone.is_empty() {
        let text = format!(
            "If you would like information about credit counseling services, call {phone}."
        );
        blocks.push(Block::text(text));
    }
    blocks
}

fn repayment_table(repayment: &Repayment) -> Block {
    let heads = [
        Column::text("If you make no additional charges and each month you pay"),
        Column::text("You will pay off the balance shown on this statement in about"),
        Column::numeric("And you will end up paying an estimated total of"),
    ];
    let never = matches!(repayment, Repayment::Never { .. });
    let rows = match repayment {
        Repayment::Never { in_36_months } => {
            vec![Row::of([dollars(*in_36_months), "36 months".to_owned()])]
        }
        Repayment::Estimate { months, total, in_36_months } => {
            let minimum = "Only the minimum payment".to_owned();
            let mut rows = vec![Row::of([minimum, span(*months), dollars(*total)])];
            rows.extend(in_36_months.iter().map(|plan| {
                let total =
                    format!("{} (savings = {})", dollars(plan.total), dollars(plan.savings));
                Row::of([dollars(plan.monthly), "3 years".to_owned(), total])
            }));
            rows
        }
    };
    Block::Table(Table {
        caption: "How long it takes".to_owned(),
        columns: heads.into_iter().take(if never { 2 } else { 3 }).collect(),
        head: 0,
        rows,
    })
}

/// An amount that is rounded to whole dollars.
fn dollars(amount: Cents) -> String {
    amount.to_string().trim_end_matches(".00").to_owned()
}

/// Months below two years, else years, rounded (12 CFR 1026, Appendix M1).
fn span(months: u32) -> String {
    match months {
        1 => "1 month".to_owned(),
        2..24 => format!("{months} months"),
        _ => format!("{} years", (months + 6) / 12),
    }
}

/// What the rates of the cycle do not come to.
fn earlier(line: &StatementInterest) -> impl Iterator<Item = Block> {
    let name = plain(&line.feature);
    let deferred = (
        line.deferred_due,
        "was deferred by a promotion and is due now, because the promotional balance was not paid in full by its end",
    );
    let spared = (
        line.earlier_cycles,
        "is for earlier billing cycles. It was not charged while their statement could still be paid in full, which it was not",
    );
    let owed = [deferred, spared].into_iter().filter(|(amount, _)| amount.is_positive());
    owed.map(move |(amount, why)| {
        Block::text(format!("Of the interest on {name}, {amount} {why}."))
    })
}

fn deferred(line: &StatementInterest) -> Option<Block> {
    let deferred = line.deferred.filter(|deferred| deferred.amount.is_positive())?;
    let by = deferred.through.map_or_else(|| "the promotion ends".to_owned(), long_date);
    Some(Block::text(format!(
        "Deferred interest on {}: {} so far. You must pay this promotional balance in full by {by} to avoid paying it.",
        plain(&line.feature),
        deferred.amount
    )))
}

fn summary(statement: &Statement) -> Block {
    let rows = [
        ("Previous balance", statement.previous_balance),
        ("Payments and credits", -statement.payments_total),
        ("Draws", statement.draws_total),
        ("Fees charged", statement.fees_total),
        ("Interest charged", statement.interest_total),
        ("Adjustments", statement.adjustments_total),
    ];
    let mut rows: Vec<Row> = rows
        .into_iter()
        .filter(|(label, amount)| *label != "Adjustments" || !amount.is_zero())
        .map(|(label, amount)| Row::of([label.to_owned(), amount.to_string()]))
        .collect();
    rows.push(Row::total(["New balance".to_owned(), statement.new_balance.to_string()]));
    Block::Table(Table {
        caption: "Summary".to_owned(),
        columns: vec![Column::text("What"), Column::numeric("Amount")],
        head: 0,
        rows,
    })
}

/// A list, where there is something on it.
fn listing(caption: &str, of: &[StatementItem], total: &str, amount: Cents) -> Option<Block> {
    (!of.is_empty()).then(|| items(caption, of, total, amount))
}

fn items(caption: &str, of: &[StatementItem], total: &str, amount: Cents) -> Block {
    let mut rows: Vec<Row> = of
        .iter()
        .map(|item| {
            let late = item.recorded_on != item.effective_on;
            let recorded = format!(" (recorded {})", short_date(item.recorded_on));
            let label =
                format!("{}{}", title(&item.label), if late { recorded } else { String::new() });
            Row::of([short_date(item.effective_on), label, item.amount.to_string()])
        })
        .collect();
    rows.push(Row::total([String::new(), total.to_owned(), amount.to_string()]));
    Block::Table(Table {
        caption: caption.to_owned(),
        columns: vec![Column::text("Date"), Column::text("Description"), Column::numeric("Amount")],
        head: 1,
        rows,
    })
}

fn interest_charged(statement: &Statement) -> Block {
    let mut rows: Vec<Row> = statement
        .interest
        .iter()
        .map(|line| {
            Row::of([format!("Interest on {}", plain(&line.feature)), line.amount.to_string()])
        })
        .collect();
    let total = statement.interest_total.to_string();
    rows.push(Row::total(["Total interest for this period".to_owned(), total]));
    Block::Table(Table {
        caption: "Interest charged".to_owned(),
        columns: vec![Column::text("Description"), Column::numeric("Amount")],
        head: 0,
        rows,
    })
}

fn plain(name: &str) -> String {
    name.replace('_', " ")
}

fn this_year(statement: &Statement) -> Block {
    let year = statement.closed_on.year();
    let rows = [("fees", statement.fees_this_year), ("interest", statement.interest_this_year)]
        .map(|(what, amount)| {
            Row::of([format!("Total {what} charged in {year}"), amount.to_string()])
        })
        .into();
    Block::Table(Table {
        caption: format!("{year} totals, year to date"),
        columns: vec![Column::text("What"), Column::numeric("Amount")],
        head: 0,
        rows,
    })
}

fn interest_worked_out(statement: &Statement, period: Period) -> Block {
    let unused = statement.unused_rates.iter().map(unused_row);
    let rows = statement.interest.iter().flat_map(rate_rows).chain(unused).collect();
    Block::Table(Table {
        caption: "Interest charge calculation".to_owned(),
        columns: vec![
            Column::text("Type of balance"),
            Column::numeric("Annual percentage rate"),
            Column::numeric(match period {
                Period::Daily => "Daily periodic rate",
                Period::Monthly => "Monthly periodic rate",
            }),
            Column::numeric("Days"),
            Column::numeric("Balance subject to interest"),
            Column::numeric("Interest charge"),
        ],
        head: 0,
        rows,
    })
}

/// One row for each rate of the cycle; the charge stands with the last.
fn rate_rows(line: &StatementInterest) -> Vec<Row> {
    let row = |apr: Apr, rate: &str, days: u32, balance: Cents, amount: String| {
        let name = feature(&line.feature);
        let (days, balance) = (days.to_string(), balance.to_string());
        Row::of([name, apr.to_string(), rate.to_owned(), days, balance, amount])
    };
    let charge = line.amount.to_string();
    if line.rates.is_empty() {
        let (rate, balance) = (&line.periodic_rate, line.average_balance);
        return vec![row(line.apr, rate, line.days, balance, charge)];
    }
    let last = line.rates.len();
    (1..)
        .zip(&line.rates)
        .map(|(n, one)| {
            let amount = if n == last { charge.clone() } else { String::new() };
            row(one.apr, &one.periodic_rate, one.days, one.average_balance, amount)
        })
        .collect()
}

/// A rate at which nothing was owed.
fn unused_row(rate: &UnusedRate) -> Row {
    let most = rate.up_to.map(|most| format!(" up to {most}")).unwrap_or_default();
    Row::of([
        format!("{}{most}", feature(&rate.feature)),
        rate.apr.to_string(),
        rate.periodic_rate.clone(),
        String::new(),
        Cents::ZERO.to_string(),
        Cents::ZERO.to_string(),
    ])
}

fn changes(changes: &[ChangeInTerms], words: &[String]) -> Vec<Block> {
    if changes.is_empty() {
        return Vec::new();
    }
    let facts = changes.iter().enumerate().map(|(at, change)| {
        let words = words.get(at).cloned().unwrap_or_else(|| change.what.join(", "));
        Fact::new(long_date(change.effective_on), words)
    });
    vec![Block::facts_table("Changes to your terms", ["From", "Change"], facts.collect())]
}

/// The short notice of 12 CFR 1026, Appendix G, form G-4(A).
fn mistakes(creditor: &Creditor) -> Vec<Block> {
    let address = format!("{}, {}", creditor.name, creditor.address.join(", "));
    vec![
        Block::heading("What to do if you think you find a mistake on your statement"),
        Block::text(format!(
            "If you think there is an error on your statement, write to us at {address}, or tell us in the app. In your \
             letter, give us your name and the end of your line's number, the dollar amount of the suspected error, and \
             what you believe is wrong and why. You must contact us within 60 days after the error appeared on your \
             statement. You must notify us in writing or in the app. You may call us at {}, but if you do we are not \
             required to investigate any potential errors and you may have to pay the amount in question.",
            creditor.phone
        )),
        Block::text(
            "While we investigate whether or not there has been an error: we cannot try to collect the amount in question or \
             report you as delinquent on that amount; the charge in question may remain on your statement, and we may \
             continue to charge you interest on that amount, but if we determine that we made a mistake, you will not have \
             to pay the amount in question or any interest or other fees related to that amount; while you do not have to \
             pay the amount in question, you are responsible for the remainder of your balance; we can apply any unpaid \
             amount against your credit limit.",
        ),
    ]
}
