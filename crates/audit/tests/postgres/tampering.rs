//! With the rights of the database's owner, and every guard taken away.

use audit::{AuditError, LogFault, check, sequence};
use serde_json::json;

use crate::fixture::*;

async fn faults(fixture: &Fixture) -> Vec<LogFault> {
    let report = check(fixture.db.store().audit(), &fixture.log).await.unwrap();
    assert_eq!(report.ok, report.problems.is_empty());
    report.problems.into_iter().map(|problem| problem.fault).collect()
}

async fn written() -> Fixture {
    let fixture = Fixture::new().await;
    fixture.fill(300).await;
    fixture.sequence().await;
    fixture.fill(9).await;
    fixture.sequence().await;
    assert_eq!(faults(&fixture).await, []);
    fixture
}

#[tokio::test]
async fn an_edited_payload_is_named() {
    let fixture = written().await;
    let sql = "UPDATE audit_payloads SET payload = '{\"n\":1}' WHERE leaf_id =
               (SELECT id FROM audit_leaves WHERE idx = 3)";
    assert_eq!(fixture.tamper(sql).await, 1);
    assert_eq!(faults(&fixture).await, [LogFault::PayloadEdited]);
    assert!(!fixture.verify(&fixture.bundle().await).ok);
}

#[tokio::test]
async fn a_payload_that_is_gone_is_named_unless_the_log_says_that_it_was_erased() {
    let fixture = written().await;
    let sql =
        "DELETE FROM audit_payloads WHERE leaf_id = (SELECT id FROM audit_leaves WHERE idx = 3)";
    assert_eq!(fixture.tamper(sql).await, 1);
    assert_eq!(faults(&fixture).await, [LogFault::PayloadWithheld]);

    let fixture = written().await;
    let id = fixture.write(json!({"text": "my number is 000-00-0000"})).await;
    fixture.sequence().await;
    let mut tx = fixture.db.store().audit().begin().await.unwrap();
    audit::erase(&mut tx, id, "asked for", now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(faults(&fixture).await, [], "before the erasure itself is sequenced");
    fixture.sequence().await;
    assert_eq!(faults(&fixture).await, []);
}

#[tokio::test]
async fn an_edited_leaf_is_named_even_with_its_hash_made_to_fit() {
    let fixture = written().await;
    let sql = "UPDATE audit_leaves SET entry = overlay(entry PLACING '\\xff' FROM octet_length(entry)),
               leaf_hash = sha256('\\x00'::bytea || overlay(entry PLACING '\\xff' FROM octet_length(entry))) WHERE idx = 6";
    assert_eq!(fixture.tamper(sql).await, 1);
    let found = faults(&fixture).await;
    assert!(found.contains(&LogFault::LeafEdited), "{found:?}");
    assert!(found.contains(&LogFault::PayloadEdited), "{found:?}");
    assert!(!fixture.verify(&fixture.bundle().await).ok);
}

#[tokio::test]
async fn a_dropped_leaf_and_a_cut_tail_are_named() {
    let fixture = written().await;
    fixture.tamper("DELETE FROM audit_leaves WHERE idx = 7").await;
    let found = faults(&fixture).await;
    assert_eq!(found, [LogFault::LeafReordered, LogFault::LeafDropped]);
    fixture
        .tamper(
            "UPDATE audit_leaves SET entry = overlay(entry PLACING '\\xff' FROM 5) WHERE idx = 100",
        )
        .await;
    assert!(faults(&fixture).await.contains(&LogFault::LeafEdited));

    let fixture = written().await;
    fixture.tamper("DELETE FROM audit_leaves WHERE idx > 305").await;
    assert_eq!(faults(&fixture).await, [LogFault::LeafDropped, LogFault::RolledBack]);
}

#[tokio::test]
async fn leaves_in_each_others_place_are_named() {
    let fixture = written().await;
    fixture.tamper("UPDATE audit_leaves SET idx = 1000 WHERE idx = 4").await;
    fixture.tamper("UPDATE audit_leaves SET idx = 4 WHERE idx = 5").await;
    fixture.tamper("UPDATE audit_leaves SET idx = 5 WHERE idx = 1000").await;
    let found = faults(&fixture).await;
    assert!(found.contains(&LogFault::LeafReordered), "{found:?}");
    assert!(found.contains(&LogFault::LeafEdited), "{found:?}");
}

#[tokio::test]
async fn an_edited_tile_or_checkpoint_is_named_and_nothing_more_is_signed() {
    let fixture = written().await;
    fixture.tamper("UPDATE audit_tiles SET hashes = overlay(hashes PLACING '\\x00ff' FROM 9) WHERE level = 0 AND n = 1").await;
    assert_eq!(faults(&fixture).await, [LogFault::TileEdited]);
    fixture.write(json!({})).await;
    let refused = sequence(fixture.db.store().audit(), &fixture.log, now()).await;
    assert!(matches!(refused, Err(AuditError::Tampered(_))), "{refused:?}");

    let fixture = written().await;
    fixture.tamper("UPDATE audit_checkpoints SET note = replace(note, '309', '308')").await;
    assert_eq!(faults(&fixture).await, [LogFault::CheckpointEdited]);
    fixture.write(json!({})).await;
    let refused = sequence(fixture.db.store().audit(), &fixture.log, now()).await;
    assert!(matches!(refused, Err(AuditError::Tampered(_))), "{refused:?}");
}

/// A database restored from an old copy is whole in itself: only the memory beside the key tells.
#[tokio::test]
async fn a_database_rolled_back_as_a_whole_is_noticed_and_not_signed() {
    let fixture = written().await;
    fixture.tamper("DELETE FROM audit_leaves WHERE idx >= 300").await;
    fixture.tamper("DELETE FROM audit_checkpoints WHERE tree_size > 300").await;
    fixture.tamper("UPDATE audit_tiles SET hashes = substring(hashes FROM 1 FOR 44 * 32) WHERE level = 0 AND n = 1").await;
    assert_eq!(faults(&fixture).await, [LogFault::RolledBack]);
    fixture.write(json!({})).await;
    let refused = sequence(fixture.db.store().audit(), &fixture.log, now()).await;
    assert!(
        matches!(refused, Err(AuditError::RolledBack { signed: 309, found: 300 })),
        "{refused:?}"
    );
}

/// Two databases under one key: whichever signs second with another history is refused.
#[tokio::test]
async fn another_history_under_the_same_key_is_noticed_and_not_signed() {
    let fixture = written().await;
    let other = Fixture {
        log: audit::Log::open(fixture.folder.path(), ORIGIN).unwrap(),
        ..Fixture::new().await
    };
    std::fs::rename(fixture.folder.path().join("audit.signed"), fixture.folder.path().join("kept"))
        .unwrap();
    other.fill(400).await;
    other.sequence().await;
    std::fs::rename(fixture.folder.path().join("kept"), fixture.folder.path().join("audit.signed"))
        .unwrap();
    other.write(json!({})).await;
    let refused = sequence(other.db.store().audit(), &other.log, now()).await;
    assert!(matches!(refused, Err(AuditError::Forked { signed: 309 })), "{refused:?}");
}
