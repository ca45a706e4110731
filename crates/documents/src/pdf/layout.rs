//! Which words stand where: blocks become lines, lines become sheets.
//!
//! Positions are tenths of a point from the lower left corner. Every run of words belongs to an element of the structure, or to
//! none where it is decoration (heads repeated after a break, the foot of a sheet).

use super::{
    font::{Face, Fonts},
    structure::{Element, Role},
};
use crate::{
    Document,
    document::{Block, Fact},
};

mod table;

const LEFT: i32 = 540;
const RIGHT: i32 = 5_580;
const TOP: i32 = 7_380;
const BOTTOM: i32 = 720;
pub(super) const WIDTH: i32 = RIGHT - LEFT;

/// A face in a size, with the distance from line to line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) face: Face,
    pub(super) size: i32,
    pub(super) leading: i32,
}

const BODY: Style = Style { face: Face::Regular, size: 95, leading: 135 };
const STRONG: Style = Style { face: Face::Bold, ..BODY };
const SMALL: Style = Style { face: Face::Regular, size: 80, leading: 110 };
const TITLE: Style = Style { face: Face::Bold, size: 190, leading: 240 };
const HEADING: Style = Style { face: Face::Bold, size: 115, leading: 150 };
const FIGURE: Style = Style { face: Face::Bold, size: 140, leading: 180 };

/// Words in one line.
pub(super) struct Run {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) style: Style,
    pub(super) text: String,
    /// Its place in the structure.
    pub(super) element: Option<usize>,
}

#[derive(Clone, Copy)]
pub(super) enum Shade {
    Ink,
    Hair,
    Ground,
}

impl Shade {
    pub(super) const fn gray(self) -> f32 {
        match self {
            Self::Ink => 0.1,
            Self::Hair => 0.8,
            Self::Ground => 0.95,
        }
    }
}

/// A rule or a ground.
pub(super) struct Bar {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) shade: Shade,
}

#[derive(Default)]
pub(super) struct Page {
    pub(super) runs: Vec<Run>,
    pub(super) bars: Vec<Bar>,
}

pub(super) struct Laid {
    pub(super) pages: Vec<Page>,
    pub(super) elements: Vec<Element>,
}

/// A column of text in which words stand.
#[derive(Clone, Copy)]
struct Measure {
    x: i32,
    width: i32,
    /// Against the right edge.
    right: bool,
}

const WHOLE: Measure = Measure { x: LEFT, width: WIDTH, right: false };

struct Sheets<'a> {
    fonts: &'a Fonts,
    full: Vec<Page>,
    page: Page,
    /// The upper edge of what is still free.
    y: i32,
    elements: Vec<Element>,
}

pub(super) fn lay_out(document: &Document, fonts: &Fonts) -> Laid {
    let mut sheets = Sheets {
        fonts,
        full: Vec::new(),
        page: Page::default(),
        y: TOP,
        elements: vec![Element::new(Role::Document, None)],
    };
    sheets.head(document);
    for block in &document.blocks {
        sheets.block(block);
    }
    sheets.feet(&document.foot)
}

impl Sheets<'_> {
    /// A new element below the document.
    fn element(&mut self, role: Role) -> usize {
        self.element_in(role, 0)
    }

    fn element_in(&mut self, role: Role, parent: usize) -> usize {
        self.elements.push(Element::new(role, Some(parent)));
        self.elements.len() - 1
    }

    /// Begins a sheet where less than that is free.
    fn need(&mut self, height: i32) -> bool {
        let breaks = self.y - height < BOTTOM;
        if breaks {
            self.full.push(std::mem::take(&mut self.page));
            self.y = TOP;
        }
        breaks
    }

    fn space(&mut self, height: i32) {
        self.y -= height;
    }

    fn bar(&mut self, y: i32, height: i32, shade: Shade) {
        self.page.bars.push(Bar { x: LEFT, y, width: WIDTH, height, shade });
    }

    /// One line whose upper edge is at `top`.
    fn line(
        &mut self,
        element: Option<usize>,
        text: String,
        style: Style,
        top: i32,
        within: Measure,
    ) {
        let slack = within.width - self.fonts.width(&text, style.face, style.size);
        let x = within.x + if within.right { slack } else { 0 };
        // The letters stand in the middle of their line: their body reaches three quarters of the size above the base.
        let y = top - i32::midpoint(style.leading, style.size) + style.size / 4;
        self.page.runs.push(Run { x, y, style, text, element });
    }

    /// A paragraph, which may go over to the next sheet.
    fn paragraph(&mut self, element: usize, text: &str, style: Style, within: Measure) {
        for line in wrap(self.fonts, text, style, within.width) {
            self.need(style.leading);
            self.line(Some(element), line, style, self.y, within);
            self.space(style.leading);
        }
    }

    fn head(&mut self, document: &Document) {
        let title = self.element(Role::H1);
        self.paragraph(title, &document.title, TITLE, WHOLE);
        let lead = self.element(Role::P);
        self.paragraph(lead, &document.lead, BODY, WHOLE);
        self.space(60);
        self.bar(self.y, 15, Shade::Ink);
        self.space(120);
        let top = self.y;
        let from = document.from.address.iter().chain([&document.from.phone]);
        let half = Measure { width: WIDTH / 2 - 100, ..WHOLE };
        self.address(&document.from.name, from, half);
        self.space(120);
        self.address(&document.to.name, document.to.address.iter(), half);
        let left = self.y;
        self.y = top;
        for mark in &document.marks {
            self.mark(mark, Measure { x: LEFT + WIDTH / 2, width: WIDTH / 2, right: false });
        }
        self.y = left.min(self.y);
        self.space(120);
    }

    fn address<'t>(
        &mut self,
        name: &str,
        lines: impl Iterator<Item = &'t String>,
        within: Measure,
    ) {
        let element = self.element(Role::P);
        self.paragraph(element, name, STRONG, within);
        for line in lines {
            self.paragraph(element, line, BODY, within);
        }
    }

    fn mark(&mut self, mark: &Fact, within: Measure) {
        const LABEL: i32 = 1_000;
        let element = self.element(Role::P);
        let label = Measure { width: LABEL, ..within };
        let text = Measure { x: within.x + LABEL, width: within.width - LABEL, ..within };
        self.line(Some(element), format!("{}:", mark.label), BODY, self.y, label);
        self.paragraph(element, &mark.text, BODY, text);
    }

    fn block(&mut self, block: &Block) {
        match block {
            Block::Heading { text } => {
                self.space(120);
                // Never the last thing on a sheet.
                self.need(HEADING.leading + 3 * BODY.leading);
                let element = self.element(Role::H2);
                self.paragraph(element, text, HEADING, WHOLE);
                self.space(20);
            }
            Block::Text { text } => {
                let element = self.element(Role::P);
                self.paragraph(element, text, BODY, WHOLE);
                self.space(60);
            }
            Block::List { items } => {
                let list = self.element(Role::L);
                for item in items {
                    self.item(list, item);
                }
                self.space(40);
            }
            Block::Facts { facts } => self.facts(facts),
            Block::Table(table) => self.table(table),
        }
    }

    fn item(&mut self, list: usize, text: &str) {
        const INDENT: i32 = 150;
        self.need(BODY.leading);
        let item = self.element_in(Role::LI, list);
        self.line(Some(item), "•".to_owned(), BODY, self.y, WHOLE);
        let within = Measure { x: LEFT + INDENT, width: WIDTH - INDENT, right: false };
        self.paragraph(item, text, BODY, within);
        self.space(20);
    }

    /// The figures side by side on a ground.
    fn facts(&mut self, facts: &[Fact]) {
        const PAD: i32 = 80;
        let Ok(count) = i32::try_from(facts.len()) else { return };
        if count == 0 {
            return;
        }
        let height = SMALL.leading + FIGURE.leading + 2 * PAD;
        self.need(height);
        self.bar(self.y - height, height, Shade::Ground);
        let width = WIDTH / count;
        let top = self.y - PAD;
        for (n, fact) in (0..).zip(facts) {
            let within =
                Measure { x: LEFT + n * width + PAD, width: width - 2 * PAD, right: false };
            let element = self.element(Role::P);
            self.line(Some(element), fact.label.clone(), SMALL, top, within);
            let below = top - SMALL.leading;
            self.line(Some(element), fact.text.clone(), FIGURE, below, within);
        }
        self.y -= height;
        self.space(100);
    }

    /// Numbers the sheets.
    fn feet(mut self, foot: &str) -> Laid {
        self.full.push(self.page);
        let all = self.full.len();
        for (n, page) in (1..).zip(&mut self.full) {
            let number = format!("Page {n} of {all}");
            let x = RIGHT - self.fonts.width(&number, SMALL.face, SMALL.size);
            for (x, text) in [(LEFT, foot.to_owned()), (x, number)] {
                page.runs.push(Run { x, y: 450, style: SMALL, text, element: None });
            }
        }
        Laid { pages: self.full, elements: self.elements }
    }
}

/// The lines of a text. A word that is wider than the measure is cut.
fn wrap(fonts: &Fonts, text: &str, style: Style, width: i32) -> Vec<String> {
    let fits = |line: &str| fonts.width(line, style.face, style.size) <= width;
    let mut lines = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace() {
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if fits(&longer) {
            line = longer;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for c in word.chars() {
            line.push(c);
            if !fits(&line) && line.chars().count() > 1 {
                line.pop();
                lines.push(std::mem::take(&mut line));
                line.push(c);
            }
        }
    }
    if !line.is_empty() || lines.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_hold_every_word_and_none_is_wider_than_its_measure() {
        let fonts = Fonts::embedded().unwrap();
        let text = "We figure the interest charge on your line by applying the periodic rate \
                    Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft";
        for width in [300, 1_000, 5_000] {
            let lines = wrap(fonts, text, BODY, width);
            for line in &lines {
                assert!(fonts.width(line, BODY.face, BODY.size) <= width, "{line}");
            }
            let letters = |text: &str| text.replace(char::is_whitespace, "");
            assert_eq!(letters(&lines.concat()), letters(text));
        }
        assert_eq!(wrap(fonts, "", BODY, 100), [""]);
    }
}
