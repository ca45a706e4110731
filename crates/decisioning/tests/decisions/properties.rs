use decisioning::{
    Decision, Feature, Features, Outcome, Scorecard, Underwriting, contributions, decide,
    principal_reasons,
};
use proptest::prelude::*;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::applicants::*;

const LOWER_IS_WORSE: [Feature; 2] = [Feature::OldestTradeMo, Feature::BankBalLow];

#[derive(Deserialize)]
struct Vector {
    features: std::collections::BTreeMap<String, Option<i64>>,
    score_micrologits: i64,
}

#[test]
fn scores_are_those_of_the_program_that_trained_the_model() {
    let vectors: Vec<Vector> =
        serde_json::from_str(include_str!("../../../../models/application-1.vectors.json"))
            .unwrap();
    assert!(vectors.len() >= 50);
    let model = underwriting().model;
    for vector in vectors {
        let features = Features::from_fn(|feature| vector.features[feature.name()]);
        assert_eq!(model.score(&features), vector.score_micrologits);
    }
}

#[test]
fn a_table_that_is_not_monotone_is_refused() {
    let json = include_str!("../../../../models/application-1.json");
    let mut model: serde_json::Value = serde_json::from_str(json).unwrap();
    assert!(Scorecard::parse(&model.to_string()).is_ok());
    let table = &mut model["features"][12]["micrologits"];
    table[3] = (table[2].as_i64().unwrap() + 1).into();
    assert!(Scorecard::parse(&model.to_string()).is_err());
}

#[test]
fn the_model_file_is_canonical() {
    let json = include_str!("../../../../models/application-1.json");
    let value: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(format!("{value}\n"), json);
}

#[test]
fn files_that_do_not_fit_each_other_are_refused() {
    let model = include_str!("../../../../models/application-1.json");
    let policy = include_str!("../../../../models/policy-1.toml");
    let reasons = include_str!("../../../../models/reason_codes.toml");
    let refused = |policy: &str, reasons: &str| {
        Underwriting::parse(model, policy, reasons).unwrap_err().to_string()
    };
    assert!(
        refused(&policy.replace("application-1", "application-0"), reasons).contains("made for")
    );
    assert!(refused(&policy.replace("name = \"B\"", "name = \"E\""), reasons).contains("bands"));
    assert!(refused(&policy.replace("149_900", "349_900"), reasons).contains("priced higher"));
    assert!(
        refused(policy, &reasons.replace("features = [\"dti\"]", "features = []")).contains("dti")
    );
    let vague = reasons.replace("Number of accounts with balances", "Your score is too low");
    assert!(refused(policy, &vague).contains("nothing specific"));
}

/// The digest is one over canonical JSON only while values keep their keys sorted.
#[test]
fn an_application_is_digested_with_its_keys_sorted() {
    let text = serde_json::to_value(solid()).unwrap().to_string();
    assert!(text.starts_with("{\"bank\":{\"average_balance\":240000,\"days\":400,"), "{text}");
    let digest: [u8; 32] = Sha256::digest(text).into();
    assert_eq!(solid().digest().unwrap(), digest);
}

fn features() -> impl Strategy<Value = Features> {
    prop::collection::vec(prop::option::weighted(0.9, -5_i64..600), Feature::ALL.len())
        .prop_map(|values| Features::from_fn(|feature| *values.get(feature as usize).unwrap()))
}

/// What a declined applicant was compared with: the floor of the last band.
fn shortfall(features: &Features, underwriting: &Underwriting) -> Vec<decisioning::Contribution> {
    contributions(&underwriting.model, features, underwriting.model.references().last())
}

fn serialized(decision: &Decision) -> String {
    serde_json::to_string(decision).unwrap()
}

proptest! {
    /// More of what is bad never helps, whatever else is known.
    #[test]
    fn the_score_is_monotone_in_every_feature(
        base in features(), which in 0..Feature::ALL.len(), a in -5_i64..6000, b in -5_i64..6000,
    ) {
        let model = underwriting().model;
        let feature = Feature::ALL[which];
        let at = |value| model.score(&Features::from_fn(|f| if f == feature { Some(value) } else { base.get(f) }));
        let (low, high) = (at(a.min(b)), at(a.max(b)));
        if LOWER_IS_WORSE.contains(&feature) {
            prop_assert!(low <= high);
        } else {
            prop_assert!(low >= high);
        }
    }

    #[test]
    fn gaps_add_up_to_the_reference_score_less_the_score(features in features()) {
        let underwriting = underwriting();
        let model = &underwriting.model;
        let reference = model.references().last().unwrap();
        let gaps: i64 = shortfall(&features, &underwriting).iter().filter_map(|c| c.gap_micrologits).sum();
        prop_assert_eq!(gaps, model.reference_score(reference) - model.score(&features));
    }

    #[test]
    fn putting_the_first_reason_right_never_worsens_the_score(features in features()) {
        let underwriting = underwriting();
        let found = shortfall(&features, &underwriting);
        let Ok(codes) = principal_reasons(&underwriting.registry, &found) else { return Ok(()) };
        let first = underwriting.registry.get(codes[0]).unwrap();
        let right: i64 = found
            .iter()
            .map(|c| {
                let of_first = first.features.iter().any(|f| f.name() == c.feature);
                c.micrologits + if of_first { c.gap_micrologits.unwrap() } else { 0 }
            })
            .sum();
        prop_assert!(underwriting.model.intercept() + right > underwriting.model.score(&features));
    }

    /// The same inputs give the same bytes, every reason is of the registry and of a feature that was looked at, and adverse
    /// action always has one to four (12 CFR 1002.9(b)(2)).
    #[test]
    fn reasons_are_few_specific_and_the_same_every_time(application in any_application()) {
        let underwriting = underwriting();
        let decision = decided(&application);
        prop_assert_eq!(serialized(&decision), serialized(&decided(&application)));
        prop_assert!(decision.reasons.len() <= 4);
        prop_assert_eq!(decision.adverse(), !decision.reasons.is_empty());
        for reason in &decision.reasons {
            let known = underwriting.registry.get(&reason.code);
            prop_assert!(known.is_some(), "{} is not in the registry", reason.code);
            let text = reason.text.to_lowercase();
            prop_assert!(!text.contains("score") && !text.contains("internal policy"));
            let unfilled = text.contains('{');
            prop_assert!(!unfilled);
            let features = &known.unwrap().features;
            if decision.component == Some(decisioning::Component::Score) {
                let own: Vec<_> = decision
                    .contributions
                    .iter()
                    .filter(|c| features.iter().any(|f| f.name() == c.feature))
                    .collect();
                prop_assert!(own.iter().any(|c| c.value.is_some()), "{} was not looked at", reason.code);
                prop_assert!(own.iter().filter_map(|c| c.gap_micrologits).sum::<i64>() > 0);
            }
        }
    }

    /// What is offered is a limit of the product, never more than was asked for, at a rate of the table.
    #[test]
    fn an_offer_is_one_that_the_product_has(application in any_application(), covered: bool) {
        let underwriting = underwriting();
        let application = decisioning::Application { covered_borrower: covered, ..application };
        let decision = decide(&application, &underwriting, today()).unwrap();
        let offered = matches!(decision.outcome, Outcome::Approved | Outcome::Counteroffered);
        prop_assert_eq!(decision.terms.is_some(), offered);
        if let Some(terms) = decision.terms {
            prop_assert!(underwriting.policy.may_be_requested(terms.limit));
            prop_assert!(terms.limit <= application.requested_limit);
            prop_assert_eq!(terms.limit < application.requested_limit, decision.outcome == Outcome::Counteroffered);
            let cap = if covered { 349_900 } else { 359_900 };
            prop_assert!(terms.apr_ppm <= cap);
        }
    }

    /// Not even a byte of the application may change unnoticed.
    #[test]
    fn the_digest_tells_applications_apart(a in any_application(), b in any_application()) {
        prop_assert_eq!(a.digest().unwrap() == b.digest().unwrap(), a == b);
    }
}
