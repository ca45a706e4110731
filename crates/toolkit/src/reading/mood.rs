//! How a thing is said: asked for or ordered, or rather refused, reported or supposed.
//!
//! Reading is by a few function words and endings, English and Spanish. "I paid $5", "don't pay $5" and "what if I paid $5"
//! hold the words of an order and are none. What is absent: what the order is about.

use super::{Token, spanish, tokens};

/// How a text, or the part of it before a place, is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mood {
    /// An order, a wish, a question, a statement about now.
    Plain,
    /// Somebody does not want it, or cannot.
    Refuses,
    /// Somebody says, or asks, that it happened.
    Reports,
    /// Somebody wonders what would be.
    Supposes,
}

/// The mood of a text: that of the first word which shows one.
pub fn mood(text: &str) -> Mood {
    let tokens = tokens(text);
    let spanish = spanish(text);
    let shown = (0..tokens.len()).map(|at| shown_at(text, &tokens, at, spanish));
    shown.into_iter().find(|mood| *mood != Mood::Plain).unwrap_or(Mood::Plain)
}

/// Whether what stands at a byte of the text is refused or reported in the clause that leads up to it.
pub fn disowned(text: &str, at: usize) -> bool {
    let from = clauses(text).into_iter().map(|(start, _)| start).rfind(|start| *start <= at);
    let led = text.get(from.unwrap_or(0)..at).unwrap_or_default();
    // Spanish is told from the whole: a few words say too little.
    let tokens = tokens(led);
    let spanish = spanish(text);
    let mut moods = (0..tokens.len()).map(|at| shown_at(led, &tokens, at, spanish));
    moods.any(|mood| matches!(mood, Mood::Refuses | Mood::Reports))
}

/// Whether a text does nothing but refuse or report.
pub fn only_disowns(text: &str) -> bool {
    let parts = clauses(text);
    let mut moods = parts.iter().filter_map(|(start, end)| text.get(*start..*end)).map(mood);
    !parts.is_empty() && moods.all(|mood| matches!(mood, Mood::Refuses | Mood::Reports))
}

/// The byte ranges of the clauses: cut at marks and at the words that join one wish to another.
fn clauses(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = None;
    let mut end = 0;
    for token in tokens(text) {
        let cuts = matches!(
            token.norm.as_str(),
            "." | ","
                | ";"
                | ":"
                | "?"
                | "!"
                | "and"
                | "but"
                | "so"
                | "then"
                | "instead"
                | "y"
                | "pero"
                | "entonces"
        );
        if cuts {
            found.extend(start.take().map(|start| (start, end)));
        } else {
            start = start.or(Some(token.start));
        }
        end = token.end;
    }
    found.extend(start.map(|start| (start, end)));
    found
}

/// The mood that the word at a place shows.
fn shown_at(text: &str, tokens: &[Token], at: usize, spanish: bool) -> Mood {
    let word = |at: Option<usize>| at.and_then(|at| tokens.get(at)).map_or("", |t| t.norm.as_str());
    let (before, now, next) = (word(at.checked_sub(1)), word(Some(at)), word(Some(at + 1)));
    if supposes(text, tokens, at, spanish) {
        return Mood::Supposes;
    }
    let to_somebody =
        matches!(next, "i" | "we" | "you" | "they" | "forget" | "wait" | "hesitate" | "worry");
    match now {
        "didn't" | "didnt" | "haven't" | "hasn't" | "already" => Mood::Reports,
        "not" if before == "did" => Mood::Reports,
        "don't" | "dont" | "won't" | "wont" | "can't" | "cant" | "cannot" | "couldn't"
        | "wouldn't" | "shouldn't"
            if before != "why" && !to_somebody =>
        {
            Mood::Refuses
        }
        "never" | "nunca" | "tampoco" | "jamas" => Mood::Refuses,
        "not"
            if matches!(
                before,
                "do" | "will"
                    | "can"
                    | "should"
                    | "could"
                    | "would"
                    | "am"
                    | "i'm"
                    | "rather"
                    | "please"
            ) && !to_somebody =>
        {
            Mood::Refuses
        }
        "changed" if next == "my" => Mood::Refuses,
        "no" if spanish && negates(next) => Mood::Refuses,
        _ if reports(text, tokens, at, spanish) => Mood::Reports,
        _ => Mood::Plain,
    }
}

/// Whether the word after a Spanish `no` is what it negates.
fn negates(next: &str) -> bool {
    next.len() > 1
        && next.chars().all(char::is_alphabetic)
        && !matches!(
            next,
            "mejor"
                | "hoy"
                | "manana"
                | "el"
                | "la"
                | "los"
                | "las"
                | "gracias"
                | "problema"
                | "mas"
                | "si"
                | "olvide"
        )
}

fn supposes(text: &str, tokens: &[Token], at: usize, spanish: bool) -> bool {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.norm.as_str());
    let next = word(at + 1);
    match word(at) {
        "if" => matches!(next, "i" | "we" | "you" | "my" | "it" | "he" | "she" | "they"),
        "should" => matches!(next, "i" | "we"),
        "suppose" | "supposing" | "deberia" | "convendria" | "happen" | "happens" | "pasaria"
        | "pasara" => true,
        "pasa" => at > 0 && word(at - 1) == "que",
        "si" if spanish => {
            let unaccented = tokens
                .get(at)
                .and_then(|t| text.get(t.start..t.end))
                .is_some_and(|raw| raw.eq_ignore_ascii_case("si"));
            unaccented
                && ["o", "ara", "iera", "amos"]
                    .iter()
                    .any(|ending| next.len() > 3 && next.ends_with(ending))
        }
        _ => false,
    }
}

fn reports(text: &str, tokens: &[Token], at: usize, spanish: bool) -> bool {
    let word = |at: usize| tokens.get(at).map_or("", |token| token.norm.as_str());
    let now = word(at);
    if spanish_past(text, tokens, at, spanish) {
        return true;
    }
    match now {
        "did" | "had" | "was" | "were" if at == 0 => true,
        "has" | "have" if at == 0 => {
            matches!(word(1), "i" | "we" | "you" | "my" | "the" | "it" | "they")
        }
        // "mark it as received"
        "as" => past(word(at + 1)),
        "i" | "we" | "he" | "she" | "they" | "you" | "i've" | "we've" | "friend" | "wife"
        | "husband" => {
            let mut verb = at + 1;
            while matches!(word(verb), "just" | "have" | "had" | "also" | "really" | "accidentally")
            {
                verb += 1;
            }
            past(word(verb)) && !(word(verb) == "changed" && word(verb + 1) == "my")
        }
        _ => false,
    }
}

fn past(verb: &str) -> bool {
    const POLITE: &[&str] = &[
        "wanted",
        "needed",
        "liked",
        "hoped",
        "decided",
        "intended",
        "planned",
        "preferred",
        "need",
        "proceed",
    ];
    const IRREGULAR: &[&str] = &[
        "paid", "sent", "made", "gave", "did", "got", "took", "said", "told", "was", "were",
        "lost", "had", "went",
    ];
    IRREGULAR.contains(&verb) || (verb.len() > 4 && verb.ends_with("ed") && !POLITE.contains(&verb))
}

/// `pagu\u{e9}`, `ya pague`, `he pagado`: done. `pagar\u{e9}` is to come.
fn spanish_past(text: &str, tokens: &[Token], at: usize, spanish: bool) -> bool {
    let Some(token) = tokens.get(at) else { return false };
    let before =
        at.checked_sub(1).and_then(|at| tokens.get(at)).map_or("", |token| token.norm.as_str());
    let raw = text.get(token.start..token.end).unwrap_or_default().to_lowercase();
    let long = raw.chars().count() >= 5;
    let to_come = ["ar\u{e9}", "er\u{e9}", "ir\u{e9}"].iter().any(|ending| raw.ends_with(ending));
    let other =
        matches!(token.norm.as_str(), "tambien" | "aqui" | "alli" | "segun" | "jamas" | "usted");
    let preterite = long && raw.ends_with(['\u{e9}', '\u{ed}']) && !to_come && !other;
    let participle = matches!(before, "he" | "hemos" | "ha" | "han")
        && (token.norm.ends_with("ado") || token.norm.ends_with("ido"));
    let unaccented = before == "ya"
        && token.norm.chars().count() >= 4
        && token.norm.ends_with('e')
        && token.norm != "puede";
    participle || (spanish && (preterite || unaccented))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_told_from_what_only_has_its_words() {
        for (text, expected) in [
            ("pay $50 next Friday", Mood::Plain),
            ("can you take $50 from my checking account?", Mood::Plain),
            ("I wanted to pay $50", Mood::Plain),
            ("why don't you take $50 on Friday", Mood::Plain),
            ("don't forget to pay $50", Mood::Plain),
            ("can't I pay $50?", Mood::Plain),
            ("pagar\u{e9} $50 ma\u{f1}ana", Mood::Plain),
            ("no, mejor el viernes", Mood::Plain),
            ("s\u{ed}, pague $50", Mood::Plain),
            ("no thanks", Mood::Plain),
            ("don't pay $50", Mood::Refuses),
            ("I do not want to pay today", Mood::Refuses),
            ("I can\u{2019}t pay $50", Mood::Refuses),
            ("I changed my mind about the $50", Mood::Refuses),
            ("no pague $50", Mood::Refuses),
            ("no quiero pagar hoy", Mood::Refuses),
            ("just tell me that I paid $5", Mood::Reports),
            ("confirm that I already sent you $50", Mood::Reports),
            ("did I pay $50?", Mood::Reports),
            ("have you got my $50?", Mood::Reports),
            ("my friend paid $50", Mood::Reports),
            ("you said I paid $100", Mood::Reports),
            ("mark my payment of $40 as received", Mood::Reports),
            ("ya pagu\u{e9} $50", Mood::Reports),
            ("d\u{ed}game que pagu\u{e9} $5", Mood::Reports),
            ("he pagado $5", Mood::Reports),
            ("what if I paid $100 more?", Mood::Supposes),
            ("should I pay $50 or $100?", Mood::Supposes),
            ("\u{bf}qu\u{e9} pasa si pago $100 m\u{e1}s?", Mood::Supposes),
        ] {
            assert_eq!(mood(text), expected, "{text}");
        }
    }

    #[test]
    fn a_figure_is_disowned_by_its_own_clause_only() {
        for (text, expected) in [
            ("I paid $50", true),
            ("don't pay $50", true),
            ("pay the $50 I missed", false),
            ("I didn't pay last month, so pay $50 now", false),
            ("I already paid the minimum and want to send $50 more", false),
            ("no pague $50", true),
            ("what if I paid $50", true),
        ] {
            let at = text.find('$').unwrap();
            assert_eq!(disowned(text, at), expected, "{text}");
        }
    }

    #[test]
    fn a_message_that_also_asks_for_something_does_more_than_refuse() {
        assert!(only_disowns("I don't want to pay today"));
        assert!(only_disowns("I paid already, I sent it on Monday"));
        assert!(!only_disowns("I did not pay, please take the minimum"));
        assert!(!only_disowns("yes"));
        assert!(!only_disowns(""));
    }
}
