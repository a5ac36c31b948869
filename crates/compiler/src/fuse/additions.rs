//! Which additions a convolution or a matrix product does on the way.

use std::collections::HashMap;

use ediacara_graph::ops::{QAdd, QConv, QMatMul};
use ediacara_graph::{Graph, NodeId};

use crate::place::segments::DlpPart;

/// Finds additions that a convolution before them can do on the way. `fuse` off finds none.
pub(crate) fn fuse_additions(graph: &Graph, part: &DlpPart) -> HashMap<NodeId, (NodeId, usize)> {
    let order: HashMap<NodeId, usize> = part.dlp.iter().enumerate().map(|(at, &node)| (node, at)).collect();
    let mut found = HashMap::new();
    for &id in part.dlp.iter().filter(|&&id| graph.node(id).op_as::<QAdd>().is_some()) {
        let candidate = |&index: &usize| {
            let value = graph.node(id).inputs[index];
            let producer = graph.producer(value).filter(|producer| order.contains_key(producer))?;
            let node = graph.node(producer);
            let product = node.op_as::<QMatMul>().is_some()
                || node.op_as::<QConv>().is_some_and(|conv| !is_depthwise(graph, producer, conv));
            (product && graph.only_consumer(value) == Some(id)).then_some((order[&producer], producer, index))
        };
        // The later of two convolutions: the other's result is then in DRAM already.
        let same = graph.node(id).inputs[0] == graph.node(id).inputs[1];
        if let (false, Some((_, producer, index))) =
            (same, (0..2).filter_map(|index| candidate(&index)).max())
        {
            found.insert(id, (producer, index));
        }
    }
    found
}

/// Whether each channel is convolved by itself into one.
pub(crate) fn is_depthwise(graph: &Graph, id: NodeId, conv: &QConv) -> bool {
    let node = graph.node(id);
    let (x, w) = (&graph.ty(node.inputs[0]).shape, &graph.ty(node.inputs[1]).shape);
    conv.groups == x[3] && conv.groups == w[0]
}
