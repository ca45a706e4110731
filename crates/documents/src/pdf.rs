//! A document as PDF: letter paper, fonts embedded, text that can be selected and read aloud (tagged).
//!
//! Invariant: nothing but the document goes in, no date and no id, so that the same document gives the same bytes. Positions are
//! whole tenths of a point throughout; the page's own scale makes points of them.

mod font;
mod layout;
mod structure;

use std::collections::BTreeMap;

use pdf_writer::{
    Content, Filter, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr,
    types::{CidFontType, FontFlags, SystemInfo, UnicodeCmap},
};

use crate::{
    Document,
    render::{DocumentError, Rendered},
};
use font::{Face, Fonts};
use layout::{Laid, Page, lay_out};
use structure::write_structure;

/// Letter paper, in points.
const PAPER: Rect = Rect { x1: 0.0, y1: 0.0, x2: 612.0, y2: 792.0 };

const IDENTITY: SystemInfo<'static> =
    SystemInfo { registry: Str(b"Adobe"), ordering: Str(b"Identity"), supplement: 0 };

/// Hands out the numbers of objects.
struct Refs(i32);

impl Refs {
    const fn next(&mut self) -> Ref {
        self.0 += 1;
        Ref::new(self.0)
    }
}

/// Tenths of a point, or thousandths of an em. Paper ends long before an `i16` does.
fn number(whole: i32) -> f32 {
    f32::from(i16::try_from(whole).unwrap_or(i16::MAX))
}

pub(crate) fn render_pdf(document: &Document) -> Result<Rendered, DocumentError> {
    let fonts = Fonts::embedded()?;
    let laid = lay_out(document, fonts);
    let mut refs = Refs(0);
    let mut pdf = Pdf::new();
    let (catalog, tree) = (refs.next(), refs.next());
    let faces = Face::ALL.map(|face| (face, refs.next()));
    let pages: Vec<Ref> = laid.pages.iter().map(|_| refs.next()).collect();

    let structure = write_structure(&mut pdf, &mut refs, &laid, &pages);
    let mut written = pdf.catalog(catalog);
    written.pages(tree).lang(TextStr(document.lang));
    written.viewer_preferences().display_doc_title(true);
    written.mark_info().marked(true);
    written.pair(Name(b"StructTreeRoot"), structure);
    written.finish();
    let title = format!("{}, {}", document.title, document.from.name);
    pdf.document_info(refs.next()).title(TextStr(&title)).producer(TextStr(document.template));

    let count = i32::try_from(pages.len()).unwrap_or(i32::MAX);
    pdf.pages(tree).kids(pages.iter().copied()).count(count);
    for (n, (page, id)) in (0..).zip(laid.pages.iter().zip(&pages)) {
        write_page(&mut pdf, &mut refs, page, (*id, tree, n), &faces, fonts);
    }
    for (face, id) in faces {
        write_font(&mut pdf, &mut refs, fonts, face, id, &used(&laid, fonts, face));
    }
    Ok(Rendered::new(document.template, "application/pdf", pdf.finish()))
}

/// The glyphs that the document draws, and what each stands for.
fn used(laid: &Laid, fonts: &Fonts, face: Face) -> BTreeMap<u16, char> {
    let runs = laid.pages.iter().flat_map(|page| &page.runs).filter(|run| run.style.face == face);
    runs.flat_map(|run| run.text.chars()).map(|c| (fonts.glyph(face, c), c)).collect()
}

fn write_page(
    pdf: &mut Pdf,
    refs: &mut Refs,
    page: &Page,
    (id, tree, n): (Ref, Ref, i32),
    faces: &[(Face, Ref)],
    fonts: &Fonts,
) {
    let contents = refs.next();
    let mut written = pdf.page(id);
    written.parent(tree).media_box(PAPER).contents(contents).struct_parents(n);
    let mut resources = written.resources();
    let mut named = resources.fonts();
    for (face, font) in faces {
        named.pair(Name(face.resource()), *font);
    }
    named.finish();
    resources.finish();
    written.finish();

    let mut content = Content::new();
    content.transform([0.1, 0.0, 0.0, 0.1, 0.0, 0.0]);
    content.begin_marked_content(Name(b"Artifact"));
    for bar in &page.bars {
        content.set_fill_gray(bar.shade.gray());
        let (x, y, width, height) = (bar.x, bar.y, bar.width, bar.height);
        content.rect(number(x), number(y), number(width), number(height)).fill_nonzero();
    }
    content.set_fill_gray(0.0).end_marked_content();
    let mut marked = 0;
    for run in &page.runs {
        match run.element {
            Some(_) => {
                let mut mark = content.begin_marked_content_with_properties(Name(b"Span"));
                mark.properties().identify(marked);
                mark.finish();
                marked += 1;
            }
            None => {
                content.begin_marked_content(Name(b"Artifact"));
            }
        }
        let glyphs: Vec<u8> =
            run.text.chars().flat_map(|c| fonts.glyph(run.style.face, c).to_be_bytes()).collect();
        content
            .begin_text()
            .set_font(Name(run.style.face.resource()), number(run.style.size))
            .next_line(number(run.x), number(run.y))
            .show(Str(&glyphs))
            .end_text()
            .end_marked_content();
    }
    let packed = font::packed(&content.finish());
    pdf.stream(contents, &packed).filter(Filter::FlateDecode);
}

fn write_font(
    pdf: &mut Pdf,
    refs: &mut Refs,
    fonts: &Fonts,
    face: Face,
    id: Ref,
    used: &BTreeMap<u16, char>,
) {
    let (descendant, descriptor, file, map) = (refs.next(), refs.next(), refs.next(), refs.next());
    let name = Name(face.name());
    pdf.type0_font(id)
        .base_font(name)
        .encoding_predefined(Name(b"Identity-H"))
        .descendant_font(descendant)
        .to_unicode(map);
    let mut cid = pdf.cid_font(descendant);
    cid.subtype(CidFontType::Type2)
        .base_font(name)
        .system_info(IDENTITY)
        .font_descriptor(descriptor)
        .default_width(0.0)
        .cid_to_gid_map_predefined(Name(b"Identity"));
    let mut widths = cid.widths();
    for glyph in used.keys() {
        widths.same(*glyph, *glyph, f32::from(fonts.advance(face, *glyph)));
    }
    widths.finish();
    cid.finish();
    let metrics = fonts.metrics(face);
    let [left, bottom, right, top] = metrics.bounds.map(f32::from);
    pdf.font_descriptor(descriptor)
        .name(name)
        .flags(FontFlags::NON_SYMBOLIC)
        .bbox(Rect::new(left, bottom, right, top))
        .italic_angle(0.0)
        .ascent(f32::from(metrics.ascent))
        .descent(f32::from(metrics.descent))
        .cap_height(f32::from(metrics.cap_height))
        .stem_v(80.0)
        .font_file2(file);
    pdf.stream(file, fonts.packed_file(face))
        .filter(Filter::FlateDecode)
        .pair(Name(b"Length1"), fonts.file_length(face));
    let mut unicode = UnicodeCmap::new(Name(b"Plumbline"), IDENTITY);
    for (glyph, c) in used {
        unicode.pair(*glyph, *c);
    }
    pdf.stream(map, &font::packed(&unicode.finish())).filter(Filter::FlateDecode);
}
