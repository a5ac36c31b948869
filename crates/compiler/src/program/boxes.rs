//! Several tensors of one shape walked together, cut into boxes that fit on chip.

use ediacara_isa::ElementBytes;
use smallvec::SmallVec;

use crate::program::transfer::{BoxCopy, Side};
use crate::program::view::View;

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

/// Where the elements of a box lie in NRAM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Densely from an address on; dimensions along which the tensor does not move are left out.
    Slot(u64),
    /// Where they lie in a tensor that is kept, whose base this is.
    Kept(u64),
}

/// A box, or a part of it, as a vector instruction goes over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sweep<const K: usize> {
    /// First element in each tensor.
    pub addresses: [u64; K],
    /// Elements of a row.
    pub length: u64,
    /// Rows along two dimensions.
    pub counts: [u64; 2],
    /// Elements between rows, in each tensor.
    pub strides: [[u64; 2]; K],
}

impl<const K: usize> JointBox<K> {
    /// The vector instructions that go over the box.
    pub(crate) fn sweeps(&self, sides: &[JointSide<K>], places: [Place; K]) -> Vec<Sweep<K>> {
        let mut dense = [1; K];
        let mut dimensions: SmallVec<[JointSide<K>; 6]> = SmallVec::new();
        for (side, &count) in sides.iter().zip(&self.counts).filter(|&(_, &count)| count > 1) {
            let mut strides = side.strides;
            for k in 0..K {
                if let (Place::Slot(_), true) = (places[k], strides[k] > 0) {
                    strides[k] = dense[k];
                    dense[k] *= count;
                }
            }
            match dimensions.last_mut() {
                Some(last) if (0..K).all(|k| strides[k] == last.count * last.strides[k]) => {
                    last.count *= count
                }
                _ => dimensions.push(JointSide { count, strides }),
            }
        }
        let length = match dimensions.first() {
            Some(first) if first.strides == [1; K] => dimensions.remove(0).count,
            _ => 1,
        };
        let rest = JointSide { count: 1, strides: [0; K] };
        let [inner, outer] = [0, 1].map(|index| dimensions.get(index).copied().unwrap_or(rest));
        let mut found = vec![[0; K]];
        for side in dimensions.iter().skip(2) {
            let steps = |start: &[u64; K]| {
                let start = *start;
                let strides = side.strides;
                (0..side.count).map(move |i| std::array::from_fn(|k| start[k] + i * strides[k]))
            };
            found = found.iter().flat_map(steps).collect();
        }
        let start: [u64; K] = std::array::from_fn(|k| match places[k] {
            Place::Slot(address) => address,
            Place::Kept(base) => base + self.offsets[k],
        });
        let sweep = |offsets: [u64; K]| Sweep {
            addresses: std::array::from_fn(|k| start[k] + offsets[k]),
            length,
            counts: [inner.count, outer.count],
            strides: std::array::from_fn(|k| [inner.strides[k], outer.strides[k]]),
        };
        found.into_iter().map(sweep).collect()
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

/// The contiguous side of a source, if it is another than the destination's, which is the first.
pub(crate) fn turned(sides: &[JointSide<2>]) -> Option<usize> {
    let other = sides.iter().position(|side| side.strides[0] == 1);
    other.filter(|&index| index > 0 && sides[0].strides[1] == 1)
}

/// The bytes of a wide element, the sides over elements, and the one contiguous in the source, if the destination's next
/// element is another than the source's.
pub(crate) fn turned_wide(
    sides: &[JointSide<2>],
    element: u64,
) -> Option<(ElementBytes, Vec<JointSide<2>>, usize)> {
    let (bytes, rest) = sides.split_first().filter(|(bytes, _)| bytes.count == element)?;
    let wide = [ElementBytes::Two, ElementBytes::Four];
    let size = wide.into_iter().find(|size| size.bytes() == element)?;
    let other = rest.iter().position(|side| side.strides[0] == element).filter(|&index| index > 0)?;
    let aligned = rest.iter().all(|side| side.strides[0].is_multiple_of(element));
    let moves_together = bytes.strides == [1, 1] && rest[0].strides[1] == element;
    (moves_together && aligned).then(|| (size, rest.to_vec(), other))
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
    fn sweeps_reach_every_element_once() {
        // Every second pixel of a framed image, beside a dense tile.
        let kept = View { strides: vec![600, 60, 10, 1], ..View::dense(1000, &[2, 5, 3, 4]) };
        let slot = View::dense(0, &[2, 5, 3, 4]);
        let sides = joint([&kept, &slot]);
        for part in boxes(&sides, 70, sides.len()) {
            let mut pairs = std::collections::BTreeMap::new();
            for sweep in part.sweeps(&sides, [Place::Kept(1000), Place::Slot(0)]) {
                for (i, j, k) in indices(sweep.counts[0], sweep.counts[1], sweep.length) {
                    let at =
                        |t: usize| sweep.addresses[t] + i * sweep.strides[t][0] + j * sweep.strides[t][1] + k;
                    assert!(pairs.insert(at(1), at(0)).is_none());
                }
            }
            // Dense in the slot, in the order of the image.
            assert!(pairs.keys().copied().eq(0..part.len()));
            assert!(pairs.values().is_sorted());
            let first = pairs.values().next().copied();
            assert_eq!(first, Some(1000 + part.offsets[0]));
        }
    }

    fn indices(a: u64, b: u64, c: u64) -> impl Iterator<Item = (u64, u64, u64)> {
        (0..a).flat_map(move |i| (0..b).flat_map(move |j| (0..c).map(move |k| (i, j, k))))
    }

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
