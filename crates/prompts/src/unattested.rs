//! Why no verdict stands behind what is served, so that a person can tell what to do about it.

use std::fmt;

use serde::Serialize;

use crate::{Difference, Envelope, Outcome, ServedConfiguration, TrustedKeys};

/// What keeps a configuration from being attested.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unattested {
    pub reason: Reason,
    /// The parts that are not those the promoted verdict is about; empty for every other reason.
    pub differences: Vec<Difference>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The files as they stand are served, which nobody promoted.
    NothingPromoted,
    /// What is promoted has no verdict beside it.
    NoVerdict,
    /// Its verdict cannot be read, or is signed by no key that is trusted here.
    Untrusted,
    /// Its verdict is no pass.
    NotPassed,
    /// Its verdict is about something else.
    Differs,
}

impl Unattested {
    pub const NOTHING_PROMOTED: Self = Self::because(Reason::NothingPromoted);

    const fn because(reason: Reason) -> Self {
        Self { reason, differences: Vec::new() }
    }

    /// What keeps this verdict from attesting the configuration; nothing where it does.
    #[must_use]
    pub fn of(
        envelope: Option<&Envelope>,
        configuration: &ServedConfiguration,
        keys: &TrustedKeys,
    ) -> Option<Self> {
        let Some(envelope) = envelope else { return Some(Self::because(Reason::NoVerdict)) };
        let Ok(verdict) = envelope.verify(keys) else {
            return Some(Self::because(Reason::Untrusted));
        };
        let differences = configuration.differences(&verdict.configuration);
        if !differences.is_empty() {
            return Some(Self { reason: Reason::Differs, differences });
        }
        (verdict.outcome != Outcome::Pass).then(|| Self::because(Reason::NotPassed))
    }
}

/// One sentence for a person. Digests are shortened to their first digits.
impl fmt::Display for Unattested {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.reason {
            Reason::NothingPromoted => f.write_str("the prompt that is served was never promoted"),
            Reason::NoVerdict => f.write_str("what is promoted has no verdict"),
            Reason::Untrusted => {
                f.write_str("no key that is trusted here has signed the promoted verdict")
            }
            Reason::NotPassed => f.write_str("the promoted verdict is not a pass"),
            Reason::Differs => {
                f.write_str("what is served is not what the promoted verdict is about: ")?;
                for (at, difference) in self.differences.iter().enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(f, "{comma}{difference}")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { part, served, judged } = self;
        write!(f, "{part} (served {}, judged {})", short(served), short(judged))
    }
}

/// The first digits of a digest; a name as it is.
#[must_use]
pub fn short(value: &str) -> &str {
    const DIGITS: usize = 12;
    let digest = value.len() > DIGITS && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if digest { value.get(..DIGITS).unwrap_or(value) } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Digest, Signer, SuiteRef, Verdict};

    fn configuration() -> ServedConfiguration {
        ServedConfiguration {
            prompt: Digest::of("p"),
            model: "m".into(),
            corpus: Digest::of("c").to_string(),
            embedder: "e".into(),
            guards: Digest::of("g").to_string(),
        }
    }

    fn signed(signer: &Signer, outcome: Outcome) -> Envelope {
        signer.sign(&Verdict {
            configuration: configuration(),
            outcome,
            suite: SuiteRef { name: "consumer".into(), digest: Digest::of("s") },
            baseline: None,
            decided_at: "2026-11-23T12:00:00Z".parse().unwrap(),
            measures: serde_json::json!({}),
        })
    }

    #[test]
    fn a_passing_verdict_about_exactly_this_leaves_nothing_to_say() {
        let signer = Signer::from_seed([7; 32]);
        let keys = TrustedKeys::parse(&signer.public_key()).unwrap();
        let pass = signed(&signer, Outcome::Pass);
        assert_eq!(Unattested::of(Some(&pass), &configuration(), &keys), None);
        let why = |envelope: Option<&Envelope>, keys: &TrustedKeys| {
            Unattested::of(envelope, &configuration(), keys).unwrap().reason
        };
        assert_eq!(why(None, &keys), Reason::NoVerdict);
        assert_eq!(why(Some(&pass), &TrustedKeys::default()), Reason::Untrusted);
        assert_eq!(why(Some(&signed(&signer, Outcome::Quality)), &keys), Reason::NotPassed);
    }

    #[test]
    fn each_part_that_differs_is_named_with_both_digests() {
        let signer = Signer::from_seed([7; 32]);
        let keys = TrustedKeys::parse(&signer.public_key()).unwrap();
        let served = ServedConfiguration {
            model: "another".into(),
            guards: Digest::of("h").to_string(),
            ..configuration()
        };
        let pass = signed(&signer, Outcome::Pass);
        let why = Unattested::of(Some(&pass), &served, &keys).unwrap();
        let parts: Vec<_> = why.differences.iter().map(|difference| difference.part).collect();
        assert_eq!((why.reason, parts), (Reason::Differs, vec!["model", "guards"]));
        let said = why.to_string();
        assert!(said.contains("model (served another, judged m)"), "{said}");
        let (new, old) = (Digest::of("h"), Digest::of("g"));
        let guards =
            format!("guards (served {}, judged {})", short(new.as_str()), short(old.as_str()));
        assert!(said.ends_with(&guards) && !said.contains(new.as_str()), "{said}");
    }
}
