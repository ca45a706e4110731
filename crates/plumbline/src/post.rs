//! The post: the mail server of the settings, or the sandbox's own post office on loopback.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use rails::{MailClient, MailConfig, PostClient};
use sandbox::post::{Mailbox, SharedMailbox, serve_desk, serve_smtp};
use servicing::ports::PostOffice;

use crate::{
    house::{Tasks, loopback},
    lender::Mail,
};

/// How long a wire may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// Who writes in a sandbox.
const SANDBOX_FROM: &str = "Plumbline Sandbox Lending <service@lender.example>";

/// Where a sandbox keeps its mail.
pub(crate) fn mailbox_file(state: &Path) -> PathBuf {
    state.join("sandbox-mail.jsonl")
}

/// The post of the settings, or of the sandbox; of the second the address of its desk.
pub(crate) async fn open(
    mail: Option<Mail>,
    state: &Path,
    tasks: &Tasks,
) -> anyhow::Result<(PostOffice, Option<String>)> {
    if let Some(Mail { url, from, desk_url }) = mail {
        let mail = MailClient::new(&MailConfig { url, from, timeout: TIMEOUT })?;
        let desk = desk_url.map(|url| PostClient::new(&url.to_string(), TIMEOUT)).transpose()?;
        return Ok((PostOffice { mail, desk }, None));
    }
    std::fs::create_dir_all(state)?;
    let mailbox = SharedMailbox::new(Mailbox::load(Some(&mailbox_file(state)))?);
    let (smtp, http) = (loopback().await?, loopback().await?);
    let url = format!("smtp://{}", smtp.local_addr()?).parse()?;
    let desk_url = format!("http://{}", http.local_addr()?);
    tasks.spawn(serve_smtp(smtp, mailbox.clone(), tasks.stopped()));
    tasks.spawn(serve_desk(http, mailbox, tasks.stopped()));
    let from = SANDBOX_FROM.to_owned();
    let mail = MailClient::new(&MailConfig { url, from, timeout: TIMEOUT })?;
    let desk = PostClient::new(&desk_url, TIMEOUT)?;
    Ok((PostOffice { mail, desk: Some(desk) }, Some(desk_url)))
}
