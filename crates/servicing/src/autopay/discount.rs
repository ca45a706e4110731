//! What leave to debit does to the rate: the product's discount, from the day it is given through the day it ends.
//!
//! Invariants: it begins and ends in the transaction of the leave itself, once each; a line whose product has no discount gets no
//! event. That the rate rises again at the end is a term of the line (documents), so that no notice of a change goes before it.

use chrono::NaiveDate;
use credit::{LineEvent, LineEventBody};
use identity::AutopayId;
use money::Apr;
use serde_json::{Value, json};
use sqlx::PgConnection;

use crate::{Servicing, ServicingError, lines::Line, work::with};

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

/// Whether the discount of that leave has begun and not ended.
fn stands(events: &[LineEvent], autopay: AutopayId) -> bool {
    let told = events.iter().rev().find_map(|event| match &event.body {
        LineEventBody::AutopayDiscountBegan { autopay: of } if *of == autopay => Some(true),
        LineEventBody::AutopayDiscountEnded { autopay: of } if *of == autopay => Some(false),
        _ => None,
    });
    told.unwrap_or_default()
}
