//! In which of two languages a text is.

use super::{fold, tokens};

/// Everyday words that are Spanish and not English.
const SPANISH: &str = "
    el la los las de del que mi mis es un una por para cuanto cuanta cual cuales cuando donde quien como
    quiero puedo pueden tengo tienen tiene hay debo hola gracias con al en su y si ya muy pero esta este
    estoy soy se lo le nos usted necesito hablar favor pago pagos pague paga pagar saldo deuda minimo
    cargo persona manana hoy ayer viernes lunes martes miercoles jueves sabado domingo mes dia digame
    dime cuenta dinero credito
";

/// Everyday words that are English and not Spanish.
const ENGLISH: &str = "
    the my is a an to of and what what's when how i i'm pay can you do it in on for was why much please
    are this that have from your want show balance
";

/// Whether a text is Spanish rather than English.
pub fn spanish(text: &str) -> bool {
    if text.contains(['\u{bf}', '\u{a1}']) {
        return true;
    }
    let words: Vec<String> = tokens(text).into_iter().map(|token| token.norm).collect();
    let count = |known: &str| {
        words.iter().filter(|word| known.split_whitespace().any(|other| other == *word)).count()
    };
    let accented = text.split_whitespace().filter(|word| fold(word) != word.to_lowercase());
    let accented = accented.filter(|word| word.chars().any(|c| "áéíóúñ".contains(c))).count();
    count(SPANISH) + accented > count(ENGLISH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_languages_are_told_apart() {
        for text in [
            "paga 50 d\u{f3}lares el viernes",
            "no pague $50",
            "cual es mi saldo",
            "ya pagu\u{e9} $50",
            "\u{bf}pagu\u{e9}?",
            "hola",
        ] {
            assert!(spanish(text), "{text}");
        }
        for text in [
            "show my transacions",
            "pay $50",
            "what is my balance",
            "no thanks, I can do it",
            "ok",
            "apr?",
            "",
        ] {
            assert!(!spanish(text), "{text}");
        }
    }
}
