//! Slots in order, a few words apart, in one sentence; typos forgiven, negations heeded.

use toolkit::reading::fold;

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
pub(super) struct Word {
    stem: String,
    prefix: bool,
}

/// Slots in order. A pattern that begins with `=` is not taken back by a negation; `+` before a slot: nothing between.
pub(super) struct Pattern {
    slots: Vec<Slot>,
    negatable: bool,
    /// The words are the whole sentence.
    alone: bool,
}

struct Slot {
    words: Vec<Word>,
    adjacent: bool,
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
    pub(super) fn parse(text: &str) -> Self {
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
                Slot { words: slot.split('|').map(Word::parse).collect(), adjacent }
            })
            .collect();
        Self { slots, negatable, alone }
    }

    /// Where it matches first: its first and last token.
    pub(super) fn find(&self, sentence: &[String]) -> Option<(usize, usize)> {
        if self.alone && sentence.len() > self.slots.len() {
            return None;
        }
        (0..sentence.len()).find_map(|start| {
            let last = self.match_from(sentence, start)?;
            (!self.negatable || !negated(sentence, start, last)).then_some((start, last))
        })
    }

    fn match_from(&self, sentence: &[String], start: usize) -> Option<usize> {
        let (first, rest) = self.slots.split_first()?;
        let fits = |slot: &Slot, at: usize| {
            sentence.get(at).is_some_and(|token| slot.words.iter().any(|word| word.fits(token)))
        };
        if !fits(first, start) {
            return None;
        }
        match_rest(rest, start, &fits)
    }
}

/// The last token of the slots after `last`, if they all fit.
fn match_rest(slots: &[Slot], last: usize, fits: &dyn Fn(&Slot, usize) -> bool) -> Option<usize> {
    let Some((slot, rest)) = slots.split_first() else { return Some(last) };
    let reach = if slot.adjacent { 1 } else { GAP + 1 };
    (last + 1..=last + reach).filter(|at| fits(slot, *at)).find_map(|at| match_rest(rest, at, fits))
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

/// The sentences of a text as folded words, contractions written out.
pub(super) fn sentences(text: &str) -> Vec<Vec<String>> {
    let folded = fold(text);
    folded
        .split(['.', '!', '?', ';', '\n', '\u{bf}', '\u{a1}'])
        .map(|sentence| {
            sentence
                .split(|c: char| !(c.is_alphanumeric() || c == '\''))
                .flat_map(|word| written_out(word.trim_matches('\'')))
                .collect::<Vec<String>>()
        })
        .filter(|sentence| !sentence.is_empty())
        .collect()
}

fn written_out(word: &str) -> Vec<String> {
    let two = |one: &str, other: &str| vec![one.to_owned(), other.to_owned()];
    match word {
        "" => Vec::new(),
        "cannot" | "can't" | "cant" => two("can", "not"),
        "won't" | "wont" => two("will", "not"),
        "dont" => two("do", "not"),
        "didnt" | "doesnt" | "isnt" | "wasnt" | "havent" | "hasnt" | "shouldnt" | "couldnt"
        | "wouldnt" | "arent" | "werent" => two(word.strip_suffix("nt").unwrap_or(word), "not"),
        "im" => two("i", "am"),
        "ive" => two("i", "have"),
        _ => match word.split_once('\'') {
            Some((stem, "t")) => two(stem.strip_suffix('n').unwrap_or(stem), "not"),
            Some((stem, "m")) => two(stem, "am"),
            Some((stem, "re")) => two(stem, "are"),
            Some((stem, "ve")) => two(stem, "have"),
            Some((stem, "ll")) => two(stem, "will"),
            Some((stem, "d")) => two(stem, "would"),
            Some((stem, "s")) => two(stem, "'s"),
            Some((stem, rest)) => two(stem, rest),
            None => vec![word.to_owned()],
        },
    }
}
