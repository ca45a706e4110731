//! `plumbline mailbox`: the mail and the letters of the sandbox, read from its state folder.

use std::fmt;

use sandbox::post::{Mailbox, ReceivedMail};
use serde::Serialize;

use crate::{
    context::Context,
    exit::{Exit, UsageError},
    post,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only what went to this address.
    #[arg(long, value_name = "ADDRESS")]
    to: Option<String>,

    /// Only the last so many.
    #[arg(long, value_name = "N", default_value_t = 20)]
    last: usize,
}

#[derive(Serialize)]
struct Shown {
    mail: Vec<ReceivedMail>,
    /// Letters that were printed: the ids of the messages they were.
    letters: Vec<String>,
    bounces: usize,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for mail in &self.mail {
            let twice = if mail.duplicate { " (a duplicate)" } else { "" };
            writeln!(f, "{}. {}{twice}", mail.sequence, mail.subject)?;
            writeln!(f, "to {}, {}", mail.to, mail.date)?;
            for file in &mail.enclosed {
                writeln!(f, "with {file}")?;
            }
            writeln!(f, "\n{}\n", mail.text.trim_end())?;
        }
        let (mail, letters) = (self.mail.len(), self.letters.len());
        write!(f, "{mail} e-mails shown, {letters} letters printed, {} came back", self.bounces)
    }
}

pub(super) fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let path = post::mailbox_file(&context.config.state_dir()?);
    if !path.is_file() {
        return Err(UsageError(format!(
            "there is no mail in {}: `plumbline serve --sandbox` receives it",
            path.display()
        ))
        .into());
    }
    let mailbox = Mailbox::load(Some(&path))?;
    let wanted = |mail: &ReceivedMail| args.to.as_ref().is_none_or(|to| *to == mail.to);
    let mut mail: Vec<ReceivedMail> = mailbox.mail.into_iter().filter(wanted).collect();
    let skipped = mail.len().saturating_sub(args.last);
    let mail = mail.split_off(skipped);
    let letters = mailbox.letters.into_iter().map(|letter| letter.id).collect();
    context.output.answer(&Shown { mail, letters, bounces: mailbox.bounces.len() })?;
    Ok(Exit::Done)
}
