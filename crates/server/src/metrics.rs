//! What is counted, for Prometheus. No customer content, no ids.

use std::{sync::Arc, time::Duration};

use assistant::Watch;
use prometheus_client::{
    encoding::text::encode,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};
use servicing::release::ReturnRates;

/// The server's counters. Cheap to clone: all clones count together.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    requests: Counter,
    failures: Counter,
    turns: Counter,
    confirmations: Counter,
    turn_seconds: Histogram,
    return_ppm: Family<[(&'static str, &'static str); 1], Gauge>,
    return_alarms: Family<[(&'static str, &'static str); 1], Gauge>,
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
        let (return_ppm, return_alarms) = (Family::default(), Family::default());
        let help = "Debits of the last days that came back, in parts per million, by class";
        registry.register("return_ppm", help, return_ppm.clone());
        let help = "Whether more debits of a class came back than may";
        registry.register("return_alarm", help, return_alarms.clone());
        let registry = Arc::new(registry);
        Self {
            registry,
            requests,
            failures,
            turns,
            confirmations,
            turn_seconds,
            return_ppm,
            return_alarms,
        }
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

    pub(crate) fn returns(&self, rates: &ReturnRates) {
        for (class, rate) in rates.named() {
            self.return_ppm.get_or_create(&[("class", class)]).set(rate.ppm);
            self.return_alarms.get_or_create(&[("class", class)]).set(i64::from(rate.alarm));
        }
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        match encode(&mut text, &self.registry) {
            Ok(()) => text,
            Err(_) => String::new(),
        }
    }
}
