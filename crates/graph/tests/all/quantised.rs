//! The quantised dialect against values worked out by hand from docs/numerics.md.
//!
//! Exhaustive tests are the kernels' own.

use ediacara_graph::DType;
use ediacara_graph::ops::*;
use ediacara_graph::{Op, Tensor, TensorType};

use crate::common::{check, error, run, tensor};

#[test]
fn q_conv_subtracts_zeros_and_requantises() {
    let op = QConv {
        stride: [1, 1],
        padding: [0, 1, 0, 0],
        dilation: [1, 1],
        groups: 1,
        x_zero: 1,
        w_zero: -1,
        y_zero: 2,
        low: -128,
        high: 100,
    };
    let x = tensor(&[1, 1, 2, 1], &[3_i8, 6]);
    let w = tensor(&[2, 1, 2, 1], &[1_i8, 2, -3, 4]);
    let bias = tensor(&[2], &[10_i32, -4]);
    let multiplier = tensor(&[2], &[1_i32, 3]);
    let shift = tensor(&[2], &[1_u8, 2]);
    // x - zero = [pad 0] 2 5; w - zero = (2, 3), (-2, 5).
    // Sums: 0*2 + 2*3 = 6, 2*2 + 5*3 = 19; 0 + 10 = 10, -4 + 25 = 21.
    // (6 + 10) / 2 + 2 = 10, (19 + 10) / 2 = 14.5 up to 15, + 2 = 17; (10 - 4) * 3 / 4 = 4.5 up to 5, + 2 =
    // 7; (21 - 4) * 3 / 4 = 12.75 to 13, + 2 = 15.
    check(&run(&op, &[&x, &w, &bias, &multiplier, &shift]), &[1, 1, 2, 2], &[10_i8, 7, 17, 15]);
    let bad = QConv { low: 5, high: 4, ..op };
    assert!(error(&bad, &[&x, &w, &bias, &multiplier, &shift]).contains("5 is above 4"));
    assert!(error(&op, &[&x, &w, &bias, &multiplier, &multiplier]).contains("`shift` is i32[2]: must be u8"));
    let wide = tensor(&[1, 1, 1, 3], &[0_i8; 3]);
    assert!(error(&op, &[&wide, &w, &bias, &multiplier, &shift]).contains("C / groups"));
    let zero_shift = tensor(&[2], &[0_u8, 1]);
    assert!(error(&op, &[&x, &w, &bias, &multiplier, &zero_shift]).contains("shift"));
}

#[test]
fn q_conv_depthwise() {
    let op = QConv {
        stride: [1, 1],
        padding: [0; 4],
        dilation: [1, 1],
        groups: 2,
        x_zero: 0,
        w_zero: 0,
        y_zero: 0,
        low: -128,
        high: 127,
    };
    let x = tensor(&[1, 1, 2, 2], &[1_i8, 2, 3, 4]);
    let w = tensor(&[2, 1, 2, 1], &[10_i8, 20, 1, -1]);
    let (zero, two, one) = (tensor(&[2], &[0_i32; 2]), tensor(&[2], &[2_i32; 2]), tensor(&[2], &[1_u8; 2]));
    check(&run(&op, &[&x, &w, &zero, &two, &one]), &[1, 1, 1, 2], &[70_i8, -2]);
}

#[test]
fn q_matmul_saturates() {
    let op = QMatMul { x_zero: 0, w_zero: 0, y_zero: 0, low: -100, high: 127 };
    let x = tensor(&[2, 2], &[100_i8, 100, -100, -100]);
    let w = tensor(&[1, 2], &[100_i8, 100]);
    let (bias, multiplier, shift) = (tensor(&[1], &[0_i32]), tensor(&[1], &[1_i32]), tensor(&[1], &[1_u8]));
    check(&run(&op, &[&x, &w, &bias, &multiplier, &shift]), &[2, 1], &[127_i8, -100]);
    let types = [TensorType::i8(&[2, 2]), TensorType::i8(&[1, 2])];
    let output = TensorType::i8(&[2, 1]);
    assert_eq!(op.cost(&[&types[0], &types[1]], &[&output]).macs, 4);
}

#[test]
fn q_matmul_real_scales_each_output() {
    let op = QMatMulReal { x_zero: 1, w_zero: -2 };
    let x = tensor(&[2, 2], &[3_i8, -4, 1, 127]);
    let w = tensor(&[3, 2], &[5_i8, 6, -2, -2, -128, 127]);
    let (bias, scale) = (tensor(&[3], &[0_i32, 7, -1]), tensor(&[3], &[0.5_f32, -0.25, 3.0]));
    // (2, -5) and (0, 126) times (7, 8), (0, 0) and (-126, 129).
    let expected = [-13.0_f32, -1.75, -2694.0, 504.0, -1.75, 48759.0];
    check(&run(&op, &[&x, &w, &bias, &scale]), &[2, 3], &expected);
    // Sums and bias wrap in 32 bits.
    let top = tensor(&[3], &[i32::MAX; 3]);
    let wrapped = run(&op, &[&x, &w, &top, &scale]).to_vec::<f32>().unwrap();
    assert_eq!(wrapped[3], (i32::MAX.wrapping_add(1008) as f32) * 0.5);
    assert!(error(&op, &[&x, &w, &bias, &tensor(&[2], &[1.0_f32; 2])]).contains("scale"));
    assert!(error(&op, &[&x, &tensor(&[3, 1], &[0_i8; 3]), &bias, &scale]).contains("one K"));
    let types = [TensorType::i8(&[2, 2]), TensorType::i8(&[3, 2])];
    assert_eq!(op.cost(&[&types[0], &types[1]], &[&TensorType::f32(&[2, 3])]).macs, 12);
}

#[test]
fn q_pool_q_add_q_multiply_q_table() {
    let x = tensor(&[1, 1, 3, 1], &[10_i8, 20, -30]);
    let pool = QPool {
        kind: PoolKind::Average,
        kernel: [1, 2],
        stride: [1, 2],
        padding: [0; 4],
        output: [1, 2],
        x_zero: 0,
        y_zero: 1,
        ratio: 1.0,
        count_include_pad: false,
        low: -128,
        high: 127,
    };
    // 30 / 2 + 1; beyond the input one element is counted: -30 + 1.
    check(&run(&pool, &[&x]), &[1, 1, 2, 1], &[16_i8, -29]);
    check(&run(&QPool { kind: PoolKind::Max, high: 15, ..pool }, &[&x]), &[1, 1, 2, 1], &[15_i8, -30]);
    assert!(error(&QPool { ratio: 0.0, ..pool }, &[&x]).contains("ratio"));
    let add = QAdd {
        x_zero: 10,
        y_zero: 0,
        x_multiplier: 2,
        y_multiplier: 1,
        shift: 1,
        out_zero: -1,
        low: -128,
        high: 127,
    };
    let y = tensor(&[1, 1, 3, 1], &[1_i8, 2, 3]);
    // (0*2 + 1) / 2 up to 1, (10*2 + 2) / 2 = 11, (-40*2 + 3) / 2 = -38.5 up to -38; each less 1.
    check(&run(&add, &[&x, &y]), &[1, 1, 3, 1], &[0_i8, 10, -39]);
    assert!(error(&QAdd { shift: 63, ..add }, &[&x, &y]).contains("63 must be 1 to 62"));
    assert!(error(&add, &[&x, &tensor(&[3], &[0_i8; 3])]).contains("operand `y` is i8[3]"));
    let multiply =
        QMultiply { x_zero: 0, y_zero: 1, multiplier: 1, shift: 1, out_zero: 0, low: -128, high: 127 };
    check(&run(&multiply, &[&x, &y]), &[1, 1, 3, 1], &[0_i8, 10, -30]);
    check(&run(&multiply, &[&x, &tensor(&[1, 1, 1, 1], &[5_i8])]), &[1, 1, 3, 1], &[20_i8, 40, -60]);
    // x is 10, 20, -30.
    let maximum = QMaximum { low: -10, high: 15 };
    let other = tensor(&[1, 1, 3, 1], &[12_i8, 11, -5]);
    check(&run(&maximum, &[&x, &other]), &[1, 1, 3, 1], &[12_i8, 15, -5]);
    assert!(error(&QMaximum { low: 3, high: 2 }, &[&x, &y]).contains("3 is above 2"));
    let table: Vec<i8> = (0..256).map(|index| (127 - index) as i8).collect();
    check(&run(&QTable, &[&x, &tensor(&[256], &table)]), &[1, 1, 3, 1], &[-11_i8, -21, 29]);
}

#[test]
fn borders_between_real_and_integer() {
    let x = tensor(&[6], &[0.5_f32, 1.5, -2.5, 1e9, -1e9, f32::NAN]);
    let (one, zero) = (Tensor::scalar(1.0_f32), Tensor::scalar(3_i8));
    // Halves to even, then the zero point, then saturation; NaN is the zero point.
    check(&run(&QuantizeLinear { axis: 0 }, &[&x, &one, &zero]), &[6], &[3_i8, 5, 1, 127, -128, 3]);
    let unsigned = run(&QuantizeLinear { axis: 0 }, &[&x, &one, &Tensor::scalar(3_u8)]);
    check(&unsigned, &[6], &[3_u8, 5, 1, 255, 0, 3]);
    let scales = tensor(&[2], &[0.5_f32, 2.0]);
    let zeros = tensor(&[2], &[0_i8, 1]);
    let rows = tensor(&[2, 2], &[1.0_f32, 2.0, 4.0, -4.0]);
    let quantised = run(&QuantizeLinear { axis: 0 }, &[&rows, &scales, &zeros]);
    check(&quantised, &[2, 2], &[2_i8, 4, 3, -1]);
    check(
        &run(&DequantizeLinear { axis: 0 }, &[&quantised, &scales, &zeros]),
        &[2, 2],
        &[1.0_f32, 2.0, 4.0, -4.0],
    );
    let wide = tensor(&[1], &[i32::MAX]);
    let back =
        run(&DequantizeLinear { axis: 0 }, &[&wide, &tensor(&[1], &[1.0_f32]), &tensor(&[1], &[-1_i32])]);
    check(&back, &[1], &[2_147_483_648.0_f32]);
    let three = tensor(&[3], &[1.0_f32; 3]);
    assert!(
        error(&QuantizeLinear { axis: 1 }, &[&rows, &three, &tensor(&[3], &[0_i8; 3])]).contains("axis 1")
    );
    assert!(error(&QuantizeLinear { axis: 0 }, &[&rows, &one, &one]).contains("must be i8 or u8"));
    assert!(
        error(&DequantizeLinear { axis: 0 }, &[&rows.cast(DType::I8), &one, &Tensor::scalar(0_u8)])
            .contains("element types must be equal")
    );
}
