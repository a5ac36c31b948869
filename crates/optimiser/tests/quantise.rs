//! Quantised small graphs against themselves in f32.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use ediacara_graph::{Graph, Registry, Tensor};
use ediacara_host::Executor;
use ediacara_optimiser::{Calibration, quantise};

/// Two channels far to either side of zero, and a convolution that adds them up.
const GRAPH: &str = r#"graph "shift" {
  input %x: f32[1,1,4,4]
  constant %w: f32[2,1,1,1] = [1.0, 1.0]
  constant %b: f32[2] = [100.0, -100.0]
  constant %v: f32[1,2,KERNEL] = WEIGHTS
  constant %c: f32[1] = [BIAS]
  %h: f32[1,2,4,4] = conv(%x, %w, %b) {stride = [1, 1], padding = [0, 0, 0, 0], dilation = [1, 1], groups = 1, activation = none}
  %y: f32[1,1,4,4] = conv(%h, %v, %c) {stride = [1, 1], padding = PADDING, dilation = [1, 1], groups = 1, activation = none}
  output %y
}
"#;

/// The largest difference between the graph in f32 and in int8, on the sample that it is calibrated on.
fn largest_error(graph: &str) -> f32 {
    let graph = Graph::parse(graph, &Registry::core(), &|_| None).unwrap();
    let numbers: Vec<f32> = (0..16_u8).map(|index| f32::from(index * 7 % 16) / 7.5 - 1.0).collect();
    let sample = [Tensor::from_vec(&[1, 1, 4, 4], numbers).unwrap()];
    let calibration = Calibration::collect(&graph, [sample.to_vec()]).unwrap();
    let quantised = quantise(&graph, &calibration).unwrap();
    assert!(quantised.left.is_empty(), "{:?}", quantised.left);
    let run = |graph: &Graph| {
        let executor = Executor::new(graph, &ediacara_host::Options::default()).unwrap();
        executor.run(&sample).unwrap()[0].to_vec::<f32>().unwrap()
    };
    let pairs = run(&graph).into_iter().zip(run(&quantised.graph));
    pairs.map(|(wanted, found)| (wanted - found).abs()).fold(0.0, f32::max)
}

#[test]
fn channels_to_either_side_of_zero_are_moved_there() {
    let graph = GRAPH.replace("KERNEL", "1,1").replace("PADDING", "[0, 0, 0, 0]");
    let graph = graph.replace("WEIGHTS", "[1.0, 0.5]").replace("BIAS", "-50.0");
    // Both channels in one range of -101 to 101 would have steps of 0.8. Moved, their steps are 0.008, and those of the
    // result, 4.5 wide with its margin, 0.018.
    let error = largest_error(&graph);
    assert!(error < 0.03, "{error}");
}

#[test]
fn padding_stays_zero() {
    let graph = GRAPH.replace("KERNEL", "3,3").replace("PADDING", "[1, 1, 1, 1]");
    let weights = format!("[{}, {}]", ["1.0"; 9].join(", "), ["0.5"; 9].join(", "));
    let graph = graph.replace("WEIGHTS", &weights).replace("BIAS", "0.0");
    // At the corners only four of nine taps see anything: 200 of 450. If the channels were moved, padding would stand for
    // 100 and -100.
    let error = largest_error(&graph);
    assert!(error < 10.0, "{error}");
}

/// `count` numbers between -1 and 1, all different for a while.
fn numbers(count: usize, seed: usize) -> Vec<f32> {
    (0..count).map(|index| ((index * 37 + seed * 11) % 101) as f32 / 50.0 - 1.0).collect()
}

/// The largest difference between a graph in f32 and in int8, all of it, over the largest number of the result.
fn relative_error(text: &str) -> f32 {
    let graph = Graph::parse(text, &Registry::core(), &|_| None).unwrap();
    let sample: Vec<Tensor> = graph
        .inputs()
        .iter()
        .enumerate()
        .map(|(seed, &input)| {
            let ty = graph.ty(input);
            Tensor::from_vec(&ty.shape, numbers(ty.elements(), seed)).unwrap()
        })
        .collect();
    let calibration = Calibration::collect(&graph, [sample.clone()]).unwrap();
    let quantised = quantise(&graph, &calibration).unwrap();
    assert!(quantised.left.is_empty(), "{:?}\n{text}", quantised.left);
    let run = |graph: &Graph| {
        let executor = Executor::new(graph, &ediacara_host::Options::default()).unwrap();
        executor.run(&sample).unwrap()[0].to_vec::<f32>().unwrap()
    };
    let (wanted, found) = (run(&graph), run(&quantised.graph));
    assert_eq!(wanted.len(), found.len());
    let largest = wanted.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
    wanted.iter().zip(&found).map(|(wanted, found)| (wanted - found).abs()).fold(0.0, f32::max) / largest
}

fn list(numbers: &[f32]) -> String {
    numbers.iter().map(|number| format!("{number:?}")).collect::<Vec<_>>().join(", ")
}

/// A transposed convolution of 2 x 4 x 5 x 6: kernel, stride, dilation, padding, output padding; outputs, groups.
fn conv_transpose(
    window: [[usize; 2]; 3],
    padding: [usize; 4],
    more: [usize; 2],
    outputs: usize,
    groups: usize,
) {
    let [kernel, stride, dilation] = window;
    let size = |axis: usize| {
        let full = stride[axis] * ([5, 6][axis] - 1) + more[axis] + dilation[axis] * (kernel[axis] - 1) + 1;
        full - padding[axis] - padding[axis + 2]
    };
    let weights = [4, outputs / groups, kernel[0], kernel[1]];
    let text = format!(
        r#"graph "up" {{
  input %x: f32[2,4,5,6]
  constant %w: f32[{}] = [{}]
  constant %b: f32[{outputs}] = [{}]
  %y: f32[2,{outputs},{},{}] = conv_transpose(%x, %w, %b) {{stride = {stride:?}, dilation = {dilation:?}, padding = {padding:?}, output_padding = {more:?}, groups = {groups}, activation = relu}}
  output %y
}}
"#,
        weights.map(|extent| extent.to_string()).join(","),
        list(&numbers(weights.iter().product(), 3)),
        list(&numbers(outputs, 5)),
        size(0),
        size(1),
    );
    let error = relative_error(&text);
    // Inputs, weights and results are each rounded to one part in some 200.
    assert!(error < 0.03, "{error}\n{text}");
}

#[test]
fn transposed_convolutions_in_phases() {
    // Twice the size: without overlap, as in U-Net; with, as in DCGAN; and as in residual decoders.
    conv_transpose([[2, 2], [2, 2], [1, 1]], [0; 4], [0, 0], 3, 1);
    conv_transpose([[2, 2], [2, 2], [1, 1]], [0; 4], [0, 0], 70, 1);
    conv_transpose([[4, 4], [2, 2], [1, 1]], [1; 4], [0, 0], 3, 1);
    conv_transpose([[3, 3], [2, 2], [1, 1]], [1; 4], [1, 1], 5, 1);
    // Results that are no multiple of the stride, phases without a tap, dilation, different axes, groups.
    conv_transpose([[3, 3], [2, 2], [1, 1]], [1, 0, 1, 1], [0, 0], 3, 1);
    conv_transpose([[1, 2], [2, 3], [1, 1]], [0; 4], [1, 2], 3, 1);
    conv_transpose([[3, 2], [2, 3], [2, 2]], [0, 1, 2, 1], [1, 0], 3, 1);
    conv_transpose([[3, 5], [1, 1], [1, 2]], [2, 1, 0, 3], [0, 0], 6, 2);
    conv_transpose([[4, 3], [3, 2], [3, 1]], [4, 2, 3, 1], [0, 1], 4, 4);
}

fn matmul(x: &str, y: &str, result: &str) {
    let text = format!(
        r#"graph "product" {{
  input %x: f32[{x}]
  input %y: f32[{y}]
  %z: f32[{result}] = matmul(%x, %y)
  output %z
}}
"#
    );
    let error = relative_error(&text);
    assert!(error < 0.03, "{error}\n{text}");
}

#[test]
fn products_of_computed_matrices() {
    matmul("7,9", "9,5", "7,5");
    matmul("2,7,9", "2,9,5", "2,7,5");
    matmul("2,3,7,9", "2,3,9,5", "2,3,7,5");
    matmul("3,7,9", "9,5", "3,7,5");
    matmul("2,1,7,9", "3,9,5", "2,3,7,5");
}

#[test]
fn products_of_stacked_rows_and_constants() {
    for (x, result) in [("2,7,9", "2,7,5"), ("2,3,7,9", "2,3,7,5")] {
        let weights = list(&numbers(45, 2));
        let text = format!(
            r#"graph "rows" {{
  input %x: f32[{x}]
  constant %w: f32[9,5] = [{weights}]
  %z: f32[{result}] = matmul(%x, %w)
  output %z
}}
"#
        );
        let error = relative_error(&text);
        assert!(error < 0.03, "{error}\n{text}");
    }
}
