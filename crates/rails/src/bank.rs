//! The client of the bank's wire (docs/bank-wire.md).

use std::{fmt, str::FromStr, time::Duration};

use chrono::NaiveDate;
use nacha::{ReturnCode, TraceNumber};
use reqwest::{Client, Response, StatusCode, Url};
use serde::{Deserialize, Deserializer, Serialize};

use crate::{InstantTransfer, RailError, TransferStatus};

/// The address of a bank, under which the paths of the wire lie: `https://`, or `http://` within a house.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankUrl(String);

impl FromStr for BankUrl {
    type Err = RailError;

    fn from_str(text: &str) -> Result<Self, RailError> {
        let wrong = |reason: String| RailError::Address { reason };
        let url = Url::parse(text).map_err(|error| wrong(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(wrong("it begins with neither http:// nor https://".to_owned()));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(wrong("no path can be added to a query or a fragment".to_owned()));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for BankUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Clone, Debug)]
pub struct BankConfig {
    /// Such as `http://127.0.0.1:9100`.
    pub base_url: String,
    pub timeout: Duration,
}

/// Speaks to the bank over HTTP. Holds no state but its connections.
#[derive(Clone, Debug)]
pub struct BankClient {
    base_url: String,
    client: Client,
}

/// What the bank knows of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStatus {
    pub file_id: String,
    pub received_on: NaiveDate,
    pub entries: Vec<EntryStatus>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryStatus {
    pub trace: TraceNumber,
    pub state: EntryState,
    /// The day the money moved.
    pub settled_on: Option<NaiveDate>,
    /// Nothing where the bank says none, or one that we do not know.
    #[serde(default, deserialize_with = "known_code")]
    pub return_code: Option<ReturnCode>,
}

fn known_code<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<ReturnCode>, D::Error> {
    let code = Option::<String>::deserialize(deserializer)?;
    Ok(code.and_then(|code| code.parse().ok()))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EntryState {
    Pending,
    Settled,
    Returned,
}

/// A file of returns, in the order in which the bank made them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnFile {
    /// Grows by one with each file; ask for what comes after the last one that was worked off.
    pub sequence: u64,
    /// Nacha text.
    pub contents: String,
}

#[derive(Deserialize)]
struct Returns {
    returns: Vec<ReturnFile>,
}

#[derive(Deserialize)]
struct Problem {
    detail: Option<String>,
}

impl BankClient {
    pub fn new(config: &BankConfig) -> Result<Self, RailError> {
        let client = Client::builder()
            .timeout(config.timeout)
            .build()
            .map_err(|source| RailError::Client { source })?;
        Ok(Self { base_url: config.base_url.trim_end_matches('/').to_owned(), client })
    }

    /// Hands a file to the bank under `file_id`. Sending the same bytes again under the same id is one file.
    ///
    /// # Errors
    /// `Refused` and `NotSent`: nothing will happen. `Unknown`: it may have arrived; ask with [`Self::find_file`].
    pub async fn submit(&self, file_id: &str, contents: &str) -> Result<(), RailError> {
        let answer = self
            .client
            .put(format!("{}/ach/files/{file_id}", self.base_url))
            .header("content-type", "text/plain; charset=us-ascii")
            .body(contents.to_owned())
            .send()
            .await
            .map_err(unanswered)?;
        match answer.status() {
            StatusCode::OK | StatusCode::CREATED => Ok(()),
            status if will_not_have_it(status) => Err(refused(answer).await),
            status => Err(RailError::Unknown { reason: format!("it answered {status}") }),
        }
    }

    /// What became of a file; `None` when the bank never had it.
    pub async fn find_file(&self, file_id: &str) -> Result<Option<FileStatus>, RailError> {
        let answer = self.get(&format!("/ach/files/{file_id}")).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        read(answer).await.map(Some)
    }

    /// The files of returns made after the one numbered `sequence`; all of them after 0.
    pub async fn returns_after(&self, sequence: u64) -> Result<Vec<ReturnFile>, RailError> {
        let answer = self.get(&format!("/ach/returns?after={sequence}")).await?;
        read::<Returns>(answer).await.map(|returns| returns.returns)
    }

    /// Sends money at once under `transfer_id`. The same transfer under the same id is one transfer, and gives what became
    /// of the first.
    ///
    /// # Errors
    /// As of [`Self::submit`]; ask with [`Self::find_transfer`].
    pub async fn push(
        &self,
        transfer_id: &str,
        transfer: &InstantTransfer,
    ) -> Result<TransferStatus, RailError> {
        let url = format!("{}/instant/transfers/{transfer_id}", self.base_url);
        let answer = self.client.put(url).json(transfer).send().await.map_err(unanswered)?;
        if will_not_have_it(answer.status()) {
            return Err(refused(answer).await);
        }
        read(answer).await
    }

    /// What became of a transfer; `None` when the bank never had it.
    pub async fn find_transfer(
        &self,
        transfer_id: &str,
    ) -> Result<Option<TransferStatus>, RailError> {
        let answer = self.get(&format!("/instant/transfers/{transfer_id}")).await?;
        if answer.status() == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        read(answer).await.map(Some)
    }

    /// Asks the bank never to do a transfer; the answer says whether it was done before that.
    pub async fn void_transfer(&self, transfer_id: &str) -> Result<TransferStatus, RailError> {
        let url = format!("{}/instant/transfers/{transfer_id}/void", self.base_url);
        read(self.client.post(url).send().await.map_err(unanswered)?).await
    }

    async fn get(&self, path: &str) -> Result<Response, RailError> {
        self.client.get(format!("{}{path}", self.base_url)).send().await.map_err(unanswered)
    }
}

/// Whether the bank has read the file and will not have it. Any other no is about us, about the hour or about a file that
/// it already has: what became of this one has to be asked.
const fn will_not_have_it(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 413 | 422)
}

/// A connection that was never made sent nothing; anything later may have.
fn unanswered(source: reqwest::Error) -> RailError {
    if source.is_connect() || source.is_builder() {
        RailError::NotSent { source }
    } else {
        let reason =
            if source.is_timeout() { "it did not answer in time" } else { "the connection broke" };
        RailError::Unknown { reason: reason.to_owned() }
    }
}

async fn refused(answer: Response) -> RailError {
    let status = answer.status();
    let detail = answer.json::<Problem>().await.ok().and_then(|problem| problem.detail);
    RailError::Refused { reason: detail.unwrap_or_else(|| status.to_string()) }
}

async fn read<T: for<'de> Deserialize<'de>>(answer: Response) -> Result<T, RailError> {
    let status = answer.status();
    if !status.is_success() {
        return Err(RailError::Unknown { reason: format!("it answered {status}") });
    }
    answer.json().await.map_err(|error| RailError::Unreadable { reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_that_a_request_can_be_made_to() {
        for text in ["http://127.0.0.1:9100", "https://ach.bank.example/plumbline/"] {
            assert_eq!(text.parse::<BankUrl>().unwrap().to_string(), text);
        }
        for text in [
            "",
            "ach.bank.example",
            "ach.bank.example:9100",
            "https://",
            "ftp://ach.bank.example",
            "https://ach.bank.example/?to=me",
            "https://ach.bank.example:port",
        ] {
            assert!(text.parse::<BankUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_a_no_to_the_file_itself_is_a_refusal() {
        let refusals: Vec<u16> = (400..500)
            .filter(|code| will_not_have_it(StatusCode::from_u16(*code).unwrap()))
            .collect();
        assert_eq!(refusals, [400, 413, 422]);
    }
}
