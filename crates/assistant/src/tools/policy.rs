//! Answers from the policies.

use knowledge::{Audience, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use servicing::originate::PolicyScope;
use toolkit::{
    Answers, Attachment, Conversation, Findings, Passage, Surface, Tool, ToolError, ToolErrorKind,
};

use super::{Means, caller, tool_error};

const PASSAGES: usize = 3;

pub(super) struct SearchPolicy(pub(super) Means);

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SearchArgs {
    #[schemars(extend("format" = "text"))]
    question: String,
}

#[derive(Serialize, JsonSchema)]
pub(super) struct Searched {
    /// Absent where nothing was found.
    found: Option<usize>,
}

impl Tool for SearchPolicy {
    type Args = SearchArgs;
    const NAME: &'static str = "search_policy";
}

impl Answers for SearchPolicy {
    type Output = Searched;

    async fn answer(
        &self,
        conversation: &Conversation,
        args: SearchArgs,
    ) -> Result<Findings<Searched>, ToolError> {
        let audience = match conversation.surface {
            Surface::Consumer => Audience::Consumer,
            Surface::Staff => Audience::Staff,
        };
        let scope = self.scope(conversation).await?;
        let query = Query {
            text: args.question,
            audience,
            on: conversation.today,
            product: scope.as_ref().and_then(|scope| scope.product.clone()),
            state: scope.map(|scope| scope.state),
            limit: PASSAGES,
        };
        let found =
            self.0.knowledge.search(&query).await.map_err(|error| {
                ToolError::new(ToolErrorKind::Unavailable, identity::chain(&error))
            })?;
        let mut findings =
            Findings::from(Searched { found: (!found.is_empty()).then_some(found.len()) });
        for found in found {
            findings = findings.with(Attachment::Passage(Passage {
                citation: found.passage.citation.to_string(),
                title: found.passage.title.clone(),
                section: found.passage.heading.clone(),
                text: found.passage.text.clone(),
                digest: found.passage.digest.clone(),
            }));
        }
        Ok(findings)
    }
}

impl SearchPolicy {
    /// The customer's product and state, from their own record and never from the model. Who may not be told about their
    /// line reads what holds for everybody.
    async fn scope(&self, conversation: &Conversation) -> Result<Option<PolicyScope>, ToolError> {
        if conversation.surface != Surface::Consumer {
            return Ok(None);
        }
        let scope =
            self.0.servicing.policy_scope(caller(conversation), conversation.customer).await;
        match scope {
            Ok(scope) => Ok(Some(scope)),
            Err(error) if error.refusal().is_some() => Ok(None),
            Err(error) => Err(tool_error(&error)),
        }
    }
}
