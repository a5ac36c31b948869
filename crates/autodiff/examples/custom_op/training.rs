//! A small network with a user's own operator as its activation, trained eagerly by gradient descent.

use std::sync::Arc;

use ediacara_autodiff::Tape;
use ediacara_graph::ops::{Gemm, Mul, Reduce, ReduceKind, Sub};
use ediacara_graph::{GraphError, Op, Tensor, TensorError, ValueId};

const SAMPLES: usize = 64;
const UNITS: usize = 16;
const STEPS: usize = 1000;
const RATE: f32 = 0.1;

/// The mean squared error before the first step and after the last, for learning x^2 - x/2 from -1 to 1.
///
/// The network is `dense(activation(dense(x)))` with 16 hidden units.
pub(crate) fn train(activation: &Arc<dyn Op>) -> Result<[f32; 2], Box<dyn std::error::Error>> {
    let x: Vec<f32> = (0..SAMPLES).map(|index| 2.0 * index as f32 / (SAMPLES - 1) as f32 - 1.0).collect();
    let targets = Tensor::from_vec(&[SAMPLES, 1], x.iter().map(|x| x * x - 0.5 * x).collect())?;
    let x = Tensor::from_vec(&[SAMPLES, 1], x)?;
    let mut parameters = initial_parameters()?;
    let mut losses = [0.0; 2];
    for step in 0..=STEPS {
        let mut tape = Tape::new();
        let values: Vec<ValueId> =
            parameters.iter().map(|parameter| tape.value("parameter", parameter.clone())).collect();
        let loss = loss(&mut tape, activation, [&x, &targets], &values)?;
        losses[usize::from(step > 0)] = tape.tensor(loss).to_vec::<f32>()?[0];
        let gradients = tape.gradients(loss, &values)?;
        for ((parameter, value), gradient) in parameters.iter_mut().zip(values).zip(gradients) {
            let rate = tape.value("rate", Tensor::scalar(RATE));
            let change = tape.apply(Mul, &[gradient, rate])?;
            let next = tape.apply(Sub, &[value, change])?;
            *parameter = tape.tensor(next).clone();
        }
    }
    Ok(losses)
}

/// Weights and biases of both layers: weights evenly spread, in an order that mixes signs and sizes.
fn initial_parameters() -> Result<Vec<Tensor>, TensorError> {
    let spread = |factor: usize, size: f32| {
        let place = move |unit: usize| (unit * factor % UNITS) as f32 / (UNITS - 1) as f32;
        (0..UNITS).map(move |unit| size * (2.0 * place(unit) - 1.0)).collect::<Vec<f32>>()
    };
    Ok(vec![
        Tensor::from_vec(&[UNITS, 1], spread(5, 1.5))?,
        Tensor::from_vec(&[UNITS], spread(7, 0.5))?,
        Tensor::from_vec(&[1, UNITS], spread(3, 0.25))?,
        Tensor::from_vec(&[1], vec![0.0_f32])?,
    ])
}

fn loss(
    tape: &mut Tape,
    activation: &Arc<dyn Op>,
    [x, targets]: [&Tensor; 2],
    parameters: &[ValueId],
) -> Result<ValueId, GraphError> {
    let x = tape.value("x", x.clone());
    let targets = tape.value("targets", targets.clone());
    let hidden = tape.apply(Gemm::default(), &[x, parameters[0], parameters[1]])?;
    let hidden = tape.apply(Arc::clone(activation), &[hidden])?;
    let y = tape.apply(Gemm::default(), &[hidden, parameters[2], parameters[3]])?;
    let difference = tape.apply(Sub, &[y, targets])?;
    let square = tape.apply(Mul, &[difference, difference])?;
    tape.apply(Reduce { kind: ReduceKind::Mean, axes: vec![0, 1], keep_dims: false }, &[square])
}
