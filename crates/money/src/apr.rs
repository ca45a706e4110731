//! Annual percentage rates.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An annual percentage rate in parts per million of one: `240_000` is 24.00 %.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Apr(u32);

impl Apr {
    pub const ZERO: Self = Self(0);

    #[must_use]
    pub const fn from_ppm(ppm: u32) -> Self {
        Self(ppm)
    }

    #[must_use]
    pub const fn ppm(self) -> u32 {
        self.0
    }
}

/// As disclosures print it: two decimals at least, further ones only where they are not zero.
impl fmt::Display for Apr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (percent, rest) = (self.0 / 10_000, self.0 % 10_000);
        let decimals = format!("{rest:04}");
        let kept = decimals.trim_end_matches('0').len().max(2);
        write!(f, "{percent}.{}%", decimals.get(..kept).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_prints_as_a_disclosure_does() {
        let cases = [
            (240_000, "24.00%"),
            (299_900, "29.99%"),
            (0, "0.00%"),
            (353_225, "35.3225%"),
            (5_000, "0.50%"),
        ];
        for (ppm, expected) in cases {
            assert_eq!(Apr::from_ppm(ppm).to_string(), expected);
        }
    }
}
