//! Sets of addresses as instructions describe them: sums of arithmetic progressions.

/// The most progressions of a region: four of a `dot`'s windows and the stretch.
const DIMENSIONS: usize = 5;

/// One progression: `0, stride, 2 stride, ..., (count - 1) stride`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Progression {
    count: u64,
    stride: u64,
}

/// The addresses `base + sum of one member of each progression`, as disjoint as the progressions allow.
///
/// Progressions are kept by rising stride, and merged where their sum is one progression again. So what an
/// instruction touches in one piece is one piece here, however many windows overlap in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Region {
    base: u64,
    dimensions: [Progression; DIMENSIONS],
    used: usize,
}

/// Distance from the first to the last address of progressions given as `(count, stride)`, saturating.
///
/// Counts are at least 1.
pub(crate) fn reach(dimensions: &[(u64, u64)]) -> u64 {
    let last = |&(count, stride): &(u64, u64)| (count - 1).saturating_mul(stride);
    dimensions.iter().map(last).fold(0, u64::saturating_add)
}

/// Whether two sums of members of at most five progressions of `(count, stride)` are equal.
pub(crate) fn meets_itself(progressions: &[(u64, u64)]) -> bool {
    let mut sorted: Vec<_> = progressions.iter().filter(|(count, _)| *count > 1).collect();
    sorted.sort_by_key(|(_, stride)| *stride);
    let mut extent = 1;
    let steps_over = |&&(count, stride): &&(u64, u64)| {
        let clear = stride >= extent;
        extent += (count - 1) * stride;
        clear
    };
    // Where every progression steps over all that lies inside it, there is no need to look at every address.
    if sorted.iter().all(steps_over) {
        return false;
    }
    let sums: u64 = sorted.iter().map(|(count, _)| count).product();
    (Region::new(0, progressions).addresses().len() as u64) < sums
}

/// Whether some address is in both.
pub(crate) fn intersect(left: &Region, right: &Region) -> bool {
    let ((left_first, left_end), (right_first, right_end)) = (left.span(), right.span());
    if left_end <= right_first || right_end <= left_first {
        return false;
    }
    let left = left.addresses();
    let mut found = false;
    right.runs(|start, end| {
        let at = left.partition_point(|&address| address < start);
        found |= left.get(at).is_some_and(|&address| address < end);
    });
    found
}

impl Region {
    /// The region of `base` and at most five progressions of `(count, stride)`, whose last address must fit in 64
    /// bits.
    pub(crate) fn new(base: u64, progressions: &[(u64, u64)]) -> Region {
        let mut sorted = [Progression { count: 1, stride: 0 }; DIMENSIONS];
        let mut used = 0;
        // A stride that is never taken, or takes nowhere, adds no address.
        for &(count, stride) in progressions.iter().filter(|&&(count, stride)| count > 1 && stride > 0) {
            sorted[used] = Progression { count, stride };
            used += 1;
        }
        sorted[..used].sort_by_key(|progression| progression.stride);
        let mut region = Region { base, dimensions: sorted, used };
        region.merge();
        region
    }

    /// Fills the gaps where the stride of one progression is a multiple, k, of another's and the other has at
    /// least k members: {i s} + {j k s} = {0, s, ..., (a - 1 + k (b - 1)) s}.
    fn merge(&mut self) {
        let mut inner = 0;
        while inner < self.used {
            let Progression { count, stride } = self.dimensions[inner];
            let fits =
                |outer: &Progression| outer.stride.is_multiple_of(stride) && outer.stride / stride <= count;
            match (inner + 1..self.used).find(|&outer| fits(&self.dimensions[outer])) {
                Some(outer) => {
                    let filled = self.dimensions[outer];
                    self.dimensions[inner].count += (filled.count - 1) * (filled.stride / stride);
                    self.dimensions.copy_within(outer + 1..self.used, outer);
                    self.used -= 1;
                }
                None => inner += 1,
            }
        }
    }

    /// Calls `visit` with start and end of every run of consecutive addresses.
    ///
    /// Runs may meet where the progressions do.
    pub(crate) fn runs(&self, mut visit: impl FnMut(u64, u64)) {
        let dimensions = &self.dimensions[..self.used];
        let (length, outer) = match dimensions {
            [Progression { count, stride: 1 }, outer @ ..] => (*count, outer),
            outer => (1, outer),
        };
        let mut at = [0u64; DIMENSIONS];
        let mut start = self.base;
        loop {
            visit(start, start + length);
            let mut dimension = 0;
            loop {
                let Some(progression) = outer.get(dimension) else { return };
                at[dimension] += 1;
                start += progression.stride;
                if at[dimension] < progression.count {
                    break;
                }
                start -= progression.count * progression.stride;
                at[dimension] = 0;
                dimension += 1;
            }
        }
    }

    /// First address, and one past the last.
    pub(crate) fn span(&self) -> (u64, u64) {
        let last = self.dimensions[..self.used].iter().map(|p| (p.count - 1) * p.stride).sum::<u64>();
        (self.base, self.base + last + 1)
    }

    /// Every address, in rising order and once; only for regions of one instruction, which a memory bounds.
    pub(crate) fn addresses(&self) -> Vec<u64> {
        let mut addresses = Vec::new();
        self.runs(|start, end| addresses.extend(start..end));
        addresses.sort_unstable();
        addresses.dedup();
        addresses
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn windows_that_overlap_are_one_run() {
        // A 3x3 window of 8 channels over 5 pixels a row and 2 rows of a tile 7 pixels wide: 4 rows of 56 bytes.
        let row = 7 * 8;
        let region = Region::new(100, &[(5, 8), (2, row), (3, 8), (3, row), (8, 1)]);
        let mut runs = Vec::new();
        region.runs(|start, end| runs.push((start, end)));
        assert_eq!(runs, [(100, 100 + 4 * row)]);
        assert_eq!(region.span(), (100, 324));
    }

    proptest! {
        #[test]
        fn the_runs_are_the_sums(
            base in 0u64..50,
            progressions in proptest::collection::vec((1u64..5, 0u64..12), 0..=DIMENSIONS),
        ) {
            let mut expected = BTreeSet::from([base]);
            for &(count, stride) in &progressions {
                expected = expected.iter().flat_map(|at| (0..count).map(move |i| at + i * stride)).collect();
            }
            let region = Region::new(base, &progressions);
            prop_assert_eq!(region.addresses(), Vec::from_iter(expected.iter().copied()));
            let (first, end) = region.span();
            prop_assert_eq!(expected.first().copied(), Some(first));
            prop_assert_eq!(expected.last().copied(), Some(end - 1));
            prop_assert_eq!(first + reach(&progressions) + 1, end);
            let sums: u64 = progressions.iter().map(|(count, _)| count).product();
            prop_assert_eq!(meets_itself(&progressions), sums > expected.len() as u64);
        }
    }
}
