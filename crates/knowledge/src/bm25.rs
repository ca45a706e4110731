//! BM25 over the passages an asker may see.
//!
//! How rare a term is and how long a passage is on average are counted over exactly those passages,
//! at each search. So what a consumer may not read cannot even be felt in a consumer's scores. The
//! price is one pass over the corpus, which is short.

use std::collections::HashMap;

use crate::passage::Passage;
use crate::text::terms;

/// Saturation of repeated terms and the weight of length: the usual values, which tuning confirmed.
const K1: f32 = 1.2;
const B: f32 = 0.75;

/// A word of the title or heading counts as often as this many in the text.
const HEADING_WEIGHT: f32 = 2.0;

/// The counted terms of one passage.
#[derive(Debug, Clone)]
pub(crate) struct Counts {
    terms: HashMap<String, f32>,
    length: f32,
}

impl Counts {
    pub(crate) fn of(passage: &Passage) -> Self {
        let mut counts = Self { terms: HashMap::new(), length: 0.0 };
        counts.add(&passage.title, HEADING_WEIGHT);
        counts.add(&passage.heading, HEADING_WEIGHT);
        counts.add(&passage.text, 1.0);
        counts
    }

    fn add(&mut self, text: &str, weight: f32) {
        for term in terms(text) {
            *self.terms.entry(term).or_default() += weight;
            self.length += weight;
        }
    }
}

/// The score of each passage for the query, zero where no term is shared.
#[expect(clippy::cast_precision_loss, reason = "corpora hold far fewer than 2^23 passages")]
pub(crate) fn scores(query: &str, passages: &[&Counts]) -> Vec<f32> {
    let mut scores = vec![0.0; passages.len()];
    let total = passages.len() as f32;
    let length: f32 = passages.iter().map(|counts| counts.length).sum();
    let mean_length = (length / total.max(1.0)).max(1.0);
    let mut asked = terms(query);
    asked.sort_unstable();
    asked.dedup();
    for term in asked {
        let holding = passages.iter().filter(|counts| counts.terms.contains_key(&term)).count();
        let rarity = ((total - holding as f32 + 0.5) / (holding as f32 + 0.5)).ln_1p();
        for (score, counts) in scores.iter_mut().zip(passages) {
            if let Some(times) = counts.terms.get(&term) {
                let norm = K1 * (1.0 - B + B * counts.length / mean_length);
                *score += rarity * times * (K1 + 1.0) / (times + norm);
            }
        }
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(text: &str) -> Counts {
        let mut counts = Counts { terms: HashMap::new(), length: 0.0 };
        counts.add(text, 1.0);
        counts
    }

    #[test]
    fn a_rare_word_weighs_more_than_a_common_one_and_no_shared_word_scores_nothing() {
        let all = [
            counts("payment due date"),
            counts("payment bankruptcy"),
            counts("payment fee"),
            counts("weather"),
        ];
        let refs: Vec<_> = all.iter().collect();
        let scored = scores("payments after bankruptcy", &refs);
        assert!(scored[1] > scored[0] && scored[1] > scored[2]);
        assert!(scored[3].abs() < f32::EPSILON);
        assert!(scores("zebra", &refs).iter().all(|score| score.abs() < f32::EPSILON));
    }

    #[test]
    fn of_two_passages_that_share_a_word_the_shorter_wins_and_repeats_saturate() {
        let all = [
            counts("late fee"),
            counts("late fee and many more words about other things entirely"),
        ];
        let refs: Vec<_> = all.iter().collect();
        let scored = scores("late fee", &refs);
        assert!(scored[0] > scored[1]);
        let once = counts("fee");
        let often = counts("fee fee fee fee fee fee fee fee");
        let scored = scores("fee", &[&once, &often]);
        assert!(scored[1] < 3.0 * scored[0]);
    }

    #[test]
    fn no_passages_is_no_scores() {
        assert!(scores("anything", &[]).is_empty());
    }
}
