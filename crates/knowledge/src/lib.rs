//! The policy corpus and the search that answers from it.
//!
//! Policies are Markdown documents with a strict head ([`document`]); each `##` section of one is a
//! [`Passage`], named by a [`Citation`] (`id@version#section`) and pinned by a digest. A search first
//! discards every passage that the asker may not read or that was not in force on the date asked
//! about, and only then ranks the rest, by meaning and by wording together ([`Knowledge::search`]).
//!
//! Invariants:
//! - A passage for staff never reaches a consumer, whatever the index answers: an index returns
//!   citations and scores, the words come from the corpus in memory, and the audience is checked
//!   again there. Staff documents do not even move the scores that a consumer sees.
//! - A passage is data. It is handed on as a value and is never rendered into a template here;
//!   marks that a prompt or a draft could mistake for its own are refused when a document is read.
//! - Without embeddings the search goes on by wording alone, and says so.
//! - A question's vector is never stored; the cache holds vectors of our own passages only.
//!
//! Absent: the clock (the date asked about is an argument), prompts, and any language model.
#![expect(
    clippy::float_arithmetic,
    reason = "similarity scores are floating point; no money is computed here"
)]

mod bm25;
mod cache;
mod corpus;
pub mod document;
mod embedder;
mod error;
mod fusion;
mod glossary;
pub mod index;
mod passage;
mod search;
mod text;

pub use cache::CachedEmbedder;
pub use corpus::Corpus;
pub use embedder::{EmbedError, Embedder, Vectors};
pub use error::KnowledgeError;
pub use fusion::Weights;
pub use passage::{Audience, Citation, CitationError, Filter, Kind, Passage, Scope};
pub use search::{Found, Knowledge, NO_EMBEDDER, Parts, Query};
