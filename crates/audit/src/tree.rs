//! The Merkle tree of RFC 6962 over hashes kept elsewhere: which subtrees a root or a proof is made of, and whether a
//! proof holds (algorithms of RFC 9162 §2.1.3.2 and §2.1.4.2).
//!
//! A proof is planned first, as ranges of leaves, so that whoever keeps the hashes can fetch them all at once.

use std::ops::Range;

use crate::hash::Hash;

/// A perfect subtree: it covers the leaves from `index << height` up to `(index + 1) << height`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    pub height: u32,
    pub index: u64,
}

/// Whoever keeps the hashes of perfect subtrees.
pub trait Nodes {
    /// `None` if it is not kept.
    fn node(&self, node: Node) -> Option<Hash>;
}

/// The perfect subtrees that make up a range, left to right. The range must be one that RFC 6962 splits into: its start
/// is a multiple of every subtree in it.
pub fn perfect_nodes(range: Range<u64>) -> Vec<Node> {
    let mut nodes = Vec::new();
    let mut start = range.start;
    while start < range.end {
        let height = (range.end - start).ilog2();
        nodes.push(Node { height, index: start >> height });
        start += 1 << height;
    }
    nodes
}

/// The hash over a range; that over `0..size` is the root. `None` if a subtree is not kept.
pub fn range_hash(nodes: &impl Nodes, range: Range<u64>) -> Option<Hash> {
    let mut hash = None;
    for part in perfect_nodes(range.clone()).into_iter().rev() {
        let left = nodes.node(part)?;
        hash = Some(hash.map_or(left, |right| Hash::of_node(&left, &right)));
    }
    if range.is_empty() { Some(Hash::of(&[])) } else { hash }
}

/// Where RFC 6962 splits a range of at least two leaves: the largest power of two below its length.
fn split(range: &Range<u64>) -> u64 {
    range.start + (1 << (range.end - range.start - 1).ilog2())
}

/// The ranges whose hashes prove that leaf `index` is in the tree of `size` leaves, lowest first.
pub fn inclusion_ranges(index: u64, size: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    let mut at = 0..size;
    while at.end - at.start > 1 {
        let middle = split(&at);
        if index < middle {
            ranges.push(middle..at.end);
            at.end = middle;
        } else {
            ranges.push(at.start..middle);
            at.start = middle;
        }
    }
    ranges.reverse();
    ranges
}

/// The ranges whose hashes prove that the tree of `size` leaves begins with that of `old` leaves. Empty if `old` is zero
/// or `size`.
pub fn consistency_ranges(old: u64, size: u64) -> Vec<Range<u64>> {
    let mut ranges = Vec::new();
    if old == 0 || old >= size {
        return ranges;
    }
    let mut at = 0..size;
    // Whether `at` still begins where the old tree begins, so that the verifier knows its hash.
    let mut known = true;
    while at.end != old {
        let middle = split(&at);
        if old <= middle {
            ranges.push(middle..at.end);
            at.end = middle;
        } else {
            ranges.push(at.start..middle);
            at.start = middle;
            known = false;
        }
    }
    if !known {
        ranges.push(at);
    }
    ranges.reverse();
    ranges
}

/// The root that the proof leads to, from a leaf's hash and place; `None` if it has not the shape for that place.
pub fn root_by_inclusion(leaf: Hash, index: u64, size: u64, proof: &[Hash]) -> Option<Hash> {
    if index >= size {
        return None;
    }
    let (mut node, mut last, mut hash) = (index, size - 1, leaf);
    for sibling in proof {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            hash = Hash::of_node(sibling, &hash);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = Hash::of_node(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some(hash)
}

/// A tree's size and root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TreeHead {
    pub size: u64,
    pub root: Hash,
}

/// Whether the proof shows that `new` begins with everything in `old`.
pub fn consistent(old: TreeHead, new: TreeHead, proof: &[Hash]) -> bool {
    if old.size == 0 || old.size == new.size {
        return proof.is_empty() && (old.size == 0 || old.root == new.root);
    }
    if old.size > new.size {
        return false;
    }
    let mut path = proof.iter();
    let (mut node, mut last) = (old.size - 1, new.size - 1);
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    // A tree of a power of two leaves is itself the first node of the path.
    let first = if old.size.is_power_of_two() { Some(&old.root) } else { path.next() };
    let Some(&first) = first else { return false };
    let (mut old_root, mut new_root) = (first, first);
    for sibling in path {
        if last == 0 {
            return false;
        }
        if node & 1 == 1 || node == last {
            old_root = Hash::of_node(sibling, &old_root);
            new_root = Hash::of_node(sibling, &new_root);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new_root = Hash::of_node(&new_root, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    last == 0 && old_root == old.root && new_root == new.root
}

#[cfg(test)]
mod tests;
