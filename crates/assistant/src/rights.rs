//! Rights words: what a customer says that must become a record in the same turn, whatever the model does.
//!
//! A classifier (`models/rights-1.bin`), recall first, English and Spanish. It was learnt from `rights/said/` and looks at every
//! sentence and at the whole. Beside it stand rules (`rights/rules.txt`) for what must be heard whatever else a sentence holds, a
//! life in danger and a bankruptcy, and for somebody else who speaks than the customer: slots in order within one sentence, typos
//! forgiven, and a negation just before the words takes it back.
//! What is absent: opening the case (`servicing`), and any use of a language model; a model may only add to what is found here.

mod matching;
mod rules;

use std::{collections::BTreeSet, sync::LazyLock};

use classifier::{Model, Thesaurus, sentences};
use prompts::Digest;
use serde::{Deserialize, Serialize};
use servicing::CaseKind;

use rules::Rules;

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

/// What is heard besides rights.
const PERSON: &str = "person";
const SOMEBODY_ELSE: &str = "somebody_else";

/// The words that the classifier takes for one another.
pub const THESAURUS: &str = include_str!("rights/thesaurus.txt");
pub(crate) const WEIGHTS: &[u8] = include_bytes!("../../../models/rights-1.bin");

static RULES: LazyLock<Rules> = LazyLock::new(Rules::read);

/// The classifier with its thesaurus. Weights that cannot be read hear nothing; a test holds that they can.
static CLASSIFIER: LazyLock<(Model, Thesaurus)> =
    LazyLock::new(|| (Model::parse(WEIGHTS).unwrap_or_default(), Thesaurus::parse(THESAURUS)));

/// What a message says of the customer's rights.
pub fn hear(text: &str) -> Heard {
    let sentences = sentences(text);
    let mut heard = Heard::default();
    for name in sentences.iter().flat_map(|words| RULES.matching(words)) {
        heard.add(name);
    }
    let (model, thesaurus) = &*CLASSIFIER;
    for name in model.heard(&sentences, thesaurus) {
        heard.add(name);
    }
    heard
}

impl Heard {
    fn add(&mut self, name: &str) {
        match CaseKind::parse(name) {
            Some(kind) => {
                self.rights.insert(kind);
            }
            None if name == SOMEBODY_ELSE => self.somebody_else = true,
            None => self.asks_for_person |= name == PERSON,
        }
    }
}

/// What the classifier tells apart: the rights, and the wish for a person.
pub fn labels() -> Vec<&'static str> {
    CaseKind::ALL.iter().map(|kind| kind.as_str()).chain([PERSON]).collect()
}

/// The digest of what a classifier is learnt from: these texts and the thesaurus.
pub fn learnt_from(texts: &[String]) -> Digest {
    Digest::of([texts.concat().as_str(), THESAURUS].concat())
}

#[cfg(test)]
mod tests;
