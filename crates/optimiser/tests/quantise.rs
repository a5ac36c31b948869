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
