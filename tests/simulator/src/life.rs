//! A random life of one line: a person of some habit, a bank that sends money back, news that comes late, terms that change.
//!
//! Days are lived one after another, and what is thrown on a day does not depend on how many days follow: a life cut short is
//! the beginning of the longer one.

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use credit::{AppliesTo, CycleSchedule, FlagKind, Position, quote_draw};
use money::{Apr, Cents};

use crate::{
    dice::Dice,
    history::{Agreed, Happening, History, Kind, What},
    living::Living,
};

/// How somebody pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Habit {
    InFull,
    Minimum,
    Erratic,
    Slow,
}

/// What is learned after it took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    /// Nothing.
    InTime,
    /// Anything. What it does to late fees is left open by the rule book where it changes a printed minimum: a mark stays them.
    Late,
    /// Returned payments, which raise what should have been asked for and never lower it.
    Returns,
}

struct Life {
    news: News,
    dice: Dice,
    habit: Habit,
    living: Living,
    history: History,
    /// What has happened or will, by the day on which we learn of it.
    to_come: BTreeMap<NaiveDate, Vec<(NaiveDate, What)>>,
    draws: u64,
    payments: u64,
    standing: Vec<FlagKind>,
}

/// Those that stay the late fee, and do nothing else.
const FLAGS: [FlagKind; 3] = [FlagKind::Hardship, FlagKind::Disaster, FlagKind::Dispute];

/// The life of a seed, and the line as it was lived.
pub fn live(seed: u64, days: u64) -> anyhow::Result<(History, Living)> {
    let mut dice = Dice::seeded(seed);
    let agreed = agree(&mut dice);
    let habits = [Habit::InFull, Habit::Minimum, Habit::Minimum, Habit::Erratic, Habit::Slow];
    let news = [News::InTime, News::InTime, News::Late, News::Late, News::Returns];
    let news = dice.pick(&news).unwrap_or(News::Late);
    let mut life = Life {
        news,
        habit: dice.pick(&habits).unwrap_or(Habit::Erratic),
        dice,
        living: Living::open(&agreed)?,
        history: History { agreed, through: agreed.opened_on, happenings: Vec::new() },
        to_come: BTreeMap::new(),
        draws: 0,
        payments: 0,
        standing: Vec::new(),
    };
    if news == News::Late {
        let what = What::FlagRaised { flag: FlagKind::OurError };
        life.learn(agreed.opened_on, agreed.opened_on, what)?;
    }
    for offset in 0..days {
        let today = after(agreed.opened_on, offset);
        life.day(today)?;
        life.history.through = today;
    }
    let Life { mut living, history, .. } = life;
    living.settle_to(history.through)?;
    Ok((history, living))
}

fn after(day: NaiveDate, days: u64) -> NaiveDate {
    day.checked_add_days(Days::new(days)).unwrap_or(day)
}

fn agree(dice: &mut Dice) -> Agreed {
    let kind = dice.pick(&Kind::ALL).unwrap_or(Kind::Std);
    let most = if kind == Kind::Sub { 10 } else { 100 };
    let apr = if kind == Kind::Sub { 0 } else { dice.between(1_199, 3_599) * 100 };
    let epoch = NaiveDate::from_ymd_opt(2023, 1, 1).unwrap_or_default();
    Agreed {
        kind,
        credit_limit: Cents::new(dice.between(4, most) * 5_000),
        apr: Apr::from_ppm(u32::try_from(apr).unwrap_or_default()),
        close_day: u32::try_from(dice.between(1, 31)).unwrap_or(1),
        opened_on: after(epoch, dice.below(1_461)),
    }
}

impl Life {
    fn day(&mut self, today: NaiveDate) -> anyhow::Result<()> {
        for (effective_on, what) in self.to_come.remove(&today).unwrap_or_default() {
            self.learn(today, effective_on, what)?;
        }
        let draws = if self.draws == 0 { 300 } else { 45 };
        if self.dice.chance(draws) {
            self.draw(today)?;
        }
        self.pay_some(today)?;
        if self.dice.chance(4) {
            self.terms(today)?;
        }
        if self.dice.chance(6) {
            self.flag(today)?;
        }
        Ok(())
    }

    fn learn(
        &mut self,
        learned_on: NaiveDate,
        effective_on: NaiveDate,
        what: What,
    ) -> anyhow::Result<()> {
        let happening = Happening { learned_on, effective_on, what };
        // Kept first: a history that the engine cannot take is one to look at.
        self.history.happenings.push(happening.clone());
        self.history.through = learned_on;
        self.living.learn(&happening)
    }

    fn comes(&mut self, learned_on: NaiveDate, effective_on: NaiveDate, what: What) {
        self.to_come.entry(learned_on).or_default().push((effective_on, what));
    }

    fn position(&mut self, today: NaiveDate) -> anyhow::Result<Position> {
        self.living.settle_to(today)?;
        self.living.position(today)
    }

    fn draw(&mut self, today: NaiveDate) -> anyhow::Result<()> {
        let position = self.position(today)?;
        let most = position.available_credit + position.credit_balance;
        let all = self.dice.chance(120);
        let amount = if all { most.get() } else { self.dice.between(2_000, most.get()) };
        let Ok(quote) = quote_draw(&position, None, Cents::new(amount)) else { return Ok(()) };
        self.draws += 1;
        let what = What::Draw { draw: self.draws, amount: quote.amount, fee: quote.fee };
        let draw = self.draws;
        self.learn(today, today, what)?;
        if self.dice.chance(60) && self.news == News::Late && !self.fees_are_facts() {
            let later = after(today, self.dice.below(6));
            let what = What::DrawRefused { draw };
            if later == today {
                self.learn(today, today, what)?;
            } else {
                self.comes(later, later, what);
            }
        }
        Ok(())
    }

    /// The fee of a draw is what was quoted and charged, to the engine. The oracle works it out anew with all that is known later
    /// (a credit balance, which draw was the first), and the rule book is silent: such a line has nothing that could change it.
    fn fees_are_facts(&self) -> bool {
        self.history.agreed.kind == Kind::Fee3
    }

    /// Whether a plan fee stops is judged before the payments of a closing date, or after: the rule book is silent.
    fn plan_fee_today(&self, today: NaiveDate) -> bool {
        let Agreed { kind, close_day, .. } = self.history.agreed;
        kind == Kind::Sub && CycleSchedule::monthly(close_day).close_of(today) == today
    }

    fn pay_some(&mut self, today: NaiveDate) -> anyhow::Result<()> {
        let often = match self.habit {
            Habit::InFull | Habit::Minimum => 60,
            Habit::Erratic => 45,
            Habit::Slow => 16,
        };
        if !self.dice.chance(often) {
            return Ok(());
        }
        let position = self.position(today)?;
        let mut amount = self.amount(&position);
        if self.fees_are_facts() {
            amount = amount.min(position.current_balance);
        }
        if !amount.is_positive() || self.plan_fee_today(today) {
            return Ok(());
        }
        self.payments += 1;
        let payment = self.payments;
        let late = self.dice.chance(150) && self.news == News::Late && !self.fees_are_facts();
        let late = if late { self.dice.below(45) } else { 0 };
        let learned_on = after(today, late);
        let what = What::Payment { payment, amount };
        if late == 0 {
            self.learn(today, today, what)?;
        } else {
            self.comes(learned_on, today, what);
        }
        if self.news == News::InTime {
            return Ok(());
        }
        if self.dice.chance(160) {
            let back = after(learned_on, 1 + self.dice.below(60));
            self.comes(back, back, What::PaymentReturned { payment });
        } else if self.dice.chance(25) {
            let back = after(learned_on, 1 + self.dice.below(30));
            self.comes(back, back, What::PaymentReversed { payment });
        }
        Ok(())
    }

    fn amount(&mut self, position: &Position) -> Cents {
        let owed = position.total_owed;
        let statement = position.last_statement.as_ref();
        let statement = statement.map_or(Cents::ZERO, |last| last.new_balance);
        let any = Cents::new(self.dice.between(100, owed.get().max(100)));
        let kinds = [
            position.minimum_due,
            statement,
            owed,
            any,
            Cents::new(1),
            owed + Cents::new(self.dice.between(1, 20_000)),
        ];
        let weights: [u64; 6] = match self.habit {
            Habit::InFull => [1, 4, 5, 1, 0, 1],
            Habit::Minimum => [8, 1, 1, 2, 1, 0],
            Habit::Erratic => [2, 2, 2, 6, 1, 2],
            Habit::Slow => [3, 0, 1, 5, 1, 0],
        };
        let mut at = self.dice.below(weights.iter().sum());
        for (kind, weight) in kinds.into_iter().zip(weights) {
            if at < weight {
                return kind;
            }
            at -= weight;
        }
        any
    }

    fn terms(&mut self, today: NaiveDate) -> anyhow::Result<()> {
        let kind = self.history.agreed.kind;
        let late = self.dice.chance(250) && self.news == News::Late;
        let late = if late { self.dice.below(40) } else { 0 };
        let effective_on = today.checked_sub_days(Days::new(late)).unwrap_or(today);
        let effective_on = effective_on.max(self.history.agreed.opened_on);
        let what = match self.dice.below(3) {
            0 if kind != Kind::Sub => {
                let apr = u32::try_from(self.dice.between(999, 3_499) * 100).unwrap_or_default();
                // For new draws only there would be two balances side by side, of which the rule book can be read as being
                // rounded together or each by itself (docs/simulator.md).
                What::Rate { apr: Apr::from_ppm(apr), applies_to: AppliesTo::AllBalances }
            }
            1 => {
                // What was never charged cannot be waived: the rule book does not say what such a waiver would be.
                let charged = self.position(today)?.penalty_fees;
                if charged.is_zero() {
                    return Ok(());
                }
                return self.learn(today, today, What::LateFeeWaived { amount: charged });
            }
            _ => {
                let most = if kind == Kind::Sub { 10 } else { 100 };
                What::Limit { credit_limit: Cents::new(self.dice.between(4, most) * 5_000) }
            }
        };
        self.learn(today, effective_on, what)
    }

    fn flag(&mut self, today: NaiveDate) -> anyhow::Result<()> {
        // On the morning on which a late fee is decided: before the marks of the day, or after them? The rule book is silent.
        let yesterday = today.pred_opt().unwrap_or(today).max(self.history.agreed.opened_on);
        if self.position(yesterday)?.settles_next_on <= today {
            return Ok(());
        }
        let standing = self.dice.pick(&self.standing);
        let what = match standing {
            Some(flag) if self.dice.chance(700) => {
                self.standing.retain(|one| *one != flag);
                What::FlagCleared { flag }
            }
            _ => {
                let Some(flag) = self.dice.pick(&FLAGS) else { return Ok(()) };
                if self.standing.contains(&flag) {
                    return Ok(());
                }
                self.standing.push(flag);
                What::FlagRaised { flag }
            }
        };
        self.learn(today, today, what)
    }
}
