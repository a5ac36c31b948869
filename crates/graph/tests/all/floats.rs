//! Products and windows of the float dialect.
//!
//! Bits come from the independent reference of tests/numerics (`floats.dot_beat`, fed in the order of docs/numerics.md,
//! N-FLOAT-DOT), values from plain sums in f64.

use ediacara_graph::ops::*;
use ediacara_graph::{DType, Tensor};
use half::f16;

use crate::common::{check, error, run, tensor};

/// The numbers that tests/numerics was given: those of the generator of Numerical Recipes.
fn words(seed: u32) -> impl Iterator<Item = u32> {
    std::iter::successors(Some(seed), |state| Some(next(*state))).skip(1)
}

fn next(state: u32) -> u32 {
    state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223)
}

/// Numbers of any sign from 2^-10 to 2^10.
fn wide(seed: u32, shape: &[usize]) -> Tensor {
    let number = |word: u32| {
        let exponent = 117 + (word >> 8) % 20;
        f32::from_bits(word >> 31 << 31 | exponent << 23 | word >> 3 & 0x7f_ffff)
    };
    Tensor::from_vec(shape, words(seed).take(shape.iter().product()).map(number).collect()).unwrap()
}

fn wide_f16(seed: u32, shape: &[usize]) -> Tensor {
    let number = |word: u32| {
        let exponent = (word >> 8) % 24 + 2;
        f16::from_bits((word >> 31 << 15 | exponent << 10 | word >> 13 & 0x3ff) as u16)
    };
    Tensor::from_vec(shape, words(seed).take(shape.iter().product()).map(number).collect()).unwrap()
}

/// Numbers from -1 to 1.
fn small(seed: u32, shape: &[usize]) -> Tensor {
    let number = |word: u32| (f64::from(word) / f64::from(u32::MAX) * 2.0 - 1.0) as f32;
    Tensor::from_vec(shape, words(seed).take(shape.iter().product()).map(number).collect()).unwrap()
}

fn conv(lanes: usize) -> FConv {
    FConv { stride: [1, 1], padding: [0; 4], dilation: [1, 1], groups: 1, lanes, result: Writing::default() }
}

fn bits(tensor: &Tensor) -> Vec<u32> {
    tensor.to_vec::<f32>().unwrap().into_iter().map(f32::to_bits).collect()
}

#[test]
fn f_conv_has_the_bits_of_the_independent_reference() {
    let scale = tensor(&[4], &[1.5_f32, -0.75, 3.0, 0.1]);
    let bias = tensor(&[4], &[0.25_f32, -7.0, 0.0, 100.0]);
    // Two channels of four lanes: a row of the kernel is a stretch of six elements.
    let merged = FConv { padding: [1, 1, 0, 0], stride: [2, 1], ..conv(4) };
    let expected = [
        0xc42a_6903,
        0x45da_d835,
        0xc60f_a829,
        0x42f4_36b1,
        0x468c_173e,
        0xc5b7_9c08,
        0x4839_59ae,
        0xc34b_38c0,
        0x463f_a114,
        0xc4b4_097e,
        0x4754_a47a,
        0xc2f7_cb5e,
        0xc6d3_f824,
        0xc32d_241c,
        0x45b6_32ac,
        0x44be_201f,
    ];
    let found = run(&merged, &[&wide(1, &[1, 3, 3, 2]), &wide(2, &[4, 2, 3, 2]), &bias, &scale]);
    assert_eq!((found.shape(), bits(&found)), (&[1, 2, 2, 4][..], expected.to_vec()));
    // Six channels of a group: a stretch for each tap, of two beats.
    let grouped = FConv { padding: [0, 0, 0, 1], groups: 2, ..conv(4) };
    let expected = [
        0x4777_59fe,
        0xc7ae_a707,
        0x4923_1eff,
        0x4307_95c5,
        0xc7d5_96fa,
        0xc7ad_3788,
        0xc9f2_bb2c,
        0x43fb_6de7,
        0xc529_d298,
        0x4697_40fc,
        0xc7d6_f620,
        0x45b0_b8f9,
        0x4591_5f78,
        0x458c_8753,
        0x47a2_60b0,
        0x4381_b712,
    ];
    let found = run(&grouped, &[&wide(3, &[1, 2, 2, 12]), &wide(4, &[4, 1, 2, 6]), &bias, &scale]);
    assert_eq!((found.shape(), bits(&found)), (&[1, 2, 2, 4][..], expected.to_vec()));
    let expected = [
        0xc9b2_7046,
        0xc7e0_7a49,
        0xc8a0_3054,
        0x4596_52bd,
        0x4622_986a,
        0x4497_cf56,
        0xc9dc_cdda,
        0x46cd_c2ea,
        0x4471_9074,
        0x45e6_26a8,
        0xcb29_13af,
        0x4826_82c7,
        0xc766_9886,
        0xc931_742b,
        0xc77f_454e,
        0x4745_d66a,
    ];
    let found = run(&conv(8), &[&wide_f16(5, &[1, 3, 3, 3]), &wide_f16(6, &[4, 2, 2, 3]), &bias, &scale]);
    assert_eq!((found.shape(), bits(&found)), (&[1, 2, 2, 4][..], expected.to_vec()));
}

/// A convolution in f64.
fn plain(op: &FConv, x: &Tensor, w: &Tensor, [bias, scale]: [&Tensor; 2]) -> Vec<f64> {
    let [xs, ws, bias, scale] = [x, w, bias, scale].map(|tensor| tensor.to_vec::<f32>().unwrap());
    let (&[batch, height, width, channels], &[outputs, rows, columns, terms]) = (x.shape(), w.shape()) else {
        panic!("four axes");
    };
    let extent = |axis: usize, size: usize, kernel: usize| {
        let reach = size + op.padding[axis] + op.padding[axis + 2];
        (reach - op.dilation[axis] * (kernel - 1) - 1) / op.stride[axis] + 1
    };
    let (down, across) = (extent(0, height, rows), extent(1, width, columns));
    let mut results = Vec::new();
    for index in 0..batch * down * across * outputs {
        let (output, to) = (index % outputs, index / outputs % across);
        let (y, image) = (index / outputs / across % down, index / outputs / across / down);
        let first = output / (outputs / op.groups) * terms;
        let mut sum = 0.0;
        for term in 0..rows * columns * terms {
            let (channel, column, row) = (term % terms, term / terms % columns, term / terms / columns);
            let from = [
                (y * op.stride[0] + row * op.dilation[0]).wrapping_sub(op.padding[0]),
                (to * op.stride[1] + column * op.dilation[1]).wrapping_sub(op.padding[1]),
            ];
            if from[0] < height && from[1] < width {
                let at = ((image * height + from[0]) * width + from[1]) * channels + first + channel;
                sum += f64::from(xs[at]) * f64::from(ws[output * rows * columns * terms + term]);
            }
        }
        results.push(sum * f64::from(scale[output]) + f64::from(bias[output]));
    }
    results
}

#[test]
fn f_conv_is_near_a_convolution_in_f64() {
    let (bias, scale) = (small(8, &[6]), small(9, &[6]));
    let ops = [
        (conv(4), [2, 9, 7, 5], [3, 3]),
        (FConv { padding: [1, 2, 0, 1], dilation: [2, 3], stride: [2, 1], ..conv(16) }, [1, 9, 8, 3], [3, 2]),
        (FConv { groups: 3, padding: [1, 1, 1, 1], ..conv(4) }, [2, 5, 5, 9], [3, 3]),
        (FConv { groups: 6, padding: [2, 2, 2, 2], stride: [1, 2], ..conv(32) }, [1, 6, 5, 6], [5, 5]),
        (conv(1), [3, 4, 70, 2], [1, 1]),
    ];
    for (op, extents, kernel) in ops {
        let x = small(10, &extents);
        let w = small(11, &[6, kernel[0], kernel[1], extents[3] / op.groups]);
        let expected = plain(&op, &x, &w, [&bias, &scale]);
        let found = run(&op, &[&x, &w, &bias, &scale]).to_vec::<f32>().unwrap();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.into_iter().zip(expected) {
            assert!((f64::from(found) - expected).abs() < 1e-5, "{found} for {expected}");
        }
    }
}

#[test]
fn f_conv_stores_its_result_as_it_is_told() {
    let (x, w) = (tensor(&[1, 1, 2, 1], &[1.0_f32, 3.0]), tensor(&[1, 1, 1, 1], &[0.5_f32]));
    let (bias, scale) = (tensor(&[1], &[1.0_f32]), tensor(&[1], &[2.0_f32]));
    // 0.5 * 2 + 1 = 2, 1.5 * 2 + 1 = 4; in halves 4 and 8, about -1, at most 6.
    let i8 = FConv { result: Writing { high: 6, ..Writing::quantised(0.5, -1) }, ..conv(4) };
    check(&run(&i8, &[&x, &w, &bias, &scale]), &[1, 1, 2, 1], &[3_i8, 6]);
    let half = FConv { result: Writing { dtype: DType::F16, ..Writing::default() }, ..conv(4) };
    check(&run(&half, &[&x, &w, &bias, &scale]), &[1, 1, 2, 1], &[f16::from_f32(2.0), f16::from_f32(4.0)]);
}

#[test]
fn f_matmul_is_a_convolution_of_points() {
    let (x, w) = (wide(20, &[5, 11]), wide(21, &[3, 11]));
    let (bias, scale) = (wide(22, &[3]), wide(23, &[3]));
    let op = FMatMul { lanes: 4, result: Writing::default() };
    let product = run(&op, &[&x, &w, &bias, &scale]);
    let [x, w] = [x.reshape(&[1, 1, 5, 11]).unwrap(), w.reshape(&[3, 1, 1, 11]).unwrap()];
    assert_eq!(bits(&product), bits(&run(&conv(4), &[&x, &w, &bias, &scale])));
    assert_eq!(product.shape(), [5, 3]);
}

#[test]
fn f_window_goes_over_its_taps() {
    let x = tensor(&[1, 2, 3, 2], &[1.0_f32, -1.0, 2.0, -2.0, 3.0, -3.0, 4.0, -4.0, 5.0, -5.0, 6.0, -6.0]);
    let sum = FWindow {
        operation: WindowOperation::Sum,
        kernel: [2, 2],
        stride: [1, 2],
        padding: [0, 1, 0, 0],
        dilation: [1, 1],
        output: [1, 2],
        result: Writing::default(),
    };
    // The first window stands on the padding and on column 0.
    check(&run(&sum, &[&x]), &[1, 1, 2, 2], &[5.0_f32, -5.0, 16.0, -16.0]);
    let maximum = FWindow { operation: WindowOperation::Maximum, ..sum };
    check(&run(&maximum, &[&x]), &[1, 1, 2, 2], &[4.0_f32, -1.0, 6.0, -2.0]);
    let dot = FWindow { operation: WindowOperation::Dot, ..sum };
    let w = tensor(&[2, 2, 2], &[1.0_f32, 1.0, 10.0, 0.5, 100.0, 1.0, 1000.0, 2.0]);
    // 1 * 10 + 4 * 1000; -0.5 - 8; 2 + 30 + 500 + 6000; -2 - 1.5 - 5 - 12.
    check(&run(&dot, &[&x, &w]), &[1, 1, 2, 2], &[4010.0_f32, -8.5, 6532.0, -20.5]);
    let bf16 = FWindow { result: Writing { dtype: DType::BF16, ..Writing::default() }, ..dot };
    // Of bf16, 4010 and 6532 are nearest 4016 and 6528.
    let stored = run(&bf16, &[&x, &w]).to_vec::<half::bf16>().unwrap();
    assert_eq!(stored.iter().map(|value| value.to_f32()).collect::<Vec<_>>(), [4016.0, -8.5, 6528.0, -20.5]);
}

#[test]
fn operands_that_do_not_fit_are_errors() {
    let (x, w) = (small(1, &[1, 3, 3, 4]), small(2, &[2, 3, 3, 4]));
    let two = small(3, &[2]);
    assert!(error(&conv(4), &[&x, &small(2, &[2, 3, 3, 3]), &two, &two]).contains("C / groups"));
    assert!(error(&conv(4), &[&x, &w, &small(3, &[3]), &two]).contains("one entry for each output"));
    assert!(error(&conv(4), &[&x, &wide_f16(1, &[2, 3, 3, 4]), &two, &two]).contains("the type of x, f32"));
    assert!(error(&conv(4), &[&small(1, &[1, 3, 0, 4]), &w, &two, &two]).contains("has no element"));
    assert!(error(&conv(6), &[&x, &w, &two, &two]).contains("6 lanes are no power of two"));
    assert!(error(&conv(4), &[&small(1, &[1, 2, 3, 4]), &w, &two, &two]).contains("f_conv"));
    let matmul = FMatMul { lanes: 4, result: Writing::default() };
    assert!(error(&matmul, &[&small(1, &[2, 3]), &small(2, &[2, 4]), &two, &two]).contains("one K"));
    assert!(error(&matmul, &[&small(1, &[2, 0]), &small(2, &[2, 0]), &two, &two]).contains("no element"));
    let window = FWindow {
        operation: WindowOperation::Dot,
        kernel: [2, 2],
        stride: [1, 1],
        padding: [0; 4],
        dilation: [1, 1],
        output: [2, 2],
        result: Writing::default(),
    };
    assert!(error(&window, &[&x, &small(2, &[2, 2, 3])]).contains("[KH,KW,C]"));
    assert!(
        error(&FWindow { output: [4, 2], ..window }, &[&x, &small(2, &[2, 2, 4])]).contains("does not fit")
    );
    let integers = tensor(&[1, 3, 3, 4], &[0_i8; 36]);
    assert!(error(&window, &[&integers, &small(2, &[2, 2, 4])]).contains("f16, bf16 or f32"));
}
