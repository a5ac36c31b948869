//! The networks that are trained, the same as in `peers.py`, and how they are measured.

use std::time::Instant;

use crate::Failure;

/// How long a measurement lasts.
const SECONDS: f64 = 0.3;

/// The rate of plain gradient descent.
pub(crate) const RATE: f64 = 0.01;

/// The pictures of a batch have one channel, and this height and width.
pub(crate) const PICTURE: [usize; 2] = [28, 28];

pub(crate) const CLASSES: usize = 10;

/// A network of convolutions and linear layers.
///
/// Each convolution is 5 by 5, with a ReLU and the largest of 2 by 2 behind it. The linear layers have a ReLU
/// between them.
pub(crate) struct Layers {
    pub(crate) batch: usize,
    pub(crate) convolutions: &'static [Convolution],
    /// Inputs and outputs of each linear layer.
    pub(crate) linears: &'static [[usize; 2]],
}

/// A convolution, with its numbers of channels.
pub(crate) struct Convolution {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) padding: usize,
}

const MLP: Layers = Layers { batch: 128, convolutions: &[], linears: &[[784, 512], [512, CLASSES]] };

const LENET5: Layers = Layers {
    batch: 64,
    convolutions: &[
        Convolution { inputs: 1, outputs: 6, padding: 2 },
        Convolution { inputs: 6, outputs: 16, padding: 0 },
    ],
    linears: &[[400, 120], [120, 84], [84, CLASSES]],
};

/// A network by its name.
pub(crate) fn layers(name: &str) -> Result<Layers, Failure> {
    match name {
        "mlp" => Ok(MLP),
        "lenet5" => Ok(LENET5),
        other => Err(format!("there is no network {other:?}").into()),
    }
}

/// Samples a second of a step on a batch.
pub(crate) fn samples_a_second(
    batch: usize,
    mut step: impl FnMut() -> Result<(), Failure>,
) -> Result<f64, Failure> {
    let (start, mut steps) = (Instant::now(), 0);
    while start.elapsed().as_secs_f64() < SECONDS {
        step()?;
        steps += 1;
    }
    Ok((batch * steps) as f64 / start.elapsed().as_secs_f64())
}
