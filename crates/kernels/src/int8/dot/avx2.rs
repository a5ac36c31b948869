//! The inner product with AVX2.
//!
//! Bytes are widened to 16 bits and multiplied by `vpmaddwd`, whose sum of two products fits 32 bits (at most
//! `2 * 128 * 255`). `vpmaddubsw` would be twice as fast, but it saturates.

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
    use super::super::{LINE_COLUMNS, PANEL_LINES, QUAD, portable};
    use super::{Line, QOutput, RecordSlice, Rows, Tile};
    use std::arch::x86_64::{
        __m256i, _mm_cvtepi8_epi16, _mm_cvtsi32_si128, _mm_load_si128, _mm256_add_epi32,
        _mm256_broadcastq_epi64, _mm256_cvtepu8_epi16, _mm256_hadd_epi32, _mm256_madd_epi16,
        _mm256_permute4x64_epi64, _mm256_setzero_si256, _mm256_storeu_si256,
    };

    /// Rows of one register tile.
    ///
    /// 3 x 4 accumulators, three rows of activations and one vector of weights fill the 16 registers of AVX2.
    const REGISTER_ROWS: usize = 3;
    /// Vectors of one line after widening.
    const VECTORS: usize = 4;

    pub(in super::super) fn is_available() -> bool {
        is_x86_feature_detected!("avx2")
    }

    pub(in super::super) fn tile(rows: &Rows, panel: &[Line], lines: usize, tile: &mut Tile) {
        assert!(is_available(), "called without AVX2");
        assert!((1..=PANEL_LINES).contains(&lines) && panel.len() >= rows.quads * lines, "panel too short");
        assert!(rows.count == 0 || rows.data.len() >= (rows.count - 1) * rows.stride + rows.quads * QUAD);
        let mut start = 0;
        while start < rows.count {
            let count = (rows.count - start).min(REGISTER_ROWS);
            let (rows, tile) = (rows.tile(start, count), &mut tile[start..]);
            for line in 0..lines {
                // SAFETY: the feature was checked, and so was that every row and the panel hold `quads`
                // quads.
                unsafe {
                    match count {
                        1 => rows_by_line::<1>(&rows, panel, lines, line, tile),
                        2 => rows_by_line::<2>(&rows, panel, lines, line, tile),
                        _ => rows_by_line::<3>(&rows, panel, lines, line, tile),
                    }
                }
            }
            start += count;
        }
    }

    /// # Safety
    /// `rows` has `R` rows of `quads * 4` readable bytes; `panel` holds `quads * lines` lines; `line <
    /// lines`; `tile` has at least `R` rows.
    #[target_feature(enable = "avx2")]
    unsafe fn rows_by_line<const R: usize>(
        rows: &Rows,
        panel: &[Line],
        lines: usize,
        line: usize,
        tile: &mut [[i32; LINE_COLUMNS * PANEL_LINES]],
    ) {
        let mut sums = [[_mm256_setzero_si256(); VECTORS]; R];
        let x = rows.data.as_ptr();
        for quad in 0..rows.quads {
            let mut activations = [_mm256_setzero_si256(); R];
            for (row, activations) in activations.iter_mut().enumerate() {
                // SAFETY: the quad lies inside row `row`; the read needs no alignment.
                let bytes = unsafe { x.add(row * rows.stride + quad * QUAD).cast::<i32>().read_unaligned() };
                *activations = _mm256_broadcastq_epi64(_mm_cvtepi8_epi16(_mm_cvtsi32_si128(bytes)));
            }
            // SAFETY: this quad's lines are inside the panel.
            let bytes = unsafe { panel.as_ptr().add(quad * lines + line) }.cast::<u8>();
            for vector in 0..VECTORS {
                // SAFETY: a Line is 64 bytes, aligned to 64, and vector < 4.
                let weights = unsafe { _mm_load_si128(bytes.add(vector * 16).cast()) };
                let weights = _mm256_cvtepu8_epi16(weights);
                for (sums, activations) in sums.iter_mut().zip(activations) {
                    sums[vector] = _mm256_add_epi32(sums[vector], _mm256_madd_epi16(weights, activations));
                }
            }
        }
        for (sums, tile) in sums.iter().zip(tile) {
            let tile = &mut tile.as_chunks_mut::<LINE_COLUMNS>().0[line];
            for (half, tile) in sums.chunks_exact(2).zip(tile.as_chunks_mut::<8>().0) {
                let columns = join(half[0], half[1]);
                // SAFETY: 8 lanes of 32 bits go to an array of 8 i32.
                unsafe { _mm256_storeu_si256(tile.as_mut_ptr().cast(), columns) };
            }
        }
    }

    /// Adds the two halves of every quad: `a` holds columns 0-3, `b` columns 4-7, two lanes each.
    #[target_feature(enable = "avx2")]
    fn join(a: __m256i, b: __m256i) -> __m256i {
        // hadd works within 128-bit halves and gives columns 0 1 4 5 | 2 3 6 7.
        _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_hadd_epi32(a, b))
    }

    pub(in super::super) fn sum(row: &[i8]) -> i32 {
        assert!(is_available(), "called without AVX2");
        // SAFETY: the feature was checked.
        unsafe { sum_avx2(row) }
    }

    #[target_feature(enable = "avx2")]
    fn sum_avx2(row: &[i8]) -> i32 {
        portable::sum(row)
    }

    pub(in super::super) fn requantise_row(
        accumulators: &[i32],
        row_term: i32,
        records: RecordSlice,
        output: QOutput,
        y: &mut [i8],
    ) {
        assert!(is_available(), "called without AVX2");
        // SAFETY: the feature was checked.
        unsafe { requantise_row_avx2(accumulators, row_term, records, output, y) };
    }

    #[target_feature(enable = "avx2")]
    fn requantise_row_avx2(
        accumulators: &[i32],
        row_term: i32,
        records: RecordSlice,
        output: QOutput,
        y: &mut [i8],
    ) {
        portable::requantise_row(accumulators, row_term, records, output, y);
    }
}
