//! Stops the throw-away cluster when nobody has used it for a while.
//!
//! Tests come and go as processes that do not know of each other, so none of them can tell that it was the last. This
//! outlives them: a shell that looks at the cluster's lock once a second. Where there is no `flock` command (outside
//! Linux) the cluster stays until the machine's temporary files go; the next run adopts it.

use std::{
    os::unix::process::CommandExt,
    path::Path,
    process::{Command, Stdio},
};

use crate::cluster::ClusterError;

const SCRIPT: &str = r#"
cd "$1" || exit 0
command -v flock >/dev/null || exit 0
exec 8>watcher.lock
flock -n 8 || exit 0
idle=0
while :; do
    sleep 1
    if flock -n -x in-use.lock true; then idle=$((idle + 1)); else idle=0; fi
    [ "$idle" -lt 15 ] && continue
    # Behind the gate nobody can come in.
    exec 9>gate.lock
    flock 9
    flock -n -x in-use.lock true && break
    exec 9>&-
    idle=0
done
pid=$(head -n 1 server/data/postmaster.pid) && kill -QUIT "$pid"
tries=0
while kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 50 ]; do sleep 0.1; tries=$((tries + 1)); done
cd / && rm -rf "$1"
"#;

/// Does nothing where a watcher watches already.
pub(super) fn spawn(dir: &Path) -> Result<(), ClusterError> {
    Command::new("sh")
        .args(["-c", SCRIPT, "watcher"])
        .arg(dir)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Not to be interrupted together with the tests.
        .process_group(0)
        .spawn()
        .map(drop)
        .map_err(|source| ClusterError::Program { program: "sh".into(), source })
}
