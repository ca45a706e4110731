//! The terms of a line by date: as copied at opening, and as changes of terms left them (12 CFR 1026.9(c)(2)).
//!
//! Invariant: interest and grace are those of the first day of the cycle, so that a cycle is computed by one method; all other
//! terms are those of the day. What is absent: rates, which a change brings to new draws only and which balances carry.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use money::Apr;

use crate::{
    CreditError, LineEvent, LineEventBody, Terms,
    product::{Feature, Product},
};

pub(crate) struct Versions<'a> {
    opening: &'a Terms,
    /// In order of date.
    changes: Vec<Version>,
    /// Terms of one version with interest and grace of an earlier one (0: as opened; n: after the n-th change).
    mixed: BTreeMap<(usize, usize), Terms>,
}

struct Version {
    from: NaiveDate,
    seq: u64,
    terms: Terms,
}

impl<'a> Versions<'a> {
    pub(crate) fn of(opening: &'a Terms, events: &[LineEvent]) -> Result<Self, CreditError> {
        let mut changed: Vec<_> = events
            .iter()
            .filter_map(|event| match &event.body {
                LineEventBody::TermsChanged { changes, .. } => Some((event, changes)),
                _ => None,
            })
            .collect();
        changed.sort_by_key(|(event, _)| (event.effective_on, event.seq));
        let mut versions = Self { opening, changes: Vec::new(), mixed: BTreeMap::new() };
        for (event, changes) in changed {
            let before = versions.nth(versions.changes.len());
            let refused = |message| CreditError::Terms { seq: event.seq, message };
            let mut product = before.product.with(changes).map_err(refused)?;
            keep_rates(&before.product, &mut product);
            if !product
                .features
                .iter()
                .map(|one| &one.name)
                .take(before.product.features.len())
                .eq(before.product.features.iter().map(|one| &one.name))
            {
                let message = "a line keeps its features, in their order; new ones come after them";
                return Err(refused(message.to_owned()));
            }
            let changed = |(old, new): (&Feature, &Feature)| {
                (&old.tiers, old.tiers_on) != (&new.tiers, new.tiers_on)
                    || (!old.tiers.is_empty() && old.variable != new.variable)
            };
            if before.product.features.iter().zip(&product.features).any(changed) {
                let message = "tiers would change the rate of what is owed already: state them in a feature that comes after the others";
                return Err(refused(message.to_owned()));
            }
            let raises = |cap: Apr| product.limits.apr_cap.is_none_or(|after| after > cap);
            if before.product.limits.apr_cap.is_some_and(raises) {
                let message = "`limits.apr_cap` holds for what is owed already: it can be lowered, not raised";
                return Err(refused(message.to_owned()));
            }
            let discount = |of: &Terms| of.product.interest.autopay_discount;
            let terms = Terms { product, ..before.clone() };
            if discount(before) != discount(&terms) {
                let message = "the discount for automatic payments would change the rate of what is owed already: it stays as it was at opening";
                return Err(refused(message.to_owned()));
            }
            versions.changes.push(Version { from: event.effective_on, seq: event.seq, terms });
        }
        versions.mix();
        Ok(versions)
    }

    fn mix(&mut self) {
        for later in 1..=self.changes.len() {
            for earlier in 0..later {
                let (of_day, of_cycle) = (&self.nth(later).product, &self.nth(earlier).product);
                if (of_day.interest, &of_day.grace) != (of_cycle.interest, &of_cycle.grace) {
                    let mut terms = self.nth(later).clone();
                    terms.product.interest = of_cycle.interest;
                    terms.product.grace = of_cycle.grace.clone();
                    self.mixed.insert((later, earlier), terms);
                }
            }
        }
    }

    fn nth(&self, nth: usize) -> &Terms {
        let change = nth.checked_sub(1).and_then(|at| self.changes.get(at));
        change.map_or(self.opening, |version| &version.terms)
    }

    /// On a day of the cycle that began on `cycle_starts_on`.
    pub(crate) fn on(&self, day: NaiveDate, cycle_starts_on: NaiveDate) -> &Terms {
        let count = |day| self.changes.partition_point(|version| version.from <= day);
        let (of_day, of_cycle) = (count(day), count(cycle_starts_on));
        self.mixed.get(&(of_day, of_cycle)).unwrap_or_else(|| self.nth(of_day))
    }

    /// The terms before and after the change that an event made.
    pub(crate) fn change(&self, seq: u64) -> Option<(&Terms, &Terms)> {
        let at = self.changes.iter().position(|version| version.seq == seq)?;
        Some((self.nth(at), self.nth(at + 1)))
    }
}

/// A feature that is stated anew without a rate keeps the rate that it had: a list of features takes the place of the one before.
pub(crate) fn keep_rates(before: &Product, after: &mut Product) {
    for (old, new) in before.features.iter().zip(&mut after.features) {
        if old.name == new.name
            && new.apr.is_none()
            && new.rates.is_empty()
            && new.variable.is_none()
        {
            new.apr = old.apr;
            new.rates.clone_from(&old.rates);
            new.variable.clone_from(&old.variable);
        }
    }
}
