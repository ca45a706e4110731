//! Words that mean much the same: what is learnt of one of them holds for the others.

use std::collections::HashMap;

use crate::features::hash_word;

/// Concepts, each a name and its words.
#[derive(Clone, Debug, Default)]
pub struct Thesaurus {
    words: HashMap<String, Vec<u64>>,
    /// By their first letter, so that a word is held against few.
    stems: HashMap<char, Vec<(String, u64)>>,
}

impl Thesaurus {
    /// Reads a concept a line: `name: word stem* …`; `#` opens a remark. A word may stand under several concepts.
    pub fn parse(text: &str) -> Self {
        let mut all = Self::default();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        for (name, words) in lines.filter_map(|line| line.split_once(':')) {
            let concept = hash_word(name);
            for word in words.split_whitespace() {
                if let Some(stem) = word.strip_suffix('*') {
                    let first = stem.chars().next().unwrap_or('*');
                    all.stems.entry(first).or_default().push((stem.to_owned(), concept));
                } else {
                    all.words.entry(word.to_owned()).or_default().push(concept);
                }
            }
        }
        all
    }

    /// The concepts of a folded word, the one that was written first before the others.
    pub(crate) fn concepts(&self, word: &str) -> Vec<u64> {
        let mut found = self.words.get(word).cloned().unwrap_or_default();
        let stems = word.chars().next().and_then(|first| self.stems.get(&first));
        for (stem, concept) in stems.into_iter().flatten() {
            if word.starts_with(stem.as_str()) && !found.contains(concept) {
                found.push(*concept);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_the_concepts_it_stands_under_and_those_of_its_stem() {
        let all = Thesaurus::parse("# remark: not\nlawyer: lawyer abogad*\nfirm: lawyer firm");
        assert_eq!(all.concepts("lawyer"), [hash_word("lawyer"), hash_word("firm")]);
        assert_eq!(all.concepts("abogada"), [hash_word("lawyer")]);
        assert_eq!(all.concepts("not"), Vec::<u64>::new());
    }
}
