//! Where vectors live. Two ways to keep them, one contract and one conformance test for both:
//! [`ExactIndex`] in process, [`QdrantIndex`] in a Qdrant cluster.
//!
//! Architecture invariant: an index holds no words. It answers with citations and scores, and is not
//! trusted even for those: [`crate::Knowledge`] checks each against the filter again.

mod exact;
mod qdrant;

use futures::future::BoxFuture;

pub use exact::ExactIndex;
pub use qdrant::QdrantIndex;

use crate::passage::{Citation, Filter, Scope};

/// One passage's vector, with what a filter needs.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Which corpus and embedder the vector belongs to. Servers of two corpora can share an index.
    pub generation: String,
    /// The passage.
    pub citation: Citation,
    /// When, where and for whom it holds.
    pub scope: Scope,
    /// Its embedding, of any length other than zero.
    pub vector: Vec<f32>,
}

/// A passage found, with its cosine similarity to the query, from -1 to 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    /// The passage.
    pub citation: Citation,
    /// Cosine similarity.
    pub score: f32,
}

/// Why an index did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The vector has another length than those indexed.
    #[error("a vector of {found} numbers in an index of {expected}")]
    Dimensions {
        /// What the index holds.
        expected: usize,
        /// What came.
        found: usize,
    },

    /// The server behind the index failed or is not there.
    #[error("ask the vector index to {what}")]
    Unavailable {
        /// The operation.
        what: &'static str,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// A store of passage vectors with exact filters.
pub trait PassageIndex: Send + Sync {
    /// Adds entries; one of the same generation and citation is replaced.
    fn upsert<'a>(&'a self, entries: &'a [Entry]) -> BoxFuture<'a, Result<(), IndexError>>;

    /// Removes every version and generation of a document. Removing one that is not there is no error.
    fn delete_document<'a>(&'a self, document: &'a str) -> BoxFuture<'a, Result<(), IndexError>>;

    /// The nearest entries of a generation that the filter admits, nearest first, ties by citation.
    fn search<'a>(
        &'a self,
        generation: &'a str,
        vector: &'a [f32],
        filter: &'a Filter,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Hit>, IndexError>>;

    /// How many entries a generation has.
    fn count<'a>(&'a self, generation: &'a str) -> BoxFuture<'a, Result<usize, IndexError>>;
}

/// Orders hits as the contract says.
fn sort_hits(hits: &mut [Hit]) {
    hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.citation.cmp(&b.citation)));
}
