//! Stands before PostgreSQL and reads along: a commit, said or implied, is an event.
//!
//! Of the wire only so much is understood as that takes: which statement a message runs, whether a transaction is open,
//! and how many answers are awaited.

use std::{collections::HashMap, io, path::PathBuf, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream, tcp::OwnedWriteHalf, unix::OwnedReadHalf},
    sync::mpsc,
    task::JoinSet,
};

use crate::gate::{Gate, Side, Socket};

/// A typed message: its type, and what follows its length.
#[derive(Debug, PartialEq, Eq)]
struct Message {
    kind: u8,
    body: Vec<u8>,
}

impl Message {
    fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.body.len() + 4).unwrap();
        [&[self.kind][..], &length.to_be_bytes(), &self.body].concat()
    }

    /// The strings at the start of the body, each closed by a zero.
    fn strings(&self) -> impl Iterator<Item = String> {
        self.body.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned())
    }
}

async fn read_message(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Message> {
    let kind = from.read_u8().await?;
    Ok(Message { kind, body: read_body(from).await? })
}

async fn read_body(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let length = from.read_u32().await?.saturating_sub(4);
    let mut body = vec![0; length as usize];
    from.read_exact(&mut body).await?;
    Ok(body)
}

/// What a connection has asked for, as far as it tells where it commits.
#[derive(Debug, Default)]
struct Conversation {
    statements: HashMap<String, String>,
    bound: String,
    /// Run since the last answer was asked for.
    ran: Vec<String>,
    /// In a transaction that somebody has begun.
    open: bool,
}

impl Conversation {
    /// Reads a message on its way to the database; answers what it commits, if it does.
    fn asks(&mut self, message: &Message) -> Option<String> {
        match message.kind {
            b'P' => {
                let mut strings = message.strings();
                let name = strings.next().unwrap_or_default();
                self.statements.insert(name, strings.next().unwrap_or_default());
                None
            }
            b'B' => {
                let name = message.strings().nth(1).unwrap_or_default();
                self.bound = self.statements.get(&name).cloned().unwrap_or_default();
                None
            }
            b'E' => {
                self.ran.push(self.bound.clone());
                None
            }
            b'Q' => {
                self.ran.push(message.strings().next().unwrap_or_default());
                self.commits()
            }
            b'S' => self.commits(),
            _ => None,
        }
    }

    /// What the statements run since the last answer commit.
    fn commits(&mut self) -> Option<String> {
        let mut committed = None;
        for statement in std::mem::take(&mut self.ran) {
            match word(&statement).as_str() {
                "BEGIN" | "START" => self.open = true,
                "COMMIT" | "END" => {
                    self.open = false;
                    committed = Some("COMMIT".to_owned());
                }
                "ROLLBACK" | "ABORT" => self.open &= statement.contains("TO"),
                _ if !self.open && writes(&statement) => {
                    committed =
                        Some(statement.split_whitespace().take(3).collect::<Vec<_>>().join(" "));
                }
                _ => {}
            }
        }
        committed
    }
}

fn word(statement: &str) -> String {
    statement.split_whitespace().next().unwrap_or_default().trim_end_matches(';').to_uppercase()
}

fn writes(statement: &str) -> bool {
    const WRITES: [&str; 4] = ["INSERT", "UPDATE", "DELETE", "MERGE"];
    let first = word(statement);
    WRITES.contains(&first.as_str())
        || (first == "WITH" && WRITES.iter().any(|write| statement.contains(write)))
}

/// Serves one address for the whole run, whichever server comes to it.
pub(crate) async fn proxy(gate: Arc<Gate>, listener: TcpListener, upstream: PathBuf) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let (gate, upstream) = (Arc::clone(&gate), upstream.clone());
        // A connection that breaks is what this is for.
        connections.spawn(async move { drop(connection(&gate, client, upstream).await) });
    }
}

async fn connection(gate: &Gate, client: TcpStream, upstream: PathBuf) -> io::Result<()> {
    client.set_nodelay(true)?;
    let (mut from_client, to_client) = client.into_split();
    let startup = read_body(&mut from_client).await?;
    let (from_server, mut to_server) = UnixStream::connect(upstream).await?.into_split();
    to_server.write_u32(u32::try_from(startup.len() + 4).unwrap()).await?;
    to_server.write_all(&startup).await?;
    let sequencer = String::from_utf8_lossy(&startup).contains("plumbline_audit");
    let socket = if sequencer { Socket::Sequencer } else { Socket::Postgres };

    let (answered, mut answers) = mpsc::unbounded_channel();
    let mut back = JoinSet::new();
    back.spawn(async move { pass_back(from_server, to_client, answered).await });
    // The first answer comes when the start is over.
    let (mut awaited, mut conversation) = (1_u64, Conversation::default());
    loop {
        let message = read_message(&mut from_client).await?;
        let side = conversation.asks(&message).and_then(|what| gate.pass(socket, &what));
        if side == Some(Side::Before) {
            gate.kill().await;
            return Ok(());
        }
        awaited += u64::from(matches!(message.kind, b'Q' | b'S'));
        if side == Some(Side::After) {
            // Nothing more reaches the server; the answer is waited for.
            while awaited > 1 {
                answers.recv().await.ok_or(io::ErrorKind::UnexpectedEof)?;
                awaited -= 1;
            }
            drop(std::mem::replace(&mut answers, mpsc::unbounded_channel().1));
            to_server.write_all(&message.bytes()).await?;
            // Until the server is dead the way to it stays open: it must not be told that anything broke.
            let open = back.join_next().await;
            gate.kill().await;
            drop(open);
            return Ok(());
        }
        to_server.write_all(&message.bytes()).await?;
        while answers.try_recv().is_ok() {
            awaited -= 1;
        }
    }
}

/// Passes answers on, and tells of each that is whole. Once nobody wants to be told, the next one is awaited and kept.
async fn pass_back(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    answered: mpsc::UnboundedSender<()>,
) -> io::Result<OwnedWriteHalf> {
    loop {
        let message = read_message(&mut from).await?;
        let whole = message.kind == b'Z';
        if answered.is_closed() {
            if whole {
                return Ok(to);
            }
            continue;
        }
        to.write_all(&message.bytes()).await?;
        if whole {
            answered.send(()).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, strings: &[&str]) -> Message {
        let mut body = Vec::new();
        for text in strings {
            body.extend(text.as_bytes());
            body.push(0);
        }
        Message { kind, body }
    }

    /// What each statement commits, prepared and run one by one.
    fn commits(statements: &[&str]) -> Vec<Option<String>> {
        let mut conversation = Conversation::default();
        let mut found = Vec::new();
        for statement in statements {
            assert_eq!(conversation.asks(&message(b'P', &["s1", statement])), None);
            assert_eq!(conversation.asks(&message(b'B', &["", "s1"])), None);
            assert_eq!(conversation.asks(&message(b'E', &[""])), None);
            found.push(conversation.asks(&message(b'S', &[])));
        }
        found
    }

    #[test]
    fn a_write_by_itself_commits_and_one_in_a_transaction_does_not() {
        let found =
            commits(&["SELECT 1", "INSERT INTO t VALUES (1)", "BEGIN", "UPDATE t SET n = 2"]);
        assert_eq!(found, [None, Some("INSERT INTO t".to_owned()), None, None]);
        let found = commits(&["BEGIN", "INSERT INTO t VALUES (1)", "COMMIT", "SELECT 1"]);
        assert_eq!(found, [None, None, Some("COMMIT".to_owned()), None]);
        let found =
            commits(&["BEGIN", "ROLLBACK", "WITH a AS (INSERT INTO t VALUES (1)) SELECT 2"]);
        assert_eq!(found, [None, None, Some("WITH a AS".to_owned())]);
    }

    #[test]
    fn a_commit_in_one_message_is_seen() {
        let mut conversation = Conversation::default();
        assert_eq!(conversation.asks(&message(b'Q', &["BEGIN"])), None);
        assert_eq!(conversation.asks(&message(b'Q', &["COMMIT"])), Some("COMMIT".to_owned()));
    }

    #[tokio::test]
    async fn a_message_is_written_as_it_was_read() {
        let bytes = [b'Q', 0, 0, 0, 11, b'C', b'O', b'M', b'M', b'I', b'T', 0];
        let read = read_message(&mut &bytes[..]).await.unwrap();
        assert_eq!(read, message(b'Q', &["COMMIT"]));
        assert_eq!(read.bytes(), bytes);
    }
}
