//! What staff enter: other terms, credits, fees and their waivers, corrections, disputes, due days, military service.

use chrono::NaiveDate;
use credit::{AppliesTo, FeeKind, FlagKind};
use money::{Apr, Cents};

use super::{Life, News, after};
use crate::history::{Change, Kind, What};

/// A draw as staff know it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drawn {
    pub(super) draw: u64,
    pub(super) amount: Cents,
    /// Refused, or never made.
    pub(super) gone: bool,
}

/// Six percent (50 USC 3937).
const SERVICE: Apr = Apr::from_ppm(60_000);

impl Life {
    /// One fact, of any kind.
    pub(super) fn staff(&mut self, today: NaiveDate) -> anyhow::Result<()> {
        let effective_on = self.maybe_late(today);
        let what = match self.dice.below(15) {
            0 | 1 => self.rate(),
            2 | 3 => Some(self.limit()),
            4 => Some(What::Credit { amount: Cents::new(self.dice.between(1, 5_000)) }),
            5 => return self.refund(today),
            6 => self.fee(),
            7 => return self.waiver(today),
            8 => return self.close_day(today),
            9 => return self.correction(today),
            10 => return self.service(today),
            11 => self.index(),
            12 => self.terms(today),
            13 => self.close(today),
            _ => return self.dispute(today),
        };
        let effective_on = match &what {
            Some(what) if what.is_of_its_day() => today,
            _ => effective_on,
        };
        match what {
            Some(what) if !self.has_such(&what, effective_on) => {
                self.learn(today, effective_on, what)
            }
            _ => Ok(()),
        }
    }

    /// Of two of one kind on one day the rule book does not say which comes first.
    fn has_such(&self, what: &What, on: NaiveDate) -> bool {
        let kind = std::mem::discriminant(what);
        let such = |one: &crate::history::Happening| {
            one.effective_on == on && std::mem::discriminant(&one.what) == kind
        };
        self.history.happenings.iter().any(such)
    }

    fn maybe_late(&mut self, today: NaiveDate) -> NaiveDate {
        let late = self.is_late() && self.dice.chance(400);
        let days = if late { self.dice.below(50) } else { 0 };
        self.before(today, days)
    }

    /// What is on its way will not come.
    pub(super) fn left_out(&mut self, draw: u64) {
        for drawn in self.draws.iter_mut().filter(|drawn| drawn.draw == draw) {
            drawn.gone = true;
        }
    }

    pub(super) fn bring_forward(&mut self) -> anyhow::Result<()> {
        let agreed = self.history.agreed;
        if self.plain || self.waives || agreed.kind == Kind::Fee3 || !self.dice.chance(250) {
            return Ok(());
        }
        let disputed = self.news == News::Disputed;
        let mut some = |most: i64| Cents::new(self.dice.between(0, most));
        let limit = agreed.credit_limit.get();
        let owed = What::BroughtForward {
            principal: some(limit),
            billed_interest: if agreed.kind == Kind::Std { some(4_000) } else { Cents::ZERO },
            fees: some(2_000),
            penalty_fees: if disputed { Cents::ZERO } else { some(1_500) },
            credit_balance: Cents::ZERO,
        };
        let paid = What::BroughtForward {
            principal: Cents::ZERO,
            billed_interest: Cents::ZERO,
            fees: Cents::ZERO,
            penalty_fees: Cents::ZERO,
            credit_balance: some(20_000),
        };
        let what = if self.dice.chance(800) { owed } else { paid };
        self.learn(agreed.opened_on, agreed.opened_on, what)
    }

    fn rate(&mut self) -> Option<What> {
        let apr = u32::try_from(self.dice.between(999, 3_499) * 100).unwrap_or_default();
        let new_draws = self.dice.chance(500) && !self.plain;
        let applies_to = if new_draws { AppliesTo::NewDraws } else { AppliesTo::AllBalances };
        let agreed = self.history.agreed;
        let has_rate = agreed.kind != Kind::Sub && !agreed.follows_index;
        has_rate.then_some(What::Rate { apr: Apr::from_ppm(apr), applies_to })
    }

    fn index(&mut self) -> Option<What> {
        let index = u32::try_from(self.dice.between(400, 2_800) * 100).unwrap_or_default();
        let follows = self.history.agreed.follows_index;
        follows.then_some(What::Index { index: Apr::from_ppm(index) })
    }

    /// After 45 days' notice.
    fn terms(&mut self, today: NaiveDate) -> Option<What> {
        let agreed = self.history.agreed;
        let notice = 45 + self.dice.below(30);
        let given_on = self.before(today, notice);
        let change = match (self.dice.below(3), agreed.kind) {
            (0, Kind::Std) => {
                let apr = u32::try_from(self.dice.between(999, 3_499) * 100).unwrap_or_default();
                Change::Rate { apr: Apr::from_ppm(apr) }
            }
            (1, Kind::Std | Kind::Fee3) => {
                Change::LateFee { amount: Cents::new(self.dice.between(1, 4_000)) }
            }
            (2, Kind::Std | Kind::Fee3) => {
                Change::Floor { amount: Cents::new(self.dice.between(100, 6_000)) }
            }
            _ => return None,
        };
        let noticed = (today - given_on).num_days() >= 45;
        (noticed && !agreed.follows_index).then_some(What::Terms { change, given_on })
    }

    fn close(&mut self, today: NaiveDate) -> Option<What> {
        let closes = !self.closed && self.dice.chance(150);
        // Nothing is closed in the past.
        let known = self.history.happenings.iter().all(|one| one.learned_on <= today);
        self.closed |= closes && known;
        (closes && known).then_some(What::Closed)
    }

    fn limit(&mut self) -> What {
        let most = if self.history.agreed.kind == Kind::Sub { 10 } else { 100 };
        What::Limit { credit_limit: Cents::new(self.dice.between(4, most) * 5_000) }
    }

    fn refund(&mut self, today: NaiveDate) -> anyhow::Result<()> {
        let most = self.position(today)?.credit_balance.get();
        let amount = Cents::new(self.dice.between(1, most));
        if most == 0 {
            return Ok(());
        }
        self.learn(today, today, What::Refund { amount })
    }

    fn fee(&mut self) -> Option<What> {
        let amount = Cents::new(self.dice.between(100, 3_000));
        match self.dice.below(2) {
            0 if matches!(self.history.agreed.kind, Kind::Std | Kind::Card) => {
                Some(What::Fee { fee: FeeKind::Other, amount })
            }
            1 if !self.waives && self.news != News::Disputed => {
                Some(What::Fee { fee: FeeKind::ReturnedPayment, amount })
            }
            _ => None,
        }
    }

    /// All that stands of a kind: the rule book does not say which part of it goes first, nor what it would be to waive what was
    /// never charged.
    fn waiver(&mut self, today: NaiveDate) -> anyhow::Result<()> {
        let position = self.position(today)?;
        let late = self.dice.chance(500);
        let charged =
            |is: fn(&What) -> bool| self.history.happenings.iter().any(|one| is(&one.what));
        let of_draws = charged(|what| matches!(what, What::Draw { fee, .. } if fee.is_positive()));
        let others = charged(|what| matches!(what, What::Fee { fee: FeeKind::Other, .. }));
        let kind = match self.history.agreed.kind {
            Kind::Std | Kind::Card if of_draws && others => return Ok(()),
            Kind::Std | Kind::Card if others => FeeKind::Other,
            Kind::Std | Kind::Card | Kind::Fee3 => FeeKind::Draw,
            Kind::Sub => FeeKind::Plan,
        };
        let (fee, amount) =
            if late { (FeeKind::Late, position.penalty_fees) } else { (kind, position.fees) };
        if amount.is_zero() || !self.waives {
            return Ok(());
        }
        self.learn(today, today, What::FeeWaived { fee, amount })
    }

    fn close_day(&mut self, today: NaiveDate) -> anyhow::Result<()> {
        if !self.dice.chance(300) || self.plain {
            return Ok(());
        }
        let close_day = u32::try_from(self.dice.between(1, 31)).unwrap_or(1);
        self.learn(today, today, What::CloseDay { close_day })
    }

    fn correction(&mut self, today: NaiveDate) -> anyhow::Result<()> {
        let made: Vec<Drawn> = self.made();
        let Some(drawn) = self.dice.pick(&made).filter(|_| self.is_late()) else { return Ok(()) };
        let amount = Cents::new(self.dice.between(1_000, drawn.amount.get() + 1_000));
        for one in self.draws.iter_mut().filter(|one| one.draw == drawn.draw) {
            one.amount = amount;
        }
        self.learn(today, today, What::DrawCorrected { draw: drawn.draw, amount })
    }

    /// Draws that were made and stand.
    fn made(&self) -> Vec<Drawn> {
        let known = |draw: u64| {
            let is = |what: &What| matches!(what, What::Draw { draw: made, .. } if *made == draw);
            self.history.happenings.iter().any(|one| is(&one.what))
        };
        self.draws.iter().filter(|one| !one.gone && known(one.draw)).copied().collect()
    }

    /// Military service: the rate of what is owed is capped, and a mark stays late fees.
    fn service(&mut self, today: NaiveDate) -> anyhow::Result<()> {
        let capped = |what: &What| matches!(what, What::RateCap { .. });
        let before = self.history.happenings.iter().any(|one| capped(&one.what));
        let kinds = [Kind::Std, Kind::Card];
        if !kinds.contains(&self.history.agreed.kind) || before || self.plain {
            return Ok(());
        }
        let effective_on = self.maybe_late(today);
        let ends = self.dice.chance(600);
        let through = ends.then(|| after(today, 60 + self.dice.below(300)));
        self.learn(today, effective_on, What::FlagRaised { flag: FlagKind::Scra })?;
        self.learn(today, effective_on, What::RateCap { apr: SERVICE, through })
    }

    /// Part of a draw is said to be an error; some weeks later it is, in whole or in part, or it is not.
    fn dispute(&mut self, today: NaiveDate) -> anyhow::Result<()> {
        let made = self.made();
        let kinds = [Kind::Std, Kind::Card];
        let wanted = self.news == News::Disputed && kinds.contains(&self.history.agreed.kind);
        let Some(drawn) = self.dice.pick(&made).filter(|_| wanted) else { return Ok(()) };
        self.disputes += 1;
        let (dispute, draw) = (self.disputes, drawn.draw);
        let amount = Cents::new(self.dice.between(1, drawn.amount.get()));
        self.learn(today, today, What::DisputeOpened { dispute, draw, amount })?;
        let error = match self.dice.below(3) {
            0 => Cents::ZERO,
            1 => amount,
            _ => Cents::new(self.dice.between(1, amount.get())),
        };
        // Nothing else is said of it meanwhile.
        self.left_out(draw);
        let resolved_on = after(today, 1 + self.dice.below(80));
        self.comes(resolved_on, resolved_on, What::DisputeResolved { dispute, draw, error });
        Ok(())
    }
}
