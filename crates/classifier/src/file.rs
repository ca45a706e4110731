//! The file of weights: little-endian, in the order of the hashes.
//!
//! `linear 1\n`, the digest of the source and a line feed; the labels (name and line feed, threshold, bias, step); the
//! features (the hash's distance from the one before, how many weights, then a label and its steps for each).

use crate::model::{Label, Model, Weight};

const HEAD: &[u8] = b"linear 1\n";

/// Why bytes are no model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModelError {
    #[error("the file of weights does not begin as one")]
    Head,
    #[error("the file of weights ends early or holds what no trainer writes")]
    Body,
}

impl Model {
    /// Reads what [`Model::to_bytes`] wrote.
    pub fn parse(bytes: &[u8]) -> Result<Self, ModelError> {
        let mut rest = Bytes(bytes.strip_prefix(HEAD).ok_or(ModelError::Head)?);
        let source = rest.line()?;
        let labels = (0..rest.byte()?).map(|_| rest.label()).collect::<Result<Vec<_>, _>>()?;
        let count = u32::from_le_bytes(rest.take()?);
        let (mut hashes, mut starts, mut weights) = (Vec::new(), vec![0], Vec::new());
        let mut hash = 0_u32;
        for _ in 0..count {
            hash = hash.checked_add(rest.distance()?).ok_or(ModelError::Body)?;
            for _ in 0..rest.byte()? {
                let weight = Weight { label: rest.byte()?, steps: i8::from_le_bytes(rest.take()?) };
                weights.push(weight);
            }
            hashes.push(hash);
            starts.push(u32::try_from(weights.len()).map_err(|_| ModelError::Body)?);
        }
        let sorted = hashes.is_sorted_by(|a, b| a < b);
        let known = weights.iter().all(|weight| usize::from(weight.label) < labels.len());
        if !(rest.0.is_empty() && sorted && known) {
            return Err(ModelError::Body);
        }
        Ok(Self { source, labels, hashes, starts, weights })
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [HEAD, self.source.as_bytes(), b"\n"].concat();
        bytes.push(self.labels.len() as u8);
        for label in &self.labels {
            bytes.extend(label.name.as_bytes());
            bytes.push(b'\n');
            for number in [label.threshold, label.bias, label.step] {
                bytes.extend(number.to_le_bytes());
            }
        }
        bytes.extend((self.hashes.len() as u32).to_le_bytes());
        let mut before = 0;
        for (hash, bounds) in self.hashes.iter().zip(self.starts.windows(2)) {
            let [from, to] = *bounds else { continue };
            let weights = self.weights.get(from as usize..to as usize).unwrap_or_default();
            write_distance(hash - before, &mut bytes);
            bytes.push(weights.len() as u8);
            bytes.extend(weights.iter().flat_map(|weight| [weight.label, weight.steps as u8]));
            before = *hash;
        }
        bytes
    }
}

/// Seven bits a byte, the lowest first; the last byte is below 128.
fn write_distance(mut distance: u32, bytes: &mut Vec<u8>) {
    while distance >= 0x80 {
        bytes.push((distance & 0x7f) as u8 | 0x80);
        distance >>= 7;
    }
    bytes.push(distance as u8);
}

struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], ModelError> {
        let (taken, rest) = self.0.split_first_chunk::<N>().ok_or(ModelError::Body)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn byte(&mut self) -> Result<u8, ModelError> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn line(&mut self) -> Result<String, ModelError> {
        let end = self.0.iter().position(|byte| *byte == b'\n').ok_or(ModelError::Body)?;
        let (line, rest) = self.0.split_at(end);
        self.0 = rest.strip_prefix(b"\n").ok_or(ModelError::Body)?;
        String::from_utf8(line.to_vec()).map_err(|_| ModelError::Body)
    }

    fn label(&mut self) -> Result<Label, ModelError> {
        let name = self.line()?;
        let mut number = || self.take().map(f32::from_le_bytes);
        Ok(Label { name, threshold: number()?, bias: number()?, step: number()? })
    }

    fn distance(&mut self) -> Result<u32, ModelError> {
        let mut distance = 0_u32;
        for place in 0..5 {
            let byte = self.byte()?;
            distance |= u32::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Ok(distance);
            }
        }
        Err(ModelError::Body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Line, Thesaurus, fit, sentences};

    fn model() -> Model {
        let line = |labels: &[usize], text: &str| Line {
            labels: labels.to_vec(),
            sentences: sentences(text),
        };
        let lines = [
            line(&[0], "I want a lawyer"),
            line(&[0], "my lawyer wants this"),
            line(&[1], "stop calling me"),
            line(&[1], "please stop calling"),
            line(&[], "what is my balance"),
            line(&[], "what is my due date"),
        ];
        fit(&lines, &["lawyer", "calls"], &Thesaurus::default(), "digest")
    }

    #[test]
    fn a_model_is_read_as_it_was_written() {
        let model = model();
        let bytes = model.to_bytes();
        assert_eq!(Model::parse(&bytes), Ok(model));
    }

    #[test]
    fn bytes_that_are_cut_or_longer_are_no_model() {
        let bytes = model().to_bytes();
        let longer = [bytes.as_slice(), b"x"].concat();
        assert_eq!(Model::parse(&longer), Err(ModelError::Body));
        assert_eq!(Model::parse(b"nonsense"), Err(ModelError::Head));
        for end in HEAD.len()..bytes.len() {
            assert_eq!(Model::parse(&bytes[..end]), Err(ModelError::Body), "{end}");
        }
    }
}
