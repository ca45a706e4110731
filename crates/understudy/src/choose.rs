//! Which worked exchange, or which tool by its description, a message is like.

use std::collections::BTreeSet;

use toolkit::reading::Mood;

use crate::{
    likeness::{Likeness, Score},
    prompt::{Exchange, described_examples},
    reading::Reading,
    spans::{Kind, spans, without},
    words::{agrees, clauses, even, filler, plain, says_little, sentences, substance},
};

/// What to follow, for which part of the message.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Choice {
    pub(crate) exchange: Exchange,
    /// The words it was chosen for.
    pub(crate) clause: String,
    /// The whole message it came from, earlier turns merged in.
    pub(crate) message: String,
    pub(crate) score: Score,
}

/// How many earlier messages a follow-up may lean on.
const DEPTH_MAX: usize = 4;

/// A message in the other language is rarely the model for this one.
const LANGUAGE_PENALTY: Score = 120;

/// An exchange whose typed spans are the message's own is the better model; one that has no place for one of them, the worse.
const SPANS_BONUS: Score = 50;

/// Who asks how much or why wants to know; an example that orders something is rarely the model for it, and less so if it acts
/// on what was said.
const ORDER_PENALTY: Score = 80;

/// "Don't", "I did" and "what if I did" have the words of an order and are none: an example that acts on what was said is not
/// the model for them.
const MOOD_PENALTY: Score = 400;

/// Two that begin with the same word of substance ask for the same sort of thing: "pay...", "cancel...".
const OPENING_BONUS: Score = 60;

/// So near that the message is the example, and is not cut.
const THE_SAME: Score = 950;

/// How far above the bar a piece of a message must be to stand alone.
const STAND_ALONE_MARGIN: Score = 60;

/// How much nearer a description must be than an example that is not clearly near.
const DESCRIPTION_MARGIN: Score = 40;

/// From here on an example is clearly near, and descriptions are not asked.
const CLEARLY_NEAR: Score = 600;

/// How much farther than the nearest example of all one may be that only looks the words up.
const LOOK_UP_MARGIN: Score = 80;

pub(crate) struct Chooser<'a> {
    likeness: &'a Likeness,
    reading: &'a Reading,
    exchanges: Vec<Exchange>,
    /// Every word of the examples and descriptions: what a slip of the finger may have meant.
    vocabulary: BTreeSet<String>,
}

impl<'a> Chooser<'a> {
    pub(crate) fn new(likeness: &'a Likeness, reading: &'a Reading) -> Self {
        let usable = |exchange: &Exchange| {
            // A tool that nothing describes is one the stand-in does not know: it is not called.
            exchange.calls.iter().all(|call| {
                reading.tool(&call.tool).is_some_and(|tool| !tool.description.is_empty())
            })
        };
        let described =
            reading.tools.iter().flat_map(|tool| described_examples(&tool.name, &tool.described));
        let exchanges: Vec<Exchange> =
            reading.lessons.exchanges.iter().cloned().chain(described).filter(usable).collect();
        let taught = exchanges.iter().map(|exchange| exchange.customer.as_str());
        let described = reading.tools.iter().map(|tool| tool.description.as_str());
        let vocabulary = taught.chain(described).flat_map(plain).collect();
        Self { likeness, reading, exchanges, vocabulary }
    }

    /// A text with what look like slips of the finger as the word of the lessons that was meant: for comparing only.
    fn corrected(&self, text: &str) -> String {
        let words =
            text.split_whitespace().map(|word| self.meant(word).unwrap_or_else(|| word.to_owned()));
        words.collect::<Vec<_>>().join(" ")
    }

    fn meant(&self, word: &str) -> Option<String> {
        let core = word.trim_matches(|c: char| !c.is_alphabetic());
        let folded = plain(core).pop()?;
        let letters = folded.chars().count();
        let known = says_little(&folded)
            || filler(&folded)
            || self.vocabulary.contains(&folded)
            || self.likeness.knows(&folded);
        if letters < 4 || known || !core.chars().all(char::is_alphabetic) {
            return None;
        }
        let slips = if letters < 7 { 1 } else { 2 };
        let first = folded.chars().next();
        let alike = self.vocabulary.iter().filter(|other| other.chars().next() == first);
        let near = alike.map(|other| (strsim::osa_distance(&folded, other), other));
        let (_, meant) = near.filter(|(far, _)| *far <= slips).min()?;
        Some(word.replace(core, meant))
    }

    /// What the message at hand asks for: nothing, one thing, or several.
    pub(crate) fn choose(&self) -> Vec<Choice> {
        self.choose_at(self.reading.earlier.len(), 0).1
    }

    /// The message at this place with what it leans on, and the choices for it.
    fn choose_at(&self, at: usize, depth: usize) -> (String, Vec<Choice>) {
        let message = self.message(at);
        let own = self.for_message(&message, at);
        let best = own.iter().map(|choice| choice.score).max().unwrap_or(0);
        if best >= self.likeness.bars().sure || at == 0 || depth >= DEPTH_MAX {
            return (message, own);
        }
        if agrees(&message) {
            let offered = if at == self.reading.earlier.len() { self.offered() } else { None };
            return match offered {
                Some(choice) => (message, vec![choice]),
                None => (message, own),
            };
        }
        if !leans(&message) {
            return (message, own);
        }
        let (before, _) = self.choose_at(at - 1, depth + 1);
        let merged = merge(&before, &message);
        let together = self.for_message(&merged, at);
        if together.is_empty() { (message, own) } else { (merged, together) }
    }

    fn message(&self, at: usize) -> String {
        even(self.reading.earlier.get(at).unwrap_or(&self.reading.customer))
    }

    /// What the last question put to the customer was about.
    fn offered(&self) -> Option<Choice> {
        let question = sentences(&self.reading.last_reply)
            .into_iter()
            .rfind(|sentence| sentence.ends_with('?'))?;
        let choice = self.near(question, usize::MAX)?;
        (!choice.exchange.calls.is_empty()).then_some(choice)
    }

    /// The choices for a whole message: as it stands, or cut into sentences or clauses, whichever is nearest.
    fn for_message(&self, message: &str, at: usize) -> Vec<Choice> {
        let whole = self.near(message, at);
        let of_whole = whole.as_ref().map_or(0, |choice| choice.score);
        if of_whole >= THE_SAME {
            return whole.into_iter().collect();
        }
        let sentences: Vec<&str> = sentences(message);
        let clauses: Vec<&str> = sentences.iter().flat_map(|sentence| clauses(sentence)).collect();
        let mut best: Vec<Choice> = whole.clone().into_iter().collect();
        let mut best_value = of_whole;
        for cut in [sentences, clauses] {
            let found = if cut.len() > 1 { self.for_pieces(&cut, at) } else { Vec::new() };
            let value = worth(&found);
            // Several near pieces say more than one whole; a single piece must be clearly nearer than the whole.
            let enough = if found.len() > 1 { best_value - 60 } else { best_value + 50 };
            let covered = found.len() > 1 && covers(whole.as_ref(), &found);
            if !covered && (value > enough || self.stand_alone(&found, &cut)) {
                best_value = value;
                best = found;
            }
        }
        for choice in &mut best {
            message.clone_into(&mut choice.message);
        }
        best
    }

    /// Whether each piece of the cut is a request of its own, for different tools.
    fn stand_alone(&self, found: &[Choice], cut: &[&str]) -> bool {
        let pieces = cut.iter().filter(|piece| plain(piece).len() >= 2).count();
        let near = found
            .iter()
            .all(|choice| choice.score >= self.likeness.bars().example + STAND_ALONE_MARGIN);
        let mut tools: Vec<&str> = found
            .iter()
            .flat_map(|choice| &choice.exchange.calls)
            .map(|call| call.tool.as_str())
            .collect();
        let calls = tools.len();
        tools.sort_unstable();
        tools.dedup();
        found.len() > 1
            && found.len() == pieces
            && near
            && tools.len() == calls
            && calls >= found.len()
    }

    fn for_pieces(&self, pieces: &[&str], at: usize) -> Vec<Choice> {
        let mut found: Vec<Choice> = Vec::new();
        for piece in pieces.iter().filter(|piece| plain(piece).len() >= 2) {
            if let Some(choice) = self.near(piece, at)
                && !found.iter().any(|other| other.exchange == choice.exchange)
            {
                found.push(choice);
            }
        }
        let acts = found.iter().any(|choice| !choice.exchange.calls.is_empty());
        // A greeting or thanks beside a request is not answered by itself.
        found.retain(|choice| {
            !acts || !choice.exchange.calls.is_empty() || substance(&choice.clause).len() >= 3
        });
        found
    }

    /// The nearest exchange, near or not.
    pub(crate) fn nearest(&self, text: &str, at: usize) -> Option<(Score, &Exchange)> {
        let text = &self.corrected(text);
        let scored =
            self.exchanges.iter().map(|exchange| (self.score(text, exchange, at), exchange));
        // The first of equals: prompts are read from the top.
        scored.reduce(|best, next| if next.0 > best.0 { next } else { best })
    }

    /// The nearest exchange, if it is near enough to be followed.
    fn near(&self, text: &str, at: usize) -> Option<Choice> {
        let (score, exchange) = self.nearest(text, at)?;
        let near =
            (score >= self.likeness.bars().example).then(|| choice(exchange.clone(), text, score));
        if score >= CLEARLY_NEAR {
            return near;
        }
        match self.described(text) {
            Some(other) if near.is_none() || other.score >= score + DESCRIPTION_MARGIN => {
                Some(other)
            }
            _ => near.or_else(|| self.looked_up(text, at, score)),
        }
    }

    /// Before it is said that nothing can be done: an example that passes the words on to be looked up is followed from
    /// farther away, since looking harms nobody.
    fn looked_up(&self, text: &str, at: usize, best: Score) -> Option<Choice> {
        let corrected = &self.corrected(text);
        let passing = self.exchanges.iter().filter(|exchange| passes_on(exchange));
        let scored = passing.map(|exchange| (self.score(corrected, exchange, at), exchange));
        let (score, exchange) =
            scored.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        let near = score >= self.likeness.bars().look_up && score + LOOK_UP_MARGIN >= best;
        near.then(|| choice(exchange.clone(), text, score))
    }

    fn score(&self, text: &str, exchange: &Exchange, at: usize) -> Score {
        let (ours, theirs) =
            (self.likeness.prepared(text), self.likeness.prepared(&exchange.customer));
        let mut score = self.likeness.said(text, &exchange.customer);
        if ours.language != theirs.language && text.contains(' ') {
            score -= LANGUAGE_PENALTY;
        }
        if ours.kinds == theirs.kinds {
            score += SPANS_BONUS;
        } else if ours
            .kinds
            .iter()
            .any(|kind| *kind != Kind::Number && !theirs.kinds.contains(kind))
        {
            score -= SPANS_BONUS;
        }
        if ours.asks && !theirs.asks {
            score -= ORDER_PENALTY;
            score -= if acts_on_words(exchange) { ORDER_PENALTY } else { 0 };
        }
        if ours.opening.is_some() && ours.opening == theirs.opening {
            score += OPENING_BONUS;
        }
        if ours.mood != Mood::Plain && ours.mood != theirs.mood && acts_on_words(exchange) {
            score -= MOOD_PENALTY;
        }
        match (
            exchange.before.last(),
            at.checked_sub(1).and_then(|before| self.reading.earlier.get(before)),
        ) {
            (None, _) => score.min(1000),
            (Some(_), None) => 0,
            (Some(theirs), Some(ours)) => (score * 6 + self.likeness.said(ours, theirs) * 4) / 10,
        }
    }

    /// The tool whose description is nearest, when no example is near.
    fn described(&self, text: &str) -> Option<Choice> {
        let tools = self.reading.tools.iter().filter(|tool| !tool.description.is_empty());
        let text = &self.corrected(text);
        let language = self.likeness.prepared(text).language;
        let nearest = |description: &str| {
            let parts =
                sentences(description).into_iter().map(|part| self.likeness.compare(text, part));
            let near = parts.max().unwrap_or(0).max(self.likeness.compare(text, description));
            let foreign = self.likeness.prepared(description).language != language;
            if foreign { near - LANGUAGE_PENALTY } else { near }
        };
        let scored = tools.map(|tool| (nearest(&tool.description), tool));
        let (score, tool) =
            scored.reduce(|best, next| if next.0 > best.0 { next } else { best })?;
        let exchange = Exchange {
            before: Vec::new(),
            customer: String::new(),
            calls: vec![crate::prompt::WorkedCall {
                tool: tool.name.clone(),
                args: serde_json::json!({}),
            }],
            reply: String::new(),
        };
        (score >= self.likeness.bars().description).then(|| choice(exchange, text, score))
    }
}

/// Whether an example puts what its customer said into arguments, other than by passing the whole of it on.
fn acts_on_words(exchange: &Exchange) -> bool {
    let whole = |value: &serde_json::Value| value.as_str() == Some(exchange.customer.as_str());
    let args = exchange.calls.iter().filter_map(|call| call.args.as_object());
    args.flat_map(|args| args.values()).any(|value| !whole(value))
}

/// Whether all an example does is pass its customer's words on as they are.
fn passes_on(exchange: &Exchange) -> bool {
    !exchange.calls.is_empty()
        && !acts_on_words(exchange)
        && exchange
            .calls
            .iter()
            .all(|call| call.args.as_object().is_some_and(|args| !args.is_empty()))
}

fn choice(exchange: Exchange, text: &str, score: Score) -> Choice {
    Choice { exchange, clause: text.to_owned(), message: text.to_owned(), score }
}

fn worth(found: &[Choice]) -> Score {
    let total: Score = found.iter().map(|choice| choice.score).sum();
    total / Score::try_from(found.len().max(1)).unwrap_or(1)
}

/// Whether the whole message's exchange already makes every call that its pieces would.
fn covers(whole: Option<&Choice>, pieces: &[Choice]) -> bool {
    let calls = |tool: &str| {
        whole.is_some_and(|choice| choice.exchange.calls.iter().any(|call| call.tool == tool))
    };
    pieces.iter().flat_map(|piece| &piece.exchange.calls).all(|call| calls(&call.tool))
        && pieces.iter().any(|piece| !piece.exchange.calls.is_empty())
}

/// Whether a message means little without what was said before it: spans and fillers, and at most one word more.
fn leans(message: &str) -> bool {
    let rest = plain(&without(message));
    let content = rest.iter().filter(|word| !says_little(word) && !filler(word)).count();
    let carries = rest.first().is_some_and(|word| filler(word));
    (content == 0 && !message.is_empty())
        || (content <= 1 && (carries || (rest.len() <= 3 && !spans(message).is_empty())))
}

/// The earlier message with the later one's spans in the place of its own of the same kinds; the rest is added.
fn merge(before: &str, message: &str) -> String {
    let mut merged = before.trim_end_matches(['.', '?', '!']).to_owned();
    let mut added = String::new();
    for span in spans(message) {
        let said = span.of(message);
        match spans(&merged).into_iter().find(|old| old.kind == span.kind) {
            Some(old) if !merged.contains(said) => merged.replace_range(old.start..old.end, said),
            Some(_) => {}
            None => {
                added.push(' ');
                added.push_str(said);
            }
        }
    }
    for word in without(message).split_whitespace() {
        let folded = plain(word);
        if folded.iter().any(|word| !says_little(word) && !filler(word)) {
            added.push(' ');
            added.push_str(word.trim_matches(|c: char| !c.is_alphanumeric()));
        }
    }
    merged + &added
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_of_spans_and_fillers_leans_on_the_one_before() {
        for text in [
            "yes the 20th",
            "from savings",
            "make it $75 instead",
            "how about in 10 days?",
            "no, next Friday",
        ] {
            assert!(leans(text), "{text}");
        }
        for text in ["renew my book on the 20th", "where is the nearest branch", "I lost my card"] {
            assert!(!leans(text), "{text}");
        }
    }

    #[test]
    fn what_is_said_later_takes_the_place_of_what_was_said_before() {
        assert_eq!(merge("hold it until next Friday.", "no, the 20th"), "hold it until the 20th");
        assert_eq!(merge("lend me $50", "from savings"), "lend me $50 savings");
    }
}
