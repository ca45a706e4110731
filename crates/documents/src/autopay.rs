//! Leave to debit a bank account month by month, as the customer signs it (12 CFR 1005.10(b)): what is taken, when, from where,
//! how it is told beforehand, and how it ends.

use chrono::NaiveDate;
use money::{Apr, Cents};

use crate::{
    Creditor, Document, Party,
    document::{Block, Fact},
    terms::while_they_are_on,
    words::long_date,
};

const TEMPLATE: &str = "autopay 1";

/// How much is taken for each statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AutopayAmount {
    Minimum,
    StatementBalance,
    Fixed(Cents),
}

/// What is signed, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutopayRecord<'a> {
    pub customer: &'a Party,
    /// What the customer calls the line: the end of its id.
    pub line_reference: &'a str,
    pub amount: AutopayAmount,
    /// `checking account ending in 1234 at First Harbor Bank`.
    pub bank_account: &'a str,
    pub signed_on: NaiveDate,
    /// At least so many days before a debit the customer is told of it.
    pub notice_days: u32,
    /// By how much the rate is lower while they are on; zero where the product has no discount.
    pub discount: Apr,
}

/// The authorisation.
#[must_use]
pub fn autopay_document(record: &AutopayRecord<'_>, creditor: &Creditor) -> Document {
    let heads = ["What", "As agreed"];
    let facts = vec![
        Fact::new("Amount", amount(record.amount)),
        Fact::new("When", "On the due date of each statement"),
        Fact::new("From", record.bank_account),
        Fact::new("To", &*creditor.name),
    ];
    let blocks = vec![
        Block::text(format!(
            "I, {}, authorize {} to debit my {} electronically for each statement of my credit line ending {}, as set out here, \
             until I cancel.",
            record.customer.name, creditor.name, record.bank_account, record.line_reference
        )),
        Block::facts_table("Automatic payments", heads, facts),
        Block::heading("How much, and when you are told"),
        Block::text(format!(
            "The amount can differ from month to month. At least {} days before each debit we tell you its amount and its date. We \
             never take more than we told you, and never more than you owe. What you pay by yourself before the due date, and \
             what you dispute, is left out. If nothing is left to pay, nothing is taken.",
            record.notice_days
        )),
        Block::text(after_the_amount(record.amount)),
        Block::text(
            "If the due date is not a banking day, your bank is asked on the next one, and your payment counts as of the due date.",
        ),
        Block::heading("How it ends"),
        Block::text(format!(
            "You can skip a payment or cancel at any time, on your page or by telling us ({}). It counts at once: nothing is taken \
             that has not yet gone to the bank. You can also stop a payment at your bank, at least three business days before it \
             is due. Automatic payments end by themselves when two debits in a row come back, or when your bank account can no \
             longer be used; we tell you.",
            creditor.phone
        )),
        Block::heading("It is your choice"),
        Block::text(its_choice(record.discount)),
    ];
    Document {
        lang: "en",
        template: TEMPLATE,
        title: "Authorization for automatic payments".to_owned(),
        lead:
            "Your agreement to preauthorized transfers from your bank account (12 CFR 1005.10(b))"
                .to_owned(),
        from: creditor.clone(),
        to: record.customer.clone(),
        marks: vec![
            Fact::new("Line", format!("ending {}", record.line_reference)),
            Fact::new("Authorized", long_date(record.signed_on)),
        ],
        blocks,
        foot: format!("Automatic payments for the line ending {}", record.line_reference),
    }
}

fn amount(amount: AutopayAmount) -> String {
    match amount {
        AutopayAmount::Minimum => "The minimum due of each statement".to_owned(),
        AutopayAmount::StatementBalance => "The balance of each statement".to_owned(),
        AutopayAmount::Fixed(cents) => format!("{cents} for each statement"),
    }
}

fn after_the_amount(amount: AutopayAmount) -> &'static str {
    match amount {
        AutopayAmount::Minimum => {
            "Paying only the minimum costs more interest and takes longer. You can pay more at any time."
        }
        AutopayAmount::StatementBalance => {
            "Interest is charged from day to day, so a small amount can stand on the statement after."
        }
        AutopayAmount::Fixed(_) => {
            "If the minimum due is more than this amount, you still have to pay the rest by the due date."
        }
    }
}

fn its_choice(discount: Apr) -> String {
    let terms = if discount == Apr::ZERO {
        ", and your terms are the same without them.".to_owned()
    } else {
        format!(". {}", while_they_are_on(discount))
    };
    format!(
        "Automatic payments are not required to get or keep this credit line{terms} You can pay in other ways."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn creditor() -> Creditor {
        Creditor {
            name: "Plumbline Sandbox Lending".into(),
            address: vec!["1 Level Street".into()],
            phone: "1-800-555-0100".into(),
            credit_counseling_phone: "800-555-0142".into(),
            regulator: Party { name: "the FTC".into(), address: vec![] },
        }
    }

    #[test]
    fn it_says_how_much_when_from_where_how_it_ends_and_that_it_is_no_condition_of_credit() {
        let customer = Party { name: "Dana <Ortiz>".into(), address: vec![] };
        let record = AutopayRecord {
            customer: &customer,
            line_reference: "AB12CD",
            amount: AutopayAmount::Fixed(Cents::new(7_550)),
            bank_account: "checking account ending in 4242 at First Harbor Bank",
            signed_on: NaiveDate::from_ymd_opt(2026, 11, 20).unwrap_or_default(),
            notice_days: 10,
            discount: Apr::from_ppm(5_000),
        };
        let rendered = autopay_document(&record, &creditor()).html().unwrap();
        let text = rendered.text();
        for said in [
            "$75.50 for each statement",
            "On the due date of each statement",
            "ending in 4242",
            "At least 10 days before each debit",
            "never more than you owe",
            "cancel at any time",
            "not required to get or keep this credit line",
            "each rate of your contract is 0.50 percentage points lower",
            "Dana &lt;Ortiz&gt;",
            "November 20, 2026",
        ] {
            assert!(text.contains(said), "{said}: {text}");
        }
        let again = autopay_document(&record, &creditor()).html().unwrap();
        assert_eq!(rendered, again, "what is signed is what was shown, byte for byte");
        let none = AutopayRecord { discount: Apr::ZERO, ..record };
        let rendered = autopay_document(&none, &creditor()).html().unwrap();
        assert!(rendered.text().contains("your terms are the same without them"));
    }
}
