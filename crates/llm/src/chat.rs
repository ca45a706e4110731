//! Streamed chat completions.

use std::{collections::BTreeMap, pin::Pin};

use async_openai::types::chat::{
    ChatCompletionMessageToolCall, ChatCompletionMessageToolCallChunk,
    ChatCompletionMessageToolCalls, ChatCompletionRequestAssistantMessage,
    ChatCompletionRequestMessage, ChatCompletionRequestSystemMessage,
    ChatCompletionRequestToolMessage, ChatCompletionRequestUserMessage,
    ChatCompletionResponseStream, ChatCompletionStreamOptions, CreateChatCompletionRequest,
    CreateChatCompletionStreamResponse, FinishReason, FunctionCall,
};
use futures::{Stream, StreamExt};
use tokio::time::{Instant, timeout};

use crate::{
    ChatRequest, Config, Finish, LlmError, Message, Piece, ToolCall, Usage,
    wire::{self, OpenAiClient},
};

/// Bytes of text and of calls in one reply. What is longer is no answer to a customer.
const REPLY_BYTES_MAX: usize = 64 * 1024;

/// Calls in one reply.
const REPLY_CALLS_MAX: usize = 64;

pub type ReplyStream = Pin<Box<dyn Stream<Item = Result<Piece, LlmError>> + Send>>;

/// A chat model at an address.
#[derive(Clone)]
pub struct Chat {
    client: OpenAiClient,
    config: Config,
}

impl Chat {
    pub fn new(config: Config) -> Result<Self, LlmError> {
        Ok(Self { client: wire::client(&config)?, config })
    }

    pub fn model(&self) -> &str {
        &self.config.model
    }

    /// Asks, and passes the reply on as it comes. The stream ends after [`Piece::End`] or the first error.
    pub async fn stream(&self, request: ChatRequest) -> Result<ReplyStream, LlmError> {
        let request = self.to_wire(request);
        let stream = self.client.chat().create_stream(request).await.map_err(wire::failure)?;
        let reader = Reader {
            stream,
            idle_timeout: self.config.idle_timeout,
            ends_at: Instant::now() + self.config.reply_timeout,
            calls: BTreeMap::new(),
            finish: None,
            usage: None,
            bytes: 0,
            done: false,
        };
        Ok(Box::pin(futures::stream::unfold(reader, |mut reader| async move {
            let next = reader.next().await?;
            Some((next, reader))
        })))
    }

    fn to_wire(&self, request: ChatRequest) -> CreateChatCompletionRequest {
        CreateChatCompletionRequest {
            model: self.config.model.clone(),
            messages: request.messages.into_iter().map(message).collect(),
            tools: (!request.tools.0.is_empty()).then(|| request.tools.0.to_vec()),
            max_completion_tokens: Some(request.max_tokens),
            temperature: Some(request.temperature),
            stream: Some(true),
            stream_options: Some(ChatCompletionStreamOptions {
                include_usage: Some(true),
                include_obfuscation: None,
            }),
            ..CreateChatCompletionRequest::default()
        }
    }
}

struct Reader {
    stream: ChatCompletionResponseStream,
    idle_timeout: std::time::Duration,
    ends_at: Instant,
    calls: BTreeMap<u32, ToolCall>,
    finish: Option<Finish>,
    usage: Option<Usage>,
    /// How much has come.
    bytes: usize,
    done: bool,
}

impl Reader {
    async fn next(&mut self) -> Option<Result<Piece, LlmError>> {
        while !self.done {
            let wait =
                self.idle_timeout.min(self.ends_at.saturating_duration_since(Instant::now()));
            let piece = match timeout(wait, self.stream.next()).await {
                Err(_) => Some(Err(LlmError::Stalled)),
                Ok(None) => Some(self.end()),
                Ok(Some(Err(error))) => Some(Err(in_stream(error))),
                Ok(Some(Ok(chunk))) => self.take(chunk).transpose(),
            };
            if let Some(piece) = piece {
                self.done = !matches!(piece, Ok(Piece::Text(_)));
                return Some(piece);
            }
        }
        None
    }

    fn take(
        &mut self,
        chunk: CreateChatCompletionStreamResponse,
    ) -> Result<Option<Piece>, LlmError> {
        if let Some(usage) = chunk.usage {
            self.usage = Some(Usage {
                prompt_tokens: u64::from(usage.prompt_tokens),
                completion_tokens: u64::from(usage.completion_tokens),
            });
        }
        let Some(choice) = chunk.choices.into_iter().next() else { return Ok(None) };
        for part in choice.delta.tool_calls.unwrap_or_default() {
            self.add_call(part)?;
        }
        if let Some(reason) = choice.finish_reason {
            self.finish = Some(match reason {
                FinishReason::Stop => Finish::Stop,
                FinishReason::ToolCalls | FinishReason::FunctionCall => Finish::ToolCalls,
                FinishReason::Length => Finish::Length,
                FinishReason::ContentFilter => Finish::Filtered,
            });
        }
        let text = choice.delta.content.filter(|text| !text.is_empty());
        text.map(|text| self.checked(text).map(Piece::Text)).transpose()
    }

    fn add_call(&mut self, part: ChatCompletionMessageToolCallChunk) -> Result<(), LlmError> {
        let function = part.function;
        let (name, arguments) =
            function.map_or((None, None), |function| (function.name, function.arguments));
        let id = part.id.map(|id| self.checked(id)).transpose()?;
        let name = self.checked(name.unwrap_or_default())?;
        let arguments = self.checked(arguments.unwrap_or_default())?;
        if !self.calls.contains_key(&part.index) && self.calls.len() >= REPLY_CALLS_MAX {
            return Err(LlmError::Broken("the reply makes too many calls".into()));
        }
        let call = self.calls.entry(part.index).or_default();
        if let Some(id) = id {
            call.id = id;
        }
        call.tool.push_str(&name);
        call.arguments.push_str(&arguments);
        Ok(())
    }

    /// A piece of the reply, if it is text that can be kept and shown, and the reply is not too long with it.
    fn checked(&mut self, piece: String) -> Result<String, LlmError> {
        self.bytes = self.bytes.saturating_add(piece.len());
        if self.bytes > REPLY_BYTES_MAX {
            return Err(LlmError::Broken("the reply has no end".into()));
        }
        if piece.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
            return Err(LlmError::Broken("the reply holds control characters".into()));
        }
        Ok(piece)
    }

    /// The stream is over. Without a reason it was cut: what came of its calls may be half a call.
    fn end(&mut self) -> Result<Piece, LlmError> {
        let finish = self.finish.ok_or(LlmError::Cut)?;
        let calls = std::mem::take(&mut self.calls).into_values().collect();
        Ok(Piece::End { calls, finish, usage: self.usage })
    }
}

/// An error after the reply began is a cut, unless its words are no protocol.
fn in_stream(error: async_openai::error::OpenAIError) -> LlmError {
    match wire::failure(error) {
        LlmError::Unavailable(_) => LlmError::Cut,
        other => other,
    }
}

fn message(message: Message) -> ChatCompletionRequestMessage {
    match message {
        Message::System { text } => ChatCompletionRequestSystemMessage::from(text).into(),
        Message::Customer { text } => ChatCompletionRequestUserMessage::from(text).into(),
        Message::ToolResult { call_id, content } => {
            ChatCompletionRequestMessage::Tool(ChatCompletionRequestToolMessage {
                content: content.into(),
                tool_call_id: call_id,
            })
        }
        Message::Assistant { text, calls } => {
            let calls: Vec<_> = calls
                .into_iter()
                .map(|call| {
                    ChatCompletionMessageToolCalls::Function(ChatCompletionMessageToolCall {
                        id: call.id,
                        function: FunctionCall { name: call.tool, arguments: call.arguments },
                    })
                })
                .collect();
            ChatCompletionRequestMessage::Assistant(ChatCompletionRequestAssistantMessage {
                content: (!text.is_empty()).then(|| text.into()),
                tool_calls: (!calls.is_empty()).then_some(calls),
                ..ChatCompletionRequestAssistantMessage::default()
            })
        }
    }
}
