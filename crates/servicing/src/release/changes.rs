//! Notifications of change: the bank settled an entry, and tells how the account is to be written from now on.
//!
//! They are applied when they are read, which is before the next entry. What cannot be applied, or speaks of another account than
//! the entry went to, goes to the operations desk.

use chrono::NaiveDate;
use identity::{BankAccountId, CustomerId};
use rails::{AccountKind, BankDetails, Change, RailError};
use serde_json::json;
use sqlx::PgConnection;
use store::{
    bank_accounts::{self, BankAccountKind},
    rail_files,
};

use super::{
    RunReport,
    file::{Entry, find_entry},
};
use crate::{Servicing, ServicingError, numbers::ending_of, work::Trail};

/// A notification, and the entry of ours that it names.
pub(super) struct Told<'a> {
    pub(super) entry: &'a nacha::Entry,
    /// The number under which it was sent.
    pub(super) trace: &'a str,
    /// The first eight digits of the routing number of the bank it was sent to.
    pub(super) prefix: &'a str,
    pub(super) code: &'a str,
    pub(super) corrected: &'a str,
    pub(super) on: NaiveDate,
}

impl Servicing {
    /// Works off one notification.
    pub(super) async fn change_one(
        &self,
        told: &Told<'_>,
        report: &mut RunReport,
    ) -> Result<(), ServicingError> {
        let Told { trace, code, .. } = *told;
        let mut tx = self.store.app().begin().await?;
        let about = find_entry(&mut tx, trace, told.on).await?;
        let name = about.as_ref().map_or(trace, Entry::reference);
        let another = match &about {
            Some(about) => self.is_another(about, told.entry, told.prefix).await?,
            None => None,
        };
        // One that is not about the entry is in the way of none that is.
        let note = match another {
            Some(_) => format!("{code} {}", told.entry.trace),
            None => code.to_owned(),
        };
        if !rail_files::note_once(&mut tx, name, &note, self.now()).await? {
            return Ok(());
        }
        let Some(about) = about else {
            tracing::error!(trace_number = %trace, "a change was told of an entry that we never sent: {trace}");
            let payload = json!({"trace_number": trace, "change_code": code});
            self.trail(&mut tx, audit::Stream::System, "return.unknown", payload).await?;
            tx.commit().await?;
            return Ok(());
        };
        let line = about.credit_line_id();
        self.hold_line(&mut tx, line).await?;
        let (account, customer) = (about.bank_account_id(), about.customer_id());
        let change = Change::read(code, told.corrected);
        let mut opened = self.open_numbers(&[(account, customer)].into(), self.now()).await?;
        let before = match opened.remove(&account) {
            // Whoever has the key applies it.
            Some(Err(error @ RailError::UnknownKey { .. })) => return Err(error.into()),
            Some(Err(_)) | None => None,
            Some(Ok(details)) => Some(details),
        };
        let ours = before.as_ref().filter(|_| another.is_none());
        let after = ours.and_then(|before| change.applied_to(before));
        let unusable = matches!(change, Change::Desk)
            || before.is_none() && matches!(change, Change::Account { .. });
        if let Some(after) = &after {
            self.correct(&mut tx, customer, account, after).await?;
            report.corrected += 1;
        }
        let payload = json!({
            "customer_id": customer, "bank_account_id": account, "change_code": code, "about": about.reference(),
            "trace_number": trace, "applied": after.is_some(), "differs": another,
            "ending": after.as_ref().and_then(|after| ending_of(&after.account_number)),
        });
        self.trail(&mut tx, Trail::stream(None, Some(line)), "bank_account.change_told", payload)
            .await?;
        if unusable || another.is_some() {
            let reference = about.reference();
            let words = match another {
                Some(what) => format!(
                    "The bank told of a change ({code}) about {reference}, with another {what} than it was sent with: nothing was changed."
                ),
                None => format!(
                    "The bank told of a change ({code}) about {reference} that has to be looked at."
                ),
            };
            self.open_desk_case(&mut tx, &about, "operations", words).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    async fn correct(
        &self,
        conn: &mut PgConnection,
        customer: CustomerId,
        account: BankAccountId,
        details: &BankDetails,
    ) -> Result<(), ServicingError> {
        let kind = match details.kind {
            AccountKind::Checking => BankAccountKind::Checking,
            AccountKind::Savings => BankAccountKind::Savings,
        };
        let ending = ending_of(&details.account_number)
            .ok_or(ServicingError::Stored { what: "bank account number", source: None })?;
        bank_accounts::correct(conn, account, kind, ending).await?;
        self.keep_number(conn, customer, account, details).await
    }
}
