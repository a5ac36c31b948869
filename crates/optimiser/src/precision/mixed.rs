//! An int8 network of which some layers compute in floating point.
//!
//! Nodes that are chosen stay real when the rest is quantised. They become what they are in a real network
//! ([`in_floating_point`](super::in_floating_point)), and the real nodes beside them what they are in an int8 network
//! ([`islands`](crate::islands)). Between int8 and real an instruction converts, the last of a layer or one of its own.

use std::collections::{HashMap, HashSet};

use ediacara_graph::ops::{Reshape, Transpose};
use ediacara_graph::{DType, Graph, NodeId};

use super::RULES;
use super::forms::Forms;
use crate::Result;
use crate::islands::{self, Rewriting, Rewritten, Rounding};
use crate::quantise::{Quantised, quantise_beside};
use crate::{Calibration, quantise_with_floats};

/// Quantises an optimised real network, but for nodes that compute in a type of floating point, by their names. The array
/// multiplies elements of `row_bytes` bytes together in a beat.
///
/// What no node is called has no say. A node that has no form in floating point stays with the host.
///
/// # Errors
/// As [`quantise`](crate::quantise()).
pub fn quantise_mixed(
    graph: &Graph,
    calibration: &Calibration,
    chosen: &HashMap<String, DType>,
    row_bytes: usize,
) -> Result<Quantised> {
    let kept: HashSet<NodeId> =
        graph.nodes().filter(|&id| chosen.contains_key(&graph.node(id).name)).collect();
    if kept.is_empty() {
        return quantise_with_floats(graph, calibration);
    }
    let mut floats = islands::forms(graph, Rewriting::default())?.found;
    floats.extend(&kept);
    let quantised = quantise_beside(graph, calibration, Some(floats), &kept)?;
    let mut types = HashMap::new();
    for origin in quantised.origins.iter().filter(|origin| origin.left.is_some()) {
        if let Some(&dtype) = chosen.get(&origin.node) {
            types.extend(origin.nodes.iter().map(|&id| (id, dtype)));
        }
    }
    lead_images(&quantised.graph, &mut types);
    let rewrite = |graph: &mut Graph, inside: HashSet<NodeId>| rewrite(graph, inside, &types, row_bytes);
    let is_chosen = |id: NodeId| types.contains_key(&id);
    let rewriting = Rewriting { rewrite: &rewrite, chosen: &is_chosen };
    let islands = islands::with_islands(quantised.clone(), Rounding::Free(graph), rewriting)?;
    Ok(islands.unwrap_or(quantised))
}

/// Gives what only moves images to a chosen node, or from it, the type of that node: its channels stay where they are.
fn lead_images(graph: &Graph, types: &mut HashMap<NodeId, DType>) {
    let order = graph.order();
    let moves = |id: NodeId| {
        let node = graph.node(id);
        node.op_as::<Transpose>().is_some() || node.op_as::<Reshape>().is_some()
    };
    for &id in order.iter().filter(|&&id| moves(id)) {
        let maker = graph.producer(graph.node(id).inputs[0]);
        if let Some(&dtype) = maker.and_then(|maker| types.get(&maker)) {
            types.entry(id).or_insert(dtype);
        }
    }
    for &id in order.iter().rev().filter(|&&id| moves(id)) {
        let readers = graph.consumers(graph.output_of(id));
        let first = readers.first().and_then(|reader| types.get(reader)).copied();
        let alike = readers.iter().all(|reader| types.get(reader).copied() == first);
        if let Some(dtype) = first.filter(|_| alike) {
            types.entry(id).or_insert(dtype);
        }
    }
}

/// Builds what stands for the nodes inside: of those of a type what a real network has, of others what islands have.
fn rewrite(
    graph: &mut Graph,
    inside: HashSet<NodeId>,
    types: &HashMap<NodeId, DType>,
    row_bytes: usize,
) -> Result<Rewritten> {
    let order = graph.order();
    let mut forms = Forms::new(graph, inside, DType::F32, 1);
    let mut refused = HashMap::new();
    for id in order {
        if !forms.r.is_inside(id) {
            continue;
        }
        forms.dtype = types.get(&id).copied().unwrap_or(DType::F32);
        forms.lanes = row_bytes / forms.dtype.size_bytes();
        match types.contains_key(&id) {
            true => {
                if let Err(reason) = forms.lower_beside(id, RULES)? {
                    refused.insert(id, reason);
                }
            }
            false => forms.as_island(id)?,
        }
    }
    refused.extend(std::mem::take(&mut forms.r.refused));
    Ok((forms.finish()?, refused))
}
