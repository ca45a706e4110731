use audit::{Leaf, append};
use serde_json::json;
use sqlx::PgPool;

use crate::fixture::*;

/// PostgreSQL's "permission denied".
const DENIED: &str = "42501";

async fn code(pool: &PgPool, sql: &'static str) -> Option<String> {
    let refused = sqlx::query(sql).execute(pool).await.err()?;
    Some(refused.as_database_error().unwrap().code().unwrap().into_owned())
}

#[tokio::test]
async fn a_models_turn_may_write_leaves_and_nothing_else() {
    let fixture = Fixture::new().await;
    let turn = fixture.db.store().turn();
    let mut tx = turn.begin().await.unwrap();
    for kind in ["turn.tool_called", "turn.released"] {
        append(&mut tx, Leaf::new(fixture.stream(), kind, now(), json!({}))).await.unwrap();
    }
    tx.commit().await.unwrap();
    let mut tx = turn.begin().await.unwrap();
    let given = Leaf::new(fixture.stream(), "receipt.given", now(), json!({}));
    append(&mut tx, given).await.unwrap_err();
    drop(tx);
    for sql in [
        "SELECT * FROM audit_payloads",
        "UPDATE audit_leaves SET idx = 0",
        "DELETE FROM audit_leaves",
        "DELETE FROM audit_payloads",
        "INSERT INTO audit_checkpoints VALUES (0, sha256(''), '', now())",
        "INSERT INTO audit_tiles VALUES (0, 0, sha256(''))",
    ] {
        assert_eq!(code(turn, sql).await.as_deref(), Some(DENIED), "{sql}");
    }
}

#[tokio::test]
async fn use_cases_may_write_and_read_leaves_and_change_none() {
    let fixture = Fixture::new().await;
    fixture.write(json!({})).await;
    for sql in [
        "UPDATE audit_leaves SET idx = 0",
        "UPDATE audit_leaves SET kind = 'other'",
        "UPDATE audit_payloads SET payload = '{}'",
        "DELETE FROM audit_leaves",
        "DELETE FROM audit_payloads",
        "INSERT INTO audit_checkpoints VALUES (0, sha256(''), '', now())",
    ] {
        assert_eq!(code(fixture.app(), sql).await.as_deref(), Some(DENIED), "{sql}");
    }
}

#[tokio::test]
async fn the_sequencer_may_give_an_index_once_and_change_nothing_else() {
    let fixture = Fixture::new().await;
    fixture.write(json!({})).await;
    fixture.sequence().await;
    let audit = fixture.db.store().audit();
    assert_eq!(
        code(audit, "UPDATE audit_leaves SET kind = 'other'").await.as_deref(),
        Some(DENIED)
    );
    assert_eq!(code(audit, "DELETE FROM audit_leaves").await.as_deref(), Some(DENIED));
    assert_eq!(
        code(audit, "UPDATE audit_checkpoints SET note = ''").await.as_deref(),
        Some(DENIED)
    );
    // Refused by the guard on the table, whoever asks.
    assert_eq!(code(audit, "UPDATE audit_leaves SET idx = 7").await.as_deref(), Some("23514"));
    let owner = fixture.db.owner();
    let changed = code(owner, "UPDATE audit_leaves SET kind = 'other'").await;
    assert_eq!(changed.as_deref(), Some("23514"));
}

#[tokio::test]
async fn a_leaf_that_leaves_a_gap_or_lies_about_its_hash_is_refused() {
    let fixture = Fixture::new().await;
    let gap = "INSERT INTO audit_leaves (id, stream, n, kind, recorded_at, entry, leaf_hash)
               VALUES (gen_random_uuid(), 'system', 1, 'x', now(), 'a', sha256('\\x00'::bytea || 'a'))";
    assert_eq!(code(fixture.app(), gap).await.as_deref(), Some("23514"));
    let lie = "INSERT INTO audit_leaves (id, stream, n, kind, recorded_at, entry, leaf_hash)
               VALUES (gen_random_uuid(), 'system', 0, 'x', now(), 'a', sha256('b'))";
    assert_eq!(code(fixture.app(), lie).await.as_deref(), Some("23514"));
}
