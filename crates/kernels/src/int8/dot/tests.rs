//! Every variant against sums written out here, with extreme values.

#![allow(unsafe_code, reason = "memory whose end the processor guards comes from the operating system")]

use super::{LINE_COLUMNS, Line, PANEL_COLUMNS, PackedWeights, QUAD, Records, Rows, TILE_ROWS, Variant};
use crate::int8::QOutput;
use crate::vectorise::tests::available;
use proptest::prelude::*;

/// Bytes that are extreme half of the time.
fn byte() -> impl Strategy<Value = i8> {
    prop_oneof![Just(i8::MIN), Just(i8::MAX), any::<i8>(), any::<i8>()]
}

fn check_tile(rows: usize, columns: usize, depth: usize, spare: usize, x: &[i8], w: &[i8]) {
    let quads = depth.div_ceil(QUAD);
    let stride = quads * QUAD + spare;
    // There are exactly as many bytes as the last row needs, so that a read past it would leave the
    // allocation (run under valgrind).
    let mut padded = vec![0i8; (rows - 1) * stride + quads * QUAD];
    for row in 0..rows {
        padded[row * stride..][..depth].copy_from_slice(&x[row * depth..][..depth]);
    }
    let packed = PackedWeights::pack(w, columns, depth);
    let rows_view = Rows::new(&padded, stride, rows, quads);
    for variant in available(&Variant::ALL, Variant::is_available) {
        let mut sums = Vec::new();
        super::row_sums(variant, &rows_view, &mut sums);
        for panel in 0..columns.div_ceil(PANEL_COLUMNS) {
            let mut tile = [[0x5a5a_5a5a; PANEL_COLUMNS]; TILE_ROWS];
            super::tile(variant, &rows_view, &packed, panel, &mut tile);
            for (row, &sum) in sums.iter().enumerate() {
                let x = &x[row * depth..][..depth];
                assert_eq!(i64::from(sum), x.iter().map(|&x| i64::from(x)).sum::<i64>(), "{variant:?}");
                for column in panel * PANEL_COLUMNS..columns.min((panel + 1) * PANEL_COLUMNS) {
                    let w = &w[column * depth..][..depth];
                    let expected: i64 =
                        x.iter().zip(w).map(|(&x, &w)| i64::from(x) * (i64::from(w) + 128)).sum();
                    let found = tile[row][column % PANEL_COLUMNS];
                    assert_eq!(found, expected as i32, "{variant:?}, row {row}, column {column}");
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn every_variant_gives_the_sum(
        (rows, columns, depth, spare, x, w) in (1..=TILE_ROWS, 1usize..70, 1usize..140, 0usize..9)
            .prop_flat_map(|(rows, columns, depth, spare)| (
                Just(rows), Just(columns), Just(depth), Just(spare),
                prop::collection::vec(byte(), rows * depth),
                prop::collection::vec(byte(), columns * depth),
            ),
        )
    ) {
        check_tile(rows, columns, depth, spare, &x, &w);
    }

    #[test]
    fn every_variant_requantises_alike(
        accumulators in prop::collection::vec(prop_oneof![any::<i32>(), Just(i32::MIN), Just(i32::MAX)], 32),
        bias in prop::collection::vec(any::<i32>(), 32),
        multiplier in prop::collection::vec(prop_oneof![0..=i32::MAX, Just(i32::MAX)], 32),
        shift in prop::collection::vec(1i64..=62, 32),
        row_term: i32,
        zero: i8,
        (low, high) in (any::<i8>(), any::<i8>()).prop_map(|(a, b)| (a.min(b), a.max(b))),
        columns in 1usize..=32,
    ) {
        let records = Records { bias: bias.clone(), multiplier: multiplier.clone(), shift: shift.clone() };
        let expected: Vec<i8> = (0..columns).map(|c| {
            // docs/numerics.md, N-REQUANTISE, in 128 bits so that nothing can overflow.
            let t = (i128::from(accumulators[c]) + i128::from(row_term) + i128::from(bias[c])) as i32;
            let rounded = (i128::from(t) * i128::from(multiplier[c]) + (1i128 << (shift[c] - 1))) >> shift[c];
            (i128::from(zero) + rounded).max(i128::from(low)).min(i128::from(high)) as i8
        }).collect();
        for variant in available(&Variant::ALL, Variant::is_available) {
            let mut y = vec![0; columns];
            let output = QOutput { zero, low, high };
            let records = records.slice(0..columns);
            super::requantise_row(variant, &accumulators, row_term, records, output, &mut y);
            prop_assert_eq!(&y, &expected, "{:?}", variant);
        }
    }
}

#[test]
fn extremes_do_not_saturate() {
    // maddubs would saturate here: two products of -128 * 255 make -65280.
    for (x, w) in [(i8::MIN, i8::MAX), (i8::MIN, i8::MIN), (i8::MAX, i8::MAX), (i8::MAX, i8::MIN)] {
        check_tile(TILE_ROWS, PANEL_COLUMNS + LINE_COLUMNS + 1, 64, 0, &[x; TILE_ROWS * 64], &[w; 49 * 64]);
    }
}

#[test]
fn accumulation_wraps() {
    // 70,000 products of -128 * 255 pass -2^31.
    let depth = 70_000;
    check_tile(1, 1, depth, 0, &vec![i8::MIN; depth], &vec![i8::MAX; depth]);
}

#[test]
fn packing_by_quads_is_packing_by_rows() {
    let (columns, depth) = (50, 24);
    let w: Vec<i8> = (0..columns * depth).map(|i| (i * 37 % 251) as u8 as i8).collect();
    let by_rows = PackedWeights::pack(&w, columns, depth);
    let mut by_quads = PackedWeights::default();
    by_quads.pack_quads(columns, depth / QUAD, |column, quad| {
        let from = column * depth + quad * QUAD;
        [w[from], w[from + 1], w[from + 2], w[from + 3]]
    });
    assert_eq!(by_rows.sums, by_quads.sums);
    assert!(by_rows.lines.iter().zip(&by_quads.lines).all(|(a, b)| a.0 == b.0));
    assert_eq!(by_rows.lines.len(), by_quads.lines.len());
}

/// Bytes at whose end the processor stops a read, since the map is one page longer than its file.
#[cfg(unix)]
struct Guarded(memmap2::MmapMut);

#[cfg(unix)]
impl Guarded {
    /// More than a page of 4 or 16 KiB.
    const BYTES: usize = 1 << 16;

    fn new() -> Self {
        let file = tempfile::tempfile().unwrap();
        file.set_len(Self::BYTES as u64).unwrap();
        // SAFETY: nobody else knows the file, so it cannot change beneath the map.
        let mut map = unsafe { memmap2::MmapOptions::new().len(2 * Self::BYTES).map_mut(&file) }.unwrap();
        map[..Self::BYTES].iter_mut().enumerate().for_each(|(index, byte)| *byte = (index * 89 % 251) as u8);
        Self(map)
    }

    fn last_bytes(&self, count: usize) -> &[i8] {
        let bytes = &self.0[Self::BYTES - count..Self::BYTES];
        // SAFETY: i8 has the size, alignment and valid values of u8.
        unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), count) }
    }

    fn last_lines(&self, count: usize) -> &[Line] {
        let bytes = &self.0[Self::BYTES - count * size_of::<Line>()..Self::BYTES];
        assert!(bytes.as_ptr().cast::<Line>().is_aligned());
        // SAFETY: a Line is 64 bytes of any value, and the alignment was checked.
        unsafe { std::slice::from_raw_parts(bytes.as_ptr().cast(), count) }
    }
}

/// A read past the activations or the weights would end the test with SIGBUS.
#[cfg(unix)]
#[test]
fn tiles_read_nothing_past_the_end() {
    let guarded = Guarded::new();
    for rows in 1..=TILE_ROWS {
        for (quads, lines) in [(1, 1), (1, 2), (5, 1), (16, 2), (33, 2)] {
            let x = guarded.last_bytes(rows * quads * QUAD);
            let rows = Rows::new(x, quads * QUAD, rows, quads);
            let panel = guarded.last_lines(quads * lines);
            let mut expected = [[0; PANEL_COLUMNS]; TILE_ROWS];
            super::portable::tile(&rows, panel, lines, &mut expected);
            let mut sums = Vec::new();
            for variant in available(&Variant::ALL, Variant::is_available) {
                let mut tile = [[0; PANEL_COLUMNS]; TILE_ROWS];
                match variant {
                    Variant::Portable => super::portable::tile(&rows, panel, lines, &mut tile),
                    Variant::Avx2 => super::avx2::tile(&rows, panel, lines, &mut tile),
                    Variant::Vnni => super::vnni::tile(&rows, panel, lines, &mut tile),
                }
                assert_eq!(tile, expected, "{variant:?}");
                super::row_sums(variant, &rows, &mut sums);
            }
        }
    }
}

#[test]
#[should_panic(expected = "pass 15 bytes")]
fn rows_past_their_buffer_are_refused() {
    let _ = Rows::new(&[0; 15], 8, 2, 2);
}
