//! The verdict of the gate: an in-toto statement in a DSSE envelope, signed with Ed25519.

use base64::{Engine, engine::general_purpose::STANDARD};
use chrono::{DateTime, Utc};
use ed25519_dalek::{Signature, Signer as _, SigningKey, Verifier, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{Digest, PromptError, ServedConfiguration, canonical};

const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
const PREDICATE_TYPE: &str = "https://plumbline.dev/eval-verdict/v1";

/// What the gate decided about one served configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    pub configuration: ServedConfiguration,
    pub outcome: Outcome,
    pub suite: SuiteRef,
    /// The served configuration it was held against; none for a first promotion.
    pub baseline: Option<Digest>,
    pub decided_at: DateTime<Utc>,
    /// Scores, intervals and failures, as the gate reports them.
    pub measures: Value,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Pass,
    Inconclusive,
    Quality,
    HardRule,
    Budget,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuiteRef {
    pub name: String,
    pub digest: Digest,
}

/// A DSSE envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Envelope {
    pub payload_type: String,
    /// Base64.
    pub payload: String,
    pub signatures: Vec<EnvelopeSignature>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvelopeSignature {
    pub keyid: String,
    /// Base64.
    pub sig: String,
}

/// A key that may sign verdicts.
pub struct Signer(SigningKey);

/// Keys whose verdicts count.
#[derive(Clone, Debug, Default)]
pub struct TrustedKeys(Vec<VerifyingKey>);

impl Signer {
    pub fn from_seed(seed: [u8; 32]) -> Self {
        Self(SigningKey::from_bytes(&seed))
    }

    /// The public key, in hex, as [`TrustedKeys::parse`] reads it.
    pub fn public_key(&self) -> String {
        hex::encode(self.0.verifying_key().as_bytes())
    }

    pub fn sign(&self, verdict: &Verdict) -> Envelope {
        let payload = canonical(&statement(verdict));
        let signature = self.0.sign(&pae(payload.as_bytes()));
        Envelope {
            payload_type: PAYLOAD_TYPE.to_owned(),
            payload: STANDARD.encode(&payload),
            signatures: vec![EnvelopeSignature {
                keyid: key_id(&self.0.verifying_key()),
                sig: STANDARD.encode(signature.to_bytes()),
            }],
        }
    }
}

impl TrustedKeys {
    /// One public key in hex per line; blank lines and lines after `#` are skipped.
    pub fn parse(text: &str) -> Result<Self, PromptError> {
        let lines = text.lines().map(|line| line.split('#').next().unwrap_or("").trim());
        let keys = lines.filter(|line| !line.is_empty()).map(|line| {
            let bytes = hex::decode(line).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            bytes
                .and_then(|bytes| VerifyingKey::from_bytes(&bytes).ok())
                .ok_or_else(|| PromptError::Envelope("a trusted key cannot be read".into()))
        });
        keys.collect::<Result<_, _>>().map(Self)
    }
}

impl Envelope {
    /// The verdict, if a trusted key has signed it.
    pub fn verify(&self, keys: &TrustedKeys) -> Result<Verdict, PromptError> {
        let broken = |problem: &str| PromptError::Envelope(problem.to_owned());
        if self.payload_type != PAYLOAD_TYPE {
            return Err(broken("its payload is of another type"));
        }
        let payload = STANDARD.decode(&self.payload).map_err(|_| broken("it is not base64"))?;
        let signed = pae(&payload);
        let trusted = self.signatures.iter().any(|signature| {
            let bytes = STANDARD.decode(&signature.sig).ok();
            let read = bytes.and_then(|bytes| Signature::from_slice(&bytes).ok());
            read.is_some_and(|read| keys.0.iter().any(|key| key.verify(&signed, &read).is_ok()))
        });
        if !trusted {
            return Err(PromptError::Untrusted);
        }
        let statement: Value =
            serde_json::from_slice(&payload).map_err(|_| broken("its payload is not JSON"))?;
        if statement.get("_type") != Some(&json!(STATEMENT_TYPE))
            || statement.get("predicateType") != Some(&json!(PREDICATE_TYPE))
        {
            return Err(broken("its payload is another statement"));
        }
        let verdict: Verdict = statement
            .get("predicate")
            .and_then(|predicate| serde_json::from_value(predicate.clone()).ok())
            .ok_or_else(|| broken("its verdict cannot be read"))?;
        let about = statement.pointer("/subject/0/digest/sha256").and_then(Value::as_str);
        if about != Some(verdict.configuration.digest().as_str()) {
            return Err(broken("its subject is not the configuration it holds"));
        }
        Ok(verdict)
    }

    /// A passing verdict about exactly this configuration, under a trusted signature.
    pub fn attests(
        &self,
        configuration: &ServedConfiguration,
        keys: &TrustedKeys,
    ) -> Result<Verdict, PromptError> {
        let verdict = self.verify(keys)?;
        if verdict.configuration != *configuration {
            return Err(PromptError::OtherSubject {
                about: verdict.configuration.digest(),
                wanted: configuration.digest(),
            });
        }
        if verdict.outcome == Outcome::Pass { Ok(verdict) } else { Err(PromptError::NotPassed) }
    }
}

fn statement(verdict: &Verdict) -> Value {
    json!({
        "_type": STATEMENT_TYPE,
        "subject": [{
            "name": "served-configuration",
            "digest": {"sha256": verdict.configuration.digest()},
        }],
        "predicateType": PREDICATE_TYPE,
        "predicate": verdict,
    })
}

/// DSSE's pre-authentication encoding.
fn pae(payload: &[u8]) -> Vec<u8> {
    let head = format!("DSSEv1 {} {PAYLOAD_TYPE} {} ", PAYLOAD_TYPE.len(), payload.len());
    [head.as_bytes(), payload].concat()
}

fn key_id(key: &VerifyingKey) -> String {
    Digest::of(key.as_bytes()).as_str().chars().take(16).collect()
}
