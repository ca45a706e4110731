//! Bank account numbers, sealed: ChaCha20-Poly1305 under a key that has a name.
//!
//! Invariants: a sealed number names its key, so that keys can be changed; it is bound to its customer and its bank account,
//! so that a row put in another's place does not open; nothing here has a `Debug` or a `Display` that shows a key or a number.
//! What is absent: where keys are kept (`plumbline`) and who may read a sealed row (`store`).

use std::{collections::BTreeMap, fmt, str::FromStr};

use identity::{BankAccountId, CustomerId};
use nacha::RoutingNumber;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};

use crate::{AccountKind, RailError};

const KEY_LEN: usize = 32;

/// Where a bank account is. No `Debug`: it carries the number.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BankDetails {
    pub kind: AccountKind,
    pub routing_number: RoutingNumber,
    pub account_number: String,
}

/// Bank details that only a key opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    pub key_id: String,
    /// The nonce, then the ciphertext with its tag.
    pub bytes: Vec<u8>,
}

/// The keys: the first seals, the others open what they sealed.
pub struct SealingKeys {
    current: String,
    keys: BTreeMap<String, LessSafeKey>,
}

/// The names of the keys only.
impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.keys()).finish()
    }
}

/// `name:hex`, several with commas between them. The text is not repeated in what is said of it.
impl FromStr for SealingKeys {
    type Err = RailError;

    fn from_str(text: &str) -> Result<Self, RailError> {
        let wrong = |reason: String| RailError::Keys { reason };
        let mut keys = BTreeMap::new();
        let mut current = None;
        for (n, part) in (1..).zip(text.split(',').map(str::trim)) {
            let (id, digits) = part
                .split_once(':')
                .ok_or_else(|| wrong(format!("key {n} is not of the form name:hex")))?;
            if id.is_empty() || id.len() > 32 || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err(wrong(format!("key {n} has no name of 1 to 32 characters")));
            }
            let mut bytes = [0; KEY_LEN];
            hex::decode_to_slice(digits, &mut bytes)
                .map_err(|_| wrong(format!("key {n} is not {} hexadecimal digits", KEY_LEN * 2)))?;
            let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes)
                .map_err(|_| wrong(format!("key {n} is none")))?;
            if keys.insert(id.to_owned(), LessSafeKey::new(key)).is_some() {
                return Err(wrong(format!("key {n} has the name of another")));
            }
            current.get_or_insert_with(|| id.to_owned());
        }
        let current = current.ok_or_else(|| wrong("there is no key".to_owned()))?;
        Ok(Self { current, keys })
    }
}

impl SealingKeys {
    /// A new key as it is kept in a setting or a file. Its name is its own: what another key sealed is not taken for its work.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn generate(name: &str) -> Result<String, RailError> {
        let (mut own, mut bytes) = ([0; 4], [0; KEY_LEN]);
        random(&mut own)?;
        random(&mut bytes)?;
        Ok(format!("{name}-{}:{}", hex::encode(own), hex::encode(bytes)))
    }

    /// The name of the key that seals.
    #[must_use]
    pub fn current(&self) -> &str {
        &self.current
    }

    /// Seals the details of a customer's bank account.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn seal(
        &self,
        details: &BankDetails,
        customer: CustomerId,
        account: BankAccountId,
    ) -> Result<Sealed, RailError> {
        let key = self.keys.get(&self.current).ok_or(RailError::NotOpened)?;
        let mut nonce = [0; NONCE_LEN];
        random(&mut nonce)?;
        let mut text = serde_json::to_vec(details).map_err(|_| RailError::NotOpened)?;
        let aad = bound_to(customer, account);
        key.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad.as_bytes()),
            &mut text,
        )
        .map_err(|_| RailError::NotOpened)?;
        let mut bytes = nonce.to_vec();
        bytes.append(&mut text);
        Ok(Sealed { key_id: self.current.clone(), bytes })
    }

    /// Opens what was sealed for this very customer and bank account.
    ///
    /// # Errors
    /// `UnknownKey`: the key is not among ours. `NotOpened`: it is not what was sealed for them.
    pub fn open(
        &self,
        sealed: &Sealed,
        customer: CustomerId,
        account: BankAccountId,
    ) -> Result<BankDetails, RailError> {
        let unknown = || RailError::UnknownKey { key_id: sealed.key_id.clone() };
        let key = self.keys.get(&sealed.key_id).ok_or_else(unknown)?;
        let (nonce, text) = sealed.bytes.split_at_checked(NONCE_LEN).ok_or(RailError::NotOpened)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| RailError::NotOpened)?;
        let aad = bound_to(customer, account);
        let mut text = text.to_vec();
        let opened = key
            .open_in_place(nonce, Aad::from(aad.as_bytes()), &mut text)
            .map_err(|_| RailError::NotOpened)?;
        serde_json::from_slice(opened).map_err(|_| RailError::NotOpened)
    }
}

fn bound_to(customer: CustomerId, account: BankAccountId) -> String {
    format!("plumbline bank account 1|{customer}|{account}")
}

fn random(bytes: &mut [u8]) -> Result<(), RailError> {
    getrandom::fill(bytes).map_err(|_| RailError::NoRandomness)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    const NUMBER: &str = "000111224242";

    fn details() -> BankDetails {
        BankDetails {
            kind: AccountKind::Checking,
            routing_number: "021000021".parse().unwrap(),
            account_number: NUMBER.to_owned(),
        }
    }

    fn ids() -> (CustomerId, BankAccountId) {
        let at = DateTime::from_timestamp(1_790_000_000, 0).unwrap();
        (CustomerId::mint(at), BankAccountId::mint(at))
    }

    fn keys(text: &str) -> SealingKeys {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_sealed_opens_for_its_customer_and_account_and_for_nobody_else() {
        let keys = keys(&SealingKeys::generate("one").unwrap());
        let (ann, account) = ids();
        let (bob, other) = ids();
        let sealed = keys.seal(&details(), ann, account).unwrap();
        assert!(keys.open(&sealed, ann, account).unwrap() == details());
        assert!(keys.open(&sealed, bob, account).is_err());
        assert!(keys.open(&sealed, ann, other).is_err());
        for at in 0..sealed.bytes.len() {
            let mut spoilt = sealed.clone();
            spoilt.bytes[at] ^= 1;
            let error = keys.open(&spoilt, ann, account).err().unwrap();
            assert!(matches!(error, RailError::NotOpened), "byte {at}");
        }
        for kept in 0..sealed.bytes.len() {
            let short = Sealed { bytes: sealed.bytes[..kept].to_vec(), ..sealed.clone() };
            assert!(keys.open(&short, ann, account).is_err(), "{kept} bytes");
        }
        let text = String::from_utf8_lossy(&sealed.bytes).into_owned();
        assert!(!text.contains(NUMBER) && !text.contains("021000021"));
    }

    #[test]
    fn the_same_number_is_never_sealed_to_the_same_bytes() {
        let keys = keys(&SealingKeys::generate("one").unwrap());
        let (ann, account) = ids();
        let seal = || keys.seal(&details(), ann, account).unwrap();
        assert_ne!(seal(), seal());
    }

    #[test]
    fn a_new_key_seals_and_the_old_one_opens_what_it_sealed() {
        let (first, second) =
            (SealingKeys::generate("one").unwrap(), SealingKeys::generate("two").unwrap());
        let (ann, account) = ids();
        let before = keys(&first).seal(&details(), ann, account).unwrap();
        let both = keys(&format!("{second}, {first}"));
        assert!(both.open(&before, ann, account).is_ok());
        let after = both.seal(&details(), ann, account).unwrap();
        assert!(before.key_id.starts_with("one-") && after.key_id.starts_with("two-"));
        for (one, other) in [(&first, &after), (&second, &before)] {
            let error = keys(one).open(other, ann, account).err().unwrap();
            assert!(matches!(error, RailError::UnknownKey { key_id } if key_id == other.key_id));
        }
    }

    #[test]
    fn no_key_stands_in_what_is_said_of_keys() {
        let text = SealingKeys::generate("one").unwrap();
        let digits = text.split_once(':').unwrap().1.to_owned();
        assert!(!format!("{:?}", keys(&text)).contains(&digits));
        for wrong in ["", "one", ":00", "one:00", &format!("{text},{text}"), &text[1..60]] {
            let said = wrong.parse::<SealingKeys>().unwrap_err().to_string();
            assert!(!said.contains(&digits[..8]), "{said}");
        }
    }
}
