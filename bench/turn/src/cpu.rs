//! What the processor did for a process, as the system counted it: `/proc/PID/stat`, user and system time.

use std::{fs, time::Duration};

use anyhow::Context as _;

/// The system counts in hundredths of a second.
const TICK: Duration = Duration::from_millis(10);

/// The fields of `/proc/PID/stat` after the name, which may hold anything.
fn stat(pid: u32) -> anyhow::Result<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))
        .with_context(|| format!("process {pid} is gone"))?;
    let (_, fields) = text.rsplit_once(')').context("a line of /proc that is none")?;
    Ok(fields.split_whitespace().map(str::to_owned).collect())
}

/// User and system time, in ticks, from a field on: its own stand at 11, those of children it has buried at 13.
fn ticks(stat: &[String], from: usize) -> u32 {
    let fields = stat.iter().skip(from).take(2);
    fields.filter_map(|field| field.parse::<u32>().ok()).sum()
}

/// The process, its threads included, its children not.
pub(crate) fn of(pid: u32) -> anyhow::Result<Duration> {
    Ok(TICK * ticks(&stat(pid)?, 11))
}

/// The process with all its children, those that have ended too: a PostgreSQL server.
pub(crate) fn with_children(pid: u32) -> anyhow::Result<Duration> {
    let own = stat(pid)?;
    let mut sum = ticks(&own, 11) + ticks(&own, 13);
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(child) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // One that ends meanwhile is counted by its parent the next time.
        let Ok(stat) = stat(child) else { continue };
        if stat.get(1).and_then(|parent| parent.parse().ok()) == Some(pid) {
            sum += ticks(&stat, 11);
        }
    }
    Ok(TICK * sum)
}

/// How many processors there are, and the name of the first.
pub(crate) fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|line| line.strip_prefix("model name"));
    let name = name.map_or("processor", |name| name.trim_start_matches([' ', '\t', ':']));
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{count} x {name}")
}

/// Processes that want to run, averaged over a minute: who else is on the machine.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace().next().unwrap_or("unknown").to_owned()
}
