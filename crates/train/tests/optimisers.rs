//! Optimisers against figures of PyTorch's formulas, worked out by hand in f64.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use ediacara_graph::TensorType;
use ediacara_nn::optimisers::{Decay, Momentum, Optimiser};
use ediacara_nn::{Initialiser, Mode, Role, Scope};
use ediacara_tensor::Tensor;
use ediacara_train::Session;

/// The parameter after each of two steps with gradients 0.5 and -0.25, from 1, at these rates.
fn two_steps(optimiser: Optimiser, decay: Decay, rates: [f32; 2]) -> [f64; 2] {
    let mut scope = Scope::new("one", Mode::Training, 1);
    let [gradient, rate, step] = [("gradient", 1), ("rate", 0), ("step", 0)]
        .map(|(name, rank)| scope.input(name, TensorType::f32(&vec![1; rank])));
    scope.parameter("w", &[1], Initialiser::Constant(1.0), Role::Weight).unwrap();
    let mut parameters = scope.parameters().to_vec();
    let (updates, states) =
        optimiser.updates(&mut scope, &parameters, &[gradient], [rate, step], decay).unwrap();
    let w = parameters[0].value;
    parameters.extend(states);
    let mut session = Session::new(scope.finish().0, &parameters, 1).unwrap();
    let after = |number: usize, slope: f32, session: &mut Session| {
        let feeds = [
            Tensor::from_vec(&[1], vec![slope]).unwrap(),
            Tensor::scalar(rates[number - 1]),
            Tensor::scalar(number as f32),
        ];
        let feeds: Vec<_> = [gradient, rate, step].into_iter().zip(&feeds).collect();
        session.run(&feeds, &[], &updates).unwrap();
        f64::from(session.variable(w).unwrap().to_vec::<f32>().unwrap()[0])
    };
    [after(1, 0.5, &mut session), after(2, -0.25, &mut session)]
}

fn check(optimiser: Optimiser, decay: Decay, expected: [f64; 2]) {
    check_at([0.1; 2], optimiser, decay, expected);
}

fn check_at(rates: [f32; 2], optimiser: Optimiser, decay: Decay, expected: [f64; 2]) {
    let found = two_steps(optimiser, decay, rates);
    for (found, expected) in found.into_iter().zip(expected) {
        assert!((found - expected).abs() < 1e-6, "{optimiser:?} {decay:?}: {found}, not {expected}");
    }
}

#[test]
fn sgd() {
    let none = Decay::default();
    let sgd = |momentum, form| Optimiser::Sgd { momentum, form };
    check(sgd(0.0, Momentum::Accumulated), none, [0.95, 0.975]);
    // v: 0.5, then 0.9 * 0.5 - 0.25 = 0.2.
    check(sgd(0.9, Momentum::Accumulated), none, [0.95, 0.93]);
    // At a constant rate the other sign gives the same.
    check(sgd(0.9, Momentum::Velocity), none, [0.95, 0.93]);
    // 0.5 + 0.9 * 0.5 = 0.95, then -0.25 + 0.9 * 0.2 = -0.07.
    check(sgd(0.9, Momentum::Nesterov), none, [0.905, 0.912]);
    // 0.5 + 0.1 * 1 = 0.6, then -0.25 + 0.1 * 0.94 = -0.156.
    check(sgd(0.0, Momentum::Accumulated), Decay { l1: 0.0, l2: 0.1 }, [0.94, 0.9556]);
    // 0.5 + 0.1, then -0.25 + 0.1.
    check(sgd(0.0, Momentum::Accumulated), Decay { l1: 0.1, l2: 0.0 }, [0.94, 0.955]);
}

/// The forms of momentum differ in whether the first step's rate stays in what was accumulated.
#[test]
fn sgd_at_a_rate_that_changes() {
    let sgd = |form| Optimiser::Sgd { momentum: 0.9, form };
    let check = |form, expected| check_at([0.1, 0.2], sgd(form), Decay::default(), expected);
    // v: 0.5, then 0.2; 0.95 - 0.2 * 0.2.
    check(Momentum::Accumulated, [0.95, 0.91]);
    // v: -0.1 * 0.5 = -0.05, then 0.9 * -0.05 - 0.2 * -0.25 = 0.005; 0.95 + 0.005.
    check(Momentum::Velocity, [0.95, 0.955]);
    // 0.905 - 0.2 * -0.07.
    check(Momentum::Nesterov, [0.905, 0.919]);
    // v: 0.5, then -0.5 * 0.5 - 0.25 = -0.5; 0.95 + 0.2 * 0.5.
    let negative = Optimiser::Sgd { momentum: -0.5, form: Momentum::Accumulated };
    check_at([0.1, 0.2], negative, Decay::default(), [0.95, 1.05]);
}

#[test]
fn rms_prop() {
    // s: 0.1 * 0.25 = 0.025, then 0.9 * 0.025 + 0.1 * 0.0625 = 0.02875.
    let first = 1.0 - 0.1 * 0.5 / 0.025_f64.sqrt();
    let second = first + 0.1 * 0.25 / 0.02875_f64.sqrt();
    check(Optimiser::RmsProp { decay: 0.9, epsilon: 0.0 }, Decay::default(), [first, second]);
}

#[test]
fn adam() {
    let adam = |decoupled| Optimiser::Adam { betas: [0.9, 0.99], epsilon: 0.0, decoupled };
    // The first step is the rate, whatever the gradient. m: 0.05, then 0.02; s: 0.0025, then 0.0031.
    let step = 0.1 * (0.02 / 0.19) / (0.0031_f64 / 0.0199).sqrt();
    check(adam(false), Decay::default(), [0.9, 0.9 - step]);
    // Decoupled decay takes 0.1 * 0.5 of the weight before each step.
    let first = 0.95 - 0.1;
    check(adam(true), Decay { l1: 0.0, l2: 0.5 }, [first, first * 0.95 - step]);
}
