//! The assistant: the tools' bodies, their dispatch, the guards, context packing, the hand-off and the turn's driver.

pub mod figures;
pub mod rights;
pub mod tools;
