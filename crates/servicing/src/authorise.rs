//! Who may do what to whom: one function, whose answer is the record of the permission.
//!
//! Identity levels (docs/api.md; a second factor: 16 CFR 314.4(c)(5)): L0 nobody in particular, L1 a known channel, L2 signed in with a second factor, L3
//! stepped up just now. Talking, and what protects a customer, need L1; their own data and money need L2.

use chrono::{DateTime, Utc};
use identity::{Actor, CustomerId, RepresentativeId};
use serde::{Deserialize, Serialize};

use crate::{Refusal, RefusalCode};

/// How sure we are of who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    L0,
    L1,
    L2,
    L3,
}

impl Level {
    /// 0 to 3.
    #[must_use]
    pub const fn number(self) -> i16 {
        self as i16
    }

    /// The level of a number; anything beyond 0 to 3 is nobody in particular.
    #[must_use]
    pub const fn of_number(number: i16) -> Self {
        match number {
            1 => Self::L1,
            2 => Self::L2,
            3 => Self::L3,
            _ => Self::L0,
        }
    }
}

/// Who asks, and how sure we are of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Caller {
    pub actor: Actor,
    pub level: Level,
    /// Looks and does nothing: compliance and engineers.
    pub read_only: bool,
}

impl Caller {
    /// A customer who signed in.
    #[must_use]
    pub const fn customer(id: CustomerId) -> Self {
        Self { actor: Actor::Customer { id }, level: Level::L2, read_only: false }
    }

    /// The assistant, in a conversation with this customer.
    #[must_use]
    pub const fn assistant(on_behalf_of: CustomerId) -> Self {
        Self { actor: Actor::Assistant { on_behalf_of }, level: Level::L2, read_only: false }
    }

    /// A member of staff.
    #[must_use]
    pub const fn representative(id: RepresentativeId) -> Self {
        Self { actor: Actor::Representative { id }, level: Level::L2, read_only: false }
    }

    /// The same, known as well as that.
    #[must_use]
    pub const fn at(self, level: Level) -> Self {
        Self { level, ..self }
    }

    /// The same person, who may only look.
    #[must_use]
    pub const fn reading_only(self) -> Self {
        Self { read_only: true, ..self }
    }

    /// A job.
    #[must_use]
    pub const fn system() -> Self {
        Self { actor: Actor::System, level: Level::L3, read_only: false }
    }

    /// Whether a model stands behind it: its work runs under the role of model turns.
    pub(crate) const fn model(self) -> bool {
        matches!(self.actor, Actor::Assistant { .. })
    }
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UseCase {
    /// Look at what belongs to the customer.
    Read,
    /// Follow conversations: what was said in them, as far as one's own level reaches.
    Follow,
    /// Look at everybody's: queues, lists, searches.
    Oversee,
    /// Talk: start a conversation, say something, record a turn.
    Converse,
    /// Propose an effect, which then waits for the customer.
    Propose,
    /// Confirm or refuse a proposal.
    Settle,
    /// Schedule or cancel a payment, or draw.
    MoveMoney,
    /// Change how one is reached.
    ChangeContact,
    /// Agree to electronic records.
    Agree,
    /// Ask for a person, open a case, raise a flag, take consent back.
    Protect,
    /// Answer a hand-off, close a case, clear a flag.
    Serve,
    /// Decide an application or open a line.
    Originate,
    /// What happens by itself: releases, settlements, statements, fees.
    Operate,
}

impl UseCase {
    /// How sure we must be of who it is (docs/api.md). What is said at L1 holds nothing above L1: the tools and
    /// [`crate::conversations`] see to that.
    #[must_use]
    pub const fn level(self) -> Level {
        match self {
            Self::Converse | Self::Follow | Self::Protect => Level::L1,
            Self::Read
            | Self::Oversee
            | Self::Propose
            | Self::Settle
            | Self::MoveMoney
            | Self::Agree
            | Self::Serve
            | Self::Originate
            | Self::Operate => Level::L2,
            Self::ChangeContact => Level::L3,
        }
    }
}

/// Permission, as the record keeps it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Authorised {
    pub actor: Actor,
    pub level: Level,
    pub use_case: UseCase,
    pub customer_id: Option<CustomerId>,
    pub at: DateTime<Utc>,
}

/// Decides whether `caller` may do `use_case` to what belongs to `customer`, where it belongs to one.
///
/// A staff action that moves a customer's money is refused. What two of our people do together is not decided here: it is `Serve`, and
/// [`crate::countersign`] sees to the pair.
pub fn authorise(
    caller: Caller,
    use_case: UseCase,
    customer: Option<CustomerId>,
    at: DateTime<Utc>,
) -> Result<Authorised, Refusal> {
    let own = |id: CustomerId| customer.is_none_or(|customer| customer == id);
    let allowed = match caller.actor {
        Actor::Customer { id } => {
            if !own(id) {
                return Err(Refusal::not_found("credit line, payment, proposal or conversation"));
            }
            matches!(
                use_case,
                UseCase::Read
                    | UseCase::Follow
                    | UseCase::Converse
                    | UseCase::Propose
                    | UseCase::Settle
                    | UseCase::MoveMoney
                    | UseCase::ChangeContact
                    | UseCase::Agree
                    | UseCase::Protect
            )
        }
        Actor::Assistant { on_behalf_of } => {
            if !own(on_behalf_of) {
                return Err(Refusal::not_found("credit line, payment, proposal or conversation"));
            }
            matches!(
                use_case,
                UseCase::Read
                    | UseCase::Follow
                    | UseCase::Converse
                    | UseCase::Propose
                    | UseCase::Protect
            )
        }
        Actor::Representative { .. } => {
            matches!(
                use_case,
                UseCase::Read
                    | UseCase::Follow
                    | UseCase::Oversee
                    | UseCase::Converse
                    | UseCase::Protect
                    | UseCase::Serve
            )
        }
        Actor::System => use_case != UseCase::Settle,
    };
    let looks = matches!(use_case, UseCase::Read | UseCase::Follow | UseCase::Oversee);
    if !allowed || (caller.read_only && !looks) {
        return Err(Refusal::new(
            RefusalCode::NotAllowed,
            "This may not be done by whoever asks for it.",
        ));
    }
    let needed = use_case.level();
    if caller.level < needed {
        return Err(Refusal::level_too_low(caller.level, needed));
    }
    Ok(Authorised { actor: caller.actor, level: caller.level, use_case, customer_id: customer, at })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_790_000_000, 0).unwrap()
    }

    fn code(caller: Caller, use_case: UseCase, customer: CustomerId) -> Option<RefusalCode> {
        authorise(caller, use_case, Some(customer), now()).err().map(|refusal| refusal.code)
    }

    #[test]
    fn the_assistant_proposes_and_protects_and_never_settles_or_moves_money() {
        let id = CustomerId::mint(now());
        let assistant = Caller::assistant(id);
        for use_case in [UseCase::Read, UseCase::Propose, UseCase::Protect] {
            assert_eq!(code(assistant, use_case, id), None);
        }
        for use_case in [
            UseCase::Settle,
            UseCase::MoveMoney,
            UseCase::Serve,
            UseCase::Originate,
            UseCase::Operate,
        ] {
            assert_eq!(code(assistant, use_case, id), Some(RefusalCode::NotAllowed));
        }
    }

    #[test]
    fn nobody_learns_whether_what_belongs_to_another_customer_exists() {
        let (id, other) = (CustomerId::mint(now()), CustomerId::mint(now()));
        for caller in [Caller::customer(id), Caller::assistant(id)] {
            assert_eq!(code(caller, UseCase::Read, other), Some(RefusalCode::NotFound));
        }
    }

    #[test]
    fn a_known_channel_is_enough_to_talk_and_to_protect_and_not_enough_to_look_or_pay() {
        let id = CustomerId::mint(now());
        let known_channel = Caller::customer(id).at(Level::L1);
        for use_case in [UseCase::Protect, UseCase::Converse, UseCase::Follow] {
            assert_eq!(code(known_channel, use_case, id), None);
            assert_eq!(
                code(known_channel.at(Level::L0), use_case, id),
                Some(RefusalCode::LevelTooLow)
            );
        }
        for use_case in [UseCase::Read, UseCase::Propose, UseCase::Settle, UseCase::MoveMoney] {
            assert_eq!(code(known_channel, use_case, id), Some(RefusalCode::LevelTooLow));
        }
    }

    #[test]
    fn staff_known_by_one_factor_only_do_not_serve() {
        let staff = Caller::representative(RepresentativeId::mint(now())).at(Level::L1);
        let id = CustomerId::mint(now());
        for use_case in [UseCase::Read, UseCase::Oversee, UseCase::Serve] {
            assert_eq!(code(staff, use_case, id), Some(RefusalCode::LevelTooLow));
        }
    }

    #[test]
    fn compliance_looks_at_everything_and_changes_nothing() {
        let reader = Caller::representative(RepresentativeId::mint(now())).reading_only();
        let id = CustomerId::mint(now());
        assert_eq!(code(reader, UseCase::Read, id), None);
        assert_eq!(code(reader, UseCase::Oversee, id), None);
        for use_case in [UseCase::Serve, UseCase::Protect, UseCase::Converse] {
            assert_eq!(code(reader, use_case, id), Some(RefusalCode::NotAllowed));
        }
        assert_eq!(code(Caller::customer(id), UseCase::Oversee, id), Some(RefusalCode::NotAllowed));
    }

    #[test]
    fn staff_do_not_move_money_alone_and_settle_nothing_for_a_customer() {
        let staff = Caller::representative(RepresentativeId::mint(now()));
        let id = CustomerId::mint(now());
        assert_eq!(code(staff, UseCase::MoveMoney, id), Some(RefusalCode::NotAllowed));
        assert_eq!(code(staff, UseCase::Settle, id), Some(RefusalCode::NotAllowed));
        assert_eq!(code(Caller::system(), UseCase::Settle, id), Some(RefusalCode::NotAllowed));
    }
}
