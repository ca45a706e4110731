//! The draw period and its end: from the first day of the repayment period no draw is made, and statements ask for what its terms say.
//!
//! Invariants: the period goes by the terms of the day, so that a change of terms can put it off; the principal with which it began
//! stays what it was, whatever is paid since. What is absent: a refusal of draws that are facts already.

use chrono::NaiveDate;
use money::Cents;
use serde::{Deserialize, Serialize};

use crate::{
    CycleSchedule, Terms,
    minimum::{Minimum, MinimumInputs},
    product::{MinimumTerms, Product},
    state::State,
};

/// The repayment period of a line that is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Repaying {
    /// With which it began, plans aside; of a line that came in during it, with which it came in.
    pub(crate) principal: Cents,
    /// That have asked for something of it.
    statements: u32,
}

impl Terms {
    /// The first day on which no draw is made any more; absent where draws have no end.
    #[must_use]
    pub fn repayment_begins_on(&self, opened_on: NaiveDate) -> Option<NaiveDate> {
        let rule = self.product.repayment.as_ref()?;
        let months = rule.begins_after_months.and_then(|months| i32::try_from(months).ok());
        rule.begins_on.or_else(|| Some(calendar::add_months(opened_on, months?)))
    }
}

impl Product {
    /// The minimum of the draw period, or of the repayment period.
    pub(crate) fn minimum_while(&self, repaying: bool) -> &MinimumTerms {
        let own = self.repayment.as_ref().and_then(|rule| rule.minimum.as_ref());
        own.filter(|_| repaying).unwrap_or(&self.minimum)
    }

    /// The formula that a statement goes by.
    pub(crate) fn minimum_of(&self, inputs: &MinimumInputs) -> &MinimumTerms {
        self.minimum_while(inputs.repayment_statement.is_some())
    }

    /// What that formula comes to.
    pub(crate) fn minimum_for(&self, inputs: MinimumInputs) -> Minimum {
        self.minimum_of(&inputs).apply(inputs)
    }

    /// Each that there is.
    pub(crate) fn minimums(&self) -> impl Iterator<Item = &MinimumTerms> {
        let own = self.repayment.as_ref().and_then(|rule| rule.minimum.as_ref());
        [&self.minimum].into_iter().chain(own)
    }
}

impl State {
    /// The morning of a day.
    pub(crate) fn turn_repayment(&mut self, terms: &Terms) {
        let from = terms.repayment_begins_on(self.opened_on).filter(|from| *from <= self.day);
        self.repaying = from.map(|from| {
            let elsewhere = CycleSchedule::monthly(self.schedule.close_day);
            self.repaying.unwrap_or_else(|| Repaying {
                principal: self.principal_beside_plans(),
                statements: elsewhere.closes(from.min(self.begins_on), self.begins_on),
            })
        });
    }

    pub(crate) fn minimum_terms<'a>(&self, terms: &'a Terms) -> &'a MinimumTerms {
        terms.product.minimum_while(self.repaying.is_some())
    }

    /// What the formula is given of the repayment period.
    pub(crate) fn with_repayment(&self, terms: &Terms, inputs: MinimumInputs) -> MinimumInputs {
        let Some(repaying) = self.repaying else { return inputs };
        let nth = repaying.statements + 1;
        let last = terms.product.repayment.as_ref().and_then(|rule| rule.cycles);
        MinimumInputs {
            principal_at_repayment: repaying.principal,
            repayment_statement: Some(nth),
            all_falls_due: last.is_some_and(|last| nth >= last),
            ..inputs
        }
    }

    /// A statement of the repayment period has asked.
    pub(crate) const fn count_repayment(&mut self) {
        if let Some(repaying) = &mut self.repaying {
            repaying.statements += 1;
        }
    }
}
