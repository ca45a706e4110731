//! The streams: is every leaf there, in its place, and as it was recorded?

use std::collections::BTreeSet;

use super::{Fault, Findings, Signed};
use crate::{
    Bundle, Entry, Hash, LeafRecord, SealedLeaf, SealedStream, StreamRecord, TreeHead,
    append::ERASED, leaf::commitment, tree::root_by_inclusion,
};

pub(super) fn check(found: &mut Findings, bundle: &Bundle, signed: &Signed) {
    let sealed = signed.seal.as_ref().map(|seal| seal.streams.as_slice());
    for (s, stream) in bundle.streams.iter().enumerate() {
        let at = format!("streams[{s}]");
        let contents = sealed.and_then(|streams| streams.get(s));
        if let Some(contents) = contents
            && contents.stream != stream.stream
        {
            let message = format!("the stream was sealed as {}", contents.stream);
            found.add(Fault::Edited, format!("{at}.stream"), message);
        } else if sealed.is_some() && contents.is_none() {
            found.add(Fault::Added, &at, "the seal knows no such stream");
        }
        StreamCheck { found, at, stream, contents, head: signed.head }.run();
    }
    for missing in sealed.unwrap_or_default().iter().skip(bundle.streams.len()) {
        let message = format!("the whole stream {} was left out", missing.stream);
        found.add(Fault::Dropped, "streams", message);
    }
    let own = format!("conversation:{}", bundle.conversation_id);
    if !bundle.streams.iter().any(|stream| stream.stream == own) && sealed.is_none() {
        found.add(Fault::Edited, "conversation_id", "no stream is that of the conversation");
    }
}

struct StreamCheck<'a> {
    found: &'a mut Findings,
    at: String,
    stream: &'a StreamRecord,
    /// What the seal says is in the stream, if the seal can be believed.
    contents: Option<&'a SealedStream>,
    head: Option<TreeHead>,
}

/// A record, which leaf of the stream it is, and what the log holds for it.
struct Placed<'a> {
    at: String,
    record: &'a LeafRecord,
    n: u64,
    hash: Hash,
    /// The entry that has this hash; `None` if neither the fields nor the sealed bytes have it.
    entry: Option<Entry>,
}

impl StreamCheck<'_> {
    fn run(mut self) {
        let stream = self.stream;
        let placed: Vec<Placed<'_>> = (stream.leaves.iter().enumerate())
            .map(|(i, record)| self.place(format!("{}.leaves[{i}]", self.at), record))
            .collect();
        self.check_order(&placed);
        for leaf in &placed {
            self.check_entry(leaf);
            self.check_proof(leaf);
            self.check_payload(leaf, &placed);
            self.found.checked.leaves += 1;
        }
        self.check_chain(&placed);
    }

    fn name(&self) -> &str {
        self.contents.map_or(&self.stream.stream, |contents| &contents.stream)
    }

    fn sealed(&self, n: u64) -> Option<&SealedLeaf> {
        self.contents?.leaves.get(usize::try_from(n).ok()?)
    }

    /// Finds out which leaf a record is, from whichever of its two statements is still true.
    fn place<'a>(&self, at: String, record: &'a LeafRecord) -> Placed<'a> {
        let shown = record.shown(self.name());
        let shown_hash = shown.encode().map_or(Hash::ZERO, |bytes| Hash::of_leaf(&bytes));
        let kept = Entry::decode(&record.entry.0);
        let kept_hash = Hash::of_leaf(&record.entry.0);
        let sealed_as = |hash: Hash| {
            let leaves = &self.contents?.leaves;
            let n = leaves.iter().position(|leaf| leaf.hash == hash)?;
            u64::try_from(n).ok()
        };
        if let Some(n) = sealed_as(kept_hash) {
            return Placed { at, record, n, hash: kept_hash, entry: kept };
        }
        if let Some(n) = sealed_as(shown_hash) {
            return Placed { at, record, n, hash: shown_hash, entry: Some(shown) };
        }
        if let Some(sealed) = self.sealed(record.n) {
            return Placed { at, record, n: record.n, hash: sealed.hash, entry: None };
        }
        // No seal to go by: whichever leads to the root.
        let leads = |hash| {
            let head = self.head?;
            let root = root_by_inclusion(hash, record.index, head.size, &record.proof)?;
            (root == head.root).then_some(())
        };
        if leads(shown_hash).is_some() && leads(kept_hash).is_none() {
            return Placed { at, record, n: record.n, hash: shown_hash, entry: Some(shown) };
        }
        let n = kept.as_ref().map_or(record.n, |entry| entry.n);
        Placed { at, record, n, hash: kept_hash, entry: kept }
    }

    fn check_order(&mut self, placed: &[Placed<'_>]) {
        let mut seen = BTreeSet::new();
        let mut highest = None;
        for leaf in placed {
            let n = leaf.n;
            if self.contents.is_some() && self.sealed(n).is_none() {
                let message = format!("leaf {n} is not one that the log sealed");
                self.found.add(Fault::Added, &leaf.at, message);
            } else if !seen.insert(n) {
                self.found.add(Fault::Repeated, &leaf.at, format!("leaf {n} stands here again"));
            } else if highest.is_some_and(|highest| n < highest) {
                let message = format!("leaf {n} stands after a later one");
                self.found.add(Fault::Reordered, &leaf.at, message);
            }
            highest = highest.max(Some(n));
        }
        let sealed = self.contents.map(|contents| contents.leaves.len() as u64);
        let count =
            sealed.unwrap_or_else(|| highest.map_or(0, |highest| highest.saturating_add(1)));
        let last = seen.last().copied();
        // An edited number can be absurdly high: tell of gaps only as far as there are leaves to miss.
        let missing: Vec<u64> =
            (0..count).filter(|n| !seen.contains(n)).take(placed.len() + 1000).collect();
        let at = format!("{}.leaves", self.at);
        let (inner, tail): (Vec<_>, Vec<_>) =
            missing.into_iter().partition(|n| last.is_some_and(|last| *n < last));
        for n in inner {
            self.found.add(Fault::Dropped, &at, format!("leaf {n} was left out"));
        }
        if let (Some(first), Some(end)) = (tail.first(), tail.last()) {
            let message = format!("the stream was cut short: leaves {first} to {end} are missing");
            self.found.add(Fault::Truncated, &at, message);
        }
    }

    /// The visible fields and the sealed bytes must say the same, and what the log holds.
    fn check_entry(&mut self, leaf: &Placed<'_>) {
        let shown = leaf.record.shown(self.name());
        let kept = Entry::decode(&leaf.record.entry.0);
        let Some(truth) = &leaf.entry else {
            let message = format!("leaf {} is not the leaf that was recorded", leaf.n);
            self.found.add(Fault::Edited, &leaf.at, message);
            return;
        };
        for (field, shown, truth) in differences(&shown, truth) {
            let message = format!("leaf {}: {field} was recorded as {truth}, not {shown}", leaf.n);
            self.found.add(Fault::Edited, format!("{}.{field}", leaf.at), message);
        }
        if kept.as_ref() != Some(truth) {
            let message = format!("the sealed bytes of leaf {} were changed", leaf.n);
            self.found.add(Fault::Edited, format!("{}.entry", leaf.at), message);
        }
    }

    fn check_proof(&mut self, leaf: &Placed<'_>) {
        let index = match self.sealed(leaf.n).copied() {
            Some(sealed) if sealed.index != leaf.record.index => {
                let message = format!("leaf {} has index {} in the log", leaf.n, sealed.index);
                self.found.add(Fault::Edited, format!("{}.index", leaf.at), message);
                sealed.index
            }
            _ => leaf.record.index,
        };
        let Some(head) = self.head else { return };
        let root = root_by_inclusion(leaf.hash, index, head.size, &leaf.record.proof);
        if root != Some(head.root) {
            let message = format!("the proof of leaf {} does not lead to the root", leaf.n);
            self.found.add(Fault::Edited, format!("{}.proof", leaf.at), message);
        }
    }

    fn check_payload(&mut self, leaf: &Placed<'_>, placed: &[Placed<'_>]) {
        let committed = leaf.entry.as_ref().map_or(leaf.record.commitment, |e| e.commitment);
        let payload = leaf.record.payload.as_ref().map(|raw| raw.get());
        let n = leaf.n;
        let Some(salt) = &leaf.record.salt else {
            if payload.is_some() {
                let message = format!("the salt of leaf {n} was taken away");
                self.found.add(Fault::Edited, format!("{}.salt", leaf.at), message);
            } else if placed.iter().any(|later| erases(later, leaf)) {
                self.found.checked.erased += 1;
            } else {
                let message = format!("leaf {n} has no payload, and no leaf says it was erased");
                self.found.add(Fault::Withheld, format!("{}.payload", leaf.at), message);
            }
            return;
        };
        // JSON reads an absent payload and the payload `null` alike; the commitment tells them apart.
        let payload = payload.unwrap_or("null");
        if commitment(&salt.0, payload) == committed {
            return;
        }
        let salted = one_byte_off(&salt.0).any(|salt| commitment(&salt, payload) == committed);
        let what = if salted { "salt" } else { "payload" };
        let message = format!("the {what} of leaf {n} ({}) was changed", leaf.record.kind);
        self.found.add(Fault::Edited, format!("{}.{what}", leaf.at), message);
    }

    /// Each leaf names the hash of the one before it.
    fn check_chain(&mut self, placed: &[Placed<'_>]) {
        for leaf in placed {
            let Some(entry) = &leaf.entry else { continue };
            let before = match leaf.n.checked_sub(1) {
                None => Some(Hash::ZERO),
                Some(n) => placed.iter().find(|other| other.n == n).map(|other| other.hash),
            };
            if before.is_some_and(|before| before != entry.previous) {
                let message = format!("leaf {} does not follow the leaf before it", leaf.n);
                self.found.add(Fault::Forked, format!("{}.previous", leaf.at), message);
            }
        }
    }
}

/// Whether `later` is the log's own word that the payload of `leaf` was erased.
fn erases(later: &Placed<'_>, leaf: &Placed<'_>) -> bool {
    let (Some(entry), Some(salt), Some(payload)) =
        (&later.entry, &later.record.salt, &later.record.payload)
    else {
        return false;
    };
    let named = serde_json::from_str::<serde_json::Value>(payload.get())
        .is_ok_and(|said| said.get("n").and_then(serde_json::Value::as_u64) == Some(leaf.n));
    named
        && later.n > leaf.n
        && entry.kind == ERASED
        && commitment(&salt.0, payload.get()) == entry.commitment
}

/// Every salt that differs from this one in one byte.
fn one_byte_off(salt: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    (0..salt.len()).flat_map(move |place| {
        (1..=u8::MAX).map(move |flip| {
            let mut other = salt.to_vec();
            if let Some(byte) = other.get_mut(place) {
                *byte ^= flip;
            }
            other
        })
    })
}

/// The fields in which what is shown differs from the truth.
fn differences(shown: &Entry, truth: &Entry) -> Vec<(&'static str, String, String)> {
    let fields = [
        ("id", shown.id.to_string(), truth.id.to_string()),
        ("at", shown.at.to_rfc3339(), truth.at.to_rfc3339()),
        ("n", shown.n.to_string(), truth.n.to_string()),
        ("kind", shown.kind.clone(), truth.kind.clone()),
        ("previous", shown.previous.to_string(), truth.previous.to_string()),
        ("commitment", shown.commitment.to_string(), truth.commitment.to_string()),
    ];
    fields.into_iter().filter(|(_, shown, truth)| shown != truth).collect()
}
