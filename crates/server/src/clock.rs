//! The sandbox's manual clock: moved forward a day at a time, with each day's work done on it.

use std::time::Duration;

use calendar::{Hand, instant_of};
use chrono::{NaiveDate, NaiveTime};
use servicing::{Caller, JobReport, Servicing};
use tokio::sync::Mutex;

use crate::ApiError;

/// The hand of the clock and the sandbox bank that lives by it.
pub struct SandboxClock {
    hand: Hand,
    bank_url: String,
    http: reqwest::Client,
    moving: Mutex<()>,
}

impl SandboxClock {
    /// # Errors
    /// When no HTTP client can be built.
    pub fn new(hand: Hand, bank_url: String) -> Result<Self, reqwest::Error> {
        let http = reqwest::Client::builder().timeout(Duration::from_secs(10)).build()?;
        Ok(Self { hand, bank_url, http, moving: Mutex::new(()) })
    }

    /// Lives through the rest of the day, in which leaves what was asked for since the morning, and every day up to `to`: the bank's
    /// morning first, then ours.
    pub(crate) async fn advance_to(
        &self,
        servicing: &Servicing,
        to: NaiveDate,
    ) -> Result<JobReport, ApiError> {
        let _one_at_a_time = self.moving.lock().await;
        let mut ran = JobReport::default();
        if servicing.today() < to {
            ran.payments = servicing.run_payments(Caller::system()).await?;
        }
        while servicing.today() < to {
            let next = servicing.today().succ_opt().unwrap_or(NaiveDate::MAX);
            let morning = NaiveTime::from_hms_opt(9, 0, 0).unwrap_or_default();
            self.tell_bank(next).await?;
            let then = instant_of(next, morning, servicing.zone());
            // Kept before the hand moves: nothing may be recorded at a time that a start would go back behind.
            servicing.keep_sandbox_clock(Caller::system(), then).await?;
            self.hand.set(then);
            ran.add(servicing.run_jobs(Caller::system()).await?);
        }
        Ok(ran)
    }

    async fn tell_bank(&self, today: NaiveDate) -> Result<(), ApiError> {
        let url = format!("{}/sandbox/clock", self.bank_url);
        let told = self.http.post(url).json(&serde_json::json!({ "today": today })).send().await;
        let failed = |error: reqwest::Error| ApiError::broken(&error);
        told.map_err(failed)?.error_for_status().map_err(failed)?;
        Ok(())
    }
}
