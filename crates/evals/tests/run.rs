//! A few cases played for real: world, assistant, stand-in model, record and ledger.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};

use evals::{
    Bench, Case, CaseStep, Expectations, Setup, Suite,
    gate::{self, CaseOutcome, Outcome},
};
use llm::Chat;
use rails::AchOriginator;
use tokio::{net::TcpListener, task::JoinSet};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn chat(url: String) -> Chat {
    rustls::crypto::ring::default_provider().install_default().ok();
    let config = llm::Config::new(url, "none".to_owned().into(), understudy::MODEL);
    Chat::new(llm::Config { retries: 0, ..config }).unwrap()
}

async fn bench(chat: Chat) -> Bench {
    let originator = AchOriginator {
        name: "PLUMBLINE".to_owned(),
        company_id: "1234567890".to_owned(),
        routing: "011000015".parse().unwrap(),
        bank: "021000021".parse().unwrap(),
        bank_name: "SANDBOX BANK".to_owned(),
    };
    let setup = Setup {
        root: root(),
        prompt: assistant::PROMPT.to_owned(),
        chat,
        embedder: None,
        originator,
        repeats: 1,
    };
    Bench::set_up(setup).await.unwrap()
}

fn suite(cases: Vec<Case>) -> Suite {
    let whole = Suite::load(&root().join("evals/suites/consumer"), &root().join("worlds")).unwrap();
    Suite { cases, ..whole }
}

fn case(id: &str, world: &str, steps: Vec<CaseStep>, expect: Expectations) -> Case {
    Case { id: id.to_owned(), slice: "test".to_owned(), world: world.to_owned(), steps, expect }
}

#[tokio::test]
async fn cases_are_played_and_graded_on_what_is_on_record() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let mut servers = JoinSet::new();
    servers.spawn(async move { axum_serve(listener).await });
    let bench = bench(chat(url)).await;
    let say = |text: &str| CaseStep::Say(text.to_owned());
    let expect: Expectations = serde_json::from_value(serde_json::json!({
        "intent": {"tool": "schedule_payment", "amount_cents": 4500, "on": "2026-11-27"},
        "payments": [{"amount_cents": 4500, "on": "2026-11-27", "status": "scheduled"}],
    }))
    .unwrap();
    let wrong: Expectations =
        serde_json::from_value(serde_json::json!({"cases": ["dispute"]})).unwrap();
    let steps = vec![say("send $45 on Friday from my checking account"), CaseStep::Confirm];
    let suite = suite(vec![
        case("test/pays", "military", steps, expect),
        case("test/fails", "revolving", vec![say("hello")], wrong),
    ]);
    let mut seen = 0;
    let played = bench.run(&suite, |progress| seen = progress.done).await;
    assert_eq!(seen, 2);
    let [pays, fails] = played.candidate.results.as_slice() else { unreachable!() };
    assert_eq!(pays.outcome, CaseOutcome::Pass, "{pays:#?}");
    assert!(pays.tokens > 0, "the model's answers are counted");
    assert!(pays.transcript.iter().any(|line| line.who == "sheet"), "{pays:#?}");
    assert_eq!(fails.outcome, CaseOutcome::Fail, "{fails:#?}");
    bench.close().await;
}

#[tokio::test]
async fn a_model_that_is_away_decides_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    drop(listener);
    let bench = bench(chat(url)).await;
    let steps = vec![CaseStep::Say("what do I owe?".to_owned())];
    let suite = suite(vec![case("test/away", "revolving", steps, Expectations::default())]);
    let played = bench.run(&suite, |_| {}).await;
    let result = played.candidate.results.first().unwrap();
    assert_eq!(result.outcome, CaseOutcome::Infrastructure, "{result:#?}");
    assert_eq!(gate::judge(&suite, &played.candidate, None).outcome, Outcome::Inconclusive);
    bench.close().await;
}

async fn axum_serve(listener: TcpListener) {
    understudy::serve(listener, None, std::future::pending()).await.unwrap();
}
