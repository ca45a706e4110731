//! A small lender with an assistant: a database, a clock moved by hand, customers with lines, and a model.

use std::{path::Path, sync::Arc, time::Duration};

use assistant::{Assistant, Means, Release, Serving, Source, StreamPart};
use calendar::{Clock, Hand};
use identity::{ConversationId, CustomerId, TurnId};
use knowledge::{Knowledge, index::ExactIndex};
use prompts::TrustedKeys;
use servicing::{
    Caller, Key, Servicing,
    conversations::{ConversationView, Served},
    originate::NewCustomer,
    testing::{self, ZONE, add_representative, day, new_customer, noon},
};
use store::{conversations::Surface, testing::TestDatabase};
use tokio::{net::TcpListener, task::JoinSet};
use understudy::scripted::Script;

pub(crate) struct House {
    pub(crate) servicing: Servicing,
    pub(crate) assistant: Assistant,
    _hand: Hand,
    pub(crate) database: TestDatabase,
    _servers: JoinSet<()>,
}

pub(crate) use servicing::testing::key;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Person {
    pub(crate) id: CustomerId,
    pub(crate) conversation: ConversationId,
}

/// What one message led to.
pub(crate) struct Answer {
    pub(crate) parts: Vec<StreamPart>,
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
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
        let (clock, hand) = Clock::manual(noon(day("2026-11-21")));
        let store = database.store().clone();
        let (bank, lender) = (Arc::new(testing::WillingBank), testing::lender());
        let servicing = Servicing::new(store, clock, ZONE, bank, lender);
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
            idle_timeout: Duration::from_secs(3),
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
        let new = NewCustomer { state: state.to_owned(), ..new_customer(name) };
        let testing::Person { id, line, checking } =
            testing::add_person(&self.servicing, new, "000111224242").await;
        let caller = Caller::customer(id);
        self.servicing
            .draw(caller, id, testing::at_once(100_000, checking), &key(&format!("draw-{line}")))
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
        add_representative(&self.servicing, name).await
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
