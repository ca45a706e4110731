//! The leaf: one thing that happened, as its stream and the tree record it.
//!
//! Format 1. The *commitment* is `SHA-256("plumbline leaf 1\n" ‖ salt ‖ payload)`, with 32 random bytes of salt, so that
//! whoever holds only the tree cannot guess the payload, and erasing salt and payload leaves the tree whole. The *entry*
//! is what the tree hashes (all integers big-endian):
//!
//! ```text
//! u8 version = 1 ‖ 16 bytes leaf id ‖ i64 microseconds since 1970 ‖ u16 length ‖ stream ‖ u64 n
//!     ‖ 32 bytes leaf hash of n−1 (zeros for n = 0) ‖ u16 length ‖ kind ‖ 32 bytes commitment
//! ```

use std::{borrow::Cow, fmt, str::FromStr};

use chrono::{DateTime, SubsecRound, Utc};
use identity::{ConversationId, CreditLineId, LeafId};
use serde_json::Value;
use uuid::Uuid;

use crate::{AuditError, hash::Hash};

/// The only version written so far.
pub const LEAF_VERSION: u8 = 1;

const COMMITMENT_PREFIX: &[u8] = b"plumbline leaf 1\n";

/// 32 random bytes that hide a payload from whoever holds only the tree.
pub type Salt = [u8; 32];

/// Leaves of a stream form a chain; writers of different streams never wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    Conversation(ConversationId),
    CreditLine(CreditLineId),
    /// Promotions, reviews and what else belongs to nobody's conversation or line. Writers of it do wait for each other.
    System,
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conversation(id) => write!(f, "conversation:{id}"),
            Self::CreditLine(id) => write!(f, "credit_line:{id}"),
            Self::System => f.write_str("system"),
        }
    }
}

impl FromStr for Stream {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |_| format!("{text} is not a stream");
        match text.split_once(':') {
            Some(("conversation", id)) => id.parse().map(Self::Conversation).map_err(wrong),
            Some(("credit_line", id)) => id.parse().map(Self::CreditLine).map_err(wrong),
            None if text == "system" => Ok(Self::System),
            _ => Err(format!("{text} is not a stream")),
        }
    }
}

/// What a caller records.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    pub stream: Stream,
    /// What happened, dotted: `payment.scheduled`, `turn.tool_called`.
    pub kind: Cow<'static, str>,
    /// When, by the injected clock. Kept to the microsecond.
    pub at: DateTime<Utc>,
    /// Anything JSON can say. It can be erased later; stream, kind and time cannot.
    pub payload: Value,
}

impl Leaf {
    pub fn new(
        stream: Stream,
        kind: impl Into<Cow<'static, str>>,
        at: DateTime<Utc>,
        payload: Value,
    ) -> Self {
        Self { stream, kind: kind.into(), at, payload }
    }
}

/// What a caller records in a stream that is known: a [`Leaf`] without its stream.
#[derive(Clone, Debug, PartialEq)]
pub struct LeafBody {
    pub kind: Cow<'static, str>,
    pub at: DateTime<Utc>,
    pub payload: Value,
}

/// Hides `payload` behind `salt`.
pub(crate) fn commitment(salt: &[u8], payload: &str) -> Hash {
    Hash::of(&[COMMITMENT_PREFIX, salt, payload.as_bytes()])
}

/// Instants are kept as PostgreSQL keeps them.
pub(crate) fn to_the_microsecond(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(6)
}

/// What the tree hashes of a leaf: everything but salt and payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub id: LeafId,
    pub at: DateTime<Utc>,
    pub stream: String,
    pub n: u64,
    pub previous: Hash,
    pub kind: String,
    pub commitment: Hash,
}

impl Entry {
    /// The bytes of format 1.
    pub fn encode(&self) -> Result<Vec<u8>, AuditError> {
        let mut out = Vec::with_capacity(128 + self.stream.len() + self.kind.len());
        out.push(LEAF_VERSION);
        out.extend_from_slice(self.id.as_uuid().as_bytes());
        out.extend_from_slice(&self.at.timestamp_micros().to_be_bytes());
        push_text(&mut out, "stream", &self.stream)?;
        out.extend_from_slice(&self.n.to_be_bytes());
        out.extend_from_slice(&self.previous.0);
        push_text(&mut out, "kind", &self.kind)?;
        out.extend_from_slice(&self.commitment.0);
        Ok(out)
    }

    /// Reads what [`encode`](Self::encode) wrote; `None` for any other bytes.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let [LEAF_VERSION] = *take(&mut rest, 1)? else { return None };
        let entry = Self {
            id: LeafId::from_uuid(Uuid::from_slice(take(&mut rest, 16)?).ok()?),
            at: DateTime::from_timestamp_micros(i64::from_be_bytes(
                take(&mut rest, 8)?.try_into().ok()?,
            ))?,
            stream: take_text(&mut rest)?,
            n: u64::from_be_bytes(take(&mut rest, 8)?.try_into().ok()?),
            previous: Hash::from_slice(take(&mut rest, 32)?)?,
            kind: take_text(&mut rest)?,
            commitment: Hash::from_slice(take(&mut rest, 32)?)?,
        };
        rest.is_empty().then_some(entry)
    }
}

fn push_text(out: &mut Vec<u8>, what: &'static str, text: &str) -> Result<(), AuditError> {
    let length = u16::try_from(text.len()).map_err(|_| AuditError::TooLong(what))?;
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn take_text(rest: &mut &[u8]) -> Option<String> {
    let length = u16::from_be_bytes(take(rest, 2)?.try_into().ok()?);
    String::from_utf8(take(rest, usize::from(length))?.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            id: LeafId::from_uuid(Uuid::from_u128(7)),
            at: DateTime::from_timestamp_micros(1_790_000_000_123_456).unwrap(),
            stream: "system".into(),
            n: 3,
            previous: Hash([9; 32]),
            kind: "prompt.promoted".into(),
            commitment: commitment(&[1; 32], "{}"),
        }
    }

    #[test]
    // The figure was worked out by another program from the description above.
    fn format_one_never_changes() {
        let hash = Hash::of_leaf(&entry().encode().unwrap());
        assert_eq!(
            hash.to_string(),
            "8d3a2586c626a1a58703f08daa8fe20d0c1bec7f0749ff0c2e1a8b16da5efedf"
        );
    }

    #[test]
    fn an_entry_is_read_back_as_it_was_written_and_not_from_other_bytes() {
        let bytes = entry().encode().unwrap();
        assert_eq!(Entry::decode(&bytes), Some(entry()));
        assert_eq!(Entry::decode(&bytes[..bytes.len() - 1]), None);
        assert_eq!(Entry::decode(&[&bytes[..], &[0]].concat()), None);
        assert_eq!(Entry::decode(&[&[2], &bytes[1..]].concat()), None);
    }

    #[test]
    fn a_stream_is_read_back_as_it_was_written() {
        for stream in [
            Stream::Conversation(ConversationId::from_uuid(Uuid::from_u128(1))),
            Stream::CreditLine(CreditLineId::from_uuid(Uuid::from_u128(2))),
            Stream::System,
        ] {
            assert_eq!(stream.to_string().parse(), Ok(stream));
        }
        assert!("system:1".parse::<Stream>().is_err());
    }
}
