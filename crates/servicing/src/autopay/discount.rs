//! What leave to debit does to the rate: the product's discount, from the day it is given through the day it ends.
//!
//! Invariants: it begins and ends in the transaction of the leave itself, once each, but for an end by the customer's word on a line
//! that cannot be worked out, which follows by a job as of that day; a line whose product has no discount gets no event. That the
//! rate rises again at the end is a term of the line (documents), so that no notice of a change goes before it.

use chrono::NaiveDate;
use credit::{LineEvent, LineEventBody};
use identity::{AutopayId, CreditLineId, JobId, chain};
use money::Apr;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sqlx::PgConnection;
use store::{
    Tx,
    autopays::{self, AutopayRow},
    jobs::{self, Job, NewJob},
};

use crate::{
    Servicing, ServicingError,
    lines::Line,
    release::{RunReport, Undone},
    words::date_text,
    work::with,
};

/// The kind of the jobs that end a discount which could not end with its leave. The key is the leave's id.
const END_DISCOUNT: &str = "end_autopay_discount";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndDiscount {
    credit_line_id: CreditLineId,
    autopay_id: AutopayId,
    /// Its last day.
    ended_on: NaiveDate,
}

impl Servicing {
    /// From today on.
    pub(super) async fn begin_discount(
        &self,
        conn: &mut PgConnection,
        line: &mut Line,
        autopay: AutopayId,
    ) -> Result<(), ServicingError> {
        if line.autopay_discount() > Apr::ZERO {
            let body = LineEventBody::AutopayDiscountBegan { autopay };
            self.post(conn, line, self.today(), body).await?;
        }
        Ok(())
    }

    /// After the day on which leave ended, which may have passed.
    pub(super) async fn end_discount(
        &self,
        conn: &mut PgConnection,
        line: &mut Line,
        autopay: AutopayId,
        ended_on: NaiveDate,
    ) -> Result<(), ServicingError> {
        if stands(line.events(), autopay) {
            let body = LineEventBody::AutopayDiscountEnded { autopay };
            self.post(conn, line, ended_on, body).await?;
        }
        Ok(())
    }
}

impl Servicing {
    /// After that day, of a line that is held and not loaded; answers the line.
    pub(super) async fn end_discount_now(
        &self,
        conn: &mut PgConnection,
        autopay: &AutopayRow,
        ended_on: NaiveDate,
    ) -> Result<Line, ServicingError> {
        let mut line = self.load_line(conn, autopay.credit_line_id).await?;
        self.end_discount(conn, &mut line, autopay.id, ended_on).await?;
        // What the customer is told of the rate belongs to it.
        line.position(self.today())?;
        Ok(line)
    }

    /// The leave has ended and its discount could not: a job ends it, and the desk is told why it has not.
    pub(super) async fn end_discount_later(
        &self,
        conn: &mut PgConnection,
        autopay: &AutopayRow,
        ended_on: NaiveDate,
        error: &ServicingError,
    ) -> Result<(), ServicingError> {
        let (now, cause) = (self.now(), chain(error));
        let (id, line) = (autopay.id, autopay.credit_line_id);
        tracing::error!(credit_line.id = %line, error = %cause, "could not end the discount for automatic payments of line {line}: {cause}");
        let payload = EndDiscount { credit_line_id: line, autopay_id: id, ended_on };
        let job = NewJob {
            id: JobId::mint(now),
            kind: END_DISCOUNT,
            key: Some(&id.to_string()),
            payload: &json!(payload),
            run_at: now,
            recorded_at: now,
        };
        jobs::enqueue(conn, &job).await?;
        let name = name_of(id);
        let why = format!(
            "they ended on {} by the customer's word, and that the line's rate is without their discount from then on cannot be recorded ({cause})",
            date_text(ended_on)
        );
        self.tell_of_undone(conn, autopay.into(), &name, &why).await
    }

    /// Ends the discounts that could not end with their leave.
    pub(super) async fn end_discounts(&self, report: &mut RunReport) -> Result<(), ServicingError> {
        loop {
            let mut tx = self.store.app().begin().await?;
            let Some(job) = jobs::take(&mut tx, &[END_DISCOUNT], self.now()).await? else {
                return Ok(());
            };
            let Err(error) = self.end_discount_of(tx, &job).await else { continue };
            report.count(self.discount_undone(&job, &error).await);
            if !self.put_off_job(job.id, &error).await {
                return Ok(());
            }
        }
    }

    async fn end_discount_of(&self, mut tx: Tx<'_>, job: &Job) -> Result<(), ServicingError> {
        let EndDiscount { credit_line_id, autopay_id, ended_on } = read(job)?;
        let mut line = self.hold_and_load(&mut tx, credit_line_id).await?;
        self.end_discount(&mut tx, &mut line, autopay_id, ended_on).await?;
        jobs::complete(&mut tx, job.id, self.now()).await?;
        tx.commit().await?;
        Ok(())
    }

    async fn discount_undone(&self, job: &Job, error: &ServicingError) -> Undone {
        let ended = async {
            let EndDiscount { credit_line_id, autopay_id, .. } = read(job)?;
            let mut conn = self.store.app().acquire().await?;
            let all = autopays::list_of_line(&mut conn, credit_line_id).await?;
            Ok::<_, ServicingError>(all.into_iter().find(|one| one.id == autopay_id))
        };
        let Ok(Some(autopay)) = ended.await else { return Undone::Again };
        self.undone(&autopay, &name_of(autopay.id), error).await
    }
}

impl Line {
    /// Points off the rate while automatic payments are on: no change of terms touches it.
    pub(super) const fn autopay_discount(&self) -> Apr {
        self.opening_terms.product.interest.autopay_discount
    }

    /// What the customer is told of the rate with its change: as it is on a day, for new draws.
    pub(super) fn with_rate(&self, payload: Value, on: NaiveDate) -> Result<Value, ServicingError> {
        let discount = self.autopay_discount();
        if discount == Apr::ZERO {
            return Ok(payload);
        }
        let payload = with(payload, "apr_ppm", json!(self.position(on)?.apr));
        Ok(with(payload, "autopay_discount_ppm", json!(discount)))
    }
}

fn read(job: &Job) -> Result<EndDiscount, ServicingError> {
    serde_json::from_value(job.payload.clone())
        .map_err(|source| ServicingError::Stored { what: "job", source: Some(source) })
}

/// Under which the desk was told of leave to debit.
pub(super) fn name_of(id: AutopayId) -> String {
    format!("Automatic payments {id}")
}

/// Whether the discount of that leave has begun and not ended.
fn stands(events: &[LineEvent], autopay: AutopayId) -> bool {
    let told = events.iter().rev().find_map(|event| match &event.body {
        LineEventBody::AutopayDiscountBegan { autopay: of } if *of == autopay => Some(true),
        LineEventBody::AutopayDiscountEnded { autopay: of } if *of == autopay => Some(false),
        _ => None,
    });
    told.unwrap_or_default()
}
