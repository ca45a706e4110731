//! Two lock files: the *gate*, held for the moment in which somebody comes or goes, and *in use*, shared by everybody
//! who is in. The operating system lets go of both when a process dies, however it dies.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::ClusterError;

/// Held by one process at a time.
#[derive(Debug)]
pub(super) struct Gate {
    _file: File,
}

impl Gate {
    /// Waits for its turn.
    pub(super) fn pass(dir: &Path) -> Result<Self, ClusterError> {
        let path = dir.join("gate.lock");
        loop {
            fs::create_dir_all(dir).map_err(ClusterError::file(dir))?;
            let file = open(&path)?;
            file.lock().map_err(ClusterError::file(&path))?;
            if still_there(&file, &path) {
                return Ok(Self { _file: file });
            }
            // The folder was removed while we waited: lock the new one.
        }
    }
}

/// Held by every process that uses the cluster.
#[derive(Debug)]
pub(super) struct InUse {
    file: File,
    path: PathBuf,
}

impl InUse {
    /// To be called behind the gate.
    pub(super) fn take(dir: &Path) -> Result<Self, ClusterError> {
        let path = dir.join("in-use.lock");
        let file = open(&path)?;
        file.lock_shared().map_err(ClusterError::file(&path))?;
        Ok(Self { file, path })
    }

    /// Says whether nobody is left. To be called behind the gate.
    pub(super) fn leave(self) -> Result<bool, ClusterError> {
        self.file.unlock().map_err(ClusterError::file(&self.path))?;
        match self.file.try_lock() {
            Ok(()) => Ok(true),
            Err(TryLockError::WouldBlock) => Ok(false),
            Err(TryLockError::Error(source)) => Err(ClusterError::File { path: self.path, source }),
        }
    }
}

fn open(path: &Path) -> Result<File, ClusterError> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)
        .map_err(ClusterError::file(path))
}

fn still_there(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(there)) => held.ino() == there.ino() && held.dev() == there.dev(),
        _ => false,
    }
}
