//! What automatic payments do by themselves: a debit planned for each statement, told ten days ahead, made on the due date.
//!
//! Invariants: one debit per statement, which the database's own key sees to; none without a notice that left ten days ahead, and
//! none above what the notice said; each line is looked at in a transaction of its own, under its lock, so that a run that is
//! killed is taken up by the next one. What is made is a payment like any other: flags, revocations and failed debits stop it when
//! its file is written.

use calendar::{banking_day_on_or_after, instant_of, local_date};
use chrono::{DateTime, Days, NaiveDate, NaiveTime, Utc};
use credit::Position;
use identity::{CreditLineId, PaymentId, chain};
use money::Cents;
use serde_json::json;
use sqlx::PgConnection;
use store::{
    autopays::{self, AutopayRow, DebitRow, DebitStatus},
    bank_accounts::{self, BankAccountStatus},
    payments::{self, PaymentRow, PaymentStatus},
    revocations,
};

use super::{
    DEBITS_AT_ONCE, NOTICE_DAYS,
    amount::{Agreed, arranged, wanted},
    discount::name_of,
    told,
};
use crate::{
    Caller, Servicing, ServicingError, UseCase, authorise,
    lines::Line,
    payments::STRIKES,
    reference::reference,
    release::{RunReport, Undone},
    work::{Trail, with},
};

/// The notice goes out this long before the day, so that it arrives in time by any way.
const NOTICE_FROM_DAYS: u64 = 14;

/// Lines looked at in one go.
const LINES_AT_ONCE: i64 = 500;

/// Whether a debit on that day can still be told in time.
pub(super) fn in_time_for_notice(pays_on: NaiveDate, today: NaiveDate) -> bool {
    today.checked_add_days(Days::new(NOTICE_DAYS.into())).is_some_and(|first| first <= pays_on)
}

/// The day of the first debit, were leave given today: of the statement that is due, where there is time for its notice.
pub(super) fn first_debit(position: &Position, debits: &[DebitRow]) -> Option<NaiveDate> {
    let statement = position.last_statement.as_ref()?;
    let known = debits.iter().find(|debit| debit.statement_number == statement.number);
    let over = |debit: &DebitRow| {
        matches!(debit.status, DebitStatus::Made | DebitStatus::Skipped | DebitStatus::NothingDue)
    };
    let open = !known.is_some_and(over) && in_time_for_notice(statement.due_on, position.on);
    open.then_some(statement.due_on)
}

/// The next morning on which there may be something to do.
fn next_look(position: &Position, debits: &[DebitRow], today: NaiveDate) -> NaiveDate {
    let tomorrow = today.succ_opt().unwrap_or(today);
    let next_statement = position.cycle.closes_on.succ_opt().unwrap_or(tomorrow);
    let planned = debits.iter().filter(|debit| debit.status == DebitStatus::Planned);
    let days = planned.map(|debit| match debit.noticed_at {
        None => debit.pays_on.checked_sub_days(Days::new(NOTICE_FROM_DAYS)).unwrap_or(tomorrow),
        Some(_) => banking_day_on_or_after(debit.pays_on),
    });
    days.chain([next_statement]).min().unwrap_or(tomorrow).max(tomorrow)
}

impl Servicing {
    /// Looks at every leave to debit that has something to do.
    pub async fn run_autopay(&self, caller: Caller) -> Result<RunReport, ServicingError> {
        authorise(caller, UseCase::Operate, None, self.now())?;
        let mut report = RunReport::default();
        // What is the matter with these keeps no leave from being looked at.
        if let Err(error) = self.end_discounts(&mut report).await {
            let cause = chain(&error);
            tracing::error!(error = %cause, "could not end the discounts that are left to end: {cause}");
            report.failed += 1;
        }
        let mut after = None;
        loop {
            let mut conn = self.store.app().acquire().await?;
            let (today, limit) = (self.today(), LINES_AT_ONCE);
            let lines = autopays::lines_to_look_at(&mut conn, today, after, limit).await?;
            drop(conn);
            let Some(last) = lines.last().copied() else { return Ok(report) };
            after = Some(last);
            for id in lines {
                match self.look_at_line(id).await {
                    Ok(made) => report.autopaid += u32::from(made),
                    Err(error) => {
                        let cause = chain(&error);
                        tracing::error!(credit_line.id = %id, error = %cause, "could not look at the automatic payments of line {id}: {cause}");
                        report.count(self.unlooked(id, &error).await);
                    }
                }
            }
        }
    }

    /// What becomes of leave to debit that could not be looked at.
    async fn unlooked(&self, id: CreditLineId, error: &ServicingError) -> Undone {
        let standing = async {
            let mut conn = self.store.app().acquire().await?;
            Ok::<_, ServicingError>(autopays::find_standing(&mut conn, id).await?)
        };
        let Ok(Some(autopay)) = standing.await else { return Undone::Again };
        self.undone(&autopay, &name_of(autopay.id), error).await
    }

    async fn look_at_line(&self, id: CreditLineId) -> Result<bool, ServicingError> {
        let mut tx = self.store.app().begin().await?;
        let mut line = self.hold_and_load(&mut tx, id).await?;
        // Whoever was here first has done it.
        let standing = autopays::find_standing(&mut tx, id).await?;
        let Some(autopay) = standing.filter(|one| one.looks_next_on <= self.today()) else {
            return Ok(false);
        };
        let made = self.look_at_autopay(&mut tx, &mut line, &autopay).await?;
        tx.commit().await?;
        Ok(made)
    }

    /// Does what there is to do for a line that is held; `true` where a payment was made.
    pub(super) async fn look_at_autopay(
        &self,
        conn: &mut PgConnection,
        line: &mut Line,
        autopay: &AutopayRow,
    ) -> Result<bool, ServicingError> {
        if let Some(end) = self.ends_by_itself(conn, autopay).await? {
            let permit = authorise(Caller::system(), UseCase::Operate, None, self.now())?;
            self.end_autopay(conn, permit, (line, autopay), end).await?;
            return Ok(false);
        }
        let (today, line) = (self.today(), &*line);
        let position = line.position(today)?;
        self.plan_debit(conn, autopay, &position).await?;
        let mut debits = autopays::list_debits(conn, line.row.id, DEBITS_AT_ONCE).await?;
        let mut made = false;
        // The one that is due first is made first: what it takes is not taken again.
        for debit in debits.iter_mut().rev() {
            if debit.status == DebitStatus::Planned && debit.noticed_at.is_none() {
                self.give_notice(conn, (line, autopay), debit, &position).await?;
            }
            if debit.status == DebitStatus::Planned
                && debit.noticed_at.is_some()
                && banking_day_on_or_after(debit.pays_on) <= today
            {
                made |= self.make_debit(conn, (line, autopay), debit, &position).await?;
            }
        }
        let next = next_look(&position, &debits, today);
        autopays::look_next_on(conn, line.row.id, next).await?;
        Ok(made)
    }

    /// Why leave to debit has ended without anybody ending it, and on which day as far as is known.
    pub(super) async fn ends_by_itself(
        &self,
        conn: &mut PgConnection,
        autopay: &AutopayRow,
    ) -> Result<Option<(&'static str, NaiveDate)>, ServicingError> {
        let since = |at: Option<DateTime<Utc>>| {
            at.filter(|at| autopay.authorised_at <= *at).map(|at| local_date(at, self.zone))
        };
        if let Some(revoked_on) = since(revocations::last(conn, autopay.customer_id).await?) {
            return Ok(Some(("stop_payment", revoked_on)));
        }
        let account = bank_accounts::find(conn, autopay.bank_account_id).await?;
        if account.is_none_or(|account| account.status == BankAccountStatus::Disabled) {
            return Ok(Some(("bank_account_disabled", self.today())));
        }
        let failures = self.failures(conn, autopay.bank_account_id).await?;
        let failed_on = since(failures.last_at).filter(|_| failures.in_row >= STRIKES);
        Ok(failed_on.map(|on| ("two_failed_debits", on)))
    }

    /// The debit of the statement that is due, planned where it was not.
    async fn plan_debit(
        &self,
        conn: &mut PgConnection,
        autopay: &AutopayRow,
        position: &Position,
    ) -> Result<(), ServicingError> {
        let now = self.now();
        let newest = autopays::list_debits(conn, autopay.credit_line_id, 1).await?;
        let newest = newest.into_iter().next();
        let Some(statement) = &position.last_statement else { return Ok(()) };
        let in_time = in_time_for_notice(statement.due_on, position.on);
        match newest {
            Some(mut debit) if debit.statement_number >= statement.number => {
                // Given up under a leave that has ended, and there is time for it under this one.
                if debit.status == DebitStatus::NotMade && debit.autopay_id != autopay.id && in_time
                {
                    debit = DebitRow {
                        autopay_id: autopay.id,
                        pays_on: statement.due_on,
                        status: DebitStatus::Planned,
                        noticed_at: None,
                        noticed: None,
                        why: None,
                        changed_at: now,
                        ..debit
                    };
                    autopays::update_debit(conn, &debit).await?;
                }
            }
            _ => {
                let late = (!in_time).then(|| "too_late_for_notice".to_owned());
                let debit = DebitRow {
                    credit_line_id: autopay.credit_line_id,
                    statement_number: statement.number,
                    autopay_id: autopay.id,
                    pays_on: statement.due_on,
                    status: if in_time { DebitStatus::Planned } else { DebitStatus::NotMade },
                    noticed_at: None,
                    noticed: None,
                    payment_id: None,
                    why: late,
                    changed_at: now,
                };
                autopays::insert_debit(conn, &debit).await?;
            }
        }
        Ok(())
    }

    /// What is to be taken as the line stands.
    async fn amount_for(
        &self,
        conn: &mut PgConnection,
        (line, autopay): (&Line, &AutopayRow),
        debit: &DebitRow,
        position: &Position,
    ) -> Result<Cents, ServicingError> {
        let payments = self.underway(conn, line.row.id).await?;
        let agreed = Agreed { kind: autopay.amount_kind, amount: autopay.amount };
        let payoff = line.payoff(debit.pays_on.max(position.on))?;
        Ok(wanted(agreed, position, payoff, arranged(&payments, debit.pays_on)))
    }

    /// Tells the customer of the amount, when its time has come.
    async fn give_notice(
        &self,
        conn: &mut PgConnection,
        of: (&Line, &AutopayRow),
        debit: &mut DebitRow,
        position: &Position,
    ) -> Result<(), ServicingError> {
        let (now, today) = (self.now(), self.today());
        let from = debit.pays_on.checked_sub_days(Days::new(NOTICE_FROM_DAYS));
        if from.is_some_and(|from| today < from) {
            return Ok(());
        }
        let amount = self.amount_for(conn, of, debit, position).await?;
        let kind = if !in_time_for_notice(debit.pays_on, today) {
            (debit.status, debit.why) =
                (DebitStatus::NotMade, Some("too_late_for_notice".to_owned()));
            "autopay.not_made"
        } else if amount.is_zero() {
            debit.status = DebitStatus::NothingDue;
            "autopay.nothing_due"
        } else {
            (debit.noticed_at, debit.noticed) = (Some(now), Some(amount));
            "autopay.notice"
        };
        self.record_debit(conn, of.1, debit, (kind, Some(amount))).await
    }

    /// Makes the payment of a debit whose day has come, or says why not.
    async fn make_debit(
        &self,
        conn: &mut PgConnection,
        of: (&Line, &AutopayRow),
        debit: &mut DebitRow,
        position: &Position,
    ) -> Result<bool, ServicingError> {
        let left = self.amount_for(conn, of, debit, position).await?;
        let amount = left.min(debit.noticed.unwrap_or_default());
        if !amount.is_positive() {
            debit.status = DebitStatus::NothingDue;
            let kind = ("autopay.nothing_due", None);
            self.record_debit(conn, of.1, debit, kind).await?;
            return Ok(false);
        }
        let payment = self.payment_of(of.1, debit, amount);
        let why = if self.told_in_time(conn, of.1, debit).await? {
            self.stands_against(conn, &payment).await?
        } else {
            Some("notice_not_sent".to_owned())
        };
        if let Some(why) = why {
            (debit.status, debit.why) = (DebitStatus::NotMade, Some(why));
            let kind = ("autopay.not_made", Some(amount));
            self.record_debit(conn, of.1, debit, kind).await?;
            return Ok(false);
        }
        payments::insert(conn, &payment).await?;
        (debit.status, debit.payment_id) = (DebitStatus::Made, Some(payment.id));
        debit.changed_at = self.now();
        autopays::update_debit(conn, debit).await?;
        let permit = authorise(Caller::system(), UseCase::Operate, None, self.now())?;
        let payload = json!({
            "payment_id": payment.id, "reference": payment.reference, "autopay_id": of.1.id,
            "statement_number": debit.statement_number, "amount_cents": amount, "amount_kind": payment.amount_kind,
            "on": payment.authorised_on, "debit_on": payment.debit_on, "bank_account_id": payment.bank_account_id,
            "authorised": permit,
        });
        let stream = Trail::stream(None, Some(payment.credit_line_id));
        self.trail(conn, stream, "payment.scheduled", payload).await?;
        Ok(true)
    }

    /// Whether the notice of this debit had left ten days before its day: by then a mail server took it, or it was printed (12 CFR
    /// 1005.10(d)(1)). What waits, came back or left later is none.
    async fn told_in_time(
        &self,
        conn: &mut PgConnection,
        autopay: &AutopayRow,
        debit: &DebitRow,
    ) -> Result<bool, ServicingError> {
        let last_day = debit.pays_on.checked_sub_days(Days::new(NOTICE_DAYS.into()));
        let Some(too_late) = last_day.and_then(|day| day.succ_opt()) else { return Ok(false) };
        let before = instant_of(too_late, NaiveTime::MIN, self.zone);
        Ok(autopays::told_before(conn, autopay.customer_id, debit, before).await?)
    }

    /// What forbids to take the money; after two failed debits also any other payment from the account that is underway.
    async fn stands_against(
        &self,
        conn: &mut PgConnection,
        payment: &PaymentRow,
    ) -> Result<Option<String>, ServicingError> {
        if let Some(reason) = self.held_back(conn, payment).await? {
            return Ok(Some(reason));
        }
        if self.failures(conn, payment.bank_account_id).await?.in_row < STRIKES {
            return Ok(None);
        }
        let others = self.underway(conn, payment.credit_line_id).await?;
        let underway = others.iter().any(|other| other.bank_account_id == payment.bank_account_id);
        Ok(underway.then(|| "two_failed_debits".to_owned()))
    }

    /// The payment of a debit, authorised when the leave was given.
    fn payment_of(&self, autopay: &AutopayRow, debit: &DebitRow, amount: Cents) -> PaymentRow {
        let now = self.now();
        let id = PaymentId::mint(now);
        PaymentRow {
            id,
            credit_line_id: autopay.credit_line_id,
            customer_id: autopay.customer_id,
            bank_account_id: autopay.bank_account_id,
            reference: reference("PAY", id.as_uuid()),
            amount,
            amount_kind: autopay.amount_kind,
            authorised_on: debit.pays_on,
            debit_on: banking_day_on_or_after(debit.pays_on.max(self.today())),
            status: PaymentStatus::Scheduled,
            file_key: None,
            trace_number: None,
            received_seq: None,
            settle_on: None,
            return_code: None,
            returned_on: None,
            retry_on: None,
            retry_of: None,
            cancel_reason: None,
            refusals: 0,
            authorised_at: autopay.authorised_at,
            changed_at: now,
        }
    }

    async fn record_debit(
        &self,
        conn: &mut PgConnection,
        autopay: &AutopayRow,
        debit: &mut DebitRow,
        (kind, amount): (&'static str, Option<Cents>),
    ) -> Result<(), ServicingError> {
        debit.changed_at = self.now();
        autopays::update_debit(conn, debit).await?;
        let account = self.account_of(conn, autopay).await?;
        let mut payload = told(autopay, &account, Some(debit), amount);
        payload = with(payload, "why", json!(debit.why));
        let stream = Trail::stream(None, Some(autopay.credit_line_id));
        self.trail(conn, stream, kind, payload).await
    }
}
