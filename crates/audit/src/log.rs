//! The log's key and memory, both in the state folder and not in the database.
//!
//! `audit.key` (0600) signs; `audit.vkey` is its public half, to hand out; `audit.signed` is the newest checkpoint that
//! this machine signed. The sequencer signs only what extends it, so a database restored from an old copy, or rewritten,
//! is noticed and not covered up.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use crate::{AuditError, Checkpoint, NoteKey, TreeHead, VerifierKey};

/// The name this program's logs sign under.
pub const ORIGIN: &str = "plumbline/audit";

const KEY: &str = "audit.key";
const PUBLIC_KEY: &str = "audit.vkey";
const SIGNED: &str = "audit.signed";
const SIGNED_LOCK: &str = "audit.signed.lock";

/// Who signs for this log.
#[derive(Debug)]
pub struct Log {
    key: NoteKey,
    folder: PathBuf,
}

impl Log {
    /// Opens the log's key in `folder`, or makes one under the name `origin` at the first start.
    pub fn open(folder: &Path, origin: &str) -> Result<Self, AuditError> {
        let path = folder.join(KEY);
        if !path.exists() {
            fs::create_dir_all(folder)?;
            let made = NoteKey::generate(origin)?;
            // Another process may start at the same moment: whoever links first has made the key.
            let draft = write_new(folder, KEY, &format!("{}\n", made.expose()))?;
            let linked = fs::hard_link(&draft, &path);
            fs::remove_file(&draft)?;
            if let Err(error) = linked
                && error.kind() != io::ErrorKind::AlreadyExists
            {
                return Err(error.into());
            }
        }
        let key = NoteKey::parse(&fs::read_to_string(&path)?)?;
        if key.verifier().name() != origin {
            return Err(AuditError::Key(format!(
                "it is the key of {}, not of {origin}",
                key.verifier().name()
            )));
        }
        let log = Self { key, folder: folder.to_owned() };
        if !folder.join(PUBLIC_KEY).exists() {
            log.replace(PUBLIC_KEY, &format!("{}\n", log.verifier()))?;
        }
        Ok(log)
    }

    /// The public half.
    pub fn verifier(&self) -> VerifierKey {
        self.key.verifier()
    }

    pub(crate) fn sign(&self, text: &str) -> String {
        self.key.sign(text)
    }

    /// The newest checkpoint this machine remembers to have signed.
    pub fn last_signed(&self) -> Result<Option<TreeHead>, AuditError> {
        let note = match fs::read_to_string(self.folder.join(SIGNED)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read?,
        };
        let text = self.verifier().open(&note).ok();
        match text.and_then(Checkpoint::parse) {
            Some(checkpoint) => Ok(Some(checkpoint.head)),
            None => Err(AuditError::Tampered(format!("{SIGNED} is not signed by this log"))),
        }
    }

    /// Remembers a checkpoint this machine signed. Of two processes that sign one after the other, the later may come here
    /// first: a smaller tree never takes the place of a larger one.
    pub(crate) fn remember(&self, head: &TreeHead, note: &str) -> Result<(), AuditError> {
        let lock = fs::File::create(self.folder.join(SIGNED_LOCK))?;
        lock.lock()?;
        if self.last_signed()?.is_none_or(|known| known.size < head.size) {
            self.replace(SIGNED, note)?;
        }
        Ok(())
    }

    fn replace(&self, name: &str, text: &str) -> Result<(), AuditError> {
        let draft = write_new(&self.folder, name, text)?;
        fs::rename(draft, self.folder.join(name))?;
        Ok(())
    }
}

/// Writes a file of a name of its own, readable by nobody else, and hands it over for linking or renaming.
fn write_new(folder: &Path, name: &str, text: &str) -> io::Result<PathBuf> {
    let path = folder.join(format!("{name}.{:016x}", rand::random::<u64>()));
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(path)
}
