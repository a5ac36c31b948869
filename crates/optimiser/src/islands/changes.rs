//! What nodes became when they were replaced after islands were found.

use std::collections::HashMap;

use ediacara_graph::{Graph, IntoOp, NodeId, ValueId};

use crate::Result;

/// New nodes, by those that they stand for.
#[derive(Debug, Default)]
pub(super) struct Changes {
    became: HashMap<NodeId, Vec<NodeId>>,
}

impl Changes {
    /// Adds a node that does the work of `old`, or a part of it, under its name.
    ///
    /// # Errors
    /// The graph refuses it.
    pub(super) fn add(
        &mut self,
        graph: &mut Graph,
        old: NodeId,
        op: impl IntoOp,
        inputs: &[ValueId],
    ) -> Result<ValueId> {
        let name = graph.node(old).name.clone();
        let new = graph.add_node(name, op, inputs)?;
        self.became.entry(old).or_default().push(new);
        Ok(graph.output_of(new))
    }

    /// The nodes that do the work of `node` at last.
    pub(super) fn last(&self, node: NodeId) -> Vec<NodeId> {
        match self.became.get(&node) {
            Some(new) => new.iter().flat_map(|&node| self.last(node)).collect(),
            None => vec![node],
        }
    }
}

/// Those that read a value, or a reshape of it, other than reshapes: each with what it reads. Nothing if one of those values
/// is an output.
pub(super) fn readers(graph: &Graph, value: ValueId) -> Option<Vec<(NodeId, ValueId)>> {
    if graph.is_output(value) {
        return None;
    }
    let mut found = Vec::new();
    for reader in graph.consumers(value) {
        match is_reshape(graph, reader) {
            true => found.extend(readers(graph, graph.output_of(reader))?),
            false => found.push((reader, value)),
        }
    }
    Some(found)
}

fn is_reshape(graph: &Graph, id: NodeId) -> bool {
    graph.node(id).op.name() == "reshape"
}
