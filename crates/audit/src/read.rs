//! Reading a stream back, for those who look at the record and need no proof of it.

use chrono::{DateTime, Utc};
use identity::LeafId;
use serde::Serialize;
use serde_json::Value;
use sqlx::PgConnection;

use crate::{AuditError, Stream};

/// A leaf as it stands in the log.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Recorded {
    pub id: LeafId,
    pub n: u64,
    /// Its place in the log; `None` until it is sequenced.
    pub index: Option<u64>,
    pub kind: String,
    pub at: DateTime<Utc>,
    /// `None` once erased.
    pub payload: Option<Value>,
}

/// All leaves of a stream, in order. Any role that may read the log will do.
pub async fn read(conn: &mut PgConnection, stream: Stream) -> Result<Vec<Recorded>, AuditError> {
    let rows = sqlx::query!(
        r#"SELECT l.id, l.n, l.idx, l.kind, l.recorded_at, p.payload AS "payload?"
           FROM audit_leaves l LEFT JOIN audit_payloads p ON p.leaf_id = l.id
           WHERE l.stream = $1 ORDER BY l.n"#,
        stream.to_string()
    )
    .fetch_all(conn)
    .await?;
    let broken = |n: i64| AuditError::Tampered(format!("the payload of leaf {n} of {stream}"));
    rows.into_iter()
        .map(|row| {
            let payload = row.payload.map(|text| serde_json::from_str(&text)).transpose();
            Ok(Recorded {
                id: LeafId::from_uuid(row.id),
                n: row.n.unsigned_abs(),
                index: row.idx.map(i64::unsigned_abs),
                kind: row.kind,
                at: row.recorded_at,
                payload: payload.map_err(|_| broken(row.n))?,
            })
        })
        .collect()
}
