//! One order from two: each arm's scores are stretched to 0..1 over the candidates, then weighed.
//!
//! The weights were tuned on one set of questions and measured on another (docs/adr): fusing by rank
//! was worse whenever one arm was the weaker.

/// What each arm counts for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Weights {
    /// Nearness of meaning.
    pub dense: f32,
    /// Shared wording.
    pub bm25: f32,
}

impl Weights {
    /// The weights that the measurement chose.
    pub const TUNED: Self = Self { dense: 0.8, bm25: 0.2 };
    /// Meaning only.
    pub const DENSE: Self = Self { dense: 1.0, bm25: 0.0 };
    /// Wording only; also what is left when there are no embeddings.
    pub const BM25: Self = Self { dense: 0.0, bm25: 1.0 };
}

/// The fused score of each candidate. A candidate that the dense arm did not return counts as its
/// lowest. Without any dense score the wording decides alone.
pub(crate) fn fuse(dense: &[Option<f32>], bm25: &[f32], weights: Weights) -> Vec<f32> {
    let known: Vec<f32> = dense.iter().flatten().copied().collect();
    let weights = if known.is_empty() { Weights::BM25 } else { weights };
    let dense_range = Range::of(&known);
    let bm25_range = Range::of(bm25);
    dense
        .iter()
        .zip(bm25)
        .map(|(dense, bm25)| {
            weights.dense * dense.map_or(0.0, |score| dense_range.stretch(score))
                + weights.bm25 * bm25_range.stretch(*bm25)
        })
        .collect()
}

struct Range {
    low: f32,
    width: f32,
}

impl Range {
    fn of(scores: &[f32]) -> Self {
        let low = scores.iter().copied().fold(f32::INFINITY, f32::min);
        let high = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        Self { low, width: high - low }
    }

    /// 0 for the lowest, 1 for the highest; 0 when all are alike and so say nothing.
    fn stretch(&self, score: f32) -> f32 {
        if self.width > 0.0 { (score - self.low) / self.width } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: &[f32], wanted: &[f32]) {
        assert_eq!(found.len(), wanted.len());
        for (a, b) in found.iter().zip(wanted) {
            assert!((a - b).abs() < 1e-6, "{found:?} is not {wanted:?}");
        }
    }

    #[test]
    fn each_arm_is_stretched_and_weighed() {
        let fused = fuse(&[Some(0.2), Some(0.6), Some(0.4)], &[0.0, 0.0, 8.0], Weights::TUNED);
        close(&fused, &[0.0, 0.8, 0.6]);
    }

    #[test]
    fn an_arm_that_cannot_tell_candidates_apart_is_silent() {
        close(&fuse(&[Some(0.5), Some(0.5)], &[0.0, 2.0], Weights::TUNED), &[0.0, 0.2]);
        close(&fuse(&[Some(0.5)], &[2.0], Weights::TUNED), &[0.0]);
    }

    #[test]
    fn without_a_dense_score_the_wording_decides_alone() {
        close(&fuse(&[None, None], &[1.0, 3.0], Weights::TUNED), &[0.0, 1.0]);
        close(&fuse(&[Some(0.9), None], &[1.0, 3.0], Weights::TUNED), &[0.0, 0.2]);
    }

    #[test]
    fn no_candidates_is_no_scores() {
        assert!(fuse(&[], &[], Weights::TUNED).is_empty());
    }
}
