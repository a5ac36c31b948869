//! The matrix engine's `dot` instruction of docs/isa.md over whole memories.
//!
//! Windows from NRAM meet weight rows in the array's own layout, and the sums go into 32-bit accumulators.
//! The simulator computes its values with it. Timing is none of its business.

use super::dot::{
    LINE_COLUMNS, PANEL_COLUMNS, PackedWeights, QUAD, Rows, TILE_ROWS, Tile, Variant, row_sums, tile,
};
use crate::KernelError;
use crate::array::{Accumulation, ArrayDot};
use crate::error::elements;

const KERNEL: &str = "array_dot";

/// Bytes of gathered windows that are worked on at a time.
const BLOCK_BYTES: usize = 128 * 1024;

/// Buffers that live from one instruction to the next.
#[derive(Debug, Default)]
pub struct ArrayScratch {
    packed: Vec<PackedWeights>,
    windows: Vec<i8>,
    sums: Vec<i32>,
}

/// Executes one instruction: N-DOT for every pixel and every column of every block.
///
/// # Errors
/// A zero stretch, row or column count, or an address past the end of one of the memories.
pub fn array_dot(
    dot: &ArrayDot,
    accumulation: Accumulation,
    nram: &[i8],
    wram: &[i8],
    aram: &mut [i32],
    scratch: &mut ArrayScratch,
) -> Result<(), KernelError> {
    array_dot_by(Variant::best(), dot, accumulation, nram, wram, aram, scratch)
}

/// [`array_dot`] by a chosen variant, as [`super::q_conv_by`].
///
/// # Errors
/// As [`array_dot`].
pub fn array_dot_by(
    variant: Variant,
    dot: &ArrayDot,
    accumulation: Accumulation,
    nram: &[i8],
    wram: &[i8],
    aram: &mut [i32],
    scratch: &mut ArrayScratch,
) -> Result<(), KernelError> {
    let pixels = elements(KERNEL, &dot.pixels)?;
    let stretches = elements(KERNEL, &dot.window_counts)?;
    if pixels == 0 || dot.blocks == 0 {
        return Ok(());
    }
    dot.check([nram.len(), wram.len(), aram.len()])?;
    if !dot.accumulators_are_disjoint() && pixels * dot.blocks > 1 {
        // Accumulators that overlap get docs/isa.md's order of blocks and pixels, at its price.
        for (block, pixel) in (0..dot.blocks).flat_map(|block| (0..pixels).map(move |pixel| (block, pixel))) {
            array_dot_by(variant, &dot.single(block, pixel), accumulation, nram, wram, aram, scratch)?;
        }
        return Ok(());
    }
    let ArrayScratch { packed, windows, sums } = scratch;
    packed.resize_with(packed.len().max(dot.blocks), PackedWeights::default);
    for (block, packed) in packed.iter_mut().enumerate().take(dot.blocks) {
        dot.pack(block, wram, packed);
    }
    let quads = stretches * dot.stretch.div_ceil(QUAD);
    let bytes = quads * QUAD;
    // Where windows are single stretches at one distance, NRAM already is the matrix.
    let direct = stretches == 1
        && dot.stretch == bytes
        && (dot.pixels[1] == 1 || dot.x_strides[1] == dot.pixels[0] * dot.x_strides[0]);
    let step = (BLOCK_BYTES / bytes.max(1)).max(TILE_ROWS).next_multiple_of(TILE_ROWS);
    for first in (0..pixels).step_by(step) {
        let count = step.min(pixels - first);
        let rows = if direct {
            Rows::new(&nram[dot.x + first * dot.x_strides[0]..], dot.x_strides[0], count, quads)
        } else {
            windows.resize(count * bytes, 0);
            for (pixel, window) in (first..).zip(windows.chunks_exact_mut(bytes.max(1))) {
                dot.gather(pixel, nram, window);
            }
            Rows::new(windows, bytes, count, quads)
        };
        row_sums(variant, &rows, sums);
        for (block, packed) in packed.iter().enumerate().take(dot.blocks) {
            let base = dot.acc + block * dot.acc_stride_block + first * dot.acc_stride_pixel;
            dot.block(variant, accumulation, &rows, sums, packed, &mut aram[base..]);
        }
    }
    Ok(())
}

impl ArrayDot {
    /// Array steps of a stretch.
    pub(crate) fn steps(&self) -> usize {
        self.stretch.div_ceil(self.rows)
    }

    /// Stretches of a window.
    pub(crate) fn stretches(&self) -> usize {
        self.window_counts[0] * self.window_counts[1]
    }

    /// Whether no accumulator belongs to two pixels or blocks.
    pub(crate) fn accumulators_are_disjoint(&self) -> bool {
        let (pixels, columns) = (self.pixels[0] * self.pixels[1], self.columns);
        let (pixel, block) = (self.acc_stride_pixel, self.acc_stride_block);
        let apart = |count: usize, stride: usize, length: usize| count == 1 || stride >= length;
        let pixels_in_blocks =
            apart(pixels, pixel, columns) && apart(self.blocks, block, (pixels - 1) * pixel + columns);
        let blocks_in_pixels =
            apart(self.blocks, block, columns) && apart(pixels, pixel, (self.blocks - 1) * block + columns);
        pixels_in_blocks || blocks_in_pixels
    }

    /// The part of the instruction for one pixel of one block.
    pub(crate) fn single(&self, block: usize, pixel: usize) -> Self {
        let (px, py) = (pixel % self.pixels[0], pixel / self.pixels[0]);
        Self {
            x: self.x + px * self.x_strides[0] + py * self.x_strides[1],
            w_row: self.w_row + block * self.w_block_stride,
            acc: self.acc + pixel * self.acc_stride_pixel + block * self.acc_stride_block,
            pixels: [1, 1],
            blocks: 1,
            ..*self
        }
    }

    /// Compares the last address of each kind with the size of its memory.
    pub(crate) fn check(&self, [nram, wram, aram]: [usize; 3]) -> Result<(), KernelError> {
        if self.rows == 0 || self.columns == 0 || self.stretch == 0 {
            let problem = "rows, columns and stretch must be at least 1";
            return Err(KernelError::shape(KERNEL, problem));
        }
        let last = |base: usize, terms: &[(usize, usize)], length: usize| {
            terms
                .iter()
                .try_fold(base, |sum, &(count, stride)| {
                    sum.checked_add(count.saturating_sub(1).checked_mul(stride)?)
                })?
                .checked_add(length)
        };
        let named = |operand, found: usize, needed: Option<usize>| match needed {
            Some(needed) if needed <= found => Ok(()),
            Some(expected) => Err(KernelError::Length { kernel: KERNEL, operand, expected, found }),
            None => {
                Err(KernelError::shape(KERNEL, format!("an address in {operand} passes the address space")))
            }
        };
        let (p, xs, c, ws) = (self.pixels, self.x_strides, self.window_counts, self.window_strides);
        let nram_end =
            last(self.x, &[(p[0], xs[0]), (p[1], xs[1]), (c[0], ws[0]), (c[1], ws[1])], self.stretch);
        let block_rows = self.stretches().checked_mul(self.steps());
        let wram_rows =
            block_rows.and_then(|rows| last(self.w_row, &[(self.blocks, self.w_block_stride)], rows));
        let wram_end = wram_rows.and_then(|rows| rows.checked_mul(self.rows.checked_mul(self.columns)?));
        let pixels = p[0] * p[1];
        let aram_end = last(
            self.acc,
            &[(pixels, self.acc_stride_pixel), (self.blocks, self.acc_stride_block)],
            self.columns,
        );
        named("nram", nram, if self.stretches() == 0 { Some(0) } else { nram_end })?;
        named("wram", wram, wram_end)?;
        named("aram", aram, aram_end)
    }

    /// Repacks one block from `[stretch][step][column][row]`.
    ///
    /// Lanes past the end of a stretch become weights of zero.
    fn pack(&self, block: usize, wram: &[i8], packed: &mut PackedWeights) {
        let first = (self.w_row + block * self.w_block_stride) * self.rows * self.columns;
        let wram = &wram[first..];
        // The widths of common arrays are constants to the compiler.
        match self.rows {
            8 => self.pack_rows(8, wram, packed),
            16 => self.pack_rows(16, wram, packed),
            32 => self.pack_rows(32, wram, packed),
            rows if rows.is_multiple_of(QUAD) => self.pack_rows(rows, wram, packed),
            _ => self.pack_lanes(wram, packed),
        }
    }

    /// Packs a row of WRAM at a time.
    ///
    /// `rows` is `self.rows`, a multiple of four.
    #[inline(always)]
    fn pack_rows(&self, rows: usize, wram: &[i8], packed: &mut PackedWeights) {
        let quads = self.stretch.div_ceil(QUAD);
        packed.clear(self.columns, self.stretches() * quads);
        let mut wram = wram.chunks_exact(rows * self.columns);
        for stretch in 0..self.stretches() {
            for (step, row) in (0..self.steps()).zip(&mut wram) {
                let (lane, quad) = (step * rows, stretch * quads + step * rows / QUAD);
                if self.stretch - lane >= rows {
                    packed.put_row(row, rows, rows, quad);
                } else {
                    packed.put_row(row, rows, self.stretch - lane, quad);
                }
            }
        }
    }

    /// Packs a lane at a time, where a quad may belong to two rows.
    fn pack_lanes(&self, wram: &[i8], packed: &mut PackedWeights) {
        let (rows, columns, steps) = (self.rows, self.columns, self.steps());
        let quads = self.stretch.div_ceil(QUAD);
        packed.pack_quads(columns, self.stretches() * quads, |column, quad| {
            let (stretch, first) = (quad / quads, quad % quads * QUAD);
            let lane = |lane: usize| {
                let (step, row) = (lane / rows, lane % rows);
                wram[((stretch * steps + step) * columns + column) * rows + row]
            };
            std::array::from_fn(|index| if first + index < self.stretch { lane(first + index) } else { 0 })
        });
    }

    /// Copies one pixel's window, and fills up each stretch with zeros to whole quads.
    fn gather(&self, pixel: usize, nram: &[i8], to: &mut [i8]) {
        let (px, py) = (pixel % self.pixels[0], pixel / self.pixels[0]);
        let base = self.x + py * self.x_strides[1] + px * self.x_strides[0];
        for (index, to) in to.chunks_exact_mut(self.stretch.next_multiple_of(QUAD)).enumerate() {
            let (wx, wy) = (index % self.window_counts[0], index / self.window_counts[0]);
            let from = base + wy * self.window_strides[1] + wx * self.window_strides[0];
            to[..self.stretch].copy_from_slice(&nram[from..from + self.stretch]);
            to[self.stretch..].fill(0);
        }
    }

    /// Computes one block's columns for a run of pixels; `aram` begins at the first pixel's accumulator.
    fn block(
        &self,
        variant: Variant,
        accumulation: Accumulation,
        rows: &Rows,
        row_sums: &[i32],
        packed: &PackedWeights,
        aram: &mut [i32],
    ) {
        // dot::mod explains the correction. Zeros that fill up a stretch count neither in depth nor in the
        // sums.
        let (x_zero, w_zero) = (i32::from(self.x_zero), i32::from(self.w_zero));
        let constant = ((self.stretches() * self.stretch) as i32).wrapping_mul(x_zero * w_zero);
        let mut sums: Tile = [[0; PANEL_COLUMNS]; TILE_ROWS];
        for panel in 0..self.columns.div_ceil(PANEL_COLUMNS) {
            let first = panel * PANEL_COLUMNS;
            let width = PANEL_COLUMNS.min(self.columns - first);
            let mut terms = [0; PANEL_COLUMNS];
            for (term, &sum) in terms.iter_mut().zip(&packed.sums()[first..first + width]) {
                *term = constant.wrapping_sub(x_zero.wrapping_mul(sum));
            }
            for (tile_index, row_sums) in row_sums.chunks(TILE_ROWS).enumerate() {
                let start = tile_index * TILE_ROWS;
                tile(variant, &rows.tile(start, row_sums.len()), packed, panel, &mut sums);
                for ((pixel, &row_sum), sums) in (start..).zip(row_sums).zip(&sums) {
                    let row_term = row_sum.wrapping_mul(-(128 + w_zero));
                    let base = pixel * self.acc_stride_pixel + first;
                    store(accumulation, sums, &terms, row_term, &mut aram[base..base + width]);
                }
            }
        }
    }
}

/// `aram = [aram +] sums + terms + row_term`, wrapping.
fn store(
    accumulation: Accumulation,
    sums: &[i32; PANEL_COLUMNS],
    terms: &[i32; PANEL_COLUMNS],
    row_term: i32,
    aram: &mut [i32],
) {
    let keep = match accumulation {
        Accumulation::Overwrite => 0,
        Accumulation::Accumulate => -1,
    };
    let one = |aram: &mut i32, sum: i32, term: i32| {
        *aram = (*aram & keep).wrapping_add(sum).wrapping_add(term).wrapping_add(row_term);
    };
    if let Ok(aram) = <&mut [i32; LINE_COLUMNS]>::try_from(&mut *aram) {
        // The reference array's width is a constant to the compiler.
        aram.iter_mut().zip(sums).zip(terms).for_each(|((aram, &sum), &term)| one(aram, sum, term));
    } else {
        aram.iter_mut().zip(sums).zip(terms).for_each(|((aram, &sum), &term)| one(aram, sum, term));
    }
}

#[cfg(test)]
mod tests;
