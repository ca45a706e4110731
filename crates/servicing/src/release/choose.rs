//! What is due goes into the day's file: chosen chunk by chunk, then the file is finished and sent.
//!
//! A chunk is one transaction: the lines of the next entries that are due are held, each entry is looked at, and what may leave is put
//! into the file. It is as small as it must be to hold its lines about 20 ms, and it waits for nobody: a line, or its stream of the
//! log, that somebody else holds is passed over, and the next pass finds it. Nothing is finished while something is still passed over,
//! but for a line that nobody lets go of for half a minute: it is left to the next run, which the report says.
//!
//! Invariants: an entry is in one file, because it goes into it in the transaction that looks at it and holds its line; all processes
//! fill the same file of a day, one with payments and one with draws; a file that is being filled (`choosing`) is sent by nobody, so a
//! run that is killed leaves a file that the next one fills further, after it has looked anew at what is in it, or of an earlier day empties.
//! What leaves was looked at again when nothing more was to come, and leaves on the day of its file.
//! What is absent: what stands against an entry (`release`, `outgoing`), and the file's text (`file`).

mod kind;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use audit::Stream;
use calendar::is_banking_day;
use chrono::NaiveDate;
use identity::{BankAccountId, CreditLineId, PaymentId, chain};
use money::Cents;
use rails::DrawRails;
use serde_json::json;
use sqlx::{Connection as _, PgConnection};
use store::{
    draws, payments,
    rail_files::{self, Place, RailFileRow, RailFileStatus, Wanted},
};

pub(super) use kind::Kind;

use super::{
    Of, RunReport,
    file::{Entry, entries_of},
};
use crate::{
    Servicing, ServicingError,
    close::{LOOKS_EVERY, Pace, Throttle, WAITS_AT_MOST},
    work::{Mark, Told},
};

/// A file has its hour at the bank: between chunks it rests no longer than so many times what the chunk took.
const RESTS_AT_MOST: u32 = 4;

/// Entries in one file, at most.
const FILE_ENTRIES_MAX: i32 = 5_000;

/// A run over all that is due of one kind.
struct Choosing<'a> {
    kind: Kind,
    today: NaiveDate,
    /// Accounts of which nothing more is chosen in this run.
    apart: &'a mut BTreeSet<BankAccountId>,
    report: &'a mut RunReport,
    /// How long lines are waited for that somebody else holds.
    patience: Duration,
    /// Entries that are left, because somebody held their lines all the time or the day is over.
    left: u64,
}

impl Choosing<'_> {
    fn but(&self) -> Vec<BankAccountId> {
        self.apart.iter().copied().collect()
    }
}

/// Files that can be sent, and whether more is due than they take: somebody else may have finished the one that was full.
struct Chosen {
    together: Option<String>,
    /// One for each entry that was in a file the bank refused.
    alone: Vec<RailFileRow>,
    more: bool,
}

/// What became of a chunk.
#[derive(Default)]
struct Chunk {
    taken: usize,
    /// Nothing: no entry is due behind where it looked.
    last: Option<Place>,
    /// Entries that are due no longer.
    done: usize,
    /// The file takes no more.
    full: bool,
    /// The files of entries that go alone.
    alone: Vec<RailFileRow>,
}

/// What was found of the entries of a chunk.
#[derive(Default)]
struct Looked {
    together: Vec<Entry>,
    /// What was in a file that the bank refused: each in a file of its own, so that only what is to blame is refused again.
    alone: Vec<Entry>,
    /// Held back or given up.
    stopped: u32,
    unseen: Vec<(Of<'static>, BankAccountId, ServicingError)>,
}

impl Servicing {
    /// Chooses what is due today and sends it.
    pub(super) async fn send_due(
        &self,
        kind: Kind,
        apart: &mut BTreeSet<BankAccountId>,
        report: &mut RunReport,
    ) {
        let today = self.today();
        let patience = WAITS_AT_MOST;
        let mut run = Choosing { kind, today, apart, report, patience, left: 0 };
        let mut looked = self.look_at_chosen(kind).await.map(drop);
        while looked.is_ok() && is_banking_day(today) && self.today() == today {
            let chosen = match self.choose(&mut run).await {
                Ok(chosen) => chosen,
                Err(error) => {
                    (looked, run.left) = (Err(error), 0);
                    break;
                }
            };
            if chosen.together.is_none() && chosen.alone.is_empty() && !chosen.more {
                break;
            }
            self.send_chosen(chosen, &mut run).await;
        }
        if looked.is_ok() && self.today() != today {
            looked = self.count_left(&mut run).await;
        }
        let (what, left) = (kind.words(), run.left);
        if left > 0 {
            tracing::error!(
                "{left} {what} that are due wait for the next run: somebody holds their lines, or their day is over"
            );
            report.failed += u32::try_from(left).unwrap_or(u32::MAX);
        }
        if let Err(error) = looked {
            super::log_unchosen(what, &error, report);
        }
    }

    /// What goes alone was chosen while the others were: whether it may still leave is seen when it does.
    async fn send_chosen(&self, chosen: Chosen, run: &mut Choosing<'_>) {
        if let Some(key) = chosen.together {
            self.send_or_log(&key, run.apart, run.report).await;
        }
        for file in chosen.alone {
            if let Err(error) = self.send_or_abandon(&file, run.apart, run.report).await {
                super::log_file(&file.key, &error, run.report);
            }
        }
    }

    /// Fills files until one is full, nothing is left or the day is over, and answers those that can be sent.
    async fn choose(&self, run: &mut Choosing<'_>) -> Result<Chosen, ServicingError> {
        let (mut alone, mut moved_at) = (Vec::new(), Instant::now());
        let more = loop {
            let (done, full) = self.choose_pass(run, &mut alone).await?;
            self.count_left(run).await?;
            if full || run.left == 0 || self.today() != run.today {
                break full;
            }
            if done > 0 {
                moved_at = Instant::now();
            } else if moved_at.elapsed() <= run.patience {
                tokio::time::sleep(LOOKS_EVERY).await;
            } else {
                // Once in a run.
                run.patience = Duration::ZERO;
                break false;
            }
        };
        // Filling may have taken minutes: what was raised or revoked meanwhile is honoured until the file leaves.
        let taken_out = self.look_at_chosen(run.kind).await?;
        let (today, debit) = (run.today, run.kind.debit());
        let mut conn = self.store.app().acquire().await?;
        let together = rail_files::finish_choosing(&mut conn, today, debit, self.now()).await?;
        // What was taken out is due as before: the next round holds it back.
        Ok(Chosen { together, alone, more: more || taken_out > 0 })
    }

    async fn count_left(&self, run: &mut Choosing<'_>) -> Result<(), ServicingError> {
        let mut conn = self.store.app().acquire().await?;
        run.left = run.kind.count_due(&mut conn, run.today, &run.but()).await?;
        Ok(())
    }

    /// Every entry that is due is chosen once, or passed over because somebody holds its line; answers how many are due no longer, and
    /// whether the file is full.
    async fn choose_pass(
        &self,
        run: &mut Choosing<'_>,
        alone: &mut Vec<RailFileRow>,
    ) -> Result<(usize, bool), ServicingError> {
        let (mut after, mut done) = (Place::FIRST, 0);
        let mut throttle = Throttle::new(Pace::Gentle);
        loop {
            let (limit, began) = (throttle.lines(), Instant::now());
            let chunk = self.choose_chunk(run, after, limit).await?;
            let took = began.elapsed();
            let rest = throttle.took(chunk.taken, took).min(took * RESTS_AT_MOST);
            done += chunk.done;
            alone.extend(chunk.alone);
            let Some(last) = chunk.last else { return Ok((done, false)) };
            if chunk.full {
                return Ok((done, true));
            }
            after = last;
            if chunk.taken == limit as usize {
                tokio::time::sleep(rest).await;
            }
        }
    }

    async fn choose_chunk(
        &self,
        run: &mut Choosing<'_>,
        after: Place,
        limit: u32,
    ) -> Result<Chunk, ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let but = run.but();
        let wanted = Wanted { by: run.today, after, but: &but, limit };
        // Whoever raises a flag or revokes holds the line: what is seen from here on stays so until this is committed.
        let places = run.kind.take_due(&mut tx, &wanted).await?;
        let lines: BTreeSet<CreditLineId> =
            places.iter().map(|place| place.credit_line_id).collect();
        let streams: Vec<Stream> = lines.into_iter().map(Stream::CreditLine).collect();
        let held = audit::take_free(&mut tx, &streams).await?;
        let mut due = run.kind.claim(&mut tx, run.today, &places).await?;
        due.retain(|entry| held.holds(Stream::CreditLine(entry.credit_line_id())));
        let mut looked = self.look_at_all(&mut tx, due).await?;
        let full = self.fill(&mut tx, run, &mut looked.together).await?;
        let mut alone = Vec::new();
        for entry in &mut looked.alone {
            let kind = (run.today, RailFileStatus::Building);
            let file = self.file_of(&mut tx, kind, std::slice::from_ref(entry)).await?;
            rail_files::insert(&mut tx, &file).await?;
            entry.put_in(&file.key);
            alone.push(file);
        }
        let chosen: Vec<Entry> = looked.together.into_iter().chain(looked.alone).collect();
        self.record_chosen(&mut tx, run, &streams, &chosen).await?;
        tx.commit().await?;
        let stopped = match run.kind {
            Kind::Payments => &mut run.report.held_back,
            Kind::Draws => &mut run.report.draws_refused,
        };
        *stopped += looked.stopped;
        for (of, account, error) in looked.unseen {
            run.apart.insert(account);
            self.entry_undone(of, &error, run.report).await;
        }
        let done = chosen.len() + looked.stopped as usize;
        Ok(Chunk { taken: places.len(), last: places.last().copied(), done, full, alone })
    }

    async fn look_at_all(
        &self,
        conn: &mut PgConnection,
        due: Vec<Entry>,
    ) -> Result<Looked, ServicingError> {
        let mut looked = Looked::default();
        for entry in due {
            let (of, account) = (Of::from(&entry), entry.bank_account_id());
            let reference = entry.reference().to_owned();
            let mut within = conn.begin().await?;
            let stopped_or_not = match entry {
                Entry::Payment(payment) => {
                    let payment = self.hold_back_or_choose(&mut within, payment).await;
                    payment.map(|payment| payment.map(Entry::Payment))
                }
                Entry::Draw(draw) => {
                    let draw = self.void_or_choose(&mut within, draw).await;
                    draw.map(|draw| draw.map(Entry::Draw))
                }
            };
            match stopped_or_not {
                Ok(None) => {
                    within.commit().await?;
                    looked.stopped += 1;
                }
                Ok(Some(entry)) => {
                    within.commit().await?;
                    let refused = entry.refusals() > 0;
                    let list = if refused { &mut looked.alone } else { &mut looked.together };
                    list.push(entry);
                }
                // It stays as it was, and keeps nobody else's from being chosen.
                Err(error) => {
                    within.rollback().await?;
                    let cause = chain(&error);
                    tracing::error!(entry.reference = %reference, error = %cause, "could not look at {reference}: {cause}");
                    looked.unseen.push((of, account, error));
                }
            }
        }
        Ok(looked)
    }

    /// Puts entries into the day's file, as many as it takes, and leaves the others out; answers whether it takes no more.
    async fn fill(
        &self,
        conn: &mut PgConnection,
        run: &Choosing<'_>,
        entries: &mut Vec<Entry>,
    ) -> Result<bool, ServicingError> {
        if entries.is_empty() {
            return Ok(false);
        }
        loop {
            let (on, debit) = (run.today, run.kind.debit());
            if let Some(file) = rail_files::find_choosing_for_update(conn, on, debit).await? {
                let room = usize::try_from(FILE_ENTRIES_MAX - file.entries).unwrap_or(0);
                entries.truncate(room);
                let (count, amounts) = totals(entries);
                rail_files::add_entries(conn, &file.key, count, amounts).await?;
                put_all_in(entries, &file.key);
                return Ok(entries.len() == room);
            }
            let file = self.file_of(conn, (on, RailFileStatus::Choosing), entries).await?;
            // Else somebody else has made it meanwhile.
            if rail_files::insert(conn, &file).await? {
                put_all_in(entries, &file.key);
                return Ok(false);
            }
        }
    }

    /// A file of the day of the run, which midnight does not change.
    async fn file_of(
        &self,
        conn: &mut PgConnection,
        (on, status): (NaiveDate, RailFileStatus),
        of: &[Entry],
    ) -> Result<RailFileRow, ServicingError> {
        let now = self.now();
        let (entries, (debit, credit)) = totals(of);
        Ok(RailFileRow {
            key: format!("ach-{}", PaymentId::mint(now)),
            number: rail_files::next_number(conn).await?,
            created_at: now,
            effective_on: on,
            entries,
            debit,
            credit,
            digest: None,
            status,
            handed_at: None,
            bank_reference: None,
            refusal: None,
        })
    }

    /// Each with a trace number of its own, its leaf and its event.
    async fn record_chosen(
        &self,
        conn: &mut PgConnection,
        run: &Choosing<'_>,
        streams: &[Stream],
        chosen: &[Entry],
    ) -> Result<(), ServicingError> {
        if chosen.is_empty() {
            return Ok(());
        }
        let available_on = DrawRails::embedded()?.standard.available_on(run.today);
        let mut marks: BTreeMap<CreditLineId, Vec<Mark>> = BTreeMap::new();
        let mut by_file: BTreeMap<&str, (Vec<_>, Vec<_>)> = BTreeMap::new();
        for (entry, trace) in chosen.iter().zip(self.next_traces(conn, chosen.len()).await?) {
            let key = entry.file_key().unwrap_or_default();
            let mark = match entry {
                Entry::Payment(payment) => Mark {
                    kind: "payment.chosen_for_file",
                    payload: json!({"payment_id": payment.id, "file_key": key, "trace_number": trace}),
                },
                Entry::Draw(draw) => Mark {
                    kind: "draw.chosen_for_file",
                    payload: json!({
                        "draw_id": draw.id, "reference": draw.reference, "file_key": key, "trace_number": trace,
                        "available_on": available_on,
                    }),
                },
            };
            marks.entry(entry.credit_line_id()).or_default().push(mark);
            let (payments, draws) = by_file.entry(key).or_default();
            match entry {
                Entry::Payment(payment) => payments.push((payment.id, trace)),
                Entry::Draw(draw) => draws.push((draw.id, trace)),
            }
        }
        let now = self.now();
        for (key, (payments, draws)) in by_file {
            match run.kind {
                Kind::Payments => payments::put_in_file(conn, key, &payments, now).await?,
                Kind::Draws => draws::put_in_file(conn, key, &draws, (available_on, now)).await?,
            }
        }
        // Anew: what was held back or given up has written to them since.
        let held = audit::take_free(conn, streams).await?;
        let (mut leaves, mut told) = (Vec::new(), Vec::new());
        for (line, marks) in marks {
            let stream = Stream::CreditLine(line);
            let (of_line, telling) = Mark::split(stream, marks, now);
            leaves.push((stream, of_line));
            told.extend(telling);
        }
        audit::append_held(conn, &held, leaves).await?;
        Told::tell(conn, &told, now).await
    }

    /// What is in a file that is not finished, be it of a run that was killed: it stays there if it may still leave today. Answers how
    /// much was taken out; a file of a later day, which another process fills, is that one's.
    async fn look_at_chosen(&self, kind: Kind) -> Result<u64, ServicingError> {
        let (mut taken_out, today) = (0, self.today());
        let mut conn = self.store.app().acquire().await?;
        let files = rail_files::list_choosing(&mut conn).await?;
        for file in files.into_iter().filter(|file| Kind::of(file) == kind) {
            for entry in entries_of(&mut conn, &file.key).await? {
                let against = match &entry {
                    Entry::Payment(payment) => self.held_back(&mut conn, payment).await,
                    Entry::Draw(draw) => self.draw_forbidden(&mut conn, draw).await,
                };
                // What cannot be looked at is not sent either: it is told of when it is to be chosen again.
                if file.effective_on < today || !matches!(against, Ok(None)) {
                    taken_out += u64::from(self.take_out(&file.key, entry).await?);
                }
            }
        }
        Ok(taken_out)
    }
}

impl Entry {
    const fn refusals(&self) -> i32 {
        match self {
            Self::Payment(payment) => payment.refusals,
            Self::Draw(draw) => draw.refusals,
        }
    }

    fn put_in(&mut self, key: &str) {
        let file_key = match self {
            Self::Payment(payment) => &mut payment.file_key,
            Self::Draw(draw) => &mut draw.file_key,
        };
        *file_key = Some(key.to_owned());
    }
}

impl From<&Entry> for Of<'static> {
    fn from(entry: &Entry) -> Self {
        match entry {
            Entry::Payment(payment) => Self::Payment(payment.id),
            Entry::Draw(draw) => Self::Draw(draw.id),
        }
    }
}

fn put_all_in(entries: &mut [Entry], key: &str) {
    for entry in entries {
        entry.put_in(key);
    }
}

/// How many entries these are, and what they come to: debits and credits.
fn totals(entries: &[Entry]) -> (i32, (Cents, Cents)) {
    let of = |debit| {
        entries.iter().filter(|entry| entry.debit() == debit).map(Entry::amount).sum::<Cents>()
    };
    (i32::try_from(entries.len()).unwrap_or(i32::MAX), (of(true), of(false)))
}
