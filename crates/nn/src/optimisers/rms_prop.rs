//! `rms_prop_step`: gradients over the root of their mean square.

use ediacara_graph::{Attribute, Attributes, Cost, Op, OpError, TensorType};
use ediacara_tensor::Tensor;

use super::Decay;
use super::step::{self, Rule};

const NAME: &str = "rms_prop_step";

/// One step of RMSProp.
///
/// Operands: parameter, gradient, rate, mean square. Results: the next parameter and mean square.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RmsPropStep {
    /// How much of the mean square stays.
    pub keep: f32,
    /// Keeps from dividing by 0.
    pub epsilon: f32,
    /// Added to the gradient.
    pub decay: Decay,
}

struct AtRate {
    rate: f32,
    step: RmsPropStep,
}

impl Rule<1> for AtRate {
    fn next(&self, weight: f32, gradient: f32, [square]: &mut [f32; 1]) -> f32 {
        let RmsPropStep { keep, epsilon, decay } = self.step;
        let gradient = decay.of(weight, gradient);
        *square = keep * *square + (1.0 - keep) * gradient * gradient;
        weight - self.rate * gradient / (square.sqrt() + epsilon)
    }
}

impl Op for RmsPropStep {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("keep", Attribute::Float(self.keep.into()))
            .with("epsilon", Attribute::Float(self.epsilon.into()))
            .with("l1", Attribute::Float(self.decay.l1.into()))
            .with("l2", Attribute::Float(self.decay.l2.into()))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        step::infer(NAME, inputs, 1, 1)
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let rate = step::scalar(NAME, inputs[2])?;
        step::run(NAME, inputs, outputs, &AtRate { rate, step: *self })
    }

    fn cost(&self, _: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        step::cost(outputs, 12)
    }
}
