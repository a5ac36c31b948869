//! A reshape of a reshape.

use ediacara_graph::ops::Reshape;
use ediacara_graph::rewrite::{Patch, Rewrite};
use ediacara_graph::{Graph, GraphError, NodeId};

/// See [`Rewrite::documentation`].
pub(super) struct Reshapes;

impl Rewrite for Reshapes {
    fn name(&self) -> &'static str {
        "reshapes"
    }

    fn documentation(&self) -> &'static str {
        "A reshape forgets the shape of its operand, so a reshape of a reshape is the outer one alone."
    }

    fn apply(&self, graph: &Graph, id: NodeId) -> Result<Option<Patch>, GraphError> {
        let node = graph.node(id);
        let inner = node
            .op_as::<Reshape>()
            .and_then(|_| graph.producer(node.inputs[0]))
            .map(|inner| graph.node(inner));
        let Some(inner) = inner.filter(|inner| inner.op_as::<Reshape>().is_some()) else { return Ok(None) };
        let mut patch = Patch::new();
        let new = patch.node("", node.op.clone(), &[inner.inputs[0].into()]);
        patch.replace(node.outputs[0], new);
        Ok(Some(patch))
    }
}
