//! Weights that are stored as integers in a network that computes in floating point.

use ediacara_graph::rewrite::{Context, Pass, Patch, Rewrite, RewritePass};
use ediacara_graph::{Graph, GraphError, NodeId};

use super::constant_folding::folded;
use crate::qdq::is_qdq;

/// See [`Pass::documentation`].
pub(super) struct DequantiseWeights;

impl Pass for DequantiseWeights {
    fn name(&self) -> &'static str {
        "dequantise_weights"
    }

    fn documentation(&self) -> &'static str {
        "Computes a dequantize_linear of constants, unless the graph quantises other values too: what is stored as \
         integers only to be small is a real constant."
    }

    fn run(&self, graph: &mut Graph, context: &mut Context) -> Result<usize, GraphError> {
        if is_qdq(graph) {
            return Ok(0);
        }
        RewritePass::new(self.name(), self.documentation(), vec![Box::new(Dequantise)]).run(graph, context)
    }
}

struct Dequantise;

impl Rewrite for Dequantise {
    fn name(&self) -> &'static str {
        "dequantise_weights"
    }

    fn documentation(&self) -> &'static str {
        "A dequantize_linear of constants is a constant."
    }

    fn apply(&self, graph: &Graph, id: NodeId) -> Result<Option<Patch>, GraphError> {
        let node = graph.node(id);
        let is_output = node.outputs.iter().any(|&output| graph.is_output(output));
        if node.op.name() == "dequantize_linear" && !is_output { folded(graph, id) } else { Ok(None) }
    }
}
