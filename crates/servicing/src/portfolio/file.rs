//! A world file: read, checked, and varied.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use credit::{
    ProductCatalog,
    scenario::{self, Scenario},
};
use decisioning::Application;
use money::Cents;
use serde::Deserialize;
use store::{bank_accounts::BankAccountKind, customers::Language};
use toml::Value;

use super::{names, sha2_of};
use crate::{
    originate::{NewBankAccount, NewCustomer},
    worlds::Person,
};

/// A world as it is written.
#[derive(Clone)]
pub struct WorldFile {
    /// The file's name without its ending.
    pub name: String,
    /// How many of it the sandbox portfolio has.
    pub copies: u32,
    pub person: PersonFile,
    pub application: Option<Application>,
    /// The scenario's tables, as docs/scenario.md has them.
    scenario: Option<Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonFile {
    pub name: String,
    pub state: String,
    #[serde(default = "english")]
    pub language: Language,
    pub archetype: String,
    pub summary: String,
    pub bank_accounts: Vec<AccountFile>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountFile {
    pub kind: BankAccountKind,
    pub bank_name: String,
    pub account_number: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    copies: u32,
    person: PersonFile,
    application: Option<Application>,
    scenario: Option<Value>,
}

const fn english() -> Language {
    Language::English
}

/// The routing number of every bank of the sandbox.
const ROUTING_NUMBER: &str = "021000021";

/// Why a world cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    #[error("could not read {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("world {path}: {reason}")]
    Malformed { path: PathBuf, reason: String },
}

impl WorldFile {
    pub fn load(path: &Path) -> Result<Self, WorldError> {
        let text = fs::read_to_string(path)
            .map_err(|source| WorldError::Read { path: path.to_owned(), source })?;
        let malformed = |reason: String| WorldError::Malformed { path: path.to_owned(), reason };
        let file: File = toml::from_str(&text).map_err(|error| malformed(error.to_string()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let world = Self {
            name,
            copies: file.copies,
            person: file.person,
            application: file.application,
            scenario: file.scenario,
        };
        world.scenario().map_err(|error| malformed(error.to_string()))?;
        Ok(world)
    }

    /// Every world of a folder, by name.
    pub fn load_all(folder: &Path) -> Result<Vec<Self>, WorldError> {
        let failed = |source| WorldError::Read { path: folder.to_owned(), source };
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                paths.push(path);
            }
        }
        paths.sort();
        paths.iter().map(|path| Self::load(path)).collect()
    }

    pub(super) fn scenario(&self) -> Result<Option<Scenario>, WorldError> {
        let malformed =
            |reason: String| WorldError::Malformed { path: PathBuf::from(&self.name), reason };
        let Some(tables) = &self.scenario else { return Ok(None) };
        let text = toml::to_string(tables).map_err(|error| malformed(error.to_string()))?;
        let catalog = ProductCatalog::embedded().map_err(|error| malformed(error.to_string()))?;
        scenario::parse(&text, &catalog).map(Some).map_err(|error| malformed(error.to_string()))
    }

    pub(super) fn person(&self) -> Person {
        let address = self.person.name.to_lowercase().replace(|c: char| !c.is_alphanumeric(), ".");
        Person {
            customer: NewCustomer {
                name: self.person.name.clone(),
                email: format!("{address}@example.com"),
                phone: "+1 555 0100".to_owned(),
                state: self.person.state.clone(),
                language: self.person.language,
                archetype: Some(self.person.archetype.clone()),
                summary: Some(self.person.summary.clone()),
            },
            bank_accounts: self
                .person
                .bank_accounts
                .iter()
                .map(|account| NewBankAccount {
                    kind: account.kind,
                    bank_name: account.bank_name.clone(),
                    routing_number: ROUTING_NUMBER.to_owned(),
                    account_number: account.account_number.clone(),
                })
                .collect(),
        }
    }

    /// The world with another name, other amounts and other account numbers; copy 0 is the world itself. What the sandbox
    /// bank's test accounts do stays as it is.
    pub(super) fn varied(&self, copy: u32, seed: &str) -> Self {
        let mut world = self.clone();
        if copy == 0 {
            return world;
        }
        let number = number_of(seed);
        world.person.name = names::name(number);
        for account in &mut world.person.bank_accounts {
            let kept = account.account_number.len().saturating_sub(4);
            let ending = account.account_number.get(kept..).unwrap_or_default();
            if !matches!(ending.get(..2), Some("90" | "91" | "92" | "93" | "94")) {
                // Below 9000: an account that settles.
                account.account_number =
                    format!("00{:06}{:04}", number % 1_000_000, number % 8_999);
            }
        }
        if let Some(tables) = &mut world.scenario {
            // Between 70 and 130 percent.
            scale(tables, 70 + number % 61);
        }
        world
    }

    /// Takes the next name that nobody has, where somebody has this one: a person is chosen by name.
    pub(super) fn name_apart(&mut self, taken: &mut BTreeSet<String>, seed: &str) {
        let mut number = number_of(seed);
        while !taken.insert(self.person.name.clone()) {
            number = number.wrapping_add(1);
            self.person.name = names::name(number);
        }
    }
}

/// A number that looks like any other and is always that of its seed.
fn number_of(seed: &str) -> u64 {
    sha2_of(seed).iter().fold(0_u64, |number, bit| number.wrapping_mul(251) + u64::from(*bit))
}

/// Multiplies every amount of the line's events by so many percent, to whole dollars.
fn scale(tables: &mut Value, percent: u64) {
    let events = tables
        .get_mut("line")
        .and_then(|line| line.get_mut("events"))
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten();
    for event in events {
        let Some(Value::String(text)) = event.get_mut("amount") else { continue };
        let Ok(amount) = Cents::parse_dollars(text) else { continue };
        let dollars = amount.get().unsigned_abs() * percent / 10_000;
        *text = format!("{}.00", dollars.max(1));
    }
}
