//! Why the stand-in cannot be served.

use std::net::SocketAddr;

#[derive(Debug, thiserror::Error)]
pub enum UnderstudyError {
    /// It asks for no key, so it listens to this machine only.
    #[error("serve the stand-in on {0}, which is not a loopback address")]
    NotLoopback(SocketAddr),
    #[error("serve the stand-in")]
    Io(#[from] std::io::Error),
}
