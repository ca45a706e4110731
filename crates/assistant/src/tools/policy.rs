//! Questions that the policies answer.

use std::sync::Arc;

use knowledge::{Audience, Knowledge, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use servicing::Servicing;
use toolkit::{
    Answers, Attachment, Conversation, Findings, Passage, Surface, Tool, ToolError, ToolErrorKind,
};

use super::caller;

pub(super) struct SearchPolicy(pub(super) Servicing, pub(super) Arc<Knowledge>);

/// Passages the model is given; more would only dilute the first.
const PASSAGES_MAX: usize = 3;

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    #[schemars(extend("format" = "text"))]
    question: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Hits {
    passages: usize,
}

impl Tool for SearchPolicy {
    type Args = Question;
    const NAME: &'static str = "search_policy";
}

impl Answers for SearchPolicy {
    type Output = Hits;

    async fn answer(
        &self,
        conversation: &Conversation,
        args: Question,
    ) -> Result<Findings<Hits>, ToolError> {
        let caller = caller(conversation);
        let state = self.0.customer(caller, conversation.customer).await.ok();
        let product = match conversation.credit_line {
            Some(_) => self.0.position(caller, conversation.customer).await.ok(),
            None => None,
        };
        let query = Query {
            text: args.question,
            audience: match conversation.surface {
                Surface::Consumer => Audience::Consumer,
                Surface::Staff => Audience::Staff,
            },
            on: conversation.today,
            product: product.map(|view| view.position.terms.product.code),
            state: state.map(|customer| customer.state),
            limit: PASSAGES_MAX,
        };
        let found = self
            .1
            .search(&query)
            .await
            .map_err(|error| ToolError::new(ToolErrorKind::Unavailable, error.to_string()))?;
        let mut findings = Findings::from(Hits { passages: found.len() });
        for hit in found {
            findings = findings.with(Attachment::Passage(Passage {
                citation: hit.passage.citation.to_string(),
                title: hit.passage.title,
                section: hit.passage.heading,
                text: hit.passage.text,
                digest: hit.passage.digest,
            }));
        }
        Ok(findings)
    }
}
