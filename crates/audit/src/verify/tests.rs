use chrono::DateTime;
use identity::{ConversationId, LeafId};
use serde_json::{json, value::RawValue};
use uuid::Uuid;

use super::*;
use crate::{
    Consistency, Entry, Hash, LeafRecord, NoteKey, Seal, StreamRecord, Tiles, append::ERASED,
    bundle::Hex, canonical_json, consistency_ranges, inclusion_ranges, leaf::commitment,
    range_hash,
};

mod damage;
mod flips;

/// A log in memory, whose conversation has every second leaf.
struct Scribe {
    key: NoteKey,
    tiles: Tiles,
    size: u64,
    records: Vec<LeafRecord>,
    previous: Hash,
}

fn conversation() -> ConversationId {
    ConversationId::from_uuid(Uuid::from_u128(0x0199_0000_0000_7000_8000_0000_0000_0001))
}

fn stream() -> String {
    format!("conversation:{}", conversation())
}

impl Scribe {
    fn new() -> Self {
        let key = NoteKey::generate("plumbline/audit").unwrap();
        let records = Vec::new();
        Self { key, tiles: Tiles::default(), size: 0, records, previous: Hash::ZERO }
    }

    fn write(&mut self, kind: &str, payload: &serde_json::Value) {
        self.tiles.push(self.size, Hash::of_leaf(b"somebody else's leaf")).unwrap();
        let payload = canonical_json(payload);
        let count = u8::try_from(self.records.len()).unwrap();
        let n = u64::from(count);
        let salt = [count + 1; 32];
        let entry = Entry {
            id: LeafId::from_uuid(Uuid::from_u128(u128::from(n))),
            at: DateTime::from_timestamp_micros(1_790_000_000_000_000 + i64::from(count)).unwrap(),
            stream: stream(),
            n,
            previous: self.previous,
            kind: kind.into(),
            commitment: commitment(&salt, &payload),
        };
        let bytes = entry.encode().unwrap();
        self.previous = Hash::of_leaf(&bytes);
        self.tiles.push(self.size + 1, self.previous).unwrap();
        self.records.push(LeafRecord {
            n,
            index: self.size + 1,
            id: entry.id,
            at: entry.at,
            kind: entry.kind,
            previous: entry.previous,
            commitment: entry.commitment,
            salt: Some(Hex(salt.to_vec())),
            payload: Some(RawValue::from_string(payload).unwrap()),
            entry: Hex(bytes),
            proof: Vec::new(),
        });
        self.size += 2;
    }

    fn erase(&mut self, n: usize) {
        self.records[n].salt = None;
        self.records[n].payload = None;
        self.write(ERASED, &json!({"n": n, "reason": "asked for"}));
    }

    fn head(&self, size: u64) -> TreeHead {
        TreeHead { size, root: range_hash(&self.tiles, 0..size).unwrap() }
    }

    fn checkpoint(&self, size: u64) -> String {
        let origin = "plumbline/audit".into();
        self.key.sign(&Checkpoint { origin, head: self.head(size) }.to_string())
    }

    fn bundle(&self) -> Bundle {
        let mut leaves = Vec::new();
        for record in &self.records {
            let ranges = inclusion_ranges(record.index, self.size);
            let proof = ranges.into_iter().map(|r| range_hash(&self.tiles, r).unwrap()).collect();
            leaves.push(LeafRecord { proof, ..copy(record) });
        }
        let mut bundle = Bundle {
            format: BUNDLE_FORMAT.into(),
            conversation_id: conversation(),
            public_key: self.key.verifier().to_string(),
            checkpoint: self.checkpoint(self.size),
            seal: String::new(),
            consistency: None,
            streams: vec![StreamRecord { stream: stream(), leaves }],
        };
        self.seal(&mut bundle);
        bundle
    }

    fn seal(&self, bundle: &mut Bundle) {
        bundle.seal = self.key.sign(&Seal::of(bundle, self.head(self.size)).text());
    }

    fn since(&self, old: u64) -> Bundle {
        let ranges = consistency_ranges(old, self.size);
        let proof = ranges.into_iter().map(|r| range_hash(&self.tiles, r).unwrap()).collect();
        let consistency = Consistency { checkpoint: self.checkpoint(old), proof };
        Bundle { consistency: Some(consistency), ..self.bundle() }
    }
}

fn copy(record: &LeafRecord) -> LeafRecord {
    let json = serde_json::to_string(record).unwrap();
    serde_json::from_str(&json).unwrap()
}

/// A conversation of six leaves, the second of them erased.
fn scribe() -> Scribe {
    let mut scribe = Scribe::new();
    scribe.write("message.received", &json!({"text": "pay $50 next Friday"}));
    scribe.write("message.received", &json!({"text": "my number is 000-00-0000"}));
    scribe.write("turn.tool_called", &json!({"tool": "schedule_payment", "amount_cents": 5000}));
    scribe.write("turn.verdict", &json!(null));
    scribe.erase(1);
    scribe.write("message.released", &json!({"text": "I have prepared it."}));
    scribe
}

fn check(bundle: &Bundle) -> Report {
    verify(bundle.to_json().unwrap().as_bytes(), &Trust::default())
}

/// What was found, without the sentences.
fn faults(report: &Report) -> Vec<(Fault, &str)> {
    report.problems.iter().map(|problem| (problem.fault, problem.at.as_str())).collect()
}

#[test]
fn an_honest_bundle_verifies() {
    let scribe = scribe();
    let trust = Trust { key: Some(scribe.key.verifier()), checkpoint: Some(scribe.checkpoint(6)) };
    let report = verify(scribe.since(6).to_json().unwrap().as_bytes(), &trust);
    assert_eq!(
        report,
        Report {
            ok: true,
            conversation_id: Some(conversation().to_string()),
            checked: Checked {
                leaves: 6,
                erased: 1,
                checkpoint_size: Some(12),
                key: Some(scribe.key.verifier().to_string()),
                trusted: true,
            },
            problems: vec![],
        }
    );
}
