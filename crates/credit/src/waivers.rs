//! What a waiver takes back: of a fee that was charged, once.
//!
//! Invariants: it takes back what is unpaid of the kind first, the latest fee first, then what was paid of it, which comes back
//! through the waterfall. What was never charged cannot be waived, whether that was known or replay has found it since: that part
//! of a waiver is taken back by an adjustment with both dates, so that nobody is given one fee twice. Of fees that came in with a
//! line nobody knows the kind: they are any of theirs.

use chrono::NaiveDate;
use identity::CaseId;
use money::Cents;
use serde::{Deserialize, Serialize};

use crate::{
    Charge, FeeKind, Terms,
    state::{Fee, State},
};

/// A waiver by decision, or by a dispute of a fee that was our error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Waiver {
    pub(crate) fee: FeeKind,
    pub(crate) dispute: Option<CaseId>,
    pub(crate) amount: Cents,
}

/// What of waivers meets no fee any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WaiverTakenBack {
    pub(crate) charge: Charge,
    pub(crate) on: NaiveDate,
    pub(crate) amount: Cents,
}

impl Fee {
    pub(crate) fn may_be(&self, kind: FeeKind) -> bool {
        let came_in = self.billed_in == Some(0) && self.kind.penalty() == kind.penalty();
        self.kind == kind || came_in
    }
}

impl State {
    /// What was paid of it counts to the minimum, as any credit does.
    pub(crate) fn waive(&mut self, terms: &Terms, seq: u64, waiver: Waiver) {
        let paid = self.take_back(waiver);
        if paid.is_positive() {
            self.receive(terms, (None, None), seq, paid);
        }
        self.keep_minimums_to_what_is_owed(terms);
    }

    /// Takes back what is unpaid of fees of the kind, latest first. Answers what was paid of them, which is a credit like any other.
    pub(crate) fn take_back(&mut self, waiver: Waiver) -> Cents {
        let Waiver { fee: kind, dispute, amount } = waiver;
        let (mut left, mut paid) = (amount, Cents::ZERO);
        let mut take = |most: Cents| {
            let taken = left.min(most.or_zero());
            left -= taken;
            taken
        };
        let of_kind = |fee: &&mut Fee| fee.may_be(kind);
        for fee in self.fees.iter_mut().rev().filter(of_kind) {
            let taken = take(fee.unpaid);
            fee.unpaid -= taken;
            fee.amount -= taken;
        }
        for fee in self.fees.iter_mut().rev().filter(of_kind) {
            let taken = take(fee.amount - fee.unpaid - fee.given_back);
            fee.given_back += taken;
            paid += taken;
        }
        if kind == FeeKind::Draw {
            let joined: Cents = self.drawn.iter().map(|one| one.joined).sum();
            let taken = take(joined - self.joined_given_back);
            self.joined_given_back += taken;
            paid += taken;
        }
        self.count_first_year_fee(kind, left - amount);
        if left.is_positive() {
            self.take_back_waiver(Charge::Waiver { fee: kind, dispute }, left);
        }
        paid
    }

    fn take_back_waiver(&mut self, charge: Charge, amount: Cents) {
        let same = |one: &&mut WaiverTakenBack| one.charge == charge;
        if let Some(one) = self.waivers_taken_back.iter_mut().find(same) {
            one.amount += amount;
        } else {
            let on = self.day;
            self.waivers_taken_back.push(WaiverTakenBack { charge, on, amount });
        }
    }
}
