//! A few cases played for real: world, assistant, stand-in model, record and ledger.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};

use evals::{
    Bench, Case, CaseStep, Expectations, Setup, Suite,
    gate::{self, CaseOutcome, Outcome},
};
use llm::Chat;
use prompts::Lock;
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
    bench_at(root(), chat).await
}

async fn bench_at(root: PathBuf, chat: Chat) -> Bench {
    let originator = AchOriginator {
        name: "PLUMBLINE".to_owned(),
        company_id: "1234567890".to_owned(),
        routing: "011000015".parse().unwrap(),
        bank: "021000021".parse().unwrap(),
        bank_name: "SANDBOX BANK".to_owned(),
    };
    let setup = Setup {
        root,
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

/// A folder with what is promoted as its working tree, its worked examples changed.
fn promoted_with(change: impl Fn(&str) -> String) -> tempfile::TempDir {
    let (from, folder) = (root(), tempfile::tempdir().unwrap());
    let to = folder.path();
    for shared in ["policies", "worlds"] {
        std::os::unix::fs::symlink(from.join(shared), to.join(shared)).unwrap();
    }
    copy(&from.join("prompts"), &to.join("prompts"));
    let promoted = Lock::load(&from).unwrap().find(assistant::PROMPT).unwrap().digest.to_string();
    let bundle = from.join("prompts/promoted").join(promoted);
    copy(&bundle.join("tools"), &to.join("tools"));
    let read = |path: &str| std::fs::read_to_string(bundle.join(path)).unwrap();
    let write = |path: &str, text: String| std::fs::write(to.join(path), text).unwrap();
    write("prompts/consumer/answer.prompt.md", read("prompt.md"));
    write("prompts/consumer/examples.md", change(&read("includes/consumer/examples.md")));
    folder
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, &to).unwrap();
        }
    }
}

/// The examples without those that call this tool.
fn without(examples: &str, tool: &str) -> String {
    let parts = examples.split_inclusive("</example>\n");
    parts.filter(|part| !part.contains(&format!("<call tool=\"{tool}\">"))).collect()
}

#[tokio::test]
async fn a_change_is_held_against_what_is_promoted_case_by_case() {
    let say = |text: &str| vec![CaseStep::Say(text.to_owned())];
    let expect =
        |tool: &str| Expectations { tools: vec![tool.to_owned()], ..Expectations::default() };
    let cases = || {
        vec![
            case(
                "test/quote",
                "military",
                say("what would it cost to clear the line on March 9"),
                expect("get_payoff_quote"),
            ),
            case(
                "test/balance",
                "revolving",
                say("tell me my current balance"),
                expect("get_balance"),
            ),
        ]
    };
    for (unlearned, broken, outcome) in [
        ("no_such_tool", vec![], Outcome::Pass),
        ("get_payoff_quote", vec!["test/quote"], Outcome::Quality),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let mut servers = JoinSet::new();
        servers.spawn(async move { axum_serve(listener).await });
        let folder = promoted_with(|examples| without(examples, unlearned));
        // A candidate that learned nothing about it must not be saved by the words of the manifest.
        if !broken.is_empty() {
            let manifest = folder.path().join("tools").join(format!("{unlearned}.toml"));
            let text = std::fs::read_to_string(&manifest).unwrap();
            let described = text.lines().map(|line| {
                if line.starts_with("description = ") { "description = \"Unused.\"" } else { line }
            });
            std::fs::write(&manifest, described.collect::<Vec<_>>().join("\n")).unwrap();
        }
        let bench = bench_at(folder.path().to_owned(), chat(url)).await;
        // Two cases are too few for the interval of the real suite.
        let mut suite = suite(cases());
        suite.declaration.margin = 0.9;
        suite.declaration.latency_ratio = 1e3;
        let played = bench.run(&suite, |_| {}).await;
        let baseline = played.baseline.as_ref().unwrap();
        let judged = gate::judge(&suite, &played.candidate, Some(baseline));
        assert_eq!(judged.newly_failing, broken, "{judged:#?}");
        assert_eq!(judged.outcome, outcome, "{judged:#?}");
        assert_eq!(judged.no_effect, broken.is_empty());
        bench.close().await;
    }
}

async fn axum_serve(listener: TcpListener) {
    understudy::serve(listener, None, std::future::pending()).await.unwrap();
}
