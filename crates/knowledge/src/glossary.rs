//! What people say, beside what the documents call it: everyday words, and Spanish.
//!
//! A question that holds a phrase of the glossary is searched with our own words beside its own. It
//! lets a small English encoder serve both languages that we serve; docs/adr has the figures.

use serde::Deserialize;

use crate::error::KnowledgeError;
use crate::text::folded_words;

/// The glossary's file in the policies folder.
pub(crate) const FILE: &str = "glossary.yaml";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    say: Vec<String>,
    means: String,
}

/// Phrases, each with the words of ours that it stands for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Glossary {
    phrases: Vec<(Vec<Word>, String)>,
}

#[derive(Debug, Clone)]
enum Word {
    Is(String),
    Begins(String),
}

impl Word {
    fn matches(&self, word: &str) -> bool {
        match self {
            Self::Is(whole) => word == whole,
            Self::Begins(beginning) => word.starts_with(beginning.as_str()),
        }
    }
}

impl Glossary {
    pub(crate) fn parse(text: &str) -> Result<Self, KnowledgeError> {
        let lines: Vec<Line> = serde_yaml_ng::from_str(text).map_err(|error| {
            let line = error.location().map_or(1, |at| at.line());
            KnowledgeError::document(FILE, line, error.to_string())
        })?;
        let mut phrases = Vec::new();
        for line in lines {
            for phrase in &line.say {
                let words = words(phrase);
                if words.is_empty() || line.means.trim().is_empty() {
                    let problem = format!("{phrase:?} or what it means has no words");
                    return Err(KnowledgeError::document(FILE, 1, problem));
                }
                phrases.push((words, line.means.clone()));
            }
        }
        Ok(Self { phrases })
    }

    /// Our words for what the question says, each once, in the glossary's order.
    pub(crate) fn meanings(&self, question: &str) -> Vec<&str> {
        let asked = folded_words(question);
        let mut meanings: Vec<&str> = Vec::new();
        for (phrase, means) in &self.phrases {
            let said = asked
                .windows(phrase.len())
                .any(|window| phrase.iter().zip(window).all(|(word, asked)| word.matches(asked)));
            if said && meanings.last() != Some(&means.as_str()) {
                meanings.push(means);
            }
        }
        meanings
    }

    /// What the corpus digest covers of it.
    pub(crate) fn canonical(&self) -> String {
        format!("{:?}", self.phrases)
    }
}

fn words(phrase: &str) -> Vec<Word> {
    let mut words = Vec::new();
    for part in phrase.split_whitespace() {
        let begins = part.ends_with('*');
        for word in folded_words(part) {
            words.push(if begins { Word::Begins(word) } else { Word::Is(word) });
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "
- say: [attorney, law firm, abogad*]
  means: lawyer
- say: [mínimo]
  means: minimum payment
";

    #[test]
    fn phrases_and_beginnings_match_whatever_the_accents_and_capitals() {
        let glossary = Glossary::parse(TEXT).unwrap();
        for (question, meanings) in [
            ("My ATTORNEY'S office", vec![]),
            ("My attorney, and her Law Firm", vec!["lawyer"]),
            ("the firm of law", vec![]),
            ("mi abogada dice: ¿el Minimo?", vec!["lawyer", "minimum payment"]),
            ("", vec![]),
        ] {
            assert_eq!(glossary.meanings(question), meanings, "{question}");
        }
    }

    #[test]
    fn a_glossary_with_a_mistake_says_where() {
        let problem = |text: &str| Glossary::parse(text).unwrap_err().to_string();
        assert!(problem("- say: [a]\n  mean: b\n").starts_with("glossary.yaml:"));
        assert!(problem("- say: ['--']\n  means: b\n").contains("has no words"));
        assert!(problem("- say: [a]\n  means: ' '\n").contains("has no words"));
    }
}
