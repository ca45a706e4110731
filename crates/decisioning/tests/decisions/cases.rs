use decisioning::{Application, Component, Decision, DecisioningError, Outcome, decide};
use money::Cents;

use super::applicants::*;

fn codes(decision: &Decision) -> Vec<&str> {
    decision.reasons.iter().map(|reason| reason.code.as_str()).collect()
}

#[test]
fn a_solid_applicant_gets_what_was_asked_for_and_no_reasons() {
    let decision = decided(&solid());
    assert_eq!(decision.outcome, Outcome::Approved);
    let terms = decision.terms.unwrap();
    assert_eq!(
        (terms.limit, terms.apr_ppm, terms.band.as_str()),
        (Cents::new(100_000), 149_900, "A")
    );
    assert!(decision.reasons.is_empty());
    assert_eq!(decision.component, None);
}

#[test]
fn a_fact_that_decides_by_itself_is_the_reason() {
    let cases: [(&str, Application, &[&str]); 12] = [
        ("under age", Application { born_on: day("2008-11-21"), ..solid() }, &["RC33"]),
        (
            "under age in Alabama",
            Application { born_on: day("2008-11-20"), state: "AL".into(), ..solid() },
            &["RC33"],
        ),
        ("a closed state", Application { state: "NY".into(), ..solid() }, &["RC32"]),
        ("a bankruptcy", with_bureau(|b| b.bankruptcy = true), &["RC05"]),
        ("a foreclosure", with_bureau(|b| b.repossession_or_foreclosure = true), &["RC06"]),
        ("three months late now", with_bureau(|b| b.months_late_now = 3), &["RC03"]),
        ("a short bank history", with_bank(|b| b.days = 59), &["RC25"]),
        ("no bank account", Application { bank: None, ..solid() }, &["RC26"]),
        (
            "no credit report and a bank history that cannot speak for it",
            Application { bureau: None, ..with_bank(|b| b.days = 179) },
            &["RC10"],
        ),
        (
            "too few accounts",
            {
                let mut thin = with_bank(|b| b.days = 100);
                thin.bureau.as_mut().unwrap().trades = 0;
                thin
            },
            &["RC09"],
        ),
        (
            "an unresolved alert, an unverified identity",
            {
                let mut application = solid();
                application.verification.identity = false;
                application.verification.alert_unresolved = true;
                application
            },
            &["RC19", "RC36"],
        ),
        (
            "everything unverified gives four reasons and no more",
            {
                let mut application = Application { bank: None, bureau: None, ..solid() };
                let verification = &mut application.verification;
                verification.identity = false;
                verification.address = false;
                verification.income = false;
                verification.contradicted = true;
                verification.alert_unresolved = true;
                application
            },
            &["RC19", "RC36", "RC35", "RC20"],
        ),
    ];
    for (what, application, expected) in cases {
        let decision = decided(&application);
        assert_eq!(decision.outcome, Outcome::Declined, "{what}");
        assert_eq!(decision.component, Some(Component::KnockOut), "{what}");
        assert_eq!(codes(&decision), expected, "{what}");
        assert_eq!(decision.score_micrologits, None, "{what}: no score is looked at");
    }
}

#[test]
fn a_bank_account_with_a_long_history_speaks_for_who_has_no_credit_report() {
    let decision = decided(&Application { bureau: None, ..with_bank(|b| b.days = 180) });
    assert_ne!(decision.component, Some(Component::KnockOut));
    assert!(!decision.consumer_report_used);
}

#[test]
fn policy_refuses_before_the_score_is_looked_at() {
    let cases: [(&str, Application, &[&str]); 4] = [
        (
            "declined eleven days ago",
            Application { last_declined_on: Some(day("2026-11-09")), ..solid() },
            &["RC31"],
        ),
        (
            "at the highest total credit",
            Application { exposure: Cents::new(490_000), ..solid() },
            &["RC30"],
        ),
        (
            "debts above 65 percent of income",
            Application { monthly_debt_payments: Some(Cents::new(345_000)), ..solid() },
            &["RC15"],
        ),
        (
            "two of them",
            Application {
                last_declined_on: Some(day("2026-11-09")),
                exposure: Cents::new(490_000),
                ..solid()
            },
            &["RC31", "RC30"],
        ),
    ];
    for (what, application, expected) in cases {
        let decision = decided(&application);
        assert_eq!(decision.component, Some(Component::Policy), "{what}");
        assert_eq!(codes(&decision), expected, "{what}");
    }
    let waited = Application { last_declined_on: Some(day("2026-10-21")), ..solid() };
    assert_eq!(decided(&waited).outcome, Outcome::Approved);
}

#[test]
fn a_recent_decline_states_its_period() {
    let again = Application { last_declined_on: Some(day("2026-11-09")), ..solid() };
    assert_eq!(
        decided(&again).reasons[0].text,
        "You applied with us within the last 30 days and your information has not changed"
    );
}

#[test]
fn what_weighed_most_comes_first_and_a_collection_is_called_one() {
    let decision = decided(&with_bureau(|bureau| {
        bureau.derogatories = vec![decisioning::Derogatory::Collection; 2];
        bureau.months_late_now = 2;
        bureau.months_late_24m = 6;
        bureau.inquiries_6m = 6;
        bureau.short_term_loans = 4;
        bureau.oldest_trade_months = Some(20);
    }));
    assert_eq!(decision.outcome, Outcome::Declined);
    assert_eq!(decision.component, Some(Component::Score));
    assert_eq!(codes(&decision), ["RC03", "RC14", "RC04", "RC07"]);
    assert_eq!(decision.reasons[2].text, "A collection appears on your credit report");
    assert!(decision.terms.is_none());
}

#[test]
fn who_falls_into_a_lower_band_is_offered_less_and_told_why() {
    let mut application = with_bureau(|bureau| {
        bureau.inquiries_6m = 5;
        bureau.oldest_trade_months = Some(60);
        bureau.revolving_with_balance = 5;
    });
    application.requested_limit = Cents::new(200_000);
    application.bank.as_mut().unwrap().average_balance = Cents::new(50_000);
    let decision = decided(&application);
    assert_eq!(decision.outcome, Outcome::Counteroffered);
    assert_eq!(decision.component, Some(Component::Score));
    assert_eq!(codes(&decision), ["RC07", "RC24", "RC11", "RC12"]);
    let terms = decision.terms.unwrap();
    assert_eq!((terms.limit, terms.apr_ppm), (Cents::new(150_000), 199_900));
}

#[test]
fn a_minimum_beyond_a_tenth_of_income_brings_the_limit_down() {
    let application = Application {
        requested_limit: Cents::new(200_000),
        monthly_income: Some(Cents::new(50_000)),
        monthly_debt_payments: Some(Cents::ZERO),
        ..solid()
    };
    let decision = decided(&application);
    assert_eq!(decision.outcome, Outcome::Counteroffered);
    assert_eq!(
        (decision.component, codes(&decision)),
        (Some(Component::Affordability), vec!["RC16"])
    );
    // A tenth of $500.00 is $50.00: two percent of $1,500.00 is $30.00, a month's interest at 14.99 % $19.10.
    assert_eq!(decision.terms.unwrap().limit, Cents::new(150_000));
}

#[test]
fn an_incomplete_application_names_what_is_missing() {
    let application = Application { monthly_income: None, monthly_debt_payments: None, ..solid() };
    let decision = decided(&application);
    assert_eq!(decision.outcome, Outcome::Incomplete);
    assert!(!decision.consumer_report_used);
    assert_eq!(
        decision.reasons[0].text,
        "Your application was not complete: your income, your monthly debt and housing payments"
    );
}

#[test]
fn a_limit_that_the_product_does_not_have_cannot_be_asked_for() {
    for cents in [0, -5_000, 15_000, 20_001, 205_000] {
        let application = Application { requested_limit: Cents::new(cents), ..solid() };
        let refused = decide(&application, &underwriting(), today());
        assert!(matches!(refused, Err(DecisioningError::RequestOutOfRange(_))), "{cents}");
    }
}
