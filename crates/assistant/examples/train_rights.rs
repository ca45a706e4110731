//! Trains `models/rights-1.bin`, the classifier of the customer's rights, from the text under `src/rights/said/`.
//!
//! `cargo run -p assistant --example train_rights` first tells how well it hears writers it has not learnt from: each in turn
//! is left out, and the thresholds are chosen on the others. `… -- write` then learns from all and writes the file.
//! `… -- missed` prints what was missed or heard wrongly. The held-back file is never learnt from.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "a tool for people at work on the detector: it prints, and stops at what is broken"
)]

use std::{collections::BTreeMap, fs, path::Path, time::Instant};

use assistant::rights::{self, THESAURUS};
use classifier::{Line, Model, Scored, Thesaurus, fit, recall_first, sentences};

/// Texts without a right that may raise an alarm, of a thousand.
const ALARMS_PER_MILLE: usize = 15;
/// The paraphrases the rules were written for: learnt from, and no measure of anything.
const TABLE: &str = "table";
const HELD_BACK: &str = "held-back";

struct Said {
    writer: String,
    text: String,
    line: Line,
    scores: Vec<f32>,
}

fn main() {
    let wish = std::env::args().nth(1).unwrap_or_default();
    let thesaurus = Thesaurus::parse(THESAURUS);
    let names = rights::labels();
    let (mut all, source) = read(&names);
    let writers: Vec<String> = counted(&all).into_keys().filter(|name| name != TABLE).collect();
    for writer in &writers {
        let others: Vec<Line> = all
            .iter()
            .filter(|said| said.writer != *writer)
            .map(|said| said.line.clone())
            .collect();
        let model = fit(&others, &names, &thesaurus, "");
        for said in all.iter_mut().filter(|said| said.writer == *writer) {
            let scores = model.scores(&said.line.sentences, &thesaurus);
            said.scores = scores.into_iter().map(to_four_places).collect();
        }
    }
    all.retain(|said| wish == "write" || said.writer != TABLE);
    report(&all, &writers, &names, wish == "missed");
    let scored: Vec<Scored> = all.iter().filter(|said| said.writer != TABLE).map(scored).collect();
    for alarms in [5, 10, 20, 30, 50] {
        let thresholds = recall_first(&scored, &worth(&names), alarms);
        let (mut heard, mut rights) = (0, 0);
        for one in &scored {
            let found = one.heard(&thresholds);
            rights += one.labels.len();
            heard += one.labels.iter().filter(|label| found.contains(label)).count();
        }
        println!("at most {alarms} alarms in a thousand: {:.1} % heard", percent(heard, rights));
    }
    let since = Instant::now();
    let heard =
        all.iter().filter(|said| rights::hear(&said.text) != rights::Heard::default()).count();
    let each = since.elapsed().as_micros() / all.len().max(1) as u128;
    println!(
        "the weights as they stand hear something in {heard} of {}, {each} \u{b5}s each",
        all.len()
    );
    if wish == "write" {
        let lines: Vec<Line> = all.iter().map(|said| said.line.clone()).collect();
        let thresholds = recall_first(&scored, &worth(&names), ALARMS_PER_MILLE);
        let model = fit(&lines, &names, &thesaurus, &source);
        write(&model.with_thresholds(&thresholds));
    }
}

/// No threshold needs to be finer.
fn to_four_places(score: f32) -> f32 {
    (score * 10_000.0).round() / 10_000.0
}

fn scored(said: &Said) -> Scored {
    Scored { labels: said.line.labels.clone(), scores: said.scores.clone() }
}

/// The text that is learnt from, and the digest of it.
fn read(names: &[&str]) -> (Vec<Said>, String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rights/said");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut all, mut texts) = (Vec::new(), Vec::new());
    for file in files {
        let writer = file.file_stem().unwrap().to_string_lossy().into_owned();
        if writer == HELD_BACK {
            continue;
        }
        let text = fs::read_to_string(file).unwrap();
        for (labels, said) in text.lines().filter_map(|line| line.split_once('\t')) {
            let place = |name| names.iter().position(|label| *label == name).unwrap();
            let labels = labels.split(',').filter(|name| *name != "-").map(place).collect();
            all.push(Said {
                writer: writer.clone(),
                text: said.to_owned(),
                line: Line { labels, sentences: sentences(said) },
                scores: Vec::new(),
            });
        }
        texts.push(text);
    }
    (all, rights::learnt_from(&texts).to_string())
}

/// A life is worth more alarms than a fee; what is said in more ways than anything else is worth some, or it would be let go.
fn worth(names: &[&str]) -> Vec<f32> {
    let worth = |name: &&str| match *name {
        "crisis" => 4.0,
        "hardship" | "dispute" | "complaint" => 2.0,
        _ => 1.0,
    };
    names.iter().map(worth).collect()
}

fn counted(all: &[Said]) -> BTreeMap<String, usize> {
    let mut counted = BTreeMap::new();
    for said in all {
        *counted.entry(said.writer.clone()).or_default() += 1;
    }
    counted
}

fn percent(part: usize, whole: usize) -> f64 {
    100.0 * part as f64 / whole.max(1) as f64
}

/// What is heard of each writer by a model that never saw them, with the thresholds of the others.
fn report(all: &[Said], writers: &[String], names: &[&str], show: bool) {
    let mut by_label = vec![(0, 0); names.len()];
    let (mut alarms, mut benign) = (0, 0);
    for writer in writers {
        let (theirs, others): (Vec<&Said>, Vec<&Said>) =
            all.iter().filter(|said| said.writer != TABLE).partition(|said| said.writer == *writer);
        let others: Vec<Scored> = others.into_iter().map(scored).collect();
        let thresholds = recall_first(&others, &worth(names), ALARMS_PER_MILLE);
        let (mut heard, mut rights, mut alarmed, mut quiet) = (0, 0, 0, 0);
        for said in theirs {
            let found = scored(said).heard(&thresholds);
            let wrong = said.line.labels.is_empty() && !found.is_empty();
            let missed = said.line.labels.iter().any(|label| !found.contains(label));
            if show && (wrong || missed) {
                let name =
                    |labels: &[usize]| -> Vec<_> { labels.iter().map(|at| names[*at]).collect() };
                println!(
                    "{writer}: {:?}, heard {:?}: {}",
                    name(&said.line.labels),
                    name(&found),
                    said.text
                );
            }
            quiet += usize::from(said.line.labels.is_empty());
            alarmed += usize::from(wrong);
            for label in &said.line.labels {
                let hit = usize::from(found.contains(label));
                (heard, rights) = (heard + hit, rights + 1);
                by_label[*label] = (by_label[*label].0 + hit, by_label[*label].1 + 1);
            }
        }
        (alarms, benign) = (alarms + alarmed, benign + quiet);
        println!(
            "{writer}: heard {heard} of {rights} ({:.1} %), false alarms {alarmed} of {quiet} ({:.1} %)",
            percent(heard, rights),
            percent(alarmed, quiet)
        );
    }
    for (label, (heard, rights)) in names.iter().zip(&by_label) {
        println!("  {label:20} {heard:4} of {rights:4} ({:.1} %)", percent(*heard, *rights));
    }
    let (heard, rights) = by_label.iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    println!(
        "all: heard {heard} of {rights} ({:.1} %), false alarms {alarms} of {benign} ({:.1} %)",
        percent(heard, rights),
        percent(alarms, benign)
    );
}

fn write(model: &Model) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../models/rights-1.bin");
    let bytes = model.to_bytes();
    fs::write(path, &bytes).unwrap();
    println!("written: {} bytes, learnt from {}", bytes.len(), model.source());
}
