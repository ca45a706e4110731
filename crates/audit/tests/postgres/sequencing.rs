use std::{fs, os::unix::fs::PermissionsExt as _};

use audit::{AuditError, Log, Trust, check, export, sequence, verify};
use serde_json::json;

use crate::fixture::*;

#[tokio::test]
async fn leaves_of_several_tiles_and_batches_verify_from_first_to_last() {
    let fixture = Fixture::new().await;
    fixture.fill(250).await;
    assert_eq!(fixture.sequence().await, 250);
    let early =
        audit::latest_checkpoint(&mut fixture.app().acquire().await.unwrap()).await.unwrap();
    fixture.fill(400).await;
    assert_eq!(fixture.sequence().await, 400);
    assert_eq!(fixture.sequence().await, 0);

    let audit = fixture.db.store().audit();
    let bundle = export(audit, &fixture.log, fixture.conversation, Some(250)).await.unwrap();
    let trust = Trust { key: Some(fixture.log.verifier()), checkpoint: early };
    let report = verify(bundle.to_json().unwrap().as_bytes(), &trust);
    assert!(report.ok, "{report:?}");
    assert_eq!(report.checked.leaves, 84 + 134);
    assert_eq!(report.checked.checkpoint_size, Some(650));

    let report = check(audit, &fixture.log).await.unwrap();
    assert!(report.ok, "{report:?}");
    assert_eq!((report.leaves, report.unsequenced, report.checkpoints), (650, 0, 2));
}

#[tokio::test]
async fn sequencers_in_parallel_give_every_leaf_one_index() {
    let fixture = Fixture::new().await;
    fixture.fill(60).await;
    let audit = fixture.db.store().audit();
    let runs = (0..4).map(|_| sequence(audit, &fixture.log, now()));
    let done: u64 = futures::future::join_all(runs).await.into_iter().map(Result::unwrap).sum();
    assert_eq!(done + fixture.sequence().await, 60);
    assert!(check(audit, &fixture.log).await.unwrap().ok);
}

#[tokio::test]
async fn what_is_not_committed_is_sequenced_later() {
    let fixture = Fixture::new().await;
    let mut open = fixture.app().begin().await.unwrap();
    let leaf = audit::Leaf::new(audit::Stream::System, "test.leaf", now(), json!({}));
    audit::append(&mut open, leaf).await.unwrap();
    fixture.write(json!({})).await;
    assert_eq!(fixture.sequence().await, 1);
    open.commit().await.unwrap();
    assert_eq!(fixture.sequence().await, 1);
    assert!(check(fixture.app(), &fixture.log).await.unwrap().ok);
}

#[test]
fn the_key_is_made_once_and_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let log = Log::open(folder.path(), ORIGIN).unwrap();
    let again = Log::open(folder.path(), ORIGIN).unwrap();
    assert_eq!(log.verifier(), again.verifier());
    let mode = fs::metadata(folder.path().join("audit.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let public = fs::read_to_string(folder.path().join("audit.vkey")).unwrap();
    assert_eq!(public.trim(), log.verifier().to_string());
    assert!(matches!(Log::open(folder.path(), "other/log"), Err(AuditError::Key(_))));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
}
