//! The `float_dot` instruction against the loops of docs/isa.md, in f64 (exact before its one rounding).

use super::*;
use crate::vectorise::tests::by_each;
use half::{bf16, f16};
use proptest::prelude::*;

/// A result of N-FLOAT: rounded to f32, then a subnormal becomes zero.
///
/// 53 bits are more than twice 24, so that rounding twice is rounding once (Figueroa 1995).
fn rounded(exact: f64) -> f32 {
    let value = exact as f32;
    match value.classify() {
        std::num::FpCategory::Subnormal => 0.0f32.copysign(value),
        std::num::FpCategory::Nan => f32::from_bits(0x7fc0_0000),
        _ => value,
    }
}

/// The element at `at`, by N-FLOAT-READ.
fn element(stored: Stored, memory: &[i8], at: usize) -> f64 {
    let byte = |k: usize| memory[at + k] as u8;
    let half = u16::from_le_bytes([byte(0), byte(1)]);
    match stored {
        Stored::F16 => f64::from(f16::from_bits(half).to_f32()),
        Stored::Bf16 => rounded(f64::from(bf16::from_bits(half).to_f32())).into(),
        Stored::F32 => rounded(f64::from(f32::from_le_bytes([0, 1, 2, 3].map(byte)))).into(),
    }
}

/// Neighbours are added until one is left.
fn tree(mut numbers: Vec<f32>) -> f32 {
    while numbers.len() > 1 {
        numbers = numbers.chunks(2).map(|pair| rounded(f64::from(pair[0]) + f64::from(pair[1]))).collect();
    }
    numbers[0]
}

/// docs/isa.md, "Matrix engine", with the sums of N-FLOAT-DOT.
fn reference(dot: &ArrayDot, stored: Stored, accumulate: bool, nram: &[i8], wram: &[i8], aram: &mut [i32]) {
    let steps = dot.stretch.div_ceil(dot.rows);
    for (block, py, px) in triples([dot.blocks, dot.pixels[1], dot.pixels[0]]) {
        let a = dot.acc + (py * dot.pixels[0] + px) * dot.acc_stride_pixel + block * dot.acc_stride_block;
        for c in 0..dot.columns {
            let held = f32::from_bits(aram[a + c] as u32);
            let mut sum = if accumulate { rounded(held.into()) } else { 0.0 };
            for (wy, wx, step) in triples([dot.window_counts[1], dot.window_counts[0], steps]) {
                let row =
                    dot.w_row + block * dot.w_block_stride + (wy * dot.window_counts[0] + wx) * steps + step;
                let x = dot.x
                    + py * dot.x_strides[1]
                    + px * dot.x_strides[0]
                    + wy * dot.window_strides[1]
                    + wx * dot.window_strides[0]
                    + step * dot.rows;
                let w = (row * dot.columns + c) * dot.rows;
                let product = |r: usize| match step * dot.rows + r < dot.stretch {
                    true => rounded(element(stored, nram, x + r) * element(stored, wram, w + r)),
                    false => 0.0,
                };
                let products = (0..dot.rows).step_by(stored.bytes()).map(product).collect();
                sum = rounded(f64::from(sum) + f64::from(tree(products)));
            }
            aram[a + c] = sum.to_bits() as i32;
        }
    }
}

fn triples([first, second, third]: [usize; 3]) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..first).flat_map(move |i| (0..second).flat_map(move |j| (0..third).map(move |k| (i, j, k))))
}

/// Numbers around one, and now and then any bits; little endian.
fn numbers(seed: u64, stored: Stored, bytes: usize) -> Vec<i8> {
    let mut state = seed | 1;
    let mut next = || {
        // xorshift64, Marsaglia 2003.
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 16
    };
    let mut out = Vec::new();
    while out.len() < bytes {
        let any = next();
        let value = (any % 4096) as f32 / 1024.0 - 2.0;
        let bits = match (stored, next() % 16) {
            (_, 0) => any as u32,
            (Stored::F32, 1) => (any as u32 & 0x807f_ffff) | 0x0080_0000,
            (Stored::F16, _) => f16::from_f32(value).to_bits().into(),
            (Stored::Bf16, _) => bf16::from_f32(value).to_bits().into(),
            (Stored::F32, _) => (value * 1.000_1).to_bits(),
        };
        out.extend(bits.to_le_bytes()[..stored.bytes()].iter().map(|byte| *byte as i8));
    }
    out
}

fn check(dot: &ArrayDot, stored: Stored, seed: u64) {
    let (nram, wram) = (numbers(seed, stored, 6000), numbers(seed + 1, stored, 40_000));
    let before = numbers(seed + 2, Stored::F32, 16_000);
    let before: Vec<i32> =
        before.as_chunks().0.iter().map(|b| i32::from_le_bytes(b.map(|b| b as u8))).collect();
    for (accumulation, accumulate) in [(Accumulation::Overwrite, false), (Accumulation::Accumulate, true)] {
        let mut expected = before.clone();
        reference(dot, stored, accumulate, &nram, &wram, &mut expected);
        by_each(|| {
            // Stale content must not matter.
            let mut scratch = OrderedScratch::default();
            for _ in 0..2 {
                let mut found = before.clone();
                array_dot(dot, stored, accumulation, &nram, &wram, &mut found, &mut scratch).unwrap();
                assert!(found == expected, "{stored:?} {accumulation:?} {dot:?}");
            }
        });
    }
}

fn pointwise() -> ArrayDot {
    ArrayDot {
        rows: 16,
        columns: 16,
        x: 3,
        w_row: 0,
        acc: 1,
        pixels: [5, 4],
        blocks: 2,
        x_strides: [32, 160],
        stretch: 40,
        window_counts: [1, 1],
        window_strides: [0, 0],
        w_block_stride: 3,
        acc_stride_pixel: 16,
        acc_stride_block: 320,
        x_zero: 7,
        w_zero: -3,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn as_the_page_says(
        (lanes_log, columns) in (0u32..5, prop_oneof![Just(16), 1usize..40]),
        stored in (0..3usize).prop_map(|index| Stored::ALL[index]),
        (x, w_row, acc) in (0usize..50, 0usize..3, 0usize..50),
        pixels in (1usize..4, 1usize..4), blocks in 1usize..3, elements in 1usize..40,
        window_counts in (1usize..3, 1usize..3),
        x_strides in (0usize..60, 0usize..300), window_strides in (0usize..60, 0usize..300),
        (pad_block, pad_pixel) in (0usize..3, 0usize..5), seed: u32,
    ) {
        let rows = stored.bytes() << lanes_log;
        let stretch = elements * stored.bytes();
        let block_rows = window_counts.0 * window_counts.1 * stretch.div_ceil(rows);
        let acc_stride_pixel = columns + pad_pixel;
        let dot = ArrayDot {
            rows, columns, x, w_row, acc, pixels: pixels.into(), blocks, x_strides: x_strides.into(), stretch,
            window_counts: window_counts.into(), window_strides: window_strides.into(),
            w_block_stride: block_rows + pad_block, acc_stride_pixel,
            acc_stride_block: acc_stride_pixel * pixels.0 * pixels.1, x_zero: 5, w_zero: -9,
        };
        prop_assume!((w_row + blocks * dot.w_block_stride) * rows * columns <= 40_000);
        check(&dot, stored, seed.into());
    }
}

/// Rows of the widest array, whose trees are put together of smaller ones.
#[test]
fn trees_of_many_lanes() {
    for (rows, stored) in [(64, Stored::F16), (128, Stored::F16), (256, Stored::Bf16), (256, Stored::F32)] {
        let dot = ArrayDot { rows, columns: 4, stretch: 500, w_block_stride: 8, ..pointwise() };
        check(&dot, stored, rows as u64);
    }
}

/// Each pixel takes up what the one before left in the accumulators that they share.
#[test]
fn overlapping_accumulators_follow_the_page() {
    for (seed, stored) in Stored::ALL.into_iter().enumerate() {
        check(&ArrayDot { acc_stride_pixel: 5, ..pointwise() }, stored, seed as u64);
        check(&ArrayDot { acc_stride_block: 40, ..pointwise() }, stored, seed as u64);
        check(&ArrayDot { acc_stride_pixel: 0, acc_stride_block: 0, ..pointwise() }, stored, seed as u64);
    }
}

/// A masked lane does not even see an infinity, and a negative zero stays one only where nothing else is added.
#[test]
fn masked_lanes_and_zeros() {
    let dot = ArrayDot {
        rows: 8,
        columns: 1,
        x: 0,
        pixels: [1, 1],
        blocks: 1,
        stretch: 4,
        acc: 0,
        w_block_stride: 1,
        ..pointwise()
    };
    let bytes =
        |numbers: [f32; 2]| numbers.map(|number| number.to_le_bytes().map(|byte| byte as i8)).concat();
    let run = |x: f32, w: f32, accumulation, held: f32| {
        let mut aram = [held.to_bits() as i32];
        let (nram, wram) = (bytes([x, f32::INFINITY]), bytes([w, 0.0]));
        array_dot(&dot, Stored::F32, accumulation, &nram, &wram, &mut aram, &mut OrderedScratch::default())
            .unwrap();
        f32::from_bits(aram[0] as u32)
    };
    assert_eq!(run(3.0, 2.0, Accumulation::Overwrite, f32::NAN), 6.0);
    assert_eq!(run(3.0, 2.0, Accumulation::Accumulate, 0.5), 6.5);
    // -0 + 0 (the masked lane) = 0.
    assert_eq!(run(-0.0, 2.0, Accumulation::Accumulate, -0.0).to_bits(), 0);
    assert_eq!(run(f32::INFINITY, 0.0, Accumulation::Overwrite, 0.0).to_bits(), 0x7fc0_0000);
}

#[test]
fn what_does_not_fit_is_an_error() {
    let run = |dot: &ArrayDot, stored: Stored, sizes: [usize; 3]| {
        let (nram, wram, mut aram) = (vec![0; sizes[0]], vec![0; sizes[1]], vec![0; sizes[2]]);
        let scratch = &mut OrderedScratch::default();
        array_dot(dot, stored, Accumulation::Overwrite, &nram, &wram, &mut aram, scratch)
    };
    let dot = pointwise();
    // The last bytes used: x 3 + 19 * 32 + 40, w 6 rows of 256, acc 1 + 19 * 16 + 320 + 16.
    let enough = [651, 1536, 641];
    assert_eq!(run(&dot, Stored::F32, enough), Ok(()));
    for short in [[650, 1536, 641], [651, 1535, 641], [651, 1536, 640]] {
        assert!(matches!(run(&dot, Stored::F32, short), Err(KernelError::Length { .. })), "{short:?}");
    }
    assert!(run(&ArrayDot { stretch: 38, ..dot }, Stored::F32, enough).is_err());
    assert!(run(&ArrayDot { stretch: 0, ..dot }, Stored::F16, enough).is_err());
    assert!(run(&ArrayDot { rows: 12, ..dot }, Stored::F32, enough).is_err());
    assert!(run(&ArrayDot { pixels: [usize::MAX, 2], ..dot }, Stored::F32, enough).is_err());
}
