//! Number words and weekdays, English and Spanish.

use calendar::month_named;
use chrono::Weekday;

use super::tokens::Token;

/// Millionths in a unit.
pub(super) const MICROS: i128 = 1_000_000;

/// A number in words: where it ends, its value, and whether it is an ordinal.
pub(super) struct Worded {
    pub(super) last: usize,
    pub(super) micros: i128,
    pub(super) ordinal: bool,
}

/// Reads the longest number in words that begins at `at`.
pub(super) fn number_words(tokens: &[Token], at: usize) -> Option<Worded> {
    let first = tokens.get(at)?;
    if let Some(micros) = fraction(tokens, at) {
        return Some(Worded { last: at, micros, ordinal: false });
    }
    let begins = begins_hundred(tokens, at) || part(&first.norm).is_some();
    if !begins {
        return None;
    }
    let (mut total, mut group, mut last, mut ordinal, mut cursor) = (0_i128, 0_i128, at, false, at);
    while let Some(token) = tokens.get(cursor) {
        match part(&token.norm) {
            Some(Part::Add(value)) => group += value,
            Some(Part::Nth(value)) => {
                group += value;
                ordinal = true;
            }
            Some(Part::Hundred) => group = group.max(1) * 100,
            Some(Part::Scale(scale)) => {
                total += group.max(1) * scale;
                group = 0;
            }
            None if cursor == at && begins_hundred(tokens, at) => {}
            None if joins(tokens, cursor) => {
                cursor += 1;
                continue;
            }
            None => break,
        }
        last = cursor;
        if ordinal {
            break;
        }
        cursor += 1;
    }
    let value = total + group;
    if last == at && needs_noun(&first.norm) && !counts(tokens, last + 1) {
        return None;
    }
    Some(Worded { last, micros: value * MICROS, ordinal })
}

/// `a hundred`, `a thousand`, `a dozen`.
fn begins_hundred(tokens: &[Token], at: usize) -> bool {
    let next = tokens.get(at + 1).map_or("", |token| token.norm.as_str());
    tokens.get(at).is_some_and(|token| matches!(token.norm.as_str(), "a" | "an" | "una"))
        && matches!(part(next), Some(Part::Hundred | Part::Scale(_) | Part::Add(12)))
}

/// A word between two parts of one number: `and`, a hyphen, `y`.
fn joins(tokens: &[Token], at: usize) -> bool {
    let norm = |at: usize| tokens.get(at).map_or("", |token| token.norm.as_str());
    let before = at.checked_sub(1).map_or("", norm);
    let fits = match norm(at) {
        "and" => matches!(part(before), Some(Part::Hundred | Part::Scale(_))),
        "-" | "y" => matches!(part(before), Some(Part::Add(tens)) if tens >= 20),
        _ => return false,
    };
    fits && matches!(part(norm(at + 1)), Some(Part::Add(_) | Part::Nth(_)))
}

/// Words that are numbers only beside something to count: `one of these` is not.
fn needs_noun(word: &str) -> bool {
    matches!(
        word,
        "one"
            | "un"
            | "uno"
            | "una"
            | "first"
            | "second"
            | "primer"
            | "primero"
            | "primera"
            | "third"
            | "cuarto"
            | "segundo"
    )
}

fn counts(tokens: &[Token], at: usize) -> bool {
    const NOUNS: &[&str] = &[
        "day",
        "days",
        "week",
        "weeks",
        "month",
        "months",
        "year",
        "years",
        "dollar",
        "dollars",
        "buck",
        "bucks",
        "cent",
        "cents",
        "percent",
        "payment",
        "payments",
        "time",
        "times",
        "statement",
        "statements",
        "business",
        "banking",
        "fee",
        "fees",
        "late",
        "missed",
        "dia",
        "dias",
        "semana",
        "semanas",
        "mes",
        "meses",
        "ano",
        "anos",
        "dolar",
        "dolares",
        "pago",
        "pagos",
        "cargo",
        "cargos",
        "por",
        "%",
        "of",
        "de",
    ];
    let norm = tokens.get(at).map_or("", |token| token.norm.as_str());
    // The Spanish article: `un pago` is a payment, `un mes` one month.
    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
    if before.is_some_and(|before| matches!(before.norm.as_str(), "un" | "una" | "uno")) {
        return matches!(
            norm,
            "dolar" | "centavo" | "dia" | "semana" | "mes" | "ano" | "por" | "%"
        );
    }
    if matches!(norm, "of" | "de") {
        let next = tokens.get(at + 1).map_or("", |token| token.norm.as_str());
        return month_named(next).is_some() || matches!(next, "each" | "every" | "cada");
    }
    NOUNS.contains(&norm)
}

/// `half of`, `half your`: a share of something.
fn fraction(tokens: &[Token], at: usize) -> Option<i128> {
    let norm = |at: usize| tokens.get(at).map_or("", |token| token.norm.as_str());
    let share = match norm(at) {
        "half" | "mitad" => MICROS / 2,
        "quarter" => MICROS / 4,
        "double" | "twice" | "doble" => MICROS * 2,
        "triple" => MICROS * 3,
        _ => return None,
    };
    matches!(
        norm(at + 1),
        "of" | "your" | "the" | "that" | "de" | "del" | "tu" | "su" | "as" | "el"
    )
    .then_some(share)
}

enum Part {
    Add(i128),
    Nth(i128),
    Hundred,
    Scale(i128),
}

fn part(word: &str) -> Option<Part> {
    let value = match word {
        "hundred" | "hundreds" => return Some(Part::Hundred),
        "thousand" | "thousands" | "mil" => return Some(Part::Scale(1_000)),
        "million" | "millions" | "millon" | "millones" => return Some(Part::Scale(1_000_000)),
        _ => ADDS.iter().find(|(said, _)| *said == word).map(|(_, value)| *value),
    };
    if let Some(value) = value {
        return Some(Part::Add(value));
    }
    NTHS.iter().find(|(said, _)| *said == word).map(|(_, value)| Part::Nth(*value))
}

const ADDS: &[(&str, i128)] = &[
    ("zero", 0),
    ("one", 1),
    ("two", 2),
    ("three", 3),
    ("four", 4),
    ("five", 5),
    ("six", 6),
    ("seven", 7),
    ("eight", 8),
    ("nine", 9),
    ("ten", 10),
    ("eleven", 11),
    ("twelve", 12),
    ("thirteen", 13),
    ("fourteen", 14),
    ("fifteen", 15),
    ("sixteen", 16),
    ("seventeen", 17),
    ("eighteen", 18),
    ("nineteen", 19),
    ("twenty", 20),
    ("thirty", 30),
    ("forty", 40),
    ("fourty", 40),
    ("fifty", 50),
    ("sixty", 60),
    ("seventy", 70),
    ("eighty", 80),
    ("ninety", 90),
    ("dozen", 12),
    ("cero", 0),
    ("un", 1),
    ("uno", 1),
    ("una", 1),
    ("dos", 2),
    ("tres", 3),
    ("cuatro", 4),
    ("cinco", 5),
    ("seis", 6),
    ("siete", 7),
    ("ocho", 8),
    ("nueve", 9),
    ("diez", 10),
    ("once", 11),
    ("doce", 12),
    ("trece", 13),
    ("catorce", 14),
    ("quince", 15),
    ("dieciseis", 16),
    ("diecisiete", 17),
    ("dieciocho", 18),
    ("diecinueve", 19),
    ("veinte", 20),
    ("veintiuno", 21),
    ("veintiun", 21),
    ("veintidos", 22),
    ("veintitres", 23),
    ("veinticuatro", 24),
    ("veinticinco", 25),
    ("veintiseis", 26),
    ("veintisiete", 27),
    ("veintiocho", 28),
    ("veintinueve", 29),
    ("treinta", 30),
    ("cuarenta", 40),
    ("cincuenta", 50),
    ("sesenta", 60),
    ("setenta", 70),
    ("ochenta", 80),
    ("noventa", 90),
    ("cien", 100),
    ("ciento", 100),
    ("doscientos", 200),
    ("trescientos", 300),
    ("cuatrocientos", 400),
    ("quinientos", 500),
    ("seiscientos", 600),
    ("setecientos", 700),
    ("ochocientos", 800),
    ("novecientos", 900),
    ("docena", 12),
];

const NTHS: &[(&str, i128)] = &[
    ("first", 1),
    ("second", 2),
    ("third", 3),
    ("fourth", 4),
    ("fifth", 5),
    ("sixth", 6),
    ("seventh", 7),
    ("eighth", 8),
    ("ninth", 9),
    ("tenth", 10),
    ("eleventh", 11),
    ("twelfth", 12),
    ("thirteenth", 13),
    ("fourteenth", 14),
    ("fifteenth", 15),
    ("sixteenth", 16),
    ("seventeenth", 17),
    ("eighteenth", 18),
    ("nineteenth", 19),
    ("twentieth", 20),
    ("thirtieth", 30),
    ("primero", 1),
    ("primer", 1),
    ("primera", 1),
    ("segundo", 2),
];

pub(super) fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "monday" | "lunes" => Weekday::Mon,
        "tuesday" | "martes" => Weekday::Tue,
        "wednesday" | "miercoles" => Weekday::Wed,
        "thursday" | "jueves" => Weekday::Thu,
        "friday" | "viernes" => Weekday::Fri,
        "saturday" | "sabado" => Weekday::Sat,
        "sunday" | "domingo" => Weekday::Sun,
        _ => return None,
    })
}
