//! What a program's maker declares of its memories: which addresses hold what, who writes it, and who reads it.
//!
//! A declaration is no part of a program and does not change what it does. `ediacara_prove` checks a program
//! against it: a declared writer must have written last what a declared reader reads.

use crate::Memory;

/// Who writes or reads a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Party {
    /// The executable: it is there before the program begins.
    Executable,
    /// The host: an input that it writes before, an output that it reads afterwards.
    Host,
    /// The instructions of a layer, by its index in [`Executable::layers`](crate::Executable::layers).
    Layer(u32),
}

/// Addresses of one memory with the same writers and readers.
///
/// A value is a tensor, a part of one that has writers of its own, a frame of padding, constants, or a
/// layer's tiles.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// What it is called in reports.
    pub name: String,
    /// The memory.
    pub memory: Memory,
    /// The addresses, in the memory's units: bytes, accumulators, records.
    pub extent: Extent,
    /// Who may have written an address last when one of `readers` reads it.
    pub writers: Vec<Party>,
    /// Who reads it.
    pub readers: Vec<Party>,
}

/// A box of addresses: a run of consecutive ones, repeated at strides that step over what is inside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    start: u64,
    run: u64,
    /// Repetitions, `(count, stride)`, the widest stride first.
    outer: Vec<(u64, u64)>,
}

impl Extent {
    /// `length` consecutive addresses.
    pub fn run(start: u64, length: u64) -> Extent {
        Extent { start, run: length, outer: Vec::new() }
    }

    /// The addresses `start + sum of index * stride`, with a `(count, stride)` for each axis.
    ///
    /// Where the axes do not step over one another, all addresses between the first and the last are taken.
    pub fn strided(start: u64, axes: &[(u64, u64)]) -> Extent {
        if axes.iter().any(|&(count, _)| count == 0) {
            return Extent::run(start, 0);
        }
        let mut axes: Vec<_> =
            axes.iter().copied().filter(|&(count, stride)| count > 1 && stride > 0).collect();
        axes.sort_unstable_by_key(|&(_, stride)| stride);
        let mut extent = Extent::run(start, 1);
        for (count, stride) in axes {
            let inside = extent.end() - start;
            match extent.outer.first_mut() {
                None if stride <= inside => extent.run = (count - 1) * stride + inside,
                Some((inner, step)) if *inner * *step == stride => *inner *= count,
                Some(_) if stride < inside => extent = Extent::run(start, (count - 1) * stride + inside),
                _ => extent.outer.insert(0, (count, stride)),
            }
        }
        extent
    }

    /// First address.
    pub fn start(&self) -> u64 {
        self.start
    }

    /// One past the last address.
    pub fn end(&self) -> u64 {
        self.start + self.outer.iter().map(|(count, stride)| (count - 1) * stride).sum::<u64>() + self.run
    }

    /// Addresses.
    pub fn len(&self) -> u64 {
        self.outer.iter().map(|(count, _)| count).product::<u64>() * self.run
    }

    /// Whether there is no address.
    pub fn is_empty(&self) -> bool {
        self.run == 0
    }

    /// The first address that is not below `address`, and the end of its run; nothing beyond the last.
    pub fn next(&self, address: u64) -> Option<(u64, u64)> {
        if self.run == 0 {
            return None;
        }
        let Some(offset) = address.checked_sub(self.start) else {
            return Some((self.start, self.start + self.run));
        };
        let (at, end) = next_run(self.run, &self.outer, offset)?;
        Some((self.start + at, self.start + end))
    }

    /// Whether some address is in both.
    pub fn meets(&self, other: &Extent) -> bool {
        let mut from = self.start.max(other.start);
        while let (Some((at, end)), Some((start, past))) = (self.next(from), other.next(from)) {
            if at.max(start) < end.min(past) {
                return true;
            }
            from = at.max(start);
        }
        false
    }

    /// Calls `visit` with start and end of every run, in rising order.
    pub fn runs(&self, mut visit: impl FnMut(u64, u64)) {
        let mut from = self.start;
        while let Some((at, end)) = self.next(from) {
            visit(at, end);
            from = end;
        }
    }
}

fn next_run(run: u64, outer: &[(u64, u64)], offset: u64) -> Option<(u64, u64)> {
    let Some((&(count, stride), inner)) = outer.split_first() else {
        return (offset < run).then_some((offset, run));
    };
    let index = (offset / stride).min(count - 1);
    let found = next_run(run, inner, offset - index * stride).map(|run| (run, index));
    let ((at, end), index) = match found {
        Some(found) => found,
        None if index + 1 < count => ((0, run), index + 1),
        None => return None,
    };
    Some((index * stride + at, index * stride + end))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn addresses(extent: &Extent) -> Vec<u64> {
        let mut all = Vec::new();
        extent.runs(|start, end| all.extend(start..end));
        all
    }

    #[test]
    fn a_slice_of_channels_is_a_run_a_pixel() {
        let extent = Extent::strided(100, &[(2, 40), (5, 8), (3, 1)]);
        assert_eq!((extent.start(), extent.end(), extent.len()), (100, 175, 30));
        assert_eq!(extent.next(0), Some((100, 103)));
        assert_eq!(extent.next(102), Some((102, 103)));
        assert_eq!(extent.next(103), Some((108, 111)));
        assert_eq!(extent.next(175), None);
        assert_eq!(Extent::strided(7, &[(4, 0), (2, 12), (3, 4), (4, 1)]), Extent::run(7, 24));
    }

    #[test]
    fn interleaved_channels_do_not_meet() {
        let channels = |start, count| Extent::strided(start, &[(3, 40), (5, 8), (count, 1)]);
        assert!(!channels(0, 3).meets(&channels(3, 5)));
        assert!(channels(0, 4).meets(&channels(3, 5)));
        assert!(!channels(0, 3).meets(&channels(200, 8)));
    }

    proptest! {
        #[test]
        fn the_addresses_are_the_sums_of_axes_that_step_over_one_another(
            start in 0u64..20,
            axes in proptest::collection::vec((1u64..4, 1u64..3), 0..4),
            order in any::<bool>(),
        ) {
            let mut expected = BTreeSet::from([start]);
            let (mut inside, mut strided) = (1, Vec::new());
            for (count, factor) in axes {
                let stride = inside * factor;
                strided.push((count, stride));
                inside += (count - 1) * stride;
                expected = expected.iter().flat_map(|at| (0..count).map(move |i| at + i * stride)).collect();
            }
            if order {
                strided.reverse();
            }
            let extent = Extent::strided(start, &strided);
            prop_assert_eq!(addresses(&extent), Vec::from_iter(expected.iter().copied()));
            prop_assert_eq!(extent.len(), expected.len() as u64);
            for from in start..extent.end() + 2 {
                let next = extent.next(from).map(|(at, _)| at);
                prop_assert_eq!(next, expected.range(from..).next().copied());
            }
        }
    }
}
