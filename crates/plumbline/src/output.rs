//! What a person or a script sees: answers on standard output, progress and errors on standard error.
#![expect(clippy::print_stderr, reason = "this is the program's voice")]

use std::{
    fmt::Display,
    io::{self, IsTerminal as _, Write as _},
};

use serde::Serialize;
use serde_json::json;
use tracing_subscriber::EnvFilter;

use crate::exit::{Exit, UsageError};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) const fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether the answer is for a program.
    pub(crate) const fn json(self) -> bool {
        self.json
    }

    /// A line of a talk, where a person follows it.
    pub(crate) fn say(self, line: &str) {
        if !self.json {
            said(write_out(format_args!("{line}\n")));
        }
    }

    /// A piece of a line.
    pub(crate) fn say_on(self, piece: &str) {
        if !self.json {
            said(write_out(piece));
        }
    }

    /// A command's answer.
    pub(crate) fn answer(self, answer: &(impl Serialize + Display)) -> anyhow::Result<()> {
        if self.json {
            write_out(format_args!("{}\n", serde_json::to_string_pretty(answer)?))?;
        } else {
            write_out(format_args!("{answer}\n"))?;
        }
        Ok(())
    }

    /// What a server tells once it listens: for a program the one line on standard output, for a person words among the
    /// progress.
    pub(crate) fn ready(self, ready: &(impl Serialize + Display)) -> anyhow::Result<()> {
        if self.json {
            write_out(format_args!("{}\n", serde_json::to_string(ready)?))?;
        } else {
            progress(ready);
        }
        Ok(())
    }

    /// The error and what caused it, once.
    pub(crate) fn error(self, error: &anyhow::Error) {
        let causes = causes(error);
        if self.json {
            eprintln!("{}", json!({ "error": error.to_string(), "causes": causes }));
            return;
        }
        eprintln!("error: {error}");
        for cause in causes {
            eprintln!("  because {cause}");
        }
    }
}

/// Writes to standard output. Who has stopped reading (`| head`) has read enough: that is no failure.
fn write_out(what: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match write!(out, "{what}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// In the middle of a talk there is nobody to hand an error to.
fn said(written: io::Result<()>) {
    if let Err(error) = written {
        progress(format_args!("could not write to standard output: {error}"));
    }
}

/// What caused it, nearest first. Some errors repeat their cause in their own words: it is said once.
fn causes(error: &anyhow::Error) -> Vec<String> {
    let mut said = vec![error.to_string()];
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !said.iter().any(|earlier| earlier.contains(&cause)) {
            said.push(cause);
        }
    }
    said.split_off(1)
}

/// What is being done, for a person who waits.
pub(crate) fn progress(what: impl Display) {
    eprintln!("{what}");
}

/// How far a long piece of work has come: a bar on a terminal, a line now and then anywhere else.
pub(crate) struct Meter {
    all: usize,
    terminal: bool,
}

impl Meter {
    /// Of this many pieces.
    pub(crate) fn new(all: usize) -> Self {
        Self { all, terminal: std::io::stderr().is_terminal() }
    }

    pub(crate) fn show(&self, done: usize, note: &str) {
        const WIDTH: usize = 30;
        if self.terminal {
            let full = (done * WIDTH).checked_div(self.all).unwrap_or(WIDTH);
            let bar = format!("{}{}", "#".repeat(full), ".".repeat(WIDTH - full));
            let end = if done == self.all { "\n" } else { "" };
            eprint!("\r\x1b[2K[{bar}] {done} of {}, {note}{end}", self.all);
        } else if done.is_multiple_of(20) || done == self.all {
            eprintln!("{done} of {}, {note}", self.all);
        }
    }

    /// A line of its own, above the bar.
    pub(crate) fn line(&self, text: &str) {
        let clear = if self.terminal { "\r\x1b[2K" } else { "" };
        eprintln!("{clear}{text}");
    }
}

/// Help and version are answers; anything else about the command line is the caller's mistake.
pub(crate) fn usage(error: &clap::Error) -> Exit {
    // Where even that cannot be printed nobody is listening.
    drop(error.print());
    if error.use_stderr() { Exit::Usage } else { Exit::Done }
}

/// Logs go to standard error, so that an answer can be piped; in colour where a person reads them (no-color.org).
pub(crate) fn trace(filter: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter)
        .map_err(|error| UsageError(format!("`log` is no filter: {error}")))?;
    let plain = std::env::var_os("NO_COLOR").is_some_and(|said| !said.is_empty());
    let colour = std::io::stderr().is_terminal() && !plain;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(colour)
        .with_writer(std::io::stderr)
        .init();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_error_repeats_of_its_cause_is_said_once() {
        let error = anyhow::anyhow!("connection refused")
            .context("could not speak to the database: connection refused")
            .context("could not migrate");
        assert_eq!(causes(&error), ["could not speak to the database: connection refused"]);
    }
}
