//! What the page is sent while a turn runs: the parts of the AI SDK's UI-message stream (docs/api.md).

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One `data:` line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum StreamPart {
    Start {
        message_id: String,
    },
    TextStart {
        id: String,
    },
    /// Whole, checked clauses: never taken back.
    TextDelta {
        id: String,
        delta: String,
    },
    TextEnd {
        id: String,
    },
    ToolInputAvailable {
        tool_call_id: String,
        tool_name: String,
        input: Value,
    },
    ToolOutputAvailable {
        tool_call_id: String,
        output: Value,
    },
    DataIntent {
        id: String,
        data: Value,
    },
    DataNotice {
        data: Value,
    },
    DataCase {
        data: Value,
    },
    DataCitation {
        data: Value,
    },
    DataStatus {
        data: Value,
    },
    Error {
        error_text: String,
    },
    Finish,
}
