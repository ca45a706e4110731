//! The tools' bodies: each asks one use case and gives its answer the form its manifest labels.
//!
//! Invariants: who is asking comes from the [`Conversation`]; a tool that would move money resolves and previews, and has
//! nothing it could do more. What is absent: words for the model (manifests under `tools/`), limits and time-outs.

mod decision;
mod line;
mod payments;
mod people;
mod policy;

use std::{collections::BTreeMap, sync::Arc};

use knowledge::Knowledge;
use servicing::{Caller, Servicing, ServicingError};
use toolkit::{Conversation, Manifest, ManifestError, Registry, ToolError, ToolErrorKind};

/// Every tool of the consumer surface, held against these manifests.
pub fn registry(
    servicing: &Servicing,
    knowledge: &Arc<Knowledge>,
    manifests: &BTreeMap<String, Manifest>,
) -> Result<Registry, ManifestError> {
    let asked = || servicing.clone();
    Registry::default()
        .with_answer(line::GetBalance(asked()), manifests)?
        .with_answer(line::GetPaymentSchedule(asked()), manifests)?
        .with_answer(line::GetPayoffQuote(asked()), manifests)?
        .with_answer(line::GetTransactions(asked()), manifests)?
        .with_answer(line::GetInterestTrace(asked()), manifests)?
        .with_answer(payments::ListPayments(asked()), manifests)?
        .with_proposal(payments::SchedulePayment(asked()), manifests)?
        .with_proposal(payments::CancelPayment(asked()), manifests)?
        .with_answer(decision::GetDecisionRecord(asked()), manifests)?
        .with_answer(policy::SearchPolicy(asked(), Arc::clone(knowledge)), manifests)?
        .with_answer(people::RouteHuman(asked()), manifests)
}

fn caller(conversation: &Conversation) -> Caller {
    Caller::assistant(conversation.customer)
}

/// A refusal is the domain's own sentence; whatever broke is told to nobody but the trail.
fn failed(error: ServicingError) -> ToolError {
    match error.refusal() {
        Some(refusal) => {
            ToolError::refused(format!("{} {}", refusal.sentence, refusal.code.what_to_do()))
        }
        None => ToolError::new(ToolErrorKind::Unavailable, error.to_string()),
    }
}
