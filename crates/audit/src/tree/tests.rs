use std::sync::OnceLock;

use proptest::prelude::*;

use super::*;
use crate::tiles::Tiles;

/// The eight leaves and roots that Certificate Transparency logs are tested with.
const LEAVES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];
const ROOTS: [&str; 9] = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

fn hash(text: &str) -> Hash {
    text.parse().unwrap()
}

fn grown(leaves: impl IntoIterator<Item = Hash>) -> Tiles {
    let mut tiles = Tiles::default();
    for (n, leaf) in leaves.into_iter().enumerate() {
        tiles.push(n as u64, leaf).unwrap();
    }
    tiles
}

fn numbered(size: u64) -> Tiles {
    grown((0..size).map(|n| Hash::of_leaf(&n.to_be_bytes())))
}

fn hashes(tiles: &Tiles, ranges: Vec<Range<u64>>) -> Vec<Hash> {
    ranges.into_iter().map(|range| range_hash(tiles, range).unwrap()).collect()
}

/// RFC 6962 §2.1 written down as it stands there.
fn plain_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::of(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            Hash::of_node(&plain_root(left), &plain_root(right))
        }
    }
}

#[test]
fn roots_are_those_of_the_certificate_transparency_vectors() {
    let tiles = grown(LEAVES.map(|leaf| Hash::of_leaf(&hex::decode(leaf).unwrap())));
    for (size, root) in ROOTS.iter().enumerate() {
        assert_eq!(range_hash(&tiles, 0..size as u64), Some(hash(root)), "{size} leaves");
    }
}

#[test]
fn proofs_are_those_of_the_certificate_transparency_vectors() {
    let tiles = grown(LEAVES.map(|leaf| Hash::of_leaf(&hex::decode(leaf).unwrap())));
    assert_eq!(
        hashes(&tiles, inclusion_ranges(5, 8)),
        [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]
        .map(hash)
    );
    assert_eq!(
        hashes(&tiles, consistency_ranges(6, 8)),
        [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ]
        .map(hash)
    );
}

#[test]
fn every_proof_in_every_small_tree_holds_and_holds_for_nothing_else() {
    let tiles = numbered(70);
    let leaves: Vec<Hash> = (0..70_u64).map(|n| Hash::of_leaf(&n.to_be_bytes())).collect();
    for (size, count) in (1..=70_u64).zip(1..) {
        let root = range_hash(&tiles, 0..size).unwrap();
        assert_eq!(root, plain_root(&leaves[..count]));
        for (index, &leaf) in (0..size).zip(&leaves) {
            let proof = hashes(&tiles, inclusion_ranges(index, size));
            assert_eq!(root_by_inclusion(leaf, index, size, &proof), Some(root));
            for other in 0..size {
                assert_eq!(
                    root_by_inclusion(leaf, other, size, &proof) == Some(root),
                    other == index
                );
            }
        }
        for old in 0..=size {
            let before = TreeHead { size: old, root: range_hash(&tiles, 0..old).unwrap() };
            let proof = hashes(&tiles, consistency_ranges(old, size));
            assert!(consistent(before, TreeHead { size, root }, &proof), "{old} in {size}");
            let other = TreeHead { root: Hash([7; 32]), ..before };
            assert!(old == 0 || !consistent(other, TreeHead { size, root }, &proof));
        }
    }
}

static LARGE: OnceLock<Tiles> = OnceLock::new();

proptest! {
    /// Past 65,536 leaves three levels of tiles are in play.
    #[test]
    fn proofs_hold_in_trees_of_several_tile_levels(size in 1_u64..70_000, a: u64, b: u64) {
        let tiles = LARGE.get_or_init(|| numbered(70_000));
        let root = range_hash(tiles, 0..size).unwrap();
        let index = a % size;
        let proof = hashes(tiles, inclusion_ranges(index, size));
        let leaf = Hash::of_leaf(&index.to_be_bytes());
        prop_assert_eq!(root_by_inclusion(leaf, index, size, &proof), Some(root));

        let old = b % size;
        let before = TreeHead { size: old, root: range_hash(tiles, 0..old).unwrap() };
        let mut proof = hashes(tiles, consistency_ranges(old, size));
        let now = TreeHead { size, root };
        prop_assert!(consistent(before, now, &proof));
        if let Some(first) = proof.first_mut() {
            first.0[0] ^= 1;
            prop_assert!(!consistent(before, now, &proof));
        }
    }
}
