//! A small QDQ graph against the arithmetic of the ONNX specification, written out here in exact integers.
//!
//! The specification computes in real numbers between the marks:
//! `y = saturate(round_half_even(real / y_scale) + y_zero)`. Every scale below is `odd / 2^k`, chosen so that
//! `real / y_scale` is an integer over an odd number. So the f32 scales are exact. No quotient lies on a
//! half, where the specification (to even) and docs/numerics.md (up) differ. So the integers must agree
//! without any tolerance. The network's own output is never compared with itself.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use ediacara_graph::{Graph, Registry, Tensor};
use ediacara_host::Executor;
use ediacara_optimiser::{Options, import_qdq, optimise};

/// conv 3x3 (uint8, zero point 131, a scale for each channel, int32 bias) and relu; the residual add; average
/// pool 2x2; flatten; gemm.
///
/// Its outputs are the real forms of all four stored results.
const GRAPH: &str = r#"graph "qdq" {
  input %x: f32[1,2,4,4]
  constant %xs: f32[] = [0.03125]
  constant %xz: u8[] = [117]
  constant %ws: f32[2] = [0.015625, 0.03125]
  constant %wz: u8[2] = [131, 131]
  constant %bs: f32[2] = [0.00048828125, 0.0009765625]
  constant %bz: i32[2] = [0, 0]
  constant %cs: f32[] = [0.02294921875]
  constant %cz: u8[] = [3]
  constant %as: f32[] = [0.06298828125]
  constant %az: u8[] = [101]
  constant %ps: f32[] = [0.0787353515625]
  constant %pz: u8[] = [130]
  constant %gs: f32[] = [0.0625]
  constant %gz: u8[] = [128]
  constant %os: f32[] = [0.16239166259765625]
  constant %oz: u8[] = [140]
  constant %w: u8[2,2,3,3] = WEIGHTS
  constant %b: i32[2] = [300, -150]
  constant %g: u8[3,8] = MATRIX
  constant %gb: f32[3] = [0.0, 0.0, 0.0]
  %xq: u8[1,2,4,4] = quantize_linear(%x, %xs, %xz) {axis = 0}
  %xr: f32[1,2,4,4] = dequantize_linear(%xq, %xs, %xz) {axis = 0}
  %wr: f32[2,2,3,3] = dequantize_linear(%w, %ws, %wz) {axis = 0}
  %br: f32[2] = dequantize_linear(%b, %bs, %bz) {axis = 0}
  %c: f32[1,2,4,4] = conv(%xr, %wr, %br) {stride = [1, 1], padding = [1, 1, 1, 1], dilation = [1, 1], groups = 1, activation = none}
  %r: f32[1,2,4,4] = relu(%c)
  %cq: u8[1,2,4,4] = quantize_linear(%r, %cs, %cz) {axis = 0}
  %cr: f32[1,2,4,4] = dequantize_linear(%cq, %cs, %cz) {axis = 0}
  %a: f32[1,2,4,4] = add(%cr, %xr)
  %aq: u8[1,2,4,4] = quantize_linear(%a, %as, %az) {axis = 0}
  %ar: f32[1,2,4,4] = dequantize_linear(%aq, %as, %az) {axis = 0}
  %p: f32[1,2,2,2] = pool(%ar) {kind = average, kernel = [2, 2], stride = [2, 2], padding = [0, 0, 0, 0], dilation = [1, 1], output = [2, 2], count_include_pad = false}
  %pq: u8[1,2,2,2] = quantize_linear(%p, %ps, %pz) {axis = 0}
  %pr: f32[1,2,2,2] = dequantize_linear(%pq, %ps, %pz) {axis = 0}
  %f: f32[1,8] = reshape(%pr) {shape = [1, 8]}
  %gr: f32[3,8] = dequantize_linear(%g, %gs, %gz) {axis = 0}
  %o: f32[1,3] = gemm(%f, %gr, %gb) {activation = none}
  %oq: u8[1,3] = quantize_linear(%o, %os, %oz) {axis = 0}
  %or: f32[1,3] = dequantize_linear(%oq, %os, %oz) {axis = 0}
  output %cr
  output %ar
  output %pr
  output %or
}
"#;

/// Stored results of the four stages, as unsigned integers.
type Stages = [Vec<i64>; 4];

/// `saturate(round(numerator / denominator) + zero)` to unsigned 8 bits, with an odd denominator.
fn saturate(numerator: i64, denominator: i64, zero: i64) -> i64 {
    assert!(denominator % 2 == 1, "an even denominator could meet a half");
    ((2 * numerator + denominator).div_euclid(2 * denominator) + zero).clamp(0, 255)
}

/// Unsigned integers from a linear congruence, without a pattern that could hide a mistake in an index.
fn numbers(count: usize, seed: u64) -> Vec<i64> {
    let step = |state: &mut u64| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some((*state >> 56) as i64)
    };
    std::iter::successors(Some(seed), |&state| Some(state))
        .scan(seed, |state, _| step(state))
        .take(count)
        .collect()
}

/// The specification's results for stored inputs `x`[2,4,4], in units that make every real number an integer.
fn specified(x: &[i64], w: &[i64], g: &[i64]) -> Stages {
    let at = |channel: usize, row: usize, column: usize| (channel * 4 + row) * 4 + column;
    let mut conv = vec![0; 32];
    for (index, out) in conv.iter_mut().enumerate() {
        let (output, row, column) = (index / 16, index / 4 % 4, index % 4);
        // In units of x_scale * w_scale: 1/2048 for channel 0, 2/2048 for channel 1.
        let mut sum = [300, -150][output];
        for channel in 0..2 {
            for tap in 0..9 {
                let (from_row, from_column) = (row + tap / 3, column + tap % 3);
                if (1..5).contains(&from_row) && (1..5).contains(&from_column) {
                    let weight = w[(output * 2 + channel) * 9 + tap] - 131;
                    sum += weight * (x[at(channel, from_row - 1, from_column - 1)] - 117);
                }
            }
        }
        // The scale of the result is 47/2048.
        *out = saturate(sum.max(0) * [1, 2][output], 47, 3);
    }
    // The operands' scales are 47/2048 and 1/32 = 64/2048, the result's is 129/2048.
    let sums: Vec<i64> =
        conv.iter().zip(x).map(|(c, x)| saturate(47 * (c - 3) + 64 * (x - 117), 129, 101)).collect();
    let mut pooled = vec![0; 8];
    for (index, out) in pooled.iter_mut().enumerate() {
        let (channel, row, column) = (index / 4, index / 2 % 2 * 2, index % 2 * 2);
        let window = [at(channel, row, column), at(channel, row, column + 1), at(channel, row + 1, column)];
        let sum: i64 =
            window.iter().chain([&at(channel, row + 1, column + 1)]).map(|&at| sums[at] - 101).sum();
        // A quarter of the operand's scale is 129/8192, the result's scale is 645/8192.
        *out = saturate(sum, 5, 130);
    }
    // The result's scale is 33 times 645/8192 * 1/16.
    let row = |row: &[i64]| -> i64 { row.iter().zip(&pooled).map(|(g, p)| (g - 128) * (p - 130)).sum() };
    let product = g.chunks(8).map(|weights| saturate(row(weights), 33, 140)).collect();
    [conv, sums, pooled, product]
}

fn text(numbers: &[i64]) -> String {
    format!("{numbers:?}")
}

/// The values that the graph stores, found from its real outputs.
fn stored(graph: &Graph, x: &[i64]) -> Stages {
    let reals = x.iter().map(|&x| (x - 117) as f32 / 32.0).collect::<Vec<f32>>();
    let input = Tensor::from_vec(&[1, 2, 4, 4], reals).unwrap();
    let outputs = Executor::new(graph, &ediacara_host::Options::default()).unwrap().run(&[input]).unwrap();
    let scales =
        [(47.0 / 2048.0, 3), (129.0 / 2048.0, 101), (645.0 / 8192.0, 130), (21285.0 / 131_072.0, 140)];
    let stage = |index: usize| -> Vec<i64> {
        let (scale, zero): (f64, i64) = scales[index];
        let integer = |real: f32| {
            let steps = f64::from(real) / scale;
            assert_eq!(steps, steps.round(), "{real} is no multiple of {scale}");
            steps as i64 + zero
        };
        outputs[index].to_vec::<f32>().unwrap().into_iter().map(integer).collect()
    };
    [stage(0), stage(1), stage(2), stage(3)]
}

#[test]
fn integers_are_those_of_the_specification() {
    let weights: Vec<i64> = numbers(36, 1).into_iter().map(|number| 131 + (number - 128) / 8).collect();
    let matrix: Vec<i64> = numbers(24, 2).into_iter().map(|number| 128 + (number - 128) / 3).collect();
    let graph = GRAPH.replace("WEIGHTS", &text(&weights)).replace("MATRIX", &text(&matrix));
    let graph = Graph::parse(&graph, &Registry::core(), &|_| None).unwrap();
    let optimised = optimise(graph.clone(), &Options::default()).unwrap();
    let int8 = [&graph, &optimised].map(|graph| import_qdq(graph, None).unwrap());
    for quantised in &int8 {
        assert!(quantised.left.is_empty(), "{:?}", quantised.left);
    }
    let mut met = std::collections::BTreeSet::new();
    for seed in 3..35 {
        let x = numbers(32, seed);
        let wanted = specified(&x, &weights, &matrix);
        for quantised in &int8 {
            assert_eq!(stored(&quantised.graph, &x), wanted, "inputs of seed {seed}");
        }
        met.extend(
            wanted
                .into_iter()
                .enumerate()
                .flat_map(|(stage, all)| all.into_iter().map(move |one| (stage, one))),
        );
    }
    // If the test only met saturated values, it would prove nothing about the arithmetic.
    let inner = |stage: usize| met.range((stage, 1)..(stage, 255)).count();
    assert!((0..4).all(|stage| inner(stage) >= 30), "{:?}", [inner(0), inner(1), inner(2), inner(3)]);
}

/// A node that reads stored integers reads them as they are, not the numbers that they stand for.
#[test]
fn a_cast_of_stored_integers_gives_the_integers() {
    // The weight is 1: the sums are the input, in steps of 1/2 with zero point 3.
    let text = r#"graph "codes" {
  input %x: f32[1,1,1,4]
  constant %s: f32[] = [0.5]
  constant %z: u8[] = [3]
  constant %w: u8[1,1,1,1] = [2]
  constant %ws: f32[] = [0.5]
  constant %wz: u8[] = [0]
  %xq: u8[1,1,1,4] = quantize_linear(%x, %s, %z) {axis = 0}
  %xr: f32[1,1,1,4] = dequantize_linear(%xq, %s, %z) {axis = 0}
  %wr: f32[1,1,1,1] = dequantize_linear(%w, %ws, %wz) {axis = 0}
  %c: f32[1,1,1,4] = conv(%xr, %wr) {stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1, activation = none}
  %cq: u8[1,1,1,4] = quantize_linear(%c, %s, %z) {axis = 0}
  %codes: f32[1,1,1,4] = cast(%cq) {to = f32}
  %y: f32[1,1,1,4] = exp(%codes)
  output %codes
  output %y
}
"#;
    let graph = Graph::parse(text, &Registry::core(), &|_| None).unwrap();
    let graph = optimise(graph, &Options::default()).unwrap();
    let quantised = import_qdq(&graph, None).unwrap();
    let x = Tensor::from_vec(&[1, 1, 1, 4], vec![-1.5f32, 0.0, 0.5, 2.0]).unwrap();
    let found =
        Executor::new(&quantised.graph, &ediacara_host::Options::default()).unwrap().run(&[x]).unwrap();
    assert_eq!(found[0].to_vec::<f32>().unwrap(), [0.0, 3.0, 4.0, 7.0]);
    let powers: Vec<f32> = [0.0f32, 3.0, 4.0, 7.0].map(f32::exp).to_vec();
    assert_eq!(found[1].to_vec::<f32>().unwrap(), powers);
}

/// A concat without marks holds all that its operands hold.
#[test]
fn a_concat_without_marks_does_not_clip() {
    let text = r#"graph "joined" {
  input %x: f32[1,1,1,4]
  input %y: f32[1,1,1,4]
  constant %xs: f32[] = [0.5]
  constant %ys: f32[] = [4.0]
  constant %z: i8[] = [0]
  %xq: i8[1,1,1,4] = quantize_linear(%x, %xs, %z) {axis = 0}
  %xr: f32[1,1,1,4] = dequantize_linear(%xq, %xs, %z) {axis = 0}
  %yq: i8[1,1,1,4] = quantize_linear(%y, %ys, %z) {axis = 0}
  %yr: f32[1,1,1,4] = dequantize_linear(%yq, %ys, %z) {axis = 0}
  %c: f32[1,1,2,4] = concat(%xr, %yr) {axis = 2}
  output %c
}
"#;
    let graph = Graph::parse(text, &Registry::core(), &|_| None).unwrap();
    let graph = optimise(graph, &Options::default()).unwrap();
    let quantised = import_qdq(&graph, None).unwrap();
    let [x, y] = [[-1.5f32, 0.0, 0.5, 60.0], [-400.0, 0.0, 100.0, 504.0]];
    let inputs = [x, y].map(|numbers| Tensor::from_vec(&[1, 1, 1, 4], numbers.to_vec()).unwrap());
    let found =
        Executor::new(&quantised.graph, &ediacara_host::Options::default()).unwrap().run(&inputs).unwrap();
    // The scale of the result is near 4, whichever number of steps it has: half of it is the most that is lost.
    for (found, expected) in found[0].to_vec::<f32>().unwrap().into_iter().zip([x, y].concat()) {
        assert!((found - expected).abs() <= 2.1, "{found}, not {expected}");
    }
}
