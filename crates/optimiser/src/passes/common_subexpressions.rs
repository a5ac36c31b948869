//! Common subexpressions.

use ediacara_graph::rewrite::{Patch, Rewrite};
use ediacara_graph::{Graph, GraphError, Node, NodeId, ValueId};

/// See [`Rewrite::documentation`].
pub(super) struct CommonSubexpressions;

impl Rewrite for CommonSubexpressions {
    fn name(&self) -> &'static str {
        "common_subexpressions"
    }

    fn documentation(&self) -> &'static str {
        "Two nodes of one operator, equal attributes and the same operands (or equal constants) compute the same: the \
         readers of the younger read the elder. Nodes whose operands are all constant are left to folding."
    }

    fn apply(&self, graph: &Graph, id: NodeId) -> Result<Option<Patch>, GraphError> {
        let node = graph.node(id);
        // An equal node reads the same first computed or fed operand, so that only its readers need be looked
        // at.
        let Some(&shared) = node.inputs.iter().find(|&&input| graph.constant(input).is_none()) else {
            return Ok(None);
        };
        if node.outputs.iter().any(|&output| graph.is_output(output)) {
            return Ok(None);
        }
        let twin = graph
            .consumers(shared)
            .into_iter()
            .find(|&other| other < id && same(graph, graph.node(other), node));
        Ok(twin.map(|twin| {
            let mut patch = Patch::new();
            for (&old, &new) in node.outputs.iter().zip(graph.outputs_of(twin)) {
                patch.replace(old, new);
            }
            patch
        }))
    }
}

fn same(graph: &Graph, left: &Node, right: &Node) -> bool {
    left.inputs.len() == right.inputs.len()
        && left.op.same_as(right.op.as_ref())
        && left.inputs.iter().zip(&right.inputs).all(|(&left, &right)| same_value(graph, left, right))
}

fn same_value(graph: &Graph, left: ValueId, right: ValueId) -> bool {
    left == right
        || matches!((graph.constant(left), graph.constant(right)), (Some(left), Some(right)) if left.same_bits(right))
}
