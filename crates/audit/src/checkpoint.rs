//! Checkpoints (C2SP tlog-checkpoint): the log's origin, its size and its root, as a signed note.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{hash::Hash, tree::TreeHead};

/// What the log commits to at one size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    pub origin: String,
    pub head: TreeHead,
}

impl Checkpoint {
    /// Reads the text of a checkpoint note. Extension lines are refused: this log writes none.
    pub fn parse(text: &str) -> Option<Self> {
        let mut lines = text.strip_suffix('\n')?.split('\n');
        let origin = lines.next()?.to_owned();
        let size: u64 = lines.next()?.parse().ok()?;
        let root = Hash::from_slice(&STANDARD.decode(lines.next()?).ok()?)?;
        let checkpoint = Self { origin, head: TreeHead { size, root } };
        // Only the one spelling: no leading zeros, no plus sign.
        (lines.next().is_none() && checkpoint.to_string() == text).then_some(checkpoint)
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n{}\n{}", self.origin, self.head.size, STANDARD.encode(self.head.root.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_has_one_spelling() {
        let checkpoint = Checkpoint {
            origin: "plumbline/audit".into(),
            head: TreeHead { size: 17, root: Hash([5; 32]) },
        };
        let text = checkpoint.to_string();
        assert_eq!(Checkpoint::parse(&text), Some(checkpoint));
        assert_eq!(Checkpoint::parse(&text.replace("\n17\n", "\n017\n")), None);
        assert_eq!(Checkpoint::parse(&format!("{text}more\n")), None);
    }
}
