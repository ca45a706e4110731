//! The SMTP server (RFC 5321): as much of it as a client that sends needs.

use std::{future::Future, io};

use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    task::JoinSet,
};

use super::{Fate, SharedMailbox, fate_of};

/// The longest message that is taken.
const MESSAGE_BYTES_MAX: u64 = 10 * 1024 * 1024;
/// The longest line of a command.
const LINE_BYTES_MAX: u64 = 4 * 1024;

/// Serves until `shutdown` completes.
pub async fn serve_smtp(
    listener: TcpListener,
    mailbox: SharedMailbox,
    shutdown: impl Future<Output = ()> + Send,
) {
    let mut talks = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return,
            taken = listener.accept() => match taken {
                Ok((stream, _)) => {
                    let mailbox = mailbox.clone();
                    talks.spawn(async move {
                        // Whoever hangs up in the middle has said all they wanted.
                        drop(Talk::new(stream, mailbox).go_on().await);
                    });
                }
                Err(error) => tracing::error!("the sandbox mail server takes nobody: {error}"),
            },
            Some(_) = talks.join_next(), if !talks.is_empty() => {}
        }
    }
}

/// One connection.
struct Talk {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    mailbox: SharedMailbox,
    sender: bool,
    recipients: Vec<String>,
}

/// Whether the talk goes on.
enum Next {
    Line,
    HangUp,
}

impl Talk {
    fn new(stream: TcpStream, mailbox: SharedMailbox) -> Self {
        let (reader, writer) = stream.into_split();
        let reader = BufReader::new(reader);
        Self { reader, writer, mailbox, sender: false, recipients: Vec::new() }
    }

    async fn say(&mut self, line: &str) -> io::Result<()> {
        self.writer.write_all(format!("{line}\r\n").as_bytes()).await
    }

    async fn go_on(mut self) -> io::Result<()> {
        self.say("220 sandbox.invalid Plumbline sandbox post office: nothing is delivered").await?;
        loop {
            let mut line = Vec::new();
            let read = (&mut self.reader).take(LINE_BYTES_MAX).read_until(b'\n', &mut line).await?;
            if read == 0 {
                return Ok(());
            }
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            if matches!(self.answer(&line).await?, Next::HangUp) {
                return Ok(());
            }
        }
    }

    async fn answer(&mut self, line: &str) -> io::Result<Next> {
        let upper = line.to_ascii_uppercase();
        let verb = upper.split([' ', ':']).next().unwrap_or_default();
        match verb {
            "EHLO" => {
                self.say("250-sandbox.invalid\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES").await?;
            }
            "HELO" | "NOOP" => self.say("250 2.0.0 fine").await?,
            "RSET" => {
                self.forget();
                self.say("250 2.0.0 forgotten").await?;
            }
            "MAIL" => {
                self.forget();
                self.sender = true;
                self.say("250 2.1.0 fine").await?;
            }
            "RCPT" if self.sender => self.recipient(line).await?,
            "DATA" if !self.recipients.is_empty() => return self.data().await,
            "RCPT" | "DATA" => self.say("503 5.5.1 first things first").await?,
            "QUIT" => {
                self.say("221 2.0.0 bye").await?;
                return Ok(Next::HangUp);
            }
            _ => self.say("502 5.5.1 not here").await?,
        }
        Ok(Next::Line)
    }

    fn forget(&mut self) {
        self.sender = false;
        self.recipients.clear();
    }

    async fn recipient(&mut self, line: &str) -> io::Result<()> {
        let address = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
        let Some((address, _)) = address.filter(|(address, _)| address.contains('@')) else {
            return self.say("501 5.1.3 that is no address").await;
        };
        let put_off = match fate_of(address) {
            Fate::Bounces => return self.say("550 5.1.1 there is no such mailbox").await,
            Fate::Deferred => true,
            Fate::DeferredOnce => self.mailbox.lock().first_try(address),
            _ => false,
        };
        if put_off {
            return self.say("451 4.2.1 the mailbox is busy, try again later").await;
        }
        self.recipients.push(address.to_owned());
        self.say("250 2.1.5 fine").await
    }

    async fn data(&mut self) -> io::Result<Next> {
        self.say("354 go on, and end with a dot").await?;
        let mut source = Vec::new();
        loop {
            let mut line = Vec::new();
            let left = MESSAGE_BYTES_MAX.saturating_sub(source.len() as u64);
            if (&mut self.reader).take(left).read_until(b'\n', &mut line).await? == 0 {
                return Ok(Next::HangUp);
            }
            if line == b".\r\n" || line == b".\n" {
                break;
            }
            // A dot at the front was doubled on the way.
            let dotted = line.starts_with(b".");
            source.extend_from_slice(line.get(usize::from(dotted)..).unwrap_or_default());
        }
        let recipients = std::mem::take(&mut self.recipients);
        self.forget();
        let mut hang_up = false;
        for to in &recipients {
            let fate = fate_of(to);
            let lost = fate == Fate::RequestLost
                || (fate == Fate::RequestLostOnce && self.mailbox.lock().first_try(to));
            hang_up |= lost || fate == Fate::AnswerLost;
            if lost {
                continue;
            }
            let kept = self.mailbox.lock().take(to, &source);
            if let Err(error) = kept {
                tracing::error!("the sandbox post office could not keep a message: {error}");
                self.say("451 4.3.0 it could not be kept").await?;
                return Ok(Next::Line);
            }
        }
        if hang_up {
            return Ok(Next::HangUp);
        }
        self.say("250 2.0.0 taken").await?;
        Ok(Next::Line)
    }
}
