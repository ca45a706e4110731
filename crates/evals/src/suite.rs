//! A suite: its declaration and its cases, sealed by a digest.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{
    Case, EvalError,
    statistics::{fewest_cases, quantile},
};

/// What `suite.toml` declares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    pub name: String,
    pub version: u32,
    /// By how much the pass rate may be worse than the baseline's: a share, such as 0.03.
    pub margin: f64,
    /// Of the one-sided bound, such as 0.95.
    pub confidence: f64,
    /// The pass rate a first promotion has to reach, there being no baseline.
    pub first_pass_rate: f64,
    /// Slices on which nothing may get worse.
    pub regulated: BTreeSet<String>,
    /// How much dearer and slower a candidate may be: ratios to the baseline.
    pub tokens_ratio: f64,
    pub latency_ratio: f64,
    /// The share of cases that may fail for reasons other than the candidate.
    pub infrastructure: f64,
}

/// A suite as it was run.
#[derive(Clone, Debug, PartialEq)]
pub struct Suite {
    pub declaration: Declaration,
    /// In the order of their ids.
    pub cases: Vec<Case>,
    /// Over the declaration, the cases and the worlds they name.
    pub digest: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    #[serde(default)]
    case: Vec<Case>,
}

impl Suite {
    /// Reads `suite.toml`, every file under `cases/` and the worlds they name from `worlds`.
    ///
    /// # Errors
    /// What does not parse, a case twice, a world that is missing, and a suite that could not pass with zero discordant pairs.
    pub fn load(folder: &Path, worlds: &Path) -> Result<Self, EvalError> {
        let mut hash = Sha256::new();
        let declaration: Declaration = parse(&folder.join("suite.toml"), &mut hash)?;
        let mut cases: BTreeMap<String, Case> = BTreeMap::new();
        let mut world_names = BTreeSet::new();
        for path in toml_files(&folder.join("cases"))? {
            let file: CaseFile = parse(&path, &mut hash)?;
            for case in file.case {
                world_names.insert(case.world.clone());
                if let Some(twice) = cases.insert(case.id.clone(), case) {
                    let reason = format!("the case `{}` stands twice", twice.id);
                    return Err(EvalError::Malformed { path, reason });
                }
            }
        }
        for name in &world_names {
            hash.update(read(&worlds.join(format!("{name}.toml")))?);
        }
        let suite = Self {
            declaration,
            cases: cases.into_values().collect(),
            digest: hex::encode(hash.finalize()),
        };
        suite.check()?;
        Ok(suite)
    }

    /// Whether so many cases could not be run that the others say nothing.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        clippy::float_arithmetic,
        reason = "counts of cases are far below 2^52; no money here"
    )]
    pub fn too_many_not_run(&self, not_run: usize) -> bool {
        not_run as f64 > self.declaration.infrastructure * self.cases.len() as f64
    }

    /// The normal quantile of the declared confidence.
    #[must_use]
    pub fn z(&self) -> f64 {
        quantile(self.declaration.confidence)
    }

    fn check(&self) -> Result<(), EvalError> {
        let margin = self.declaration.margin;
        let within = |value: f64| value > 0.0 && value < 1.0;
        if !within(margin) || !within(self.declaration.confidence) {
            return Err(EvalError::Usage(format!(
                "suite `{}`: margin and confidence are shares between 0 and 1",
                self.declaration.name
            )));
        }
        let needed = fewest_cases(margin, self.z());
        if self.cases.len() < needed as usize {
            return Err(EvalError::Usage(format!(
                "suite `{}` has {} cases; with its margin of {margin} it could not pass below {needed}, whatever the \
                 candidate does",
                self.declaration.name,
                self.cases.len(),
            )));
        }
        if let Some(case) = self.cases.iter().find(|case| case.steps.is_empty()) {
            return Err(EvalError::Usage(format!("the case `{}` has no steps", case.id)));
        }
        Ok(())
    }
}

fn read(path: &Path) -> Result<Vec<u8>, EvalError> {
    std::fs::read(path).map_err(|source| EvalError::Read { path: path.to_owned(), source })
}

fn parse<T: for<'de> Deserialize<'de>>(path: &Path, hash: &mut Sha256) -> Result<T, EvalError> {
    let bytes = read(path)?;
    hash.update(&bytes);
    let malformed = |reason: String| EvalError::Malformed { path: path.to_owned(), reason };
    let text = String::from_utf8(bytes).map_err(|error| malformed(error.to_string()))?;
    toml::from_str(&text).map_err(|error| malformed(error.to_string()))
}

fn toml_files(folder: &Path) -> Result<Vec<PathBuf>, EvalError> {
    let failed = |source| EvalError::Read { path: folder.to_owned(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
