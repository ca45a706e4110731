//! The network: embeddings, six transformer layers, mean pooling.
//!
//! The tokens of a batch stand below one another without padding, so that a linear layer reads its weights once per batch; only
//! attention looks at each text by itself.

use crate::EncoderError;
use crate::linear::Linear;
use crate::safetensors::Tensors;

pub(crate) const HIDDEN: usize = 384;
const INNER: usize = 1536;
const HEADS: usize = 12;
const HEAD: usize = HIDDEN / HEADS;
const LAYERS: usize = 6;
const VOCABULARY: usize = 30_522;
const POSITIONS: usize = 512;
const EPSILON: f32 = 1e-12;

#[derive(Debug)]
pub(crate) struct Network {
    words: Vec<f32>,
    /// Position embeddings, the embedding of the only segment already added.
    positions: Vec<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

#[derive(Debug)]
struct Layer {
    /// Query, key and value in one.
    attend: Linear,
    project: Linear,
    attend_norm: Norm,
    widen: Linear,
    narrow: Linear,
    norm: Norm,
}

#[derive(Debug)]
struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
}

impl Network {
    pub(crate) fn parse(model: &[u8]) -> Result<Self, EncoderError> {
        let tensors = Tensors::parse(model)?;
        let segments = tensors.floats("embeddings.token_type_embeddings.weight", &[2, HIDDEN])?;
        let mut positions =
            tensors.floats("embeddings.position_embeddings.weight", &[POSITIONS, HIDDEN])?;
        for row in positions.chunks_exact_mut(HIDDEN) {
            add(row, &segments);
        }
        Ok(Self {
            words: tensors.floats("embeddings.word_embeddings.weight", &[VOCABULARY, HIDDEN])?,
            positions,
            norm: Norm::parse(&tensors, "embeddings.LayerNorm")?,
            layers: (0..LAYERS).map(|n| Layer::parse(&tensors, n)).collect::<Result<_, _>>()?,
        })
    }

    /// One unit vector per text.
    pub(crate) fn forward(&self, texts: &[Vec<u32>]) -> Vec<Vec<f32>> {
        let mut x = self.embed(texts);
        for layer in &self.layers {
            x = layer.forward(&x, texts);
        }
        let mut rest = x.as_slice();
        texts.iter().map(|ids| pool(take_rows(&mut rest, ids.len(), HIDDEN))).collect()
    }

    fn embed(&self, texts: &[Vec<u32>]) -> Vec<f32> {
        let mut x = Vec::new();
        for ids in texts {
            for (id, position) in ids.iter().zip(self.positions.chunks_exact(HIDDEN)) {
                let id = usize::try_from(*id).unwrap_or(0).min(VOCABULARY - 1);
                let word = self.words.get(id * HIDDEN..(id + 1) * HIDDEN).unwrap_or_default();
                x.extend(word.iter().zip(position).map(|(word, position)| word + position));
            }
        }
        self.norm.apply(&mut x);
        x
    }
}

impl Layer {
    fn parse(tensors: &Tensors<'_>, n: usize) -> Result<Self, EncoderError> {
        let at = |name: &str| format!("encoder.layer.{n}.{name}");
        let attend = ["query", "key", "value"].map(|part| at(&format!("attention.self.{part}")));
        Ok(Self {
            attend: Linear::parse(tensors, &attend, HIDDEN, HIDDEN)?,
            project: Linear::parse(tensors, &[at("attention.output.dense")], HIDDEN, HIDDEN)?,
            attend_norm: Norm::parse(tensors, &at("attention.output.LayerNorm"))?,
            widen: Linear::parse(tensors, &[at("intermediate.dense")], INNER, HIDDEN)?,
            narrow: Linear::parse(tensors, &[at("output.dense")], HIDDEN, INNER)?,
            norm: Norm::parse(tensors, &at("output.LayerNorm"))?,
        })
    }

    fn forward(&self, x: &[f32], texts: &[Vec<u32>]) -> Vec<f32> {
        let mixed = self.attend.apply(x);
        let mut rest = mixed.as_slice();
        let mut context = Vec::with_capacity(x.len());
        for ids in texts {
            attention(take_rows(&mut rest, ids.len(), 3 * HIDDEN), &mut context);
        }
        let mut attended = self.project.apply(&context);
        add(&mut attended, x);
        self.attend_norm.apply(&mut attended);
        let mut inner = self.widen.apply(&attended);
        for value in &mut inner {
            *value = gelu(*value);
        }
        let mut output = self.narrow.apply(&inner);
        add(&mut output, &attended);
        self.norm.apply(&mut output);
        output
    }
}

impl Norm {
    fn parse(tensors: &Tensors<'_>, name: &str) -> Result<Self, EncoderError> {
        Ok(Self {
            weight: tensors.floats(&format!("{name}.weight"), &[HIDDEN])?,
            bias: tensors.floats(&format!("{name}.bias"), &[HIDDEN])?,
        })
    }

    fn apply(&self, x: &mut [f32]) {
        let width = as_float(HIDDEN);
        for row in x.chunks_exact_mut(HIDDEN) {
            let mean = row.iter().sum::<f32>() / width;
            for value in row.iter_mut() {
                *value -= mean;
            }
            let scale = (dot(row, row) / width + EPSILON).sqrt().recip();
            for ((value, weight), bias) in row.iter_mut().zip(&self.weight).zip(&self.bias) {
                *value = *value * scale * weight + bias;
            }
        }
    }
}

/// Scaled dot-product attention of one text, whose rows hold query, key and value side by side. Appends a row per token.
fn attention(mixed: &[f32], context: &mut Vec<f32>) {
    let scale = as_float(HEAD).sqrt().recip();
    let rows = || mixed.chunks_exact(3 * HIDDEN);
    let mut scores = Vec::new();
    for query in rows() {
        for head in 0..HEADS {
            let part = |row: &'_ [f32], part: usize| -> [f32; HEAD] {
                let start = part * HIDDEN + head * HEAD;
                row.get(start..).and_then(|row| row.first_chunk()).copied().unwrap_or([0.0; HEAD])
            };
            let query = part(query, 0);
            scores.clear();
            scores.extend(rows().map(|key| dot(&query, &part(key, 1)) * scale));
            let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let mut mixture = [0.0; HEAD];
            let mut total = 0.0;
            for (score, row) in scores.iter().zip(rows()) {
                let weight = (score - most).exp();
                total += weight;
                for (sum, value) in mixture.iter_mut().zip(part(row, 2)) {
                    *sum += weight * value;
                }
            }
            context.extend(mixture.iter().map(|sum| sum / total));
        }
    }
}

fn take_rows<'a>(rest: &mut &'a [f32], rows: usize, width: usize) -> &'a [f32] {
    let (taken, left) = rest.split_at_checked(rows * width).unwrap_or((rest, &[]));
    *rest = left;
    taken
}

fn add(x: &mut [f32], other: &[f32]) {
    x.iter_mut().zip(other).for_each(|(x, other)| *x += other);
}

/// A dot product in eight lanes, which the compiler can keep in registers.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut lanes = [0.0_f32; 8];
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    for (a, b) in a.iter().zip(b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a * b;
        }
    }
    lanes.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

/// The mean of a text's tokens, scaled to unit length.
fn pool(x: &[f32]) -> Vec<f32> {
    let mut sum = vec![0.0; HIDDEN];
    x.chunks_exact(HIDDEN).for_each(|row| add(&mut sum, row));
    let length = dot(&sum, &sum).sqrt().max(f32::MIN_POSITIVE);
    sum.iter().map(|value| value / length).collect()
}

/// `x · Φ(x)` with the exact normal distribution, as the model was trained.
fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// Abramowitz and Stegun 7.1.26; error below 1.5e-7, which is the precision of f32.
fn erf(x: f32) -> f32 {
    let t = (1.0 + 0.327_591_1 * x.abs()).recip();
    let series = ((((1.061_405_4 * t - 1.453_152_1) * t) + 1.421_413_8) * t - 0.284_496_72) * t
        + 0.254_829_6;
    (1.0 - series * t * (-x * x).exp()).copysign(x)
}

#[expect(clippy::cast_precision_loss, reason = "only layer widths, far below 2^24")]
fn as_float(n: usize) -> f32 {
    n as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_function_agrees_with_its_table() {
        let table = [
            (0.0, 0.0),
            (0.5, 0.520_499_9),
            (1.0, 0.842_700_8),
            (2.0, 0.995_322_3),
            (-1.0, -0.842_700_8),
        ];
        for (x, expected) in table {
            assert!((erf(x) - expected).abs() < 1e-6, "erf({x})");
        }
    }

    #[test]
    fn a_norm_leaves_mean_zero_and_variance_one() {
        let norm = Norm { weight: vec![1.0; HIDDEN], bias: vec![0.0; HIDDEN] };
        let mut x: Vec<f32> = (0..HIDDEN).map(as_float).collect();
        norm.apply(&mut x);
        assert!(x.iter().sum::<f32>().abs() < 1e-3);
        assert!((dot(&x, &x) / as_float(HIDDEN) - 1.0).abs() < 1e-4);
    }

    #[test]
    fn attention_over_equal_keys_is_the_mean_of_the_values() {
        let mut mixed = vec![0.0; 2 * 3 * HIDDEN];
        mixed[2 * HIDDEN] = 1.0;
        mixed[5 * HIDDEN] = 3.0;
        let mut context = Vec::new();
        attention(&mixed, &mut context);
        assert_eq!((context.len(), context[0], context[1]), (2 * HIDDEN, 2.0, 0.0));
    }
}
