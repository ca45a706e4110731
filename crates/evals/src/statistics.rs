//! The paired test behind the gate: is the candidate's pass rate worse than the baseline's by no more than the margin?
//!
//! Both were run on the same cases, so only the cases on which they differ carry information. The interval is Tango's score
//! interval for the difference of paired proportions (Statistics in Medicine 17, 1998, 891-908): it holds its level with no
//! discordant pair at all, which is where a plain normal interval has width zero.
#![expect(clippy::float_arithmetic, reason = "statistics; no money here")]

use serde::{Deserialize, Serialize};

/// How candidate and baseline fared on the same cases.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paired {
    pub both_pass: u32,
    /// The baseline passed and the candidate did not.
    pub newly_failing: u32,
    /// The candidate passed and the baseline did not.
    pub newly_passing: u32,
    pub both_fail: u32,
}

/// The candidate's pass rate less the baseline's, with the bound that has to stay above the margin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    pub estimate: f64,
    /// The one-sided lower confidence bound at the suite's level.
    pub lower: f64,
    pub upper: f64,
}

impl Paired {
    #[must_use]
    pub const fn cases(self) -> u32 {
        self.both_pass + self.newly_failing + self.newly_passing + self.both_fail
    }

    #[must_use]
    pub fn difference(self, z: f64) -> Difference {
        let n = f64::from(self.cases().max(1));
        let estimate = (f64::from(self.newly_passing) - f64::from(self.newly_failing)) / n;
        Difference {
            estimate,
            lower: bisect(-1.0, estimate, |delta| self.score(delta) - z),
            upper: bisect(estimate, 1.0, |delta| self.score(delta) + z),
        }
    }

    /// How many standard errors the observed difference lies above `delta`, the errors taken as if `delta` were true.
    fn score(self, delta: f64) -> f64 {
        let n = f64::from(self.cases().max(1));
        let (gained, lost) = (f64::from(self.newly_passing), f64::from(self.newly_failing));
        // The likeliest share of newly failing cases, were the true difference `delta`.
        let a = 2.0 * n;
        let b = (2.0 * n - gained + lost) * delta - gained - lost;
        let c = -lost * delta * (1.0 - delta);
        let share = ((b * b - 4.0 * a * c).max(0.0).sqrt() - b) / (2.0 * a);
        let variance = n * (2.0 * share + delta * (1.0 - delta));
        let distance = gained - lost - n * delta;
        if variance <= f64::EPSILON {
            return if distance.abs() <= f64::EPSILON {
                0.0
            } else {
                distance.signum() * f64::INFINITY
            };
        }
        distance / variance.sqrt()
    }
}

/// Where `f`, which falls from plus to minus between `low` and `high`, crosses zero.
fn bisect(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if f(middle) > 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    f64::midpoint(low, high)
}

/// The fewest cases with which a suite could pass if the two never differed: below it, the verdict is settled beforehand.
#[must_use]
pub fn fewest_cases(margin: f64, z: f64) -> u32 {
    (1..100_000)
        .find(|&cases| {
            let alike = Paired { both_pass: cases, ..Paired::default() };
            alike.difference(z).lower > -margin
        })
        .unwrap_or(u32::MAX)
}

/// The one-sided normal quantile of a confidence level, by bisection over the error function's series.
#[must_use]
pub fn quantile(confidence: f64) -> f64 {
    bisect(-8.0, 8.0, |z| confidence - normal_below(z))
}

fn normal_below(z: f64) -> f64 {
    // Zelen and Severo's rational approximation to the upper tail, absolute error below 7.5e-8.
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let density = (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let coefficients =
        [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let tail = density * coefficients.iter().rev().fold(0.0, |sum, c| (sum + c) * t);
    if z < 0.0 { tail } else { 1.0 - tail }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(a: f64, b: f64, by: f64) -> bool {
        (a - b).abs() < by
    }

    #[test]
    fn the_quantiles_are_the_usual_ones() {
        for (confidence, z) in [(0.95, 1.644_854), (0.975, 1.959_964), (0.5, 0.0)] {
            assert!(close(quantile(confidence), z, 1e-5), "{confidence}");
        }
    }

    #[test]
    fn the_interval_is_the_one_tango_printed() {
        // The published example: 44 pairs, discordant 1 and 0, 95 % two-sided.
        let paired = Paired { both_pass: 43, newly_failing: 0, newly_passing: 1, both_fail: 0 };
        let difference = paired.difference(1.959_964);
        assert!(close(difference.lower, -0.060, 1e-3), "{difference:?}");
        assert!(close(difference.upper, 0.118, 1e-3), "{difference:?}");
    }

    #[test]
    fn without_a_discordant_pair_the_bound_is_set_by_the_number_of_cases() {
        let z = quantile(0.95);
        for cases in [50_u32, 120, 400] {
            let lower = Paired { both_pass: cases, ..Paired::default() }.difference(z).lower;
            let expected = -z * z / (f64::from(cases) + z * z);
            assert!(close(lower, expected, 1e-6), "{cases}: {lower} against {expected}");
        }
        assert_eq!(fewest_cases(0.03, z), 88);
    }

    proptest! {
        #[test]
        fn the_estimate_lies_within_and_one_more_failure_lowers_the_bound(
            both_pass in 30_u32..300, newly_failing in 0_u32..20, newly_passing in 0_u32..20, both_fail in 0_u32..30,
        ) {
            let z = quantile(0.95);
            let paired = Paired { both_pass, newly_failing, newly_passing, both_fail };
            let d = paired.difference(z);
            prop_assert!(d.lower <= d.estimate + 1e-9 && d.estimate <= d.upper + 1e-9);
            let worse = Paired { both_pass: both_pass - 1, newly_failing: newly_failing + 1, ..paired };
            prop_assert!(worse.difference(z).lower < d.lower);
        }
    }
}
