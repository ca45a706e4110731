//! `plumbline sandbox bank|model`: a counterpart by itself, for tests that stand between it and the server.

use std::{fmt, net::SocketAddr, path::PathBuf};

use anyhow::Context as _;
use chrono::NaiveDate;
use serde::Serialize;
use tokio::net::TcpListener;

use crate::{context::Context, exit::Exit, house};

#[derive(clap::Subcommand)]
pub(crate) enum Sandbox {
    /// The simulated bank (docs/bank-wire.md).
    Bank(BankArgs),
    /// The stand-in model, which speaks the chat-completions interface of `OpenAI` (docs/understudy.md).
    Model(ModelArgs),
}

#[derive(clap::Args)]
pub(crate) struct BankArgs {
    /// Where to listen, on this machine only. 0 takes any port that is free.
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// The bank's first day.
    #[arg(long, value_name = "DATE", default_value = "2026-11-23")]
    today: NaiveDate,

    /// Where to keep its state. Without it, in memory.
    #[arg(long)]
    file: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct ModelArgs {
    /// Where to listen, on this machine only. 0 takes any port that is free.
    #[arg(long, default_value_t = 0)]
    port: u16,
}

pub(super) async fn run(sandbox: &Sandbox, context: &Context) -> anyhow::Result<Exit> {
    let stopped = async {
        // Where the signal cannot be heard the process ends by being killed.
        drop(tokio::signal::ctrl_c().await);
    };
    match sandbox {
        Sandbox::Bank(args) => {
            let listener = listen(args.port).await?;
            let url = format!("http://{}", listener.local_addr()?);
            context.output.ready(&Ready { what: "bank", url, openai_base_url: None })?;
            ::sandbox::bank::serve(listener, args.today, args.file.as_deref(), stopped).await?;
        }
        Sandbox::Model(args) => {
            let encoder = house::encoder(&context.config.embedder_dir()?)?;
            let listener = listen(args.port).await?;
            let url = format!("http://{}", listener.local_addr()?);
            let openai_base_url = Some(format!("{url}/v1"));
            context.output.ready(&Ready { what: "model", url, openai_base_url })?;
            understudy::serve(listener, encoder, stopped).await?;
        }
    }
    Ok(Exit::Done)
}

/// A counterpart that listens.
#[derive(Serialize)]
struct Ready {
    what: &'static str,
    url: String,
    /// Of the model: what a server that is to ask it has to be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    openai_base_url: Option<String>,
}

impl fmt::Display for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "simulated {} at {}", self.what, self.url)?;
        if let Some(base_url) = &self.openai_base_url {
            writeln!(f, "to ask it, start a server with OPENAI_BASE_URL={base_url}")?;
        }
        f.write_str("Stop it with Ctrl-C.")
    }
}

async fn listen(port: u16) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    TcpListener::bind(address)
        .await
        .with_context(|| format!("could not listen on {address}; choose another --port"))
}
