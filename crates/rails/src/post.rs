//! The client of the post office's desk: what became of a message, which messages came back after they were taken, and letters
//! to be printed (docs/messages.md).

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use reqwest::{Client, StatusCode};
use serde::{Deserialize, Serialize};

use crate::RailError;

/// What stands before the id of a letter that came back.
const OF_A_LETTER: &str = "letter/";

/// A message that was taken, or a letter that was printed, and came back later.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounce {
    /// Grows by one with each.
    pub sequence: u64,
    /// As it was sent: `<id@domain>`; of a letter `letter/id`.
    pub message_id: String,
    /// An enhanced status code.
    pub code: String,
}

impl Bounce {
    /// The id under which the letter was printed, where it is one.
    #[must_use]
    pub fn letter(&self) -> Option<&str> {
        self.message_id.strip_prefix(OF_A_LETTER)
    }
}

/// A letter to be printed.
#[derive(Clone, Copy, Debug)]
pub struct Printing<'a> {
    /// An id of ours.
    pub id: &'a str,
    /// What goes on the envelope, line by line, the name first.
    pub to: &'a [String],
    pub media_type: &'a str,
    pub bytes: &'a [u8],
}

/// A letter as it crosses the wire.
#[derive(Serialize)]
struct PrintBody<'a> {
    to: &'a [String],
    media_type: &'a str,
    contents: String,
}

#[derive(Deserialize)]
struct Bounces {
    bounces: Vec<Bounce>,
}

/// Speaks to the desk over HTTP. Holds no state but its connections.
#[derive(Clone, Debug)]
pub struct PostClient {
    base_url: String,
    client: Client,
}

impl PostClient {
    /// `base_url` such as `http://127.0.0.1:9200`.
    pub fn new(base_url: &str, timeout: Duration) -> Result<Self, RailError> {
        let client = Client::builder()
            .timeout(timeout)
            .build()
            .map_err(|source| RailError::Client { source })?;
        Ok(Self { base_url: base_url.trim_end_matches('/').to_owned(), client })
    }

    /// Whether the message of this Message-ID was taken.
    pub async fn has(&self, message_id: &str) -> Result<bool, RailError> {
        self.is_there(&format!("mail/{}", message_id.trim_matches(['<', '>']))).await
    }

    /// Whether the letter of this id of ours is at the printer's.
    pub async fn has_letter(&self, id: &str) -> Result<bool, RailError> {
        self.is_there(&format!("letters/{id}")).await
    }

    async fn is_there(&self, path: &str) -> Result<bool, RailError> {
        let url = format!("{}/{path}", self.base_url);
        let answer = self.client.head(url).send().await.map_err(unknown)?;
        match answer.status() {
            StatusCode::OK => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            status => Err(RailError::Unknown { reason: format!("it answered {status}") }),
        }
    }

    /// The bounces after the one numbered `sequence`; all of them after 0.
    pub async fn bounces_after(&self, sequence: u64) -> Result<Vec<Bounce>, RailError> {
        let url = format!("{}/bounces?after={sequence}", self.base_url);
        let answer = self.client.get(url).send().await.map_err(unknown)?;
        if !answer.status().is_success() {
            return Err(RailError::Unknown { reason: format!("it answered {}", answer.status()) });
        }
        let read = answer.json::<Bounces>().await;
        read.map(|read| read.bounces)
            .map_err(|error| RailError::Unreadable { reason: error.to_string() })
    }

    /// Hands a letter to the printer under an id of ours: handed over twice, it is printed once.
    pub async fn print(&self, letter: &Printing<'_>) -> Result<(), RailError> {
        let body = PrintBody {
            to: letter.to,
            media_type: letter.media_type,
            contents: BASE64_STANDARD.encode(letter.bytes),
        };
        let url = format!("{}/letters/{}", self.base_url, letter.id);
        let answer = self.client.put(url).json(&body).send().await.map_err(unknown)?;
        match answer.status() {
            StatusCode::OK | StatusCode::CREATED => Ok(()),
            status => Err(RailError::Unknown { reason: format!("it answered {status}") }),
        }
    }
}

fn unknown(source: reqwest::Error) -> RailError {
    if source.is_connect() {
        RailError::NotSent { source }
    } else {
        RailError::Unknown { reason: "the connection broke".to_owned() }
    }
}
