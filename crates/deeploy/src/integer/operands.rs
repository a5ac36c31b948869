//! What the integer networks multiply: their inputs are of 8 bits, which their files do not say.

use ediacara_graph::ValueId;
use ediacara_onnx::{Context, Node, NodeError};

use crate::stored::stored_input;

/// A product of ONNX. In a file that requantises, inputs of the network that it multiplies are marked as integers of 8
/// bits.
pub(crate) fn stored_inputs(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    if !context.uses("", "RequantShift") {
        return context.standard(node);
    }
    let mut operands = Vec::new();
    for index in 0..node.input_count() {
        let operand = node.optional(index);
        operands.push(operand.map(|value| stored_input(context, value)).transpose()?);
    }
    context.standard(&node.with_inputs(operands))
}
