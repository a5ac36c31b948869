//! f32 operators by each instruction set against plain loops in f64 written here, and small cases worked by
//! hand.

use super::*;
use crate::Window;
use crate::vectorise::tests::by_each;
use proptest::prelude::*;

/// Values in -1..1, from SplitMix64 (Steele et al. 2014).
fn random(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

fn assert_close(found: &[f32], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (index, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        let error = (f64::from(found) - expected).abs();
        assert!(error <= tolerance, "element {index}: {found} instead of {expected}");
    }
}

fn activate(activation: Activation, value: f64) -> f64 {
    match activation {
        Activation::None => value,
        Activation::Relu => value.max(0.0),
        Activation::Clamp { low, high } => value.max(f64::from(low)).min(f64::from(high)),
    }
}

/// The input index that tap `k` reads for output index `o`, if it exists.
fn source(window: &Window, axis: usize, o: usize, k: usize, size: usize) -> Option<usize> {
    let at = (o * window.stride[axis] + k * window.dilation[axis]) as i64 - window.padding[axis] as i64;
    usize::try_from(at).ok().filter(|&at| at < size)
}

fn conv_reference(
    s: &ConvShape,
    [oh, ow]: [usize; 2],
    x: &[f32],
    w: &[f32],
    bias: Option<&[f32]>,
    a: Activation,
) -> Vec<f64> {
    let [kh, kw] = s.window.kernel;
    let (cg, og) = (s.in_channels / s.groups, s.out_channels / s.groups);
    let mut y = Vec::new();
    for n in 0..s.batch {
        for o in 0..s.out_channels {
            for p in 0..oh * ow {
                let mut sum = bias.map_or(0.0, |bias| f64::from(bias[o]));
                for c in 0..cg {
                    for k in 0..kh * kw {
                        let i = source(&s.window, 0, p / ow, k / kw, s.input[0]);
                        let j = source(&s.window, 1, p % ow, k % kw, s.input[1]);
                        let (Some(i), Some(j)) = (i, j) else { continue };
                        let x = x[((n * s.in_channels + o / og * cg + c) * s.input[0] + i) * s.input[1] + j];
                        sum += f64::from(x) * f64::from(w[(o * cg + c) * kh * kw + k]);
                    }
                }
                y.push(activate(a, sum));
            }
        }
    }
    y
}

fn check_conv(shape: &ConvShape, seed: u64, with_bias: bool, activation: Activation) {
    let output = shape.output().unwrap();
    let x = random(seed, shape.batch * shape.in_channels * shape.input[0] * shape.input[1]);
    let w = random(seed + 1, shape.out_channels * shape.in_channels / shape.groups * shape.window.taps());
    let bias = with_bias.then(|| random(seed + 2, shape.out_channels));
    let sums = conv_reference(shape, output, &x, &w, bias.as_deref(), Activation::None);
    let expected: Vec<f64> = sums.iter().map(|&sum| activate(activation, sum)).collect();
    let addend = random(seed + 3, sums.len());
    let added: Vec<f64> = sums
        .iter()
        .zip(&addend)
        .map(|(sum, &addend)| activate(activation, sum + f64::from(addend)))
        .collect();
    by_each(|| {
        let mut y = vec![f32::NAN; sums.len()];
        conv2d(shape, &x, &w, bias.as_deref(), activation, &mut y).unwrap();
        assert_close(&y, &expected, 1e-4);
        // The same with packed filters and a tensor added before the activation.
        let packed = PackedFilters::new(shape, &w).unwrap();
        let epilogue = Epilogue { bias: bias.as_deref(), addend: Some(&addend), activation };
        conv2d_with(shape, &x, Filters::Packed(&packed), epilogue, &mut y).unwrap();
        assert_close(&y, &added, 1e-4);
        check_channels_last(shape, &x, &w, epilogue, &added);
    });
}

/// The axes `[N, C, pixels]` as `[N, pixels, C]`.
fn turned<T: Copy>(x: &[T], channels: usize, pixels: usize) -> Vec<T> {
    let image =
        |x: &[T]| -> Vec<T> { (0..x.len()).map(|i| x[i % channels * pixels + i / channels]).collect() };
    x.chunks((channels * pixels).max(1)).flat_map(image).collect()
}

fn check_channels_last(shape: &ConvShape, x: &[f32], w: &[f32], epilogue: Epilogue<f32>, expected: &[f64]) {
    let filters = ChannelsLastFilters::new(shape, w).unwrap();
    let depthwise = shape.groups == shape.in_channels && shape.groups == shape.out_channels;
    assert_eq!(filters.is_some(), shape.groups == 1 || depthwise);
    let Some(filters) = filters else { return };
    let (pixels, [oh, ow]) = (shape.input[0] * shape.input[1], shape.output().unwrap());
    let addend = epilogue.addend.map(|addend| turned(addend, shape.out_channels, oh * ow));
    let epilogue = Epilogue { addend: addend.as_deref(), ..epilogue };
    let expected = turned(expected, shape.out_channels, oh * ow);
    let last = turned(x, shape.in_channels, pixels);
    for (x, layout) in [(x, ImageLayout::ChannelsFirst), (&last, ImageLayout::ChannelsLast)] {
        let mut y = vec![f32::NAN; expected.len()];
        conv2d_channels_last(shape, layout, x, &filters, epilogue, &mut y).unwrap();
        assert_close(&y, &expected, 1e-4);
    }
}

fn activation() -> impl Strategy<Value = Activation> {
    prop_oneof![
        Just(Activation::None),
        Just(Activation::Relu),
        Just(Activation::Clamp { low: -0.5, high: 0.75 })
    ]
}

fn window() -> impl Strategy<Value = Window> {
    let pair = |low: usize, high: usize| (low..=high, low..=high).prop_map(|(a, b)| [a, b]);
    (pair(1, 4), pair(1, 3), (0usize..4, 0usize..4, 0usize..4, 0usize..4), pair(1, 2)).prop_map(
        |(kernel, stride, (t, l, b, r), dilation)| Window { kernel, stride, padding: [t, l, b, r], dilation },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn convolution(
        window in window(), batch in 1usize..3, groups in 1usize..4, inputs in 1usize..6,
        outputs in 1usize..20,
        height in 7usize..12, width in 7usize..14, seed: u32, bias: bool, activation in activation(),
    ) {
        let shape = ConvShape {
            batch, input: [height, width], in_channels: inputs * groups, out_channels: outputs * groups,
            groups, window,
        };
        check_conv(&shape, u64::from(seed), bias, activation);
    }

    #[test]
    fn depthwise_convolution(
        window in window(), channels in 2usize..9, multiplier in 1usize..3,
        height in 7usize..12, width in 7usize..40, seed: u32, bias: bool, activation in activation(),
    ) {
        let shape = ConvShape {
            batch: 2, input: [height, width], in_channels: channels, out_channels: channels * multiplier,
            groups: channels, window,
        };
        check_conv(&shape, u64::from(seed), bias, activation);
    }

    #[test]
    fn transposed_convolution(
        window in window(), groups in 1usize..3, inputs in 1usize..4, outputs in 1usize..4,
        input in (3usize..6, 3usize..6), padding in (0usize..2, 0usize..2), seed: u32,
        activation in activation(),
    ) {
        // The padding leaves something of the output, whatever the kernel.
        let window = Window { padding: [padding.0, padding.1, padding.1, padding.0], ..window };
        let shape = ConvTransposeShape {
            batch: 2, in_channels: inputs * groups, input: [input.0 + 1, input.1 + 1],
            out_channels: outputs * groups,
            groups, window, output_padding: padding.into(),
        };
        check_conv_transpose(&shape, u64::from(seed), activation);
    }

    #[test]
    fn pooling(
        window in window(), height in 7usize..12, width in 7usize..12, extra in (0usize..2, 0usize..2),
        seed: u32, count_include_pad: bool,
    ) {
        let input = [height, width];
        let [oh, ow] = window.output(input).unwrap();
        let shape = PoolShape { planes: 3, input, output: [oh + extra.0, ow + extra.1], window };
        let x = random(u64::from(seed), 3 * height * width);
        let largest: Vec<f64> = pool_reference(&shape, &x, |values, _| {
            values.iter().copied().fold(f64::NEG_INFINITY, f64::max)
        });
        let mean = pool_reference(&shape, &x, |values, padded| {
            let count = if count_include_pad { padded } else { values.len() };
            if count == 0 { 0.0 } else { values.iter().sum::<f64>() / count as f64 }
        });
        let last = turned(&x, 3, height * width);
        by_each(|| {
            let mut y = vec![f32::NAN; largest.len()];
            let mut y_last = vec![f32::NAN; y.len()];
            pool2d(&shape, PoolKind::Max, &x, &mut y).unwrap();
            assert!(y.iter().zip(&largest).all(|(&y, &e)| f64::from(y) == e));
            pool2d_channels_last(&shape, 3, PoolKind::Max, &last, &mut y_last).unwrap();
            assert_eq!(&turned(&y, 3, shape.output[0] * shape.output[1]), &y_last);
            let kind = PoolKind::Average { count_include_pad };
            pool2d(&shape, kind, &x, &mut y).unwrap();
            pool2d_channels_last(&shape, 3, kind, &last, &mut y_last).unwrap();
            assert_eq!(&turned(&y, 3, shape.output[0] * shape.output[1]), &y_last);
            assert_close(&y, &mean, 1e-6);
        });
    }

    #[test]
    fn products(
        m in 1usize..150, n in 1usize..300, k in prop_oneof![0usize..70, 300usize..700], seed: u32, alpha in -2f32..2.0,
        beta in prop_oneof![Just(0f32), -2f32..2.0],
        transposed: (bool, bool),
    ) {
        let (a, b, c) = (random(1, m * k), random(2, k * n), random(u64::from(seed), m * (n + 3)));
        let a_view = if transposed.0 {
            MatrixRef::row_major(&a, k, m).unwrap().transposed()
        } else {
            MatrixRef::row_major(&a, m, k).unwrap()
        };
        let b_view = if transposed.1 {
            MatrixRef::row_major(&b, n, k).unwrap().transposed()
        } else {
            MatrixRef::row_major(&b, k, n).unwrap()
        };
        let mut expected: Vec<f64> = c.iter().map(|&c| f64::from(c)).collect();
        for row in 0..m {
            for column in 0..n {
                let at = |index: usize| {
                    let a = if transposed.0 { a[index * m + row] } else { a[row * k + index] };
                    let b = if transposed.1 { b[column * k + index] } else { b[index * n + column] };
                    f64::from(a) * f64::from(b)
                };
                let y = &mut expected[row * (n + 3) + column];
                *y = f64::from(alpha) * (0..k).map(at).sum::<f64>() + f64::from(beta) * *y;
            }
        }
        // The three columns between rows must stay as they are.
        by_each(|| for product in [gemm, gemm_plain] {
            let mut y = c.clone();
            product(alpha, a_view, b_view, beta, MatrixMut::strided(&mut y, m, n, n + 3).unwrap()).unwrap();
            assert_close(&y, &expected, 1e-4);
        });
    }
}

/// Scatters every input pixel through the kernel into a padded output, then crops, as ConvTranspose is
/// defined.
fn check_conv_transpose(s: &ConvTransposeShape, seed: u64, activation: Activation) {
    let [oh, ow] = s.output().unwrap();
    let [kh, kw] = s.window.kernel;
    let (cg, og) = (s.in_channels / s.groups, s.out_channels / s.groups);
    let x = random(seed, s.batch * s.in_channels * s.input[0] * s.input[1]);
    let w = random(seed + 1, s.in_channels * og * kh * kw);
    let bias = random(seed + 2, s.out_channels);
    let mut expected: Vec<f64> = (0..s.batch * s.out_channels * oh * ow)
        .map(|i| f64::from(bias[i / (oh * ow) % s.out_channels]))
        .collect();
    for n in 0..s.batch {
        for c in 0..s.in_channels {
            for p in 0..s.input[0] * s.input[1] {
                for o in 0..og {
                    for k in 0..kh * kw {
                        let at = |axis: usize, p: usize, k: usize| {
                            (p * s.window.stride[axis] + k * s.window.dilation[axis])
                                .checked_sub(s.window.padding[axis])
                        };
                        let i = at(0, p / s.input[1], k / kw).filter(|&i| i < oh);
                        let j = at(1, p % s.input[1], k % kw).filter(|&j| j < ow);
                        let (Some(i), Some(j)) = (i, j) else { continue };
                        let x = x[(n * s.in_channels + c) * s.input[0] * s.input[1] + p];
                        let w = w[(c * og + o) * kh * kw + k];
                        expected[((n * s.out_channels + c / cg * og + o) * oh + i) * ow + j] +=
                            f64::from(x) * f64::from(w);
                    }
                }
            }
        }
    }
    expected.iter_mut().for_each(|value| *value = activate(activation, *value));
    by_each(|| {
        let mut y = vec![f32::NAN; expected.len()];
        conv_transpose2d(s, &x, &w, Some(&bias), activation, &mut y).unwrap();
        assert_close(&y, &expected, 1e-5);
    });
}

/// Pools with `fold`, which gets the values under a window and the number of taps inside the padded input.
fn pool_reference(s: &PoolShape, x: &[f32], fold: impl Fn(&[f64], usize) -> f64) -> Vec<f64> {
    let [kh, kw] = s.window.kernel;
    let mut y = Vec::new();
    for plane in 0..s.planes {
        for p in 0..s.output[0] * s.output[1] {
            let mut values = Vec::new();
            let mut padded = 0;
            for k in 0..kh * kw {
                let (row, column) = (p / s.output[1], p % s.output[1]);
                let bottom = row * s.window.stride[0] + k / kw * s.window.dilation[0];
                let right = column * s.window.stride[1] + k % kw * s.window.dilation[1];
                let size = [0, 1].map(|a| s.input[a] + s.window.padding[a] + s.window.padding[a + 2]);
                padded += usize::from(bottom < size[0] && right < size[1]);
                let i = source(&s.window, 0, row, k / kw, s.input[0]);
                let j = source(&s.window, 1, column, k % kw, s.input[1]);
                if let (Some(i), Some(j)) = (i, j) {
                    values.push(f64::from(x[(plane * s.input[0] + i) * s.input[1] + j]));
                }
            }
            y.push(fold(&values, padded));
        }
    }
    y
}

/// The shapes are large enough that pixels and channels are both cut.
#[test]
fn convolution_in_many_tasks() {
    let window = Window { padding: [1; 4], ..Window::of([3, 3]) };
    for (input, channels, outputs) in
        [([60, 50], 5, 7), ([7, 7], 40, 200), ([33, 31], 96, 130), ([5, 4], 700, 90)]
    {
        let shape =
            ConvShape { batch: 1, input, in_channels: channels, out_channels: outputs, groups: 1, window };
        check_conv(&shape, 7, true, Activation::Relu);
        check_conv(&ConvShape { window: Window::POINT, ..shape }, 8, true, Activation::None);
    }
}

#[test]
fn results_do_not_depend_on_threads() {
    let window = Window { padding: [1; 4], ..Window::of([3, 3]) };
    let shape = ConvShape { batch: 1, input: [40, 40], in_channels: 64, out_channels: 64, groups: 1, window };
    let (x, w) = (random(1, 64 * 1600), random(2, 64 * 64 * 9));
    let (a, b) = (random(3, 40 * 300), random(4, 300 * 700));
    let by = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut y = vec![0.0; 64 * 1600];
            conv2d(&shape, &x, &w, None, Activation::None, &mut y).unwrap();
            let mut z = vec![0.0; 40 * 700];
            linear([40, 700, 300], &a, &b, None, Activation::None, &mut z).unwrap();
            let filters = ChannelsLastFilters::new(&shape, &w).unwrap().unwrap();
            let mut last = vec![0.0; 64 * 1600];
            let layout = ImageLayout::ChannelsLast;
            conv2d_channels_last(&shape, layout, &x, &filters, Epilogue::default(), &mut last).unwrap();
            let mut dw = vec![0.0; 64 * 64 * 9];
            conv2d_filter_gradient(&shape, &x, &y, &mut dw).unwrap();
            (y, z, last, dw)
        })
    };
    assert!(by(1) == by(3), "bits differ between one and three threads");
}

#[test]
fn filter_gradients_sum_over_images_and_pixels() {
    for (seed, groups, stride) in [(1, 1, [1, 1]), (2, 2, [2, 1]), (3, 6, [1, 2]), (4, 1, [3, 3])] {
        let window = Window { kernel: [3, 2], stride, padding: [2, 0, 1, 1], dilation: [1, 2] };
        let shape = ConvShape { batch: 11, input: [9, 8], in_channels: 6, out_channels: 12, groups, window };
        let [oh, ow] = shape.output().unwrap();
        let (x, dy) = (random(seed, 11 * 6 * 72), random(seed + 9, 11 * 12 * oh * ow));
        let (cg, og) = (6 / groups, 12 / groups);
        let mut expected = vec![0.0_f64; 12 * cg * 6];
        for (position, sum) in expected.iter_mut().enumerate() {
            let (o, c, tap) = (position / (cg * 6), position / 6 % cg, position % 6);
            for n in 0..11 {
                for p in 0..oh * ow {
                    let row = source(&window, 0, p / ow, tap / 2, 9);
                    let column = source(&window, 1, p % ow, tap % 2, 8);
                    if let (Some(row), Some(column)) = (row, column) {
                        let x = x[((n * 6 + o / og * cg + c) * 9 + row) * 8 + column];
                        *sum += f64::from(x) * f64::from(dy[(n * 12 + o) * oh * ow + p]);
                    }
                }
            }
        }
        by_each(|| {
            let mut dw = vec![f32::NAN; expected.len()];
            conv2d_filter_gradient(&shape, &x, &dy, &mut dw).unwrap();
            assert_close(&dw, &expected, 1e-4);
        });
    }
}

#[test]
fn indices_of_maxima_name_the_first_of_equal_ones() {
    let window = Window { padding: [0, 1, 0, 0], stride: [1, 2], ..Window::of([2, 2]) };
    let shape = PoolShape { planes: 1, input: [2, 3], output: [1, 2], window };
    by_each(|| {
        let mut indices = [-1; 2];
        // Columns -1 and 0, then 1 and 2.
        max_pool2d_indices(&shape, &[-5.0_f32, 7.0, 3.0, -5.0, 2.0, 7.0], &mut indices).unwrap();
        assert_eq!(indices, [0, 1]);
        max_pool2d_indices(&shape, &[-5.0_f32, 7.0, 3.0, -4.0, f32::NAN, 7.0], &mut indices).unwrap();
        assert_eq!(indices, [3, 4]);
    });
}

#[test]
fn linear_adds_bias_and_activates() {
    // [1 2; 3 4] times [1 1; 0 -3; 2 0] transposed.
    let activation = Activation::Clamp { low: -5.0, high: 6.0 };
    by_each(|| {
        let mut y = [f32::NAN; 6];
        linear(
            [2, 3, 2],
            &[1.0, 2.0, 3.0, 4.0],
            &[1.0, 1.0, 0.0, -3.0, 2.0, 0.0],
            Some(&[0.5, 0.0, 1.0]),
            activation,
            &mut y,
        )
        .unwrap();
        assert_eq!(y, [3.5, -5.0, 3.0, 6.0, -5.0, 6.0]);
    });
}

#[test]
fn not_a_number_is_not_hidden() {
    for activation in [Activation::None, Activation::Relu, Activation::Clamp { low: 0.0, high: 1.0 }] {
        let mut y = [f32::NAN, 2.0, -1.0];
        activation.apply(&mut y);
        assert!(y[0].is_nan(), "{activation:?}");
    }
    let shape = PoolShape { planes: 1, input: [1, 3], output: [1, 1], window: Window::of([1, 3]) };
    for place in 0..3 {
        let mut x = [1.0, 2.0, 3.0];
        x[place] = f32::NAN;
        by_each(|| {
            let mut y = [0.0];
            pool2d(&shape, PoolKind::Max, &x, &mut y).unwrap();
            assert!(y[0].is_nan(), "{x:?}");
        });
    }
}

#[test]
fn bad_operands_are_errors() {
    let shape = ConvShape {
        batch: 1,
        input: [3, 3],
        in_channels: 2,
        out_channels: 4,
        groups: 1,
        window: Window::of([3, 3]),
    };
    let run = |shape: &ConvShape, x: usize, w: usize, y: usize| {
        conv2d(shape, &vec![0.0; x], &vec![0.0; w], None, Activation::None, &mut vec![0.0; y])
            .map_err(|error| error.to_string())
    };
    assert_eq!(run(&shape, 18, 72, 4), Ok(()));
    assert!(run(&shape, 17, 72, 4).unwrap_err().contains("`x` holds 17 elements where its shape needs 18"));
    assert!(run(&shape, 18, 71, 4).is_err());
    assert!(run(&shape, 18, 72, 5).is_err());
    assert!(run(&ConvShape { groups: 3, ..shape }, 18, 72, 4).unwrap_err().contains("3 groups"));
    assert!(run(&ConvShape { groups: 0, ..shape }, 18, 72, 4).is_err());
    assert!(
        run(&ConvShape { window: Window::of([4, 3]), ..shape }, 18, 72, 4).unwrap_err().contains("spans 4")
    );
    assert!(
        run(&ConvShape { window: Window { stride: [0, 1], ..shape.window }, ..shape }, 18, 72, 4).is_err()
    );
    assert!(run(&ConvShape { batch: usize::MAX, ..shape }, 18, 72, 4).is_err());
    assert!(MatrixRef::strided(&[0.0; 5], 2, 3, 3, 1).is_err());
    assert!(MatrixRef::strided(&[0.0; 5], 2, 2, usize::MAX, 1).is_err());
    assert!(MatrixMut::strided(&mut [0.0; 9], 2, 4, 3).is_err(), "rows overlap");
}

fn convolved(
    shape: &ConvShape,
    x: &[f32],
    w: &[f32],
    bias: &[f32],
    outputs: usize,
) -> Result<Vec<f32>, String> {
    let mut y = vec![f32::NAN; outputs];
    conv2d(shape, x, w, Some(bias), Activation::None, &mut y).map_err(|error| error.to_string())?;
    let epilogue = Epilogue { bias: Some(bias), ..Epilogue::default() };
    let expected: Vec<f64> = y.iter().map(|&y| f64::from(y)).collect();
    check_channels_last(shape, x, w, epilogue, &expected);
    Ok(y)
}

/// A convolution of one image of one row, `channels` to as many, each by itself or all together.
fn row(input: [usize; 2], channels: usize, groups: usize, window: Window) -> ConvShape {
    ConvShape { batch: 1, input, in_channels: channels, out_channels: channels, groups, window }
}

#[test]
fn where_there_is_no_input_the_bias_remains() {
    for stride in [1, 2] {
        let window = Window { stride: [stride; 2], padding: [1, 0, 0, 0], ..Window::of([1, 1]) };
        // The input has no rows, so that the output is the row of padding.
        for (channels, groups) in [(2, 1), (2, 2), (30, 1)] {
            let shape = row([0, 2], channels, groups, window);
            let bias: Vec<f32> = (0..channels).map(|channel| channel as f32).collect();
            let columns = 2 / stride;
            let w = vec![1.0; channels * channels / groups];
            let expected: Vec<f32> = bias.iter().flat_map(|&bias| vec![bias; columns]).collect();
            assert_eq!(convolved(&shape, &[], &w, &bias, channels * columns), Ok(expected));
        }
    }
    let none = ConvShape { in_channels: 0, out_channels: 2, ..row([3, 3], 0, 1, Window::of([3, 3])) };
    assert_eq!(convolved(&none, &[], &[], &[1.0, 2.0], 2), Ok(vec![1.0, 2.0]));
    let mut dw = [];
    assert!(conv2d_filter_gradient(&none, &[], &[1.0, 1.0], &mut dw).is_ok());
}

#[test]
fn windows_may_step_over_more_than_there_is() {
    // The first and only window of a step beyond the input is its upper left corner: 0 + 1 + 4 + 5.
    let far = Window { stride: [1 << 20; 2], ..Window::of([2, 2]) };
    // A window wholly in the padding, then one that ends at the only column.
    let before = Window { stride: [1, 4], padding: [0, 6, 0, 4], ..Window::of([1, 4]) };
    for (channels, groups) in [(1, 1), (3, 3), (30, 30), (30, 1)] {
        let ones = |taps: usize| vec![1.0; channels * channels / groups * taps];
        let times = (channels / groups) as f32;
        let x: Vec<f32> = (0..channels * 16).map(|index| (index % 16) as f32).collect();
        let found =
            convolved(&row([4, 4], channels, groups, far), &x, &ones(4), &vec![0.0; channels], channels);
        assert_eq!(found, Ok(vec![10.0 * times; channels]));
        let x = vec![5.0; channels];
        let found = convolved(
            &row([1, 1], channels, groups, before),
            &x,
            &ones(4),
            &vec![0.0; channels],
            2 * channels,
        );
        assert_eq!(found, Ok([0.0, 5.0 * times].repeat(channels)));
    }
}

#[test]
fn an_input_that_is_all_padding_costs_no_memory() {
    let taps = Window { dilation: [1, 1 << 23], padding: [0, 1 << 23, 0, 0], ..Window::of([1, 2]) };
    for (channels, groups) in [(1, 1), (30, 30)] {
        let (x, w) = (vec![3.0; channels], [7.0, 2.0].repeat(channels));
        let found = convolved(&row([1, 1], channels, groups, taps), &x, &w, &vec![0.0; channels], channels);
        assert_eq!(found, Ok(vec![6.0; channels]));
        let steps = Window { stride: [1, 2], ..taps };
        let error = convolved(&row([1, 1], channels, groups, steps), &x, &w, &vec![0.0; channels], channels);
        assert!(error.clone().is_err_and(|error| error.contains("nearly all padding")), "{error:?}");
    }
}

#[test]
fn a_single_row_has_no_stride() {
    let (a, b) = ([1.0_f32, 2.0], [1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
    for stride in [0, 1, usize::MAX] {
        let mut y = [0.0_f32; 3];
        let matrices = (MatrixRef::row_major(&a, 1, 2).unwrap(), MatrixRef::row_major(&b, 2, 3).unwrap());
        gemm(1.0, matrices.0, matrices.1, 0.0, MatrixMut::strided(&mut y, 1, 3, stride).unwrap()).unwrap();
        assert_eq!(y, [9.0, 12.0, 15.0]);
    }
}
