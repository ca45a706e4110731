use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use sqlx::{ConnectOptions, Connection, Executor};

use super::*;

/// A folder that the server's account can reach.
fn folder() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o711)).unwrap();
    dir
}

fn start(dir: &Path) -> Cluster {
    Cluster::start_with(dir, Durability::ThrowAway).unwrap()
}

fn server_pid(dir: &Path) -> Option<String> {
    let pid_file = fs::read_to_string(dir.join("server/data/postmaster.pid")).ok()?;
    pid_file.lines().next().map(ToOwned::to_owned)
}

async fn one(cluster: &Cluster) -> i32 {
    let mut conn = cluster.options().database("postgres").connect().await.unwrap();
    let one = sqlx::query_scalar("SELECT 1").fetch_one(&mut conn).await.unwrap();
    conn.close().await.unwrap();
    one
}

#[tokio::test]
async fn the_last_one_out_stops_the_server() {
    let dir = folder();
    assert_eq!(standing(dir.path()), Standing::New);
    let first = start(dir.path());
    assert_eq!(standing(dir.path()), Standing::Running);
    let second = start(dir.path());
    let pid = server_pid(dir.path());

    drop(first);
    assert_eq!(server_pid(dir.path()), pid, "somebody is still in");
    assert_eq!(one(&second).await, 1);

    drop(second);
    assert_eq!(server_pid(dir.path()), None, "nobody is left");
    assert_eq!(standing(dir.path()), Standing::Stopped);
}

#[tokio::test]
async fn what_was_written_is_there_after_a_restart() {
    let dir = folder();
    let cluster = start(dir.path());
    let mut conn = cluster.options().database("postgres").connect().await.unwrap();
    conn.execute("CREATE TABLE kept (n int)").await.unwrap();
    conn.close().await.unwrap();
    drop(cluster);

    let cluster = start(dir.path());
    let mut conn = cluster.options().database("postgres").connect().await.unwrap();
    conn.execute("SELECT n FROM kept").await.unwrap();
    conn.close().await.unwrap();
}

#[tokio::test]
async fn a_server_left_behind_is_adopted() {
    let dir = folder();
    // As if killed: the locks go, nobody stops the server.
    let mut killed = start(dir.path());
    drop(killed.in_use.take());
    drop(killed);
    let pid = server_pid(dir.path());
    assert!(pid.is_some());

    let cluster = start(dir.path());
    assert_eq!(server_pid(dir.path()), pid);
    assert_eq!(one(&cluster).await, 1);
}

#[tokio::test]
async fn a_killed_server_is_started_again_although_its_traces_remain() {
    let dir = folder();
    let mut killed = start(dir.path());
    let pid = server_pid(dir.path()).unwrap();
    assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    drop(killed.in_use.take());

    let cluster = start(dir.path());
    assert_ne!(server_pid(dir.path()), Some(pid));
    assert_eq!(one(&cluster).await, 1);
}

#[tokio::test]
async fn the_server_listens_on_nothing_but_its_socket_and_syncs() {
    let dir = folder();
    let cluster = Cluster::start(dir.path()).unwrap();
    let mut conn = cluster.options().database("postgres").connect().await.unwrap();
    for (setting, expected) in
        [("listen_addresses", ""), ("fsync", "on"), ("synchronous_commit", "on")]
    {
        let value: String = sqlx::query_scalar("SELECT current_setting($1)")
            .bind(setting)
            .fetch_one(&mut conn)
            .await
            .unwrap();
        assert_eq!(value, expected, "{setting}");
    }
    conn.close().await.unwrap();
    let mode = fs::metadata(cluster.folder.sockets()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "only the server's account, and root, may come to the socket");
}
