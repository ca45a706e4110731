//! What is wrong with a file, and where.

use std::ops::Range;

/// An error in a text, with its place counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {message}")]
pub struct TextError {
    pub line: usize,
    pub column: usize,
    pub message: String,
}

impl TextError {
    /// The bytes of a file as text: UTF-8, or an error at the first byte that is none.
    pub fn utf8(bytes: &[u8]) -> Result<&str, Self> {
        str::from_utf8(bytes).map_err(|error| {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let before = String::from_utf8_lossy(before);
            let end = before.len();
            Self::at(&before, end..end, "this is no text in UTF-8")
        })
    }

    pub(crate) fn of(text: &str, error: &toml::de::Error) -> Self {
        let said = &in_words(error.message());
        let bare = said.contains("expected a string")
            && (said.contains("floating point") || said.contains("integer"));
        let span = error.span().unwrap_or_default();
        if bare {
            let advice = r#"amounts and rates stand between quotes, as "500.00" and "28.99%" do"#;
            return Self::at(text, span, format!("{said}: {advice}"));
        }
        Self::at(text, span, said.as_str())
    }

    pub(crate) fn at(text: &str, span: Range<usize>, message: impl Into<String>) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Self { line, column, message: message.into() }
    }
}

/// What the parser says of types of the program, for who writes the file.
fn in_words(said: &str) -> String {
    let Some((before, expected)) = said.split_once("expected ") else { return said.to_owned() };
    match expected.split_whitespace().next() {
        Some("u8" | "u16" | "u32" | "u64" | "usize" | "i32" | "i64") => {
            format!("{before}expected a whole number, as 5")
        }
        Some("struct") => format!("{before}expected a table"),
        Some("f64") => format!("{before}expected a number"),
        _ => said.to_owned(),
    }
}
