//! Which tables a product looks its results up in before it stores them.

use std::collections::{HashMap, HashSet};

use ediacara_graph::ops::{QAdd, QConv, QMatMul, QTable, Reshape};
use ediacara_graph::{Graph, NodeId};

use crate::fuse::blocks::BlockNodes;
use crate::place::segments::DlpPart;

/// What a table looks up on the way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LookedUp {
    /// The node whose layer does the table.
    pub before: NodeId,
    /// What lies between: reshapes that only add or drop axes of one index.
    pub between: Vec<NodeId>,
}

/// Finds tables that the layer before them can do on the way: a convolution of any kind, a matrix product, or the addition
/// that one of them does (`additions`). What is part of a block does no table. By table.
pub(crate) fn fuse_tables(
    graph: &Graph,
    part: &DlpPart,
    additions: &HashMap<NodeId, (NodeId, usize)>,
    blocks: &[BlockNodes],
) -> HashMap<NodeId, LookedUp> {
    let dlp: HashSet<NodeId> = part.dlp.iter().copied().collect();
    let in_blocks: HashSet<NodeId> = blocks.iter().flat_map(BlockNodes::nodes).collect();
    let looked_up = |&table: &NodeId| {
        graph.node(table).op_as::<QTable>()?;
        let (mut reader, mut between) = (table, Vec::new());
        loop {
            let value = graph.node(reader).inputs[0];
            let before = graph.producer(value).filter(|producer| dlp.contains(producer))?;
            if graph.only_consumer(value) != Some(reader) {
                return None;
            }
            let node = graph.node(before);
            if is_of_unit_axes(graph, before) {
                between.push(before);
                reader = before;
                continue;
            }
            let product = node.op_as::<QConv>().is_some() || node.op_as::<QMatMul>().is_some();
            let sum = node.op_as::<QAdd>().is_some() && additions.contains_key(&before);
            let fits = (product || sum) && !in_blocks.contains(&before);
            return fits.then_some((table, LookedUp { before, between }));
        }
    };
    part.dlp.iter().filter_map(looked_up).collect()
}

/// Whether a node is a reshape that only adds or drops axes of one index.
fn is_of_unit_axes(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    let axes = |value| graph.ty(value).shape.iter().filter(|&&extent| extent != 1);
    node.op_as::<Reshape>().is_some() && axes(node.inputs[0]).eq(axes(node.outputs[0]))
}
