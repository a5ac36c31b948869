//! Matrix products.

use ediacara_graph::ValueId;

use super::{Table, one};
use crate::context::Context;
use crate::error::{NodeError, NodeResult};
use crate::node::Node;

pub(super) const TABLE: Table =
    &[("MatMul", |context, node| one(context.matmul(node.input(0)?, node.input(1)?)?)), ("Gemm", gemm)];

/// alpha * A' * B' + beta * C.
///
/// The core's gemm takes the weight as rows of outputs, and a bias of one row.
fn gemm(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let (mut x, mut weight) = (node.input(0)?, node.input(1)?);
    for (value, what) in [(x, "A"), (weight, "B")] {
        let shape = context.shape(value);
        if shape.len() != 2 {
            return Err(NodeError::new(format!(
                "its operand {what} has the shape {shape:?}; it has to be a matrix"
            )));
        }
    }
    let (alpha, beta) = (f64::from(node.float_or("alpha", 1.0)?), f64::from(node.float_or("beta", 1.0)?));
    if node.flag("transA", false)? {
        x = context.transpose(x, &[1, 0])?;
    }
    if !node.flag("transB", false)? {
        weight = context.transpose(weight, &[1, 0])?;
    }
    // The factor goes to the operand that is constant, where it is folded.
    if alpha != 1.0 {
        weight = context.binary_scalar("mul", weight, alpha)?;
    }
    let bias = match node.optional(2) {
        Some(bias) if beta != 1.0 => Some(context.binary_scalar("mul", bias, beta)?),
        bias => bias,
    };
    let outputs = context.shape(weight)[0];
    if !context.dtype(x).is_float() {
        return one(integer_gemm(context, x, weight, bias)?);
    }
    match bias {
        Some(bias) if is_row(context.shape(bias), outputs) => {
            let bias = context.reshape(bias, &[outputs])?;
            one(context.gemm(x, weight, Some(bias))?)
        }
        None => one(context.gemm(x, weight, None)?),
        Some(bias) => {
            let product = context.gemm(x, weight, None)?;
            one(context.binary("add", product, bias)?)
        }
    }
}

fn is_row(shape: &[usize], outputs: usize) -> bool {
    shape == [outputs] || shape == [1, outputs]
}

fn integer_gemm(
    context: &mut Context<'_>,
    x: ValueId,
    weight: ValueId,
    bias: Option<ValueId>,
) -> NodeResult<ValueId> {
    let columns = context.transpose(weight, &[1, 0])?;
    let product = context.matmul(x, columns)?;
    match bias {
        Some(bias) => context.binary("add", product, bias),
        None => Ok(product),
    }
}
