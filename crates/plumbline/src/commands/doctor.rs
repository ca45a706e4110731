//! `plumbline doctor`: what this machine has, what is missing, and what to do about it.

mod install;
mod model;
mod probe;

use std::fmt;

use serde::Serialize;

use crate::{context::Context, exit::Exit};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Install what is missing: Debian packages as root, else print the command and stop; and fetch the embedding model.
    #[arg(long)]
    install: bool,
}

/// Something the project needs of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Need {
    name: &'static str,
    /// What cannot be done without it.
    needed_for: &'static str,
    #[serde(flatten)]
    state: State,
    /// Debian packages that bring it; empty where a package would not do.
    packages: &'static [&'static str],
    /// What a person does about it.
    remedy: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub(super) enum State {
    Found { version: String },
    TooOld { version: String, needed: String },
    Missing,
}

impl Need {
    const fn met(&self) -> bool {
        matches!(self.state, State::Found { .. })
    }
}

#[derive(Serialize)]
struct Diagnosis {
    ok: bool,
    needs: Vec<Need>,
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let mut needs = probe::all(&context.config)?;
    if args.install && needs.iter().any(|need| !need.met()) {
        install::packages(&needs)?;
        model::fetch(&context.config.embedder_dir()?)?;
        needs = probe::all(&context.config)?;
    }
    let diagnosis = Diagnosis { ok: needs.iter().all(Need::met), needs };
    context.output.answer(&diagnosis)?;
    Ok(if diagnosis.ok { Exit::Done } else { Exit::NotRight })
}

impl fmt::Display for Diagnosis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for need in &self.needs {
            match &need.state {
                State::Found { version } => writeln!(f, "found    {:<16} {version}", need.name)?,
                State::TooOld { version, needed } => {
                    writeln!(f, "TOO OLD  {:<16} {version}, needed is {needed}", need.name)?;
                }
                State::Missing => {
                    writeln!(f, "MISSING  {:<16} for {}", need.name, need.needed_for)?;
                }
            }
            if !need.met() {
                writeln!(f, "         {:<16} {}", "", need.remedy)?;
            }
        }
        f.write_str(if self.ok {
            "everything is here"
        } else {
            "`plumbline doctor --install` installs what it can"
        })
    }
}
