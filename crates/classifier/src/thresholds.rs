//! When a label counts as heard: as often as a budget of false alarms allows.

/// A text that was scored by a model that had not seen it.
#[derive(Clone, Debug)]
pub struct Scored {
    /// What it has, by the place of the label.
    pub labels: Vec<usize>,
    pub scores: Vec<f32>,
}

impl Scored {
    /// What is heard in it.
    pub fn heard(&self, thresholds: &[f32]) -> Vec<usize> {
        let passes = |(label, score): (usize, &f32)| {
            thresholds.get(label).is_some_and(|threshold| score >= threshold).then_some(label)
        };
        self.scores.iter().enumerate().filter_map(passes).collect()
    }
}

/// The thresholds that hear most while of a thousand texts without a label at most `alarms_per_mille` raise an alarm.
///
/// `worth` says by label what hearing it is worth. Every label pays the same price for an alarm; the price is halved and
/// doubled until the budget is just kept.
pub fn recall_first(scored: &[Scored], worth: &[f32], alarms_per_mille: usize) -> Vec<f32> {
    let benign: Vec<&Scored> = scored.iter().filter(|one| one.labels.is_empty()).collect();
    let at_price = |price: f32| -> Vec<f32> {
        let prices = worth.iter().map(|worth| price / worth);
        prices.enumerate().map(|(label, price)| of_label(scored, label, price)).collect()
    };
    let kept = |thresholds: &[f32]| {
        let alarms = benign.iter().filter(|one| !one.heard(thresholds).is_empty()).count();
        alarms * 1000 <= benign.len() * alarms_per_mille
    };
    let (mut low, mut high) = (1.0_f32 / 1024.0, 1024.0_f32);
    for _ in 0..24 {
        let middle = (low * high).sqrt();
        if kept(&at_price(middle)) {
            high = middle;
        } else {
            low = middle;
        }
    }
    at_price(high)
}

/// What a label heard in a text that has another one costs, as a share of an alarm.
const OTHER: f32 = 0.05;

/// The threshold of one label that gains most: texts heard, less the price of the alarms.
fn of_label(scored: &[Scored], label: usize, price: f32) -> f32 {
    let mut worth: Vec<(f32, f32)> = scored
        .iter()
        .filter_map(|one| {
            let score = *one.scores.get(label)?;
            let worth = match (one.labels.contains(&label), one.labels.is_empty()) {
                (true, _) => 1.0,
                (false, true) => -price,
                (false, false) => -price * OTHER,
            };
            Some((score, worth))
        })
        .collect();
    worth.sort_by(|a, b| b.0.total_cmp(&a.0));
    // Where nothing is worth hearing, only what scores above all that was seen is.
    let mut best = (0.0_f32, worth.first().map_or(1.0, |(score, _)| score.max(0.5) + 0.1));
    let mut sum = 0.0_f32;
    for (at, (score, gain)) in worth.iter().enumerate() {
        sum += gain;
        let next = worth.get(at + 1).map_or(score - 0.1, |(next, _)| *next);
        if sum > best.0 && next < *score {
            best = (sum, f32::midpoint(*score, next));
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(labels: &[usize], score: f32) -> Scored {
        Scored { labels: labels.to_vec(), scores: vec![score] }
    }

    #[test]
    fn a_threshold_stands_between_what_is_there_and_what_is_not() {
        let all = [scored(&[0], 0.9), scored(&[0], 0.4), scored(&[], 0.1), scored(&[], -0.5)];
        assert_eq!(recall_first(&all, &[1.0], 10), [0.25]);
    }

    #[test]
    fn the_budget_of_alarms_is_kept_and_used() {
        let mut all: Vec<Scored> = (0..100).map(|_| scored(&[], -1.0)).collect();
        all.extend([scored(&[], 0.5), scored(&[0], 0.6), scored(&[0], 0.4), scored(&[0], 0.3)]);
        let heard = |alarms| {
            let thresholds = recall_first(&all, &[1.0], alarms);
            all.iter()
                .filter(|one| !one.labels.is_empty() && !one.heard(&thresholds).is_empty())
                .count()
        };
        assert_eq!((heard(0), heard(10)), (1, 3));
    }
}
