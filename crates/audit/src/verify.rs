//! Offline verification of a bundle: no server, no database, only the bytes and, if one has it, a trusted key.
//!
//! Everything is checked even after a first problem, and each problem names the place by its path in the bundle. Where
//! the log's signature still holds over the seal, the seal decides which of two differing statements is the true one.

mod leaves;
mod signatures;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::{Bundle, Checkpoint, TreeHead, VerifierKey, bundle::BUNDLE_FORMAT, tree::consistent};

/// What the verifier knows from elsewhere.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// The log's key. Without it the bundle can only be checked against the key that it carries.
    pub key: Option<VerifierKey>,
    /// A signed checkpoint seen earlier: the bundle's log must extend it.
    pub checkpoint: Option<String>,
}

/// What verification found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    pub ok: bool,
    pub conversation_id: Option<String>,
    pub checked: Checked,
    pub problems: Vec<Problem>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    pub leaves: usize,
    /// Leaves whose payload was erased, with the leaf that says so.
    pub erased: usize,
    pub checkpoint_size: Option<u64>,
    pub key: Option<String>,
    /// Whether that key is one the verifier trusted beforehand.
    pub trusted: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    pub fault: Fault,
    /// Where in the bundle: `streams[0].leaves[3].payload`, or `line 12` where it could not be read that far.
    pub at: String,
    /// One sentence for a person.
    pub message: String,
}

/// What was done to a bundle, or to the log it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// It is not JSON of the bundle's form.
    Unreadable,
    /// It says the same in another spelling.
    Respelled,
    Edited,
    Dropped,
    Repeated,
    Reordered,
    Truncated,
    /// Something that the log never held was put in.
    Added,
    /// A payload is withheld without a leaf that says it was erased.
    Withheld,
    /// Signed, but not by the trusted key.
    Untrusted,
    /// Older than what the verifier, or the bundle itself, knows of.
    RolledBack,
    /// Signed, but a different history from the one known.
    Forked,
    /// It cannot be told whether the log extends the checkpoint seen earlier.
    Unproven,
}

/// Collects what is found.
#[derive(Default)]
struct Findings {
    checked: Checked,
    problems: Vec<Problem>,
}

impl Findings {
    fn add(&mut self, fault: Fault, at: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Problem { fault, at: at.into(), message: message.into() });
    }

    fn report(self, conversation_id: Option<String>) -> Report {
        let ok = self.problems.is_empty();
        Report { ok, conversation_id, checked: self.checked, problems: self.problems }
    }
}

/// What the bytes are, where they are no bundle at all: a sentence for whoever named the wrong file. Nothing where they read
/// as a bundle or bear the name of its format, however much was changed.
#[must_use]
pub fn no_bundle(bytes: &[u8]) -> Option<String> {
    let Err(problem) = read(bytes) else { return None };
    let (family, _) = BUNDLE_FORMAT.split_once('/').unwrap_or((BUNDLE_FORMAT, ""));
    if bytes.windows(family.len()).any(|window| window == family.as_bytes()) {
        return None;
    }
    Some(if bytes.iter().all(u8::is_ascii_whitespace) {
        "it is empty".to_owned()
    } else if serde_json::from_slice::<serde_json::Value>(bytes).is_ok() {
        "it is JSON of another form".to_owned()
    } else {
        problem.message
    })
}

/// Checks a bundle. Needs nothing but its bytes.
pub fn verify(bytes: &[u8], trust: &Trust) -> Report {
    let mut found = Findings::default();
    let (text, bundle) = match read(bytes) {
        Ok(read) => read,
        Err(problem) => {
            found.problems.push(problem);
            return found.report(None);
        }
    };
    if bundle.format != BUNDLE_FORMAT {
        found.add(Fault::Edited, "format", format!("the format should read {BUNDLE_FORMAT}"));
    }
    check_spelling(&mut found, text, &bundle);
    let signed = signatures::check(&mut found, &bundle, trust);
    leaves::check(&mut found, &bundle, &signed);
    check_history(&mut found, &bundle, &signed, trust);
    found.report(Some(bundle.conversation_id.to_string()))
}

fn read(bytes: &[u8]) -> Result<(&str, Bundle), Problem> {
    let unreadable = |line: usize, why: &dyn std::fmt::Display| Problem {
        fault: Fault::Unreadable,
        at: format!("line {line}"),
        message: format!("line {line} cannot be read: {why}"),
    };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
        unreadable(before.split(|byte| *byte == b'\n').count(), &error)
    })?;
    let bundle = serde_json::from_str(text).map_err(|error| {
        // A string that swallowed the end of its line is reported at the start of the next.
        let line = if error.column() == 0 { error.line() - 1 } else { error.line() };
        unreadable(line, &error)
    })?;
    Ok((text, bundle))
}

/// A changed byte that changes no meaning is still a changed byte.
fn check_spelling(found: &mut Findings, text: &str, bundle: &Bundle) {
    let expected = bundle.to_json().unwrap_or_default();
    if expected == text {
        return;
    }
    let same = expected.split('\n').zip(text.split('\n')).take_while(|(a, b)| a == b).count();
    let line = same + 1;
    found.add(
        Fault::Respelled,
        format!("line {line}"),
        format!("line {line} says the same in other bytes than were exported"),
    );
}

/// What the signatures established.
struct Signed {
    key: Option<VerifierKey>,
    /// The seal, if its signature holds.
    seal: Option<crate::Seal>,
    /// The tree the proofs must lead to: the seal's, or else the checkpoint's, or else none.
    head: Option<TreeHead>,
}

/// Roll-back and fork: the checkpoint against the one seen earlier, and against the one the bundle starts from.
fn check_history(found: &mut Findings, bundle: &Bundle, signed: &Signed, trust: &Trust) {
    let (Some(key), Some(head)) = (&signed.key, signed.head) else { return };
    let start = bundle.consistency.as_ref().and_then(|consistency| {
        let at = "consistency.checkpoint";
        let opened = signatures::open_single(key, &consistency.checkpoint);
        let Some(old) = opened.ok().and_then(Checkpoint::parse).map(|c| c.head) else {
            found.add(Fault::Edited, at, "the earlier checkpoint is not as it was signed");
            return None;
        };
        if !consistent(old, head, &consistency.proof) {
            let message = format!(
                "the proof does not lead from the checkpoint of {} leaves to that of {}",
                old.size, head.size
            );
            found.add(Fault::Edited, "consistency.proof", message);
        }
        Some(old)
    });

    let Some(note) = &trust.checkpoint else { return };
    let Some(seen) = key.open(note).ok().and_then(Checkpoint::parse).map(|c| c.head) else {
        let message = "the checkpoint to compare with is not signed by this log";
        found.add(Fault::Untrusted, "checkpoint", message);
        return;
    };
    let (fault, message) = if seen.size > head.size {
        let message = format!("the log held {} leaves before and shows {}", seen.size, head.size);
        (Fault::RolledBack, message)
    } else if seen.size == head.size && seen.root != head.root
        || start.is_some_and(|start| start.size == seen.size && start.root != seen.root)
    {
        let message = format!("the log shows another history of its first {} leaves", seen.size);
        (Fault::Forked, message)
    } else if seen.size == head.size || seen.size == 0 || start == Some(seen) {
        return;
    } else {
        let message = format!("export it again with the proof since {} leaves", seen.size);
        (Fault::Unproven, message)
    };
    found.add(fault, "checkpoint", message);
}
