//! A turn has one driver, whatever becomes of connections and of tasks.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use chrono::DateTime;
use identity::TurnId;
use store::{answering::Answering, testing::TestDatabase};

fn turn() -> TurnId {
    TurnId::mint(DateTime::from_timestamp(1_790_000_000, 0).unwrap())
}

/// Ends every session that holds a lock.
async fn cut(database: &TestDatabase) {
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_locks
          WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
    )
    .execute(database.owner())
    .await
    .unwrap();
}

#[tokio::test]
async fn a_turn_that_is_dropped_can_be_taken_by_another() {
    let database = store::testing::database().await;
    let (one, other) = (Answering::new(database.store()), Answering::new(database.store()));
    let turn = turn();
    let taken = one.take(turn).await.unwrap().unwrap();
    assert!(one.take(turn).await.unwrap().is_none());
    assert!(other.take(turn).await.unwrap().is_none());
    drop(taken);
    let taken = loop {
        match other.take(turn).await.unwrap() {
            Some(taken) => break taken,
            None => tokio::task::yield_now().await,
        }
    };
    taken.give_back().await;
    assert!(one.take(turn).await.unwrap().is_some());
}

#[tokio::test]
async fn a_turn_that_another_took_while_the_connection_was_lost_is_no_longer_held() {
    let database = store::testing::database().await;
    let (one, other) = (Answering::new(database.store()), Answering::new(database.store()));
    let (lost, kept) = (turn(), turn());
    let was_ours = one.take(lost).await.unwrap().unwrap();
    let still_ours = one.take(kept).await.unwrap().unwrap();
    cut(&database).await;
    let theirs = loop {
        match other.take(lost).await.unwrap() {
            Some(taken) => break taken,
            None => tokio::task::yield_now().await,
        }
    };
    let next = one.take(turn()).await.unwrap().unwrap();
    assert!(next.held().await && still_ours.held().await);
    assert!(!was_ours.held().await);
    // To give back what is another's takes nothing from them.
    was_ours.give_back().await;
    assert!(one.take(lost).await.unwrap().is_none());
    theirs.give_back().await;
}
