//! The decision on an application, from its record and nothing else (SPEC §2.5).

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;
use servicing::{Servicing, decisions::DecisionView};
use toolkit::{Answers, Attachment, Conversation, Findings, Notice, Tool, ToolError};

use super::{caller, failed, line::Nothing};

pub(super) struct GetDecisionRecord(pub(super) Servicing);

#[derive(Serialize, JsonSchema)]
pub(super) struct DecisionRecord {
    outcome: String,
    decided_on: NaiveDate,
    reasons: usize,
}

impl Tool for GetDecisionRecord {
    type Args = Nothing;
    const NAME: &'static str = "get_decision_record";
}

impl Answers for GetDecisionRecord {
    type Output = DecisionRecord;

    async fn answer(
        &self,
        conversation: &Conversation,
        _: Nothing,
    ) -> Result<Findings<DecisionRecord>, ToolError> {
        let decision =
            self.0.decision(caller(conversation), conversation.customer).await.map_err(failed)?;
        let record = DecisionRecord {
            outcome: decision.outcome.to_string(),
            decided_on: decision.decided_on,
            reasons: decision.reasons.len(),
        };
        let findings = Findings::from(record);
        Ok(if decision.reasons.is_empty() {
            findings
        } else {
            findings.with(Attachment::Notice(reasons(&decision)))
        })
    }
}

/// The stored principal reasons, byte for byte, past the model.
fn reasons(decision: &DecisionView) -> Notice {
    let items: String = decision
        .reasons
        .iter()
        .map(|reason| format!("<li>{}</li>", escaped(&reason.text)))
        .collect();
    let lines: Vec<String> =
        (1..).zip(&decision.reasons).map(|(n, reason)| format!("{n}. {}", reason.text)).collect();
    Notice {
        kind: "adverse_action_reasons".to_owned(),
        title: "Principal reasons for the decision".to_owned(),
        html: format!(
            "<ol>{items}</ol><p><a href=\"/v1/decisions/{}/notice\">The full notice as it was sent</a></p>",
            decision.id
        ),
        text: lines.join("\n"),
        digest: decision.notice_digest.clone(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
