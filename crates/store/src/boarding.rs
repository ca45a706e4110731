//! Lines of another lender's portfolio: claimed under their reference, then written a batch at a time.
//!
//! A batch of any size is claimed by two statements (boarded lines and, of those that were there, their digests) and written by
//! six: customers, mailing addresses, lines, bank accounts, sealed numbers, account-opening records. Its first events are
//! `line_events::append_all`'s, the outbox's rows `outbox::append_all`'s, its postings `postings::post`'s.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use identity::{CreditLineId, CustomerId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    StoreError,
    bank_accounts::{BankAccount, SealedNumber},
    customers::Customer,
    documents::OpeningRecord,
};

/// A row's claim to be boarded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    pub reference: String,
    /// SHA-256 of the row.
    pub row_digest: Vec<u8>,
    pub credit_line_id: CreditLineId,
    pub opened_on: NaiveDate,
    pub as_of: NaiveDate,
    pub opening_record_given_on: Option<NaiveDate>,
}

/// The head of a line that comes in.
#[derive(Clone, Debug, PartialEq)]
pub struct BoardedLine {
    pub id: CreditLineId,
    pub customer_id: CustomerId,
    pub product: String,
    pub opened_on: NaiveDate,
    pub settles_next_on: NaiveDate,
    pub created_at: DateTime<Utc>,
}

/// Takes the references that nobody has boarded yet; answers their lines. Waits for whoever is at the same ones.
pub async fn claim(
    conn: &mut PgConnection,
    portfolio: &str,
    claims: &[Claim],
    at: DateTime<Utc>,
) -> Result<BTreeSet<CreditLineId>, StoreError> {
    // In one order whoever asks: of two who wait for each other the database would end one.
    let mut claims: Vec<&Claim> = claims.iter().collect();
    claims.sort_by(|one, other| one.reference.cmp(&other.reference));
    let references: Vec<String> = claims.iter().map(|one| one.reference.clone()).collect();
    let digests: Vec<Vec<u8>> = claims.iter().map(|one| one.row_digest.clone()).collect();
    let lines: Vec<Uuid> = claims.iter().map(|one| one.credit_line_id.as_uuid()).collect();
    let opened: Vec<NaiveDate> = claims.iter().map(|one| one.opened_on).collect();
    let as_of: Vec<NaiveDate> = claims.iter().map(|one| one.as_of).collect();
    let given: Vec<_> = claims.iter().map(|one| one.opening_record_given_on).collect();
    let taken = sqlx::query_scalar!(
        "INSERT INTO boarded_lines (portfolio, reference, row_digest, credit_line_id, opened_on, as_of,
                                    opening_record_given_on, boarded_at)
         SELECT $1, new.*, $8 FROM unnest($2::text[], $3::bytea[], $4::uuid[], $5::date[], $6::date[], $7::date[]) AS new
         ON CONFLICT (portfolio, reference) DO NOTHING RETURNING credit_line_id",
        portfolio,
        &references,
        &digests,
        &lines,
        &opened,
        &as_of,
        &given as &[Option<NaiveDate>],
        at,
    )
    .fetch_all(conn)
    .await?;
    Ok(taken.into_iter().map(CreditLineId::from_uuid).collect())
}

/// The digests of the rows that were boarded under these references.
pub async fn known(
    conn: &mut PgConnection,
    portfolio: &str,
    references: &[String],
) -> Result<BTreeMap<String, Vec<u8>>, StoreError> {
    let rows = sqlx::query!(
        "SELECT reference, row_digest FROM boarded_lines WHERE portfolio = $1 AND reference = ANY ($2)",
        portfolio,
        references,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.reference, row.row_digest)).collect())
}

/// The line that was boarded under this reference.
pub async fn find_line(
    conn: &mut PgConnection,
    portfolio: &str,
    reference: &str,
) -> Result<Option<CreditLineId>, StoreError> {
    let found = sqlx::query_scalar!(
        "SELECT credit_line_id FROM boarded_lines WHERE portfolio = $1 AND reference = $2",
        portfolio,
        reference,
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.map(CreditLineId::from_uuid))
}

/// When the lender from whom the line came gave its account-opening record; nothing where it did not, or the line is ours.
pub async fn opening_record_given_on(
    conn: &mut PgConnection,
    credit_line_id: CreditLineId,
) -> Result<Option<NaiveDate>, StoreError> {
    let found = sqlx::query_scalar!(
        "SELECT opening_record_given_on FROM boarded_lines WHERE credit_line_id = $1",
        credit_line_id.as_uuid(),
    )
    .fetch_optional(conn)
    .await?;
    Ok(found.flatten())
}

pub async fn insert_customers(
    conn: &mut PgConnection,
    customers: &[Customer],
) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = customers.iter().map(|one| one.id.as_uuid()).collect();
    let text = |of: fn(&Customer) -> &str| -> Vec<String> {
        customers.iter().map(|one| of(one).to_owned()).collect()
    };
    let created: Vec<_> = customers.iter().map(|one| one.created_at).collect();
    sqlx::query!(
        "INSERT INTO customers (id, name, email, phone, state, language, created_at)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])",
        &ids,
        &text(|one| &one.name),
        &text(|one| &one.email),
        &text(|one| &one.phone),
        &text(|one| &one.state),
        &text(|one| one.language.as_str()),
        &created,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Where paper goes to customers of whom it is known, line by line.
pub async fn insert_postal_addresses(
    conn: &mut PgConnection,
    addresses: &[(CustomerId, &[String])],
    at: DateTime<Utc>,
) -> Result<(), StoreError> {
    let owners: Vec<Uuid> = addresses.iter().map(|(id, _)| id.as_uuid()).collect();
    // No line has a line feed in it.
    let lines: Vec<String> = addresses.iter().map(|(_, lines)| lines.join("\n")).collect();
    sqlx::query!(
        r"INSERT INTO postal_addresses (customer_id, recorded_at, lines)
          SELECT id, $3, string_to_array(lines, E'\n') FROM unnest($1::uuid[], $2::text[]) AS new (id, lines)",
        &owners,
        &lines,
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

pub async fn insert_lines(
    conn: &mut PgConnection,
    lines: &[BoardedLine],
) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = lines.iter().map(|one| one.id.as_uuid()).collect();
    let owners: Vec<Uuid> = lines.iter().map(|one| one.customer_id.as_uuid()).collect();
    let products: Vec<String> = lines.iter().map(|one| one.product.clone()).collect();
    let opened: Vec<NaiveDate> = lines.iter().map(|one| one.opened_on).collect();
    let settles: Vec<NaiveDate> = lines.iter().map(|one| one.settles_next_on).collect();
    let created: Vec<_> = lines.iter().map(|one| one.created_at).collect();
    sqlx::query!(
        "INSERT INTO credit_lines (id, customer_id, product, opened_on, settles_next_on, created_at)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::date[], $5::date[], $6::timestamptz[])",
        &ids,
        &owners,
        &products,
        &opened,
        &settles,
        &created,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Bank accounts with their sealed numbers.
pub async fn insert_bank_accounts(
    conn: &mut PgConnection,
    accounts: &[(BankAccount, SealedNumber)],
) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = accounts.iter().map(|(one, _)| one.id.as_uuid()).collect();
    let owners: Vec<Uuid> = accounts.iter().map(|(one, _)| one.customer_id.as_uuid()).collect();
    let text = |of: fn(&BankAccount) -> &str| -> Vec<String> {
        accounts.iter().map(|(one, _)| of(one).to_owned()).collect()
    };
    let added: Vec<_> = accounts.iter().map(|(one, _)| one.added_at).collect();
    sqlx::query!(
        "INSERT INTO bank_accounts (id, customer_id, kind, bank_name, ending, status, added_at)
         SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])",
        &ids,
        &owners,
        &text(|one| one.kind.as_str()),
        &text(|one| &one.bank_name),
        &text(|one| &one.ending),
        &text(|one| one.status.as_str()),
        &added,
    )
    .execute(&mut *conn)
    .await?;
    let keys: Vec<String> = accounts.iter().map(|(_, number)| number.key_id.clone()).collect();
    let sealed: Vec<Vec<u8>> = accounts.iter().map(|(_, number)| number.sealed.clone()).collect();
    sqlx::query!(
        "INSERT INTO bank_account_numbers (bank_account_id, sealed_at, key_id, sealed)
         SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::bytea[])",
        &ids,
        &added,
        &keys,
        &sealed,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Account-opening records that are still to be given.
pub async fn insert_opening_records(
    conn: &mut PgConnection,
    records: &[OpeningRecord],
) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = records.iter().map(|one| one.credit_line_id.as_uuid()).collect();
    let text = |of: fn(&OpeningRecord) -> &str| -> Vec<String> {
        records.iter().map(|one| of(one).to_owned()).collect()
    };
    let bytes = |of: fn(&OpeningRecord) -> &[u8]| -> Vec<Vec<u8>> {
        records.iter().map(|one| of(one).to_vec()).collect()
    };
    let rendered: Vec<_> = records.iter().map(|one| one.kept.rendered_at).collect();
    sqlx::query!(
        "INSERT INTO opening_records (credit_line_id, template, media_type, config, terms_digest, bytes, digest, rendered_at)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::bytea[], $7::bytea[],
                              $8::timestamptz[])",
        &ids,
        &text(|one| &one.kept.template),
        &text(|one| &one.kept.media_type),
        &text(|one| &one.config),
        &bytes(|one| &one.terms_digest),
        &bytes(|one| &one.kept.bytes),
        &bytes(|one| &one.kept.digest),
        &rendered,
    )
    .execute(conn)
    .await?;
    Ok(())
}
