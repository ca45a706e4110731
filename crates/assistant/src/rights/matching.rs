//! Slots in order, a few words apart, in one sentence; typos forgiven, negations heeded.

use std::collections::HashMap;

/// Words between two slots of a pattern, at most.
const GAP: usize = 3;
/// How far before a match a negation takes it back.
const NEGATION: usize = 3;
/// How far around a match another word makes it something else.
const NEAR: usize = 5;

/// Words that are one letter away from a word of a rule and are no slip.
const NO_SLIP: &[&str] = &[
    "autoplay",
    "chance",
    "change",
    "changed",
    "changes",
    "contract",
    "contracts",
    "counsellor",
    "decreased",
    "depend",
    "despite",
    "layer",
    "layers",
    "military's",
    "playing",
    "praying",
    "refuse",
    "refund",
    "reports",
    "resort",
    "window",
    "serving",
    "solder",
    "station",
    "statement",
];

/// One alternative of a slot: a word, or how it begins.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Word {
    stem: String,
    prefix: bool,
}

/// The words of all patterns, each once.
#[derive(Default)]
pub(super) struct Vocabulary {
    places: HashMap<Word, usize>,
    /// A word and what stands for it begin alike, so a token is held against few.
    by_first: HashMap<u8, Vec<(Word, usize)>>,
}

/// A sentence with the words of the vocabulary that each of its tokens stands for.
pub(super) struct Sentence<'a> {
    tokens: &'a [String],
    fits: Vec<Vec<usize>>,
    /// By place in the vocabulary: whether any token stands for it.
    there: Vec<bool>,
}

/// Slots in order. A pattern that begins with `=` is not taken back by a negation; `+` before a slot: nothing between.
pub(super) struct Pattern {
    slots: Vec<Slot>,
    negatable: bool,
    /// The words are the whole sentence.
    alone: bool,
}

struct Slot {
    /// Places in the vocabulary.
    words: Vec<usize>,
    adjacent: bool,
}

impl Vocabulary {
    fn place(&mut self, text: &str) -> usize {
        let word = Word::parse(text);
        if let Some(place) = self.places.get(&word) {
            return *place;
        }
        let place = self.places.len();
        let first = word.stem.bytes().next().unwrap_or_default();
        self.by_first.entry(first).or_default().push((word.clone(), place));
        self.places.insert(word, place);
        place
    }

    /// What each token of a sentence stands for.
    pub(super) fn read<'a>(&self, tokens: &'a [String]) -> Sentence<'a> {
        let fits: Vec<Vec<usize>> = tokens.iter().map(|token| self.fitting(token)).collect();
        let mut there = vec![false; self.places.len()];
        for place in fits.iter().flatten() {
            if let Some(there) = there.get_mut(*place) {
                *there = true;
            }
        }
        Sentence { tokens, fits, there }
    }

    fn fitting(&self, token: &str) -> Vec<usize> {
        let first = token.bytes().next().unwrap_or_default();
        let alike = self.by_first.get(&first).map(Vec::as_slice).unwrap_or_default();
        // A word of the rules is no slip for another one.
        let known = self.places.contains_key(&Word { stem: token.to_owned(), prefix: false });
        if known {
            return alike
                .iter()
                .filter(|(word, _)| word.fits_exactly(token))
                .map(|(_, place)| *place)
                .collect();
        }
        alike.iter().filter(|(word, _)| word.fits(token)).map(|(_, place)| *place).collect()
    }
}

impl Sentence<'_> {
    fn fits(&self, slot: &Slot, at: usize) -> bool {
        self.fits.get(at).is_some_and(|fits| slot.words.iter().any(|word| fits.contains(word)))
    }

    fn holds(&self, slot: &Slot) -> bool {
        slot.words.iter().any(|word| self.there.get(*word).copied().unwrap_or_default())
    }
}

impl Word {
    pub(super) fn parse(text: &str) -> Self {
        match text.strip_suffix('*') {
            Some(stem) => Self { stem: stem.to_owned(), prefix: true },
            None => Self { stem: text.to_owned(), prefix: false },
        }
    }

    fn fits(&self, token: &str) -> bool {
        if self.prefix {
            return token.starts_with(&self.stem);
        }
        token == self.stem || slip(&self.stem, token)
    }
}

/// Whether `token` is a slip of the pen for `word`: the longer the word, the more is forgiven.
fn slip(word: &str, token: &str) -> bool {
    let allowed = match word.len() {
        0..=3 => return false,
        4..=5 => return transposed(word, token),
        6..=8 => 1,
        _ => 2,
    };
    word.bytes().next() == token.bytes().next()
        && word.len().abs_diff(token.len()) <= allowed
        && !NO_SLIP.contains(&token)
        && strsim::osa_distance(word, token) <= allowed
}

/// Two neighbouring letters changed places.
fn transposed(word: &str, token: &str) -> bool {
    let letters = |text: &str| {
        let mut bytes: Vec<u8> = text.bytes().collect();
        bytes.sort_unstable();
        bytes
    };
    word.len() == token.len()
        && word.bytes().next() == token.bytes().next()
        && strsim::osa_distance(word, token) == 1
        && letters(word) == letters(token)
}

impl Pattern {
    pub(super) fn parse(text: &str, vocabulary: &mut Vocabulary) -> Self {
        let (text, negatable) = match text.strip_prefix('=') {
            Some(rest) => (rest, false),
            None => (text, true),
        };
        let (text, alone) = match text.strip_prefix('^') {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let slots = text
            .split_whitespace()
            .map(|slot| {
                let (slot, adjacent) = match slot.strip_prefix('+') {
                    Some(rest) => (rest, true),
                    None => (slot, false),
                };
                let words = slot.split('|').map(|word| vocabulary.place(word)).collect();
                Slot { words, adjacent }
            })
            .collect();
        Self { slots, negatable, alone }
    }

    /// Where it matches first: its first and last token.
    pub(super) fn find(&self, sentence: &Sentence<'_>) -> Option<(usize, usize)> {
        if self.alone && sentence.tokens.len() > self.slots.len() {
            return None;
        }
        if !self.slots.iter().all(|slot| sentence.holds(slot)) {
            return None;
        }
        let (first, rest) = self.slots.split_first()?;
        (0..sentence.tokens.len()).filter(|start| sentence.fits(first, *start)).find_map(|start| {
            let last = match_rest(rest, start, sentence)?;
            (!self.negatable || !negated(sentence.tokens, start, last)).then_some((start, last))
        })
    }
}

/// The last token of the slots after `last`, if they all fit.
fn match_rest(slots: &[Slot], last: usize, sentence: &Sentence<'_>) -> Option<usize> {
    let Some((slot, rest)) = slots.split_first() else { return Some(last) };
    let reach = if slot.adjacent { 1 } else { GAP + 1 };
    (last + 1..=last + reach)
        .filter(|at| sentence.fits(slot, *at))
        .find_map(|at| match_rest(rest, at, sentence))
}

fn negated(sentence: &[String], first: usize, last: usize) -> bool {
    let turns = |token: &str| {
        matches!(
            token,
            "i" | "we"
                | "but"
                | "and"
                | "please"
                | "just"
                | "only"
                | "yo"
                | "pero"
                | "y"
                | "why"
                | "mind"
        )
    };
    let before = sentence.get(first.saturating_sub(NEGATION)..first).unwrap_or_default();
    let taken_back = before.iter().rev().take_while(|token| !turns(token)).any(|token| {
        matches!(
            token.as_str(),
            "not" | "no" | "never" | "without" | "nunca" | "sin" | "zero" | "nor"
        )
    });
    let within = sentence.get(first + 1..last).unwrap_or_default();
    let turned = within.iter().any(|token| matches!(token.as_str(), "not" | "never" | "nunca"));
    let after = sentence.get(last + 1).map(String::as_str);
    taken_back || turned || matches!(after, Some("nothing" | "nada" | "free"))
}

/// Whether one of `words` stands close to a match, or in it.
pub(super) fn near(sentence: &[String], first: usize, last: usize, words: &[Word]) -> bool {
    let end = (last + NEAR + 1).min(sentence.len());
    let around = sentence.get(first.saturating_sub(NEAR)..end).unwrap_or_default();
    around.iter().any(|token| words.iter().any(|word| word.fits_exactly(token)))
}

impl Word {
    fn fits_exactly(&self, token: &str) -> bool {
        if self.prefix { token.starts_with(&self.stem) } else { token == self.stem }
    }
}
