//! Operators that move data, reduce, and pick, against hand-computed values.

use crate::common::{check, check_near, error, iota, run, tensor, try_run};
use ediacara_graph::ops::*;
use ediacara_graph::{DType, Tensor};

#[test]
fn reshape_transpose_broadcast_slice() {
    let x = iota(&[2, 3]);
    check(&run(&Reshape { shape: vec![3, 2] }, &[&x]), &[3, 2], &[0.0_f32, 1.0, 2.0, 3.0, 4.0, 5.0]);
    check(&run(&Transpose { permutation: vec![1, 0] }, &[&x]), &[3, 2], &[0.0_f32, 3.0, 1.0, 4.0, 2.0, 5.0]);
    let nhwc = run(&Transpose::to_nhwc(), &[&iota(&[1, 2, 1, 2])]);
    check(&nhwc, &[1, 1, 2, 2], &[0.0_f32, 2.0, 1.0, 3.0]);
    check(&run(&Transpose::to_nchw(), &[&nhwc]), &[1, 2, 1, 2], &[0.0_f32, 1.0, 2.0, 3.0]);
    let row = tensor(&[1, 2], &[1_u8, 2]);
    check(&run(&Broadcast { shape: vec![2, 2, 2] }, &[&row]), &[2, 2, 2], &[1_u8, 2, 1, 2, 1, 2, 1, 2]);
    let slice = Slice { starts: vec![1, 2], ends: vec![2, -1], steps: vec![1, -2] };
    check(&run(&slice, &[&x]), &[1, 2], &[5.0_f32, 3.0]);
    check(&run(&Slice::along(&[2, 3], 1, 1, 3), &[&x]), &[2, 2], &[1.0_f32, 2.0, 4.0, 5.0]);
    let empty = Slice { starts: vec![0, 3], ends: vec![2, 3], steps: vec![1, 1] };
    check::<f32>(&run(&empty, &[&x]), &[2, 0], &[]);
    for (start, end, step) in [(0, 4, 1), (-1, 2, 1), (0, 2, 0), (0, -1, 1), (3, -1, -1), (4, 0, -1)] {
        let slice = Slice { starts: vec![0, start], ends: vec![2, end], steps: vec![1, step] };
        assert!(error(&slice, &[&x]).contains("along axis 1"), "{start} {end} {step}");
    }
    assert_eq!(
        error(&Reshape { shape: vec![4] }, &[&x]),
        "reshape: operand `x` is f32[2,3]: its 6 elements do not make f32[4] of 4"
    );
    assert!(error(&Transpose { permutation: vec![0, 0] }, &[&x]).contains("each of its 2 axes once"));
    assert!(error(&Broadcast { shape: vec![2, 2] }, &[&x]).contains("cannot become [2, 2]"));
}

#[test]
fn concat_and_pad() {
    let (x, y) = (tensor(&[2, 1], &[1_i8, 2]), tensor(&[2, 2], &[3_i8, 4, 5, 6]));
    check(&run(&Concat { axis: 1 }, &[&x, &y, &x]), &[2, 4], &[1_i8, 3, 4, 1, 2, 5, 6, 2]);
    check(&run(&Concat { axis: 0 }, &[&y, &y]), &[4, 2], &[3_i8, 4, 5, 6, 3, 4, 5, 6]);
    assert!(
        error(&Concat { axis: 0 }, &[&x, &y]).contains("operand `x0` is i8[2,1] but operand `x1` is i8[2,2]")
    );
    let pad = |mode, value| Pad { before: vec![1, 2], after: vec![0, 1], mode, value };
    let x = tensor(&[2, 3], &[1_i32, 2, 3, 4, 5, 6]);
    let constant = run(&pad(PadMode::Constant, -9.0), &[&x]);
    check(&constant, &[3, 6], &[-9, -9, -9, -9, -9, -9, -9, -9, 1, 2, 3, -9, -9, -9, 4, 5, 6, -9]);
    let edge = run(&pad(PadMode::Edge, 0.0), &[&x]);
    check(&edge, &[3, 6], &[1, 1, 1, 2, 3, 3, 1, 1, 1, 2, 3, 3, 4, 4, 4, 5, 6, 6]);
    let reflect = run(&pad(PadMode::Reflect, 0.0), &[&x]);
    check(&reflect, &[3, 6], &[6, 5, 4, 5, 6, 5, 3, 2, 1, 2, 3, 2, 6, 5, 4, 5, 6, 5]);
    let far = Pad { before: vec![2, 0], after: vec![0, 0], mode: PadMode::Reflect, value: 0.0 };
    assert!(error(&far, &[&x]).contains("padded by 2 and 0 along axis 0 (reflect)"));
}

#[test]
fn gathers_and_scatter() {
    let x = iota(&[2, 3]);
    let picks = tensor(&[2, 2], &[0_i64, -1, 1, 1]);
    check(
        &run(&Gather { axis: 1 }, &[&x, &picks]),
        &[2, 2, 2],
        &[0.0_f32, 2.0, 1.0, 1.0, 3.0, 5.0, 4.0, 4.0],
    );
    check(&run(&Gather { axis: 0 }, &[&x, &Tensor::scalar(1_i32)]), &[3], &[3.0_f32, 4.0, 5.0]);
    assert!(
        error(&Gather { axis: 1 }, &[&x, &Tensor::scalar(3_i64)]).contains("index 3 is outside an axis of 3")
    );
    let nd = GatherNd { batch_dims: 0 };
    check(&run(&nd, &[&x, &tensor(&[2, 2], &[0_i64, 1, -1, 2])]), &[2], &[1.0_f32, 5.0]);
    check(&run(&nd, &[&x, &tensor(&[1, 1], &[1_i64])]), &[1, 3], &[3.0_f32, 4.0, 5.0]);
    let batched = GatherNd { batch_dims: 1 };
    check(&run(&batched, &[&x, &tensor(&[2, 1], &[2_i64, 0])]), &[2], &[2.0_f32, 3.0]);
    assert!(error(&nd, &[&x, &tensor(&[1, 3], &[0_i64, 0, 0])]).contains("must be 1 to 2"));
    let scattered =
        run(&ScatterNd, &[&x, &tensor(&[1, 1], &[1_i64]), &tensor(&[1, 3], &[7.0_f32, 8.0, 9.0])]);
    check(&scattered, &[2, 3], &[0.0_f32, 1.0, 2.0, 7.0, 8.0, 9.0]);
    assert!(
        error(&ScatterNd, &[&x, &tensor(&[1, 1], &[1_i64]), &x]).contains("operand `updates` is f32[2,3]")
    );
    let empty = run(&Gather { axis: 1 }, &[&x, &tensor::<i64>(&[0], &[])]);
    check::<f32>(&empty, &[2, 0], &[]);
}

#[test]
fn reductions() {
    let x = iota(&[2, 3, 4]);
    let reduce = |kind, axes: &[usize], keep_dims| Reduce { kind, axes: axes.to_vec(), keep_dims };
    let sum = run(&reduce(ReduceKind::Sum, &[1], false), &[&x]);
    check(&sum, &[2, 4], &[12.0_f32, 15.0, 18.0, 21.0, 48.0, 51.0, 54.0, 57.0]);
    check(
        &run(&reduce(ReduceKind::Mean, &[2], true), &[&x]),
        &[2, 3, 1],
        &[1.5_f32, 5.5, 9.5, 13.5, 17.5, 21.5],
    );
    check(&run(&reduce(ReduceKind::Max, &[0, 2], false), &[&x]), &[3], &[15.0_f32, 19.0, 23.0]);
    check(&run(&reduce(ReduceKind::Min, &[0, 1, 2], false), &[&x]), &[], &[0.0_f32]);
    check(&run(&reduce(ReduceKind::Sum, &[], true), &[&iota(&[2])]), &[2], &[0.0_f32, 1.0]);
    let integers = tensor(&[2, 2], &[100_i8, 100, -3, 2]);
    check(&run(&reduce(ReduceKind::Sum, &[1], false), &[&integers]), &[2], &[-56_i8, -1]);
    check(&run(&reduce(ReduceKind::Product, &[1], false), &[&integers]), &[2], &[16_i8, -6]);
    check(&run(&reduce(ReduceKind::Mean, &[0], false), &[&tensor(&[2, 1], &[7_i64, -2])]), &[1], &[2_i64]);
    let truths = tensor(&[2, 2], &[true, false, true, true]);
    check(&run(&reduce(ReduceKind::Min, &[1], false), &[&truths]), &[2], &[false, true]);
    let none = tensor::<f32>(&[2, 0], &[]);
    check(&run(&reduce(ReduceKind::Sum, &[1], false), &[&none]), &[2], &[0.0_f32, 0.0]);
    check(&run(&reduce(ReduceKind::Product, &[1], false), &[&none]), &[2], &[1.0_f32, 1.0]);
    check(&run(&reduce(ReduceKind::Max, &[1], false), &[&none]), &[2], &[f32::NEG_INFINITY; 2]);
    let nan = tensor(&[3], &[1.0_f32, f32::NAN, 2.0]);
    check_near(&run(&reduce(ReduceKind::Max, &[0], false), &[&nan]), &[], &[f32::NAN]);
    // Sixteen partial sums and a tree: n (n - 1) / 2 is exact while below 2^24.
    let line = iota(&[1, 5000]);
    check(&run(&reduce(ReduceKind::Sum, &[1], false), &[&line]), &[1], &[12_497_500.0_f32]);
    assert!(error(&reduce(ReduceKind::Sum, &[1, 1], false), &[&x]).contains("axis 1 is named twice"));
    assert!(error(&reduce(ReduceKind::Sum, &[3], false), &[&x]).contains("has no axis 3"));
    assert!(error(&reduce(ReduceKind::Sum, &[0], false), &[&truths]).contains("needs a numeric type"));
}

#[test]
fn cumulative_sums() {
    let sum = |axis, exclusive, reverse| CumulativeSum { axis, exclusive, reverse };
    let x = tensor(&[2, 3], &[1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0]);
    check(&run(&sum(1, false, false), &[&x]), &[2, 3], &[1.0_f32, 3.0, 6.0, 4.0, 9.0, 15.0]);
    check(&run(&sum(1, true, false), &[&x]), &[2, 3], &[0.0_f32, 1.0, 3.0, 0.0, 4.0, 9.0]);
    check(&run(&sum(1, false, true), &[&x]), &[2, 3], &[6.0_f32, 5.0, 3.0, 15.0, 11.0, 6.0]);
    check(&run(&sum(1, true, true), &[&x]), &[2, 3], &[5.0_f32, 3.0, 0.0, 11.0, 6.0, 0.0]);
    check(&run(&sum(0, false, false), &[&x]), &[2, 3], &[1.0_f32, 2.0, 3.0, 5.0, 7.0, 9.0]);
    // An element's sum does not include what comes after it.
    let infinite = tensor(&[1, 3], &[1.0_f32, f32::INFINITY, -1.0]);
    check(&run(&sum(1, false, false), &[&infinite]), &[1, 3], &[1.0, f32::INFINITY, f32::INFINITY]);
    let bytes = tensor(&[3], &[100_i8, 100, 1]);
    check(&run(&sum(0, false, false), &[&bytes]), &[3], &[100_i8, -56, -55]);
    assert!(error(&sum(2, false, false), &[&x]).contains("axis"));
}

#[test]
fn indices_of_extremes_and_top_k() {
    let x = tensor(&[2, 3], &[1.0_f32, 3.0, 3.0, f32::NAN, 0.0, -1.0]);
    let arg_max = |last| ArgMax { axis: 1, keep_dims: false, last };
    check(&run(&arg_max(false), &[&x]), &[2], &[1_i64, 0]);
    check(&run(&arg_max(true), &[&x]), &[2], &[2_i64, 0]);
    check(&run(&ArgMin { axis: 1, keep_dims: true, last: false }, &[&x]), &[2, 1], &[0_i64, 0]);
    check(
        &run(&ArgMax { axis: 0, keep_dims: false, last: false }, &[&tensor(&[2, 2], &[1_i8, 5, 4, 5])]),
        &[2],
        &[1_i64, 0],
    );
    let top = TopK { k: 2, axis: 1, largest: true };
    let outputs = try_run(&top, &[&tensor(&[2, 4], &[1_i32, 9, 3, 9, -1, -5, 0, 2])]).unwrap();
    check(&outputs[0], &[2, 2], &[9_i32, 9, 2, 0]);
    check(&outputs[1], &[2, 2], &[1_i64, 3, 3, 2]);
    let bottom = TopK { k: 1, axis: 0, largest: false };
    let outputs = try_run(&bottom, &[&tensor(&[3, 2], &[3.0_f32, 1.0, 2.0, 5.0, 2.0, 0.5])]).unwrap();
    check(&outputs[0], &[1, 2], &[2.0_f32, 0.5]);
    check(&outputs[1], &[1, 2], &[1_i64, 2]);
    assert!(error(&TopK { k: 5, axis: 1, largest: true }, &[&x]).contains("fewer than k = 5"));
    assert!(error(&arg_max(false), &[&tensor::<f32>(&[2, 0], &[])]).contains("axis 1 is empty"));
}

#[test]
fn positions_and_guards_hold_for_the_sample_alone() {
    let x = tensor(&[2, 3], &[0.0_f32, 2.0, f32::NAN, -0.0, 0.0, -1.0]);
    check(&run(&NonZero { count: 3 }, &[&x]), &[2, 3], &[0_i64, 0, 1, 1, 2, 2]);
    check(&run(&NonZero { count: 1 }, &[&tensor(&[2], &[false, true])]), &[1, 1], &[1_i64]);
    assert!(
        error(&NonZero { count: 2 }, &[&x]).contains("3 elements are not zero, but shapes were made for 2")
    );
    assert!(error(&NonZero { count: 7 }, &[&x]).contains("at least count = 7 elements"));

    let guard = Guard { expected: vec![4, -1], name: "shape".to_owned() };
    check(&run(&guard, &[&tensor(&[2], &[5_u8, 6]), &tensor(&[2], &[4_i32, -1])]), &[2], &[5_u8, 6]);
    let found = error(&guard, &[&x, &tensor(&[2], &[4_i64, 1])]);
    assert!(found.contains("'shape' is [4, 1], but shapes were made for [4, -1]"), "{found}");
    assert!(error(&guard, &[&x, &tensor(&[1], &[4_i64])]).contains("must have 2 integers"));
    assert!(error(&guard, &[&x, &x]).contains("must have 2 integers"));
}

#[test]
fn resize_follows_each_coordinate_rule() {
    let x = tensor(&[1, 4], &[1.0_f32, 2.0, 3.0, 4.0]);
    let to = |mode, coordinates, rounding, width: usize| {
        Resize::to(mode, coordinates, rounding, &[1, 4], &[1, width])
    };
    let linear =
        |coordinates, width| run(&to(ResizeMode::Linear, coordinates, Rounding::Floor, width), &[&x]);
    // Half-pixel centres at -0.25, 0.25, 0.75, ...; the edge repeats.
    let half = [1.0, 1.25, 1.75, 2.25, 2.75, 3.25, 3.75, 4.0];
    check_near(&linear(Coordinates::HalfPixel, 8), &[1, 8], &half);
    check_near(&linear(Coordinates::Asymmetric, 8), &[1, 8], &[1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.0]);
    check_near(&linear(Coordinates::AlignCorners, 7), &[1, 7], &[1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0]);
    check_near(&linear(Coordinates::HalfPixel, 1), &[1, 1], &[2.5]);
    check_near(&linear(Coordinates::PytorchHalfPixel, 1), &[1, 1], &[1.0]);
    check_near(&linear(Coordinates::HalfPixel, 2), &[1, 2], &[1.5, 3.5]);
    let nearest =
        |rounding, width| run(&to(ResizeMode::Nearest, Coordinates::Asymmetric, rounding, width), &[&x]);
    check(&nearest(Rounding::Floor, 8), &[1, 8], &[1.0_f32, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]);
    check(&nearest(Rounding::Ceil, 8), &[1, 8], &[1.0_f32, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 4.0]);
    check(&nearest(Rounding::RoundPreferFloor, 8), &[1, 8], &[1.0_f32, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0]);
    check(&nearest(Rounding::RoundPreferCeil, 8), &[1, 8], &[1.0_f32, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0, 4.0]);
    let bytes = tensor(&[1, 2, 2, 1], &[1_i8, 2, 3, 4]);
    let both = Resize::to(
        ResizeMode::Nearest,
        Coordinates::Asymmetric,
        Rounding::Floor,
        &[1, 2, 2, 1],
        &[1, 4, 4, 1],
    );
    check(&run(&both, &[&bytes]), &[1, 4, 4, 1], &[1_i8, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]);
    let channels = tensor(&[1, 1, 2, 2], &[1_i8, 2, 3, 4]);
    let wide = Resize::to(
        ResizeMode::Nearest,
        Coordinates::Asymmetric,
        Rounding::Floor,
        &[1, 1, 2, 2],
        &[1, 1, 4, 2],
    );
    check(&run(&wide, &[&channels]), &[1, 1, 4, 2], &[1_i8, 2, 1, 2, 3, 4, 3, 4]);
    // Cubic convolution reproduces a straight line inside.
    let cubic = run(&to(ResizeMode::Cubic, Coordinates::AlignCorners, Rounding::Floor, 7), &[&x]);
    let values = cubic.to_vec::<f32>().unwrap();
    assert!((values[3] - 2.5).abs() < 1e-6 && values[0] == 1.0 && values[6] == 4.0);
    assert!(
        error(&to(ResizeMode::Linear, Coordinates::HalfPixel, Rounding::Floor, 2), &[&x.cast(DType::I8)])
            .contains("must have a floating-point type")
    );
}
