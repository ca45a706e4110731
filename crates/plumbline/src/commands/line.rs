//! `plumbline line`: what staff do to a sandbox customer's line, at a terminal.

use std::{fmt, path::PathBuf};

use anyhow::Context as _;
use chrono::NaiveDate;
use credit::NoticeException;
use identity::{CaseId, RefundId};
use money::Cents;
use serde::Serialize;
use servicing::{
    Caller, Key, RefusalCode, Servicing, ServicingError,
    cheques::NewCheque,
    disputes::Finding,
    staff_changes::{NewTerms, ServicePeriod},
};

use super::find::find;
use crate::{
    context::Context,
    exit::{Exit, UsageError},
    house,
};

#[derive(clap::Subcommand)]
pub(crate) enum Lines {
    /// Change the terms of a line from a day on, with notice given today: 45 days ahead, unless a reason is named.
    Terms(TermsArgs),
    /// Record a period of service in the armed forces: six percent from its first day, the rest is forgiven.
    Service(ServiceArgs),
    /// List the disputes that wait for a finding, the most urgent first.
    Disputes,
    /// Settle a dispute, with what the customer is told. More than $100.00 given back within 30 days, interest and fees included,
    /// takes two people: on the desk.
    Settle(SettleArgs),
    /// Record that the credit balance was sent by cheque. More than $100.00 within 30 days takes two people: on the desk.
    Cheque(ChequeArgs),
    /// Record that a cheque was never cashed and is void: the credit balance is back.
    VoidCheque(VoidArgs),
}

#[derive(clap::Args)]
pub(crate) struct TermsArgs {
    /// A sandbox customer: an id, or a part of the name.
    #[arg(long = "as", value_name = "CUSTOMER")]
    customer: String,

    /// A TOML file with what changes, as a product file says it.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,

    /// The first day of the new terms.
    #[arg(long, value_name = "DATE")]
    from: NaiveDate,

    /// Why no notice is needed.
    #[arg(long, value_enum)]
    because: Option<Because>,

    /// For the record.
    #[arg(long)]
    note: String,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Because {
    ConsumerFavourable,
    Agreed,
    LineSuspension,
    Index,
}

impl From<Because> for NoticeException {
    fn from(because: Because) -> Self {
        match because {
            Because::ConsumerFavourable => Self::ConsumerFavourable,
            Because::Agreed => Self::Agreed,
            Because::LineSuspension => Self::LineSuspension,
            Because::Index => Self::Index,
        }
    }
}

#[derive(clap::Args)]
pub(crate) struct ServiceArgs {
    /// A sandbox customer: an id, or a part of the name.
    #[arg(long = "as", value_name = "CUSTOMER")]
    customer: String,

    /// The first day of service.
    #[arg(long, value_name = "DATE")]
    from: NaiveDate,

    /// Its last day, where that is known.
    #[arg(long, value_name = "DATE")]
    through: Option<NaiveDate>,

    /// The orders, for the record.
    #[arg(long)]
    note: String,
}

#[derive(clap::Args)]
pub(crate) struct SettleArgs {
    /// The dispute, by the id that `line disputes` shows.
    id: CaseId,

    /// How much of it was our error, in dollars; 0 where there was none. What gives back more than one person may alone ($100.00
    /// with the other findings of 30 days; products/staff.toml) is refused here: two people do it on the desk.
    #[arg(long, value_name = "DOLLARS", value_parser = dollars)]
    error: Cents,

    /// What the customer is told.
    #[arg(long, value_name = "TEXT")]
    explanation: String,
}

#[derive(clap::Args)]
pub(crate) struct ChequeArgs {
    /// A sandbox customer: an id, or a part of the name.
    #[arg(long = "as", value_name = "CUSTOMER")]
    customer: String,

    /// What is printed on it: up to 20 digits.
    #[arg(long, value_name = "DIGITS")]
    number: String,

    /// The whole credit balance.
    #[arg(long, value_name = "DOLLARS", value_parser = dollars)]
    amount: Cents,

    /// Today, where it is not said; at most seven days ago.
    #[arg(long, value_name = "DATE")]
    sent_on: Option<NaiveDate>,
}

#[derive(clap::Args)]
pub(crate) struct VoidArgs {
    /// The cheque, by the id that recording it answered.
    id: RefundId,

    /// Why, for the record.
    #[arg(long)]
    reason: String,
}

fn dollars(text: &str) -> Result<Cents, String> {
    Cents::parse_dollars(text).map_err(|error| error.to_string())
}

/// What was done, in words.
#[derive(Serialize)]
struct Done<T> {
    customer: Option<String>,
    #[serde(flatten)]
    outcome: T,
    #[serde(skip)]
    said: String,
}

impl<T> fmt::Display for Done<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.said)
    }
}

#[derive(Serialize)]
struct Waiting {
    disputes: Vec<store::disputes::DisputeRow>,
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.disputes.is_empty() {
            return f.write_str("no dispute waits");
        }
        write!(f, "{:<36} {:>12} {:>12}  words", "id", "amount", "settle by")?;
        for one in &self.disputes {
            let amount = one.amount.to_string();
            write!(f, "\n{} {amount:>12} {:>12}  {}", one.id, one.resolve_by, one.words)?;
        }
        Ok(())
    }
}

pub(super) async fn run(lines: &Lines, context: &Context) -> anyhow::Result<Exit> {
    if context.config.has_database_url() {
        return Err(UsageError(
            "this asks nobody who they are: it works with the sandbox alone, not with DATABASE_URL; staff use the desk"
                .to_owned(),
        )
        .into());
    }
    let servicing = house::sandbox_books(&context.config).await?;
    let done = match lines {
        Lines::Terms(args) => terms(&servicing, args, context).await,
        Lines::Service(args) => service(&servicing, args, context).await,
        Lines::Disputes => {
            let open = servicing.open_disputes(Caller::system()).await.map_err(refused);
            open.and_then(|disputes| context.output.answer(&Waiting { disputes }))
        }
        Lines::Settle(args) => settle(&servicing, args, context).await,
        Lines::Cheque(args) => cheque(&servicing, args, context).await,
        Lines::VoidCheque(args) => void_cheque(&servicing, args, context).await,
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

/// As [`refused`], of what takes two members of staff, of whom nobody is known here.
fn refused_alone(error: ServicingError) -> anyhow::Error {
    match error.refusal() {
        Some(refusal) if refusal.code == RefusalCode::NotAllowed => {
            UsageError(format!("{refusal} Nothing was recorded here.")).into()
        }
        _ => refused(error),
    }
}

/// Each run is an act of its own.
fn new_key(servicing: &Servicing) -> anyhow::Result<Key> {
    let id = CaseId::mint(servicing.now());
    Key::parse(&format!("terminal-{id}")).context("could not make a key")
}

async fn terms(servicing: &Servicing, args: &TermsArgs, context: &Context) -> anyhow::Result<()> {
    let customer = find(servicing, &args.customer).await?;
    let text = std::fs::read_to_string(&args.file)
        .with_context(|| format!("could not read {}", args.file.display()))?;
    let changes: serde_json::Map<String, serde_json::Value> = toml::from_str(&text)
        .map_err(|error| UsageError(format!("{}: {error}", args.file.display())))?;
    let new = NewTerms {
        changes,
        effective_on: args.from,
        exception: args.because.map(NoticeException::from),
        note: args.note.clone(),
    };
    let key = new_key(servicing)?;
    let outcome =
        servicing.change_terms(Caller::system(), customer.id, &new, &key).await.map_err(refused)?;
    let said = format!("the terms of {} change on {}", customer.name, outcome.effective_on);
    context.output.answer(&Done { customer: Some(customer.name), outcome, said })
}

async fn service(
    servicing: &Servicing,
    args: &ServiceArgs,
    context: &Context,
) -> anyhow::Result<()> {
    let customer = find(servicing, &args.customer).await?;
    let period = ServicePeriod { from: args.from, through: args.through, note: args.note.clone() };
    let key = new_key(servicing)?;
    let outcome = servicing
        .record_service(Caller::system(), customer.id, &period, &key)
        .await
        .map_err(refused)?;
    let said = format!(
        "service of {} is recorded from {}: {} is forgiven",
        customer.name, args.from, outcome.total
    );
    context.output.answer(&Done { customer: Some(customer.name), outcome, said })
}

async fn settle(servicing: &Servicing, args: &SettleArgs, context: &Context) -> anyhow::Result<()> {
    let finding = Finding { error: args.error, explanation: args.explanation.clone() };
    let key = new_key(servicing)?;
    let outcome = servicing
        .resolve_dispute(Caller::system(), args.id, &finding, &key)
        .await
        .map_err(refused_alone)?;
    let said = format!("dispute {} is settled: {} was our error", args.id, args.error);
    context.output.answer(&Done { customer: None, outcome, said })
}

async fn cheque(servicing: &Servicing, args: &ChequeArgs, context: &Context) -> anyhow::Result<()> {
    let customer = find(servicing, &args.customer).await?;
    let new = NewCheque {
        number: args.number.clone(),
        amount: args.amount,
        sent_on: args.sent_on.unwrap_or_else(|| servicing.today()),
    };
    let key = new_key(servicing)?;
    let outcome = servicing
        .send_cheque(Caller::system(), customer.id, &new, &key)
        .await
        .map_err(refused_alone)?;
    let said = format!(
        "cheque {} of {} to {} is recorded as {}",
        outcome.number, outcome.amount, customer.name, outcome.id
    );
    context.output.answer(&Done { customer: Some(customer.name), outcome, said })
}

async fn void_cheque(
    servicing: &Servicing,
    args: &VoidArgs,
    context: &Context,
) -> anyhow::Result<()> {
    let key = new_key(servicing)?;
    let outcome = servicing
        .void_cheque(Caller::system(), args.id, &args.reason, &key)
        .await
        .map_err(refused)?;
    let said = format!("cheque {} is void: {} is back", outcome.number, outcome.amount);
    context.output.answer(&Done { customer: None, outcome, said })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_two_people_is_said_to_be_for_the_desk_and_not_for_a_person_to_look_at() {
        let sentence = "It takes two members of staff, at the desk.";
        let said = |code| {
            let refusal = servicing::Refusal::new(code, sentence);
            refused_alone(ServicingError::from(refusal)).to_string()
        };
        assert_eq!(said(RefusalCode::NotAllowed), format!("{sentence} Nothing was recorded here."));
        assert!(said(RefusalCode::CaseClosed).starts_with(sentence));
    }
}
