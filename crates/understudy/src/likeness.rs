//! How near two texts are: by embedding and by wording, or, without an encoder, by wording alone.
//!
//! A score is in thousandths, so that it orders totally and a draw is a draw on every machine.
#![expect(clippy::float_arithmetic, reason = "cosines; no money passes here")]

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use encoder::{Encoder, cosine};
use toolkit::reading::{Mood, mood};

use crate::{
    spans::{Kind, masked, spans},
    words::{Language, Word, asks, weighted},
};

/// Thousandths: 1000 is the same text.
pub(crate) type Score = i32;

/// Of the score, what the embedding decides; wording decides the rest.
const EMBEDDING_SHARE: Score = 750;

/// The same for Spanish: the encoder has read little of it.
const EMBEDDING_SHARE_SPANISH: Score = 450;

/// Kept texts; past this the cache is emptied.
const CACHE_MAX: usize = 8_192;

pub(crate) struct Likeness {
    encoder: Option<Arc<Encoder>>,
    known: Mutex<HashMap<String, Arc<Prepared>>>,
}

/// A text with all that comparing it takes.
pub(crate) struct Prepared {
    words: Vec<Word>,
    vector: Option<Vec<f32>>,
    /// The same text with its typed spans masked, when it has any.
    masked: Option<Arc<Prepared>>,
    /// The kinds of its spans, sorted, each once.
    pub(crate) kinds: Vec<Kind>,
    pub(crate) language: Language,
    /// It begins as a question after a fact does.
    pub(crate) asks: bool,
    /// The stem of its first word, where that is one of substance.
    pub(crate) opening: Option<String>,
    /// Whether it is ordered, or refused, reported or supposed.
    pub(crate) mood: Mood,
}

/// From which score on something counts as near.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bars {
    /// A worked example is followed.
    pub(crate) example: Score,
    /// A tool is called for its description alone.
    pub(crate) description: Score,
    /// An example that only passes the words on to be looked up is followed, for want of a nearer one.
    pub(crate) look_up: Score,
    /// A passage's sentence answers the question.
    pub(crate) passage: Score,
    /// So near that nothing else is considered.
    pub(crate) sure: Score,
}

impl Likeness {
    pub(crate) fn new(encoder: Option<Arc<Encoder>>) -> Self {
        Self { encoder, known: Mutex::default() }
    }

    pub(crate) fn embeds(&self) -> bool {
        self.encoder.is_some()
    }

    pub(crate) fn bars(&self) -> Bars {
        if self.embeds() {
            Bars { example: 400, description: 330, look_up: 260, passage: 200, sure: 850 }
        } else {
            Bars { example: 480, description: 330, look_up: 330, passage: 120, sure: 850 }
        }
    }

    /// How near two things a person might say are, typed spans masked.
    pub(crate) fn said(&self, a: &str, b: &str) -> Score {
        let (a, b) = (self.prepared(a), self.prepared(b));
        score(a.masked.as_ref().unwrap_or(&a), b.masked.as_ref().unwrap_or(&b))
    }

    /// How near two texts are as they stand.
    pub(crate) fn compare(&self, a: &str, b: &str) -> Score {
        score(&self.prepared(a), &self.prepared(b))
    }

    /// Whether a word is one that the encoder's readers wrote often enough to have a sign of its own: no slip of the finger.
    /// Without an encoder every word is taken as it stands.
    pub(crate) fn knows(&self, word: &str) -> bool {
        // Two tokens frame every text.
        self.encoder.as_ref().is_none_or(|encoder| encoder.count_tokens(word) <= 3)
    }

    /// A text made ready for comparing; kept, since examples come with every request.
    pub(crate) fn prepared(&self, text: &str) -> Arc<Prepared> {
        if let Some(known) = self.known().get(text) {
            return Arc::clone(known);
        }
        let masked = masked(text);
        let mut kinds: Vec<Kind> = spans(text).iter().map(|span| span.kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        let prepared = Arc::new(Prepared {
            words: weighted(text),
            vector: self.encoder.as_ref().map(|encoder| encoder.encode(text)),
            masked: (masked != text).then(|| self.prepared(&masked)),
            kinds,
            language: Language::of(text),
            asks: asks(text),
            opening: opening(text),
            mood: mood(text),
        });
        let mut known = self.known();
        if known.len() >= CACHE_MAX {
            known.clear();
        }
        known.insert(text.to_owned(), Arc::clone(&prepared));
        prepared
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Arc<Prepared>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn opening(text: &str) -> Option<String> {
    let courtesy = |word: &Word| matches!(word.stem.as_str(), "pleas" | "please" | "favor");
    let words = weighted(text);
    let first = words.iter().find(|word| !courtesy(word))?;
    (first.weight > 1).then(|| first.stem.clone())
}

fn score(a: &Prepared, b: &Prepared) -> Score {
    let worded = wording(&a.words, &b.words);
    let spanish = a.language == Language::Spanish || b.language == Language::Spanish;
    let share = if spanish { EMBEDDING_SHARE_SPANISH } else { EMBEDDING_SHARE };
    let (Some(a), Some(b)) = (&a.vector, &b.vector) else { return worded };
    (thousandths(cosine(a, b)) * share + worded * (1000 - share)) / 1000
}

/// Twice the weight of the words in common over the weight of all.
fn wording(a: &[Word], b: &[Word]) -> Score {
    let total: u32 = a.iter().chain(b).map(|word| word.weight).sum();
    let mut left: Vec<&Word> = b.iter().collect();
    let mut common = 0;
    for word in a {
        if let Some(at) = left.iter().position(|other| same(word, other)) {
            common += word.weight + left.swap_remove(at).weight;
        }
    }
    Score::try_from(common * 1000 / total.max(1)).unwrap_or(0)
}

/// Equal stems, or long ones a single slip apart.
fn same(a: &Word, b: &Word) -> bool {
    a.stem == b.stem
        || (a.stem.len() >= 5 && b.stem.len() >= 5 && strsim::osa_distance(&a.stem, &b.stem) == 1)
}

#[expect(clippy::cast_possible_truncation, reason = "a cosine in thousandths")]
fn thousandths(cosine: f32) -> Score {
    (cosine * 1000.0).round() as Score
}

#[cfg(test)]
mod tests {
    use super::*;

    fn score(a: &str, b: &str) -> Score {
        Likeness::new(None).said(a, b)
    }

    #[test]
    fn equal_texts_score_full_and_strangers_nothing() {
        assert_eq!(score("renew my book", "Renew my book!"), 1000);
        assert_eq!(score("renew my book", "weather today"), 0);
        assert_eq!(score("", ""), 0);
    }

    #[test]
    fn endings_slips_and_values_do_not_part_two_texts() {
        assert_eq!(score("renewing the novels", "renewing the novel"), 1000);
        assert!(score("schedule a renewall", "schedule a renewal") > 900);
        assert_eq!(score("send $5 tomorrow", "send $70.25 next Friday"), 1000);
    }
}
