//! Sheets that can no longer be confirmed, and grants that nobody gave, judged by the books and the bank.

use serde_json::{Value, json};

use crate::{
    run::{Left, Run, SETTLED},
    stage::Stage,
};

/// No payment was made, posted or sent, and nothing says that one was permitted.
fn check_nothing_paid(left: &Left) {
    for table in ["payments", "rail_files", "receipts", "grants", "entries", "postings"] {
        let found = left.rows.of(table);
        let of_payments =
            |row: &&Value| !matches!(table, "entries" | "postings") || is_payment(row);
        let found: Vec<&Value> = found.iter().filter(of_payments).collect();
        assert!(found.is_empty(), "{table}: {found:?}");
    }
    let events = left.rows.of("line_events");
    assert!(events.iter().all(|row| row["kind"] != "payment_received"), "{events:?}");
    assert_eq!(left.bank, json!([]), "the bank was told to take something");
}

/// The days go by for everybody: a cycle that closes posts interest. A payment posts cash, or a posting of its kind.
fn is_payment(row: &Value) -> bool {
    row["kind"].as_str().is_some_and(|kind| kind.contains("payment"))
}

#[tokio::test]
async fn an_expired_sheet_is_refused_and_moves_nothing() {
    let stage = Stage::set().await;
    let mut run = Run::begin(&stage, None).await;
    let who = run.sign_in().await;
    let (_, intent) = run.propose(&who).await;
    run.move_clock("2026-11-30").await;
    let who = run.sign_in().await;
    let before = run.get(&who, "/v1/position").await;

    let path = format!("/v1/intents/{intent}");
    assert_eq!(run.get(&who, &path).await["status"], "expired");
    for key in ["key-confirm", "key-confirm", "key-confirm-again"] {
        let answer = run.post(&who, &format!("{path}/confirm"), key, &json!({})).await;
        assert_eq!(answer.problem(), (410, "expired".to_owned()));
    }
    assert_eq!(run.get(&who, "/v1/position").await, before);
    assert_eq!(run.get(&who, &path).await["receipt"], Value::Null);

    run.move_clock(SETTLED).await;
    check_nothing_paid(&run.end(Vec::new()).await);
}

/// Inserts a grant for the one intent there is, as the role says.
async fn forge(run: &Run<'_>, role: &str) -> String {
    let mut tx = run.pool().begin().await.unwrap();
    let set_role = sqlx::AssertSqlSafe(format!("SET LOCAL ROLE {role}"));
    sqlx::raw_sql(set_role).execute(&mut *tx).await.unwrap();
    let inserted = sqlx::query(
        "INSERT INTO grants (id, intent_id, actor, level, arguments_digest, granted_at)
         SELECT gen_random_uuid(), id, jsonb_build_object('kind', 'customer', 'id', customer_id), 2,
                arguments_digest, proposed_at
           FROM intents",
    );
    if let Err(error) = inserted.execute(&mut *tx).await {
        return error.to_string();
    }
    tx.commit().await.expect_err("a forged grant was committed").to_string()
}

#[tokio::test]
async fn a_forged_grant_is_refused_by_the_database_and_the_true_one_still_counts() {
    let stage = Stage::set().await;
    let mut run = Run::begin(&stage, None).await;
    let who = run.sign_in().await;
    let (_, intent) = run.propose(&who).await;
    let by_turn = forge(&run, "plumbline_turn").await;
    assert!(by_turn.contains("permission denied for table grants"), "{by_turn}");
    let by_app = forge(&run, "plumbline_app").await;
    assert!(by_app.contains("has no receipt"), "{by_app}");

    let path = format!("/v1/intents/{intent}");
    assert_eq!(run.get(&who, &path).await["status"], "awaiting_confirmation");
    run.move_clock(SETTLED).await;
    check_nothing_paid(&run.end(Vec::new()).await);

    let mut run = Run::begin(&stage, None).await;
    let who = run.sign_in().await;
    let (_, intent) = run.propose(&who).await;
    forge(&run, "plumbline_app").await;
    let path = format!("/v1/intents/{intent}/confirm");
    let receipt = run.post(&who, &path, "key-confirm", &json!({})).await.ok();
    assert_eq!(receipt["intent_id"], intent.as_str());
    let left = run.end(Vec::new()).await;
    assert_eq!(left.rows.of("grants").len(), 1);
    assert_eq!(left.rows.of("payments").len(), 1);
}
