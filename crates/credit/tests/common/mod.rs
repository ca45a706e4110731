//! A line with its books, driven day by day as a servicer would.

#![allow(dead_code, reason = "each test file uses its own part")]

use chrono::{DateTime, NaiveDate, Utc};
use credit::{
    AppliesTo, BroughtForward, CreditLine, FeatureAmount, FeeKind, FlagKind, LineEventBody,
    Position, Product, ProductCatalog, Recorded, Statement, Terms,
};
use identity::{CreditLineId, DrawId, PaymentId};
use ledger::TrialBalance;
use money::{Apr, Cents};

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn cents(text: &str) -> Cents {
    Cents::parse_dollars(text).unwrap()
}

/// Noon in Los Angeles, more or less.
pub(crate) fn noon(on: NaiveDate) -> DateTime<Utc> {
    on.and_hms_opt(20, 0, 0).unwrap().and_utc()
}

pub(crate) fn product(name: &str) -> Product {
    ProductCatalog::embedded().unwrap().get(name).unwrap().clone()
}

/// Terms that no product of ours has: a penalty rate and payments that round, plans and due dates beyond the next close, an end of
/// draws.
pub(crate) fn odd_products() -> [Product; 3] {
    let mut strict = product("CASHLINE-STD-1");
    strict.interest.rounded_at = credit::product::RoundedAt::Payments;
    strict.fees.first_year_cap = Some(Apr::from_ppm(10_000));
    strict.penalty_rate = Some(credit::product::PenaltyRate {
        apr: Apr::from_ppm(349_900),
        after_days_past_due: 5,
        notice_days: 9,
        takes_effect: credit::product::PenaltyDay::OnTheDay,
        cured_after_minimums: Some(1),
        ..credit::product::PenaltyRate::default()
    });
    let mut plans = product("CARD-STD-1");
    plans.features.first_mut().unwrap().instalments = Some(credit::product::Instalments {
        months: 7,
        payment_percent: None,
        payment_rounded_up_to: Cents::ZERO,
        monthly_fee: Cents::new(125),
        monthly_fee_percent: Apr::from_ppm(1_000),
        monthly_fee_percents: Vec::new(),
    });
    plans.dates.due_days_after_close = 45;
    let mut repaid = product("CASHLINE-STD-1-FEE3");
    let part = credit::product::MinimumArm {
        one_of: Some(9),
        of: credit::product::MinimumBase::PrincipalAtRepayment,
        plus_interest: true,
        ..credit::product::MinimumArm::default()
    };
    repaid.repayment = Some(credit::product::RepaymentTerms {
        begins_after_months: Some(3),
        cycles: Some(4),
        minimum: Some(credit::product::MinimumTerms {
            arms: vec![part],
            ..credit::product::MinimumTerms::default()
        }),
        ..credit::product::RepaymentTerms::default()
    });
    [strict, plans, repaid]
}

pub(crate) struct Book {
    pub(crate) line: CreditLine,
    pub(crate) books: TrialBalance,
    pub(crate) recorded: Vec<Recorded>,
    pub(crate) opened_on: NaiveDate,
    settled_on: NaiveDate,
}

impl Book {
    pub(crate) fn open(product: &Product, apr_ppm: u32, close_day: u32, opened_on: &str) -> Self {
        let limit = Cents::new(500_000);
        let terms = Terms::open(product, limit, Apr::from_ppm(apr_ppm), close_day);
        Self::with_terms(terms, opened_on)
    }

    pub(crate) fn with_terms(terms: Terms, opened_on: &str) -> Self {
        let opened_on = day(opened_on);
        let id = CreditLineId::mint(noon(opened_on));
        let (line, opened) = CreditLine::open(id, terms, opened_on, noon(opened_on)).unwrap();
        let (books, recorded) = (TrialBalance::default(), vec![opened]);
        Self { line, books, recorded, opened_on, settled_on: opened_on }
    }

    /// A plain line at 24 % that begins the cycle with a principal.
    pub(crate) fn owing(principal: &str, apr_ppm: u32, close_day: u32, from: &str) -> Self {
        let mut book = Self::open(&product("CASHLINE-STD-1"), apr_ppm, close_day, from);
        book.bring_forward(principal, "0.00", from);
        book
    }

    pub(crate) fn bring_forward(&mut self, principal: &str, billed_interest: &str, on: &str) {
        let balances = BroughtForward {
            principal: vec![FeatureAmount { feature: String::new(), amount: cents(principal) }],
            billed_interest: cents(billed_interest),
            ..BroughtForward::default()
        };
        self.record(LineEventBody::BalanceBroughtForward { balances }, on);
    }

    pub(crate) fn record(&mut self, body: LineEventBody, on: &str) {
        self.record_late(body, day(on), day(on));
    }

    /// Records a fact after its effective date, having settled each day before.
    pub(crate) fn record_late(
        &mut self,
        body: LineEventBody,
        effective: NaiveDate,
        known: NaiveDate,
    ) {
        self.live_to(known);
        let recorded = self.line.record(body, effective, noon(known)).unwrap();
        self.keep(recorded);
        self.settle(known);
    }

    pub(crate) fn draw(&mut self, amount: &str, on: &str) -> DrawId {
        let draw = DrawId::mint(noon(day(on)));
        self.draw_with_fee(draw, amount, "0.00", on);
        draw
    }

    pub(crate) fn draw_with_fee(&mut self, draw: DrawId, amount: &str, fee: &str, on: &str) {
        let (amount, fee) = (cents(amount), cents(fee));
        self.record(LineEventBody::Drew { draw, feature: None, amount, fee, by_terms: false }, on);
    }

    pub(crate) fn draw_feature(&mut self, feature: &str, amount: &str, on: &str) {
        let draw = DrawId::mint(noon(day(on)));
        let feature = Some(feature.to_owned());
        let fee = Cents::ZERO;
        self.record(
            LineEventBody::Drew { draw, feature, amount: cents(amount), fee, by_terms: false },
            on,
        );
    }

    pub(crate) fn pay(&mut self, amount: &str, on: &str) -> PaymentId {
        self.pay_late(amount, on, on)
    }

    pub(crate) fn pay_late(&mut self, amount: &str, effective: &str, known: &str) -> PaymentId {
        let payment = PaymentId::mint(noon(day(effective)));
        let body = LineEventBody::PaymentReceived { payment, amount: cents(amount) };
        self.record_late(body, day(effective), day(known));
        payment
    }

    pub(crate) fn returned(&mut self, payment: PaymentId, on: &str) {
        let fee = Cents::ZERO;
        self.record(LineEventBody::PaymentReturned { payment, code: "R01".to_owned(), fee }, on);
    }

    pub(crate) fn flag(&mut self, flag: FlagKind, on: &str) {
        self.record(LineEventBody::FlagRaised { flag, note: String::new() }, on);
    }

    pub(crate) fn change_rate(&mut self, apr_ppm: u32, applies_to: AppliesTo, on: &str) {
        let apr = Apr::from_ppm(apr_ppm);
        self.record(
            LineEventBody::RateChanged { feature: None, apr, applies_to, notice: None },
            on,
        );
    }

    pub(crate) fn fee(&mut self, fee: FeeKind, amount: &str, on: &str) {
        self.record(LineEventBody::FeeAssessed { fee, cycle: None, amount: cents(amount) }, on);
    }

    /// Settles on each morning up to `on` on which there can be something to settle.
    pub(crate) fn live_to(&mut self, on: NaiveDate) {
        while self.settled_on < on {
            let next = self.line.position(self.settled_on).unwrap().settles_next_on.min(on);
            self.settle(next);
            self.settled_on = next;
        }
    }

    fn settle(&mut self, on: NaiveDate) {
        for recorded in self.line.settle(on, noon(on)).unwrap() {
            self.keep(recorded);
        }
    }

    fn keep(&mut self, recorded: Recorded) {
        if let Some(posting) = &recorded.posting {
            self.books.add(posting);
        }
        self.recorded.push(recorded);
    }

    pub(crate) fn on(&mut self, on: &str) -> Position {
        self.live_to(day(on));
        self.line.position(day(on)).unwrap()
    }

    pub(crate) fn statement(&self, number: u32) -> Statement {
        self.statements().into_iter().find(|statement| statement.number == number).unwrap()
    }

    pub(crate) fn statements(&self) -> Vec<Statement> {
        self.line
            .events()
            .iter()
            .filter_map(|event| match &event.body {
                LineEventBody::StatementIssued { statement } => Some((**statement).clone()),
                _ => None,
            })
            .collect()
    }

    /// What was posted after the statements as adjustments, in order.
    pub(crate) fn adjustments(&self) -> Vec<Cents> {
        self.line
            .events()
            .iter()
            .filter_map(|event| match &event.body {
                LineEventBody::Adjusted { amount, .. } => Some(*amount),
                _ => None,
            })
            .collect()
    }
}
