//! Positions at which a program writes, given before it starts: the bindings of a network.
//!
//! A `tensor_scatter` whose cache the host brings in, and whose index is an input of the network with one number, writes its
//! rows into the cache where it lies. The number decides one address and nothing else, so that it is a binding of the program
//! (docs/isa.md, "Bindings"), called after the input.

use std::collections::HashSet;

use ediacara_graph::ops::{Barrier, Reshape, TensorScatter};
use ediacara_graph::{DType, Definition, Graph, NodeId, ValueId};
use ediacara_isa::Binding;

/// Registers from here on hold what is computed from bindings.
pub(crate) const FIRST_FREE_REGISTER: u8 = 8;

/// The operands of a node that a segment of the DLP holds: all but the index of a scatter.
pub(crate) fn operands(graph: &Graph, id: NodeId) -> &[ValueId] {
    let node = graph.node(id);
    match node.op_as::<TensorScatter>() {
        Some(_) => &node.inputs[..2],
        None => &node.inputs,
    }
}

/// The input of the network whose one number says where a scatter writes.
fn position(graph: &Graph, id: NodeId) -> Option<ValueId> {
    let node = graph.node(id);
    node.op_as::<TensorScatter>()?;
    let mut value = node.inputs[2];
    while let Some(producer) = graph.producer(value) {
        let node = graph.node(producer);
        if node.op_as::<Reshape>().is_none() && node.op_as::<Barrier>().is_none() {
            return None;
        }
        value = node.inputs[0];
    }
    let ty = graph.ty(value);
    let is_number = ty.dtype == DType::I64 && ty.elements() == 1;
    let is_input = matches!(graph.value(value).definition, Definition::Input);
    (is_number && is_input).then_some(value)
}

/// The positions of a network, each once, in the order of its nodes.
fn positions(graph: &Graph) -> Vec<ValueId> {
    let mut seen = HashSet::new();
    let all = graph.order().into_iter().filter_map(|id| position(graph, id));
    all.filter(|&value| seen.insert(value)).collect()
}

/// The scalar register that holds where a scatter writes; nothing if no input of the network says so, or too many inputs do.
pub(crate) fn register(graph: &Graph, id: NodeId) -> Option<u8> {
    let value = position(graph, id)?;
    let index = positions(graph).into_iter().position(|other| other == value)?;
    u8::try_from(index + 1).ok().filter(|&register| register < FIRST_FREE_REGISTER)
}

/// The bindings of the scatters that the DLP runs, each with the numbers at which all of them stay in their caches.
pub(crate) fn bindings(graph: &Graph, dlp: impl IntoIterator<Item = NodeId>) -> Vec<Binding> {
    let mut found: Vec<Binding> = Vec::new();
    for id in dlp {
        let node = graph.node(id);
        let Some(scatter) = node.op_as::<TensorScatter>() else { continue };
        let Some((value, register)) = position(graph, id).zip(register(graph, id)) else { continue };
        let extent = |index: usize| graph.ty(node.inputs[index]).shape[scatter.axis];
        let high = (extent(0) - extent(1)) as u64;
        match found.iter_mut().find(|binding| binding.register == register) {
            Some(binding) => binding.high = binding.high.min(high),
            None => {
                found.push(Binding { name: graph.value(value).name.clone(), register, low: 0, high });
            }
        }
    }
    found
}
