//! `plumbline board`: a portfolio of another lender comes in, row by row, with every refusal and its reason (docs/boarding.md).

mod refused;
mod report;

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use anyhow::Context as _;
use boarding::{ControlTotals, Judged, Portfolio, Refused, Row, Rules};
use calendar::{Clock, Tz, local_date};
use chrono::NaiveDate;
use credit::ProductCatalog;
use money::Cents;
use servicing::{
    Caller, Servicing,
    board::{Boarded, Order},
    ports::NoBank,
};
use store::Store;

use crate::{
    config::{Config, whole},
    context::Context,
    exit::{Exit, UsageError},
    house,
    lender::Lender,
    output::{self, Meter},
};
use report::Report;

/// Where a file is judged that no installation stands behind.
const ZONE: Tz = Tz::America__Los_Angeles;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The portfolio: CSV, or Parquet (docs/boarding.md).
    file: PathBuf,

    /// What the portfolio is called: with it a reference is unique. Only --check does without it.
    #[arg(long, value_name = "NAME")]
    portfolio: Option<String>,

    /// Judge the rows and board none. Without --sandbox no database is needed.
    #[arg(long)]
    check: bool,

    /// Board nothing where a single row is refused.
    #[arg(long)]
    all_or_nothing: bool,

    /// Board nothing unless the file has so many rows.
    #[arg(long, value_name = "N")]
    expect_rows: Option<u64>,

    /// Board nothing unless the principal of all rows comes to this.
    #[arg(long, value_name = "AMOUNT", value_parser = amount)]
    expect_principal: Option<Cents>,

    /// Board into the sandbox.
    #[arg(long)]
    sandbox: bool,
}

fn amount(text: &str) -> Result<Cents, String> {
    Cents::parse_dollars(text).map_err(|error| error.to_string())
}

pub(super) async fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let portfolio_name = match &args.portfolio {
        Some(name) => name.clone(),
        None if args.check => name_of(&args.file),
        // A file by another name would board every line a second time.
        None => {
            let sentence = "say what the portfolio is called: --portfolio NAME, the same each time";
            return Err(UsageError(sentence.to_owned()).into());
        }
    };
    let bytes = fs::read(&args.file).map_err(|error| {
        UsageError(format!("could not read {}: {error}", whole(&args.file).display()))
    })?;
    let catalog = ProductCatalog::embedded()?;
    let books = if args.check && !args.sandbox {
        None
    } else {
        Some(books(&context.config, args.sandbox).await?)
    };
    let today = match &books {
        Some(servicing) => servicing.today(),
        None => local_date(Clock::system().now(), ZONE),
    };
    let read = boarding::read(&bytes, Rules { catalog: &catalog, today });
    drop(bytes);
    let outcome = match read {
        Ok(portfolio) => {
            let job = Job { args, name: portfolio_name, catalog: &catalog, today };
            job.run(portfolio, books.as_ref()).await
        }
        Err(faults) => Ok(Report::of_unreadable(&args.file, faults)),
    };
    if let Some(servicing) = books {
        servicing.store().close().await;
    }
    let report = outcome?;
    context.output.answer(&report)?;
    Ok(if report.clean() { Exit::Done } else { Exit::NotRight })
}

/// `acme.csv` and what was refused of it, `acme.csv.refused.csv`, are one portfolio.
fn name_of(file: &Path) -> String {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').find(|part| !part.is_empty()).unwrap_or("portfolio").to_owned()
}

/// Into whose books: a live lender's, or the sandbox's. Neither needs its bank for it.
async fn books(config: &Config, sandbox: bool) -> anyhow::Result<Servicing> {
    let lender = Lender::of(config, sandbox)?;
    let store = Store::open(&config.location()?).await?;
    let mut conn = store.app().acquire().await?;
    let kept = store::sandbox_clock::load(&mut conn).await?.is_some();
    drop(conn);
    if sandbox && !kept && config.has_database_url() {
        let sentence =
            "the database at DATABASE_URL is no sandbox's: leave --sandbox out, or DATABASE_URL";
        return Err(UsageError(sentence.to_owned()).into());
    }
    if kept && !sandbox {
        return Err(UsageError("this database is a sandbox's: say --sandbox".to_owned()).into());
    }
    if sandbox {
        store.close().await;
        return house::sandbox_books(config).await;
    }
    Ok(Servicing::new(store, Clock::system(), lender.zone, Arc::new(NoBank), lender.who))
}

/// A file that could be read, on its way in.
struct Job<'a> {
    args: &'a Args,
    name: String,
    catalog: &'a ProductCatalog,
    today: NaiveDate,
}

impl Job<'_> {
    async fn run(
        &self,
        mut portfolio: Portfolio,
        books: Option<&Servicing>,
    ) -> anyhow::Result<Report> {
        let announced = self.announced(&portfolio);
        let control =
            announced.map_or_else(Vec::new, |totals| totals.differences(&portfolio.totals()));
        let judged_bad = portfolio.rows.iter().any(|row| row.verdict.is_err());
        let stopped = !control.is_empty() || (self.args.all_or_nothing && judged_bad);
        let boarded = match books {
            Some(servicing) if !self.args.check && !stopped => {
                self.board(servicing, &mut portfolio).await?
            }
            _ => Boarded::default(),
        };
        let refused_file = refused::write(&self.args.file, &portfolio, self.args.check)
            .context("could not write the refused rows beside the file")?;
        Ok(Report::of(
            report::Header {
                file: self.args.file.clone(),
                portfolio: self.name.clone(),
                today: self.today,
                checked_only: self.args.check,
                stopped,
                refused_file,
                control,
            },
            &portfolio,
            &boarded,
        ))
    }

    /// What the last row of the file says, and what the command line says over it.
    fn announced(&self, portfolio: &Portfolio) -> Option<ControlTotals> {
        let Args { expect_rows, expect_principal, .. } = self.args;
        let trailer = portfolio.trailer;
        if trailer.is_none() && expect_rows.is_none() && expect_principal.is_none() {
            return None;
        }
        let said = trailer.unwrap_or_default();
        Some(ControlTotals {
            rows: expect_rows.or(said.rows),
            principal: expect_principal.or(said.principal),
            ..said
        })
    }

    /// Boards the good rows; one whose reference was boarded with other figures becomes a refused one.
    async fn board(
        &self,
        servicing: &Servicing,
        portfolio: &mut Portfolio,
    ) -> anyhow::Result<Boarded> {
        let boarded = {
            let rows: Vec<&Row> =
                portfolio.rows.iter().filter_map(|row| row.verdict.as_ref().ok()).collect();
            let order = Order {
                portfolio: &self.name,
                catalog: self.catalog,
                rows: &rows,
                whole: self.args.all_or_nothing,
            };
            let (meter, started) = (Meter::new(rows.len()), Instant::now());
            let progress = |done: usize| {
                let elapsed = started.elapsed().as_millis().max(1);
                let rate = u128::try_from(done).unwrap_or_default() * 1_000 / elapsed;
                meter.show(done, &format!("{rate} rows/s"));
            };
            output::progress(format_args!("boarding {} rows of {}", rows.len(), self.name));
            Box::pin(servicing.board(Caller::system(), order, progress)).await?
        };
        let changed: HashSet<_> = boarded.changed.iter().copied().collect();
        portfolio
            .rows
            .iter_mut()
            .filter(|row| changed.contains(&row.number))
            .for_each(refuse_changed);
        Ok(boarded)
    }
}

fn refuse_changed(judged: &mut Judged) {
    let Ok(row) = &judged.verdict else { return };
    let fault = boarding::Fault {
        row: Some(row.number),
        line: row.line,
        column: Some("reference".to_owned()),
        value: Some(row.reference.clone()),
        wrong: "it was boarded before, with other figures or another person".to_owned(),
        to_do: "take the row out; what changed since is told as payments, draws and changes of the customer".to_owned(),
    };
    judged.verdict = Err(Refused { cells: row.cells.clone(), faults: vec![fault] });
}
