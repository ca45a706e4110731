//! The gate of SPEC 3.6, passed before every reply: what the flags that stand on a customer forbid the assistant.

use credit::FlagKind;
use money::Cents;
use toolkit::{Policy, Verdict};

/// What the flags leave open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Narrows the surface's policy.
    pub policy: Policy,
    /// Nothing asks for money.
    pub no_collection: bool,
    /// A person answers: the model is not asked.
    pub hand_off: bool,
    /// The flag that decides, by precedence.
    pub because: Option<FlagKind>,
}

const OPEN: Policy = Policy {
    reads: Verdict::Allow,
    writes: Verdict::Allow,
    money: Verdict::Allow,
    deny_above_cents: Cents::new(i64::MAX),
};

/// What these flags leave open. They add up: each can only narrow.
pub fn gate(flags: impl IntoIterator<Item = FlagKind>) -> Gate {
    let mut gate = Gate { policy: OPEN, no_collection: false, hand_off: false, because: None };
    for flag in flags {
        let effect = of(flag);
        gate.policy = gate.policy.narrowed(effect.policy);
        gate.no_collection |= effect.no_collection;
        gate.hand_off |= effect.hand_off;
        // `FlagKind` is declared in order of precedence.
        gate.because = Some(gate.because.map_or(flag, |because| because.min(flag)));
    }
    gate
}

fn of(flag: FlagKind) -> Gate {
    let no_money = Policy { money: Verdict::Deny, ..OPEN };
    let nothing_told = Policy { reads: Verdict::Deny, writes: Verdict::Deny, ..no_money };
    let narrowed =
        |policy, no_collection, hand_off| Gate { policy, no_collection, hand_off, because: None };
    match flag {
        FlagKind::Vulnerable => narrowed(no_money, true, true),
        FlagKind::Fraud | FlagKind::IdentityTheft | FlagKind::Deceased => {
            narrowed(nothing_told, true, false)
        }
        FlagKind::Bankruptcy | FlagKind::Attorney | FlagKind::Litigation => {
            narrowed(no_money, true, false)
        }
        FlagKind::Cease | FlagKind::DoNotContact => narrowed(no_money, true, false),
        FlagKind::Dispute | FlagKind::Hardship | FlagKind::Disaster => narrowed(OPEN, true, false),
        FlagKind::Regulator => narrowed(OPEN, false, true),
        FlagKind::Scra | FlagKind::Mla | FlagKind::OurError | FlagKind::Frozen => {
            narrowed(OPEN, false, false)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bankruptcy_stops_money_and_leaves_questions() {
        let gate = gate([FlagKind::Bankruptcy]);
        assert_eq!((gate.policy.money, gate.policy.reads), (Verdict::Deny, Verdict::Allow));
        assert!(gate.no_collection && !gate.hand_off);
    }

    #[test]
    fn identity_theft_reveals_nothing() {
        let gate = gate([FlagKind::IdentityTheft]);
        assert_eq!((gate.policy.money, gate.policy.reads), (Verdict::Deny, Verdict::Deny));
    }

    #[test]
    fn flags_add_up_and_the_highest_is_named() {
        let gate = gate([FlagKind::Attorney, FlagKind::Vulnerable, FlagKind::Dispute]);
        assert!(gate.hand_off);
        assert_eq!(gate.because, Some(FlagKind::Vulnerable));
        assert_eq!(super::gate([]).because, None);
    }

    #[test]
    fn a_dispute_leaves_a_chosen_payment_alone() {
        assert_eq!(gate([FlagKind::Dispute, FlagKind::Hardship]).policy.money, Verdict::Allow);
    }
}
