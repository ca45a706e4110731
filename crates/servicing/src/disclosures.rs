//! The account-opening record of a line, and the consent under which it is given on a screen.
//!
//! Rules: 12 CFR 1026.5(b)(1)(i) and 1026.6(b) (given before the first draw), 15 USC 1001 ff. (E-SIGN). The
//! record is made when the line opens and never again. It counts as given once the customer has agreed to records in electronic
//! form; until then there is no draw. What is absent: paper.

use chrono::{DateTime, Utc};
use documents::{OpeningRecord, Party, opening_document};
use identity::{ConsentId, CreditLineId, CustomerId};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use sqlx::PgConnection;
use store::{
    boarding, credit_lines,
    customers::{self, Customer},
    documents::{self as kept, Consent, Kept, OpeningDelivery},
};

use crate::{
    Authorised, Caller, Key, Refusal, RefusalCode, Servicing, ServicingError, UseCase, authorise,
    lines::Line,
    work::{Begun, Trail},
};

/// What the customer agreed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NewConsent {
    /// The text that was shown: `electronic-records 1`.
    pub version: String,
    /// How it was shown that the customer can open what we send.
    pub evidence: String,
}

/// A document as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenDocument {
    /// Name and version of the template.
    pub template: String,
    pub media_type: String,
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes, in hexadecimal.
    pub digest: String,
    pub rendered_at: DateTime<Utc>,
}

/// The account-opening record, and whether and when it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpeningView {
    pub document: GivenDocument,
    /// The product and its version.
    pub config: String,
    pub delivery: Option<OpeningDelivery>,
}

impl TryFrom<Kept> for GivenDocument {
    type Error = ServicingError;

    /// Refuses bytes that are not those of the digest.
    fn try_from(kept: Kept) -> Result<Self, ServicingError> {
        if Sha256::digest(&kept.bytes).to_vec() != kept.digest {
            return Err(ServicingError::Stored { what: "document", source: None });
        }
        Ok(Self {
            template: kept.template,
            media_type: kept.media_type,
            digest: hex::encode(kept.digest),
            bytes: kept.bytes,
            rendered_at: kept.rendered_at,
        })
    }
}

/// To whom a document is addressed: all that we have is the address at which they get it.
pub(crate) fn addressee(customer: &Customer) -> Party {
    Party { name: customer.name.clone(), address: vec![customer.email.clone()] }
}

/// What the customer calls the line: the end of its id.
pub(crate) fn line_reference(id: CreditLineId) -> String {
    let id = id.as_uuid().simple().to_string().to_uppercase();
    id.get(id.len().saturating_sub(6)..).unwrap_or_default().to_owned()
}

/// Rendered just now, as it is kept.
pub(crate) fn to_keep(rendered: documents::Rendered, at: DateTime<Utc>) -> Kept {
    Kept {
        template: rendered.template.to_owned(),
        media_type: rendered.media_type.to_owned(),
        digest: rendered.digest.to_vec(),
        bytes: rendered.bytes,
        rendered_at: at,
    }
}

impl Servicing {
    /// Records that a customer agreed to records in electronic form, and gives them what waited for it.
    pub async fn record_esign_consent(
        &self,
        caller: Caller,
        customer_id: CustomerId,
        new: &NewConsent,
        key: &Key,
    ) -> Result<ConsentId, ServicingError> {
        let now = self.now();
        let permit = authorise(caller, UseCase::Originate, Some(customer_id), now)?;
        let request = ("record_esign_consent", customer_id, new);
        let mut work = match self.begin(permit, key, &request).await? {
            Begun::Before(answer) => return Ok(answer),
            Begun::Now(work) => work,
        };
        customers::find(work.conn(), customer_id)
            .await?
            .ok_or_else(|| Refusal::not_found("customer"))?;
        let id = ConsentId::mint(now);
        let consent = Consent {
            id,
            customer_id,
            version: new.version.clone(),
            evidence: new.evidence.clone(),
            given_at: now,
        };
        self.record_consent_in(work.conn(), permit, &consent).await?;
        self.deliver_openings(work.conn(), permit, customer_id, id).await?;
        work.finish(id).await
    }

    /// Gives what waited for consent.
    pub(crate) async fn deliver_openings(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        customer_id: CustomerId,
        consent_id: ConsentId,
    ) -> Result<(), ServicingError> {
        for line in kept::list_undelivered(conn, customer_id).await? {
            self.deliver_opening(conn, permit, line, consent_id, self.now()).await?;
        }
        Ok(())
    }

    pub(crate) async fn record_consent_in(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        consent: &Consent,
    ) -> Result<(), ServicingError> {
        kept::insert_consent(conn, consent).await?;
        let payload = json!({
            "consent_id": consent.id, "customer_id": consent.customer_id, "version": consent.version,
            "evidence": consent.evidence, "authorised": permit,
        });
        self.trail(conn, audit::Stream::System, "consent.given", payload).await
    }

    /// Makes the record of a line that has just been opened, and gives it where the customer has agreed to that.
    pub(crate) async fn disclose_opening(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        line: &Line,
        opened_at: DateTime<Utc>,
    ) -> Result<(), ServicingError> {
        let row = &line.row;
        let customer = customers::find(conn, row.customer_id)
            .await?
            .ok_or_else(|| Refusal::not_found("customer"))?;
        let record = self.opening_record_of(
            &OpeningRecord {
                customer: &addressee(&customer),
                line_reference: &line_reference(row.id),
                terms: &line.opening_terms,
                opened_on: row.opened_on,
            },
            row.id,
            opened_at,
        )?;
        kept::insert_opening_record(conn, &record).await?;
        let payload = json!({
            "customer_id": row.customer_id, "template": record.kept.template, "config": record.config,
            "terms_digest": hex::encode(&record.terms_digest), "digest": hex::encode(&record.kept.digest),
            "authorised": permit,
        });
        let stream = Trail::stream(None, Some(row.id));
        self.trail(conn, stream, "line.disclosure_made", payload).await?;
        match kept::find_consent(conn, row.customer_id).await? {
            Some(consent) => {
                self.deliver_opening(conn, permit, row.id, consent.id, opened_at).await
            }
            None => Ok(()),
        }
    }

    /// The record of a line, rendered, with the digest of its terms as they were copied.
    pub(crate) fn opening_record_of(
        &self,
        record: &OpeningRecord<'_>,
        credit_line_id: CreditLineId,
        at: DateTime<Utc>,
    ) -> Result<kept::OpeningRecord, ServicingError> {
        let rendered = opening_document(record, &self.lender.creditor)
            .html()
            .map_err(ServicingError::engine)?;
        let product = &record.terms.product;
        let copied = serde_json::to_value(record.terms)
            .map_err(|source| ServicingError::Stored { what: "terms", source: Some(source) })?;
        Ok(kept::OpeningRecord {
            credit_line_id,
            config: format!("{} {}", product.name, product.version),
            terms_digest: Sha256::digest(audit::canonical_json(&copied).as_bytes()).to_vec(),
            kept: to_keep(rendered, at),
        })
    }

    async fn deliver_opening(
        &self,
        conn: &mut PgConnection,
        permit: Authorised,
        id: CreditLineId,
        consent_id: ConsentId,
        at: DateTime<Utc>,
    ) -> Result<(), ServicingError> {
        let delivery = OpeningDelivery { consent_id, delivered_at: at };
        kept::insert_opening_delivery(conn, id, delivery).await?;
        let payload = json!({"consent_id": consent_id, "delivered_at": at, "authorised": permit});
        self.trail(conn, Trail::stream(None, Some(id)), "line.disclosed", payload).await
    }

    /// Refuses a draw on a line whose account-opening record was not given, by us or by the lender from whom the line came.
    pub(crate) async fn check_opening_given(
        &self,
        conn: &mut PgConnection,
        id: CreditLineId,
    ) -> Result<(), ServicingError> {
        if kept::find_opening_delivery(conn, id).await?.is_some() {
            return Ok(());
        }
        match boarding::opening_record_given_on(conn, id).await? {
            Some(_) => Ok(()),
            None => Err(Refusal::new(
                RefusalCode::OpeningRecordMissing,
                "No draw can be made before the terms of the line were given.",
            )
            .into()),
        }
    }

    /// The account-opening record of the customer's line, byte for byte.
    pub async fn opening_record(
        &self,
        caller: Caller,
        customer_id: CustomerId,
    ) -> Result<OpeningView, ServicingError> {
        authorise(caller, UseCase::Read, Some(customer_id), self.now())?;
        refuse_model(caller)?;
        let mut conn = self.store.app().acquire().await?;
        let line = credit_lines::find_of_customer(&mut conn, customer_id).await?;
        let line = line.ok_or_else(no_line)?;
        let record = kept::find_opening_record(&mut conn, line.id)
            .await?
            .ok_or_else(|| Refusal::not_found("account-opening record"))?;
        let delivery = kept::find_opening_delivery(&mut conn, line.id).await?;
        Ok(OpeningView { document: record.kept.try_into()?, config: record.config, delivery })
    }
}

pub(crate) fn no_line() -> Refusal {
    Refusal::new(RefusalCode::NoCreditLine, "There is no credit line for this customer.")
}

/// Documents are opened by people: what a model may know of a statement, a tool tells it.
pub(crate) fn refuse_model(caller: Caller) -> Result<(), Refusal> {
    if caller.model() {
        return Err(Refusal::new(
            RefusalCode::NotAllowed,
            "A document is opened by a person, not by the assistant.",
        ));
    }
    Ok(())
}
