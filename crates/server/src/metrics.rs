//! What is counted, for Prometheus. No customer content, no ids.

use std::{sync::Arc, time::Duration};

use assistant::Watch;
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, histogram::Histogram},
    registry::{Registry, Unit},
};

/// The server's counters. Cheap to clone: all clones count together.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Counter,
    failures: Counter,
    turns: Counter,
    confirmations: Counter,
    turn_seconds: Histogram,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("plumbline");
        let requests = Counter::default();
        let failures = Counter::default();
        let turns = Counter::default();
        let confirmations = Counter::default();
        let turn_seconds =
            Histogram::new([0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0]);
        registry.register("http_requests", "HTTP requests answered", requests.clone());
        registry.register("http_failures", "HTTP requests that broke", failures.clone());
        registry.register("turns", "Chat turns begun", turns.clone());
        registry.register("intents_confirmed", "Proposals confirmed", confirmations.clone());
        let help = "From a customer's message to the end of its answer";
        registry.register_with_unit("turn_duration", help, Unit::Seconds, turn_seconds.clone());
        let registry = Arc::new(registry);
        Self { registry, requests, failures, turns, confirmations, turn_seconds }
    }
}

impl Watch for Metrics {
    fn turn_began(&self) {
        self.turns.inc();
    }

    fn turn_ended(&self, after: Duration) {
        self.turn_seconds.observe(after.as_secs_f64());
    }
}

impl Metrics {
    pub(crate) fn answered(&self, server_error: bool) {
        self.requests.inc();
        if server_error {
            self.failures.inc();
        }
    }

    pub(crate) fn confirmed(&self) {
        self.confirmations.inc();
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(_) => String::new(),
        }
    }
}
