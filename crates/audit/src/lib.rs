//! The transparency log: what was done, on what evidence, and the proof that the record was not edited since.
//!
//! - [`append`] writes a leaf in the transaction of its effect; it is chained to its stream's previous leaf.
//! - The sequencer gives committed leaves their index and folds them into an RFC 6962 Merkle tree, kept as C2SP
//!   tlog-tiles with signed checkpoints.
//!
//! Invariants: a leaf is never changed or deleted; a payload can be erased and the tree stays whole; a checkpoint is
//! signed only if it extends every checkpoint signed before. What is absent: deciding what is worth recording.

mod append;
mod canonical;
mod error;
mod hash;
mod leaf;

pub use append::{ERASED, append, erase};
pub use canonical::canonical_json;
pub use error::AuditError;
pub use hash::Hash;
pub use leaf::{Entry, LEAF_VERSION, Leaf, Salt, Stream};
