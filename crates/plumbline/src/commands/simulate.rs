//! `plumbline simulate`: a scenario file lived day by day by the production engine. Needs no database.

use std::{fmt, fs, path::PathBuf};

use credit::{Derivation, ProductCatalog, TextError, scenario};
use serde::Serialize;

use crate::{
    config::whole,
    context::Context,
    exit::{Exit, UsageError},
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The scenario, in TOML (docs/scenario.md).
    scenario: PathBuf,

    /// Tell where one figure comes from, e.g. `statement.1.interest`; with several lines, `NAME/FIGURE`.
    #[arg(long, value_name = "FIGURE")]
    explain: Option<String>,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Simulated<'a>(&'a scenario::Report);

#[derive(Serialize)]
#[serde(transparent)]
struct Explained(Derivation);

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let file = args.scenario.display();
    let bytes = fs::read(&args.scenario).map_err(|error| {
        let looked_for = whole(&args.scenario);
        UsageError(format!("could not read {}: {error}", looked_for.display()))
    })?;
    let catalog = ProductCatalog::embedded()?;
    let report = TextError::utf8(&bytes)
        .map_err(scenario::ScenarioError::from)
        .and_then(|text| scenario::parse(text, &catalog))
        .and_then(|scenario| scenario::run(&scenario))
        .map_err(|error| UsageError(format!("{file}: {error}")))?;
    match &args.explain {
        None => context.output.answer(&Simulated(&report))?,
        Some(figure) => context.output.answer(&Explained(explain(&report, figure)?))?,
    }
    Ok(Exit::Done)
}

fn explain(report: &scenario::Report, figure: &str) -> anyhow::Result<Derivation> {
    let unknown = || {
        let of_lines = report.of_each_line(figure);
        if !of_lines.is_empty() {
            let named = of_lines.join("\n  ");
            return UsageError(format!("`{figure}` of which line? There are:\n  {named}"));
        }
        let known = report.figures().join("\n  ");
        UsageError(format!(
            "there is no figure `{figure}`; there are (and daily_balance.DATE.FEATURE):\n  {known}"
        ))
    };
    Ok(report.explain(figure).ok_or_else(unknown)?)
}

impl fmt::Display for Simulated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.text().trim_end())
    }
}

impl fmt::Display for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.text().trim_end())
    }
}
