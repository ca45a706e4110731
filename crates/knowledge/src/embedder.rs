//! What turns text into vectors. The service behind it is a matter of wiring; this crate needs only
//! its name, which is part of the served configuration, and its answers.

use futures::future::BoxFuture;

/// One vector for each text, in order, all of one length.
pub type Vectors = Vec<Vec<f32>>;

/// A source of sentence embeddings.
pub trait Embedder: Send + Sync {
    /// Names the model and its weights. Vectors of two embedders are never compared, so two that
    /// answer differently must be named differently.
    fn name(&self) -> &str;

    /// Embeds what a person asked. Not kept anywhere: a vector of a question is the person's.
    fn embed<'a>(&'a self, texts: &'a [String]) -> BoxFuture<'a, Result<Vectors, EmbedError>>;

    /// Embeds our own passages. A cache answers these without asking again.
    fn embed_passages<'a>(
        &'a self,
        texts: &'a [String],
    ) -> BoxFuture<'a, Result<Vectors, EmbedError>> {
        self.embed(texts)
    }
}

/// An embedding service on the `OpenAI` wire. It is named by its model.
impl Embedder for llm::Embeddings {
    fn name(&self) -> &str {
        self.model()
    }

    fn embed<'a>(&'a self, texts: &'a [String]) -> BoxFuture<'a, Result<Vectors, EmbedError>> {
        Box::pin(async move {
            Self::embed(self, texts).await.map_err(|error| EmbedError::Unavailable(Box::new(error)))
        })
    }
}

/// Why there are no vectors.
#[derive(Debug, thiserror::Error)]
pub enum EmbedError {
    /// The service did not answer. Search goes on by wording alone.
    #[error("the embedder did not answer")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),

    /// It answered something that is not one vector of one length for each text.
    #[error("the embedder's answer is malformed: {0}")]
    Malformed(String),
}

/// Refuses an answer that could not be compared with others.
pub(crate) fn check(texts: usize, vectors: Vectors) -> Result<Vectors, EmbedError> {
    if vectors.len() != texts {
        let problem = format!("{} vectors for {texts} texts", vectors.len());
        return Err(EmbedError::Malformed(problem));
    }
    let length = vectors.first().map_or(0, Vec::len);
    for vector in &vectors {
        if vector.len() != length || length == 0 {
            let problem = format!("vectors of {} and {length} numbers", vector.len());
            return Err(EmbedError::Malformed(problem));
        }
        if !vector.iter().all(|x| x.is_finite()) || vector.iter().all(|x| *x == 0.0) {
            return Err(EmbedError::Malformed("a vector without a direction".to_owned()));
        }
    }
    Ok(vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_vector_of_one_length_and_a_direction_for_each_text_passes() {
        let nan = f32::NAN;
        let cases: [(usize, Vectors, bool); 7] = [
            (2, vec![vec![1.0, 0.0], vec![0.5, 0.5]], true),
            (0, vec![], true),
            (2, vec![vec![1.0, 0.0]], false),
            (2, vec![vec![1.0, 0.0], vec![1.0]], false),
            (1, vec![vec![]], false),
            (1, vec![vec![nan, 1.0]], false),
            (1, vec![vec![0.0, 0.0]], false),
        ];
        for (texts, vectors, passes) in cases {
            assert_eq!(check(texts, vectors.clone()).is_ok(), passes, "{vectors:?}");
        }
    }
}
