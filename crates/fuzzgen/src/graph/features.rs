//! What networks consist of, to be counted.

use std::collections::BTreeSet;

use ediacara_graph::ops::{Concat, PoolKind, QConv, QMatMul, QPool};
use ediacara_graph::{Graph, Node};

/// Everything that random networks have to show.
pub const FEATURES: [&str; 31] = [
    "concat",
    "concat of phases",
    "conv 1 x 1",
    "conv depthwise",
    "conv depthwise, asymmetric padding",
    "conv depthwise, dilation",
    "conv depthwise, stride",
    "conv in groups",
    "conv in groups, asymmetric padding",
    "conv in groups, dilation",
    "conv in groups, stride",
    "conv whole",
    "conv whole, asymmetric padding",
    "conv whole, dilation",
    "conv whole, stride",
    "gather",
    "pad",
    "pool average",
    "pool average, rounded up",
    "pool max",
    "pool max, rounded up",
    "q_add",
    "q_matmul",
    "q_matmul of computed matrices",
    "q_maximum",
    "q_multiply",
    "q_table",
    "reshape",
    "resize",
    "slice",
    "transpose",
];

/// The entries of [`FEATURES`] that a network has.
pub fn features(graph: &Graph) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for node in graph.nodes().map(|id| graph.node(id)) {
        if let Some(conv) = node.op_as::<QConv>() {
            found.extend(of_conv(graph, node, conv));
        } else if let Some(pool) = node.op_as::<QPool>() {
            found.extend(of_pool(graph, node, pool));
        } else if node.op_as::<QMatMul>().is_some() && graph.constant(node.inputs[1]).is_none() {
            found.insert("q_matmul of computed matrices".to_owned());
        } else if node.op_as::<Concat>().is_some() && graph.ty(node.outputs[0]).rank() == 5 {
            found.insert("concat of phases".to_owned());
        } else {
            found.insert(node.op.name().to_owned());
        }
    }
    found
}

fn of_conv(graph: &Graph, node: &Node, conv: &QConv) -> Vec<String> {
    let channels = graph.ty(node.inputs[0]).shape[3];
    let kernel = &graph.ty(node.inputs[1]).shape[1..3];
    let kind = match conv.groups {
        1 => "conv whole",
        groups if groups == channels => "conv depthwise",
        _ => "conv in groups",
    };
    let [top, left, bottom, right] = conv.padding;
    let details = [
        ("stride", conv.stride != [1, 1]),
        // A window of one element has nothing between its elements.
        ("dilation", (0..2).any(|axis| conv.dilation[axis] > 1 && kernel[axis] > 1)),
        ("asymmetric padding", top != bottom || left != right),
    ];
    let mut found = vec![kind.to_owned()];
    if kernel == [1, 1] {
        found.push("conv 1 x 1".to_owned());
    }
    found.extend(details.iter().filter(|(_, has)| *has).map(|(detail, _)| format!("{kind}, {detail}")));
    found
}

fn of_pool(graph: &Graph, node: &Node, pool: &QPool) -> Vec<String> {
    let shape = &graph.ty(node.inputs[0]).shape;
    let kind = if pool.kind == PoolKind::Max { "pool max" } else { "pool average" };
    let whole = |axis: usize| {
        let room = shape[1 + axis] + pool.padding[axis] + pool.padding[axis + 2] - pool.kernel[axis];
        room / pool.stride[axis] + 1
    };
    let mut found = vec![kind.to_owned()];
    if (0..2).any(|axis| pool.output[axis] > whole(axis)) {
        found.push(format!("{kind}, rounded up"));
    }
    found
}
