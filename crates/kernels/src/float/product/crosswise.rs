//! The product of two operands whose terms lie side by side, where the right one is much the larger.
//!
//! The right operand is read where it lies, and only the left one is packed. A tile is computed with the
//! roles of rows and columns exchanged, and turned when it is stored.

use super::super::Float;
use super::operand::Strided;
use super::tile::{Panels, ROWS, Store};
use crate::vectorise::{InstructionSet, Vectorise, vectorise};

/// A block of terms of a block of `y`.
pub(in super::super) struct Crosswise<'a, 'y, T> {
    /// Panels of [`panel_width`](super::panel_width) lines, as many as cover the rows of `y`.
    pub(in super::super) left: Panels<'a, T>,
    /// The right operand, with terms side by side, from the block's first term on.
    pub(in super::super) right: Strided<'a, T>,
    /// The line of the right operand for the first column of `y`.
    pub(in super::super) column: usize,
    pub(in super::super) terms: usize,
    /// Rows, all equally long.
    pub(in super::super) y: &'a mut [&'y mut [T]],
    pub(in super::super) store: Store<'a, T>,
}

impl<T: Float> Crosswise<'_, '_, T> {
    pub(in super::super) fn run(self) {
        match super::panel_width::<T>() {
            32 => self.panels::<32>(),
            16 => self.panels::<16>(),
            8 => self.panels::<8>(),
            _ => self.panels::<4>(),
        }
    }

    fn panels<const C: usize>(mut self) {
        let y = std::mem::take(&mut self.y);
        let columns = y.first().map_or(0, |row| row.len());
        for column in (0..columns).step_by(ROWS) {
            for (panel, y) in y.chunks_mut(C).enumerate() {
                let tile = Tile::<T, C> {
                    left: self.left.panel(panel, self.terms),
                    right: self.right,
                    line: self.column + column,
                    row: panel * C,
                    column,
                    y,
                    store: &self.store,
                };
                match columns - column {
                    1 => vectorise(TileOf::<T, C, 1>(tile)),
                    2 => vectorise(TileOf::<T, C, 2>(tile)),
                    3 => vectorise(TileOf::<T, C, 3>(tile)),
                    4 => vectorise(TileOf::<T, C, 4>(tile)),
                    5 => vectorise(TileOf::<T, C, 5>(tile)),
                    _ => vectorise(TileOf::<T, C, ROWS>(tile)),
                }
            }
        }
    }
}

/// At most `C` rows of `y` by some columns.
struct Tile<'a, 'y, T, const C: usize> {
    left: &'a [[T; C]],
    right: Strided<'a, T>,
    line: usize,
    row: usize,
    column: usize,
    y: &'a mut [&'y mut [T]],
    store: &'a Store<'a, T>,
}

/// A tile of `R` columns.
struct TileOf<'a, 'y, T, const C: usize, const R: usize>(Tile<'a, 'y, T, C>);

impl<T: Float, const C: usize, const R: usize> Vectorise for TileOf<'_, '_, T, C, R> {
    type Output = ();
    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        let Tile { left, right, line, row, column, y, store } = self.0;
        let mut lines: [&[T]; R] = [&[]; R];
        for (index, to) in lines.iter_mut().enumerate() {
            // All slices have one length that the compiler knows, so that it checks no index below.
            *to = &right.data[(line + index) * right.line_stride..][..left.len()];
        }
        // The sums are a local array, which the compiler keeps in registers.
        let mut sums = [[T::ZERO; C]; R];
        for (term, left) in left.iter().enumerate() {
            let left = *left;
            for index in 0..R {
                let right = lines[index][term];
                for lane in 0..C {
                    sums[index][lane] = right.multiply_add::<I>(left[lane], sums[index][lane]);
                }
            }
        }
        let sums = sums;
        for (lane, y) in y.iter_mut().enumerate() {
            let mut turned = [T::ZERO; R];
            turned.iter_mut().zip(&sums).for_each(|(to, sums)| *to = sums[lane]);
            store.row(turned, row + lane, column, &mut y[column..][..R]);
        }
    }
}
