//! `adam_step`: Adam and AdamW.

use ediacara_graph::{Attribute, Attributes, Cost, Op, OpError, TensorType};
use ediacara_tensor::Tensor;

use super::Decay;
use super::step::{self, Rule};

const NAME: &str = "adam_step";

/// One step of Adam or AdamW.
///
/// Operands: parameter, gradient, rate, number of the step from 1, mean, mean square. Results: the next
/// parameter, mean and mean square.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamStep {
    /// How much of the mean stays, and of the mean square.
    pub betas: [f32; 2],
    /// Keeps from dividing by 0.
    pub epsilon: f32,
    /// Whether the pull towards 0 goes to the weight itself, times the rate, instead of into the gradient.
    pub decoupled: bool,
    /// The pull.
    pub decay: Decay,
}

struct AtStep {
    rate: f32,
    /// `1 / (1 - beta^step)`, which undoes the zeros that means begin with.
    corrections: [f32; 2],
    step: AdamStep,
}

impl Rule<2> for AtStep {
    fn next(&self, weight: f32, gradient: f32, [mean, square]: &mut [f32; 2]) -> f32 {
        let AdamStep { betas, epsilon, decoupled, decay } = self.step;
        let (gradient, weight) = match decoupled {
            true => (gradient, weight - self.rate * decay.of(weight, 0.0)),
            false => (decay.of(weight, gradient), weight),
        };
        *mean = betas[0] * *mean + (1.0 - betas[0]) * gradient;
        *square = betas[1] * *square + (1.0 - betas[1]) * gradient * gradient;
        let root = (*square * self.corrections[1]).sqrt();
        weight - self.rate * (*mean * self.corrections[0]) / (root + epsilon)
    }
}

impl Op for AdamStep {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("beta_1", Attribute::Float(self.betas[0].into()))
            .with("beta_2", Attribute::Float(self.betas[1].into()))
            .with("epsilon", Attribute::Float(self.epsilon.into()))
            .with("decoupled", Attribute::Bool(self.decoupled))
            .with("l1", Attribute::Float(self.decay.l1.into()))
            .with("l2", Attribute::Float(self.decay.l2.into()))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        step::infer(NAME, inputs, 2, 2)
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let rate = step::scalar(NAME, inputs[2])?;
        let number = f64::from(step::scalar(NAME, inputs[3])?);
        let corrections = self.betas.map(|beta| (1.0 / (1.0 - f64::from(beta).powf(number))) as f32);
        step::run(NAME, inputs, outputs, &AtStep { rate, corrections, step: *self })
    }

    fn cost(&self, _: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        step::cost(outputs, 18)
    }
}
