//! Applicants to test with.

use chrono::NaiveDate;
pub(crate) use decisioning::testing::solid;
use decisioning::{
    Application, BankHistory, BureauFile, Decision, Derogatory, Underwriting, decide,
};
use money::Cents;
use proptest::{option, prelude::*};

pub(crate) fn underwriting() -> Underwriting {
    Underwriting::bundled().unwrap()
}

pub(crate) fn today() -> NaiveDate {
    day("2026-11-20")
}

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn decided(application: &Application) -> Decision {
    decide(application, &underwriting(), today()).unwrap()
}

pub(crate) fn with_bureau(change: impl FnOnce(&mut BureauFile)) -> Application {
    let mut application = solid();
    change(application.bureau.as_mut().unwrap());
    application
}

pub(crate) fn with_bank(change: impl FnOnce(&mut BankHistory)) -> Application {
    let mut application = solid();
    change(application.bank.as_mut().unwrap());
    application
}

/// Any application that reaches the score or falls short of it, and some that are stopped before.
pub(crate) fn any_application() -> impl Strategy<Value = Application> {
    let bureau = (
        (0_u32..6, option::of(0_u32..140), option::of(0_u32..140), 0_u32..7, 0_u32..4),
        (0_u32..3, prop::collection::vec(any_derogatory(), 0..3), 0_u32..9, 0_u32..6),
        (option::of(0_u32..480), 0_u32..9, option::of(0_u32..110), 0_u32..5),
    );
    let bank = (30_u32..700, 0_u32..60, 0_u32..8, -50_000_i64..900_000);
    let person = (4_i64..=40, 40_000_i64..900_000, 0_i64..300_000, 0_i64..600_000);
    (option::weighted(0.9, bureau), option::weighted(0.95, bank), person).prop_map(
        |(bureau, bank, (steps, income, debts, exposure))| Application {
            requested_limit: Cents::new(steps * 5_000),
            monthly_income: Some(Cents::new(income)),
            monthly_debt_payments: Some(Cents::new(debts)),
            exposure: Cents::new(exposure),
            bureau: bureau.map(|((trades, now, average, late, worst), rest, more)| BureauFile {
                trades,
                utilization_percent: now,
                utilization_6m_percent: average,
                months_late_24m: late,
                worst_months_late_24m: worst,
                months_late_now: rest.0,
                derogatories: rest.1,
                inquiries_6m: rest.2,
                new_accounts_12m: rest.3,
                oldest_trade_months: more.0,
                revolving_with_balance: more.1,
                installment_percent: more.2,
                short_term_loans: more.3,
                ..solid().bureau.unwrap()
            }),
            bank: bank.map(|(days, negative, returned, balance)| BankHistory {
                days,
                negative_days_90: negative,
                returned_payments_90: returned,
                average_balance: Cents::new(balance),
            }),
            ..solid()
        },
    )
}

fn any_derogatory() -> impl Strategy<Value = Derogatory> {
    prop_oneof![
        Just(Derogatory::Collection),
        Just(Derogatory::ChargeOff),
        Just(Derogatory::Judgment)
    ]
}
