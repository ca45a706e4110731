//! The whole house: the use cases on PostgreSQL, a bank that is hard to deal with, and a process that dies and comes back with
//! nothing but the database.

pub mod bank;
mod check;
mod days;
pub mod fate;
mod people;
pub mod socket;

use std::sync::{Arc, Mutex};

use anyhow::Context as _;
use calendar::{Clock, Hand, instant_of};
use chrono::{NaiveDate, NaiveTime, TimeDelta};
use rails::SealingKeys;
use serde::Serialize;
use servicing::{Caller, Lender, Servicing, testing};
use store::testing::TestDatabase;
use tempfile::TempDir;

use crate::{dice::Dice, living::ZONE};
use bank::{Ledger, Wire, lock};
use fate::{Fate, Moment};
use people::Resident;
use socket::Socket;

/// How a house is lived in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    pub seed: u64,
    pub days: u64,
    pub lines: u64,
}

/// What a run came to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub days: u64,
    pub lines: u64,
    pub events: u64,
    pub payments: u64,
    pub draws: u64,
    pub returned: u64,
    pub refunds: u64,
    /// Lines all of whose figures were compared with the oracle's.
    pub compared: u64,
    pub deaths: u64,
    /// Requests and answers that the bank lost, was late with or told twice.
    pub troubles: u64,
    /// Of everything that stands in the database about the lines: the same for the same seed.
    pub digest: String,
}

/// A house with its bank, its clock, and the process of the hour.
pub struct House {
    dice: Dice,
    today: NaiveDate,
    hand: Hand,
    clock: Clock,
    ledger: Arc<Mutex<Ledger>>,
    seals: String,
    people: Vec<Resident>,
    /// Two of ours, who look at what one of them may not do alone.
    staff: [Caller; 2],
    process: Option<Process>,
    deaths: u64,
    log: Arc<audit::Log>,
    database: TestDatabase,
    _log_folder: TempDir,
}

struct Process {
    servicing: Servicing,
    fate: Arc<Fate>,
    _socket: Socket,
}

/// Lives a seed; an error says what is wrong.
pub async fn run(plan: Plan) -> anyhow::Result<Report> {
    identity::seed_ids(Some(plan.seed));
    let lived = Box::pin(live(plan)).await;
    identity::seed_ids(None);
    lived
}

async fn live(plan: Plan) -> anyhow::Result<Report> {
    let mut house = House::open(plan).await?;
    for _ in 0..plan.days {
        house.day().await.with_context(|| format!("on {}", house.today))?;
    }
    house.comes_to_rest().await.with_context(|| format!("at rest, on {}", house.today))?;
    house.check(plan).await
}

impl House {
    async fn open(plan: Plan) -> anyhow::Result<Self> {
        let dice = Dice::seeded(plan.seed);
        let epoch = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap_or_default();
        let days = i64::try_from(dice.apart(1).below(900)).unwrap_or_default();
        let today = epoch + TimeDelta::days(days);
        let start = instant_of(today, NaiveTime::MIN, ZONE);
        let (clock, hand) = Clock::manual(start);
        let folder = tempfile::tempdir()?;
        let log = Arc::new(audit::Log::open(folder.path(), audit::ORIGIN)?);
        let mut house = Self {
            ledger: Arc::new(Mutex::new(Ledger::open(dice.apart(2), start))),
            dice,
            today,
            hand,
            clock,
            seals: SealingKeys::generate("simulator")?,
            people: Vec::new(),
            staff: [Caller::system(); 2],
            process: None,
            deaths: 0,
            log,
            database: store::testing::try_database().await?,
            _log_folder: folder,
        };
        house.hire().await?;
        house.move_in(plan.lines).await?;
        Ok(house)
    }

    /// So many minutes into the day.
    fn at(&self, minute: i64) {
        let now = instant_of(self.today, NaiveTime::MIN, ZONE) + TimeDelta::minutes(minute);
        self.hand.set(now);
        lock(&self.ledger).live_to(now);
    }

    /// The process; a new one where the last one died.
    async fn process(&mut self) -> anyhow::Result<&Process> {
        if self.process.is_none() {
            self.nobody_is_left().await?;
            let fate = Arc::new(Fate::new());
            let server = self.database.socket().context("PostgreSQL has no socket here")?;
            let socket = Socket::before(server, Arc::clone(&fate))?;
            let store = self.database.store_through(socket.folder());
            let bank = Wire { ledger: Arc::clone(&self.ledger), fate: Arc::clone(&fate) };
            let lender = Lender { seals: self.seals.parse()?, ..testing::lender() };
            let servicing = Servicing::new(store, self.clock.clone(), ZONE, Arc::new(bank), lender);
            self.process = Some(Process { servicing, fate, _socket: socket });
        }
        self.process.as_ref().context("there is no process")
    }

    /// Waits until the database has noticed that a process is gone.
    async fn nobody_is_left(&self) -> anyhow::Result<()> {
        loop {
            let sessions: i64 = sqlx::query_scalar(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'plumbline%'",
            )
            .fetch_one(self.database.owner())
            .await?;
            if sessions == 0 {
                return Ok(());
            }
        }
    }

    /// Has the process do something; `None` where it died over it.
    async fn attempt<T>(
        &mut self,
        death: Option<(u64, Moment)>,
        act: impl AsyncFnOnce(Servicing) -> T,
    ) -> anyhow::Result<Option<T>> {
        let process = self.process().await?;
        let (servicing, fate) = (process.servicing.clone(), Arc::clone(&process.fate));
        if let Some((steps, moment)) = death {
            fate.dies_in(steps, moment);
        }
        let act = Box::pin(act(servicing));
        let done = tokio::select! {
            biased;
            () = fate.death() => None,
            done = act => Some(done),
        };
        fate.is_spared();
        if fate.is_dead() {
            self.process = None;
            self.deaths += 1;
        }
        Ok(done)
    }

    /// Now and then a death, at one of the next steps.
    fn death(&mut self, per_mille: u64, steps: u64) -> Option<(u64, Moment)> {
        let moment = if self.dice.chance(500) { Moment::Before } else { Moment::After };
        let at = 1 + self.dice.below(steps);
        self.dice.chance(per_mille).then_some((at, moment))
    }
}
