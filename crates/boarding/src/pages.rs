//! What a Parquet file announces, looked at before the library acts on it: how long its description is, and how much memory
//! each page will take. A few bytes can announce more than any memory holds.

use std::{collections::VecDeque, io};

use ::parquet::{
    basic::Compression,
    file::metadata::{ColumnChunkMetaData, ParquetMetaData},
};

use crate::{
    limits::{COLUMNS_MAX, FOOTER_MAX, GROUP_MAX, MIB, PAGE_HEADER_MAX, PAGE_MAX, ROWS_MAX},
    row::{Fault, said, shown},
    source::Source,
    thrift::{Seen, walk},
};

/// Values that are read of a column at a time: their pages stay in memory together.
pub(crate) const VALUES_AT_ONCE: usize = 256;

/// What an entry of a dictionary takes beside its bytes.
const ENTRY_BYTES: u64 = 48;

/// Most pages say less of themselves.
const PAGE_HEADER_USUAL: usize = 2 * 1024;

/// Encodings of values by their numbers in the format: plain, by dictionary (two names), and run lengths. What the others make of
/// a page cannot be told from its size.
const ENCODINGS: [i64; 4] = [0, 2, 3, 8];

const DATA_PAGE: i64 = 0;
const DICTIONARY_PAGE: i64 = 2;
const DATA_PAGE_V2: i64 = 3;

/// The file is no Parquet file, or contradicts itself.
pub(crate) fn damaged(why: &str) -> Fault {
    Fault::of_file(
        &format!("the Parquet file cannot be read: {}", said(why)),
        "write it anew, uncompressed or with Snappy, or send CSV",
    )
}

fn unread(error: &io::Error) -> Fault {
    damaged(&error.to_string())
}

fn too_large(what: &str, found: u64, limit: usize, to_do: &str) -> Fault {
    let wrong = format!("{what} takes {found} bytes; the limit is {} MiB", limit / MIB);
    Fault::of_file(&wrong, to_do)
}

/// The description at the end: its length, and that its schema is one of a table.
pub(crate) fn look_at_footer(source: &Source) -> Result<(), Vec<Fault>> {
    let cut = || vec![damaged("its end is missing; it may have been cut short")];
    let tail = source.length().checked_sub(8).ok_or_else(cut)?;
    let end = source.piece(tail, 8).map_err(|error| vec![unread(&error)])?;
    let (length, mark) = end.split_first_chunk::<4>().ok_or_else(cut)?;
    if mark != b"PAR1" {
        return Err(cut());
    }
    let length = u32::from_le_bytes(*length);
    if u64::from(length) > FOOTER_MAX as u64 {
        let to_do = "write it with larger row groups";
        return Err(vec![too_large("its description", u64::from(length), FOOTER_MAX, to_do)]);
    }
    let from = tail.checked_sub(u64::from(length)).ok_or_else(cut)?;
    let footer = source.piece(from, length as usize).map_err(|error| vec![unread(&error)])?;
    let (mut elements, mut children) = (0, 0);
    let whole = walk(&footer, &mut |path, seen| match (path, seen) {
        ([2], Seen::List(count)) => elements = count.max(elements),
        ([2, 5], Seen::Int(count)) => {
            children = children.max(usize::try_from(count).unwrap_or(usize::MAX));
        }
        ([2, 5], _) => children = usize::MAX,
        _ => {}
    });
    whole.ok_or_else(|| vec![damaged("its description is damaged")])?;
    if elements > COLUMNS_MAX + 1 || children > COLUMNS_MAX {
        let wrong = format!("the file has more than {COLUMNS_MAX} columns");
        return Err(vec![Fault::of_file(&wrong, "leave those out that are none of ours")]);
    }
    Ok(())
}

/// Every page of the file, without reading any.
pub(crate) fn look_at_pages(source: &Source, metadata: &ParquetMetaData) -> Result<(), Vec<Fault>> {
    let mut rows = 0_u64;
    for group in metadata.row_groups() {
        rows = rows.saturating_add(u64::try_from(group.num_rows()).unwrap_or(u64::MAX));
        let mut bytes = 0_u64;
        for column in group.columns() {
            bytes = bytes.saturating_add(look_at_column(source, column)?);
        }
        if bytes > GROUP_MAX as u64 {
            let what = "what stands in memory of one row group, of all columns the dictionaries and a few pages,";
            return Err(vec![too_large(what, bytes, GROUP_MAX, "write it with smaller pages")]);
        }
    }
    if rows > ROWS_MAX {
        return Err(vec![too_many_rows()]);
    }
    Ok(())
}

pub(crate) fn too_many_rows() -> Fault {
    Fault::of_file("the file has more than 5,000,000 rows", "part it")
}

/// What of a column stands in memory at a time.
fn look_at_column(source: &Source, column: &ColumnChunkMetaData) -> Result<u64, Vec<Fault>> {
    let name = shown(column.column_descr().name());
    let stored = column.compression();
    if !matches!(stored, Compression::UNCOMPRESSED | Compression::SNAPPY) {
        return Err(vec![damaged(&format!("column `{name}` is compressed with {stored}"))]);
    }
    let (mut offset, length) = column.byte_range();
    let end = offset.checked_add(length).filter(|end| *end <= source.length());
    let end = end.ok_or_else(|| vec![damaged(&format!("column `{name}` lies outside of it"))])?;
    let (mut dictionaries, mut window) = (0_u64, Window::default());
    while offset < end {
        let page = Page::read(source, offset, end).map_err(|error| vec![unread(&error)])?;
        let page = page.ok_or_else(|| vec![damaged(&format!("a page of `{name}` is damaged"))])?;
        let most = page.stored.max(page.bytes);
        if most > PAGE_MAX as u64 {
            let kind = if page.kind == DICTIONARY_PAGE { "dictionary" } else { "page" };
            let to_do = "write it with smaller pages and dictionaries, of 1 MiB as most writers do";
            return Err(vec![too_large(
                &format!("a {kind} of column `{name}`"),
                most,
                PAGE_MAX,
                to_do,
            )]);
        }
        if page.kind == DICTIONARY_PAGE {
            dictionaries += page.bytes.saturating_add(page.values.saturating_mul(ENTRY_BYTES));
        } else if matches!(page.kind, DATA_PAGE | DATA_PAGE_V2) {
            if !ENCODINGS.contains(&page.encoding) {
                let wrong = format!("column `{name}` is encoded neither plainly nor by dictionary");
                return Err(vec![Fault::of_file(
                    &wrong,
                    "write it without delta or split encodings",
                )]);
            }
            window.add(page.values, page.stored.saturating_add(page.bytes));
        }
        offset = page.end;
    }
    Ok(dictionaries.saturating_add(window.most))
}

/// The pages over which so many values that follow each other can lie.
#[derive(Default)]
struct Window {
    pages: VecDeque<(u64, u64)>,
    values: u64,
    bytes: u64,
    most: u64,
}

impl Window {
    fn add(&mut self, values: u64, bytes: u64) {
        // Those between the first page and this one.
        while let Some((first_values, first_bytes)) = self.pages.front().copied()
            && self.values - first_values >= VALUES_AT_ONCE as u64
        {
            self.pages.pop_front();
            self.values -= first_values;
            self.bytes -= first_bytes;
        }
        self.pages.push_back((values, bytes));
        self.values += values;
        self.bytes += bytes;
        self.most = self.most.max(self.bytes);
    }
}

/// What a page says of itself.
struct Page {
    kind: i64,
    /// As it is stored, and decompressed.
    stored: u64,
    bytes: u64,
    values: u64,
    encoding: i64,
    /// Where the next one begins.
    end: u64,
}

impl Page {
    /// Nothing where it is none, or reaches beyond its column.
    fn read(source: &Source, offset: u64, end: u64) -> io::Result<Option<Self>> {
        for most in [PAGE_HEADER_USUAL, PAGE_HEADER_MAX] {
            let left = usize::try_from(end - offset).unwrap_or(usize::MAX);
            let bytes = source.piece(offset, most.min(left))?;
            if let Some(page) = Self::parse(&bytes, offset) {
                return Ok(Some(page).filter(|page| page.end <= end));
            }
        }
        Ok(None)
    }

    fn parse(bytes: &[u8], offset: u64) -> Option<Self> {
        let mut numbers = [None; 3];
        // Of each kind of page the values and their encoding.
        let mut inner = [(None, None); 3];
        let mut sound = true;
        let length = walk(bytes, &mut |path, seen| {
            let place = match path {
                [1] => numbers.first_mut(),
                [2] => numbers.get_mut(1),
                [3] => numbers.get_mut(2),
                [5, 1] => inner.first_mut().map(|(values, _)| values),
                [5, 2] => inner.first_mut().map(|(_, encoding)| encoding),
                [7, 1] => inner.get_mut(1).map(|(values, _)| values),
                [7, 2] => inner.get_mut(1).map(|(_, encoding)| encoding),
                [8, 1] => inner.get_mut(2).map(|(values, _)| values),
                [8, 4] => inner.get_mut(2).map(|(_, encoding)| encoding),
                [5 | 7 | 8] => {
                    sound &= seen == Seen::Struct;
                    None
                }
                _ => None,
            };
            if let Some(place) = place {
                // One that is said twice would be taken for either.
                sound &= place.is_none() && matches!(seen, Seen::Int(_));
                *place = if let Seen::Int(number) = seen { Some(number) } else { None };
            }
        })?;
        let [Some(kind), Some(bytes), Some(stored)] = numbers else { return None };
        let said = match kind {
            DATA_PAGE => inner.first(),
            DICTIONARY_PAGE => inner.get(1),
            DATA_PAGE_V2 => inner.get(2),
            _ => Some(&(Some(0), Some(0))),
        };
        let (values, encoding) = said.copied()?;
        let page = Self {
            kind,
            stored: u64::try_from(stored).ok()?,
            bytes: u64::try_from(bytes).ok()?,
            values: u64::try_from(values?).ok()?,
            encoding: encoding?,
            end: offset.checked_add(length as u64)?.checked_add(u64::try_from(stored).ok()?)?,
        };
        sound.then_some(page)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_that_are_read_together_are_counted_together() {
        let most = |pages: &[(u64, u64)]| {
            let mut window = Window::default();
            for (values, bytes) in pages {
                window.add(*values, *bytes);
            }
            window.most
        };
        // Two neighbours share a reading; of pages of one value each as many as are read at a time.
        assert_eq!(most(&[(10_000, 5); 50]), 10);
        assert_eq!(most(&[(1, 5); 50]), 250);
        assert_eq!(most(&[(1, 5); 1_000]), 5 * (VALUES_AT_ONCE as u64 + 1));
        assert_eq!(most(&[(0, 5); 10]), 50);
    }
}
