//! Draws as the customer sees them: quoted, held, cancelled, listed. What the bank does is in `release`.
//!
//! A draw is decided and *held* in one transaction, under the line's lock: credit is set aside, and nothing is owed yet. It is
//! charged to the line when the bank has made the money available, which is the day interest begins (12 CFR 1026.14).
//!
//! Rules: `credit::quote_draw` (available credit, daily limits, past due), flags ([`crate::flags::stops_draws`]), nothing within
//! three days of a change of how the customer is reached ([`crate::contacts`]), nothing before
//! the account-opening record was given (12 CFR 1026.5(b)(1)(i)), and `rails/draws.toml` (when the money leaves and from when
//! it is there).

use chrono::{DateTime, NaiveDate, Utc};
use credit::{DrawQuote, LineEventBody};
use identity::{BankAccountId, CreditLineId, CustomerId, DrawId, IntentId, ReceiptId};
use money::Cents;
use rails::DrawRails;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sqlx::PgConnection;
use store::{
    bank_accounts::{self, BankAccount},
    draws::{self, DrawRail, DrawRow, DrawStatus},
    intents::{self, ReceiptRow},
};

use crate::{
    Authorised, Caller, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    contacts::draws_allowed,
    flags::{self, stops_draws},
    lines::Line,
    payments::own_bank_account,
    reference::reference,
    words::{bank_account_text, date_text, shown},
    work::{Begun, Trail},
};

mod second_look;

pub use second_look::Look;

/// Why a draw is given up that its customer no longer wants.
pub(crate) const CUSTOMER: &str = "customer";

/// A draw as it is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrawAsk {
    pub amount: Cents,
    pub bank_account_id: BankAccountId,
    pub rail: DrawRail,
}

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
    pub rail: DrawRail,
    /// The day the money is to be there.
    pub available_on: NaiveDate,
}

/// A draw that would be possible, with what it costs and where it goes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DrawPreview {
    pub draw: ResolvedDraw,
    pub bank_account: BankAccount,
    pub available_after: Cents,
}

/// A draw with the bank account it goes to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DrawView {
    #[serde(flatten)]
    pub draw: DrawRow,
    pub bank_account: BankAccount,
}

impl Servicing {
    /// What a draw would be, if it were made now.
    pub async fn preview_draw(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        ask: DrawAsk,
    ) -> Result<DrawPreview, ServicingError> {
        let now = self.now();
        authorise(caller, UseCase::Read, Some(customer_id), now)?;
        let mut conn = self.pool_for(caller).acquire().await?;
        let (line, bank_account, quote) = self.quote(&mut conn, customer_id, ask).await?;
        let draw = self.resolved(&line, ask, quote, now)?;
        Ok(DrawPreview { draw, bank_account, available_after: quote.available_after })
    }

    /// Draws, as a signed-in customer asks for directly.
    pub async fn draw(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        ask: DrawAsk,
        key: &Key,
    ) -> Result<ReceiptRow, ServicingError> {
        let now = self.now();
        let permit = authorise(caller, UseCase::MoveMoney, Some(customer_id), now)?;
        let mut work = match self.begin(permit, key, &("draw", customer_id, ask)).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let (line, _, quote) = self.quote(work.conn(), customer_id, ask).await?;
        let draw = self.resolved(&line, ask, quote, now)?;
        let receipt = self.draw_in(work.conn(), permit, customer_id, &draw, None).await?;
        let receipt = work.finish(receipt).await?;
        self.send_at_once(draw.rail, draw.credit_line_id).await;
        Ok(receipt)
    }

    /// Gives up a draw that has not left.
    pub async fn cancel_draw(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        draw_id: DrawId,
        key: &Key,
    ) -> Result<ReceiptRow, ServicingError> {
        let permit = authorise(caller, UseCase::MoveMoney, Some(customer_id), self.now())?;
        let request = ("cancel_draw", customer_id, draw_id);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let unheld = own_draw(work.conn(), customer_id, draw_id).await?;
        let mut line = self.hold_and_load(work.conn(), unheld.credit_line_id).await?;
        let draw = draws::find_for_update(work.conn(), draw_id)
            .await?
            .ok_or_else(|| Refusal::not_found("draw"))?;
        cancellable(&draw)?;
        let cancelled =
            self.undo_draw(work.conn(), &mut line, draw, DrawStatus::Voided, CUSTOMER).await?;
        let fields = vec![
            shown("amount", "amount", cancelled.amount.to_string()),
            shown("draw", "draw", cancelled.reference.clone()),
        ];
        let text = format!("Your draw of {} is cancelled. Nothing is sent.", cancelled.amount);
        let receipt =
            self.draw_receipt(work.conn(), &cancelled, None, ("draw_cancelled", text), fields);
        let receipt = receipt.await?;
        work.finish(receipt).await
    }

    /// The customer's draws, newest first.
    pub async fn list_draws(
        &self,
        caller: Caller,
        customer_id: CustomerId,
    ) -> Result<Vec<DrawView>, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        let mut conn = self.pool_for(caller).acquire().await?;
        let line = self.line_of(&mut conn, customer_id).await?;
        let mut views = Vec::new();
        for draw in draws::list_of_line(&mut conn, line.row.id).await? {
            let bank_account = bank_accounts::find(&mut conn, draw.bank_account_id)
                .await?
                .ok_or(ServicingError::Stored { what: "bank account", source: None })?;
            views.push(DrawView { draw, bank_account });
        }
        Ok(views)
    }

    async fn quote(
        &self,
        conn: &mut PgConnection,
        customer_id: CustomerId,
        ask: DrawAsk,
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
        draws_allowed(conn, customer_id, self.now(), self.zone).await?;
        let account = own_bank_account(conn, customer_id, ask.bank_account_id).await?;
        let position = line.position(self.today())?;
        let one_at_a_time = position.terms.product.limits.one_open_draw;
        // What is on its way is not owed yet, and is a draw all the same.
        if one_at_a_time && draws::any_underway(conn, line.row.id).await? {
            return Err(refused(&credit::Refusal::DrawStillOpen).into());
        }
        let mut quote =
            credit::quote_draw(&position, None, ask.amount).map_err(|refusal| refused(&refusal))?;
        // What payments made that are not final is left out of the quote already.
        let going_back = self.going_back(conn, &line, &position).await?;
        let going_back = (going_back - position.held_credit_balance).or_zero();
        if quote.available_after < going_back {
            let available = (quote.available_after + quote.amount - going_back).or_zero();
            return Err(refused(&credit::Refusal::OverAvailable { available }).into());
        }
        quote.available_after -= going_back;
        Ok((line, account, quote))
    }

    fn resolved(
        &self,
        line: &Line,
        ask: DrawAsk,
        quote: DrawQuote,
        at: DateTime<Utc>,
    ) -> Result<ResolvedDraw, ServicingError> {
        let (_, available_on) = self.days_of(ask.rail, at)?;
        Ok(ResolvedDraw {
            credit_line_id: line.row.id,
            bank_account_id: ask.bank_account_id,
            amount: ask.amount,
            fee: quote.fee,
            rail: ask.rail,
            available_on,
        })
    }

    /// The day a draw asked for at `at` leaves, and the day its money is to be there.
    pub(crate) fn days_of(
        &self,
        rail: DrawRail,
        at: DateTime<Utc>,
    ) -> Result<(NaiveDate, NaiveDate), ServicingError> {
        Ok(match rail {
            DrawRail::Instant => (self.today(), self.today()),
            DrawRail::Standard => {
                let standard = DrawRails::embedded()?.standard;
                let leaves_on = standard.leaves_on(at, self.zone);
                (leaves_on, standard.available_on(leaves_on))
            }
        })
    }

    /// Whether this very draw, at this very fee and for this very day, can be made now.
    pub(crate) async fn check_draw(
        &self,
        conn: &mut PgConnection,
        customer_id: CustomerId,
        draw: &ResolvedDraw,
        at: DateTime<Utc>,
    ) -> Result<(Line, BankAccount), ServicingError> {
        let ask =
            DrawAsk { amount: draw.amount, bank_account_id: draw.bank_account_id, rail: draw.rail };
        let (line, account, quote) = self.quote(conn, customer_id, ask).await?;
        if line.row.id != draw.credit_line_id {
            return Err(Refusal::not_found("credit line").into());
        }
        let changed = |sentence: String| Refusal::new(RefusalCode::IntentChanged, sentence);
        if quote.fee != draw.fee {
            return Err(changed(format!("The fee of this draw is now {}.", quote.fee)).into());
        }
        let (_, available_on) = self.days_of(draw.rail, at)?;
        if available_on != draw.available_on {
            let on = date_text(available_on);
            return Err(changed(format!("The money would now be available on {on}.")).into());
        }
        Ok((line, account))
    }

    /// Holds a draw in the caller's transaction.
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
        let (leaves_on, available_on) = self.days_of(draw.rail, now)?;
        let review = self.second_look(conn, draw, &account).await?;
        let id = DrawId::mint(now);
        // It is let go when the bank has answered or was asked to void it, never by the calendar alone.
        let body = LineEventBody::DrawHeld { draw: id, amount: draw.amount, expires_on: None };
        let seq = self.post(conn, &mut line, today, body).await?;
        let row = DrawRow {
            id,
            credit_line_id: draw.credit_line_id,
            customer_id,
            bank_account_id: account.id,
            reference: reference("DRW", id.as_uuid()),
            amount: draw.amount,
            fee: draw.fee,
            rail: draw.rail,
            status: DrawStatus::Held,
            review,
            held_on: today,
            leaves_on,
            available_on,
            file_key: None,
            trace_number: None,
            handed_at: None,
            drawn_on: None,
            drew_seq: None,
            return_code: None,
            refusal: None,
            refusals: 0,
            held_at: now,
            changed_at: now,
        };
        draws::insert(conn, &row).await?;
        let payload = json!({
            "draw_id": id, "reference": row.reference, "amount_cents": row.amount, "fee_cents": row.fee,
            "rail": row.rail, "leaves_on": leaves_on, "available_on": available_on, "review": review,
            "bank_account_id": account.id, "event_seq": seq, "intent_id": intent_id, "authorised": permit,
        });
        self.trail(conn, Trail::stream(None, Some(row.credit_line_id)), "draw.held", payload)
            .await?;
        if review.is_some() {
            self.ask_for_second_look(conn, &row).await?;
        }
        let (text, fields) = told(&row, &account);
        self.draw_receipt(conn, &row, intent_id, ("draw", text), fields).await
    }

    async fn draw_receipt(
        &self,
        conn: &mut PgConnection,
        draw: &DrawRow,
        intent_id: Option<IntentId>,
        (kind, text): (&str, String),
        fields: Vec<intents::ShownField>,
    ) -> Result<ReceiptRow, ServicingError> {
        let now = self.now();
        let id = ReceiptId::mint(now);
        let receipt = ReceiptRow {
            id,
            customer_id: draw.customer_id,
            credit_line_id: Some(draw.credit_line_id),
            intent_id,
            kind: kind.to_owned(),
            reference: reference("RCT", id.as_uuid()),
            text,
            fields,
            at: now,
        };
        intents::insert_receipt(conn, &receipt).await?;
        Ok(receipt)
    }
}

/// What the customer is told of a draw that was just held.
fn told(draw: &DrawRow, account: &BankAccount) -> (String, Vec<intents::ShownField>) {
    let (to, on) = (bank_account_text(account), date_text(draw.available_on));
    let mut fields = vec![
        shown("amount", "amount", draw.amount.to_string()),
        shown("fee", "fee", draw.fee.to_string()),
        shown("bank_account", "to", to.clone()),
    ];
    let text = if draw.review.is_some() {
        let amount = draw.amount;
        format!(
            "Your draw of {amount} to your {to} is on hold while a person at our office looks at it."
        )
    } else {
        fields.push(shown("available_on", "available on", on.clone()));
        format!("Your draw of {} to your {to} is on its way, available on {on}.", draw.amount)
    };
    fields.push(shown("draw", "draw", draw.reference.clone()));
    (text, fields)
}

async fn own_draw(
    conn: &mut PgConnection,
    customer_id: CustomerId,
    id: DrawId,
) -> Result<DrawRow, ServicingError> {
    let draw = draws::find(conn, id).await?.filter(|draw| draw.customer_id == customer_id);
    Ok(draw.ok_or_else(|| Refusal::not_found("draw"))?)
}

fn cancellable(draw: &DrawRow) -> Result<(), Refusal> {
    let sentence = match draw.status {
        DrawStatus::Held => return Ok(()),
        DrawStatus::Pending | DrawStatus::Released => "This draw has gone to the bank.",
        DrawStatus::Settled => "The money of this draw has arrived.",
        DrawStatus::Refused => "The bank did not take this draw.",
        DrawStatus::Voided => "This draw is given up already. Nothing is sent for it.",
    };
    Err(Refusal::new(RefusalCode::CannotCancel, sentence))
}

fn refused(refusal: &credit::Refusal) -> Refusal {
    let code = match refusal {
        credit::Refusal::OverAvailable { .. }
        | credit::Refusal::OverDailyAmount { .. }
        | credit::Refusal::OverDailyCount { .. } => RefusalCode::OverLimit,
        credit::Refusal::BelowLeastDraw { .. } => RefusalCode::AmountNotPositive,
        credit::Refusal::DrawStillOpen
        | credit::Refusal::DrawPeriodOver { .. }
        | credit::Refusal::PastDue
        | credit::Refusal::Frozen
        | credit::Refusal::Closed => RefusalCode::DrawsBlocked,
    };
    Refusal::new(code, format!("No draw of this amount: {refusal}."))
}
