//! Where PostgreSQL's programs are: on PATH, and in the usual places of Debian and Homebrew.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::ClusterError;

/// The server programs of one PostgreSQL version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    pub dir: PathBuf,
    /// As in `PG_VERSION`: `15`, `18`.
    pub major: u32,
}

impl Binaries {
    pub fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }
}

/// The newest version found, or the one of the given major version where data of that version exists.
pub fn find(major: Option<u32>) -> Result<Binaries, ClusterError> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    newest(candidates(&path).filter_map(|dir| inspect(&dir)), major).ok_or(ClusterError::NoPostgres)
}

fn newest(found: impl Iterator<Item = Binaries>, major: Option<u32>) -> Option<Binaries> {
    // The first of equals wins, so that PATH goes before the usual places.
    found.filter(|binaries| major.is_none_or(|wanted| binaries.major == wanted)).fold(
        None,
        |best: Option<Binaries>, next| match best {
            Some(best) if best.major >= next.major => Some(best),
            _ => Some(next),
        },
    )
}

fn candidates(path: &OsStr) -> impl Iterator<Item = PathBuf> {
    let on_path: Vec<PathBuf> = std::env::split_paths(path).collect();
    let debian = children("/usr/lib/postgresql").map(|dir| dir.join("bin"));
    let homebrew = ["/opt/homebrew/opt", "/usr/local/opt"].into_iter().flat_map(|opt| {
        children(opt)
            .filter(|dir| {
                dir.file_name()
                    .and_then(OsStr::to_str)
                    .is_some_and(|name| name.starts_with("postgresql"))
            })
            .map(|dir| dir.join("bin"))
    });
    on_path.into_iter().chain(debian).chain(homebrew)
}

fn children(dir: &str) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// Follows links, so that the programs are found beside their libraries and each other.
fn inspect(dir: &Path) -> Option<Binaries> {
    let postgres = dir.join("postgres").canonicalize().ok()?;
    let dir = postgres.parent()?.to_path_buf();
    if !["initdb", "pg_ctl"].iter().all(|name| dir.join(name).is_file()) {
        return None;
    }
    let output = Command::new(&postgres).arg("--version").output().ok()?;
    let major = major(&String::from_utf8_lossy(&output.stdout))?;
    Some(Binaries { dir, major })
}

/// `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)` is of major version 15.
fn major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(dir: &str, major: u32) -> Binaries {
        Binaries { dir: dir.into(), major }
    }

    #[test]
    fn the_newest_version_is_taken_and_path_goes_first_among_equals() {
        let found = || {
            [of("path", 15), of("debian15", 15), of("debian17", 17), of("brew17", 17)].into_iter()
        };
        assert_eq!(newest(found(), None), Some(of("debian17", 17)));
        assert_eq!(newest(found(), Some(15)), Some(of("path", 15)));
        assert_eq!(newest(found(), Some(13)), None);
    }

    #[test]
    fn the_major_version_is_read_from_what_postgres_says() {
        assert_eq!(major("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major("something else"), None);
    }
}
