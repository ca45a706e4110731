//! Weights, and what they make of a text.

use crate::{
    features::{Feature, windows},
    thesaurus::Thesaurus,
};

/// A window with few known features is not blown up: its length counts as at least this.
const LENGTH_MIN: f32 = 2.0;

/// A label: when it is heard, and how its bytes are read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Label {
    pub(crate) name: String,
    pub(crate) threshold: f32,
    pub(crate) bias: f32,
    /// What one step of a weight is worth.
    pub(crate) step: f32,
}

/// A weight of one feature for one label, in steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Weight {
    pub(crate) label: u8,
    pub(crate) steps: i8,
}

/// What was learnt. The default has learnt nothing and hears nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// The digest of what it was learnt from.
    pub(crate) source: String,
    pub(crate) labels: Vec<Label>,
    /// Known features, ascending.
    pub(crate) hashes: Vec<u32>,
    /// Where each feature's weights begin; one more than there are features.
    pub(crate) starts: Vec<u32>,
    pub(crate) weights: Vec<Weight>,
}

impl Model {
    /// The digest of what it was learnt from.
    pub fn source(&self) -> &str {
        &self.source
    }

    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.labels.iter().map(|label| label.name.as_str())
    }

    /// The labels that a text of these sentences has, in the order of the model.
    pub fn heard(&self, sentences: &[Vec<String>], thesaurus: &Thesaurus) -> Vec<&str> {
        self.labels
            .iter()
            .zip(self.scores(sentences, thesaurus))
            .filter(|(label, score)| *score >= label.threshold)
            .map(|(label, _)| label.name.as_str())
            .collect()
    }

    /// How much a text has of each label: what its best window has.
    pub fn scores(&self, sentences: &[Vec<String>], thesaurus: &Thesaurus) -> Vec<f32> {
        let mut best = vec![f32::NEG_INFINITY; self.labels.len()];
        for window in windows(sentences, thesaurus) {
            for (best, score) in best.iter_mut().zip(self.of_window(&window)) {
                *best = best.max(score);
            }
        }
        best
    }

    fn of_window(&self, window: &[Feature]) -> Vec<f32> {
        let mut sums = vec![0.0_f32; self.labels.len()];
        let mut square = 0.0_f32;
        for (hash, count) in window {
            let Ok(at) = self.hashes.binary_search(hash) else { continue };
            square += count * count;
            for weight in self.weights_of(at) {
                if let Some(sum) = sums.get_mut(usize::from(weight.label)) {
                    *sum += count * f32::from(weight.steps);
                }
            }
        }
        let length = length(square);
        sums.iter()
            .zip(&self.labels)
            .map(|(sum, label)| sum * label.step / length + label.bias)
            .collect()
    }

    fn weights_of(&self, at: usize) -> &[Weight] {
        let place = |at: usize| self.starts.get(at).map_or(0, |start| *start as usize);
        self.weights.get(place(at)..place(at + 1)).unwrap_or_default()
    }

    /// Sets when each label is heard.
    #[must_use]
    pub fn with_thresholds(mut self, thresholds: &[f32]) -> Self {
        for (label, threshold) in self.labels.iter_mut().zip(thresholds) {
            label.threshold = *threshold;
        }
        self
    }
}

/// By what a window is divided, so that a long one weighs no more than a short one.
pub(crate) fn length(square: f32) -> f32 {
    square.sqrt().max(LENGTH_MIN)
}
