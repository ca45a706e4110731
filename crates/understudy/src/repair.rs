//! A draft whose clauses were refused, written again without them.

use crate::{
    answer::{Answerer, plainly},
    phrases,
    words::{even, sentences},
};

/// The draft without the clauses that the note names. A note names a clause by quoting it, or between `<refused>` and
/// `</refused>`. When nothing is left, the fields that were found are listed by reference.
pub(crate) fn rewrite(answerer: &Answerer<'_>, draft: &str, note: &str) -> String {
    let note = even(note);
    let mut kept: Vec<&str> = Vec::new();
    let mut before_refused = false;
    for sentence in sentences(draft) {
        let refused = names(&note, sentence);
        // The mark of a passage stands behind the sentence that rests on it, and goes with it.
        let own = if before_refused { without_mark(sentence) } else { sentence };
        before_refused = refused;
        if !refused && !own.is_empty() {
            kept.push(own);
        }
    }
    let refused_something = kept.len() < sentences(draft).len();
    let literal = kept.iter().any(|sentence| has_figure(sentence));
    if refused_something && !kept.is_empty() {
        return kept.join(" ");
    }
    if !refused_something && !literal && !kept.is_empty() {
        return kept.join(" ");
    }
    let results = answerer.reading.results.iter().filter(|result| result.answered());
    let listed: Vec<String> =
        results.flat_map(plainly).filter(|sentence| !names(&note, sentence)).collect();
    if listed.is_empty() {
        phrases::cannot_help(answerer.language, answerer.reading.lessons.offer().as_deref())
    } else {
        listed.join(" ")
    }
}

/// A sentence without the reference that begins it.
fn without_mark(sentence: &str) -> &str {
    let rest = sentence.strip_prefix("[[").and_then(|rest| rest.split_once("]]"));
    rest.map_or(sentence, |(_, rest)| rest.trim_start())
}

pub(crate) fn names(note: &str, sentence: &str) -> bool {
    let sentence = even(without_mark(sentence));
    let bare = sentence.trim_end_matches(['.', '!', '?']);
    // Too short a clause would be found in any note.
    bare.len() >= 6 && note.contains(bare)
}

/// Whether a sentence has a figure outside its references.
fn has_figure(sentence: &str) -> bool {
    let mut outside = String::new();
    let mut rest = sentence;
    while let Some((before, after)) = rest.split_once("[[") {
        outside.push_str(before);
        rest = after.split_once("]]").map_or("", |(_, after)| after);
    }
    outside.push_str(rest);
    outside.bytes().any(|byte| byte.is_ascii_digit())
}
