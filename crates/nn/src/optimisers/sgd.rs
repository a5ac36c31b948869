//! `sgd_step`: stochastic gradient descent.

use ediacara_graph::{Attribute, Attributes, Cost, Op, OpError, TensorType};
use ediacara_tensor::Tensor;

use super::step::{self, Rule};
use super::{Decay, Momentum};

const NAME: &str = "sgd_step";

/// One step of stochastic gradient descent.
///
/// Operands: parameter, gradient, rate, and with momentum its state. Results: the next parameter, and the
/// next state.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SgdStep {
    /// 0 for none: then there is no state.
    pub momentum: f32,
    /// How momentum enters.
    pub form: Momentum,
    /// Added to the gradient.
    pub decay: Decay,
}

impl SgdStep {
    fn states(&self) -> usize {
        usize::from(self.momentum != 0.0)
    }
}

impl Decay {
    /// The gradient with the pull towards 0.
    pub(super) fn of(&self, weight: f32, gradient: f32) -> f32 {
        let sign = if weight == 0.0 { 0.0 } else { weight.signum() };
        gradient + self.l2 * weight + self.l1 * sign
    }
}

struct Plain {
    rate: f32,
    decay: Decay,
}

impl Rule<0> for Plain {
    fn next(&self, weight: f32, gradient: f32, _: &mut [f32; 0]) -> f32 {
        weight - self.rate * self.decay.of(weight, gradient)
    }
}

struct WithMomentum {
    rate: f32,
    step: SgdStep,
}

impl Rule<1> for WithMomentum {
    fn next(&self, weight: f32, gradient: f32, [velocity]: &mut [f32; 1]) -> f32 {
        let SgdStep { momentum, form, decay } = self.step;
        let gradient = decay.of(weight, gradient);
        match form {
            Momentum::Accumulated => {
                *velocity = momentum * *velocity + gradient;
                weight - self.rate * *velocity
            }
            Momentum::Velocity => {
                *velocity = momentum * *velocity - self.rate * gradient;
                weight + *velocity
            }
            Momentum::Nesterov => {
                *velocity = momentum * *velocity + gradient;
                weight - self.rate * (gradient + momentum * *velocity)
            }
        }
    }
}

impl Op for SgdStep {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("momentum", Attribute::Float(self.momentum.into()))
            .with("form", Attribute::word(format!("{:?}", self.form).to_lowercase()))
            .with("l1", Attribute::Float(self.decay.l1.into()))
            .with("l2", Attribute::Float(self.decay.l2.into()))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        step::infer(NAME, inputs, 1, self.states())
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let rate = step::scalar(NAME, inputs[2])?;
        match self.states() {
            0 => step::run(NAME, inputs, outputs, &Plain { rate, decay: self.decay }),
            _ => step::run(NAME, inputs, outputs, &WithMomentum { rate, step: *self }),
        }
    }

    fn cost(&self, _: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        step::cost(outputs, 8)
    }
}
