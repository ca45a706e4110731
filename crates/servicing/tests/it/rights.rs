//! What PostgreSQL itself refuses to the role under which a model's turn runs.

use crate::house::House;

const FORBIDDEN: &[&str] = &[
    "INSERT INTO grants SELECT FROM intents",
    "INSERT INTO receipts SELECT FROM intents",
    "INSERT INTO payments SELECT FROM intents",
    "INSERT INTO draws SELECT FROM intents",
    "INSERT INTO postings SELECT FROM intents",
    "INSERT INTO entries SELECT FROM intents",
    "INSERT INTO rail_files SELECT FROM intents",
    "INSERT INTO jobs SELECT FROM intents",
    "INSERT INTO sessions SELECT FROM intents",
    "INSERT INTO decisions SELECT FROM intents",
    "INSERT INTO credit_lines SELECT FROM intents",
    "UPDATE payments SET status = 'cancelled'",
    "UPDATE revocations SET revoked_at = '-infinity'",
    "DELETE FROM revocations",
    "UPDATE flags SET cleared_on = raised_on",
    "UPDATE cases SET status = 'closed'",
    "UPDATE credit_lines SET terms = '{}'",
    "UPDATE messages SET text = ''",
    "DELETE FROM steps",
    "SELECT account_number FROM bank_account_numbers",
    "SELECT token_digest FROM sessions",
];

#[tokio::test]
async fn a_models_turn_writes_no_grant_receipt_payment_or_posting_and_reads_no_secret() {
    let house = House::on("2026-11-20").await;
    for sql in FORBIDDEN {
        let done = sqlx::query(sqlx::AssertSqlSafe(*sql))
            .execute(house.database.store().turn())
            .await
            .map_err(store::StoreError::from);
        assert!(done.is_err_and(|error| error.lacks_privilege()), "{sql}");
    }
}

#[tokio::test]
async fn a_models_turn_cannot_mark_an_intent_confirmed_or_insert_a_confirmed_one() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let insert = |status: &str, settled: &str| {
        format!(
            "INSERT INTO intents (id, customer_id, tool, tool_version, subject, arguments, arguments_digest, title,
                                  effect, fields, limits, status, proposed_at, expires_at, settled_at)
             VALUES (gen_random_uuid(), '{}', 't', '1', 's', '{{}}', sha256(''), 't', 'e', '[]', '{{}}', '{status}',
                     now(), now() + interval '1 hour', {settled})",
            ann.id
        )
    };
    let turn = house.database.store().turn();
    let forged = sqlx::query(sqlx::AssertSqlSafe(insert("confirmed", "now()"))).execute(turn).await;
    assert!(forged.is_err());
    sqlx::query(sqlx::AssertSqlSafe(insert("awaiting_confirmation", "NULL")))
        .execute(turn)
        .await
        .unwrap();
    for status in ["confirmed", "refused"] {
        let sql = format!("UPDATE intents SET status = '{status}', settled_at = now()");
        assert!(sqlx::query(sqlx::AssertSqlSafe(sql)).execute(turn).await.is_err(), "{status}");
    }
    sqlx::query("UPDATE intents SET status = 'superseded', settled_at = now()")
        .execute(turn)
        .await
        .unwrap();
}

#[tokio::test]
async fn account_numbers_are_read_by_the_rails_and_by_nobody_else() {
    let house = House::on("2026-11-20").await;
    house.person("Ann").await;
    let store = house.database.store();
    let read = "SELECT count(*) FROM bank_account_numbers";
    for pool in [store.app(), store.turn(), store.audit()] {
        assert!(sqlx::query(read).fetch_one(pool).await.is_err());
    }
    assert!(sqlx::query(read).fetch_one(store.rails()).await.is_ok());
    let everywhere = house
        .count("SELECT count(*) FROM audit_payloads WHERE payload LIKE '%000111224242%'")
        .await;
    assert_eq!(everywhere, 0);
}
