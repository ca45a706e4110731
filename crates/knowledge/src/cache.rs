//! Vectors of our own passages, kept in PostgreSQL by the digest of their text.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use sha2::{Digest, Sha256};
use sqlx::PgPool;

use crate::embedder::{EmbedError, Embedder, Vectors, check};

/// An embedder that asks the one behind it only for passages it has not seen. Questions pass through
/// and are not kept. A cache that fails costs time, never an answer.
pub struct CachedEmbedder {
    inner: Arc<dyn Embedder>,
    pool: PgPool,
}

impl CachedEmbedder {
    /// `pool` must be allowed to read and add `passage_embeddings`, as the application's role is.
    pub fn new(inner: Arc<dyn Embedder>, pool: PgPool) -> Self {
        Self { inner, pool }
    }

    async fn known(&self, digests: &[Vec<u8>]) -> Result<HashMap<Vec<u8>, Vec<f32>>, sqlx::Error> {
        let rows = sqlx::query!(
            "SELECT text_digest, vector FROM passage_embeddings
             WHERE embedder = $1 AND text_digest = ANY($2)",
            self.inner.name(),
            digests,
        );
        let rows = rows.fetch_all(&self.pool).await?;
        Ok(rows.into_iter().map(|row| (row.text_digest, row.vector)).collect())
    }

    async fn keep(&self, digest: &[u8], vector: &[f32]) -> Result<(), sqlx::Error> {
        let added = sqlx::query!(
            "INSERT INTO passage_embeddings (embedder, text_digest, vector) VALUES ($1, $2, $3)
             ON CONFLICT DO NOTHING",
            self.inner.name(),
            digest,
            vector,
        );
        added.execute(&self.pool).await.map(drop)
    }

    async fn passages(&self, texts: &[String]) -> Result<Vectors, EmbedError> {
        let digests: Vec<Vec<u8>> =
            texts.iter().map(|text| Sha256::digest(text.as_bytes()).to_vec()).collect();
        let mut vectors = self.known(&digests).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "could not read the cache of embeddings; embedding again");
            HashMap::new()
        });
        let missing: Vec<(&Vec<u8>, &String)> = digests
            .iter()
            .zip(texts)
            .filter(|(digest, _)| !vectors.contains_key(*digest))
            .collect();
        if !missing.is_empty() {
            let (digests, texts): (Vec<_>, Vec<_>) =
                missing.into_iter().map(|(digest, text)| (digest.clone(), text.clone())).unzip();
            let fresh = check(texts.len(), self.inner.embed_passages(&texts).await?)?;
            for (digest, vector) in digests.into_iter().zip(fresh) {
                if let Err(error) = self.keep(&digest, &vector).await {
                    tracing::warn!(%error, "could not keep an embedding");
                }
                vectors.insert(digest, vector);
            }
        }
        Ok(digests.iter().filter_map(|digest| vectors.get(digest).cloned()).collect())
    }
}

impl Embedder for CachedEmbedder {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn embed<'a>(&'a self, texts: &'a [String]) -> BoxFuture<'a, Result<Vectors, EmbedError>> {
        self.inner.embed(texts)
    }

    fn embed_passages<'a>(
        &'a self,
        texts: &'a [String],
    ) -> BoxFuture<'a, Result<Vectors, EmbedError>> {
        Box::pin(self.passages(texts))
    }
}
