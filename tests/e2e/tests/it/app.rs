//! The built program in sandbox mode, with a state folder and a small portfolio of its own.

use std::{
    collections::HashMap,
    fs,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{
        Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread::sleep,
    time::Duration,
};

use serde_json::{Value, json};

/// How long a start may take: a cluster is made, and customers live through their histories.
const STARTS_WITHIN: Duration = Duration::from_mins(4);

/// Runs the program until the pipe to it closes, whichever way the tests end, then clears its folder away.
const WATCH: &str = r#"
"$0" serve --sandbox --port 0 >"$PLUMBLINE_STATE/log" 2>&1 </dev/null &
served=$!
cat >/dev/null
kill "$served"
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 "$served" 2>/dev/null || break; sleep 0.5; done
kill -KILL "$served" 2>/dev/null
wait "$served" 2>/dev/null
rm -rf "$PLUMBLINE_STATE"
"#;

/// A server that runs as long as this lives.
pub(crate) struct App {
    base: String,
    pub(crate) state: PathBuf,
    taken: Mutex<HashMap<String, usize>>,
    _shell: Child,
    _pipe: ChildStdin,
}

/// A customer or a member of staff, signed in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) token: String,
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: String,
    pub(crate) cache_control: String,
    pub(crate) text: String,
}

/// What to start with.
#[derive(Default)]
pub(crate) struct Setting<'a> {
    pub(crate) env: &'a [(&'a str, String)],
    /// Worlds besides the project's own: file name, contents.
    pub(crate) worlds: &'a [(&'a str, String)],
    /// Policies besides the project's own: path below `policies`, contents.
    pub(crate) policies: &'a [(&'a str, String)],
}

/// A key no other request has.
pub(crate) fn key() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("e2e-key-{:08}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The server most tests share; each test takes customers of its own.
pub(crate) fn shared() -> &'static App {
    static SHARED: OnceLock<App> = OnceLock::new();
    SHARED.get_or_init(|| App::start(&Setting::default()))
}

/// The address in the log, once the server is ready.
fn wait_for_address(log: &Path) -> String {
    const STEP: Duration = Duration::from_millis(100);
    let mut waited = Duration::ZERO;
    loop {
        let text = fs::read_to_string(log).unwrap_or_default();
        let line = text.lines().find_map(|line| line.trim().strip_prefix("interface"));
        if let Some(address) = line.filter(|_| text.contains("Ctrl-C")) {
            return address.trim().trim_end_matches("/openapi.json").to_owned();
        }
        assert!(!text.contains("error:"), "the server did not start:\n{text}");
        assert!(waited < STARTS_WITHIN, "the server is not ready after {waited:?}:\n{text}");
        sleep(STEP);
        waited += STEP;
    }
}

impl App {
    pub(crate) fn start(setting: &Setting<'_>) -> Self {
        let state = tempfile::Builder::new().prefix("plumbline-e2e-").tempdir().unwrap().keep();
        let root = state.join("project");
        let copies = |name: &str| match name {
            "revolving.toml" => 26,
            "declined.toml" | "past-due.toml" | "returned-payment.toml" => 2,
            "paid-off.toml" => 3,
            _ => 1,
        };
        e2e::small_project(&root, copies, setting.worlds);
        e2e::with_policies(&root, setting.policies);
        e2e::with_embedder(&state);
        let mut shell = Command::new("sh")
            .args(["-c", WATCH])
            .arg(e2e::program())
            .env_remove("DATABASE_URL")
            .env_remove("OPENAI_BASE_URL")
            .env_remove("OPENAI_API_KEY")
            .env("PLUMBLINE_STATE", &state)
            .env("PLUMBLINE_ROOT", &root)
            .envs(setting.env.iter().map(|(name, value)| (*name, value.as_str())))
            // A signal to the tests is not one to what clears up after them.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pipe = shell.stdin.take().unwrap();
        let base = wait_for_address(&state.join("log"));
        Self { base, state, taken: Mutex::default(), _shell: shell, _pipe: pipe }
    }

    /// A request as it is given.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Answer {
        rustls::crypto::ring::default_provider().install_default().ok();
        let method = method.parse::<reqwest::Method>().unwrap();
        let mut request = reqwest::Client::new().request(method, format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        let header = |name: &str| {
            response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
        };
        let (content_type, cache_control) = (header("content-type"), header("cache-control"));
        Answer { status, content_type, cache_control, text: response.text().await.unwrap() }
    }

    /// What the desk of the sandbox's post office answers; its address stands in the log.
    pub(crate) async fn mailbox(&self, path: &str) -> Value {
        let log = fs::read_to_string(self.state.join("log")).unwrap();
        let line = log.lines().find_map(|line| line.trim().strip_prefix("mailbox")).unwrap();
        let desk = line.trim().trim_end_matches("/mail").to_owned();
        let answer = reqwest::Client::new().get(format!("{desk}{path}")).send().await.unwrap();
        serde_json::from_str(&answer.text().await.unwrap()).unwrap()
    }

    pub(crate) async fn get(&self, person: &Person, path: &str) -> Answer {
        let bearer = format!("Bearer {}", person.token);
        self.send("GET", path, &[("authorization", &bearer)], None).await
    }

    pub(crate) async fn post(&self, person: &Person, path: &str, body: &Value) -> Answer {
        self.post_with(person, path, &key(), body).await
    }

    pub(crate) async fn post_with(
        &self,
        person: &Person,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Answer {
        let bearer = format!("Bearer {}", person.token);
        let headers = [
            ("authorization", bearer.as_str()),
            ("idempotency-key", key),
            ("content-type", "application/json"),
        ];
        self.send("POST", path, &headers, Some(body.to_string())).await
    }

    pub(crate) async fn people(&self) -> Value {
        self.send("GET", "/v1/sandbox/people", &[], None).await.ok()
    }

    async fn sign_in(&self, role: &str, person: &Value) -> Person {
        self.signed_in(json!({ "role": role, "id": person["id"] })).await
    }

    async fn signed_in(&self, body: Value) -> Person {
        let headers = [("content-type", "application/json")];
        let body = Some(body.to_string());
        let signed_in = self.send("POST", "/v1/sandbox/sign-in", &headers, body).await.ok();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let actor = &signed_in["actor"];
        Person {
            id: text(&actor["id"]),
            name: text(&actor["name"]),
            token: text(&signed_in["token"]),
        }
    }

    /// The same person in another session, known to this level.
    pub(crate) async fn at_level(&self, person: &Person, role: &str, level: &str) -> Person {
        self.signed_in(json!({ "role": role, "id": person.id, "level": level })).await
    }

    /// The `n`-th customer of this kind, from 0, of whom a test only reads: another may have them as well.
    pub(crate) async fn looked_at(&self, archetype: &str, n: usize) -> Person {
        let people = self.people().await;
        let customers = people["customers"].as_array().unwrap();
        let mut of_kind = customers.iter().filter(|customer| customer["archetype"] == archetype);
        self.sign_in("customer", of_kind.nth(n).unwrap()).await
    }

    /// A customer of this kind that no other test has.
    pub(crate) async fn customer(&self, archetype: &str) -> Person {
        let people = self.people().await;
        let customers = people["customers"].as_array().unwrap();
        let mut of_kind = customers.iter().filter(|customer| customer["archetype"] == archetype);
        let n = {
            let mut taken = self.taken.lock().unwrap();
            let next = taken.entry(archetype.to_owned()).or_default();
            *next += 1;
            *next - 1
        };
        let customer = of_kind.nth(n);
        let customer = customer.unwrap_or_else(|| panic!("no {archetype} customer is left"));
        self.sign_in("customer", customer).await
    }

    pub(crate) async fn staff(&self, role: &str) -> Person {
        self.staff_n(role, 0).await
    }

    /// The `n`-th member of staff of a role, from 0.
    pub(crate) async fn staff_n(&self, role: &str, n: usize) -> Person {
        let people = self.people().await;
        let staff = people["staff"].as_array().unwrap();
        self.sign_in(role, staff.iter().filter(|one| one["role"] == role).nth(n).unwrap()).await
    }

    pub(crate) async fn conversation(&self, customer: &Person) -> String {
        let started = self.post(customer, "/v1/conversations", &json!({})).await.ok();
        started["id"].as_str().unwrap().to_owned()
    }

    /// Says something and answers the conversation as it then stands.
    pub(crate) async fn say(&self, customer: &Person, conversation: &str, text: &str) -> Value {
        let path = format!("/v1/conversations/{conversation}");
        let turn = self.post(customer, &format!("{path}/messages"), &json!({ "text": text })).await;
        assert_eq!(turn.status, 200, "{turn:?}");
        assert!(
            turn.text.trim_end().ends_with("data: [DONE]"),
            "a stream without an end: {turn:?}"
        );
        self.get(customer, &path).await.ok()
    }

    /// The bank account of this kind.
    pub(crate) async fn bank_account(&self, customer: &Person, kind: &str) -> String {
        let accounts = self.get(customer, "/v1/bank-accounts").await.ok();
        let accounts = accounts["items"].as_array().unwrap();
        let found = accounts.iter().find(|account| account["kind"] == kind).unwrap();
        found["id"].as_str().unwrap().to_owned()
    }

    /// What must not change without a person's yes.
    pub(crate) async fn money(&self, customer: &Person) -> Value {
        json!({
            "payments": self.get(customer, "/v1/payments").await.ok(),
            "position": self.get(customer, "/v1/position").await.ok(),
            "transactions": self.get(customer, "/v1/transactions").await.ok(),
        })
    }
}

impl Answer {
    /// The body of an answer that is one.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{self:?}");
        serde_json::from_str(&self.text).unwrap()
    }

    /// The status and code of a refusal, which must be a whole problem document.
    #[track_caller]
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.content_type, "application/problem+json", "{self:?}");
        let problem: Value = serde_json::from_str(&self.text).unwrap();
        assert_eq!(problem["status"], self.status, "{self:?}");
        for member in ["title", "detail"] {
            assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{self:?}");
        }
        (self.status, problem["code"].as_str().unwrap().to_owned())
    }
}
