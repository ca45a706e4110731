//! Tiles: the tree cut into pieces of at most 256 hashes (C2SP tlog-tiles, height 8), so that it is stored and fetched
//! in few rows however large it grows.
//!
//! Tile `n` of level `l` holds the hashes of the perfect subtrees of height `8·l`, from number `256·n` on. A tile grows
//! at its end until it is full; no hash in it ever changes.

use std::collections::BTreeMap;

use crate::{
    hash::Hash,
    tree::{Node, Nodes, perfect_nodes},
};

/// Hashes in a full tile.
pub const TILE_WIDTH: u64 = 256;

const TILE_HEIGHT: u32 = 8;

/// A tile's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TileId {
    pub level: u8,
    pub n: u64,
}

impl TileId {
    /// Where C2SP tlog-tiles serves this tile when it holds `width` hashes: `tile/0/x001/234`, `tile/1/000.p/7`.
    pub fn path(self, width: usize) -> String {
        let mut place = format!("{:03}", self.n % 1000);
        let mut rest = self.n / 1000;
        while rest > 0 {
            place = format!("x{:03}/{place}", rest % 1000);
            rest /= 1000;
        }
        let partial =
            if width as u64 == TILE_WIDTH { String::new() } else { format!(".p/{width}") };
        format!("tile/{}/{place}{partial}", self.level)
    }

    /// The tile that holds what this subtree is made of, and from where in it.
    fn holding(node: Node) -> (Self, usize) {
        let first = node.index << (node.height % TILE_HEIGHT);
        let level = u8::try_from(node.height / TILE_HEIGHT).unwrap_or(u8::MAX);
        let offset = usize::try_from(first % TILE_WIDTH).unwrap_or(usize::MAX);
        (Self { level, n: first / TILE_WIDTH }, offset)
    }
}

/// The tiles that the hashes over these ranges are made of, each once, in order.
pub fn tiles_of(ranges: impl IntoIterator<Item = std::ops::Range<u64>>) -> Vec<TileId> {
    let nodes = ranges.into_iter().flat_map(perfect_nodes);
    let mut ids: Vec<_> = nodes.map(|node| TileId::holding(node).0).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// The tiles at the right edge of a tree, not yet full: all that growing it needs.
pub fn edge_tiles(size: u64) -> Vec<TileId> {
    tiles_of(std::iter::once(0..size)).into_iter().filter(|id| !full_at(*id, size)).collect()
}

fn full_at(id: TileId, size: u64) -> bool {
    let hashes = size.checked_shr(TILE_HEIGHT * u32::from(id.level)).unwrap_or(0);
    (id.n + 1) * TILE_WIDTH <= hashes
}

/// Some of a tree's tiles, in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tiles {
    tiles: BTreeMap<TileId, Vec<Hash>>,
    touched: Vec<TileId>,
}

/// A tile holds another number of hashes than the tree's size says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("tile {} of level {} holds {held} hashes", .id.n, .id.level)]
pub struct TornTile {
    pub id: TileId,
    pub held: usize,
}

impl Tiles {
    /// Puts in a tile that was stored.
    pub fn insert(&mut self, id: TileId, hashes: Vec<Hash>) {
        self.tiles.insert(id, hashes);
    }

    /// Drops what of the tiles at the edge is not part of the tree of `size` leaves.
    pub fn truncate_edge(&mut self, size: u64) {
        for id in edge_tiles(size) {
            let held = size >> (TILE_HEIGHT * u32::from(id.level));
            if let Some(tile) = self.tiles.get_mut(&id) {
                tile.truncate(usize::try_from(held - id.n * TILE_WIDTH).unwrap_or(usize::MAX));
            }
        }
    }

    /// Adds leaf number `n` and what becomes complete by it.
    pub fn push(&mut self, n: u64, leaf: Hash) -> Result<(), TornTile> {
        let (mut level, mut n, mut hash) = (0, n, leaf);
        loop {
            let id = TileId { level, n: n / TILE_WIDTH };
            let tile = self.tiles.entry(id).or_default();
            if tile.len() as u64 != n % TILE_WIDTH {
                return Err(TornTile { id, held: tile.len() });
            }
            tile.push(hash);
            if self.touched.last() != Some(&id) {
                self.touched.push(id);
            }
            if tile.len() as u64 != TILE_WIDTH {
                return Ok(());
            }
            hash = perfect_hash(tile.clone());
            (level, n) = (level + 1, n / TILE_WIDTH);
        }
    }

    /// The hashes of a tile, as far as they are here.
    pub fn get(&self, id: TileId) -> Option<&[Hash]> {
        self.tiles.get(&id).map(Vec::as_slice)
    }

    /// Keeps no more of the tree of `size` leaves than growing it and its root need.
    pub fn keep_edge(&mut self, size: u64) {
        let edge = tiles_of(std::iter::once(0..size));
        self.tiles.retain(|id, _| edge.contains(id));
    }

    /// The tiles that [`push`](Self::push) has changed since the last call, each once.
    pub fn take_touched(&mut self) -> Vec<(TileId, &[Hash])> {
        let mut ids = std::mem::take(&mut self.touched);
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().filter_map(|id| Some((id, self.tiles.get(&id)?.as_slice()))).collect()
    }
}

impl Nodes for Tiles {
    fn node(&self, node: Node) -> Option<Hash> {
        let (id, offset) = TileId::holding(node);
        let width = 1 << (node.height % TILE_HEIGHT);
        Some(perfect_hash(self.tiles.get(&id)?.get(offset..offset.checked_add(width)?)?.to_vec()))
    }
}

/// The root over a power of two hashes.
fn perfect_hash(mut hashes: Vec<Hash>) -> Hash {
    while hashes.len() > 1 {
        hashes = hashes
            .chunks(2)
            .filter_map(|pair| match pair {
                [left, right] => Some(Hash::of_node(left, right)),
                _ => None,
            })
            .collect();
    }
    hashes.pop().unwrap_or(Hash::ZERO)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::range_hash;

    #[test]
    fn paths_are_those_of_c2sp() {
        let path = |level, n, width| TileId { level, n }.path(width);
        assert_eq!(path(0, 5, 256), "tile/0/005");
        assert_eq!(path(0, 1_234_067, 256), "tile/0/x001/x234/067");
        assert_eq!(path(2, 1000, 7), "tile/2/x001/000.p/7");
    }

    #[test]
    fn a_tree_grows_from_its_edge_alone() {
        let leaf = |n: u64| Hash::of_leaf(&n.to_be_bytes());
        let mut whole = Tiles::default();
        for n in 0..67_000 {
            whole.push(n, leaf(n)).unwrap();
        }
        for size in [0, 1, 255, 256, 257, 65_535, 65_536, 65_537, 66_047, 66_048] {
            let mut edge = Tiles::default();
            for id in edge_tiles(size) {
                edge.insert(id, whole.tiles[&id].clone());
            }
            edge.truncate_edge(size);
            for n in size..size + 600 {
                edge.push(n, leaf(n)).unwrap();
            }
            let root = range_hash(&edge, 0..size + 600);
            assert!(root.is_some());
            assert_eq!(root, range_hash(&whole, 0..size + 600), "from {size}");
        }
    }

    #[test]
    fn a_torn_tile_is_noticed() {
        let mut tiles = Tiles::default();
        let id = TileId { level: 0, n: 0 };
        tiles.insert(id, vec![Hash::ZERO; 2]);
        assert_eq!(tiles.push(3, Hash::ZERO), Err(TornTile { id, held: 2 }));
    }
}
