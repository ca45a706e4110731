//! The key this machine signs verdicts with: made at the first gate, readable by its owner alone, trusted here.

use std::{
    fs::{self, OpenOptions},
    io::{ErrorKind, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use anyhow::Context as _;
use prompts::Signer;

use crate::context::Context;

const KEY_FILE: &str = "gate.key";
const TRUSTED_FILE: &str = "trusted-keys";

/// The gate's key, made where there is none.
pub(in crate::commands) fn signer(context: &Context) -> anyhow::Result<Signer> {
    open(&context.config.state_dir()?.join("gate"))
}

fn open(folder: &Path) -> anyhow::Result<Signer> {
    fs::create_dir_all(folder).with_context(|| format!("could not make {}", folder.display()))?;
    let path = folder.join(KEY_FILE);
    let seed = match fs::read_to_string(&path) {
        Ok(text) => parse(&text).with_context(|| format!("{} is no key", path.display()))?,
        Err(error) if error.kind() == ErrorKind::NotFound => make(&path)?,
        Err(error) => {
            return Err(error).with_context(|| format!("could not read {}", path.display()));
        }
    };
    let signer = Signer::from_seed(seed);
    trust(&folder.join(TRUSTED_FILE), &signer.public_key())?;
    Ok(signer)
}

fn parse(text: &str) -> anyhow::Result<[u8; 32]> {
    let bytes = hex::decode(text.trim())?;
    <[u8; 32]>::try_from(bytes).ok().context("it does not have 32 bytes")
}

fn make(path: &Path) -> anyhow::Result<[u8; 32]> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .with_context(|| format!("could not write {}", path.display()))?;
    writeln!(file, "{}", hex::encode(seed))?;
    file.sync_all()?;
    Ok(seed)
}

fn trust(path: &Path, public_key: &str) -> anyhow::Result<()> {
    let known = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => {
            return Err(error).with_context(|| format!("could not read {}", path.display()));
        }
    };
    if known.lines().any(|line| line.trim() == public_key) {
        return Ok(());
    }
    fs::write(path, format!("{known}{public_key}\n"))
        .with_context(|| format!("could not write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_key_is_made_once_kept_private_and_trusted_here() {
        let state = tempfile::tempdir().unwrap();
        let folder = state.path().join("gate");
        let first = open(&folder).unwrap().public_key();
        assert_eq!(open(&folder).unwrap().public_key(), first);
        let mode = fs::metadata(folder.join(KEY_FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_to_string(folder.join(TRUSTED_FILE)).unwrap(), format!("{first}\n"));
    }
}
