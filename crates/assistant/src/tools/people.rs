//! A person, one call away.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use servicing::Servicing;
use toolkit::{Answers, Attachment, Conversation, Findings, Tool, ToolError};

use super::{caller, failed};

pub(super) struct RouteHuman(pub(super) Servicing);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Why {
    #[schemars(extend("format" = "text"))]
    reason: Option<String>,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct HandOff {
    reference: String,
}

impl Tool for RouteHuman {
    type Args = Why;
    const NAME: &'static str = "route_human";
}

impl Answers for RouteHuman {
    const PROTECTS: bool = true;

    type Output = HandOff;

    async fn answer(
        &self,
        conversation: &Conversation,
        args: Why,
    ) -> Result<Findings<HandOff>, ToolError> {
        let summary = args.reason.unwrap_or_else(|| "The customer asked for a person.".to_owned());
        let hand_off = self
            .0
            .open_hand_off(caller(conversation), conversation.id, "asked_for_a_person", &summary)
            .await
            .map_err(failed)?;
        let reference = hand_off.reference;
        Ok(Findings::from(HandOff { reference: reference.clone() })
            .with(Attachment::HandOff { reference }))
    }
}
