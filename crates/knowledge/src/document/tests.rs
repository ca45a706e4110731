use super::*;

const GOOD: &str = "---
id: late-fee
version: 2
title: Late fees
effective_on: 2024-01-01
product: CASHLINE-STD-1
states: all
audience: consumer
kind: reference
---

## When it applies

The fee is $15.00. It applies only when a minimum
is more than 10 days late.

- one
- two

## Asking us to waive one

Ask us.
";

fn problem(file: &str, text: &str) -> String {
    Document::parse(file, text).unwrap_err().to_string()
}

#[test]
fn a_document_becomes_one_passage_for_each_heading() {
    let document = Document::parse("consumer/late-fee.md", GOOD).unwrap();
    let names: Vec<_> = document.passages.iter().map(|p| p.citation.to_string()).collect();
    assert_eq!(names, ["late-fee@2#when-it-applies", "late-fee@2#asking-us-to-waive-one"]);
    let first = document.passages.first().unwrap();
    assert_eq!(
        first.text,
        "The fee is $15.00. It applies only when a minimum is more than 10 days late.\n- one\n- two"
    );
    assert_eq!(first.scope.product.as_deref(), Some("CASHLINE-STD-1"));
    assert!(first.scope.states.is_empty());
}

#[test]
fn wrapping_lines_otherwise_changes_no_digest_and_changing_a_word_does() {
    let digest = |text: &str| {
        let document = Document::parse("consumer/late-fee.md", text).unwrap();
        document.passages.first().unwrap().digest.clone()
    };
    let wrapped = GOOD.replace("only when a minimum\nis", "only when\na minimum is");
    assert_eq!(digest(GOOD), digest(&wrapped));
    assert_ne!(digest(GOOD), digest(&GOOD.replace("$15.00", "$16.00")));
    assert_ne!(digest(GOOD), digest(&GOOD.replace("version: 2", "version: 3")));
}

#[test]
fn every_mistake_is_told_with_its_file_and_line() {
    let file = "consumer/late-fee.md";
    let cases = [
        ("version: 2", "version: 0", 3, "versions count from 1"),
        ("version: 2", "version: two", 3, "head: "),
        ("version: 2", "version: 2\nverson: 2", 4, "unknown field"),
        ("id: late-fee", "id: Late Fee", 2, "lower-case"),
        ("2024-01-01", "January", 5, "head: "),
        ("2024-01-01", "2024-01-01\neffective_until: 2023-12-31", 6, "before effective_on"),
        ("states: all", "states: Alabama", 7, "postal codes"),
        ("audience: consumer", "audience: everybody", 8, "unknown variant"),
        ("audience: consumer", "audience: staff", 8, "must be staff/late-fee.md"),
        ("## When it applies", "# When it applies", 12, "only ## headings"),
        ("## When it applies", "Loose text", 12, "before the first"),
        ("## Asking us to waive one", "## When it applies", 20, "a second section"),
        ("Ask us.", "", 20, "the section is empty"),
        ("Ask us.", "Ask {{ name }}.", 22, "mistaken"),
        ("Ask us.", "Ask [[r1.balance]].", 22, "mistaken"),
        ("Ask us.", "<call tool=\"x\">", 22, "mistaken"),
        ("Ask us.", "Ask\u{200b} us.", 22, "U+200B"),
        ("Ask us.", "Ask\u{202e} us.", 22, "U+202E"),
        ("---\nid", "id", 1, "begins with a line of ---"),
    ];
    for (old, new, line, words) in cases {
        let said = problem(file, &GOOD.replacen(old, new, 1));
        assert!(said.starts_with(&format!("{file}:{line}: ")), "{new:?} gave {said}");
        assert!(said.contains(words), "{new:?} gave {said}");
    }
}

#[test]
fn a_section_longer_than_the_embedder_reads_is_refused() {
    let long = GOOD.replace("Ask us.", &"word ".repeat(MAX_SECTION_WORDS + 1));
    assert!(problem("consumer/late-fee.md", &long).contains("words"));
}

#[test]
fn a_past_version_carries_its_number_in_its_file_name() {
    assert!(Document::parse("consumer/late-fee.v2.md", GOOD).is_ok());
    assert!(Document::parse("consumer/late-fee.v1.md", GOOD).is_err());
    assert!(Document::parse("consumer/other.md", GOOD).is_err());
}

proptest::proptest! {
    #[test]
    fn no_text_whatever_stops_the_reader(text in ".{0,400}") {
        let _ = Document::parse("consumer/late-fee.md", &text);
        let _ = Document::parse("consumer/late-fee.md", &GOOD.replace("Ask us.", &text));
    }
}
