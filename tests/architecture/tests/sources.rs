//! What may stand in which source file.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use architecture::SQL;

/// A file longer than this is more than one kind of thing.
const LINES_MAX: usize = 500;

/// The ways in which a program of ours can hand SQL to the database.
const SQL_MARKS: &[&str] = &[
    "sqlx::query",
    "query!(",
    "query_as!(",
    "query_scalar!(",
    "query_file",
    "sqlx::raw_sql",
    "QueryBuilder",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The Rust files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn sql_stands_only_where_it_may() {
    let mut strays = Vec::new();
    for folder in fs::read_dir(root().join("crates")).unwrap().flatten() {
        if SQL.iter().any(|name| folder.file_name() == *name) {
            continue;
        }
        for path in sources(&folder.path().join("src")) {
            let text = fs::read_to_string(&path).unwrap();
            for (n, line) in (1..).zip(text.lines()) {
                if SQL_MARKS.iter().any(|mark| line.contains(mark)) {
                    strays.push(format!("{}:{n}: {}", path.display(), line.trim()));
                }
            }
        }
    }
    assert!(strays.is_empty(), "SQL outside {SQL:?}: {strays:#?}");
}

#[test]
fn the_search_for_sql_would_find_it() {
    let store = sources(&root().join("crates/store/src"));
    let with_sql = store.iter().filter(|path| {
        let text = fs::read_to_string(path).unwrap();
        SQL_MARKS.iter().any(|mark| text.contains(mark))
    });
    assert!(with_sql.count() > 5);
}

#[test]
fn no_source_file_is_too_long_to_be_one_thing() {
    let root = root();
    let mut long = Vec::new();
    for path in sources(&root.join("crates")) {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        if lines > LINES_MAX {
            long.push(format!("{}: {lines} lines", path.strip_prefix(&root).unwrap().display()));
        }
    }
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn migrations_are_numbered_once_and_without_gaps() {
    let mut numbers: Vec<usize> = fs::read_dir(root().join("migrations"))
        .unwrap()
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.split_once('_')?.0.parse().ok())
        .collect();
    numbers.sort_unstable();
    assert!(numbers.iter().copied().eq(1..=numbers.len()), "{numbers:?}");
}
