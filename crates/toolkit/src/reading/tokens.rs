//! Words, numbers and marks of a text, with their places.

use super::words::MICROS;

/// One word, number or mark. Numbers keep their separators inside: `1,234.56` is one token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Byte range in the text.
    pub start: usize,
    pub end: usize,
    /// Lower case, without accents.
    pub norm: String,
    /// In millionths, for a number in digits.
    pub number: Option<i128>,
    /// Letters and digits in one word, letters first: `R01`.
    pub identifier: bool,
    /// A numeral of another script.
    pub unreadable: bool,
}

/// Lower case without accents, marks of width folded: what two writings of one word have in common.
pub fn fold(text: &str) -> String {
    text.chars().flat_map(fold_char).collect()
}

fn fold_char(c: char) -> impl Iterator<Item = char> {
    let plain = match c {
        '\u{e1}' | '\u{e0}' | '\u{e2}' | '\u{e4}' | '\u{c1}' => 'a',
        '\u{e9}' | '\u{e8}' | '\u{ea}' | '\u{eb}' | '\u{c9}' => 'e',
        '\u{ed}' | '\u{ec}' | '\u{ee}' | '\u{ef}' | '\u{cd}' => 'i',
        '\u{f3}' | '\u{f2}' | '\u{f4}' | '\u{f6}' | '\u{d3}' => 'o',
        '\u{fa}' | '\u{f9}' | '\u{fb}' | '\u{fc}' | '\u{da}' => 'u',
        '\u{f1}' | '\u{d1}' => 'n',
        '\u{2018}' | '\u{2019}' | '\u{2bc}' | '\u{60}' => '\'',
        '\u{2010}'..='\u{2015}' | '\u{2212}' => '-',
        // Full-width forms.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    };
    plain.to_lowercase()
}

/// The tokens of a text. Blanks and invisible characters part nothing but words.
pub fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<(usize, char)> = text
        .char_indices()
        .filter(|(_, c)| !matches!(c, '\u{200b}'..='\u{200f}' | '\u{ad}' | '\u{2060}' | '\u{feff}'))
        .map(|(at, c)| (at, fold_char(c).next().unwrap_or(c)))
        .collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&(_, c)) = chars.get(at) {
        if c.is_whitespace() {
            at += 1;
            continue;
        }
        let length = if c.is_ascii_digit() || starts_decimal(&chars, at) {
            digits(&chars, at)
        } else if c.is_alphanumeric() {
            letters(&chars, at)
        } else {
            1
        };
        tokens.push(token(text, &chars, at, length));
        at += length;
    }
    tokens
}

fn char_at(chars: &[(usize, char)], at: usize) -> char {
    chars.get(at).map_or(' ', |&(_, c)| c)
}

/// `.50`, not a full stop.
fn starts_decimal(chars: &[(usize, char)], at: usize) -> bool {
    let before = at.checked_sub(1).map_or(' ', |before| char_at(chars, before));
    char_at(chars, at) == '.'
        && char_at(chars, at + 1).is_ascii_digit()
        && (before.is_whitespace() || before == '$')
}

/// How far a number reaches: digits, with `,` or `.` between digits.
fn digits(chars: &[(usize, char)], start: usize) -> usize {
    let mut at = start;
    loop {
        let c = char_at(chars, at);
        let joins = matches!(c, ',' | '.') && char_at(chars, at + 1).is_ascii_digit();
        if !(c.is_ascii_digit() || joins) {
            return at - start;
        }
        at += 1;
    }
}

/// How far a word reaches: letters and digits; an apostrophe between letters belongs to it.
fn letters(chars: &[(usize, char)], start: usize) -> usize {
    let mut at = start;
    loop {
        let c = char_at(chars, at);
        let joins = c == '\'' && at > start && char_at(chars, at + 1).is_alphabetic();
        if !(c.is_alphanumeric() || joins) {
            return at - start;
        }
        at += 1;
    }
}

fn token(text: &str, chars: &[(usize, char)], at: usize, length: usize) -> Token {
    let part = chars.get(at..at + length).unwrap_or_default();
    let norm: String = part.iter().map(|&(_, c)| c).collect();
    let start = part.first().map_or(text.len(), |&(at, _)| at);
    let end = chars.get(at + length).map_or(text.len(), |&(next, _)| next);
    let end = text.get(start..end).map_or(end, |span| start + span.trim_end().len());
    let first_digit = norm.trim_start_matches('.').starts_with(|c: char| c.is_ascii_digit());
    let number = if first_digit { number(&norm) } else { None };
    let foreign = norm.chars().any(|c| c.is_numeric() && !c.is_ascii_digit());
    Token {
        start,
        end,
        identifier: !first_digit && norm.chars().any(|c| c.is_ascii_digit()),
        unreadable: foreign || (first_digit && length > 1 && number.is_none()),
        number,
        norm,
    }
}

/// `1,234.56` in millionths; `None` for what is no number, such as `1.2.3`.
fn number(text: &str) -> Option<i128> {
    let (whole, fraction) = match text.rsplit_once('.') {
        Some((whole, fraction)) => (whole, fraction),
        None => (text, ""),
    };
    // `12,50` is read as a decimal comma, `1,234` as thousands.
    let (whole, fraction) = match whole.rsplit_once(',') {
        Some((left, right)) if fraction.is_empty() && right.len() != 3 => (left, right),
        _ => (whole, fraction),
    };
    let digits: String = whole.chars().filter(|c| *c != ',').collect();
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(&digits) || !all_digits(fraction) || fraction.len() > 6 || digits.len() > 15 {
        return None;
    }
    let whole: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    let fraction: i128 = format!("{fraction:0<6}").parse().ok()?;
    Some(whole * MICROS + fraction)
}
