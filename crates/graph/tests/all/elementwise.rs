//! Elementwise operators against closed forms.

use crate::common::{check, check_near, error, iota, run, tensor};
use ediacara_graph::ops::*;
use ediacara_graph::{DType, Op, Tensor, TensorType};
use ediacara_tensor::{bf16, f16};

/// Applies a unary operator to f32, f64 and f16.
fn unary(op: &dyn Op, values: &[f32], expected: &[f32]) {
    assert!(op.is_elementwise());
    let x = tensor(&[values.len()], values);
    check_near(&run(op, &[&x]), &[values.len()], expected);
    check_near(&run(op, &[&x.cast(DType::F64)]).cast(DType::F32), &[values.len()], expected);
    let halves = run(op, &[&x.cast(DType::F16)]).to_vec::<f16>().unwrap();
    for (half, &expected) in halves.iter().zip(expected) {
        let close =
            (half.to_f32() - expected).abs() <= 2e-3 * expected.abs().max(1.0) || half.to_f32() == expected;
        assert!(close || expected.is_nan(), "{}: {half}, expected {expected}", op.name());
    }
}

#[test]
fn unary_functions_at_known_points() {
    use std::f32::consts::{E, FRAC_PI_2, LN_2, PI, SQRT_2};
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    unary(&Neg, &[1.5, -2.0, 0.0], &[-1.5, 2.0, 0.0]);
    unary(&Abs, &[-1.5, 2.0, -0.0], &[1.5, 2.0, 0.0]);
    unary(&Sign, &[-3.0, 0.0, 7.0, nan], &[-1.0, 0.0, 1.0, nan]);
    unary(&Exp, &[0.0, 1.0, -inf], &[1.0, E, 0.0]);
    unary(&Log, &[1.0, 2.0, 0.0, -1.0], &[0.0, LN_2, -inf, nan]);
    unary(&Sqrt, &[4.0, 2.0, -1.0], &[2.0, SQRT_2, nan]);
    unary(&Reciprocal, &[4.0, -0.5], &[0.25, -2.0]);
    unary(&Floor, &[1.5, -1.5, 2.0], &[1.0, -2.0, 2.0]);
    unary(&Ceil, &[1.5, -1.5, 2.0], &[2.0, -1.0, 2.0]);
    unary(&Round, &[0.5, 1.5, 2.5, -0.5, -2.5, 2.4], &[0.0, 2.0, 2.0, 0.0, -2.0, 2.0]);
    unary(&Sin, &[0.0, FRAC_PI_2], &[0.0, 1.0]);
    unary(&Cos, &[0.0, PI], &[1.0, -1.0]);
    unary(&Tan, &[0.0, PI / 4.0], &[0.0, 1.0]);
    unary(&Tanh, &[0.0, LN_2, inf, -inf], &[0.0, 0.6, 1.0, -1.0]);
    // sigmoid(ln 3) = 3 / 4; far out it neither overflows nor leaves [0, 1].
    unary(&Sigmoid, &[0.0, 3.0_f32.ln(), -(3.0_f32.ln()), 1000.0, -1000.0], &[0.5, 0.75, 0.25, 1.0, 0.0]);
    // Abramowitz and Stegun, table 7.1.
    unary(&Erf, &[0.0, 0.5, -1.0, 2.0], &[0.0, 0.520_499_9, -0.842_700_8, 0.995_322_3]);
    unary(&Softplus, &[0.0, 60.0, -200.0], &[LN_2, 60.0, 0.0]);
    unary(&Relu, &[-1.0, 2.0, nan], &[0.0, 2.0, nan]);
}

#[test]
fn unary_functions_of_integers() {
    let x = tensor(&[3], &[-128_i8, 5, 0]);
    check(&run(&Neg, &[&x]), &[3], &[-128_i8, -5, 0]);
    check(&run(&Abs, &[&x]), &[3], &[-128_i8, 5, 0]);
    check(&run(&Sign, &[&x]), &[3], &[-1_i8, 1, 0]);
    check(&run(&Relu, &[&x]), &[3], &[0_i8, 5, 0]);
    check(&run(&Sign, &[&tensor(&[2], &[0_u8, 200])]), &[2], &[0_u8, 1]);
    check(&run(&Not, &[&tensor(&[2], &[true, false])]), &[2], &[false, true]);
    assert_eq!(error(&Exp, &[&x]), "exp: operand `x` is i8[3]: the type must be floating-point");
    assert!(error(&Not, &[&x]).contains("the type must be bool"));
    assert_eq!(error(&Exp, &[]), "exp takes 1 operands, found 0");
}

#[test]
fn binary_functions_with_broadcasting() {
    let x = tensor(&[2, 3], &[1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let row = tensor(&[3], &[10.0_f32, 20.0, 30.0]);
    let column = tensor(&[2, 1], &[100.0_f32, 200.0]);
    check(&run(&Add, &[&x, &row]), &[2, 3], &[11.0_f32, 22.0, 33.0, 14.0, 25.0, 36.0]);
    check(&run(&Sub, &[&column, &x]), &[2, 3], &[99.0_f32, 98.0, 97.0, 196.0, 195.0, 194.0]);
    check(&run(&Mul, &[&row, &column]), &[2, 3], &[1000.0_f32, 2000.0, 3000.0, 2000.0, 4000.0, 6000.0]);
    check(&run(&Div, &[&x, &Tensor::scalar(2.0_f32)]), &[2, 3], &[0.5_f32, 1.0, 1.5, 2.0, 2.5, 3.0]);
    check(&run(&Pow, &[&x, &Tensor::scalar(2.0_f32)]), &[2, 3], &[1.0_f32, 4.0, 9.0, 16.0, 25.0, 36.0]);
    check_near(
        &run(&Pow, &[&tensor(&[2], &[4.0_f32, 8.0]), &tensor(&[2], &[0.5_f32, -1.0])]),
        &[2],
        &[2.0, 0.125],
    );
    let nan = f32::NAN;
    let (left, right) = (tensor(&[4], &[1.0_f32, nan, 3.0, 2.0]), tensor(&[4], &[2.0_f32, 1.0, nan, 2.0]));
    check_near(&run(&Max, &[&left, &right]), &[4], &[2.0, nan, nan, 2.0]);
    check_near(&run(&Min, &[&left, &right]), &[4], &[1.0, nan, nan, 2.0]);
    check(&run(&Equal, &[&left, &right]), &[4], &[false, false, false, true]);
    check(&run(&Less, &[&left, &right]), &[4], &[true, false, false, false]);
    check(&run(&LessEqual, &[&left, &right]), &[4], &[true, false, false, true]);
    check(&run(&Greater, &[&left, &right]), &[4], &[false; 4]);
    check(&run(&GreaterEqual, &[&left, &right]), &[4], &[false, false, false, true]);
    let empty = run(&Add, &[&tensor::<f32>(&[0, 3], &[]), &row]);
    check::<f32>(&empty, &[0, 3], &[]);
    assert_eq!(
        error(&Add, &[&x, &tensor(&[2], &[1.0_f32, 2.0])]),
        "add: operand `x` is f32[2,3] but operand `y` is f32[2]: aligned at the right, dimensions must be equal or 1"
    );
    assert!(error(&Add, &[&x, &row.cast(DType::F16)]).contains("element types must be equal"));
}

#[test]
fn binary_functions_of_integers_and_halves() {
    let (x, y) = (tensor(&[4], &[7_i32, -7, 7, 5]), tensor(&[4], &[2_i32, 2, -2, 0]));
    check(&run(&Div, &[&x, &y]), &[4], &[3_i32, -3, -3, 0]);
    // Python: 7 % 2, -7 % 2, 7 % -2; C: fmod has the dividend's sign.
    check(&run(&Modulo { truncated: false }, &[&x, &y]), &[4], &[1_i32, 1, -1, 0]);
    check(&run(&Modulo { truncated: true }, &[&x, &y]), &[4], &[1_i32, -1, 1, 0]);
    let (a, b) = (tensor(&[2], &[-5.5_f32, 5.5]), Tensor::scalar(2.0_f32));
    check(&run(&Modulo { truncated: false }, &[&a, &b]), &[2], &[0.5_f32, 1.5]);
    check(&run(&Modulo { truncated: true }, &[&a, &b]), &[2], &[-1.5_f32, 1.5]);
    let base = tensor(&[5], &[2_i64, -1, -1, 3, 0]);
    check(&run(&Pow, &[&base, &tensor(&[5], &[10_i64, 3, -2, -1, 0])]), &[5], &[1024_i64, -1, 1, 0, 1]);
    check(&run(&Add, &[&tensor(&[1], &[250_u8]), &tensor(&[1], &[10_u8])]), &[1], &[4_u8]);
    let (p, q) = (tensor(&[4], &[true, true, false, false]), tensor(&[4], &[true, false, true, false]));
    check(&run(&And, &[&p, &q]), &[4], &[true, false, false, false]);
    check(&run(&Or, &[&p, &q]), &[4], &[true, true, true, false]);
    check(&run(&Xor, &[&p, &q]), &[4], &[false, true, true, false]);
    let half = run(&Mul, &[&tensor(&[1], &[f16::from_f32(1.5)]), &tensor(&[1], &[f16::from_f32(2.0)])]);
    check(&half, &[1], &[f16::from_f32(3.0)]);
    let brain = run(&Add, &[&tensor(&[1], &[bf16::from_f32(256.0)]), &tensor(&[1], &[bf16::from_f32(1.0)])]);
    check(&brain, &[1], &[bf16::from_f32(256.0)]);
}

#[test]
fn large_operands_are_cut_into_chunks_without_a_seam() {
    // 3 x 40000 passes the chunk of 2^15 elements in the middle of a row.
    let x = iota(&[3, 40_000]);
    let sum = run(&Add, &[&x, &tensor(&[3, 1], &[0.0_f32, 1.0, 2.0])]).to_vec::<f32>().unwrap();
    assert!((0..120_000).all(|index| sum[index] == (index + index / 40_000) as f32));
    let doubled = run(&Relu, &[&x.transpose(&[1, 0]).unwrap()]).to_vec::<f32>().unwrap();
    assert!((0..120_000).all(|index| doubled[index] == (index % 3 * 40_000 + index / 3) as f32));
}

#[test]
fn clamp_select_and_cast() {
    let x = tensor(&[4], &[-1.0_f32, 0.5, 7.0, f32::NAN]);
    check_near(&run(&Clamp { low: 0.0, high: 6.0 }, &[&x]), &[4], &[0.0, 0.5, 6.0, f32::NAN]);
    let integers = tensor(&[3], &[-100_i8, 3, 100]);
    check(&run(&Clamp { low: -1.5, high: f64::INFINITY }, &[&integers]), &[3], &[-1_i8, 3, 100]);
    assert!(error(&Clamp { low: f64::NAN, high: 0.0 }, &[&x]).contains("must be numbers"));
    let condition = tensor(&[2, 1], &[true, false]);
    let chosen = run(&Select, &[&condition, &tensor(&[2], &[1_i64, 2]), &Tensor::scalar(9_i64)]);
    check(&chosen, &[2, 2], &[1_i64, 2, 9, 9]);
    assert!(error(&Select, &[&x, &x, &x]).contains("operand `condition` is f32[4]: must be bool"));
    check(&run(&Cast { to: DType::I32 }, &[&x]), &[4], &[-1_i32, 0, 7, 0]);
    check(&run(&Cast { to: DType::Bool }, &[&x]), &[4], &[true; 4]);
}

#[test]
fn costs_count_what_is_computed() {
    let ty = TensorType::f32(&[2, 3]);
    let cost = |op: &dyn Op| op.cost(&[&ty, &ty], &[&ty]);
    assert_eq!(cost(&Add).additions, 6);
    assert_eq!(cost(&Mul).multiplications, 6);
    assert_eq!(cost(&Exp).others, 6);
    assert_eq!(cost(&Reshape { shape: vec![6] }).total(), 0);
}

#[test]
fn empty_tensors_and_scalars_are_tensors_too() {
    for shape in [&[0][..], &[2, 0, 3], &[]] {
        let count = shape.iter().product::<usize>();
        let x = tensor(shape, &vec![4.0_f32; count]);
        check(&run(&Sqrt, &[&x]), shape, &vec![2.0_f32; count]);
        check(&run(&Add, &[&x, &x]), shape, &vec![8.0_f32; count]);
        check(&run(&Cast { to: DType::I8 }, &[&x]), shape, &vec![4_i8; count]);
        check(&run(&Clamp { low: 0.0, high: 1.0 }, &[&x]), shape, &vec![1.0_f32; count]);
        let zero = Tensor::scalar(0_i8);
        check(
            &run(&QuantizeLinear { axis: 0 }, &[&x, &Tensor::scalar(2.0_f32), &zero]),
            shape,
            &vec![2_i8; count],
        );
    }
}
