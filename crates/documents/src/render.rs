//! From template and record to bytes.

use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, escape_formatter,
    syntax::SyntaxConfig, value::Serde,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// A document, ready to be stored and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Template and version: `adverse-action 1`.
    pub template: &'static str,
    /// `text/html; charset=utf-8`, `text/plain; charset=utf-8` or `application/pdf`.
    pub media_type: &'static str,
    pub bytes: Vec<u8>,
    /// SHA-256 of the bytes.
    pub digest: [u8; 32],
}

impl Rendered {
    pub(crate) fn new(template: &'static str, media_type: &'static str, bytes: Vec<u8>) -> Self {
        let digest = Sha256::digest(&bytes).into();
        Self { template, media_type, bytes, digest }
    }

    /// The digest in hexadecimal.
    pub fn digest_hex(&self) -> String {
        hex::encode(self.digest)
    }

    /// The bytes, where they are text.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.bytes)
    }
}

/// A document could not be made.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// Our fault: the template asks for what the record cannot have.
    #[error("the template {template} could not be rendered")]
    Template { template: &'static str, source: Box<minijinja::Error> },
    /// The caller's fault: there is nothing to notify of, or something the notice must say is not known.
    #[error("the record is not one to notify of: {0}")]
    Record(&'static str),
    /// Our fault: what is embedded as a font is none.
    #[error("the embedded fonts cannot be read")]
    Font,
}

/// How a template is written.
#[derive(Clone, Copy)]
pub(crate) enum Format {
    Html,
    Text,
}

pub(crate) fn render(
    template: &'static str,
    source: &str,
    format: Format,
    record: &impl Serialize,
) -> Result<Rendered, DocumentError> {
    let broken = |source| DocumentError::Template { template, source: Box::new(source) };
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    // A line that holds nothing but a tag leaves nothing behind.
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()
        .map_err(broken)?;
    environment.set_syntax(syntax);
    let (escape, media_type) = match format {
        Format::Html => (AutoEscape::Html, "text/html; charset=utf-8"),
        Format::Text => (AutoEscape::None, "text/plain; charset=utf-8"),
    };
    environment.set_auto_escape_callback(move |_| escape.clone());
    if matches!(format, Format::Text) {
        // What may be absent is asked for before it is written.
        environment.set_formatter(|out, state, value| {
            if value.is_none() {
                return Err(Error::from(ErrorKind::UndefinedError));
            }
            escape_formatter(out, state, value)
        });
    }
    environment.add_template(template, source).map_err(broken)?;
    let text = environment
        .get_template(template)
        .and_then(|template| template.render(Serde(record)))
        .map_err(broken)?;
    Ok(Rendered::new(template, media_type, text.into_bytes()))
}
