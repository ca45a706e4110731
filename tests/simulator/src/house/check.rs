//! What must be true of a house at rest.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use calendar::local_date;
use chrono::NaiveDate;
use credit::{CreditLine, LineEvent, LineEventBody};
use identity::{DrawId, PaymentId};
use ledger::Chart;
use money::Cents;
use servicing::Caller;
use store::{draws::DrawStatus, line_events, payments::PaymentStatus, postings};

use super::{
    House, Plan, Report, Resident,
    bank::{Moved, lock},
};
use crate::{
    history::{Happening, What},
    judge::Judge,
    living::{ZONE, available},
};

impl House {
    pub(super) async fn check(&mut self, plan: Plan) -> anyhow::Result<Report> {
        let mut report = Report { days: plan.days, lines: plan.lines, ..Report::default() };
        self.books_add_up().await?;
        let books = servicing::books::check(self.database.store()).await?;
        ensure!(books.ok, "the ledger check: {books:?}");
        let found = audit::check(self.database.store().audit(), &self.log).await?;
        ensure!(found.ok && found.unsequenced == 0, "the log is not whole: {found:?}");
        let moved = lock(&self.ledger).moved();
        let mut told: BTreeMap<String, Moved> = BTreeMap::new();
        for one in moved {
            let reference = one.reference.clone();
            if let Some(other) = told.insert(reference, one.clone()) {
                bail!("the bank was asked twice for {other:?} and {one:?}");
            }
        }
        let mut cash = Cents::ZERO;
        for resident in self.people.clone() {
            let who = format!("line {} of {:?}", resident.line, resident.agreed);
            cash += self.check_line(&resident, &mut told, &mut report).await.context(who)?;
        }
        ensure!(told.is_empty(), "the bank moved what nobody asked for: {told:?}");
        let booked = books.accounts.iter().find(|account| account.name == "cash");
        let booked = booked.map_or(Cents::ZERO, |account| account.debits - account.credits);
        ensure!(booked == cash, "cash is {booked} in the books, and the bank moved {cash}");
        report.deaths = self.deaths;
        report.troubles = lock(&self.ledger).troubles;
        report.digest = self.digest().await?;
        Ok(report)
    }

    /// Every posting balances, all debits are all credits, and so they are on each day.
    async fn books_add_up(&self) -> anyhow::Result<()> {
        let mut conn = self.database.store().app().acquire().await?;
        let unbalanced = postings::find_unbalanced(&mut conn).await?;
        ensure!(unbalanced.is_empty(), "postings that do not balance: {unbalanced:?}");
        let off: Vec<(NaiveDate, i64)> = sqlx::query_as(
            "SELECT effective_on, sum(CASE side WHEN 'debit' THEN amount_cents ELSE -amount_cents END)::bigint
             FROM entries GROUP BY 1 HAVING sum(CASE side WHEN 'debit' THEN amount_cents ELSE -amount_cents END) <> 0",
        )
        .fetch_all(self.database.owner())
        .await?;
        ensure!(off.is_empty(), "days on which debits are not credits: {off:?}");
        Ok(())
    }

    /// Answers what the bank moved of the line's, to us, and told us of.
    async fn check_line(
        &mut self,
        resident: &Resident,
        told: &mut BTreeMap<String, Moved>,
        report: &mut Report,
    ) -> anyhow::Result<Cents> {
        let servicing = self.process().await?.servicing.clone();
        let mut conn = self.database.store().app().acquire().await?;
        let events = line_events::load(&mut conn, resident.line).await?;
        report.events += u64::try_from(events.len())?;
        let line = CreditLine::from_history(resident.line, events, Vec::new())?;
        let booked = postings::line_balances(&mut conn, resident.line).await?;
        drop(conn);
        let chart = Chart::embedded()?;
        let posted = line.posted();
        for (name, replayed) in [
            ("principal", posted.principal),
            ("billed_interest", posted.billed_interest),
            ("fees", posted.fees),
            ("penalty_fees", posted.penalty_fees),
            ("credit_balances", -posted.credit_balance),
        ] {
            let code = chart.account(name)?.code;
            let found = booked.iter().find(|one| one.account == code);
            let found = found.map_or(Cents::ZERO, |one| one.balance);
            ensure!(found == replayed, "{name} is {found} in the books and {replayed} replayed");
        }
        let position = line.position(self.today)?;
        let shown = servicing.position(Caller::system(), resident.id).await?.position;
        ensure!(shown == position, "the position shown is not the one replayed");
        ensure!(position.pending.is_empty() && position.statements_due.is_empty(), "unsettled");
        available(&position)?;
        let cash = self.money_moved(resident, told, report).await?;
        let happenings = happenings(line.events());
        // Another due day brings dates of its own with it, one by one, which the oracle does not know; nor does it know that during
        // service no fee at all is charged.
        let unknown = |event: &LineEvent| {
            matches!(
                event.body,
                LineEventBody::CyclesChanged { .. }
                    | LineEventBody::TermsChanged { .. }
                    | LineEventBody::RateCapped { .. }
            )
        };
        if line.events().iter().any(unknown) {
            return Ok(cash);
        }
        let judge = Judge::of(&resident.agreed, &happenings)?;
        let Some(mut judge) = judge else { return Ok(cash) };
        report.compared += 1;
        ensure!(judge.compare(&line, self.today)?, "a cycle closes today");
        Ok(cash)
    }

    /// What we say of each payment and draw is what the bank did, and each was done once. Answers what is with us of it.
    async fn money_moved(
        &mut self,
        resident: &Resident,
        told: &mut BTreeMap<String, Moved>,
        report: &mut Report,
    ) -> anyhow::Result<Cents> {
        let mut cash = Cents::ZERO;
        let servicing = self.process().await?.servicing.clone();
        let caller = Caller::customer(resident.id);
        for view in servicing.list_payments(caller, resident.id).await? {
            let payment = view.payment;
            let moved = told.remove(&payment.reference);
            report.payments += 1;
            report.returned += u64::from(payment.status == PaymentStatus::Returned);
            let right = match (payment.status, &moved) {
                (PaymentStatus::Settled | PaymentStatus::Released, Some(moved)) => !moved.returned,
                (PaymentStatus::Returned, Some(moved)) => moved.returned,
                (
                    PaymentStatus::Settled | PaymentStatus::Released | PaymentStatus::Returned,
                    None,
                )
                | (PaymentStatus::Pending, _) => false,
                (_, moved) => moved.is_none(),
            };
            let same = moved.as_ref().is_none_or(|one| one.debit && one.amount == payment.amount);
            ensure!(right && same, "we say {payment:?} and the bank {moved:?}");
            if payment.status == PaymentStatus::Settled {
                cash += payment.amount;
            }
        }
        for view in servicing.list_draws(caller, resident.id).await? {
            let draw = view.draw;
            let moved = told.remove(&draw.reference);
            report.draws += 1;
            let right = match (draw.status, &moved) {
                (DrawStatus::Settled | DrawStatus::Released, Some(moved)) => !moved.returned,
                (DrawStatus::Settled | DrawStatus::Released, None) | (DrawStatus::Pending, _) => {
                    false
                }
                (_, moved) => moved.as_ref().is_none_or(|moved| moved.returned),
            };
            let same = moved.as_ref().is_none_or(|one| !one.debit && one.amount == draw.amount);
            ensure!(right && same, "we say {draw:?} and the bank {moved:?}");
            if draw.status == DrawStatus::Settled {
                cash -= draw.amount;
            }
        }
        for refund in servicing.list_refunds(caller, resident.id).await? {
            let moved = told.remove(&refund.reference);
            report.refunds += 1;
            let same = moved.as_ref().is_none_or(|one| !one.debit && one.amount == refund.amount);
            let charged = refund.event_seq.is_some();
            ensure!(
                same && (charged || moved.is_none()),
                "we say {refund:?} and the bank {moved:?}"
            );
            if charged {
                cash -= refund.amount;
            }
        }
        Ok(cash)
    }

    /// Of the lines' events, without the instants at which they were stored.
    async fn digest(&self) -> anyhow::Result<String> {
        let digest: Option<String> = sqlx::query_scalar(
            "SELECT md5(string_agg(credit_line_id::text || seq || effective_on || body::text, ',' ORDER BY credit_line_id, seq))
             FROM line_events",
        )
        .fetch_one(self.database.owner())
        .await?;
        digest.context("there are no events")
    }
}

/// The facts among a line's events, with the day on which each was known in time for a statement: one that was recorded before the
/// statement of a cycle was issued counts as known when the cycle closed.
fn happenings(events: &[LineEvent]) -> Vec<Happening> {
    let mut draws: Vec<DrawId> = Vec::new();
    let mut payments: Vec<PaymentId> = Vec::new();
    for event in events {
        match &event.body {
            LineEventBody::Drew { draw, .. } => draws.push(*draw),
            LineEventBody::PaymentReceived { payment, .. } => payments.push(*payment),
            _ => {}
        }
    }
    draws.sort_unstable();
    payments.sort_unstable();
    let number = |at: Option<usize>| u64::try_from(at? + 1).ok();
    let of_draw = |id: &DrawId| number(draws.iter().position(|one| one == id));
    let of_payment = |id: &PaymentId| number(payments.iter().position(|one| one == id));
    let mut happenings = Vec::new();
    let mut next_close: Option<NaiveDate> = None;
    for event in events.iter().rev() {
        if let LineEventBody::StatementIssued { statement } = &event.body {
            next_close = Some(statement.closed_on);
        }
        let what = match &event.body {
            LineEventBody::Drew { draw, amount, fee, .. } => {
                let (amount, fee, feature) = (*amount, *fee, None);
                of_draw(draw).map(|draw| What::Draw { draw, amount, fee, feature })
            }
            LineEventBody::DrawRefused { draw, .. } => {
                of_draw(draw).map(|draw| What::DrawRefused { draw })
            }
            LineEventBody::PaymentReceived { payment, amount } => {
                of_payment(payment).map(|payment| What::Payment { payment, amount: *amount })
            }
            LineEventBody::PaymentReturned { payment, fee, .. } => {
                of_payment(payment).map(|payment| What::PaymentReturned { payment, fee: *fee })
            }
            LineEventBody::PaymentReversed { payment, .. } => {
                of_payment(payment).map(|payment| What::PaymentReversed { payment })
            }
            LineEventBody::LimitChanged { credit_limit, .. } => {
                Some(What::Limit { credit_limit: *credit_limit })
            }
            LineEventBody::CreditBalanceRefunded { amount } => {
                Some(What::Refund { amount: *amount })
            }
            LineEventBody::CreditGranted { amount, .. } => Some(What::Credit { amount: *amount }),
            LineEventBody::RateCapped { apr, through, .. } => {
                Some(What::RateCap { apr: *apr, through: *through })
            }
            LineEventBody::FlagRaised { flag, .. } => Some(What::FlagRaised { flag: *flag }),
            LineEventBody::FlagCleared { flag, .. } => Some(What::FlagCleared { flag: *flag }),
            _ => None,
        };
        let Some(what) = what else { continue };
        let recorded_on = local_date(event.recorded_at, ZONE);
        let learned_on = next_close.map_or(recorded_on, |close| recorded_on.min(close));
        happenings.push(Happening { learned_on, effective_on: event.effective_on, what });
    }
    happenings.reverse();
    happenings
}
