//! The integer inner product behind every int8 kernel, in variants that give the same bits.
//!
//! A product of signed bytes is computed as signed times unsigned. Weights are packed once as `w + 128`,
//! because the instruction that is made for this (`vpdpbusd`) multiplies unsigned by signed bytes. This adds
//! `128 * sum(x)`, which is taken off again with the zero points. That is exact, since everything wraps in 32
//! bits:
//!
//! ```text
//! sum (x - zx)(w - zw) = sum x (w + 128) - (128 + zw) sum x - zx sum w + depth zx zw
//! ```
//!
//! Depth goes in quads of four bytes. Packed weights are panels of 32 output columns, each panel
//! `[quad][line][column in line][byte in quad]` with one or two lines of 16 columns. A tile is up to 12 rows
//! of activations against one panel over the whole depth.

mod avx2;
mod portable;
mod vnni;

use super::requantise::QOutput;

/// Columns of one line: a line is 16 columns times 4 bytes, a cache line and an AVX-512 register.
pub(super) const LINE_COLUMNS: usize = 16;
/// Bytes of depth that one line covers.
pub(super) const QUAD: usize = 4;
/// Lines of a full panel.
pub(super) const PANEL_LINES: usize = 2;
/// Columns of a full panel.
pub(super) const PANEL_COLUMNS: usize = PANEL_LINES * LINE_COLUMNS;
/// Rows of the largest tile: 12 x 2 accumulators, two lines of weights and a broadcast fit 32 registers.
pub(super) const TILE_ROWS: usize = 12;

/// The accumulators of one tile.
pub(super) type Tile = [[i32; PANEL_COLUMNS]; TILE_ROWS];

/// One line of packed weights, aligned so that a load never straddles two cache lines.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub(super) struct Line(pub(super) [u8; LINE_COLUMNS * QUAD]);

impl Line {
    /// Weights of zero.
    const ZERO: Self = Self([128; LINE_COLUMNS * QUAD]);
}

/// A way to compute the inner product.
///
/// All give the same bits, and differ in speed alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// Plain Rust, which specifies the others and runs on every machine.
    Portable,
    /// x86-64 with AVX2: bytes widened to 16 bits, and `vpmaddwd`. `vpmaddubsw` would saturate.
    Avx2,
    /// x86-64 with AVX-512 VNNI: `vpdpbusd`.
    Vnni,
}

impl Variant {
    /// Every variant, fastest last.
    pub const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Vnni];

    /// Whether this machine has the instructions.
    pub fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Avx2 => avx2::is_available(),
            Self::Vnni => vnni::is_available(),
        }
    }

    /// The fastest variant that this machine has.
    pub fn best() -> Self {
        Self::ALL.into_iter().rev().find(|variant| variant.is_available()).unwrap_or(Self::Portable)
    }

    /// The variant itself where the machine has it, else the portable one.
    ///
    /// So no caller can reach an instruction that is not there.
    pub(super) fn or_portable(self) -> Self {
        if self.is_available() { self } else { Self::Portable }
    }
}

/// Rows of activations, `row_stride` bytes apart, each `quads * 4` bytes long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    data: &'a [i8],
    stride: usize,
    count: usize,
    quads: usize,
}

impl<'a> Rows<'a> {
    /// Checks once that every row lies inside `data`; the tiles rely on it.
    ///
    /// # Panics
    /// A row reaches past the end, which is a mistake of this crate and never of a caller's input.
    pub(super) fn new(data: &'a [i8], stride: usize, count: usize, quads: usize) -> Self {
        let needed = if count == 0 { 0 } else { (count - 1) * stride + quads * QUAD };
        assert!(
            needed <= data.len(),
            "{count} rows of {quads} quads at stride {stride} pass {} bytes",
            data.len()
        );
        Self { data, stride, count, quads }
    }

    /// Rows `start..start + count`.
    pub(super) fn tile(&self, start: usize, count: usize) -> Self {
        assert!(start + count <= self.count, "rows {start}..{} of {}", start + count, self.count);
        let from = if count == 0 { 0 } else { start * self.stride };
        Self { data: &self.data[from..], count, ..*self }
    }

    /// One row.
    pub(super) fn row(&self, index: usize) -> &'a [i8] {
        &self.data[index * self.stride..][..self.quads * QUAD]
    }
}

/// Weights in the layout that the tiles read.
#[derive(Debug, Clone, Default)]
pub(super) struct PackedWeights {
    lines: Vec<Line>,
    columns: usize,
    quads: usize,
    sums: Vec<i32>,
}

impl PackedWeights {
    /// Packs `w[columns, depth]`, row-major with rows `depth` apart.
    pub(super) fn pack(w: &[i8], columns: usize, depth: usize) -> Self {
        use rayon::prelude::*;
        let quads = depth.div_ceil(QUAD);
        let mut lines = vec![Line::ZERO; columns.div_ceil(LINE_COLUMNS) * quads];
        let mut sums = vec![0; columns];
        let panels =
            lines.par_chunks_mut((PANEL_LINES * quads).max(1)).zip(sums.par_chunks_mut(PANEL_COLUMNS));
        panels.enumerate().for_each(|(panel, (lines, sums))| {
            let panel_lines = sums.len().div_ceil(LINE_COLUMNS);
            for (column, sum) in sums.iter_mut().enumerate() {
                let row = &w[(panel * PANEL_COLUMNS + column) * depth..][..depth];
                *sum = row.iter().fold(0i32, |sum, &w| sum.wrapping_add(i32::from(w)));
                let (line, byte) = (column / LINE_COLUMNS, column % LINE_COLUMNS * QUAD);
                let (whole, rest) = row.as_chunks::<QUAD>();
                for (quad, bytes) in lines.chunks_exact_mut(panel_lines).zip(whole) {
                    quad[line].0[byte..byte + QUAD].copy_from_slice(&bytes.map(offset));
                }
                if let Some(quad) = lines.get_mut(whole.len() * panel_lines + line) {
                    quad.0[byte..].iter_mut().zip(rest).for_each(|(to, &from)| *to = offset(from));
                }
            }
        });
        Self { lines, columns, quads, sums }
    }

    /// Repacks in place.
    ///
    /// `quad(column, index)` gives four weights of a column, with zeros where depth ends within the quad.
    pub(super) fn pack_quads(
        &mut self,
        columns: usize,
        quads: usize,
        quad: impl Fn(usize, usize) -> [i8; QUAD],
    ) {
        self.columns = columns;
        self.quads = quads;
        self.lines.clear();
        self.lines.resize(columns.div_ceil(LINE_COLUMNS) * quads, Line::ZERO);
        self.sums.clear();
        self.sums.resize(columns, 0);
        for column in 0..columns {
            let (panel, within) = (column / PANEL_COLUMNS, column % PANEL_COLUMNS);
            let lines = self.panel_lines(panel);
            let first = panel * PANEL_LINES * quads + within / LINE_COLUMNS;
            let byte = within % LINE_COLUMNS * QUAD;
            let mut sum = 0i32;
            for index in 0..quads {
                let weights = quad(column, index);
                sum = weights.iter().fold(sum, |sum, &w| sum.wrapping_add(i32::from(w)));
                self.lines[first + index * lines].0[byte..byte + QUAD].copy_from_slice(&weights.map(offset));
            }
            self.sums[column] = sum;
        }
    }

    /// Sets the shape for [`Self::put_row`], with every weight zero.
    pub(super) fn clear(&mut self, columns: usize, quads: usize) {
        self.columns = columns;
        self.quads = quads;
        self.lines.clear();
        self.lines.resize(columns.div_ceil(LINE_COLUMNS) * quads, Line::ZERO);
        self.sums.clear();
        self.sums.resize(columns, 0);
    }

    /// Adds one row `[column][row_bytes]` of an array's weights from quad `quad` on.
    ///
    /// Only the first `lanes` of every column count. `row_bytes` is a multiple of four.
    #[inline(always)]
    pub(super) fn put_row(&mut self, row: &[i8], row_bytes: usize, lanes: usize, quad: usize) {
        debug_assert!(row_bytes.is_multiple_of(QUAD), "a quad would be of two rows");
        for (panel, columns) in row.chunks(PANEL_COLUMNS * row_bytes).enumerate() {
            let lines = self.panel_lines(panel);
            let panel_lines = &mut self.lines[(panel * PANEL_LINES * self.quads) + quad * lines..];
            let sums = &mut self.sums[panel * PANEL_COLUMNS..];
            for (column, (weights, sum)) in columns.chunks_exact(row_bytes).zip(sums).enumerate() {
                let (line, byte) = (column / LINE_COLUMNS, column % LINE_COLUMNS * QUAD);
                let (whole, rest) = weights[..lanes].as_chunks::<QUAD>();
                *sum = weights[..lanes].iter().fold(*sum, |sum, &w| sum.wrapping_add(i32::from(w)));
                let mut quads = panel_lines.iter_mut().skip(line).step_by(lines);
                for (weights, quad) in whole.iter().zip(&mut quads) {
                    quad.0[byte..byte + QUAD].copy_from_slice(&weights.map(offset));
                }
                if let (false, Some(quad)) = (rest.is_empty(), quads.next()) {
                    quad.0[byte..].iter_mut().zip(rest).for_each(|(to, &from)| *to = offset(from));
                }
            }
        }
    }

    /// Sum of the weights of every column.
    pub(super) fn sums(&self) -> &[i32] {
        &self.sums
    }

    /// Output columns.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Lines of one panel: two, except for a last panel of at most 16 columns.
    fn panel_lines(&self, panel: usize) -> usize {
        (self.columns - panel * PANEL_COLUMNS).div_ceil(LINE_COLUMNS).min(PANEL_LINES)
    }

    /// One panel, with its number of lines.
    fn panel(&self, panel: usize) -> (&[Line], usize) {
        let lines = self.panel_lines(panel);
        (&self.lines[panel * PANEL_LINES * self.quads..][..lines * self.quads], lines)
    }
}

fn offset(weight: i8) -> u8 {
    weight as u8 ^ 0x80
}

/// `tile[r][c] = sum over k of x[r][k] * (w[c][k] + 128)`, wrapping, for the rows and one panel's columns.
///
/// Entries past them are undefined.
pub(super) fn tile(variant: Variant, rows: &Rows, weights: &PackedWeights, panel: usize, tile: &mut Tile) {
    let (lines, line_count) = weights.panel(panel);
    assert!(rows.count <= TILE_ROWS, "a tile of {} rows", rows.count);
    assert_eq!(rows.quads, weights.quads, "activations and weights differ in depth");
    match variant.or_portable() {
        Variant::Portable => portable::tile(rows, lines, line_count, tile),
        Variant::Avx2 => avx2::tile(rows, lines, line_count, tile),
        Variant::Vnni => vnni::tile(rows, lines, line_count, tile),
    }
}

/// The sum of every row, wrapping.
pub(super) fn row_sums(variant: Variant, rows: &Rows, sums: &mut Vec<i32>) {
    sums.clear();
    match variant.or_portable() {
        Variant::Vnni => sums.extend((0..rows.count).map(|row| vnni::sum(rows.row(row)))),
        Variant::Avx2 => sums.extend((0..rows.count).map(|row| avx2::sum(rows.row(row)))),
        Variant::Portable => sums.extend((0..rows.count).map(|row| portable::sum(rows.row(row)))),
    }
}

/// Per-channel records in the order of the requantisation loop: one array for each field.
#[derive(Debug, Clone, Default)]
pub(super) struct Records {
    /// Bias with every constant term of the product folded in.
    pub(super) bias: Vec<i32>,
    /// Multiplier, not negative.
    pub(super) multiplier: Vec<i32>,
    /// Shift, `1..=62`.
    pub(super) shift: Vec<i64>,
}

/// Borrowed columns of [`Records`], all of one length.
#[derive(Debug, Clone, Copy)]
pub(super) struct RecordSlice<'a> {
    bias: &'a [i32],
    multiplier: &'a [i32],
    shift: &'a [i64],
}

impl Records {
    /// The records of `columns`.
    pub(super) fn slice(&self, columns: std::ops::Range<usize>) -> RecordSlice<'_> {
        RecordSlice {
            bias: &self.bias[columns.clone()],
            multiplier: &self.multiplier[columns.clone()],
            shift: &self.shift[columns],
        }
    }
}

/// N-REQUANTISE of one row: `y[c] = requantise(accumulators[c] + row_term, record[c])`.
pub(super) fn requantise_row(
    variant: Variant,
    accumulators: &[i32],
    row_term: i32,
    records: RecordSlice,
    output: QOutput,
    y: &mut [i8],
) {
    match variant.or_portable() {
        Variant::Portable => portable::requantise_row(accumulators, row_term, records, output, y),
        Variant::Avx2 => avx2::requantise_row(accumulators, row_term, records, output, y),
        Variant::Vnni => vnni::requantise_row(accumulators, row_term, records, output, y),
    }
}

#[cfg(test)]
mod tests;
