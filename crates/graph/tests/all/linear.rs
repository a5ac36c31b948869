//! Convolutions, products, pools and normalisations: the call of the kernel and the shape rule.
//!
//! The kernels' own tests are in crate `kernels`.

use ediacara_graph::ops::*;
use ediacara_graph::{Cost, DType, Op, TensorType};
use ediacara_tensor::f16;

use crate::common::{check, check_near, error, iota, run, tensor, try_run};

#[test]
fn conv_with_every_attribute() {
    let x = iota(&[1, 1, 3, 3]);
    let ones = tensor(&[1, 1, 2, 2], &[1.0_f32; 4]);
    // Sums of the four 2 x 2 windows of 0..8.
    check(&run(&Conv::default(), &[&x, &ones]), &[1, 1, 2, 2], &[8.0_f32, 12.0, 20.0, 24.0]);
    let bias = tensor(&[1], &[-10.0_f32]);
    let relu = Conv { activation: Activation::Relu, ..Conv::default() };
    check(&run(&relu, &[&x, &ones, &bias]), &[1, 1, 2, 2], &[0.0_f32, 2.0, 10.0, 14.0]);
    let clamp = Conv { activation: Activation::Clamp { low: 1.0, high: 11.5 }, ..Conv::default() };
    check(&run(&clamp, &[&x, &ones, &bias]), &[1, 1, 2, 2], &[1.0_f32, 2.0, 10.0, 11.5]);
    let padded = Conv { stride: [2, 2], padding: [1, 0, 0, 1], ..Conv::default() };
    // Rows start at -1 and 1, columns at 0 and 2: (0+1), (2), (3+4+6+7), (5+8).
    check(&run(&padded, &[&x, &ones]), &[1, 1, 2, 2], &[1.0_f32, 2.0, 20.0, 13.0]);
    let dilated = Conv { dilation: [2, 2], ..Conv::default() };
    check(&run(&dilated, &[&x, &ones]), &[1, 1, 1, 1], &[16.0_f32]);
    let grouped = Conv { groups: 2, ..Conv::default() };
    let w = tensor(&[2, 1, 1, 1], &[2.0_f32, -1.0]);
    check(&run(&grouped, &[&iota(&[1, 2, 1, 2]), &w]), &[1, 2, 1, 2], &[0.0_f32, 2.0, -2.0, -3.0]);
    let halves = run(&Conv::default(), &[&x.cast(DType::F16), &ones.cast(DType::F16)]);
    check(&halves, &[1, 1, 2, 2], &[8.0, 12.0, 20.0, 24.0].map(f16::from_f32));
}

#[test]
fn conv_names_what_does_not_fit() {
    let x = iota(&[1, 3, 4, 4]);
    let w = iota(&[2, 2, 3, 3]);
    assert_eq!(
        error(&Conv::default(), &[&x, &w]),
        "conv: operand `x` is f32[1,3,4,4] but operand `w` is f32[2,2,3,3]: w has 2 channels a group, x has 3 / 1"
    );
    assert!(
        error(&Conv { groups: 2, ..Conv::default() }, &[&x, &w]).contains("groups 2 must divide the 3 input")
    );
    let large = iota(&[2, 3, 5, 1]);
    assert!(error(&Conv::default(), &[&x, &large]).contains("f32[2,3,5,1]"));
    let bias = tensor(&[3], &[0.0_f32; 3]);
    assert!(
        error(&Conv::default(), &[&x, &iota(&[2, 3, 3, 3]), &bias])
            .contains("`bias` is f32[3]: must have shape [2]")
    );
    assert!(error(&Conv::default(), &[&x]).contains("takes 2 to 3 operands, found 1"));
    assert!(error(&Conv::default(), &[&x.cast(DType::I8), &w]).contains("floating-point"));
    assert!(error(&Conv { stride: [0, 1], ..Conv::default() }, &[&x, &iota(&[1, 3, 1, 1])]).contains("zero"));
}

#[test]
fn conv_counts_its_arithmetic() {
    // The first layer of ResNet-50: 118,013,952 MACs.
    let types = [&[1, 3, 224, 224][..], &[64, 3, 7, 7], &[64]].map(TensorType::f32);
    let inputs: Vec<&TensorType> = types.iter().collect();
    let conv = Conv { stride: [2, 2], padding: [3; 4], activation: Activation::Relu, ..Conv::default() };
    let output = &conv.infer(&inputs).unwrap()[0];
    assert_eq!(output.shape, [1, 64, 112, 112]);
    let cost = conv.cost(&inputs, &[output]);
    let elements = 64 * 112 * 112;
    let macs = 118_013_952;
    // 147 products are summed by 146 additions, and the bias is one more.
    assert_eq!(cost, Cost { macs, multiplications: macs, additions: elements * 147, others: elements });
}

#[test]
fn conv_transpose_is_the_gradient_of_conv() {
    let op = ConvTranspose {
        stride: [2, 2],
        padding: [0; 4],
        dilation: [1, 1],
        output_padding: [0, 1],
        groups: 1,
        activation: Activation::None,
    };
    let x = tensor(&[1, 1, 1, 2], &[1.0_f32, 2.0]);
    let w = tensor(&[1, 1, 2, 2], &[1.0_f32, 2.0, 3.0, 4.0]);
    let expected = [1.0_f32, 2.0, 2.0, 4.0, 0.0, 3.0, 4.0, 6.0, 8.0, 0.0];
    check(&run(&op, &[&x, &w]), &[1, 1, 2, 5], &expected);
    let bias = tensor(&[1], &[1.0_f32]);
    check(&run(&op, &[&x, &w, &bias]), &[1, 1, 2, 5], &expected.map(|value| value + 1.0));
    assert!(error(&op, &[&x, &iota(&[2, 1, 2, 2])]).contains("must have one C"));
    let cut = ConvTranspose { padding: [9; 4], ..op };
    assert!(error(&cut, &[&x, &w]).contains("padding"));
}

#[test]
fn gemm_and_matmul() {
    let x = tensor(&[2, 3], &[1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let w = tensor(&[2, 3], &[1.0_f32, 0.0, -1.0, 2.0, 1.0, 0.0]);
    check(&run(&Gemm::default(), &[&x, &w]), &[2, 2], &[-2.0_f32, 4.0, -2.0, 13.0]);
    let bias = tensor(&[2], &[1.0_f32, -5.0]);
    let relu = Gemm { activation: Activation::Relu };
    check(&run(&relu, &[&x, &w, &bias]), &[2, 2], &[0.0_f32, 0.0, 0.0, 8.0]);
    assert_eq!(
        error(&Gemm::default(), &[&x, &iota(&[2, 4])]),
        "gemm: operand `x` is f32[2,3] but operand `w` is f32[2,4]: x[M,K] and w[N,K] must have one K"
    );
    let y = w.transpose(&[1, 0]).unwrap();
    check(&run(&MatMul, &[&x, &y]), &[2, 2], &[-2.0_f32, 4.0, -2.0, 13.0]);
    let vector = tensor(&[3], &[1.0_f32, 1.0, 2.0]);
    check(&run(&MatMul, &[&x, &vector]), &[2], &[9.0_f32, 21.0]);
    check(&run(&MatMul, &[&vector, &y]), &[2], &[-1.0_f32, 3.0]);
    check(&run(&MatMul, &[&vector, &vector]), &[], &[6.0_f32]);
    let batch = iota(&[2, 1, 2, 2]);
    let other = tensor(&[3, 2, 1], &[1.0_f32, 0.0, 0.0, 1.0, 1.0, 1.0]);
    let expected = [0.0_f32, 2.0, 1.0, 3.0, 1.0, 5.0, 4.0, 6.0, 5.0, 7.0, 9.0, 13.0];
    check(&run(&MatMul, &[&batch, &other]), &[2, 3, 2, 1], &expected);
    let integers = run(&MatMul, &[&x.cast(DType::I32), &y.cast(DType::I32)]);
    check(&integers, &[2, 2], &[-2_i32, 4, -2, 13]);
    check(&run(&MatMul, &[&x.cast(DType::F64), &y.cast(DType::F64)]), &[2, 2], &[-2.0_f64, 4.0, -2.0, 13.0]);
    check(&run(&MatMul, &[&iota(&[2, 0]), &iota(&[0, 2])]), &[2, 2], &[0.0_f32; 4]);
    assert!(error(&MatMul, &[&x, &x]).contains("must have one K"));
}

#[test]
fn pools() {
    let x = iota(&[1, 1, 3, 3]);
    let pool = |kind, padding, output, count_include_pad| Pool {
        kind,
        kernel: [2, 2],
        stride: [2, 2],
        padding,
        dilation: [1, 1],
        output,
        count_include_pad,
    };
    check(&run(&pool(PoolKind::Max, [0; 4], [1, 1], false), &[&x]), &[1, 1, 1, 1], &[4.0_f32]);
    // Rounded up: the windows at the end reach beyond the input.
    check(&run(&pool(PoolKind::Max, [0; 4], [2, 2], false), &[&x]), &[1, 1, 2, 2], &[4.0_f32, 5.0, 7.0, 8.0]);
    let padded = [1, 1, 0, 0];
    check(
        &run(&pool(PoolKind::Average, padded, [2, 2], false), &[&x]),
        &[1, 1, 2, 2],
        &[0.0_f32, 1.5, 4.5, 6.0],
    );
    check(
        &run(&pool(PoolKind::Average, padded, [2, 2], true), &[&x]),
        &[1, 1, 2, 2],
        &[0.0_f32, 0.75, 2.25, 6.0],
    );
    let negative = tensor(&[1, 1, 1, 2], &[-3_i8, -5]);
    let wide = Pool { kernel: [1, 2], stride: [1, 1], ..pool(PoolKind::Max, [0, 1, 0, 0], [1, 2], false) };
    check(&run(&wide, &[&negative]), &[1, 1, 1, 2], &[-3_i8, -3]);
    check(&run(&wide, &[&negative.cast(DType::F64)]), &[1, 1, 1, 2], &[-3.0_f64, -3.0]);
    assert!(
        error(&pool(PoolKind::Max, [0; 4], [3, 1], false), &[&x]).contains("output height 3 at stride 2")
    );
    assert!(
        error(&pool(PoolKind::Average, [0; 4], [1, 1], false), &[&negative])
            .contains("does not take this type")
    );
}

#[test]
fn softmax_along_every_axis() {
    let (a, b) = (2.0_f32.ln(), 5.0_f32.ln());
    let x = tensor(&[2, 2], &[0.0, a, 0.0, b]);
    check_near(&run(&Softmax { axis: 1 }, &[&x]), &[2, 2], &[1.0 / 3.0, 2.0 / 3.0, 1.0 / 6.0, 5.0 / 6.0]);
    check_near(&run(&Softmax { axis: 0 }, &[&x]), &[2, 2], &[0.5, 2.0 / 7.0, 0.5, 5.0 / 7.0]);
    check_near(&run(&Softmax { axis: 0 }, &[&tensor(&[2], &[1000.0_f32, 1000.0])]), &[2], &[0.5, 0.5]);
    let wide = run(&Softmax { axis: 1 }, &[&x.cast(DType::F64)]);
    check_near(&wide.cast(DType::F32), &[2, 2], &[1.0 / 3.0, 2.0 / 3.0, 1.0 / 6.0, 5.0 / 6.0]);
    assert!(error(&Softmax { axis: 2 }, &[&x]).contains("has no axis 2"));
}

#[test]
fn lrn_sums_squares_of_neighbouring_channels() {
    let lrn = Lrn { size: 3, alpha: 3.0, beta: 1.0, bias: 1.0 };
    let x = tensor(&[1, 3, 1, 1], &[1.0_f32, 2.0, 3.0]);
    // 1 / (1 + 1 + 4), 2 / (1 + 1 + 4 + 9), 3 / (1 + 4 + 9).
    check_near(&run(&lrn, &[&x]), &[1, 3, 1, 1], &[1.0 / 6.0, 2.0 / 15.0, 3.0 / 14.0]);
    // An even size reaches one further after than before.
    let even = Lrn { size: 2, alpha: 2.0, ..lrn };
    check_near(&run(&even, &[&x]), &[1, 3, 1, 1], &[1.0 / 6.0, 2.0 / 14.0, 3.0 / 10.0]);
    assert!(try_run(&Lrn { size: 0, ..lrn }, &[&x]).is_err());
}
