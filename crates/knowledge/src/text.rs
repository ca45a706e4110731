//! Words as the wording arm counts them: lower-case, unaccented, without function words, cut to a
//! light stem so that *charged*, *charges* and *charging* are one term.

/// Words that say nothing about the subject.
const STOP_WORDS: [&str; 84] = [
    "a", "about", "am", "an", "and", "any", "are", "as", "at", "be", "been", "but", "by", "can",
    "could", "did", "do", "does", "for", "from", "get", "got", "had", "has", "have", "he", "her",
    "his", "how", "i", "if", "im", "in", "into", "is", "it", "its", "ive", "just", "me", "my",
    "no", "not", "of", "on", "or", "our", "out", "please", "she", "should", "so", "tell", "than",
    "that", "the", "their", "them", "then", "there", "they", "this", "to", "up", "us", "was", "we",
    "were", "what", "when", "where", "which", "who", "why", "will", "with", "would", "you", "your",
    "want", "need", "s", "t", "d",
];

/// The terms of a text, in order, repeats kept.
pub(crate) fn terms(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    for word in fold(text).split(|c: char| !(c.is_alphanumeric() || c == '.' || c == ',')) {
        // A point or comma belongs to a number (2,500.00), and ends anything else.
        let number = word.trim_matches(['.', ',']).replace(',', "");
        if number.parse::<f64>().is_ok() {
            terms.push(number.strip_suffix(".00").unwrap_or(&number).to_owned());
            continue;
        }
        for part in word.split(['.', ',']).filter(|part| !part.is_empty()) {
            if !STOP_WORDS.contains(&part) {
                terms.push(stem(part));
            }
        }
    }
    terms
}

/// The words of a text, folded, none left out.
pub(crate) fn folded_words(text: &str) -> Vec<String> {
    let folded = fold(text);
    let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// Lower case, without accents and apostrophes.
fn fold(text: &str) -> String {
    let plain: String = text.chars().map(unaccent).collect();
    plain.to_lowercase().replace(['\'', '\u{2019}'], "")
}

fn unaccent(c: char) -> char {
    match c {
        'á' | 'à' | 'â' | 'ä' | 'Á' => 'a',
        'é' | 'è' | 'ê' | 'ë' | 'É' => 'e',
        'í' | 'ì' | 'î' | 'ï' | 'Í' => 'i',
        'ó' | 'ò' | 'ô' | 'ö' | 'Ó' => 'o',
        'ú' | 'ù' | 'û' | 'ü' | 'Ú' => 'u',
        'ñ' | 'Ñ' => 'n',
        other => other,
    }
}

/// Cuts plural, tense and adverb endings. Coarse on purpose: both sides are cut alike.
fn stem(word: &str) -> String {
    if word.len() < 4 || !word.is_ascii() {
        return word.to_owned();
    }
    let cut = |ending: &str, shortest: usize| {
        word.strip_suffix(ending).filter(|rest| rest.len() >= shortest)
    };
    let root = if let Some(rest) = cut("ies", 2).or_else(|| cut("ied", 2)) {
        format!("{rest}y")
    } else if let Some(rest) = cut("sses", 2) {
        format!("{rest}ss")
    } else if let Some(rest) = cut("ing", 3).or_else(|| cut("ed", 3)).or_else(|| cut("ly", 5)) {
        undouble(rest).to_owned()
    } else if let Some(rest) = cut("es", 3) {
        rest.to_owned()
    } else if word.ends_with("ss") || word.ends_with("us") || word.ends_with("is") {
        word.to_owned()
    } else {
        cut("s", 3).unwrap_or(word).to_owned()
    };
    match root.strip_suffix('e') {
        Some(rest) if rest.len() >= 3 => rest.to_owned(),
        _ => root,
    }
}

/// *stopp* becomes *stop*; *bill* and *pass* stay.
fn undouble(root: &str) -> &str {
    let mut letters = root.chars().rev();
    match (letters.next(), letters.next()) {
        (Some(last), Some(before))
            if last == before && !matches!(last, 'l' | 's' | 'e' | 'o') && root.len() > 3 =>
        {
            root.get(..root.len() - 1).unwrap_or(root)
        }
        _ => root,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_one_word_are_one_term() {
        for (forms, term) in [
            ("charge charges charged charging", "charg"),
            ("payment payments", "payment"),
            ("stop stops stopped stopping", "stop"),
            ("bill bills billed billing", "bill"),
            ("apply applies applied", "apply"),
            ("fee fees", "fee"),
            ("statement statement's", "statement"),
        ] {
            for found in terms(forms) {
                assert!(found == term || found == format!("{term}s"), "{forms}: {found}");
            }
        }
    }

    #[test]
    fn function_words_fall_and_amounts_stay_whole() {
        assert_eq!(terms("What is my $2,500.00 limit?"), ["2500", "limit"]);
        assert_eq!(terms("Is it 0.50 points, or 36%?"), ["0.50", "point", "36"]);
        assert_eq!(terms("R01 y R09: ¿Qué pasó?"), ["r01", "y", "r09", "que", "paso"]);
        assert!(terms("what is it").is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_text_at_all_has_terms_without_panicking(text in ".{0,200}") {
            for term in terms(&text) {
                proptest::prop_assert!(!term.is_empty());
            }
        }
    }
}
