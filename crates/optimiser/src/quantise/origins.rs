//! What became of each node of the real network.

use std::collections::{HashMap, HashSet};

use ediacara_graph::{NodeId, ValueId};

use super::plan::{Lowering, Plan, Step};
use super::{Left, Origin};

/// Operators that neither compute nor move anything.
pub(crate) const UNCOUNTED: [&str; 3] = ["reshape", "quantize_linear", "dequantize_linear"];

/// The nodes that count, in topological order.
///
/// `becomes` has the values that each lowering or copy added. `new` tells which node of the finished graph
/// gives one of them, if that is still there.
pub(super) fn origins(
    plan: &Plan,
    becomes: &HashMap<NodeId, Vec<ValueId>>,
    new: impl Fn(ValueId) -> Option<NodeId>,
) -> Vec<Origin> {
    let graph = plan.graph;
    let done_by = done_by(plan);
    let mut causes: HashMap<NodeId, NodeId> = HashMap::new();
    let mut found = Vec::new();
    for id in graph.order() {
        let node = graph.node(id);
        let left = match plan.step(id) {
            Some(Step::Left(reason)) => {
                let mut before = node.inputs.iter().filter_map(|&input| graph.producer(input));
                let cause = before.find_map(|producer| causes.get(&producer).copied()).unwrap_or(id);
                causes.insert(id, cause);
                Some(Left { reason: reason.clone(), cause: graph.node(cause).name.clone() })
            }
            Some(Step::Lower(_) | Step::Absorbed) => None,
            Some(Step::Constant) | None => continue,
        };
        let doer = done_by.get(&id).copied().unwrap_or(id);
        let values = becomes.get(&doer).into_iter().flatten();
        let mut nodes: Vec<NodeId> = values.filter_map(|&value| new(value)).collect();
        nodes.dedup();
        let op = node.op.name();
        if !nodes.is_empty() && !UNCOUNTED.contains(&op) {
            let macs = graph.cost_of(id).macs;
            found.push(Origin { node: node.name.clone(), op: op.to_owned(), macs, nodes, left });
        }
    }
    found
}

/// For every node that another node's lowering does, that other node.
fn done_by(plan: &Plan) -> HashMap<NodeId, NodeId> {
    let done = |lowering: &Lowering| {
        let doer = lowering.node;
        absorbed(plan, lowering).map(move |node| (node, doer))
    };
    plan.lowerings().flat_map(done).collect()
}

/// The nodes between a lowering's operands and its result, including its own.
fn absorbed(plan: &Plan, lowering: &Lowering) -> std::collections::hash_set::IntoIter<NodeId> {
    let graph = plan.graph;
    let mut found = HashSet::new();
    let mut open = vec![lowering.result];
    while let Some(value) = open.pop() {
        let Some(node) = graph.producer(value).filter(|_| !lowering.operands.contains(&value)) else {
            continue;
        };
        let own = node == lowering.node || matches!(plan.step(node), Some(Step::Absorbed));
        if own && found.insert(node) {
            open.extend(&graph.node(node).inputs);
        }
    }
    found.into_iter()
}
