//! The safetensors format: an eight-byte little-endian length, a JSON header of that length, then the raw tensors.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use crate::EncoderError;

/// A parsed header over borrowed bytes; tensors are copied out on request.
pub(crate) struct Tensors<'a> {
    header: HashMap<String, Value>,
    body: &'a [u8],
}

#[derive(Deserialize)]
struct Entry {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: (usize, usize),
}

impl<'a> Tensors<'a> {
    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, EncoderError> {
        let (length, rest) = bytes
            .split_first_chunk::<8>()
            .ok_or_else(|| EncoderError::Header("shorter than eight bytes".into()))?;
        let length = usize::try_from(u64::from_le_bytes(*length)).unwrap_or(usize::MAX);
        if length > rest.len() {
            return Err(EncoderError::Header(format!(
                "{length} bytes announced, {} present",
                rest.len()
            )));
        }
        let (header, body) = rest.split_at(length);
        let header = serde_json::from_slice(header)
            .map_err(|error| EncoderError::Header(error.to_string()))?;
        Ok(Self { header, body })
    }

    /// The numbers of a tensor of exactly this shape, row after row.
    pub(crate) fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, EncoderError> {
        let fail = |reason: String| EncoderError::Tensor { name: name.into(), reason };
        let entry = self.header.get(name).ok_or_else(|| fail("it is absent".into()))?;
        let entry = Entry::deserialize(entry).map_err(|error| fail(error.to_string()))?;
        if entry.dtype != "F32" || entry.shape != shape {
            return Err(fail(format!(
                "expected F32 {shape:?}, found {} {:?}",
                entry.dtype, entry.shape
            )));
        }
        let (start, end) = entry.data_offsets;
        let bytes =
            self.body.get(start..end).ok_or_else(|| fail("it ends beyond the file".into()))?;
        let floats: Vec<f32> =
            bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
        if floats.len() != shape.iter().product::<usize>() {
            return Err(fail(format!("{} numbers do not fill {shape:?}", floats.len())));
        }
        Ok(floats)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, body: &[u8]) -> Vec<u8> {
        let mut bytes = u64::try_from(header.len()).unwrap().to_le_bytes().to_vec();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(body);
        bytes
    }

    #[test]
    fn a_tensor_is_read_back_in_row_order() {
        let body: Vec<u8> = [1.0_f32, 2.0, 3.0, 4.0].iter().flat_map(|x| x.to_le_bytes()).collect();
        let bytes = file(r#"{"w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}"#, &body);
        let matrix = Tensors::parse(&bytes).unwrap().floats("w", &[2, 2]).unwrap();
        assert_eq!(matrix, [1.0, 2.0, 3.0, 4.0]);
    }

    #[test]
    fn a_damaged_file_is_refused_and_never_read_beyond_its_end() {
        assert!(matches!(Tensors::parse(&[1, 2]), Err(EncoderError::Header(_))));
        assert!(matches!(Tensors::parse(&[255; 16]), Err(EncoderError::Header(_))));
        let bytes = file(r#"{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#, &[0; 8]);
        let tensors = Tensors::parse(&bytes).unwrap();
        assert!(matches!(tensors.floats("w", &[4]), Err(EncoderError::Tensor { .. })));
        assert!(matches!(tensors.floats("w", &[3]), Err(EncoderError::Tensor { .. })));
        assert!(matches!(tensors.floats("v", &[4]), Err(EncoderError::Tensor { .. })));
    }
}
