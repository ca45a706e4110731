//! What PostgreSQL itself refuses, whatever the program above it does.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use sqlx::{AssertSqlSafe, PgPool};
use store::{StoreError, testing::TestDatabase};

/// Tables that record money moved, or permission to move it: no model's turn may add to them.
const FORBIDDEN_TO_TURNS: &[&str] = &[
    "grants",
    "postings",
    "entries",
    "payments",
    "receipts",
    "draws",
    "credit_lines",
    "bank_accounts",
    "bank_account_numbers",
    "rail_files",
    "jobs",
    "sessions",
    "decisions",
    "esign_consents",
    "opening_records",
    "opening_deliveries",
    "statement_documents",
    // What replay begins with: a forged one is a forged balance.
    "line_snapshots",
];

async fn refuses(pool: &PgPool, sql: String) -> bool {
    let done = sqlx::query(AssertSqlSafe(sql)).execute(pool).await;
    done.is_err_and(|error| StoreError::from(error).lacks_privilege())
}

/// Raw, as a program would do it that has lost its mind: what is asked is whether the database lets it.
async fn insert_is_refused(pool: &PgPool, table: &str) -> bool {
    refuses(pool, format!("INSERT INTO {table} DEFAULT VALUES")).await
}

#[tokio::test]
async fn a_models_turn_may_not_insert_a_grant_a_posting_or_an_entry() {
    let database = store::testing::database().await;
    for table in FORBIDDEN_TO_TURNS {
        assert!(
            insert_is_refused(database.store().turn(), table).await,
            "{table} is open to turns"
        );
    }
    // The very same statement does go through for use cases: it is the role that was refused, not the statement.
    for table in ["grants", "postings", "entries", "payments", "receipts"] {
        assert!(
            !insert_is_refused(database.store().app(), table).await,
            "{table} is closed to use cases"
        );
    }
}

#[tokio::test]
async fn a_models_turn_may_raise_a_flag_on_a_line_and_append_nothing_else() {
    let database = store::testing::database().await;
    let line = open_line(&database).await;
    let insert = |kind: &str| {
        format!(
            "WITH next AS (UPDATE line_heads SET seq = seq + 1 WHERE credit_line_id = '{line}' RETURNING seq)
             INSERT INTO line_events (credit_line_id, seq, effective_on, recorded_at, body)
             SELECT '{line}', seq, now(), now(), '{{\"kind\": \"{kind}\"}}' FROM next"
        )
    };
    let turn = database.store().turn();
    for kind in [
        "opened",
        "drew",
        "payment_received",
        "fee_waived",
        "limit_changed",
        "flag_cleared",
        "adjusted",
    ] {
        assert!(refuses(turn, insert(kind)).await, "a turn appended `{kind}`");
    }
    sqlx::query(AssertSqlSafe(insert("flag_raised"))).execute(turn).await.unwrap();
    sqlx::query(AssertSqlSafe(insert("drew"))).execute(database.store().app()).await.unwrap();
}

/// What a model's turn brings about: it proposes, and protects the customer. Of the rest it may not even say that it happened.
const SAID_IN_A_TURN: &[&str] =
    &["intent.proposed", "case.opened", "case.repeated", "flag.raised", "hand_off.opened"];

#[tokio::test]
async fn a_models_turn_says_what_it_did_and_nothing_else() {
    let database = store::testing::database().await;
    let turn = database.store().turn();
    let told = |kind: &str| {
        format!(
            "INSERT INTO outbox (stream, kind, payload, recorded_at) VALUES ('system', '{kind}', '{{}}', now())"
        )
    };
    // Without the rest of the leaf: what may be said is looked at before whether it is whole.
    let leaf = |kind: &str| format!("INSERT INTO audit_leaves (kind) VALUES ('{kind}')");
    for kind in [
        "period.closed",
        "accrual.posted",
        "payment.credited",
        "payment.not_retried",
        "payment.reversed",
        "receipt.given",
        "intent.confirmed",
        "line.standing_changed",
        "autopay.cancelled",
        "mail.sent",
        "portfolio.boarded",
        "customer.added",
        "conversation.started",
        "turn.message_received",
        "something.new",
    ] {
        assert!(refuses(turn, told(kind)).await, "a turn told `{kind}`");
        assert!(refuses(turn, leaf(kind)).await, "a turn recorded `{kind}`");
    }
    for kind in SAID_IN_A_TURN {
        sqlx::query(AssertSqlSafe(told(kind))).execute(turn).await.expect(kind);
        assert!(!refuses(turn, leaf(kind)).await, "a turn could not record `{kind}`");
    }
    // The steps of the turn itself stand in the record, and are told to nobody.
    assert!(!refuses(turn, leaf("turn.tool_called")).await);
    assert!(refuses(turn, told("turn.tool_called")).await);
}

#[tokio::test]
async fn a_models_turn_sees_of_the_banks_notices_which_payments_came_back_again() {
    let database = store::testing::database().await;
    sqlx::query(
        "INSERT INTO rail_notices (entry, code, told_at)
         VALUES ('one', 'returned_again R10', now()), ('one', 'C01', now()), ('other', 'R01', now())",
    )
    .execute(database.store().app())
    .await
    .unwrap();
    for (pool, seen) in [
        (database.store().turn(), vec!["returned_again R10"]),
        (database.store().audit(), vec!["C01", "R01", "returned_again R10"]),
    ] {
        let codes: Vec<String> = sqlx::query_scalar("SELECT code FROM rail_notices ORDER BY code")
            .fetch_all(pool)
            .await
            .unwrap();
        assert_eq!(codes, seen);
    }
}

#[tokio::test]
async fn nobody_edits_or_deletes_history() {
    let database = store::testing::database().await;
    for role in store::Role::ALL {
        let pool = database.store().pool(role);
        for table in [
            "line_events",
            "line_snapshots",
            "postings",
            "entries",
            "receipts",
            "grants",
            "case_matters",
        ] {
            assert!(
                refuses(pool, format!("DELETE FROM {table}")).await,
                "{role:?} deletes from {table}"
            );
            assert!(
                refuses(pool, format!("TRUNCATE {table} CASCADE")).await,
                "{role:?} empties {table}"
            );
        }
        for (table, column) in [
            ("line_events", "body"),
            ("entries", "amount_cents"),
            ("postings", "kind"),
            ("case_matters", "words"),
        ] {
            let update = format!("UPDATE {table} SET {column} = {column}");
            assert!(refuses(pool, update).await, "{role:?} edits {table}");
        }
    }
}

#[tokio::test]
async fn only_rails_opens_sealed_bank_numbers() {
    let database = store::testing::database().await;
    let read = || "SELECT FROM bank_account_numbers".to_owned();
    assert!(!refuses(database.store().rails(), read()).await);
    for pool in [database.store().app(), database.store().turn(), database.store().audit()] {
        assert!(refuses(pool, read()).await);
    }
}

#[tokio::test]
async fn what_purges_deletes_sessions_and_keys_and_does_and_reads_nothing_else() {
    let database = store::testing::database().await;
    let purge = database.store().purge();
    for table in ["sessions", "idempotency_keys"] {
        assert!(!refuses(purge, format!("DELETE FROM {table}")).await, "{table}");
        for role in store::Role::ALL.into_iter().filter(|role| *role != store::Role::Purge) {
            let pool = database.store().pool(role);
            assert!(refuses(pool, format!("DELETE FROM {table}")).await, "{role:?}: {table}");
        }
    }
    for closed in [
        "SELECT answer FROM idempotency_keys",
        "SELECT actor_id FROM sessions",
        "UPDATE sessions SET expires_at = now()",
        "UPDATE idempotency_keys SET answer = NULL",
        "SELECT FROM customers",
        "DELETE FROM audit_leaves",
        "DELETE FROM messages",
        "DELETE FROM outbox",
    ] {
        assert!(refuses(purge, closed.to_owned()).await, "{closed}");
    }
    assert!(insert_is_refused(purge, "sessions").await);
}

async fn open_line(database: &TestDatabase) -> String {
    let line = "01900000-0000-7000-8000-000000000001";
    sqlx::query(AssertSqlSafe(format!(
        "WITH h AS (INSERT INTO line_heads VALUES ('{line}', 1))
         INSERT INTO line_events (credit_line_id, seq, effective_on, recorded_at, body)
         VALUES ('{line}', 1, now(), now(), '{{\"kind\": \"opened\"}}')"
    )))
    .execute(database.owner())
    .await
    .unwrap();
    line.to_owned()
}

/// Which roles call which functions. One that is new is granted to whom it needs, and comes here.
const CALLED: &[(&str, &[&str])] = &[
    ("audit_append", &["plumbline_app", "plumbline_audit", "plumbline_turn"]),
    ("audit_append_many", &["plumbline_app"]),
    ("audit_stream_head", &["plumbline_app", "plumbline_audit", "plumbline_turn"]),
    ("audit_stream_tip", &["plumbline_app", "plumbline_audit", "plumbline_turn"]),
    ("audit_streams_free", &["plumbline_app"]),
    ("conversation_goes_on", &["plumbline_app", "plumbline_turn"]),
    ("ledger_open_from", &["plumbline_app"]),
    ("said_in_a_turn", &["plumbline_turn"]),
];

#[tokio::test]
async fn a_function_is_for_the_roles_that_were_granted_it_and_for_nobody_else() {
    let database = store::testing::database().await;
    let open: Vec<String> = sqlx::query_scalar(
        "SELECT p.proname::text FROM pg_proc p
          WHERE p.pronamespace = 'public'::regnamespace AND has_function_privilege('public', p.oid, 'execute')",
    )
    .fetch_all(database.owner())
    .await
    .unwrap();
    assert_eq!(open, Vec::<String>::new(), "open to everybody");
    let granted: Vec<(String, Vec<String>)> = sqlx::query_as(
        "SELECT p.proname::text,
                ARRAY(SELECT r.rolname::text FROM pg_roles r
                       WHERE r.rolname LIKE 'plumbline\\_%' AND NOT r.rolsuper
                         AND has_function_privilege(r.oid, p.oid, 'execute') ORDER BY 1)
           FROM pg_proc p
          WHERE p.pronamespace = 'public'::regnamespace AND p.prorettype <> 'trigger'::regtype ORDER BY 1",
    )
    .fetch_all(database.owner())
    .await
    .unwrap();
    let granted: Vec<_> = granted
        .iter()
        .map(|(name, roles)| (name.as_str(), roles.iter().map(String::as_str).collect::<Vec<_>>()))
        .collect();
    let expected: Vec<_> = CALLED.iter().map(|(name, roles)| (*name, roles.to_vec())).collect();
    assert_eq!(granted, expected);
}

#[tokio::test]
async fn whatever_the_database_has_as_its_default_our_transactions_see_what_was_committed() {
    let database = store::testing::database().await;
    sqlx::query(
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_isolation TO serializable',
                                    current_database()); END $$",
    )
    .execute(database.owner())
    .await
    .unwrap();
    for role in store::Role::ALL {
        let mut tx = database.store().pool(role).begin().await.unwrap();
        let level: String =
            sqlx::query_scalar("SHOW transaction_isolation").fetch_one(&mut *tx).await.unwrap();
        assert_eq!(level, "read committed", "{role:?}");
    }
}
