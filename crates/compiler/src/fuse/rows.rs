//! Which nodes of the float dialect run as one layer, a block of rows at a time, so that what passes between them stays on
//! chip.

use std::collections::{HashMap, HashSet};

use ediacara_graph::ops::FRow;
use ediacara_graph::{Graph, NodeId, ValueId};

use crate::place::partition::goes_by_rows;
use crate::place::segments::DlpPart;

/// Nodes of the float dialect that one layer does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chain {
    /// The nodes, in order. The layer stands where the first does.
    pub nodes: Vec<NodeId>,
    /// Extents of the rows, the row itself last.
    pub shape: Vec<usize>,
}

/// Puts the nodes of the float dialect into chains; with `alone`, each into its own.
///
/// A node joins the last chain of its rows if all it reads is made by the chain or before its first node. So nothing that the
/// chain waits for waits for the chain.
pub(crate) fn fuse_rows(graph: &Graph, part: &DlpPart, alone: bool) -> Vec<Chain> {
    let position: HashMap<NodeId, usize> =
        part.dlp.iter().enumerate().map(|(index, &id)| (id, index)).collect();
    let mut chains: Vec<Chain> = Vec::new();
    let mut chain_of: HashMap<NodeId, usize> = HashMap::new();
    for &id in part.dlp.iter().filter(|&&id| goes_by_rows(graph, id)) {
        let before = |value: &ValueId| graph.producer(*value).and_then(|node| chain_of.get(&node)).copied();
        let found = graph.node(id).inputs.iter().filter_map(before).max().filter(|_| !alone);
        let joins = found.filter(|&index| {
            let chain = &chains[index];
            let start = position[&chain.nodes[0]];
            let ready = |value: &ValueId| match graph.producer(*value) {
                Some(node) => {
                    chain_of.get(&node) == Some(&index)
                        || position.get(&node).is_none_or(|&position| position < start)
                }
                None => true,
            };
            fits(graph, id, chain) && graph.node(id).inputs.iter().all(ready)
        });
        let index = joins.unwrap_or_else(|| {
            let shape = graph.ty(graph.node(id).inputs[0]).shape.clone();
            chains.push(Chain { nodes: Vec::new(), shape });
            chains.len() - 1
        });
        chains[index].nodes.push(id);
        chain_of.insert(id, index);
    }
    chains
}

/// Whether a node goes over the rows of a chain: its first operand has their shape, or one number for each of them that the
/// chain itself makes.
fn fits(graph: &Graph, id: NodeId, chain: &Chain) -> bool {
    let node = graph.node(id);
    let shape = |value: ValueId| &graph.ty(value).shape;
    if *shape(node.inputs[0]) == chain.shape {
        return true;
    }
    let own: HashSet<NodeId> = chain.nodes.iter().copied().collect();
    let (_, rows) = chain.shape.split_last().unwrap_or((&0, &[]));
    let per_row = |value: &ValueId| {
        let shape = shape(*value);
        let made = graph.producer(*value).is_some_and(|producer| own.contains(&producer));
        made && shape.split_last() == Some((&1, rows))
    };
    let reduces = node.op_as::<FRow>().is_none_or(|op| op.operation.reduces());
    !reduces && node.inputs.iter().all(per_row)
}
