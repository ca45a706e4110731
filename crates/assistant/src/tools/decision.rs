//! The decision, as it is recorded. Its reasons go past the model: the server shows them byte for byte.

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;
use toolkit::{Answers, Attachment, Conversation, Findings, Notice, Tool, ToolError};

use super::{Means, caller, line::Nothing, tool_error};

pub(super) struct GetDecisionRecord(pub(super) Means);

#[derive(Serialize, JsonSchema)]
pub(super) struct Decision {
    outcome: String,
    decided_on: NaiveDate,
    reasons_shown: usize,
}

impl Tool for GetDecisionRecord {
    type Args = Nothing;
    const NAME: &'static str = "get_decision_record";
}

impl Answers for GetDecisionRecord {
    type Output = Decision;

    async fn answer(
        &self,
        conversation: &Conversation,
        _: Nothing,
    ) -> Result<Findings<Decision>, ToolError> {
        let decision = self.0.servicing.decision(caller(conversation), conversation.customer).await;
        let decision = decision.map_err(|error| tool_error(&error))?;
        let reasons: Vec<&str> =
            decision.reasons.iter().map(|reason| reason.text.as_str()).collect();
        let found = Findings::from(Decision {
            outcome: decision.outcome.as_str().to_owned(),
            decided_on: decision.decided_on,
            reasons_shown: reasons.len(),
        });
        if reasons.is_empty() {
            return Ok(found);
        }
        Ok(found.with(Attachment::Notice(Notice {
            kind: "adverse_action_reasons".to_owned(),
            title: "Principal reasons for our decision".to_owned(),
            html: String::from_utf8_lossy(&decision.notice).into_owned(),
            text: reasons.join("\n"),
            digest: decision.notice_digest,
        })))
    }
}
