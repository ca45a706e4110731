//! Linear layers in fixed point: the one place where time is spent.
//!
//! Weights are rounded once per output, inputs once per token, each to a range chosen so that a sum over the widest layer stays
//! within `i32`. A product of `i16`s summed in `i32` is exact, the same on every machine, and what a compiler vectorises best
//! without a target feature. Against double precision the embedding keeps a cosine above 0.999 (`tests/reference.rs`).

use crate::EncoderError;
use crate::safetensors::Tensors;

/// Largest rounded weight and largest rounded input: `WEIGHT_MAX · INPUT_MAX · 1536 < 2^31`.
const WEIGHT_MAX: f32 = 511.0;
const INPUT_MAX: f32 = 2047.0;

/// `weight · x + bias`.
#[derive(Debug)]
pub(crate) struct Linear {
    input: usize,
    /// Row after row, one row per output.
    weight: Vec<i16>,
    /// What one unit of a row is worth.
    scale: Vec<f32>,
    bias: Vec<f32>,
}

impl Linear {
    /// Reads the named layers, which share an input, and stacks their outputs.
    pub(crate) fn parse(
        tensors: &Tensors<'_>,
        names: &[String],
        output: usize,
        input: usize,
    ) -> Result<Self, EncoderError> {
        let mut layer = Self { input, weight: Vec::new(), scale: Vec::new(), bias: Vec::new() };
        for name in names {
            layer.push_rows(&tensors.floats(&format!("{name}.weight"), &[output, input])?);
            layer.bias.extend(tensors.floats(&format!("{name}.bias"), &[output])?);
        }
        Ok(layer)
    }

    fn push_rows(&mut self, floats: &[f32]) {
        for row in floats.chunks_exact(self.input) {
            self.scale.push(round_into(&mut self.weight, row, WEIGHT_MAX));
        }
    }

    /// The outputs for each row of `x`, row after row.
    pub(crate) fn apply(&self, x: &[f32]) -> Vec<f32> {
        let mut rounded = Vec::with_capacity(x.len());
        let scales: Vec<f32> = x
            .chunks_exact(self.input)
            .map(|row| round_into(&mut rounded, row, INPUT_MAX))
            .collect();
        let width = self.scale.len();
        let mut y = vec![0.0; scales.len() * width];
        let outputs = self.weight.chunks_exact(self.input).zip(&self.scale).zip(&self.bias);
        for (output, ((weight, scale), bias)) in outputs.enumerate() {
            let places = y.iter_mut().skip(output).step_by(width);
            for ((place, sum), of_row) in places.zip(dots(weight, &rounded)).zip(&scales) {
                *place = as_float(sum) * scale * of_row + bias;
            }
        }
        y
    }
}

/// Appends the row rounded so that its largest number becomes `most`; returns what one unit is worth.
fn round_into(rounded: &mut Vec<i16>, row: &[f32], most: f32) -> f32 {
    let largest = row.iter().fold(f32::MIN_POSITIVE, |largest, x| largest.max(x.abs()));
    let scale = most / largest;
    rounded.extend(row.iter().map(|x| to_i16(x * scale)));
    scale.recip()
}

/// The product of one row of weights with each row of `x`.
fn dots(weight: &[i16], x: &[i16]) -> impl Iterator<Item = i32> {
    let width = weight.len();
    let blocks = x.chunks_exact(4 * width);
    let rest = blocks.remainder().chunks_exact(width).map(move |row| dot(weight, row));
    blocks.flat_map(move |block| dot_four(weight, block)).chain(rest)
}

/// Four rows at once, so that a weight is loaded and widened once for all of them.
fn dot_four(weight: &[i16], block: &[i16]) -> [i32; 4] {
    let (front, back) = block.split_at(2 * weight.len());
    let ((a, b), (c, d)) = (front.split_at(weight.len()), back.split_at(weight.len()));
    let rows = weight.iter().zip(a).zip(b).zip(c).zip(d);
    let (a, b, c, d) =
        rows.fold((0_i32, 0_i32, 0_i32, 0_i32), |sums, ((((weight, a), b), c), d)| {
            let product = |x: &i16| i32::from(*weight).wrapping_mul(i32::from(*x));
            (
                sums.0.wrapping_add(product(a)),
                sums.1.wrapping_add(product(b)),
                sums.2.wrapping_add(product(c)),
                sums.3.wrapping_add(product(d)),
            )
        });
    [a, b, c, d]
}

fn dot(a: &[i16], b: &[i16]) -> i32 {
    a.iter()
        .zip(b)
        .fold(0_i32, |sum, (a, b)| sum.wrapping_add(i32::from(*a).wrapping_mul(i32::from(*b))))
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` saturates, and the range was chosen to fit"
)]
fn to_i16(x: f32) -> i16 {
    (x + 0.5_f32.copysign(x)) as i16
}

#[expect(
    clippy::cast_precision_loss,
    reason = "one part in 2^24 of a sum that was rounded more coarsely"
)]
fn as_float(sum: i32) -> f32 {
    sum as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_those_of_exact_arithmetic_to_a_part_in_a_thousand() {
        let mut layer =
            Linear { input: 3, weight: Vec::new(), scale: Vec::new(), bias: vec![0.5, -1.0] };
        layer.push_rows(&[1.0, 2.0, 3.0, -1.0, 0.5, 0.25]);
        let y = layer.apply(&[1.0, 1.0, 1.0, 0.0, 2.0, -4.0]);
        for (ours, exact) in y.iter().zip([6.5, -1.25, -7.5, -1.0]) {
            assert!((ours - exact).abs() < 0.01, "{ours} is not {exact}");
        }
    }

    #[test]
    fn rows_taken_four_at_a_time_and_alone_give_the_same_sums() {
        let weight: Vec<i16> = (0..8).collect();
        let x: Vec<i16> = (0..8 * 7).collect();
        let alone: Vec<i32> = x.chunks_exact(8).map(|row| dot(&weight, row)).collect();
        assert_eq!(dots(&weight, &x).collect::<Vec<_>>(), alone);
    }

    #[test]
    fn the_largest_possible_sum_does_not_wrap() {
        let weight = vec![to_i16(WEIGHT_MAX); 1536];
        let row = vec![to_i16(INPUT_MAX); 1536];
        assert_eq!(i64::from(dot(&weight, &row)), 511 * 2047 * 1536);
    }
}
