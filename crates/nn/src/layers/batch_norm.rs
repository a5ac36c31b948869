//! Batch normalisation.
//!
//! Ioffe and Szegedy, "Batch normalization: accelerating deep network training by reducing internal covariate
//! shift", 2015.

use ediacara_graph::ops::{Add, Div, Mul, Reduce, ReduceKind, Reshape, Sqrt, StopGradient, Sub};
use ediacara_graph::{DType, ValueId};
use ediacara_tensor::Tensor;

use crate::{Initialiser, Mode, NnError, Role, Scope};

/// Added to variances, so that a constant channel is not divided by 0; the value is PyTorch's.
const EPSILON: f32 = 1e-5;
/// The share of a batch in the running statistics; the value is PyTorch's.
const MOMENTUM: f32 = 0.1;

impl Scope {
    /// `(x - mean) / sqrt(variance + 1e-5) * scale + shift` for each channel, axis 1.
    ///
    /// Training takes mean and variance of the batch, and gathers a tenth of each batch's mean and of its
    /// unbiased variance. Inference takes the gathered statistics. It computes in f32, whatever the type of
    /// `x`.
    ///
    /// # Errors
    /// `x` has fewer than two dimensions, or in training only one number a channel, whose variance is 0.
    pub fn batch_norm(&mut self, name: &str, x: ValueId) -> Result<ValueId, NnError> {
        self.graph().check_value(x)?;
        let shape = self.shape(x).to_vec();
        let &[_, channels, ..] = &shape[..] else {
            return Err(self.misfit(name, x, "[N, C, ...]".to_owned()));
        };
        if self.mode() == Mode::Training && shape.iter().product::<usize>() <= channels {
            let expected = "more than one number a channel in training: a batch of 2 or more".to_owned();
            return Err(self.misfit(name, x, expected));
        }
        let mut parameter = |part: &str, value: f32, role: Role| {
            self.full_parameter(&format!("{name}.{part}"), &[channels], Initialiser::Constant(value), role)
        };
        let scale = parameter("weight", 1.0, Role::Bias)?;
        let shift = parameter("bias", 0.0, Role::Bias)?;
        let running_mean = parameter("running_mean", 0.0, Role::Statistic)?;
        let running_variance = parameter("running_var", 1.0, Role::Statistic)?;
        self.named(name, |scope| {
            let dtype = scope.dtype(x);
            let x = scope.cast(x, DType::F32)?;
            let mut broad = vec![1; shape.len()];
            broad[1] = channels;
            let (mean, variance) = match scope.mode() {
                Mode::Inference => (running_mean, running_variance),
                Mode::Training => {
                    let (mean, variance) = scope.moments(x, &shape)?;
                    let count = (shape.iter().product::<usize>() / channels.max(1)) as f32;
                    scope.gather(running_mean, mean, 1.0)?;
                    scope.gather(running_variance, variance, count / (count - 1.0).max(1.0))?;
                    (mean, variance)
                }
            };
            let mut spread = |value| scope.apply(Reshape { shape: broad.clone() }, &[value]);
            let (mean, variance) = (spread(mean)?, spread(variance)?);
            let (scale, shift) = (spread(scale)?, spread(shift)?);
            let centred = scope.apply(Sub, &[x, mean])?;
            let epsilon = scope.constant(Tensor::scalar(EPSILON));
            let variance = scope.apply(Add, &[variance, epsilon])?;
            let deviation = scope.apply(Sqrt, &[variance])?;
            let normal = scope.apply(Div, &[centred, deviation])?;
            let scaled = scope.apply(Mul, &[normal, scale])?;
            let shifted = scope.apply(Add, &[scaled, shift])?;
            scope.cast(shifted, dtype)
        })
    }

    /// Mean and biased variance of each channel.
    fn moments(&mut self, x: ValueId, shape: &[usize]) -> Result<(ValueId, ValueId), NnError> {
        let axes: Vec<usize> = (0..shape.len()).filter(|&axis| axis != 1).collect();
        let mean_of = |keep_dims| Reduce { kind: ReduceKind::Mean, axes: axes.clone(), keep_dims };
        let mean = self.apply(mean_of(true), &[x])?;
        let centred = self.apply(Sub, &[x, mean])?;
        let square = self.apply(Mul, &[centred, centred])?;
        let variance = self.apply(mean_of(false), &[square])?;
        let mean = self.apply(Reshape { shape: vec![shape[1]] }, &[mean])?;
        Ok((mean, variance))
    }

    /// `running = (1 - momentum) running + momentum * factor * value`.
    fn gather(&mut self, running: ValueId, value: ValueId, factor: f32) -> Result<(), NnError> {
        let value = self.apply(StopGradient, &[value])?;
        let [keep, take] =
            [1.0 - MOMENTUM, MOMENTUM * factor].map(|share| self.constant(Tensor::scalar(share)));
        let old = self.apply(Mul, &[running, keep])?;
        let new = self.apply(Mul, &[value, take])?;
        let sum = self.apply(Add, &[old, new])?;
        self.update(running, sum);
        Ok(())
    }
}
