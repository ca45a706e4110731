//! The cluster's folder: data, log, socket and locks, with the rights each of them needs.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use super::{
    ClusterError,
    account::{self, Account},
};

/// A socket's whole path must stay below this many bytes (the system's limit is 104 to 108).
const SOCKET_PATH_BYTES_MAX: usize = 100;

const SOCKET_NAME_BYTES: usize = "/.s.PGSQL.5432".len();

#[derive(Debug)]
pub(super) struct Folder {
    root: PathBuf,
    sockets: PathBuf,
    account: Option<Account>,
}

impl Folder {
    /// Makes what is missing.
    pub(super) fn prepare(root: &Path) -> Result<Self, ClusterError> {
        fs::create_dir_all(root).map_err(ClusterError::file(root))?;
        let root = root.canonicalize().map_err(ClusterError::file(root))?;
        let account = Account::for_server()?;
        let sockets = socket_dir(&root);
        if account.is_some() {
            // The server's account must get through to its own folder, and see nothing else of ours.
            set_mode(&root, 0o711)?;
        }
        let folder = Self { root, sockets, account };
        folder.own_dir(&folder.home())?;
        folder.own_dir(&folder.sockets)?;
        Ok(folder)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// All that belongs to the server's account.
    pub(super) fn home(&self) -> PathBuf {
        home_of(&self.root)
    }

    pub(super) fn data(&self) -> PathBuf {
        data_of(&self.root)
    }

    pub(super) fn log(&self) -> PathBuf {
        self.home().join("log")
    }

    pub(super) fn sockets(&self) -> &Path {
        &self.sockets
    }

    pub(super) const fn account(&self) -> Option<Account> {
        self.account
    }

    /// A folder that only the server's account can enter: on the socket inside, that is the whole access control.
    fn own_dir(&self, dir: &Path) -> Result<(), ClusterError> {
        fs::create_dir_all(dir).map_err(ClusterError::file(dir))?;
        let metadata = fs::symlink_metadata(dir).map_err(ClusterError::file(dir))?;
        let us = account::own_uid()?;
        let owner = self.account.map_or(us, |account| account.uid);
        if !metadata.is_dir() || ![us, owner].contains(&metadata.uid()) {
            return Err(ClusterError::ForeignSocket { dir: dir.to_path_buf() });
        }
        if let Some(account) = self.account {
            chown(dir, Some(account.uid), Some(account.gid)).map_err(ClusterError::file(dir))?;
        }
        set_mode(dir, 0o700)
    }
}

/// Lets the server's account pass through a folder of ours on the way to its own, without letting it look around.
pub(crate) fn let_pass(dir: &Path) -> Result<(), ClusterError> {
    if Account::for_server()?.is_none() {
        return Ok(());
    }
    fs::create_dir_all(dir).map_err(ClusterError::file(dir))?;
    let mode = fs::metadata(dir).map_err(ClusterError::file(dir))?.permissions().mode();
    set_mode(dir, mode | 0o011)
}

fn home_of(root: &Path) -> PathBuf {
    root.join("server")
}

pub(super) fn data_of(root: &Path) -> PathBuf {
    home_of(root).join("data")
}

/// Beside the data, or in the system's folder for passing things where that path would be too long.
pub(super) fn socket_dir(root: &Path) -> PathBuf {
    let beside = root.join("socket");
    if beside.as_os_str().len() + SOCKET_NAME_BYTES < SOCKET_PATH_BYTES_MAX {
        return beside;
    }
    let digest = Sha256::digest(root.as_os_str().as_encoded_bytes());
    let short: String = hex::encode(digest).chars().take(16).collect();
    Path::new("/tmp").join(format!("plumbline-{short}"))
}

fn set_mode(path: &Path, mode: u32) -> Result<(), ClusterError> {
    fs::set_permissions(path, Permissions::from_mode(mode)).map_err(ClusterError::file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_stands_beside_its_data_unless_its_path_would_be_too_long() {
        assert_eq!(
            socket_dir(Path::new("/home/ann/plumbline")),
            Path::new("/home/ann/plumbline/socket")
        );
        let deep = format!("/home/{}", "deep/".repeat(30));
        let moved = socket_dir(Path::new(&deep));
        assert!(moved.starts_with("/tmp") && moved.as_os_str().len() < 60, "{moved:?}");
        assert_ne!(moved, socket_dir(Path::new(&format!("{deep}/other"))));
    }
}
