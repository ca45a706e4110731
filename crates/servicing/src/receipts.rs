//! Receipts of what a customer had done to their line, beside those of payments and draws.

use identity::{CreditLineId, CustomerId, ReceiptId};
use sqlx::PgConnection;
use store::intents::{self, ReceiptRow, ShownField};

use crate::{Servicing, ServicingError, reference::reference};

impl Servicing {
    /// Keeps the proof of what was done, in the transaction that does it.
    pub(crate) async fn keep_receipt(
        &self,
        conn: &mut PgConnection,
        (customer_id, credit_line_id): (CustomerId, CreditLineId),
        (kind, text): (&str, String),
        fields: Vec<ShownField>,
    ) -> Result<ReceiptRow, ServicingError> {
        let now = self.now();
        let id = ReceiptId::mint(now);
        let receipt = ReceiptRow {
            id,
            customer_id,
            credit_line_id: Some(credit_line_id),
            intent_id: None,
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
