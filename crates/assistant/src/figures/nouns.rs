//! The noun beside a figure: the nearest run of words that name money, dates or counts.

use std::collections::BTreeSet;

use toolkit::{
    Field,
    reading::{Token, fold},
};

use super::Sources;

/// How far before and after a figure its noun may stand.
const BEFORE: usize = 9;
const AFTER: usize = 4;

/// Nouns of this business, whether or not a field of this turn has them.
const VOCABULARY: &[&str] = &[
    "apr",
    "available",
    "balance",
    "borrowed",
    "charge",
    "charged",
    "charges",
    "count",
    "credit",
    "cost",
    "date",
    "days",
    "draw",
    "draws",
    "due",
    "fee",
    "fees",
    "interest",
    "late",
    "limit",
    "minimum",
    "owe",
    "owed",
    "past",
    "paid",
    "pay",
    "payment",
    "payments",
    "payoff",
    "penalty",
    "principal",
    "rate",
    "refund",
    "reward",
    "score",
    "statement",
    "total",
    "transactions",
    "used",
    "atrasado",
    "capital",
    "cargo",
    "cargos",
    "credito",
    "debe",
    "deuda",
    "disponible",
    "fecha",
    "interes",
    "intereses",
    "limite",
    "minimo",
    "multa",
    "pagar",
    "pago",
    "pagos",
    "principal",
    "reembolso",
    "retiro",
    "saldo",
    "tasa",
    "total",
    "vencimiento",
    "vence",
];

/// A run of nouns.
pub(super) struct Beside<'a> {
    run: Vec<&'a str>,
}

/// Every word that names something here: the vocabulary and the nouns of this turn's fields.
pub(super) fn known(sources: &Sources) -> BTreeSet<String> {
    let fields = sources.results.iter().flat_map(|(_, fields)| fields);
    let of_fields = fields.flat_map(|field| &field.nouns).flat_map(|noun| split(noun));
    VOCABULARY.iter().map(|&noun| noun.to_owned()).chain(of_fields).collect()
}

fn split(noun: &str) -> Vec<String> {
    fold(noun).split_whitespace().map(str::to_owned).collect()
}

/// The run of nouns nearest to the words `first..=last`, in the same part of the sentence.
pub(super) fn beside<'a>(
    words: &'a [Token],
    first: usize,
    last: usize,
    nouns: &BTreeSet<String>,
) -> Option<Beside<'a>> {
    let noun = |at: usize| words.get(at).is_some_and(|word| nouns.contains(&word.norm));
    let stops = |at: usize| {
        words.get(at).is_none_or(|word| matches!(word.norm.as_str(), ";" | ":" | "\u{fffc}"))
    };
    let before = (1..=BEFORE)
        .map_while(|back| first.checked_sub(back).map(|at| (back, at)))
        .take_while(|(_, at)| {
            !matches!(words.get(*at).map(|w| w.norm.as_str()), Some(";" | "\u{fffc}"))
        })
        .find(|(_, at)| noun(*at));
    let after = (1..=AFTER)
        .map(|ahead| (ahead, last + ahead))
        .take_while(|(_, at)| !stops(*at) && !joins(words, *at))
        .find(|(_, at)| noun(*at));
    let at = match (before, after) {
        (Some((back, before)), Some((ahead, after))) => {
            if ahead < back {
                after
            } else {
                before
            }
        }
        (Some((_, at)), None) | (None, Some((_, at))) => at,
        (None, None) => return None,
    };
    let start = (0..at).rev().take_while(|at| noun(*at)).last().unwrap_or(at);
    let end = (at + 1..words.len()).take_while(|at| noun(*at)).last().unwrap_or(at);
    let run = words.get(start..=end)?.iter().map(|word| word.norm.as_str()).collect();
    Some(Beside { run })
}

/// Words after which the sentence speaks of something else.
fn joins(words: &[Token], at: usize) -> bool {
    words
        .get(at)
        .is_some_and(|word| matches!(word.norm.as_str(), "and" | "y" | "but" | "pero" | ","))
}

impl Beside<'_> {
    pub(super) fn text(&self) -> String {
        self.run.join(" ")
    }

    /// The whole phrase stands in the run.
    pub(super) fn holds(&self, phrase: &str) -> bool {
        let wanted = split(phrase);
        !wanted.is_empty()
            && self.run.windows(wanted.len()).any(|window| window.iter().eq(wanted.iter()))
    }

    pub(super) fn shares_a_word_with(&self, field: &Field) -> bool {
        let label = split(&field.label);
        let nouns: Vec<String> = field.nouns.iter().flat_map(|noun| split(noun)).collect();
        nouns.is_empty()
            || self.run.iter().any(|word| nouns.iter().chain(&label).any(|n| n == word))
    }
}
