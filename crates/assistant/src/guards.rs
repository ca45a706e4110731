//! The sources of the guards beyond those beside the release: an edit to any of them is another served configuration.
//!
//! A guard is whatever decides what a model may do or a customer may read: the order of the guards, the tools' bodies, the
//! reading of figures, the policy, the turn's transitions, flags and the words of cases. The test lists them from disk.

macro_rules! sources {
    ($($path:literal),* $(,)?) => {
        /// All of them, one after the other.
        pub(crate) const SOURCES: &str = concat!($(include_str!($path)),*);
        #[cfg(test)]
        const PATHS: &[&str] = &[$($path),*];
    };
}

sources![
    "context.rs",
    "heard.rs",
    "rights/rules.rs",
    "run/ask.rs",
    "run/guard.rs",
    "run/proof.rs",
    "tools.rs",
    "tools/amount.rs",
    "tools/decision.rs",
    "tools/line.rs",
    "tools/payments.rs",
    "tools/policy.rs",
    "tools/route.rs",
    "../../toolkit/src/field.rs",
    "../../toolkit/src/policy.rs",
    "../../toolkit/src/provenance.rs",
    "../../toolkit/src/reading.rs",
    "../../toolkit/src/reading/language.rs",
    "../../toolkit/src/reading/mood.rs",
    "../../toolkit/src/reading/tokens.rs",
    "../../toolkit/src/reading/words.rs",
    "../../toolkit/src/registry.rs",
    "../../orchestrator/src/budget.rs",
    "../../orchestrator/src/calls.rs",
    "../../orchestrator/src/step.rs",
    "../../servicing/src/cases.rs",
    "../../servicing/src/cases/kind.rs",
    "../../servicing/src/flags.rs",
];

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// Where guards stand: a file, or every file of a folder.
    const GUARDED: &[&str] = &[
        "run/ask.rs",
        "run/guard.rs",
        "run/proof.rs",
        "heard.rs",
        "tools.rs",
        "tools",
        "../../toolkit/src/policy.rs",
        "../../toolkit/src/provenance.rs",
        "../../toolkit/src/reading.rs",
        "../../toolkit/src/reading",
        "../../orchestrator/src/step.rs",
        "../../orchestrator/src/calls.rs",
        "../../servicing/src/flags.rs",
        "../../servicing/src/cases.rs",
        "../../servicing/src/cases",
    ];

    #[test]
    fn the_digest_of_the_guards_is_of_every_file_of_every_guard() {
        let src = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"));
        for guarded in GUARDED {
            let at = src.join(guarded);
            if at.is_file() {
                assert!(PATHS.contains(guarded), "{guarded} is not in the digest");
                continue;
            }
            for file in fs::read_dir(&at).unwrap() {
                let file = file.unwrap().file_name().into_string().unwrap();
                let path = format!("{guarded}/{file}");
                let listed = file == "tests.rs" || PATHS.contains(&path.as_str());
                assert!(listed, "{path} is not in the digest");
            }
        }
        for path in PATHS {
            let text = fs::read_to_string(src.join(path)).unwrap();
            assert!(SOURCES.contains(&text), "{path}");
        }
    }
}
