//! References: what a person can read out on the telephone.

use uuid::Uuid;

/// Digits and letters that are not mistaken for one another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// `prefix-XXXXXXXX`, of the 40 random bits at the end of a version 7 UUID. The database refuses the rare second use.
pub(crate) fn reference(prefix: &str, id: Uuid) -> String {
    let bits = id.as_u128();
    let tail: String = (0..8)
        .rev()
        .filter_map(|place| {
            let digit = usize::try_from((bits >> (place * 5)) & 31).ok()?;
            ALPHABET.get(digit).map(|byte| char::from(*byte))
        })
        .collect();
    format!("{prefix}-{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_eight_unmistakable_characters_of_the_id() {
        assert_eq!(reference("PAY", Uuid::from_u128(0)), "PAY-00000000");
        assert_eq!(reference("PAY", Uuid::from_u128(u128::MAX)), "PAY-ZZZZZZZZ");
        assert_eq!(reference("CAS", Uuid::from_u128(33)), "CAS-00000011");
    }
}
