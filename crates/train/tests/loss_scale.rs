//! Gradients that half precision loses and a scale of the loss keeps.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use ediacara_autodiff::gradients;
use ediacara_graph::{DType, TensorType};
use ediacara_nn::{LossScale, Mode, Scope, losses};
use ediacara_tensor::Tensor;
use ediacara_train::Session;

const BATCH: usize = 512;

/// The gradient of a bias of f16 layers, for a loss over outputs that are 5e-6 away from their targets.
///
/// The gradient of each output is `1e-5 / 512`, which is 2e-8. f16's numbers below 2^-14 are multiples of
/// 2^-24, which is 6e-8.
fn gradient(scale: Option<f32>) -> f32 {
    let mut scope = Scope::new("small", Mode::Training, 1);
    let x = scope.input("x", TensorType::f32(&[BATCH, 1]));
    let targets = scope.input("targets", TensorType::f32(&[BATCH, 1]));
    scope.compute_in(DType::F16);
    let half = scope.cast(x, DType::F16).unwrap();
    let y = scope.dense("dense", half, 1).unwrap();
    let y = scope.cast(y, DType::F32).unwrap();
    let loss = losses::mean_squared_error(&mut scope.emitter("loss"), y, targets).unwrap();
    let mut parameters = scope.parameters().to_vec();
    let bias = parameters[1].value;
    let gradient = match scale {
        None => gradients(scope.graph_mut(), loss, &[bias]).unwrap(),
        Some(first) => {
            let scale = LossScale::new(&mut scope, first);
            parameters.extend(scale.states());
            let scaled = scale.scaled(&mut scope, loss).unwrap();
            let slopes = gradients(scope.graph_mut(), scaled, &[bias]).unwrap();
            scale.unscaled(&mut scope, &slopes).unwrap()
        }
    };
    let mut session = Session::new(scope.finish().0, &parameters, 1).unwrap();
    let zeros = Tensor::zeros(DType::F32, &[BATCH, 1]).unwrap();
    let targets_tensor = Tensor::full(&[BATCH, 1], -5e-6_f32).unwrap();
    let results = session.run(&[(x, &zeros), (targets, &targets_tensor)], &gradient, &[]).unwrap();
    results[0].to_vec::<f32>().unwrap()[0]
}

/// 1,000 steps without an overflow double the scale, but not beyond 2^24; a larger scale comes down to it.
#[test]
fn a_scale_does_not_grow_without_bound() {
    for (first, expected) in [(23, 24), (24, 24), (126, 24), (10, 11)] {
        let mut scope = Scope::new("small", Mode::Training, 1);
        let gradient = scope.input("gradient", TensorType::f32(&[]));
        let scale = LossScale::new(&mut scope, 2.0_f32.powi(first));
        let mut updates = Vec::new();
        scale.guard(&mut scope, &[gradient], &mut updates).unwrap();
        let states = scale.states();
        let mut session = Session::new(scope.finish().0, &states, 1).unwrap();
        let one = Tensor::scalar(1.0_f32);
        for _ in 0..1_000 {
            session.run(&[(gradient, &one)], &[], &updates).unwrap();
        }
        let found = session.variable(states[0].value).unwrap().to_vec::<f32>().unwrap();
        assert_eq!(found, [2.0_f32.powi(expected)], "from 2^{first}");
    }
}

#[test]
fn a_gradient_that_underflows_survives_with_a_scale() {
    // In exact arithmetic it is the mean of 2 (0 + 5e-6).
    let exact = 1e-5;
    assert_eq!(gradient(None), 0.0);
    let scaled = gradient(Some(65_536.0));
    assert!((scaled - exact).abs() < 1e-3 * exact, "{scaled}");
}
