//! The rules, read from `rules.txt`, which says how they are written.

use super::matching::{Pattern, Vocabulary, Word, near};

const TEXT: &str = include_str!("rules.txt");

/// Every rule of the file.
pub(super) struct Rules {
    vocabulary: Vocabulary,
    all: Vec<Rule>,
}

struct Rule {
    /// What it speaks for: a right, a person, somebody else.
    kind: &'static str,
    pattern: Pattern,
    /// Words near the match that make it something else.
    unless: Vec<Word>,
}

impl Rules {
    pub(super) fn read() -> Self {
        let mut vocabulary = Vocabulary::default();
        let (mut all, mut kind, mut unless) = (Vec::new(), "", "");
        for line in TEXT.lines().map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                (kind, unless) = (name, "");
            } else if let Some(words) = line.strip_prefix("unless ") {
                unless = words;
            } else {
                let unless = unless.split_whitespace().map(Word::parse).collect();
                let pattern = Pattern::parse(line, &mut vocabulary);
                all.push(Rule { kind, pattern, unless });
            }
        }
        Self { vocabulary, all }
    }

    /// The kinds of the rules that match a sentence.
    pub(super) fn matching(&self, tokens: &[String]) -> Vec<&'static str> {
        let sentence = self.vocabulary.read(tokens);
        let matches = |rule: &&Rule| {
            let found = rule.pattern.find(&sentence);
            found.is_some_and(|(first, last)| !near(tokens, first, last, &rule.unless))
        };
        self.all.iter().filter(matches).map(|rule| rule.kind).collect()
    }
}

#[cfg(test)]
mod tests {
    use servicing::CaseKind;

    use super::*;

    #[test]
    fn every_kind_in_the_file_is_known() {
        let rules = Rules::read();
        for rule in &rules.all {
            let known = CaseKind::parse(rule.kind).is_some()
                || matches!(rule.kind, "person" | "somebody_else");
            assert!(known, "{}", rule.kind);
        }
        assert!(rules.all.iter().any(|rule| rule.kind == "somebody_else"));
    }
}
