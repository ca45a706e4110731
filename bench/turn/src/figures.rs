//! The arithmetic of the bench: unions of spans, percentiles, ratios. Integers, in microseconds.

use std::time::{Duration, Instant};

use serde::Serialize;

/// A time in which the model was at work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) begun: Instant,
    pub(crate) ended: Instant,
}

/// One turn, timed from outside.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Timed {
    pub(crate) total: Duration,
    /// The total without the union of the model's spans.
    pub(crate) own: Duration,
}

impl Timed {
    pub(crate) fn of(turn: Span, model: &[Span]) -> Self {
        let total = turn.ended - turn.begun;
        Self { total, own: total.saturating_sub(union(turn, model)) }
    }
}

/// How much of `within` the spans cover together.
fn union(within: Span, spans: &[Span]) -> Duration {
    let mut spans = spans.to_vec();
    spans.sort_by_key(|span| span.begun);
    let (mut covered, mut through) = (Duration::ZERO, within.begun);
    for span in spans {
        let begun = span.begun.max(through);
        let ended = span.ended.min(within.ended);
        covered += ended.saturating_duration_since(begun);
        through = through.max(ended);
    }
    covered
}

/// What stands in the table for a row of durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Percentiles {
    pub(crate) p50_us: u64,
    pub(crate) p90_us: u64,
    pub(crate) p99_us: u64,
    pub(crate) max_us: u64,
}

impl Percentiles {
    /// By the nearest rank: a value that was measured, none in between.
    pub(crate) fn of(durations: impl IntoIterator<Item = Duration>) -> Self {
        let mut sorted: Vec<u64> = durations.into_iter().map(micros).collect();
        sorted.sort_unstable();
        let at = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100);
            sorted.get(rank.saturating_sub(1)).copied().unwrap_or_default()
        };
        Self { p50_us: at(50), p90_us: at(90), p99_us: at(99), max_us: at(100) }
    }
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// `part / whole` in thousandths, rounded to the nearest.
pub(crate) const fn permille(part: u64, whole: u64) -> Option<u64> {
    (part * 1000 + whole / 2).checked_div(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn span(zero: Instant, from_ms: u32, through_ms: u32) -> Span {
        Span { begun: zero + MS * from_ms, ended: zero + MS * through_ms }
    }

    #[test]
    fn what_the_model_took_is_counted_once_however_its_spans_lie() {
        let zero = Instant::now();
        let turn = span(zero, 100, 200);
        let own = |spans: &[(u32, u32)]| {
            let spans: Vec<Span> =
                spans.iter().map(|(from, through)| span(zero, *from, *through)).collect();
            Timed::of(turn, &spans).own.as_millis()
        };
        assert_eq!(own(&[]), 100);
        assert_eq!(own(&[(110, 120), (150, 160)]), 80);
        assert_eq!(own(&[(150, 170), (110, 160)]), 40, "overlapping, out of order");
        assert_eq!(own(&[(110, 190), (120, 130), (140, 150)]), 20, "one within another");
        assert_eq!(own(&[(0, 110), (190, 300)]), 80, "beyond the turn");
        assert_eq!(own(&[(0, 50), (300, 400)]), 100, "outside the turn");
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let of =
            |values: &[u64]| Percentiles::of(values.iter().copied().map(Duration::from_micros));
        let hundred: Vec<u64> = (1..=100).rev().collect();
        let expected = Percentiles { p50_us: 50, p90_us: 90, p99_us: 99, max_us: 100 };
        assert_eq!(of(&hundred), expected);
        let expected = Percentiles { p50_us: 7, p90_us: 9, p99_us: 9, max_us: 9 };
        assert_eq!(of(&[9, 7, 5]), expected);
    }

    #[test]
    fn a_ratio_to_nothing_is_none() {
        assert_eq!(permille(1, 3), Some(333));
        assert_eq!(permille(2, 3), Some(667));
        assert_eq!(permille(2, 0), None);
    }
}
