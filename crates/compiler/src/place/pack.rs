//! Caches that lie in DRAM as WRAM wants them, so that products load them straight to there.
//!
//! A cache that one token after the other is appended to is read by products alone: keys by terms, values by outputs. In any
//! other order it would pass through NRAM and, 16 bytes a cycle, through `move`.

use std::collections::HashMap;

use ediacara_arch::Machine;
use ediacara_graph::ops::{Gather, QMatMul, QMatMulReal, Reshape, Slice, TensorScatter, Transpose};
use ediacara_graph::{DType, Graph, NodeId, ValueId};
use ediacara_isa::{Layout, Port};

use crate::place::bindings;
use crate::place::partition::Fed;
use crate::place::segments::{Division, DlpPart, Part};
use crate::program::packing::Packing;

/// The caches of all segments that are packed, and how. None is where their positions follow from several inputs, as there may
/// be too few registers then.
pub(crate) fn packings(graph: &Graph, division: &Division, machine: &Machine) -> HashMap<ValueId, Packing> {
    if bindings::positions(graph).len() != 1 {
        return HashMap::new();
    }
    let parts = division.parts.iter().filter_map(|part| match part {
        Part::Dlp(part) => Some(part),
        Part::Host(_) => None,
    });
    let found = parts.flat_map(|part| {
        let cache = |&id: &NodeId| Some((graph.node(id).inputs[0], packing(graph, part, id, machine)?));
        part.dlp.iter().filter_map(cache).collect::<Vec<_>>()
    });
    found.collect()
}

/// The caches that are packed, in the order of the graph's values.
pub(crate) fn in_order(packings: &HashMap<ValueId, Packing>) -> Vec<ValueId> {
    let mut values: Vec<ValueId> = packings.keys().copied().collect();
    values.sort();
    values
}

/// The packing of the cache that a node appends a row to.
fn packing(graph: &Graph, part: &DlpPart, id: NodeId, machine: &Machine) -> Option<Packing> {
    let node = graph.node(id);
    let scatter = node.op_as::<TensorScatter>()?;
    let (cache, result) = (node.inputs[0], node.outputs[0]);
    let ty = graph.ty(cache);
    let one_row = scatter.axis + 2 == ty.rank() && graph.ty(node.inputs[1]).shape[scatter.axis] == 1;
    let as_it_is = |(value, fed): &&(ValueId, _)| *value == cache && is_plain(fed);
    let stored = |value: &ValueId| part.decoded.iter().any(|(_, stored, _)| stored == value);
    let as_stored =
        part.decoded.iter().all(|(_, stored, port)| *stored != result || is_stored_so(port, &ty.shape));
    let read_here = !part.read.contains(&result) && (!part.outputs.contains(&result) || stored(&result));
    if ty.dtype != DType::I8
        || !one_row
        || part.fed.iter().find(as_it_is).is_none()
        || !as_stored
        || !read_here
    {
        return None;
    }
    let (rows, columns) = (machine.matrix.rows.into(), machine.matrix.columns.into());
    let kinds = [false, true].map(|outputs_last| Packing { outputs_last, rows, columns });
    kinds.into_iter().find(|kind| kind.fits(&ty.shape) && only_multiplied(graph, part, result, *kind))
}

/// Whether the axes of an input are stored in their order.
fn is_plain(fed: &Fed) -> bool {
    fed.permutation.is_sorted()
}

/// Whether a port is a tensor of these extents, with its axes in their order.
fn is_stored_so(port: &Port, shape: &[usize]) -> bool {
    port.shape == shape && port.layout == Layout::plain(shape)
}

/// Whether all that reads a value of this packing are products that load it straight to WRAM, through views of whole matrices.
fn only_multiplied(graph: &Graph, part: &DlpPart, value: ValueId, packing: Packing) -> bool {
    // What others read, ports make of it.
    let readers: Vec<NodeId> =
        graph.consumers(value).into_iter().filter(|id| part.dlp.contains(id)).collect();
    let takes = |&id: &NodeId| {
        let node = graph.node(id);
        if node.op_as::<QMatMul>().is_some() || node.op_as::<QMatMulReal>().is_some() {
            return node.inputs[0] != value && !packing.outputs_last;
        }
        let result = node.outputs[0];
        let is_view = !part.outputs.contains(&result);
        is_view
            && seen(graph, id, packing).is_some_and(|packing| only_multiplied(graph, part, result, packing))
    };
    !readers.is_empty() && readers.iter().all(takes)
}

/// The packing of what a node makes of a packed operand, if that is nothing but another view of whole matrices.
fn seen(graph: &Graph, id: NodeId, packing: Packing) -> Option<Packing> {
    let node = graph.node(id);
    let [from, to] = [node.inputs[0], node.outputs[0]].map(|value| &graph.ty(value).shape);
    if let Some(transpose) = node.op_as::<Transpose>() {
        return packing.transpose(&transpose.permutation);
    }
    let leads = node.op_as::<Gather>().is_none_or(|gather| gather.axis + 2 < from.len());
    let moves = node.op_as::<Slice>().is_some_and(|slice| slice.steps.iter().all(|&step| step == 1))
        || node.op_as::<Reshape>().is_some()
        || node.op_as::<Gather>().is_some_and(|_| graph.constant(node.inputs[1]).is_some());
    (leads && moves && from.last_chunk::<2>() == to.last_chunk::<2>()).then_some(packing)
}
