//! Where the model is, and how long to wait for it.

use std::time::Duration;

use secrecy::SecretString;

#[derive(Clone, Debug)]
pub struct Config {
    /// Up to and including `/v1`.
    pub base_url: String,
    pub api_key: SecretString,
    pub model: String,
    pub connect_timeout: Duration,
    /// Until the reply begins.
    pub first_byte_timeout: Duration,
    /// Between two pieces of a reply.
    pub idle_timeout: Duration,
    /// For a whole reply.
    pub reply_timeout: Duration,
    /// How often a request that was refused before its reply began is sent again.
    pub retries: u32,
    /// The first pause between attempts; it doubles. `Retry-After` takes its place where the server sends one.
    pub backoff: Duration,
    /// No pause is longer.
    pub backoff_max: Duration,
}

impl Config {
    pub fn new(
        base_url: impl Into<String>,
        api_key: SecretString,
        model: impl Into<String>,
    ) -> Self {
        Self {
            base_url: base_url.into(),
            api_key,
            model: model.into(),
            connect_timeout: Duration::from_secs(3),
            first_byte_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(15),
            reply_timeout: Duration::from_mins(2),
            retries: 2,
            backoff: Duration::from_millis(200),
            backoff_max: Duration::from_secs(8),
        }
    }
}
