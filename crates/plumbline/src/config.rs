//! Every setting there is: defaults, then a TOML file, then the environment.
//!
//! `PLUMBLINE_STATE` sets `state`, and so on; `DATABASE_URL` is read under its usual name. A setting that does
//! not exist stops the start.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use figment::{
    Figment,
    providers::{Env, Format, Serialized, Toml},
};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use store::Location;

use crate::exit::UsageError;

/// What the environment calls a setting begins so.
const PREFIX: &str = "PLUMBLINE_";

/// The settings that are words even where they are made of digits.
const WORDS: [&str; 12] = [
    "ach_company_name",
    "ach_company_id",
    "ach_routing",
    "ach_bank_routing",
    "ach_bank_name",
    "lender_name",
    "lender_address",
    "lender_phone",
    "credit_counseling_phone",
    "lender_regulator",
    "lender_regulator_address",
    "bank_number_keys",
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Config {
    /// Where the private cluster, the fetched embedding model and other things of this installation live. Without it,
    /// the system's state folder for root and `.plumbline` for everybody else.
    state: Option<PathBuf>,

    /// Somebody's PostgreSQL instead of the private cluster. May carry a password.
    database_url: Option<SecretString>,

    /// The project's folder: `prompts/`, `tools/`, `policies/`, `worlds/`. Without it, this folder.
    root: Option<PathBuf>,

    /// The bank's address. A sandbox starts a simulated bank where there is none.
    pub(crate) bank_url: Option<String>,

    /// The mail server: `smtps://name:password@host`. A sandbox starts a post office of its own where there is none.
    pub(crate) mail_url: Option<SecretString>,

    /// Who writes the mail: `Name <name@domain>`.
    pub(crate) mail_from: Option<String>,

    /// Where what became of mail can be asked and letters are printed (docs/messages.md).
    pub(crate) mail_desk_url: Option<String>,

    /// Whether a sandbox has a post office. Without one nothing is written to anybody.
    #[serde(default = "yes")]
    pub(crate) sandbox_post: bool,

    /// Where a live server reckons business dates: an IANA time zone.
    pub(crate) zone: Option<String>,

    // Who a live lender is on the ACH network, and whose bank takes its files.
    pub(crate) ach_company_name: Option<String>,
    pub(crate) ach_company_id: Option<String>,
    pub(crate) ach_routing: Option<String>,
    pub(crate) ach_bank_routing: Option<String>,
    pub(crate) ach_bank_name: Option<String>,

    /// The keys of the customers' bank account numbers: `name:hex`, several with commas between them, the first of which seals.
    /// A sandbox makes one in its state folder.
    pub(crate) bank_number_keys: Option<SecretString>,

    // Who the lender is on documents. An address is one text, its lines apart by semicolons.
    pub(crate) lender_name: Option<String>,
    pub(crate) lender_address: Option<String>,
    pub(crate) lender_phone: Option<String>,
    pub(crate) credit_counseling_phone: Option<String>,
    pub(crate) lender_regulator: Option<String>,
    pub(crate) lender_regulator_address: Option<String>,

    /// An OpenAI-compatible endpoint, up to and including `/v1`. Without it the built-in stand-in answers, of a live server
    /// only where `stand_in` asks for it.
    pub(crate) openai_base_url: Option<String>,

    /// Whether a live server may answer its customers with the built-in stand-in.
    #[serde(default)]
    pub(crate) stand_in: bool,

    pub(crate) openai_api_key: Option<SecretString>,

    /// The model to ask at that endpoint.
    model: Option<String>,

    /// The embeddings model there. Without it the stand-in's encoder serves the search.
    pub(crate) embedding_model: Option<String>,

    /// What to log, in the words of `tracing`: `info`, `store=debug,warn`.
    #[serde(default = "default_log")]
    pub(crate) log: String,
}

const fn yes() -> bool {
    true
}

fn default_log() -> String {
    "warn".to_owned()
}

impl Config {
    /// Reads the named file, or `plumbline.toml` where it stands, then the environment.
    pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<Self> {
        let toml = match file {
            Some(file) if !file.is_file() => {
                return Err(
                    UsageError(format!("there is no settings file {}", file.display())).into()
                );
            }
            Some(file) => Toml::file_exact(file),
            None => Toml::file("plumbline.toml"),
        };
        // Not to be taken for numbers, whose leading zeros mean nothing.
        let words: BTreeMap<String, String> = Env::prefixed(PREFIX)
            .only(&WORDS)
            .iter()
            .map(|(key, text)| (key.to_string(), text))
            .collect();
        let figment = Figment::new()
            .merge(toml)
            .merge(Env::raw().only(&["DATABASE_URL", "OPENAI_BASE_URL", "OPENAI_API_KEY"]))
            // Two of the browser tests' own, which a server they start inherits.
            .merge(Env::prefixed(PREFIX).ignore(&["bin", "url"]).ignore(&WORDS))
            .merge(Serialized::defaults(words));
        Ok(figment.extract()?)
    }

    pub(crate) fn state_dir(&self) -> anyhow::Result<PathBuf> {
        match &self.state {
            Some(dir) => Ok(dir.clone()),
            None => Ok(store::cluster::default_state_dir()?),
        }
    }

    /// The project's folder.
    pub(crate) fn root(&self) -> anyhow::Result<PathBuf> {
        let root = self.root.clone().unwrap_or_else(|| PathBuf::from("."));
        if root.join("prompts").is_dir() && root.join("tools").is_dir() {
            return Ok(root);
        }
        let todo = match &self.root {
            Some(_) => "put `root` (PLUMBLINE_ROOT) right: it names the folder of the checkout",
            None => {
                "run this in the folder of the checkout, or name that as `root` (PLUMBLINE_ROOT)"
            }
        };
        let looked_for = whole(&root.join("prompts"));
        Err(UsageError(format!("there is no {}: {todo}", looked_for.display())).into())
    }

    /// The name of the configured model.
    pub(crate) fn model(&self) -> anyhow::Result<String> {
        self.model.clone().ok_or_else(|| {
            UsageError("name the model to ask as `model` (PLUMBLINE_MODEL)".to_owned()).into()
        })
    }

    /// The folder of the sentence encoder's files: in this state folder, or where the system's own has them already.
    pub(crate) fn embedder_dir(&self) -> anyhow::Result<PathBuf> {
        let own = self.state_dir()?.join("models/minilm");
        if own.is_dir() {
            return Ok(own);
        }
        let shared = store::cluster::default_state_dir()?.join("models/minilm");
        Ok(if shared.is_dir() { shared } else { own })
    }

    pub(crate) fn location(&self) -> anyhow::Result<Location> {
        match &self.database_url {
            Some(url) => Ok(Location::Url(url.expose_secret().to_owned())),
            None => Ok(Location::Private { state_dir: self.state_dir()? }),
        }
    }

    /// Whether the database is somebody else's to run.
    pub(crate) const fn has_database_url(&self) -> bool {
        self.database_url.is_some()
    }
}

/// A path as it is from the root of the file system on, so that a person sees where it was looked for.
pub(crate) fn whole(path: &Path) -> PathBuf {
    let from_here = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    // `/here/./prompts` and `/here/prompts` are one.
    from_here.components().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(toml: &str) -> anyhow::Result<Config> {
        Ok(Figment::new().merge(Toml::string(toml)).extract()?)
    }

    #[test]
    fn without_settings_there_is_a_private_cluster() {
        let config = parse("state = '/srv/plumbline'").unwrap();
        assert!(
            matches!(config.location().unwrap(), Location::Private { state_dir } if state_dir == Path::new("/srv/plumbline"))
        );
        assert!(config.embedder_dir().unwrap().ends_with("models/minilm"));
        assert_eq!(config.log, "warn");
    }

    #[test]
    fn a_password_in_the_address_is_never_printed() {
        let config = parse("database_url = 'postgres://ann:hunter2@db/plumbline'").unwrap();
        assert!(!format!("{config:?}").contains("hunter2"));
        let location = config.location().unwrap();
        assert!(!format!("{location:?}").contains("hunter2"));
        assert!(matches!(location, Location::Url(url) if url.contains("hunter2")));
    }

    #[test]
    fn a_setting_that_does_not_exist_is_refused_by_name() {
        let error = parse("databse_url = 'postgres://db'").unwrap_err().to_string();
        assert!(error.contains("databse_url"), "{error}");
    }
}
