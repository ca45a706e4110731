//! The gate of the flags, passed before every reply: what the flags that stand on a customer forbid the assistant.

use credit::FlagKind;
use money::Cents;
use toolkit::{Policy, Verdict, reading::fold};

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

/// One row of the table for each flag.
fn of(flag: FlagKind) -> Gate {
    let no_money = Policy { money: Verdict::Deny, ..OPEN };
    let nothing_told = Policy { reads: Verdict::Deny, writes: Verdict::Deny, ..no_money };
    let narrowed =
        |policy, no_collection, hand_off| Gate { policy, no_collection, hand_off, because: None };
    match flag {
        FlagKind::Fraud | FlagKind::IdentityTheft | FlagKind::Deceased => {
            narrowed(nothing_told, true, false)
        }
        FlagKind::Bankruptcy | FlagKind::Attorney => narrowed(no_money, true, false),
        // Nothing is sold to them, argued or admitted: a person answers.
        FlagKind::Vulnerable | FlagKind::Litigation => narrowed(no_money, true, true),
        // They write to us: what they choose to pay is theirs to choose.
        FlagKind::Cease
        | FlagKind::DoNotContact
        | FlagKind::Dispute
        | FlagKind::Hardship
        | FlagKind::Disaster => narrowed(OPEN, true, false),
        FlagKind::Regulator => narrowed(OPEN, false, true),
        FlagKind::Scra | FlagKind::Mla | FlagKind::OurError | FlagKind::Frozen => {
            narrowed(OPEN, false, false)
        }
    }
}

/// Words with which somebody asks how they stand. Stems, English and Spanish.
const ASKS_HOW_IT_STANDS: &[&str] = &[
    "late",
    "behind",
    "past",
    "due",
    "overdue",
    "owe",
    "delinquen",
    "current",
    "fee",
    "charge",
    "penalt",
    "atras",
    "mora",
    "venc",
    "debo",
    "deuda",
    "cargo",
    "comision",
    "recargo",
];

/// Words with which a clause asks for money or urges to pay. Stems, English and Spanish.
const URGES: &[&str] = &[
    "pay", "bring", "avoid", "should", "must", "need", "please", "schedule", "send", "pague",
    "pagar", "haga", "realice", "debe", "evite",
];

/// Whether a clause does no more than tell a customer what they asked: their own figures, cited, or a rule, cited or quoted.
/// Under a flag nothing may *ask* for money; what is theirs to know is told when they want to know it.
pub fn tells_what_was_asked(asked: &str, clause: &str, quoted: bool) -> bool {
    let has = |text: &str, stems: &[&str]| {
        let folded = fold(text);
        let mut words = folded.split(|c: char| !c.is_alphanumeric());
        words.any(|word| stems.iter().any(|stem| word.starts_with(stem)))
    };
    let sourced = quoted || clause.contains("[[");
    sourced && has(asked, ASKS_HOW_IT_STANDS) && !has(&without_references(clause), URGES)
}

fn without_references(clause: &str) -> String {
    let mut outside = String::new();
    let mut rest = clause;
    while let Some((before, after)) = rest.split_once("[[") {
        outside.push_str(before);
        rest = after.split_once("]]").map_or("", |(_, after)| after);
    }
    outside + rest
}

#[cfg(test)]
mod tests {
    use servicing::flags::stops_debits;

    use super::*;

    /// The flags in business words: is the customer told their own figures, is a payment they ask for prepared, may anything
    /// ask them for money, does a person answer.
    const TABLE: [(FlagKind, bool, bool, bool, bool); 17] = [
        //                      told   pays   asked  person
        (FlagKind::Vulnerable, true, false, false, true),
        (FlagKind::Fraud, false, false, false, false),
        (FlagKind::IdentityTheft, false, false, false, false),
        (FlagKind::Bankruptcy, true, false, false, false),
        (FlagKind::Deceased, false, false, false, false),
        (FlagKind::Attorney, true, false, false, false),
        (FlagKind::Cease, true, true, false, false),
        (FlagKind::DoNotContact, true, true, false, false),
        (FlagKind::Scra, true, true, true, false),
        (FlagKind::Mla, true, true, true, false),
        (FlagKind::Dispute, true, true, false, false),
        (FlagKind::Litigation, true, false, false, true),
        (FlagKind::Hardship, true, true, false, false),
        (FlagKind::Disaster, true, true, false, false),
        (FlagKind::Regulator, true, true, true, true),
        (FlagKind::OurError, true, true, true, false),
        (FlagKind::Frozen, true, true, true, false),
    ];

    #[test]
    fn each_flag_leaves_open_what_its_row_says_before_a_reply_and_before_a_debit() {
        for (flag, told, pays, asked, person) in TABLE {
            let gate = gate([flag]);
            let row = (
                gate.policy.reads == Verdict::Allow,
                gate.policy.money == Verdict::Allow,
                !gate.no_collection,
                gate.hand_off,
            );
            assert_eq!(row, (told, pays, asked, person), "{flag:?}");
            assert!(!(stops_debits(flag) && pays), "{flag:?}: what is prepared is also taken");
        }
    }

    #[test]
    fn under_a_flag_own_figures_are_told_when_asked_for_and_never_to_urge() {
        let behind = "how many days behind am I?";
        for (asked, clause, told) in [
            (behind, "The amount past due is [[r1.past_due]], by [[r1.days_past_due]] days.", true),
            ("¿cuántos días de atraso tengo?", "Past due: [[r1.past_due]].", true),
            ("is there a late fee?", "The late fee is $15.00. [[p1]]", true),
            ("what is my limit?", "The amount past due is [[r1.past_due]].", false),
            (behind, "You are past due.", false),
            (behind, "Please pay the past due amount of [[r1.past_due]].", false),
            (behind, "Bring your account current: [[r1.past_due]] is past due.", false),
            (behind, "Pay [[r1.past_due]] to avoid a late fee.", false),
        ] {
            assert_eq!(tells_what_was_asked(asked, clause, false), told, "{clause}");
        }
        assert!(tells_what_was_asked("is there a late fee?", "The late fee is $15.00.", true));
    }

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
