//! Dead nodes.

use ediacara_graph::rewrite::{Context, Pass};
use ediacara_graph::{Graph, GraphError};

/// See [`Pass::documentation`].
pub(super) struct DeadNodes;

impl Pass for DeadNodes {
    fn name(&self) -> &'static str {
        "dead_nodes"
    }

    fn documentation(&self) -> &'static str {
        "Drops nodes on which no output of the graph depends."
    }

    fn run(&self, graph: &mut Graph, context: &mut Context) -> Result<usize, GraphError> {
        if context.is_exhausted() {
            return Ok(0);
        }
        let count = graph.unlink_dead();
        if count > 0 {
            context.record(self.name(), graph.name.clone());
        }
        Ok(count)
    }
}
