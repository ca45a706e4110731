//! The structure of a tagged PDF: what is a heading, a list, a table, a cell and whose head, in the order in which it is read.

use pdf_writer::{
    Finish as _, Name, Pdf, Ref,
    types::{StructRole, TableHeaderScope},
};

use super::{Refs, layout::Laid};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Document,
    H1,
    H2,
    P,
    L,
    LI,
    Table,
    Caption,
    TR,
    ColumnHead,
    RowHead,
    TD,
}

impl Role {
    const fn tag(self) -> StructRole {
        match self {
            Self::Document => StructRole::Document,
            Self::H1 => StructRole::H1,
            Self::H2 => StructRole::H2,
            Self::P => StructRole::P,
            Self::L => StructRole::L,
            Self::LI => StructRole::LI,
            Self::Table => StructRole::Table,
            Self::Caption => StructRole::Caption,
            Self::TR => StructRole::TR,
            Self::ColumnHead | Self::RowHead => StructRole::TH,
            Self::TD => StructRole::TD,
        }
    }

    /// What a head is the head of.
    const fn scope(self) -> Option<TableHeaderScope> {
        match self {
            Self::ColumnHead => Some(TableHeaderScope::Column),
            Self::RowHead => Some(TableHeaderScope::Row),
            _ => None,
        }
    }
}

pub(super) struct Element {
    role: Role,
    parent: Option<usize>,
}

impl Element {
    pub(super) const fn new(role: Role, parent: Option<usize>) -> Self {
        Self { role, parent }
    }
}

/// What an element holds: others, and words by their page and number on it.
#[derive(Clone, Copy)]
enum Held {
    Element(usize),
    Words { page: usize, number: i32 },
}

/// Writes the tree; answers its root. `pages` are the sheets' own ids.
pub(super) fn write_structure(pdf: &mut Pdf, refs: &mut Refs, laid: &Laid, pages: &[Ref]) -> Ref {
    let root = refs.next();
    let ids: Vec<Ref> = laid.elements.iter().map(|_| refs.next()).collect();
    let mut held: Vec<Vec<Held>> = laid.elements.iter().map(|_| Vec::new()).collect();
    for (n, element) in laid.elements.iter().enumerate() {
        if let Some(parent) = element.parent.and_then(|parent| held.get_mut(parent)) {
            parent.push(Held::Element(n));
        }
    }
    let mut owners: Vec<Vec<Ref>> = Vec::with_capacity(pages.len());
    for (page, sheet) in laid.pages.iter().enumerate() {
        let marked: Vec<usize> = sheet.runs.iter().filter_map(|run| run.element).collect();
        for (number, element) in (0..).zip(&marked) {
            if let Some(held) = held.get_mut(*element) {
                held.push(Held::Words { page, number });
            }
        }
        owners.push(marked.iter().filter_map(|element| ids.get(*element).copied()).collect());
    }
    for ((element, held), id) in laid.elements.iter().zip(&held).zip(&ids) {
        let parent = element.parent.and_then(|parent| ids.get(parent)).copied().unwrap_or(root);
        write_element(pdf, (*id, parent), element.role, held, &ids, pages);
    }
    let mut tree = pdf.indirect(root).dict();
    tree.pair(Name(b"Type"), Name(b"StructTreeRoot"));
    if let Some(document) = ids.first() {
        tree.pair(Name(b"K"), *document);
    }
    let mut numbers = tree.insert(Name(b"ParentTree")).dict();
    let mut sheets = numbers.insert(Name(b"Nums")).array();
    for (n, owners) in (0_i32..).zip(&owners) {
        sheets.item(n);
        sheets.push().array().items(owners.iter().copied());
    }
    sheets.finish();
    numbers.finish();
    tree.finish();
    root
}

fn write_element(
    pdf: &mut Pdf,
    (id, parent): (Ref, Ref),
    role: Role,
    held: &[Held],
    ids: &[Ref],
    pages: &[Ref],
) {
    let mut element = pdf.struct_element(id);
    element.kind(role.tag()).parent(parent);
    if let Some(scope) = role.scope() {
        element.attributes().push().table().scope(scope);
    }
    let mut children = element.children();
    for one in held {
        match one {
            Held::Element(n) => {
                if let Some(id) = ids.get(*n) {
                    children.struct_element(*id);
                }
            }
            Held::Words { page, number } => {
                if let Some(page) = pages.get(*page) {
                    children.marked_content_ref().page(*page).marked_content_id(*number);
                }
            }
        }
    }
    children.finish();
}
