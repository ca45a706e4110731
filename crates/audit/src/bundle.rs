//! The bundle: a conversation's leaves with all that is needed to check them without server or database (docs/audit.md).
//!
//! A bundle is JSON in one spelling: verification writes what it has read once more and compares. What is said twice
//! (a leaf's fields and its sealed bytes; the checkpoint and the seal) is said twice so that a change can be named.

use chrono::{DateTime, SecondsFormat, Utc};
use identity::{ConversationId, LeafId};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::value::RawValue;

use crate::{AuditError, Entry, Hash, TreeHead};

/// What the first line of a bundle says.
pub const BUNDLE_FORMAT: &str = "plumbline-audit-bundle/1";

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    pub format: String,
    pub conversation_id: ConversationId,
    /// In the form of [`crate::VerifierKey`].
    pub public_key: String,
    /// The signed checkpoint that the proofs lead to.
    pub checkpoint: String,
    /// The signed table of contents: [`Seal`].
    pub seal: String,
    /// Proof that the checkpoint extends an earlier one, where that was asked for.
    pub consistency: Option<Consistency>,
    pub streams: Vec<StreamRecord>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Consistency {
    /// The earlier signed checkpoint.
    pub checkpoint: String,
    pub proof: Vec<Hash>,
}

/// A whole stream, first leaf first.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamRecord {
    pub stream: String,
    pub leaves: Vec<LeafRecord>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeafRecord {
    pub n: u64,
    /// The leaf's place in the log.
    pub index: u64,
    pub id: LeafId,
    #[serde(with = "instant")]
    pub at: DateTime<Utc>,
    pub kind: String,
    pub previous: Hash,
    pub commitment: Hash,
    /// Absent, like the payload, once the payload was erased.
    pub salt: Option<Hex>,
    /// Byte for byte what was committed to.
    pub payload: Option<Box<RawValue>>,
    /// What the tree hashed.
    pub entry: Hex,
    /// From the leaf up to the root.
    pub proof: Vec<Hash>,
}

impl LeafRecord {
    /// The entry that the visible fields make.
    pub(crate) fn shown(&self, stream: &str) -> Entry {
        Entry {
            id: self.id,
            at: self.at,
            stream: stream.to_owned(),
            n: self.n,
            previous: self.previous,
            kind: self.kind.clone(),
            commitment: self.commitment,
        }
    }
}

impl Bundle {
    /// The one spelling.
    pub fn to_json(&self) -> Result<String, AuditError> {
        serde_json::to_string_pretty(self)
            .map(|json| json + "\n")
            .map_err(|error| AuditError::Tampered(format!("the bundle cannot be written: {error}")))
    }
}

/// The signed table of contents of a bundle: which leaves there are, and where in the log. Without it a conversation cut
/// short would look like a short conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    pub conversation_id: String,
    pub head: TreeHead,
    pub streams: Vec<SealedStream>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedStream {
    pub stream: String,
    pub leaves: Vec<SealedLeaf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedLeaf {
    pub index: u64,
    pub hash: Hash,
    /// Whether the payload still existed.
    pub kept: bool,
}

impl Seal {
    /// What the bundle's streams hold, under this tree.
    pub fn of(bundle: &Bundle, head: TreeHead) -> Self {
        let leaf = |record: &LeafRecord| SealedLeaf {
            index: record.index,
            hash: Hash::of_leaf(&record.entry.0),
            kept: record.salt.is_some(),
        };
        let stream = |record: &StreamRecord| SealedStream {
            stream: record.stream.clone(),
            leaves: record.leaves.iter().map(leaf).collect(),
        };
        let streams = bundle.streams.iter().map(stream).collect();
        Self { conversation_id: bundle.conversation_id.to_string(), head, streams }
    }

    /// The text that is signed.
    pub fn text(&self) -> String {
        let mut lines = vec![
            BUNDLE_FORMAT.to_owned(),
            format!("conversation {}", self.conversation_id),
            format!("size {}", self.head.size),
            format!("root {}", self.head.root),
        ];
        for stream in &self.streams {
            lines.push(format!("stream {} {}", stream.stream, stream.leaves.len()));
            for (n, leaf) in stream.leaves.iter().enumerate() {
                let state = if leaf.kept { "kept" } else { "erased" };
                lines.push(format!("leaf {n} {} {} {state}", leaf.index, leaf.hash));
            }
        }
        lines.push(String::new());
        lines.join("\n")
    }

    /// Reads what [`text`](Self::text) wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_prefix(BUNDLE_FORMAT)?.strip_prefix('\n')?.lines();
        let conversation_id = lines.next()?.strip_prefix("conversation ")?.to_owned();
        let size = lines.next()?.strip_prefix("size ")?.parse().ok()?;
        let root = lines.next()?.strip_prefix("root ")?.parse().ok()?;
        let mut streams: Vec<SealedStream> = Vec::new();
        for line in lines {
            let mut words = line.split(' ');
            match words.next()? {
                "stream" => {
                    let stream = words.next()?.to_owned();
                    streams.push(SealedStream { stream, leaves: Vec::new() });
                }
                _ => streams.last_mut()?.leaves.push(SealedLeaf {
                    index: words.nth(1)?.parse().ok()?,
                    hash: words.next()?.parse().ok()?,
                    kept: words.next()? == "kept",
                }),
            }
        }
        let seal = Self { conversation_id, head: TreeHead { size, root }, streams };
        (seal.text() == text).then_some(seal)
    }
}

/// Bytes, written in lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hex(pub Vec<u8>);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        hex::decode(text).map(Self).map_err(|_| de::Error::custom("expected hexadecimal digits"))
    }
}

/// Instants in one spelling, to the microsecond.
mod instant {
    use super::{DateTime, Deserialize as _, Deserializer, SecondsFormat, Serializer, Utc, de};

    pub(super) fn serialize<S: Serializer>(
        at: &DateTime<Utc>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&at.to_rfc3339_opts(SecondsFormat::Micros, true))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<DateTime<Utc>, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at = DateTime::parse_from_rfc3339(&text)
            .map_err(|_| de::Error::custom("expected an RFC 3339 instant"))?;
        Ok(at.to_utc())
    }
}
