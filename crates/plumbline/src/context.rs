//! What every command is given.

use crate::{config::Config, output::Output};

pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) output: Output,
}
