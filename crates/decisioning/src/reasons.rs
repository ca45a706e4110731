//! Why a score fell short: the deterministic reason engine.
//!
//! `gap = reference − contribution` per feature, summed by reason code; codes whose gap is not positive, or of which nothing is
//! known, are dropped; the rest is sorted by gap, then by the registry's order; at most four are kept.

use serde::{Deserialize, Serialize};

use crate::{Features, Reference, Registry, Scorecard};

/// Regulation B's own number (comment 9(b)(2)-1).
pub(crate) const MOST_REASONS: usize = 4;

/// What one feature did to the score.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contribution {
    pub feature: String,
    pub value: Option<i64>,
    pub micrologits: i64,
    /// How much less than the reference; set where the score was compared with one.
    pub gap_micrologits: Option<i64>,
}

/// No single reason explains enough to be called a principal reason: a person must look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no reason explains a tenth of the shortfall")]
pub struct NoPrincipalReason;

/// The contributions of every feature, with their gaps to the reference, if there is one.
pub fn contributions(
    model: &Scorecard,
    features: &Features,
    reference: Option<&Reference>,
) -> Vec<Contribution> {
    let references = reference.map(Reference::contributions);
    model
        .features()
        .zip(model.contributions(features))
        .enumerate()
        .map(|(at, (feature, micrologits))| Contribution {
            feature: feature.name().to_owned(),
            value: features.get(feature),
            micrologits,
            gap_micrologits: references.and_then(|of| Some(of.get(at)? - micrologits)),
        })
        .collect()
}

/// The codes of the principal reasons why a score is below the reference, the weightiest first.
pub fn principal_reasons<'a>(
    registry: &'a Registry,
    contributions: &[Contribution],
) -> Result<Vec<&'a str>, NoPrincipalReason> {
    let mut gaps: Vec<(&str, i64)> = Vec::new();
    for code in registry.codes() {
        let own = || {
            contributions
                .iter()
                .filter(|c| code.features.iter().any(|feature| feature.name() == c.feature))
        };
        let gap: i64 = own().filter_map(|c| c.gap_micrologits).sum();
        if gap > 0 && own().any(|c| c.value.is_some()) {
            gaps.push((&code.code, gap));
        }
    }
    // Stable: equal gaps stay in the registry's order.
    gaps.sort_by_key(|(_, gap)| std::cmp::Reverse(*gap));
    let total: i64 = gaps.iter().map(|(_, gap)| gap).sum();
    match gaps.first() {
        Some((_, top)) if top.saturating_mul(10) >= total => {
            Ok(gaps.into_iter().take(MOST_REASONS).map(|(code, _)| code).collect())
        }
        _ => Err(NoPrincipalReason),
    }
}
