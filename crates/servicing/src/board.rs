//! Boarding: lines of another lender come in with what they owe.
//!
//! Invariants: a batch is one transaction and a fixed number of statements, whatever its size: two that claim the references,
//! one that writes the histories, one that posts, one that tells its accruals, six that write the rest (`store::boarding`), three for
//! the record; a row is boarded once, under the name of its portfolio and its reference, so that whoever was killed goes on where
//! they were; a row that was boarded with other figures is left as it is and told. What is absent: files and their faults (`boarding`), and payments since the file's day, which are
//! told like any other.

use std::collections::BTreeMap;

use ::boarding::{Bank, BankKind, Row};
use audit::{Held, LeafBody, Stream};
use chrono::{DateTime, Utc};
use credit::{CreditLine, Delta, LineEvent, ProductCatalog, Recorded};
use documents::OpeningRecord;
use identity::{BankAccountId, CreditLineId, CustomerId, PostingId};
use rails::{BankDetails, Sealed};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sqlx::{PgConnection, Postgres, Transaction};
use store::{
    accruals,
    bank_accounts::{BankAccount, BankAccountKind, BankAccountStatus, SealedNumber},
    boarding::{self, BoardedLine, Claim},
    credit_lines,
    customers::{Customer, Language},
    documents as kept,
    line_events::{self, Continuation},
    outbox::{self, NewEvent},
    postings::{self, NewPosting},
};

use crate::{
    Authorised, Caller, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    disclosures::{addressee, line_reference},
    numbers::{ending_of, rail_kind},
};

/// How the leaf and the event of a boarded line are called: as those of any line that opens.
const OPENED: &str = "line.opened";

/// What is to be boarded.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The lender's name for the portfolio: with it a reference is unique.
    pub portfolio: &'a str,
    pub catalog: &'a ProductCatalog,
    /// All of it in one transaction, or nothing.
    pub whole: bool,
}

/// What became of rows, by their numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Boarded {
    pub boarded: Vec<u64>,
    /// The same row was boarded before.
    pub before: Vec<u64>,
    /// Its reference was boarded before, with other figures: nothing was done.
    pub changed: Vec<u64>,
}

/// A portfolio on its way in. What was committed stays when it is dropped; whoever comes again goes on there.
pub struct Boarding<'a> {
    servicing: &'a Servicing,
    order: Order<'a>,
    permit: Authorised,
    /// Of a portfolio that is boarded whole: the one transaction.
    whole: Option<Transaction<'static, Postgres>>,
    changed: bool,
}

/// A row on its way in.
struct Coming<'a> {
    row: &'a Row,
    line: CreditLine,
    recorded: [Recorded; 2],
    customer: Customer,
    head: BoardedLine,
    account: Option<(BankAccount, SealedNumber)>,
    record: Option<kept::OpeningRecord>,
    /// What it tells the sum of accruals.
    unbilled: Vec<Delta>,
}

impl Servicing {
    /// Begins to board a portfolio.
    ///
    /// # Errors
    /// Where the caller may not, or the portfolio has no name.
    pub async fn board<'a>(
        &'a self,
        caller: Caller,
        order: Order<'a>,
    ) -> Result<Boarding<'a>, ServicingError> {
        let permit = authorise(caller, UseCase::Originate, None, self.now())?;
        let named = !order.portfolio.trim().is_empty() && order.portfolio.len() <= 100;
        if !named || order.portfolio.chars().any(char::is_control) {
            let sentence = "A portfolio has a name of 1 to 100 characters.";
            return Err(Refusal::new(RefusalCode::TextInvalid, sentence).into());
        }
        let whole = if order.whole { Some(self.store.app().begin().await?) } else { None };
        Ok(Boarding { servicing: self, order, permit, whole, changed: false })
    }

    async fn board_batch(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        order: Order<'_>,
        batch: &[&Row],
    ) -> Result<Boarded, ServicingError> {
        let (now, mut done) = (self.now(), Boarded::default());
        let ids: Vec<CreditLineId> = batch.iter().map(|_| CreditLineId::mint(now)).collect();
        let claims = batch.iter().zip(&ids).map(|(row, id)| claim_of(row, *id));
        let claims = claims.collect::<Result<Vec<Claim>, ServicingError>>()?;
        let taken = boarding::claim(conn, order.portfolio, &claims, now).await?;
        let there = claims.iter().filter(|claim| !taken.contains(&claim.credit_line_id));
        let there: Vec<String> = there.map(|claim| claim.reference.clone()).collect();
        let known = if there.is_empty() {
            BTreeMap::new()
        } else {
            boarding::known(conn, order.portfolio, &there).await?
        };
        let mut coming = Vec::with_capacity(taken.len());
        for (row, claim) in batch.iter().zip(&claims) {
            if taken.contains(&claim.credit_line_id) {
                coming.push(self.coming(order.catalog, row, claim.credit_line_id, now)?);
                done.boarded.push(row.number);
            } else if known.get(&claim.reference) == Some(&claim.row_digest) {
                done.before.push(row.number);
            } else {
                done.changed.push(row.number);
            }
        }
        if !coming.is_empty() {
            self.write_boarded(conn, &coming).await?;
            self.tell_boarded(conn, permit, order.portfolio, &coming).await?;
        }
        Ok(done)
    }

    /// Everything of a row that is to be written, made before anything is.
    fn coming<'a>(
        &self,
        catalog: &ProductCatalog,
        row: &'a Row,
        id: CreditLineId,
        now: DateTime<Utc>,
    ) -> Result<Coming<'a>, ServicingError> {
        let (line, recorded) = row.open(catalog, id, now).map_err(ServicingError::engine)?;
        let position = line.position(row.as_of).map_err(ServicingError::engine)?;
        let terms = line.opened_with().map_err(ServicingError::engine)?;
        let customer = Customer {
            id: CustomerId::mint(now),
            name: row.name.clone(),
            email: row.email.clone(),
            phone: row.phone.clone(),
            state: row.state.clone(),
            language: Language::parse(&row.language).unwrap_or(Language::English),
            archetype: None,
            summary: None,
            created_at: now,
        };
        let account = row.bank.as_ref().map(|bank| self.seal_account(bank, customer.id, now));
        let record = match row.opening_record_given_on {
            Some(_) => None,
            None => Some(self.opening_record_of(
                &OpeningRecord {
                    customer: &addressee(&customer),
                    line_reference: &line_reference(id),
                    terms,
                    opened_on: row.opened_on,
                },
                id,
                now,
            )?),
        };
        let head = BoardedLine {
            id,
            customer_id: customer.id,
            product: row.product.clone(),
            // The first day of its history with us; when it was opened is in its events.
            opened_on: row.begins_on,
            settles_next_on: position.settles_next_on,
            created_at: now,
        };
        let accrual = line.accrual(self.today()).map_err(ServicingError::engine)?;
        let account = account.transpose()?;
        let unbilled = accrual.deltas(&[], None);
        Ok(Coming { row, line, recorded, customer, head, account, record, unbilled })
    }

    fn seal_account(
        &self,
        bank: &Bank,
        customer_id: CustomerId,
        now: DateTime<Utc>,
    ) -> Result<(BankAccount, SealedNumber), ServicingError> {
        let kind = match bank.kind {
            BankKind::Checking => BankAccountKind::Checking,
            BankKind::Savings => BankAccountKind::Savings,
        };
        let id = BankAccountId::mint(now);
        let details = BankDetails {
            kind: rail_kind(kind),
            routing_number: bank.routing_number.clone(),
            account_number: bank.account_number.clone(),
        };
        let Sealed { key_id, bytes } = self.lender.seals.seal(&details, customer_id, id)?;
        let account = BankAccount {
            id,
            customer_id,
            kind,
            bank_name: bank.name.clone(),
            ending: ending_of(&bank.account_number).unwrap_or_default().to_owned(),
            status: BankAccountStatus::Verified,
            added_at: now,
        };
        Ok((account, SealedNumber { bank_account_id: id, key_id, sealed: bytes }))
    }

    async fn write_boarded(
        &self,
        conn: &mut PgConnection,
        coming: &[Coming<'_>],
    ) -> Result<(), ServicingError> {
        let customers: Vec<Customer> = coming.iter().map(|one| one.customer.clone()).collect();
        let heads: Vec<BoardedLine> = coming.iter().map(|one| one.head.clone()).collect();
        let events: Vec<(CreditLineId, Vec<LineEvent>)> = coming
            .iter()
            .map(|one| {
                let events = one.recorded.iter().map(|recorded| recorded.event.clone());
                (one.line.id(), events.collect())
            })
            .collect();
        let accounts: Vec<_> = coming.iter().filter_map(|one| one.account.clone()).collect();
        let records: Vec<_> = coming.iter().filter_map(|one| one.record.clone()).collect();
        boarding::insert_customers(conn, &customers).await?;
        let reached: Vec<(CustomerId, &[String])> = coming
            .iter()
            .filter(|one| !one.row.postal.is_empty())
            .map(|one| (one.customer.id, one.row.postal.as_slice()))
            .collect();
        if !reached.is_empty() {
            boarding::insert_postal_addresses(conn, &reached, self.now()).await?;
        }
        boarding::insert_lines(conn, &heads).await?;
        let first: Vec<Continuation<'_>> = events
            .iter()
            .map(|(line, events)| Continuation { credit_line: *line, expected_seq: 0, events })
            .collect();
        line_events::append_all(conn, &first).await?;
        boarding::insert_bank_accounts(conn, &accounts).await?;
        boarding::insert_opening_records(conn, &records).await?;
        let new: Vec<NewPosting<'_>> = coming.iter().flat_map(postings_of).collect();
        postings::post(conn, &new).await?;
        let unbilled: Vec<(CreditLineId, Delta)> = coming
            .iter()
            .flat_map(|one| one.unbilled.iter().map(|delta| (one.line.id(), delta.clone())))
            .collect();
        Ok(accruals::tell(conn, &unbilled, self.now()).await?)
    }

    /// What stood against a customer with the other lender stands with us, from their first day.
    async fn flag_boarded(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        coming: &[Coming<'_>],
    ) -> Result<(), ServicingError> {
        for one in coming {
            for flag in &one.row.flags {
                let line = credit_lines::find_of_customer(conn, one.customer.id).await?;
                let of = (*flag, "boarded");
                self.raise_in(conn, permit, one.customer.id, line.as_ref(), of).await?;
            }
        }
        Ok(())
    }

    /// One leaf and one event for each line, and one leaf for the batch.
    async fn tell_boarded(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        portfolio: &str,
        coming: &[Coming<'_>],
    ) -> Result<(), ServicingError> {
        let now = self.now();
        let told: Vec<(Stream, Value)> = coming
            .iter()
            .map(|one| (Stream::CreditLine(one.line.id()), payload_of(one, portfolio, permit)))
            .collect();
        let held = Held::new(told.iter().map(|(stream, _)| *stream));
        let leaves = told.iter().map(|(stream, payload)| {
            (*stream, vec![LeafBody { kind: OPENED.into(), at: now, payload: payload.clone() }])
        });
        audit::append_held(conn, &held, leaves.collect()).await?;
        let streams: Vec<String> = told.iter().map(|(stream, _)| stream.to_string()).collect();
        let events: Vec<NewEvent<'_>> = streams
            .iter()
            .zip(&told)
            .map(|(stream, (_, payload))| NewEvent {
                stream,
                kind: OPENED,
                payload,
                recorded_at: now,
            })
            .collect();
        outbox::append_all(conn, &events).await?;
        self.flag_boarded(conn, permit, coming).await?;
        let totals = coming.iter().fold([0_i64; 2], |[principal, interest], one| {
            let given = &one.row.balances;
            let drawn: i64 = given.principal.iter().map(|part| part.amount.get()).sum();
            [principal.saturating_add(drawn), interest.saturating_add(given.billed_interest.get())]
        });
        let payload = json!({
            "portfolio": portfolio, "lines": coming.len(), "principal_cents": totals[0],
            "billed_interest_cents": totals[1], "authorised": permit,
        });
        self.trail(conn, Stream::System, "portfolio.boarded", payload).await
    }
}

impl Boarding<'_> {
    /// Boards rows that were found good: all of them or, where it fails, none. They are committed before it answers, unless the
    /// portfolio is boarded whole.
    ///
    /// # Errors
    /// What was committed before stays; the same rows again go on there.
    pub async fn rows(&mut self, batch: &[&Row]) -> Result<Boarded, ServicingError> {
        let Self { servicing, order, permit, .. } = *self;
        let done = if let Some(tx) = &mut self.whole {
            servicing.board_batch(tx, permit, order, batch).await?
        } else {
            let mut tx = servicing.store.app().begin().await?;
            let done = servicing.board_batch(&mut tx, permit, order, batch).await?;
            tx.commit().await?;
            done
        };
        self.changed |= !done.changed.is_empty();
        Ok(done)
    }

    /// Ends it; answers whether what was boarded stays: all or nothing is nothing where one row was boarded with other figures.
    ///
    /// # Errors
    /// Where the one transaction cannot be committed.
    pub async fn end(self) -> Result<bool, ServicingError> {
        match self.whole {
            Some(tx) if self.changed => tx.rollback().await?,
            Some(tx) => tx.commit().await?,
            None => return Ok(true),
        }
        Ok(!self.changed)
    }
}

fn postings_of<'a>(one: &'a Coming<'_>) -> impl Iterator<Item = NewPosting<'a>> {
    let id = one.line.id();
    one.recorded.iter().filter_map(move |recorded| {
        Some(NewPosting {
            id: PostingId::mint(recorded.event.recorded_at),
            posting: recorded.posting.as_ref()?,
            credit_line: Some(id),
            event_seq: Some(recorded.event.seq),
            effective_on: recorded.event.effective_on,
            recorded_at: recorded.event.recorded_at,
        })
    })
}

fn payload_of(one: &Coming<'_>, portfolio: &str, permit: Authorised) -> Value {
    let row = one.row;
    let account = one.account.as_ref().map(|(account, _)| {
        json!({"bank_account_id": account.id, "kind": account.kind, "ending": account.ending})
    });
    json!({
        "customer_id": one.customer.id, "product": row.product, "decision_id": null,
        "credit_limit_cents": row.credit_limit, "opened_on": row.opened_on, "authorised": permit,
        "boarded": {
            "portfolio": portfolio, "reference": row.reference, "as_of": row.as_of, "begins_on": row.begins_on,
            "opening_record_given_on": row.opening_record_given_on, "balances": row.balances, "bank_account": account,
        },
    })
}

fn claim_of(row: &Row, credit_line_id: CreditLineId) -> Result<Claim, ServicingError> {
    let text = serde_json::to_vec(row)
        .map_err(|source| ServicingError::Stored { what: "row", source: Some(source) })?;
    Ok(Claim {
        reference: row.reference.clone(),
        row_digest: Sha256::digest(&text).to_vec(),
        credit_line_id,
        opened_on: row.opened_on,
        as_of: row.as_of,
        opening_record_given_on: row.opening_record_given_on,
    })
}
