//! Typed spans of what a person said: amounts, dates, endings and kinds of bank accounts, references, plain numbers.
//!
//! A span is a place in the text, never a value: what is put into an argument is what the person wrote. Amounts and dates are
//! recognised by the readers the guards use, so that what is filled in here is read the same there.

use calendar::{SpokenDate, SpokenDateError};
use chrono::NaiveDate;
use toolkit::reading::{Reading, Token, figures, fold, tokens};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Kind {
    Amount,
    Date,
    /// The last digits of a bank account.
    Ending,
    /// A word for a kind of bank account.
    Account,
    /// Letters with digits, such as a receipt carries.
    Reference,
    Percent,
    Number,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) kind: Kind,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) fn of<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.start..self.end).unwrap_or_default()
    }

    fn meets(&self, other: &Self) -> bool {
        self.start < other.end && other.start < self.end
    }
}

/// The typed spans of a text, in order, not overlapping.
pub(crate) fn spans(text: &str) -> Vec<Span> {
    let tokens = tokens(text);
    let mut found: Vec<Span> = Vec::new();
    let readers = [
        references(text),
        dates(text, &tokens),
        endings(&tokens),
        read_figures(text),
        accounts(&tokens),
    ];
    for span in readers.into_iter().flatten() {
        if !found.iter().any(|earlier| earlier.meets(&span)) {
            found.push(span);
        }
    }
    found.sort_by_key(|span| span.start);
    found
}

/// The text with each span replaced by one that stands for its kind, so that two requests compare by what they ask.
pub(crate) fn masked(text: &str) -> String {
    replaced(text, |kind| match kind {
        Kind::Amount => Some("$50"),
        Kind::Date => Some("Friday"),
        Kind::Ending => Some("1234"),
        Kind::Reference => Some("ABC123"),
        Kind::Account | Kind::Percent | Kind::Number => None,
    })
}

/// The text without its spans.
pub(crate) fn without(text: &str) -> String {
    replaced(text, |_| Some(" "))
}

fn replaced(text: &str, by: impl Fn(Kind) -> Option<&'static str>) -> String {
    let mut out = String::new();
    let mut at = 0;
    for span in spans(text) {
        out.push_str(text.get(at..span.start).unwrap_or_default());
        out.push_str(by(span.kind).unwrap_or_else(|| span.of(text)));
        at = span.end;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

/// Any day will do: the calendar is asked whether words are a date, not which.
fn some_day() -> NaiveDate {
    NaiveDate::default()
}

fn dates(text: &str, tokens: &[Token]) -> Vec<Span> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let last =
            (at..tokens.len().min(at + 8)).rev().find(|last| is_date(text, tokens, at, *last));
        // "all the 20th" could be many days; "the 20th" within it is one.
        let last = last.filter(|last| !vague(text, tokens, at, *last));
        if let (Some(last), Some(first)) = (last, tokens.get(at)) {
            let end = tokens.get(last).map_or(first.end, |token| token.end);
            found.push(Span { kind: Kind::Date, start: first.start, end });
            at = last + 1;
        } else {
            at += 1;
        }
    }
    found
}

/// Whether words could be more than one day although fewer of them, up to the same end, are one.
fn vague(text: &str, tokens: &[Token], first: usize, last: usize) -> bool {
    let resolved = |first: usize| {
        let start = tokens.get(first).map_or(0, |token| token.start);
        let end = tokens.get(last).map_or(start, |token| token.end);
        SpokenDate(text.get(start..end).unwrap_or_default().to_owned()).resolve(some_day())
    };
    matches!(resolved(first), Err(SpokenDateError::Ambiguous(_)))
        && (first + 1..=last)
            .any(|first| is_date(text, tokens, first, last) && resolved(first).is_ok())
}

fn is_date(text: &str, tokens: &[Token], first: usize, last: usize) -> bool {
    let norm = |at: usize| tokens.get(at).map_or("", |token| token.norm.as_str());
    let before = first.checked_sub(1).map_or("", norm);
    if matches!(
        norm(first),
        "on" | "by" | "for" | "from" | "until" | "para" | "a" | "al" | "." | "," | "?" | "!" | "$"
    ) && !(norm(first) == "a" && last > first + 1)
    {
        return false;
    }
    // "right now" is urgency, not a day.
    if matches!(norm(last), "now" | "ahora" | "mismo") {
        return false;
    }
    if matches!(norm(last), "." | "," | "?" | "!" | ":" | ";")
        || (first == last && not_a_date_alone(norm(first), before))
    {
        return false;
    }
    // "the second one" counts things, not days.
    let ordinal = matches!(
        norm(last),
        "first" | "second" | "third" | "last" | "primero" | "segundo" | "tercero"
    );
    if ordinal
        && matches!(
            norm(last + 1),
            "one" | "ones" | "time" | "half" | "thing" | "payment" | "pago" | "vez"
        )
    {
        return false;
    }
    let (Some(start), Some(end)) =
        (tokens.get(first).map(|t| t.start), tokens.get(last).map(|t| t.end))
    else {
        return false;
    };
    let said = text.get(start..end).unwrap_or_default();
    match (SpokenDate(said.to_owned()).resolve(some_day()), day_of(said)) {
        (Ok(_) | Err(SpokenDateError::Ambiguous(_) | SpokenDateError::NoSuchDay(_)), _)
        | (_, true) => true,
        (Err(SpokenDateError::NotADate(_)), false) => false,
    }
}

/// `the 45th`: said as a day although no month has it; the calendar is to say so.
fn day_of(said: &str) -> bool {
    let Some(rest) = fold(said).strip_prefix("the ").map(str::to_owned) else { return false };
    let digits = rest.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    ["st", "nd", "rd", "th"].iter().any(|ending| rest.strip_prefix(digits) == Some(ending))
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

/// Words that are a date only in company.
fn not_a_date_alone(word: &str, before: &str) -> bool {
    let counts = figures(word).iter().any(|figure| matches!(figure.value, Reading::Number(_)));
    let ordinal = matches!(
        word,
        "first" | "second" | "third" | "primero" | "segundo" | "tercero" | "last" | "ultimo"
    );
    let counted = matches!(before, "the" | "el" | "on" | "dia");
    matches!(
        word,
        "now"
            | "ahora"
            | "soon"
            | "one"
            | "uno"
            | "una"
            | "un"
            | "end"
            | "fin"
            | "final"
            | "march"
            | "may"
    ) || counts
        || (ordinal && !counted)
        || (word == "manana" && before == "la")
}

fn read_figures(text: &str) -> Vec<Span> {
    let kind = |reading: &Reading| match reading {
        Reading::Money(_) => Some(Kind::Amount),
        Reading::Percent(_) => Some(Kind::Percent),
        Reading::Number(_) => Some(Kind::Number),
        Reading::Identifier(_) => Some(Kind::Reference),
        _ => None,
    };
    let empty = |span: &Span| !span.of(text).contains(char::is_alphanumeric);
    let small = |span: &Span| {
        matches!(fold(span.of(text)).as_str(), "one" | "a" | "un" | "una" | "uno" | "half")
    };
    figures(text)
        .iter()
        .filter_map(|figure| {
            Some(Span { kind: kind(&figure.value)?, start: figure.start, end: figure.end })
        })
        .filter(|span| !small(span) && !empty(span))
        .collect()
}

/// Words of capitals and digits, joined by hyphens or not: `PK-20X7`, `R2D2`, a UUID.
fn references(text: &str) -> Vec<Span> {
    let mut found = Vec::new();
    let mut at = 0;
    for word in text.split_inclusive(char::is_whitespace) {
        let core = word.trim_matches(|c: char| !c.is_alphanumeric());
        if let Some(offset) = word.find(core)
            && !core.is_empty()
            && is_reference(core)
        {
            let start = at + offset;
            found.push(Span { kind: Kind::Reference, start, end: start + core.len() });
        }
        at += word.len();
    }
    found
}

pub(crate) fn is_reference(word: &str) -> bool {
    let letters = word.chars().any(|c| c.is_ascii_alphabetic());
    let digits = word.chars().any(|c| c.is_ascii_digit());
    let capitals = !word.chars().any(|c| c.is_ascii_lowercase());
    let inside = word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    let uuid = word.len() == 36 && word.matches('-').count() == 4;
    let leads = word.starts_with(|c: char| c.is_ascii_alphabetic());
    inside
        && letters
        && (uuid
            || (capitals
                && leads
                && word.len() >= 4
                && (digits || (word.contains('-') && word.len() >= 6))))
}

/// Four digits after words such as "ending in".
fn endings(tokens: &[Token]) -> Vec<Span> {
    let mut found = Vec::new();
    let mut announced = 0_u8;
    for token in tokens {
        let digits = (3..=5).contains(&token.norm.len())
            && token.norm.bytes().all(|byte| byte.is_ascii_digit());
        if announced > 0 && digits {
            found.push(Span { kind: Kind::Ending, start: token.start, end: token.end });
            announced = 0;
        } else if matches!(
            token.norm.as_str(),
            "ending"
                | "ends"
                | "terminada"
                | "termina"
                | "terminacion"
                | "digits"
                | "digitos"
                | "*"
                | "x"
                | "\u{2022}"
        ) {
            announced = 3;
        } else {
            announced = announced.saturating_sub(1);
        }
    }
    found
}

fn accounts(tokens: &[Token]) -> Vec<Span> {
    const KINDS: [&str; 8] =
        ["checking", "chequing", "cheking", "savings", "saving", "corriente", "cheques", "ahorros"];
    tokens
        .iter()
        .filter(|token| KINDS.contains(&token.norm.as_str()))
        .map(|token| Span { kind: Kind::Account, start: token.start, end: token.end })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_found_behind_words_that_would_make_it_many() {
        let text = "\u{bf}cu\u{e1}nto hay que traer para llevarlo todo el 20?";
        let found: Vec<_> =
            spans(text).into_iter().filter(|span| span.kind == Kind::Date).collect();
        assert_eq!(found.iter().map(|span| span.of(text)).collect::<Vec<_>>(), ["el 20"]);
    }

    fn found(text: &str) -> Vec<(Kind, &str)> {
        spans(text).into_iter().map(|span| (span.kind, span.of(text))).collect()
    }

    #[test]
    fn each_kind_is_found_where_it_is_said() {
        let cases: &[(&str, &[(Kind, &str)])] = &[
            (
                "send $50 next Friday from checking",
                &[(Kind::Amount, "$50"), (Kind::Date, "next Friday"), (Kind::Account, "checking")],
            ),
            (
                "fifty dollars on the 20th, please",
                &[(Kind::Amount, "fifty dollars"), (Kind::Date, "the 20th")],
            ),
            (
                "manda 50 dólares mañana desde mis ahorros",
                &[(Kind::Amount, "50 dólares"), (Kind::Date, "mañana"), (Kind::Account, "ahorros")],
            ),
            ("el viernes que viene", &[(Kind::Date, "el viernes que viene")]),
            (
                "in 3 days or on December 1",
                &[(Kind::Date, "in 3 days"), (Kind::Date, "December 1")],
            ),
            ("on the first", &[(Kind::Date, "the first")]),
            ("the account ending in 4321", &[(Kind::Ending, "4321")]),
            ("drop PK-20X7.", &[(Kind::Reference, "PK-20X7")]),
            ("the last 5 loans", &[(Kind::Number, "5")]),
            ("at 2026-12-01?", &[(Kind::Date, "2026-12-01")]),
            ("the second one", &[]),
            ("first, tell me more right now", &[]),
        ];
        for (text, expected) in cases {
            assert_eq!(found(text), *expected, "{text}");
        }
    }

    #[test]
    fn masking_leaves_what_is_asked_and_hides_which() {
        assert_eq!(masked("send $75.10 tomorrow"), masked("send $50 next Friday"));
        assert_eq!(without("send $75.10 tomorrow").trim(), "send");
    }
}
