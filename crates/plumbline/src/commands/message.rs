//! `plumbline message`: what a sandbox customer was told, when, by which way, and in which words.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::Serialize;
use servicing::{Caller, Servicing, ServicingError};
use store::outbound::{OutboundRow, OutboundState};

use super::find::find;
use crate::{
    context::Context,
    exit::{Exit, UsageError},
    house,
};

/// Messages listed at most.
const LISTED_MAX: usize = 200;

#[derive(clap::Subcommand)]
pub(crate) enum Messages {
    /// List a customer's messages, newest first.
    List(ListArgs),
    /// Show one, as it was written.
    Show(ShowArgs),
}

#[derive(clap::Args)]
pub(crate) struct ListArgs {
    /// A sandbox customer: an id, or a part of the name.
    customer: String,
}

#[derive(clap::Args)]
pub(crate) struct ShowArgs {
    /// A sandbox customer: an id, or a part of the name.
    customer: String,

    /// The message's id, or its number in the list: 1 is the newest.
    #[arg(default_value = "1")]
    message: String,
}

#[derive(Serialize)]
struct Line {
    id: String,
    kind: String,
    subject: String,
    state: OutboundState,
    why: Option<String>,
    written_at: DateTime<Utc>,
    sent_at: Option<DateTime<Utc>>,
}

impl From<&OutboundRow> for Line {
    fn from(row: &OutboundRow) -> Self {
        Self {
            id: row.id.to_string(),
            kind: row.kind.clone(),
            subject: row.subject.clone(),
            state: row.state,
            why: row.why.clone(),
            written_at: row.written_at,
            sent_at: row.sent_at,
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.written_at.format("%Y-%m-%d %H:%M");
        write!(f, "{at}  {:<9} {:<22} {}", self.state, self.kind, self.subject)?;
        match &self.why {
            Some(why) => write!(f, " ({why})"),
            None => Ok(()),
        }
    }
}

#[derive(Serialize)]
struct Listed {
    customer: String,
    messages: Vec<Line>,
}

impl fmt::Display for Listed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.messages.is_empty() {
            return write!(f, "{} was told nothing yet", self.customer);
        }
        for (n, line) in self.messages.iter().enumerate() {
            let end = if n + 1 == self.messages.len() { "" } else { "\n" };
            write!(f, "{:>3}  {line}{end}", n + 1)?;
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    line: Line,
    address: String,
    language: String,
    code: Option<String>,
    text: String,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\nto {}\n\n{}", self.line, self.address, self.text.trim_end())
    }
}

pub(super) async fn run(messages: &Messages, context: &Context) -> anyhow::Result<Exit> {
    if context.config.has_database_url() {
        return Err(UsageError(
            "this asks for no proof of who you are: it works with the sandbox alone, not with DATABASE_URL".to_owned(),
        )
        .into());
    }
    let servicing = house::sandbox_books(&context.config).await?;
    let done = match messages {
        Messages::List(args) => list(&servicing, args, context).await,
        Messages::Show(args) => show(&servicing, args, context).await,
    };
    servicing.store().close().await;
    done.map(|()| Exit::Done)
}

fn refused(error: ServicingError) -> anyhow::Error {
    match error.refusal() {
        Some(refusal) => UsageError(format!("{refusal} {}", refusal.what_to_do())).into(),
        None => error.into(),
    }
}

async fn all(servicing: &Servicing, wanted: &str) -> anyhow::Result<(String, Vec<OutboundRow>)> {
    let customer = find(servicing, wanted).await?;
    let caller = Caller::customer(customer.id);
    let page = servicing.list_messages(caller, customer.id, None, LISTED_MAX).await;
    Ok((customer.name, page.map_err(refused)?.items))
}

async fn list(servicing: &Servicing, args: &ListArgs, context: &Context) -> anyhow::Result<()> {
    let (customer, messages) = all(servicing, &args.customer).await?;
    let messages = messages.iter().map(Line::from).collect();
    context.output.answer(&Listed { customer, messages })
}

async fn show(servicing: &Servicing, args: &ShowArgs, context: &Context) -> anyhow::Result<()> {
    let (customer, messages) = all(servicing, &args.customer).await?;
    let number = args.message.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
    let found = match number {
        Some(n) => messages.into_iter().nth(n),
        None => messages.into_iter().find(|message| message.id.to_string() == args.message),
    };
    let message = found.ok_or_else(|| {
        UsageError(format!(
            "{customer} has no message {}: `plumbline message list` names them",
            args.message
        ))
    })?;
    context.output.answer(&Shown {
        line: Line::from(&message),
        address: message.address,
        language: message.language,
        code: message.code,
        text: message.body,
    })
}
