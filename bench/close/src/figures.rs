//! What the bench found, as tables for a person.

use std::fmt::Write as _;

use crate::{Report, close::Closed, payments::Latency};

/// The aims of each figure stand beside it.
pub(crate) fn table(report: &Report) -> String {
    let mut out = String::new();
    closes(&mut out, &report.closes);
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        "{:<28} {:>9} {:>9} {:>9} {:>9} {:>8}",
        "payments", "count", "p50, us", "p99, us", "max, us", "x idle"
    );
    let payments = &report.payments;
    let mut row = |name: &str, latency: &Latency, share: u128| {
        let Latency { payments, p50_us, p99_us, max_us, .. } = latency;
        let share = hundredths(share);
        let _ = writeln!(
            out,
            "{name:<28} {payments:>9} {p50_us:>9} {p99_us:>9} {max_us:>9} {share:>8}"
        );
    };
    row("idle", &payments.idle, 100);
    row("during a close", &payments.gentle, payments.gentle_percent_of_idle);
    row("during one at full pace", &payments.full, payments.full_percent_of_idle);
    let (gentle, full) = (&payments.gentle, &payments.full);
    let _ = writeln!(
        out,
        "aim: at most 3.00 during a close; {} lines and {} debits took {} ms, at full pace {} and {} took {} ms\n",
        gentle.lines_closed,
        gentle.debits,
        gentle.close_ms,
        full.lines_closed,
        full.debits,
        full.close_ms
    );
    let replay = &report.replay;
    let _ = writeln!(
        out,
        "a line of {} cycles and {} events: {} us of CPU from nothing (aim 1000), {} us for a payment returned 45 days late with {} corrections (aim 5000)",
        replay.cycles,
        replay.events,
        replay.from_nothing_us,
        replay.returned_late_us,
        replay.corrections
    );
    let key = &report.one_key;
    let _ = write!(
        out,
        "{} requests with one key at once: {} effect, {} different answer, {} ms",
        key.requests, key.effects, key.different_answers, key.all_ms
    );
    out
}

fn closes(out: &mut String, closes: &[Closed]) {
    let _ = writeln!(
        out,
        "{:>10} {:>9} {:>10} {:>9} {:>11} {:>10} {:>10} {:>10} {:>8} {:>8} {:>9}",
        "lines",
        "due",
        "close, ms",
        "us/line",
        "memory, kB",
        "rows",
        "rows/s",
        "bare",
        "of bare",
        "debits",
        "us/debit"
    );
    for close in closes {
        let Closed { lines_loaded, lines_due, close_ms, micros_per_line_due, memory_kb, .. } =
            close;
        let (rows, ours, bare) = (close.rows, close.rows_per_second, close.bare_rows_per_second);
        let share = hundredths(close.percent_of_bare);
        let (debits, each) = (close.debits, close.micros_per_debit);
        let _ = writeln!(
            out,
            "{lines_loaded:>10} {lines_due:>9} {close_ms:>10} {micros_per_line_due:>9} {memory_kb:>11} {rows:>10} {ours:>10} {bare:>10} {share:>8} {debits:>8} {each:>9}",
        );
    }
    let _ = writeln!(
        out,
        "aim: of bare at least 0.40; us/line, memory and us/debit the same in every row\n"
    );
}

fn hundredths(percent: u128) -> String {
    format!("{}.{:02}", percent / 100, percent % 100)
}
