//! Scaling of the loss, so that gradients of half precision do not vanish.
//!
//! Micikevicius et al., "Mixed precision training", 2018.

use ediacara_graph::ops::{Add, Clamp, Equal, Mul, Reciprocal, Reduce, ReduceKind, Select};
use ediacara_graph::{Emit, OpError, ValueId};
use ediacara_tensor::Tensor;

use crate::{NnError, Parameter, Scope, Update};

/// What its nodes are called.
const NAME: &str = "loss_scale";
/// Steps without an overflow after which the scale doubles.
const GROWTH_STEPS: f32 = 1_000.0;
/// The scale to which it doubles at most.
///
/// Without a limit, a training without overflows would drive the scale to infinity, from where no halving
/// leads back. There is little to gain beyond: f16's smallest number is 2^-24.
const CEILING: f64 = (1_u32 << 24) as f64;

/// A scale that the loss is multiplied by and gradients are divided by.
///
/// It is halved whenever a gradient overflows, and doubled after 1,000 steps without an overflow, up to 2^24.
/// It is always a power of two, if the first one is, so that it changes no digits.
#[derive(Debug)]
pub struct LossScale {
    scale: Parameter,
    /// Steps since the last change.
    steps: Parameter,
}

impl LossScale {
    /// A scale that begins with `first`.
    pub fn new(scope: &mut Scope, first: f32) -> LossScale {
        let mut state = |name: &str, value: f32| scope.variable(name, Tensor::scalar(value));
        LossScale { scale: state("loss_scale.scale", first), steps: state("loss_scale.steps", 0.0) }
    }

    /// The parts of it that the training keeps.
    pub fn states(&self) -> [Parameter; 2] {
        [self.scale.clone(), self.steps.clone()]
    }

    /// The loss to be differentiated.
    ///
    /// # Errors
    /// The loss is no scalar of f32.
    pub fn scaled(&self, scope: &mut Scope, loss: ValueId) -> Result<ValueId, NnError> {
        scope.compose(NAME, |emit| emit.one(Mul, &[loss, self.scale.value]))
    }

    /// The gradients of the loss itself, from those of the scaled loss, of f32.
    ///
    /// # Errors
    /// A gradient is not of f32.
    pub fn unscaled(&self, scope: &mut Scope, gradients: &[ValueId]) -> Result<Vec<ValueId>, NnError> {
        scope.compose(NAME, |emit| {
            let factor = emit.one(Reciprocal, &[self.scale.value])?;
            gradients.iter().map(|&gradient| emit.one(Mul, &[gradient, factor])).collect()
        })
    }

    /// Lets nothing change in a step whose `gradients` overflowed, and adds the scale's own updates.
    ///
    /// # Errors
    /// A gradient is not of f32.
    pub fn guard(
        &self,
        scope: &mut Scope,
        gradients: &[ValueId],
        updates: &mut Vec<Update>,
    ) -> Result<(), NnError> {
        scope.compose(NAME, |emit| {
            let finite = all_finite(emit, gradients)?;
            for update in updates.iter_mut() {
                update.to = emit.one(Select, &[finite, update.to, update.variable])?;
            }
            let [zero, half, one, two, growth] =
                [0.0, 0.5, 1.0, 2.0, GROWTH_STEPS].map(|value: f32| emit.constant(Tensor::scalar(value)));
            let (scale, steps) = (self.scale.value, self.steps.value);
            let more = emit.one(Add, &[steps, one])?;
            let enough = emit.one(Equal, &[more, growth])?;
            let (halved, doubled) = (emit.one(Mul, &[scale, half])?, emit.one(Mul, &[scale, two])?);
            let doubled = emit.one(Clamp { low: 0.0, high: CEILING }, &[doubled])?;
            let grown = emit.one(Select, &[enough, doubled, scale])?;
            let counted = emit.one(Select, &[enough, zero, more])?;
            let scale_to = emit.one(Select, &[finite, grown, halved])?;
            let steps_to = emit.one(Select, &[finite, counted, zero])?;
            updates.push(Update { variable: scale, to: scale_to });
            updates.push(Update { variable: steps, to: steps_to });
            Ok(())
        })
    }
}

/// Whether every element is finite: 0 times each is then 0.
fn all_finite(emit: &mut dyn Emit, values: &[ValueId]) -> Result<ValueId, OpError> {
    let zero = emit.constant(Tensor::scalar(0.0_f32));
    let mut sum = zero;
    for &value in values {
        let products = emit.one(Mul, &[value, zero])?;
        let axes = (0..emit.ty(value).rank()).collect();
        let own = emit.one(Reduce { kind: ReduceKind::Sum, axes, keep_dims: false }, &[products])?;
        sum = emit.one(Add, &[sum, own])?;
    }
    emit.one(Equal, &[sum, zero])
}
