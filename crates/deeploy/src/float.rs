//! Operators on real numbers, as compositions of core operators.

use ediacara_graph::ValueId;
use ediacara_graph::ops::{Add, Div, MatMul, Mul, Reduce, ReduceKind, Reshape, Softmax, Sqrt, Transpose};
use ediacara_onnx::{Context, Handler, Node, NodeError};

use crate::support::whole;

/// The operators of the files, all in the domain of ONNX.
pub(crate) const IMPORTED: &[(&str, Handler)] =
    &[("Gemm", gemm), ("RMSNorm", rms_norm), ("Softmax", softmax), ("Squeeze", squeeze)];

/// What is added to a mean square, so that it has a root above 0.
///
/// The files do not say it; their stored outputs were made with this number.
const EPSILON: f64 = 1e-6;

/// RMSNorm(x, weight): x / sqrt(mean(x^2) + epsilon) * weight, along the last axis.
fn rms_norm(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    let (x, weight) = (node.input(0)?, node.input(1)?);
    let Some(last) = context.shape(x).len().checked_sub(1) else {
        return Err(NodeError::new("normalises a scalar, which has no axis"));
    };
    let square = context.emit(Mul, &[x, x])?;
    let mean =
        context.emit(Reduce { kind: ReduceKind::Mean, axes: vec![last], keep_dims: true }, &[square])?;
    let epsilon = context.scalar_like(x, EPSILON)?;
    let shifted = context.emit(Add, &[mean, epsilon])?;
    let root = context.emit(Sqrt, &[shifted])?;
    let normal = context.emit(Div, &[x, root])?;
    Ok(vec![context.emit(Mul, &[normal, weight])?])
}

/// Softmax. Beside RMSNorm it runs along the last axis unless the node says otherwise, although the file's opset
/// would have it run over all but the first.
fn softmax(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    let x = node.input(0)?;
    match context.shape(x).len().checked_sub(1) {
        Some(axis) if node.numbers("axis")?.is_none() && context.uses("", "RMSNorm") => {
            Ok(vec![context.emit(Softmax { axis }, &[x])?])
        }
        _ => context.standard(node),
    }
}

/// Squeeze. Deeploy writes the axes as an attribute, also where the opset has them as an operand.
fn squeeze(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    let (x, Some(axes)) = (node.input(0)?, node.numbers("axes")?) else { return context.standard(node) };
    let old = context.shape(x).to_vec();
    let from_start = |&axis: &f64| if axis < 0.0 { axis + old.len() as f64 } else { axis };
    let axes: Vec<f64> = axes.iter().map(from_start).collect();
    let is_one = |axis: f64| axis >= 0.0 && axis.fract() == 0.0 && old.get(axis as usize) == Some(&1);
    if let Some(axis) = axes.iter().find(|&&axis| !is_one(axis)) {
        return Err(NodeError::new(format!("squeezes axis {axis} of {old:?}, which is not 1")));
    }
    let kept = old.iter().enumerate().filter(|&(axis, _)| !axes.contains(&(axis as f64)));
    let shape = kept.map(|(_, &size)| size).collect();
    Ok(vec![context.emit(Reshape { shape }, &[x])?])
}

/// The value with its last two axes exchanged.
fn turned(context: &mut Context<'_>, x: ValueId) -> Result<ValueId, NodeError> {
    let mut permutation: Vec<usize> = (0..context.shape(x).len()).collect();
    let matrix = permutation.len() - 2;
    permutation[matrix..].reverse();
    context.emit(Transpose { permutation }, &[x])
}

/// Gemm. Operands of more than two axes are stacks of matrices, of which `transA` and `transB` turn each.
///
/// Products of computed values are products of matrices: ONNX's own Gemm would take the second operand for weights.
fn gemm(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    let (mut x, mut weight) = (node.input(0)?, node.input(1)?);
    let ranks = [x, weight].map(|operand| context.shape(operand).len());
    let known = context.known(weight).is_some();
    if ranks.iter().any(|&rank| rank < 2) || ranks == [2, 2] && known {
        return context.standard(node);
    }
    let set = |name| Ok::<bool, NodeError>(node.numbers(name)?.is_some() && whole(node, name)? != 0);
    if set("transA")? {
        x = turned(context, x)?;
    }
    if set("transB")? {
        weight = turned(context, weight)?;
    }
    let shape = context.shape(weight).to_vec();
    let (stack, matrix) = shape.split_at(shape.len() - 2);
    if known && !stack.is_empty() && stack.iter().all(|&size| size == 1) && ranks[0] >= ranks[1] {
        weight = context.emit(Reshape { shape: matrix.to_vec() }, &[weight])?;
    }
    let mut y = context.emit(MatMul, &[x, weight])?;
    let alpha = node.number("alpha")?.unwrap_or(1.0);
    if alpha != 1.0 {
        let alpha = context.scalar_like(y, alpha)?;
        y = context.emit(Mul, &[y, alpha])?;
    }
    let beta = node.number("beta")?.unwrap_or(1.0);
    let Some(mut bias) = node.optional(2).filter(|_| beta != 0.0) else { return Ok(vec![y]) };
    if beta != 1.0 {
        let beta = context.scalar_like(bias, beta)?;
        bias = context.emit(Mul, &[bias, beta])?;
    }
    Ok(vec![context.emit(Add, &[y, bias])?])
}
