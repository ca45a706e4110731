//! Terms that contradict one another, of which one would be passed over in silence.

use money::Cents;

use super::{DrawFee, Feature, MinimumArm, PlanFee, Product, Promotion, Variable};

/// What `multiple_of` is where nobody states it.
const ONE_DOLLAR: Cents = Cents::new(100);

impl Product {
    /// True of a product however it came about.
    pub(crate) fn check_coherence(&self) -> Result<(), String> {
        for feature in &self.features {
            let name = &feature.name;
            let wrong = feature.contradiction();
            wrong.map_or(Ok(()), |message| Err(format!("{message} (feature `{name}`)")))?;
        }
        let fees = &self.fees;
        if fees.plan.iter().chain(&fees.further_plans).any(PlanFee::is_inverted) {
            return Err("`least` of a plan fee is above its `most`".to_owned());
        }
        let whole = &self.minimum;
        let arms = self.minimum.arms.iter().map(MinimumArm::multiples);
        for (multiple_of, rounds) in
            arms.chain([(whole.multiple_of, whole.whole_dollars.is_some())])
        {
            if !multiple_of.is_positive() {
                return Err("`multiple_of` must be above zero".to_owned());
            }
            if !rounds && multiple_of != ONE_DOLLAR {
                return Err("`multiple_of` needs `whole_dollars`".to_owned());
            }
        }
        Ok(())
    }

    /// True of a product as it is written: opening a line gives every feature the rate of the line.
    pub(crate) fn check_as_written(&self) -> Result<(), String> {
        for one in &self.features {
            let (name, rated) = (&one.name, one.apr.is_some() || !one.rates.is_empty());
            if one.variable.is_some() && rated {
                return Err(format!(
                    "`variable` stands in the place of `apr` and `rates`, and `{name}` has both"
                ));
            }
            // Interest that is deferred is reckoned at the rate that the promotion takes the place of.
            let deferred = one.promotion.is_some_and(|promotion| promotion.deferred);
            if !one.tiers.is_empty() && !deferred && (rated || one.variable.is_some()) {
                return Err(format!(
                    "`tiers` stand in the place of `apr`, `rates` and `variable`, and `{name}` has both"
                ));
            }
        }
        Ok(())
    }
}

impl Feature {
    fn contradiction(&self) -> Option<&'static str> {
        if self.variable.as_ref().is_some_and(Variable::is_inverted) {
            return Some("`floor` is above `cap`");
        }
        if self.promotion.is_some_and(Promotion::ends_twice) {
            return Some(
                "`cycles` and `through`, `months_from_draw` and `through`, `cycles` and `cycles_from_draw` would both end the promotion: state one",
            );
        }
        self.fee
            .is_some_and(DrawFee::is_inverted)
            .then_some("`least` of a draw fee is above its `most`")
    }
}

impl Variable {
    fn is_inverted(&self) -> bool {
        self.floor.zip(self.cap).is_some_and(|(floor, cap)| floor > cap)
    }
}

impl Promotion {
    const fn ends_twice(self) -> bool {
        self.cycles.is_some() && (self.through.is_some() || self.cycles_from_draw.is_some())
            || self.through.is_some() && self.months_from_draw.is_some()
    }
}

impl DrawFee {
    fn is_inverted(self) -> bool {
        self.most.is_some_and(|most| self.least > most)
    }
}

impl PlanFee {
    fn is_inverted(&self) -> bool {
        self.most.is_some_and(|most| self.least > most)
    }
}

impl MinimumArm {
    const fn multiples(&self) -> (Cents, bool) {
        (self.multiple_of, self.whole_dollars.is_some())
    }
}
