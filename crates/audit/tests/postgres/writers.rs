use std::time::Duration;

use audit::{Leaf, LeafBody, Stream, append, append_all, append_held, erase, read, take_free};
use identity::{ConversationId, CreditLineId};
use serde_json::json;
use tokio::time::timeout;

use crate::fixture::*;

#[tokio::test]
async fn writers_of_different_streams_never_wait_and_those_of_one_stream_do() {
    let fixture = Fixture::new().await;
    let leaf = |stream| Leaf::new(stream, "test.leaf", now(), json!({}));
    let line = Stream::CreditLine(CreditLineId::mint(now()));
    let (mut first, mut second) =
        (fixture.app().begin().await.unwrap(), fixture.app().begin().await.unwrap());
    append(&mut first, leaf(line)).await.unwrap();
    append(&mut second, leaf(fixture.stream())).await.unwrap();

    let waits = timeout(Duration::from_millis(200), append(&mut second, leaf(line))).await;
    assert!(waits.is_err(), "the second writer of a stream waits for the first to commit");
    drop(second);
    first.commit().await.unwrap();
    fixture.write_to(line, json!({})).await;
    assert_eq!(count(&fixture, line).await, 2);
}

#[tokio::test]
async fn a_leaf_exists_only_if_its_effect_does() {
    let fixture = Fixture::new().await;
    let mut tx = fixture.app().begin().await.unwrap();
    append(&mut tx, Leaf::new(fixture.stream(), "test.leaf", now(), json!({}))).await.unwrap();
    tx.rollback().await.unwrap();
    assert_eq!(count(&fixture, fixture.stream()).await, 0);
}

#[tokio::test]
async fn leaves_written_together_are_a_chain_like_those_written_one_by_one() {
    let fixture = Fixture::new().await;
    fixture.write(json!({"n": "before"})).await;
    let body = |n: u32| LeafBody { kind: "test.leaf".into(), at: now(), payload: json!({"n": n}) };
    let mut tx = fixture.app().begin().await.unwrap();
    let ids = append_all(&mut tx, fixture.stream(), (0..5).map(body).collect()).await.unwrap();
    tx.commit().await.unwrap();
    fixture.write(json!({"n": "after"})).await;

    assert_eq!(ids.len(), 5);
    assert_eq!(fixture.sequence().await, 7);
    let report = fixture.verify(&fixture.bundle().await);
    assert!(report.ok, "{report:?}");
    assert_eq!(report.checked.leaves, 7);
}

#[tokio::test]
async fn whoever_writes_to_many_streams_takes_those_that_are_free_and_continues_their_chains() {
    let fixture = Fixture::new().await;
    let line = |_| Stream::CreditLine(CreditLineId::mint(now()));
    let [fresh, taken] = [0, 1].map(line);
    fixture.write(json!({"n": "before"})).await;
    let mut other = fixture.app().begin().await.unwrap();
    append(&mut other, Leaf::new(taken, "test.leaf", now(), json!({}))).await.unwrap();

    let body = |n: u32| LeafBody { kind: "test.leaf".into(), at: now(), payload: json!({"n": n}) };
    let bodies = || (0..3).map(body).collect::<Vec<_>>();
    let mut tx = fixture.app().begin().await.unwrap();
    let held = take_free(&mut tx, &[fixture.stream(), fresh, taken]).await.unwrap();
    assert!(held.holds(fixture.stream()) && held.holds(fresh) && !held.holds(taken));
    let refused = append_held(&mut tx, &held, vec![(taken, bodies())]).await;
    assert!(refused.is_err(), "a stream that is not held");
    append_held(&mut tx, &held, vec![(fixture.stream(), bodies()), (fresh, bodies())])
        .await
        .unwrap();
    tx.commit().await.unwrap();
    other.commit().await.unwrap();
    fixture.write(json!({"n": "after"})).await;

    assert_eq!(fixture.sequence().await, 9);
    let report = fixture.verify(&fixture.bundle().await);
    assert!(report.ok, "{report:?}");
    assert_eq!(count(&fixture, fresh).await, 3);
    assert_eq!(count(&fixture, fixture.stream()).await, 5);
}

#[tokio::test]
async fn twenty_writers_of_one_stream_leave_one_chain() {
    let fixture = Fixture::new().await;
    let writes = (0..20).map(|n| fixture.write(json!({"n": n})));
    futures::future::join_all(writes).await;
    assert_eq!(fixture.sequence().await, 20);
    let report = fixture.verify(&fixture.bundle().await);
    assert!(report.ok, "{report:?}");
    assert_eq!(report.checked.leaves, 20);
}

#[tokio::test]
async fn an_erased_payload_is_gone_and_the_bundle_says_so_and_verifies() {
    let fixture = Fixture::new().await;
    let id = fixture.write(json!({"text": "my number is 000-00-0000"})).await;
    fixture.write(json!({"text": "never mind"})).await;
    fixture.sequence().await;

    let mut tx = fixture.db.store().audit().begin().await.unwrap();
    erase(&mut tx, id, "asked for", now()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(fixture.sequence().await, 1);

    let bundle = fixture.bundle().await;
    assert!(!bundle.to_json().unwrap().contains("000-00-0000"));
    let report = fixture.verify(&bundle);
    assert!(report.ok, "{report:?}");
    assert_eq!((report.checked.leaves, report.checked.erased), (3, 1));

    let mut conn = fixture.app().acquire().await.unwrap();
    let leaves = read(&mut conn, fixture.stream()).await.unwrap();
    let seen: Vec<_> =
        leaves.iter().map(|leaf| (leaf.n, leaf.index, leaf.payload.is_some())).collect();
    assert_eq!(seen, [(0, Some(0), false), (1, Some(1), true), (2, Some(2), true)]);
    assert_eq!(leaves[1].payload, Some(json!({"text": "never mind"})));

    let mut tx = fixture.db.store().audit().begin().await.unwrap();
    assert!(erase(&mut tx, id, "again", now()).await.is_err());
}

#[tokio::test]
async fn a_bundle_is_of_one_conversation_and_asks_for_sequenced_leaves() {
    let fixture = Fixture::new().await;
    let audit = fixture.db.store().audit();
    let unknown = audit::export(audit, &fixture.log, fixture.conversation, None).await;
    assert!(matches!(unknown, Err(audit::AuditError::UnknownStream(_))));
    fixture.write(json!({})).await;
    let early = audit::export(audit, &fixture.log, fixture.conversation, None).await;
    assert!(matches!(early, Err(audit::AuditError::NotYetSequenced(_))));

    let other = Stream::Conversation(ConversationId::mint(now()));
    fixture.write_to(other, json!({"secret": "of somebody else"})).await;
    fixture.sequence().await;
    let json = fixture.bundle().await.to_json().unwrap();
    assert!(!json.contains("somebody else"));
}

async fn count(fixture: &Fixture, stream: Stream) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM audit_leaves WHERE stream = $1")
        .bind(stream.to_string())
        .fetch_one(fixture.app())
        .await
        .unwrap()
}
