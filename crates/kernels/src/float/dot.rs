//! Products of few rows, which take as long as reading the other operand once.
//!
//! They are inner products along its lines, without packing.

use super::Float;
use super::product::{Store, Strided};
use crate::vectorise::{InstructionSet, Vectorise, vectorise};

/// Most rows for which this is faster than packing.
pub(super) const FEW_ROWS: usize = 4;

/// Lines of the right operand that are read side by side.
const LINES: usize = 4;
/// Partial sums of one inner product.
const LANES: usize = 16;

/// `y = left right^T` for some rows and columns, both operands with terms side by side.
pub(super) struct InnerProducts<'a, 'y, T> {
    /// All rows, from the first of `y` on.
    pub(super) left: Strided<'a, T>,
    pub(super) right: Strided<'a, T>,
    pub(super) terms: usize,
    /// The line of the right operand for the first column of `y`.
    pub(super) column: usize,
    pub(super) y: &'a mut [&'y mut [T]],
    pub(super) store: Store<'a, T>,
}

impl<T: Float> InnerProducts<'_, '_, T> {
    pub(super) fn run(self) {
        vectorise(self);
    }
}

impl<T: Float> Vectorise for InnerProducts<'_, '_, T> {
    type Output = ();
    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        let columns = self.y.first().map_or(0, |row| row.len());
        for first in (0..columns).step_by(LINES) {
            let last = columns - 1;
            // Lines beyond the last repeat it, and are not stored.
            let lines: [&[T]; LINES] = std::array::from_fn(|line| {
                let line = self.column + last.min(first + line);
                &self.right.data[line * self.right.line_stride..][..self.terms]
            });
            for (row, y) in self.y.iter_mut().enumerate() {
                let left = &self.left.data[row * self.left.line_stride..][..self.terms];
                let sums = inner_products::<T, I>(left, lines);
                self.store.row(sums, row, first, &mut y[first..columns.min(first + LINES)]);
            }
        }
    }
}

#[inline(always)]
fn inner_products<T: Float, I: InstructionSet>(left: &[T], lines: [&[T]; LINES]) -> [T; LINES] {
    let mut sums = [[T::ZERO; LANES]; LINES];
    let (left, left_rest) = left.as_chunks::<LANES>();
    let chunks = lines.map(|line| line.as_chunks::<LANES>());
    for (index, left) in left.iter().enumerate() {
        for line in 0..LINES {
            let right = &chunks[line].0[index];
            for lane in 0..LANES {
                sums[line][lane] = left[lane].multiply_add::<I>(right[lane], sums[line][lane]);
            }
        }
    }
    std::array::from_fn(|line| {
        let mut lanes = sums[line];
        for ((lane, &left), &right) in lanes.iter_mut().zip(left_rest).zip(chunks[line].1) {
            *lane = left.multiply_add::<I>(right, *lane);
        }
        let mut width = LANES;
        while width > 1 {
            width /= 2;
            for lane in 0..width {
                lanes[lane] += lanes[lane + width];
            }
        }
        lanes[0]
    })
}
