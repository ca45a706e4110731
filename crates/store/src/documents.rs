//! Documents as they were given, and consent to be given them on a screen. Rows are added and never changed.

use chrono::{DateTime, Utc};
use identity::{ConsentId, CreditLineId, CustomerId};
use sqlx::PgConnection;

use crate::{StoreError, number::to_column};

text_enum! {
    /// A form in which a document can be had.
    Format {
        Html = "html",
        Pdf = "pdf",
    }
}

/// Consent to records in electronic form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    pub id: ConsentId,
    pub customer_id: CustomerId,
    /// The text that was agreed to.
    pub version: String,
    /// How it was shown that the customer can open what we send.
    pub evidence: String,
    pub given_at: DateTime<Utc>,
}

/// Bytes as they were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Name and version of the template.
    pub template: String,
    pub media_type: String,
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes.
    pub digest: Vec<u8>,
    pub rendered_at: DateTime<Utc>,
}

/// The account-opening record of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpeningRecord {
    pub credit_line_id: CreditLineId,
    /// The product and its version.
    pub config: String,
    /// SHA-256 of the terms as canonical JSON.
    pub terms_digest: Vec<u8>,
    pub kept: Kept,
}

/// That the record was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpeningDelivery {
    pub consent_id: ConsentId,
    pub delivered_at: DateTime<Utc>,
}

/// A statement in one of its forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementDocument {
    pub credit_line_id: CreditLineId,
    pub number: u32,
    pub format: Format,
    /// The event that issued it.
    pub event_seq: u64,
    pub kept: Kept,
}

pub async fn insert_consent(conn: &mut PgConnection, consent: &Consent) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO esign_consents (id, customer_id, version, evidence, given_at) VALUES ($1, $2, $3, $4, $5)",
        consent.id.as_uuid(),
        consent.customer_id.as_uuid(),
        consent.version,
        consent.evidence,
        consent.given_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// The customer's newest consent, if it was neither taken back nor brought into doubt since.
pub async fn find_consent(
    conn: &mut PgConnection,
    customer_id: CustomerId,
) -> Result<Option<Consent>, StoreError> {
    let found = sqlx::query!(
        "SELECT id, customer_id, version, evidence, given_at FROM esign_consents
         WHERE customer_id = $1
           AND NOT EXISTS (SELECT FROM consent_ends e WHERE e.customer_id = $1 AND e.ended_at >= given_at)
         ORDER BY given_at DESC, id DESC LIMIT 1",
        customer_id.as_uuid()
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| Consent {
        id: ConsentId::from_uuid(row.id),
        customer_id: CustomerId::from_uuid(row.customer_id),
        version: row.version,
        evidence: row.evidence,
        given_at: row.given_at,
    }))
}

pub async fn insert_opening_record(
    conn: &mut PgConnection,
    record: &OpeningRecord,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO opening_records (credit_line_id, template, media_type, config, terms_digest, bytes, digest, rendered_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        record.credit_line_id.as_uuid(),
        record.kept.template,
        record.kept.media_type,
        record.config,
        record.terms_digest,
        record.kept.bytes,
        record.kept.digest,
        record.kept.rendered_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn find_opening_record(
    conn: &mut PgConnection,
    credit_line_id: CreditLineId,
) -> Result<Option<OpeningRecord>, StoreError> {
    let found = sqlx::query!(
        "SELECT template, media_type, config, terms_digest, bytes, digest, rendered_at
         FROM opening_records WHERE credit_line_id = $1",
        credit_line_id.as_uuid()
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| OpeningRecord {
        credit_line_id,
        config: row.config,
        terms_digest: row.terms_digest,
        kept: Kept {
            template: row.template,
            media_type: row.media_type,
            bytes: row.bytes,
            digest: row.digest,
            rendered_at: row.rendered_at,
        },
    }))
}

pub async fn insert_opening_delivery(
    conn: &mut PgConnection,
    credit_line_id: CreditLineId,
    delivery: OpeningDelivery,
) -> Result<(), StoreError> {
    sqlx::query!(
        "INSERT INTO opening_deliveries (credit_line_id, consent_id, delivered_at) VALUES ($1, $2, $3)",
        credit_line_id.as_uuid(),
        delivery.consent_id.as_uuid(),
        delivery.delivered_at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn find_opening_delivery(
    conn: &mut PgConnection,
    credit_line_id: CreditLineId,
) -> Result<Option<OpeningDelivery>, StoreError> {
    let found = sqlx::query!(
        "SELECT consent_id, delivered_at FROM opening_deliveries WHERE credit_line_id = $1",
        credit_line_id.as_uuid()
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| OpeningDelivery {
        consent_id: ConsentId::from_uuid(row.consent_id),
        delivered_at: row.delivered_at,
    }))
}

/// The lines of a customer whose account-opening record was not given yet.
pub async fn list_undelivered(
    conn: &mut PgConnection,
    customer_id: CustomerId,
) -> Result<Vec<CreditLineId>, StoreError> {
    let found = sqlx::query_scalar!(
        "SELECT r.credit_line_id FROM opening_records r JOIN credit_lines l ON l.id = r.credit_line_id
         WHERE l.customer_id = $1
           AND NOT EXISTS (SELECT FROM opening_deliveries d WHERE d.credit_line_id = r.credit_line_id)
         ORDER BY r.credit_line_id",
        customer_id.as_uuid()
    )
    .fetch_all(conn)
    .await?;
    Ok(found.into_iter().map(CreditLineId::from_uuid).collect())
}

/// Keeps a statement unless it is kept already; whoever comes at the same moment waits. Answers whether it was kept now.
pub async fn insert_statement(
    conn: &mut PgConnection,
    document: &StatementDocument,
) -> Result<bool, StoreError> {
    let done = sqlx::query!(
        "INSERT INTO statement_documents (credit_line_id, number, format, event_seq, template, media_type, bytes, digest,
                                          rendered_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (credit_line_id, number, format) DO NOTHING",
        document.credit_line_id.as_uuid(),
        i64::from(document.number),
        document.format.as_str(),
        to_column(document.event_seq, "seq")?,
        document.kept.template,
        document.kept.media_type,
        document.kept.bytes,
        document.kept.digest,
        document.kept.rendered_at,
    )
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

pub async fn find_statement(
    conn: &mut PgConnection,
    credit_line_id: CreditLineId,
    number: u32,
    format: Format,
) -> Result<Option<Kept>, StoreError> {
    let found = sqlx::query!(
        "SELECT template, media_type, bytes, digest, rendered_at FROM statement_documents
         WHERE credit_line_id = $1 AND number = $2 AND format = $3",
        credit_line_id.as_uuid(),
        i64::from(number),
        format.as_str(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(|row| Kept {
        template: row.template,
        media_type: row.media_type,
        bytes: row.bytes,
        digest: row.digest,
        rendered_at: row.rendered_at,
    }))
}
