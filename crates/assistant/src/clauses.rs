//! A stream of text cut into whole clauses: what can be checked, and once checked never taken back.

/// Gathers pieces and gives out sentences as soon as they are whole.
#[derive(Debug, Default)]
pub(crate) struct Clauses {
    held: String,
    /// How far `held` has been looked at, in bytes, and whether that is inside a reference.
    seen: usize,
    inside: bool,
}

/// Abbreviations whose full stop ends nothing.
const ABBREVIATIONS: &[&str] = &[
    "mr", "mrs", "ms", "dr", "inc", "no", "vs", "etc", "e.g", "i.e", "u.s", "a.m", "p.m", "jan",
    "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct", "nov", "dec", "approx", "sr",
    "sra",
];

/// A clause longer than this is cut at a blank, so that nothing is held for ever.
const LENGTH_MAX: usize = 1_200;

/// A clause that has no place to cut and is longer than this is none: no word and no reference is that long.
const HELD_MAX: usize = 4 * LENGTH_MAX;

impl Clauses {
    /// Takes a piece of the stream; answers the clauses that are now whole.
    pub(crate) fn push(&mut self, piece: &str) -> Vec<String> {
        self.held.push_str(piece);
        let mut whole = Vec::new();
        while let Some(end) = self.end() {
            let rest = self.held.split_off(end);
            (self.seen, self.inside) = (0, false);
            let clause = std::mem::replace(&mut self.held, rest);
            if !clause.trim().is_empty() {
                whole.push(clause.trim().to_owned());
            }
        }
        whole
    }

    /// What is left when the stream has ended well.
    pub(crate) fn finish(&mut self) -> Option<String> {
        let rest = std::mem::take(&mut self.held);
        (!rest.trim().is_empty()).then(|| rest.trim().to_owned())
    }

    /// Where the first clause ends: the character after it is here already, so that `3.` of `3.50` ends nothing. A
    /// reference that follows belongs to the clause before it.
    fn end(&mut self) -> Option<usize> {
        let from = self.seen;
        let new = self.held.get(from..).unwrap_or_default();
        let chars: Vec<(usize, char)> = new.char_indices().map(|(at, c)| (from + at, c)).collect();
        for window in chars.windows(2) {
            let [(at, c), (next_at, next)] = *window else { continue };
            match (c, next) {
                ('[', '[') => self.inside = true,
                (']', ']') => self.inside = false,
                _ => {}
            }
            self.seen = at;
            let ends = !self.inside
                && (c == '\n'
                    || (matches!(c, '.' | '!' | '?')
                        && next.is_whitespace()
                        && !self.abbreviates(at)));
            if ends {
                if let Some(citation) = self.citation_after(next_at)? {
                    return Some(citation);
                }
                return Some(next_at);
            }
            self.seen = next_at;
        }
        self.cut()
    }

    /// Where a clause that is too long is cut.
    fn cut(&self) -> Option<usize> {
        let long = self.held.len() > LENGTH_MAX && !self.inside;
        long.then(|| self.held.rfind(' ').filter(|at| *at > 0)).flatten()
    }

    /// What is held can never become a clause.
    pub(crate) const fn endless(&self) -> bool {
        self.held.len() > HELD_MAX
    }

    /// Whether a passage reference follows: `Some(Some(end))` where it does, `Some(None)` where it does not, and `None`
    /// while that cannot be told yet.
    #[expect(clippy::option_option, reason = "three answers: yes and where, no, not yet known")]
    fn citation_after(&self, from: usize) -> Option<Option<usize>> {
        let rest = self.held.get(from..)?;
        let blanks = rest.len() - rest.trim_start_matches(' ').len();
        let rest = rest.trim_start_matches(' ');
        if rest.is_empty() || rest == "[" || rest == "[[" {
            return None;
        }
        if !rest.starts_with("[[p") {
            return Some(None);
        }
        let end = rest.find("]]")? + 2;
        let name = rest.get(3..end - 2).unwrap_or_default();
        let passage = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
        Some(passage.then_some(from + blanks + end))
    }

    fn abbreviates(&self, stop: usize) -> bool {
        let before = self.held.get(..stop).unwrap_or_default();
        let word = before.rsplit(|c: char| c.is_whitespace() || c == '(').next().unwrap_or("");
        let numbered = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
        let heads_line = before.trim_start() == word || before.ends_with(&format!("\n{word}"));
        ABBREVIATIONS.contains(&word.to_lowercase().as_str()) || (numbered && heads_line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pieces: &[&str]) -> Vec<String> {
        let mut clauses = Clauses::default();
        let mut all: Vec<String> = pieces.iter().flat_map(|piece| clauses.push(piece)).collect();
        all.extend(clauses.finish());
        all
    }

    #[test]
    fn sentences_are_given_out_whole_however_they_come() {
        let text = "You owe [[r1.total]]. It is due soon! Is that all?\nThanks";
        let whole = ["You owe [[r1.total]].", "It is due soon!", "Is that all?", "Thanks"];
        assert_eq!(cut(&[text]), whole);
        let letters: Vec<String> = text.chars().map(String::from).collect();
        assert_eq!(cut(&letters.iter().map(String::as_str).collect::<Vec<_>>()), whole);
    }

    #[test]
    fn a_stop_inside_a_number_a_reference_or_an_abbreviation_ends_nothing() {
        for text in [
            "It is $3.50 now.",
            "See [[r1.payments.1.on]] for it.",
            "Pay by 5 p.m. today.",
            "1. Sign in",
        ] {
            assert_eq!(cut(&[text]), [text]);
        }
    }

    #[test]
    fn what_has_no_blank_or_never_closes_is_endless() {
        for endless in ["a".repeat(20_000), format!("See [[{}", "\u{e9} ".repeat(10_000))] {
            let mut clauses = Clauses::default();
            let mut taken = 0;
            for letter in endless.chars() {
                assert!(clauses.push(&letter.to_string()).is_empty());
                taken += letter.len_utf8();
                if clauses.endless() {
                    break;
                }
            }
            assert!(taken <= HELD_MAX + 2, "it is given up at the first letter too many");
        }
        let mut words = Clauses::default();
        let cut: usize = (0..2_000).map(|_| words.push("word ").len()).sum();
        assert!(cut > 5 && !words.endless());
    }

    #[test]
    fn a_citation_belongs_to_the_sentence_before_it() {
        let text = "A fee may apply. [[p1]] Ask us.";
        let whole = ["A fee may apply. [[p1]]", "Ask us."];
        assert_eq!(cut(&[text]), whole);
        let letters: Vec<String> = text.chars().map(String::from).collect();
        assert_eq!(cut(&letters.iter().map(String::as_str).collect::<Vec<_>>()), whole);
    }
}
