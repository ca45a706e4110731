//! Small changes to a file, as a function of a seed: what a fuzzer does, without one.

/// A number generator of a few lines (`SplitMix64`).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        let n = u64::try_from(n.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.number() % n).unwrap_or_default()
    }
}

/// Bytes that mean something to the formats.
const TELLING: &[u8] = b"0123456789-.,\"'=[]{}#% \n\r\tRCZ\x00\xff\xe2";

/// Numbers at which something may tip over.
const NUMBERS: [&str; 9] = [
    "0",
    "-1",
    "9999999999",
    "9223372036854775807",
    "18446744073709551616",
    "0.005",
    "2028-02-29",
    "9999-12-31",
    "0001-01-01",
];

/// One to eight changes to `seed`, and now and then a piece of `other`.
#[must_use]
pub fn mutated(chance: &mut Chance, seed: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=chance.below(8) {
        let at = chance.below(bytes.len() + 1);
        match chance.below(8) {
            0 | 1 => {
                let byte = TELLING.get(chance.below(TELLING.len())).copied().unwrap_or_default();
                if let Some(there) = bytes.get_mut(at) {
                    *there = byte;
                }
            }
            2 => {
                let end = (at + 1 + chance.below(40)).min(bytes.len());
                bytes.drain(at.min(end)..end);
            }
            3 => {
                let end = (at + chance.below(200)).min(bytes.len());
                let piece = bytes.get(at..end).unwrap_or_default().to_vec();
                let to = chance.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            4 => {
                let from = chance.below(other.len() + 1);
                let end = (from + chance.below(200)).min(other.len());
                let piece = other.get(from..end).unwrap_or_default().to_vec();
                bytes.splice(at..at, piece);
            }
            5 => number(chance, &mut bytes, at),
            6 => swap_lines(chance, &mut bytes),
            _ => bytes.truncate(at.max(1)),
        }
    }
    bytes
}

/// Puts a telling number in the place of one that is there.
fn number(chance: &mut Chance, bytes: &mut Vec<u8>, at: usize) {
    let digit = |byte: &u8| byte.is_ascii_digit();
    let Some(from) = bytes.iter().skip(at).position(digit).map(|found| at + found) else { return };
    let length = bytes.iter().skip(from).take_while(|byte| digit(byte)).count();
    let new = NUMBERS.get(chance.below(NUMBERS.len())).copied().unwrap_or_default();
    bytes.splice(from..from + length, new.bytes());
}

fn swap_lines(chance: &mut Chance, bytes: &mut Vec<u8>) {
    let mut lines: Vec<Vec<u8>> = bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let (one, other) = (chance.below(lines.len()), chance.below(lines.len()));
    lines.swap(one, other);
    *bytes = lines.join(&b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_makes_the_same_changes_and_they_are_changes() {
        let made = |seed| {
            let mut chance = Chance::seeded(seed);
            (0..50)
                .map(|_| mutated(&mut chance, b"a = 1\nb = 22\n", b"c = 3\n"))
                .collect::<Vec<_>>()
        };
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(2));
        assert!(made(1).iter().filter(|one| *one != b"a = 1\nb = 22\n").count() > 40);
    }
}
