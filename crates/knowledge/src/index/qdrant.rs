//! The adapter for a Qdrant cluster, over its own gRPC client.

use chrono::{Datelike, NaiveDate};
use futures::future::BoxFuture;
use qdrant_client::qdrant::{
    Condition, CountPointsBuilder, CreateCollectionBuilder, CreateFieldIndexCollectionBuilder,
    DeletePointsBuilder, Distance, FieldType, Filter as Conditions, PointStruct,
    QueryPointsBuilder, Range, ScoredPoint, SearchParamsBuilder, UpsertPointsBuilder,
    VectorParamsBuilder,
};
use qdrant_client::{Payload, Qdrant, QdrantError};
use sha2::{Digest, Sha256};

use super::{Entry, Hit, IndexError, PassageIndex, sort_hits};
use crate::passage::{Audience, Citation, Filter};

const POINTS_PER_REQUEST: usize = 256;

/// Stands for "every product" and "every state" in a payload, where a missing field cannot be matched.
const EVERY: &str = "all";

/// Passages in one collection of a Qdrant cluster.
pub struct QdrantIndex {
    client: Qdrant,
    collection: String,
    dimensions: usize,
}

impl QdrantIndex {
    /// Connects to `url` (gRPC, usually port 6334) and creates the collection with its payload
    /// indexes if it is not there. `dimensions` is the length of the vectors to come.
    pub async fn open(
        url: &str,
        api_key: Option<&str>,
        collection: &str,
        dimensions: usize,
    ) -> Result<Self, IndexError> {
        let mut config = Qdrant::from_url(url).skip_compatibility_check();
        if let Some(key) = api_key {
            config.set_api_key(key);
        }
        let client = config.build().map_err(failed("connect"))?;
        let index = Self { client, collection: collection.to_owned(), dimensions };
        let exists = index.client.collection_exists(&index.collection).await;
        if !exists.map_err(failed("look for the collection"))? {
            index.create().await?;
        }
        Ok(index)
    }

    async fn create(&self) -> Result<(), IndexError> {
        let params = VectorParamsBuilder::new(self.dimensions as u64, Distance::Cosine);
        let request = CreateCollectionBuilder::new(&self.collection).vectors_config(params);
        self.client.create_collection(request).await.map_err(failed("create the collection"))?;
        let fields = [
            ("generation", FieldType::Keyword),
            ("document", FieldType::Keyword),
            ("audience", FieldType::Keyword),
            ("product", FieldType::Keyword),
            ("states", FieldType::Keyword),
            ("effective_on", FieldType::Integer),
            ("effective_until", FieldType::Integer),
        ];
        for (field, kind) in fields {
            let request = CreateFieldIndexCollectionBuilder::new(&self.collection, field, kind);
            self.client
                .create_field_index(request.wait(true))
                .await
                .map_err(failed("index a field"))?;
        }
        Ok(())
    }

    fn check_length(&self, vector: &[f32]) -> Result<(), IndexError> {
        if vector.len() == self.dimensions {
            return Ok(());
        }
        Err(IndexError::Dimensions { expected: self.dimensions, found: vector.len() })
    }
}

impl PassageIndex for QdrantIndex {
    fn upsert<'a>(&'a self, entries: &'a [Entry]) -> BoxFuture<'a, Result<(), IndexError>> {
        Box::pin(async move {
            for entry in entries {
                self.check_length(&entry.vector)?;
            }
            for some in entries.chunks(POINTS_PER_REQUEST) {
                let points = some.iter().map(point).collect::<Vec<_>>();
                let request = UpsertPointsBuilder::new(&self.collection, points).wait(true);
                self.client.upsert_points(request).await.map_err(failed("upsert"))?;
            }
            Ok(())
        })
    }

    fn delete_document<'a>(&'a self, document: &'a str) -> BoxFuture<'a, Result<(), IndexError>> {
        Box::pin(async move {
            let of_document =
                Conditions::must([Condition::matches("document", document.to_owned())]);
            let request = DeletePointsBuilder::new(&self.collection).points(of_document).wait(true);
            self.client.delete_points(request).await.map_err(failed("delete a document"))?;
            Ok(())
        })
    }

    fn search<'a>(
        &'a self,
        generation: &'a str,
        vector: &'a [f32],
        filter: &'a Filter,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Hit>, IndexError>> {
        Box::pin(async move {
            self.check_length(vector)?;
            let request = QueryPointsBuilder::new(&self.collection)
                .query(vector.to_vec())
                .filter(conditions(generation, filter))
                .limit(limit as u64)
                .params(SearchParamsBuilder::default().exact(true))
                .with_payload(true);
            let answer = self.client.query(request).await.map_err(failed("search"))?;
            let mut hits = answer.result.iter().filter_map(hit).collect::<Vec<_>>();
            sort_hits(&mut hits);
            Ok(hits)
        })
    }

    fn count<'a>(&'a self, generation: &'a str) -> BoxFuture<'a, Result<usize, IndexError>> {
        Box::pin(async move {
            let of_generation =
                Conditions::must([Condition::matches("generation", generation.to_owned())]);
            let request =
                CountPointsBuilder::new(&self.collection).filter(of_generation).exact(true);
            let answer = self.client.count(request).await.map_err(failed("count"))?;
            Ok(answer
                .result
                .map_or(0, |result| usize::try_from(result.count).unwrap_or(usize::MAX)))
        })
    }
}

fn failed(what: &'static str) -> impl Fn(QdrantError) -> IndexError {
    move |error| IndexError::Unavailable { what, source: Box::new(error) }
}

/// Days as an integer, so that a range can be matched.
fn days(date: NaiveDate) -> i64 {
    i64::from(date.num_days_from_ce())
}

fn point(entry: &Entry) -> PointStruct {
    let scope = &entry.scope;
    let every = || vec![EVERY.to_owned()];
    let states = if scope.states.is_empty() { every() } else { scope.states.clone() };
    let mut payload = Payload::new();
    payload.insert("generation", entry.generation.clone());
    payload.insert("document", entry.citation.document.clone());
    payload.insert("citation", entry.citation.to_string());
    payload.insert("audience", scope.audience.as_str());
    payload.insert("product", scope.product.as_deref().unwrap_or(EVERY));
    payload.insert("states", states);
    payload.insert("effective_on", days(scope.effective_on));
    payload.insert("effective_until", days(scope.effective_until.unwrap_or(NaiveDate::MAX)));
    PointStruct::new(point_id(entry), entry.vector.clone(), payload)
}

/// The same generation and citation always name the same point, so that an upsert replaces.
fn point_id(entry: &Entry) -> String {
    let name = format!("{}\n{}", entry.generation, entry.citation);
    let digits = hex::encode(Sha256::digest(name.as_bytes()));
    let mut id = String::with_capacity(36);
    for (index, digit) in digits.chars().take(32).enumerate() {
        if matches!(index, 8 | 12 | 16 | 20) {
            id.push('-');
        }
        id.push(digit);
    }
    id
}

fn conditions(generation: &str, filter: &Filter) -> Conditions {
    let readable = Audience::ALL.iter().filter(|shelf| filter.audience.may_read(**shelf));
    let readable = readable.map(|shelf| shelf.as_str().to_owned()).collect::<Vec<_>>();
    #[expect(clippy::cast_precision_loss, reason = "a count of days fits a double exactly")]
    let on = days(filter.on) as f64;
    let mut states = vec![EVERY.to_owned()];
    states.extend(filter.state.clone());
    let mut all = vec![
        Condition::matches("generation", generation.to_owned()),
        Condition::matches("audience", readable),
        Condition::matches("states", states),
        Condition::range("effective_on", Range { lte: Some(on), ..Range::default() }),
        Condition::range("effective_until", Range { gte: Some(on), ..Range::default() }),
    ];
    if let Some(product) = &filter.product {
        all.push(Condition::matches("product", vec![EVERY.to_owned(), product.clone()]));
    }
    Conditions::must(all)
}

/// A point without a readable citation is not ours, and is left out.
fn hit(point: &ScoredPoint) -> Option<Hit> {
    let citation = point.payload.get("citation")?.as_str()?.parse::<Citation>().ok()?;
    Some(Hit { citation, score: point.score })
}
