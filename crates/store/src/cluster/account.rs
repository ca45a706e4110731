//! Which operating-system account the server runs as.

use std::{
    fs,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::PathBuf,
    process::Command,
};

use super::ClusterError;

/// An account to run the server as, when ours will not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl Account {
    /// `None` when our own account will do: PostgreSQL refuses only root.
    pub(super) fn for_server() -> Result<Option<Self>, ClusterError> {
        if !running_as_root()? {
            return Ok(None);
        }
        let passwd =
            fs::read_to_string("/etc/passwd").map_err(ClusterError::file("/etc/passwd"))?;
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| lookup(&passwd, name))
            .map(Some)
            .ok_or(ClusterError::NoUnprivilegedUser)
    }

    pub(super) fn apply(self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }
}

/// The owner of a file we have just made is who we are; the standard library has no other way to ask.
pub(crate) fn own_uid() -> Result<u32, ClusterError> {
    tempfile::tempfile()
        .and_then(|file| file.metadata())
        .map(|metadata| metadata.uid())
        .map_err(ClusterError::file(std::env::temp_dir()))
}

/// Whether this process is root's.
pub fn running_as_root() -> Result<bool, ClusterError> {
    Ok(own_uid()? == 0)
}

/// Where things of this installation live unless somebody says otherwise: the system's state folder for root, a folder
/// of the working directory for everybody else.
pub fn default_state_dir() -> Result<PathBuf, ClusterError> {
    Ok(PathBuf::from(if running_as_root()? { "/var/lib/plumbline" } else { ".plumbline" }))
}

fn lookup(passwd: &str, name: &str) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (user, _password) = (fields.next()?, fields.next()?);
        let (uid, gid) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        (user == name && uid != 0).then_some(Account { uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let passwd =
            "root:x:0:0::/:/bin/sh\npostgresql:x:7:7::/:\npostgres:x:101:104:admin:/:/bin/sh\n";
        assert_eq!(lookup(passwd, "postgres"), Some(Account { uid: 101, gid: 104 }));
        assert_eq!(lookup(passwd, "nobody"), None);
    }

    #[test]
    fn an_account_with_the_rights_of_root_will_not_do() {
        assert_eq!(lookup("postgres:x:0:0::/:/bin/sh\n", "postgres"), None);
    }
}
