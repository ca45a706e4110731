//! The outbox: at least once, in order, without gaps.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::PgPool;
use store::outbox::{self, NewEvent};

async fn append(pool: &PgPool, stream: &str, kind: &str) {
    let recorded_at: DateTime<Utc> = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
    let event = NewEvent { stream, kind, payload: &json!({}), recorded_at };
    outbox::append(&mut pool.acquire().await.unwrap(), &event).await.unwrap();
}

async fn sequence(pool: &PgPool, limit: u32) -> u64 {
    let mut tx = pool.begin().await.unwrap();
    let done = outbox::sequence(&mut tx, limit).await.unwrap();
    tx.commit().await.unwrap();
    done
}

async fn read(pool: &PgPool, after: u64) -> Vec<(u64, String)> {
    let events = outbox::read_after(&mut pool.acquire().await.unwrap(), after, 100).await.unwrap();
    events.into_iter().map(|event| (event.position, event.kind)).collect()
}

#[tokio::test]
async fn an_event_of_a_transaction_that_failed_is_never_told() {
    let database = store::testing::database().await;
    let pool = database.store().app();
    let mut tx = pool.begin().await.unwrap();
    let event = NewEvent {
        stream: "credit_line:1",
        kind: "never",
        payload: &json!({}),
        recorded_at: DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
    };
    outbox::append(&mut tx, &event).await.unwrap();
    tx.rollback().await.unwrap();
    append(pool, "credit_line:1", "told").await;
    assert_eq!(sequence(pool, 10).await, 1);
    assert_eq!(read(pool, 0).await, [(1, "told".to_owned())], "and it leaves no gap");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_have_no_gaps_and_keep_the_order_of_each_stream_however_many_sequence() {
    let database = store::testing::database().await;
    let pool = database.store().app();
    let mut tasks = tokio::task::JoinSet::new();
    for stream in 0..4 {
        let pool = pool.clone();
        tasks.spawn(async move {
            for n in 0..20 {
                append(&pool, &format!("credit_line:{stream}"), &format!("{stream}-{n:02}")).await;
                sequence(&pool, 3).await;
            }
        });
    }
    tasks.join_all().await;
    while sequence(pool, 7).await > 0 {}
    let events = read(pool, 0).await;
    assert!(events.iter().map(|(position, _)| *position).eq(1..=80));
    for stream in 0..4 {
        let prefix = format!("{stream}-");
        let told: Vec<_> = events.iter().filter(|(_, kind)| kind.starts_with(&prefix)).collect();
        assert!(told.is_sorted_by_key(|(_, kind)| kind), "{told:?}");
    }
}

#[tokio::test]
async fn a_consumer_reads_on_from_where_it_was_and_never_goes_back() {
    let database = store::testing::database().await;
    let pool = database.store().app();
    for kind in ["a", "b", "c"] {
        append(pool, "credit_line:1", kind).await;
    }
    sequence(pool, 10).await;
    let mut conn = pool.acquire().await.unwrap();
    assert_eq!(outbox::cursor(&mut conn, "webhooks").await.unwrap(), 0);
    outbox::advance(&mut conn, "webhooks", 2).await.unwrap();
    outbox::advance(&mut conn, "webhooks", 1).await.unwrap();
    let position = outbox::cursor(&mut conn, "webhooks").await.unwrap();
    assert_eq!(read(pool, position).await, [(3, "c".to_owned())]);
    assert_eq!(outbox::cursor(&mut conn, "nats").await.unwrap(), 0, "each consumer has its own");
}
