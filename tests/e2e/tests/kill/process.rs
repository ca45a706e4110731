//! Programs that end with the tests, however those end.

use std::{
    ffi::{OsStr, OsString},
    io::Write as _,
    os::unix::process::CommandExt as _,
    process::{ExitStatus, Stdio},
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
    sync::oneshot,
    task::JoinSet,
    time::timeout,
};

/// How long a program may take to say where it listens.
const STARTS_WITHIN: Duration = Duration::from_mins(4);

/// Told of every process that runs and every folder that is used, it ends them when nobody is left to tell it more.
const WATCH: &str = r#"
live=" "
while read -r op pid; do
    case $op in
    +) live="$live$pid " ;;
    -) live="${live%% $pid *} ${live#* $pid }" ;;
    folder) set -- "$@" "$pid" ;;
    esac
done
for pid in $live; do kill -KILL "$pid" 2>/dev/null; done
for folder; do rm -rf "$folder"; done
"#;

/// A running program of ours.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pid: u32,
    /// What followed the marker on its line.
    pub(crate) address: String,
    log: Arc<Mutex<String>>,
    _reader: JoinSet<()>,
}

/// What to run.
pub(crate) struct Program<'a> {
    pub(crate) args: &'a [&'a str],
    pub(crate) env: &'a [(&'a str, &'a OsStr)],
    /// Stands on standard error before the address.
    pub(crate) marker: &'a str,
}

fn tell(op: &str, what: &str) {
    static WATCHER: OnceLock<Mutex<std::process::Child>> = OnceLock::new();
    let watcher = WATCHER.get_or_init(|| {
        let shell = std::process::Command::new("sh")
            .args(["-c", WATCH])
            // A signal to the tests is not one to what clears up after them.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Mutex::new(shell)
    });
    let mut watcher = watcher.lock().unwrap_or_else(PoisonError::into_inner);
    writeln!(watcher.stdin.as_mut().unwrap(), "{op} {what}").unwrap();
}

/// A folder that goes when the tests end, however those end.
pub(crate) fn folder(prefix: &str) -> TempDir {
    let folder = tempfile::Builder::new().prefix(prefix).tempdir().unwrap();
    tell("folder", folder.path().to_str().unwrap());
    folder
}

/// The program with nothing of ours in its environment.
pub(crate) fn command() -> Command {
    let mut command = Command::new(e2e::program());
    for (name, _) in std::env::vars_os() {
        let ours = name.to_str().is_some_and(|name| name.starts_with("PLUMBLINE_"));
        if ours || name == "DATABASE_URL" || name == "OPENAI_BASE_URL" || name == "OPENAI_API_KEY" {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null()).kill_on_drop(true);
    command
}

impl Process {
    /// Starts a program and waits until it says where it listens.
    pub(crate) async fn start(program: &Program<'_>) -> Self {
        let mut command = command();
        command.args(program.args).envs(program.env.iter().copied());
        let mut child =
            command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it can be run");
        let pid = child.id().unwrap();
        tell("+", &pid.to_string());
        let log = Arc::new(Mutex::new(String::new()));
        let (ready, address) = oneshot::channel();
        let mut ready = Some(ready);
        let (kept, marker) = (Arc::clone(&log), program.marker.to_owned());
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut reader = JoinSet::new();
        reader.spawn(async move {
            let mut found = None;
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some((_, rest)) = line.split_once(&marker) {
                    found = Some(rest.trim().to_owned());
                }
                // The server's address comes before it is announced whole.
                let whole = marker != SERVES || line.contains("Ctrl-C");
                if let (true, Some(found)) = (whole, &found)
                    && let Some(ready) = ready.take()
                {
                    ready.send(found.clone()).ok();
                }
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.push_str(&line);
                kept.push('\n');
            }
        });
        let address = timeout(STARTS_WITHIN, address).await;
        let said = || log.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Ok(Ok(address)) = address else {
            panic!("{:?} did not start:\n{}", program.args, said());
        };
        Self { child, pid, address, log, _reader: reader }
    }

    /// Starts a program that ends by itself, and does not wait for a word of it.
    pub(crate) fn spawn(args: &[OsString], env: &[(&str, OsString)]) -> Self {
        let mut command = command();
        command.args(args).envs(env.iter().map(|(name, value)| (*name, value)));
        command.current_dir(e2e::project()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("it can be run");
        let pid = child.id().unwrap();
        tell("+", &pid.to_string());
        let log = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&log);
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut reader = JoinSet::new();
        reader.spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.push_str(&line);
                kept.push('\n');
            }
        });
        Self { child, pid, address: String::new(), log, _reader: reader }
    }

    /// How it ended, once it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// What it has said so far.
    pub(crate) fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// SIGKILL; returns once it is gone.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
        tell("-", &self.pid.to_string());
    }
}

/// What the server says before its address.
pub(crate) const SERVES: &str = "interface  ";
