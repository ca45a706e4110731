//! Making, starting, adopting and stopping the server of a cluster.

use std::{
    fs,
    io::{self, Read, Write},
    os::unix::fs::chown,
    os::unix::net::UnixStream,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{Binaries, Cluster, ClusterError, Durability, binaries, folder::Folder};

/// Only part of the socket's name: nothing listens on the network.
pub(super) const PORT: u16 = 5432;

/// A killed server can stay a zombie for a second or two, and its pid file blocks a start.
const RETRY_FOR: Duration = Duration::from_secs(6);

/// Makes the cluster if there is none, and starts it unless it runs. To be called behind the gate.
pub(super) fn ensure_running(folder: &Folder, durability: Durability) -> Result<(), ClusterError> {
    if answers(folder.sockets()) {
        return Ok(());
    }
    let binaries = binaries_for(&folder.data())?;
    if !folder.data().exists() {
        initialise(folder, &binaries, durability)?;
    }
    configure(folder, durability)?;
    let begun = Instant::now();
    loop {
        match pg_ctl(folder, &binaries, &["start", "--wait", "--timeout=300", "--silent"]) {
            Ok(()) => return Ok(()),
            Err(_) if answers(folder.sockets()) => return Ok(()),
            Err(error) if begun.elapsed() > RETRY_FOR => return Err(with_log(error, folder)),
            Err(_) => thread::sleep(Duration::from_millis(200)),
        }
    }
}

/// Waits until it has stopped. To be called behind the gate, by the last one out.
pub(super) fn stop(folder: &Folder) -> Result<(), ClusterError> {
    let binaries = binaries_for(&folder.data())?;
    pg_ctl(folder, &binaries, &["stop", "--mode=fast", "--wait", "--silent"])
}

/// A socket file proves nothing, it outlives a killed server; nor does a connection, which the system accepts for a
/// server that is just dying. So the server is asked whether it offers TLS, the shortest question that it knows.
pub(super) fn answers(sockets: &Path) -> bool {
    const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
    let ask = || -> io::Result<()> {
        let mut socket = UnixStream::connect(sockets.join(format!(".s.PGSQL.{PORT}")))?;
        socket.set_read_timeout(Some(Duration::from_secs(5)))?;
        socket.write_all(&SSL_REQUEST)?;
        socket.read_exact(&mut [0])
    };
    ask().is_ok()
}

fn binaries_for(data: &Path) -> Result<Binaries, ClusterError> {
    let Ok(made_by) = fs::read_to_string(data.join("PG_VERSION")) else {
        return binaries::find(None);
    };
    let made_by = made_by.trim();
    binaries::find(made_by.parse().ok()).map_err(|_| ClusterError::OtherVersion {
        dir: data.to_path_buf(),
        made_by: made_by.to_owned(),
    })
}

/// Makes the data beside its final place, so that an interrupted start leaves nothing half made there.
fn initialise(
    folder: &Folder,
    binaries: &Binaries,
    durability: Durability,
) -> Result<(), ClusterError> {
    let draft = folder.home().join("data.new");
    if draft.exists() {
        fs::remove_dir_all(&draft).map_err(ClusterError::file(&draft))?;
    }
    let mut initdb = command(folder, binaries, "initdb");
    initdb.arg("--pgdata").arg(&draft).args([
        "--username",
        Cluster::OWNER,
        "--auth=trust",
        "--encoding=UTF8",
        "--no-locale",
        "--no-instructions",
    ]);
    if durability == Durability::ThrowAway {
        initdb.arg("--no-sync");
    }
    run(&mut initdb)?;
    fs::rename(&draft, folder.data()).map_err(ClusterError::file(folder.data()))
}

/// Our settings, written anew at each start, so that a newer version's reach an older cluster.
fn configure(folder: &Folder, durability: Durability) -> Result<(), ClusterError> {
    let sockets = folder.sockets().display().to_string().replace('\'', "''").replace('"', "\"\"");
    let common = format!(
        "# Written by plumbline at each start: changes made here are lost.\n\
         listen_addresses = ''\n\
         unix_socket_directories = '\"{sockets}\"'\n\
         unix_socket_permissions = 0700\n\
         port = {PORT}\n\
         timezone = 'UTC'\n\
         log_timezone = 'UTC'\n\
         shared_buffers = 128MB\n"
    );
    let particular = match durability {
        Durability::Synced => {
            "max_connections = 100\nfsync = on\nsynchronous_commit = on\nmax_wal_size = 4GB\n"
        }
        Durability::ThrowAway => {
            "max_connections = 500\nfsync = off\nsynchronous_commit = off\nfull_page_writes = off\n\
             wal_level = minimal\nmax_wal_senders = 0\nautovacuum = off\ndynamic_shared_memory_type = mmap\n"
        }
    };
    let path = folder.data().join("postgresql.conf");
    fs::write(&path, common + particular).map_err(ClusterError::file(&path))?;
    match folder.account() {
        Some(account) => {
            chown(&path, Some(account.uid), Some(account.gid)).map_err(ClusterError::file(&path))
        }
        None => Ok(()),
    }
}

fn pg_ctl(folder: &Folder, binaries: &Binaries, args: &[&str]) -> Result<(), ClusterError> {
    let mut command = command(folder, binaries, "pg_ctl");
    command.args(args).arg("--pgdata").arg(folder.data()).arg("--log").arg(folder.log());
    run(&mut command)
}

/// The server outlives us, so it must hold none of our streams; where it may look around is its own folder.
fn command(folder: &Folder, binaries: &Binaries, name: &str) -> Command {
    let mut command = Command::new(binaries.program(name));
    command.current_dir(folder.home()).env_remove("PGDATA").env_remove("PGHOST").env("LC_ALL", "C");
    if let Some(account) = folder.account() {
        account.apply(&mut command);
    }
    command
}

/// Output goes to a file, not a pipe: the server inherits it and would keep a pipe open for ever.
fn run(command: &mut Command) -> Result<(), ClusterError> {
    let program = Path::new(command.get_program()).to_path_buf();
    let broke = |source| ClusterError::Program { program: program.clone(), source };
    let said = tempfile::NamedTempFile::new().map_err(broke)?;
    let out = said.reopen().map_err(broke)?;
    let err = out.try_clone().map_err(broke)?;
    let status = command.stdin(Stdio::null()).stdout(out).stderr(err).status().map_err(broke)?;
    if status.success() {
        return Ok(());
    }
    let said = fs::read_to_string(said.path()).unwrap_or_default().trim().to_owned();
    Err(ClusterError::Failed { program, said })
}

/// `pg_ctl` says only that the server did not start; the log says why.
fn with_log(error: ClusterError, folder: &Folder) -> ClusterError {
    match error {
        ClusterError::Failed { program, said } => {
            let log = fs::read_to_string(folder.log()).unwrap_or_default();
            let tail: Vec<&str> = log.lines().rev().take(5).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            ClusterError::Failed { program, said: format!("{said}\n{}", tail.join("\n")) }
        }
        other => other,
    }
}
