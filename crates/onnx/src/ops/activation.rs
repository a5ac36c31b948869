//! Activation functions: ReLU and its relatives, composed from core ops.

use ediacara_graph::ValueId;
use ediacara_tensor::DType;

use super::{Table, one};
use crate::context::Context;
use crate::error::NodeResult;
use crate::node::Node;

pub(super) const TABLE: Table = &[
    ("Relu", relu),
    ("LeakyRelu", |context, node| {
        let (x, alpha) = (node.input(0)?, node.float_or("alpha", 0.01)?);
        let slope = context.scalar_like(x, f64::from(alpha))?;
        one(two_slopes(context, x, slope)?)
    }),
    ("PRelu", |context, node| {
        let (x, mut slope) = (node.input(0)?, node.input(1)?);
        // Before opset 7 a slope of one dimension ran along the channels.
        if context.opset < 7 && context.shape(slope).len() == 1 && context.shape(slope)[0] > 1 {
            slope = context.along_channels(slope, context.shape(x).len())?;
        }
        one(two_slopes(context, x, slope)?)
    }),
    ("Elu", |context, node| {
        let (x, alpha) = (node.input(0)?, node.float_or("alpha", 1.0)?);
        one(exponential(context, x, alpha, 1.0, 1.0)?)
    }),
    ("Selu", |context, node| {
        // The defaults of the specification, rounded to f32.
        let alpha = node.float_or("alpha", 1.673_263_2)?;
        let gamma = node.float_or("gamma", 1.050_701)?;
        one(exponential(context, node.input(0)?, alpha, 1.0, gamma)?)
    }),
    ("Celu", |context, node| {
        let alpha = node.float_or("alpha", 1.0)?;
        one(exponential(context, node.input(0)?, alpha, alpha, 1.0)?)
    }),
    ("HardSigmoid", |context, node| {
        let (alpha, beta) = (node.float_or("alpha", 0.2)?, node.float_or("beta", 0.5)?);
        one(hard_sigmoid(context, node.input(0)?, f64::from(alpha), f64::from(beta))?)
    }),
    ("HardSwish", |context, node| {
        let x = node.input(0)?;
        let gate = hard_sigmoid(context, x, 1.0 / 6.0, 0.5)?;
        one(context.binary("mul", x, gate)?)
    }),
    ("Softsign", |context, node| {
        let x = node.input(0)?;
        let size = context.unary("abs", x)?;
        let divisor = context.binary_scalar("add", size, 1.0)?;
        one(context.binary("div", x, divisor)?)
    }),
    ("ThresholdedRelu", |context, node| {
        let (x, alpha) = (node.input(0)?, node.float_or("alpha", 1.0)?);
        let above = context.binary_scalar("greater", x, f64::from(alpha))?;
        let zero = context.scalar_like(x, 0.0)?;
        one(context.select(above, x, zero)?)
    }),
    ("Gelu", gelu),
    ("Mish", |context, node| {
        let x = node.input(0)?;
        let soft = context.unary("softplus", x)?;
        let gate = context.unary("tanh", soft)?;
        one(context.binary("mul", x, gate)?)
    }),
    ("Swish", |context, node| {
        let (x, alpha) = (node.input(0)?, node.float_or("alpha", 1.0)?);
        let scaled = if alpha == 1.0 { x } else { context.binary_scalar("mul", x, f64::from(alpha))? };
        let gate = context.unary("sigmoid", scaled)?;
        one(context.binary("mul", x, gate)?)
    }),
    ("Shrink", shrink),
    ("Clip", clip),
];

fn relu(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    if context.dtype(x).is_float() {
        return one(context.unary("relu", x)?);
    }
    one(context.binary_scalar("max", x, 0.0)?)
}

/// max(x, 0) + slope * min(x, 0).
fn two_slopes(context: &mut Context<'_>, x: ValueId, slope: ValueId) -> NodeResult<ValueId> {
    let above = context.binary_scalar("max", x, 0.0)?;
    let below = context.binary_scalar("min", x, 0.0)?;
    let scaled = context.binary("mul", below, slope)?;
    context.binary("add", above, scaled)
}

/// gamma * (max(x, 0) + alpha * (exp(min(x, 0) / width) - 1)): ELU, SELU and CELU.
///
/// Only negative numbers meet the exponential, which therefore cannot overflow.
fn exponential(
    context: &mut Context<'_>,
    x: ValueId,
    alpha: f32,
    width: f32,
    gamma: f32,
) -> NodeResult<ValueId> {
    let above = context.binary_scalar("max", x, 0.0)?;
    let below = context.binary_scalar("min", x, 0.0)?;
    let scaled = if width == 1.0 { below } else { context.binary_scalar("div", below, f64::from(width))? };
    let power = context.unary("exp", scaled)?;
    let less_one = context.binary_scalar("sub", power, 1.0)?;
    let negative = context.binary_scalar("mul", less_one, f64::from(alpha))?;
    let sum = context.binary("add", above, negative)?;
    if gamma == 1.0 { Ok(sum) } else { context.binary_scalar("mul", sum, f64::from(gamma)) }
}

fn hard_sigmoid(context: &mut Context<'_>, x: ValueId, alpha: f64, beta: f64) -> NodeResult<ValueId> {
    let scaled = context.binary_scalar("mul", x, alpha)?;
    let shifted = context.binary_scalar("add", scaled, beta)?;
    context.clamp(shifted, 0.0, 1.0)
}

/// x / 2 * (1 + erf(x / sqrt(2))), or its approximation by tanh.
pub(super) fn gelu(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let gate = if node.string_or("approximate", "none")? == "tanh" {
        // tanh(sqrt(2 / pi) * (x + 0.044715 x^3))
        let square = context.binary("mul", x, x)?;
        let cube = context.binary("mul", square, x)?;
        let bent = context.binary_scalar("mul", cube, 0.044_715)?;
        let sum = context.binary("add", x, bent)?;
        let scaled = context.binary_scalar("mul", sum, (2.0 / std::f64::consts::PI).sqrt())?;
        context.unary("tanh", scaled)?
    } else {
        let scaled = context.binary_scalar("mul", x, std::f64::consts::FRAC_1_SQRT_2)?;
        context.unary("erf", scaled)?
    };
    let shifted = context.binary_scalar("add", gate, 1.0)?;
    let half = context.binary_scalar("mul", x, 0.5)?;
    one(context.binary("mul", half, shifted)?)
}

/// x < -lambd: x + bias; x > lambd: x - bias; else 0.
fn shrink(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let (bias, lambda) = (f64::from(node.float_or("bias", 0.0)?), f64::from(node.float_or("lambd", 0.5)?));
    let zero = context.scalar_like(x, 0.0)?;
    let low = context.binary_scalar("less", x, -lambda)?;
    let raised = context.binary_scalar("add", x, bias)?;
    let high = context.binary_scalar("greater", x, lambda)?;
    let lowered = context.binary_scalar("sub", x, bias)?;
    let upper = context.select(high, lowered, zero)?;
    one(context.select(low, raised, upper)?)
}

/// Bounds were attributes before opset 11; constant bounds make a `clamp`.
fn clip(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let mut x = node.input(0)?;
    if context.opset < 11 {
        let low = node.float("min")?.map_or(f64::NEG_INFINITY, f64::from);
        let high = node.float("max")?.map_or(f64::INFINITY, f64::from);
        return one(context.clamp(x, low, high)?);
    }
    let (low, high) = (node.optional(1), node.optional(2));
    if context.dtype(x) == DType::F32 {
        let constant = |value: Option<ValueId>, default: f64| match value {
            None => Some(default),
            Some(value) => context.constant_scalar(value),
        };
        if let (Some(low), Some(high)) = (constant(low, f64::NEG_INFINITY), constant(high, f64::INFINITY)) {
            if low == f64::NEG_INFINITY && high == f64::INFINITY {
                return one(x);
            }
            // With crossed bounds ONNX returns the upper one.
            return one(context.clamp(x, low.min(high), high)?);
        }
    }
    for (bound, op) in [(low, "max"), (high, "min")] {
        if let Some(bound) = bound {
            x = context.binary(op, x, bound)?;
        }
    }
    one(x)
}
