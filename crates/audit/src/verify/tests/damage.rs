//! Edit, drop, repeat, reorder, truncate, add, withhold, roll back, fork: each is caught and named.

use super::*;

type Damage = fn(&mut Bundle);

/// What is done, how, and what is found.
type Case = (&'static str, Damage, &'static [(Fault, &'static str)]);

const CASES: [Case; 14] = [
    (
        "a payload is edited",
        |b| b.streams[0].leaves[2].payload = Some(raw(r#"{"amount_cents":9000}"#)),
        &[(Fault::Edited, "streams[0].leaves[2].payload")],
    ),
    (
        "one byte of a salt is edited",
        |b| b.streams[0].leaves[2].salt.as_mut().unwrap().0[7] ^= 4,
        &[(Fault::Edited, "streams[0].leaves[2].salt")],
    ),
    (
        "a kind is edited",
        |b| b.streams[0].leaves[2].kind = "turn.nothing".into(),
        &[(Fault::Edited, "streams[0].leaves[2].kind")],
    ),
    (
        "a leaf in the middle is dropped",
        |b| drop(b.streams[0].leaves.remove(2)),
        &[(Fault::Dropped, "streams[0].leaves")],
    ),
    (
        "the first leaf is dropped",
        |b| drop(b.streams[0].leaves.remove(0)),
        &[(Fault::Dropped, "streams[0].leaves")],
    ),
    (
        "the stream is cut short",
        |b| b.streams[0].leaves.truncate(5),
        &[(Fault::Truncated, "streams[0].leaves")],
    ),
    (
        "the stream is emptied",
        |b| b.streams[0].leaves.clear(),
        &[(Fault::Truncated, "streams[0].leaves")],
    ),
    ("the stream is left out", |b| b.streams.clear(), &[(Fault::Dropped, "streams")]),
    (
        "two leaves change places",
        |b| b.streams[0].leaves.swap(2, 3),
        &[(Fault::Reordered, "streams[0].leaves[3]")],
    ),
    (
        "a leaf is repeated",
        |b| {
            let again = copy(&b.streams[0].leaves[2]);
            b.streams[0].leaves.insert(3, again);
        },
        &[(Fault::Repeated, "streams[0].leaves[3]")],
    ),
    (
        "a payload is withheld",
        |b| {
            b.streams[0].leaves[2].salt = None;
            b.streams[0].leaves[2].payload = None;
        },
        &[(Fault::Withheld, "streams[0].leaves[2].payload")],
    ),
    (
        "the leaf that tells of the erasure is dropped",
        |b| drop(b.streams[0].leaves.remove(4)),
        &[(Fault::Dropped, "streams[0].leaves"), (Fault::Withheld, "streams[0].leaves[1].payload")],
    ),
    (
        "it is passed off as another conversation",
        |b| b.conversation_id = ConversationId::from_uuid(Uuid::from_u128(2)),
        &[(Fault::Edited, "conversation_id")],
    ),
    (
        "a proof is shortened",
        |b| b.streams[0].leaves[0].proof.truncate(1),
        &[(Fault::Edited, "streams[0].leaves[0].proof")],
    ),
];

#[test]
fn every_damage_to_a_bundle_is_named() {
    for (what, damage, expected) in CASES {
        let mut bundle = scribe().bundle();
        damage(&mut bundle);
        assert_eq!(faults(&check(&bundle)), expected, "{what}");
    }
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.into()).unwrap()
}

/// Rewrites leaf 2 with everything that follows from it but what only the key can make.
#[test]
fn a_leaf_rewritten_with_all_its_hashes_is_caught() {
    let mut bundle = scribe().bundle();
    let record = &mut bundle.streams[0].leaves[2];
    record.payload = Some(raw(r#"{"amount_cents":9000}"#));
    record.commitment = commitment(&record.salt.as_ref().unwrap().0, r#"{"amount_cents":9000}"#);
    record.entry = Hex(record.shown(&stream()).encode().unwrap());
    assert_eq!(faults(&check(&bundle)), [(Fault::Edited, "streams[0].leaves[2]")]);
}

#[test]
fn a_leaf_that_the_log_never_held_is_caught() {
    let mut bundle = scribe().bundle();
    let mut forged = copy(&bundle.streams[0].leaves[5]);
    forged.n = 6;
    forged.entry = Hex(forged.shown(&stream()).encode().unwrap());
    bundle.streams[0].leaves.push(forged);
    let report = check(&bundle);
    assert_eq!(faults(&report)[0], (Fault::Added, "streams[0].leaves[6]"));
}

/// Whoever re-signs with a key of his own is believed only by those who trust that key.
#[test]
fn a_bundle_signed_by_somebody_else_is_not_trusted() {
    let trust = Trust { key: Some(scribe().key.verifier()), checkpoint: None };
    let report = verify(scribe().bundle().to_json().unwrap().as_bytes(), &trust);
    assert_eq!(report.problems[0].fault, Fault::Untrusted);
    assert!(!report.ok);
}

#[test]
fn an_older_checkpoint_under_a_newer_conversation_is_a_roll_back() {
    let scribe = scribe();
    let mut bundle = scribe.bundle();
    bundle.checkpoint = scribe.checkpoint(8);
    assert_eq!(faults(&check(&bundle)), [(Fault::RolledBack, "checkpoint")]);
}

#[test]
fn an_older_seal_under_a_newer_checkpoint_is_a_roll_back() {
    let mut scribe = scribe();
    let older = scribe.bundle().seal;
    scribe.write("message.received", &json!({"text": "stop"}));
    let bundle = Bundle { seal: older, ..scribe.bundle() };
    assert_eq!(faults(&check(&bundle)), [(Fault::RolledBack, "seal")]);
}

/// A genuine but older bundle can only be told by whoever has seen a later checkpoint.
#[test]
fn a_log_that_shows_less_than_was_seen_is_rolled_back() {
    let mut scribe = scribe();
    let older = scribe.bundle();
    scribe.write("message.received", &json!({"text": "stop"}));
    let trust = Trust { key: None, checkpoint: Some(scribe.checkpoint(14)) };
    let report = verify(older.to_json().unwrap().as_bytes(), &trust);
    assert_eq!(faults(&report), [(Fault::RolledBack, "checkpoint")]);
}

#[test]
fn a_log_that_shows_another_history_is_forked() {
    let scribe = scribe();
    let mut other = Scribe { key: NoteKey::parse(&scribe.key.expose()).unwrap(), ..Scribe::new() };
    other.write("message.received", &json!({"text": "something else"}));
    while other.size < 12 {
        other.write("message.received", &json!({"text": "and more"}));
    }
    for seen in [12, 6] {
        let trust = Trust { key: None, checkpoint: Some(scribe.checkpoint(seen)) };
        let report = verify(other.since(6).to_json().unwrap().as_bytes(), &trust);
        assert_eq!(faults(&report), [(Fault::Forked, "checkpoint")], "seen at {seen}");
    }
}

#[test]
fn without_the_proof_since_it_was_seen_nothing_is_claimed() {
    let scribe = scribe();
    let trust = Trust { key: None, checkpoint: Some(scribe.checkpoint(6)) };
    let report = verify(scribe.bundle().to_json().unwrap().as_bytes(), &trust);
    assert_eq!(faults(&report), [(Fault::Unproven, "checkpoint")]);
}

/// The log's own mistake, signed and sealed: a leaf that does not follow the one before it.
#[test]
fn a_broken_chain_is_caught_even_under_the_logs_signature() {
    let mut scribe = scribe();
    scribe.previous = Hash([1; 32]);
    scribe.write("message.received", &json!({}));
    assert_eq!(
        faults(&check(&scribe.bundle())),
        [(Fault::Forked, "streams[0].leaves[6].previous")]
    );
}
