//! `replay`: a history folded into the line as it stands on a day.
//!
//! Invariants: pure; the same facts give the same line in whatever order they arrived; resuming from a snapshot gives the same
//! line as starting over. A snapshot is taken at the end of a closed cycle, names the last event it has seen, and is used only
//! while no later event takes effect in or before its cycle.

use chrono::{Days, NaiveDate};
use money::Cents;
use serde::{Deserialize, Serialize};

use crate::{
    Charge, CreditError, FeeKind, FlagKind, LineEvent, LineEventBody, Position, Terms,
    balance::{Balance, RateCap},
    event::AppliesTo,
    product::{BalanceAt, Feature, RateStep, TakesEffect},
    state::{Drawn, Fee, StandingFlag, State},
    timeline::{Action, Timeline},
    waivers::Waiver,
};

/// Beyond it a line is a mistake, and numerators could overflow.
pub(crate) const MOST_OWED: Cents = Cents::new(100_000_000_000);

/// The line at the end of a closed cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The last day it covers, end of day.
    pub through: NaiveDate,
    /// The last event it has seen.
    pub seen_seq: u64,
    /// What the fields of its state are; one of another layout is not used.
    #[serde(default)]
    layout: u32,
    pub(crate) state: State,
}

/// To be raised whenever the state of a line, or what is carried in it, changes.
const LAYOUT: u32 = 20;

/// The line as it stands on the day `on`: all known events effective up to that day, interest through the day before.
///
/// Cycles that closed before `on` are billed, whether or not their statements have been issued; what is not yet posted is in
/// `Position::pending`.
pub fn replay(events: &[LineEvent], on: NaiveDate) -> Result<Position, CreditError> {
    let (position, _) = replayed(&[], events, on, Snapshots::Left)?;
    Ok(position)
}

/// What replay gives beside the position: snapshots to keep.
#[derive(Clone, Debug)]
pub struct Replayed {
    pub position: Position,
    /// At the close of each cycle that was lived through and whose statement is issued.
    pub snapshots: Vec<Snapshot>,
}

/// As `replay`, beginning at the latest of `snapshots` that is still true.
pub fn replay_from(
    snapshots: &[Snapshot],
    events: &[LineEvent],
    on: NaiveDate,
) -> Result<Replayed, CreditError> {
    let (position, snapshots) = replayed(snapshots, events, on, Snapshots::Kept)?;
    Ok(Replayed { position, snapshots })
}

/// Whether states are copied at the close of cycles: it costs as much as the days between.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Snapshots {
    Kept,
    Left,
}

fn replayed(
    snapshots: &[Snapshot],
    events: &[LineEvent],
    on: NaiveDate,
    keep: Snapshots,
) -> Result<(Position, Vec<Snapshot>), CreditError> {
    let timeline = Timeline::of(events)?;
    let opened_on = timeline.opened_on;
    if on < opened_on {
        return Err(CreditError::DateBeforeOpening { on, opened_on });
    }
    let mut state = State::begin(snapshots, &timeline, on);
    let mut kept = Vec::new();
    loop {
        state.live_but_end(&timeline)?;
        if state.day >= on {
            return Ok((Position::of(&state, &timeline, events), kept));
        }
        let through = state.day;
        if state.end_day(&timeline)? && keep == Snapshots::Kept {
            let (seen_seq, state) = (timeline.last_seq, state.clone());
            kept.push(Snapshot { through, seen_seq, layout: LAYOUT, state });
        }
    }
}

impl State {
    /// As the latest of `snapshots` that is still true has it, or as it was opened.
    pub(crate) fn begin(snapshots: &[Snapshot], timeline: &Timeline<'_>, on: NaiveDate) -> Self {
        let usable = snapshots
            .iter()
            .filter(|snapshot| snapshot.layout == LAYOUT)
            .filter(|snapshot| snapshot.through < on && snapshot.seen_seq <= timeline.last_seq)
            .filter(|snapshot| timeline.still_true(snapshot.seen_seq, snapshot.through))
            .max_by_key(|snapshot| (snapshot.through, snapshot.seen_seq));
        match usable {
            Some(snapshot) => snapshot.state.clone(),
            None => Self::open(timeline.opening, timeline.opened_on, timeline.age),
        }
    }

    /// The day being lived with its events, without its end.
    pub(crate) fn live_but_end(&mut self, timeline: &Timeline<'_>) -> Result<(), CreditError> {
        self.begin_day(timeline);
        self.price_draws(timeline)?;
        self.live_events(timeline, |_| true)
    }

    /// Those events of the day being lived that are known.
    pub(crate) fn live_events(
        &mut self,
        timeline: &Timeline<'_>,
        known: impl Fn(&Action<'_>) -> bool + Copy,
    ) -> Result<(), CreditError> {
        let terms = self.terms_today(timeline);
        let mut actions = timeline.actions_on(self.day).filter(|action| known(action));
        if terms.product.interest.balance_at == BalanceAt::EndOfDay {
            return actions.try_for_each(|action| self.act(timeline, action));
        }
        for action in actions.clone().filter(|action| begins_day(action.body)) {
            self.act(timeline, action)?;
        }
        self.accrue_day(terms);
        for action in actions.filter(|action| !begins_day(action.body)) {
            self.act(timeline, action)?;
        }
        Ok(())
    }

    /// Answers whether a cycle ended with it whose statement is issued.
    pub(crate) fn end_day(&mut self, timeline: &Timeline<'_>) -> Result<bool, CreditError> {
        let terms = self.terms_today(timeline);
        if terms.product.interest.balance_at == BalanceAt::EndOfDay {
            self.accrue_day(terms);
        }
        for balance in &mut self.balances {
            balance.forget_deferred(self.day, self.cycle.since_opening());
        }
        let closes = self.day == self.cycle.closes_on;
        let printed = timeline.printed.contains_key(&self.cycle.number);
        if closes {
            self.close_cycle(timeline);
            if self.balance().abs() > MOST_OWED {
                return Err(CreditError::TooLarge { on: self.day, most: MOST_OWED });
            }
        }
        self.day = self.day.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX);
        Ok(closes && printed)
    }

    pub(crate) fn terms_today<'a>(&self, timeline: &'a Timeline<'_>) -> &'a Terms {
        timeline.versions.on(self.day, self.cycle.starts_on)
    }

    pub(crate) fn act(
        &mut self,
        timeline: &Timeline<'_>,
        action: &Action<'_>,
    ) -> Result<(), CreditError> {
        let terms = self.terms_today(timeline);
        let (seq, amount, charged) = (action.seq, action.amount, self.fees.len());
        if amount > MOST_OWED {
            return Err(CreditError::TooLarge { on: action.on, most: MOST_OWED });
        }
        match action.body {
            LineEventBody::BalanceBroughtForward { balances } => {
                self.bring_forward(terms, balances, seq)?;
                if timeline.last_brought_on(self.day) == Some(seq) {
                    self.charge_first_day(terms);
                }
            }
            LineEventBody::Drew { draw, feature, .. } => {
                let at = self.balance_for_draws(terms, feature.as_deref(), seq)?;
                let fee = self.fee_of_draw(timeline, action);
                let joins = timeline.draw_fees.joined.contains(draw);
                let joined = self.draw(terms, at, (amount, fee), joins);
                let own = (self.fees.len() > charged).then_some(charged);
                if fee.is_positive() {
                    self.fee_bearing_draws += amount;
                }
                let (draw, on) = (*draw, self.day);
                self.drawn.push(Drawn { draw, on, balance: at, amount, joined, fee: own });
            }
            LineEventBody::PaymentReceived { payment, .. } => {
                self.receive(terms, (Some(*payment), None), seq, amount);
            }
            LineEventBody::CreditGranted { feature, .. } => {
                let first = terms.named_feature(feature.as_deref(), seq)?;
                self.receive(terms, (None, first), seq, amount);
            }
            LineEventBody::CreditBalanceRestored { .. } => {
                self.receive(terms, (None, None), seq, amount);
            }
            LineEventBody::PaymentReturned { payment, fee, .. } => {
                self.restore(*payment);
                self.charge(FeeKind::ReturnedPayment, 0, *fee);
                if fee.is_positive() {
                    self.returned_in.push(self.cycle.number);
                }
            }
            LineEventBody::CreditBalanceRefunded { .. } => {
                let from_credit = amount.min(self.credit_balance);
                self.credit_balance -= from_credit;
                // What turned out not to be there went out as a draw of the day does.
                let lent = amount - from_credit;
                if lent.is_positive() {
                    let at = self.balance_for_draws(terms, None, seq)?;
                    self.owe_principal(at, lent);
                }
            }
            LineEventBody::FeeAssessed { fee, .. } => self.charge(*fee, 0, amount),
            LineEventBody::FeeWaived { fee, .. } => {
                self.waive(terms, seq, Waiver { fee: *fee, dispute: None, amount });
            }
            LineEventBody::DisputeOpened { dispute, subject, .. } => {
                self.open_dispute(terms, &timeline.versions, (*dispute, *subject, amount));
            }
            LineEventBody::DisputeResolved { dispute, error, .. } => {
                self.resolve_dispute(terms, *dispute, *error);
            }
            _ => self.act_on_terms(timeline, action)?,
        }
        // No statement can have shown what was recorded after it; what comes in with a line was shown before.
        if !matches!(action.body, LineEventBody::BalanceBroughtForward { .. }) {
            for fee in self.fees.iter_mut().skip(charged) {
                fee.shown_from = timeline.next_statement(seq);
            }
        }
        Ok(())
    }

    /// Rates, limits, dates, flags, terms.
    fn act_on_terms(
        &mut self,
        timeline: &Timeline<'_>,
        action: &Action<'_>,
    ) -> Result<(), CreditError> {
        let (terms, seq) = (self.terms_today(timeline), action.seq);
        match action.body {
            LineEventBody::RateChanged { feature, apr, applies_to, .. } => {
                let of = terms.named_feature(feature.as_deref(), seq)?;
                let tiered = |one: &Feature| !one.tiers.is_empty();
                if of_features(terms, of).any(tiered) {
                    let message = "a rate by tiers is not changed by one rate: state `tiers` in a change of terms, of a feature that comes after the others";
                    return Err(CreditError::Terms { seq, message: message.to_owned() });
                }
                self.change_rate(terms, of, RateStep { from: action.on, apr: *apr }, *applies_to);
            }
            LineEventBody::IndexChanged { feature, index } => {
                let of = terms.named_feature(feature.as_deref(), seq)?;
                let follows =
                    |one: &Balance| one.variable.is_some() && of.is_none_or(|of| one.feature == of);
                if !self.balances.iter().any(follows) {
                    let message = "no rate of it follows an index";
                    return Err(CreditError::Terms { seq, message: message.to_owned() });
                }
                self.change_index(terms, of, RateStep { from: action.on, apr: *index });
            }
            LineEventBody::TermsChanged { .. } => self.change_terms(timeline, action),
            LineEventBody::RateCapped { apr, through, .. } => {
                let cap = RateCap { from: action.on, through: *through, apr: *apr };
                for balance in &mut self.balances {
                    balance.caps.push(cap);
                    balance.full = true;
                }
            }
            LineEventBody::AutopayDiscountBegan { autopay } => {
                self.cycle.begin_discount(*autopay, action.on);
            }
            LineEventBody::AutopayDiscountEnded { autopay } => {
                self.cycle.end_discount(*autopay, action.on);
            }
            LineEventBody::LimitChanged { credit_limit, .. } => self.credit_limit = *credit_limit,
            LineEventBody::CyclesChanged { cycles } => {
                self.schedule = cycles.clone();
                self.cycle.closes_on = self.schedule.close_of(self.day);
            }
            LineEventBody::FlagRaised { flag, .. } => self.raise(*flag, action.on),
            LineEventBody::FlagCleared { flag, .. } => {
                self.flags.retain(|standing| standing.flag != *flag);
            }
            LineEventBody::LineClosed { .. } => self.closed_on = Some(action.on),
            _ => {}
        }
        Ok(())
    }

    fn raise(&mut self, flag: FlagKind, raised_on: NaiveDate) {
        if !self.flagged(&[flag]) {
            self.flags.push(StandingFlag { flag, raised_on });
        }
    }

    /// A credit balance is used first. A fee that joins the balance is drawn with it, and told.
    fn draw(
        &mut self,
        terms: &Terms,
        at: usize,
        (amount, fee): (Cents, Cents),
        joins: bool,
    ) -> Cents {
        let (joined, fee) = if joins {
            self.count_first_year_fee(FeeKind::Draw, fee);
            (fee, Cents::ZERO)
        } else {
            (Cents::ZERO, fee)
        };
        let drawn = amount + joined;
        let from_credit = drawn.min(self.credit_balance);
        self.credit_balance -= from_credit;
        if let Some(balance) = self.balances.get_mut(at) {
            balance.fresh += drawn - from_credit;
        }
        self.begin_plan(terms, at);
        self.charge(FeeKind::Draw, at, fee);
        self.after_last_draw = self.principal_beside_plans();
        joined
    }

    pub(crate) fn charge(&mut self, kind: FeeKind, balance: usize, amount: Cents) {
        if amount.is_positive() {
            self.count_first_year_fee(kind, amount);
            let assessed_on = self.day;
            self.fees.push(Fee {
                kind,
                balance,
                assessed_on,
                of_instalments: false,
                amount,
                unpaid: amount,
                billed_in: None,
                shown_from: 0,
                asked: Cents::ZERO,
                given_back: Cents::ZERO,
            });
        }
    }

    /// The same for a penalty that the terms impose, which can become known after the statement of its cycle.
    pub(crate) fn charge_by_terms(
        &mut self,
        timeline: &Timeline<'_>,
        charge: &Charge,
        kind: FeeKind,
        amount: Cents,
    ) {
        let (charged, posted) = (self.fees.len(), timeline.posted.get(charge));
        let known = posted.map_or(timeline.last_seq.saturating_add(1), |posted| posted.seq);
        self.charge(kind, 0, amount);
        for fee in self.fees.iter_mut().skip(charged) {
            fee.shown_from = timeline.next_statement(known);
        }
    }

    pub(crate) fn count_first_year_fee(&mut self, kind: FeeKind, amount: Cents) {
        if !kind.penalty() && self.day < calendar::add_months(self.opened_on, 12) {
            self.first_year_fees = (self.first_year_fees + amount).or_zero();
        }
    }

    fn change_rate(
        &mut self,
        terms: &Terms,
        feature: Option<usize>,
        step: RateStep,
        applies_to: AppliesTo,
    ) {
        let concerns = |balance: &Balance| feature.is_none_or(|feature| balance.feature == feature);
        let (day, cycle) = (self.day, self.cycle.clone());
        match applies_to {
            AppliesTo::AllBalances => {
                for balance in self.balances.iter_mut().filter(|balance| concerns(balance)) {
                    if let Some(variable) = balance.variable.take() {
                        // Until then it was what the index made it.
                        balance.apr = variable.apr_on(day, &cycle);
                        balance.rates.clear();
                    }
                    balance.rates.push(step);
                }
            }
            AppliesTo::NewDraws => {
                for balance in self.balances.iter_mut().filter(|balance| concerns(balance)) {
                    balance.full = true;
                }
                for (at, of) in terms.product.features.iter().enumerate() {
                    if feature.is_none_or(|feature| feature == at) {
                        let nth = self.balances.iter().filter(|one| one.feature == at).count() + 1;
                        let name = format!("{} {nth}", of.name);
                        let promotion = terms.promotion_of(at, step.from);
                        let balance = Balance::empty(name, at, step.apr);
                        self.begin_balance(terms, Balance { promotion, ..balance });
                    }
                }
            }
        }
    }

    fn change_index(&mut self, terms: &Terms, feature: Option<usize>, step: RateStep) {
        let cycle = self.cycle.clone();
        let concerns = |balance: &&mut Balance| feature.is_none_or(|one| balance.feature == one);
        for balance in self.balances.iter_mut().filter(concerns) {
            if let Some(variable) = &mut balance.variable {
                variable.change_index(step);
                if variable.takes_effect == TakesEffect::ThisCycle {
                    balance.rate_again(terms, &cycle);
                }
            }
        }
    }

    /// New rates are for new draws (docs/engine.md), and a feature that is new begins; what else changes is in the terms of the day.
    fn change_terms(&mut self, timeline: &Timeline<'_>, action: &Action<'_>) {
        let Some((before, after)) = timeline.versions.change(action.seq) else { return };
        for (at, feature) in after.product.features.iter().enumerate() {
            match before.product.features.get(at) {
                None => self.begin_balance(after, Balance::of(feature, at)),
                Some(old)
                    if (old.apr, &old.rates, &old.variable, old.promotion)
                        != (feature.apr, &feature.rates, &feature.variable, feature.promotion) =>
                {
                    for balance in self.balances.iter_mut().filter(|one| one.feature == at) {
                        balance.full = true;
                    }
                    let nth = self.balances.iter().filter(|one| one.feature == at).count() + 1;
                    let name = format!("{} {nth}", feature.name);
                    self.begin_balance(after, Balance { name, ..Balance::of(feature, at) });
                }
                Some(_) => {}
            }
        }
    }
}

/// What is so when a day begins, whatever the balance of the day: what is brought forward, rates and dates.
pub(crate) const fn begins_day(body: &LineEventBody) -> bool {
    matches!(
        body,
        LineEventBody::BalanceBroughtForward { .. }
            | LineEventBody::RateChanged { .. }
            | LineEventBody::RateCapped { .. }
            | LineEventBody::AutopayDiscountBegan { .. }
            | LineEventBody::AutopayDiscountEnded { .. }
            | LineEventBody::IndexChanged { .. }
            | LineEventBody::TermsChanged { .. }
            | LineEventBody::CyclesChanged { .. }
    )
}

/// One feature, or all.
fn of_features(terms: &Terms, only: Option<usize>) -> impl Iterator<Item = &Feature> {
    let all = terms.product.features.iter().enumerate();
    all.filter(move |(at, _)| only.is_none_or(|only| only == *at)).map(|(_, feature)| feature)
}
