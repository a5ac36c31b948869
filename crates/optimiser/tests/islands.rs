//! Islands of real nodes in int8 networks against the formula in f64.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use ediacara_graph::{Graph, Registry, Tensor};
use ediacara_host::{Executor, Options};
use ediacara_optimiser::{Calibration, quantise_with_floats};

/// Numbers of 8 bits that a linear congruential generator gives (Knuth 1997, 3.3.4, MMIX).
fn bytes(count: usize, mut state: u64) -> Vec<i8> {
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8 as i8
    };
    let mut all: Vec<i8> = (0..count).map(|_| next()).collect();
    // The ends of the range, so that a step is what it is here.
    (all[0], all[1]) = (-128, 127);
    all
}

/// Softmax of scores times values; scores are bytes times a step, values bytes.
fn expected(scores: &[i8], step: f64, values: &[i8], positions: usize, width: usize) -> Vec<f64> {
    let rows = scores.chunks_exact(positions).flat_map(|row| {
        let powers: Vec<f64> = row.iter().map(|&score| (f64::from(score) * step).exp()).collect();
        let sum: f64 = powers.iter().sum();
        (0..width)
            .map(|column| {
                let products = powers.iter().enumerate();
                let all: f64 =
                    products.map(|(row, power)| power * f64::from(values[row * width + column])).sum();
                all / sum
            })
            .collect::<Vec<f64>>()
    });
    rows.collect()
}

/// Relative root mean square error of softmax times values, for scores that are bytes times a step.
fn error(positions: usize, step: f32) -> f64 {
    let (rows, width) = (16, 32);
    let text = format!(
        r#"graph "attention" {{
  input %s: f32[{rows},{positions}]
  input %v: f32[{positions},{width}]
  %p: f32[{rows},{positions}] = softmax(%s) {{axis = 1}}
  %y: f32[{rows},{width}] = matmul(%p, %v)
  output %y
}}
"#
    );
    let graph = Graph::parse(&text, &Registry::core(), &|_| None).unwrap();
    let (scores, values) = (bytes(rows * positions, 1), bytes(positions * width, 2));
    let real = |bytes: &[i8], step: f32, shape: [usize; 2]| {
        let numbers = bytes.iter().map(|&byte| f32::from(byte) * step).collect();
        Tensor::from_vec(&shape, numbers).unwrap()
    };
    let inputs = [real(&scores, step, [rows, positions]), real(&values, 1.0, [positions, width])];
    let calibration = Calibration::collect(&graph, [inputs.to_vec()]).unwrap();
    let quantised = quantise_with_floats(&graph, &calibration).unwrap();
    let found = Executor::new(&quantised.graph, &Options::default()).unwrap().run(&inputs).unwrap();
    let found = found[0].to_vec::<f32>().unwrap();
    let expected = expected(&scores, step.into(), &values, positions, width);
    let power: f64 = expected.iter().map(|value| value * value).sum();
    let noise: f64 = expected.iter().zip(&found).map(|(&e, &f)| (e - f64::from(f)).powi(2)).sum();
    (noise / power).sqrt()
}

#[test]
fn softmax_before_a_product_errs_by_two_percent_at_most() {
    for positions in [64, 128, 256, 512, 1024] {
        // From scores that differ by 1 at most to some of which one stands out.
        for step in [1.0 / 256.0, 1.0 / 64.0, 1.0 / 32.0, 1.0 / 16.0] {
            let error = error(positions, step);
            assert!(error < 0.02, "{positions} positions, steps of {step}: {error}");
        }
    }
}
