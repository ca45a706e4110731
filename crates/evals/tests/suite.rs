//! The committed suite: it loads, it names only what there is, and it does not repeat what prompts teach by example.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use evals::{CaseStep, Suite};
use prompts::Bundle;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn suite() -> Suite {
    Suite::load(&root().join("evals/suites/consumer"), &root().join("worlds")).unwrap()
}

fn said(suite: &Suite) -> impl Iterator<Item = (&str, &str)> {
    suite.cases.iter().flat_map(|case| {
        case.steps.iter().filter_map(move |step| match step {
            CaseStep::Say(text) => Some((case.id.as_str(), text.as_str())),
            CaseStep::Confirm | CaseStep::Refuse => None,
        })
    })
}

/// Words in lower case without accents.
fn words(text: &str) -> BTreeSet<String> {
    let plain: String = text
        .to_lowercase()
        .chars()
        .map(|c| match c {
            'á' => 'a',
            'é' => 'e',
            'í' => 'i',
            'ó' => 'o',
            'ú' | 'ü' => 'u',
            'ñ' => 'n',
            c => c,
        })
        .collect();
    plain
        .split(|c: char| !c.is_alphanumeric())
        .filter(|w| !w.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The share of all words that both have.
fn near(one: &BTreeSet<String>, other: &BTreeSet<String>) -> bool {
    let (both, all) = (one.intersection(other).count(), one.union(other).count());
    both * 10 >= all * 8
}

/// What customers say in the worked examples of every prompt and manifest.
fn examples() -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join("prompts/consumer")).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let parts = text.split("<customer>").skip(1);
        found.extend(parts.filter_map(|part| Some(part.split_once("</customer>")?.0.to_owned())));
    }
    for manifest in prompts::load_manifests(&root().join("tools")).unwrap().into_values() {
        found.extend(manifest.example.into_iter().map(|example| example.says));
    }
    found
}

#[test]
fn the_suite_is_large_enough_and_covers_what_is_regulated() {
    let suite = suite();
    assert!(suite.cases.len() >= 125, "{}", suite.cases.len());
    let mut slices: BTreeMap<&str, usize> = BTreeMap::new();
    for case in &suite.cases {
        *slices.entry(&case.slice).or_default() += 1;
    }
    for regulated in &suite.declaration.regulated {
        assert!(slices.get(regulated.as_str()).is_some_and(|count| *count >= 8), "{regulated}");
    }
}

#[test]
fn no_utterance_is_nearly_an_example() {
    let examples: Vec<_> = examples().into_iter().map(|text| (words(&text), text)).collect();
    assert!(examples.len() > 40, "{}", examples.len());
    let suite = suite();
    let copied: Vec<_> = said(&suite)
        .filter_map(|(id, text)| {
            let own = words(text);
            let (_, example) = examples.iter().find(|(example, _)| near(&own, example))?;
            Some(format!("{id}: `{text}` is nearly `{example}`"))
        })
        .collect();
    assert_eq!(copied, Vec::<String>::new());
}

#[test]
fn cases_name_only_tools_fields_and_documents_that_there_are() {
    let manifests = prompts::load_manifests(&root().join("tools")).unwrap();
    let served = Bundle::from_working_tree(&root(), assistant::PROMPT).unwrap();
    let documents: BTreeSet<String> = std::fs::read_dir(root().join("policies/consumer"))
        .unwrap()
        .filter_map(|entry| {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            Some(text.lines().find_map(|line| line.strip_prefix("id:"))?.trim().to_owned())
        })
        .collect();
    let kinds: BTreeSet<&str> =
        servicing::CaseKind::ALL.into_iter().map(servicing::CaseKind::as_str).collect();
    let mut wrong = Vec::new();
    for case in &suite().cases {
        let expect = &case.expect;
        let intents = expect.intent.iter().map(|intent| &intent.tool);
        for tool in expect.tools.iter().chain(&expect.never_tools).chain(intents) {
            if !served.prompt.head.tools.contains(tool) {
                wrong.push(format!("{}: no tool {tool}", case.id));
            }
        }
        for figure in &expect.figures {
            let (tool, field) = figure.split_once('.').unwrap_or((figure, ""));
            let known = manifests
                .get(tool)
                .is_some_and(|manifest| manifest.result.iter().any(|one| one.name == field));
            if !known {
                wrong.push(format!("{}: no field {figure}", case.id));
            }
        }
        for document in expect.cites.iter().filter(|id| !documents.contains(*id)) {
            wrong.push(format!("{}: no policy {document}", case.id));
        }
        for kind in expect.cases.iter().filter(|kind| !kinds.contains(kind.as_str())) {
            wrong.push(format!("{}: no kind of case {kind}", case.id));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
