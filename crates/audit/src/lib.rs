//! The transparency log: what was done, on what evidence, and the proof that the record was not edited since.
//!
//! - [`append`] writes a leaf in the transaction of its effect; it is chained to its stream's previous leaf.
//! - The sequencer gives committed leaves their index and folds them into an RFC 6962 Merkle tree, kept as C2SP
//!   tlog-tiles with signed checkpoints.
//! - [`export`] takes a conversation out as a bundle, and [`verify`] checks it with no server and no database.
//! - [`check`] goes through the whole log from the inside.
//!
//! Invariants: a leaf is never changed or deleted; a payload can be erased and the tree stays whole; a checkpoint is
//! signed only if it extends every checkpoint signed before. What is absent: deciding what is worth recording.

mod append;
mod bundle;
mod canonical;
mod check;
mod checkpoint;
mod error;
mod export;
mod hash;
mod leaf;
mod log;
mod note;
mod read;
mod sequencer;
mod tiles;
mod tree;
mod verify;

pub use append::{
    Chained, ERASED, Held, Tip, append, append_all, append_held, chain, erase, take_free,
};
pub use bundle::{
    BUNDLE_FORMAT, Bundle, Consistency, Hex, LeafRecord, Seal, SealedLeaf, SealedStream,
    StreamRecord,
};
pub use canonical::canonical_json;
pub use check::{LogFault, LogProblem, LogReport, check};
pub use checkpoint::Checkpoint;
pub use error::AuditError;
pub use export::export;
pub use hash::Hash;
pub use leaf::{Entry, LEAF_VERSION, Leaf, LeafBody, Salt, Stream};
pub use log::{Log, ORIGIN};
pub use note::{NoteFault, NoteKey, VerifierKey};
pub use read::{Recorded, read};
pub use sequencer::{latest_checkpoint, sequence};
pub use tiles::{TILE_WIDTH, TileId, Tiles, TornTile, edge_tiles, tiles_of};
pub use tree::{
    Node, Nodes, TreeHead, consistency_ranges, consistent, inclusion_ranges, perfect_nodes,
    range_hash, root_by_inclusion,
};
pub use verify::{Checked, Fault, Problem, Report, Trust, no_bundle, verify};
