use std::path::PathBuf;

use crate::embedder::EmbedError;
use crate::index::IndexError;

/// What can break while policies are read or searched.
#[derive(Debug, thiserror::Error)]
pub enum KnowledgeError {
    /// A document breaks a rule of the corpus; its author has to act.
    #[error("{file}:{line}: {problem}")]
    Document {
        /// Path of the document below the policies folder.
        file: String,
        /// One-based line in that file.
        line: usize,
        /// What is wrong, in words.
        problem: String,
    },

    /// The policies folder, or a file in it, could not be read.
    #[error("read policies at {path}")]
    Read {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },

    /// The folder holds no policy at all.
    #[error("no policy document under {0}")]
    Empty(PathBuf),

    /// The index of vectors could not be filled.
    #[error("index the policy passages")]
    Index(#[from] IndexError),

    /// The embedder answered, but not with one vector of one length for each text.
    #[error("embed the policy passages")]
    Embed(#[source] EmbedError),
}

impl KnowledgeError {
    pub(crate) fn document(file: &str, line: usize, problem: impl Into<String>) -> Self {
        Self::Document { file: file.to_owned(), line, problem: problem.into() }
    }
}
