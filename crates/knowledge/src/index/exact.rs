//! Every vector compared, in process. At a thousand passages a scan takes tens of microseconds.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use futures::future::{BoxFuture, ready};

use super::{Entry, Hit, IndexError, PassageIndex, sort_hits};
use crate::passage::{Citation, Filter, Scope};

type Entries = BTreeMap<(String, Citation), (Scope, Vec<f32>)>;

/// An exact index in memory.
#[derive(Debug, Default)]
pub struct ExactIndex {
    entries: RwLock<Entries>,
}

impl ExactIndex {
    /// An empty index.
    pub fn new() -> Self {
        Self::default()
    }

    fn read(&self) -> RwLockReadGuard<'_, Entries> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn insert(&self, entries: &[Entry]) -> Result<(), IndexError> {
        let held = self.read().values().next().map(|(_, vector)| vector.len());
        let expected = held.or_else(|| entries.first().map(|entry| entry.vector.len()));
        for entry in entries {
            check_length(expected, entry.vector.len())?;
        }
        let mut all = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        for entry in entries {
            let key = (entry.generation.clone(), entry.citation.clone());
            all.insert(key, (entry.scope.clone(), unit(&entry.vector)));
        }
        Ok(())
    }

    fn nearest(
        &self,
        generation: &str,
        vector: &[f32],
        filter: &Filter,
        limit: usize,
    ) -> Result<Vec<Hit>, IndexError> {
        let query = unit(vector);
        let mut hits = Vec::new();
        for ((of, citation), (scope, vector)) in self.read().iter() {
            if of != generation || !filter.admits(scope) {
                continue;
            }
            check_length(Some(vector.len()), query.len())?;
            let score = query.iter().zip(vector).map(|(a, b)| a * b).sum();
            hits.push(Hit { citation: citation.clone(), score });
        }
        sort_hits(&mut hits);
        hits.truncate(limit);
        Ok(hits)
    }
}

impl PassageIndex for ExactIndex {
    fn upsert<'a>(&'a self, entries: &'a [Entry]) -> BoxFuture<'a, Result<(), IndexError>> {
        Box::pin(ready(self.insert(entries)))
    }

    fn delete_document<'a>(&'a self, document: &'a str) -> BoxFuture<'a, Result<(), IndexError>> {
        let mut all = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|(_, citation), _| citation.document != document);
        Box::pin(ready(Ok(())))
    }

    fn search<'a>(
        &'a self,
        generation: &'a str,
        vector: &'a [f32],
        filter: &'a Filter,
        limit: usize,
    ) -> BoxFuture<'a, Result<Vec<Hit>, IndexError>> {
        Box::pin(ready(self.nearest(generation, vector, filter, limit)))
    }

    fn count<'a>(&'a self, generation: &'a str) -> BoxFuture<'a, Result<usize, IndexError>> {
        let count = self.read().keys().filter(|(of, _)| of == generation).count();
        Box::pin(ready(Ok(count)))
    }
}

fn check_length(expected: Option<usize>, found: usize) -> Result<(), IndexError> {
    match expected {
        Some(expected) if expected != found => Err(IndexError::Dimensions { expected, found }),
        _ => Ok(()),
    }
}

/// The vector of length one in the same direction.
fn unit(vector: &[f32]) -> Vec<f32> {
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if norm > 0.0 { vector.iter().map(|x| x / norm).collect() } else { vector.to_vec() }
}
