//! Grace on random lines, against a second reckoning: draw by draw, what each bears, found anew at each close from all statements and
//! payments so far. Single cases by hand are in `grace.rs`.
//!
//! Payments repay the oldest draws first. A cycle is priced as its statements are known to have been paid; one that can still be
//! paid is taken to be.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::fmt::Write as _;

use chrono::{Datelike, Days, NaiveDate};
use credit::{ProductCatalog, scenario};
use proptest::prelude::*;

const OPENED: (i32, u32, u32) = (2026, 8, 21);
const DAYS: u64 = 217;
const CLOSE_DAY: u32 = 20;
const RATE: (i128, i128) = (24, 36_500);

#[derive(Clone, Copy, Debug)]
enum Due {
    FirstOfAMonth,
    After(u64),
}

#[derive(Clone, Debug)]
struct Case {
    due: Due,
    regained: u32,
    card: bool,
    /// By day since opening: draws are positive, payments negative, in cents.
    facts: Vec<(u64, i64)>,
}

fn day(offset: u64) -> NaiveDate {
    let (year, month, day) = OPENED;
    NaiveDate::from_ymd_opt(year, month, day).unwrap() + Days::new(offset)
}

struct Draw {
    on: NaiveDate,
    amount: i64,
    repaid: Vec<(NaiveDate, i64)>,
}

impl Draw {
    fn left(&self, on: NaiveDate) -> i64 {
        self.amount
            - self.repaid.iter().filter(|(day, _)| *day <= on).map(|(_, part)| part).sum::<i64>()
    }
}

struct Owed {
    from: NaiveDate,
    due_on: NaiveDate,
    balance: i64,
}

struct Lots {
    case: Case,
    draws: Vec<Draw>,
    billed: i64,
    payments: Vec<(NaiveDate, i64)>,
    /// The one before a cycle has the cycle's place.
    statements: Vec<Owed>,
    cycles: Vec<(NaiveDate, NaiveDate)>,
    /// Cycles that a statement still to be paid can change, with what was charged for them.
    open: Vec<(usize, i128)>,
    interest: Vec<i64>,
}

impl Lots {
    fn paid(&self, statement: usize) -> bool {
        let owed = &self.statements[statement];
        let counts = |day: NaiveDate| owed.from <= day && day <= owed.due_on;
        let paid = self.payments.iter().filter(|(day, _)| counts(*day));
        paid.map(|(_, amount)| amount).sum::<i64>() >= owed.balance
    }

    fn decided(&self, statement: usize, today: NaiveDate) -> bool {
        self.statements[statement].due_on < today
    }

    fn taken_as_paid(&self, statement: usize, today: NaiveDate) -> bool {
        !self.decided(statement, today) || self.paid(statement)
    }

    /// Whether the cycle after a statement began with grace, and how many were paid in a row since it was lost.
    fn standing(&self, statement: usize, today: NaiveDate) -> (bool, u32) {
        let (mut held, mut streak) = (true, 0);
        for earlier in 0..statement {
            let paid = self.taken_as_paid(earlier, today);
            streak = if held || !paid { 0 } else { streak + 1 };
            held = paid && (held || streak >= self.case.regained);
        }
        (held, streak)
    }

    /// The due date of a statement for which grace was lost in a cycle or after it.
    fn lost(&self, cycle: usize, today: NaiveDate) -> Option<NaiveDate> {
        (0..=cycle)
            .filter(|one| self.standing(*one, today).0)
            .filter(|one| self.decided(*one, today) && !self.paid(*one))
            .map(|one| self.statements[one].due_on)
            .filter(|due_on| *due_on >= self.cycles[cycle].0)
            .max()
    }

    /// In cents over `RATE`.
    fn cost(&self, cycle: usize, today: NaiveDate) -> i128 {
        let (starts_on, closes_on) = self.cycles[cycle];
        let (held, streak) = self.standing(cycle, today);
        let paid = self.taken_as_paid(cycle, today);
        if held && paid {
            return 0;
        }
        let (lost, regained) = (self.lost(cycle, today), paid && streak + 1 >= self.case.regained);
        let mut sum = 0;
        for on in starts_on.iter_days().take_while(|on| *on <= closes_on) {
            for draw in self.draws.iter().filter(|draw| draw.on <= on) {
                let new = draw.on >= starts_on;
                let left = match lost {
                    Some(due_on) if !new => draw.left(due_on.max(on)),
                    _ => draw.left(on),
                };
                sum += if new && regained { 0 } else { i128::from(left) };
            }
        }
        sum * RATE.0
    }

    fn owed(&self, on: NaiveDate) -> i64 {
        self.billed + self.draws.iter().map(|draw| draw.left(on)).sum::<i64>()
    }

    fn pay(&mut self, on: NaiveDate, amount: i64) -> i64 {
        let amount = amount.min(self.owed(on));
        self.payments.push((on, amount));
        let mut left = amount - amount.min(self.billed);
        self.billed -= amount - left;
        for draw in &mut self.draws {
            let part = left.min(draw.left(on));
            draw.repaid.push((on, part));
            left -= part;
        }
        amount
    }

    fn close(&mut self, starts_on: NaiveDate, on: NaiveDate) {
        let cycle = self.cycles.len();
        self.cycles.push((starts_on, on));
        let tomorrow = on + Days::new(1);
        let charged = self.cost(cycle, tomorrow);
        let mut sum = charged;
        for (earlier, charged) in std::mem::take(&mut self.open) {
            if !(0..=earlier).all(|one| self.decided(one, tomorrow)) {
                self.open.push((earlier, charged));
            } else if !(self.case.card && self.lost(earlier, tomorrow).is_some()) {
                sum += (self.cost(earlier, tomorrow) - charged).max(0);
            }
        }
        if !(0..=cycle).all(|one| self.decided(one, tomorrow)) {
            self.open.push((cycle, charged));
        }
        let cents = i64::try_from((2 * sum + RATE.1) / (2 * RATE.1)).unwrap();
        self.interest.push(cents);
        self.billed += cents;
        let due_on = match self.case.due {
            Due::After(days) => on + Days::new(days),
            Due::FirstOfAMonth => {
                (on + Days::new(21)).iter_days().find(|day| day.day() == 1).unwrap()
            }
        };
        let balance = self.owed(on);
        self.statements.push(Owed { from: tomorrow, due_on, balance });
    }
}

/// The interest of each cycle, and the events as they were lived: nobody pays more than is owed.
fn by_lots(case: &Case) -> (Vec<i64>, String) {
    let first = Owed { from: day(0), due_on: day(0), balance: 0 };
    let mut lots = Lots {
        case: case.clone(),
        draws: Vec::new(),
        billed: 0,
        payments: Vec::new(),
        statements: vec![first],
        cycles: Vec::new(),
        open: Vec::new(),
        interest: Vec::new(),
    };
    let (mut starts_on, mut events) = (day(0), String::new());
    for offset in 0..DAYS {
        let today = day(offset);
        for (_, amount) in case.facts.iter().filter(|(at, _)| *at == offset) {
            let (kind, cents) = if *amount > 0 {
                lots.draws.push(Draw { on: today, amount: *amount, repaid: Vec::new() });
                ("draw", *amount)
            } else {
                ("payment", lots.pay(today, -amount))
            };
            if cents > 0 {
                write!(
                    events,
                    "\n[[line.events]]\nkind = \"{kind}\"\non = {today}\namount = \"{}.{:02}\"\n",
                    cents / 100,
                    cents % 100
                )
                .unwrap();
            }
        }
        if today.day() == CLOSE_DAY {
            lots.close(starts_on, today);
            starts_on = today + Days::new(1);
        }
    }
    (lots.interest, events)
}

fn by_engine(case: &Case, events: &str) -> Vec<i64> {
    let due = match case.due {
        Due::After(days) => format!("due_days_after_close = {days}"),
        Due::FirstOfAMonth => "due_day = 1".to_owned(),
    };
    let regime = if case.card { "card" } else { "line" };
    let regained = case.regained;
    let text = format!(
        "as_of = {}\n[[product]]\nname = \"T\"\nregime = \"{regime}\"\n[product.dates]\n{due}\nstatement_window_days = 21\ndue_moves_to_banking_day = false\n[product.grace]\nkind = \"paid_in_full\"\nregained_after_cycles = {regained}\n[product.minimum]\narms = [{{ amount = \"0.00\" }}]\n[product.waterfall]\nsteps = [\"billed_interest\", \"principal\"]\n[line]\nproduct = \"T\"\napr = \"24%\"\ncredit_limit = \"99999.00\"\nopened_on = {}\nclose_day = {CLOSE_DAY}\n{events}",
        day(DAYS),
        day(0)
    );
    let scenario = scenario::parse(&text, &ProductCatalog::embedded().unwrap()).unwrap();
    let lines = scenario::run(&scenario).unwrap().lines;
    lines[0].statements.iter().map(|one| one.interest_total.get()).collect()
}

fn cases() -> impl Strategy<Value = Case> {
    let due = prop_oneof![
        2 => Just(Due::FirstOfAMonth),
        3 => prop::sample::select(vec![25_u64, 30, 31, 32, 40, 45, 70]).prop_map(Due::After),
    ];
    let draws = prop::collection::btree_map(0..190_u64, 1_i64..120_000, 1..6);
    let some = prop_oneof![3 => 1_i64..100_000, 1 => Just(99_999_999_i64)];
    let payments = prop::collection::btree_map(0..205_u64, some.prop_map(|amount| -amount), 0..8);
    (due, 1..3_u32, any::<bool>(), draws, payments).prop_map(
        |(due, regained, card, draws, payments)| {
            let mut facts: Vec<_> = draws.into_iter().chain(payments).collect();
            facts.sort_by_key(|(at, amount)| (*at, -amount.signum()));
            Case { due, regained, card, facts }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn each_draw_bears_what_the_statements_leave_of_grace(case in cases()) {
        let (interest, events) = by_lots(&case);
        prop_assert_eq!(by_engine(&case, &events), interest);
    }
}
