//! What stands on record after a run, so written that two runs can be compared.
//!
//! Every table is read whole, and what was there before the run is taken away. Ids and references are drawn by lot, so
//! they are named after the table and the place in which they come up first. Instants stay as they are: the clock is the sandbox's.
//! What else two runs may differ in stands in `HIDDEN`, member by member; tables that are not compared, in `APART`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value, json};
use sqlx::{AssertSqlSafe, PgPool, Row as _};

/// Tables that say nothing of what was done.
const APART: [&str; 5] = [
    "_sqlx_migrations",
    // A token is told once; whoever was not told it signs in again.
    "sessions",
    // A cache.
    "passage_embeddings",
    // The log's tree: its order over all streams is the sequencer's, and its hashes hang on salts. `audit check` reads it.
    "audit_tiles",
    "audit_checkpoints",
];

/// Members that may differ, with the table they stand in (or any), and why.
const HIDDEN: [(&str, &str); 13] = [
    // How long something took.
    ("*", "latency_ms"),
    // Drawn from sequences, which do not take back what a transaction that died was given.
    ("*", "trace_number"),
    ("rail_files", "number"),
    ("outbox", "id"),
    ("accrual_deltas", "id"),
    // Over a request or a file in which ids stand.
    ("idempotency_keys", "body_digest"),
    ("rail_files", "digest"),
    ("rail_file.answered", "digest"),
    // The chain of a stream: hangs on ids and salts. `audit check` reads it.
    ("audit_leaves", "entry"),
    ("audit_leaves", "leaf_hash"),
    ("audit_leaves", "arrival"),
    ("audit_leaves", "idx"),
    ("audit_leaves", "salt"),
];

/// The rows of a database, by table.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Rows(BTreeMap<String, Vec<Value>>);

impl Rows {
    pub(crate) async fn read(pool: &PgPool) -> Self {
        // One look: what runs beside must not come in between.
        let mut tx = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ").await.unwrap();
        let tables = sqlx::query(
            "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1",
        );
        let tables = tables.fetch_all(&mut *tx).await.unwrap();
        let mut rows = BTreeMap::new();
        for table in tables {
            let table: String = table.get(0);
            if APART.contains(&table.as_str()) || table == "audit_payloads" {
                continue;
            }
            let sql = if table == "audit_leaves" {
                "SELECT to_jsonb(l) || jsonb_build_object('payload', p.payload::jsonb)
                 FROM audit_leaves l LEFT JOIN audit_payloads p ON p.leaf_id = l.id"
                    .to_owned()
            } else {
                format!("SELECT to_jsonb(t) FROM {table} t")
            };
            let found = sqlx::query(AssertSqlSafe(sql)).fetch_all(&mut *tx).await.unwrap();
            rows.insert(table, found.iter().map(|row| row.get(0)).collect());
        }
        tx.rollback().await.unwrap();
        Self(rows)
    }

    pub(crate) fn of(&self, table: &str) -> &[Value] {
        self.0.get(table).map_or(&[], Vec::as_slice)
    }

    /// What has come since, changed rows included.
    pub(crate) fn since(self, before: &Before) -> Self {
        let new = |(table, rows): (String, Vec<Value>)| {
            let new = rows.into_iter().filter(|row| !before.rows.contains(&row_of(&table, row)));
            let new: Vec<_> = new.collect();
            (table, new)
        };
        Self(self.0.into_iter().map(new).filter(|(_, rows)| !rows.is_empty()).collect())
    }
}

/// What stood in the database before a run.
#[derive(Debug, Default)]
pub(crate) struct Before {
    rows: BTreeSet<String>,
    /// Ids and references of these rows: they keep their names.
    known: BTreeSet<String>,
}

impl Before {
    pub(crate) fn of(rows: &Rows) -> Self {
        let each =
            rows.0.iter().flat_map(|(table, rows)| rows.iter().map(|row| row_of(table, row)));
        let rows: BTreeSet<String> = each.collect();
        Self { known: rows.iter().flat_map(|row| lots(row)).collect(), rows }
    }
}

fn row_of(table: &str, row: &Value) -> String {
    format!("{table} {row}")
}

/// A run's record, one line for each row, in an order that hangs on nothing drawn by lot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record(pub(crate) Vec<String>);

impl Record {
    /// `more` is what else was seen: by the customer, at the bank.
    pub(crate) fn of(rows: &Rows, more: &[(&str, Value)], before: &Before) -> Self {
        let known = &before.known;
        let mut lines: Vec<(String, String)> = Vec::new();
        for (table, rows) in &rows.0 {
            for row in rows {
                let row = hide(table, row.clone());
                lines.push((table.clone(), row.to_string()));
            }
        }
        for (what, seen) in more {
            let items = match seen {
                Value::Array(items) => items.clone(),
                other => vec![other.clone()],
            };
            lines.extend(items.into_iter().map(|item| ((*what).to_owned(), item.to_string())));
        }
        let masked =
            |text: &str| rename(text, |lot| (!known.contains(lot)).then(|| "?".to_owned()));
        lines.sort_by_cached_key(|(table, text)| (table.clone(), masked(text)));
        let mut names: HashMap<String, String> = HashMap::new();
        let mut count = 0;
        let mut last = "";
        let mut written = Vec::with_capacity(lines.len());
        for (table, text) in &lines {
            if table != last {
                (last, count) = (table, 0);
            }
            let text = rename(text, |lot| {
                (!known.contains(lot)).then(|| {
                    let name = names.entry(lot.to_owned()).or_insert_with(|| {
                        count += 1;
                        format!("#{table}-{count}")
                    });
                    name.clone()
                })
            });
            written.push(format!("{table} {text}"));
        }
        Self(written)
    }

    /// The lines that only one of the two has: `-` here, `+` there.
    pub(crate) fn difference(&self, other: &Self) -> Vec<String> {
        let mut counts: BTreeMap<&str, i64> = BTreeMap::new();
        for line in &self.0 {
            *counts.entry(line).or_default() -= 1;
        }
        for line in &other.0 {
            *counts.entry(line).or_default() += 1;
        }
        let sign = |count: i64| if count < 0 { '-' } else { '+' };
        let odd = counts.into_iter().filter(|(_, count)| *count != 0);
        odd.map(|(line, count)| format!("{} {line}", sign(count))).collect()
    }
}

/// Puts a mark where a member may differ. A row of the log is known by its kind as well.
fn hide(table: &str, mut row: Value) -> Value {
    let kind = row.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
    let hidden: Vec<&str> = HIDDEN
        .iter()
        .filter(|(at, _)| *at == "*" || *at == table || *at == kind)
        .map(|(_, member)| *member)
        .collect();
    hide_in(&mut row, &hidden);
    row
}

fn hide_in(value: &mut Value, hidden: &[&str]) {
    match value {
        Value::Object(members) => hide_members(members, hidden),
        Value::Array(items) => items.iter_mut().for_each(|item| hide_in(item, hidden)),
        _ => {}
    }
}

fn hide_members(members: &mut Map<String, Value>, hidden: &[&str]) {
    for (name, member) in members {
        if hidden.contains(&name.as_str()) && !member.is_null() {
            *member = json!("~");
        } else {
            hide_in(member, hidden);
        }
    }
}

/// Ids and references in a text.
fn lots(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    rename(text, |lot| {
        found.push(lot.to_owned());
        None
    });
    found
}

/// The text with ids (of 36 characters) and references (`PAY-7H2K9QWX`) renamed where `name` says so.
fn rename(text: &str, mut name: impl FnMut(&str) -> Option<String>) -> String {
    const ID: &str = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    const REFERENCE: &str = "AAA-00000000";
    let fits = |text: &str, pattern: &str| {
        text.len() == pattern.len()
            && text.bytes().zip(pattern.bytes()).all(|(byte, like)| match like {
                b'x' => byte.is_ascii_hexdigit(),
                b'A' => byte.is_ascii_uppercase(),
                b'0' => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
                _ => byte == like,
            })
    };
    let mut renamed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let lot = [ID, REFERENCE]
            .into_iter()
            .find_map(|pattern| rest.get(..pattern.len()).filter(|lot| fits(lot, pattern)));
        if let Some(lot) = lot {
            renamed.push_str(&name(lot).unwrap_or_else(|| lot.to_owned()));
            rest = &rest[lot.len()..];
        } else {
            renamed.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    renamed
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "01890000-0000-7000-8000-00000000000a";
    const B: &str = "01890000-0000-7000-8000-00000000000b";
    const C: &str = "01890000-0000-7000-8000-00000000000c";

    fn record(rows: &Value) -> Record {
        let rows = Rows(serde_json::from_value(rows.clone()).unwrap());
        let before = Rows(BTreeMap::from([("people".to_owned(), vec![json!({ "id": A })])]));
        let before = Before::of(&before);
        Record::of(&rows.since(&before), &[], &before)
    }

    #[test]
    fn what_is_drawn_by_lot_is_called_by_its_order_and_what_was_there_keeps_its_name() {
        let one = record(
            &json!({"people": [{"id": A}], "pay": [{"id": B, "of": A, "ref": "PAY-7H2K9QWX"}, {"for": B}]}),
        );
        let two = record(
            &json!({"people": [{"id": A}], "pay": [{"for": C}, {"id": C, "of": A, "ref": "PAY-AAAAAAAA"}]}),
        );
        assert_eq!(one, two);
        assert_eq!(one.0[0], r##"pay {"for":"#pay-1"}"##);
        assert!(one.0[1].contains(A), "{one:?}");
    }

    #[test]
    fn another_amount_another_count_and_another_owner_are_seen() {
        let one = record(&json!({"pay": [{"id": B, "of": A, "cents": 5000}]}));
        for other in [
            json!({"pay": [{"id": B, "of": A, "cents": 5001}]}),
            json!({"pay": [{"id": B, "of": C, "cents": 5000}]}),
            json!({"pay": [{"id": B, "of": A, "cents": 5000}, {"id": C, "of": A, "cents": 5000}]}),
            json!({}),
        ] {
            assert!(!one.difference(&record(&other)).is_empty(), "{other}");
        }
    }

    #[test]
    fn only_what_is_said_to_differ_is_hidden() {
        let hidden = hide("rail_files", json!({"number": 7, "status": "accepted", "digest": null}));
        assert_eq!(hidden, json!({"number": "~", "status": "accepted", "digest": null}));
        let kept = hide("payments", json!({"number": 7, "digest": "a"}));
        assert_eq!(kept, json!({"number": 7, "digest": "a"}));
    }
}
