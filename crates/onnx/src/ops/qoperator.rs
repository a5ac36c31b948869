//! Operators on stored integers (the QOperator format that onnxruntime writes).
//!
//! Each is an operator on real numbers between conversions. It is imported as such: its operands are
//! dequantised, the real operator follows, and its result is quantised. From there on a file in this format
//! is one of QuantizeLinear and DequantizeLinear.

use ediacara_graph::ValueId;

use super::{Table, apply, one, quantise};
use crate::context::Context;
use crate::error::{NodeError, NodeResult};
use crate::node::Node;

/// The operators that ONNX itself has.
pub(super) const TABLE: Table = &[
    ("QLinearConv", |context, node| real(context, node, "Conv", &[Matrix(0), Matrix(0), Result, Sum])),
    ("QLinearMatMul", |context, node| real(context, node, "MatMul", &[Matrix(-2), Matrix(-1), Result])),
];

/// The operators of onnxruntime.
pub(super) const MICROSOFT: Table = &[
    ("QLinearAdd", |context, node| real(context, node, "Add", &[Stored, Stored, Result])),
    ("QLinearMul", |context, node| real(context, node, "Mul", &[Stored, Stored, Result])),
    ("QLinearSigmoid", |context, node| real(context, node, "Sigmoid", &[Stored, Result])),
    ("QLinearLeakyRelu", |context, node| real(context, node, "LeakyRelu", &[Stored, Result])),
    ("QLinearAveragePool", |context, node| channels_first(context, node, "AveragePool")),
    ("QLinearGlobalAveragePool", |context, node| channels_first(context, node, "GlobalAveragePool")),
    ("QLinearSoftmax", softmax),
    ("QLinearReduceMean", |context, node| real(context, node, "ReduceMean", &[Stored, Result])),
    ("QLinearWhere", |context, node| real(context, node, "Where", &[Plain, Stored, Stored, Result])),
    ("QLinearConcat", concat),
    ("QGemm", |context, node| {
        let columns = if node.flag("transB", false)? { 0 } else { 1 };
        real(context, node, "Gemm", &[Matrix(0), Matrix(columns), Sum, Result])
    }),
];

use Role::{Matrix, Plain, Result, Stored, Sum};

/// What the operands of an operator mean, in their order.
#[derive(Clone, Copy)]
enum Role {
    /// An operand as it is.
    Plain,
    /// Three operands: integers, one scale, one zero point.
    Stored,
    /// As [`Stored`], with perhaps a scale for each index of an axis.
    Matrix(i64),
    /// A bias of 32 bits, in the product of the scales of the first two operands.
    Sum,
    /// Two operands: scale and zero point of the result. Without them the result is real.
    Result,
}

/// Imports the real operator `op` between conversions.
fn real(context: &mut Context<'_>, node: &Node<'_>, op: &str, roles: &[Role]) -> NodeResult<Vec<ValueId>> {
    let mut operands = Vec::with_capacity(roles.len());
    let mut scales = Vec::new();
    let mut result = None;
    let mut next = 0;
    for role in roles {
        match *role {
            Plain => {
                operands.push(node.optional(next));
                next += 1;
            }
            Stored | Matrix(_) => {
                let axis = if let Matrix(axis) = *role { axis } else { 0 };
                scales.push(node.input(next + 1)?);
                operands.push(Some(dequantised(context, node, next, axis)?));
                next += 3;
            }
            Sum => {
                let bias = node.optional(next);
                operands.push(bias.map(|bias| dequantised_sum(context, bias, &scales)).transpose()?);
                next += 1;
            }
            Result => {
                result = node.optional(next).map(|scale| (scale, node.optional(next + 1)));
                next += 2;
            }
        }
    }
    let y = apply(context, node, op, operands)?;
    match result {
        Some((scale, zero)) => one(quantise::quantised(context, y, scale, zero)?),
        None => one(y),
    }
}

/// The real operand whose integers, scale and zero point begin at operand `first`.
///
/// Several scales run along `axis`, which counts from the end if it is negative.
fn dequantised(context: &mut Context<'_>, node: &Node<'_>, first: usize, axis: i64) -> NodeResult<ValueId> {
    let (x, scale, zero) = (node.input(first)?, node.input(first + 1)?, node.optional(first + 2));
    let rank = context.shape(x).len();
    let axis = if axis < 0 { (rank as i64 + axis).max(0) as usize } else { axis as usize };
    let scales: usize = context.shape(scale).iter().product();
    if scales != 1 && context.shape(x).get(axis) != Some(&scales) {
        return Err(NodeError::new(format!(
            "has an operand '{}' of shape {:?} with {scales} scales; one, or one for each index of axis {axis}, can \
             be used",
            node.input_name(first),
            context.shape(x)
        )));
    }
    quantise::dequantised(context, x, scale, zero, axis)
}

/// A bias that is given in the product of two scales.
fn dequantised_sum(context: &mut Context<'_>, bias: ValueId, scales: &[ValueId]) -> NodeResult<ValueId> {
    let &[first, second, ..] = scales else { return Err(NodeError::new("has a bias but no product")) };
    let mut flat = Vec::with_capacity(2);
    for scale in [first, second] {
        let count: usize = context.shape(scale).iter().product();
        flat.push(context.reshape(scale, if count == 1 { &[] } else { std::slice::from_ref(&count) })?);
    }
    let scale = context.binary("mul", flat[0], flat[1])?;
    quantise::dequantised(context, bias, scale, None, 0)
}

/// A pool whose data may have channels last.
fn channels_first(context: &mut Context<'_>, node: &Node<'_>, op: &str) -> NodeResult<Vec<ValueId>> {
    if !node.flag("channels_last", false)? {
        return real(context, node, op, &[Stored, Result]);
    }
    let x = node.input(0)?;
    let rank = context.shape(x).len();
    let first: Vec<usize> = [0, rank - 1].into_iter().chain(1..rank - 1).collect();
    let last: Vec<usize> = [0].into_iter().chain(2..rank).chain([1]).collect();
    let mut inputs = node.inputs.clone();
    inputs[0] = Some(context.transpose(x, &first)?);
    let turned =
        Node { proto: node.proto, name: node.name.clone(), inputs, arguments: node.arguments.clone() };
    let y = real(context, &turned, op, &[Stored, Result])?;
    one(context.transpose(y[0], &last)?)
}

/// Softmax; an attribute says by which operator set its axis is meant.
fn softmax(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let own = node.int_or("opset", context.opset)?;
    let around = std::mem::replace(&mut context.opset, own);
    let result = real(context, node, "Softmax", &[Stored, Result]);
    context.opset = around;
    result
}

/// Scale and zero point of the result come first, then the parts, each with its own.
fn concat(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let parts = node.inputs.len().saturating_sub(2) / 3;
    let roles: Vec<Role> = [Result].into_iter().chain(std::iter::repeat_n(Stored, parts)).collect();
    real(context, node, "Concat", &roles)
}
