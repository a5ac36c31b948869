//! Channels of different ranges, in f32 and in int8: each keeps steps of its own where weights or the host undo them.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use ediacara_graph::{Graph, Registry, Tensor};
use ediacara_host::Executor;
use ediacara_optimiser::{Calibration, Quantised, quantise};

/// How many rows and channels the values have.
const ROWS: usize = 16;
const CHANNELS: usize = 40;

/// `count` numbers between -1 and 1, all different for a while.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|index| ((index * 37 + seed * 11) % 101) as f32 / 50.0 - 1.0).collect()
}

fn list(numbers: &[f32]) -> String {
    numbers.iter().map(|number| format!("{number:?}")).collect::<Vec<_>>().join(", ")
}

/// The largest difference between a graph in f32 and in int8, on the sample that it is calibrated on, for each number of
/// the last axis; and the int8 graph.
fn errors(text: &str, width: usize) -> (Vec<f32>, Quantised) {
    let graph = Graph::parse(text, &Registry::core(), &|_| None).unwrap();
    let ty = graph.ty(graph.inputs()[0]);
    let sample = [Tensor::from_vec(&ty.shape, numbers(ty.elements(), 0)).unwrap()];
    let quantised = quantise(&graph, &Calibration::collect(&graph, [sample.to_vec()]).unwrap()).unwrap();
    let run = |graph: &Graph| {
        let executor = Executor::new(graph, &ediacara_host::Options::default()).unwrap();
        executor.run(&sample).unwrap()[0].to_vec::<f32>().unwrap()
    };
    let mut errors = vec![0.0_f32; width];
    for (index, (wanted, found)) in run(&graph).into_iter().zip(run(&quantised.graph)).enumerate() {
        errors[index % width] = errors[index % width].max((wanted - found).abs());
    }
    (errors, quantised)
}

/// The weights `[CHANNELS, CHANNELS]` of a product, of which a function says by what an entry is multiplied.
fn weights(factor: impl Fn(usize, usize) -> f32) -> String {
    let factors = (0..CHANNELS * CHANNELS).map(|at| factor(at / CHANNELS, at % CHANNELS));
    list(
        &numbers(CHANNELS * CHANNELS, 3)
            .iter()
            .zip(factors)
            .map(|(weight, factor)| weight * factor)
            .collect::<Vec<_>>(),
    )
}

/// The host takes the largest of each output, of which the first is a hundred times as wide as the others: ±1,300 and
/// ±13.
#[test]
fn an_output_that_is_wide_leaves_the_others_their_steps() {
    let weights = weights(|_, output| if output == 0 { 100.0 } else { 1.0 });
    let text = format!(
        r#"graph "wide" {{
  input %x: f32[1,{ROWS},{CHANNELS}]
  constant %w: f32[{CHANNELS},{CHANNELS}] = [{weights}]
  %p: f32[1,{ROWS},{CHANNELS}] = matmul(%x, %w)
  %y: f32[1,{CHANNELS}] = reduce(%p) {{kind = max, axes = [1], keep_dims = false}}
  output %y
}}
"#
    );
    let (errors, quantised) = errors(&text, CHANNELS);
    let left: Vec<&str> = quantised.left.iter().map(|left| left.op.as_str()).collect();
    assert_eq!(left, ["reduce"]);
    // One scale for all would have steps of 10. Twice the range of the others has steps of 0.2; the rounding of forty
    // inputs and weights adds a tenth.
    let largest = errors[1..].iter().copied().fold(0.0, f32::max);
    assert!(largest < 0.3, "{largest}: {errors:?}");
    assert!(errors[0] < 15.0, "{errors:?}");
}

/// The first of the terms, which the host computes, is a hundred times as wide as the others, and weighs a hundredth.
#[test]
fn a_term_that_is_wide_leaves_the_others_their_steps() {
    let weights = weights(|term, _| if term == 0 { 0.01 } else { 1.0 });
    let factors = list(&(0..CHANNELS).map(|term| if term == 0 { 100.0 } else { 1.0 }).collect::<Vec<f32>>());
    let text = format!(
        r#"graph "terms" {{
  input %x: f32[1,{ROWS},{CHANNELS}]
  constant %k: f32[{CHANNELS}] = [{factors}]
  constant %w: f32[{CHANNELS},{CHANNELS}] = [{weights}]
  %m: f32[1,{ROWS},1] = reduce(%x) {{kind = mean, axes = [2], keep_dims = true}}
  %c: f32[1,{ROWS},{CHANNELS}] = sub(%x, %m)
  %h: f32[1,{ROWS},{CHANNELS}] = mul(%c, %k)
  %y: f32[1,{ROWS},{CHANNELS}] = matmul(%h, %w)
  output %y
}}
"#
    );
    let (errors, quantised) = errors(&text, CHANNELS);
    let left: Vec<&str> = quantised.left.iter().map(|left| left.op.as_str()).collect();
    assert_eq!(left, ["reduce", "sub", "mul"]);
    // One scale for all would round the other 39 terms in steps of 0.8, so that an output would be off by 0.8 on
    // average and by 2.5 at times. Each term in its own steps leaves those of the results, which span ±13 with a margin
    // of a half.
    let largest = errors.iter().copied().fold(0.0, f32::max);
    assert!(largest < 0.3, "{largest}: {errors:?}");
}

/// A leaky relu keeps what is divided: two channels of ±1 and ±0.01, which weigh as much behind it.
#[test]
fn factors_go_through_what_is_linear_on_each_side_of_zero() {
    let text = r#"graph "leaky" {
  input %x: f32[1,1,8,8]
  constant %w: f32[2,1,1,1] = [1.0, 0.01]
  constant %v: f32[1,2,1,1] = [0.001, 10.0]
  constant %tenth: f32[] = [0.1]
  %h: f32[1,2,8,8] = conv(%x, %w) {stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1, activation = none}
  %t: f32[1,2,8,8] = mul(%h, %tenth)
  %l: f32[1,2,8,8] = max(%h, %t)
  %y: f32[1,1,8,8] = conv(%l, %v) {stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1, activation = none}
  output %y
}
"#;
    let (errors, quantised) = errors(text, 1);
    assert!(quantised.left.is_empty(), "{:?}", quantised.left);
    // The second channel makes nearly all of the result, which is 0.1 at most. In steps of 1/128 it would be off by 0.04.
    // A factor is a sixteenth at least, so that two roundings there are worth 0.002 each.
    assert!(errors[0] < 0.005, "{errors:?}");
}
