//! Signed notes (C2SP signed-note, Ed25519): a text that a person can read, and below it who signed it.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::{AuditError, hash::Hash};

/// The signature type that stands before an Ed25519 key.
const ED25519: u8 = 1;

/// The public half of a log's key, written `<name>+<key id>+<base64 of type and key>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    key: VerifyingKey,
}

impl VerifierKey {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The first four bytes of the hash over name and key: which key made a signature.
    fn id(&self) -> [u8; 4] {
        let hash = Hash::of(&[self.name.as_bytes(), &[b'\n', ED25519], self.key.as_bytes()]);
        let [a, b, c, d, ..] = hash.0;
        [a, b, c, d]
    }

    /// The text of a note, if this key signed it.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteFault> {
        let (text, signatures) = split(note).ok_or(NoteFault::Malformed)?;
        let mut fault = NoteFault::OtherKey;
        for line in signatures.trim_end_matches('\n').split('\n') {
            let (name, id, signature) = read_signature(line).ok_or(NoteFault::Malformed)?;
            if name == self.name && id == self.id() {
                if self.key.verify_strict(text.as_bytes(), &signature).is_ok() {
                    return Ok(text);
                }
                fault = NoteFault::BadSignature;
            }
        }
        Err(fault)
    }
}

/// Why a note is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoteFault {
    /// It has not the form of a signed note.
    Malformed,
    /// None of its signatures names this key.
    OtherKey,
    /// The signature does not fit the text.
    BadSignature,
}

/// The text with its last newline, and the signature lines.
fn split(note: &str) -> Option<(&str, &str)> {
    let blank = note.rfind("\n\n")?;
    let (text, rest) = note.split_at_checked(blank.checked_add(1)?)?;
    let signatures = rest.strip_prefix('\n')?;
    (signatures.ends_with('\n') && !signatures.ends_with("\n\n") && !text.is_empty())
        .then_some((text, signatures))
}

fn read_signature(line: &str) -> Option<(&str, [u8; 4], Signature)> {
    let (name, encoded) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
    let bytes = STANDARD.decode(encoded).ok()?;
    let (id, signature) = bytes.split_at_checked(4)?;
    Some((name, id.try_into().ok()?, Signature::from_slice(signature).ok()?))
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let typed = [&[ED25519], &self.key.as_bytes()[..]].concat();
        write!(f, "{}+{}+{}", self.name, hex::encode(self.id()), STANDARD.encode(typed))
    }
}

impl FromStr for VerifierKey {
    type Err = AuditError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |why: &str| AuditError::Key(format!("{why} in the verifier key"));
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong("there are not three parts"));
        };
        let name = checked_name(name)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| wrong("there is no base64"))?;
        let Some((&ED25519, key)) = bytes.split_first() else {
            return Err(wrong("there is no Ed25519 key"));
        };
        let key = key
            .try_into()
            .ok()
            .and_then(|key| VerifyingKey::from_bytes(key).ok())
            .ok_or_else(|| wrong("there is no Ed25519 key"))?;
        let key = Self { name, key };
        if hex::encode(key.id()) != id {
            return Err(wrong("the key id does not fit the key"));
        }
        Ok(key)
    }
}

fn checked_name(name: &str) -> Result<String, AuditError> {
    if name.is_empty() || name.contains('+') || name.chars().any(char::is_whitespace) {
        return Err(AuditError::Key(format!("{name:?} cannot be a key's name")));
    }
    Ok(name.to_owned())
}

/// The private half: it signs checkpoints and bundles.
pub struct NoteKey {
    name: String,
    key: SigningKey,
}

impl NoteKey {
    /// A new key under a name without spaces and plus signs; a log's name is its origin.
    pub fn generate(name: &str) -> Result<Self, AuditError> {
        Ok(Self { name: checked_name(name)?, key: SigningKey::from_bytes(&rand::random()) })
    }

    pub fn verifier(&self) -> VerifierKey {
        VerifierKey { name: self.name.clone(), key: self.key.verifying_key() }
    }

    /// The signed note of a text, which must end with a newline.
    pub fn sign(&self, text: &str) -> String {
        let signature = self.key.sign(text.as_bytes()).to_bytes();
        let encoded = STANDARD.encode([&self.verifier().id()[..], &signature[..]].concat());
        format!("{text}\n\u{2014} {} {encoded}\n", self.name)
    }

    /// `PRIVATE+KEY+<name>+<key id>+<base64 of type and seed>`, as Go's `sumdb/note` writes it. Keep it secret.
    pub fn expose(&self) -> String {
        let typed = [&[ED25519], &self.key.to_bytes()[..]].concat();
        let id = hex::encode(self.verifier().id());
        format!("PRIVATE+KEY+{}+{id}+{}", self.name, STANDARD.encode(typed))
    }

    /// Reads what [`expose`](Self::expose) wrote.
    pub fn parse(text: &str) -> Result<Self, AuditError> {
        let wrong = || AuditError::Key("it has not the form of a signing key".into());
        let rest = text.trim_end().strip_prefix("PRIVATE+KEY+").ok_or_else(wrong)?;
        let mut parts = rest.splitn(3, '+');
        let (Some(name), Some(id), Some(encoded)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        let bytes = STANDARD.decode(encoded).map_err(|_| wrong())?;
        let Some((&ED25519, seed)) = bytes.split_first() else { return Err(wrong()) };
        let seed: &[u8; 32] = seed.try_into().map_err(|_| wrong())?;
        let key = Self { name: checked_name(name)?, key: SigningKey::from_bytes(seed) };
        if hex::encode(key.verifier().id()) == id { Ok(key) } else { Err(wrong()) }
    }
}

impl fmt::Debug for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoteKey({})", self.verifier())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // The example of Go's golang.org/x/mod/sumdb/note.
    const KEY: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
    const SECRET: &str =
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    const NOTE: &str = "If you think cryptography is the answer to your problem,\n\
        then you don't know what your problem is.\n\n\
        \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

    #[test]
    fn a_note_of_another_implementation_is_opened_and_made() {
        let key: VerifierKey = KEY.parse().unwrap();
        assert_eq!(key.to_string(), KEY);
        let text = key.open(NOTE).unwrap();
        let secret = NoteKey::parse(SECRET).unwrap();
        assert_eq!(secret.expose(), SECRET);
        assert_eq!(secret.sign(text), NOTE);
    }

    #[test]
    fn a_changed_note_is_not_opened() {
        let key: VerifierKey = KEY.parse().unwrap();
        assert_eq!(key.open(&NOTE.replace("answer", "Answer")), Err(NoteFault::BadSignature));
        assert_eq!(key.open(&NOTE.replace("x08g", "y08g")), Err(NoteFault::OtherKey));
        assert_eq!(key.open("text\n"), Err(NoteFault::Malformed));
        let other = NoteKey::generate("other").unwrap();
        assert_eq!(other.verifier().open(NOTE), Err(NoteFault::OtherKey));
    }

    #[test]
    fn a_key_is_read_back_and_never_under_another_name() {
        let key = NoteKey::generate("plumbline/audit").unwrap();
        assert_eq!(key.verifier().to_string().parse::<VerifierKey>().unwrap(), key.verifier());
        assert!(KEY.replace("PeterNeumann", "PaulNeumann").parse::<VerifierKey>().is_err());
        assert!(NoteKey::generate("a b").is_err());
    }
}
