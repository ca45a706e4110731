//! A small lender: a database, a clock that is moved by hand, the sandbox bank, and customers with lines.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use calendar::{Clock, Hand};
use chrono::NaiveDate;
use identity::{BankAccountId, CustomerId, PaymentId};
use money::Cents;
use rails::{
    BankClient, BankConfig, FileStatus, InstantTransfer, RailError, ReturnFile, SealingKeys,
    TransferStatus,
};
use servicing::{
    AmountAsk, BankAccountAsk, Caller, Lender, PaymentAsk, Refusal, RefusalCode, Servicing,
    ServicingError,
    jobs::JobReport,
    ports::{Bank, BankFuture},
    testing::{self, add_bank_account, add_person, add_representative, at_once, new_customer},
};
use store::{bank_accounts::BankAccountKind, payments::PaymentRow, testing::TestDatabase};
use tokio::{net::TcpListener, task::JoinSet};

pub(crate) use servicing::testing::{Person, ZONE, day, key, noon, product};

/// What goes wrong between us and the bank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Fine,
    /// The request never arrives, and we do not learn that.
    LosesRequests,
    /// The bank does it; its answer is lost.
    LosesAnswers,
    Refuses,
    /// The bank refuses a file in which this text stands, and repeats it.
    RefusesFilesWith(&'static str),
    /// The bank does it, and says that it will not.
    TakesAndRefuses,
    /// The bank cannot say what became of a file; the rest it can.
    LosesFinds,
    /// What came back arrives as something nobody can read.
    GarblesReturns,
    /// The process dies at the n-th request, before it leaves or after it was answered: it never goes on.
    DiesBefore(usize),
    DiesAfter(usize),
}

/// What becomes of a file of returns on its way here.
pub(crate) type Altering = fn(&str) -> String;

/// The bank's client, with a wire that can be cut.
pub(crate) struct CutWire {
    client: BankClient,
    wire: Mutex<Wire>,
    requests: Mutex<usize>,
    pub(crate) died: tokio::sync::Notify,
    submitted: Mutex<Vec<String>>,
    /// What is made of each file of returns on its way here.
    altered: Mutex<Option<Altering>>,
    /// Files that are still on the wire, and arrive when they are let through.
    underway: Mutex<Vec<(String, String)>>,
}

impl CutWire {
    fn wire(&self) -> Wire {
        *self.wire.lock().unwrap()
    }
}

impl CutWire {
    /// Counts a request, and says whether the process dies before or after it.
    fn fate(&self) -> (bool, bool) {
        let mut requests = self.requests.lock().unwrap();
        *requests += 1;
        let wire = self.wire();
        (wire == Wire::DiesBefore(*requests), wire == Wire::DiesAfter(*requests))
    }

    /// Says so, and never goes on: whoever waits for this is dropped.
    async fn die(&self) {
        self.died.notify_one();
        std::future::pending::<()>().await;
    }
}

fn lost() -> RailError {
    RailError::Unknown { reason: "the wire was cut".to_owned() }
}

impl Bank for CutWire {
    fn submit<'a>(&'a self, file_id: &'a str, contents: &'a str) -> BankFuture<'a, ()> {
        Box::pin(async move {
            let (before, after) = self.fate();
            if before {
                self.die().await;
            }
            match self.wire() {
                Wire::LosesRequests => {
                    let file = (file_id.to_owned(), contents.to_owned());
                    self.underway.lock().unwrap().push(file);
                    return Err(lost());
                }
                Wire::Refuses => {
                    return Err(RailError::Refused { reason: "not today".to_owned() });
                }
                Wire::RefusesFilesWith(text) if contents.contains(text) => {
                    return Err(RailError::Refused { reason: format!("account {text} is none") });
                }
                _ => {}
            }
            self.client.submit(file_id, contents).await?;
            self.submitted.lock().unwrap().push(file_id.to_owned());
            if after {
                self.die().await;
            }
            if self.wire() == Wire::LosesAnswers { Err(lost()) } else { Ok(()) }
        })
    }

    fn find_file<'a>(&'a self, file_id: &'a str) -> BankFuture<'a, Option<FileStatus>> {
        Box::pin(async move {
            if matches!(self.wire(), Wire::LosesRequests | Wire::LosesAnswers | Wire::LosesFinds) {
                return Err(lost());
            }
            let (before, after) = self.fate();
            if before {
                self.die().await;
            }
            let found = self.client.find_file(file_id).await;
            if after {
                self.die().await;
            }
            found
        })
    }

    fn returns_after(&self, sequence: u64) -> BankFuture<'_, Vec<ReturnFile>> {
        Box::pin(async move {
            if matches!(self.wire(), Wire::LosesRequests | Wire::LosesAnswers) {
                return Err(lost());
            }
            let (before, after) = self.fate();
            if before {
                self.die().await;
            }
            let mut returns = self.client.returns_after(sequence).await;
            if self.wire() == Wire::GarblesReturns {
                for file in returns.iter_mut().flatten() {
                    "not what Nacha wrote".clone_into(&mut file.contents);
                }
            }
            let altered = *self.altered.lock().unwrap();
            for file in returns.iter_mut().flatten() {
                file.contents =
                    altered.map_or_else(|| file.contents.clone(), |f| f(&file.contents));
            }
            if after {
                self.die().await;
            }
            returns
        })
    }

    fn push<'a>(
        &'a self,
        transfer_id: &'a str,
        transfer: &'a InstantTransfer,
    ) -> BankFuture<'a, TransferStatus> {
        Box::pin(async {
            let answer = self.instantly(self.client.push(transfer_id, transfer)).await;
            if self.wire() == Wire::TakesAndRefuses {
                return Err(RailError::Refused { reason: "there is one already".to_owned() });
            }
            answer
        })
    }

    fn find_transfer<'a>(&'a self, transfer_id: &'a str) -> BankFuture<'a, Option<TransferStatus>> {
        Box::pin(self.instantly(self.client.find_transfer(transfer_id)))
    }

    fn void_transfer<'a>(&'a self, transfer_id: &'a str) -> BankFuture<'a, TransferStatus> {
        Box::pin(self.instantly(self.client.void_transfer(transfer_id)))
    }
}

impl CutWire {
    /// What an instant request comes to: on its way there, and on its way back.
    async fn instantly<T>(
        &self,
        request: impl Future<Output = Result<T, RailError>>,
    ) -> Result<T, RailError> {
        let (before, after) = self.fate();
        if before {
            self.die().await;
        }
        if self.wire() == Wire::LosesRequests {
            return Err(lost());
        }
        let answer = request.await;
        if after {
            self.die().await;
        }
        if self.wire() == Wire::LosesAnswers { Err(lost()) } else { answer }
    }
}

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
        let bank = Arc::new(CutWire {
            client: BankClient::new(&config).unwrap(),
            wire: Mutex::new(Wire::Fine),
            requests: Mutex::new(0),
            died: tokio::sync::Notify::new(),
            submitted: Mutex::new(Vec::new()),
            altered: Mutex::new(None),
            underway: Mutex::new(Vec::new()),
        });
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

    pub(crate) fn cut(&self, wire: Wire) {
        *self.bank.wire.lock().unwrap() = wire;
    }

    /// From now on the bank's files of returns arrive as this makes them.
    pub(crate) fn returns_arrive_as(&self, altered: Altering) {
        *self.bank.altered.lock().unwrap() = Some(altered);
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
