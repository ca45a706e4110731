//! `plumbline ledger entries`: one credit line's entries as a person reads them.

use std::fmt;

use chrono::{NaiveDate, SecondsFormat};
use identity::CreditLineId;
use money::Cents;
use serde::Serialize;
use servicing::{
    Caller, Servicing,
    books::{Days, EventPosted, LineEntries, LineEntry, LinePosting, WhichLine},
    periods::AccountBalance,
};

use super::{By, balance::write_accounts, refused};
use crate::{
    commands::find::find,
    context::Context,
    exit::{Exit, UsageError},
    house,
};

/// Said wherever it could be missed.
const NOT_HERE: &str = "interest that runs (1150, 4020, 4030) is posted once a day for all lines together and is none of these entries";

#[derive(clap::Args)]
pub(crate) struct Entries {
    #[command(flatten)]
    which: Which,

    /// From this day on. Without it, from the line's first posting.
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,

    /// With all of this day. Without it, through the last posting.
    #[arg(long, value_name = "DATE")]
    through: Option<NaiveDate>,

    /// Which date of a posting counts for these days.
    #[arg(long, value_enum, default_value_t)]
    by: By,
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The credit line: its id, or PORTFOLIO/REFERENCE of one that was boarded.
    #[arg(long, value_parser = which_line)]
    line: Option<WhichLine>,

    /// A sandbox customer's newest line: the customer's id, or a part of the name.
    #[arg(long = "as", value_name = "CUSTOMER")]
    customer: Option<String>,
}

fn which_line(text: &str) -> Result<WhichLine, String> {
    if let Ok(id) = text.parse::<CreditLineId>() {
        return Ok(WhichLine::Id(id));
    }
    let (portfolio, reference) = text.split_once('/').ok_or(
        "a credit line is named by its id, or as PORTFOLIO/REFERENCE where it was boarded; `--as` finds a sandbox customer's",
    )?;
    Ok(WhichLine::Boarded { portfolio: portfolio.to_owned(), reference: reference.to_owned() })
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    entries: LineEntries,
    by: By,
}

pub(super) async fn run(args: &Entries, context: &Context) -> anyhow::Result<Exit> {
    if args.from.zip(args.through).is_some_and(|(from, through)| through < from) {
        return Err(UsageError("--through lies before --from".to_owned()).into());
    }
    if args.which.customer.is_some() && context.config.has_database_url() {
        return Err(UsageError(
            "--as works with the sandbox alone, not with DATABASE_URL: --line names the line"
                .to_owned(),
        )
        .into());
    }
    let servicing = match &args.which.customer {
        Some(_) => house::sandbox_books(&context.config).await?,
        None => house::books(&context.config).await?,
    };
    let entries = read(&servicing, args).await;
    servicing.store().close().await;
    let shown = Shown { entries: entries?, by: args.by };
    context.output.answer(&shown)?;
    Ok(if shown.entries.ok { Exit::Done } else { Exit::NotRight })
}

async fn read(servicing: &Servicing, args: &Entries) -> anyhow::Result<LineEntries> {
    let which = match (&args.which.line, &args.which.customer) {
        (Some(line), _) => line.clone(),
        (None, Some(customer)) => WhichLine::OfCustomer(find(servicing, customer).await?.id),
        (None, None) => return Err(UsageError("no credit line was named".to_owned()).into()),
    };
    let days = Days { by: args.by.into(), from: args.from, through: args.through };
    servicing.line_entries(Caller::system(), &which, days).await.map_err(refused)
}

impl Shown {
    /// The days asked for, in words.
    fn days(&self) -> String {
        let by = match self.by {
            By::Booked => "booked",
            By::Value => "effective",
        };
        match (self.entries.from, self.entries.through) {
            (None, None) => "of all days".to_owned(),
            (Some(from), None) => format!("{by} from {from} on"),
            (None, Some(through)) => format!("{by} through {through}"),
            (Some(from), Some(through)) => format!("{by} from {from} through {through}"),
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LineEntries { credit_line, postings, accounts, .. } = &self.entries;
        write!(f, "credit line {credit_line}, postings {}: ", self.days())?;
        if postings.is_empty() {
            writeln!(f, "none")?;
        } else {
            writeln!(f, "{}", postings.len())?;
            writeln!(
                f,
                "{:<11} {:<11} {:<21} {:<36}  posted",
                "value", "booked", "recorded", "id"
            )?;
        }
        for posting in postings {
            write_posting(f, posting)?;
        }
        if !accounts.is_empty() {
            write_accounts(f, ("so that they come to", "before"), accounts)?;
            let all = |of: fn(&AccountBalance) -> Cents| accounts.iter().map(of).sum::<Cents>();
            let (debits, credits) = (all(|account| account.debits), all(|account| account.credits));
            writeln!(f, "all debits {debits}, all credits {credits}")?;
        }
        self.write_outcome(f)?;
        f.write_str(NOT_HERE)
    }
}

impl Shown {
    fn write_outcome(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let LineEntries { postings, postings_in_all, events_replayed, differences, ok, .. } =
            &self.entries;
        let of = if postings.len() == *postings_in_all {
            String::new()
        } else {
            format!(" of all {postings_in_all} postings")
        };
        for difference in differences {
            writeln!(f, "{difference}")?;
        }
        let come = if *ok { "come" } else { "do NOT come" };
        writeln!(
            f,
            "the line's entries{of} {come} to what replaying its {events_replayed} events comes to"
        )
    }
}

fn write_posting(f: &mut fmt::Formatter<'_>, posting: &LinePosting) -> fmt::Result {
    let LinePosting { id, kind, event, effective_on, booked_on, recorded_at, entries } = posting;
    let recorded = recorded_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    writeln!(
        f,
        "{:<11} {:<11} {recorded:<21} {id}  {kind}{}",
        effective_on.to_string(),
        booked_on.to_string(),
        of_event(kind, event.as_ref())
    )?;
    for LineEntry { code, name, debit, credit } in entries {
        let amount =
            |cents: &Cents| if cents.is_zero() { String::new() } else { cents.to_string() };
        let account = format!("{code} {name}");
        let row = format!("{:24}{account:<34} {:>18} {:>18}", "", amount(debit), amount(credit));
        writeln!(f, "{}", row.trim_end())?;
    }
    Ok(())
}

/// What it was posted for: its own event goes without saying.
fn of_event(kind: &str, event: Option<&EventPosted>) -> String {
    let Some(EventPosted { seq, kind: of, reference }) = event else {
        return ", of no event of the line".to_owned();
    };
    let of = if kind == *of { format!("event {seq}") } else { format!("event {seq} {of}") };
    match reference {
        Some(reference) => format!(", {of}, {reference}"),
        None => format!(", {of}"),
    }
}
