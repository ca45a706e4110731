//! The discount for automatic payments: every rate of the contract is less by it while leave to debit stands.
//!
//! Invariants: it holds from the day on which leave is given through the day on which it ends, of each leave by itself, so that the
//! order in which facts arrived plays no part; the rate without it is kept and never changed. It takes no rate below zero, and is no
//! part of a promotional or a penalty rate; the caps of the law and of the product are laid over what is left. What is absent: leave
//! to debit itself, and its end.

use chrono::NaiveDate;
use identity::AutopayId;
use money::Apr;
use serde::{Deserialize, Serialize};

use crate::{Derivation, Terms, derivation::Value, state::OpenCycle};

/// Days on which leave to debit makes the rates less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Discount {
    autopay: AutopayId,
    from: NaiveDate,
    /// The last of them, once leave has ended.
    through: Option<NaiveDate>,
}

impl Discount {
    /// A day on or after that one is among them.
    fn reaches(&self, day: NaiveDate) -> bool {
        self.through.is_none_or(|through| day <= through)
    }
}

impl OpenCycle {
    pub(crate) fn begin_discount(&mut self, autopay: AutopayId, from: NaiveDate) {
        self.discounts.push(Discount { autopay, from, through: None });
    }

    pub(crate) fn end_discount(&mut self, autopay: AutopayId, through: NaiveDate) {
        for one in self.discounts.iter_mut().filter(|one| one.autopay == autopay) {
            one.through = Some(through);
        }
    }

    /// Those of a cycle that begins on a day.
    pub(crate) fn discounts_from(&self, starts_on: NaiveDate) -> Vec<Discount> {
        self.discounts.iter().filter(|one| one.reaches(starts_on)).copied().collect()
    }

    /// By how much the rates of the contract are less on a day.
    pub(crate) fn discount(&self, terms: &Terms, day: NaiveDate) -> Apr {
        let holds = self.discounts.iter().any(|one| one.from <= day && one.reaches(day));
        if holds { terms.product.interest.autopay_discount } else { Apr::ZERO }
    }
}

/// A rate less a discount, never below zero.
#[must_use]
pub const fn discounted(apr: Apr, discount: Apr) -> Apr {
    Apr::from_ppm(apr.ppm().saturating_sub(discount.ppm()))
}

/// There is none to tell of.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
pub(crate) fn none(discount: &Apr) -> bool {
    *discount == Apr::ZERO
}

/// A rate, with what the discount took of it where it took something.
pub(crate) fn rate(rule: &str, label: &str, apr: Apr, discount: Apr) -> Derivation {
    if none(&discount) {
        return Derivation::of(rule, label, Value::AprPpm(apr), Vec::new());
    }
    let without = Apr::from_ppm(apr.ppm().saturating_add(discount.ppm()));
    let inputs = vec![
        Derivation::given("rate without automatic payments", Value::AprPpm(without)),
        Derivation::given("discount for automatic payments", Value::AprPpm(discount)),
    ];
    let given = if rule == "given" { String::new() } else { format!("{rule}: ") };
    let rule = format!(
        "{given}the rate of the contract less the discount while automatic payments are on (`autopay_discount` of the product)"
    );
    Derivation::of(&rule, label, Value::AprPpm(apr), inputs)
}
