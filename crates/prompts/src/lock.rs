//! `prompts/promoted.lock`: which digests may be served.

use std::{fs, path::Path};

use serde::{Deserialize, Serialize};

use crate::{Digest, Envelope, PromptError};

const LOCK_FILE: &str = "promoted.lock";
const PROMOTED: &str = "promoted";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lock {
    pub version: u32,
    #[serde(default)]
    pub promoted: Vec<Promoted>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promoted {
    /// `area/name`.
    pub name: String,
    /// Of the bundle under `prompts/promoted/`.
    pub digest: Digest,
    /// Of the served configuration that the verdict is about.
    pub configuration: Digest,
}

impl Lock {
    /// Reads the lock below `root`. Where there is none, nothing is promoted.
    pub fn load(root: &Path) -> Result<Self, PromptError> {
        let path = root.join("prompts").join(LOCK_FILE);
        let shown = path.display().to_string();
        match fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text)
                .map_err(|error| PromptError::Syntax { path: shown, problem: error.to_string() }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Self { version: 1, promoted: Vec::new() })
            }
            Err(source) => Err(PromptError::File { path: shown, source }),
        }
    }

    /// Writes the lock below `root`, by replacing it whole.
    pub fn store(&self, root: &Path) -> Result<(), PromptError> {
        let path = root.join("prompts").join(LOCK_FILE);
        let shown = path.display().to_string();
        let text = toml::to_string_pretty(self).map_err(|error| PromptError::Syntax {
            path: shown.clone(),
            problem: error.to_string(),
        })?;
        let file = |source| PromptError::File { path: shown.clone(), source };
        let beside = path.with_extension("lock.new");
        fs::write(&beside, text).map_err(file)?;
        fs::rename(&beside, &path).map_err(file)
    }

    pub fn find(&self, name: &str) -> Option<&Promoted> {
        self.promoted.iter().find(|promoted| promoted.name == name)
    }

    /// Sets what is promoted under a name.
    pub fn promote(&mut self, promoted: Promoted) {
        self.version = 1;
        self.promoted.retain(|other| other.name != promoted.name);
        self.promoted.push(promoted);
        self.promoted.sort_by(|one, other| one.name.cmp(&other.name));
    }

    /// The folder of sealed bundles below `root`.
    pub fn folder(root: &Path) -> std::path::PathBuf {
        root.join("prompts").join(PROMOTED)
    }
}

impl Promoted {
    /// Where the verdict's envelope lies below `root`: beside the bundle, by configuration.
    pub fn envelope_path(&self, root: &Path) -> std::path::PathBuf {
        let file = format!("{}.verdict.json", self.configuration);
        Lock::folder(root).join(self.digest.as_str()).join(file)
    }

    /// The envelope of its verdict, if there is one.
    pub fn envelope(&self, root: &Path) -> Result<Option<Envelope>, PromptError> {
        let path = self.envelope_path(root);
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|error| PromptError::Envelope(error.to_string())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(PromptError::File { path: path.display().to_string(), source }),
        }
    }
}
