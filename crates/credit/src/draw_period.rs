//! The draw period and its end: from the first day of the repayment period no draw is made, and statements ask for what its terms say.
//!
//! Invariants: the period goes by the terms of the day, so that a change of terms can put it off; the principal with which it began
//! stays what it was, whatever is paid since. What is absent: a refusal of draws that are facts already.

use chrono::NaiveDate;
use money::Cents;
use serde::{Deserialize, Serialize};

use crate::{
    CycleSchedule, Terms, age,
    minimum::{Minimum, MinimumInputs},
    product::{MinimumTerms, Product},
    state::State,
};

/// The repayment period of a line that is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Repaying {
    /// With which it began, plans aside; of a line that came in during it, with which it came in where no more is known.
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
            self.repaying.unwrap_or_else(|| Repaying {
                principal: self.principal_beside_plans(),
                statements: self.asked_elsewhere(from),
            })
        });
    }

    /// Statements since a day that another lender sent before the line came in.
    fn asked_elsewhere(&self, from: NaiveDate) -> u32 {
        if self.day > self.begins_on || from >= self.begins_on {
            return 0;
        }
        let until = age::last_elsewhere(&self.schedule, self.begins_on);
        CycleSchedule::monthly(self.schedule.close_day).closes(from, until)
    }

    pub(crate) fn minimum_terms<'a>(&self, terms: &'a Terms) -> &'a MinimumTerms {
        terms.product.minimum_while(self.repaying.is_some())
    }

    /// What the formula is given of the repayment period.
    pub(crate) fn with_repayment(&self, terms: &Terms, inputs: MinimumInputs) -> MinimumInputs {
        let Some(repaying) = self.repaying else { return inputs };
        let nth = repaying.statements + 1;
        let all_falls_due = falls_due_with(terms, nth);
        MinimumInputs {
            principal_at_repayment: repaying.principal,
            repayment_statement: Some(nth),
            all_falls_due,
            total_owed: if all_falls_due { inputs.new_balance } else { inputs.total_owed },
            ..inputs
        }
    }

    /// The last statement has asked for all that is owed, penalty fees too.
    pub(crate) fn all_has_fallen_due(&self, terms: &Terms) -> bool {
        self.repaying.is_some_and(|repaying| falls_due_with(terms, repaying.statements))
    }

    /// A statement of the repayment period has asked.
    pub(crate) const fn count_repayment(&mut self) {
        if let Some(repaying) = &mut self.repaying {
            repaying.statements += 1;
        }
    }
}

/// Whether a statement of the repayment period, by its number, is the last one or comes after it.
fn falls_due_with(terms: &Terms, nth: u32) -> bool {
    let last = terms.product.repayment.as_ref().and_then(|rule| rule.cycles);
    last.is_some_and(|last| nth >= last)
}
