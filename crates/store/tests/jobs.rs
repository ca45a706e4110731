//! Durable jobs: each done once, with its effects or not at all.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use chrono::{DateTime, Duration, Utc};
use identity::JobId;
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use store::{
    StoreError,
    jobs::{self, AfterFailure, NewJob},
};

const KIND: &str = "release_payment";
const KINDS: &[&str] = &[KIND];

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

async fn enqueue(pool: &PgPool, key: Option<&str>, run_at: DateTime<Utc>) -> (JobId, bool) {
    let id = JobId::mint(now());
    let job = NewJob { id, kind: KIND, key, payload: &json!({}), run_at, recorded_at: now() };
    let kept = jobs::enqueue(&mut pool.acquire().await.unwrap(), &job).await.unwrap();
    (id, kept)
}

/// The effect of a job: a row that names it.
async fn act(conn: &mut PgConnection, job: JobId) {
    sqlx::query(
        "INSERT INTO outbox (stream, kind, payload, recorded_at) VALUES ('s', $1, '{}', now())",
    )
    .bind(job.to_string())
    .execute(conn)
    .await
    .unwrap();
}

async fn effects(pool: &PgPool) -> Vec<String> {
    sqlx::query_scalar("SELECT kind FROM outbox ORDER BY kind").fetch_all(pool).await.unwrap()
}

/// Takes and does jobs until none is due.
async fn work(pool: PgPool) -> u32 {
    let mut done = 0;
    loop {
        let mut tx = pool.begin().await.unwrap();
        let Some(job) = jobs::take(&mut tx, KINDS, now()).await.unwrap() else { return done };
        act(&mut tx, job.id).await;
        jobs::complete(&mut tx, job.id, now()).await.unwrap();
        tx.commit().await.unwrap();
        done += 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_workers_do_each_job_once() {
    let database = store::testing::database().await;
    let pool = database.store().app();
    let mut expected = Vec::new();
    for _ in 0..60 {
        expected.push(enqueue(pool, None, now()).await.0.to_string());
    }
    expected.sort();
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..6 {
        workers.spawn(work(pool.clone()));
    }
    assert_eq!(workers.join_all().await.into_iter().sum::<u32>(), 60);
    assert_eq!(effects(pool).await, expected);
}

#[tokio::test]
async fn a_job_waits_for_its_time_and_the_longest_due_goes_first() {
    let database = store::testing::database().await;
    let pool = database.store().app();
    let (later, _) = enqueue(pool, None, now() + Duration::hours(1)).await;
    let (second, _) = enqueue(pool, None, now()).await;
    let (first, _) = enqueue(pool, None, now() - Duration::hours(1)).await;
    let mut order = Vec::new();
    for at in [now(), now(), now(), now() + Duration::hours(1)] {
        let mut tx = pool.begin().await.unwrap();
        let job = jobs::take(&mut tx, KINDS, at).await.unwrap();
        if let Some(job) = &job {
            jobs::complete(&mut tx, job.id, at).await.unwrap();
        }
        order.push(job.map(|job| job.id));
        tx.commit().await.unwrap();
    }
    assert_eq!(order, [Some(first), Some(second), None, Some(later)]);
}

#[tokio::test]
async fn a_worker_that_dies_leaves_neither_effect_nor_lock() {
    let database = store::testing::database().await;
    let pool = database.store().app();
    let (id, _) = enqueue(pool, None, now()).await;
    let mut tx = pool.begin().await.unwrap();
    let job = jobs::take(&mut tx, KINDS, now()).await.unwrap().unwrap();
    act(&mut tx, job.id).await;
    jobs::complete(&mut tx, job.id, now()).await.unwrap();
    // Dropped without a commit, as by a process that was killed.
    drop(tx);
    assert!(effects(pool).await.is_empty());
    assert_eq!(work(pool.clone()).await, 1);
    assert_eq!(effects(pool).await, [id.to_string()]);
}

#[tokio::test]
async fn a_job_that_is_being_done_is_not_given_to_another() {
    let database = store::testing::database().await;
    let pool = database.store().app();
    enqueue(pool, None, now()).await;
    let (mut one, mut other) = (pool.begin().await.unwrap(), pool.begin().await.unwrap());
    assert!(jobs::take(&mut one, KINDS, now()).await.unwrap().is_some());
    assert_eq!(jobs::take(&mut other, KINDS, now()).await.unwrap(), None);
}

#[tokio::test]
async fn a_finished_job_cannot_be_completed_again() {
    let database = store::testing::database().await;
    let mut conn = database.store().app().acquire().await.unwrap();
    let (id, _) = enqueue(database.store().app(), None, now()).await;
    jobs::complete(&mut conn, id, now()).await.unwrap();
    let again = jobs::complete(&mut conn, id, now()).await;
    assert!(matches!(again, Err(StoreError::JobLost { job }) if job == id));
}

#[tokio::test]
async fn a_failed_job_is_tried_later_until_it_is_given_up() {
    let database = store::testing::database().await;
    let mut conn = database.store().app().acquire().await.unwrap();
    let (id, _) = enqueue(database.store().app(), None, now()).await;
    let later = now() + Duration::minutes(5);
    let fails = async |conn: &mut PgConnection, then, at| {
        jobs::fail(conn, id, "the bank did not answer", then, at).await.unwrap()
    };
    assert!(fails(&mut conn, AfterFailure::RetryAt(later), now()).await);
    assert_eq!(jobs::take(&mut conn, KINDS, now()).await.unwrap(), None);
    let again = jobs::take(&mut conn, KINDS, later).await.unwrap().unwrap();
    assert_eq!((again.id, again.attempts), (id, 1));
    assert!(fails(&mut conn, AfterFailure::GiveUp, later).await);
    assert_eq!(jobs::take(&mut conn, KINDS, later).await.unwrap(), None);
    assert_eq!(jobs::count_due(&mut conn, later).await.unwrap(), 0);
    // What is finished does not fail once more.
    assert!(!fails(&mut conn, AfterFailure::RetryAt(later), later).await);
    assert_eq!(jobs::count_due(&mut conn, later).await.unwrap(), 0);
}

#[tokio::test]
async fn only_the_first_job_of_a_key_is_kept() {
    let database = store::testing::database().await;
    let pool = database.store().app();
    assert!(enqueue(pool, Some("payment:1"), now()).await.1);
    assert!(!enqueue(pool, Some("payment:1"), now()).await.1);
    assert!(enqueue(pool, Some("payment:2"), now()).await.1);
    let payloads: Vec<Value> =
        sqlx::query_scalar("SELECT payload FROM jobs").fetch_all(pool).await.unwrap();
    assert_eq!(payloads.len(), 2);
}
