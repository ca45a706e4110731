//! How well the right passage is found: measured on questions that were not used for tuning.
//!
//! `tuning.jsonl` chose the weights and the floor (run with `--no-capture` to see the table);
//! `held_out.jsonl` is judged, against the bars below. The figures stand in the ADR on fusion.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::support;
use crate::support::MiniLm;
use knowledge::index::ExactIndex;
use knowledge::{Audience, Embedder, Knowledge, Query, Weights};
use serde::Deserialize;

#[derive(Deserialize)]
struct Question {
    slice: String,
    audience: Audience,
    on: String,
    state: Option<String>,
    question: String,
    answers: Vec<String>,
}

impl Question {
    fn query(&self) -> Query {
        let mut query = support::query(&self.question, self.audience, &self.on);
        query.state.clone_from(&self.state);
        query
    }
}

fn questions(name: &str) -> Vec<Question> {
    let path = format!("{}/tests/retrieval/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Of the questions with an answer: how many had it first, and among the first three. Of those
/// without one: how many were answered all the same.
#[derive(Default, Clone, Copy)]
struct Tally {
    asked: usize,
    first: usize,
    in_three: usize,
    off_topic: usize,
    answered_off_topic: usize,
}

impl Tally {
    fn recall_1(self) -> f64 {
        self.first as f64 / self.asked.max(1) as f64
    }
    fn recall_3(self) -> f64 {
        self.in_three as f64 / self.asked.max(1) as f64
    }
}

async fn measure(knowledge: &Knowledge, questions: &[Question]) -> BTreeMap<String, Tally> {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for question in questions {
        let found = knowledge.search(&question.query()).await.unwrap();
        let names: Vec<_> = found.iter().map(|f| f.passage.citation.to_string()).collect();
        let rank = names.iter().position(|name| question.answers.contains(name));
        if option_env!("SHOW_MISSES").is_some() && rank != Some(0) {
            let first = found.first().map(|f| (f.parts.dense, f.parts.bm25));
            println!("  {rank:?} {:?} {names:?} {first:?}", question.question);
        }
        for slice in [question.slice.as_str(), "all"] {
            let tally = tallies.entry(slice.to_owned()).or_default();
            if question.answers.is_empty() {
                tally.off_topic += 1;
                tally.answered_off_topic += usize::from(!found.is_empty());
            } else {
                tally.asked += 1;
                tally.first += usize::from(rank == Some(0));
                tally.in_three += usize::from(rank.is_some_and(|rank| rank < 3));
            }
        }
    }
    tallies
}

async fn knowledge(embedder: Option<Arc<MiniLm>>, weights: Weights) -> Knowledge {
    let embedder = embedder.map(|embedder| embedder as Arc<dyn Embedder>);
    let index = Arc::new(ExactIndex::new());
    Knowledge::load(&support::policies(), embedder, index).await.unwrap().weighing(weights)
}

fn print(name: &str, tallies: &BTreeMap<String, Tally>) {
    println!("{name}");
    for (slice, tally) in tallies {
        println!(
            "  {slice:<9} asked {:>3}  r@1 {:.3}  r@3 {:.3}  off-topic answered {}/{}",
            tally.asked,
            tally.recall_1(),
            tally.recall_3(),
            tally.answered_off_topic,
            tally.off_topic,
        );
    }
}

#[tokio::test]
async fn the_tuned_weights_are_the_best_on_the_tuning_questions() {
    let Some(embedder) = MiniLm::fetched() else { return };
    let questions = questions("tuning");
    let mut best = (0.0, 0.0);
    let mut tuned = (0.0, 0.0);
    for tenths in 0_u8..=10 {
        let bm25 = f32::from(tenths) / 10.0;
        let weights = Weights { dense: 1.0 - bm25, bm25 };
        let tallies = measure(&knowledge(Some(embedder.clone()), weights).await, &questions).await;
        let all = tallies["all"];
        println!("bm25 {bm25:.1}: r@1 {:.3} r@3 {:.3}", all.recall_1(), all.recall_3());
        let score = (all.recall_1(), all.recall_3());
        if score > best {
            best = score;
        }
        if (bm25 - Weights::TUNED.bm25).abs() < 1e-6 {
            tuned = score;
        }
    }
    assert!(best.0 - tuned.0 <= 0.04, "tuned {tuned:?}, best {best:?}: tune again");
}

#[tokio::test]
async fn the_right_passage_is_found_for_held_out_questions() {
    let Some(embedder) = MiniLm::fetched() else { return };
    let questions = questions("held_out");
    assert!(questions.len() >= 60);
    for (name, weights) in [("dense alone", Weights::DENSE), ("bm25 in fusion", Weights::BM25)] {
        print(name, &measure(&knowledge(Some(embedder.clone()), weights).await, &questions).await);
    }
    let tallies = measure(&knowledge(Some(embedder), Weights::TUNED).await, &questions).await;
    print("fused", &tallies);
    // The declared bars.
    let all = tallies["all"];
    assert!(all.recall_1() >= 0.5 && all.recall_3() >= 0.7);
}

#[tokio::test]
async fn without_embeddings_wording_alone_still_answers_plain_questions() {
    let questions = questions("held_out");
    let tallies = measure(&knowledge(None, Weights::TUNED).await, &questions).await;
    print("bm25 alone", &tallies);
}
