//! The server's own sentences: said when no draft passes, when the model is away, and when a person takes over.

use orchestrator::Plain;
use toolkit::{Field, FieldKind};

use crate::figures::{Language, value_text};

/// Fields shown of one result.
const FIELDS_MAX: usize = 6;

/// The words for a plain answer; facts are this turn's fields, each with its label.
pub(crate) fn words(plain: &Plain, results: &[(String, Vec<Field>)], language: Language) -> String {
    match plain {
        Plain::Guard { text } => text.clone(),
        Plain::Facts => facts(results, language).unwrap_or_else(|| cannot(language).to_owned()),
        Plain::Unavailable => match language {
            Language::English => {
                "I cannot answer right now. Please try again in a moment, or ask for a person and one will reply here."
            }
            Language::Spanish => {
                "No puedo responder en este momento. Intente de nuevo en un momento, o pida hablar con una persona y le responderemos aqu\u{ed}."
            }
        }
        .to_owned(),
        Plain::OutOfBudget => cannot(language).to_owned(),
    }
}

const fn cannot(language: Language) -> &'static str {
    match language {
        Language::English => {
            "I could not find a reliable answer to that. You can ask for a person and one will reply here."
        }
        Language::Spanish => {
            "No encontr\u{e9} una respuesta confiable. Puede pedir hablar con una persona y le responderemos aqu\u{ed}."
        }
    }
}

fn facts(results: &[(String, Vec<Field>)], language: Language) -> Option<String> {
    let mut lines = Vec::new();
    for (_, fields) in results {
        let shown = fields
            .iter()
            .filter(|field| !field.third_party && !field.name.contains('.'))
            .take(FIELDS_MAX);
        for field in shown {
            let line = if field.kind == FieldKind::List {
                field.text.clone()
            } else {
                format!("- {}: {}", capitalised(&field.label), value_text(field, language))
            };
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    let lead = match language {
        Language::English => "Here is what your record shows:",
        Language::Spanish => "Esto es lo que muestra su registro:",
    };
    (!lines.is_empty()).then(|| format!("{lead}\n{}", lines.join("\n")))
}

fn capitalised(label: &str) -> String {
    let mut chars = label.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// What is said when a person takes over.
pub(crate) fn handing_off(reference: &str, language: Language) -> String {
    match language {
        Language::English => format!(
            "I am passing this conversation to a person, who will reply here. Your reference is {reference}."
        ),
        Language::Spanish => format!(
            "Paso esta conversaci\u{f3}n a una persona, que le responder\u{e1} aqu\u{ed}. Su referencia es {reference}."
        ),
    }
}

/// What the assistant says while no configuration has been released.
pub(crate) const fn not_released(language: Language) -> &'static str {
    match language {
        Language::English => {
            "The assistant has not been released yet (`plumbline eval gate`). You can ask for a person and one will reply here."
        }
        Language::Spanish => {
            "El asistente a\u{fa}n no ha sido publicado (`plumbline eval gate`). Puede pedir hablar con una persona y le responderemos aqu\u{ed}."
        }
    }
}

/// What is said to somebody who is not the customer.
pub(crate) const fn somebody_else(language: Language) -> &'static str {
    match language {
        Language::English => {
            "I can talk about this line only with the person it belongs to. If you are helping them, ask for a person and one will reply here."
        }
        Language::Spanish => {
            "Solo puedo hablar de esta l\u{ed}nea con la persona a quien pertenece. Si le est\u{e1} ayudando, pida hablar con una persona y le responderemos aqu\u{ed}."
        }
    }
}

/// In which language the customer writes.
pub(crate) fn language_of(text: &str) -> Language {
    if toolkit::reading::spanish(text) { Language::Spanish } else { Language::English }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_language_is_the_customer_s() {
        for text in ["\u{bf}Cu\u{e1}l es mi saldo?", "quiero pagar cincuenta d\u{f3}lares", "hola"]
        {
            assert_eq!(language_of(text), Language::Spanish, "{text}");
        }
        for text in ["What's my balance?", "pay $50 next Friday", "ok", "no thanks, I can do it"] {
            assert_eq!(language_of(text), Language::English, "{text}");
        }
    }

    #[test]
    fn without_facts_a_person_is_offered() {
        assert!(words(&Plain::Facts, &[], Language::English).contains("ask for a person"));
    }
}
