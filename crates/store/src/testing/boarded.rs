//! Many lines at once, by COPY: what a test or a bench begins with that asks what a portfolio costs.

use std::fmt::Write as _;

use chrono::{DateTime, NaiveDate, Utc};
use credit::LineEvent;
use identity::{BankAccountId, CreditLineId, CustomerId};
use ledger::{Posting, Side};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::StoreError;

/// A line as the first of its kind was opened; others are like it but for their ids.
#[derive(Clone, Debug)]
pub struct Model {
    pub product: String,
    pub opened_on: NaiveDate,
    pub settles_next_on: NaiveDate,
    pub opened_at: DateTime<Utc>,
    pub events: Vec<LineEvent>,
    /// What the event of that number posted.
    pub postings: Vec<(u64, Posting)>,
}

/// The ids of the n-th line and of what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    pub customer: CustomerId,
    pub line: CreditLineId,
    pub bank_account: BankAccountId,
}

impl Ids {
    #[must_use]
    pub const fn of(n: u64) -> Self {
        Self {
            customer: CustomerId::from_uuid(uuid(1, n)),
            line: CreditLineId::from_uuid(uuid(2, n)),
            bank_account: BankAccountId::from_uuid(uuid(3, n)),
        }
    }
}

const fn uuid(kind: u64, n: u64) -> Uuid {
    Uuid::from_u64_pair(0x0190_0000_0000_7000 + kind, 0x8000_0000_0000_0000 + n)
}

/// Rows are handed over in pieces of about this many bytes.
const PIECE: usize = 1 << 20;

/// Writes `count` lines, the n-th like the model `n % models.len()`, each with its customer and a checking account. By the
/// owner, whose session does not check what is known to be right.
pub async fn board(
    conn: &mut PgConnection,
    models: &[Model],
    count: u64,
) -> Result<(), StoreError> {
    sqlx::query("SET session_replication_role = replica").execute(&mut *conn).await?;
    let like = |n: u64| models.get(usize::try_from(n).unwrap_or_default() % models.len().max(1));
    for (table, rows) in [
        ("customers (id, name, email, phone, state, created_at)", customer_row as RowOf),
        ("bank_accounts (id, customer_id, kind, bank_name, ending, status, added_at)", bank_row),
        (
            "credit_lines (id, customer_id, product, opened_on, settles_next_on, created_at)",
            line_row,
        ),
        ("line_heads (credit_line_id, seq)", head_row),
        ("line_events (credit_line_id, seq, effective_on, recorded_at, body)", event_rows),
        (
            "postings (id, kind, credit_line_id, event_seq, effective_on, booked_on, recorded_at)",
            posting_rows,
        ),
        (
            "entries (posting_id, n, account_code, side, amount_cents, credit_line_id, effective_on, booked_on)",
            entry_rows,
        ),
    ] {
        let mut copy = conn.copy_in_raw(&format!("COPY {table} FROM STDIN")).await?;
        let mut piece = String::with_capacity(PIECE + PIECE / 4);
        for n in 0..count {
            let Some(model) = like(n) else { break };
            rows(&mut piece, n, model);
            if piece.len() >= PIECE {
                copy.send(piece.as_bytes()).await?;
                piece.clear();
            }
        }
        copy.send(piece.as_bytes()).await?;
        copy.finish().await?;
    }
    sqlx::query("RESET session_replication_role").execute(&mut *conn).await?;
    sqlx::query("ANALYZE").execute(conn).await?;
    Ok(())
}

type RowOf = fn(&mut String, u64, &Model);

/// A row of values that hold no tab, new line or backslash.
macro_rules! row {
    ($out:expr, $first:expr $(, $value:expr)*) => {{
        // Writing to a string cannot fail.
        let _ = write!($out, "{}", $first);
        $( let _ = write!($out, "\t{}", $value); )*
        $out.push('\n');
    }};
}

fn customer_row(out: &mut String, n: u64, model: &Model) {
    let id = Ids::of(n).customer;
    let email = format!("boarded-{n}@example.com");
    row!(out, id, format!("Boarded {n}"), email, "+1 555 0100", "CA", model.opened_at);
}

fn bank_row(out: &mut String, n: u64, model: &Model) {
    let ids = Ids::of(n);
    let (bank, at) = ("First Harbor Bank", model.opened_at);
    row!(out, ids.bank_account, ids.customer, "checking", bank, "4242", "verified", at);
}

fn line_row(out: &mut String, n: u64, model: &Model) {
    let ids = Ids::of(n);
    let (opened_on, next) = (model.opened_on, model.settles_next_on);
    row!(out, ids.line, ids.customer, model.product, opened_on, next, model.opened_at);
}

fn head_row(out: &mut String, n: u64, model: &Model) {
    let newest = model.events.last().map_or(0, |event| event.seq);
    row!(out, Ids::of(n).line, newest);
}

fn event_rows(out: &mut String, n: u64, model: &Model) {
    for event in &model.events {
        let body = serde_json::to_string(&event.body).unwrap_or_default();
        let (effective_on, recorded_at) = (event.effective_on, event.recorded_at);
        row!(out, Ids::of(n).line, event.seq, effective_on, recorded_at, escaped(&body));
    }
}

fn posting_rows(out: &mut String, n: u64, model: &Model) {
    for (seq, posting) in &model.postings {
        let (id, line) = (uuid(4 + seq, n), Ids::of(n).line);
        let on = model.opened_on;
        row!(out, id, posting.kind(), line, seq, on, on, model.opened_at);
    }
}

fn entry_rows(out: &mut String, n: u64, model: &Model) {
    for (seq, posting) in &model.postings {
        for (place, entry) in posting.entries().iter().enumerate() {
            let side = match entry.side {
                Side::Debit => "debit",
                Side::Credit => "credit",
            };
            let line = Ids::of(n).line.to_string();
            let line = if entry.credit_line.is_some() { line.as_str() } else { "\\N" };
            let (id, amount) = (uuid(4 + seq, n), entry.amount.get());
            let on = model.opened_on;
            row!(out, id, place, entry.account.get(), side, amount, line, on, on);
        }
    }
}

/// As COPY reads it.
fn escaped(json: &str) -> String {
    json.replace('\\', "\\\\")
}
