//! What the integer networks multiply: their inputs are of 8 bits, which their files do not say.

use ediacara_graph::ValueId;
use ediacara_onnx::{Context, Node, NodeError};

use crate::stored::{Sign, stored};

/// A product of ONNX. In a file that requantises, inputs of the network that it multiplies are marked as signed
/// integers of 8 bits; Deeploy types them so from the data that it is given.
pub(crate) fn stored_inputs(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    if !context.uses("", "RequantShift") {
        return context.standard(node);
    }
    let mut operands = Vec::new();
    for index in 0..node.input_count() {
        let operand = node.optional(index);
        operands.push(match operand {
            Some(value) if context.is_input(value) => Some(stored(context, value, Sign::Signed)?),
            other => other,
        });
    }
    context.standard(&node.with_inputs(operands))
}
