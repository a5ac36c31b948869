//! The matrix engine's instruction (docs/isa.md, "Matrix engine"; N-DOT).
//!
//! A block's weights are gathered from their rows of WRAM, column by column, and a pixel's window from NRAM, each into
//! one contiguous vector over the whole reduction, masked lanes left out. What remains is a matrix product.

use crate::memory::Memories;
use crate::work::Dot;

/// Pixels that share one pass over a block's weights.
const TILE: usize = 8;

/// Buffers of the gather.
#[derive(Default)]
pub(super) struct Scratch {
    /// `[column][depth]`, less the zero point.
    weights: Vec<i16>,
    /// `[pixel of the tile][depth]`, less the zero point.
    windows: Vec<i16>,
}

pub(super) fn execute(
    dot: &Dot,
    [rows, columns]: [usize; 2],
    memories: &mut Memories,
    scratch: &mut Scratch,
) {
    let depth = dot.window_counts[0] * dot.window_counts[1] * dot.stretch;
    scratch.weights.resize(columns * depth, 0);
    scratch.windows.resize(TILE * depth, 0);
    let pixels = dot.pixels[0] * dot.pixels[1];
    for block in 0..dot.blocks {
        gather_weights(dot, block, [rows, columns], &memories.wram, &mut scratch.weights[..columns * depth]);
        for first in (0..pixels).step_by(TILE) {
            let count = TILE.min(pixels - first);
            for (pixel, window) in (first..first + count).zip(scratch.windows.chunks_exact_mut(depth)) {
                gather_window(dot, pixel, &memories.nram, window);
            }
            for (pixel, window) in (first..first + count).zip(scratch.windows.chunks_exact(depth)) {
                let base = dot.acc + pixel * dot.acc_stride_pixel + block * dot.acc_stride_block;
                let accumulators = &mut memories.aram[base..base + columns];
                for (accumulator, weights) in accumulators.iter_mut().zip(scratch.weights.chunks_exact(depth))
                {
                    let sum = inner_product(window, weights);
                    *accumulator = if dot.accumulate { accumulator.wrapping_add(sum) } else { sum };
                }
            }
        }
    }
}

/// Row `step` of a stretch holds `[column][rows lanes]`.
fn gather_weights(dot: &Dot, block: usize, [rows, columns]: [usize; 2], wram: &[i8], to: &mut [i16]) {
    let depth = to.len() / columns;
    let stretches = dot.window_counts[0] * dot.window_counts[1];
    let first = dot.w_row + block * dot.w_block_stride;
    for stretch in 0..stretches {
        for step in 0..dot.steps {
            let row = (first + stretch * dot.steps + step) * rows * columns;
            let lanes = rows.min(dot.stretch - step * rows);
            let at = stretch * dot.stretch + step * rows;
            for column in 0..columns {
                let from = &wram[row + column * rows..][..lanes];
                let to = &mut to[column * depth + at..][..lanes];
                to.iter_mut().zip(from).for_each(|(to, &w)| *to = (i32::from(w) - dot.w_zero) as i16);
            }
        }
    }
}

fn gather_window(dot: &Dot, pixel: usize, nram: &[i8], to: &mut [i16]) {
    let (py, px) = (pixel / dot.pixels[0], pixel % dot.pixels[0]);
    let base = dot.x + py * dot.x_strides[1] + px * dot.x_strides[0];
    let mut stretches = to.chunks_exact_mut(dot.stretch);
    for wy in 0..dot.window_counts[1] {
        for wx in 0..dot.window_counts[0] {
            let at = base + wy * dot.window_strides[1] + wx * dot.window_strides[0];
            let Some(to) = stretches.next() else { return };
            let from = &nram[at..at + dot.stretch];
            to.iter_mut().zip(from).for_each(|(to, &x)| *to = (i32::from(x) - dot.x_zero) as i16);
        }
    }
}

fn inner_product(x: &[i16], w: &[i16]) -> i32 {
    x.iter().zip(w).fold(0i32, |sum, (&x, &w)| sum.wrapping_add(i32::from(x) * i32::from(w)))
}
