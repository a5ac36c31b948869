//! The loop that computes: tiles of `y` whose sums live in registers while the terms pass.

use super::super::{Activation, Float};
use crate::vectorise::{InstructionSet, Vectorise, vectorise};

/// Rows of a tile, and lines of a panel of the left operand.
///
/// With two vectors of columns they are 12 sums, which cover the latency of two multiply-adds a cycle and
/// leave AVX2 registers for the operands.
pub(in super::super) const ROWS: usize = 6;

/// Packed panels: each holds all its terms, and the next begins `stride` elements further.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Panels<'a, T> {
    pub(in super::super) data: &'a [T],
    pub(in super::super) stride: usize,
}

impl<'a, T> Panels<'a, T> {
    /// The panels from a line and a term on, of an operand that was packed with all its `terms`.
    ///
    /// The line is the first of a panel of `width`.
    pub(in super::super) fn of(
        packed: &'a [T],
        width: usize,
        terms: usize,
        line: usize,
        term: usize,
    ) -> Self {
        Self { data: &packed[line * terms + term * width..], stride: terms * width }
    }

    pub(super) fn panel<const W: usize>(&self, index: usize, terms: usize) -> &'a [[T; W]] {
        self.data[index * self.stride..][..terms * W].as_chunks::<W>().0
    }
}

/// What is added to the finished sums.
#[derive(Debug, Clone, Copy)]
pub(in super::super) enum Bias<'a, T> {
    /// Nothing.
    None,
    /// A number for each row.
    Rows(&'a [T]),
    /// A number for each column.
    Columns(&'a [T]),
}

/// A matrix that is added to the finished sums.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Addend<'a, T> {
    pub(in super::super) data: &'a [T],
    pub(in super::super) row_stride: usize,
}

/// What the last block of terms does to the sums: it adds a bias and then another matrix, and applies an
/// activation.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Finish<'a, T> {
    pub(in super::super) bias: Bias<'a, T>,
    pub(in super::super) addend: Option<Addend<'a, T>>,
    pub(in super::super) activation: Activation,
}

impl<'a, T> Finish<'a, T> {
    /// The same for a block of `y` that begins at this row and column.
    pub(in super::super) fn from(self, row: usize, column: usize) -> Self {
        let bias = match self.bias {
            Bias::None => Bias::None,
            Bias::Rows(bias) => Bias::Rows(&bias[row..]),
            Bias::Columns(bias) => Bias::Columns(&bias[column..]),
        };
        let addend = self
            .addend
            .map(|addend| Addend { data: &addend.data[row * addend.row_stride + column..], ..addend });
        Self { bias, addend, ..self }
    }
}

/// How sums are stored: `y = scale * sum + keep * y`, then what finishes them.
///
/// With `keep` 0, `y` is not read.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Store<'a, T> {
    pub(in super::super) scale: T,
    pub(in super::super) keep: T,
    pub(in super::super) finish: Option<Finish<'a, T>>,
}

/// A block of terms of a block of `y`.
pub(in super::super) struct Update<'a, 'y, T> {
    /// Panels of [`ROWS`] lines, as many as cover the rows of `y`.
    pub(in super::super) left: Panels<'a, T>,
    /// Panels of [`panel_width`](super::panel_width) lines, as many as cover the columns of `y`.
    pub(in super::super) right: Panels<'a, T>,
    pub(in super::super) terms: usize,
    /// Rows, all equally long.
    pub(in super::super) y: &'a mut [&'y mut [T]],
    pub(in super::super) store: Store<'a, T>,
}

impl<T: Float> Update<'_, '_, T> {
    pub(in super::super) fn run(self) {
        match super::panel_width::<T>() {
            32 => self.panels::<32, 16>(),
            16 => self.panels::<16, 8>(),
            8 => self.panels::<8, 4>(),
            _ => self.panels::<4, 2>(),
        }
    }

    /// Computes all tiles, for panels of `C` columns.
    ///
    /// A last one that is at most half full is computed in `H`.
    /// `H`.
    fn panels<const C: usize, const H: usize>(mut self) {
        let rows = std::mem::take(&mut self.y);
        for (panel, rows) in rows.chunks_mut(ROWS).enumerate() {
            let left = self.left.panel::<ROWS>(panel, self.terms);
            let columns = rows.first().map_or(0, |row| row.len());
            for (index, first) in (0..columns).step_by(C).enumerate() {
                let right = self.right.panel::<C>(index, self.terms);
                let at = Place { row: panel * ROWS, column: first, columns: C.min(columns - first) };
                let tile = Tile { left, right, rows, at, store: &self.store };
                if at.columns > H { tile.run::<C>() } else { tile.run::<H>() }
            }
        }
    }
}

/// Some rows by at most `C` columns.
struct Tile<'a, 'y, T, const C: usize> {
    left: &'a [[T; ROWS]],
    right: &'a [[T; C]],
    rows: &'a mut [&'y mut [T]],
    at: Place,
    store: &'a Store<'a, T>,
}

impl<T: Float, const C: usize> Tile<'_, '_, T, C> {
    /// Computes the tile in `W` columns.
    ///
    /// Each size is a function of its own, because the compiler finds too few registers in one large
    /// function.
    fn run<const W: usize>(self) {
        match self.rows.len() {
            1 => vectorise(TileOf::<T, C, 1, W>(self)),
            2 => vectorise(TileOf::<T, C, 2, W>(self)),
            3 => vectorise(TileOf::<T, C, 3, W>(self)),
            4 => vectorise(TileOf::<T, C, 4, W>(self)),
            5 => vectorise(TileOf::<T, C, 5, W>(self)),
            _ => vectorise(TileOf::<T, C, ROWS, W>(self)),
        }
    }
}

/// A tile of `R` rows of `W` columns.
struct TileOf<'a, 'y, T, const C: usize, const R: usize, const W: usize>(Tile<'a, 'y, T, C>);

impl<T: Float, const C: usize, const R: usize, const W: usize> Vectorise for TileOf<'_, '_, T, C, R, W> {
    type Output = ();
    #[inline(always)]
    fn run<I: InstructionSet>(self) {
        let Tile { left, right, rows, at, store } = self.0;
        // The sums are a local array, which the compiler keeps in registers.
        let mut sums = [[T::ZERO; W]; R];
        for (left, right) in left.iter().zip(right) {
            // A copy makes the compiler load it once and not once a row.
            let right = *right;
            for row in 0..R {
                for column in 0..W {
                    sums[row][column] = left[row].multiply_add::<I>(right[column], sums[row][column]);
                }
            }
        }
        for (row, (sums, y)) in sums.into_iter().zip(rows).enumerate() {
            store.row(sums, at.row + row, at.column, &mut y[at.column..][..at.columns]);
        }
    }
}

/// Where a tile lies in its block.
#[derive(Debug, Clone, Copy)]
struct Place {
    row: usize,
    column: usize,
    columns: usize,
}

impl<T: Float> Store<'_, T> {
    /// Stores the sums of a piece of one row of a block; `y` may be shorter than they are.
    #[inline(always)]
    pub(in super::super) fn row<const W: usize>(
        &self,
        mut sums: [T; W],
        row: usize,
        column: usize,
        y: &mut [T],
    ) {
        if self.scale != T::ONE {
            sums.iter_mut().for_each(|sum| *sum = *sum * self.scale);
        }
        if self.keep != T::ZERO {
            add(&mut sums, y, self.keep);
        }
        if let Some(finish) = &self.finish {
            match finish.bias {
                Bias::None => {}
                Bias::Rows(bias) => sums.iter_mut().for_each(|sum| *sum += bias[row]),
                Bias::Columns(bias) => add(&mut sums, &bias[column..][..y.len()], T::ONE),
            }
            if let Some(addend) = &finish.addend {
                add(&mut sums, &addend.data[row * addend.row_stride + column..][..y.len()], T::ONE);
            }
            finish.activation.apply(&mut sums);
        }
        match <&mut [T; W]>::try_from(&mut *y) {
            Ok(y) => *y = sums,
            Err(_) => y.iter_mut().zip(sums).for_each(|(y, sum)| *y = sum),
        }
    }
}

/// `sums += factor * values`; there may be fewer values than sums.
#[inline(always)]
fn add<T: Float, const W: usize>(sums: &mut [T; W], values: &[T], factor: T) {
    match values.first_chunk::<W>() {
        Some(values) => sums.iter_mut().zip(values).for_each(|(sum, &value)| *sum += factor * value),
        None => sums.iter_mut().zip(values).for_each(|(sum, &value)| *sum += factor * value),
    }
}
