//! Wiring: the crates put together as the configuration says, for every command that needs the whole house.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use assistant::{Assistant, Means, PROMPT, Release, Serving, Source};
use calendar::{Clock, Hand, Tz, instant_of};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use encoder::Encoder;
use knowledge::{CachedEmbedder, Embedder, Knowledge, index::ExactIndex};
use llm::{Chat, Embeddings};
use prompts::TrustedKeys;
use rails::{BankClient, BankConfig};
use secrecy::SecretString;
use servicing::{Caller, Servicing, portfolio::Portfolio, ports::NoBank};
use store::{Store, cluster::Standing};
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{config::Config, exit::UsageError, lender::Lender, output, post};

/// The first morning of a sandbox: Monday, November 23, 2026.
const SANDBOX_OPENS_ON: (i32, u32, u32) = (2026, 11, 23);

/// The seed of the sandbox portfolio.
const PORTFOLIO_SEED: &str = "sandbox";

/// How the stand-in's embeddings are called: by their weights.
const EMBEDDER: &str = understudy::EMBEDDER;

/// What runs beside the house and ends with it.
#[derive(Default)]
pub(crate) struct Tasks {
    tracker: TaskTracker,
    stop: CancellationToken,
}

impl Tasks {
    /// Runs until the house is closed.
    pub(crate) fn spawn<F, T>(&self, task: F)
    where
        F: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        self.tracker.spawn(task);
    }

    pub(crate) fn stopped(&self) -> impl Future<Output = ()> + Send + 'static {
        self.stop.clone().cancelled_owned()
    }

    pub(crate) async fn close(self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// Done when somebody asks the program to stop: Ctrl-C, or `SIGTERM`.
pub(crate) async fn asked_to_stop() {
    let mut terminated =
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(signal) => signal,
            Err(error) => {
                tracing::error!("cannot be told to stop: {error}");
                return std::future::pending().await;
            }
        };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}

/// The model and the embeddings, wherever they are.
pub(crate) struct Model {
    pub(crate) chat: Chat,
    pub(crate) embeddings: Option<Embeddings>,
    pub(crate) name: String,
    /// Whether it is the built-in stand-in.
    pub(crate) stand_in: bool,
}

/// The whole house, without its front door.
pub(crate) struct House {
    pub(crate) store: Store,
    pub(crate) servicing: Servicing,
    pub(crate) knowledge: Arc<Knowledge>,
    pub(crate) assistant: Assistant,
    pub(crate) model: Model,
    pub(crate) log: Arc<audit::Log>,
    pub(crate) trusted: TrustedKeys,
    pub(crate) hand: Option<Hand>,
    pub(crate) bank_url: String,
    /// The desk of the sandbox's post office, where its mailbox can be read.
    pub(crate) mailbox_url: Option<String>,
    pub(crate) tasks: Tasks,
}

/// Everything but the assistant and what it needs: quick to lay, so that a mistake is refused before the wait begins.
pub(crate) struct Ground {
    store: Store,
    pub(crate) servicing: Servicing,
    hand: Option<Hand>,
    bank_url: String,
    mailbox_url: Option<String>,
    sandbox: bool,
    tasks: Tasks,
}

/// Opens the database and sets up the use cases; in a sandbox with its people and its bank.
pub(crate) async fn lay(config: &Config, sandbox: bool, lender: Lender) -> anyhow::Result<Ground> {
    let tasks = Tasks::default();
    let state = config.state_dir()?;
    let root = config.root()?;
    let location = config.location()?;
    output::progress(match location.standing() {
        None => "connecting to the database at DATABASE_URL",
        Some(Standing::New) => "making a PostgreSQL cluster and starting it",
        Some(Standing::Stopped) => "starting PostgreSQL",
        Some(Standing::Running) => "joining the PostgreSQL that is running already",
    });
    let store = Store::open(&location).await?;
    let zone = lender.zone;
    let (clock, hand) =
        if sandbox { manual_clock(&store, zone).await? } else { (Clock::system(), None) };
    let today = calendar::local_date(clock.now(), zone);
    let bank_url = match lender.bank_url {
        Some(url) => url.to_string(),
        None => sandbox_bank(&state, today, &tasks).await?,
    };
    let bank = BankClient::new(&BankConfig {
        base_url: bank_url.clone(),
        timeout: Duration::from_secs(10),
    })?;
    let mut servicing = Servicing::new(store.clone(), clock, zone, Arc::new(bank), lender.who)
        .with_session_clock(Clock::system());
    let mut mailbox_url = None;
    if config.sandbox_post || !sandbox {
        let (post, desk_url) = post::open(lender.mail, &state, &tasks).await?;
        servicing = servicing.with_post(Arc::new(post));
        mailbox_url = desk_url;
    }
    reseal(&servicing).await?;
    if sandbox {
        fill(&servicing, &root).await?;
    }
    Ok(Ground { store, servicing, hand, bank_url, mailbox_url, sandbox, tasks })
}

/// Seals numbers with the newest key. What is damaged is said, and stops no start.
async fn reseal(servicing: &Servicing) -> anyhow::Result<()> {
    let done = servicing.reseal_numbers(Caller::system()).await?;
    if done.resealed > 0 {
        let resealed = done.resealed;
        output::progress(format!("sealed {resealed} bank account numbers with the newest key"));
    }
    if !done.damaged.is_empty() {
        let damaged: Vec<String> = done.damaged.iter().map(ToString::to_string).collect();
        output::progress(format!(
            "these bank accounts have a number that nobody can open, and nothing is sent there until it is told anew: {}",
            damaged.join(", ")
        ));
    }
    Ok(())
}

impl Ground {
    /// Sets up the rest: the policies, the model, and the assistant with what is served.
    pub(crate) async fn build(self, config: &Config, source: Source) -> anyhow::Result<House> {
        let Self { store, servicing, hand, bank_url, mailbox_url, sandbox, tasks } = self;
        let state = config.state_dir()?;
        let root = config.root()?;
        let model = model(config, &tasks).await?;
        let knowledge = Arc::new(knowledge(&store, &root, model.embeddings.clone()).await?);
        let log = Arc::new(audit::Log::open(&state.join("audit"), audit::ORIGIN)?);
        let trusted = trusted_keys(&state, &root)?;
        let means = Means { servicing: servicing.clone(), knowledge: Arc::clone(&knowledge) };
        let serving =
            Serving { root, prompt: PROMPT.to_owned(), source, sandbox, trusted: trusted.clone() };
        let release = Release::load(&serving, &means, &model.name)?;
        let assistant = Assistant::new(means, model.chat.clone(), release);
        if model.stand_in {
            output::progress("letting the stand-in read the prompt");
            assistant.warm_up().await;
        }
        Ok(House {
            store,
            servicing,
            knowledge,
            assistant,
            model,
            log,
            trusted,
            hand,
            bank_url,
            mailbox_url,
            tasks,
        })
    }

    /// Ends what runs beside.
    pub(crate) async fn close(self) {
        self.tasks.close().await;
        self.store.close().await;
    }
}

impl House {
    /// Waits for the turns under way, then ends what runs beside.
    pub(crate) async fn close(self) {
        self.assistant.shut_down().await;
        self.tasks.close().await;
        self.store.close().await;
    }
}

/// Whether `--sandbox`, said so often, asks for one.
pub(crate) fn sandbox_is_meant(said: u8, config: &Config) -> Result<bool, UsageError> {
    if said == 1 && config.has_database_url() {
        return Err(UsageError(
            "a sandbox would put invented customers into DATABASE_URL; say --sandbox twice if that is meant".to_owned(),
        ));
    }
    Ok(said > 0)
}

/// Lines and books for a command that does the day's work.
pub(crate) struct DayWork {
    pub(crate) servicing: Servicing,
    /// Whether the bank can be asked.
    pub(crate) has_bank: bool,
    tasks: Option<Tasks>,
}

impl DayWork {
    /// Ends what runs beside.
    pub(crate) async fn close(self) {
        if let Some(tasks) = self.tasks {
            tasks.close().await;
        }
        self.servicing.store().close().await;
    }
}

/// A live lender's, or a sandbox's. A sandbox's bank lives in its server: where one may be running, a second bank would be another.
pub(crate) async fn day_work(config: &Config, sandbox: bool) -> anyhow::Result<DayWork> {
    let runs = config.location()?.standing().is_none_or(|standing| standing == Standing::Running);
    if sandbox && runs {
        let servicing = sandbox_books(config).await?;
        return Ok(DayWork { servicing, has_bank: false, tasks: None });
    }
    let ground = lay(config, sandbox, Lender::of(config, sandbox)?).await?;
    Ok(DayWork { servicing: ground.servicing, has_bank: true, tasks: Some(ground.tasks) })
}

/// The sandbox's lines and books, without a model and without a bank.
pub(crate) async fn sandbox_books(config: &Config) -> anyhow::Result<Servicing> {
    let lender = Lender::of(config, true)?;
    let root = config.root()?;
    let store = Store::open(&config.location()?).await?;
    let (clock, _) = manual_clock(&store, lender.zone).await?;
    let bank = Arc::new(NoBank);
    let servicing = Servicing::new(store, clock, lender.zone, bank, lender.who);
    fill(&servicing, &root).await?;
    Ok(servicing)
}

/// The lines and books of whatever lender the database holds, without a model and without a bank: a sandbox has kept its clock.
pub(crate) async fn books(config: &Config) -> anyhow::Result<Servicing> {
    let store = Store::open(&config.location()?).await?;
    let mut conn = store.app().acquire().await?;
    let kept: Option<DateTime<Utc>> = store::sandbox_clock::load(&mut conn).await?;
    drop(conn);
    let lender = Lender::of(config, kept.is_some())?;
    let clock = kept.map_or_else(Clock::system, |now| Clock::manual(now).0);
    Ok(Servicing::new(store, clock, lender.zone, Arc::new(NoBank), lender.who))
}

/// A sandbox's clock, which stands where it was left, or at the sandbox's first morning.
async fn manual_clock(store: &Store, zone: Tz) -> anyhow::Result<(Clock, Option<Hand>)> {
    let mut tx = store.begin().await?;
    let kept: Option<DateTime<Utc>> = store::sandbox_clock::load(&mut tx).await?;
    let start = if let Some(now) = kept {
        now
    } else {
        let (year, month, day) = SANDBOX_OPENS_ON;
        let on = NaiveDate::from_ymd_opt(year, month, day).context("a day of the calendar")?;
        let ten = NaiveTime::from_hms_opt(10, 0, 0).context("an hour of the day")?;
        let start = instant_of(on, ten, zone);
        store::sandbox_clock::save(&mut tx, start).await?;
        start
    };
    tx.commit().await?;
    let (clock, hand) = Clock::manual(start);
    Ok((clock, Some(hand)))
}

/// Starts the simulated bank on loopback; answers its address.
async fn sandbox_bank(state: &Path, today: NaiveDate, tasks: &Tasks) -> anyhow::Result<String> {
    let listener = loopback().await?;
    let url = format!("http://{}", listener.local_addr()?);
    std::fs::create_dir_all(state)?;
    let path = state.join("sandbox-bank.json");
    let router = sandbox::bank::router(today, Some(&path))?;
    let stopped = tasks.stopped();
    tasks.spawn(async move {
        let served = axum::serve(listener, router).with_graceful_shutdown(stopped).await;
        if let Err(error) = served {
            tracing::error!("the sandbox bank stopped: {error}");
        }
    });
    Ok(url)
}

pub(crate) async fn loopback() -> anyhow::Result<TcpListener> {
    Ok(TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?)
}

/// The sandbox portfolio, at the first start.
async fn fill(servicing: &Servicing, root: &Path) -> anyhow::Result<()> {
    let mut last = 0;
    let made: Option<Portfolio> = servicing
        .make_portfolio(&root.join("worlds"), PORTFOLIO_SEED, |done, all| {
            let percent = done * 100 / all.max(1);
            if percent >= last + 10 || done == all {
                last = percent;
                output::progress(format!(
                    "loading the sandbox portfolio: {done} of {all} customers"
                ));
            }
        })
        .await?;
    if let Some(made) = made {
        output::progress(format!(
            "made {} customers, {} lines and {} decisions",
            made.customers, made.lines, made.decisions
        ));
    }
    Ok(())
}

/// The configured model, or the stand-in started here on loopback.
pub(crate) async fn model(config: &Config, tasks: &Tasks) -> anyhow::Result<Model> {
    if let Some(base_url) = &config.openai_base_url {
        let key =
            config.openai_api_key.clone().unwrap_or_else(|| SecretString::from(String::new()));
        let settings = llm::Config::new(base_url, key.clone(), config.model()?);
        let embeddings = match &config.embedding_model {
            Some(name) => Some(Embeddings::new(llm::Config::new(base_url, key, name))?),
            None => stand_in(config, tasks).await?.1,
        };
        let name = settings.model.clone();
        return Ok(Model { chat: Chat::new(settings)?, embeddings, name, stand_in: false });
    }
    let (url, embeddings) = stand_in(config, tasks).await?;
    let chat = Chat::new(beside_us(&url, understudy::MODEL))?;
    Ok(Model { chat, embeddings, name: understudy::MODEL.to_owned(), stand_in: true })
}

/// How the model and the embedder are called that [`model`] would set up. Starts nothing.
pub(crate) fn names(config: &Config) -> anyhow::Result<(String, String)> {
    let own = match encoder_files(&config.embedder_dir()?) {
        Some(_) => EMBEDDER,
        None => knowledge::NO_EMBEDDER,
    };
    Ok(match (&config.openai_base_url, &config.embedding_model) {
        (Some(_), Some(embedder)) => (config.model()?, embedder.clone()),
        (Some(_), None) => (config.model()?, own.to_owned()),
        (None, _) => (understudy::MODEL.to_owned(), own.to_owned()),
    })
}

/// How the stand-in is asked. It computes on this machine, and is slow where the machine is busy: asking again would only add
/// to that.
fn beside_us(url: &str, model: &str) -> llm::Config {
    llm::Config {
        first_byte_timeout: Duration::from_mins(3),
        idle_timeout: Duration::from_mins(1),
        reply_timeout: Duration::from_mins(4),
        ..llm::Config::new(url, no_key(), model)
    }
}

/// The stand-in asks for no key.
fn no_key() -> SecretString {
    SecretString::from("none".to_owned())
}

/// Starts the stand-in; answers its address and, where its encoder's files were fetched, its embeddings.
async fn stand_in(config: &Config, tasks: &Tasks) -> anyhow::Result<(String, Option<Embeddings>)> {
    let encoder = encoder(&config.embedder_dir()?)?;
    let found = encoder.is_some();
    let listener = loopback().await?;
    let url = format!("http://{}/v1", listener.local_addr()?);
    let stopped = tasks.stopped();
    tasks.spawn(async move {
        if let Err(error) = understudy::serve(listener, encoder, stopped).await {
            tracing::error!("the stand-in model stopped: {error}");
        }
    });
    let embeddings = if found { Some(Embeddings::new(beside_us(&url, EMBEDDER))?) } else { None };
    Ok((url, embeddings))
}

/// The encoder's weights and its tokenizer, where both were fetched.
fn encoder_files(folder: &Path) -> Option<(PathBuf, PathBuf)> {
    let (model, tokenizer) = (folder.join("model.safetensors"), folder.join("tokenizer.json"));
    (model.exists() && tokenizer.exists()).then_some((model, tokenizer))
}

/// The sentence encoder, where its files were fetched.
pub(crate) fn encoder(folder: &Path) -> anyhow::Result<Option<Arc<Encoder>>> {
    let Some((model, tokenizer)) = encoder_files(folder) else { return Ok(None) };
    let read = |path: &PathBuf| {
        std::fs::read(path).with_context(|| format!("could not read {}", path.display()))
    };
    Ok(Some(Arc::new(Encoder::parse(&read(&model)?, &read(&tokenizer)?)?)))
}

pub(crate) async fn knowledge(
    store: &Store,
    root: &Path,
    embeddings: Option<Embeddings>,
) -> anyhow::Result<Knowledge> {
    if embeddings.is_none() {
        output::progress(
            "no sentence encoder: policies are searched by wording alone (`plumbline doctor --install` fetches it)",
        );
    }
    let embedder = embeddings.map(|embeddings| {
        Arc::new(CachedEmbedder::new(Arc::new(embeddings), store.app().clone()))
            as Arc<dyn Embedder>
    });
    output::progress("indexing the policies");
    Ok(Knowledge::load(&root.join("policies"), embedder, Arc::new(ExactIndex::new())).await?)
}

/// The public keys whose verdicts count: those reviewed with the prompts, and this machine's own in the state folder.
pub(crate) fn trusted_keys(state: &Path, root: &Path) -> anyhow::Result<TrustedKeys> {
    let mut keys = String::new();
    for path in [root.join(TRUSTED_KEYS), state.join("gate").join("trusted-keys")] {
        match std::fs::read_to_string(&path) {
            Ok(text) => keys.extend([text.as_str(), "\n"]),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(error).with_context(|| format!("could not read {}", path.display()));
            }
        }
    }
    Ok(TrustedKeys::parse(&keys)?)
}

/// Below the project's folder: the keys that come with the prompts.
pub(crate) const TRUSTED_KEYS: &str = "prompts/trusted-keys";
