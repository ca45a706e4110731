//! What the server itself knows about the conversation in which a tool is called.

use chrono::{DateTime, NaiveDate, Utc};
use identity::{Actor, ConversationId, CreditLineId, CustomerId, TurnId};
use serde::{Deserialize, Serialize};

/// Through which door a tool is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Surface {
    Consumer,
    Staff,
}

/// How well the person is known (docs/api.md): nothing, a known channel, two factors, a fresh step-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    L0,
    L1,
    L2,
    L3,
}

/// Who is asking, and about which credit line: from the session, where the model can neither see nor set it.
#[derive(Clone, Debug)]
pub struct Conversation {
    pub id: ConversationId,
    pub turn: TurnId,
    pub actor: Actor,
    pub customer: CustomerId,
    /// None for an applicant without a line.
    pub credit_line: Option<CreditLineId>,
    pub surface: Surface,
    pub level: Level,
    pub now: DateTime<Utc>,
    /// The business date of `now` in the servicing zone.
    pub today: NaiveDate,
}
