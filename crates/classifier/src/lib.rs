//! A small linear classifier of what people write: labelled lines in, weights out, and from the weights the labels of a text.
//!
//! Each label is decided by itself, one against the rest, on each sentence, each pair of neighbouring sentences and the whole
//! text, so that what is hidden in small talk is heard. Training gives the same weights on every machine: a fixed order, no
//! clock, and of arithmetic only what every processor rounds alike. What is absent: what a label means, and files.
#![expect(
    clippy::float_arithmetic,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "weights are fitted in floating point and rounded to bytes; no money passes here"
)]

mod features;
mod file;
mod model;
mod thesaurus;
mod thresholds;
mod train;
mod words;

pub use file::ModelError;
pub use model::Model;
pub use thesaurus::Thesaurus;
pub use thresholds::{Scored, recall_first};
pub use train::{Line, fit};
pub use words::sentences;

/// The code that decides what a text of given weights is heard as, for whoever digests what they serve.
pub const SOURCES: &[&str] = &[
    include_str!("features.rs"),
    include_str!("file.rs"),
    include_str!("model.rs"),
    include_str!("thesaurus.rs"),
    include_str!("words.rs"),
];
