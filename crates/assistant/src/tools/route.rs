//! A person, at once.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toolkit::{Answers, Attachment, Conversation, Findings, Tool, ToolError};

use super::{Means, caller, tool_error};

const SUMMARY: &str = "The assistant passed the conversation on.";

pub(super) struct RouteHuman(pub(super) Means);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RouteArgs {
    #[serde(default)]
    #[schemars(extend("format" = "text"))]
    reason: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Routed {
    reference: String,
}

impl Tool for RouteHuman {
    type Args = RouteArgs;
    const NAME: &'static str = "route_human";
}

impl Answers for RouteHuman {
    const PROTECTS: bool = true;
    type Output = Routed;

    async fn answer(
        &self,
        conversation: &Conversation,
        args: RouteArgs,
    ) -> Result<Findings<Routed>, ToolError> {
        let reason = args.reason.filter(|reason| !reason.trim().is_empty());
        let reason: String =
            reason.unwrap_or_else(|| "assistant".to_owned()).chars().take(200).collect();
        let row = self
            .0
            .servicing
            .open_hand_off(caller(conversation), conversation.id, &reason, SUMMARY)
            .await
            .map_err(|error| tool_error(&error))?;
        let hand_off = Attachment::HandOff { reference: row.reference.clone() };
        Ok(Findings::from(Routed { reference: row.reference }).with(hand_off))
    }
}
