//! The key, the checkpoint and the seal.

use super::{Fault, Findings, Signed, Trust};
use crate::{Bundle, Checkpoint, NoteFault, Seal, VerifierKey};

pub(super) fn check(found: &mut Findings, bundle: &Bundle, trust: &Trust) -> Signed {
    let carried = bundle.public_key.parse::<VerifierKey>();
    let carried = match carried {
        Ok(key) if key.to_string() == bundle.public_key => Some(key),
        Ok(_) | Err(_) => {
            found.add(Fault::Edited, "public_key", "the public key does not fit its own key id");
            None
        }
    };
    if let (Some(trusted), Some(carried)) = (&trust.key, &carried)
        && trusted != carried
    {
        let message = format!("the bundle is signed by {carried} and not by {trusted}");
        found.add(Fault::Untrusted, "public_key", message);
    }
    found.checked.trusted = trust.key.is_some();
    let Some(key) = trust.key.clone().or(carried) else {
        return Signed { key: None, seal: None, head: None };
    };
    found.checked.key = Some(key.to_string());

    let checkpoint = open_single(&key, &bundle.checkpoint).map(Checkpoint::parse);
    let seal = open_single(&key, &bundle.seal).map(Seal::parse);
    let mut signed = Signed { key: Some(key), seal: None, head: None };
    match seal {
        Ok(Some(seal)) => {
            signed.head = Some(seal.head);
            signed.seal = Some(seal);
        }
        other => found.add(Fault::Edited, "seal", seal_message(bundle, other.err())),
    }
    match checkpoint {
        Ok(Some(checkpoint)) => compare(found, bundle, &mut signed, &checkpoint),
        other => {
            let message = checkpoint_message(bundle, signed.seal.as_ref(), other.err());
            found.add(Fault::Edited, "checkpoint", message);
        }
    }
    found.checked.checkpoint_size = signed.head.map(|head| head.size);
    signed
}

/// The text of a note that carries this key's signature and nothing else.
pub(super) fn open_single<'a>(key: &VerifierKey, note: &'a str) -> Result<&'a str, NoteFault> {
    let text = key.open(note)?;
    let rest = note.get(text.len()..).unwrap_or_default();
    if rest.matches('\n').count() == 2 { Ok(text) } else { Err(NoteFault::Malformed) }
}

/// A genuine checkpoint and a genuine seal must speak of the same tree and conversation.
fn compare(found: &mut Findings, bundle: &Bundle, signed: &mut Signed, checkpoint: &Checkpoint) {
    if signed.key.as_ref().is_some_and(|key| key.name() != checkpoint.origin) {
        found.add(Fault::Edited, "checkpoint", "the checkpoint names another log than its key");
    }
    let Some(seal) = &signed.seal else {
        signed.head = Some(checkpoint.head);
        return;
    };
    if seal.head.size > checkpoint.head.size {
        let message = format!(
            "the bundle was sealed over {} leaves and carries an older checkpoint of {}",
            seal.head.size, checkpoint.head.size
        );
        found.add(Fault::RolledBack, "checkpoint", message);
    } else if seal.head.size < checkpoint.head.size {
        let message = format!(
            "the checkpoint of {} leaves carries an older seal over {}",
            checkpoint.head.size, seal.head.size
        );
        found.add(Fault::RolledBack, "seal", message);
        // The proofs go with the newer of the two, and the older table of contents decides nothing.
        signed.head = Some(checkpoint.head);
        signed.seal = None;
        return;
    } else if seal.head != checkpoint.head {
        let message = "the log signed two different trees of this size";
        found.add(Fault::Forked, "checkpoint", message);
    }
    if seal.conversation_id != bundle.conversation_id.to_string() {
        let message = format!("the seal is that of conversation {}", seal.conversation_id);
        found.add(Fault::Edited, "conversation_id", message);
    }
}

/// Which line of the checkpoint differs from what the seal says.
fn checkpoint_message(bundle: &Bundle, seal: Option<&Seal>, fault: Option<NoteFault>) -> String {
    if fault == Some(NoteFault::OtherKey) {
        return "the checkpoint's signature line names another key".into();
    }
    let origin = bundle.public_key.split('+').next().unwrap_or_default().to_owned();
    let expected = seal.map(|seal| Checkpoint { origin, head: seal.head }.to_string());
    changed_line("checkpoint", &bundle.checkpoint, expected.as_deref())
}

/// Which line of the seal differs from what the rest of the bundle says.
fn seal_message(bundle: &Bundle, fault: Option<NoteFault>) -> String {
    if fault == Some(NoteFault::OtherKey) {
        return "the seal's signature line names another key".into();
    }
    let text = bundle.checkpoint.split_inclusive("\n\n").next().unwrap_or_default();
    let head = text.strip_suffix('\n').and_then(Checkpoint::parse).map(|c| c.head);
    let expected = head.map(|head| Seal::of(bundle, head).text());
    changed_line("seal", &bundle.seal, expected.as_deref())
}

fn changed_line(what: &str, note: &str, expected: Option<&str>) -> String {
    let Some(expected) = expected else {
        return format!("the {what} is not as it was signed");
    };
    let differing = note.split('\n').zip(expected.trim_end().split('\n')).find(|(a, b)| a != b);
    match differing {
        Some((shown, meant)) => {
            format!("the {what} was signed as \"{meant}\" and shows \"{shown}\"")
        }
        None => format!("the {what}'s signature was changed"),
    }
}
