//! Figures by reference: what a draft may say of amounts, dates, rates and counts, and how the server writes it.
//!
//! A draft cites fields (`[[r1.minimum_due]]`) and passages (`[[p1]]`); the server writes their values. A literal figure
//! passes only if it binds to exactly one field of this turn by value, kind and the noun beside it, or is quoted: from the
//! customer's own message in a clause that says so, or word for word from a passage the clause cites. Anything else is
//! sent back. What an earlier turn said is no source. What is absent: whether what is said of a figure is kind or wise.

mod nouns;

use std::collections::BTreeSet;

use chrono::NaiveDate;
use toolkit::{
    Field, FieldKind, FieldValue, Passage,
    reading::{Figure, Reading, Token, figures, fold, tokens},
};

use nouns::Beside;

/// Stands where a reference stood, so that nouns beside it can be found.
const MARK: char = '\u{fffc}';

/// A clause of so many words that stands in a passage is a quotation of it.
const QUOTE_WORDS: usize = 6;

/// What a clause may draw on.
#[derive(Clone, Debug)]
pub struct Sources {
    /// `r1` with its fields, in order.
    pub results: Vec<(String, Vec<Field>)>,
    /// `p1` with its passage, in order.
    pub passages: Vec<(String, Passage)>,
    /// Sentences of the server's own: refusals as the domain words them.
    pub sentences: Vec<String>,
    /// The customer's message of this turn.
    pub said: String,
    pub today: NaiveDate,
    pub language: Language,
}

/// In which language values are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    English,
    Spanish,
}

/// What became of a clause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    /// As the customer reads it.
    Pass(String),
    /// For the model: what is wrong.
    Repair(String),
}

/// Passages cited so far in the answer, in order of first use: `[1]`, `[2]`...
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Citations(pub Vec<String>);

impl Citations {
    /// The mark of a passage, a new number for one not cited before.
    fn mark(&mut self, citation: &str) -> String {
        let at = self.0.iter().position(|cited| cited == citation).unwrap_or_else(|| {
            self.0.push(citation.to_owned());
            self.0.len() - 1
        });
        format!("[{}]", at + 1)
    }
}

/// A reference found in a clause.
struct Reference<'a> {
    field: Option<&'a Field>,
    /// The fields of the result it is one of.
    among: &'a [Field],
    passage: Option<&'a Passage>,
}

/// Checks one clause and writes its values in.
pub fn check(clause: &str, sources: &Sources, citations: &mut Citations) -> Checked {
    match checked(clause, sources, citations) {
        Ok(text) => Checked::Pass(text),
        Err(reason) => Checked::Repair(reason),
    }
}

fn checked(clause: &str, sources: &Sources, citations: &mut Citations) -> Result<String, String> {
    if let Some(passage) = whole_quote(clause, sources) {
        return Ok(format!("{} {}", clause.trim(), citations.mark(&passage.citation)));
    }
    let (literal, references) = parted(clause, sources)?;
    let words = tokens(&literal);
    let nouns = nouns::known(sources);
    check_references(&words, &references, &nouns)?;
    check_days(&words, &references, sources.today)?;
    let cited: Vec<&Passage> = references.iter().filter_map(|found| found.passage).collect();
    for figure in figures(&literal) {
        if list_marker(&words, &figure) || quoted(&words, &figure, &literal, sources, &cited) {
            continue;
        }
        bind(&words, &figure, sources, &nouns)?;
    }
    Ok(written(&literal, &references, sources.language, citations))
}

/// The passage that holds the whole clause word for word. The server adds the citation that the draft left out.
fn whole_quote<'a>(clause: &str, sources: &'a Sources) -> Option<&'a Passage> {
    if clause.contains("[[") || figures(clause).is_empty() {
        return None;
    }
    let words = plain(clause.trim().trim_end_matches(['.', '!', '?', ':']));
    let long = words.split(' ').count() >= QUOTE_WORDS;
    let holds =
        |passage: &&Passage| format!(" {} ", plain(&passage.text)).contains(&format!(" {words} "));
    let mut passages = sources.passages.iter().map(|(_, passage)| passage);
    passages.find(holds).filter(|_| long)
}

/// The clause with each reference as one mark, and what the references mean.
fn parted<'a>(clause: &str, sources: &'a Sources) -> Result<(String, Vec<Reference<'a>>), String> {
    let (mut literal, mut references) = (String::new(), Vec::new());
    let clause = clause.replace(MARK, "");
    let mut rest = clause.as_str();
    while let Some((before, after)) = rest.split_once("[[") {
        literal.push_str(before);
        let (name, after) = after.split_once("]]").ok_or("a reference does not end with ]]")?;
        references.push(resolve(name.trim(), sources)?);
        literal.push(MARK);
        rest = after;
    }
    literal.push_str(rest);
    Ok((literal, references))
}

fn resolve<'a>(name: &str, sources: &'a Sources) -> Result<Reference<'a>, String> {
    let missing = || format!("there is no [[{name}]] among this turn's results");
    if let Some((_, passage)) = sources.passages.iter().find(|(mark, _)| mark == name) {
        return Ok(Reference { field: None, among: &[], passage: Some(passage) });
    }
    let (result, field) = name.split_once('.').ok_or_else(missing)?;
    let (_, fields) =
        sources.results.iter().find(|(mark, _)| mark == result).ok_or_else(missing)?;
    let field = fields.iter().find(|known| known.name == field).ok_or_else(missing)?;
    Ok(Reference { field: Some(field), among: fields, passage: None })
}

/// A reference may not stand beside the noun of something else.
fn check_references(
    words: &[Token],
    references: &[Reference<'_>],
    nouns: &BTreeSet<String>,
) -> Result<(), String> {
    let marks: Vec<usize> = words
        .iter()
        .enumerate()
        .filter(|(_, word)| word.norm.starts_with(MARK))
        .map(|(at, _)| at)
        .collect();
    for (at, reference) in marks.iter().zip(references) {
        let Some(field) = reference.field else { continue };
        let numeric = matches!(field.kind, FieldKind::Money | FieldKind::Rate);
        if numeric
            && let Some(beside) = nouns::beside(words, *at, *at, nouns)
            && !beside.shares_a_word_with(field)
        {
            return Err(format!(
                "\"{}\" stands beside the {}; say what it is",
                beside.text(),
                field.label
            ));
        }
    }
    Ok(())
}

/// The fields that name the day a result is of.
const DAY_OF: [&str; 2] = ["on", "as_of"];

/// "Today" beside a figure of another day is an invented date: the clause has to cite the day that the result is of.
fn check_days(
    words: &[Token],
    references: &[Reference<'_>],
    today: NaiveDate,
) -> Result<(), String> {
    let said: Vec<NaiveDate> = words.iter().filter_map(|word| relative_day(word, today)).collect();
    if said.is_empty() {
        return Ok(());
    }
    let cited = |field: &Field| {
        references.iter().any(|one| one.field.is_some_and(|cited| std::ptr::eq(cited, field)))
    };
    for of_day in references.iter().filter(|one| one.field.is_some()).flat_map(|one| one.among) {
        let FieldValue::Date(day) = of_day.value else { continue };
        if DAY_OF.contains(&of_day.name.as_str()) && !said.contains(&day) && !cited(of_day) {
            return Err(format!(
                "the figure is of another day; cite the {} and leave the word for a day out",
                of_day.label
            ));
        }
    }
    Ok(())
}

/// The day that one word means, counted from today. The Spanish for tomorrow is a part of a day as well, and is let be.
fn relative_day(word: &Token, today: NaiveDate) -> Option<NaiveDate> {
    match word.norm.as_str() {
        "today" | "today's" | "tonight" | "hoy" => Some(today),
        "tomorrow" | "tomorrow's" => today.succ_opt(),
        "yesterday" | "yesterday's" | "ayer" => today.pred_opt(),
        _ => None,
    }
}

/// `1.` at the head of a line counts nothing.
fn list_marker(words: &[Token], figure: &Figure) -> bool {
    figure.first == 0
        && figure.last == 0
        && matches!(figure.value, Reading::Number(_))
        && words.get(1).is_some_and(|next| matches!(next.norm.as_str(), "." | ")"))
        && words.len() > 2
}

/// Exactly one field has this value, this kind and the noun beside the figure.
fn bind(
    words: &[Token],
    figure: &Figure,
    sources: &Sources,
    nouns: &BTreeSet<String>,
) -> Result<(), String> {
    let unsourced = || {
        let text: String = words
            .get(figure.first..=figure.last)
            .unwrap_or_default()
            .iter()
            .map(|word| word.norm.as_str())
            .collect::<Vec<_>>()
            .join(" ");
        format!("\"{text}\" comes from no result; cite the field instead of writing a figure")
    };
    if hedged(words, figure.first) {
        return Err(unsourced());
    }
    let beside = nouns::beside(words, figure.first, figure.last, nouns).ok_or_else(unsourced)?;
    let mut bound: Vec<&Field> = Vec::new();
    for field in sources.results.iter().flat_map(|(_, fields)| fields) {
        let same =
            bound.iter().any(|known| known.value == field.value && known.label == field.label);
        if !same && means(&figure.value, field, sources.today) && beside.names(field) {
            bound.push(field);
        }
    }
    if bound.len() == 1 { Ok(()) } else { Err(unsourced()) }
}

fn hedged(words: &[Token], first: usize) -> bool {
    words.get(first.saturating_sub(2)..first).unwrap_or_default().iter().any(|word| {
        matches!(
            word.norm.as_str(),
            "about"
                | "around"
                | "roughly"
                | "approximately"
                | "nearly"
                | "almost"
                | "over"
                | "under"
                | "least"
                | "most"
                | "than"
                | "between"
                | "casi"
                | "unos"
                | "unas"
                | "menos"
                | "alrededor"
                | "entre"
                | "aproximadamente"
                | "not"
                | "no"
        )
    })
}

fn means(value: &Reading, field: &Field, today: NaiveDate) -> bool {
    if field.third_party {
        return false;
    }
    match &field.value {
        FieldValue::Money(amount) => value.is_amount(*amount),
        FieldValue::Date(date) => value.is_date(*date, today),
        FieldValue::Rate(ppm) => value.is_rate(*ppm),
        FieldValue::Count(count) => value.is_count(*count),
        FieldValue::Text(text) => match value {
            Reading::Identifier(id) => field.kind == FieldKind::Id && fold(text) == *id,
            Reading::Number(_) if field.kind == FieldKind::Text => {
                figures(text).iter().any(|figure| figure.value == *value)
            }
            _ => false,
        },
    }
}

/// Said to be the customer's own words, or a cited passage's.
fn quoted(
    words: &[Token],
    figure: &Figure,
    literal: &str,
    sources: &Sources,
    cited: &[&Passage],
) -> bool {
    let attributed = words.windows(2).any(|pair| match pair {
        [who, verb] => {
            let verb = verb.norm.as_str();
            (who.norm == "you"
                && matches!(verb, "said" | "asked" | "mentioned" | "wrote" | "requested" | "told"))
                || matches!(verb, "dijiste" | "pidio" | "menciono" | "escribio")
        }
        _ => false,
    });
    let holds = |text: &str| figures(text).iter().any(|known| known.value == figure.value);
    if attributed && holds(&sources.said) {
        return true;
    }
    let phrase = |from: usize, to: usize| -> Option<String> {
        let part = words.get(from..=to)?;
        let (start, end) = (part.first()?.start, part.last()?.end);
        literal.get(start..end).map(plain)
    };
    let with_neighbours = [
        figure.first.checked_sub(1).and_then(|before| phrase(before, figure.last)),
        phrase(figure.first, figure.last + 1),
    ];
    let texts = cited.iter().map(|passage| &passage.text).chain(&sources.sentences);
    texts.into_iter().any(|text| {
        let text = format!(" {} ", plain(text));
        with_neighbours
            .iter()
            .flatten()
            .any(|phrase| phrase.split(' ').count() > 1 && text.contains(&format!(" {phrase} ")))
    })
}

/// Folded words with one blank between.
fn plain(text: &str) -> String {
    tokens(&fold(text)).iter().map(|token| token.norm.as_str()).collect::<Vec<_>>().join(" ")
}

fn written(
    literal: &str,
    references: &[Reference<'_>],
    language: Language,
    citations: &mut Citations,
) -> String {
    let mut text = String::new();
    let mut references = references.iter();
    for c in literal.chars() {
        if c != MARK {
            text.push(c);
            continue;
        }
        let Some(reference) = references.next() else { continue };
        if let Some(field) = reference.field {
            if field.kind == FieldKind::List {
                text = format!("{}\n{}\n", text.trim_end(), field.text);
            } else {
                text.push_str(&value_text(field, language));
            }
        } else if let Some(passage) = reference.passage {
            text.push_str(&citations.mark(&passage.citation));
        }
    }
    text.trim().to_owned()
}

/// A value as the server writes it.
pub fn value_text(field: &Field, language: Language) -> String {
    match (&field.value, language) {
        (FieldValue::Date(date), Language::Spanish) => calendar::spanish_date(*date),
        _ => field.text.clone(),
    }
}

impl Beside<'_> {
    /// One of the field's nouns stands here.
    fn names(&self, field: &Field) -> bool {
        field.nouns.iter().any(|noun| self.holds(noun))
    }
}

#[cfg(test)]
mod tests;
