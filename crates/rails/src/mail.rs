//! The client of the mail wire: SMTP, one message at a time.
//!
//! Invariants: a message goes out under an id of the caller's, which is its Message-ID, so that sending it twice can be seen; an
//! answer that did not come is `MailError::Unknown`. Whether a no is about the address or about us is read from the
//! enhanced status code (RFC 3463): only the first is a reason to give the address up. Outside this machine the wire is
//! encrypted. No error repeats an address.

use std::{fmt, str::FromStr, time::Duration};

use chrono::{DateTime, Utc};
use lettre::{
    AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor,
    message::{Attachment, Mailbox, MultiPart, header::ContentType},
    transport::smtp,
};
use reqwest::Url;

/// A mail server: `smtps://name:password@host`, `smtp://name:password@host?tls=required`, or `smtp://127.0.0.1:2525` on this
/// machine. It may carry a password and is shown without it.
#[derive(Clone)]
pub struct MailUrl(Url);

impl FromStr for MailUrl {
    type Err = MailError;

    fn from_str(text: &str) -> Result<Self, MailError> {
        let wrong = |reason: &str| MailError::Address { reason: reason.to_owned() };
        let url = Url::parse(text).map_err(|error| wrong(&error.to_string()))?;
        let host = url.host_str().unwrap_or_default();
        if host.is_empty() {
            return Err(wrong("it names no host"));
        }
        let encrypted = url.query_pairs().any(|(name, value)| name == "tls" && value == "required");
        let here = matches!(host, "127.0.0.1" | "localhost" | "[::1]");
        match url.scheme() {
            "smtps" => Ok(Self(url)),
            "smtp" if encrypted || here => Ok(Self(url)),
            "smtp" => Err(wrong("outside this machine it needs ?tls=required, or smtps://")),
            _ => Err(wrong("it begins with neither smtp:// nor smtps://")),
        }
    }
}

impl fmt::Display for MailUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.clone();
        match (url.set_password(None), url.set_username("")) {
            (Ok(()), Ok(())) => url.fmt(f),
            // Of an address with a host neither fails.
            _ => f.write_str("a mail server"),
        }
    }
}

impl fmt::Debug for MailUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[derive(Clone, Debug)]
pub struct MailConfig {
    pub url: MailUrl,
    /// Who writes: `Plumbline <service@lender.example>`.
    pub from: String,
    pub timeout: Duration,
}

/// An e-mail to one person.
#[derive(Clone, Debug)]
pub struct Mail<'a> {
    /// Unique for ever: becomes the part of the Message-ID before the `@`.
    pub id: &'a str,
    pub name: &'a str,
    pub address: &'a str,
    pub subject: &'a str,
    pub text: &'a str,
    pub html: &'a str,
    pub enclosed: Option<Enclosed<'a>>,
    pub written_at: DateTime<Utc>,
}

/// A document that goes with it.
#[derive(Clone, Debug)]
pub struct Enclosed<'a> {
    pub file_name: &'a str,
    pub media_type: &'a str,
    pub bytes: &'a [u8],
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// There is no such mailbox, or it takes nothing any more.
    #[error("the address takes no mail ({code})")]
    Bounced { code: String },
    /// It may be taken later.
    #[error("the mail server put it off ({code})")]
    Deferred { code: String },
    /// The server will not have it from us; the address may be good.
    #[error("the mail server refused it ({code})")]
    Refused { code: String },
    /// It never left.
    #[error("the mail server could not be reached")]
    NotSent {
        #[source]
        source: smtp::Error,
    },
    /// It may have arrived: read back before it is sent again.
    #[error("the mail server's answer is unknown")]
    Unknown {
        #[source]
        source: Option<smtp::Error>,
    },
    /// This cannot be written as an e-mail: an address that is none.
    #[error("that is no e-mail: {reason}")]
    Malformed { reason: &'static str },
    #[error("that is no address of a mail server: {reason}")]
    Address { reason: String },
}

/// Speaks to the mail server. Holds no state.
#[derive(Clone, Debug)]
pub struct MailClient {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl MailClient {
    pub fn new(config: &MailConfig) -> Result<Self, MailError> {
        let wrong = |reason: String| MailError::Address { reason };
        let from = config.from.parse().map_err(|_| {
            wrong("the sender is none: it is written `Name <name@domain>`".to_owned())
        })?;
        let transport = AsyncSmtpTransport::<Tokio1Executor>::from_url(config.url.0.as_str())
            .map_err(|error| wrong(error.to_string()))?
            .timeout(Some(config.timeout))
            .build();
        Ok(Self { transport, from })
    }

    /// The Message-ID of the message of this id.
    #[must_use]
    pub fn message_id(&self, id: &str) -> String {
        format!("<{id}@{}>", self.from.email.domain())
    }

    /// Hands a message over. `Ok`: the server has taken it and answers for it.
    pub async fn send(&self, mail: &Mail<'_>) -> Result<(), MailError> {
        let message = self.message(mail)?;
        self.transport.send(message).await.map(drop).map_err(failed)
    }

    fn message(&self, mail: &Mail<'_>) -> Result<Message, MailError> {
        let malformed = |reason| move |_| MailError::Malformed { reason };
        let address =
            mail.address.parse().map_err(|_| MailError::Malformed { reason: "its address" })?;
        let one_line: String = mail.name.chars().filter(|c| !c.is_control()).collect();
        let both = MultiPart::alternative_plain_html(mail.text.to_owned(), mail.html.to_owned());
        let builder = Message::builder()
            .message_id(Some(self.message_id(mail.id)))
            .date(mail.written_at.into())
            .from(self.from.clone())
            .to(Mailbox::new(Some(one_line), address))
            .subject(mail.subject);
        let body = match &mail.enclosed {
            None => both,
            Some(enclosed) => {
                let media_type = ContentType::parse(enclosed.media_type).map_err(|_| {
                    MailError::Malformed { reason: "the type of what goes with it" }
                })?;
                let part = Attachment::new(enclosed.file_name.to_owned())
                    .body(enclosed.bytes.to_vec(), media_type);
                MultiPart::mixed().multipart(both).singlepart(part)
            }
        };
        builder.multipart(body).map_err(malformed("its form"))
    }
}

/// What came of it, from what the server said or did not say.
fn failed(error: smtp::Error) -> MailError {
    let Some(code) = error.status() else {
        // The kind stands in no method of the error; a test holds on to the words.
        if error.to_string().starts_with("Connection error") || error.is_tls() {
            return MailError::NotSent { source: error };
        }
        // Our own side gave up before a word of the message was said.
        if error.is_client() {
            let said = std::error::Error::source(&error).map(ToString::to_string);
            if said.is_some_and(|said| said.starts_with("Envelope contains non-ascii")) {
                return MailError::Malformed { reason: "an address that the server cannot read" };
            }
            return MailError::NotSent { source: error };
        }
        return MailError::Unknown { source: Some(error) };
    };
    let said = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    let enhanced = enhanced(&said);
    let basic = code.to_string();
    let code = enhanced.clone().unwrap_or_else(|| basic.clone());
    if error.is_transient() {
        return MailError::Deferred { code };
    }
    let about_the_address = match &enhanced {
        // No such mailbox, no such domain, moved away; disabled.
        Some(enhanced) => {
            enhanced.starts_with("5.1.") && enhanced != "5.1.7" && enhanced != "5.1.8"
                || enhanced == "5.2.1"
        }
        None => matches!(basic.as_str(), "550" | "551" | "553"),
    };
    if about_the_address { MailError::Bounced { code } } else { MailError::Refused { code } }
}

/// `5.1.1` at the beginning of what was said.
fn enhanced(said: &str) -> Option<String> {
    let first = said.split_whitespace().next()?;
    let parts: Vec<&str> = first.split('.').collect();
    let digits = |part: &&str| {
        (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    (parts.len() == 3 && parts.iter().all(digits)).then(|| first.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(url: &str) -> MailClient {
        let (url, from) = (url.parse().unwrap(), "Lender <service@lender.example>".to_owned());
        MailClient::new(&MailConfig { url, from, timeout: Duration::from_secs(5) }).unwrap()
    }

    fn mail<'a>(name: &'a str, address: &'a str) -> Mail<'a> {
        let written_at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        let (subject, text, html) = ("Your statement is ready", "Hello", "<p>Hello</p>");
        Mail { id: "m-1", name, address, subject, text, html, enclosed: None, written_at }
    }

    #[test]
    fn a_password_crosses_no_wire_in_the_clear_and_is_never_shown() {
        for url in
            ["smtp://mail.example", "smtp://mail.example?tls=opportunistic", "http://mail.example"]
        {
            assert!(url.parse::<MailUrl>().is_err(), "{url}");
        }
        let url: MailUrl = "smtps://ann:hunter2@mail.example".parse().unwrap();
        assert_eq!(format!("{url:?} {url}"), "smtps://mail.example smtps://mail.example");
        assert!("smtp://mail.example?tls=required".parse::<MailUrl>().is_ok());
        assert!("smtp://127.0.0.1:2525".parse::<MailUrl>().is_ok());
    }

    #[test]
    fn a_name_makes_no_header_and_no_second_recipient() {
        let client = client("smtp://127.0.0.1:2525");
        let name = "Ann\r\nBcc: eve@example.com, \"Eve\" <eve@example.com>";
        let message = client.message(&mail(name, "ann@example.com")).unwrap();
        let sent = String::from_utf8(message.formatted()).unwrap();
        assert!(!sent.lines().any(|line| line.starts_with("Bcc")), "{sent}");
        let to: Vec<String> = message.envelope().to().iter().map(ToString::to_string).collect();
        assert_eq!(to, ["ann@example.com"]);
        assert!(sent.contains("Message-ID: <m-1@lender.example>"), "{sent}");
        for address in
            ["ann@example.com, eve@example.com", "ann", "ann@example.com\r\nBcc: e@e.example"]
        {
            assert!(client.message(&mail("Ann", address)).is_err(), "{address:?}");
        }
    }

    #[test]
    fn the_enhanced_code_is_read_from_the_front_only() {
        assert_eq!(enhanced("5.1.1 no such mailbox").as_deref(), Some("5.1.1"));
        for said in ["no 5.1.1", "", "5.1 x", "5.1.1.1 x", "5.x.1 y"] {
            assert_eq!(enhanced(said), None, "{said}");
        }
    }

    #[tokio::test]
    async fn an_address_that_the_server_cannot_read_is_malformed_and_not_unknown() {
        use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let mut server = tokio::task::JoinSet::new();
        server.spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = BufReader::new(stream);
            stream.write_all(b"220 mail.example\r\n").await.unwrap();
            let mut line = String::new();
            while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
                // It speaks no SMTPUTF8.
                if stream.write_all(b"250 mail.example\r\n").await.is_err() {
                    return;
                }
                line.clear();
            }
        });
        let sent = client(&url).send(&mail("Zoë", "zoë@example.com")).await;
        server.abort_all();
        assert!(matches!(sent, Err(MailError::Malformed { .. })), "{sent:?}");
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_was_sent_nothing() {
        // A port that was free a moment ago.
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        drop(listener);
        let sent = client(&url).send(&mail("Ann", "ann@example.com")).await;
        assert!(matches!(sent, Err(MailError::NotSent { .. })), "{sent:?}");
    }
}
