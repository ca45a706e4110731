//! `plumbline serve`: the server, with what runs beside it.

use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context as _;
use assistant::Source;
use axum::serve::ListenerExt as _;
use chrono::NaiveDate;
use serde::Serialize;
use server::{App, Metrics, Mode, ModelName, Parts, SandboxClock, auth::SandboxAuth};
use servicing::{Caller, Servicing};
use tokio::{net::TcpListener, time::MissedTickBehavior};

use crate::{
    context::Context,
    exit::{Exit, UsageError},
    house::{self, House},
    lender::Lender,
    output,
};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Invented customers, a simulated bank, sign-in without proof. With a `DATABASE_URL` it has to be said twice. Without it
    /// this is a live server, which names the settings it lacks.
    #[arg(long, action = clap::ArgAction::Count)]
    sandbox: u8,

    /// Where to listen. A sandbox is for this machine alone.
    #[arg(long, default_value = "127.0.0.1")]
    host: std::net::IpAddr,

    /// The port to listen on. 0 takes any that is free.
    #[arg(long, default_value_t = 8080)]
    port: u16,
}

pub(super) async fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let sandbox = house::sandbox_is_meant(args.sandbox, &context.config)?;
    if sandbox && !args.host.is_loopback() {
        return Err(UsageError(
            "a sandbox lets anybody sign in as anybody: it listens on loopback only".to_owned(),
        )
        .into());
    }
    let lender = Lender::of(&context.config, sandbox)?;
    let address = SocketAddr::new(args.host, args.port);
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("could not listen on {address}; choose another --port"))?;
    let ground = house::lay(&context.config, sandbox, lender).await?;
    let house = ground.build(&context.config, Source::Promoted).await?;
    let resumed = house.assistant.resume().await?;
    if resumed > 0 {
        output::progress(format!("took up {resumed} turns that were cut off"));
    }
    if sandbox {
        // The clock may have been killed in the middle of its day, and nothing but a hand would move it on.
        run_jobs(&house.servicing).await;
    }
    beside(&house, sandbox);
    let mode = if sandbox { Mode::Sandbox } else { Mode::Live };
    let app = app(&house, mode, context)?;
    context.output.ready(&Ready::of(&house, &listener, mode)?)?;
    // The parts of a turn are small and sent one by one: none waits until the one before was acknowledged.
    let listener = listener.tap_io(|connection| {
        if let Err(error) = connection.set_nodelay(true) {
            tracing::debug!("a connection keeps its delay: {error}");
        }
    });
    let serving =
        axum::serve(listener, server::service(app)).with_graceful_shutdown(house::asked_to_stop());
    serving.await?;
    output::progress("stopping");
    house.close().await;
    Ok(Exit::Done)
}

fn app(house: &House, mode: Mode, context: &Context) -> anyhow::Result<App> {
    let sandbox_clock = match &house.hand {
        Some(hand) => Some(SandboxClock::new(hand.clone(), house.bank_url.clone())?),
        None => None,
    };
    let metrics = Metrics::default();
    Ok(App::new(Parts {
        mode,
        // The only one there is; outside a sandbox the server refuses it.
        auth: Arc::new(SandboxAuth),
        servicing: house.servicing.clone(),
        assistant: house.assistant.clone().with_watch(Arc::new(metrics.clone())),
        knowledge: house.knowledge.clone(),
        log: house.log.clone(),
        model: ModelName { name: house.model.name.clone(), stand_in: house.model.stand_in },
        sandbox_clock,
        runs: context.config.state_dir()?.join("evals").join("runs"),
        root: context.config.root()?,
        trusted: house.trusted.clone(),
        metrics,
    }))
}

/// The sequencer always; the day's work by itself only where the clock moves by itself.
fn beside(house: &House, sandbox: bool) {
    let (servicing, log) = (house.servicing.clone(), house.log.clone());
    every(house, Duration::from_secs(1), move || {
        let (servicing, log) = (servicing.clone(), log.clone());
        async move {
            let now = servicing.now();
            if let Err(error) = audit::sequence(servicing.store().audit(), &log, now).await {
                tracing::error!("the audit log could not be sequenced: {error}");
            }
            if let Err(error) = servicing.number_outbox().await {
                tracing::error!("the outbox could not be numbered: {error}");
            }
        }
    });
    // What was just done is told at once: in a sandbox too, whose clock stands still.
    let servicing = house.servicing.clone();
    every(house, Duration::from_secs(2), move || {
        let servicing = servicing.clone();
        async move {
            if let Err(error) = servicing.run_messages(Caller::system()).await {
                let cause = identity::chain(&error);
                tracing::error!(error = %cause, "messages could not be worked off: {cause}");
            }
        }
    });
    // Turns that lost whoever answered them: another process that went away, or an end that could not be recorded.
    let assistant = house.assistant.clone();
    every(house, Duration::from_secs(5), move || {
        let assistant = assistant.clone();
        async move {
            if let Err(error) = assistant.resume().await {
                tracing::error!("running turns could not be looked at: {error}");
            }
        }
    });
    if sandbox {
        return;
    }
    let servicing = house.servicing.clone();
    every(house, Duration::from_mins(1), move || {
        let servicing = servicing.clone();
        async move { run_jobs(&servicing).await }
    });
}

async fn run_jobs(servicing: &Servicing) {
    if let Err(error) = servicing.run_jobs(Caller::system()).await {
        tracing::error!("the day's work could not be done: {error}");
    }
}

/// Does something again and again until the house is closed.
fn every<F, Fut>(house: &House, period: Duration, work: F)
where
    F: Fn() -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let stopped = house.tasks.stopped();
    house.tasks.spawn(async move {
        let mut ticks = tokio::time::interval(period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        tokio::pin!(stopped);
        loop {
            tokio::select! {
                () = &mut stopped => return,
                _ = ticks.tick() => work().await,
            }
        }
    });
}

/// What is told once the server listens.
#[derive(Serialize)]
struct Ready<'a> {
    /// The address, to which the paths of `pages` and the interface's are added.
    url: String,
    pages: [&'static str; 4],
    interface: &'static str,
    /// Where a sandbox's mail can be read.
    mailbox: Option<&'a str>,
    mode: Mode,
    today: NaiveDate,
    model: &'a str,
    stand_in: bool,
    released: bool,
    attested: bool,
    /// Why not, in words.
    unattested: Option<String>,
}

impl<'a> Ready<'a> {
    fn of(house: &'a House, listener: &TcpListener, mode: Mode) -> anyhow::Result<Self> {
        let unattested = house.assistant.unattested();
        Ok(Self {
            url: format!("http://{}", listener.local_addr()?),
            pages: ["/chat", "/desk", "/audit", "/evals"],
            interface: "/openapi.json",
            mailbox: house.mailbox_url.as_deref(),
            mode,
            today: house.servicing.today(),
            model: &house.model.name,
            stand_in: house.model.stand_in,
            released: house.assistant.release().is_some(),
            attested: unattested.is_none(),
            unattested: unattested.map(ToString::to_string),
        })
    }
}

impl fmt::Display for Ready<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = &self.url;
        let mode = if self.mode == Mode::Sandbox { ", in SANDBOX mode" } else { "" };
        writeln!(f, "\nPlumbline is ready{mode}.\n\n  sign in    {at}/")?;
        for page in self.pages {
            writeln!(f, "  {:<11}{at}{page}", page.trim_start_matches('/'))?;
        }
        writeln!(f, "  interface  {at}{}", self.interface)?;
        if let Some(mailbox) = self.mailbox {
            writeln!(f, "  mailbox    {mailbox}/mail")?;
        }
        writeln!(f)?;
        let stand_in = if self.stand_in { " (the built-in stand-in)" } else { "" };
        let released = match (self.released, self.attested) {
            (_, true) => "attested by the gate",
            (true, false) => "unattested: served because this is a sandbox",
            (false, false) => {
                "not released: run `plumbline eval gate`, then `plumbline prompt promote`"
            }
        };
        writeln!(f, "  today      {}", self.today.format("%A, %B %-d, %Y"))?;
        writeln!(f, "  model      {}{stand_in}\n  assistant  {released}", self.model)?;
        if let Some(why) = &self.unattested {
            writeln!(f, "             {why}")?;
        }
        f.write_str("\nStop it with Ctrl-C.")
    }
}
