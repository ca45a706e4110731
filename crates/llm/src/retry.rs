//! When a request that got no reply is sent again, and how long to wait before.

use std::time::Duration;

use async_openai::error::OpenAIError;
use reqwest::{Response, StatusCode, header::RETRY_AFTER};

use crate::Config;

/// A refused attempt.
pub(crate) enum Refused {
    Again { after: Option<Duration> },
    Never,
}

pub(crate) fn refused(response: &Response) -> Option<Refused> {
    let status = response.status();
    if status.is_success() {
        return None;
    }
    let transient = status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
        || status.is_server_error();
    if !transient {
        return Some(Refused::Never);
    }
    let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let after = header.and_then(|seconds| seconds.trim().parse().ok()).map(Duration::from_secs);
    Some(Refused::Again { after })
}

/// The pause before attempt `attempt` (the first retry is 1).
pub(crate) fn pause(config: &Config, attempt: u32, after: Option<Duration>) -> Duration {
    let doubled = config.backoff.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1)));
    after.unwrap_or(doubled).min(config.backoff_max)
}

/// Whether a failure to send is worth another try.
pub(crate) fn unsent(error: &OpenAIError) -> bool {
    matches!(error, OpenAIError::Reqwest(error) if error.is_connect() || error.is_timeout() || error.is_request())
}
