//! Real nodes between int8 ones become nodes of the float dialect, which a DLP with float lanes runs.
//!
//! An island is a connected set of real nodes, each of which some int8 node leads to and some int8 node follows. It is
//! rewritten as a whole, if every node of it has a form in the dialect; otherwise it stays with the host. What it reads
//! from int8 and writes to int8 is part of its first and last instructions. Functions are made of powers of two and
//! reciprocals (docs/numerics.md, N-FUNCTION), and a division multiplies by a reciprocal.

mod functions;
mod rewriter;
mod rules;

use std::collections::{HashMap, HashSet};

use ediacara_graph::{DType, Graph, NodeId};

use crate::forest::Forest;
use crate::{Origin, Quantised, Result};
use rewriter::Rewriter;

/// Rewrites the islands of a quantised network for the DLP.
///
/// What the host ran for them is no longer left; the origins name the new nodes.
///
/// # Errors
/// The graph refuses a node, which is a fault of a rule.
pub fn float_islands(quantised: Quantised) -> Result<Quantised> {
    let Quantised { mut graph, mut left, silenced, mut origins } = quantised;
    let mut became: HashMap<NodeId, Vec<NodeId>> = HashMap::new();
    let mut converted: HashSet<String> = HashSet::new();
    for island in islands(&graph) {
        let mut rewriter = Rewriter::new(&mut graph, &island);
        if !rewrite(&mut rewriter, &island)? {
            continue;
        }
        let made = rewriter.finish()?;
        converted.extend(island.iter().map(|&id| graph.node(id).name.clone()));
        became.extend(made);
    }
    if became.is_empty() {
        return Ok(Quantised { graph, left, silenced, origins });
    }
    graph.unlink_dead();
    left.retain(|node| !converted.contains(&node.node));
    // Nodes are known by what they give, which keeps its identity when the graph is renumbered.
    let results = |graph: &Graph, id: NodeId| graph.output_of(id);
    let of_origins: Vec<Vec<_>> = origins
        .iter()
        .map(|origin| {
            let nodes =
                origin.nodes.iter().flat_map(|id| became.get(id).cloned().unwrap_or_else(|| vec![*id]));
            nodes.filter(|&id| graph.is_live(id)).map(|id| results(&graph, id)).collect()
        })
        .collect();
    let changed: Vec<bool> =
        origins.iter().map(|origin| origin.nodes.iter().any(|id| became.contains_key(id))).collect();
    let new = graph.compact();
    for ((origin, values), changed) in origins.iter_mut().zip(of_origins).zip(changed) {
        let nodes = values.iter().filter_map(|value| graph.producer(new[value.index()]?)).collect();
        *origin = Origin { nodes, left: origin.left.take().filter(|_| !changed), ..origin.clone() };
    }
    Ok(Quantised { graph, left, silenced, origins })
}

/// Builds what stands for an island; whether all of it has a form in the dialect.
fn rewrite(rewriter: &mut Rewriter<'_>, island: &[NodeId]) -> Result<bool> {
    for &id in island {
        rewriter.begin();
        match rules::lower(rewriter, id)? {
            Some(result) if rewriter.end(id, result)? => {}
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// The islands of a graph, each in topological order.
fn islands(graph: &Graph) -> Vec<Vec<NodeId>> {
    let order = graph.order();
    let is_int8 = |id: NodeId| {
        let node = graph.node(id);
        node.op.name() != "quantize_linear"
            && node.outputs.iter().all(|&output| graph.ty(output).dtype == DType::I8)
    };
    let (mut behind, mut before) = (HashSet::new(), HashSet::new());
    for &id in &order {
        let makers = graph.node(id).inputs.iter().filter_map(|&input| graph.producer(input));
        if makers.into_iter().any(|maker| is_int8(maker) || behind.contains(&maker)) {
            behind.insert(id);
        }
    }
    for &id in order.iter().rev() {
        let readers = graph.node(id).outputs.iter().flat_map(|&output| graph.consumers(output));
        if readers.into_iter().any(|reader| is_int8(reader) || before.contains(&reader)) {
            before.insert(id);
        }
    }
    let converts = |id: NodeId| matches!(graph.node(id).op.name(), "quantize_linear" | "dequantize_linear");
    let inside: Vec<NodeId> = order
        .into_iter()
        .filter(|id| behind.contains(id) && before.contains(id) && !is_int8(*id) && !converts(*id))
        .collect();
    let index: HashMap<NodeId, usize> = inside.iter().enumerate().map(|(index, &id)| (id, index)).collect();
    let mut forest = Forest::new(inside.len());
    for (own, &id) in inside.iter().enumerate() {
        let makers = graph.node(id).inputs.iter().filter_map(|&input| graph.producer(input));
        makers.filter_map(|maker| index.get(&maker)).for_each(|&maker| forest.join(own, maker));
    }
    let mut found: Vec<Vec<NodeId>> = Vec::new();
    let mut places: HashMap<usize, usize> = HashMap::new();
    for (own, &id) in inside.iter().enumerate() {
        let place = *places.entry(forest.root(own)).or_insert_with(|| {
            found.push(Vec::new());
            found.len() - 1
        });
        found[place].push(id);
    }
    found
}
