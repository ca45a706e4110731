//! `plumbline board`: a portfolio of another lender comes in, row by row, with every refusal and its reason (docs/boarding.md).

mod refused;
mod report;

use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use anyhow::Context as _;
use boarding::{
    ControlTotals, Depth, Fault, Judged, PortfolioFile, Refused, Row, Rules, Survey, Totals,
};
use calendar::{Clock, Tz, local_date};
use chrono::NaiveDate;
use credit::ProductCatalog;
use money::Cents;
use servicing::{
    Caller, Servicing,
    board::{Boarded, Boarding, Order},
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
use refused::{FaultLines, RefusedFile};
use report::{Became, Report};

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

    /// Write every fault into this new file, a line of JSON for each; the report names the first thousand.
    #[arg(long, value_name = "FILE")]
    faults: Option<PathBuf>,

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
    let file = Arc::new(opened(&args.file)?);
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
    let rules = Rules { catalog: &catalog, today };
    let depth = if args.all_or_nothing { Depth::Verdicts } else { Depth::Sums };
    let surveyed = boarding::open(file, rules).and_then(|file| {
        output::progress(format_args!("reading {}", args.file.display()));
        let mut said = 0;
        let survey = file.survey(depth, |rows| {
            if rows >= said + READ_SAID {
                said = rows;
                output::progress(format_args!("{rows} rows read"));
            }
        })?;
        Ok((file, survey))
    });
    let outcome = match surveyed {
        Ok((file, survey)) => {
            let job = Job { args, name: portfolio_name, catalog: &catalog, today };
            Box::pin(job.run(&file, &survey, books.as_ref())).await
        }
        Err(faults) => unreadable(args, &faults),
    };
    if let Some(servicing) = books {
        servicing.store().close().await;
    }
    let report = outcome?;
    context.output.answer(&report)?;
    Ok(if report.clean() { Exit::Done } else { Exit::NotRight })
}

/// Between two words on how far the first reading has come.
const READ_SAID: u64 = 100_000;

/// The file, which is read twice: it has to stay where it is.
fn opened(path: &Path) -> anyhow::Result<File> {
    let unread = |error: std::io::Error| {
        UsageError(format!("could not read {}: {error}", whole(path).display()))
    };
    let file = File::open(path).map_err(unread)?;
    if !file.metadata().map_err(unread)?.is_file() {
        let sentence =
            format!("{} is no plain file: it is read twice, so write it to one", path.display());
        return Err(UsageError(sentence).into());
    }
    Ok(file)
}

fn unreadable(args: &Args, faults: &[Fault]) -> anyhow::Result<Report> {
    let mut lines = FaultLines::of(args.faults.as_deref())?;
    faults.iter().try_for_each(|fault| lines.add(fault))?;
    lines.end()?;
    Ok(Report::of_unreadable(&args.file, faults))
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
        file: &PortfolioFile<'_>,
        survey: &Survey,
        books: Option<&Servicing>,
    ) -> anyhow::Result<Report> {
        let control =
            self.announced(survey).map_or_else(Vec::new, |said| said.differences(&survey.totals));
        let stopped = !control.is_empty() || (self.args.all_or_nothing && !survey.all_good);
        let mut boarding = match books {
            Some(servicing) if !self.args.check && !stopped => Some(self.begin(servicing).await?),
            _ => None,
        };
        let header = report::Header {
            file: self.args.file.clone(),
            portfolio: self.name.clone(),
            today: self.today,
            checked_only: self.args.check,
            stopped,
            refused_file: None,
            control,
        };
        let mut out = Out {
            report: Report::under(header, survey.totals),
            refused: RefusedFile::beside(&self.args.file, file.columns(), self.args.check),
            lines: FaultLines::of(self.args.faults.as_deref())?,
        };
        self.go_through(file, survey, boarding.as_mut(), &mut out).await?;
        if let Some(boarding) = boarding
            && !boarding.end().await?
        {
            out.report.rolled_back();
        }
        out.end().context("could not write the refused rows beside the file")
    }

    async fn begin<'s>(&'s self, servicing: &'s Servicing) -> anyhow::Result<Boarding<'s>> {
        let whole = self.args.all_or_nothing;
        let order = Order { portfolio: &self.name, catalog: self.catalog, whole };
        Ok(Box::pin(servicing.board(Caller::system(), order)).await?)
    }

    /// Judges the rows a batch at a time, boards those that are good, and writes down what became of each.
    async fn go_through(
        &self,
        file: &PortfolioFile<'_>,
        survey: &Survey,
        mut boarding: Option<&mut Boarding<'_>>,
        out: &mut Out,
    ) -> anyhow::Result<()> {
        let Totals { rows, .. } = survey.totals;
        let (meter, started) = (Meter::new(usize::try_from(rows)?), Instant::now());
        let doing = if boarding.is_some() { "boarding" } else { "judging" };
        output::progress(format_args!("{doing} {rows} rows of {}", self.name));
        let mut judged = file.judged(survey).map_err(|faults| changed(&faults))?;
        let mut done = 0;
        while let Some(mut batch) = judged.next_batch().map_err(|faults| changed(&faults))? {
            let boarded = match boarding.as_mut() {
                Some(boarding) => {
                    let good: Vec<&Row> =
                        batch.iter().filter_map(|row| row.verdict.as_ref().ok()).collect();
                    Box::pin(boarding.rows(&good)).await?
                }
                None => Boarded::default(),
            };
            done += batch.len();
            out.add(&mut batch, &boarded)
                .context("could not write the refused rows beside the file")?;
            let elapsed = started.elapsed().as_millis().max(1);
            let rate = u128::try_from(done).unwrap_or_default() * 1_000 / elapsed;
            meter.show(done, &format!("{rate} rows/s"));
        }
        Ok(())
    }

    /// What the last row of the file says, and what the command line says over it.
    fn announced(&self, survey: &Survey) -> Option<ControlTotals> {
        let Args { expect_rows, expect_principal, .. } = self.args;
        let trailer = survey.trailer;
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
}

/// The rows are no longer those that were read first.
fn changed(faults: &[Fault]) -> anyhow::Error {
    let said: Vec<String> = faults.iter().map(ToString::to_string).collect();
    UsageError(said.join("; ")).into()
}

/// What is told of the rows, and where.
struct Out {
    report: Report,
    refused: RefusedFile,
    lines: FaultLines,
}

impl Out {
    /// Rows in the order of the file. One whose reference was boarded with other figures becomes a refused one.
    fn add(&mut self, batch: &mut [Judged], boarded: &Boarded) -> std::io::Result<()> {
        for row in batch {
            // By number, as the rows are.
            let became = if boarded.boarded.binary_search(&row.number).is_ok() {
                Became::Boarded
            } else if boarded.before.binary_search(&row.number).is_ok() {
                Became::BoardedBefore
            } else {
                Became::Nothing
            };
            if boarded.changed.binary_search(&row.number).is_ok() {
                refuse_changed(row);
            }
            if let Err(refused) = &row.verdict {
                self.refused.add(refused)?;
                refused.faults.iter().try_for_each(|fault| self.lines.add(fault))?;
            }
            self.report.add(row, became);
        }
        Ok(())
    }

    fn end(mut self) -> std::io::Result<Report> {
        self.lines.end()?;
        self.report.refused_into(self.refused.end()?);
        Ok(self.report)
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
