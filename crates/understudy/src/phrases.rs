//! The few words of the stand-in's own, in two languages. They name nothing of the business: what they offer comes from the
//! prompt, and what they ask for from the schema.

use crate::words::Language;

/// Nothing in the prompt is near the message.
pub(crate) fn cannot_help(language: Language, offer: Option<&str>) -> String {
    let sorry = match language {
        Language::English => "I am sorry, I cannot help with that here.",
        Language::Spanish => "Lo siento, no puedo ayudar con eso aqu\u{ed}.",
    };
    with_offer(sorry, language, offer)
}

pub(crate) fn nothing_found(language: Language, offer: Option<&str>) -> String {
    let nothing = match language {
        Language::English => "I found nothing that answers that.",
        Language::Spanish => "No encontr\u{e9} nada que responda a eso.",
    };
    with_offer(nothing, language, offer)
}

/// A tool could not do it; its reason, in its own words.
pub(crate) fn refused(language: Language, reason: Option<&str>, offer: Option<&str>) -> String {
    let lead = match (language, reason) {
        (Language::English, Some(reason)) => format!("I could not do that: {}.", closed(reason)),
        (Language::Spanish, Some(reason)) => format!("No pude hacerlo: {}.", closed(reason)),
        (Language::English, None) => "I could not do that.".to_owned(),
        (Language::Spanish, None) => "No pude hacerlo.".to_owned(),
    };
    with_offer(&lead, language, offer)
}

/// What the customer has still to say, as the schema describes it.
pub(crate) fn missing(language: Language, what: &[String]) -> String {
    let list = what.iter().map(|what| uncapitalised(what)).collect::<Vec<_>>().join("; ");
    match language {
        Language::English => format!("To do that I still need to know: {list}."),
        Language::Spanish => format!("Para hacerlo todav\u{ed}a necesito saber: {list}."),
    }
}

fn uncapitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
}

/// A labelled value, by reference.
pub(crate) fn field(label: &str, reference: &str) -> String {
    let mut letters = label.chars();
    let label: String =
        letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    format!("{label}: {reference}.")
}

fn with_offer(lead: &str, language: Language, offer: Option<&str>) -> String {
    // The offer is in the prompt's own language: it is not mixed into the other.
    match (language, offer) {
        (Language::English, Some(offer)) => format!("{lead} I can {offer}."),
        _ => lead.to_owned(),
    }
}

fn closed(reason: &str) -> &str {
    reason.trim_end_matches(['.', '!'])
}
