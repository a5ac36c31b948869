//! The table of checks: applications of random shape for every differentiable operator.
//!
//! Their operands keep away from kinks.

use std::sync::Arc;

use ediacara_graph::ops::*;
use ediacara_graph::{DType, Op, Tensor, TensorType};

use crate::common::Random;

/// An operand of a check.
pub(crate) enum Operand {
    /// An operand that is differentiated by, with values between two bounds.
    Real(Vec<usize>, f64, f64),
    /// An operand that is given.
    Fixed(Tensor),
}

/// An operator and its operands.
pub(crate) struct Case {
    pub(crate) op: Arc<dyn Op>,
    pub(crate) operands: Vec<Operand>,
}

/// Core operators without a check, and why.
pub(crate) const UNCHECKED: &[(&str, &str)] = &[
    ("and", "the result is bool"),
    ("arg_max", "the result is an index"),
    ("arg_min", "the result is an index"),
    ("dequantize_linear", "the operand is an integer"),
    ("equal", "the result is bool"),
    ("greater", "the result is bool"),
    ("greater_equal", "the result is bool"),
    ("less", "the result is bool"),
    ("less_equal", "the result is bool"),
    ("max_pool_indices", "the result is an index"),
    ("non_zero", "the result is an index"),
    ("not", "the result is bool"),
    ("or", "the result is bool"),
    ("f_conv", "an instruction of the DLP"),
    ("f_matmul", "an instruction of the DLP"),
    ("f_row", "an instruction of the DLP"),
    ("f_scale", "an instruction of the DLP"),
    ("f_window", "instructions of the DLP"),
    ("q_add", "quantised"),
    ("q_conv", "quantised"),
    ("q_matmul", "quantised"),
    ("q_matmul_real", "quantised"),
    ("q_maximum", "quantised"),
    ("q_multiply", "quantised"),
    ("q_pool", "quantised"),
    ("q_table", "quantised"),
    ("quantize_linear", "the result is an integer"),
    ("recur", "it is differentiated once unrolled"),
    ("stop_gradient", "its gradient is nothing whatever the differences are; checked apart"),
    ("xor", "the result is bool"),
    ("tensor_scatter", "a cache of decoding, which is not trained"),
];

fn real(shape: &[usize]) -> Operand {
    Operand::Real(shape.to_vec(), -1.0, 1.0)
}

fn within(shape: &[usize], low: f64, high: f64) -> Operand {
    Operand::Real(shape.to_vec(), low, high)
}

fn indices(random: &mut Random, shape: &[usize], size: usize) -> Operand {
    let count: usize = shape.iter().product();
    // Negative indices count from the end.
    let values = (0..count).map(|_| random.below(2 * size) as i64 - size as i64).collect();
    Operand::Fixed(Tensor::from_vec(shape, values).unwrap())
}

fn case(op: impl Op, operands: Vec<Operand>) -> Case {
    Case { op: Arc::new(op), operands }
}

/// Two shapes that broadcast together.
fn broadcasting(random: &mut Random) -> [Vec<usize>; 2] {
    let (a, b, c) = (random.between(1, 3), random.between(2, 4), random.between(1, 4));
    match random.below(5) {
        0 => [vec![a, b, c], vec![b, 1]],
        1 => [vec![1, c], vec![a, b, c]],
        2 => [vec![a, 1, c], vec![a, b, 1]],
        3 => [vec![b, c], vec![]],
        _ => [vec![a, b], vec![a, b]],
    }
}

/// Every check, of shapes that depend on the seed.
pub(crate) fn cases(random: &mut Random) -> Vec<Case> {
    let mut cases = elementwise(random);
    cases.extend(reductions(random));
    cases.extend(products(random));
    cases.extend(windows(random));
    cases.extend(movement(random));
    cases.extend(picks(random));
    cases
}

fn elementwise(random: &mut Random) -> Vec<Case> {
    let shape = [random.between(1, 3), random.between(2, 4)];
    let any = || vec![real(&shape)];
    let positive = || vec![within(&shape, 0.3, 2.0)];
    let mut cases = vec![
        case(Abs, any()),
        case(Barrier, any()),
        case(Ceil, any()),
        case(Cos, any()),
        case(Erf, any()),
        case(Exp, any()),
        case(Floor, any()),
        case(Log, positive()),
        case(Neg, any()),
        case(Reciprocal, positive()),
        case(Relu, any()),
        case(Round, any()),
        case(Sigmoid, vec![within(&shape, -4.0, 4.0)]),
        case(Sign, any()),
        case(Sin, any()),
        case(Softplus, vec![within(&shape, -4.0, 4.0)]),
        case(Sqrt, positive()),
        case(Tan, any()),
        case(Tanh, any()),
        case(Cast { to: DType::F64 }, any()),
        case(Clamp { low: -0.51, high: 0.27 }, any()),
        case(Clamp { low: f64::NEG_INFINITY, high: 0.0 }, any()),
    ];
    let pair = |random: &mut Random, low: f64, high: f64| {
        let [x, y] = broadcasting(random);
        vec![within(&x, low, high), within(&y, low, high)]
    };
    cases.push(case(Add, pair(random, -1.0, 1.0)));
    cases.push(case(Sub, pair(random, -1.0, 1.0)));
    cases.push(case(Mul, pair(random, -1.0, 1.0)));
    cases.push(case(Div, pair(random, 0.5, 2.0)));
    cases.push(case(Max, pair(random, -1.0, 1.0)));
    cases.push(case(Min, pair(random, -1.0, 1.0)));
    cases.push(case(Pow, pair(random, 0.5, 2.0)));
    for truncated in [false, true] {
        let [x, y] = broadcasting(random);
        cases.push(case(Modulo { truncated }, vec![within(&x, -3.0, 3.0), within(&y, 0.8, 1.2)]));
    }
    let condition = Tensor::from_vec(&[1, 4], vec![true, false, false, true]).unwrap();
    cases.push(case(Select, vec![Operand::Fixed(condition), real(&[3, 1]), real(&[2, 1, 4])]));
    cases
}

fn reductions(random: &mut Random) -> Vec<Case> {
    let shape = [random.between(1, 3), random.between(2, 3), random.between(2, 3)];
    let kinds = [ReduceKind::Sum, ReduceKind::Mean, ReduceKind::Max, ReduceKind::Min, ReduceKind::Product];
    let mut cases = Vec::new();
    for kind in kinds {
        for axes in [vec![], vec![1], vec![2, 0], vec![0, 1, 2]] {
            cases.push(case(Reduce { kind, axes, keep_dims: random.coin() }, vec![real(&shape)]));
        }
    }
    for axis in 0..3 {
        cases.push(case(Softmax { axis }, vec![within(&shape, -3.0, 3.0)]));
        cases.push(case(LogSoftmax { axis }, vec![within(&shape, -3.0, 3.0)]));
        let sum = CumulativeSum { axis, exclusive: random.coin(), reverse: random.coin() };
        cases.push(case(sum, vec![real(&shape)]));
    }
    let size = random.between(1, 4);
    let lrn = Lrn { size, alpha: 0.7, beta: 0.75, bias: 1.3 };
    cases.push(case(lrn, vec![real(&[2, random.between(2, 5), 2, 1])]));
    cases
}

fn products(random: &mut Random) -> Vec<Case> {
    let (m, k, n) = (random.between(1, 3), random.between(1, 4), random.between(1, 3));
    let shapes: [[&[usize]; 2]; 8] = [
        [&[m, k], &[k, n]],
        [&[2, m, k], &[k, n]],
        [&[2, 3, m, k], &[3, k, n]],
        [&[m, k], &[2, k, n]],
        [&[2, 1, m, k], &[1, 3, k, n]],
        [&[k], &[2, k, n]],
        [&[2, m, k], &[k]],
        [&[k], &[k]],
    ];
    let mut cases: Vec<Case> = shapes.iter().map(|[x, y]| case(MatMul, vec![real(x), real(y)])).collect();
    for activation in [Activation::None, Activation::Relu, Activation::Clamp { low: -0.3, high: 0.4 }] {
        cases.push(case(Gemm { activation }, vec![real(&[m, k]), real(&[n, k]), real(&[n])]));
        cases.push(case(Gemm { activation }, vec![real(&[m, k]), real(&[n, k])]));
    }
    cases
}

fn windows(random: &mut Random) -> Vec<Case> {
    let mut cases = Vec::new();
    for round in 0..6 {
        let (groups, kernel) = (random.between(1, 2), [random.between(1, 3), random.between(1, 3)]);
        let channels = groups * random.between(1, 2);
        let outputs = groups * random.between(1, 2);
        let stride = [random.between(1, 3), random.between(1, 2)];
        let dilation = [random.between(1, 2), random.between(1, 2)];
        let padding = [0; 4].map(|_| random.below(3));
        let activation = if round == 0 { Activation::Relu } else { Activation::None };
        let x = [random.between(1, 2), channels, random.between(5, 7), random.between(5, 6)];
        let w = [outputs, channels / groups, kernel[0], kernel[1]];
        let conv = Conv { stride, padding, dilation, groups, activation };
        cases.push(case(conv.clone(), vec![real(&x), real(&w), real(&[outputs])]));
        cases.push(case(conv.clone(), vec![real(&x), real(&w)]));
        let y = conv.infer(&[&TensorType::new(DType::F64, &x), &TensorType::new(DType::F64, &w)]).unwrap();
        let filter = ConvFilterGradient { kernel, stride, padding, dilation, groups };
        cases.push(case(filter, vec![real(&x), real(&y[0].shape)]));
        let small = [random.between(1, 2), channels, random.between(2, 3), random.between(2, 4)];
        let w = [channels, outputs / groups, kernel[0] + 1, kernel[1] + 1];
        // Padding is less than what a window spans, and the output's padding may be beyond the stride.
        let padding = [0; 4].map(|_| random.below(2));
        let output_padding = [random.below(4), random.below(3)];
        let transpose = ConvTranspose { stride, padding, dilation, output_padding, groups, activation };
        cases.push(case(transpose, vec![real(&small), real(&w), real(&[outputs])]));
        cases.extend(pools(random, stride, dilation));
    }
    cases
}

fn pools(random: &mut Random, stride: [usize; 2], dilation: [usize; 2]) -> Vec<Case> {
    let x = [random.between(1, 2), 2, random.between(5, 6), random.between(5, 7)];
    let kernel = [random.between(2, 3), random.between(2, 3)];
    let padding = [0; 4].map(|_| random.below(2));
    let window = Pool {
        kind: PoolKind::Max,
        kernel,
        stride,
        padding,
        dilation,
        output: [1; 2],
        count_include_pad: random.coin(),
    };
    let mut output = window.window().output([x[2], x[3]]).unwrap();
    // Some sizes are rounded up, where the last window still starts inside the input.
    for axis in 0..2 {
        if random.coin() && output[axis] * stride[axis] < x[axis + 2] + padding[axis] {
            output[axis] += 1;
        }
    }
    let global =
        Pool { kernel: [x[2], x[3]], padding: [0; 4], dilation: [1; 2], output: [1; 2], ..window.clone() };
    let both = |pool: &Pool| {
        [PoolKind::Max, PoolKind::Average].map(|kind| case(Pool { kind, ..pool.clone() }, vec![real(&x)]))
    };
    let mut cases: Vec<Case> = both(&Pool { output, ..window.clone() }).into();
    cases.extend(both(&global));
    cases
}

fn movement(random: &mut Random) -> Vec<Case> {
    let (a, b, c) = (random.between(2, 3), random.between(3, 4), random.between(2, 4));
    let shape = [a, b, c];
    let x = || vec![real(&shape)];
    let whole = Slice::all(&shape);
    let reversed =
        Slice { starts: vec![a as i64 - 1, 0, 1], ends: vec![-1, b as i64, c as i64], steps: vec![-1, 2, 1] };
    let pad = |mode, before, after| Pad { before, after, mode, value: 0.5 };
    let resize = |mode, coordinates, shape: &[usize]| {
        Resize::to(mode, coordinates, Rounding::RoundPreferFloor, &[a, b, c], shape)
    };
    vec![
        case(Reshape { shape: vec![c, a * b] }, x()),
        case(Broadcast { shape: vec![2, a, b, c] }, vec![real(&[a, 1, c])]),
        case(Transpose { permutation: vec![2, 0, 1] }, x()),
        case(Slice { starts: vec![0, 1, 1], ..whole }, x()),
        case(reversed, x()),
        case(
            SliceScatter {
                starts: vec![a as i64, 0, 2],
                steps: vec![-1, 3, 1],
                shape: vec![a + 1, 3 * b, c + 2],
            },
            x(),
        ),
        case(pad(PadMode::Constant, vec![1, 0, 2], vec![0, 3, 1]), x()),
        case(pad(PadMode::Edge, vec![1, 0, 2], vec![0, 3, 1]), x()),
        case(pad(PadMode::Reflect, vec![1, 2, 0], vec![0, 2, 1]), x()),
        case(Concat { axis: 1 }, vec![real(&[a, 2, c]), real(&[a, b, c]), real(&[a, 1, c])]),
        case(resize(ResizeMode::Nearest, Coordinates::Asymmetric, &[a, 2 * b, c + 1]), x()),
        case(resize(ResizeMode::Linear, Coordinates::HalfPixel, &[a, b + 2, 2 * c]), x()),
        case(resize(ResizeMode::Cubic, Coordinates::AlignCorners, &[2 * a, b, c + 1]), x()),
    ]
}

fn picks(random: &mut Random) -> Vec<Case> {
    let (a, b, c) = (random.between(2, 3), random.between(2, 4), random.between(1, 3));
    let shape = [a, b, c];
    let repeated = Tensor::from_vec(&[3, 1], vec![1_i64, 0, -1 - (a as i64 - 2)]).unwrap();
    let pairs = Tensor::from_vec(&[2, 2], vec![0_i32, 1, -1, 0]).unwrap();
    vec![
        case(Gather { axis: 1 }, vec![real(&shape), indices(random, &[2, 3], b)]),
        case(Gather { axis: 0 }, vec![real(&shape), indices(random, &[], a)]),
        case(GatherElements { axis: 1 }, vec![real(&shape), indices(random, &[a, 5, c], b)]),
        case(ScatterElements { axis: 1, size: 4 }, vec![indices(random, &shape, 4), real(&shape)]),
        case(IndexAdd { axis: 1, size: 3 }, vec![indices(random, &[b], 3), real(&shape)]),
        case(GatherNd { batch_dims: 0 }, vec![real(&shape), Operand::Fixed(pairs.clone())]),
        case(GatherNd { batch_dims: 1 }, vec![real(&shape), indices(random, &[a, 4, 1], b)]),
        // Rows 0 and 2 of these indices are equal.
        case(ScatterNd, vec![real(&shape), Operand::Fixed(repeated), real(&[3, b, c])]),
        case(ScatterNd, vec![real(&shape), Operand::Fixed(pairs), real(&[2, c])]),
        case(
            Guard { expected: vec![3], name: "extent".to_owned() },
            vec![real(&shape), Operand::Fixed(Tensor::scalar(3_i64))],
        ),
        case(TopK { k: random.between(1, b), axis: 1, largest: random.coin() }, vec![real(&shape)]),
    ]
}
