//! What the post office has: mail, letters and bounces, each of them a line of one file that only grows.

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};

use super::mime;

/// The enhanced code of a mailbox that does not exist.
const NO_SUCH_MAILBOX: &str = "5.1.1";

/// With a line that begins so on its envelope, a letter comes back.
const NO_SUCH_STREET: &str = "No Such Street";

#[derive(Debug, thiserror::Error)]
pub enum PostError {
    #[error("the sandbox mailbox {path} could not be read")]
    Load {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(
        "the sandbox mailbox {path} is damaged in line {line}; remove the file to begin afresh"
    )]
    Damaged {
        path: PathBuf,
        line: usize,
        #[source]
        source: serde_json::Error,
    },
}

/// What becomes of a message, by the address it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Taken,
    /// Refused at `RCPT`: 550 5.1.1.
    Bounces,
    /// Put off, each time: 451 4.2.1.
    Deferred,
    /// Put off the first time.
    DeferredOnce,
    /// Taken, and comes back.
    BouncesLater,
    /// Taken, and the answer is lost.
    AnswerLost,
    /// Lost on its way: the server never has it.
    RequestLost,
    /// The first is lost on its way, the next ones arrive.
    RequestLostOnce,
}

/// By the part of the address before `@`, up to a `+`: `bounce`, `defer`, `defer-once`, `late-bounce`, `answer-lost`,
/// `request-lost`, `request-lost-once`; anything else is taken.
#[must_use]
pub fn fate_of(address: &str) -> Fate {
    let local = address.split(['@', '+']).next().unwrap_or_default().to_ascii_lowercase();
    match local.as_str() {
        "bounce" => Fate::Bounces,
        "defer" => Fate::Deferred,
        "defer-once" => Fate::DeferredOnce,
        "late-bounce" => Fate::BouncesLater,
        "answer-lost" => Fate::AnswerLost,
        "request-lost" => Fate::RequestLost,
        "request-lost-once" => Fate::RequestLostOnce,
        _ => Fate::Taken,
    }
}

/// An e-mail as its reader sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedMail {
    /// 1 for the first.
    pub sequence: u64,
    pub to: String,
    pub from: String,
    /// Without the angle brackets.
    pub message_id: String,
    /// Whether a message of this id had been taken before.
    pub duplicate: bool,
    pub date: String,
    pub subject: String,
    pub text: String,
    pub html: String,
    /// The names of the files that came with it.
    pub enclosed: Vec<String>,
}

/// A letter that was printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Letter {
    pub id: String,
    /// What stands on its envelope, line by line.
    #[serde(default)]
    pub to: Vec<String>,
    pub media_type: String,
    /// In base64.
    pub contents: String,
}

/// A message that was taken, or a letter that was printed (`letter/id`), and came back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounce {
    pub sequence: u64,
    pub message_id: String,
    pub code: String,
}

/// A line of the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Mail(ReceivedMail),
    Letter(Letter),
    Bounce(Bounce),
}

/// All that the post office has.
#[derive(Debug, Default)]
pub struct Mailbox {
    pub mail: Vec<ReceivedMail>,
    pub letters: Vec<Letter>,
    pub bounces: Vec<Bounce>,
    ids: BTreeSet<String>,
    /// Addresses that have failed once already.
    tried: BTreeSet<String>,
    path: Option<PathBuf>,
}

impl Mailbox {
    /// What a file holds; an empty mailbox where there is none. Without a path it is kept in memory.
    pub fn load(path: Option<&Path>) -> Result<Self, PostError> {
        let mut mailbox = Self { path: path.map(Path::to_owned), ..Self::default() };
        let Some(path) = path else { return Ok(mailbox) };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(mailbox),
            Err(source) => return Err(PostError::Load { path: path.to_owned(), source }),
        };
        for (n, line) in text.lines().enumerate() {
            match serde_json::from_str(line) {
                Ok(line) => mailbox.put(line),
                // A line that was cut off by a kill was never answered for.
                Err(_) if n + 1 == text.lines().count() && !text.ends_with('\n') => break,
                Err(source) => {
                    return Err(PostError::Damaged { path: path.to_owned(), line: n + 1, source });
                }
            }
        }
        Ok(mailbox)
    }

    fn put(&mut self, line: Line) {
        match line {
            Line::Mail(mail) => {
                self.ids.insert(mail.message_id.clone());
                self.mail.push(mail);
            }
            Line::Letter(letter) => self.letters.push(letter),
            Line::Bounce(bounce) => self.bounces.push(bounce),
        }
    }

    fn keep(&mut self, line: Line) -> io::Result<()> {
        if let Some(path) = &self.path {
            let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path)?;
            let mut text = serde_json::to_vec(&line)?;
            text.push(b'\n');
            file.write_all(&text)?;
        }
        self.put(line);
        Ok(())
    }

    /// Takes a message for one recipient.
    pub(super) fn take(&mut self, to: &str, source: &[u8]) -> io::Result<()> {
        let parsed = mime::parse(source);
        let message_id = parsed.header("message-id").trim_matches(['<', '>']).to_owned();
        let mail = ReceivedMail {
            sequence: self.mail.len() as u64 + 1,
            to: to.to_owned(),
            from: parsed.header("from"),
            duplicate: self.ids.contains(&message_id),
            message_id: message_id.clone(),
            date: parsed.header("date"),
            subject: parsed.header("subject"),
            text: parsed.text,
            html: parsed.html,
            enclosed: parsed.enclosed,
        };
        self.keep(Line::Mail(mail))?;
        if fate_of(to) == Fate::BouncesLater {
            let sequence = self.bounces.len() as u64 + 1;
            let code = NO_SUCH_MAILBOX.to_owned();
            self.keep(Line::Bounce(Bounce { sequence, message_id, code }))?;
        }
        Ok(())
    }

    /// Whether this is the first time that the address is tried.
    pub(super) fn first_try(&mut self, address: &str) -> bool {
        self.tried.insert(address.to_ascii_lowercase())
    }

    pub(super) fn has(&self, message_id: &str) -> bool {
        self.ids.contains(message_id)
    }

    /// Prints a letter, once; answers whether it is new.
    pub(super) fn print(&mut self, letter: Letter) -> io::Result<bool> {
        if self.letters.iter().any(|printed| printed.id == letter.id) {
            return Ok(false);
        }
        let comes_back = letter.to.iter().any(|line| line.starts_with(NO_SUCH_STREET));
        let message_id = format!("letter/{}", letter.id);
        self.keep(Line::Letter(letter))?;
        if comes_back {
            let sequence = self.bounces.len() as u64 + 1;
            let code = "returned_to_sender".to_owned();
            self.keep(Line::Bounce(Bounce { sequence, message_id, code }))?;
        }
        Ok(true)
    }
}

/// The mailbox between the SMTP server and the desk.
#[derive(Clone, Debug, Default)]
pub struct SharedMailbox(Arc<Mutex<Mailbox>>);

impl SharedMailbox {
    #[must_use]
    pub fn new(mailbox: Mailbox) -> Self {
        Self(Arc::new(Mutex::new(mailbox)))
    }

    /// Whoever panicked with it left it whole: each change is one push.
    pub fn lock(&self) -> MutexGuard<'_, Mailbox> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAIL: &[u8] = b"Message-ID: <m-1@lender.example>\r\nSubject: Hello\r\n\r\nText\r\n";

    #[test]
    fn an_address_does_the_same_each_time_whatever_its_tag_and_case() {
        assert_eq!(fate_of("bounce@example.com"), Fate::Bounces);
        assert_eq!(fate_of("Late-Bounce+ann@example.com"), Fate::BouncesLater);
        assert_eq!(fate_of("bouncer@example.com"), Fate::Taken);
    }

    #[test]
    fn what_was_taken_outlives_the_process_and_a_line_cut_off_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mail.jsonl");
        let mut mailbox = Mailbox::load(Some(&path)).unwrap();
        mailbox.take("ann@example.com", MAIL).unwrap();
        mailbox.take("late-bounce@example.com", MAIL).unwrap();
        let again = Mailbox::load(Some(&path)).unwrap();
        assert_eq!((&again.mail, &again.bounces), (&mailbox.mail, &mailbox.bounces));
        let duplicates: Vec<bool> = again.mail.iter().map(|mail| mail.duplicate).collect();
        assert_eq!((duplicates, again.bounces.len()), (vec![false, true], 1));

        let mut text = std::fs::read_to_string(&path).unwrap();
        text.push_str("{\"mail\":");
        std::fs::write(&path, &text).unwrap();
        assert_eq!(Mailbox::load(Some(&path)).unwrap().mail.len(), 2);
        std::fs::write(&path, format!("nonsense\n{text}")).unwrap();
        assert!(matches!(Mailbox::load(Some(&path)), Err(PostError::Damaged { line: 1, .. })));
    }
}
