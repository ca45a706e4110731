//! The queries in `.sqlx` are those of this schema: each is prepared against the migrated template, and what the
//! database says of its parameters and columns must be what the compiler was told.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{fs, path::Path};

use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, SqlSafeStr};

#[tokio::test]
async fn what_the_compiler_was_told_of_each_query_is_what_the_schema_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.sqlx");
    let database = store::testing::database().await;
    let mut conn = database.owner().acquire().await.unwrap();
    let mut checked = 0;
    let mut drifted = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let told: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        let query = told["query"].as_str().unwrap().to_owned();
        match describe(&mut conn, &query).await {
            Ok(said) if agree(&told["describe"], &said) => {}
            Ok(said) => {
                drifted.push(format!("{query}\n  told {}\n  said {said}", told["describe"]));
            }
            Err(error) => drifted.push(format!("{query}\n  {error}")),
        }
        checked += 1;
    }
    assert!(drifted.is_empty(), "run `crates/store/prepare --all`:\n{}", drifted.join("\n"));
    assert!(checked > 0, "found no query to check");
}

/// The compiler looks at the plan as well and finds columns of an outer join that may be absent: to have been told so of a
/// column is no drift.
fn agree(told: &Value, said: &Value) -> bool {
    let mut said = said.clone();
    let columns = said.get_mut("nullable").and_then(Value::as_array_mut).into_iter().flatten();
    for (said, told) in columns.zip(told["nullable"].as_array().into_iter().flatten()) {
        if told == &Value::Bool(true) {
            *said = Value::Bool(true);
        }
    }
    said == *told
}

/// In the form in which the query macros write it.
async fn describe(conn: &mut sqlx::PgConnection, query: &str) -> Result<Value, sqlx::Error> {
    // A description leaves nothing behind, not even a cached statement.
    let mut tx = conn.begin().await?;
    let described = (&mut *tx).describe(AssertSqlSafe(query.to_owned()).into_sql_str()).await?;
    tx.rollback().await?;
    Ok(serde_json::to_value(&described).unwrap())
}
