//! Of Thrift's compact protocol so much as it takes to see the numbers in a structure before a library acts on them.

/// Structures within structures at most.
const DEPTH_MAX: usize = 24;

/// What stands at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// A whole number of 32 bits.
    Int(i64),
    /// A list of so many elements.
    List(usize),
    /// A structure begins.
    Struct,
    /// Anything else.
    Other,
}

/// Walks through the structure at the start of the bytes and tells of each field, by the numbers on the way to it; elements of a
/// list have the list's. Answers how long it is; nothing where it is none, or does not end.
pub(crate) fn walk(bytes: &[u8], tell: &mut dyn FnMut(&[i16], Seen)) -> Option<usize> {
    let mut walker = Walker { rest: bytes, path: Vec::new(), tell };
    walker.structure()?;
    Some(bytes.len() - walker.rest.len())
}

struct Walker<'a, 't> {
    rest: &'a [u8],
    path: Vec<i16>,
    tell: &'t mut dyn FnMut(&[i16], Seen),
}

impl Walker<'_, '_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn skip(&mut self, count: u64) -> Option<()> {
        self.rest = self.rest.get(usize::try_from(count).ok()?..)?;
        Some(())
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        let half = i64::try_from(number >> 1).ok()?;
        Some(if number & 1 == 0 { half } else { !half })
    }

    fn structure(&mut self) -> Option<()> {
        if self.path.len() >= DEPTH_MAX {
            return None;
        }
        self.path.push(0);
        loop {
            let head = self.byte()?;
            if head == 0 {
                self.path.pop();
                return Some(());
            }
            let id = match i16::from(head >> 4) {
                0 => i16::try_from(self.signed()?).ok()?,
                step => self.path.last()?.checked_add(step)?,
            };
            *self.path.last_mut()? = id;
            // The value of a field that is true or false stands in its head.
            if matches!(head & 0x0f, 1 | 2) {
                (self.tell)(&self.path, Seen::Other);
            } else {
                self.value(head & 0x0f)?;
            }
        }
    }

    fn value(&mut self, kind: u8) -> Option<()> {
        match kind {
            1..=3 => self.skip(1).map(|()| (self.tell)(&self.path, Seen::Other)),
            5 => self.signed().map(|number| (self.tell)(&self.path, Seen::Int(number))),
            4 | 6 => self.number().map(|_| (self.tell)(&self.path, Seen::Other)),
            7 => self.skip(8).map(|()| (self.tell)(&self.path, Seen::Other)),
            8 => {
                let length = self.number()?;
                self.skip(length).map(|()| (self.tell)(&self.path, Seen::Other))
            }
            9 | 10 => self.list(),
            11 => self.map(),
            12 => {
                (self.tell)(&self.path, Seen::Struct);
                self.structure()
            }
            _ => None,
        }
    }

    fn list(&mut self) -> Option<()> {
        let head = self.byte()?;
        let count = match u64::from(head >> 4) {
            15 => self.number()?,
            few => few,
        };
        let count = self.fits(count)?;
        (self.tell)(&self.path, Seen::List(count));
        (0..count).try_for_each(|_| self.value(head & 0x0f))
    }

    fn map(&mut self) -> Option<()> {
        let count = self.number()?;
        let count = self.fits(count)?;
        (self.tell)(&self.path, Seen::Other);
        if count == 0 {
            return Some(());
        }
        let kinds = self.byte()?;
        (0..count).try_for_each(|_| {
            self.value(kinds >> 4)?;
            self.value(kinds & 0x0f)
        })
    }

    /// Each element takes a byte at least.
    fn fits(&self, count: u64) -> Option<usize> {
        usize::try_from(count).ok().filter(|count| *count <= self.rest.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Told = (Vec<i16>, Seen);

    fn seen(bytes: &[u8]) -> Option<(usize, Vec<Told>)> {
        let mut found = Vec::new();
        let length = walk(bytes, &mut |path, seen| found.push((path.to_vec(), seen)))?;
        Some((length, found))
    }

    #[test]
    fn the_numbers_of_a_structure_are_told_by_their_way() {
        // 1: 0, 2: 100, 5: { 1: -3, 2: [true, true] }, end, and something behind it.
        let bytes = [0x15, 0, 0x15, 200, 1, 0x3c, 0x15, 5, 0x19, 0x21, 1, 1, 0, 0, 99];
        let (length, found) = seen(&bytes).unwrap();
        assert_eq!(length, bytes.len() - 1);
        assert_eq!(found[1], (vec![2], Seen::Int(100)));
        assert_eq!(found[2], (vec![5], Seen::Struct));
        assert_eq!(found[3], (vec![5, 1], Seen::Int(-3)));
        assert_eq!(found[4], (vec![5, 2], Seen::List(2)));
    }

    #[test]
    fn what_does_not_end_or_announces_more_than_there_is_is_none() {
        assert_eq!(seen(&[0x15, 0]), None);
        // A list of two billion, a text of as many bytes, structures without end.
        assert_eq!(seen(&[0x19, 0xf5, 0xff, 0xff, 0xff, 0xff, 7, 0]), None);
        assert_eq!(seen(&[0x18, 0xff, 0xff, 0xff, 0xff, 7, 0]), None);
        assert_eq!(seen(&vec![0x1c; 100_000]), None);
    }
}
