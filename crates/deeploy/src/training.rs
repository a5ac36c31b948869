//! Training steps: the loss, gradients and updates, as compositions of core operators.
//!
//! There is no upstream gradient: a step begins with the gradient of the loss itself.

use ediacara_graph::ops::{
    Add, Cast, Div, Equal, Erf, Exp, LogSoftmax, Mul, Neg, Reduce, ReduceKind, Reshape, Sqrt, Sub,
};
use ediacara_graph::{Tensor, ValueId};
use ediacara_onnx::{Context, Handler, Node, NodeError};

const MICROSOFT: &str = "com.microsoft";

/// The operators of the files: domain, type, handler.
pub(crate) const IMPORTED: &[(&str, &str, Handler)] = &[
    ("", "GeluGrad", gelu_gradient),
    ("", "SGD", sgd),
    ("", "SoftmaxCrossEntropyLoss", loss),
    (MICROSOFT, "LayerNormalizationGrad", layer_norm_gradient),
    (MICROSOFT, "SoftmaxCrossEntropyLossGrad", loss_gradient),
    (MICROSOFT, "SoftmaxGrad", softmax_gradient),
];

/// A mean or a sum along one axis, which stays.
fn along(context: &mut Context<'_>, kind: ReduceKind, x: ValueId, axis: usize) -> Result<ValueId, NodeError> {
    context.emit(Reduce { kind, axes: vec![axis], keep_dims: true }, &[x])
}

/// The attribute `axis`, the last axis if it is not there.
fn axis(node: &Node<'_>, rank: usize) -> Result<usize, NodeError> {
    let given = node.number("axis")?.unwrap_or(-1.0);
    let axis = if given < 0.0 { given + rank as f64 } else { given };
    match axis >= 0.0 && axis.fract() == 0.0 && axis < rank as f64 {
        true => Ok(axis as usize),
        false => Err(NodeError::new(format!("axis {given} is outside of the {rank} axes of its operand"))),
    }
}

/// SoftmaxCrossEntropyLoss(logits[N,C,...], labels), of which only the logarithms of the probabilities are computed,
/// and are the only output. In ONNX the first output is the loss, so that this form is told by its gradient in the file.
fn loss(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    if node.output_count() != 1 || !context.uses(MICROSOFT, "SoftmaxCrossEntropyLossGrad") {
        return context.standard(node);
    }
    let logits = node.input(0)?;
    if context.shape(logits).len() < 2 {
        return Err(NodeError::new("needs logits with an axis of samples and one of classes"));
    }
    Ok(vec![context.emit(LogSoftmax { axis: 1 }, &[logits])?])
}

/// SoftmaxCrossEntropyLossGrad(log_prob[N,C], labels[N]): (exp(log_prob) - onehot) / N, or without the division where
/// the loss is a sum.
fn loss_gradient(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    let (log_prob, labels) = (node.input(0)?, node.input(1)?);
    let &[samples, classes] = context.shape(log_prob) else {
        return Err(NodeError::new("needs logarithms of probabilities of shape [samples, classes]"));
    };
    if node.input_count() != 2 || context.shape(labels) != [samples] {
        return Err(NodeError::new(format!(
            "needs two operands, the second with a label for each of {samples} samples"
        )));
    }
    let probability = context.emit(Exp, &[log_prob])?;
    let dtype = context.dtype(labels);
    let numbers = Tensor::from_vec(&[1, classes], (0..classes as i64).collect());
    let numbers = numbers.map_err(|error| NodeError::new(error.to_string()))?.cast(dtype);
    let numbers = context.constant(numbers)?;
    let labels = context.emit(Reshape { shape: vec![samples, 1] }, &[labels])?;
    let hit = context.emit(Equal, &[labels, numbers])?;
    let to = context.dtype(log_prob);
    let onehot = context.emit(Cast { to }, &[hit])?;
    let difference = context.emit(Sub, &[probability, onehot])?;
    if samples == 1 || node.string_or("reduction", "mean")? == "sum" {
        return Ok(vec![difference]);
    }
    let count = context.scalar_like(difference, samples as f64)?;
    Ok(vec![context.emit(Div, &[difference, count])?])
}

/// SoftmaxGrad(dy, y; axis): y * (dy - sum(dy * y)).
fn softmax_gradient(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    let (dy, y) = (node.input(0)?, node.input(1)?);
    let axis = axis(node, context.shape(y).len())?;
    let weighted = context.emit(Mul, &[dy, y])?;
    let sum = along(context, ReduceKind::Sum, weighted, axis)?;
    let rest = context.emit(Sub, &[dy, sum])?;
    Ok(vec![context.emit(Mul, &[y, rest])?])
}

/// LayerNormalizationGrad(dy, x, scale, bias; axis, epsilon): the gradient with respect to x alone.
///
/// With n = (x - mean) / s, s = sqrt(var + epsilon) and q = dy * scale: (q - mean(q) - n * mean(q * n)) / s.
fn layer_norm_gradient(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    let (dy, x, scale, bias) = (node.input(0)?, node.input(1)?, node.input(2)?, node.input(3)?);
    if node.output_count() > 1 || context.shape(scale) != context.shape(bias) {
        return Err(NodeError::new(
            "is not Deeploy's form: it needs the operands dy, x, scale and bias, and has one output",
        ));
    }
    let rank = context.shape(x).len();
    let axis = axis(node, rank)?;
    if axis + 1 != rank {
        return Err(NodeError::new("normalises several axes; only the last is supported"));
    }
    let mean = along(context, ReduceKind::Mean, x, axis)?;
    let centred = context.emit(Sub, &[x, mean])?;
    let square = context.emit(Mul, &[centred, centred])?;
    let variance = along(context, ReduceKind::Mean, square, axis)?;
    let epsilon = context.scalar_like(x, node.number("epsilon")?.unwrap_or(1e-5))?;
    let shifted = context.emit(Add, &[variance, epsilon])?;
    let deviation = context.emit(Sqrt, &[shifted])?;
    let normal = context.emit(Div, &[centred, deviation])?;
    let q = context.emit(Mul, &[dy, scale])?;
    let mean = along(context, ReduceKind::Mean, q, axis)?;
    let weighted = context.emit(Mul, &[q, normal])?;
    let covariance = along(context, ReduceKind::Mean, weighted, axis)?;
    let across = context.emit(Sub, &[q, mean])?;
    let along_normal = context.emit(Mul, &[normal, covariance])?;
    let rest = context.emit(Sub, &[across, along_normal])?;
    Ok(vec![context.emit(Div, &[rest, deviation])?])
}

/// GeluGrad(dy, x): dy * (P(x) + x p(x)), P and p being the normal distribution and its density.
fn gelu_gradient(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    let (dy, x) = (node.input(0)?, node.input(1)?);
    let [half, one, root, density] = [
        0.5,
        1.0,
        std::f64::consts::FRAC_1_SQRT_2,
        0.5 * std::f64::consts::FRAC_2_SQRT_PI * std::f64::consts::FRAC_1_SQRT_2,
    ]
    .map(|number| context.scalar_like(x, number));
    let (half, one, root, density) = (half?, one?, root?, density?);
    let scaled = context.emit(Mul, &[x, root])?;
    let erf = context.emit(Erf, &[scaled])?;
    let sum = context.emit(Add, &[erf, one])?;
    let distribution = context.emit(Mul, &[sum, half])?;
    // exp(-(x / sqrt 2)^2) / sqrt(2 pi).
    let square = context.emit(Mul, &[scaled, scaled])?;
    let below = context.emit(Neg, &[square])?;
    let bell = context.emit(Exp, &[below])?;
    let bell = context.emit(Mul, &[bell, density])?;
    let product = context.emit(Mul, &[x, bell])?;
    let slope = context.emit(Add, &[distribution, product])?;
    Ok(vec![context.emit(Mul, &[dy, slope])?])
}

/// SGD(weight, gradient; lr): weight - lr * gradient.
fn sgd(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    let (weight, gradient) = (node.input(0)?, node.input(1)?);
    let rate = node.number("lr")?.ok_or_else(|| NodeError::new("has no attribute 'lr'"))?;
    let rate = context.scalar_like(gradient, rate)?;
    let step = context.emit(Mul, &[gradient, rate])?;
    Ok(vec![context.emit(Sub, &[weight, step])?])
}
