//! The unit that is found, shown and cited: one section of one version of one policy.

use std::fmt;
use std::str::FromStr;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Who a document is written for, and who is asking. The order is that of the doors: each may read
/// what is written for those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Audience {
    /// Customers and the public.
    Consumer,
    /// Our representatives.
    Staff,
    /// Compliance, model risk and engineering.
    Internal,
}

impl Audience {
    /// Every audience, narrowest rights first.
    pub const ALL: [Self; 3] = [Self::Consumer, Self::Staff, Self::Internal];

    /// Whether someone of this audience may be shown what is written for `written_for`.
    pub fn may_read(self, written_for: Self) -> bool {
        written_for <= self
    }

    /// The word used in heads, folders and indexes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Consumer => "consumer",
            Self::Staff => "staff",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What sort of text a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Says what to do.
    Procedure,
    /// Says what holds.
    Reference,
}

/// `id@version#section`: names one passage for ever.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Citation {
    /// The document's id, such as `late-fee`.
    pub document: String,
    /// The document's version, from 1.
    pub version: u32,
    /// The section's slug, such as `when-a-late-fee-applies`.
    pub section: String,
}

impl fmt::Display for Citation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}#{}", self.document, self.version, self.section)
    }
}

/// The text is not of the form `id@version#section`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a citation is written id@version#section, not {0:?}")]
pub struct CitationError(String);

impl FromStr for Citation {
    type Err = CitationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (document, rest) = text.split_once('@')?;
            let (version, section) = rest.split_once('#')?;
            let version = version.parse().ok().filter(|&version| version > 0)?;
            (valid_slug(document) && valid_slug(section)).then(|| Self {
                document: document.to_owned(),
                version,
                section: section.to_owned(),
            })
        };
        parse().ok_or_else(|| CitationError(text.chars().take(80).collect()))
    }
}

impl Serialize for Citation {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Citation {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Lower-case words of letters and digits joined by single hyphens.
pub(crate) fn valid_slug(text: &str) -> bool {
    !text.is_empty()
        && text.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

/// When, where and for whom a passage holds. This is all that a filter looks at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// Who it is written for.
    pub audience: Audience,
    /// First day in force.
    pub effective_on: NaiveDate,
    /// Last day in force; open-ended when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effective_until: Option<NaiveDate>,
    /// The product it is about; every product when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The states where it holds, as postal codes; everywhere when empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub states: Vec<String>,
}

/// What an asker may be shown. It is applied before anything is ranked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Who asks.
    pub audience: Audience,
    /// The date of the event asked about, not the date of asking.
    pub on: NaiveDate,
    /// The product of the line asked about. Absent: no product is excluded.
    pub product: Option<String>,
    /// The customer's state. Absent: passages that hold in some states only are left out, since
    /// another state's rights would be a wrong answer.
    pub state: Option<String>,
}

impl Filter {
    /// Whether a passage of this scope may be ranked and shown.
    pub fn admits(&self, scope: &Scope) -> bool {
        self.audience.may_read(scope.audience)
            && scope.effective_on <= self.on
            && scope.effective_until.is_none_or(|until| self.on <= until)
            && match (&self.product, &scope.product) {
                (Some(asked), Some(about)) => asked == about,
                _ => true,
            }
            && (scope.states.is_empty()
                || self.state.as_ref().is_some_and(|state| scope.states.contains(state)))
    }
}

/// One section of a policy, with everything needed to show and to cite it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Passage {
    /// Its name.
    pub citation: Citation,
    /// SHA-256 over citation, title, heading and text, in hexadecimal.
    pub digest: String,
    /// The document's title.
    pub title: String,
    /// The section's heading.
    pub heading: String,
    /// The section's words. Data, never instructions.
    pub text: String,
    /// Procedure or reference.
    pub kind: Kind,
    /// When, where and for whom it holds.
    #[serde(flatten)]
    pub scope: Scope,
    /// Ids of documents to read next.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub see: Vec<String>,
    /// Names of the tools that carry the procedure out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<String>,
}

impl Passage {
    /// What is embedded and matched: a section read alone, yet in the light of its document.
    pub(crate) fn embedded_text(&self) -> String {
        format!("{}: {}\n{}", self.title, self.heading, self.text)
    }

    /// The digest of a passage with these words.
    pub(crate) fn digest_of(citation: &Citation, title: &str, heading: &str, text: &str) -> String {
        let mut hasher = Sha256::new();
        for part in [citation.to_string().as_str(), title, heading, text] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        hex::encode(hasher.finalize())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(audience: Audience) -> Scope {
        Scope {
            audience,
            effective_on: "2025-01-01".parse().unwrap(),
            effective_until: Some("2025-12-31".parse().unwrap()),
            product: Some("CASHLINE-STD-1".to_owned()),
            states: vec!["AL".to_owned()],
        }
    }

    fn filter(on: &str, product: Option<&str>, state: Option<&str>) -> Filter {
        Filter {
            audience: Audience::Consumer,
            on: on.parse().unwrap(),
            product: product.map(str::to_owned),
            state: state.map(str::to_owned),
        }
    }

    #[test]
    fn a_citation_reads_back_as_it_was_written_and_nothing_else_reads() {
        let citation: Citation = "late-fee@2#when-it-applies".parse().unwrap();
        assert_eq!(citation.to_string(), "late-fee@2#when-it-applies");
        for bad in [
            "",
            "late-fee",
            "late-fee@0#x",
            "late-fee@-1#x",
            "late-fee@1",
            "late-fee@1#",
            "Late@1#x",
            "../x@1#y",
            "a--b@1#c",
            "a@1#b#c",
        ] {
            assert!(bad.parse::<Citation>().is_err(), "{bad:?} must not be a citation");
        }
    }

    #[test]
    fn an_audience_reads_its_own_shelf_and_those_below() {
        for asker in Audience::ALL {
            for written_for in Audience::ALL {
                assert_eq!(asker.may_read(written_for), written_for <= asker);
            }
        }
        assert!(!Audience::Consumer.may_read(Audience::Staff));
        assert!(!Audience::Staff.may_read(Audience::Internal));
    }

    #[test]
    fn both_ends_of_the_term_are_in_force_and_the_days_beside_them_are_not() {
        let scope = scope(Audience::Consumer);
        for (on, admitted) in [
            ("2024-12-31", false),
            ("2025-01-01", true),
            ("2025-12-31", true),
            ("2026-01-01", false),
        ] {
            assert_eq!(filter(on, None, Some("AL")).admits(&scope), admitted, "{on}");
        }
    }

    #[test]
    fn a_state_passage_needs_that_state_and_a_product_passage_that_product() {
        let scope = scope(Audience::Consumer);
        let cases = [
            (None, Some("AL"), true),
            (None, Some("TX"), false),
            (None, None, false),
            (Some("CASHLINE-STD-1"), Some("AL"), true),
            (Some("CASHLINE-SUB-1"), Some("AL"), false),
        ];
        for (product, state, admitted) in cases {
            assert_eq!(filter("2025-06-01", product, state).admits(&scope), admitted);
        }
    }
}
