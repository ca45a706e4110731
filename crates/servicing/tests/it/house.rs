//! A small lender: a database, a clock that is moved by hand, the sandbox bank, and customers with lines.

mod wire;

use std::{sync::Arc, time::Duration};

use calendar::{Clock, Hand};
use chrono::NaiveDate;
use identity::{BankAccountId, CustomerId, PaymentId};
use money::Cents;
use rails::{BankClient, BankConfig, SealingKeys};
use servicing::{
    AmountAsk, BankAccountAsk, Caller, Lender, PaymentAsk, Refusal, RefusalCode, Servicing,
    ServicingError,
    jobs::JobReport,
    testing::{self, add_bank_account, add_person, add_representative, at_once, new_customer},
};
use store::{bank_accounts::BankAccountKind, payments::PaymentRow, testing::TestDatabase};
use tokio::{net::TcpListener, task::JoinSet};

use wire::CutWire;
pub(crate) use wire::{Altering, Says, Wire};

pub(crate) use servicing::testing::{Person, ZONE, day, key, noon, product};

pub(crate) struct House {
    pub(crate) servicing: Servicing,
    /// Of the numbers of bank accounts.
    pub(crate) key: String,
    clock: Clock,
    pub(crate) hand: Hand,
    pub(crate) bank: Arc<CutWire>,
    bank_url: String,
    http: reqwest::Client,
    pub(crate) database: TestDatabase,
    _servers: JoinSet<()>,
}

pub(crate) fn cents(cents: i64) -> Cents {
    Cents::new(cents)
}

/// The refusal in a result that must be one.
pub(crate) fn refusal<T: std::fmt::Debug>(result: Result<T, ServicingError>) -> Refusal {
    match result {
        Err(ServicingError::Refused(refusal)) => refusal,
        other => panic!("not a refusal: {other:?}"),
    }
}

pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, ServicingError>) -> RefusalCode {
    refusal(result).code
}

impl House {
    /// A lender that opens for business at noon of that day.
    pub(crate) async fn on(today: &str) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let database = store::testing::database().await;
        let today = day(today);
        let (clock, hand) = Clock::manual(noon(today));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bank_url = format!("http://{}", listener.local_addr().unwrap());
        let mut servers = JoinSet::new();
        servers.spawn(async move {
            sandbox::bank::serve(listener, today, None, std::future::pending()).await.unwrap();
        });
        let config = BankConfig { base_url: bank_url.clone(), timeout: Duration::from_secs(10) };
        let bank = Arc::new(CutWire::new(BankClient::new(&config).unwrap()));
        let key = SealingKeys::generate("test").unwrap();
        let lender = Lender { seals: key.parse().unwrap(), ..testing::lender() };
        let store = database.store().clone();
        let servicing = Servicing::new(store, clock.clone(), ZONE, bank.clone(), lender);
        let http = reqwest::Client::new();
        Self { servicing, key, clock, hand, bank, bank_url, http, database, _servers: servers }
    }

    /// A lender on Friday, November 20, 2026, and Ann, who owes it $800.00.
    pub(crate) async fn with_ann() -> (Self, Person) {
        Self::with_ann_banking_at("000111224242").await
    }

    /// The same; what the bank does with a debit of hers goes by the account's number.
    pub(crate) async fn with_ann_banking_at(number: &str) -> (Self, Person) {
        let house = Self::on("2026-11-20").await;
        let ann = house.person_with_account("Ann", number).await;
        house.draws(ann, 80_000).await;
        (house, ann)
    }

    /// The same lender with other keys.
    pub(crate) fn with_keys(&self, keys: &str) -> Servicing {
        let store = self.database.store().clone();
        let (clock, bank) = (self.clock.clone(), self.bank.clone());
        let lender = Lender { seals: keys.parse().unwrap(), ..testing::lender() };
        Servicing::new(store, clock, ZONE, bank, lender)
    }

    /// The same lender under another name, at another address.
    pub(crate) fn moved_to(&self, name: &str, address: &str) -> Servicing {
        let store = self.database.store().clone();
        let (clock, bank) = (self.clock.clone(), self.bank.clone());
        let mut lender = Lender { seals: self.key.parse().unwrap(), ..testing::lender() };
        name.clone_into(&mut lender.creditor.name);
        lender.creditor.address = vec![address.to_owned()];
        Servicing::new(store, clock, ZONE, bank, lender)
    }

    pub(crate) fn cut(&self, wire: Wire) {
        *self.bank.wire.lock().unwrap() = wire;
    }

    /// From now on the bank's files of returns arrive as this makes them.
    pub(crate) fn returns_arrive_as(&self, altered: Altering) {
        *self.bank.altered.lock().unwrap() = Some(altered);
    }

    /// From now on the bank says this of a file.
    pub(crate) fn bank_says(&self, key: &str, says: Says) {
        self.bank.says.lock().unwrap().insert(key.to_owned(), says);
    }

    /// From now on the bank says of every file what it has.
    pub(crate) fn bank_says_what_it_has(&self) {
        self.bank.says.lock().unwrap().clear();
    }

    /// The files for which the bank was asked since this was called last.
    pub(crate) fn asked_for(&self) -> Vec<String> {
        std::mem::take(&mut *self.bank.asked.lock().unwrap())
    }

    /// The keys of the bank's files, oldest first.
    pub(crate) async fn file_keys(&self) -> Vec<String> {
        let keys = sqlx::query_scalar("SELECT key FROM rail_files ORDER BY number");
        keys.fetch_all(self.database.owner()).await.unwrap()
    }

    /// Cuts the wire and counts requests from here.
    pub(crate) fn cut_from_now(&self, wire: Wire) {
        *self.bank.requests.lock().unwrap() = 0;
        self.cut(wire);
    }

    pub(crate) fn requests(&self) -> usize {
        *self.bank.requests.lock().unwrap()
    }

    /// What was still on the wire arrives at last.
    pub(crate) async fn let_through(&self) {
        let underway = std::mem::take(&mut *self.bank.underway.lock().unwrap());
        for (file_id, contents) in underway {
            self.bank.client.submit(&file_id, &contents).await.unwrap();
        }
    }

    /// Does something to the database behind everybody's back.
    pub(crate) async fn sabotage(&self, statement: &str) {
        let statement = sqlx::AssertSqlSafe(statement.to_owned());
        sqlx::query(statement).execute(self.database.owner()).await.unwrap();
    }

    /// How often the bank was handed a file.
    pub(crate) fn submitted(&self) -> usize {
        self.bank.submitted.lock().unwrap().len()
    }

    /// A customer with a line of $2,000.00 at 24.00% that closes on the 5th.
    pub(crate) async fn person(&self, name: &str) -> Person {
        self.person_with_account(name, "000111224242").await
    }

    pub(crate) async fn person_with_account(&self, name: &str, number: &str) -> Person {
        add_person(&self.servicing, new_customer(name), number).await
    }

    pub(crate) async fn bank_account(
        &self,
        customer: CustomerId,
        kind: BankAccountKind,
        number: &str,
    ) -> BankAccountId {
        add_bank_account(&self.servicing, customer, kind, number).await
    }

    pub(crate) async fn representative(&self, name: &str) -> Caller {
        add_representative(&self.servicing, name).await
    }

    pub(crate) async fn draws(&self, person: Person, amount: i64) {
        let name = format!("draw-{}-{}", person.id, self.servicing.now().timestamp_micros());
        self.servicing
            .draw(person.caller(), person.id, at_once(amount, person.checking), &key(&name))
            .await
            .unwrap();
    }

    /// Asks for a payment from the one bank account there is.
    pub(crate) async fn pays(
        &self,
        person: Person,
        amount: i64,
        on: &str,
    ) -> Result<(), ServicingError> {
        let ask = PaymentAsk {
            amount: AmountAsk::Exact { cents: cents(amount) },
            on: day(on),
            from: BankAccountAsk::Only,
        };
        let key = key(&PaymentId::mint(self.servicing.now()).to_string());
        self.servicing.schedule_payment(person.caller(), person.id, &ask, &key).await.map(drop)
    }

    /// The payments as the person sees them, newest first.
    pub(crate) async fn payments(&self, person: Person) -> Vec<PaymentRow> {
        let views = self.servicing.list_payments(person.caller(), person.id).await.unwrap();
        views.into_iter().map(|view| view.payment).collect()
    }

    /// Lives through every day up to `to`, at noon, with its jobs; answers what they did together.
    pub(crate) async fn live_until(&self, to: &str) -> JobReport {
        let to = day(to);
        let mut report = JobReport::default();
        let mut today = self.servicing.today();
        while today < to {
            today = today.succ_opt().unwrap();
            self.hand.set(noon(today));
            self.bank_lives(today).await;
            report.add(self.servicing.run_jobs(Caller::system()).await.unwrap());
        }
        report
    }

    pub(crate) async fn bank_lives(&self, today: NaiveDate) {
        let answer = self
            .http
            .post(format!("{}/sandbox/clock", self.bank_url))
            .json(&serde_json::json!({"today": today}))
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success());
    }

    /// One number, with the owner's rights.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(self.database.owner()).await.unwrap()
    }

    /// Each line's control accounts are what replay says they are.
    pub(crate) async fn books_agree(&self, person: Person) {
        let position = self.servicing.position(Caller::system(), person.id).await.unwrap().position;
        let mut conn = self.database.store().app().acquire().await.unwrap();
        let chart = ledger::Chart::embedded().unwrap();
        let balances = store::postings::line_balances(&mut conn, person.line).await.unwrap();
        let of = |name: &str| {
            let code = chart.account(name).unwrap().code;
            balances.iter().find(|one| one.account == code).map_or(Cents::ZERO, |one| one.balance)
        };
        assert_eq!(of("principal"), position.posted.principal);
        assert_eq!(of("billed_interest"), position.posted.billed_interest);
        assert_eq!(of("fees"), position.posted.fees);
        assert_eq!(of("penalty_fees"), position.posted.penalty_fees);
        assert_eq!(of("credit_balances"), -position.posted.credit_balance);
        assert!(store::postings::find_unbalanced(&mut conn).await.unwrap().is_empty());
    }
}
