//! How large the numbers of an input may be if they pick rows: a token, a class, a position.

use std::collections::HashSet;

use ediacara_graph::ops::TensorScatter;
use ediacara_graph::{Attribute, Graph, Node, ValueId};

/// Operators whose result holds the numbers of their operands, at other places or in another type.
const KEEP_NUMBERS: [&str; 8] =
    ["barrier", "broadcast", "cast", "concat", "pad", "reshape", "slice", "transpose"];

/// One more than the largest number that every gather or scatter behind an input can take as an index.
///
/// It is nothing if the input reaches none.
pub(crate) fn bound(graph: &Graph, input: ValueId) -> Option<u64> {
    let (mut seen, mut open) = (HashSet::from([input]), vec![input]);
    let mut bound = None;
    while let Some(value) = open.pop() {
        for node in graph.consumers(value) {
            let node = graph.node(node);
            if let Some(extent) = extent(graph, node, value) {
                bound = Some(bound.map_or(extent, |bound: u64| bound.min(extent)));
            }
            if KEEP_NUMBERS.contains(&node.op.name()) {
                open.extend(node.outputs.iter().copied().filter(|&output| seen.insert(output)));
            }
        }
    }
    bound
}

/// How many places a node can pick from if `value` holds its indices.
fn extent(graph: &Graph, node: &Node, value: ValueId) -> Option<u64> {
    if let Some(scatter) = node.op_as::<TensorScatter>() {
        let extent = |index: usize| Some(graph.ty(*node.inputs.get(index)?).shape[scatter.axis]);
        let places = extent(0)? - extent(1)? + 1;
        return (node.inputs.get(2) == Some(&value)).then_some(places as u64);
    }
    if node.inputs.get(1) != Some(&value) {
        return None;
    }
    let shape = &graph.ty(*node.inputs.first()?).shape;
    let attributes = node.op.attributes();
    let attribute = |name: &str| match attributes.get(name) {
        Some(&Attribute::Int(number)) => usize::try_from(number).ok(),
        _ => None,
    };
    let extent = match node.op.name() {
        "gather" | "gather_elements" => shape.get(attribute("axis")?).copied(),
        "scatter_elements" | "index_add" => attribute("size"),
        // The numbers of one row belong to several axes; numbers that fit the smallest axis fit all.
        "gather_nd" => shape.iter().copied().min(),
        _ => None,
    };
    extent.map(|extent| extent as u64)
}
