//! The policies themselves: enough of them, in plain words, linked and dated as they should be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::support;
use crate::support::{MiniLm, document, query};
use knowledge::index::ExactIndex;
use knowledge::{Audience, Corpus, Knowledge, Passage};

fn corpus() -> Corpus {
    Corpus::read(&support::policies()).unwrap()
}

fn documents(corpus: &Corpus) -> BTreeMap<(String, u32), Vec<&Passage>> {
    let mut documents: BTreeMap<_, Vec<&Passage>> = BTreeMap::new();
    for passage in corpus.passages() {
        let key = (passage.citation.document.clone(), passage.citation.version);
        documents.entry(key).or_default().push(passage);
    }
    documents
}

#[test]
fn there_are_enough_documents_for_each_audience() {
    let corpus = corpus();
    let count = |audience| {
        let of = |p: &&Passage| p.scope.audience == audience;
        let ids: BTreeSet<_> =
            corpus.passages().filter(of).map(|p| p.citation.document.clone()).collect();
        ids.len()
    };
    assert!(count(Audience::Consumer) >= 18);
    assert!(count(Audience::Staff) >= 8);
    assert!(count(Audience::Internal) >= 2);
}

#[test]
fn some_documents_have_a_past_version_so_that_dates_matter() {
    let corpus = corpus();
    let documents = documents(&corpus);
    let older = documents.keys().filter(|(_, version)| *version > 1).count();
    assert!(older >= 3);
}

#[test]
fn every_section_is_of_a_size_to_be_shown_whole() {
    for passage in corpus().passages() {
        let words = passage.text.split_whitespace().count();
        assert!((40..=180).contains(&words), "{}: {words} words", passage.citation);
    }
}

#[test]
fn every_section_fits_the_encoder() {
    let Some(encoder) = MiniLm::fetched() else { return };
    for passage in corpus().passages() {
        let text = format!("{}: {}\n{}", passage.title, passage.heading, passage.text);
        assert!(encoder.count_tokens(&text) < 256, "{} is cut", passage.citation);
    }
}

/// The Flesch-Kincaid grade, with syllables counted as groups of vowels.
fn grade(text: &str) -> f64 {
    let sentences = text.split(['.', '?', '!', ':']).filter(|s| s.split_whitespace().count() > 1);
    let words: Vec<_> =
        text.split_whitespace().filter(|w| w.contains(char::is_alphabetic)).collect();
    let syllables: usize = words.iter().map(|word| syllables(word)).sum();
    let words = words.len() as f64;
    0.39 * words / sentences.count() as f64 + 11.8 * syllables as f64 / words - 15.59
}

fn syllables(word: &str) -> usize {
    let word: String = word.to_lowercase().chars().filter(char::is_ascii_alphabetic).collect();
    let silent = ["es", "ed", "e"].iter().any(|end| word.ends_with(end) && !word.ends_with("le"));
    let mut groups = 0;
    let mut inside = false;
    for letter in word.chars() {
        let vowel = "aeiouy".contains(letter);
        groups += usize::from(vowel && !inside);
        inside = vowel;
    }
    groups.saturating_sub(usize::from(silent && groups > 1)).max(1)
}

#[test]
fn consumer_documents_read_at_grade_eight_or_below() {
    let corpus = corpus();
    let mut hard = Vec::new();
    for ((id, version), passages) in documents(&corpus) {
        if passages.iter().all(|passage| passage.scope.audience == Audience::Consumer) {
            let text: Vec<_> = passages.iter().map(|passage| passage.text.as_str()).collect();
            let grade = grade(&text.join(" "));
            if grade > 8.0 {
                hard.push(format!("{id}@{version}: {grade:.1}"));
            }
        }
    }
    assert!(hard.is_empty(), "too hard to read: {hard:?}");
}

#[test]
fn the_grade_tells_plain_words_from_hard_ones() {
    assert!(grade("We sent you a bill. You can pay it today. Ask us if you need help.") < 4.0);
    let hard = "Notwithstanding the aforementioned provisions, delinquent obligations necessitate \
                immediate remediation consistent with contractual requirements.";
    assert!(grade(hard) > 14.0);
}

#[tokio::test]
async fn the_date_of_the_event_decides_which_version_answers() {
    let index = Arc::new(ExactIndex::new());
    let knowledge = Knowledge::load(&support::policies(), None, index).await.unwrap();
    for (on, wanted) in [
        ("2023-12-31", None),
        ("2024-01-01", Some(1)),
        ("2025-03-29", Some(1)),
        ("2025-03-30", Some(2)),
        ("2026-11-19", Some(2)),
        ("2026-11-20", Some(3)),
    ] {
        let asked = query("returned payment fee retry bank", Audience::Consumer, on);
        let found = knowledge.search(&asked).await.unwrap();
        let version = found
            .iter()
            .find(|found| found.passage.citation.document == "returned-payments")
            .map(|found| found.passage.citation.version);
        assert_eq!(version, wanted, "{on}");
    }
}

#[test]
fn a_changed_word_date_or_audience_changes_the_digest_of_the_corpus() {
    let base = || vec![document("a", Audience::Consumer, "", "## One\n\nWords.")];
    let digest = |documents| support::corpus(documents).digest().to_owned();
    let before = digest(base());
    assert_eq!(before, digest(base()));
    let changed = [
        document("a", Audience::Consumer, "", "## One\n\nOther words."),
        document("a", Audience::Consumer, "", "## Two\n\nWords."),
        document("a", Audience::Staff, "", "## One\n\nWords."),
        document("a", Audience::Consumer, "effective_on: 2024-01-02", "## One\n\nWords."),
        document("a", Audience::Consumer, "effective_until: 2030-01-01", "## One\n\nWords."),
        document("a", Audience::Consumer, "states: [AL]", "## One\n\nWords."),
        document("a", Audience::Consumer, "product: STD", "## One\n\nWords."),
        document("a", Audience::Consumer, "version: 2", "## One\n\nWords."),
    ];
    for document in changed {
        assert_ne!(before, digest(vec![document.clone()]), "{document:?}");
    }
}

#[test]
fn versions_must_follow_each_other_and_links_must_lead_somewhere_readable() {
    let body = "## One\n\nWords.";
    let problem = |documents| Corpus::assemble(documents).unwrap_err().to_string();
    let first = |extra| document("a", Audience::Consumer, extra, body);
    let second = || document("a", Audience::Consumer, "version: 2\neffective_on: 2025-01-01", body);
    assert!(Corpus::assemble(vec![first("effective_until: 2024-12-31"), second()]).is_ok());
    assert!(problem(vec![first("effective_until: 2025-01-01"), second()]).contains("in force"));
    assert!(problem(vec![first(""), second()]).contains("in force"));
    assert!(problem(vec![first(""), first("")]).contains("version 1 stands in"));
    let staff = || document("desk", Audience::Staff, "", body);
    let linked = || document("a", Audience::Consumer, "see: [desk]", body);
    assert!(problem(vec![linked(), staff()]).contains("see: no document"));
    assert!(problem(vec![linked()]).contains("see: no document"));
    let from_staff = document("desk", Audience::Staff, "see: [a]", body);
    assert!(Corpus::assemble(vec![first(""), from_staff]).is_ok());
}

#[test]
fn a_stray_file_or_folder_among_the_policies_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let read = || Corpus::read(dir.path()).unwrap_err().to_string();
    assert!(read().starts_with("no policy document under"));
    std::fs::create_dir(dir.path().join("consumer")).unwrap();
    std::fs::write(dir.path().join("consumer/notes.txt"), "x").unwrap();
    assert_eq!(read(), "consumer/notes.txt:1: a policy is a .md file");
    std::fs::remove_file(dir.path().join("consumer/notes.txt")).unwrap();
    std::fs::write(dir.path().join("consumer/bad.md"), b"---\nid: \xff\n").unwrap();
    assert_eq!(read(), "consumer/bad.md:2: the file is not UTF-8");
    std::fs::create_dir(dir.path().join("drafts")).unwrap();
    assert_eq!(read(), "drafts:1: policies stand in consumer, staff or internal");
}
