//! A database of its own with a portfolio in it, synced as a real one is.

use std::{sync::Arc, time::Instant};

use anyhow::Context as _;
use calendar::{Clock, Hand};
use chrono::NaiveDate;
use servicing::{
    Servicing,
    testing::{self, ZONE, boarded, noon},
};
use sqlx::{ConnectOptions as _, PgConnection};
use store::{Location, Store, cluster::Cluster};
use tempfile::TempDir;

use crate::debits::{self, TakingBank};

/// The day that is closed.
pub(crate) const DUE_ON: &str = "2026-11-16";

pub(crate) struct Portfolio {
    pub(crate) servicing: Servicing,
    pub(crate) hand: Hand,
    pub(crate) loaded_ms: u128,
    cluster: Cluster,
    _folder: TempDir,
}

pub(crate) fn due_on() -> NaiveDate {
    testing::day(DUE_ON)
}

impl Portfolio {
    /// So many lines, one of 28 due on [`DUE_ON`], one on each day after it; others have a debit due on a day that is closed.
    pub(crate) async fn load(lines: u64) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("close-bench").tempdir()?;
        let state_dir = folder.path().to_owned();
        let store = Store::open(&Location::Private { state_dir: state_dir.clone() }).await?;
        let cluster = Cluster::start(store.private_dir().context("a private cluster")?)?;
        let began = Instant::now();
        let mut owner = owner_of(&cluster).await?;
        boarded::board(&mut owner, &boarded::models(due_on()), lines).await?;
        let lender = testing::lender();
        debits::schedule(&mut owner, &lender.seals, lines).await?;
        // As lines lie that have been there for a while.
        sqlx::query("VACUUM (ANALYZE)").execute(&mut owner).await?;
        sqlx::query("CHECKPOINT").execute(&mut owner).await?;
        let loaded_ms = began.elapsed().as_millis();
        let (clock, hand) = Clock::manual(noon(due_on()));
        let servicing = Servicing::new(store, clock, ZONE, Arc::new(TakingBank), lender);
        Ok(Self { servicing, hand, loaded_ms, cluster, _folder: folder })
    }

    pub(crate) async fn owner(&self) -> anyhow::Result<PgConnection> {
        owner_of(&self.cluster).await
    }

    pub(crate) async fn close(self) {
        self.servicing.store().close().await;
    }
}

async fn owner_of(cluster: &Cluster) -> anyhow::Result<PgConnection> {
    let options = cluster.options().database("plumbline").disable_statement_logging();
    Ok(options.connect().await?)
}
