//! A loopback Qdrant: the crate's own generated server traits over a map in memory.
//!
//! It answers what the adapter asks, by the published meaning of each message, and refuses the rest,
//! an unknown condition included, so that a filter cannot be widened by not being understood.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use qdrant_client::qdrant::collections_server::{Collections, CollectionsServer};
use qdrant_client::qdrant::condition::ConditionOneOf;
use qdrant_client::qdrant::r#match::MatchValue;
use qdrant_client::qdrant::points_selector::PointsSelectorOneOf;
use qdrant_client::qdrant::points_server::{Points, PointsServer};
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::{self as q, query, vector, vector_input, vectors, vectors_config};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

#[derive(Default)]
struct Collection {
    size: u64,
    indexed: Vec<String>,
    points: Vec<q::PointStruct>,
}

#[derive(Clone, Default)]
pub(crate) struct StandIn {
    collections: Arc<Mutex<HashMap<String, Collection>>>,
}

impl StandIn {
    /// Serves on a free loopback port until the test's runtime ends; gives the address.
    pub(crate) async fn serve(self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = tonic::transport::Server::builder()
            .add_service(CollectionsServer::new(self.clone()))
            .add_service(PointsServer::new(self))
            .serve_with_incoming(TcpListenerStream::new(listener));
        #[expect(clippy::disallowed_methods, reason = "it ends with the test's own runtime")]
        drop(tokio::spawn(server));
        url
    }

    fn with<T>(
        &self,
        name: &str,
        act: impl FnOnce(&mut Collection) -> Result<T, Status>,
    ) -> Result<Response<T>, Status> {
        let mut all = self.collections.lock().unwrap();
        let collection = all.get_mut(name);
        act(collection.ok_or_else(|| Status::not_found(format!("no collection {name}")))?)
            .map(Response::new)
    }
}

fn done() -> q::PointsOperationResponse {
    let result =
        q::UpdateResult { status: q::UpdateStatus::Completed.into(), ..Default::default() };
    q::PointsOperationResponse { result: Some(result), ..Default::default() }
}

fn dense(point: &q::PointStruct) -> Result<Vec<f32>, Status> {
    let options = point.vectors.as_ref().and_then(|vectors| vectors.vectors_options.as_ref());
    let Some(vectors::VectorsOptions::Vector(found)) = options else {
        return Err(Status::invalid_argument("one unnamed vector, please"));
    };
    match &found.vector {
        Some(vector::Vector::Dense(dense)) => Ok(dense.data.clone()),
        _ => Err(Status::invalid_argument("a dense vector, please")),
    }
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn admits(filter: Option<&q::Filter>, point: &q::PointStruct) -> Result<bool, Status> {
    let Some(filter) = filter else { return Ok(true) };
    if !filter.should.is_empty() || !filter.must_not.is_empty() || filter.min_should.is_some() {
        return Err(Status::unimplemented("only must"));
    }
    for condition in &filter.must {
        let Some(ConditionOneOf::Field(field)) = &condition.condition_one_of else {
            return Err(Status::unimplemented("only field conditions"));
        };
        if !holds(field, point)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn holds(field: &q::FieldCondition, point: &q::PointStruct) -> Result<bool, Status> {
    let value = point.payload.get(&field.key).and_then(|value| value.kind.as_ref());
    if let Some(range) = &field.range {
        let Some(Kind::IntegerValue(number)) = value else { return Ok(false) };
        #[expect(clippy::cast_precision_loss, reason = "days are small numbers")]
        let number = *number as f64;
        return Ok(range.gte.is_none_or(|low| number >= low)
            && range.lte.is_none_or(|high| number <= high)
            && range.gt.is_none_or(|low| number > low)
            && range.lt.is_none_or(|high| number < high));
    }
    let wanted = match field.r#match.as_ref().and_then(|wanted| wanted.match_value.as_ref()) {
        Some(MatchValue::Keyword(word)) => std::slice::from_ref(word),
        Some(MatchValue::Keywords(words)) => &words.strings,
        _ => return Err(Status::unimplemented("only ranges and keywords")),
    };
    let held: Vec<&String> = match value {
        Some(Kind::StringValue(word)) => vec![word],
        Some(Kind::ListValue(list)) => {
            let words = list.values.iter().filter_map(|value| value.kind.as_ref());
            words
                .filter_map(|kind| if let Kind::StringValue(s) = kind { Some(s) } else { None })
                .collect()
        }
        _ => vec![],
    };
    Ok(held.iter().any(|word| wanted.contains(word)))
}

/// Writes one service: what is answered, and the names of what is refused.
macro_rules! service {
    ($service:path: { $($answered:tt)* } refuses { $($name:ident($request:ident) -> $response:ident;)* }) => {
        #[tonic::async_trait]
        impl $service for StandIn {
            $($answered)*
            $(async fn $name(&self, _: Request<q::$request>) -> Result<Response<q::$response>, Status> {
                Err(Status::unimplemented(stringify!($name)))
            })*
        }
    };
}

service!(Collections: {
    async fn collection_exists(
        &self,
        request: Request<q::CollectionExistsRequest>,
    ) -> Result<Response<q::CollectionExistsResponse>, Status> {
        let exists = self.collections.lock().unwrap().contains_key(&request.get_ref().collection_name);
        let result = Some(q::CollectionExists { exists });
        Ok(Response::new(q::CollectionExistsResponse { result, ..Default::default() }))
    }

    async fn create(
        &self,
        request: Request<q::CreateCollection>,
    ) -> Result<Response<q::CollectionOperationResponse>, Status> {
        let request = request.into_inner();
        let Some(vectors_config::Config::Params(params)) =
            request.vectors_config.and_then(|config| config.config)
        else {
            return Err(Status::invalid_argument("one unnamed vector, please"));
        };
        if params.distance != i32::from(q::Distance::Cosine) {
            return Err(Status::unimplemented("only cosine"));
        }
        let collection = Collection { size: params.size, ..Collection::default() };
        let mut all = self.collections.lock().unwrap();
        if all.insert(request.collection_name, collection).is_some() {
            return Err(Status::already_exists("the collection"));
        }
        Ok(Response::new(q::CollectionOperationResponse { result: true, ..Default::default() }))
    }
} refuses {
    get(GetCollectionInfoRequest) -> GetCollectionInfoResponse;
    list(ListCollectionsRequest) -> ListCollectionsResponse;
    update(UpdateCollection) -> CollectionOperationResponse;
    delete(DeleteCollection) -> CollectionOperationResponse;
    update_aliases(ChangeAliases) -> CollectionOperationResponse;
    list_collection_aliases(ListCollectionAliasesRequest) -> ListAliasesResponse;
    list_aliases(ListAliasesRequest) -> ListAliasesResponse;
    collection_cluster_info(CollectionClusterInfoRequest) -> CollectionClusterInfoResponse;
    update_collection_cluster_setup(UpdateCollectionClusterSetupRequest) -> UpdateCollectionClusterSetupResponse;
    create_shard_key(CreateShardKeyRequest) -> CreateShardKeyResponse;
    delete_shard_key(DeleteShardKeyRequest) -> DeleteShardKeyResponse;
    list_shard_keys(ListShardKeysRequest) -> ListShardKeysResponse;
});

service!(Points: {
    async fn upsert(
        &self,
        request: Request<q::UpsertPoints>,
    ) -> Result<Response<q::PointsOperationResponse>, Status> {
        let request = request.into_inner();
        self.with(&request.collection_name, |collection| {
            for point in request.points {
                if dense(&point)?.len() as u64 != collection.size {
                    return Err(Status::invalid_argument("wrong vector size"));
                }
                collection.points.retain(|held| held.id != point.id);
                collection.points.push(point);
            }
            Ok(done())
        })
    }

    async fn delete(
        &self,
        request: Request<q::DeletePoints>,
    ) -> Result<Response<q::PointsOperationResponse>, Status> {
        let request = request.into_inner();
        let selector = request.points.and_then(|points| points.points_selector_one_of);
        let Some(PointsSelectorOneOf::Filter(filter)) = selector else {
            return Err(Status::unimplemented("only by filter"));
        };
        self.with(&request.collection_name, |collection| {
            let mut kept = Vec::new();
            for point in collection.points.drain(..) {
                if !admits(Some(&filter), &point)? {
                    kept.push(point);
                }
            }
            collection.points = kept;
            Ok(done())
        })
    }

    async fn create_field_index(
        &self,
        request: Request<q::CreateFieldIndexCollection>,
    ) -> Result<Response<q::PointsOperationResponse>, Status> {
        let request = request.into_inner();
        self.with(&request.collection_name, |collection| {
            collection.indexed.push(request.field_name);
            Ok(done())
        })
    }

    async fn count(
        &self,
        request: Request<q::CountPoints>,
    ) -> Result<Response<q::CountResponse>, Status> {
        let request = request.into_inner();
        self.with(&request.collection_name, |collection| {
            let mut count = 0;
            for point in &collection.points {
                count += u64::from(admits(request.filter.as_ref(), point)?);
            }
            let result = Some(q::CountResult { count });
            Ok(q::CountResponse { result, ..Default::default() })
        })
    }

    async fn query(
        &self,
        request: Request<q::QueryPoints>,
    ) -> Result<Response<q::QueryResponse>, Status> {
        let request = request.into_inner();
        let variant = request.query.and_then(|query| query.variant);
        let Some(query::Variant::Nearest(q::VectorInput {
            variant: Some(vector_input::Variant::Dense(asked)),
        })) = variant
        else {
            return Err(Status::unimplemented("only the nearest to a dense vector"));
        };
        self.with(&request.collection_name, |collection| {
            if asked.data.len() as u64 != collection.size {
                return Err(Status::invalid_argument("wrong vector size"));
            }
            let mut result = Vec::new();
            for point in &collection.points {
                if admits(request.filter.as_ref(), point)? {
                    result.push(q::ScoredPoint {
                        id: point.id.clone(),
                        payload: point.payload.clone(),
                        score: cosine(&asked.data, &dense(point)?),
                        ..Default::default()
                    });
                }
            }
            result.sort_by(|a, b| b.score.total_cmp(&a.score));
            result.truncate(usize::try_from(request.limit.unwrap_or(10)).unwrap());
            Ok(q::QueryResponse { result, ..Default::default() })
        })
    }
} refuses {
    get(GetPoints) -> GetResponse;
    update_vectors(UpdatePointVectors) -> PointsOperationResponse;
    delete_vectors(DeletePointVectors) -> PointsOperationResponse;
    set_payload(SetPayloadPoints) -> PointsOperationResponse;
    overwrite_payload(SetPayloadPoints) -> PointsOperationResponse;
    delete_payload(DeletePayloadPoints) -> PointsOperationResponse;
    clear_payload(ClearPayloadPoints) -> PointsOperationResponse;
    delete_field_index(DeleteFieldIndexCollection) -> PointsOperationResponse;
    create_vector_name(CreateVectorNameRequest) -> PointsOperationResponse;
    delete_vector_name(DeleteVectorNameRequest) -> PointsOperationResponse;
    search(SearchPoints) -> SearchResponse;
    search_batch(SearchBatchPoints) -> SearchBatchResponse;
    search_groups(SearchPointGroups) -> SearchGroupsResponse;
    scroll(ScrollPoints) -> ScrollResponse;
    recommend(RecommendPoints) -> RecommendResponse;
    recommend_batch(RecommendBatchPoints) -> RecommendBatchResponse;
    recommend_groups(RecommendPointGroups) -> RecommendGroupsResponse;
    discover(DiscoverPoints) -> DiscoverResponse;
    discover_batch(DiscoverBatchPoints) -> DiscoverBatchResponse;
    update_batch(UpdateBatchPoints) -> UpdateBatchResponse;
    query_batch(QueryBatchPoints) -> QueryBatchResponse;
    query_groups(QueryPointGroups) -> QueryGroupsResponse;
    facet(FacetCounts) -> FacetResponse;
    search_matrix_pairs(SearchMatrixPoints) -> SearchMatrixPairsResponse;
    search_matrix_offsets(SearchMatrixPoints) -> SearchMatrixOffsetsResponse;
});
