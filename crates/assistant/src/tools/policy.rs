//! Answers from the policies.

use knowledge::{Audience, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use toolkit::{
    Answers, Attachment, Conversation, Findings, Passage, Surface, Tool, ToolError, ToolErrorKind,
};

use super::{Means, chain};

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
        let query = Query {
            text: args.question,
            audience,
            on: conversation.today,
            product: None,
            state: None,
            limit: PASSAGES,
        };
        let found = self
            .0
            .knowledge
            .search(&query)
            .await
            .map_err(|error| ToolError::new(ToolErrorKind::Unavailable, chain(&error)))?;
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
