//! Chance as a function of a seed: `SplitMix64`, small enough to be read.

/// Throws the same numbers in the same order for the same seed, on every machine.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub const fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to one less than `n`; 0 where `n` is 0.
    pub const fn below(&mut self, n: u64) -> u64 {
        let number = self.number();
        if n == 0 { 0 } else { number % n }
    }

    /// Both ends included; `least` where `most` is below it.
    pub fn between(&mut self, least: i64, most: i64) -> i64 {
        let span = most.saturating_sub(least).saturating_add(1);
        least
            + i64::try_from(self.below(u64::try_from(span).unwrap_or_default())).unwrap_or_default()
    }

    /// So many times in a thousand.
    pub const fn chance(&mut self, per_mille: u64) -> bool {
        self.below(1_000) < per_mille
    }

    /// `None` of nothing.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> Option<T> {
        let at = self.below(u64::try_from(from.len()).unwrap_or_default());
        from.get(usize::try_from(at).unwrap_or_default()).copied()
    }

    /// Dice of their own, so that what they are thrown for does not depend on how often others are thrown.
    #[must_use]
    pub const fn apart(&self, purpose: u64) -> Self {
        let mut own = Self(self.0 ^ purpose.wrapping_mul(0xd6e8_feb8_6659_fd93));
        own.number();
        own
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_always_throws_the_same_numbers() {
        let mut dice = Dice::seeded(7);
        let thrown: Vec<u64> = (0..4).map(|_| dice.below(1_000)).collect();
        let mut again = Dice::seeded(7);
        assert_eq!(thrown, (0..4).map(|_| again.below(1_000)).collect::<Vec<_>>());
        assert_ne!(Dice::seeded(7).number(), Dice::seeded(8).number());
        assert_ne!(Dice::seeded(7).apart(1).number(), Dice::seeded(7).apart(2).number());
    }

    #[test]
    fn both_ends_of_a_span_are_thrown_and_nothing_beyond() {
        let mut dice = Dice::seeded(1);
        let mut thrown: Vec<i64> = (0..200).map(|_| dice.between(-1, 2)).collect();
        thrown.sort_unstable();
        thrown.dedup();
        assert_eq!(thrown, [-1, 0, 1, 2]);
        assert_eq!(dice.between(5, 4), 5);
        assert_eq!(dice.pick::<u8>(&[]), None);
    }
}
