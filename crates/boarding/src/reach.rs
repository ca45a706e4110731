//! Where paper goes to a customer, and what stands against writing to them or asking them for money: both optional, both in one
//! cell each, parted by semicolons.

use credit::FlagKind;

use crate::cells::Cells;

/// Lines of a mailing address, and the letters of each.
const LINES_MAX: usize = 5;
const LINE_CHARS_MAX: usize = 80;

/// What a row says of it.
#[derive(Debug, Default)]
pub(crate) struct Reach {
    pub(crate) postal: Vec<String>,
    pub(crate) flags: Vec<FlagKind>,
}

impl Reach {
    pub(crate) fn read(cells: &mut Cells<'_>) -> Self {
        Self { postal: postal(cells), flags: flags(cells) }
    }
}

fn parts(text: &str) -> Vec<String> {
    text.split(';').map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn postal(cells: &mut Cells<'_>) -> Vec<String> {
    let Some(text) = cells.words("postal_address") else { return Vec::new() };
    let lines = parts(&text);
    let short = lines.iter().all(|line| line.chars().count() <= LINE_CHARS_MAX);
    if lines.len() < 2 || lines.len() > LINES_MAX || !short {
        cells.wrong(
            "postal_address",
            "this is no mailing address",
            "write two to five short lines without the name, parted by semicolons: 1 Elm Street; Sacramento, CA 95814",
        );
    }
    lines
}

fn flags(cells: &mut Cells<'_>) -> Vec<FlagKind> {
    let Some(text) = cells.words("flags") else { return Vec::new() };
    let mut found = Vec::new();
    for word in parts(&text) {
        let word = word.to_lowercase().replace([' ', '-'], "_");
        match serde_json::from_value(serde_json::Value::String(word.clone())) {
            Ok(flag) if !found.contains(&flag) => found.push(flag),
            Ok(_) => {}
            Err(_) => cells.wrong(
                "flags",
                format!("there is no flag `{word}`"),
                "write those of docs/boarding.md, parted by semicolons",
            ),
        }
    }
    found
}
