//! The bodies of the consumer's tools: each a few lines from arguments to one use case of `servicing` or a search.
//!
//! No tool takes a customer or a credit line: whose it is comes from the conversation. A tool that writes resolves what it
//! would do and returns it; it cannot do it.

mod amount;
mod decision;
mod line;
mod payments;
mod policy;
mod route;

use std::{collections::BTreeMap, sync::Arc};

use knowledge::Knowledge;
use servicing::{Caller, Level, Servicing, ServicingError};
use toolkit::{Conversation, Manifest, ManifestError, Registry, ToolError, ToolErrorKind};

pub use amount::Amount;

/// What the tools' bodies use.
#[derive(Clone)]
pub struct Means {
    pub servicing: Servicing,
    pub knowledge: Arc<Knowledge>,
}

/// The consumer's tools, each fitted to its manifest.
pub fn registry(
    means: &Means,
    manifests: &BTreeMap<String, Manifest>,
) -> Result<Registry, ManifestError> {
    let means = || means.clone();
    Registry::default()
        .with_answer(line::GetBalance(means()), manifests)?
        .with_answer(line::GetPaymentSchedule(means()), manifests)?
        .with_answer(line::GetPayoffQuote(means()), manifests)?
        .with_answer(line::GetTransactions(means()), manifests)?
        .with_answer(line::GetInterestTrace(means()), manifests)?
        .with_answer(payments::ListPayments(means()), manifests)?
        .with_proposal(payments::SchedulePayment(means()), manifests)?
        .with_proposal(payments::CancelPayment(means()), manifests)?
        .with_answer(decision::GetDecisionRecord(means()), manifests)?
        .with_answer(policy::SearchPolicy(means()), manifests)?
        .with_answer(route::RouteHuman(means()), manifests)
}

/// The assistant, on behalf of the conversation's customer, at their level.
pub(crate) fn caller(conversation: &Conversation) -> Caller {
    let level = match conversation.level {
        toolkit::Level::L0 => Level::L0,
        toolkit::Level::L1 => Level::L1,
        toolkit::Level::L2 => Level::L2,
        toolkit::Level::L3 => Level::L3,
    };
    Caller::assistant(conversation.customer).at(level)
}

/// How well the caller is known, in the words of the tools.
pub(crate) const fn known(caller: Caller) -> toolkit::Level {
    match caller.level {
        Level::L0 => toolkit::Level::L0,
        Level::L1 => toolkit::Level::L1,
        Level::L2 => toolkit::Level::L2,
        Level::L3 => toolkit::Level::L3,
    }
}

/// A refusal keeps its sentence; what broke stays with the operator.
pub(crate) fn tool_error(error: &ServicingError) -> ToolError {
    match error.refusal() {
        Some(refusal) => {
            ToolError::refused(format!("{} {}", refusal.sentence, refusal.code.what_to_do()))
        }
        None => ToolError::new(ToolErrorKind::Unavailable, identity::chain(error)),
    }
}
