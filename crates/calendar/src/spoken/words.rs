//! The words of spoken dates, lower case and without accents.

use chrono::Weekday;

use crate::month_named;

/// The words of `text` that carry meaning: lower case, no accents, no punctuation, no leading "on", "by", "for", "the", "el".
pub(super) fn tokens(text: &str) -> Vec<String> {
    let plain: String = text.to_lowercase().chars().map(unaccented).collect();
    let mut tokens: Vec<String> = plain
        .split_whitespace()
        .map(|token| token.trim_matches(|c: char| !c.is_alphanumeric()).to_owned())
        .filter(|token| !token.is_empty())
        .collect();
    while let Some(first) = tokens.first()
        && matches!(first.as_str(), "on" | "by" | "for" | "the" | "el" | "la" | "para" | "a" | "al")
        && !starts_a_span(&tokens)
    {
        tokens.remove(0);
    }
    tokens
}

/// "a week from today" keeps its article.
fn starts_a_span(tokens: &[String]) -> bool {
    let unit = tokens.get(1).map(String::as_str);
    tokens.first().is_some_and(|first| first == "a")
        && matches!(unit, Some("day" | "week" | "month" | "couple" | "fortnight"))
}

fn unaccented(c: char) -> char {
    match c {
        'á' => 'a',
        'é' => 'e',
        'í' => 'i',
        'ó' => 'o',
        'ú' | 'ü' => 'u',
        'ñ' => 'n',
        _ => c,
    }
}

pub(super) fn weekday(word: &str) -> Option<Weekday> {
    Some(match word {
        "monday" | "mon" | "lunes" => Weekday::Mon,
        "tuesday" | "tue" | "tues" | "martes" => Weekday::Tue,
        "wednesday" | "wed" | "weds" | "miercoles" => Weekday::Wed,
        "thursday" | "thu" | "thur" | "thurs" | "jueves" => Weekday::Thu,
        "friday" | "fri" | "viernes" => Weekday::Fri,
        "saturday" | "sat" | "sabado" => Weekday::Sat,
        "sunday" | "sun" | "domingo" => Weekday::Sun,
        _ => return None,
    })
}

pub(super) fn month(word: &str) -> Option<u32> {
    let spanish_short = || {
        Some(match word {
            "ene" => 1,
            "febr" => 2,
            "mzo" => 3,
            "abr" => 4,
            "ago" => 8,
            "dic" => 12,
            _ => return None,
        })
    };
    month_named(word).or_else(spanish_short)
}

/// A day of the month: `20`, `20th`, `first`, `twenty-first`, `primero`. `None` outside 1 to 31.
pub(super) fn day(word: &str) -> Option<u32> {
    let suffix = word.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = word.strip_suffix(suffix).unwrap_or_default();
    let number = if digits.is_empty() {
        ordinal(word).or_else(|| cardinal(word))?
    } else if matches!(suffix, "" | "st" | "nd" | "rd" | "th" | "ro" | "o") {
        digits.parse().ok()?
    } else {
        return None;
    };
    (1..=31).contains(&number).then_some(number)
}

fn ordinal(word: &str) -> Option<u32> {
    const UNITS: [&str; 20] = [
        "first",
        "second",
        "third",
        "fourth",
        "fifth",
        "sixth",
        "seventh",
        "eighth",
        "ninth",
        "tenth",
        "eleventh",
        "twelfth",
        "thirteenth",
        "fourteenth",
        "fifteenth",
        "sixteenth",
        "seventeenth",
        "eighteenth",
        "nineteenth",
        "twentieth",
    ];
    let unit = |name: &str| (1..).zip(UNITS).find(|(_, known)| *known == name).map(|(n, _)| n);
    match word {
        "primero" | "primer" => Some(1),
        "thirtieth" => Some(30),
        _ => unit(word).or_else(|| {
            let (tens, units) = word.split_once('-')?;
            let tens = match tens {
                "twenty" => 20,
                "thirty" => 30,
                _ => return None,
            };
            unit(units).filter(|n| *n < 10).map(|n| tens + n)
        }),
    }
}

/// A count in digits or small words; `None` beyond a year of days.
pub(super) fn cardinal(word: &str) -> Option<u32> {
    const ENGLISH: [&str; 12] = [
        "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
        "twelve",
    ];
    const SPANISH: [&str; 12] = [
        "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "once",
        "doce",
    ];
    if let Ok(number) = word.parse::<u32>() {
        return (number <= 366).then_some(number);
    }
    (1..)
        .zip(ENGLISH.into_iter().zip(SPANISH))
        .find(|(_, (english, spanish))| [*english, *spanish].contains(&word))
        .map(|(number, _)| number)
}
