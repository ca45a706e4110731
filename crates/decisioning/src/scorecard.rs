//! The additive scorecard: a table per feature, in integer micro-logits; higher is better.

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use crate::{DecisioningError, Feature, Features};

const FORMAT: &str = "plumbline-scorecard/1";

/// A model, found to be monotone.
#[derive(Clone, Debug)]
pub struct Scorecard {
    id: String,
    digest: String,
    intercept: i64,
    tables: Vec<Table>,
    references: Vec<Reference>,
}

/// What those contribute on average who score at a band's floor or just above it (Reg B comment 9(b)(2)-5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub band: String,
    pub floor: i64,
    /// In the order of [`Scorecard::features`].
    contributions: Vec<i64>,
}

#[derive(Clone, Debug)]
struct Table {
    feature: Feature,
    /// Ascending: the first value of each bin but the lowest.
    edges: Vec<i64>,
    micrologits: Vec<i64>,
    missing: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    format: String,
    id: String,
    intercept_micrologits: i64,
    features: Vec<FileTable>,
    references: Vec<FileReference>,
    #[serde(rename = "training")]
    _training: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTable {
    name: String,
    #[serde(rename = "unit")]
    _unit: String,
    direction: Direction,
    edges: Vec<i64>,
    micrologits: Vec<i64>,
    missing_micrologits: i64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Direction {
    HigherIsWorse,
    LowerIsWorse,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileReference {
    band: String,
    floor_micrologits: i64,
    #[serde(rename = "people")]
    _people: u64,
    micrologits: std::collections::BTreeMap<String, i64>,
}

impl Scorecard {
    /// Reads a model file, and refuses one that is not monotone or whose references do not fit its features.
    pub fn parse(json: &str) -> Result<Self, DecisioningError> {
        let wrong = DecisioningError::Model;
        let file: File = serde_json::from_str(json).map_err(|error| wrong(error.to_string()))?;
        if file.format != FORMAT {
            return Err(wrong(format!("its format is {} and not {FORMAT}", file.format)));
        }
        let mut tables: Vec<Table> = Vec::new();
        for table in file.features {
            let name = table.name.clone();
            let table = Table::check(table).ok_or_else(|| {
                wrong(format!("the table of {name} is not monotone or not whole"))
            })?;
            if tables.iter().any(|other| other.feature == table.feature) {
                return Err(wrong(format!("{name} stands there twice")));
            }
            tables.push(table);
        }
        let mut references: Vec<Reference> = Vec::new();
        for reference in file.references {
            let band = reference.band;
            let found: Option<Vec<i64>> = tables
                .iter()
                .map(|table| reference.micrologits.get(table.feature.name()).copied())
                .collect();
            let contributions = found
                .filter(|found| found.len() == reference.micrologits.len())
                .ok_or_else(|| wrong(format!("band {band} has not one reference per feature")))?;
            let floor = reference.floor_micrologits;
            if references.last().is_some_and(|better| better.floor <= floor) {
                return Err(wrong(format!("band {band} is not below the band before it")));
            }
            references.push(Reference { band, floor, contributions });
        }
        if references.is_empty() {
            return Err(wrong("it has no band".into()));
        }
        let digest = hex::encode(Sha256::digest(json.as_bytes()));
        Ok(Self { id: file.id, digest, intercept: file.intercept_micrologits, tables, references })
    }

    pub fn id(&self) -> &str {
        &self.id
    }

    /// The model and which bytes of it: `application-1@0123456789ab`.
    pub fn version(&self) -> String {
        format!("{}@{}", self.id, self.digest.get(..12).unwrap_or_default())
    }

    pub fn features(&self) -> impl Iterator<Item = Feature> {
        self.tables.iter().map(|table| table.feature)
    }

    pub const fn intercept(&self) -> i64 {
        self.intercept
    }

    /// One contribution per feature, in the order of [`features`](Self::features).
    pub fn contributions(&self, features: &Features) -> Vec<i64> {
        self.tables.iter().map(|table| table.contribution(features.get(table.feature))).collect()
    }

    pub fn score(&self, features: &Features) -> i64 {
        self.intercept + self.contributions(features).iter().sum::<i64>()
    }

    /// The bands, best first.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// The score that a reference's contributions add up to.
    pub fn reference_score(&self, reference: &Reference) -> i64 {
        self.intercept + reference.contributions.iter().sum::<i64>()
    }
}

impl Reference {
    pub fn contributions(&self) -> &[i64] {
        &self.contributions
    }
}

impl Table {
    fn check(file: FileTable) -> Option<Self> {
        let feature = Feature::from_name(&file.name)?;
        let rising = file.edges.is_sorted_by(|a, b| a < b);
        let monotone = match file.direction {
            Direction::HigherIsWorse => file.micrologits.is_sorted_by(|a, b| a >= b),
            Direction::LowerIsWorse => file.micrologits.is_sorted_by(|a, b| a <= b),
        };
        let whole = file.micrologits.len() == file.edges.len() + 1;
        (rising && monotone && whole).then_some(Self {
            feature,
            edges: file.edges,
            micrologits: file.micrologits,
            missing: file.missing_micrologits,
        })
    }

    fn contribution(&self, value: Option<i64>) -> i64 {
        let Some(value) = value else { return self.missing };
        let bin = self.edges.partition_point(|edge| *edge <= value);
        self.micrologits.get(bin).copied().unwrap_or(self.missing)
    }
}
