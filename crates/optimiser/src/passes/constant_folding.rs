//! Constant folding.

use ediacara_graph::rewrite::{Patch, Rewrite};
use ediacara_graph::{Graph, GraphError, NodeId, OpError, Tensor, ValueId};

/// Larger results, in bytes, are folded only if they are no larger than their operands.
///
/// A broadcast constant should not fill the file and the memory of the machine.
const LARGE_BYTES: usize = 1 << 20;

/// See [`Rewrite::documentation`].
pub(super) struct ConstantFolding;

impl Rewrite for ConstantFolding {
    fn name(&self) -> &'static str {
        "constant_folding"
    }

    fn documentation(&self) -> &'static str {
        "A node whose operands are all constant has a constant result. A dequantize_linear stays, because its integers \
         are worth more than its result; so does an output of the graph, which keeps its name, and a large result of \
         small operands."
    }

    fn apply(&self, graph: &Graph, id: NodeId) -> Result<Option<Patch>, GraphError> {
        let node = graph.node(id);
        let bytes =
            |values: &[ValueId]| values.iter().map(|&value| graph.ty(value).size_bytes()).sum::<usize>();
        let stays = node.op.name() == "dequantize_linear"
            || node.outputs.iter().any(|&output| graph.is_output(output))
            || bytes(&node.outputs) > LARGE_BYTES.max(bytes(&node.inputs));
        if stays { Ok(None) } else { folded(graph, id) }
    }
}

/// A node's results as constants, if its operands are.
pub(super) fn folded(graph: &Graph, id: NodeId) -> Result<Option<Patch>, GraphError> {
    let node = graph.node(id);
    let inputs: Option<Vec<&Tensor>> = node.inputs.iter().map(|&input| graph.constant(input)).collect();
    let Some(inputs) = inputs else { return Ok(None) };
    let in_node = |source| GraphError::Op { node: node.name.clone(), source: Box::new(source) };
    let mut outputs = Vec::with_capacity(node.outputs.len());
    for &output in &node.outputs {
        let tensor = graph.ty(output).zeros();
        outputs.push(tensor.map_err(|source| in_node(OpError::Tensor { op: node.op.name(), source }))?);
    }
    node.op.run(&inputs, &mut outputs).map_err(in_node)?;
    let mut patch = Patch::new();
    for (&value, tensor) in node.outputs.iter().zip(outputs) {
        let constant = patch.constant(graph.value(value).name.clone(), tensor);
        patch.replace(value, constant);
    }
    Ok(Some(patch))
}
