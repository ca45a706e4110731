//! A text as sentences of folded words.

use toolkit::reading::fold;

/// The sentences of a text as folded words, contractions written out.
pub fn sentences(text: &str) -> Vec<Vec<String>> {
    let folded = fold(text);
    folded
        .split(['.', '!', '?', ';', '\n', '\u{bf}', '\u{a1}'])
        .map(|sentence| {
            sentence
                .split(|c: char| !(c.is_alphanumeric() || c == '\''))
                .flat_map(|word| written_out(word.trim_matches('\'')))
                .collect::<Vec<String>>()
        })
        .filter(|sentence| !sentence.is_empty())
        .collect()
}

fn written_out(word: &str) -> Vec<String> {
    let two = |one: &str, other: &str| vec![one.to_owned(), other.to_owned()];
    match word {
        "" => Vec::new(),
        "cannot" | "can't" | "cant" => two("can", "not"),
        "won't" | "wont" => two("will", "not"),
        "dont" => two("do", "not"),
        "didnt" | "doesnt" | "isnt" | "wasnt" | "havent" | "hasnt" | "shouldnt" | "couldnt"
        | "wouldnt" | "arent" | "werent" => two(word.strip_suffix("nt").unwrap_or(word), "not"),
        "im" => two("i", "am"),
        "ive" => two("i", "have"),
        _ => match word.split_once('\'') {
            Some((stem, "t")) => two(stem.strip_suffix('n').unwrap_or(stem), "not"),
            Some((stem, "m")) => two(stem, "am"),
            Some((stem, "re")) => two(stem, "are"),
            Some((stem, "ve")) => two(stem, "have"),
            Some((stem, "ll")) => two(stem, "will"),
            Some((stem, "d")) => two(stem, "would"),
            Some((stem, "s")) => two(stem, "'s"),
            Some((stem, rest)) => two(stem, rest),
            None => vec![word.to_owned()],
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contractions_are_written_out_and_accents_are_gone() {
        let read: Vec<String> = sentences("Can't PAY! I\u{2019}m s\u{f3}lo; dont")
            .iter()
            .map(|one| one.join(" "))
            .collect();
        assert_eq!(read, ["can not pay", "i am solo", "do not"]);
        assert!(sentences(" ?! ").is_empty());
    }
}
