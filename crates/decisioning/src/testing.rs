//! An applicant to test with.

use chrono::NaiveDate;
use money::Cents;

use crate::{Application, BankHistory, BureauFile, BureauScore, Verification};

/// Somebody who gets everything asked for.
#[must_use]
pub fn solid() -> Application {
    Application {
        requested_limit: Cents::new(100_000),
        state: "CA".into(),
        born_on: day(1985, 4, 12),
        monthly_income: Some(Cents::new(520_000)),
        monthly_debt_payments: Some(Cents::new(90_000)),
        covered_borrower: false,
        exposure: Cents::ZERO,
        last_declined_on: None,
        verification: Verification {
            identity: true,
            address: true,
            income: true,
            bank_account: true,
            contradicted: false,
            alert_unresolved: false,
        },
        bureau: Some(BureauFile {
            agency: "Sandbox Credit Bureau".into(),
            trades: 9,
            utilization_percent: Some(12),
            utilization_6m_percent: Some(15),
            months_late_24m: 0,
            worst_months_late_24m: 0,
            months_late_now: 0,
            derogatories: vec![],
            bankruptcy: false,
            repossession_or_foreclosure: false,
            inquiries_6m: 0,
            new_accounts_12m: 0,
            oldest_trade_months: Some(140),
            revolving_with_balance: 1,
            installment_percent: Some(30),
            short_term_loans: 0,
            score: Some(BureauScore {
                value: 742,
                lowest: 300,
                highest: 850,
                created_on: day(2026, 11, 20),
                source: "Sandbox Score 8".into(),
                key_factors: vec!["Length of time accounts have been established".into()],
            }),
        }),
        bank: Some(BankHistory {
            days: 400,
            negative_days_90: 0,
            returned_payments_90: 0,
            average_balance: Cents::new(240_000),
        }),
    }
}

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}
