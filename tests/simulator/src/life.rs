//! A random life of one line: a person of some habit, a bank that sends money back, news that comes late, terms that change.
//!
//! Days are lived one after another, and what is thrown on a day does not depend on how many days follow: a life cut short is
//! the beginning of the longer one.

mod leave;
mod mail;
mod staff;

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use credit::{FlagKind, Position, quote_draw};
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
    /// Anything.
    Late,
    /// Payments that come back.
    Returns,
    /// Anything, and parts of draws are said to be billing errors. A mark stays late fees from the first day: what is disputed is
    /// held out of the minimum, and minimums are not compared then.
    Disputed,
}

struct Life {
    news: News,
    dice: Dice,
    habit: Habit,
    living: Living,
    history: History,
    /// What has happened or will, by the day on which we learn of it.
    to_come: BTreeMap<NaiveDate, Vec<(NaiveDate, What)>>,
    payments: u64,
    draws: Vec<staff::Drawn>,
    disputes: u64,
    standing: Vec<FlagKind>,
    closed: bool,
    leaves: leave::Leaves,
    post: mail::Post,
    /// A card of which the oracle knows all.
    plain: bool,
    /// Fees are waived, or fees for payments that came back are charged as facts: which of the penalty fees a waiver meets is not
    /// in the rule book.
    waives: bool,
}

/// Those that stay the late fee, and do nothing else.
const FLAGS: [FlagKind; 3] = [FlagKind::Hardship, FlagKind::Disaster, FlagKind::Dispute];

/// The life of a seed, and what the engine did not take of it.
pub fn live(seed: u64, days: u64) -> anyhow::Result<(History, Option<anyhow::Error>)> {
    let mut dice = Dice::seeded(seed);
    let agreed = agree(&mut dice);
    let habits = [Habit::InFull, Habit::Minimum, Habit::Minimum, Habit::Erratic, Habit::Slow];
    let news = [News::InTime, News::InTime, News::Late, News::Late, News::Returns, News::Disputed];
    let plain = agreed.kind == Kind::Card && dice.chance(500);
    let news = dice.pick(&news).filter(|_| !plain).unwrap_or(News::InTime);
    let mut life = Life {
        news,
        plain,
        habit: dice.pick(&habits).unwrap_or(Habit::Erratic),
        waives: dice.chance(500),
        living: Living::open(&agreed)?,
        history: History { agreed, through: agreed.opened_on, happenings: Vec::new() },
        to_come: BTreeMap::new(),
        payments: 0,
        draws: Vec::new(),
        disputes: 0,
        leaves: leave::Leaves::of(&dice),
        post: mail::Post::of(&dice),
        standing: Vec::new(),
        closed: false,
        dice,
    };
    let lived = life.all(days);
    Ok((life.history, lived.err()))
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
        follows_index: kind == Kind::Std && dice.chance(250),
        kind,
        credit_limit: Cents::new(dice.between(4, most) * 5_000),
        apr: Apr::from_ppm(u32::try_from(apr).unwrap_or_default()),
        close_day: u32::try_from(dice.between(1, 31)).unwrap_or(1),
        opened_on: after(epoch, dice.below(1_461)),
    }
}

impl Life {
    fn all(&mut self, days: u64) -> anyhow::Result<()> {
        let opened_on = self.history.agreed.opened_on;
        self.bring_forward()?;
        if self.news == News::Disputed {
            self.learn(opened_on, opened_on, What::FlagRaised { flag: FlagKind::OurError })?;
        }
        for offset in 0..days {
            let today = after(opened_on, offset);
            self.day(today)?;
            self.history.through = today;
        }
        Ok(())
    }

    /// Whether anything may be learned late.
    fn is_late(&self) -> bool {
        matches!(self.news, News::Late | News::Disputed)
    }

    fn day(&mut self, today: NaiveDate) -> anyhow::Result<()> {
        for (effective_on, what) in self.to_come.remove(&today).unwrap_or_default() {
            self.learn(today, effective_on, what)?;
        }
        let draws = if self.draws.is_empty() { 300 } else { 45 };
        if self.dice.chance(draws) && !self.closed {
            self.draw(today)?;
        }
        self.pay_some(today)?;
        if self.dice.chance(30) {
            self.staff(today)?;
        }
        if self.dice.chance(6) {
            self.flag(today)?;
        }
        self.leave(today)?;
        self.mail(today)?;
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
        let feature = self.feature();
        let amount = Cents::new(amount);
        let Ok(quote) = quote_draw(&position, feature, amount) else { return Ok(()) };
        let draw = self.draws.last().map_or(1, |last| last.draw + 1);
        let (amount, fee) = (quote.amount, quote.fee);
        self.draws.push(staff::Drawn { draw, amount, gone: false });
        let made = What::Draw { draw, amount, fee, feature };
        // A fee that a hold has quoted is worked out anew on the day of the draw: there is none then.
        if fee.is_zero() && self.dice.chance(150) && self.history.agreed.kind != Kind::Fee3 {
            let holds = self.dice.below(5);
            let forever = self.dice.chance(300);
            let expires_on = (!forever).then(|| after(today, holds));
            self.learn(today, today, What::DrawHeld { draw, amount, expires_on })?;
            let made_on = after(today, self.dice.below(5));
            if self.dice.chance(800) && made_on > today {
                self.comes(made_on, made_on, made);
            } else {
                self.left_out(draw);
            }
            return Ok(());
        }
        let late = self.is_late() && self.dice.chance(60);
        let late = if late { self.dice.below(20) } else { 0 };
        self.learn(today, self.before(today, late), made)?;
        if self.dice.chance(60) && self.is_late() {
            self.left_out(draw);
            let later = after(today, self.dice.below(6));
            let times = if self.dice.chance(200) { 2 } else { 1 };
            for more in 0..times {
                let later = after(later, more);
                if later == today {
                    self.learn(today, today, What::DrawRefused { draw })?;
                } else {
                    self.comes(later, later, What::DrawRefused { draw });
                }
            }
        }
        Ok(())
    }

    /// What a card is used for.
    fn feature(&mut self) -> Option<&'static str> {
        let further = [None, None, Some("cash_advances"), Some("balance_transfers")];
        let card = self.history.agreed.kind == Kind::Card;
        self.dice.pick(&further).flatten().filter(|_| card)
    }

    /// So many days earlier, and not before the line was opened.
    fn before(&self, day: NaiveDate, days: u64) -> NaiveDate {
        let earlier = day.checked_sub_days(Days::new(days)).unwrap_or(day);
        earlier.max(self.history.agreed.opened_on)
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
        let amount = self.amount(&position);
        if !amount.is_positive() {
            return Ok(());
        }
        self.payments += 1;
        let payment = self.payments;
        let late = self.dice.chance(150) && self.is_late();
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
            let fee = credit::returned_payment_fee(&position);
            let mut back = after(learned_on, 1 + self.dice.below(60));
            self.comes(back, back, What::PaymentReturned { payment, fee });
            // The bank tells of it twice.
            if self.dice.chance(150) {
                back = after(back, self.dice.below(9));
                self.comes(back, back, What::PaymentReturned { payment, fee });
            }
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

    fn flag(&mut self, today: NaiveDate) -> anyhow::Result<()> {
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
