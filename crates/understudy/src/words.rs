//! Text as the stand-in compares and cuts it: folded words with weights, sentences, clauses, and which of two languages.

use toolkit::reading::{fold, spanish};

/// Words that hold a sentence together and say little about what is wanted. English, then Spanish.
const FUNCTION_WORDS: &[&str] = &[
    "how", "much", "many", "which", "who", "cuanto", "cuanta", "cual", "a", "an", "the", "is",
    "are", "was", "were", "be", "been", "am", "do", "does", "did", "have", "has", "had", "can",
    "could", "would", "will", "shall", "should", "may", "i", "me", "my", "mine", "you", "your",
    "it", "its", "this", "that", "there", "of", "to", "in", "on", "at", "for", "from", "with",
    "by", "as", "so", "if", "or", "and", "but", "please", "just", "hi", "hello", "hey", "what",
    "whats", "i'm", "i'd", "i've", "i'll", "want", "like", "need", "tell", "let", "us", "we",
    "some", "any", "get", "el", "la", "los", "las", "un", "una", "de", "del", "al", "en", "con",
    "por", "para", "que", "es", "son", "mi", "mis", "su", "yo", "me", "se", "lo", "y", "o", "si",
    "favor", "quiero", "puedo", "puede", "hola",
];

/// Words that carry on from what was said before and mean nothing alone.
const FILLERS: &[&str] = &[
    "yes", "yeah", "yep", "ok", "okay", "sure", "no", "nope", "actually", "instead", "then", "and",
    "about", "how", "make", "again", "please", "rather", "also", "sorry", "correct", "right",
    "use", "thanks", "now", "wait", "maybe", "better", "si", "vale", "mejor", "entonces",
    "tambien", "otra", "vez", "gracias", "sea", "claro", "tal", "perdon", "one",
];

/// Words with which a person agrees to what was just offered.
const AGREEMENT: &[&str] = &[
    "yes", "yeah", "yep", "ok", "okay", "sure", "please", "do", "go", "ahead", "it", "that",
    "correct", "right", "sounds", "good", "thanks", "thank", "you", "would", "be", "great", "si",
    "vale", "claro", "gracias", "favor", "por", "hazlo", "adelante", "bueno", "de", "acuerdo",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Spanish,
}

impl Language {
    pub(crate) fn of(text: &str) -> Self {
        if spanish(text) { Self::Spanish } else { Self::English }
    }
}

/// A word with its place in a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) stem: String,
    /// How much it says: 4 for a word of substance, 1 for a word of function.
    pub(crate) weight: u32,
}

/// The folded words of a text, in order; marks are left out.
pub(crate) fn plain(text: &str) -> Vec<String> {
    fold(text)
        .split(|c: char| !(c.is_alphanumeric() || c == '\''))
        .map(|word| word.trim_matches('\'').to_owned())
        .filter(|word| !word.is_empty())
        .collect()
}

pub(crate) fn weighted(text: &str) -> Vec<Word> {
    let language = Language::of(text);
    let word = |word: String| {
        let weight = if says_little(&word) { 1 } else { 4 };
        let stem = match language {
            Language::English => stem(&word),
            Language::Spanish => spanish_stem(&word),
        };
        Word { stem: stem.to_owned(), weight }
    };
    plain(text).into_iter().map(word).collect()
}

/// The words of substance, stemmed.
pub(crate) fn substance(text: &str) -> Vec<String> {
    plain(text).iter().filter(|word| !says_little(word)).map(|word| stem(word).to_owned()).collect()
}

pub(crate) fn says_little(word: &str) -> bool {
    FUNCTION_WORDS.contains(&word)
}

pub(crate) fn filler(word: &str) -> bool {
    FILLERS.contains(&word)
}

/// Whether the text does nothing but agree.
pub(crate) fn agrees(text: &str) -> bool {
    let words = plain(text);
    let first = words.first().is_some_and(|word| {
        AGREEMENT.contains(&word.as_str())
            && !matches!(word.as_str(), "it" | "that" | "you" | "be" | "would" | "de")
    });
    first && words.len() <= 6 && words.iter().all(|word| AGREEMENT.contains(&word.as_str()))
}

/// Whether a text begins as a question after a fact: how much, when, why, is it. "Can you" asks for a deed.
pub(crate) fn asks(text: &str) -> bool {
    const ASKING: [&str; 27] = [
        "how", "what", "what's", "whats", "when", "when's", "where", "why", "which", "who", "is",
        "are", "am", "was", "were", "do", "does", "did", "has", "have", "que", "cuanto", "cuanta",
        "cuando", "cual", "donde", "como",
    ];
    plain(text)
        .iter()
        .find(|word| !filler(word) || *word == "how")
        .is_some_and(|word| ASKING.contains(&word.as_str()))
}

/// Cuts the commonest endings, so that `payments` and `payment`, `scheduled` and `schedule` meet.
pub(crate) fn stem(word: &str) -> &str {
    let word = word.strip_suffix("'s").unwrap_or(word);
    for ending in ["ing", "ed", "es", "s", "e"] {
        if let Some(rest) = word.strip_suffix(ending)
            && rest.len() >= 4
        {
            return rest;
        }
    }
    word
}

/// The same for Spanish, whose verbs and nouns bend more: `pague`, `pagar` and `pagos` meet.
fn spanish_stem(word: &str) -> &str {
    const ENDINGS: [&str; 24] = [
        "aciones", "iciones", "acion", "icion", "ando", "iendo", "aron", "ieron", "amos", "emos",
        "ado", "ada", "ido", "ida", "ue", "os", "as", "es", "ar", "er", "ir", "o", "a", "e",
    ];
    let rest = ENDINGS.iter().filter_map(|ending| word.strip_suffix(ending));
    rest.into_iter().find(|rest| rest.chars().count() >= 3).unwrap_or(word)
}

/// The sentences of a text, each with its closing mark, without the blanks between them. Lines end sentences too.
pub(crate) fn sentences(text: &str) -> Vec<&str> {
    text.lines().flat_map(line_sentences).filter(|sentence| !sentence.is_empty()).collect()
}

fn line_sentences(line: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut start = 0;
    let mut chars = line.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let ends = matches!(c, '.' | '?' | '!')
            && chars.peek().is_none_or(|(_, next)| next.is_whitespace());
        if ends && !(c == '.' && abbreviates(line.get(start..at).unwrap_or_default())) {
            found.push(line.get(start..=at).unwrap_or_default().trim());
            start = at + 1;
        }
    }
    found.push(line.get(start..).unwrap_or_default().trim());
    found
}

/// Whether a full stop after this belongs to an initial, a list number or an abbreviation.
fn abbreviates(before: &str) -> bool {
    let word = before.rsplit(char::is_whitespace).next().unwrap_or_default();
    word.chars().count() <= 1
        || matches!(word, "e.g" | "i.e" | "Mr" | "Mrs" | "Ms" | "No" | "vs")
        || word == "U.S"
}

/// A sentence cut at the words that join one request to another.
pub(crate) fn clauses(sentence: &str) -> Vec<&str> {
    const JOINTS: [&str; 7] = [" and ", " then ", " also ", "; ", ", ", " y ", " tambi\u{e9}n "];
    let mut pieces = vec![sentence];
    for joint in JOINTS {
        pieces = pieces.into_iter().flat_map(|piece| piece.split(joint)).collect();
    }
    pieces.into_iter().map(str::trim).filter(|piece| !piece.is_empty()).collect()
}

/// A text with its blanks evened out, for comparing what may have been laid out differently.
pub(crate) fn even(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_end_at_marks_followed_by_a_blank_and_at_lines() {
        let text = "It costs $25.00 here. Is that so? Yes!\n- A point e.g. this\nSee [[a.b]] now.";
        let expected = [
            "It costs $25.00 here.",
            "Is that so?",
            "Yes!",
            "- A point e.g. this",
            "See [[a.b]] now.",
        ];
        assert_eq!(sentences(text), expected);
    }

    #[test]
    fn a_sentence_is_cut_where_requests_are_joined() {
        assert_eq!(
            clauses("renew the novel and tell me the hours"),
            ["renew the novel", "tell me the hours"]
        );
        assert_eq!(
            clauses("renueva el libro y dime las horas"),
            ["renueva el libro", "dime las horas"]
        );
    }

    #[test]
    fn the_two_languages_are_told_apart() {
        assert_eq!(Language::of("¿Cuándo abre la biblioteca?"), Language::Spanish);
        assert_eq!(Language::of("quiero renovar mi libro"), Language::Spanish);
        assert_eq!(Language::of("when do you open?"), Language::English);
        assert_eq!(Language::of(""), Language::English);
    }

    #[test]
    fn agreement_is_agreement_and_nothing_more() {
        for text in ["yes", "Yes, please do.", "ok", "sí, por favor", "go ahead"] {
            assert!(agrees(text), "{text}");
        }
        for text in ["yes the 20th", "no", "that is not what I meant", "it", ""] {
            assert!(!agrees(text), "{text}");
        }
    }

    #[test]
    fn inflected_words_meet_at_their_stem() {
        assert_eq!(stem("renewals"), stem("renewal"));
        assert_eq!(stem("scheduled"), stem("schedule"));
        assert_eq!(stem("is"), "is");
    }
}
