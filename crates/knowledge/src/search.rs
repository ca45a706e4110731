//! The corpus, its index and its embedder together: what the rest of the house asks.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use chrono::NaiveDate;
use identity::chain;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::bm25::{self, Counts};
use crate::corpus::Corpus;
use crate::embedder::{EmbedError, Embedder, check};
use crate::error::KnowledgeError;
use crate::fusion::{Weights, fuse};
use crate::index::{Entry, Hit, PassageIndex};
use crate::passage::{Audience, Citation, Filter, Passage};

/// Texts sent to the embedder in one request.
const TEXTS_PER_REQUEST: usize = 32;

/// How many of the nearest passages the index is asked for; the rest count as its lowest.
const DENSE_CANDIDATES: usize = 256;

/// A longer question is cut: the embedder would not read the rest.
const MAX_QUERY_CHARS: usize = 2_000;

/// Never more than this many passages, whatever is asked for.
const MAX_LIMIT: usize = 50;

/// A passage less near than this in meaning is not an answer, whatever words it shares. Off-topic
/// questions stay below it; see docs/adr.
const NEAREST_ENOUGH: f32 = 0.20;

/// Without embeddings a passage must reach this BM25 score, about two rare words in common.
const WORDS_ENOUGH: f32 = 4.0;

/// The name of the embedder when there is none.
pub const NO_EMBEDDER: &str = "none";

/// A question, by whom, and about when.
#[derive(Debug, Clone)]
pub struct Query {
    /// The question, in the asker's words.
    pub text: String,
    /// Who asks.
    pub audience: Audience,
    /// The date of the event asked about.
    pub on: NaiveDate,
    /// The product of the line asked about; absent when no line is.
    pub product: Option<String>,
    /// The customer's state as a postal code; absent when not known.
    pub state: Option<String>,
    /// At most this many passages.
    pub limit: usize,
}

impl Query {
    fn filter(&self) -> Filter {
        Filter {
            audience: self.audience,
            on: self.on,
            product: self.product.clone(),
            state: self.state.clone(),
        }
    }
}

/// A passage found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Found {
    /// The passage.
    pub passage: Passage,
    /// The fused score, 0 to 1. It orders passages of one search and says nothing across searches.
    pub score: f32,
    /// What each arm said.
    pub parts: Parts,
}

/// The scores before fusion.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Parts {
    /// Cosine similarity; absent when this search ran without embeddings.
    pub dense: Option<f32>,
    /// BM25.
    pub bm25: f32,
}

/// The policies, ready to be searched.
pub struct Knowledge {
    corpus: Corpus,
    counts: HashMap<Citation, Counts>,
    index: Arc<dyn PassageIndex>,
    dense: Option<Dense>,
    weights: Weights,
}

struct Dense {
    embedder: Arc<dyn Embedder>,
    generation: String,
}

impl Knowledge {
    /// Reads the policies under `dir` and indexes them. An index that already holds this corpus
    /// under this embedder is used as it is.
    ///
    /// Without an embedder, or when it does not answer, the search works by wording alone and a
    /// warning says so. A policy that breaks a rule, a malformed vector and an index that cannot be
    /// filled are errors.
    pub async fn load(
        dir: &Path,
        embedder: Option<Arc<dyn Embedder>>,
        index: Arc<dyn PassageIndex>,
    ) -> Result<Self, KnowledgeError> {
        Self::with_corpus(Corpus::read(dir)?, embedder, index).await
    }

    /// The same with a corpus already read.
    pub async fn with_corpus(
        corpus: Corpus,
        embedder: Option<Arc<dyn Embedder>>,
        index: Arc<dyn PassageIndex>,
    ) -> Result<Self, KnowledgeError> {
        let counts = corpus.passages().map(|p| (p.citation.clone(), Counts::of(p))).collect();
        let dense = if let Some(embedder) = embedder {
            fill(&corpus, embedder, index.as_ref()).await?
        } else {
            tracing::warn!("no embedder is configured: policies are searched by wording alone");
            None
        };
        Ok(Self { corpus, counts, index, dense, weights: Weights::TUNED })
    }

    /// The same with other weights, for measuring.
    #[must_use]
    pub fn weighing(mut self, weights: Weights) -> Self {
        self.weights = weights;
        self
    }

    /// The passages that answer best, best first; none when nothing is near enough.
    ///
    /// Audience, date, product and state are applied before anything is ranked. When the embedder or
    /// the index does not answer, this search goes by wording alone, `parts.dense` is absent, and a
    /// warning says so.
    pub async fn search(&self, query: &Query) -> Result<Vec<Found>, KnowledgeError> {
        let text: String = query.text.chars().take(MAX_QUERY_CHARS).collect();
        let limit = query.limit.min(MAX_LIMIT);
        if text.trim().is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let filter = query.filter();
        let eligible: Vec<&Passage> =
            self.corpus.passages().filter(|passage| filter.admits(&passage.scope)).collect();
        let meanings = self.corpus.glossary().meanings(&text).join("; ");
        let text = if meanings.is_empty() { text } else { format!("{text} ({meanings})") };
        let hits = self.dense_hits(&text, &filter).await;
        let dense = align(&eligible, hits.as_deref());
        let counts: Vec<&Counts> =
            eligible.iter().filter_map(|p| self.counts.get(&p.citation)).collect();
        let bm25 = bm25::scores(&text, &counts);
        let scores = fuse(&dense, &bm25, self.weights);
        let mut found: Vec<(f32, Parts, &Passage)> = eligible
            .into_iter()
            .zip(scores)
            .zip(dense.iter().zip(&bm25))
            .map(|((passage, score), (&dense, &bm25))| (score, Parts { dense, bm25 }, passage))
            .filter(|(_, parts, _)| near_enough(*parts, hits.is_some()))
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.2.citation.cmp(&b.2.citation)));
        found.truncate(limit);
        let found = found.into_iter();
        Ok(found.map(|(score, parts, p)| Found { passage: p.clone(), score, parts }).collect())
    }

    /// The passage of that name, if this audience may read it. A past version can be read: an
    /// answer may have cited it.
    pub fn passage(&self, citation: &Citation, audience: Audience) -> Option<Passage> {
        let passage = self.corpus.get(citation)?;
        audience.may_read(passage.scope.audience).then(|| passage.clone())
    }

    /// SHA-256 over every passage and its scope, in hexadecimal.
    pub fn corpus_digest(&self) -> &str {
        self.corpus.digest()
    }

    /// The embedder that ranks, or `none`. Part of the served configuration.
    pub fn embedder_name(&self) -> &str {
        self.dense.as_ref().map_or(NO_EMBEDDER, |dense| dense.embedder.name())
    }

    /// The corpus itself. It knows no audience: for checks and exports, not for answers.
    pub fn corpus(&self) -> &Corpus {
        &self.corpus
    }

    /// What the index finds; `None` when this search has to do without.
    async fn dense_hits(&self, text: &str, filter: &Filter) -> Option<Vec<Hit>> {
        let dense = self.dense.as_ref()?;
        let asked = [text.to_owned()];
        let vector = match dense.embedder.embed(&asked).await.and_then(|v| check(1, v)) {
            Ok(mut vectors) => vectors.pop()?,
            Err(error) => {
                tracing::warn!(error = chain(&error), "searching policies by wording alone");
                return None;
            }
        };
        match self.index.search(&dense.generation, &vector, filter, DENSE_CANDIDATES).await {
            Ok(hits) => Some(hits),
            Err(error) => {
                tracing::warn!(error = chain(&error), "searching policies by wording alone");
                None
            }
        }
    }
}

/// Embeds and indexes the corpus unless the index holds it already. `None`: the embedder is away.
async fn fill(
    corpus: &Corpus,
    embedder: Arc<dyn Embedder>,
    index: &dyn PassageIndex,
) -> Result<Option<Dense>, KnowledgeError> {
    let name = format!("{}\n{}", corpus.digest(), embedder.name());
    let generation: String =
        hex::encode(Sha256::digest(name.as_bytes())).chars().take(16).collect();
    let passages: Vec<&Passage> = corpus.passages().collect();
    if index.count(&generation).await? != passages.len() {
        for some in passages.chunks(TEXTS_PER_REQUEST) {
            let texts: Vec<String> = some.iter().map(|p| p.embedded_text()).collect();
            let vectors = match embedder.embed_passages(&texts).await {
                Ok(vectors) => check(texts.len(), vectors).map_err(KnowledgeError::Embed)?,
                Err(error @ EmbedError::Unavailable(_)) => {
                    tracing::warn!(
                        error = chain(&error),
                        "the embedder does not answer: policies are searched by wording alone"
                    );
                    return Ok(None);
                }
                Err(error) => return Err(KnowledgeError::Embed(error)),
            };
            let entries = some.iter().zip(vectors).map(|(passage, vector)| Entry {
                generation: generation.clone(),
                citation: passage.citation.clone(),
                scope: passage.scope.clone(),
                vector,
            });
            index.upsert(&entries.collect::<Vec<_>>()).await?;
        }
    }
    Ok(Some(Dense { embedder, generation }))
}

/// The similarity of each eligible passage. What the index returned beside them is dropped aloud:
/// a filter that let it through is broken.
fn align(eligible: &[&Passage], hits: Option<&[Hit]>) -> Vec<Option<f32>> {
    let hits = hits.unwrap_or_default();
    let scores: HashMap<&Citation, f32> =
        hits.iter().map(|hit| (&hit.citation, hit.score)).collect();
    let aligned: Vec<_> =
        eligible.iter().map(|passage| scores.get(&passage.citation).copied()).collect();
    let strangers = scores.len() - aligned.iter().flatten().count();
    if strangers > 0 {
        tracing::error!(strangers, "the index answered {strangers} passages the filter excludes");
    }
    aligned
}

fn near_enough(parts: Parts, with_embeddings: bool) -> bool {
    match parts.dense {
        Some(similarity) => similarity >= NEAREST_ENOUGH,
        None => !with_embeddings && parts.bm25 >= WORDS_ENOUGH,
    }
}
