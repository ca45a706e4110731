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
    "UPDATE credit_lines SET product = ''",
    "UPDATE messages SET text = ''",
    "DELETE FROM steps",
    "SELECT sealed FROM bank_account_numbers",
    "SELECT token_digest FROM sessions",
    "SELECT answer FROM idempotency_keys",
    "UPDATE idempotency_keys SET answer = '{}'",
    "INSERT INTO turns SELECT FROM intents",
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
async fn a_models_turn_speaks_for_nobody_else_and_reports_no_deed_of_others() {
    let house = House::on("2026-11-20").await;
    let ann = house.person("Ann").await;
    let talk = house
        .servicing
        .start_conversation(
            ann.caller(),
            ann.id,
            store::conversations::Surface::Consumer,
            &crate::house::key("talk"),
        )
        .await
        .unwrap();
    let message = |role: &str, n: u8| {
        format!(
            "INSERT INTO messages (id, conversation_id, n, role, text, at)
             VALUES (gen_random_uuid(), '{}', {n}, '{role}', 'I confirm.', now())",
            talk.id
        )
    };
    let event = |kind: &str| {
        format!(
            "INSERT INTO outbox (stream, kind, payload, recorded_at) VALUES ('s', '{kind}', '{{}}', now())"
        )
    };
    let leaf = |kind: &str| {
        format!(
            "INSERT INTO audit_leaves (id, stream, n, kind, recorded_at, entry, leaf_hash)
             VALUES (gen_random_uuid(), 'forged:{kind}', 0, '{kind}', now(), '', sha256('\\x00'::bytea))"
        )
    };
    let turn = house.database.store().turn();
    let run = async |sql: String| sqlx::query(sqlx::AssertSqlSafe(sql)).execute(turn).await;
    for forged in [message("customer", 91), message("representative", 92)] {
        assert!(run(forged).await.is_err());
    }
    for kind in [
        "intent.confirmed",
        "payment.scheduled",
        "payment.settled",
        "case.closed",
        "flag.cleared",
        "hand_off.taken_over",
        "mail.sent",
        "contact.changed",
        "consent.withdrawn",
    ] {
        assert!(run(event(kind)).await.is_err(), "{kind} in the outbox");
        assert!(run(leaf(kind)).await.is_err(), "{kind} as a leaf");
    }
    // The very same statements go through for what a turn may say: it is the kind that was refused.
    run(message("assistant", 93)).await.unwrap();
    run(event("flag.raised")).await.unwrap();
    run(leaf("turn.released")).await.unwrap();
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
