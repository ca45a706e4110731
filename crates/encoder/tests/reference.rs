//! Our forward pass against vectors computed apart from it (double precision, the model publisher's tokenizer).
//!
//! The model's files are not in the repository: without them these tests say so and check nothing.
#![expect(
    clippy::unwrap_used,
    clippy::float_arithmetic,
    clippy::print_stderr,
    reason = "a test may panic and speak"
)]

use std::path::Path;
use std::time::Instant;

use encoder::{DIMENSIONS, Encoder, cosine};
use serde::Deserialize;

/// Where `plumbline doctor --install` puts the model.
const FOLDERS: [&str; 2] = [
    "/var/lib/plumbline/models/minilm",
    concat!(env!("CARGO_MANIFEST_DIR"), "/../../.plumbline/models/minilm"),
];

#[derive(Deserialize)]
struct Reference {
    text: String,
    tokens: usize,
    /// The first eight numbers, to six places.
    first: Vec<f32>,
    /// The whole vector in signed bytes, scaled so that its largest number is 127.
    vector_i8: String,
}

fn encoder() -> Option<Encoder> {
    let Some(folder) =
        FOLDERS.iter().map(Path::new).find(|folder| folder.join("model.safetensors").exists())
    else {
        eprintln!(
            "SKIPPED: no sentence encoder in {FOLDERS:?}; `plumbline doctor --install` fetches it"
        );
        return None;
    };
    let model = std::fs::read(folder.join("model.safetensors")).unwrap();
    let tokenizer = std::fs::read(folder.join("tokenizer.json")).unwrap();
    Some(Encoder::parse(&model, &tokenizer).unwrap())
}

fn references() -> Vec<Reference> {
    serde_json::from_str(include_str!("data/reference.json")).unwrap()
}

fn unit(hex: &str) -> Vec<f32> {
    let bytes = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(hex.get(at..at + 2).unwrap(), 16).unwrap());
    let numbers: Vec<f32> = bytes.map(|byte| f32::from(byte.cast_signed())).collect();
    let length = numbers.iter().map(|x| x * x).sum::<f32>().sqrt();
    numbers.into_iter().map(|x| x / length).collect()
}

#[test]
fn every_text_has_the_tokens_and_the_vector_of_the_reference() {
    let Some(encoder) = encoder() else { return };
    for reference in references() {
        let vector = encoder.encode(&reference.text);
        assert_eq!(encoder.count_tokens(&reference.text), reference.tokens, "{}", reference.text);
        assert_eq!(vector.len(), DIMENSIONS);
        let similar = cosine(&vector, &unit(&reference.vector_i8));
        assert!(similar >= 0.999, "{similar} for {}", reference.text);
        for (ours, theirs) in vector.iter().zip(&reference.first) {
            assert!((ours - theirs).abs() < 2e-3, "{ours} is not {theirs} in {}", reference.text);
        }
    }
}

#[test]
fn a_text_has_the_same_vector_alone_and_among_others() {
    let Some(encoder) = encoder() else { return };
    let texts: Vec<String> = references().into_iter().map(|reference| reference.text).collect();
    let together = encoder.encode_all(&texts);
    let alone: Vec<Vec<f32>> = texts.iter().map(|text| encoder.encode(text)).collect();
    assert_eq!(together, alone);
}

#[test]
fn an_empty_text_has_a_finite_vector() {
    let Some(encoder) = encoder() else { return };
    assert!(encoder.encode("").iter().all(|x| x.is_finite()));
    assert!(encoder.encode_all::<&str>(&[]).is_empty());
}

#[test]
fn related_sentences_are_nearer_than_unrelated_ones() {
    let Some(encoder) = encoder() else { return };
    let started = Instant::now();
    let [question, paraphrase, other] =
        ["How much do I owe?", "What is the amount outstanding?", "The weather is fine."]
            .map(|text| encoder.encode(text));
    eprintln!("three short texts in {:?}", started.elapsed());
    assert!(cosine(&question, &paraphrase) > cosine(&question, &other) + 0.2);
}
