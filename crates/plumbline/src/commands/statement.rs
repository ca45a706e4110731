//! `plumbline statement`: the statements of a sandbox customer, as data, page or PDF.

use std::{fmt, path::PathBuf};

use anyhow::Context as _;
use chrono::NaiveDate;
use credit::Statement;
use money::Cents;
use serde::Serialize;
use servicing::{Caller, Servicing, ServicingError};
use store::{customers::Customer, documents::Format};

use super::find::find;
use crate::{
    context::Context,
    exit::{Exit, UsageError},
    house, output,
};

#[derive(clap::Subcommand)]
pub(crate) enum Statements {
    /// List a customer's statements, newest first.
    List(ListArgs),
    /// Show one: its figures, or with --html or --pdf the document as the customer gets it.
    Show(ShowArgs),
}

#[derive(clap::Args)]
pub(crate) struct ListArgs {
    /// A sandbox customer: an id, or a part of the name.
    #[arg(long = "as", value_name = "CUSTOMER")]
    customer: String,
}

#[derive(clap::Args)]
pub(crate) struct ShowArgs {
    /// A sandbox customer: an id, or a part of the name.
    #[arg(long = "as", value_name = "CUSTOMER")]
    customer: String,

    /// Which statement. Without it, the newest.
    number: Option<u32>,

    /// Write the page to this file.
    #[arg(long, value_name = "FILE", conflicts_with = "pdf")]
    html: Option<PathBuf>,

    /// Write the PDF to this file.
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
}

#[derive(Serialize)]
struct Listed {
    customer: String,
    statements: Vec<Line>,
}

#[derive(Serialize)]
struct Line {
    number: u32,
    closed_on: NaiveDate,
    due_on: NaiveDate,
    new_balance_cents: Cents,
    minimum_due_cents: Cents,
}

impl From<&Statement> for Line {
    fn from(statement: &Statement) -> Self {
        Self {
            number: statement.number,
            closed_on: statement.closed_on,
            due_on: statement.due_on,
            new_balance_cents: statement.new_balance,
            minimum_due_cents: statement.minimum_due,
        }
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.statements.is_empty() {
            return write!(f, "{} has no statements yet", self.customer);
        }
        write!(
            f,
            "{:>6} {:>12} {:>12} {:>14} {:>14}",
            "number", "closed", "due", "new balance", "minimum"
        )?;
        for line in &self.statements {
            let (balance, minimum) =
                (line.new_balance_cents.to_string(), line.minimum_due_cents.to_string());
            write!(
                f,
                "\n{:>6} {:>12} {:>12} {balance:>14} {minimum:>14}",
                line.number, line.closed_on, line.due_on
            )?;
        }
        Ok(())
    }
}

/// A statement's figures.
#[derive(Serialize)]
#[serde(transparent)]
struct Shown(Statement);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statement = &self.0;
        writeln!(
            f,
            "statement {}, {} to {}, due {}",
            statement.number, statement.opened_on, statement.closed_on, statement.due_on
        )?;
        let rows = [
            ("previous balance", statement.previous_balance),
            ("payments and credits", -statement.payments_total),
            ("draws", statement.draws_total),
            ("fees", statement.fees_total),
            ("interest", statement.interest_total),
            ("adjustments", statement.adjustments_total),
            ("new balance", statement.new_balance),
            ("minimum due", statement.minimum_due),
        ];
        for (label, amount) in rows {
            writeln!(f, "{label:<24} {:>14}", amount.to_string())?;
        }
        write!(f, "--html FILE or --pdf FILE writes the document")
    }
}

/// A document that was written to a file.
#[derive(Serialize)]
struct Written {
    file: PathBuf,
    bytes: usize,
    digest: String,
    template: String,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} bytes, SHA-256 {}", self.file.display(), self.bytes, self.digest)
    }
}

pub(super) async fn run(statements: &Statements, context: &Context) -> anyhow::Result<Exit> {
    if context.config.has_database_url() {
        return Err(UsageError(
            "--as asks for no proof: it works with the sandbox alone, not with DATABASE_URL"
                .to_owned(),
        )
        .into());
    }
    let servicing = house::sandbox_books(&context.config).await?;
    let done = match statements {
        Statements::List(args) => list(&servicing, args, context).await,
        Statements::Show(args) => show(&servicing, args, context).await,
    };
    servicing.store().close().await;
    done.map(|()| Exit::Done)
}

/// What the business says no to is the caller's to put right.
fn refused(error: ServicingError) -> anyhow::Error {
    match error.refusal() {
        Some(refusal) => UsageError(format!("{refusal} {}", refusal.what_to_do())).into(),
        None => error.into(),
    }
}

async fn all(servicing: &Servicing, customer: &Customer) -> anyhow::Result<Vec<Statement>> {
    let caller = Caller::customer(customer.id);
    servicing.statements(caller, customer.id).await.map_err(refused)
}

async fn list(servicing: &Servicing, args: &ListArgs, context: &Context) -> anyhow::Result<()> {
    let customer = find(servicing, &args.customer).await?;
    let statements = all(servicing, &customer).await?.iter().map(Line::from).collect();
    context.output.answer(&Listed { customer: customer.name, statements })
}

async fn show(servicing: &Servicing, args: &ShowArgs, context: &Context) -> anyhow::Result<()> {
    let customer = find(servicing, &args.customer).await?;
    let all = all(servicing, &customer).await?;
    let wanted = args.number;
    let chosen = all.into_iter().find(|one| wanted.is_none_or(|number| one.number == number));
    let statement = chosen.ok_or_else(|| match wanted {
        Some(number) => UsageError(format!("{} has no statement {number}", customer.name)),
        None => UsageError(format!("{} has no statements yet", customer.name)),
    })?;
    let (file, format) = match (&args.html, &args.pdf) {
        (Some(file), _) => (file, Format::Html),
        (None, Some(file)) => (file, Format::Pdf),
        (None, None) => return context.output.answer(&Shown(statement)),
    };
    let caller = Caller::customer(customer.id);
    let document = servicing
        .statement_document(caller, customer.id, statement.number, format)
        .await
        .map_err(refused)?;
    std::fs::write(file, &document.bytes)
        .with_context(|| format!("could not write {}", file.display()))?;
    output::progress(format_args!("statement {} of {}", statement.number, customer.name));
    context.output.answer(&Written {
        file: file.clone(),
        bytes: document.bytes.len(),
        digest: document.digest,
        template: document.template,
    })
}
