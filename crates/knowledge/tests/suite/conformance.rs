//! The contract of `PassageIndex`, held by every index: in process, Qdrant's client against a
//! loopback stand-in, and Qdrant itself when `QDRANT_URL` names one.

use std::sync::Arc;

use crate::stand_in::StandIn;
use knowledge::index::{Entry, ExactIndex, IndexError, PassageIndex, QdrantIndex};
use knowledge::{Audience, Filter, Scope};

type Index = Arc<dyn PassageIndex>;

async fn each(contract: impl AsyncFn(Index)) {
    contract(Arc::new(ExactIndex::new())).await;
    let url = StandIn::default().serve().await;
    contract(Arc::new(QdrantIndex::open(&url, None, "passages", 3).await.unwrap())).await;
    #[expect(clippy::disallowed_methods, reason = "a test takes its server from the environment")]
    let Ok(url) = std::env::var("QDRANT_URL") else {
        println!("SKIPPED against a real Qdrant: QDRANT_URL is not set");
        return;
    };
    let name = format!("plumbline_conformance_{}", std::process::id());
    contract(Arc::new(QdrantIndex::open(&url, None, &name, 3).await.unwrap())).await;
}

fn entry(citation: &str, audience: Audience, vector: [f32; 3]) -> Entry {
    Entry {
        generation: "g1".to_owned(),
        citation: citation.parse().unwrap(),
        scope: Scope {
            audience,
            effective_on: "2025-01-01".parse().unwrap(),
            effective_until: None,
            product: None,
            states: vec![],
        },
        vector: vector.to_vec(),
    }
}

fn filter(audience: Audience, on: &str) -> Filter {
    Filter { audience, on: on.parse().unwrap(), product: None, state: None }
}

async fn names(index: &Index, vector: [f32; 3], filter: &Filter, limit: usize) -> Vec<String> {
    let hits = index.search("g1", &vector, filter, limit).await.unwrap();
    hits.iter().map(|hit| hit.citation.to_string()).collect()
}

#[tokio::test]
async fn the_nearest_come_first_with_their_cosine_whatever_their_length() {
    each(async |index| {
        let entries = [
            entry("a@1#x", Audience::Consumer, [10.0, 0.0, 0.0]),
            entry("b@1#x", Audience::Consumer, [1.0, 1.0, 0.0]),
            entry("c@1#x", Audience::Consumer, [0.0, 0.0, 2.0]),
        ];
        index.upsert(&entries).await.unwrap();
        assert_eq!(index.count("g1").await.unwrap(), 3);
        let everyone = filter(Audience::Consumer, "2025-06-01");
        let hits = index.search("g1", &[0.5, 0.0, 0.0], &everyone, 2).await.unwrap();
        let found: Vec<_> = hits.iter().map(|hit| hit.citation.to_string()).collect();
        assert_eq!(found, ["a@1#x", "b@1#x"]);
        assert!((hits[0].score - 1.0).abs() < 1e-5);
        assert!((hits[1].score - 0.5_f32.sqrt()).abs() < 1e-5);
    })
    .await;
}

#[tokio::test]
async fn equal_scores_are_ordered_by_citation() {
    each(async |index| {
        let entries = ["c@1#x", "a@1#x", "b@1#y", "b@1#x"]
            .map(|name| entry(name, Audience::Consumer, [1.0, 0.0, 0.0]));
        index.upsert(&entries).await.unwrap();
        let everyone = filter(Audience::Consumer, "2025-06-01");
        let found = names(&index, [1.0, 0.0, 0.0], &everyone, 9).await;
        assert_eq!(found, ["a@1#x", "b@1#x", "b@1#y", "c@1#x"]);
    })
    .await;
}

#[tokio::test]
async fn an_entry_put_twice_is_there_once_and_the_later_counts() {
    each(async |index| {
        let everyone = filter(Audience::Staff, "2025-06-01");
        index.upsert(&[entry("a@1#x", Audience::Consumer, [1.0, 0.0, 0.0])]).await.unwrap();
        index.upsert(&[entry("a@1#x", Audience::Staff, [0.0, 1.0, 0.0])]).await.unwrap();
        assert_eq!(index.count("g1").await.unwrap(), 1);
        let hits = index.search("g1", &[0.0, 1.0, 0.0], &everyone, 9).await.unwrap();
        assert!((hits[0].score - 1.0).abs() < 1e-5);
        let consumer = filter(Audience::Consumer, "2025-06-01");
        assert!(names(&index, [0.0, 1.0, 0.0], &consumer, 9).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn no_limit_is_filled_from_another_audience() {
    each(async |index| {
        let mut entries = vec![entry("open@1#x", Audience::Consumer, [0.0, 0.1, 1.0])];
        for n in 0..40 {
            let audience = if n % 2 == 0 { Audience::Staff } else { Audience::Internal };
            entries.push(entry(&format!("secret-{n}@1#x"), audience, [1.0, 0.0, 0.0]));
        }
        index.upsert(&entries).await.unwrap();
        let nearest_to_secrets = [1.0, 0.0, 0.0];
        let consumer = filter(Audience::Consumer, "2025-06-01");
        assert_eq!(names(&index, nearest_to_secrets, &consumer, 5).await, ["open@1#x"]);
        let staff = filter(Audience::Staff, "2025-06-01");
        assert_eq!(names(&index, nearest_to_secrets, &staff, 99).await.len(), 21);
        let internal = filter(Audience::Internal, "2025-06-01");
        assert_eq!(names(&index, nearest_to_secrets, &internal, 99).await.len(), 41);
    })
    .await;
}

#[tokio::test]
async fn dates_products_and_states_are_filtered_as_the_filter_itself_says() {
    each(async |index| {
        let until = |date: &str| Some(date.parse().unwrap());
        let mut entries = Vec::new();
        for (name, last, product, states) in [
            ("old@1#x", until("2025-03-29"), None, vec![]),
            ("open@1#x", None, None, vec![]),
            ("std@1#x", None, Some("STD"), vec![]),
            ("sub@1#x", None, Some("SUB"), vec![]),
            ("al@1#x", None, None, vec!["AL", "NE"]),
            ("both@1#x", until("2026-01-01"), Some("STD"), vec!["NE"]),
        ] {
            let mut entry = entry(name, Audience::Consumer, [1.0, 0.0, 0.0]);
            entry.scope.effective_until = last;
            entry.scope.product = product.map(str::to_owned);
            entry.scope.states = states.into_iter().map(str::to_owned).collect();
            entries.push(entry);
        }
        index.upsert(&entries).await.unwrap();
        for on in
            ["2024-12-31", "2025-01-01", "2025-03-29", "2025-03-30", "2026-01-01", "2026-01-02"]
        {
            for product in [None, Some("STD"), Some("SUB"), Some("all"), Some("")] {
                for state in [None, Some("AL"), Some("NE"), Some("TX"), Some("all")] {
                    let filter = Filter {
                        audience: Audience::Consumer,
                        on: on.parse().unwrap(),
                        product: product.map(str::to_owned),
                        state: state.map(str::to_owned),
                    };
                    let mut wanted: Vec<_> = entries
                        .iter()
                        .filter(|entry| filter.admits(&entry.scope))
                        .map(|entry| entry.citation.to_string())
                        .collect();
                    wanted.sort();
                    let found = names(&index, [1.0, 0.0, 0.0], &filter, 99).await;
                    assert_eq!(found, wanted, "{filter:?}");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn deleting_a_document_removes_all_of_it_and_nothing_else() {
    each(async |index| {
        let mut entries = ["late@1#x", "late@2#x", "late@2#y", "late-fee@1#x"]
            .map(|name| entry(name, Audience::Consumer, [1.0, 0.0, 0.0]))
            .to_vec();
        let mut other = entries[0].clone();
        other.generation = "g2".to_owned();
        entries.push(other);
        index.upsert(&entries).await.unwrap();
        assert_eq!(index.count("g1").await.unwrap(), 4);
        assert_eq!(index.count("g2").await.unwrap(), 1);
        index.delete_document("late").await.unwrap();
        index.delete_document("never-there").await.unwrap();
        assert_eq!(index.count("g1").await.unwrap(), 1);
        assert_eq!(index.count("g2").await.unwrap(), 0);
        let everyone = filter(Audience::Consumer, "2025-06-01");
        assert_eq!(names(&index, [1.0, 0.0, 0.0], &everyone, 9).await, ["late-fee@1#x"]);
    })
    .await;
}

#[tokio::test]
async fn one_generation_is_not_seen_in_another() {
    each(async |index| {
        let mut other = entry("a@1#x", Audience::Consumer, [1.0, 0.0, 0.0]);
        index.upsert(std::slice::from_ref(&other)).await.unwrap();
        other.generation = "g2".to_owned();
        other.citation = "b@1#x".parse().unwrap();
        index.upsert(&[other]).await.unwrap();
        let everyone = filter(Audience::Consumer, "2025-06-01");
        assert_eq!(names(&index, [1.0, 0.0, 0.0], &everyone, 9).await, ["a@1#x"]);
    })
    .await;
}

#[tokio::test]
async fn a_vector_of_another_length_is_refused_with_both_lengths() {
    each(async |index| {
        index.upsert(&[entry("a@1#x", Audience::Consumer, [1.0, 0.0, 0.0])]).await.unwrap();
        let mut short = entry("b@1#x", Audience::Consumer, [1.0, 0.0, 0.0]);
        short.vector.pop();
        let error = index.upsert(&[short]).await.unwrap_err();
        assert!(matches!(error, IndexError::Dimensions { expected: 3, found: 2 }), "{error}");
        let everyone = filter(Audience::Consumer, "2025-06-01");
        let error = index.search("g1", &[1.0; 4], &everyone, 9).await.unwrap_err();
        assert!(matches!(error, IndexError::Dimensions { expected: 3, found: 4 }), "{error}");
        assert_eq!(index.count("g1").await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_empty_index_finds_nothing() {
    each(async |index| {
        let everyone = filter(Audience::Internal, "2025-06-01");
        assert!(names(&index, [1.0, 0.0, 0.0], &everyone, 9).await.is_empty());
        assert_eq!(index.count("g1").await.unwrap(), 0);
        index.upsert(&[]).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_qdrant_that_is_not_there_is_an_error_that_says_what_was_asked() {
    let opened = QdrantIndex::open("http://127.0.0.1:9", None, "passages", 3).await;
    let error = opened.err().unwrap();
    assert!(error.to_string().contains("look for the collection"), "{error}");
}

#[tokio::test]
async fn a_collection_that_exists_is_opened_as_it_is() {
    let url = StandIn::default().serve().await;
    let first = QdrantIndex::open(&url, None, "passages", 3).await.unwrap();
    first.upsert(&[entry("a@1#x", Audience::Consumer, [1.0, 0.0, 0.0])]).await.unwrap();
    let second = QdrantIndex::open(&url, None, "passages", 3).await.unwrap();
    assert_eq!(second.count("g1").await.unwrap(), 1);
}
