//! Draws: money to the customer's own bank account, within the line and its limits.
//!
//! Rules: `credit::quote_draw` (available credit, daily limits, past due), flags ([`crate::flags::stops_draws`]), and nothing before
//! the account-opening record was given (12 CFR 1026.5(b)(1)(i)). The funds count as made
//! available on the day of the draw.

use chrono::{DateTime, Utc};
use credit::{DrawQuote, LineEventBody};
use identity::{BankAccountId, CreditLineId, CustomerId, DrawId, IntentId, ReceiptId};
use money::Cents;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use store::{
    bank_accounts::BankAccount,
    draws::{self, DrawRow},
    intents::{self, ReceiptRow},
};

use crate::{
    Authorised, Caller, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    flags::{self, stops_draws},
    lines::Line,
    payments::own_bank_account,
    reference::reference,
    words::{bank_account_text, date_text, shown},
    work::{Begun, Trail},
};

/// A draw resolved against today's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResolvedDraw {
    pub credit_line_id: CreditLineId,
    pub bank_account_id: BankAccountId,
    #[serde(rename = "amount_cents")]
    pub amount: Cents,
    /// What it costs.
    #[serde(rename = "fee_cents")]
    pub fee: Cents,
}

/// A draw that would be possible, with what it costs and where it goes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DrawPreview {
    pub draw: ResolvedDraw,
    pub bank_account: BankAccount,
    pub available_after: Cents,
}

impl Servicing {
    /// What a draw would be, if it were made now.
    pub async fn preview_draw(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        amount: Cents,
        bank_account_id: BankAccountId,
    ) -> Result<DrawPreview, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        let mut conn = self.pool_for(caller).acquire().await?;
        let (line, bank_account, quote) =
            self.quote(&mut conn, customer_id, amount, bank_account_id).await?;
        let credit_line_id = line.row.id;
        let draw = ResolvedDraw { credit_line_id, bank_account_id, amount, fee: quote.fee };
        Ok(DrawPreview { draw, bank_account, available_after: quote.available_after })
    }

    /// Draws, as a signed-in customer asks for directly.
    pub async fn draw(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        amount: Cents,
        bank_account_id: BankAccountId,
        key: &Key,
    ) -> Result<ReceiptRow, ServicingError> {
        let permit = authorise(caller, UseCase::MoveMoney, Some(customer_id), self.now())?;
        let request = ("draw", customer_id, amount, bank_account_id);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let (line, _, quote) =
            self.quote(work.conn(), customer_id, amount, bank_account_id).await?;
        let credit_line_id = line.row.id;
        let draw = ResolvedDraw { credit_line_id, bank_account_id, amount, fee: quote.fee };
        let receipt = self.draw_in(work.conn(), permit, customer_id, &draw, None).await?;
        work.finish(receipt).await
    }

    async fn quote(
        &self,
        conn: &mut PgConnection,
        customer_id: CustomerId,
        amount: Cents,
        bank_account_id: BankAccountId,
    ) -> Result<(Line, BankAccount, DrawQuote), ServicingError> {
        let line = self.line_of(conn, customer_id).await?;
        self.check_opening_given(conn, line.row.id).await?;
        let standing = flags::standing(conn, customer_id).await?;
        if standing.iter().any(|flag| stops_draws(flag.kind)) {
            return Err(Refusal::new(
                RefusalCode::DrawsBlocked,
                "No draw can be made on this line at the moment.",
            )
            .into());
        }
        let account = own_bank_account(conn, customer_id, bank_account_id).await?;
        let position = line.position(self.today())?;
        let quote =
            credit::quote_draw(&position, None, amount).map_err(|refusal| refused(&refusal))?;
        Ok((line, account, quote))
    }

    /// Whether this very draw, at this very fee, can be made now.
    pub(crate) async fn check_draw(
        &self,
        conn: &mut PgConnection,
        customer_id: CustomerId,
        draw: &ResolvedDraw,
        _at: DateTime<Utc>,
    ) -> Result<(Line, BankAccount), ServicingError> {
        let (line, account, quote) =
            self.quote(conn, customer_id, draw.amount, draw.bank_account_id).await?;
        if line.row.id != draw.credit_line_id {
            return Err(Refusal::not_found("credit line").into());
        }
        if quote.fee != draw.fee {
            return Err(Refusal::new(
                RefusalCode::IntentChanged,
                format!("The fee of this draw is now {}.", quote.fee),
            )
            .into());
        }
        Ok((line, account))
    }

    /// Draws in the caller's transaction.
    pub(crate) async fn draw_in(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        customer_id: CustomerId,
        draw: &ResolvedDraw,
        intent_id: Option<IntentId>,
    ) -> Result<ReceiptRow, ServicingError> {
        let (now, today) = (self.now(), self.today());
        self.hold_line(conn, draw.credit_line_id).await?;
        let (mut line, account) = self.check_draw(conn, customer_id, draw, now).await?;
        let id = DrawId::mint(now);
        let body =
            LineEventBody::Drew { draw: id, feature: None, amount: draw.amount, fee: draw.fee };
        let seq = self.post(conn, &mut line, today, body).await?;
        let row = DrawRow {
            id,
            credit_line_id: draw.credit_line_id,
            customer_id,
            bank_account_id: account.id,
            reference: reference("DRW", id.as_uuid()),
            amount: draw.amount,
            drawn_on: today,
            drew_seq: i64::try_from(seq).unwrap_or(i64::MAX),
            drawn_at: now,
        };
        draws::insert(conn, &row).await?;
        let payload = json!({
            "draw_id": id, "reference": row.reference, "amount_cents": row.amount, "fee_cents": draw.fee,
            "bank_account_id": account.id, "event_seq": seq, "intent_id": intent_id, "authorised": permit,
        });
        self.trail(conn, Trail::stream(None, Some(row.credit_line_id)), "draw.made", payload)
            .await?;
        let receipt_id = ReceiptId::mint(now);
        let receipt = ReceiptRow {
            id: receipt_id,
            customer_id,
            credit_line_id: Some(row.credit_line_id),
            intent_id,
            kind: "draw".to_owned(),
            reference: reference("RCT", receipt_id.as_uuid()),
            text: format!(
                "Your draw of {} to your {} is recorded.",
                row.amount,
                bank_account_text(&account)
            ),
            fields: vec![
                shown("amount", "amount", row.amount.to_string()),
                shown("fee", "fee", draw.fee.to_string()),
                shown("bank_account", "to", bank_account_text(&account)),
                shown("on", "on", date_text(today)),
                shown("draw", "draw", row.reference.clone()),
            ],
            at: now,
        };
        intents::insert_receipt(conn, &receipt).await?;
        Ok(receipt)
    }
}

fn refused(refusal: &credit::Refusal) -> Refusal {
    let code = match refusal {
        credit::Refusal::OverAvailable { .. }
        | credit::Refusal::OverDailyAmount { .. }
        | credit::Refusal::OverDailyCount { .. } => RefusalCode::OverLimit,
        credit::Refusal::BelowLeastDraw { .. } => RefusalCode::AmountNotPositive,
        credit::Refusal::DrawStillOpen
        | credit::Refusal::PastDue
        | credit::Refusal::Frozen
        | credit::Refusal::Closed => RefusalCode::DrawsBlocked,
    };
    Refusal::new(code, format!("No draw of this amount: {refusal}."))
}
