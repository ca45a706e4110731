//! May this effect happen on this channel? Judged on the resolved effect, never on the arguments alone.

use money::Cents;
use serde::{Deserialize, Serialize};

use crate::{Effect, Reveals, Surface};

/// What to do with a call. The order matters: a later verdict is stricter, and wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Allow,
    /// A person must say yes first, somewhere the model cannot reach.
    Ask,
    Deny,
}

/// The rules of one channel.
///
/// No rule can make a write run unasked: [`Policy::judge`] never answers [`Verdict::Allow`] to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// For reads that reveal a customer's own data. Published text may always be read.
    pub reads: Verdict,
    pub writes: Verdict,
    pub money: Verdict,
    /// Money movements above this never happen on this channel.
    pub deny_above_cents: Cents,
}

/// `tools/policy.toml`: one policy per surface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyFile {
    pub consumer: Policy,
    pub staff: Policy,
}

impl PolicyFile {
    /// Reads `tools/policy.toml`.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    pub const fn on(&self, surface: Surface) -> Policy {
        match surface {
            Surface::Consumer => self.consumer,
            Surface::Staff => self.staff,
        }
    }
}

impl Policy {
    pub fn judge(&self, effect: Effect, reveals: Reveals) -> Verdict {
        match effect {
            Effect::Protects => Verdict::Allow,
            Effect::Reads if reveals == Reveals::Public => Verdict::Allow,
            Effect::Reads => self.reads,
            Effect::MovesMoney(amount) if amount > self.deny_above_cents => Verdict::Deny,
            Effect::MovesMoney(_) => self.money.max(self.writes).max(Verdict::Ask),
            Effect::Writes => self.writes.max(Verdict::Ask),
        }
    }

    /// The stricter of the two, rule by rule: a flag narrows what a channel allows and can never widen it.
    #[must_use]
    pub fn narrowed(self, by: Self) -> Self {
        Self {
            reads: self.reads.max(by.reads),
            writes: self.writes.max(by.writes),
            money: self.money.max(by.money),
            deny_above_cents: self.deny_above_cents.min(by.deny_above_cents),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Verdict; 3] = [Verdict::Allow, Verdict::Ask, Verdict::Deny];

    fn lax() -> Policy {
        Policy {
            reads: Verdict::Allow,
            writes: Verdict::Allow,
            money: Verdict::Allow,
            deny_above_cents: Cents::new(250_000),
        }
    }

    #[test]
    fn a_single_cent_waits_for_a_person_under_the_laxest_policy() {
        let verdict = lax().judge(Effect::MovesMoney(Cents::new(1)), Reveals::CustomerData);
        assert_eq!(verdict, Verdict::Ask);
    }

    #[test]
    fn a_hand_off_never_waits() {
        let strict =
            Policy { reads: Verdict::Deny, writes: Verdict::Deny, money: Verdict::Deny, ..lax() };
        assert_eq!(strict.judge(Effect::Protects, Reveals::CustomerData), Verdict::Allow);
        assert_eq!(strict.judge(Effect::Reads, Reveals::Public), Verdict::Allow);
        assert_eq!(strict.judge(Effect::Reads, Reveals::CustomerData), Verdict::Deny);
    }

    #[test]
    fn too_much_is_refused_outright() {
        let verdict = lax().judge(Effect::MovesMoney(Cents::new(250_001)), Reveals::CustomerData);
        assert_eq!(verdict, Verdict::Deny);
    }

    #[test]
    fn no_policy_answers_allow_to_a_write() {
        for writes in ALL {
            for money in ALL {
                let policy = Policy { writes, money, ..lax() };
                for effect in [Effect::Writes, Effect::MovesMoney(Cents::ZERO)] {
                    assert_ne!(policy.judge(effect, Reveals::Public), Verdict::Allow);
                }
            }
        }
    }

    #[test]
    fn narrowing_never_widens() {
        let narrow = Policy { money: Verdict::Deny, deny_above_cents: Cents::ZERO, ..lax() };
        assert_eq!(lax().narrowed(narrow), narrow.narrowed(lax()));
        assert_eq!(narrow.narrowed(lax()).money, Verdict::Deny);
    }
}
