//! What a text is made of: words, concepts, their neighbours and companions, what stands under a negation, parts of words.

use crate::thesaurus::Thesaurus;

/// Sentences in one window, at most; the whole text is a window besides.
const WINDOW: usize = 2;
/// Words of a stretch of a long sentence: what is said in passing stands by itself there, with or without a comma.
const STRETCH: usize = 10;
const STRIDE: usize = 5;
/// How far apart the words of a pair may stand.
const APART: usize = 4;
/// How far a negation reaches.
const NEGATED: usize = 4;

/// What each kind of feature counts.
mod counts {
    pub(super) const WORD: f32 = 1.0;
    pub(super) const CONCEPT: f32 = 1.0;
    pub(super) const PAIR: f32 = 1.0;
    pub(super) const CONCEPT_PAIR: f32 = 0.8;
    pub(super) const TRIPLE: f32 = 0.5;
    pub(super) const CONCEPT_TRIPLE: f32 = 0.4;
    pub(super) const APART: f32 = 0.5;
    pub(super) const TOGETHER: f32 = 0.4;
    pub(super) const NEGATED: f32 = 0.6;
    pub(super) const PART: f32 = 0.6;
}

/// A feature by its hash, and what it counts.
pub(crate) type Feature = (u32, f32);

/// The features of each window of a text: the whole, each sentence, each pair of neighbours, stretches of what is long.
pub(crate) fn windows(sentences: &[Vec<String>], thesaurus: &Thesaurus) -> Vec<Vec<Feature>> {
    let each: Vec<Vec<Feature>> =
        sentences.iter().map(|sentence| of_sentence(sentence, thesaurus)).collect();
    let mut all = vec![together(&each)];
    for length in 1..=WINDOW.min(each.len().saturating_sub(1)) {
        all.extend(each.windows(length).map(together));
    }
    for sentence in sentences.iter().filter(|sentence| sentence.len() > STRETCH + STRIDE) {
        let stretches = sentence.windows(STRETCH).step_by(STRIDE);
        all.extend(stretches.map(|words| of_sentence(words, thesaurus)));
        let rest = sentence.get(sentence.len() - STRETCH..).unwrap_or_default();
        all.push(of_sentence(rest, thesaurus));
    }
    all
}

/// The features of neighbouring sentences, each once, in the order of their hashes.
fn together(sentences: &[Vec<Feature>]) -> Vec<Feature> {
    let mut all = sentences.concat();
    all.sort_unstable_by_key(|(hash, _)| *hash);
    all.dedup_by_key(|(hash, _)| *hash);
    all
}

fn of_sentence(words: &[String], thesaurus: &Thesaurus) -> Vec<Feature> {
    let mut found = Vec::with_capacity(words.len() * 40);
    let hashes: Vec<u64> = words.iter().map(|word| hash_word(word)).collect();
    let concepts: Vec<Vec<u64>> = words.iter().map(|word| thesaurus.concepts(word)).collect();
    // A word's first concept stands for it; a word without one stands for itself.
    let meant: Vec<u64> = hashes
        .iter()
        .zip(&concepts)
        .map(|(word, concepts)| concepts.first().copied().unwrap_or(*word))
        .collect();
    sequences(
        &hashes,
        *b"123s",
        [counts::WORD, counts::PAIR, counts::TRIPLE, counts::APART],
        &mut found,
    );
    sequences(
        &meant,
        *b"mpqr",
        [0.0, counts::CONCEPT_PAIR, counts::CONCEPT_TRIPLE, counts::APART],
        &mut found,
    );
    companions(&concepts, &mut found);
    let mut negated = 0;
    for ((word, hash), meant) in words.iter().zip(&hashes).zip(&meant) {
        if negated > 0 {
            found.push((mix(b'n', &[*hash]), counts::NEGATED));
            found.push((mix(b'N', &[*meant]), counts::NEGATED));
            negated -= 1;
        }
        if negates(word) {
            negated = NEGATED;
        }
        parts(word, &mut found);
    }
    together(&[found])
}

fn negates(word: &str) -> bool {
    matches!(word, "not" | "no" | "never" | "without" | "nunca" | "sin" | "nothing")
}

/// Each by itself, with its neighbour, with both, and with those a little further on.
fn sequences(line: &[u64], kinds: [u8; 4], counts: [f32; 4], found: &mut Vec<Feature>) {
    const EDGE: u64 = 0;
    let [single, pair, triple, apart] = kinds;
    let [of_single, of_pair, of_triple, of_apart] = counts;
    let at = |place: usize| line.get(place).copied();
    if let Some(first) = at(0) {
        found.push((mix(pair, &[EDGE, first]), of_pair));
    }
    for (place, one) in line.iter().enumerate() {
        if of_single > 0.0 {
            found.push((mix(single, &[*one]), of_single));
        }
        found.push((mix(pair, &[*one, at(place + 1).unwrap_or(EDGE)]), of_pair));
        if let (Some(two), Some(three)) = (at(place + 1), at(place + 2)) {
            found.push((mix(triple, &[*one, two, three]), of_triple));
        }
        for further in (2..=APART).filter_map(|by| at(place + by)) {
            found.push((mix(apart, &[*one, further]), of_apart));
        }
    }
}

/// The concepts of a sentence, and which stand in it together, in whatever order.
fn companions(concepts: &[Vec<u64>], found: &mut Vec<Feature>) {
    let mut all: Vec<u64> = concepts.concat();
    all.sort_unstable();
    all.dedup();
    for (place, one) in all.iter().enumerate() {
        found.push((mix(b'k', &[*one]), counts::CONCEPT));
        for other in all.iter().skip(place + 1) {
            found.push((mix(b't', &[*one, *other]), counts::TOGETHER));
        }
    }
}

/// Three, four and five letters in a row: what a slip of the pen or another ending leaves.
fn parts(word: &str, found: &mut Vec<Feature>) {
    let letters: Vec<u64> =
        std::iter::once('<').chain(word.chars()).chain(['>']).map(u64::from).collect();
    for length in 3..=5 {
        found.extend(letters.windows(length).map(|part| (mix(b'c', part), counts::PART)));
    }
}

const BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x100_0000_01b3;

/// FNV-1a.
pub(crate) fn hash_word(word: &str) -> u64 {
    word.bytes().fold(BASIS, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

fn mix(kind: u8, parts: &[u64]) -> u32 {
    let start = (BASIS ^ u64::from(kind)).wrapping_mul(PRIME);
    let hash = parts.iter().fold(start, |hash, part| {
        let mixed = (hash ^ part).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed ^ (mixed >> 29)
    });
    (hash ^ (hash >> 32)) as u32
}
