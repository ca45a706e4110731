//! The rules, read from `rules.txt`, which says how they are written.

use servicing::CaseKind;

use super::{
    Hears, Rule,
    matching::{Pattern, Word},
};

const TEXT: &str = include_str!("rules.txt");

/// Every rule of the file. A kind that is not known has no rules; a test holds that there is none.
pub(super) fn all() -> Vec<Rule> {
    let (mut rules, mut hears, mut unless) = (Vec::new(), None, "");
    for line in TEXT.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(kind) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            (hears, unless) = (heard(kind), "");
        } else if let Some(words) = line.strip_prefix("unless ") {
            unless = words;
        } else if let Some(hears) = hears {
            let unless = unless.split_whitespace().map(Word::parse).collect();
            rules.push(Rule { hears, pattern: Pattern::parse(line), unless });
        }
    }
    rules
}

fn heard(kind: &str) -> Option<Hears> {
    match kind {
        "person" => Some(Hears::Person),
        "somebody_else" => Some(Hears::SomebodyElse),
        _ => CaseKind::parse(kind).map(Hears::Right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_in_the_file_is_known_and_every_right_has_rules() {
        let kinds = TEXT.lines().filter_map(|line| line.strip_prefix('[')?.strip_suffix(']'));
        for kind in kinds {
            assert!(heard(kind).is_some(), "{kind}");
        }
        let rules = all();
        for kind in CaseKind::ALL {
            assert!(rules.iter().any(|rule| rule.hears == Hears::Right(kind)), "{kind:?}");
        }
    }
}
