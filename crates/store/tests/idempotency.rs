//! The same key: one effect, one answer.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use chrono::{DateTime, Utc};
use identity::{Actor, CustomerId};
use serde_json::{Value, json};
use sqlx::{Connection, PgPool};
use store::{
    StoreError,
    idempotency::{self, Claim, Request},
};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

fn customer() -> Actor {
    Actor::Customer { id: CustomerId::mint(now()) }
}

fn request(actor: &Actor, key: &str, cents: i64) -> Request {
    Request::new(actor, key, "schedule_payment", &json!({ "cents": cents })).unwrap()
}

async fn effects(pool: &PgPool) -> i64 {
    sqlx::query_scalar("SELECT count(*) FROM outbox").fetch_one(pool).await.unwrap()
}

/// A use case: claim, one effect, answer with the effect's own number.
async fn pay(pool: &PgPool, request: &Request) -> Result<Value, StoreError> {
    let mut tx = pool.begin().await?;
    if let Claim::Answered(answer) = idempotency::claim(&mut tx, request, now()).await? {
        return Ok(answer);
    }
    let id: i64 = sqlx::query_scalar(
        "INSERT INTO outbox (stream, kind, payload, recorded_at) VALUES ('s', 'paid', '{}', now()) RETURNING id",
    )
    .fetch_one(&mut *tx)
    .await?;
    let answer = json!({ "receipt": id });
    idempotency::answer(&mut tx, request, &answer).await?;
    tx.commit().await?;
    Ok(answer)
}

#[tokio::test]
async fn the_same_request_sent_again_has_the_same_answer_and_no_second_effect() {
    let database = store::testing::database().await;
    let pool = database.store().app();
    let request = request(&customer(), "key-0001", 5_000);
    let first = pay(pool, &request).await.unwrap();
    let second = pay(pool, &request).await.unwrap();
    assert_eq!(first, second);
    assert_eq!(effects(pool).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_callers_with_one_key_have_one_effect_and_one_answer() {
    let database = store::testing::database().await;
    let request = request(&customer(), "key-0001", 5_000);
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let (pool, request) = (database.store().app().clone(), request.clone());
        callers.spawn(async move { pay(&pool, &request).await.unwrap() });
    }
    let mut answers = callers.join_all().await;
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(effects(database.store().app()).await, 1);
}

#[tokio::test]
async fn one_key_cannot_ask_for_two_different_things() {
    let database = store::testing::database().await;
    let pool = database.store().app();
    let actor = customer();
    pay(pool, &request(&actor, "key-0001", 5_000)).await.unwrap();
    let other_body = pay(pool, &request(&actor, "key-0001", 5_001)).await;
    assert!(matches!(other_body, Err(StoreError::KeyReused { key }) if key == "key-0001"));
    let other_use_case =
        Request::new(&actor, "key-0001", "cancel_payment", &json!({ "cents": 5_000 })).unwrap();
    assert!(matches!(pay(pool, &other_use_case).await, Err(StoreError::KeyReused { .. })));
    assert_eq!(effects(pool).await, 1);
}

#[tokio::test]
async fn the_same_key_of_somebody_else_is_another_key() {
    let database = store::testing::database().await;
    let pool = database.store().app();
    let first = pay(pool, &request(&customer(), "key-0001", 5_000)).await.unwrap();
    let second = pay(pool, &request(&customer(), "key-0001", 9_900)).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(effects(pool).await, 2);
}

#[tokio::test]
async fn a_request_that_failed_leaves_its_key_free() {
    let database = store::testing::database().await;
    let pool = database.store().app();
    let request = request(&customer(), "key-0001", 5_000);
    let mut tx = pool.begin().await.unwrap();
    let claim: Claim<Value> = idempotency::claim(&mut tx, &request, now()).await.unwrap();
    assert_eq!(claim, Claim::Fresh);
    tx.rollback().await.unwrap();
    pay(pool, &request).await.unwrap();
    assert_eq!(effects(pool).await, 1);
}

#[tokio::test]
async fn a_key_cannot_commit_without_its_answer() {
    let database = store::testing::database().await;
    let mut conn = database.store().app().acquire().await.unwrap();
    let mut tx = conn.begin().await.unwrap();
    let request = request(&customer(), "key-0001", 5_000);
    let _: Claim<Value> = idempotency::claim(&mut tx, &request, now()).await.unwrap();
    let refused = StoreError::from(tx.commit().await.unwrap_err());
    assert_eq!(refused.constraint(), Some("idempotency_answered"));
}
