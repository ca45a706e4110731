//! The HTTP door: one client whose retries and time-outs are ours.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use async_openai::{
    Client,
    config::OpenAIConfig,
    error::{ApiError, ApiErrorResponse, OpenAIError},
    middleware::HttpRequestFactory,
};
use reqwest::Response;
use secrecy::ExposeSecret;

use crate::{
    Config, LlmError,
    retry::{self, Refused},
};

pub(crate) type OpenAiClient = Client<OpenAIConfig>;

/// Sends a request, again where that is allowed. A request whose reply has begun is never sent again: by then this has
/// returned.
#[derive(Clone)]
pub(crate) struct Sender {
    http: reqwest::Client,
    config: Arc<Config>,
}

pub(crate) fn client(config: &Config) -> Result<OpenAiClient, LlmError> {
    let http = reqwest::Client::builder()
        .connect_timeout(config.connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .build()
        .map_err(|error| LlmError::Client(Box::new(error)))?;
    let openai = OpenAIConfig::new()
        .with_api_base(config.base_url.trim_end_matches('/'))
        .with_api_key(config.api_key.expose_secret());
    let sender = Sender { http: http.clone(), config: Arc::new(config.clone()) };
    Ok(Client::build(http, openai).with_http_service(sender))
}

impl Sender {
    async fn send(self, factory: HttpRequestFactory) -> Result<Response, OpenAIError> {
        for attempt in 1.. {
            let request = factory.build().await?;
            let sending = self.http.execute(request);
            let sent = tokio::time::timeout(self.config.first_byte_timeout, sending).await;
            let last = attempt > self.config.retries;
            let after = match sent {
                Ok(Ok(response)) => match retry::refused(&response) {
                    None => return Ok(response),
                    Some(Refused::Again { after }) if !last => after,
                    Some(_) => return Err(status(response.status())),
                },
                Ok(Err(error)) => {
                    let error = OpenAIError::Reqwest(error);
                    if last || !retry::unsent(&error) {
                        return Err(error);
                    }
                    None
                }
                Err(_) if last => {
                    return Err(OpenAIError::InvalidArgument("no reply in time".to_owned()));
                }
                Err(_) => None,
            };
            let pause = retry::pause(&self.config, attempt, after);
            tracing::warn!(llm.attempt = attempt, "the model did not reply, trying again");
            tokio::time::sleep(pause).await;
        }
        Err(OpenAIError::InvalidArgument("no attempt was made".to_owned()))
    }
}

/// The status alone: what a refusing server says may repeat what it was sent.
fn status(status_code: reqwest::StatusCode) -> OpenAIError {
    OpenAIError::ApiError(ApiErrorResponse { status_code, api_error: ApiError::default() })
}

type Sending = Pin<Box<dyn Future<Output = Result<Response, OpenAIError>> + Send>>;

impl tower::Service<HttpRequestFactory> for Sender {
    type Response = Response;
    type Error = OpenAIError;
    type Future = Sending;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), OpenAIError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, factory: HttpRequestFactory) -> Sending {
        Box::pin(self.clone().send(factory))
    }
}

/// What a failed request means to us. Its text may hold the request: it is kept as a source, not printed.
pub(crate) fn failure(error: OpenAIError) -> LlmError {
    match error {
        OpenAIError::ApiError(answer)
            if answer.status_code.is_client_error() && answer.status_code.as_u16() != 429 =>
        {
            LlmError::Rejected { status: answer.status_code.as_u16() }
        }
        OpenAIError::JSONDeserialize(error, _) => LlmError::Broken(Box::new(error)),
        OpenAIError::StreamError(_) => LlmError::Cut,
        other => LlmError::Unavailable(Box::new(other)),
    }
}
