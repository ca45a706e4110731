//! What the integration tests share: embedders, policies made up for a test, and questions.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use encoder::Encoder;
use futures::future::{BoxFuture, ready};
use knowledge::document::Document;
use knowledge::{Audience, Corpus, EmbedError, Embedder, Query, Vectors};

const MODEL_DIR: &str = "/var/lib/plumbline/models/minilm";

pub(crate) fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies")
}

/// The real encoder, remembering what it has embedded.
pub(crate) struct MiniLm {
    encoder: Encoder,
    known: Mutex<HashMap<String, Vec<f32>>>,
}

impl MiniLm {
    /// `None`, said aloud, when the model has not been fetched.
    pub(crate) fn fetched() -> Option<Arc<Self>> {
        let read = |name: &str| std::fs::read(Path::new(MODEL_DIR).join(name));
        let (Ok(model), Ok(tokenizer)) = (read("model.safetensors"), read("tokenizer.json")) else {
            println!("SKIPPED: no MiniLM model under {MODEL_DIR}; `make run` fetches it");
            return None;
        };
        let encoder = Encoder::parse(&model, &tokenizer).unwrap();
        Some(Arc::new(Self { encoder, known: Mutex::default() }))
    }

    pub(crate) fn count_tokens(&self, text: &str) -> usize {
        self.encoder.count_tokens(text)
    }
}

impl Embedder for MiniLm {
    fn name(&self) -> &'static str {
        "all-minilm-l6-v2"
    }

    fn embed<'a>(&'a self, texts: &'a [String]) -> BoxFuture<'a, Result<Vectors, EmbedError>> {
        let mut known = self.known.lock().unwrap();
        let fresh: Vec<&String> = texts.iter().filter(|text| !known.contains_key(*text)).collect();
        for (text, vector) in fresh.iter().zip(self.encoder.encode_all(&fresh)) {
            known.insert((*text).clone(), vector);
        }
        Box::pin(ready(Ok(texts.iter().map(|text| known.get(text).unwrap().clone()).collect())))
    }
}

/// A stand-in that hashes words into a few dimensions: near when words are shared, always there.
pub(crate) struct WordHash;

pub(crate) const WORD_HASH_DIMENSIONS: usize = 64;

impl WordHash {
    pub(crate) fn vector(text: &str) -> Vec<f32> {
        let mut vector = vec![0.01; WORD_HASH_DIMENSIONS];
        for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()) {
            let hash =
                word.bytes().fold(5381_usize, |hash, byte| hash * 33 % 65_521 + byte as usize);
            *vector.get_mut(hash % WORD_HASH_DIMENSIONS).unwrap() += 1.0;
        }
        vector
    }
}

impl Embedder for WordHash {
    fn name(&self) -> &'static str {
        "word-hash"
    }

    fn embed<'a>(&'a self, texts: &'a [String]) -> BoxFuture<'a, Result<Vectors, EmbedError>> {
        Box::pin(ready(Ok(texts.iter().map(|text| Self::vector(text)).collect())))
    }
}

/// An embedder whose service is away.
pub(crate) struct Away;

impl Embedder for Away {
    fn name(&self) -> &'static str {
        "away"
    }

    fn embed<'a>(&'a self, _: &'a [String]) -> BoxFuture<'a, Result<Vectors, EmbedError>> {
        Box::pin(ready(Err(EmbedError::Unavailable("connection refused".into()))))
    }
}

/// A document made for a test: `extra` is further lines of the head.
pub(crate) fn document(id: &str, audience: Audience, extra: &str, body: &str) -> Document {
    let (version, extra) = match extra.split_once("version: ") {
        Some((before, after)) => {
            let (version, rest) = after.split_once('\n').unwrap_or((after, ""));
            (version.to_owned(), format!("{before}{rest}"))
        }
        None => ("1".to_owned(), extra.to_owned()),
    };
    let has = |key: &str| extra.contains(key);
    let mut head = format!(
        "id: {id}\nversion: {version}\ntitle: {id}\naudience: {audience}\nkind: reference\n"
    );
    for (key, value) in [("effective_on", "2024-01-01"), ("product", "all"), ("states", "all")] {
        if !has(&format!("{key}:")) {
            writeln!(head, "{key}: {value}").unwrap();
        }
    }
    let text = format!("---\n{head}{}\n---\n\n{body}\n", extra.trim_end());
    let text = text.replace("\n\n---", "\n---");
    let file = format!("{audience}/{id}.v{version}.md");
    Document::parse(&file, &text).unwrap()
}

pub(crate) fn corpus(documents: Vec<Document>) -> Corpus {
    Corpus::assemble(documents).unwrap()
}

pub(crate) fn query(text: &str, audience: Audience, on: &str) -> Query {
    Query {
        text: text.to_owned(),
        audience,
        on: on.parse().unwrap(),
        product: Some("CASHLINE-STD-1".to_owned()),
        state: None,
        limit: 5,
    }
}
