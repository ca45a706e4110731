//! The form of a policy document: a YAML head, then `##` sections of plain paragraphs and lists.
//!
//! ```text
//! ---
//! id: late-fee
//! version: 1
//! title: Late fees
//! effective_on: 2024-01-01        # first day in force
//! effective_until: 2026-06-30     # last day in force; left out while open-ended
//! product: CASHLINE-STD-1         # or `all`
//! states: all                     # or a list such as [AL, NE]
//! audience: consumer              # consumer | staff | internal
//! kind: reference                 # procedure | reference
//! see: [minimum-payment]          # optional: documents to read next
//! tools: [get_payment_schedule]   # optional: the tools that carry it out
//! ---
//!
//! ## When a late fee applies
//!
//! Words.
//! ```
//!
//! Every mistake is reported with its file and line. Reading is pure: bytes in, document out.

use chrono::NaiveDate;
use serde::Deserialize;

use crate::error::KnowledgeError;
use crate::passage::{Audience, Citation, Kind, Passage, Scope, valid_slug};

/// The encoder reads 256 tokens; a longer section would be judged by its beginning only.
const MAX_SECTION_WORDS: usize = 190;

/// Marks that a template, a draft or a worked example could take for its own.
const MARKS: [&str; 8] = ["{{", "{%", "[[", "]]", "<", ">", "```", "\\"];

/// One version of one policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The document's id.
    pub id: String,
    /// Its version, from 1.
    pub version: u32,
    /// Where it was read from, below the policies folder.
    pub file: String,
    /// When, where and for whom it holds.
    pub scope: Scope,
    /// Its sections, in order.
    pub passages: Vec<Passage>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    id: String,
    version: u32,
    title: String,
    effective_on: NaiveDate,
    effective_until: Option<NaiveDate>,
    product: String,
    states: States,
    audience: Audience,
    kind: Kind,
    #[serde(default)]
    see: Vec<String>,
    #[serde(default)]
    tools: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum States {
    Word(String),
    List(Vec<String>),
}

impl Document {
    /// Reads one document. `file` is its path below the policies folder, and must agree with the
    /// head: `<audience>/<id>.md`, or `<audience>/<id>.v<version>.md` for a version that another
    /// has followed. So a staff page cannot become a consumer's by one mistaken word in its head.
    pub fn parse(file: &str, text: &str) -> Result<Self, KnowledgeError> {
        refuse_hidden_characters(file, text)?;
        let (head_text, body, body_line) = split_head(file, text)?;
        let head: Head = serde_yaml_ng::from_str(head_text).map_err(|error| {
            let line = error.location().map_or(1, |at| at.line() + 1);
            KnowledgeError::document(file, line, format!("head: {error}"))
        })?;
        let at_key = |key: &str| line_of_key(head_text, key);
        let bad =
            |key: &str, problem: String| Err(KnowledgeError::document(file, at_key(key), problem));
        if !valid_slug(&head.id) {
            return bad("id", format!("id {:?} must be lower-case words and hyphens", head.id));
        }
        if head.version == 0 {
            return bad("version", "versions count from 1".to_owned());
        }
        if head.title.trim().is_empty() {
            return bad("title", "the title is empty".to_owned());
        }
        if let Some(mark) = MARKS.iter().find(|mark| head.title.contains(**mark)) {
            return bad("title", format!("the title holds the mark {mark:?}"));
        }
        if head.effective_until.is_some_and(|until| until < head.effective_on) {
            return bad("effective_until", "effective_until is before effective_on".to_owned());
        }
        if head.product.trim().is_empty() {
            return bad("product", "name a product, or write all".to_owned());
        }
        check_file_name(file, &head, at_key("audience"))?;
        let states = states(file, head.states, at_key("states"))?;
        let scope = Scope {
            audience: head.audience,
            effective_on: head.effective_on,
            effective_until: head.effective_until,
            product: (head.product != "all").then_some(head.product),
            states,
        };
        let sections = sections(file, body, body_line)?;
        let passages = sections
            .into_iter()
            .map(|section| {
                let citation = Citation {
                    document: head.id.clone(),
                    version: head.version,
                    section: section.slug,
                };
                let digest =
                    Passage::digest_of(&citation, &head.title, &section.heading, &section.text);
                Passage {
                    citation,
                    digest,
                    title: head.title.clone(),
                    heading: section.heading,
                    text: section.text,
                    kind: head.kind,
                    scope: scope.clone(),
                    see: head.see.clone(),
                    tools: head.tools.clone(),
                }
            })
            .collect();
        Ok(Self { id: head.id, version: head.version, file: file.to_owned(), scope, passages })
    }
}

/// The head's text, the body, and the line the body begins on.
fn split_head<'t>(file: &str, text: &'t str) -> Result<(&'t str, &'t str, usize), KnowledgeError> {
    let rest = text
        .strip_prefix("---\n")
        .ok_or_else(|| KnowledgeError::document(file, 1, "a policy begins with a line of ---"))?;
    let (head, body) = rest
        .split_once("\n---\n")
        .ok_or_else(|| KnowledgeError::document(file, 1, "the head has no closing line of ---"))?;
    Ok((head, body, head.lines().count() + 3))
}

/// The line of a key in the file; the head's first line when the key is not there.
fn line_of_key(head: &str, key: &str) -> usize {
    let found = head.lines().position(|line| {
        line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(':'))
    });
    found.map_or(1, |index| index + 2)
}

fn check_file_name(file: &str, head: &Head, line: usize) -> Result<(), KnowledgeError> {
    let folder = head.audience.as_str();
    let current = format!("{folder}/{}.md", head.id);
    let past = format!("{folder}/{}.v{}.md", head.id, head.version);
    if file == current || file == past {
        return Ok(());
    }
    let problem =
        format!("the head says audience {folder}, so this file must be {current} or {past}");
    Err(KnowledgeError::document(file, line, problem))
}

fn states(file: &str, states: States, line: usize) -> Result<Vec<String>, KnowledgeError> {
    let list = match states {
        States::Word(word) if word == "all" => return Ok(Vec::new()),
        States::Word(word) => vec![word],
        States::List(list) => list,
    };
    let valid = |code: &String| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase());
    if list.is_empty() || !list.iter().all(valid) {
        let problem = "states are all, or a list of two-letter postal codes";
        return Err(KnowledgeError::document(file, line, problem));
    }
    Ok(list)
}

struct Section {
    slug: String,
    heading: String,
    text: String,
}

/// Cuts the body at its `##` headings; `first_line` is the body's first line in the file.
fn sections(file: &str, body: &str, first_line: usize) -> Result<Vec<Section>, KnowledgeError> {
    let mut open: Option<(String, usize, Vec<&str>)> = None;
    let mut sections: Vec<Section> = Vec::new();
    for (offset, line) in body.lines().enumerate() {
        let number = first_line + offset;
        if let Some(mark) = MARKS.iter().find(|mark| line.contains(**mark)) {
            let problem =
                format!("the mark {mark:?} could be mistaken for a template or a draft's");
            return Err(KnowledgeError::document(file, number, problem));
        }
        if let Some(heading) = line.strip_prefix("## ") {
            close(file, open.take(), &mut sections)?;
            open = Some((heading.trim().to_owned(), number, Vec::new()));
        } else if line.starts_with('#') {
            let problem = "only ## headings: the title stands in the head";
            return Err(KnowledgeError::document(file, number, problem));
        } else if let Some((_, _, lines)) = &mut open {
            lines.push(line.trim_end());
        } else if !line.trim().is_empty() {
            let problem = "text before the first ## heading cannot be cited";
            return Err(KnowledgeError::document(file, number, problem));
        }
    }
    close(file, open, &mut sections)?;
    if sections.is_empty() {
        return Err(KnowledgeError::document(file, first_line, "the document has no section"));
    }
    Ok(sections)
}

fn close(
    file: &str,
    open: Option<(String, usize, Vec<&str>)>,
    sections: &mut Vec<Section>,
) -> Result<(), KnowledgeError> {
    let Some((heading, line, lines)) = open else { return Ok(()) };
    let text = paragraphs(&lines);
    let slug = slug_of(&heading);
    let words = text.split_whitespace().count();
    let problem = if slug.is_empty() {
        "the heading has no words".to_owned()
    } else if sections.iter().any(|section| section.slug == slug) {
        format!("a second section {slug:?}: its citation would not be unique")
    } else if words == 0 {
        "the section is empty".to_owned()
    } else if words > MAX_SECTION_WORDS {
        format!("the section has {words} words; the embedder reads about {MAX_SECTION_WORDS}")
    } else {
        sections.push(Section { slug, heading, text });
        return Ok(());
    };
    Err(KnowledgeError::document(file, line, problem))
}

/// Joins wrapped lines: a paragraph or a list item per line, so that re-wrapping a file changes no
/// digest.
fn paragraphs(lines: &[&str]) -> String {
    let mut text = String::new();
    let mut fresh = true;
    for line in lines.iter().map(|line| line.trim()) {
        if line.is_empty() {
            fresh = true;
            continue;
        }
        if !text.is_empty() {
            text.push(if fresh || line.starts_with("- ") { '\n' } else { ' ' });
        }
        text.push_str(line);
        fresh = false;
    }
    text
}

fn slug_of(heading: &str) -> String {
    let words = heading
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_ascii_lowercase);
    words.collect::<Vec<_>>().join("-")
}

/// Refuses what a reader cannot see: controls, zero-width marks and direction overrides.
fn refuse_hidden_characters(file: &str, text: &str) -> Result<(), KnowledgeError> {
    let hidden = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{ad}' | '\u{e0000}'..='\u{e007f}')
    };
    for (index, line) in text.split('\n').enumerate() {
        if let Some(c) = line.chars().find(|&c| hidden(c)) {
            let problem = format!("hidden character U+{:04X}", u32::from(c));
            return Err(KnowledgeError::document(file, index + 1, problem));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
