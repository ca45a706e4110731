//! References that stand in a file more than once, found with sixteen bytes for each row.

use sha2::{Digest as _, Sha256};

/// Rows that a message names.
const NAMED: usize = 5;

/// A reference, by so much of its SHA-256 that no two of a file share it, and its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Mark {
    reference: [u8; 12],
    row: u32,
}

fn mark_of(reference: &str) -> [u8; 12] {
    let mut mark = [0; 12];
    for (to, from) in mark.iter_mut().zip(Sha256::digest(reference)) {
        *to = from;
    }
    mark
}

/// The references of a file while it is read.
#[derive(Debug, Default)]
pub(crate) struct References(Vec<Mark>);

/// Those that stand there more than once.
#[derive(Debug, Default)]
pub(crate) struct Twins(Vec<Mark>);

impl References {
    pub(crate) fn note(&mut self, reference: &str, row: u64) {
        if !reference.is_empty() {
            // A file has no more rows than fit (`ROWS_MAX`).
            let row = u32::try_from(row).unwrap_or(u32::MAX);
            self.0.push(Mark { reference: mark_of(reference), row });
        }
    }

    pub(crate) fn twins(self) -> Twins {
        let mut marks = self.0;
        marks.sort_unstable();
        let mut kept = 0;
        let mut from = 0;
        while let Some(first) = marks.get(from).copied() {
            let rest = marks.get(from..).unwrap_or_default();
            let same = rest.iter().take_while(|mark| mark.reference == first.reference).count();
            if same > 1 {
                marks.copy_within(from..from + same, kept);
                kept += same;
            }
            from += same;
        }
        marks.truncate(kept);
        marks.shrink_to_fit();
        Twins(marks)
    }
}

impl Twins {
    pub(crate) const fn none(&self) -> bool {
        self.0.is_empty()
    }

    /// Where a reference stands more than once: which rows, in words.
    pub(crate) fn of(&self, reference: &str) -> Option<String> {
        let mark = mark_of(reference);
        let from = self.0.partition_point(|one| one.reference < mark);
        let rows = self.0.get(from..)?;
        let count = rows.partition_point(|one| one.reference == mark);
        let named: Vec<String> =
            rows.iter().take(count.min(NAMED)).map(|one| one.row.to_string()).collect();
        match count.saturating_sub(NAMED) {
            _ if named.is_empty() => None,
            0 => Some(named.join(", ")),
            more => Some(format!("{} and {more} more", named.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_stand_there_once_are_forgotten_and_of_many_a_few_are_named() {
        let mut references = References::default();
        for row in 1..=1_000_u64 {
            references.note(&format!("A-{row}"), row);
        }
        for row in 1_001..=1_010 {
            references.note("A-7", row);
        }
        references.note("", 1_011);
        references.note("", 1_012);
        let twins = references.twins();
        assert_eq!(twins.0.len(), 11);
        assert_eq!(twins.of("A-7").unwrap(), "7, 1001, 1002, 1003, 1004 and 6 more");
        assert_eq!((twins.of("A-8"), twins.of("")), (None, None));
        assert!(References::default().twins().none());
    }
}
