//! Tables: how wide each column is, and row after row, with the heads again at the top of the next sheet.

use super::{BODY, HEADING, LEFT, Measure, SMALL, STRONG, Shade, Sheets, Style, WIDTH, wrap};
use crate::{
    document::{Row, Table},
    pdf::{font::Face, structure::Role},
};

const HEAD: Style = Style { face: Face::Bold, ..SMALL };
const GAP: i32 = 120;
const PAD: i32 = 30;

impl Sheets<'_> {
    pub(super) fn table(&mut self, table: &Table) {
        let columns = self.columns(table);
        let element = self.element(Role::Table);
        self.space(100);
        self.need(HEADING.leading + 4 * BODY.leading);
        let caption = self.element_in(Role::Caption, element);
        let whole = Measure { x: LEFT, width: WIDTH, right: false };
        self.paragraph(caption, &table.caption, HEADING, whole);
        self.heads(table, &columns, Some(element));
        for row in &table.rows {
            self.row(table, &columns, element, row);
        }
        self.space(80);
    }

    /// The widest column of words takes what the others leave; the others are as wide as what stands in them.
    fn columns(&self, table: &Table) -> Vec<Measure> {
        let natural: Vec<i32> = (0..table.columns.len()).map(|n| self.natural(table, n)).collect();
        let words = |n: &usize| table.columns.get(*n).is_some_and(|column| !column.numeric);
        let widest = (0..natural.len())
            .filter(words)
            .max_by_key(|n| natural.get(*n).copied().unwrap_or_default());
        let gaps = GAP * i32::try_from(natural.len().saturating_sub(1)).unwrap_or_default();
        let taken: i32 = natural.iter().sum::<i32>() + gaps;
        let mut x = LEFT;
        let mut columns = Vec::with_capacity(natural.len());
        for (n, (own, column)) in natural.iter().zip(&table.columns).enumerate() {
            let width = if Some(n) == widest { (own + WIDTH - taken).max(600) } else { *own };
            columns.push(Measure { x, width, right: column.numeric });
            x += width + GAP;
        }
        columns
    }

    /// As wide as its widest cell, or the longest word of its head.
    fn natural(&self, table: &Table, n: usize) -> i32 {
        let width = |text: &str, style: Style| self.fonts.width(text, style.face, style.size);
        let label = table.columns.get(n).map_or("", |column| column.label.as_str());
        let head = label.split_whitespace().map(|word| width(word, HEAD)).max();
        let cells = table.rows.iter().filter_map(|row| row.cells.get(n));
        let widest = cells.map(|cell| width(cell, STRONG)).max();
        head.max(widest).unwrap_or_default()
    }

    /// The heads, in the structure the first time only.
    fn heads(&mut self, table: &Table, columns: &[Measure], element: Option<usize>) {
        let row = element.map(|table| self.element_in(Role::TR, table));
        let cells: Vec<Vec<String>> = table
            .columns
            .iter()
            .zip(columns)
            .map(|(column, within)| wrap(self.fonts, &column.label, HEAD, within.width))
            .collect();
        let tallest = cells.iter().map(Vec::len).max().unwrap_or_default();
        let height = HEAD.leading * i32::try_from(tallest).unwrap_or_default();
        for (lines, within) in cells.into_iter().zip(columns) {
            let cell = row.map(|row| self.element_in(Role::ColumnHead, row));
            // Heads stand on the rule.
            let above = HEAD.leading * i32::try_from(tallest - lines.len()).unwrap_or_default();
            self.cell(cell, lines, HEAD, self.y - above, *within);
        }
        self.space(height + 20);
        self.bar(self.y, 8, Shade::Ink);
        self.space(10);
    }

    fn row(&mut self, table: &Table, columns: &[Measure], element: usize, row: &Row) {
        let style = if row.total { STRONG } else { BODY };
        let cells: Vec<Vec<String>> = row
            .cells
            .iter()
            .zip(columns)
            .map(|(cell, within)| wrap(self.fonts, cell, style, within.width))
            .collect();
        let tallest = cells.iter().map(Vec::len).max().unwrap_or_default();
        let height = style.leading * i32::try_from(tallest).unwrap_or_default() + 2 * PAD;
        if self.need(height) {
            self.heads(table, columns, None);
        }
        if row.total {
            self.bar(self.y, 8, Shade::Ink);
        }
        let element = self.element_in(Role::TR, element);
        for (n, (lines, within)) in cells.into_iter().zip(columns).enumerate() {
            let role = if n == table.head { Role::RowHead } else { Role::TD };
            let cell = self.element_in(role, element);
            self.cell(Some(cell), lines, style, self.y - PAD, *within);
        }
        self.space(height);
        self.bar(self.y, 4, Shade::Hair);
    }

    fn cell(
        &mut self,
        element: Option<usize>,
        lines: Vec<String>,
        style: Style,
        top: i32,
        within: Measure,
    ) {
        let mut top = top;
        for line in lines {
            self.line(element, line, style, top, within);
            top -= style.leading;
        }
    }
}
