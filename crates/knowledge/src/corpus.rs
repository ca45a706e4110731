//! All policies together: read from their folder, checked against each other, and named by one digest.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::document::Document;
use crate::error::KnowledgeError;
use crate::glossary::{self, Glossary};
use crate::passage::{Audience, Citation, Passage};

/// The passages of every version of every policy, by citation.
#[derive(Debug, Clone)]
pub struct Corpus {
    passages: BTreeMap<Citation, Passage>,
    glossary: Glossary,
    digest: String,
}

impl Corpus {
    /// Reads `dir/{consumer,staff,internal}/*.md`. Beside those folders a `glossary.yaml` is
    /// read and a `README.md` is allowed; anything else is refused, so that nothing lies there unread.
    pub fn read(dir: &Path) -> Result<Self, KnowledgeError> {
        let mut files = Vec::new();
        let mut glossary = Glossary::default();
        for entry in entries(dir)? {
            let name = entry.file_name().to_string_lossy().into_owned();
            if Audience::ALL.iter().any(|audience| audience.as_str() == name) {
                for file in entries(&entry.path())? {
                    files.push((
                        format!("{name}/{}", file.file_name().to_string_lossy()),
                        file.path(),
                    ));
                }
            } else if name == glossary::FILE {
                glossary = Glossary::parse(&read_text(&name, &entry.path())?)?;
            } else if name != "README.md" {
                let problem = "policies stand in consumer, staff or internal";
                return Err(KnowledgeError::document(&name, 1, problem));
            }
        }
        files.sort();
        let mut documents = Vec::new();
        for (name, path) in files {
            if path.extension().is_none_or(|extension| extension != "md") {
                return Err(KnowledgeError::document(&name, 1, "a policy is a .md file"));
            }
            documents.push(Document::parse(&name, &read_text(&name, &path)?)?);
        }
        if documents.is_empty() {
            return Err(KnowledgeError::Empty(dir.to_owned()));
        }
        Self::with_glossary(documents, glossary)
    }

    /// Checks documents against each other and digests them.
    pub fn assemble(documents: Vec<Document>) -> Result<Self, KnowledgeError> {
        Self::with_glossary(documents, Glossary::default())
    }

    fn with_glossary(
        mut documents: Vec<Document>,
        glossary: Glossary,
    ) -> Result<Self, KnowledgeError> {
        documents.sort_by(|a, b| (&a.id, a.version).cmp(&(&b.id, b.version)));
        check_versions(&documents)?;
        check_links(&documents)?;
        let passages: BTreeMap<_, _> = documents
            .into_iter()
            .flat_map(|document| document.passages)
            .map(|passage| (passage.citation.clone(), passage))
            .collect();
        let digest = digest_of(passages.values(), &glossary);
        Ok(Self { passages, glossary, digest })
    }

    /// Every passage, in the order of citations.
    pub fn passages(&self) -> impl Iterator<Item = &Passage> {
        self.passages.values()
    }

    /// The passage of that name, whoever asks. [`crate::Knowledge::passage`] checks the audience.
    pub fn get(&self, citation: &Citation) -> Option<&Passage> {
        self.passages.get(citation)
    }

    pub(crate) fn glossary(&self) -> &Glossary {
        &self.glossary
    }

    /// SHA-256 over every passage with its scope and over the glossary, in hexadecimal: a change to
    /// a word, a date or an audience changes it.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

fn read_text(name: &str, path: &Path) -> Result<String, KnowledgeError> {
    let bytes = std::fs::read(path)
        .map_err(|source| KnowledgeError::Read { path: path.to_owned(), source })?;
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.as_bytes().iter().take(error.utf8_error().valid_up_to());
        let line = valid.filter(|byte| **byte == b'\n').count() + 1;
        KnowledgeError::document(name, line, "the file is not UTF-8")
    })
}

/// The entries of a folder that are not hidden.
fn entries(dir: &Path) -> Result<Vec<std::fs::DirEntry>, KnowledgeError> {
    let failed = |source| KnowledgeError::Read { path: dir.to_owned(), source };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            entries.push(entry);
        }
    }
    Ok(entries)
}

/// Versions of one document follow each other: each once, in the order of their dates, no two in
/// force on one day, all for one audience.
fn check_versions(documents: &[Document]) -> Result<(), KnowledgeError> {
    for pair in documents.windows(2) {
        let [earlier, later] = pair else { continue };
        if earlier.id != later.id {
            continue;
        }
        let problem = if earlier.version == later.version {
            format!("version {} stands in {} too", later.version, earlier.file)
        } else if earlier.scope.audience != later.scope.audience {
            format!("{} has another audience", earlier.file)
        } else if earlier
            .scope
            .effective_until
            .is_none_or(|until| until >= later.scope.effective_on)
        {
            format!("{} is still in force when this version begins", earlier.file)
        } else {
            continue;
        };
        return Err(KnowledgeError::document(&later.file, 1, problem));
    }
    Ok(())
}

/// A link leads to a document that the reader of this one may read.
fn check_links(documents: &[Document]) -> Result<(), KnowledgeError> {
    let shelves: BTreeSet<(&str, Audience)> =
        documents.iter().map(|document| (document.id.as_str(), document.scope.audience)).collect();
    for document in documents {
        let links = document.passages.first().map_or(&[][..], |passage| &passage.see);
        for link in links {
            let readable = Audience::ALL.iter().any(|shelf| {
                document.scope.audience.may_read(*shelf)
                    && shelves.contains(&(link.as_str(), *shelf))
            });
            if !readable {
                let problem = format!("see: no document {link:?} that this one's readers may read");
                return Err(KnowledgeError::document(&document.file, 1, problem));
            }
        }
    }
    Ok(())
}

fn digest_of<'p>(passages: impl Iterator<Item = &'p Passage>, glossary: &Glossary) -> String {
    let mut hasher = Sha256::new();
    let mut field = |text: &str| {
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    };
    for passage in passages {
        let scope = &passage.scope;
        field(&passage.digest);
        field(scope.audience.as_str());
        field(&scope.effective_on.to_string());
        field(&scope.effective_until.map(|until| until.to_string()).unwrap_or_default());
        field(scope.product.as_deref().unwrap_or_default());
        field(&scope.states.join(","));
        field(&format!("{:?}", passage.kind));
        field(&passage.see.join(","));
        field(&passage.tools.join(","));
    }
    field(&glossary.canonical());
    hex::encode(hasher.finalize())
}
