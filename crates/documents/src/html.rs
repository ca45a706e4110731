//! A document as HTML: one file that needs nothing from anywhere, with tables that can be listened to and a style for paper.

use crate::{
    Document,
    render::{DocumentError, Format, Rendered, render},
};

pub(crate) fn render_html(document: &Document) -> Result<Rendered, DocumentError> {
    render(document.template, include_str!("../templates/document.html"), Format::Html, document)
}
