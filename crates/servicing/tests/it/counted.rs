//! What a thread hands to the database, counted.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tracing::subscriber::DefaultGuard;

/// Counts statements of this thread until it is dropped.
pub(crate) struct Statements {
    counted: Arc<AtomicUsize>,
    _listening: DefaultGuard,
}

impl Statements {
    pub(crate) fn listen() -> Self {
        let counted = Arc::new(AtomicUsize::new(0));
        let listening = tracing::subscriber::set_default(Counter(Arc::clone(&counted)));
        tracing::callsite::rebuild_interest_cache();
        Self { counted, _listening: listening }
    }

    pub(crate) fn count(&self) -> usize {
        self.counted.load(Ordering::Relaxed)
    }
}

struct Counter(Arc<AtomicUsize>);

impl tracing::Subscriber for Counter {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, _: &tracing::Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}
