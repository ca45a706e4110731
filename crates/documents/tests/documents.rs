//! Every kind of document, byte for byte.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use common::{creditor, day};
use decisioning::{
    Application, BankHistory, BureauFile, BureauScore, Decision, Derogatory, Underwriting, decide,
    testing::solid,
};
use documents::{
    ConsumerReport, DecisionRecord, DocumentError, Party, ReceiptRecord, render_adverse_action,
    render_receipt,
};
use money::Cents;

fn applicant() -> Party {
    Party {
        name: "Dana <Ortiz>".into(),
        address: vec!["22 Plum Road".into(), "Fresno, CA 93650".into()],
    }
}

/// Somebody whose score is too low, for reasons enough.
fn application() -> Application {
    let sound = solid();
    Application {
        requested_limit: Cents::new(200_000),
        monthly_income: Some(Cents::new(320_000)),
        monthly_debt_payments: Some(Cents::new(150_000)),
        bureau: sound.bureau.map(|bureau| BureauFile {
            trades: 4,
            utilization_percent: Some(96),
            utilization_6m_percent: Some(91),
            months_late_24m: 3,
            worst_months_late_24m: 2,
            months_late_now: 1,
            derogatories: vec![Derogatory::Collection],
            inquiries_6m: 4,
            new_accounts_12m: 2,
            oldest_trade_months: Some(50),
            revolving_with_balance: 3,
            installment_percent: Some(80),
            short_term_loans: 1,
            score: bureau.score.map(|score| BureauScore {
                value: 588,
                created_on: day("2026-11-19"),
                key_factors: vec![
                    "Amount owed on revolving accounts is too high".into(),
                    "Too many inquiries in the last 12 months".into(),
                ],
                ..score
            }),
            ..bureau
        }),
        bank: Some(BankHistory {
            days: 300,
            negative_days_90: 4,
            returned_payments_90: 1,
            average_balance: Cents::new(31_000),
        }),
        ..sound
    }
}

fn decided(application: &Application) -> Decision {
    decide(application, &Underwriting::bundled().unwrap(), day("2026-11-20")).unwrap()
}

fn record(application: &Application) -> DecisionRecord {
    DecisionRecord {
        reference: "019a0000-0000-7000-8000-000000000001".into(),
        applicant: applicant(),
        product_title: "Cash Line".into(),
        requested_limit: application.requested_limit,
        noticed_on: day("2026-11-20"),
        decision: decided(application),
        report: application.bureau.as_ref().map(|bureau| ConsumerReport {
            agency: Party {
                name: bureau.agency.clone(),
                address: vec!["PO Box 1000".into(), "Allen, TX 75013".into()],
            },
            phone: "1-800-555-0199".into(),
            score: bureau.score.clone(),
        }),
    }
}

fn notice(application: &Application) -> String {
    render_adverse_action(&record(application), &creditor()).unwrap().text().into_owned()
}

#[test]
fn a_decline_by_the_score() {
    insta::assert_snapshot!(notice(&application()));
}

#[test]
fn a_decline_by_a_fact_without_a_report_or_bank_data() {
    let application =
        Application { bureau: None, bank: None, born_on: day("2009-01-01"), ..application() };
    insta::assert_snapshot!(notice(&application));
}

#[test]
fn a_counteroffer() {
    let mut application = Application {
        monthly_income: Some(Cents::new(50_000)),
        monthly_debt_payments: Some(Cents::ZERO),
        ..application()
    };
    let bureau = application.bureau.as_mut().unwrap();
    bureau.months_late_24m = 0;
    bureau.months_late_now = 0;
    bureau.derogatories.clear();
    bureau.inquiries_6m = 0;
    bureau.short_term_loans = 0;
    bureau.oldest_trade_months = Some(300);
    application.bank.as_mut().unwrap().average_balance = Cents::new(400_000);
    insta::assert_snapshot!(notice(&application));
}

#[test]
fn an_incomplete_application() {
    insta::assert_snapshot!(notice(&Application { monthly_income: None, ..application() }));
}

#[test]
fn the_same_record_gives_the_same_bytes_and_digest() {
    let once = render_adverse_action(&record(&application()), &creditor()).unwrap();
    let again = render_adverse_action(&record(&application()), &creditor()).unwrap();
    assert_eq!(once, again);
    let mut other = record(&application());
    other.noticed_on = day("2026-11-21");
    assert_ne!(render_adverse_action(&other, &creditor()).unwrap().digest, once.digest);
}

#[test]
fn the_notice_says_every_reason_word_for_word_and_nothing_vague() {
    let record = record(&application());
    let text = render_adverse_action(&record, &creditor()).unwrap().text().into_owned();
    assert!(!record.decision.reasons.is_empty());
    for reason in &record.decision.reasons {
        assert!(text.contains(&format!("<li>{}</li>", reason.text)), "{}", reason.text);
    }
    for vague in ["internal policy", "internal standards", "failed to achieve", "micrologit"] {
        assert!(!text.to_lowercase().contains(vague), "{vague}");
    }
    assert!(text.contains("Dana &lt;Ortiz&gt;") && !text.contains("<Ortiz>"));
}

#[test]
fn what_is_not_adverse_or_not_fully_known_makes_no_notice() {
    let mut unnamed = record(&application());
    unnamed.report = None;
    assert!(matches!(
        render_adverse_action(&unnamed, &creditor()),
        Err(DocumentError::Record("a consumer report was used and is not named"))
    ));
    let mut approved = record(&application());
    approved.decision.outcome = decisioning::Outcome::Approved;
    assert!(render_adverse_action(&approved, &creditor()).is_err());
    let mut silent = record(&application());
    silent.decision.reasons.clear();
    assert!(render_adverse_action(&silent, &creditor()).is_err());
}

#[test]
fn a_receipt() {
    let fields = [
        ("Amount".to_owned(), "$50.00".to_owned()),
        ("From".to_owned(), "checking account ending 6789".to_owned()),
        ("On".to_owned(), "Friday, November 27, 2026".to_owned()),
    ];
    let record = ReceiptRecord {
        reference: "R-7K2M",
        title: "Payment scheduled",
        at: "2026-11-20T18:03:11Z".parse().unwrap(),
        on: day("2026-11-20"),
        fields: &fields,
    };
    insta::assert_snapshot!(render_receipt(&record, &creditor()).unwrap().text());
}
