//! How amounts and rates are written in product and scenario files: `"25.00"` and `"24.99%"`, never bare numbers.

use money::{Apr, Cents};

/// Serialises `Cents` as a string of dollars.
pub mod dollars {
    use money::Cents;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(amount: &Cents, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&super::dollar_text(*amount))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cents, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::parse_amount(&text).map_err(D::Error::custom)
    }
}

/// `dollars` for an amount that may be absent.
pub mod dollars_opt {
    use money::Cents;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(
        amount: &Option<Cents>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match amount {
            Some(amount) => serializer.serialize_str(&super::dollar_text(*amount)),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Cents>, D::Error> {
        Option::<String>::deserialize(deserializer)?
            .map(|text| super::parse_amount(&text).map_err(D::Error::custom))
            .transpose()
    }
}

/// Serialises `Apr` as a percentage.
pub mod percent {
    use money::Apr;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(apr: &Apr, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&apr.to_string())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Apr, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::parse_percent(&text).map_err(D::Error::custom)
    }
}

/// `percent` for a rate that may be absent.
pub mod percent_opt {
    use money::Apr;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(apr: &Option<Apr>, serializer: S) -> Result<S::Ok, S::Error> {
        match apr {
            Some(apr) => serializer.serialize_str(&apr.to_string()),
            None => serializer.serialize_none(),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Apr>, D::Error> {
        Option::<String>::deserialize(deserializer)?
            .map(|text| super::parse_percent(&text).map_err(D::Error::custom))
            .transpose()
    }
}

/// A rate that may be negative, in parts per million, as a percentage: `-0.50%`.
pub mod signed_percent {
    use money::Apr;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(ppm: &i32, serializer: S) -> Result<S::Ok, S::Error> {
        let size = Apr::from_ppm(ppm.unsigned_abs());
        let sign = if *ppm < 0 { "-" } else { "" };
        serializer.collect_str(&format_args!("{sign}{size}"))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i32, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (negative, size) = match text.trim().strip_prefix('-') {
            Some(size) => (true, size),
            None => (false, text.as_str()),
        };
        let size = super::parse_percent(size).map_err(D::Error::custom)?;
        let ppm = i32::try_from(size.ppm()).map_err(D::Error::custom)?;
        Ok(if negative { -ppm } else { ppm })
    }
}

/// `signed_percent` for a rate that may be absent.
pub mod signed_percent_opt {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(transparent)]
    struct Written(#[serde(with = "super::signed_percent")] i32);

    pub fn serialize<S: Serializer>(ppm: &Option<i32>, serializer: S) -> Result<S::Ok, S::Error> {
        ppm.map(Written).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<i32>, D::Error> {
        Ok(Option::<Written>::deserialize(deserializer)?.map(|written| written.0))
    }
}

/// `percent` for a list.
pub mod percents {
    use money::Apr;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(rates: &[Apr], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(rates.iter().map(Apr::to_string))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Apr>, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        texts.iter().map(|text| super::parse_percent(text).map_err(D::Error::custom)).collect()
    }
}

/// Serialises `i128` as a string: JSON readers lose such numbers.
pub mod wide {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(number: &i128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i128, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// A count, or `"never"` for none.
pub mod count_or_never {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Count(u32),
        Word(String),
    }

    pub fn serialize<S: Serializer>(count: &Option<u32>, serializer: S) -> Result<S::Ok, S::Error> {
        match count {
            Some(count) => serializer.serialize_u32(*count),
            None => serializer.serialize_str("never"),
        }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<u32>, D::Error> {
        match Given::deserialize(deserializer) {
            Ok(Given::Count(count)) => Ok(Some(count)),
            Ok(Given::Word(word)) if word == "never" => Ok(None),
            _ => Err(D::Error::custom("expected a count such as 6, or \"never\"")),
        }
    }
}

/// A date as TOML writes it, `2026-09-01`, or the same between quotes. Serialises as a string.
pub mod date {
    use std::fmt;

    use chrono::NaiveDate;
    use serde::{
        Deserialize, Deserializer, Serializer,
        de::{Error, MapAccess, Visitor, value::MapAccessDeserializer},
    };

    pub fn serialize<S: Serializer>(date: &NaiveDate, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(date)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
        deserializer.deserialize_any(DateVisitor)
    }

    struct DateVisitor;

    impl<'de> Visitor<'de> for DateVisitor {
        type Value = NaiveDate;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a date such as 2026-09-01")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<NaiveDate, E> {
            text.parse()
                .map_err(|_| E::custom(format!("`{text}` is not a date such as 2026-09-01")))
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<NaiveDate, A::Error> {
            let value = toml::value::Datetime::deserialize(MapAccessDeserializer::new(map))?;
            self.visit_str(&value.to_string())
        }
    }

    /// A date for `Option` and `Vec`.
    #[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
    #[serde(transparent)]
    pub(crate) struct Written(#[serde(with = "self")] pub(crate) NaiveDate);
}

/// `date` for a date that may be absent.
pub mod date_opt {
    use chrono::NaiveDate;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::date::Written;

    pub fn serialize<S: Serializer>(
        date: &Option<NaiveDate>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        date.map(Written).serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<NaiveDate>, D::Error> {
        Ok(Option::<Written>::deserialize(deserializer)?.map(|written| written.0))
    }
}

/// `date` for a list.
pub mod dates {
    use chrono::NaiveDate;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::date::Written;

    pub fn serialize<S: Serializer>(dates: &[NaiveDate], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(dates.iter().map(|date| Written(*date)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<NaiveDate>, D::Error> {
        let dates = Vec::<Written>::deserialize(deserializer)?;
        Ok(dates.into_iter().map(|written| written.0).collect())
    }
}

/// What files may state: a hundred million dollars.
const MOST_STATED: Cents = Cents::new(10_000_000_000);

/// Reads dollars as a file may state them.
pub fn parse_amount(text: &str) -> Result<Cents, String> {
    let amount = Cents::parse_dollars(text).map_err(|error| error.to_string())?;
    if amount.get().unsigned_abs() > MOST_STATED.get().unsigned_abs() {
        return Err(format!("`{text}` is more than a line can come to ({MOST_STATED})"));
    }
    Ok(amount)
}

/// `1234.56`, without sign of currency or separators.
#[must_use]
pub fn dollar_text(amount: Cents) -> String {
    let size = amount.get().unsigned_abs();
    let sign = if amount.is_negative() { "-" } else { "" };
    format!("{sign}{}.{:02}", size / 100, size % 100)
}

/// Reads `24.99%`: at most four decimals, up to 4,000 %.
pub fn parse_percent(text: &str) -> Result<Apr, String> {
    let refused = || format!("`{text}` is not a rate such as 24.99% (at most four decimals)");
    let number = text.trim().strip_suffix('%').map(str::trim_end).ok_or_else(refused)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) || whole.len() > 4 || fraction.len() > 4 {
        return Err(refused());
    }
    let ppm = format!("{whole}{fraction:0<4}").parse::<u32>().map_err(|_| refused())?;
    if ppm > 40_000_000 { Err(refused()) } else { Ok(Apr::from_ppm(ppm)) }
}

/// Of an amount that is not told where there is none.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks with a reference")]
pub(crate) fn nothing(amount: &money::Cents) -> bool {
    amount.is_zero()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_percentages() {
        let cases = [("24%", 240_000), ("24.99%", 249_900), ("0.00%", 0), ("35.3225 %", 353_225)];
        for (text, ppm) in cases {
            assert_eq!(parse_percent(text), Ok(Apr::from_ppm(ppm)), "{text}");
        }
        for text in ["24", "0.24", "%", "-1%", "24.99999%", "99999%", "24,5%", "4000.1%"] {
            assert!(parse_percent(text).is_err(), "{text}");
        }
    }

    #[test]
    fn dollars_are_written_plainly() {
        assert_eq!(dollar_text(Cents::new(123_456)), "1234.56");
        assert_eq!(dollar_text(Cents::new(-5)), "-0.05");
    }
}
