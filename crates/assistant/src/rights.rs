//! Rights words: what a customer says that must become a record in the same turn, whatever the model does.
//!
//! Rules, recall first: English and Spanish, contractions, accents and typos folded, a negation just before the words
//! takes them back. A rule matches its slots in order within one sentence. The rules stand in `rights/rules.txt`.
//! What is absent: opening the case (`servicing`), and any use of a model; a model may only add to what is found here.

mod matching;
mod rules;

use std::{collections::BTreeSet, sync::LazyLock};

use serde::{Deserialize, Serialize};
use servicing::CaseKind;

use matching::{Pattern, Word, sentences};

/// What was said.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    /// Rights, the most urgent first.
    pub rights: BTreeSet<CaseKind>,
    /// The customer wants to talk to a person.
    pub asks_for_person: bool,
    /// Somebody else than the customer says they are speaking.
    pub somebody_else: bool,
}

/// What a rule hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hears {
    Right(CaseKind),
    Person,
    SomebodyElse,
}

struct Rule {
    hears: Hears,
    pattern: Pattern,
    /// Words near the match that make it something else.
    unless: Vec<Word>,
}

static RULES: LazyLock<Vec<Rule>> = LazyLock::new(rules::all);

/// What a message says of the customer's rights.
pub fn hear(text: &str) -> Heard {
    let mut heard = Heard::default();
    for sentence in sentences(text) {
        for rule in RULES.iter() {
            if let Hears::Right(kind) = rule.hears
                && heard.rights.contains(&kind)
            {
                continue;
            }
            let found = rule
                .pattern
                .find(&sentence)
                .is_some_and(|(first, last)| !matching::near(&sentence, first, last, &rule.unless));
            match rule.hears {
                _ if !found => {}
                Hears::Right(kind) => {
                    heard.rights.insert(kind);
                }
                Hears::Person => heard.asks_for_person = true,
                Hears::SomebodyElse => heard.somebody_else = true,
            }
        }
    }
    heard
}

#[cfg(test)]
mod tests;
