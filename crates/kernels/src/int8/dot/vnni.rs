//! The inner product with AVX-512 VNNI.
//!
//! `vpdpbusd` adds four products of an unsigned and a signed byte to a 32-bit lane. It wraps and does not
//! saturate on the way, which is exactly N-DOT's arithmetic.

#![allow(
    unsafe_code,
    reason = "vector loads through raw pointers; bounds are asserted in the safe function in front"
)]

use super::{Line, RecordSlice, Rows, Tile};
use crate::int8::requantise::QOutput;

#[cfg(not(target_arch = "x86_64"))]
pub(super) use super::portable::{requantise_row, sum, tile};

#[cfg(not(target_arch = "x86_64"))]
pub(super) fn is_available() -> bool {
    false
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{is_available, requantise_row, sum, tile};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::super::{PANEL_LINES, QUAD, TILE_ROWS, portable};
    use super::{Line, QOutput, RecordSlice, Rows, Tile};
    use std::arch::x86_64::{
        _mm512_dpbusd_epi32, _mm512_load_si512, _mm512_loadu_si512, _mm512_reduce_add_epi32,
        _mm512_set1_epi8, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_storeu_si512,
    };

    pub(in super::super) fn is_available() -> bool {
        is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vnni")
    }

    pub(in super::super) fn tile(rows: &Rows, panel: &[Line], lines: usize, tile: &mut Tile) {
        assert!(is_available(), "called without AVX-512 VNNI");
        assert!((1..=PANEL_LINES).contains(&lines) && panel.len() >= rows.quads * lines, "panel too short");
        assert!(rows.count == 0 || rows.data.len() >= (rows.count - 1) * rows.stride + rows.quads * QUAD);
        macro_rules! dispatch {
            ($($count:literal)*) => {
                match (rows.count, lines) {
                    (0, _) => {}
                    // SAFETY: the features were checked, and so was that every row and the panel hold `quads`
                    // quads.
                    $(($count, 1) => unsafe { rows_by_lines::<$count, 1>(rows, panel, tile) },
                      ($count, _) => unsafe { rows_by_lines::<$count, 2>(rows, panel, tile) },)*
                    (count, _) => unreachable!("a tile of {count} rows"),
                }
            };
        }
        dispatch!(1 2 3 4 5 6 7 8 9 10 11 12);
    }

    /// # Safety
    /// `rows` has `R` rows of `quads * 4` readable bytes; `panel` holds `quads * L` lines.
    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    unsafe fn rows_by_lines<const R: usize, const L: usize>(rows: &Rows, panel: &[Line], tile: &mut Tile) {
        const { assert!(R <= TILE_ROWS && L <= PANEL_LINES) };
        let mut sums = [[_mm512_setzero_si512(); L]; R];
        let mut x = rows.data.as_ptr();
        let mut lines = panel.as_ptr();
        for _ in 0..rows.quads {
            let mut weights = [_mm512_setzero_si512(); L];
            for (line, weights) in weights.iter_mut().enumerate() {
                // SAFETY: this quad's lines are inside the panel, and a Line is 64 bytes, aligned to 64.
                *weights = unsafe { _mm512_load_si512(lines.add(line).cast()) };
            }
            for (row, sums) in sums.iter_mut().enumerate() {
                // SAFETY: the quad lies inside row `row`; the read needs no alignment.
                let quad = unsafe { x.add(row * rows.stride).cast::<i32>().read_unaligned() };
                let quad = _mm512_set1_epi32(quad);
                for (sum, weights) in sums.iter_mut().zip(weights) {
                    *sum = _mm512_dpbusd_epi32(*sum, weights, quad);
                }
            }
            // `wrapping_add`, because past the last quad the pointers may lie anywhere and are not used
            // again.
            x = x.wrapping_add(QUAD);
            lines = lines.wrapping_add(L);
        }
        for (sums, tile) in sums.iter().zip(tile) {
            for (sum, tile) in sums.iter().zip(tile.as_chunks_mut::<16>().0) {
                // SAFETY: 16 lanes of 32 bits go to an array of 16 i32.
                unsafe { _mm512_storeu_si512(tile.as_mut_ptr().cast(), *sum) };
            }
        }
    }

    pub(in super::super) fn sum(row: &[i8]) -> i32 {
        assert!(is_available(), "called without AVX-512 VNNI");
        // SAFETY: the features were checked.
        unsafe { sum_vnni(row) }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    fn sum_vnni(row: &[i8]) -> i32 {
        let (whole, rest) = row.as_chunks::<64>();
        let ones = _mm512_set1_epi8(1);
        let mut sums = _mm512_setzero_si512();
        for bytes in whole {
            // SAFETY: the chunk is 64 bytes long.
            let bytes = unsafe { _mm512_loadu_si512(bytes.as_ptr().cast()) };
            sums = _mm512_dpbusd_epi32(sums, ones, bytes);
        }
        _mm512_reduce_add_epi32(sums).wrapping_add(portable::sum(rest))
    }

    pub(in super::super) fn requantise_row(
        accumulators: &[i32],
        row_term: i32,
        records: RecordSlice,
        output: QOutput,
        y: &mut [i8],
    ) {
        assert!(is_available(), "called without AVX-512 VNNI");
        // SAFETY: the features were checked.
        unsafe { requantise_row_vnni(accumulators, row_term, records, output, y) };
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")]
    fn requantise_row_vnni(
        accumulators: &[i32],
        row_term: i32,
        records: RecordSlice,
        output: QOutput,
        y: &mut [i8],
    ) {
        portable::requantise_row(accumulators, row_term, records, output, y);
    }
}
