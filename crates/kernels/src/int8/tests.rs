//! int8 operators against plain loops written here from docs/numerics.md.
//!
//! Every variant and instruction set of the machine computes them.

use super::*;
use crate::Window;
use crate::vectorise::tests::{available, by_each};
use proptest::prelude::*;
use std::ops::RangeInclusive;

/// A generator of bytes, extreme a quarter of the time.
struct Bytes(u64);

impl Bytes {
    fn next(&mut self) -> u64 {
        // SplitMix64, Steele et al. 2014.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn bytes(&mut self, count: usize) -> Vec<i8> {
        (0..count)
            .map(|_| match self.next() % 8 {
                0 => i8::MIN,
                1 => i8::MAX,
                _ => self.next() as i8,
            })
            .collect()
    }
}

/// N-REQUANTISE and N-ROUND in 128 bits.
fn requantise_reference(acc: i64, bias: i32, multiplier: i32, shift: u8, output: QOutput) -> i8 {
    let t = i128::from((acc + i64::from(bias)) as i32);
    let rounded = (t * i128::from(multiplier) + (1i128 << (shift - 1))) >> shift;
    (i128::from(output.zero) + rounded).max(i128::from(output.low)).min(i128::from(output.high)) as i8
}

struct Case {
    shape: QConvShape,
    x: Vec<i8>,
    x_zero: i8,
    w: Vec<i8>,
    w_zero: i8,
    bias: Vec<i32>,
    multiplier: Vec<i32>,
    shift: Vec<u8>,
    output: QOutput,
}

impl Case {
    fn new(shape: QConvShape, seed: u64) -> Self {
        let mut random = Bytes(seed);
        let inputs = shape.batch * shape.input[0] * shape.input[1] * shape.in_channels;
        let depth = shape.window.taps() * shape.in_channels / shape.groups;
        let [zero, x_zero, w_zero] = [0; 3].map(|_| random.next() as i8);
        Self {
            shape,
            x: random.bytes(inputs),
            x_zero,
            w: random.bytes(shape.out_channels * depth),
            w_zero: if random.next().is_multiple_of(2) { 0 } else { w_zero },
            bias: (0..shape.out_channels).map(|_| random.next() as i32 >> 12).collect(),
            // Ratios around 1 / (60 * 73 * sqrt(depth)) keep most outputs inside the clamp.
            multiplier: (0..shape.out_channels)
                .map(|_| (1 << 30) | (random.next() as i32 & 0x3fff_ffff))
                .collect(),
            shift: (0..shape.out_channels).map(|_| 40 + (random.next() % 6) as u8).collect(),
            output: QOutput { zero, low: -120, high: 125 },
        }
    }

    fn run(&self, variant: Variant) -> Vec<i8> {
        let [height, width] = self.shape.output().unwrap();
        let mut y = vec![99; self.shape.batch * height * width * self.shape.out_channels];
        let weights = QWeights {
            values: &self.w,
            zero: self.w_zero,
            bias: &self.bias,
            multiplier: &self.multiplier,
            shift: &self.shift,
        };
        q_conv_by(variant, &self.shape, &self.x, self.x_zero, &weights, self.output, &mut y).unwrap();
        y
    }

    /// Computes with seven loops and a bounds check.
    fn expected(&self) -> Vec<i8> {
        let s = &self.shape;
        let Window { kernel, stride, padding, dilation } = s.window;
        let size = [0, 1].map(|a| {
            (s.input[a] + padding[a] + padding[a + 2] - dilation[a] * (kernel[a] - 1) - 1) / stride[a] + 1
        });
        let (cg, og) = (s.in_channels / s.groups, s.out_channels / s.groups);
        let mut y = Vec::new();
        for n in 0..s.batch {
            for p in 0..size[0] * size[1] {
                for o in 0..s.out_channels {
                    let mut acc = 0i64;
                    for k in 0..kernel[0] * kernel[1] {
                        let i = ((p / size[1]) * stride[0] + k / kernel[1] * dilation[0]) as i64
                            - padding[0] as i64;
                        let j = ((p % size[1]) * stride[1] + k % kernel[1] * dilation[1]) as i64
                            - padding[1] as i64;
                        if i < 0 || j < 0 || i >= s.input[0] as i64 || j >= s.input[1] as i64 {
                            continue;
                        }
                        let pixel = (n * s.input[0] + i as usize) * s.input[1] + j as usize;
                        for c in 0..cg {
                            let x = i64::from(self.x[pixel * s.in_channels + o / og * cg + c]);
                            let w = i64::from(self.w[(o * kernel[0] * kernel[1] + k) * cg + c]);
                            acc += (x - i64::from(self.x_zero)) * (w - i64::from(self.w_zero));
                        }
                    }
                    y.push(requantise_reference(
                        acc,
                        self.bias[o],
                        self.multiplier[o],
                        self.shift[o],
                        self.output,
                    ));
                }
            }
        }
        y
    }

    fn check(&self) {
        let expected = self.expected();
        let variants = available(&Variant::ALL, Variant::is_available);
        by_each(|| {
            for &variant in &variants {
                let found = self.run(variant);
                assert!(found == expected, "{variant:?} differs on {:?}", self.shape);
            }
        });
    }
}

fn window(kernel: RangeInclusive<usize>) -> impl Strategy<Value = Window> {
    let pair = |range: RangeInclusive<usize>| (range.clone(), range).prop_map(|(a, b)| [a, b]);
    (pair(kernel), pair(1..=3), (0usize..3, 0usize..3, 0usize..3, 0usize..3), pair(1..=2)).prop_map(
        |(kernel, stride, (t, l, b, r), dilation)| Window { kernel, stride, padding: [t, l, b, r], dilation },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn convolution(
        window in window(1..=3), batch in 1usize..3, groups in 1usize..4, inputs in 1usize..9,
        outputs in 1usize..40,
        height in 5usize..9, width in 5usize..12, seed: u64,
    ) {
        let shape = QConvShape {
            batch, input: [height, width], in_channels: inputs * groups, out_channels: outputs * groups,
            groups, window,
        };
        Case::new(shape, seed).check();
    }

    #[test]
    fn depthwise(
        window in window(1..=5), channels in 2usize..150, height in 9usize..11, width in 9usize..12,
        seed: u64,
    ) {
        let shape = QConvShape {
            batch: 2, input: [height, width], in_channels: channels, out_channels: channels,
            groups: channels, window,
        };
        Case::new(shape, seed).check();
    }

    #[test]
    fn multiplier_is_close_and_normal(ratio in 1e-12f64..1e8) {
        let Multiplier { value, shift } = quantize_multiplier(ratio).unwrap();
        let back = f64::from(value) / 2f64.powi(i32::from(shift));
        if shift < 62 {
            prop_assert!((1 << 30..=i32::MAX).contains(&value));
            prop_assert!((back / ratio - 1.0).abs() <= 2f64.powi(-31));
        } else {
            prop_assert!((back - ratio).abs() <= 2f64.powi(-62));
        }
    }
}

/// The shape is so wide and small that channels are cut into chunks, which share windows gathered once.
#[test]
fn convolution_with_shared_windows() {
    let window = Window { padding: [1; 4], ..Window::of([3, 3]) };
    let shape = QConvShape { batch: 1, input: [7, 7], in_channels: 20, out_channels: 333, groups: 1, window };
    Case::new(shape, 1).check();
}

/// The input itself is the matrix.
#[test]
fn pointwise_convolution() {
    let shape = QConvShape {
        batch: 2,
        input: [17, 15],
        in_channels: 64,
        out_channels: 80,
        groups: 1,
        window: Window::POINT,
    };
    Case::new(shape, 2).check();
}

#[test]
fn matmul_is_a_pointwise_convolution() {
    for [m, o, k] in [[1, 1000, 64], [3, 5, 7], [33, 70, 129], [4, 1, 1]] {
        let shape = QConvShape {
            batch: 1,
            input: [m, 1],
            in_channels: k,
            out_channels: o,
            groups: 1,
            window: Window::POINT,
        };
        let case = Case::new(shape, 3);
        let weights = QWeights {
            values: &case.w,
            zero: case.w_zero,
            bias: &case.bias,
            multiplier: &case.multiplier,
            shift: &case.shift,
        };
        for variant in available(&Variant::ALL, Variant::is_available) {
            let mut y = vec![0; m * o];
            let x_zero = case.x_zero;
            q_matmul_by(variant, [m, o, k], &case.x, x_zero, &weights, case.output, &mut y).unwrap();
            assert_eq!(y, case.expected(), "{variant:?}");
        }
    }
}

/// 40,000 products of 255 * 255 take the accumulator past 2^31, where it must wrap and not saturate.
#[test]
fn accumulation_wraps() {
    let depth = 40_000;
    let weights =
        QWeights { values: &vec![127; depth], zero: -128, bias: &[5], multiplier: &[1 << 30], shift: &[55] };
    let expected = requantise_reference(40_000 * 255 * 255, 5, 1 << 30, 55, QOutput::full(3));
    assert!(expected < 0, "the wrapped sum is negative");
    for variant in available(&Variant::ALL, Variant::is_available) {
        let (x, output, mut y) = (vec![127; depth], QOutput::full(3), [0]);
        q_matmul_by(variant, [1, 1, depth], &x, -128, &weights, output, &mut y).unwrap();
        assert_eq!(y, [expected], "{variant:?}");
    }
}

#[test]
fn results_do_not_depend_on_threads() {
    let window = Window { padding: [1; 4], ..Window::of([3, 3]) };
    let shape =
        QConvShape { batch: 1, input: [30, 30], in_channels: 32, out_channels: 64, groups: 1, window };
    let case = Case::new(shape, 4);
    let by = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| case.run(Variant::best()))
    };
    assert_eq!(by(1), by(3));
}

#[test]
fn multiplier_edges() {
    let pair = |ratio| quantize_multiplier(ratio).map(|m| (m.value, m.shift));
    assert_eq!(pair(1.0), Ok((1 << 30, 30)));
    assert_eq!(pair(0.5), Ok((1 << 30, 31)));
    assert_eq!(pair(0.75), Ok((3 << 29, 31)));
    // The fraction rounds up to 1, so that 2^31 becomes 2^30 and the exponent one more.
    assert_eq!(pair(1.0 - 2f64.powi(-40)), Ok((1 << 30, 30)));
    // Beyond shift 62 the multiplier itself is rounded: 2^-40 is 2^30 / 2^70, which is eight places too many.
    assert_eq!(pair(2f64.powi(-40)), Ok((1 << 22, 62)));
    assert_eq!(pair(2f64.powi(-63)), Ok((1, 62)), "half rounds up");
    assert_eq!(pair(2f64.powi(-64)), Ok((0, 62)));
    assert_eq!(pair(f64::MIN_POSITIVE / 4.0), Ok((0, 62)));
    assert_eq!(pair(2f64.powi(29)), Ok((1 << 30, 1)));
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, 2f64.powi(30)] {
        assert!(pair(bad).is_err(), "{bad}");
    }
}

#[test]
fn border_between_real_and_integer() {
    let x = [0.25, 0.75, 1.25, -0.25, -0.75, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e9];
    by_each(|| {
        let mut q = [0; 9];
        quantize(&x, 0.5, 3, &mut q).unwrap();
        // x / 0.5 = 0.5, 1.5, 2.5, -0.5, -1.5: halves go to even.
        assert_eq!(q, [3, 5, 5, 3, 1, 3, 127, -128, 127]);
    });
    let mut back = [0.0; 3];
    dequantize(&[-128, 3, 127], 0.5, 3, &mut back).unwrap();
    assert_eq!(back, [-65.5, 0.0, 62.0]);
}

/// Every pair of bytes.
fn all_pairs() -> (Vec<i8>, Vec<i8>) {
    (0..=u16::MAX).map(|pair| ((pair >> 8) as i8, pair as i8)).unzip()
}

#[test]
fn elementwise_over_every_pair() {
    let (x, y) = all_pairs();
    let (x_zero, y_zero) = (-17i8, 101i8);
    let output = QOutput { zero: -5, low: -100, high: 90 };
    let (mx, my, shift) = (i32::MAX, 1_234_567_890, 32);
    let operand = |values, zero| QOperand { values, zero };
    let place = |t: i128, shift: u32| (-5 + ((t + (1i128 << (shift - 1))) >> shift)).clamp(-100, 90) as i8;
    by_each(|| {
        let [mut sum, mut product, mut maximum] = [0; 3].map(|zero| vec![zero; x.len()]);
        q_add(operand(&x, x_zero), operand(&y, y_zero), [mx, my], shift, output, &mut sum).unwrap();
        let multiplier = Multiplier { value: mx, shift: 38 };
        q_multiply(operand(&x, x_zero), operand(&y, y_zero), multiplier, output, &mut product).unwrap();
        q_maximum(&x, &y, output, &mut maximum).unwrap();
        for index in 0..x.len() {
            let (dx, dy) = (i128::from(x[index]) + 17, i128::from(y[index]) - 101);
            assert_eq!(sum[index], place(dx * i128::from(mx) + dy * i128::from(my), 32), "add {index}");
            assert_eq!(product[index], place(dx * dy * i128::from(mx), 38), "multiply {index}");
            assert_eq!(maximum[index], x[index].max(y[index]).clamp(-100, 90), "maximum {index}");
        }
    });
}

#[test]
fn multiply_by_channels_broadcasts() {
    let mut random = Bytes(5);
    let (batch, pixels, channels) = (2, 6, 5);
    let (x, y) = (random.bytes(batch * pixels * channels), random.bytes(batch * channels));
    let spread: Vec<i8> =
        (0..x.len()).map(|i| y[i / (pixels * channels) * channels + i % channels]).collect();
    let multiplier = quantize_multiplier(0.01).unwrap();
    let operand = |values, zero| QOperand { values, zero };
    let output = QOutput::full(1);
    let sizes = [batch, pixels, channels];
    by_each(|| {
        let (mut found, mut expected) = (vec![0; x.len()], vec![0; x.len()]);
        q_multiply_channels(sizes, operand(&x, 2), operand(&y, 3), multiplier, output, &mut found).unwrap();
        q_multiply(operand(&x, 2), operand(&spread, 3), multiplier, output, &mut expected).unwrap();
        assert_eq!(found, expected);
    });
}

#[test]
fn table_is_indexed_from_minus_128() {
    let table: Vec<i8> = (0..256).map(|i| (255 - i) as u8 as i8).collect();
    let mut y = [0; 4];
    q_table(&[-128, -1, 0, 127], &table, &mut y).unwrap();
    assert_eq!(y, [-1, -128, 127, 0]);
    assert!(q_table(&[0], &table[1..], &mut [0]).is_err());
}

#[test]
fn max_pool_ignores_padding() {
    let window = Window { padding: [1; 4], ..Window::of([3, 3]) };
    let shape = QPoolShape { batch: 1, input: [2, 2], channels: 2, output: [2, 2], window };
    let (x, output) = ([-100, -2, -101, -5, -99, -7, -98, -9], QOutput { zero: 0, low: -90, high: 127 });
    by_each(|| {
        let mut y = [0; 8];
        q_pool(&shape, QPoolKind::Max, output, &x, &mut y).unwrap();
        assert_eq!(y, [-90, -2, -90, -2, -90, -2, -90, -2]);
    });
}

#[test]
fn average_pool_counts_what_it_is_told_to() {
    // 2 x 2 window, one row and column of padding at the top left; ratio 1, zeros 10 and 20.
    let window = Window { kernel: [2, 2], stride: [1, 1], padding: [1, 1, 0, 0], dilation: [1, 1] };
    let shape = QPoolShape { batch: 1, input: [2, 2], channels: 1, output: [2, 2], window };
    let x = [20, 31, 40, 53];
    let pool = |count_include_pad| {
        let mut y = [0; 4];
        let kind = QPoolKind::Average { x_zero: 10, ratio: 1.0, count_include_pad };
        q_pool(&shape, kind, QOutput::full(20), &x, &mut y).unwrap();
        y
    };
    // Differences from 10: 10 21 30 43.
    by_each(|| {
        assert_eq!(pool(false), [30, 36, 40, 46]);
        assert_eq!(pool(true), [23, 28, 30, 46]);
    });
}

#[test]
fn bad_operands_are_errors() {
    let shape = QConvShape {
        batch: 1,
        input: [2, 2],
        in_channels: 4,
        out_channels: 1,
        groups: 1,
        window: Window::POINT,
    };
    let good = QWeights { values: &[1; 4], zero: 0, bias: &[0], multiplier: &[1], shift: &[1] };
    let run = |shape: &QConvShape, weights: &QWeights, output: QOutput, x: &[i8]| {
        q_conv(shape, x, 0, weights, output, &mut [0; 4]).map_err(|error| error.to_string())
    };
    let full = QOutput::full(0);
    assert_eq!(run(&shape, &good, full, &[0; 16]), Ok(()));
    for shift in [0, 63] {
        assert!(run(&shape, &QWeights { shift: &[shift], ..good }, full, &[0; 16]).is_err());
    }
    assert!(run(&shape, &QWeights { multiplier: &[-1], ..good }, full, &[0; 16]).is_err());
    assert!(run(&shape, &good, QOutput { zero: 0, low: 1, high: 0 }, &[0; 16]).is_err());
    assert!(run(&QConvShape { groups: 3, ..shape }, &good, full, &[0; 16]).unwrap_err().contains("3 groups"));
    assert!(run(&QConvShape { groups: 0, ..shape }, &good, full, &[0; 16]).is_err());
    let message = run(&shape, &good, full, &[0; 15]).unwrap_err();
    assert!(message.contains("`x` holds 15 elements where its shape needs 16"), "{message}");
}
