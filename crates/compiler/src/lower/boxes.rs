//! Several tensors of one shape walked together, cut into boxes that fit on chip.

use smallvec::SmallVec;

use crate::transfer::{BoxCopy, Side};
use crate::view::View;

/// One dimension of `K` tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JointSide<const K: usize> {
    /// Extent.
    pub count: u64,
    /// Bytes between indices in each tensor.
    pub strides: [u64; K],
}

/// A box: how far it starts into each tensor, and its extents, innermost first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct JointBox<const K: usize> {
    /// Bytes from each tensor's base.
    pub offsets: [u64; K],
    /// Extents, as many as there are sides.
    pub counts: SmallVec<[u64; 6]>,
}

impl<const K: usize> JointBox<K> {
    /// Elements.
    pub(crate) fn len(&self) -> u64 {
        self.counts.iter().product()
    }

    /// The box of tensor `k`, dense on chip. Dimensions along which the tensor does not move are left out.
    pub(crate) fn copy(&self, sides: &[JointSide<K>], k: usize, base: u64, chip: u64) -> BoxCopy {
        let mut found = SmallVec::new();
        let mut dense = 1;
        for (side, &count) in sides.iter().zip(&self.counts) {
            if side.strides[k] == 0 && count > 1 {
                continue;
            }
            found.push(Side { count, dram: side.strides[k], chip: dense });
            dense *= count;
        }
        BoxCopy { dram: base + self.offsets[k], chip, run: 1, sides: found }
    }
}

/// The common dimensions of tensors of one shape, innermost first, as few as possible.
pub(crate) fn joint<const K: usize>(views: [&View; K]) -> Vec<JointSide<K>> {
    let mut sides: Vec<JointSide<K>> = Vec::new();
    for axis in (0..views[0].shape.len()).rev() {
        let side = JointSide { count: views[0].shape[axis], strides: views.map(|view| view.strides[axis]) };
        if side.count == 1 {
            continue;
        }
        match sides.last_mut() {
            Some(last) if (0..K).all(|k| side.strides[k] == last.count * last.strides[k]) => {
                last.count *= side.count
            }
            _ => sides.push(side),
        }
    }
    if sides.is_empty() {
        sides.push(JointSide { count: 1, strides: [1; K] });
    }
    sides
}

/// The sides cut into boxes of at most `budget` elements (at least 1) that extend along the first `depth`
/// sides only, in row-major order.
pub(crate) fn boxes<const K: usize>(sides: &[JointSide<K>], budget: u64, depth: usize) -> Vec<JointBox<K>> {
    let mut extents: SmallVec<[u64; 6]> = SmallVec::new();
    let mut room = budget.max(1);
    for (index, side) in sides.iter().enumerate() {
        let extent = if index < depth { side.count.min(room) } else { 1 };
        // Cut evenly, so that the last box is not a crumb.
        let even = side.count.div_ceil(side.count.div_ceil(extent.max(1)));
        extents.push(even.max(1));
        room = if even == side.count { room / even.max(1) } else { 1 };
        room = room.max(1);
    }
    let mut found = vec![JointBox { offsets: [0; K], counts: SmallVec::new() }];
    for (side, &extent) in sides.iter().zip(&extents) {
        let mut next = Vec::new();
        let pieces = side.count.div_ceil(extent);
        for piece in 0..pieces {
            for part in &found {
                let mut part = part.clone();
                for k in 0..K {
                    part.offsets[k] += piece * extent * side.strides[k];
                }
                part.counts.push(extent.min(side.count - piece * extent));
                next.push(part);
            }
        }
        found = next;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_cover_every_element_once() {
        let a = View::dense(0, &[2, 3, 4, 10]).slice(3, 1, 7, 1);
        let b = View::dense(0, &[2, 3, 4, 7]);
        let sides = joint([&a, &b]);
        assert_eq!(sides.len(), 2);
        for budget in [1, 2, 5, 7, 13, 50, 1000] {
            let boxes = boxes(&sides, budget, 8);
            assert!(boxes.iter().all(|part| part.len() <= budget));
            assert_eq!(boxes.iter().map(JointBox::len).sum::<u64>(), 168);
            let starts: std::collections::HashSet<u64> = boxes.iter().map(|part| part.offsets[1]).collect();
            assert_eq!(starts.len(), boxes.len());
        }
    }
}
