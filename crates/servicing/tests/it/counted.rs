//! What a thread hands to the database, counted.

use std::{
    fmt,
    sync::{Arc, Mutex},
};

use tracing::{
    field::{Field, Visit},
    subscriber::DefaultGuard,
};

/// Hears the statements of this thread until it is dropped.
pub(crate) struct Statements {
    /// The first words of each, in order.
    heard: Arc<Mutex<Vec<String>>>,
    _listening: DefaultGuard,
}

impl Statements {
    pub(crate) fn listen() -> Self {
        let heard = Arc::default();
        let listening = tracing::subscriber::set_default(Counter(Arc::clone(&heard)));
        tracing::callsite::rebuild_interest_cache();
        Self { heard, _listening: listening }
    }

    pub(crate) fn count(&self) -> usize {
        self.heard.lock().unwrap().len()
    }

    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

struct Counter(Arc<Mutex<Vec<String>>>);

/// What a statement begins with.
#[derive(Default)]
struct Beginning(String);

impl Visit for Beginning {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "summary" {
            value.clone_into(&mut self.0);
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}

impl tracing::Subscriber for Counter {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut beginning = Beginning::default();
        event.record(&mut beginning);
        self.0.lock().unwrap().push(beginning.0);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}
