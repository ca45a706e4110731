//! Why the private cluster cannot be used, in words that say what to do.

use std::{io, path::PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    #[error(
        "found no PostgreSQL server programs (initdb, postgres, pg_ctl) on PATH or in the usual places; \
         install PostgreSQL (`plumbline doctor` says how) or set DATABASE_URL"
    )]
    NoPostgres,

    #[error(
        "the data in {dir} was made by PostgreSQL {made_by}, which is not installed; \
         install that version, or move the folder away to begin anew", dir = dir.display()
    )]
    OtherVersion { dir: PathBuf, made_by: String },

    #[error(
        "PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody` to run it as"
    )]
    NoUnprivilegedUser,

    #[error("could not use {path}", path = path.display())]
    File { path: PathBuf, source: io::Error },

    #[error("could not run {program}", program = program.display())]
    Program { program: PathBuf, source: io::Error },

    #[error("{program} failed: {said}", program = program.display())]
    Failed { program: PathBuf, said: String },

    #[error("the folder {dir} of the database socket belongs to somebody else", dir = dir.display())]
    ForeignSocket { dir: PathBuf },

    #[error("starting the cluster was interrupted")]
    Interrupted,
}

impl ClusterError {
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}
