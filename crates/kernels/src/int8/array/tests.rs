//! The `dot` instruction against the loops of docs/isa.md.

use super::*;
use crate::vectorise::tests::available;
use proptest::prelude::*;

/// docs/isa.md, "Matrix engine", line by line.
fn reference(dot: &ArrayDot, accumulate: bool, nram: &[i8], wram: &[i8], aram: &mut [i32]) {
    let steps = dot.stretch.div_ceil(dot.rows);
    for block in 0..dot.blocks {
        for py in 0..dot.pixels[1] {
            for px in 0..dot.pixels[0] {
                let mut sum = vec![0i32; dot.columns];
                for wy in 0..dot.window_counts[1] {
                    for wx in 0..dot.window_counts[0] {
                        for step in 0..steps {
                            let row = dot.w_row
                                + block * dot.w_block_stride
                                + (wy * dot.window_counts[0] + wx) * steps
                                + step;
                            for r in (0..dot.rows).filter(|r| step * dot.rows + r < dot.stretch) {
                                let x = nram[dot.x
                                    + py * dot.x_strides[1]
                                    + px * dot.x_strides[0]
                                    + wy * dot.window_strides[1]
                                    + wx * dot.window_strides[0]
                                    + step * dot.rows
                                    + r];
                                for (c, sum) in sum.iter_mut().enumerate() {
                                    let w = wram[row * dot.rows * dot.columns + c * dot.rows + r];
                                    let product = (i32::from(x) - i32::from(dot.x_zero))
                                        * (i32::from(w) - i32::from(dot.w_zero));
                                    *sum = sum.wrapping_add(product);
                                }
                            }
                        }
                    }
                }
                let a =
                    dot.acc + (py * dot.pixels[0] + px) * dot.acc_stride_pixel + block * dot.acc_stride_block;
                for (aram, sum) in aram[a..].iter_mut().zip(sum) {
                    *aram = if accumulate { aram.wrapping_add(sum) } else { sum };
                }
            }
        }
    }
}

fn bytes(seed: u64, count: usize) -> Vec<i8> {
    let mut state = seed | 1;
    (0..count)
        .map(|_| {
            // xorshift64, Marsaglia 2003.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            match state % 8 {
                0 => i8::MIN,
                1 => i8::MAX,
                _ => (state >> 32) as i8,
            }
        })
        .collect()
}

fn check(dot: &ArrayDot, seed: u64) {
    let (nram, wram) = (bytes(seed, 6000), bytes(seed + 1, 40_000));
    let before: Vec<i32> = bytes(seed + 2, 4000).into_iter().map(|b| i32::from(b) << 24).collect();
    // One scratch serves every run, because stale content must not matter.
    let mut scratch = ArrayScratch::default();
    for (accumulation, accumulate) in [(Accumulation::Overwrite, false), (Accumulation::Accumulate, true)] {
        let mut expected = before.clone();
        reference(dot, accumulate, &nram, &wram, &mut expected);
        for variant in available(&Variant::ALL, Variant::is_available) {
            let mut found = before.clone();
            array_dot_by(variant, dot, accumulation, &nram, &wram, &mut found, &mut scratch).unwrap();
            assert!(found == expected, "{variant:?} {accumulation:?} {dot:?}");
        }
    }
}

proptest! {
    #[test]
    fn as_the_page_says(
        (rows, columns) in
            prop_oneof![Just((16, 16)), Just((32, 8)), Just((8, 40)), (1usize..20, 1usize..20)],
        (x, w_row, acc) in (0usize..50, 0usize..3, 0usize..50),
        pixels in (1usize..6, 1usize..5), blocks in 1usize..3, stretch in 1usize..50,
        window_counts in (1usize..4, 1usize..4),
        x_strides in (0usize..60, 0usize..300), window_strides in (0usize..60, 0usize..300),
        (pad_block, pad_pixel) in (0usize..3, 0usize..5), x_zero: i8, w_zero: i8, seed: u32,
    ) {
        let block_rows = window_counts.0 * window_counts.1 * stretch.div_ceil(rows);
        let acc_stride_pixel = columns + pad_pixel;
        let dot = ArrayDot {
            rows, columns, x, w_row, acc, pixels: pixels.into(), blocks, x_strides: x_strides.into(), stretch,
            window_counts: window_counts.into(), window_strides: window_strides.into(),
            w_block_stride: block_rows + pad_block, acc_stride_pixel,
            acc_stride_block: acc_stride_pixel * pixels.0 * pixels.1, x_zero, w_zero,
        };
        prop_assume!((w_row + blocks * dot.w_block_stride) * rows * columns <= 40_000);
        check(&dot, u64::from(seed));
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
        stretch: 32,
        window_counts: [1, 1],
        window_strides: [0, 0],
        w_block_stride: 2,
        acc_stride_pixel: 16,
        acc_stride_block: 320,
        x_zero: 7,
        w_zero: -3,
    }
}

/// Windows that lie side by side are read where they are.
#[test]
fn pointwise_without_a_copy() {
    check(&pointwise(), 1);
    check(&ArrayDot { pixels: [20, 1], x_strides: [40, 0], ..pointwise() }, 2);
}

/// Pixels or blocks overwrite accumulators that they share, and the order of docs/isa.md decides who is last.
#[test]
fn overlapping_accumulators_follow_the_page() {
    check(&ArrayDot { acc_stride_pixel: 5, ..pointwise() }, 3);
    check(&ArrayDot { acc_stride_block: 40, ..pointwise() }, 4);
    check(&ArrayDot { acc_stride_pixel: 0, acc_stride_block: 0, columns: 40, ..pointwise() }, 5);
    // Blocks lie within pixels, which makes them disjoint the other way round.
    check(&ArrayDot { acc_stride_pixel: 32, acc_stride_block: 16, ..pointwise() }, 6);
}

#[test]
fn addresses_past_the_end_are_errors() {
    let dot = pointwise();
    // The last bytes used: x 3 + 19 * 32 + 32, w (0 + 2 + 2) rows of 256, acc 1 + 19 * 16 + 320 + 16.
    let run = |dot: &ArrayDot, sizes: [usize; 3]| {
        let (nram, wram, mut aram) = (vec![0; sizes[0]], vec![0; sizes[1]], vec![0; sizes[2]]);
        array_dot(dot, Accumulation::Overwrite, &nram, &wram, &mut aram, &mut ArrayScratch::default())
    };
    assert_eq!(run(&dot, [643, 1024, 641]), Ok(()));
    for short in [[642, 1024, 641], [643, 1023, 641], [643, 1024, 640]] {
        assert!(matches!(run(&dot, short), Err(KernelError::Length { .. })), "{short:?}");
    }
    assert!(run(&ArrayDot { x_strides: [usize::MAX, 1], ..dot }, [643, 1024, 641]).is_err());
    assert!(run(&ArrayDot { stretch: 0, ..dot }, [643, 1024, 641]).is_err());
}
