//! What a turn asks of the database, counted.

use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing::{
    Event, Id, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};
use understudy::scripted::{Script, Step};

use crate::house::{House, key};

/// The statements that were sent, as the driver logs each.
#[derive(Clone, Default)]
struct Statements(Arc<Mutex<Vec<String>>>);

impl Subscriber for Statements {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn event(&self, event: &Event<'_>) {
        let mut summary = Summary::default();
        event.record(&mut summary);
        self.0.lock().unwrap().push(summary.0);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The first words of a statement.
#[derive(Default)]
struct Summary(String);

impl Visit for Summary {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "summary" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

/// Beside it the server asks once who it is. `docs/performance.md` names each.
#[tokio::test]
async fn a_turn_with_one_read_is_eight_statements_and_no_transaction_of_several() {
    let answer = "You owe [[r1.total_owed]] in total.";
    let script = Script::per_turn([Step::call("get_balance", &json!({})), Step::text(answer)]);
    let house = House::with_script(script).await;
    let ada = house.person("Ada").await;
    house.say_with(ada, "What is my balance?", &key("first")).await;

    let statements = Statements::default();
    let listening = tracing::subscriber::set_default(statements.clone());
    // Other tests may have found at the same moment that nobody listens.
    tracing::callsite::rebuild_interest_cache();
    let answer = house.say_with(ada, "What is my balance?", &key("second")).await;
    house.assistant.shut_down().await;
    drop(listening);

    assert!(answer.ended() && answer.text().starts_with("You owe $"), "{:?}", answer.parts);
    let sent = statements.0.lock().unwrap().clone();
    assert_eq!(sent.len(), 8, "{sent:#?}");
    assert!(!sent.iter().any(|statement| statement.starts_with("COMMIT")), "{sent:#?}");
}
