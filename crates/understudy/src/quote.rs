//! The sentence of the retrieved passages that answers a question best, quoted as it stands.

use crate::{
    likeness::Likeness,
    reading::ToolResult,
    words::{plain, sentences},
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

/// The nearest sentence of all passages, with the next one when it only makes sense with it.
pub(crate) fn best<'a>(
    likeness: &Likeness,
    question: &str,
    results: impl Iterator<Item = &'a ToolResult>,
) -> Option<Quoted> {
    let mut best: Option<(i32, Quoted)> = None;
    for passage in results.flat_map(|result| &result.passages).enumerate() {
        let (rank, passage) = passage;
        let lines = quotable(&passage.text);
        // Retrieval ranked the passages: of equals the earlier wins, and a title near the question speaks for its text.
        let bonus =
            likeness.compare(question, &passage.title) / 5 - i32::try_from(rank).unwrap_or(0) * 15;
        for (at, sentence) in lines.iter().enumerate() {
            let score = likeness.compare(question, sentence) + bonus;
            if best.as_ref().is_none_or(|(so_far, _)| score > *so_far) {
                let next = lines.get(at + 1).filter(|next| leans_back(next));
                let words = next.map_or_else(
                    || (*sentence).to_owned(),
                    |next| adjoined(&passage.text, sentence, next),
                );
                best = Some((score, Quoted { words, passage: passage.reference.clone() }));
            }
        }
    }
    best.filter(|(score, _)| *score >= likeness.bars().passage).map(|(_, quoted)| quoted)
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
    let first = plain(sentence).into_iter().next().unwrap_or_default();
    matches!(
        first.as_str(),
        "it" | "they" | "this" | "these" | "that" | "but" | "however" | "otherwise" | "then"
    )
}

/// Two sentences as they stand beside one another in the passage; only the first when something is between them.
fn adjoined(text: &str, first: &str, next: &str) -> String {
    let both = format!("{first} {next}");
    if text.contains(&both) { both } else { first.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::Passage;

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
        let quoted =
            |question: &str| best(&likeness, question, [&result].into_iter()).unwrap().cited();
        assert_eq!(
            quoted("how long is a novel lent?"),
            "A novel is lent for 21 days. It may be renewed twice. [[p1]]"
        );
        assert_eq!(
            quoted("what does a late return cost a day"),
            "Late returns cost $0.25 a day. [[p2]]"
        );
        assert_eq!(best(&likeness, "zebra crossings", [&result].into_iter()), None);
    }
}
