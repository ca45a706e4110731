//! Fits the weights: squared hinge with a ridge, a label at a time, by dual coordinate descent.
//!
//! A text with a label has it somewhere: the first round learns from the whole text, the second from the window that the
//! first liked best as well. A text without the label is without it in every window.

use std::collections::BTreeMap;

use crate::{
    features::{Feature, windows},
    model::{Label, Model, Weight, length},
    thesaurus::Thesaurus,
};

/// Texts that must hold a feature for it to count.
const SEEN_MIN: u32 = 2;
const ROUNDS: usize = 2;
const PASSES: usize = 12;

/// What it costs to miss a label, to hear one in a text that has none, and to hear one in a text that has another.
mod costs {
    pub(super) const MISS: f32 = 8.0;
    pub(super) const ALARM: f32 = 4.0;
    pub(super) const OTHER: f32 = 0.06;
}

/// A text and its labels, by their place in the list of names.
#[derive(Clone, Debug)]
pub struct Line {
    pub labels: Vec<usize>,
    pub sentences: Vec<Vec<String>>,
}

/// A window: places of known features, and what they count over the window's length.
type Row = Vec<(u32, f32)>;

/// Learns from `lines`. `source` is kept as the digest of what was learnt from.
pub fn fit(lines: &[Line], names: &[&str], thesaurus: &Thesaurus, source: &str) -> Model {
    let texts: Vec<Vec<Vec<Feature>>> =
        lines.iter().map(|line| windows(&line.sentences, thesaurus)).collect();
    let hashes = known(&texts);
    let rows: Vec<Vec<Row>> = texts
        .iter()
        .map(|windows| windows.iter().map(|window| row(window, &hashes)).collect())
        .collect();
    let of = |label| fit_label(lines, &rows, label, hashes.len());
    // The even labels beside the odd ones: each is fitted by itself, so the order is nobody's business.
    let (even, odd): (Vec<usize>, Vec<usize>) = (0..names.len()).partition(|label| label % 2 == 0);
    let (even, odd) = std::thread::scope(|scope| {
        let beside = scope.spawn(|| odd.into_iter().map(of).collect::<Vec<_>>());
        let here: Vec<_> = even.into_iter().map(of).collect();
        (here, beside.join().unwrap_or_default())
    });
    let (mut even, mut odd) = (even.into_iter(), odd.into_iter());
    let fitted: Vec<Fitted> = (0..names.len())
        .filter_map(|label| if label % 2 == 0 { even.next() } else { odd.next() })
        .collect();
    rounded(&hashes, &fitted, names, source)
}

/// What enough texts hold.
fn known(texts: &[Vec<Vec<Feature>>]) -> Vec<u32> {
    let mut seen: BTreeMap<u32, u32> = BTreeMap::new();
    for (hash, _) in texts.iter().filter_map(|windows| windows.first()).flatten() {
        *seen.entry(*hash).or_default() += 1;
    }
    seen.into_iter().filter(|(_, times)| *times >= SEEN_MIN).map(|(hash, _)| hash).collect()
}

fn row(window: &[Feature], hashes: &[u32]) -> Row {
    let known: Row = window
        .iter()
        .filter_map(|(hash, count)| Some((hashes.binary_search(hash).ok()? as u32, *count)))
        .collect();
    let length = length(known.iter().map(|(_, count)| count * count).sum());
    known.into_iter().map(|(at, count)| (at, count / length)).collect()
}

#[derive(Default)]
struct Fitted {
    weights: Vec<f32>,
    bias: f32,
}

impl Fitted {
    fn score(&self, row: &Row) -> f32 {
        let weight = |at: &u32| self.weights.get(*at as usize).copied().unwrap_or_default();
        row.iter().map(|(at, count)| weight(at) * count).sum::<f32>() + self.bias
    }

    fn step(&mut self, row: &Row, step: f32) {
        for (at, count) in row {
            if let Some(weight) = self.weights.get_mut(*at as usize) {
                *weight += step * count;
            }
        }
        self.bias += step;
    }
}

/// A window that has the label or has it not.
struct Instance<'a> {
    row: &'a Row,
    sign: f32,
    cost: f32,
    alpha: f32,
}

fn fit_label(lines: &[Line], rows: &[Vec<Row>], label: usize, size: usize) -> Fitted {
    let mut fitted = Fitted::default();
    for round in 0..ROUNDS {
        let mut instances = Vec::new();
        for (line, windows) in lines.iter().zip(rows) {
            let mut add =
                |row, sign, cost| instances.push(Instance { row, sign, cost, alpha: 0.0 });
            if !line.labels.contains(&label) {
                let cost = if line.labels.is_empty() { costs::ALARM } else { costs::OTHER };
                for row in windows {
                    add(row, -1.0, cost);
                }
                continue;
            }
            if let Some(whole) = windows.first() {
                add(whole, 1.0, costs::MISS);
            }
            let by_score = |a: &&Row, b: &&Row| fitted.score(a).total_cmp(&fitted.score(b));
            if let Some(best) = windows.iter().skip(1).max_by(by_score).filter(|_| round > 0) {
                add(best, 1.0, costs::MISS);
            }
        }
        fitted = descend(&mut instances, size, label as u64);
    }
    fitted
}

fn descend(instances: &mut [Instance<'_>], size: usize, seed: u64) -> Fitted {
    let mut fitted = Fitted { weights: vec![0.0; size], bias: 0.0 };
    let mut order: Vec<usize> = (0..instances.len()).collect();
    let mut random = Random(seed.wrapping_mul(2).wrapping_add(0x9e37_79b9_7f4a_7c15));
    for pass in 0..PASSES {
        random.shuffle(&mut order);
        for at in &order {
            let Some(one) = instances.get_mut(*at) else { continue };
            // What is right with room to spare is looked at in every third pass only.
            if one.alpha == 0.0 && pass > 2 && pass % 3 != 0 {
                continue;
            }
            let ridge = 0.5 / one.cost;
            let square = one.row.iter().map(|(_, count)| count * count).sum::<f32>() + 1.0;
            let gradient = one.sign * fitted.score(one.row) - 1.0 + ridge * one.alpha;
            let alpha = (one.alpha - gradient / (square + ridge)).max(0.0);
            let step = (alpha - one.alpha) * one.sign;
            one.alpha = alpha;
            if step != 0.0 {
                fitted.step(one.row, step);
            }
        }
    }
    fitted
}

/// The weights in steps of a 127th of each label's greatest; what rounds to nothing is left out.
fn rounded(hashes: &[u32], fitted: &[Fitted], names: &[&str], source: &str) -> Model {
    let labels: Vec<Label> = names
        .iter()
        .zip(fitted)
        .map(|(name, fitted)| {
            let greatest =
                fitted.weights.iter().fold(0.0_f32, |most, weight| most.max(weight.abs()));
            let step = if greatest > 0.0 { greatest / 127.0 } else { 1.0 };
            Label { name: (*name).to_owned(), threshold: 0.0, bias: fitted.bias, step }
        })
        .collect();
    let (mut kept, mut starts, mut weights) = (Vec::new(), vec![0], Vec::new());
    for (at, hash) in hashes.iter().enumerate() {
        let before = weights.len();
        for (place, (fitted, label)) in fitted.iter().zip(&labels).enumerate() {
            let weight = fitted.weights.get(at).copied().unwrap_or_default();
            let steps = (weight / label.step).round() as i8;
            if steps != 0 {
                weights.push(Weight { label: place as u8, steps });
            }
        }
        if weights.len() > before {
            kept.push(*hash);
            starts.push(weights.len() as u32);
        }
    }
    Model { source: source.to_owned(), labels, hashes: kept, starts, weights }
}

/// `xorshift64`: the order of the descent, the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn shuffle(&mut self, order: &mut [usize]) {
        for at in (1..order.len()).rev() {
            let other = self.next() % (at as u64 + 1);
            order.swap(at, other as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::sentences;

    fn lines() -> Vec<Line> {
        let line = |labels: &[usize], text: &str| Line {
            labels: labels.to_vec(),
            sentences: sentences(text),
        };
        vec![
            line(&[0], "my lawyer will answer you"),
            line(&[0], "talk to my lawyer"),
            line(&[0], "I have a lawyer"),
            line(&[1], "stop calling me"),
            line(&[1], "please stop calling my phone"),
            line(&[1], "no more calling"),
            line(&[0, 1], "stop calling and talk to my lawyer"),
            line(&[], "what is my balance"),
            line(&[], "when is my payment due"),
            line(&[], "I am calling about my balance"),
        ]
    }

    fn heard(model: &Model, text: &str) -> Vec<String> {
        let heard = model.heard(&sentences(text), &Thesaurus::default());
        heard.into_iter().map(str::to_owned).collect()
    }

    /// The label that is heard most clearly, if any is.
    fn most(model: &Model, text: &str) -> Option<usize> {
        let scores = model.scores(&sentences(text), &Thesaurus::default());
        let (label, score) = scores.into_iter().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
        (score >= 0.0).then_some(label)
    }

    #[test]
    fn what_is_learnt_is_heard_in_other_words_and_in_small_talk() {
        let model = fit(&lines(), &["lawyer", "calls"], &Thesaurus::default(), "");
        assert_eq!(
            most(&model, "Nice day. What is my balance? You talk to the lawyer. Thanks"),
            Some(0)
        );
        assert_eq!(most(&model, "please stop calling us"), Some(1));
        assert_eq!(heard(&model, "what is due"), Vec::<String>::new());
    }

    #[test]
    fn two_trainings_give_the_same_bytes() {
        let fit = || fit(&lines(), &["lawyer", "calls"], &Thesaurus::default(), "").to_bytes();
        assert_eq!(fit(), fit());
    }

    #[test]
    fn what_is_known_of_a_word_holds_for_its_companions_in_the_thesaurus() {
        let thesaurus = Thesaurus::parse("lawyer: lawyer abogado");
        let model = fit(&lines(), &["lawyer", "calls"], &thesaurus, "");
        assert!(model.heard(&sentences("abogado"), &thesaurus).contains(&"lawyer"));
        assert_eq!(heard(&model, "abogado"), Vec::<String>::new());
    }
}
