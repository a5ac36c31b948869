//! The inner product in plain Rust.
//!
//! The other variants are compared with it, and other machines have only this one.

use super::{LINE_COLUMNS, Line, QUAD, RecordSlice, Rows, Tile};
use crate::int8::requantise::QOutput;

pub(super) fn tile(rows: &Rows, panel: &[Line], lines: usize, tile: &mut Tile) {
    for (row, sums) in tile.iter_mut().enumerate().take(rows.count) {
        sums.fill(0);
        let (quads, _) = rows.row(row).as_chunks::<QUAD>();
        for (x, lines) in quads.iter().zip(panel.chunks_exact(lines)) {
            let x = x.map(i32::from);
            for (line, sums) in lines.iter().zip(sums.as_chunks_mut::<LINE_COLUMNS>().0) {
                let (weights, _) = line.0.as_chunks::<QUAD>();
                for (sum, w) in sums.iter_mut().zip(weights) {
                    let w = w.map(i32::from);
                    // Four products of at most 2^15 cannot overflow; their running sum may, and wraps.
                    *sum = sum.wrapping_add(x[0] * w[0] + x[1] * w[1] + x[2] * w[2] + x[3] * w[3]);
                }
            }
        }
    }
}

#[inline(always)]
pub(super) fn sum(row: &[i8]) -> i32 {
    row.iter().fold(0i32, |sum, &x| sum.wrapping_add(i32::from(x)))
}

/// It is always inlined, so that a caller with wider instructions gets this very loop vectorised with them.
#[inline(always)]
pub(super) fn requantise_row(
    accumulators: &[i32],
    row_term: i32,
    records: RecordSlice,
    output: QOutput,
    y: &mut [i8],
) {
    let columns = y.len();
    let (accumulators, bias) = (&accumulators[..columns], &records.bias[..columns]);
    let (multiplier, shift) = (&records.multiplier[..columns], &records.shift[..columns]);
    let (zero, low, high) = (i64::from(output.zero), i64::from(output.low), i64::from(output.high));
    for column in 0..columns {
        let sum = accumulators[column].wrapping_add(row_term).wrapping_add(bias[column]);
        let product = i64::from(sum).wrapping_mul(i64::from(multiplier[column]));
        let shift = shift[column] as u32;
        let rounding = 1i64.wrapping_shl(shift.wrapping_sub(1));
        let value = zero + product.wrapping_add(rounding).wrapping_shr(shift);
        y[column] = value.max(low).min(high) as i8;
    }
}
