//! A small lender with an assistant: a database, a clock moved by hand, customers with lines, and a model.

use std::{path::Path, sync::Arc, time::Duration};

use assistant::{Assistant, Means, Release, Serving, Source, StreamPart};
use calendar::{Clock, Hand, Tz, instant_of};
use chrono::{NaiveDate, NaiveTime};
use credit::{Product, Terms};
use identity::{BankAccountId, ConversationId, CreditLineId, CustomerId, RepresentativeId, TurnId};
use knowledge::{Knowledge, index::ExactIndex};
use money::{Apr, Cents};
use prompts::TrustedKeys;
use rails::{AchOriginator, FileStatus, RailError, ReturnFile};
use servicing::{
    Caller, Key, Servicing,
    conversations::{ConversationView, Served},
    originate::{NewBankAccount, NewCustomer, Opening},
    ports::{Bank, BankFuture},
};
use store::{
    bank_accounts::BankAccountKind, conversations::Surface, customers::Language,
    representatives::StaffRole, testing::TestDatabase,
};
use tokio::{net::TcpListener, task::JoinSet};
use understudy::scripted::Script;

const ZONE: Tz = Tz::America__Los_Angeles;

/// No turn reaches the bank.
struct NoBank;

impl Bank for NoBank {
    fn submit<'a>(&'a self, _: &'a str, _: &'a str) -> BankFuture<'a, ()> {
        Box::pin(async { Err(RailError::Unknown { reason: "a turn reached the bank".into() }) })
    }

    fn find_file<'a>(&'a self, _: &'a str) -> BankFuture<'a, Option<FileStatus>> {
        Box::pin(async { Ok(None) })
    }

    fn returns_after(&self, _: u64) -> BankFuture<'_, Vec<ReturnFile>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

pub(crate) struct House {
    pub(crate) servicing: Servicing,
    pub(crate) assistant: Assistant,
    _hand: Hand,
    pub(crate) database: TestDatabase,
    _servers: JoinSet<()>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    pub(crate) id: CustomerId,
    pub(crate) conversation: ConversationId,
}

/// What one message led to.
pub(crate) struct Answer {
    pub(crate) parts: Vec<StreamPart>,
}

pub(crate) fn key(text: &str) -> Key {
    Key::parse(&format!("test-key-{text}")).unwrap()
}

fn noon(on: &str) -> chrono::DateTime<chrono::Utc> {
    let on: NaiveDate = on.parse().unwrap();
    instant_of(on, NaiveTime::from_hms_opt(12, 0, 0).unwrap(), ZONE)
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn originator() -> AchOriginator {
    AchOriginator {
        name: "PLUMBLINE".to_owned(),
        company_id: "1234567890".to_owned(),
        routing: "011000015".parse().unwrap(),
        bank: "021000021".parse().unwrap(),
        bank_name: "SANDBOX BANK".to_owned(),
    }
}

impl House {
    /// With the stand-in, comparing by wording alone.
    pub(crate) async fn with_understudy() -> Self {
        Self::with_model(understudy::router(None), understudy::MODEL).await
    }

    pub(crate) async fn with_script(script: Script) -> Self {
        Self::with_model(script.router(), understudy::scripted::MODEL).await
    }

    pub(crate) async fn with_model(model: axum::Router, name: &str) -> Self {
        rustls::crypto::ring::default_provider().install_default().ok();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut servers = JoinSet::new();
        servers.spawn(async move {
            axum::serve(listener, model).await.unwrap();
        });
        let database = store::testing::database().await;
        let (clock, hand) = Clock::manual(noon("2026-11-21"));
        let servicing =
            Servicing::new(database.store().clone(), clock, ZONE, Arc::new(NoBank), originator());
        let index = Arc::new(ExactIndex::new());
        let knowledge = Knowledge::load(&root().join("policies"), None, index).await.unwrap();
        let means = Means { servicing: servicing.clone(), knowledge: Arc::new(knowledge) };
        let serving = Serving {
            root: root().to_owned(),
            prompt: "consumer/answer".into(),
            source: Source::WorkingTree,
            sandbox: true,
            trusted: TrustedKeys::default(),
        };
        let release = Release::load(&serving, &means, name).unwrap();
        let config = llm::Config {
            idle_timeout: Duration::from_millis(500),
            backoff: Duration::from_millis(5),
            ..llm::Config::new(format!("http://{address}/v1"), "none".to_owned().into(), name)
        };
        let chat = llm::Chat::new(config).unwrap();
        let assistant = Assistant::new(means, chat, release);
        Self { servicing, assistant, _hand: hand, database, _servers: servers }
    }

    /// A customer with a line of $2,000.00 at 24.00%, a checking account, and a conversation.
    pub(crate) async fn person(&self, name: &str) -> Person {
        self.person_in(name, "CA").await
    }

    /// The same, living in this state.
    pub(crate) async fn person_in(&self, name: &str, state: &str) -> Person {
        let now = self.servicing.now();
        let (id, line) = (CustomerId::mint(now), CreditLineId::mint(now));
        let new = NewCustomer {
            name: name.to_owned(),
            email: format!("{}@example.com", name.to_lowercase()),
            phone: "+1 555 0100".to_owned(),
            state: state.to_owned(),
            language: Language::English,
            archetype: None,
            summary: None,
        };
        let system = Caller::system();
        self.servicing.add_customer(system, id, new).await.unwrap();
        let checking = BankAccountId::mint(now);
        let account = NewBankAccount {
            kind: BankAccountKind::Checking,
            bank_name: "First Harbor Bank".to_owned(),
            routing_number: "021000021".to_owned(),
            account_number: "000111224242".to_owned(),
        };
        self.servicing.add_bank_account(system, id, checking, &account).await.unwrap();
        let product: Product =
            toml::from_str(include_str!("../../../../products/cashline-std-1.toml")).unwrap();
        let terms = Terms::open(&product, Cents::new(200_000), Apr::from_ppm(240_000), 5);
        let opening = Opening { customer_id: id, decision_id: None, terms };
        self.servicing.open_line(system, line, opening, &key(&line.to_string())).await.unwrap();
        let caller = Caller::customer(id);
        self.servicing
            .draw(caller, id, Cents::new(100_000), checking, &key(&format!("draw-{line}")))
            .await
            .unwrap();
        let started =
            self.servicing.start_conversation(caller, id, Surface::Consumer, &key("start")).await;
        let conversation = started.unwrap().id;
        Person { id, conversation }
    }

    pub(crate) async fn say(&self, person: Person, text: &str) -> Answer {
        self.say_with(person, text, &key(&format!("{:x}", rand_of(text)))).await
    }

    pub(crate) async fn say_with(&self, person: Person, text: &str, key: &Key) -> Answer {
        self.say_to(&self.assistant, person, text, key).await
    }

    pub(crate) async fn say_to(
        &self,
        assistant: &Assistant,
        person: Person,
        text: &str,
        key: &Key,
    ) -> Answer {
        let caller = Caller::customer(person.id);
        let mut receiver =
            assistant.respond(caller, person.id, person.conversation, text, key).await.unwrap();
        let mut parts = Vec::new();
        while let Some(part) = receiver.recv().await {
            parts.push(part);
        }
        Answer { parts }
    }

    /// A turn that was begun and that nobody answers.
    pub(crate) async fn begin(&self, person: Person, text: &str) -> TurnId {
        let caller = Caller::customer(person.id);
        let served = Served { configuration: serde_json::Value::Null, attested: false };
        let (of, key) = (person.conversation, key("cut"));
        self.servicing.begin_turn(caller, of, text, served, &key).await.unwrap().turn_id
    }

    pub(crate) async fn representative(&self, name: &str) -> Caller {
        let id = RepresentativeId::mint(self.servicing.now());
        let role = StaffRole::Representative;
        self.servicing.add_representative(Caller::system(), id, name, role).await.unwrap();
        Caller::representative(id)
    }

    /// Changes the database behind everybody's back.
    pub(crate) async fn sabotage(&self, statement: &'static str) {
        sqlx::query(statement).execute(self.database.owner()).await.unwrap();
    }

    /// The kinds of a conversation's leaves, in order.
    pub(crate) async fn leaves(&self, person: Person) -> Vec<String> {
        let stream = audit::Stream::Conversation(person.conversation);
        let mut conn = self.servicing.store().audit().acquire().await.unwrap();
        let leaves = audit::read(&mut conn, stream).await.unwrap();
        leaves.into_iter().map(|leaf| leaf.kind).collect()
    }

    pub(crate) async fn view(&self, person: Person) -> ConversationView {
        let caller = Caller::customer(person.id);
        self.servicing.conversation(caller, person.conversation, 0).await.unwrap()
    }
}

/// A key that is the text's own.
fn rand_of(text: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        self.parts
            .iter()
            .filter_map(|part| match part {
                StreamPart::TextDelta { delta, .. } => Some(delta.as_str()),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn tools(&self) -> Vec<&str> {
        self.parts
            .iter()
            .filter_map(|part| match part {
                StreamPart::ToolInputAvailable { tool_name, .. } => Some(tool_name.as_str()),
                _ => None,
            })
            .collect()
    }

    pub(crate) fn intent(&self) -> Option<&serde_json::Value> {
        self.parts.iter().find_map(|part| match part {
            StreamPart::DataIntent { data, .. } => Some(data),
            _ => None,
        })
    }

    pub(crate) fn case(&self) -> Option<&serde_json::Value> {
        self.parts.iter().find_map(|part| match part {
            StreamPart::DataCase { data } => Some(data),
            _ => None,
        })
    }

    pub(crate) fn notice(&self) -> Option<&serde_json::Value> {
        self.parts.iter().find_map(|part| match part {
            StreamPart::DataNotice { data } => Some(data),
            _ => None,
        })
    }

    pub(crate) fn ended(&self) -> bool {
        self.parts.last() == Some(&StreamPart::Finish)
    }
}
