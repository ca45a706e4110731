//! Terms that contradict one another, of which one would be passed over in silence.

use money::{Apr, Cents};

use super::{
    DrawFee, Feature, Instalments, LateFee, MinimumArm, MinimumBase, MinimumTerms, PlanFee,
    Product, Promotion, RateStep, Regime, RepaymentTerms, StateOverride, Variable,
};

/// What `multiple_of` is where nobody states it.
const ONE_DOLLAR: Cents = Cents::new(100);

const WHOLE: Apr = Apr::from_ppm(1_000_000);

/// States, the District and the territories, and the addresses of the armed forces.
const STATES: &str = "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND \
                      OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY AS GU MP PR VI AA AE AP";

/// One of them, by its two letters.
pub(crate) fn is_state(name: &str) -> bool {
    STATES.split_whitespace().any(|state| state.eq_ignore_ascii_case(name))
}

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
        if fees.plan.iter().chain(&fees.further_plans).any(PlanFee::drops_its_amount) {
            let message = "the `amount` of a plan fee never counts beside `brackets` without an end: leave it out, or state `\"0.00\"`";
            return Err(message.to_owned());
        }
        if fees.late.as_ref().is_some_and(LateFee::never_begins) {
            let message = "a late fee of nothing is never charged, so `repeat_amount` never counts: state it as `amount`, with `first_free`";
            return Err(message.to_owned());
        }
        if fees.late.as_ref().is_some_and(LateFee::drops_its_amount) {
            let message = "the `amount` of a late fee never counts beside `brackets` without an end: leave it out, or state `\"0.00\"`";
            return Err(message.to_owned());
        }
        if self.limits.new_line_hold_days > 0 && self.limits.new_line_days == 0 {
            return Err("`new_line_hold_days` needs `new_line_days`".to_owned());
        }
        if self.interest.autopay_discount > WHOLE {
            return Err("`autopay_discount` is above 100%".to_owned());
        }
        let ended = |one: &&StateOverride| one.through.is_some_and(|through| through < one.from);
        if let Some(rule) = self.state_overrides.iter().find(ended) {
            let (state, from) = (&rule.state, rule.from);
            return Err(format!(
                "one of the `state_overrides`, of {state} from {from}, ends before it begins"
            ));
        }
        if let Some(rule) = self.state_overrides.iter().find(|one| !is_state(&one.state)) {
            let state = &rule.state;
            return Err(format!(
                "`state_overrides` names `{state}`, which is none of the two letters of a state or territory"
            ));
        }
        self.minimums().try_for_each(MinimumTerms::check_coherence)?;
        let until = self.minimum.arms.iter().any(|one| one.of == MinimumBase::PrincipalAtRepayment);
        if until {
            return Err("`principal_at_repayment` is known in `repayment.minimum` only".to_owned());
        }
        self.repayment.as_ref().map_or(Ok(()), |rule| rule.check(self.regime))
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
            if !one.tiers.is_empty() && rated {
                return Err(format!(
                    "`tiers` stand in the place of `apr` and `rates`, and `{name}` has both"
                ));
            }
        }
        Ok(())
    }
}

impl Feature {
    /// It states no rate: that of the line is its own.
    pub(crate) fn has_the_line_s_rate(&self) -> bool {
        // Interest that is deferred is reckoned at the rate that the promotion takes the place of.
        let by_tiers = !self.tiers.is_empty() && !self.promotion.is_some_and(|one| one.deferred);
        self.apr.is_none() && self.variable.is_none() && !by_tiers
    }

    fn contradiction(&self) -> Option<&'static str> {
        let index = self.variable.as_ref().map(|variable| variable.index.as_slice());
        if two_of_one_day(&self.rates) || index.is_some_and(two_of_one_day) {
            return Some("`rates` and an `index` have one value a day");
        }
        if self.variable.as_ref().is_some_and(Variable::is_inverted) {
            return Some("`floor` is above `cap`");
        }
        if self.promotion.is_some_and(Promotion::ends_twice) {
            return Some(
                "`cycles`, `through`, `cycles_from_draw` and `months_from_draw` would each end the promotion: state one",
            );
        }
        if let Some(wrong) = self.contradiction_of_tiers() {
            return Some(wrong);
        }
        if let Some(wrong) = self.instalments.as_ref().and_then(Instalments::contradiction) {
            return Some(wrong);
        }
        self.fee.as_ref().and_then(DrawFee::contradiction)
    }

    /// Tiers state a rate each or, over an index, a margin.
    fn contradiction_of_tiers(&self) -> Option<&'static str> {
        let tiers = || self.tiers.iter();
        if self.tiers.is_empty() && self.tiers_on != super::TiersOn::Slices {
            return Some("`tiers_on` needs `tiers`");
        }
        if tiers().any(|one| one.up_to.is_some_and(|up_to| !up_to.is_positive())) {
            return Some("the `up_to` of a tier must be above zero");
        }
        match &self.variable {
            _ if self.tiers.is_empty() => None,
            Some(variable) => {
                let own = tiers().all(|one| one.margin.is_some() && one.apr.is_none());
                (!own || variable.margin != 0).then_some(
                    "where the rate follows an index each of the `tiers` states its `margin`, none an `apr`, and `variable` no margin",
                )
            }
            None if tiers().any(|one| one.margin.is_some()) => {
                Some("the `margin` of a tier needs `variable` with its index")
            }
            None => tiers()
                .any(|one| one.apr.is_none())
                .then_some("each of the `tiers` needs its `apr`"),
        }
    }
}

fn two_of_one_day(steps: &[RateStep]) -> bool {
    steps.windows(2).any(|two| matches!(two, [one, next] if one.from == next.from))
}

impl Variable {
    fn is_inverted(&self) -> bool {
        self.floor.zip(self.cap).is_some_and(|(floor, cap)| floor > cap)
    }
}

impl Promotion {
    fn ends_twice(self) -> bool {
        let ends = [
            self.cycles.is_some(),
            self.through.is_some(),
            self.cycles_from_draw.is_some(),
            self.months_from_draw.is_some(),
        ];
        ends.into_iter().filter(|stated| *stated).count() > 1
    }
}

impl Instalments {
    fn contradiction(&self) -> Option<&'static str> {
        if self.monthly_fee_percent > Apr::ZERO && !self.monthly_fee_percents.is_empty() {
            return Some("`monthly_fee_percents` stands in the place of `monthly_fee_percent`");
        }
        (self.payment_percent == Some(Apr::ZERO)).then_some(
            "a `payment_percent` of zero repays nothing: leave it out for level payments",
        )
    }
}

impl DrawFee {
    pub(crate) fn beyond_brackets(&self) -> bool {
        self.plus.max(self.least).is_positive() || self.percent > Apr::ZERO
    }

    fn contradiction(&self) -> Option<&'static str> {
        if self.most.is_some_and(|most| self.least > most) {
            return Some("`least` of a draw fee is above its `most`");
        }
        if self.discount > WHOLE {
            return Some("`discount` of a draw fee is above 100%");
        }
        let open = self.brackets.last().is_some_and(|last| last.up_to.is_none());
        let both = open && (self.beyond_brackets() || self.most.is_some());
        both.then_some("`brackets` of a draw fee leave nothing to its other amounts: give the last one an `up_to`")
    }
}

impl PlanFee {
    fn is_inverted(&self) -> bool {
        self.most.is_some_and(|most| self.least > most)
    }

    fn drops_its_amount(&self) -> bool {
        let open = self.brackets.last().is_some_and(|one| one.up_to.is_none());
        open && self.amount.is_positive()
    }
}

impl LateFee {
    /// It is charged again after one that never is.
    fn never_begins(&self) -> bool {
        let nothing = self.amount.is_zero() && self.percent == Apr::ZERO;
        nothing && self.brackets.is_empty() && self.repeat_amount.is_some_and(Cents::is_positive)
    }

    fn drops_its_amount(&self) -> bool {
        let open = self.brackets.last().is_some_and(|one| one.up_to.is_none());
        open && self.amount.is_positive()
    }
}

impl MinimumTerms {
    fn check_coherence(&self) -> Result<(), String> {
        let arms = self.arms.iter().map(MinimumArm::multiples);
        for (multiple_of, rounds) in arms.chain([(self.multiple_of, self.whole_dollars.is_some())])
        {
            if !multiple_of.is_positive() {
                return Err("`multiple_of` must be above zero".to_owned());
            }
            if !rounds && multiple_of != ONE_DOLLAR {
                return Err("`multiple_of` needs `whole_dollars`".to_owned());
            }
        }
        self.check_excess()
    }

    /// Of the part of an excess over the limit that a minimum asks for.
    fn check_excess(&self) -> Result<(), String> {
        if self.over_limit_one_of.is_some_and(|parts| parts == 0 || parts > 1_200) {
            return Err("`over_limit_one_of` must be from 1 to 1200".to_owned());
        }
        let stated = [
            ("over_limit_one_of", self.over_limit_one_of.is_some()),
            ("over_limit_whole_dollars", self.over_limit_whole_dollars.is_some()),
            ("past_due_or_over_limit", self.past_due_or_over_limit),
        ];
        if self.past_due_or_over_limit && !self.add_past_due {
            return Err("`past_due_or_over_limit` needs `add_past_due`".to_owned());
        }
        match stated.iter().find(|(_, stated)| *stated && !self.add_over_limit) {
            Some((key, _)) => Err(format!("`{key}` needs `add_over_limit`")),
            None => Ok(()),
        }
    }
}

impl RepaymentTerms {
    fn check(&self, regime: Regime) -> Result<(), String> {
        let counts = [self.begins_after_months, self.cycles];
        let free = self.minimum.as_ref().is_some_and(|minimum| minimum.free_cycles > 0);
        let cases = [
            (
                self.begins_after_months.is_some() == self.begins_on.is_some(),
                "`repayment` needs `begins_after_months` or `begins_on`, one of them",
            ),
            (
                counts.into_iter().flatten().any(|count| !(1..=1_200).contains(&count)),
                "`begins_after_months` and `cycles` of `repayment` must be from 1 to 1200",
            ),
            (free, "`free_cycles` count from opening: `repayment.minimum` has none"),
            (
                regime == Regime::Card,
                "`repayment` is not for a card, whose statement estimates what minimums come to by one formula",
            ),
        ];
        cases.iter().find(|(wrong, _)| *wrong).map_or(Ok(()), |(_, said)| Err((*said).to_owned()))
    }
}

impl MinimumArm {
    const fn multiples(&self) -> (Cents, bool) {
        (self.multiple_of, self.whole_dollars.is_some())
    }
}
