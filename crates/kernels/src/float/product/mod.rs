//! The blocked matrix product behind every dense kernel.
//!
//! It is `y[row, column] = sum over terms of left[row, term] * right[column, term]`.
//!
//! Both operands are *lines* of terms, and are packed into panels first: [`ROWS`] lines of the left one or
//! [`panel_width`] of the right one side by side, term after term. The loop that computes ([`tile`]) then
//! reads memory in order whatever the operand was: a matrix of any strides, or the windows of a convolution.
//! The scheme is that of Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008).
//!
//! An element is summed over its terms in order, at most [`TERMS`] at a time, wherever blocks and panels are
//! cut. So neither threads nor the width of vectors change a result.

mod crosswise;
mod operand;
mod tile;
mod transpose;

pub(super) use crosswise::Crosswise;
pub(super) use operand::{Operand, Strided};
pub(super) use tile::{Addend, Bias, Finish, Panels, ROWS, Store, Update};
pub(super) use transpose::transpose;

use super::Float;
use crate::vectorise::vector_bytes;
use rayon::prelude::*;
use std::ops::Range;

/// Most terms of a block.
///
/// A panel of the right operand then takes 20 KiB with AVX2 and 40 KiB with AVX-512.
const TERMS: usize = 320;
/// Elements of a block of the right operand, which stays in the second-level cache while the left one passes.
pub(super) const BLOCK_ELEMENTS: usize = 48 * 1024;

/// Lines of a panel of the right operand: two vectors of this machine.
pub(super) fn panel_width<T>() -> usize {
    2 * vector_bytes() / size_of::<T>()
}

/// Cuts terms into blocks of equal size, at most [`TERMS`].
///
/// There is one block even where there are no terms.
pub(super) fn term_blocks(terms: usize) -> impl Iterator<Item = Range<usize>> + Clone {
    let size = terms.div_ceil(terms.div_ceil(TERMS).max(1)).max(1);
    (0..terms.max(1)).step_by(size).map(move |first| first..terms.min(first + size))
}

/// Cuts `count` into equal parts of about `target`, each a multiple of `step` except the last.
pub(super) fn part(count: usize, target: usize, step: usize) -> usize {
    count.div_ceil(count.div_ceil(target.max(1)).max(1)).next_multiple_of(step).max(step)
}

/// Elements of `lines` packed lines of `terms` terms in panels of `width`.
pub(super) fn packed_elements(lines: usize, terms: usize, width: usize) -> usize {
    lines.next_multiple_of(width) * terms
}

/// Packs all lines of the left operand, over the threads of the pool.
pub(super) fn pack_left<T: Float>(left: &impl Operand<T>, lines: usize, terms: usize, to: &mut [T]) {
    let panels = to.par_chunks_mut((ROWS * terms).max(1)).enumerate();
    panels.with_min_len(panels_a_task(ROWS * terms)).for_each(|(panel, to)| {
        let first = panel * ROWS;
        operand::pack::<T, ROWS>(left, first..lines.min(first + ROWS), 0..terms, to);
    });
}

/// Packs some terms of some lines of the left operand, panel after panel.
pub(super) fn pack_rows<T: Float>(
    left: &impl Operand<T>,
    lines: Range<usize>,
    terms: Range<usize>,
    to: &mut [T],
) {
    let panels = to.chunks_exact_mut((ROWS * terms.len()).max(1));
    for (first, to) in lines.clone().step_by(ROWS).zip(panels) {
        operand::pack::<T, ROWS>(left, first..lines.end.min(first + ROWS), terms.clone(), to);
    }
}

/// Packs all lines of the right operand, over the threads of the pool.
pub(super) fn pack_right<T: Float>(right: &impl Operand<T>, lines: usize, terms: usize, to: &mut [T]) {
    let width = panel_width::<T>();
    let panels = to.par_chunks_mut((width * terms).max(1)).enumerate();
    panels.with_min_len(panels_a_task(width * terms)).for_each(|(panel, to)| {
        let first = panel * width;
        operand::pack_wide(right, first..lines.min(first + width), 0..terms, to);
    });
}

/// Panels for which it is worth waking a thread.
fn panels_a_task(panel_elements: usize) -> usize {
    (1 << 14) / panel_elements.max(1) + 1
}

/// Packs some terms of some lines of the right operand, panel after panel.
pub(super) fn pack_block<T: Float>(
    right: &impl Operand<T>,
    lines: Range<usize>,
    terms: Range<usize>,
    to: &mut [T],
) {
    let width = panel_width::<T>();
    let panels = to.chunks_exact_mut((width * terms.len()).max(1));
    for (first, to) in lines.clone().step_by(width).zip(panels) {
        operand::pack_wide(right, first..lines.end.min(first + width), terms.clone(), to);
    }
}
