//! Real nodes beside int8 ones become nodes of the float dialect, which a DLP with float lanes runs.
//!
//! An island is a connected set of real nodes that have a form in the dialect, one of which at least reads or is read by
//! an int8 node: a program is there already that can run it. Where none lies between int8 nodes, those at the network's
//! border are the host's, which converts there anyway. What an island reads from int8 and writes to int8 is part of
//! its first and last instructions. Functions are made of powers of two and reciprocals (docs/numerics.md, N-FUNCTION), and
//! a division multiplies by a reciprocal.

mod changes;
mod denominators;
pub(crate) mod functions;
mod heads;
mod own;
mod real_products;
pub(crate) mod reductions;
pub(crate) mod rewriter;
pub(crate) mod rules;

use std::collections::{HashMap, HashSet};

use ediacara_graph::ops::{Activation, FRow, Gemm};
use ediacara_graph::{DType, Graph, NodeId, ValueId};

use crate::forest::Forest;
use crate::qdq::{import_beside, import_qdq};
use crate::quantise::{Origin, Quantised, quantise, quantise_beside};
use crate::{Calibration, Result};
use changes::Changes;
use denominators::move_denominators;
use heads::take_heads_apart;
use real_products::real_products;
use rewriter::Rewriter;

/// Quantises as [`quantise`](crate::quantise()) does, for a DLP with float lanes: real nodes that have a form in the float
/// dialect are its own, where they stand beside int8 ones.
///
/// # Errors
/// As [`quantise`](crate::quantise()).
pub fn quantise_with_floats(graph: &Graph, calibration: &Calibration) -> Result<Quantised> {
    let rewriting = Rewriting::default();
    let quantised =
        quantise_beside(graph, calibration, Some(forms(graph, rewriting)?.found), &HashSet::new())?;
    match with_islands(quantised, Rounding::Free(graph), rewriting)? {
        Some(quantised) => Ok(quantised),
        None => quantise(graph, calibration),
    }
}

/// Imports as [`import_qdq`](crate::import_qdq) does, for a DLP with float lanes.
///
/// # Errors
/// As [`import_qdq`](crate::import_qdq).
pub fn import_qdq_with_floats(graph: &Graph, calibration: Option<&Calibration>) -> Result<Quantised> {
    let rewriting = Rewriting::default();
    let quantised = import_beside(graph, calibration, Some(forms(graph, rewriting)?.found))?;
    match with_islands(quantised, Rounding::Marked, rewriting)? {
        Some(quantised) => Ok(quantised),
        None => import_qdq(graph, calibration),
    }
}

/// How nodes of islands become nodes of the float dialect.
#[derive(Clone, Copy)]
pub(crate) struct Rewriting<'a> {
    /// Builds what stands for the nodes inside that have a form.
    pub(crate) rewrite: &'a dyn Fn(&mut Graph, HashSet<NodeId>) -> Result<Rewritten>,
    /// Nodes that are real by choice, wherever they stand.
    pub(crate) chosen: &'a dyn Fn(NodeId) -> bool,
}

impl Default for Rewriting<'_> {
    fn default() -> Self {
        Rewriting { rewrite: &rewrite, chosen: &|_| false }
    }
}

/// Who says what is rounded to int8.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rounding<'a> {
    /// The network itself, by its markers: what they round is its result.
    Marked,
    /// The quantiser, for the products' sake, of this network.
    Free(&'a Graph),
}

/// A quantised network with its islands in the float dialect; nothing if it has none.
///
/// # Errors
/// The graph refuses a node, which is a fault of a rule.
pub(crate) fn with_islands(
    quantised: Quantised,
    rounding: Rounding<'_>,
    rewriting: Rewriting<'_>,
) -> Result<Option<Quantised>> {
    let Quantised { graph, mut left, silenced, mut origins } = quantised;
    let forms = forms(&graph, rewriting)?;
    say_why(&forms.refused, &mut origins);
    let inside = islands(&graph, &forms.found, rewriting.chosen);
    if inside.is_empty() {
        let goes_by_rows = graph.nodes().any(|id| graph.node(id).op_as::<FRow>().is_some());
        return Ok(goes_by_rows.then_some(Quantised { graph, left, silenced, origins }));
    }
    let (graph, origins) = float_islands(graph, origins, inside, (rounding, rewriting))?;
    let still: HashSet<&str> =
        origins.iter().filter(|origin| origin.left.is_some()).map(|origin| origin.node.as_str()).collect();
    left.retain(|node| still.contains(node.node.as_str()));
    Ok(Some(Quantised { graph, left, silenced, origins }))
}

/// Gives the nodes that stayed real the reasons of operators of one's own.
fn say_why(refused: &HashMap<NodeId, String>, origins: &mut [Origin]) {
    for origin in origins {
        let reason = origin.nodes.iter().find_map(|id| refused.get(id));
        if let (Some(left), Some(reason)) = (&mut origin.left, reason) {
            left.reason = format!("{}: {reason}", left.reason);
        }
    }
}

/// Rewrites the islands of an int8 network, whose nodes are `inside`, for the DLP.
///
/// The origins of its nodes name the new nodes, which are no longer left to the host.
///
/// # Errors
/// The graph refuses a node, which is a fault of a rule.
fn float_islands(
    mut graph: Graph,
    mut origins: Vec<Origin>,
    inside: HashSet<NodeId>,
    (rounding, rewriting): (Rounding<'_>, Rewriting<'_>),
) -> Result<(Graph, Vec<Origin>)> {
    let (became, _) = (rewriting.rewrite)(&mut graph, inside)?;
    graph.unlink_dead();
    let mut changes = Changes::default();
    if let Rounding::Free(real) = rounding {
        take_heads_apart(&mut graph, &mut changes)?;
        move_denominators(&mut graph, &mut changes)?;
        real_products(&mut graph, &mut changes, &bounded(real, &origins))?;
    }
    // Nodes are known by what they give, which keeps its identity when the graph is renumbered.
    let values_of = |origin: &Origin| -> Vec<ValueId> {
        let nodes = origin.nodes.iter().flat_map(|id| became.get(id).cloned().unwrap_or_else(|| vec![*id]));
        let nodes = nodes.flat_map(|id| changes.last(id));
        nodes.filter(|&id| graph.is_live(id)).map(|id| graph.output_of(id)).collect()
    };
    let values: Vec<Vec<ValueId>> = origins.iter().map(values_of).collect();
    let new = graph.compact();
    for (origin, values) in origins.iter_mut().zip(values) {
        if origin.nodes.iter().any(|id| became.contains_key(id)) {
            origin.left = None;
        }
        origin.nodes = values.iter().filter_map(|value| graph.producer(new[value.index()]?)).collect();
    }
    Ok((graph, origins))
}

/// The nodes that do the work of an activation, too: their clamp is no mere end of a range.
fn bounded(real: &Graph, origins: &[Origin]) -> HashSet<NodeId> {
    let sums = ["matmul", "gemm", "add", "mul", "div", "reshape", "transpose"];
    let activates =
        |id: &NodeId| real.node(*id).op_as::<Gemm>().is_some_and(|gemm| gemm.activation != Activation::None);
    let active: HashSet<&str> =
        real.nodes().filter(activates).map(|id| real.node(id).name.as_str()).collect();
    let is_bounded =
        |origin: &&Origin| !sums.contains(&origin.op.as_str()) || active.contains(origin.node.as_str());
    origins.iter().filter(is_bounded).flat_map(|origin| origin.nodes.iter().copied()).collect()
}

/// What each node that has a form in the dialect became, and why others have none.
pub(crate) type Rewritten = (HashMap<NodeId, Vec<NodeId>>, HashMap<NodeId, String>);

/// Builds what stands for the nodes inside that have a form in the dialect.
fn rewrite(graph: &mut Graph, inside: HashSet<NodeId>) -> Result<Rewritten> {
    let order = graph.order();
    let mut rewriter = Rewriter::new(graph, inside);
    for id in order {
        if !rewriter.is_inside(id) {
            continue;
        }
        rewrite_node(&mut rewriter, id)?;
    }
    let refused = std::mem::take(&mut rewriter.refused);
    Ok((rewriter.finish()?, refused))
}

/// Builds what stands for a node, or leaves it as it is.
///
/// # Errors
/// The graph refuses what was built.
pub(crate) fn rewrite_node(rewriter: &mut Rewriter<'_>, id: NodeId) -> Result<()> {
    rewriter.begin();
    let mut lowered = rules::lower(rewriter, id)?;
    if lowered.is_none() {
        rewriter.begin();
        lowered = own::form(rewriter, id)?;
    }
    let ended = match lowered {
        Some(result) => rewriter.end(id, result)?,
        None => false,
    };
    if !ended {
        rewriter.leave(id);
    }
    Ok(())
}

/// Which real nodes have a form in the dialect.
pub(crate) struct Forms {
    pub(crate) found: HashSet<NodeId>,
    /// Why operators of one's own have none.
    refused: HashMap<NodeId, String>,
}

/// The real nodes that have a form in the dialect.
///
/// # Errors
/// As [`float_islands`].
pub(crate) fn forms(graph: &Graph, rewriting: Rewriting<'_>) -> Result<Forms> {
    let order = graph.order();
    let is_real = |id: &NodeId| {
        let node = graph.node(*id);
        let converts = matches!(node.op.name(), "quantize_linear" | "dequantize_linear");
        !converts && node.outputs.iter().all(|&output| graph.ty(output).dtype == DType::F32)
    };
    let border = border(graph, &order);
    let inner = |id: &NodeId| !border.contains(id) || (rewriting.chosen)(*id);
    let real = order.iter().copied().filter(|id| is_real(id) && inner(id)).collect();
    // A trial shows it.
    let (became, refused) = (rewriting.rewrite)(&mut graph.clone(), real)?;
    Ok(Forms { found: became.into_keys().collect(), refused })
}

/// The nodes of all islands, of those that have a form.
fn islands(graph: &Graph, found: &HashSet<NodeId>, chosen: &dyn Fn(NodeId) -> bool) -> HashSet<NodeId> {
    let nodes: Vec<NodeId> = graph.order().into_iter().filter(|id| found.contains(id)).collect();
    let index: HashMap<NodeId, usize> = nodes.iter().enumerate().map(|(index, &id)| (id, index)).collect();
    let mut forest = Forest::new(nodes.len());
    for (own, &id) in nodes.iter().enumerate() {
        let makers = graph.node(id).inputs.iter().filter_map(|&input| graph.producer(input));
        makers.filter_map(|maker| index.get(&maker)).for_each(|&maker| forest.join(own, maker));
    }
    let goes_by_rows = graph.nodes().any(|id| graph.node(id).op_as::<FRow>().is_some());
    let any_chosen = nodes.iter().any(|&id| chosen(id));
    if !goes_by_rows && !any_chosen && !nodes.iter().any(between_int8(graph)) {
        return HashSet::new();
    }
    let meets: HashSet<usize> = (0..nodes.len())
        .filter(|&own| chosen(nodes[own]) || reads_int8(graph, nodes[own]) || makes_int8(graph, nodes[own]))
        .map(|own| forest.root(own))
        .collect();
    (0..nodes.len()).filter(|&own| meets.contains(&forest.root(own))).map(|own| nodes[own]).collect()
}

/// Says of a node whether some int8 node leads to it and some int8 node follows.
fn between_int8(graph: &Graph) -> impl Fn(&NodeId) -> bool {
    let order = graph.order();
    let (mut behind, mut before) = (HashSet::new(), HashSet::new());
    for &id in &order {
        let makers = graph.node(id).inputs.iter().filter_map(|&input| graph.producer(input));
        if makers.into_iter().any(|maker| is_int8(graph, maker) || behind.contains(&maker)) {
            behind.insert(id);
        }
    }
    for &id in order.iter().rev() {
        let readers = graph.node(id).outputs.iter().flat_map(|&output| graph.consumers(output));
        if readers.into_iter().any(|reader| is_int8(graph, reader) || before.contains(&reader)) {
            before.insert(id);
        }
    }
    move |id| behind.contains(id) && before.contains(id)
}

/// The moves at the network's border, which are the host's with the conversion there: of inputs before they are stored in
/// int8, and of int8 results before they are given out.
fn border(graph: &Graph, order: &[NodeId]) -> HashSet<NodeId> {
    let op = |id: NodeId| graph.node(id).op.name();
    let moves = |id: &NodeId| matches!(op(*id), "transpose" | "reshape");
    let mut inner: HashSet<NodeId> = HashSet::new();
    for id in order.iter().filter(|id| moves(id)) {
        let producer = graph.producer(graph.node(*id).inputs[0]);
        if producer.is_none_or(|node| inner.contains(&node) || op(node) == "cast") {
            inner.insert(*id);
        }
    }
    let mut outer: HashSet<NodeId> = HashSet::new();
    for id in order.iter().rev().filter(|id| moves(id) || op(**id) == "concat") {
        let readers = graph.consumers(graph.node(*id).outputs[0]);
        if !readers.iter().all(|reader| op(*reader) == "quantize_linear" || inner.contains(reader)) {
            inner.remove(id);
        }
        if readers.iter().all(|reader| outer.contains(reader)) {
            outer.insert(*id);
        }
    }
    for id in order {
        let makers = graph.node(*id).inputs.iter().map(|&input| graph.producer(input));
        let converted = |node: Option<NodeId>| {
            node.is_some_and(|node| op(node) == "dequantize_linear" || outer.contains(&node))
        };
        if !makers.into_iter().all(converted) {
            outer.remove(id);
        }
    }
    inner.extend(outer);
    inner
}

/// Whether a node gives int8, other than by converting real numbers.
fn is_int8(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    node.op.name() != "quantize_linear"
        && node.outputs.iter().all(|&output| graph.ty(output).dtype == DType::I8)
}

/// Whether a real node reads what an int8 node made.
fn reads_int8(graph: &Graph, id: NodeId) -> bool {
    let reads = |&input: &ValueId| {
        let converts =
            graph.producer(input).filter(|&node| graph.node(node).op.name() == "dequantize_linear");
        let maker = converts.and_then(|node| graph.producer(graph.node(node).inputs[0]));
        maker.is_some_and(|maker| is_int8(graph, maker))
    };
    graph.node(id).inputs.iter().any(reads)
}

/// Whether an int8 node reads what a real one gives.
fn makes_int8(graph: &Graph, id: NodeId) -> bool {
    let stores = |reader: NodeId| {
        let converts = graph.node(reader).op.name() == "quantize_linear";
        converts && graph.consumers(graph.output_of(reader)).into_iter().any(|reader| is_int8(graph, reader))
    };
    graph.node(id).outputs.iter().flat_map(|&output| graph.consumers(output)).any(stores)
}
