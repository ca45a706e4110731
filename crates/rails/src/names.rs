//! A person's name as an ACH file carries it: capitals from A to Z, 22 characters, never nothing.
//!
//! Nothing depends on it but the eye of whoever reads the bank's statement, so here cutting is right, and so is spelling a
//! Greek or Cyrillic name in Latin letters. A name in another script is given as [`NOBODYS`]: a bank refuses a whole file for
//! one entry without a name.

use unicode_normalization::UnicodeNormalization as _;

const WIDTH: usize = 22;

/// Stands for a name of which no letter can be carried.
const NOBODYS: &str = "CUSTOMER";

/// Latin letters that no accent makes.
const LATIN: &[(char, &str)] = &[
    ('Æ', "AE"),
    ('Œ', "OE"),
    ('Ø', "O"),
    ('Ł', "L"),
    ('Đ', "D"),
    ('Ð', "D"),
    ('Þ', "TH"),
    ('Ħ', "H"),
    ('Ŋ', "NG"),
    ('Ŧ', "T"),
    ('Ə', "A"),
    ('ʼ', "'"),
    ('’', "'"),
    ('‘', "'"),
    ('–', "-"),
    ('—', "-"),
    ('‐', "-"),
];

/// From Α to Ω, of which the one after Ρ is no letter.
const GREEK: [&str; 25] = [
    "A", "V", "G", "D", "E", "Z", "I", "TH", "I", "K", "L", "M", "N", "X", "O", "P", "R", "", "S",
    "T", "Y", "F", "CH", "PS", "O",
];

/// From А to Я. Й is carried as И, Ё as Е: their accents go as all do.
const CYRILLIC: [&str; 32] = [
    "A", "B", "V", "G", "D", "E", "ZH", "Z", "I", "I", "K", "L", "M", "N", "O", "P", "R", "S", "T",
    "U", "F", "KH", "TS", "CH", "SH", "SHCH", "", "Y", "", "E", "YU", "YA",
];

/// Ukrainian, Belarusian and South Slavic letters.
const CYRILLIC_MORE: &[(char, &str)] = &[
    ('Є', "YE"),
    ('І', "I"),
    ('Ґ', "G"),
    ('Ј', "J"),
    ('Љ', "LJ"),
    ('Њ', "NJ"),
    ('Ћ', "C"),
    ('Ђ', "DJ"),
    ('Џ', "DZ"),
];

/// The name as a file carries it.
pub(crate) fn bank_name(name: &str) -> String {
    let mut carried = String::new();
    // Accents come apart from their letters and are left out.
    for c in name.chars().flat_map(char::to_uppercase).nfkd() {
        match c {
            c if c.is_ascii_graphic() => carried.push(c.to_ascii_uppercase()),
            c if unicode_normalization::char::is_combining_mark(c) => {}
            c => carried.push_str(spelled(c).unwrap_or(" ")),
        }
    }
    let words: Vec<&str> = carried.split_whitespace().collect();
    let fitting: String = words.join(" ").chars().take(WIDTH).collect();
    if !fitting.chars().any(|c| c.is_ascii_alphabetic()) {
        return NOBODYS.to_owned();
    }
    fitting.trim_end().to_owned()
}

/// A capital letter in letters from A to Z.
fn spelled(c: char) -> Option<&'static str> {
    let row = |first: char, row: &'static [&'static str]| {
        let at = u32::from(c).checked_sub(u32::from(first))?;
        row.get(usize::try_from(at).ok()?).copied()
    };
    let one_of = |list: &'static [(char, &'static str)]| {
        list.iter().find(|(letter, _)| *letter == c).map(|(_, text)| *text)
    };
    one_of(LATIN)
        .or_else(|| one_of(CYRILLIC_MORE))
        .or_else(|| row('Α', &GREEK))
        .or_else(|| row('А', &CYRILLIC))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_spelled_in_capitals_from_a_to_z() {
        for (name, carried) in [
            ("María Núñez de la Peña Fernández", "MARIA NUNEZ DE LA PENA"),
            ("Łukasz Żółć", "LUKASZ ZOLC"),
            ("Søren Ærø", "SOREN AERO"),
            ("Jürgen Groß", "JURGEN GROSS"),
            ("Nguyễn Thị Hương", "NGUYEN THI HUONG"),
            ("Мария Щукина", "MARIYA SHCHUKINA"),
            ("Олексій Їжак", "OLEKSII IZHAK"),
            ("Γιώργος Παπαδόπουλος", "GIORGOS PAPADOPOYLOS"),
            ("Seán O’Neill–Ward", "SEAN O'NEILL-WARD"),
            ("  Ann \t\n Lee ", "ANN LEE"),
        ] {
            assert_eq!(bank_name(name), carried, "{name}");
        }
    }

    #[test]
    fn a_name_of_which_nothing_can_be_carried_is_still_a_name() {
        for name in ["李小龍", "محمد", "김민준", "ありがとう", "", " ", "…", "👩🏽", "李 1"]
        {
            assert_eq!(bank_name(name), "CUSTOMER", "{name}");
        }
        assert_eq!(bank_name("李 Ann"), "ANN");
    }

    #[test]
    fn whatever_the_name_it_fits_the_file() {
        for c in ('\0'..=char::MAX).step_by(31) {
            let carried = bank_name(&format!("{c}{c} {c}a"));
            assert!((1..=22).contains(&carried.len()), "{c:?} {carried}");
            assert!(carried.bytes().all(|b| b == b' ' || b.is_ascii_graphic()), "{c:?}");
        }
    }
}
