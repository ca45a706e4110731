//! Ids as a function of a seed, for a simulation that is to be run again: time leads as ever, the bits behind it are drawn from
//! the seed instead of from the system.

use std::cell::Cell;

thread_local! {
    static STATE: Cell<Option<u64>> = const { Cell::new(None) };
}

/// From here on the ids minted on this thread are the same for the same seed, in the same order of minting; `None` ends it.
pub fn seed_ids(seed: Option<u64>) {
    STATE.set(seed);
}

/// What stands for the random bits of an id; nothing where no seed was set.
pub(crate) fn bits() -> Option<[u8; 10]> {
    let mut state = STATE.get()?;
    let mut bits = [0; 10];
    for chunk in bits.chunks_mut(8) {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        for (bit, byte) in chunk.iter_mut().zip((mixed ^ (mixed >> 31)).to_le_bytes()) {
            *bit = byte;
        }
    }
    STATE.set(Some(state));
    Some(bits)
}
