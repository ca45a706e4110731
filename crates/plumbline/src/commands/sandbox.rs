//! `plumbline sandbox bank|model`: a counterpart by itself, for tests that stand between it and the server.

use std::{net::SocketAddr, path::PathBuf};

use chrono::NaiveDate;
use tokio::net::TcpListener;

use crate::{context::Context, exit::Exit, house, output};

#[derive(clap::Subcommand)]
pub(crate) enum Sandbox {
    /// The simulated bank (docs/bank-wire.md).
    Bank(BankArgs),
    /// The stand-in model, over the wire of `OpenAI` (docs/understudy.md).
    Model(ModelArgs),
}

#[derive(clap::Args)]
pub(crate) struct BankArgs {
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// The bank's first day.
    #[arg(long, default_value = "2026-11-23")]
    today: NaiveDate,

    /// Where to keep its state. Without it, in memory.
    #[arg(long)]
    file: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct ModelArgs {
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
            let listener = listen(args.port, "bank").await?;
            ::sandbox::bank::serve(listener, args.today, args.file.as_deref(), stopped).await?;
        }
        Sandbox::Model(args) => {
            let encoder = house::encoder(&context.config.embedder_dir()?)?;
            let listener = listen(args.port, "model").await?;
            understudy::serve(listener, encoder, stopped).await?;
        }
    }
    Ok(Exit::Done)
}

async fn listen(port: u16, what: &str) -> anyhow::Result<TcpListener> {
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    output::progress(format!("simulated {what} at http://{}", listener.local_addr()?));
    Ok(listener)
}
