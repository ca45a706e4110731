//! A change in terms in plain words: each thing that changes by what a customer calls it, in their language
//! (`messages/terms.toml`). Rules: 12 CFR 1026.9(c)(2); 12 CFR 1026.5(a)(1) (clear and conspicuous).
//!
//! Invariant: what has no words is never told by its field's name; such a change is refused before it is made.

use std::{collections::BTreeMap, sync::LazyLock};

use documents::{MessageKind, Value};
use money::Cents;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use sqlx::PgConnection;
use store::customers::{self, Language};

use super::{Drafted, Told, With, customer_of, values};
use crate::{Refusal, RefusalCode, Servicing, ServicingError};

/// The longest value of a message.
const TOLD_CHARS_MAX: usize = 400;

static GLOSSARY: LazyLock<Result<Glossary, toml::de::Error>> =
    LazyLock::new(|| toml::from_str(include_str!("../../../../../messages/terms.toml")));

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Glossary {
    terms: BTreeMap<String, Term>,
    words: BTreeMap<String, Word>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Term {
    en: String,
    es: String,
    holds: Holds,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Word {
    en: String,
    es: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Holds {
    Money,
    Percent,
    Days,
    Cycles,
    Count,
    YesNo,
    Word,
}

/// One thing that changes, as the product file has it.
struct Change<'a> {
    path: String,
    /// The kind of draw that it is about.
    feature: Option<&'a str>,
    value: &'a Json,
}

/// Refuses a change of which a customer could not be told in plain words.
pub(crate) fn can_be_told(changes: &Map<String, Json>) -> Result<(), Refusal> {
    for language in [Language::English, Language::Spanish] {
        told_in(language, changes)
            .map_err(|sentence| Refusal::new(RefusalCode::TermsInvalid, sentence))?;
    }
    Ok(())
}

/// The same in English, as a statement tells of it; nothing where there are no words for it.
pub(crate) fn told_on_statements(changes: &Map<String, Json>) -> Option<String> {
    told_in(Language::English, changes).ok().filter(|words| !words.is_empty())
}

impl Servicing {
    pub(super) async fn terms(
        &self,
        conn: &mut PgConnection,
        told: &Told<'_>,
    ) -> Result<Drafted, ServicingError> {
        let changes: Map<String, Json> = told.need("changes")?;
        let customer = match customer_of(conn, told).await? {
            Some(id) => customers::find(conn, id).await?,
            None => None,
        };
        let language = customer.map_or(Language::English, |customer| customer.language);
        let changes = told_in(language, &changes)
            .map_err(|_| ServicingError::Stored { what: "change in terms", source: None })?;
        let said = values([
            ("on", Value::Date(told.need("effective_on")?)),
            ("changes", Value::Text(changes)),
        ]);
        Ok((MessageKind::TermsChanged, said, With::default()))
    }
}

/// `late fee: $20.00; least draw: $50.00`; or what could not be said, in a sentence.
fn told_in(language: Language, changes: &Map<String, Json>) -> Result<String, String> {
    let Ok(glossary) = GLOSSARY.as_ref() else {
        return Err("The words of terms cannot be read.".to_owned());
    };
    let mut all = Vec::new();
    for (name, value) in changes {
        gather(name.clone(), None, value, &mut all);
    }
    let lines: Result<Vec<String>, String> =
        all.iter().map(|change| glossary.line(language, change)).collect();
    let told = lines?.join("; ");
    if told.chars().count() > TOLD_CHARS_MAX {
        return Err("So many changes do not fit one notice: make them in two.".to_owned());
    }
    Ok(told)
}

/// Every value with the path to it; lists are gone through, and the name of a feature is none of what changes.
fn gather<'a>(path: String, feature: Option<&'a str>, value: &'a Json, into: &mut Vec<Change<'a>>) {
    match value {
        Json::Object(fields) => {
            let named = fields.get("name").and_then(Json::as_str);
            let feature = if path == "features" { named } else { feature };
            for (name, value) in fields {
                if path != "features" || name != "name" {
                    gather(format!("{path}.{name}"), feature, value, into);
                }
            }
        }
        Json::Array(items) if items.iter().all(Json::is_object) => {
            for item in items {
                gather(path.clone(), feature, item, into);
            }
        }
        value => into.push(Change { path, feature, value }),
    }
}

impl Glossary {
    fn line(&self, language: Language, change: &Change<'_>) -> Result<String, String> {
        let Change { path, feature, value } = change;
        let term = self.terms.get(path).ok_or_else(|| {
            format!("A customer cannot be told in plain words that `{path}` changes: messages/terms.toml has no words for it.")
        })?;
        let label = pick(language, &term.en, &term.es);
        let said = self.said(language, term.holds, value).ok_or_else(|| {
            format!("A customer cannot be told in plain words that `{path}` becomes {value}.")
        })?;
        let Some(feature) = feature else { return Ok(format!("{label}: {said}")) };
        let feature = self
            .words
            .get(*feature)
            .ok_or_else(|| format!("messages/terms.toml has no words for `{feature}`."))?;
        Ok(format!("{label} ({}): {said}", pick(language, &feature.en, &feature.es)))
    }

    /// A value in words; nothing where it is none of its kind.
    fn said(&self, language: Language, holds: Holds, value: &Json) -> Option<String> {
        let number = value.as_u64();
        let text = value.as_str();
        match holds {
            Holds::Money => Cents::parse_dollars(text?).ok().map(|amount| amount.to_string()),
            Holds::Percent => text.filter(|text| text.ends_with('%')).map(str::to_owned),
            Holds::Days => number.map(|days| counted(days, language, ("day", "día"))),
            Holds::Cycles => number.map(|months| match language {
                Language::English => counted(months, language, ("month", "mes")),
                Language::Spanish if months == 1 => "1 mes".to_owned(),
                Language::Spanish => format!("{months} meses"),
            }),
            Holds::Count => number.map(|count| count.to_string()),
            Holds::YesNo => value.as_bool().map(|yes| match (language, yes) {
                (Language::English, true) => "yes".to_owned(),
                (Language::Spanish, true) => "sí".to_owned(),
                (_, false) => "no".to_owned(),
            }),
            Holds::Word => {
                let text = text?;
                if let Some(word) = self.words.get(text) {
                    return Some(pick(language, &word.en, &word.es).to_owned());
                }
                // A time of day needs no words.
                text.parse::<chrono::NaiveTime>().ok().map(|time| time.format("%H:%M").to_string())
            }
        }
    }
}

fn pick<'a>(language: Language, en: &'a str, es: &'a str) -> &'a str {
    match language {
        Language::English => en,
        Language::Spanish => es,
    }
}

fn counted(count: u64, language: Language, (en, es): (&str, &str)) -> String {
    let unit = pick(language, en, es);
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(language: Language, changes: &Json) -> Result<String, String> {
        told_in(language, changes.as_object().unwrap())
    }

    #[test]
    fn a_change_is_told_in_plain_words_of_both_languages() {
        let changes = json!({
            "dates": { "due_days_after_close": 30 },
            "features": [{ "name": "draws", "apr": "19.99%" }],
            "fees": { "late": { "amount": "20.00", "after_days": 1 } },
            "interest": { "on_fees": true },
        });
        assert_eq!(
            told(Language::English, &changes).unwrap(),
            "days from the close to the due date: 30 days; annual percentage rate (draws): 19.99%; \
             days after the due date before a late fee: 1 day; late fee: $20.00; interest on fees: yes"
        );
        assert_eq!(
            told(Language::Spanish, &changes).unwrap(),
            "días entre el cierre y la fecha de pago: 30 días; tasa de porcentaje anual (retiros): 19.99%; \
             días después de la fecha de pago antes de un cargo por atraso: 1 día; cargo por pago atrasado: $20.00; \
             intereses sobre los cargos: sí"
        );
    }

    #[test]
    fn what_has_no_words_is_refused_and_never_told_by_its_fields_name() {
        for changes in [
            json!({ "waterfall": { "minimum_order": "lowest_apr" } }),
            json!({ "fees": { "late": { "amount": "twenty" } } }),
            json!({ "interest": { "compounding": "hourly" } }),
            json!({ "features": [{ "name": "vouchers", "apr": "1%" }] }),
        ] {
            let refused = can_be_told(changes.as_object().unwrap()).unwrap_err();
            assert_eq!(refused.code, RefusalCode::TermsInvalid, "{changes}");
        }
    }

    #[test]
    fn no_words_are_a_fields_name() {
        let glossary = GLOSSARY.as_ref().unwrap();
        for (path, term) in &glossary.terms {
            for words in [&term.en, &term.es] {
                assert!(
                    !words.is_empty() && !words.contains(['_', '.', ';', ':']),
                    "{path}: {words}"
                );
            }
        }
    }
}
