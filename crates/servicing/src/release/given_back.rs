//! What becomes of a file once something is known of it: the bank has it, or it never will, and its entries are given back.
//!
//! Invariants: lines are held before the file, the file before its entries; a finished file whose entries were given back is never
//! sent again, so what is chosen next goes out under a key of its own.

use std::collections::BTreeSet;

use calendar::add_banking_days;
use chrono::TimeDelta;
use identity::{BankAccountId, chain};
use money::Cents;
use rails::{DrawRails, FileStatus};
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use store::{
    Tx,
    draws::{self, DrawRow, DrawStatus},
    payments::{self, PaymentRow, PaymentStatus},
    rail_files::{self, RailFileRow, RailFileStatus},
};

use super::{
    RunReport,
    file::{Entry, Fit, entries_of, of_trace},
};
use crate::{Servicing, ServicingError, work::Trail};

/// A file handed over that recently may still arrive, although the bank says that it does not have it.
const QUIET: TimeDelta = TimeDelta::minutes(15);

/// So many files with an entry the bank refuses before a person looks at it. From the first refusal on it has a file of its
/// own: what is refused then is this entry and no other.
const REFUSALS_MAX: i32 = 3;

/// Why the entries of a file are given back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The bank will not have it, for this reason, which holds no number.
    Refused(String),
    /// The bank does not have it, and today is over or something stands against an entry.
    NeverArrived,
    /// An entry cannot be written.
    Unwritable,
    /// It was still being filled, and today is over or something stands against an entry.
    NeverFinished,
}

impl Why {
    fn words(&self) -> &str {
        match self {
            Self::Refused(reason) => reason,
            Self::NeverArrived => "never arrived",
            Self::Unwritable => "unwritable",
            Self::NeverFinished => "never finished",
        }
    }

    const fn status(&self) -> RailFileStatus {
        match self {
            Self::Refused(_) => RailFileStatus::Refused,
            Self::NeverArrived | Self::Unwritable | Self::NeverFinished => {
                RailFileStatus::Abandoned
            }
        }
    }
}

/// What becomes of an entry that is given back.
#[derive(Clone, Copy)]
struct GivenBack<'a> {
    key: &'a str,
    why: &'a str,
    /// The bank has or may have had it.
    handed_over: bool,
    /// Not today any more.
    later: bool,
    /// Never again, for this reason.
    give_up: Option<&'a str>,
}

impl Servicing {
    /// Sends a file. One that cannot be written gives its entries back if that is the fault of one of them; else it is left
    /// for the next run as it is. The accounts whose numbers cannot be opened here are put apart: nothing more is chosen of
    /// theirs in this run.
    pub(super) async fn send_or_log(
        &self,
        key: &str,
        apart: &mut BTreeSet<BankAccountId>,
        report: &mut RunReport,
    ) {
        let error = match self.send(key).await {
            Ok(known) => return report.unreached += u32::from(!known),
            Err(error) => error,
        };
        let cause = chain(&error);
        tracing::error!(file.key = %key, error = %cause, "could not send file {key}: {cause}");
        report.failed += 1;
        match self.give_back(key, &Why::Unwritable).await {
            Ok(accounts) => apart.extend(accounts),
            Err(error) => {
                let cause = chain(&error);
                tracing::error!(file.key = %key, error = %cause, "could not give back file {key}: {cause}");
            }
        }
    }

    /// The bank has a file under this key: ours, if it holds what we put into it.
    pub(super) async fn accept_found(
        &self,
        key: &str,
        status: &FileStatus,
    ) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let ours = entries_of(&mut conn, key).await?;
        drop(conn);
        let has = |trace: &str| of_trace(status, trace).is_some();
        if ours.iter().any(|entry| !entry.trace_number().is_some_and(has)) {
            tracing::error!(file.key = %key, "the bank has another file under the key {key}: it stays pending");
            return Ok(());
        }
        self.accept(key).await
    }

    /// The bank never had this file. It goes again, under its key, while every entry in it may still leave today; else they
    /// are given back, to be looked at as any other.
    pub(super) async fn send_or_abandon(
        &self,
        file: &RailFileRow,
        apart: &mut BTreeSet<BankAccountId>,
        report: &mut RunReport,
    ) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        let mut still_right = file.effective_on == self.today();
        for entry in entries_of(&mut conn, &file.key).await? {
            let against = match &entry {
                Entry::Payment(payment) => self.held_back(&mut conn, payment).await?,
                Entry::Draw(draw) => self.draw_forbidden(&mut conn, draw).await?,
            };
            still_right = still_right && against.is_none();
        }
        drop(conn);
        if still_right {
            self.send_or_log(&file.key, apart, report).await;
            return Ok(());
        }
        self.give_back(&file.key, &Why::NeverArrived).await.map(drop)
    }

    /// The bank has the file.
    pub(super) async fn accept(&self, key: &str) -> Result<(), ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let mut file = find_file(&mut tx, key).await?;
        match file.status {
            RailFileStatus::Building | RailFileStatus::Pending => {}
            RailFileStatus::Choosing | RailFileStatus::Accepted | RailFileStatus::Late => {
                return Ok(());
            }
            RailFileStatus::Refused | RailFileStatus::Abandoned => {
                drop(tx);
                return self.arrived_late(key).await;
            }
        }
        file.status = RailFileStatus::Accepted;
        // Where that is not on record, the bank's word tells it.
        file.handed_at.get_or_insert(self.now());
        self.answered(&mut tx, &file).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(super) async fn answered(
        &self,
        conn: &mut PgConnection,
        file: &RailFileRow,
    ) -> Result<(), ServicingError> {
        rail_files::update(conn, file, self.now()).await?;
        let payload = json!({
            "file_key": file.key, "status": file.status, "entries": file.entries, "debit_cents": file.debit,
            "credit_cents": file.credit,
            "digest": file.digest.as_ref().map(hex::encode), "refusal": file.refusal,
        });
        self.trail(conn, audit::Stream::System, "rail_file.answered", payload).await
    }

    /// Gives the entries of a file back that was refused, never arrived, or cannot be written because of one of them. Answers
    /// the accounts whose numbers cannot be opened here, though elsewhere they may.
    pub(super) async fn give_back(
        &self,
        key: &str,
        why: &Why,
    ) -> Result<Vec<BankAccountId>, ServicingError> {
        let mut tx: Tx<'_> = self.store.app().begin().await?;
        self.hold_lines_of(&mut tx, key).await?;
        let mut file = find_file(&mut tx, key).await?;
        let open = matches!(file.status, RailFileStatus::Building | RailFileStatus::Pending);
        if !open || self.on_its_way(&file, why) {
            return Ok(Vec::new());
        }
        let given = entries_of(&mut tx, key).await?;
        let fits = match why {
            Why::Unwritable => self.fits(&mut tx, &file, &given).await?,
            Why::Refused(_) | Why::NeverArrived | Why::NeverFinished => {
                vec![Fit::Fits; given.len()]
            }
        };
        let apart: Vec<_> = given
            .iter()
            .zip(&fits)
            .filter(|(_, fit)| **fit == Fit::NotHere)
            .map(|(entry, _)| entry.bank_account_id())
            .collect();
        // Where no entry is to blame, or nobody else's would leave without it, the next run may write it as it is.
        if *why == Why::Unwritable && !worth_parting(&fits) {
            return Ok(apart);
        }
        let (alone, handed_over) = (given.len() == 1, file.handed_at.is_some());
        for (entry, fit) in given.into_iter().zip(fits).filter(|(entry, _)| entry.pending()) {
            let refusals = match (why, &entry) {
                (Why::Refused(_), Entry::Payment(payment)) => {
                    payments::count_refusal(&mut tx, payment.id).await?
                }
                (Why::Refused(_), Entry::Draw(draw)) => {
                    draws::count_refusal(&mut tx, draw.id).await?
                }
                _ => 0,
            };
            let give_up = if fit == Fit::Never {
                Some("cannot_be_written")
            } else {
                (refusals >= REFUSALS_MAX).then_some("refused_by_the_bank")
            };
            let later = alone && refusals > 0;
            let back = GivenBack { key, why: why.words(), handed_over, later, give_up };
            match entry {
                Entry::Payment(payment) => self.give_payment_back(&mut tx, payment, back).await?,
                Entry::Draw(draw) => self.give_draw_back(&mut tx, draw, back).await?,
            }
        }
        file.status = why.status();
        file.refusal = Some(why.words().to_owned());
        self.answered(&mut tx, &file).await?;
        tx.commit().await?;
        Ok(apart)
    }

    /// Gives one entry back out of a file that is still being filled; `false` where that was finished meanwhile, or where it is no
    /// longer in it.
    pub(super) async fn take_out(&self, key: &str, unheld: Entry) -> Result<bool, ServicingError> {
        let mut tx = self.store.app().begin().await?;
        self.hold_line(&mut tx, unheld.credit_line_id()).await?;
        let mut file = find_file(&mut tx, key).await?;
        let held = match &unheld {
            Entry::Payment(payment) => {
                payments::find_for_update(&mut tx, payment.id).await?.map(Entry::Payment)
            }
            Entry::Draw(draw) => draws::find_for_update(&mut tx, draw.id).await?.map(Entry::Draw),
        };
        let in_it = held.filter(|entry| entry.file_key() == Some(key) && entry.pending());
        let Some(entry) = in_it.filter(|_| file.status == RailFileStatus::Choosing) else {
            return Ok(false);
        };
        let why = Why::NeverFinished.words();
        let back = GivenBack { key, why, handed_over: false, later: false, give_up: None };
        let amounts = match entry {
            Entry::Payment(payment) => {
                let amount = payment.amount;
                self.give_payment_back(&mut tx, payment, back).await?;
                (-amount, Cents::ZERO)
            }
            Entry::Draw(draw) => {
                let amount = draw.amount;
                self.give_draw_back(&mut tx, draw, back).await?;
                (Cents::ZERO, -amount)
            }
        };
        if file.entries > 1 {
            rail_files::add_entries(&mut tx, key, -1, amounts).await?;
        } else {
            // The last one: nothing is left to be sent.
            file.status = Why::NeverFinished.status();
            file.refusal = Some(why.to_owned());
            self.answered(&mut tx, &file).await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn hold_lines_of(
        &self,
        conn: &mut PgConnection,
        key: &str,
    ) -> Result<(), ServicingError> {
        let entries = entries_of(conn, key).await?;
        let lines: BTreeSet<_> = entries.iter().map(Entry::credit_line_id).collect();
        for line in lines {
            self.hold_line(conn, line).await?;
        }
        Ok(())
    }

    /// A file on its way may be at the bank, whatever went wrong here or was seen of it before its lines were held.
    fn on_its_way(&self, file: &RailFileRow, why: &Why) -> bool {
        match why {
            Why::Unwritable => file.handed_at.is_some(),
            Why::NeverArrived => file.handed_at.is_some_and(|handed| self.now() - handed < QUIET),
            Why::Refused(_) | Why::NeverFinished => false,
        }
    }

    async fn give_draw_back(
        &self,
        conn: &mut PgConnection,
        mut draw: DrawRow,
        back: GivenBack<'_>,
    ) -> Result<(), ServicingError> {
        let trace = draw.trace_number.take();
        draw.status = DrawStatus::Held;
        draw.file_key = None;
        draw.changed_at = self.now();
        if back.later {
            draw.leaves_on = add_banking_days(self.today(), 1);
            draw.available_on = DrawRails::embedded()?.standard.available_on(draw.leaves_on);
        }
        draws::update(conn, &draw).await?;
        let payload = json!({
            "draw_id": draw.id, "reference": draw.reference, "file_key": back.key, "why": back.why,
            "handed_over": back.handed_over, "trace_number": trace, "leaves_on": draw.leaves_on,
            "available_on": draw.available_on,
        });
        let stream = Trail::stream(None, Some(draw.credit_line_id));
        self.trail(conn, stream, "draw.given_back", payload).await?;
        let Some(reason) = back.give_up else { return Ok(()) };
        let words = format!("Draw {} was given up: {reason} ({}).", draw.reference, back.why);
        // One that cannot be undone stays held, and keeps nobody else's from being given back.
        let id = draw.id;
        let mut within = conn.begin().await?;
        match self.give_draw_up(&mut within, draw, reason, words).await {
            Ok(()) => within.commit().await?,
            Err(error) => {
                within.rollback().await?;
                let cause = chain(&error);
                tracing::error!(draw.id = %id, error = %cause, "could not give up draw {id}: {cause}");
            }
        }
        Ok(())
    }

    async fn give_draw_up(
        &self,
        conn: &mut PgConnection,
        draw: DrawRow,
        reason: &str,
        words: String,
    ) -> Result<(), ServicingError> {
        let mut line = self.load_line(conn, draw.credit_line_id).await?;
        let draw = self.undo_draw(conn, &mut line, draw, DrawStatus::Voided, reason).await?;
        self.open_desk_case(conn, &draw, "operations", words).await
    }

    async fn give_payment_back(
        &self,
        conn: &mut PgConnection,
        mut payment: PaymentRow,
        back: GivenBack<'_>,
    ) -> Result<(), ServicingError> {
        let trace = payment.trace_number.take();
        payment.status = PaymentStatus::Scheduled;
        payment.file_key = None;
        payment.changed_at = self.now();
        if back.later {
            payment.debit_on = add_banking_days(self.today(), 1);
        }
        payments::update(conn, &payment).await?;
        let payload = json!({
            "payment_id": payment.id, "reference": payment.reference, "file_key": back.key, "why": back.why,
            "handed_over": back.handed_over, "trace_number": trace, "debit_on": payment.debit_on,
        });
        let stream = Trail::stream(None, Some(payment.credit_line_id));
        self.trail(conn, stream, "payment.given_back", payload).await?;
        if let Some(reason) = back.give_up {
            self.hold_back(conn, payment.clone(), reason).await?;
            let reference = &payment.reference;
            let words = format!("Payment {reference} was held back: {reason} ({}).", back.why);
            self.open_desk_case(conn, &payment, "operations", words).await?;
        }
        Ok(())
    }
}

/// Whether a file that cannot be written is to be taken apart: some entry is to blame, or some can leave without the others.
fn worth_parting(fits: &[Fit]) -> bool {
    let any = |fit| fits.contains(&fit);
    any(Fit::Never) || any(Fit::Fits) && any(Fit::NotHere)
}

pub(super) async fn find_file(
    conn: &mut PgConnection,
    key: &str,
) -> Result<RailFileRow, ServicingError> {
    rail_files::find_for_update(conn, key)
        .await?
        .ok_or(ServicingError::Stored { what: "rail file", source: None })
}
