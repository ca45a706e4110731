//! The sentence of the retrieved passages that answers a question best, quoted as it stands.

use crate::{
    likeness::Likeness,
    reading::{Passage, ToolResult},
    repair::names,
    words::{Language, even, plain, sentences},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quoted {
    pub(crate) words: String,
    pub(crate) passage: String,
}

impl Quoted {
    /// The words with the mark of their passage.
    pub(crate) fn cited(&self) -> String {
        format!("{} [[{}]]", self.words, self.passage)
    }
}

/// A sentence of fewer words is a heading or a fragment.
const WORDS_MIN: usize = 4;

/// What one place in the order of the results counts: whoever found them read more than one sentence.
const RANK: i32 = 60;

/// What one place within a passage counts.
const PLACE: i32 = 20;

/// A quotation of fewer words takes the next sentence with it.
const WORDS_ENOUGH: usize = 16;

/// The nearest sentence of all passages, with those beside it that it makes sense with. In another language than the
/// question's a sentence is not compared: the passage found first is quoted from its beginning. What a repair refused is not
/// quoted again.
pub(crate) fn best<'a>(
    likeness: &Likeness,
    question: &str,
    refused: Option<&str>,
    results: impl Iterator<Item = &'a ToolResult>,
) -> Option<Quoted> {
    let passages: Vec<&Passage> = results.flat_map(|result| &result.passages).collect();
    let first = passages.first()?;
    let note = even(refused.unwrap_or_default());
    let wanted = |sentence: &&str| !names(&note, sentence);
    if Language::of(question) != Language::of(&first.text) {
        let lines: Vec<&str> = quotable(&first.text).into_iter().filter(wanted).collect();
        return quoted(first, &lines, 0);
    }
    let mut best: Option<(i32, Quoted)> = None;
    for (rank, passage) in passages.into_iter().enumerate() {
        let lines: Vec<&str> = quotable(&passage.text).into_iter().filter(wanted).collect();
        // A title near the question speaks for its text.
        let bonus = likeness.compare(question, &passage.title) / 5
            - i32::try_from(rank).unwrap_or(i32::MAX / RANK) * RANK;
        for (at, sentence) in lines.iter().enumerate() {
            // Passages begin with what they are about.
            let place = i32::try_from(at).unwrap_or(i32::MAX / PLACE) * PLACE;
            let score = likeness.compare(question, sentence) + bonus - place;
            if best.as_ref().is_none_or(|(so_far, _)| score > *so_far) {
                best = quoted(passage, &lines, at).map(|quoted| (score, quoted)).or(best);
            }
        }
    }
    best.filter(|(score, _)| *score >= likeness.bars().passage).map(|(_, quoted)| quoted)
}

/// A sentence of a passage with the ones before that it leans on, and with the one after when it is short or leaned on.
fn quoted(passage: &Passage, lines: &[&str], at: usize) -> Option<Quoted> {
    let mut from = at;
    while from > 0 && lines.get(from).is_some_and(|line| leans_back(line)) {
        from -= 1;
    }
    let mut words = (*lines.get(from)?).to_owned();
    for (place, next) in lines.iter().enumerate().skip(from + 1) {
        let wanted = place <= at || leans_back(next) || plain(&words).len() < WORDS_ENOUGH;
        // Only as it stands: something may have been left out between the two.
        let both = format!("{words} {next}");
        if !wanted || !even(&passage.text).contains(&both) {
            break;
        }
        words = both;
    }
    Some(Quoted { words, passage: passage.reference.clone() })
}

/// The sentences of a passage that can stand alone: no headings, table rows or fragments; list marks are left off.
fn quotable(text: &str) -> Vec<&str> {
    let body = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.starts_with(['#', '|']) && !line.is_empty());
    body.flat_map(|line| sentences(line.trim_start_matches(['-', '*', '>', ' '])))
        .filter(|sentence| plain(sentence).len() >= WORDS_MIN)
        .collect()
}

/// Whether a sentence only makes sense after the one before it.
fn leans_back(sentence: &str) -> bool {
    let words = plain(sentence);
    // "We do not have one": what, was said before.
    let stands_for = words.iter().take(6).any(|word| word == "one" || word == "ones");
    let first = words.into_iter().next().unwrap_or_default();
    stands_for
        || matches!(
            first.as_str(),
            "it" | "they"
                | "this"
                | "these"
                | "that"
                | "those"
                | "such"
                | "but"
                | "however"
                | "otherwise"
                | "then"
                | "also"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(texts: &[&str]) -> ToolResult {
        let passage = |(at, text): (usize, &&str)| Passage {
            reference: format!("p{}", at + 1),
            title: String::new(),
            text: (*text).to_owned(),
        };
        ToolResult {
            passages: texts.iter().enumerate().map(passage).collect(),
            ..ToolResult::default()
        }
    }

    #[test]
    fn the_nearest_sentence_is_quoted_as_it_stands() {
        let result = result(&[
            "# Lending\nA novel is lent for 21 days. It may be renewed twice. Maps stay in the house.",
            "- Late returns cost $0.25 a day.\n- Children under twelve never pay fines.",
        ]);
        let likeness = Likeness::new(None);
        let quoted = |question: &str| {
            best(&likeness, question, None, [&result].into_iter()).unwrap().cited()
        };
        assert_eq!(
            quoted("how long is a novel lent?"),
            "A novel is lent for 21 days. It may be renewed twice. Maps stay in the house. [[p1]]"
        );
        assert_eq!(
            quoted("what does a late return cost a day"),
            "Late returns cost $0.25 a day. [[p2]]"
        );
        assert_eq!(
            quoted("are maps kept in the house?"),
            "Maps stay in the house. [[p1]]",
            "nothing comes after it"
        );
        assert_eq!(
            quoted("\u{bf}cu\u{e1}nto tiempo se presta una novela?"),
            "A novel is lent for 21 days. It may be renewed twice. Maps stay in the house. [[p1]]",
            "in another language what was found first is quoted"
        );
        assert_eq!(best(&likeness, "zebra crossings", None, [&result].into_iter()), None);
    }
}
