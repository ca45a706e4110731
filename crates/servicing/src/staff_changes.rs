//! What staff do to a line: a change in terms with its notice, a period of service in the armed forces.
//!
//! Rules: 12 CFR 1026.9(c)(2) (45 days' notice of a significant change, which the engine counts), 50 USC 3937 (six percent on what was
//! owed before service, from its first day; the rest is forgiven). What is absent: sending the notice, which goes out from the
//! outbox, and a second person, whom only money going out needs.

use chrono::{Days, NaiveDate};
use credit::{
    ChangeNotice, CreditError, FlagKind, LineEventBody, NoticeException, ServiceRelief,
    service_relief,
};
use identity::CustomerId;
use money::{Apr, Cents};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    Caller, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    conversations::checked_text,
    messages::can_be_told,
    words::date_text,
    work::{Begun, Trail},
};

/// The most that an obligation from before service may bear in service.
const SERVICE_APR: Apr = Apr::from_ppm(60_000);

/// A change in the terms of one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewTerms {
    /// What a product file would say of them.
    pub changes: Map<String, Value>,
    pub effective_on: NaiveDate,
    /// Why no notice is needed, where none is.
    pub exception: Option<NoticeException>,
    /// For the record.
    pub note: String,
}

/// What a change in terms came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TermsChange {
    pub effective_on: NaiveDate,
    /// The day of the notice, which goes out with this.
    pub notice_on: Option<NaiveDate>,
    pub event_seq: u64,
}

/// A period of service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ServicePeriod {
    pub from: NaiveDate,
    /// Its last day, where that is known.
    pub through: Option<NaiveDate>,
    /// The orders or the certificate, for the record.
    pub note: String,
}

/// What service forgives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgiven {
    #[serde(rename = "total_cents")]
    pub total: Cents,
    pub cycles: u32,
    pub event_seq: u64,
}

impl Servicing {
    /// Changes the terms of a line from a day on; the notice goes out today.
    pub async fn change_terms(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        new: &NewTerms,
        key: &Key,
    ) -> Result<TermsChange, ServicingError> {
        let note = checked_text(&new.note)?;
        let permit = authorise(caller, UseCase::Serve, Some(customer_id), self.now())?;
        let request = ("change_terms", customer_id, new);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let mut line = self.hold_own_line(work.conn(), customer_id).await?;
        let today = self.today();
        if new.effective_on < today {
            let sentence = format!("{} has passed.", date_text(new.effective_on));
            return Err(Refusal::new(RefusalCode::DateInPast, sentence).into());
        }
        can_be_told(&new.changes)?;
        let notice_on = new.exception.is_none().then_some(today);
        let notice = ChangeNotice { given_on: notice_on, exception: new.exception };
        let body = LineEventBody::TermsChanged { changes: new.changes.clone(), notice };
        let posted = self.post(work.conn(), &mut line, new.effective_on, body).await;
        let event_seq = posted.map_err(said_of_terms)?;
        let id = line.row.id;
        let payload = json!({
            "customer_id": customer_id, "credit_line_id": id, "changes": new.changes, "effective_on": new.effective_on,
            "notice_on": notice_on, "exception": new.exception, "note": note, "event_seq": event_seq,
            "authorised": permit,
        });
        self.trail(work.conn(), Trail::stream(None, Some(id)), "terms.changed", payload).await?;
        let effective_on = new.effective_on;
        work.finish(TermsChange { effective_on, notice_on, event_seq }).await
    }

    /// Records a period of service: from its first day no more than six percent on what was owed before, and no fees. What was
    /// charged beyond is forgiven at once.
    pub async fn record_service(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        period: &ServicePeriod,
        key: &Key,
    ) -> Result<Forgiven, ServicingError> {
        let note = checked_text(&period.note)?;
        let permit = authorise(caller, UseCase::Serve, Some(customer_id), self.now())?;
        let request = ("record_service", customer_id, period);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        let mut line = self.hold_own_line(work.conn(), customer_id).await?;
        let today = self.today();
        let position = line.position(today)?;
        let from = counts_from(period, (position.opened_on, line.row.opened_on), today)?;
        let relief: ServiceRelief = service_relief(line.events(), (from, period.through), today)
            .map_err(ServicingError::engine)?;
        let charged = position.current_balance;
        let body = LineEventBody::RateCapped {
            apr: SERVICE_APR,
            through: period.through,
            reason: "50 USC 3937".to_owned(),
        };
        // The flag that keeps fees away stands from the first day of service, whenever we were told.
        let flag = LineEventBody::FlagRaised { flag: FlagKind::Scra, note: note.to_owned() };
        self.post(work.conn(), &mut line, from, flag).await?;
        let event_seq = self.post(work.conn(), &mut line, from, body).await?;
        // What had been charged, in the open cycle too.
        let total = charged - line.position(today)?.current_balance;
        let id = line.row.id;
        let of = (FlagKind::Scra, "service period");
        self.raise_in(work.conn(), permit, customer_id, Some(&line.row), of).await?;
        let payload = json!({
            "customer_id": customer_id, "credit_line_id": id, "from": period.from, "through": period.through,
            "counts_from": from, "forgiven_cents": total, "note": note, "event_seq": event_seq, "authorised": permit,
        });
        self.trail(work.conn(), Trail::stream(None, Some(id)), "terms.service_recorded", payload)
            .await?;
        let cycles = u32::try_from(relief.cycles.len()).unwrap_or(u32::MAX);
        work.finish(Forgiven { total, cycles, event_seq }).await
    }
}

/// The first day of service in our books, which begin on `begins_on`. What an earlier lender charged in service is for it to forgive.
fn counts_from(
    period: &ServicePeriod,
    (opened_on, begins_on): (NaiveDate, NaiveDate),
    today: NaiveDate,
) -> Result<NaiveDate, Refusal> {
    let ServicePeriod { from, through, .. } = *period;
    // Service from before the line opened leaves nothing that was owed before it.
    if from < opened_on || through.is_some_and(|through| through < from) {
        let opened_on = date_text(opened_on);
        let sentence = format!(
            "The line was opened on {opened_on}: service counts for what was owed before it began."
        );
        return Err(Refusal::new(RefusalCode::DateInPast, sentence));
    }
    if through.is_some_and(|through| through < begins_on) {
        let begins_on = date_text(begins_on);
        let sentence = format!(
            "The line came to us on {begins_on}: what was charged in service before is for the earlier lender to forgive."
        );
        return Err(Refusal::new(RefusalCode::DateInPast, sentence));
    }
    if from > today.checked_add_days(Days::new(365)).unwrap_or(today) {
        let sentence = format!("{} is too far ahead.", date_text(from));
        return Err(Refusal::new(RefusalCode::DateTooFar, sentence));
    }
    Ok(from.max(begins_on))
}

/// What the engine says of terms that cannot be, or come too early, is the asker's to mend.
fn said_of_terms(error: ServicingError) -> ServicingError {
    let ServicingError::Engine(cause) = &error else { return error };
    match cause.downcast_ref::<CreditError>() {
        Some(CreditError::NoticeTooLate { earliest, .. }) => {
            let sentence = format!(
                "With notice given today the change can count from {} at the earliest.",
                date_text(*earliest)
            );
            Refusal::new(RefusalCode::NoticeTooShort, sentence).into()
        }
        Some(CreditError::ChangesNothing { .. }) => {
            let sentence = "These terms change nothing: name one that is to be another.";
            Refusal::new(RefusalCode::TermsInvalid, sentence).into()
        }
        Some(CreditError::Terms { message, .. }) => {
            let sentence = format!("These terms cannot be: {message}.");
            Refusal::new(RefusalCode::TermsInvalid, sentence).into()
        }
        _ => error,
    }
}
