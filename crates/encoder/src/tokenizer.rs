//! BERT's tokenizer: clean, lower-case, strip accents, split at blanks and punctuation, then greedy `WordPiece`.
//!
//! Only the vocabulary is taken from `tokenizer.json`; the padding and truncation written there are ignored, since a text is
//! encoded at its own length.

use std::collections::HashMap;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::EncoderError;

/// A longer word becomes one unknown token.
const WORD_CHARS_MAX: usize = 100;

#[derive(Debug)]
pub(crate) struct Tokenizer {
    vocabulary: HashMap<String, u32>,
    unknown: u32,
    first: u32,
    last: u32,
}

#[derive(Deserialize)]
struct File {
    model: Model,
}

#[derive(Deserialize)]
struct Model {
    vocab: HashMap<String, u32>,
}

impl Tokenizer {
    pub(crate) fn parse(json: &[u8]) -> Result<Self, EncoderError> {
        let vocabulary = serde_json::from_slice::<File>(json)?.model.vocab;
        let find = |token| vocabulary.get(token).copied().ok_or(EncoderError::Vocabulary(token));
        let (unknown, first, last) = (find("[UNK]")?, find("[CLS]")?, find("[SEP]")?);
        Ok(Self { vocabulary, unknown, first, last })
    }

    /// The token ids of a text, framed, at most `tokens_max` of them.
    pub(crate) fn encode(&self, text: &str, tokens_max: usize) -> Vec<u32> {
        let mut ids = vec![self.first];
        for word in words(text) {
            self.push_pieces(&word, &mut ids);
            if ids.len() >= tokens_max {
                break;
            }
        }
        ids.truncate(tokens_max.saturating_sub(1));
        ids.push(self.last);
        ids
    }

    /// Splits a word into the longest known pieces, from the left; one unknown token when that fails.
    fn push_pieces(&self, word: &str, ids: &mut Vec<u32>) {
        if word.chars().count() > WORD_CHARS_MAX {
            ids.push(self.unknown);
            return;
        }
        let before = ids.len();
        let mut rest = word;
        while !rest.is_empty() {
            let Some((id, length)) = self.longest_piece(rest, ids.len() > before) else {
                ids.truncate(before);
                ids.push(self.unknown);
                return;
            };
            ids.push(id);
            rest = rest.get(length..).unwrap_or_default();
        }
    }

    fn longest_piece(&self, rest: &str, continuing: bool) -> Option<(u32, usize)> {
        let ends = rest.char_indices().map(|(start, c)| start + c.len_utf8()).collect::<Vec<_>>();
        ends.into_iter().rev().find_map(|end| {
            let piece = rest.get(..end)?;
            let id = if continuing {
                self.vocabulary.get(&format!("##{piece}"))
            } else {
                self.vocabulary.get(piece)
            };
            id.map(|id| (*id, end))
        })
    }
}

/// The words of a text: lower case, without accents, each punctuation mark and each ideograph alone.
fn words(text: &str) -> Vec<String> {
    let clean = text.chars().filter(|c| !dropped(*c)).nfd().filter(|c| !is_combining_mark(*c));
    let mut words = Vec::new();
    let mut word = String::new();
    for c in clean.flat_map(char::to_lowercase) {
        let alone = punctuation(c) || ideograph(c);
        if (alone || c.is_whitespace()) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if alone {
            words.push(c.to_string());
        } else if !c.is_whitespace() {
            word.push(c);
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

fn dropped(c: char) -> bool {
    let format = matches!(c, '\u{00ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}');
    c == '\u{fffd}' || format || (c.is_control() && !matches!(c, '\t' | '\n' | '\r'))
}

fn punctuation(c: char) -> bool {
    c.is_ascii_punctuation()
        || matches!(c,
            '\u{a1}' | '\u{a7}' | '\u{ab}' | '\u{b6}' | '\u{b7}' | '\u{bb}' | '\u{bf}'
            | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{2043}' | '\u{2045}'..='\u{2051}' | '\u{2053}'..='\u{205e}'
            | '\u{3001}'..='\u{3003}' | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301f}'
            | '\u{ff01}'..='\u{ff03}' | '\u{ff05}'..='\u{ff0a}' | '\u{ff0c}'..='\u{ff0f}' | '\u{ff1a}' | '\u{ff1b}' | '\u{ff1f}')
}

fn ideograph(c: char) -> bool {
    matches!(c,
        '\u{4e00}'..='\u{9fff}' | '\u{3400}'..='\u{4dbf}' | '\u{20000}'..='\u{2a6df}' | '\u{2a700}'..='\u{2ceaf}'
        | '\u{f900}'..='\u{faff}' | '\u{2f800}'..='\u{2fa1f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokenizer() -> Tokenizer {
        let vocab = r###"{"model":{"vocab":{"[UNK]":0,"[CLS]":1,"[SEP]":2,"pay":3,"##ment":4,"$":5,"50":6,"manana":7,"p":8}}}"###;
        Tokenizer::parse(vocab.as_bytes()).unwrap()
    }

    #[test]
    fn words_are_cut_into_the_longest_known_pieces() {
        assert_eq!(tokenizer().encode("Payment  $50", 256), [1, 3, 4, 5, 6, 2]);
    }

    #[test]
    fn accents_and_case_do_not_matter() {
        assert_eq!(tokenizer().encode("Mañana", 256), [1, 7, 2]);
    }

    #[test]
    fn a_word_of_unknown_pieces_is_one_unknown_token() {
        assert_eq!(tokenizer().encode("payx", 256), [1, 0, 2]);
        assert_eq!(tokenizer().encode(&"p".repeat(101), 256), [1, 0, 2]);
    }

    #[test]
    fn a_long_text_keeps_its_frame() {
        let ids = tokenizer().encode(&"pay ".repeat(1000), 16);
        assert_eq!((ids.len(), ids[0], ids[15]), (16, 1, 2));
    }

    #[test]
    fn punctuation_and_ideographs_stand_alone() {
        assert_eq!(
            words("¿Qué? don't 中文\u{0}x"),
            ["¿", "que", "?", "don", "'", "t", "中", "文", "x"]
        );
    }

    #[test]
    fn a_vocabulary_without_frame_tokens_is_refused() {
        let error = Tokenizer::parse(br#"{"model":{"vocab":{"[UNK]":0}}}"#).unwrap_err();
        assert!(matches!(error, EncoderError::Vocabulary("[CLS]")));
        assert!(matches!(Tokenizer::parse(b"{}").unwrap_err(), EncoderError::Tokenizer(_)));
    }
}
