//! The kill test: the shipped program runs behind proxies on its database, bank and model sockets and is killed at every
//! commit and every request of "pay $50", before it was forwarded and after it was answered, and of a draw. What is left on
//! record must be what a run that nobody killed leaves (docs/proof.md). Commands that work in many transactions are in `batch`.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test may panic, and says what it did"
)]

mod batch;
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

/// Names cuts to try again instead of all: `postgres:4:after,bank:9:before`.
const ONLY: &str = "PLUMBLINE_TEST_CUTS";

/// What the customer does.
#[derive(Clone, Copy, Debug)]
enum Story {
    /// Pays, from the words to the money.
    Pay,
    /// Draws by file.
    Draw,
}

impl Story {
    /// Commits of the sequencer that every run has at least, if each step waits for one: after the conversation began, the turn,
    /// the confirmation, the day of the payment; after the draw, the day of its file.
    const fn sequenced(self) -> usize {
        match self {
            Self::Pay => 4,
            Self::Draw => 2,
        }
    }

    async fn live(self, run: Run<'_>) -> Left {
        match self {
            Self::Pay => run.pay().await,
            Self::Draw => run.draw().await,
        }
    }

    /// Every event of the undisturbed run: of the payment from both sides. What a death after a commit leaves is what one before
    /// the next leaves, unless somebody else was told something in between; so of the draw's own commits one side is tried.
    fn cuts(self, passed: &[Event]) -> Vec<Cut> {
        let mut cuts = Vec::new();
        for socket in Socket::ALL {
            let count = match socket {
                Socket::Sequencer => self.sequenced(),
                _ => passed.iter().filter(|event| event.socket == socket).count(),
            };
            let one_side = matches!((self, socket), (Self::Draw, Socket::Postgres));
            cuts.extend(if one_side { after_each(socket, count) } else { both(socket, count) });
        }
        cuts
    }
}

fn both(socket: Socket, count: usize) -> Vec<Cut> {
    let sides = |k| [Side::Before, Side::After].map(|side| Cut { socket, k, side });
    (1..=count).flat_map(sides).collect()
}

/// After each, and before the first.
fn after_each(socket: Socket, count: usize) -> Vec<Cut> {
    let first = Cut { socket, k: 1, side: Side::Before };
    let rest = (1..=count).map(|k| Cut { socket, k, side: Side::After });
    [first].into_iter().chain(rest).collect()
}

fn chosen_cuts(story: Story, passed: &[Event]) -> Vec<Cut> {
    match std::env::var_os(ONLY) {
        None => story.cuts(passed),
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

/// The same of a draw.
fn check_drawn(left: &Left) {
    let draws = left.rows.of("draws");
    assert_eq!(draws.len(), 1, "{draws:?}");
    assert_eq!((&draws[0]["amount_cents"], &draws[0]["status"]), (&5000.into(), &"settled".into()));
    assert_eq!(left.rows.of("rail_files").len(), 1);
    let posted = left.rows.of("line_events").iter().filter(|row| row["kind"] == "drew");
    assert_eq!(posted.count(), 1, "{:?}", left.rows.of("line_events"));
    let entries = left.bank.as_array().unwrap();
    assert_eq!(entries.len(), 1, "{entries:?}");
    assert_eq!((&entries[0]["cents"], &entries[0]["state"]), (&5000.into(), &"settled".into()));
}

/// Runs with one cut; what is wrong with what it left.
async fn cut_run(
    story: Story,
    stage: Arc<Stage>,
    reference: Arc<Left>,
    cut: Option<Cut>,
) -> Result<(), String> {
    let run = async { story.live(Run::begin(&stage, cut).await).await };
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

async fn killed_anywhere(story: Story, check: fn(&Left)) {
    let begun = Instant::now();
    let stage = Arc::new(Stage::set().await);
    eprintln!("set in {:?}", begun.elapsed());
    let reference = Arc::new(story.live(Run::begin(&stage, None).await).await);
    check(&reference);
    eprintln!("{story:?}: lived in {:?}", begun.elapsed());
    let cuts = chosen_cuts(story, &reference.passed);
    tell(&reference.passed, cuts.len());

    // One more run that nobody kills: without it, a difference could be one that any two runs have.
    let waiting = [None].into_iter().chain(cuts.into_iter().map(Some)).collect();
    let (done, failures) =
        run_all(waiting, |cut| cut_run(story, Arc::clone(&stage), Arc::clone(&reference), cut))
            .await;
    eprintln!("{done} runs in {:?}", begun.elapsed());
    let all = failures.join("\n\n");
    let wrong = failures.len();
    assert_eq!(wrong, 0, "of {done} runs; {ONLY} names those to try again\n\n{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_anywhere_leaves_what_an_undisturbed_one_leaves() {
    killed_anywhere(Story::Pay, check_paid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_anywhere_in_a_draw_pays_it_out_once() {
    killed_anywhere(Story::Draw, check_drawn).await;
}

/// How many runs were made, and what is wrong with each that is.
async fn run_all<F>(
    mut waiting: VecDeque<Option<Cut>>,
    run: impl Fn(Option<Cut>) -> F,
) -> (usize, Vec<String>)
where
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    let (mut running, mut names) = (JoinSet::new(), HashMap::new());
    let (mut done, mut failures) = (0, Vec::new());
    let at_once = std::thread::available_parallelism().map_or(1, usize::from) + AT_ONCE_MORE;
    loop {
        while running.len() < at_once
            && let Some(cut) = waiting.pop_front()
        {
            let name = cut.map_or_else(|| "nobody killed".to_owned(), |cut| cut.to_string());
            names.insert(running.spawn(run(cut)).id(), name);
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
