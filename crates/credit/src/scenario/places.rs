//! Where in the text of a scenario an error belongs: at the key that it names, where that stands in the table concerned.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// The place in the table at `span` of the first key, or else value, that a message names between backticks.
pub(super) fn named(text: &str, span: &Range<usize>, message: &str) -> Option<Range<usize>> {
    message.contains('`').then_some(())?;
    let whole = DeTable::parse(text).ok()?;
    let table = table_at(whole.get_ref(), span)?;
    let mut words = message.split('`').skip(1).step_by(2);
    words.find_map(|word| of_word(table, word))
}

/// The table that begins and ends there.
fn table_at<'a, 'i>(table: &'a DeTable<'i>, span: &Range<usize>) -> Option<&'a DeTable<'i>> {
    table.iter().find_map(|(_, value)| inside(value, span))
}

fn inside<'a, 'i>(value: &'a Spanned<DeValue<'i>>, span: &Range<usize>) -> Option<&'a DeTable<'i>> {
    match value.get_ref() {
        DeValue::Table(table) if value.span() == *span => Some(table),
        DeValue::Table(table) => table_at(table, span),
        DeValue::Array(items) => items.iter().find_map(|item| inside(item, span)),
        _ => None,
    }
}

fn of_word(table: &DeTable<'_>, word: &str) -> Option<Range<usize>> {
    let key = word.split(" = ").next().unwrap_or(word);
    let path: Vec<&str> = key.split('.').collect();
    of_path(table, &path).or_else(|| of_text(table, word))
}

/// Of a dotted key, in the table itself or in one of those in it.
fn of_path(table: &DeTable<'_>, path: &[&str]) -> Option<Range<usize>> {
    own_path(table, path).or_else(|| {
        table.iter().find_map(|(_, value)| tables(value).find_map(|inner| of_path(inner, path)))
    })
}

fn own_path(table: &DeTable<'_>, path: &[&str]) -> Option<Range<usize>> {
    let (first, rest) = path.split_first()?;
    let (key, value) = table.iter().find(|(key, _)| key.get_ref().as_ref() == *first)?;
    if rest.is_empty() {
        return Some(key.span());
    }
    own_path(value.get_ref().as_table()?, rest)
}

/// Of a text that is the value of a key.
fn of_text(table: &DeTable<'_>, word: &str) -> Option<Range<usize>> {
    let own = table.iter().find(|(_, value)| value.get_ref().as_str() == Some(word));
    own.map(|(_, value)| value.span()).or_else(|| {
        table.iter().find_map(|(_, value)| tables(value).find_map(|inner| of_text(inner, word)))
    })
}

fn tables<'a, 'i>(
    value: &'a Spanned<DeValue<'i>>,
) -> Box<dyn Iterator<Item = &'a DeTable<'i>> + 'a> {
    match value.get_ref() {
        DeValue::Table(table) => Box::new(std::iter::once(table)),
        DeValue::Array(items) => Box::new(items.iter().flat_map(|item| tables(item))),
        _ => Box::new(std::iter::empty()),
    }
}

/// Where each line begins, so that the places of many events are found without reading the text for each.
pub(super) struct Lines(Vec<usize>);

impl Lines {
    pub(super) fn of(text: &str) -> Self {
        let after = text.match_indices('\n').map(|(at, _)| at + 1);
        Self(std::iter::once(0).chain(after).collect())
    }

    /// Line and column, counted from 1.
    pub(super) fn place(&self, text: &str, at: usize) -> (usize, usize) {
        let line = self.0.partition_point(|begins| *begins <= at);
        let begins = line.checked_sub(1).and_then(|before| self.0.get(before)).copied();
        let before = text.get(begins.unwrap_or_default()..at).unwrap_or_default();
        (line.max(1), before.chars().count() + 1)
    }
}
