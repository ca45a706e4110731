//! A socket between the process and PostgreSQL, which can be cut at any statement.
//!
//! It reads the wire protocol as far as it must: where a message begins, which of them are statements, and when the server is
//! ready again. A statement that is cut *after* was answered by the server; the answer is kept back, so that what is committed
//! is committed and the process does not know.

use std::{io, path::Path, path::PathBuf, sync::Arc};

use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinSet,
};

use super::fate::{Fate, Moment};

/// What is no step: the pool's question to a connection, which depends on how long that was idle, and what it says when a
/// transaction was let go, which comes when it comes.
const NO_STEPS: [&[u8]; 2] = [b"SQLx ping", b"ROLLBACK"];

/// The socket of one process; gone when it is dropped.
pub struct Socket {
    folder: TempDir,
    _listening: JoinSet<()>,
}

impl Socket {
    /// Stands in for `server`.
    pub fn before(server: PathBuf, fate: Arc<Fate>) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let name = server.file_name().map(PathBuf::from).unwrap_or_default();
        let listener = UnixListener::bind(folder.path().join(name))?;
        let mut listening = JoinSet::new();
        listening.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                tokio::select! {
                    () = fate.death() => return,
                    accepted = listener.accept() => {
                        let Ok((client, _)) = accepted else { return };
                        connections.spawn(serve(client, server.clone(), Arc::clone(&fate)));
                    }
                    Some(_) = connections.join_next() => {}
                }
            }
        });
        Ok(Self { folder, _listening: listening })
    }

    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// What the client's side tells the server's: how often the server has to become ready, and whether that is the end.
#[derive(Clone, Copy, Default)]
struct Asked {
    ready: u64,
    last: bool,
}

async fn serve(client: UnixStream, server: PathBuf, fate: Arc<Fate>) {
    let Ok(server) = UnixStream::connect(server).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (asking, asked) = watch::channel(Asked::default());
    tokio::select! {
        () = fate.death() => {}
        _ = requests(from_client, to_server, asking, &fate) => {}
        _ = answers(from_server, to_client, asked, &fate) => {}
    }
}

async fn requests(
    mut client: OwnedReadHalf,
    mut server: OwnedWriteHalf,
    asking: watch::Sender<Asked>,
    fate: &Fate,
) -> io::Result<()> {
    // The first message has no kind; without encryption it is the one that opens the session.
    let first = body(&mut client, &[]).await?;
    server.write_all(&first).await?;
    let mut dying = false;
    loop {
        let kind = client.read_u8().await?;
        let message = body(&mut client, &[kind]).await?;
        let statement =
            kind == b'E' || kind == b'Q' && !NO_STEPS.iter().any(|no| holds(&message, no));
        match statement.then(|| fate.step()).flatten() {
            Some(Moment::Before) => {
                fate.die();
                return Ok(());
            }
            Some(Moment::After) => dying = true,
            None => {}
        }
        // The server does what it was asked for and says that it is ready at the end of a query or a batch.
        if matches!(kind, b'Q' | b'S') {
            asking.send_modify(|asked| {
                asked.ready += 1;
                asked.last = dying;
            });
        }
        server.write_all(&message).await?;
    }
}

fn holds(message: &[u8], words: &[u8]) -> bool {
    message.windows(words.len()).any(|part| part == words)
}

/// The rest of a message, with what was read of it before.
async fn body(from: &mut OwnedReadHalf, before: &[u8]) -> io::Result<Vec<u8>> {
    let length = from.read_u32().await?;
    let mut message = before.to_vec();
    message.extend_from_slice(&length.to_be_bytes());
    let rest = usize::try_from(length.saturating_sub(4)).unwrap_or_default();
    let at = message.len();
    message.resize(at + rest, 0);
    if let Some(rest) = message.get_mut(at..) {
        from.read_exact(rest).await?;
    }
    Ok(message)
}

async fn answers(
    mut server: OwnedReadHalf,
    mut client: OwnedWriteHalf,
    asked: watch::Receiver<Asked>,
    fate: &Fate,
) -> io::Result<()> {
    // Ready once at the end of the session's opening.
    let mut opened = false;
    let mut ready = 0;
    loop {
        let kind = server.read_u8().await?;
        let message = body(&mut server, &[kind]).await?;
        if kind == b'Z' {
            ready += u64::from(opened);
            opened = true;
        }
        let asked = *asked.borrow();
        if asked.last {
            if ready == asked.ready {
                fate.die();
                return Ok(());
            }
            continue;
        }
        client.write_all(&message).await?;
    }
}
