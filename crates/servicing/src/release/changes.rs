//! Notifications of change: the bank settled an entry, and tells how the account is to be written from now on.
//!
//! They are applied when they are read, which is before the next entry. What cannot be applied goes to the operations desk.

use identity::{BankAccountId, CustomerId};
use rails::{AccountKind, BankDetails, Change};
use serde_json::json;
use sqlx::PgConnection;
use store::{
    bank_accounts::{self, BankAccountKind},
    draws::{self, DrawRow},
    payments::{self, PaymentRow},
    rail_files,
};

use super::RunReport;
use crate::{Servicing, ServicingError, numbers::ending_of, work::Trail};

/// The entry that a notification is about.
enum About {
    Payment(Box<PaymentRow>),
    Draw(Box<DrawRow>),
}

impl About {
    fn account(&self) -> (BankAccountId, CustomerId) {
        match self {
            Self::Payment(payment) => (payment.bank_account_id, payment.customer_id),
            Self::Draw(draw) => (draw.bank_account_id, draw.customer_id),
        }
    }

    fn reference(&self) -> &str {
        match self {
            Self::Payment(payment) => &payment.reference,
            Self::Draw(draw) => &draw.reference,
        }
    }
}

impl Servicing {
    /// Works off one notification.
    pub(super) async fn change_one(
        &self,
        trace: &str,
        code: &str,
        corrected: &str,
        report: &mut RunReport,
    ) -> Result<(), ServicingError> {
        let mut tx = self.store.app().begin().await?;
        if !rail_files::note_change(&mut tx, trace, code, self.now()).await? {
            return Ok(());
        }
        let Some(about) = find(&mut tx, trace).await? else {
            tracing::error!(trace_number = %trace, "a change was told of an entry that we never sent: {trace}");
            let payload = json!({"trace_number": trace, "change_code": code});
            self.trail(&mut tx, audit::Stream::System, "return.unknown", payload).await?;
            tx.commit().await?;
            return Ok(());
        };
        let line = match &about {
            About::Payment(payment) => payment.credit_line_id,
            About::Draw(draw) => draw.credit_line_id,
        };
        self.hold_line(&mut tx, line).await?;
        let (account, customer) = about.account();
        let change = Change::read(code, corrected);
        let opened = self.open_numbers(&[(account, customer)].into(), self.now()).await?;
        let before = opened.get(&account);
        let after = before.and_then(|before| change.applied_to(before));
        let unusable = matches!(change, Change::Desk)
            || before.is_none() && matches!(change, Change::Account { .. });
        if let Some(after) = &after {
            self.correct(&mut tx, customer, account, after).await?;
            report.corrected += 1;
        }
        let payload = json!({
            "customer_id": customer, "bank_account_id": account, "change_code": code, "about": about.reference(),
            "trace_number": trace, "applied": after.is_some(),
            "ending": after.as_ref().and_then(|after| ending_of(&after.account_number)),
        });
        self.trail(&mut tx, Trail::stream(None, Some(line)), "bank_account.change_told", payload)
            .await?;
        if unusable {
            let words = format!(
                "The bank told of a change ({code}) about {} that has to be looked at.",
                about.reference()
            );
            match &about {
                About::Payment(payment) => {
                    self.open_desk_case(&mut tx, payment, "operations", words).await?;
                }
                About::Draw(draw) => {
                    self.open_draw_case(&mut tx, draw, "operations", words).await?;
                }
            }
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

async fn find(conn: &mut PgConnection, trace: &str) -> Result<Option<About>, ServicingError> {
    if let Some(payment) = payments::find_by_trace(conn, trace).await? {
        return Ok(Some(About::Payment(Box::new(payment))));
    }
    Ok(draws::find_by_trace(conn, trace).await?.map(|draw| About::Draw(Box::new(draw))))
}
