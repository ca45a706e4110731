//! The caller's key: one effect for one key, however often it is sent.

use serde::Serialize;

use crate::{Refusal, RefusalCode};

/// An idempotency key, 8 to 128 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Key(String);

impl Key {
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && (8..=128).contains(&text.len()) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Refusal::new(
                RefusalCode::KeyInvalid,
                "The key of the request is missing or malformed.",
            ))
        }
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_8_to_128_visible_characters() {
        for good in ["12345678", &"k".repeat(128)] {
            assert_eq!(Key::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "1234567", "has spaces", "tab\tbed-key", "schlüssel", &"k".repeat(129)] {
            assert_eq!(Key::parse(bad).unwrap_err().code, RefusalCode::KeyInvalid);
        }
    }
}
