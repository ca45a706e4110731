//! The kill test: the shipped program runs behind proxies on its database, bank and model sockets and is killed at every
//! commit and every request of "pay $50", before it was forwarded and after it was answered. What is left on record
//! must be what a run that nobody killed leaves (docs/proof.md).
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test may panic, and says what it did"
)]

mod gate;
mod http;
mod postgres;
mod process;
mod record;
mod run;
mod sheet;
mod stage;

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use gate::{Cut, Event, Side, Socket};
use run::{Left, Run};
use stage::{PATIENCE, Stage};
use tokio::{
    task::{JoinError, JoinSet},
    time::{Instant, timeout},
};

/// Runs at a time, beyond one for each processor: a run waits now and then for the second in which the log is sequenced.
const AT_ONCE_MORE: usize = 1;

/// Commits of the sequencer that every run has at least, if each step waits for one: after the conversation began, the
/// turn, the confirmation, the day of the payment.
const SEQUENCED: usize = 4;

/// Names cuts to try again instead of all: `postgres:4:after,bank:9:before`.
const ONLY: &str = "PLUMBLINE_TEST_CUTS";

/// Every event of the undisturbed run, from both sides.
fn all_cuts(passed: &[Event]) -> Vec<Cut> {
    let mut cuts = Vec::new();
    for socket in Socket::ALL {
        let count = match socket {
            Socket::Sequencer => SEQUENCED,
            _ => passed.iter().filter(|event| event.socket == socket).count(),
        };
        let sides = |k| [Side::Before, Side::After].map(|side| Cut { socket, k, side });
        cuts.extend((1..=count).flat_map(sides));
    }
    cuts
}

fn chosen_cuts(passed: &[Event]) -> Vec<Cut> {
    match std::env::var_os(ONLY) {
        None => all_cuts(passed),
        Some(names) => {
            let names = names.into_string().unwrap();
            names.split(',').map(|name| name.trim().parse().unwrap()).collect()
        }
    }
}

/// What the undisturbed run must have done, so that there is something to compare with.
fn check_paid(left: &Left) {
    let rows = &left.rows;
    let one = |table: &str| {
        let found = rows.of(table);
        assert_eq!(found.len(), 1, "{table}: {found:?}");
        found[0].clone()
    };
    let payment = one("payments");
    assert_eq!((&payment["amount_cents"], &payment["status"]), (&5000.into(), &"settled".into()));
    assert_eq!(one("intents")["status"], "confirmed");
    assert_eq!(one("turns")["status"], "done");
    one("grants");
    one("receipts");
    one("rail_files");
    let received = rows.of("line_events").iter().filter(|row| row["kind"] == "payment_received");
    assert_eq!(received.count(), 1);
    let debits = left.bank.as_array().unwrap();
    assert_eq!(debits.len(), 1, "{debits:?}");
    assert_eq!((&debits[0]["cents"], &debits[0]["state"]), (&5000.into(), &"settled".into()));
}

/// Runs with one cut; what is wrong with what it left.
async fn cut_run(stage: Arc<Stage>, reference: Arc<Left>, cut: Option<Cut>) -> Result<(), String> {
    let run = async { Run::begin(&stage, cut).await.pay().await };
    let left = timeout(PATIENCE, run).await.map_err(|_| "it hangs".to_owned())?;
    if cut.is_some() && !left.fired {
        return Err(format!("never came to it: {:#?}", left.passed));
    }
    let difference = reference.record.difference(&left.record);
    if difference.is_empty() { Ok(()) } else { Err(difference.join("\n")) }
}

fn tell(passed: &[Event], cuts: usize) {
    for socket in Socket::ALL {
        let events: Vec<&str> =
            passed.iter().filter(|event| event.socket == socket).map(|e| e.what.as_str()).collect();
        eprintln!("{:>10}: {} events: {}", socket.name(), events.len(), events.join(", "));
    }
    eprintln!("{cuts} runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_anywhere_leaves_what_an_undisturbed_one_leaves() {
    let begun = Instant::now();
    let stage = Arc::new(Stage::set().await);
    eprintln!("set in {:?}", begun.elapsed());
    let reference = Arc::new(Run::begin(&stage, None).await.pay().await);
    check_paid(&reference);
    eprintln!("paid in {:?}", begun.elapsed());
    let cuts = chosen_cuts(&reference.passed);
    tell(&reference.passed, cuts.len());

    // One more run that nobody kills: without it, a difference could be one that any two runs have.
    let waiting = [None].into_iter().chain(cuts.into_iter().map(Some)).collect();
    let (done, failures) = run_all(&stage, &reference, waiting).await;
    eprintln!("{done} runs in {:?}", begun.elapsed());
    let all = failures.join("\n\n");
    let wrong = failures.len();
    assert_eq!(wrong, 0, "of {done} runs; {ONLY} names those to try again\n\n{all}");
}

/// How many runs were made, and what is wrong with each that is.
async fn run_all(
    stage: &Arc<Stage>,
    reference: &Arc<Left>,
    mut waiting: VecDeque<Option<Cut>>,
) -> (usize, Vec<String>) {
    let (mut running, mut names) = (JoinSet::new(), HashMap::new());
    let (mut done, mut failures) = (0, Vec::new());
    let at_once = std::thread::available_parallelism().map_or(1, usize::from) + AT_ONCE_MORE;
    loop {
        while running.len() < at_once
            && let Some(cut) = waiting.pop_front()
        {
            let run = cut_run(Arc::clone(stage), Arc::clone(reference), cut);
            let name = cut.map_or_else(|| "nobody killed".to_owned(), |cut| cut.to_string());
            names.insert(running.spawn(run).id(), name);
        }
        let (id, problem) = match running.join_next_with_id().await {
            None => return (done, failures),
            Some(Ok((id, result))) => (id, result.err()),
            Some(Err(error)) => (error.id(), Some(panicked(error))),
        };
        done += 1;
        if let Some(problem) = problem {
            eprintln!("{} differs", names[&id]);
            failures.push(format!("{}: {problem}", names[&id]));
        }
    }
}

fn panicked(error: JoinError) -> String {
    let panic = error.into_panic();
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
}
