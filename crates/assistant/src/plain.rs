//! The server's own sentences: said when no draft passes, when the model is away, and when a person takes over.

use orchestrator::Plain;
use serde_json::Value;
use toolkit::{Field, FieldKind};

use crate::figures::{Language, value_text};

/// Fields shown of one result.
const FIELDS_MAX: usize = 6;

/// What a turn has found: what is on record, and what it has only proposed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) recorded: Vec<Vec<Field>>,
    pub(crate) proposed: Vec<Vec<Field>>,
}

/// The words for a plain answer; facts are this turn's fields, each with its label.
pub(crate) fn words(plain: &Plain, found: &Facts, language: Language) -> String {
    match plain {
        Plain::Guard { text } => text.clone(),
        Plain::Facts => facts(found, language).unwrap_or_else(|| cannot(language).to_owned()),
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

fn facts(found: &Facts, language: Language) -> Option<String> {
    let (recorded, proposed) = match language {
        Language::English => {
            ("Here is what your record shows:", "This waits for your confirmation:")
        }
        Language::Spanish => {
            ("Esto es lo que muestra su registro:", "Esto espera su confirmaci\u{f3}n:")
        }
    };
    let blocks =
        [listed(recorded, &found.recorded, language), listed(proposed, &found.proposed, language)];
    let blocks: Vec<String> = blocks.into_iter().flatten().collect();
    (!blocks.is_empty()).then(|| blocks.join("\n\n"))
}

fn listed(lead: &str, results: &[Vec<Field>], language: Language) -> Option<String> {
    let mut lines = Vec::new();
    for fields in results {
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
    (!lines.is_empty()).then(|| format!("{lead}\n{}", lines.join("\n")))
}

fn capitalised(label: &str) -> String {
    let mut chars = label.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// What is said of rights that were heard while a person has the conversation.
pub(crate) fn on_record(cases: &[Value], language: Language) -> String {
    let label = match language {
        Language::English => "Reference",
        Language::Spanish => "Referencia",
    };
    let part = |case: &Value, name: &str| {
        case.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let said = cases
        .iter()
        .map(|case| format!("{} {label}: {}.", part(case, "text"), part(case, "reference")));
    said.collect::<Vec<_>>().join(" ")
}

/// What is said when a turn cannot be carried to its end.
pub(crate) const fn broken_off(language: Language) -> &'static str {
    match language {
        Language::English => {
            "Something went wrong on our side, and I could not finish this answer. Please write again, or ask for a person and one will reply here."
        }
        Language::Spanish => {
            "Algo fall\u{f3} de nuestro lado y no pude terminar esta respuesta. Escriba de nuevo, o pida hablar con una persona y le responderemos aqu\u{ed}."
        }
    }
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
        assert!(
            words(&Plain::Facts, &Facts::default(), Language::English).contains("ask for a person")
        );
    }
}
