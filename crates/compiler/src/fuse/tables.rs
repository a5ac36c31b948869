//! Which tables a product looks its results up in before it stores them.

use std::collections::{HashMap, HashSet};

use ediacara_graph::ops::{QAdd, QConv, QMatMul, QTable};
use ediacara_graph::{Graph, NodeId};

use crate::fuse::blocks::BlockNodes;
use crate::place::segments::DlpPart;

/// Finds tables that the layer before them can do on the way: a convolution of any kind, a matrix product, or the addition
/// that one of them does (`additions`). What is part of a block does no table. By table, the node whose result it looks up.
pub(crate) fn fuse_tables(
    graph: &Graph,
    part: &DlpPart,
    additions: &HashMap<NodeId, (NodeId, usize)>,
    blocks: &[BlockNodes],
) -> HashMap<NodeId, NodeId> {
    let dlp: HashSet<NodeId> = part.dlp.iter().copied().collect();
    let in_blocks: HashSet<NodeId> = blocks.iter().flat_map(BlockNodes::nodes).collect();
    let looked_up = |&table: &NodeId| {
        graph.node(table).op_as::<QTable>()?;
        let value = graph.node(table).inputs[0];
        let producer = graph.producer(value).filter(|producer| dlp.contains(producer))?;
        let node = graph.node(producer);
        let product = node.op_as::<QConv>().is_some() || node.op_as::<QMatMul>().is_some();
        let sum = node.op_as::<QAdd>().is_some() && additions.contains_key(&producer);
        let fits = (product || sum) && !in_blocks.contains(&producer);
        (fits && graph.only_consumer(value) == Some(table)).then_some((table, producer))
    };
    part.dlp.iter().filter_map(looked_up).collect()
}
