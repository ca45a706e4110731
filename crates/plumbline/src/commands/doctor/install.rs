//! Installs missing Debian packages, or says exactly how.

use std::process::Command;

use anyhow::{Context as _, bail};

use super::Need;
use crate::{exit::UsageError, output::progress};

/// Installs what packages can bring. Nothing to do is success.
pub(super) fn packages(needs: &[Need]) -> anyhow::Result<()> {
    let packages = missing(needs);
    if packages.is_empty() {
        return Ok(());
    }
    if !store::cluster::running_as_root()? || which("apt-get").is_none() {
        return Err(UsageError(by_hand(needs, &packages)).into());
    }
    progress(format!("installing {}", packages.join(" ")));
    apt_get(&["update", "--quiet"])?;
    let mut install = vec!["install", "--yes", "--quiet", "--no-install-recommends"];
    install.extend(&packages);
    apt_get(&install)
}

fn missing(needs: &[Need]) -> Vec<&'static str> {
    needs.iter().filter(|need| !need.met()).flat_map(|need| need.packages).copied().collect()
}

/// The exact command, for a machine on which we may not or cannot install.
fn by_hand(needs: &[Need], packages: &[&str]) -> String {
    if which("apt-get").is_some() {
        return format!(
            "run this, then try again: sudo apt-get install --yes {}",
            packages.join(" ")
        );
    }
    let remedies: Vec<&str> = needs
        .iter()
        .filter(|need| !need.met() && !need.packages.is_empty())
        .map(|need| need.remedy.as_str())
        .collect();
    format!("run this, then try again: {}", remedies.join(" && "))
}

fn apt_get(args: &[&str]) -> anyhow::Result<()> {
    // Its chatter goes where progress goes, so that standard output stays ours.
    let status = Command::new("apt-get")
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdout(std::io::stderr())
        .status()
        .context("could not run apt-get")?;
    if !status.success() {
        bail!("apt-get {} ended with {status}", args.join(" "));
    }
    Ok(())
}

fn which(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(program)).find(|candidate| candidate.is_file())
}

#[cfg(test)]
mod tests {
    use super::{super::State, *};

    fn need(name: &'static str, state: State, packages: &'static [&'static str]) -> Need {
        Need { name, needed_for: "", state, packages, remedy: format!("brew install {name}") }
    }

    #[test]
    fn only_what_is_missing_and_can_be_installed_is_installed() {
        let found = State::Found { version: "1".to_owned() };
        let needs = [
            need("postgresql", State::Missing, &["postgresql"]),
            need("chromium", found, &["chromium"]),
            need("node", State::Missing, &[]),
        ];
        assert_eq!(missing(&needs), ["postgresql"]);
        assert!(by_hand(&needs, &["postgresql"]).contains("install"));
    }
}
