//! The cache of embeddings, on PostgreSQL.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::Mutex;

use futures::future::BoxFuture;
use knowledge::index::ExactIndex;
use knowledge::{Audience, CachedEmbedder, EmbedError, Embedder, Knowledge, Vectors};

use crate::support::{self, WordHash, query};

/// Counts what it is asked.
#[derive(Default)]
struct Counting {
    name: &'static str,
    asked: Mutex<Vec<String>>,
}

impl Embedder for Counting {
    fn name(&self) -> &str {
        self.name
    }
    fn embed<'a>(&'a self, texts: &'a [String]) -> BoxFuture<'a, Result<Vectors, EmbedError>> {
        self.asked.lock().unwrap().extend_from_slice(texts);
        WordHash.embed(texts)
    }
}

fn counting(name: &'static str) -> Arc<Counting> {
    Arc::new(Counting { name, asked: Mutex::default() })
}

#[tokio::test]
async fn a_passage_is_embedded_once_for_each_embedder_and_a_question_is_never_kept() {
    let database = store::testing::database().await;
    let pool = database.store().app().clone();
    let load = async |inner: Arc<Counting>| {
        let embedder = Arc::new(CachedEmbedder::new(inner, pool.clone()));
        let index = Arc::new(ExactIndex::new());
        Knowledge::load(&support::policies(), Some(embedder), index).await.unwrap()
    };
    let first = counting("a");
    let knowledge = load(first.clone()).await;
    let passages = knowledge.corpus().passages().count();
    assert_eq!(first.asked.lock().unwrap().len(), passages);
    // A page in its new version has sections of the old one.
    let texts: BTreeSet<String> = first.asked.lock().unwrap().iter().cloned().collect();

    let asked = query("a question about my late fee", Audience::Consumer, "2026-11-20");
    let before = knowledge.search(&asked).await.unwrap();
    let rows = || async {
        sqlx::query_scalar::<_, i64>("SELECT count(*) FROM passage_embeddings")
            .fetch_one(database.owner())
            .await
            .unwrap()
    };
    assert_eq!(usize::try_from(rows().await).unwrap(), texts.len());

    let second = counting("a");
    let again = load(second.clone()).await;
    assert!(second.asked.lock().unwrap().is_empty());
    assert_eq!(again.search(&asked).await.unwrap(), before);

    let other = counting("b");
    load(other.clone()).await;
    assert_eq!(other.asked.lock().unwrap().len(), passages);
}

#[tokio::test]
async fn a_cache_that_fails_costs_time_and_not_the_answer() {
    let database = store::testing::database().await;
    sqlx::query("DROP TABLE passage_embeddings").execute(database.owner()).await.unwrap();
    let pool = database.store().app().clone();
    let inner = counting("a");
    let embedder = Arc::new(CachedEmbedder::new(inner, pool));
    let index = Arc::new(ExactIndex::new());
    let knowledge = Knowledge::load(&support::policies(), Some(embedder), index).await.unwrap();
    assert_eq!(knowledge.embedder_name(), "a");
}
