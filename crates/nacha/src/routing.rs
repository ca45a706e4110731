//! Bank routing numbers.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::NachaError;

/// A nine-digit ABA routing number whose check digit holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoutingNumber(String);

impl RoutingNumber {
    /// The first eight digits: what the format calls the DFI identification.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.0.get(..8).unwrap_or_default()
    }

    #[must_use]
    pub fn check_digit(&self) -> &str {
        self.0.get(8..).unwrap_or_default()
    }

    /// The prefix as a number, for the entry hash.
    pub(crate) fn prefix_number(&self) -> u64 {
        self.prefix().parse().unwrap_or_default()
    }
}

impl FromStr for RoutingNumber {
    type Err = NachaError;

    fn from_str(text: &str) -> Result<Self, NachaError> {
        let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
        let weighted: u32 = digits.iter().zip([3, 7, 1].iter().cycle()).map(|(d, w)| d * w).sum();
        if text.len() == 9 && digits.len() == 9 && weighted.is_multiple_of(10) && weighted > 0 {
            Ok(Self(text.to_owned()))
        } else {
            Err(NachaError::NotARoutingNumber)
        }
    }
}

impl TryFrom<String> for RoutingNumber {
    type Error = NachaError;

    fn try_from(text: String) -> Result<Self, NachaError> {
        text.parse()
    }
}

impl From<RoutingNumber> for String {
    fn from(routing: RoutingNumber) -> Self {
        routing.0
    }
}

impl fmt::Display for RoutingNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_check_digit_is_no_routing_number() {
        assert!("021000021".parse::<RoutingNumber>().is_ok());
        for text in ["021000022", "02100002", "0210000211", "02100002x", "000000000", ""] {
            assert!(text.parse::<RoutingNumber>().is_err(), "{text}");
        }
    }
}
