//! A prompt with everything that shapes it, as files: read from the working tree, sealed, opened again.

use std::{
    collections::BTreeMap,
    fs,
    path::{Component, Path},
};

use serde_json::json;
use toolkit::{Manifest, PolicyFile};

use crate::{Digest, Head, PromptError, head};

const PROMPT_FILE: &str = "prompt.md";
const INCLUDES: &str = "includes";
const TOOLS: &str = "tools";
const POLICY_FILE: &str = "policy.toml";

/// A parsed prompt file and the files it includes.
#[derive(Clone, Debug, PartialEq)]
pub struct Prompt {
    pub head: Head,
    pub(crate) template: String,
    pub(crate) includes: BTreeMap<String, String>,
    /// The file as it stands, head included.
    source: String,
}

/// A prompt with the manifests of its tools and the policy: what a digest names and a promotion copies.
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle {
    pub prompt: Prompt,
    /// Tool manifests by name, as they stand.
    pub tools: BTreeMap<String, String>,
    /// `tools/policy.toml`, as it stands.
    pub policy: String,
}

impl Prompt {
    /// Parses a prompt file; `include` supplies the files its head names.
    pub fn parse(
        path: &str,
        source: &str,
        include: impl Fn(&str) -> Result<String, PromptError>,
    ) -> Result<Self, PromptError> {
        let (head, template) = head::split(path, source)?;
        let mut includes = BTreeMap::new();
        for name in &head.includes {
            if !safe(name) {
                let problem = format!("the include `{name}` leaves the folder");
                return Err(PromptError::Syntax { path: path.into(), problem });
            }
            includes.insert(name.clone(), include(name)?);
        }
        Ok(Self { template: template.to_owned(), source: source.to_owned(), head, includes })
    }
}

impl Bundle {
    /// Reads `prompts/<name>.prompt.md` and `tools/` below `root`.
    pub fn from_working_tree(root: &Path, name: &str) -> Result<Self, PromptError> {
        let folder = root.join("prompts");
        let path = folder.join(format!("{name}.prompt.md"));
        let prompt =
            Prompt::parse(&shown(&path), &read(&path)?, |include| read(&folder.join(include)))?;
        if prompt.head.name != name {
            let problem = format!("its head names it `{}`", prompt.head.name);
            return Err(PromptError::Syntax { path: shown(&path), problem });
        }
        let tools = root.join(TOOLS);
        Self::gather(prompt, &tools)
    }

    fn gather(prompt: Prompt, tools: &Path) -> Result<Self, PromptError> {
        let mut manifests = BTreeMap::new();
        for name in &prompt.head.tools {
            manifests.insert(name.clone(), read(&tools.join(format!("{name}.toml")))?);
        }
        let policy = read(&tools.join(POLICY_FILE))?;
        Ok(Self { prompt, tools: manifests, policy })
    }

    /// The digest over template, includes, model, parameters, manifests, policy and output schema.
    pub fn digest(&self) -> Digest {
        let names = |texts: &BTreeMap<String, String>| -> BTreeMap<String, Digest> {
            texts.iter().map(|(name, text)| (name.clone(), Digest::of(text))).collect()
        };
        Digest::of_json(&json!({
            "version": 1,
            "name": self.prompt.head.name,
            "file": Digest::of(&self.prompt.source),
            "template": Digest::of(&self.prompt.template),
            "includes": names(&self.prompt.includes),
            "model": self.prompt.head.model,
            "parameters": self.prompt.head.config,
            "tools": names(&self.tools),
            "policy": Digest::of(&self.policy),
            "output": self.prompt.head.output.schema,
        }))
    }

    /// Writes the bundle below `promoted/<digest>/` and answers its digest. An existing bundle is left as it is.
    pub fn seal(&self, promoted: &Path) -> Result<Digest, PromptError> {
        let digest = self.digest();
        let folder = promoted.join(digest.as_str());
        if folder.exists() {
            Self::open(promoted, &digest)?;
            return Ok(digest);
        }
        write(&folder.join(PROMPT_FILE), &self.prompt.source)?;
        for (name, text) in &self.prompt.includes {
            write(&folder.join(INCLUDES).join(name), text)?;
        }
        for (name, text) in &self.tools {
            write(&folder.join(TOOLS).join(format!("{name}.toml")), text)?;
        }
        write(&folder.join(TOOLS).join(POLICY_FILE), &self.policy)?;
        Ok(digest)
    }

    /// Opens `promoted/<digest>/`; bytes that give another digest are refused.
    pub fn open(promoted: &Path, digest: &Digest) -> Result<Self, PromptError> {
        let folder = promoted.join(digest.as_str());
        let path = folder.join(PROMPT_FILE);
        let prompt = Prompt::parse(&shown(&path), &read(&path)?, |include| {
            read(&folder.join(INCLUDES).join(include))
        })?;
        let bundle = Self::gather(prompt, &folder.join(TOOLS))?;
        let found = bundle.digest();
        if found == *digest {
            Ok(bundle)
        } else {
            Err(PromptError::Altered { named: digest.clone(), found })
        }
    }

    /// The manifests, parsed.
    pub fn manifests(&self) -> Result<BTreeMap<String, Manifest>, PromptError> {
        self.tools.iter().map(|(name, text)| Ok((name.clone(), Manifest::parse(text)?))).collect()
    }

    pub fn policy(&self) -> Result<PolicyFile, PromptError> {
        PolicyFile::parse(&self.policy).map_err(|error| PromptError::Syntax {
            path: POLICY_FILE.to_owned(),
            problem: error.to_string(),
        })
    }
}

/// Every manifest of a `tools/` folder, parsed, by name.
pub fn load_manifests(tools: &Path) -> Result<BTreeMap<String, Manifest>, PromptError> {
    let file = |source| PromptError::File { path: shown(tools), source };
    let mut manifests = BTreeMap::new();
    for entry in fs::read_dir(tools).map_err(file)? {
        let path = entry.map_err(file)?.path();
        let is_manifest = path.extension().is_some_and(|extension| extension == "toml")
            && path.file_name().is_some_and(|name| name != POLICY_FILE);
        if is_manifest {
            let manifest = Manifest::parse(&read(&path)?)?;
            manifests.insert(manifest.name.clone(), manifest);
        }
    }
    Ok(manifests)
}

/// A relative path that stays below its folder.
fn safe(name: &str) -> bool {
    !name.is_empty()
        && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn read(path: &Path) -> Result<String, PromptError> {
    fs::read_to_string(path).map_err(|source| PromptError::File { path: shown(path), source })
}

fn write(path: &Path, text: &str) -> Result<(), PromptError> {
    let file = |source| PromptError::File { path: shown(path), source };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(file)?;
    }
    fs::write(path, text).map_err(file)
}
