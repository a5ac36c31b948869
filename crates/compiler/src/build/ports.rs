//! The tables of inputs and outputs of a segment: what is turned into stored bytes and back, under the network's
//! names.

use std::cmp::Reverse;

use ediacara_graph::{Graph, ValueId};
use ediacara_isa::{Encoding, Layout, Port};

use crate::CompileError;
use crate::build::homes::Placement;
use crate::place::borders::plain;
use crate::place::segments::DlpPart;
use crate::program::view::View;

/// The ports of a program.
#[derive(Debug, Default)]
pub(crate) struct Ports {
    /// What is brought into DRAM before, in the order of [`DlpPart::fed`].
    pub inputs: Vec<Port>,
    /// What is taken from DRAM afterwards: the network's outputs in their order, then what other segments read.
    pub outputs: Vec<Port>,
    /// For each output, the value of the network that a caller finds there.
    pub values: Vec<ValueId>,
}

/// The ports of a program.
///
/// # Errors
/// A value has no home in DRAM.
pub(crate) fn ports(graph: &Graph, part: &DlpPart, placement: &Placement) -> Result<Ports, CompileError> {
    let address = |value: ValueId| {
        let missing = || CompileError::Layer {
            layer: graph.value(value).name.clone(),
            problem: "the value has no home in DRAM".to_owned(),
        };
        placement.homes.get(&value).map(|view| view.base).ok_or_else(missing)
    };
    let name = |value: ValueId| graph.value(value).name.clone();
    let mut ports = Ports::default();
    for (value, fed) in part.brought() {
        let mut port = plain(graph, fed.source);
        port.name = name(fed.source);
        // One input in two forms: as it is, it has its own name; else the first form has it, and the others are called
        // after their values.
        let as_it_is = |source: ValueId| part.fed.iter().any(|(value, _)| *value == source);
        let taken = ports.inputs.iter().any(|other| other.name == port.name);
        if *value != fed.source && (taken || as_it_is(fed.source)) {
            port.name = name(*value);
        }
        if *value != fed.source {
            let extents = &graph.ty(fed.source).shape;
            port.shape = fed.permutation.iter().map(|&axis| extents[axis]).collect();
            // What is stored is what the segment reads, whatever the source is.
            port.element = plain(graph, *value).element;
            port.encoding = fed.scale.map(|(scale, zero)| Encoding { scale, zero: zero.into() });
            port.layout = Layout { permutation: fed.permutation.clone(), shape: extents.clone() };
        }
        port.address = address(*value)?;
        pack(&mut port, &placement.homes[value]);
        ports.inputs.push(port);
    }
    let outputs = part.decoded.iter().map(|(output, stored, port)| (*output, *stored, port.clone()));
    let others = part.read.iter().map(|&value| (value, value, plain(graph, value)));
    for (value, stored, port) in outputs.chain(others) {
        if !ports.values.contains(&value) {
            let mut port = Port { name: name(value), address: address(stored)?, ..port };
            pack(&mut port, &placement.homes[&stored]);
            ports.outputs.push(port);
            ports.values.push(value);
        }
    }
    Ok(ports)
}

/// Lays a port out as its home is, where that is packed.
fn pack(port: &mut Port, home: &View) {
    if home.packing.is_none() {
        return;
    }
    let unpacked = home.unpacked();
    let mut permutation: Vec<usize> = (0..unpacked.shape.len()).collect();
    permutation.sort_by_key(|&axis| Reverse(unpacked.strides[axis]));
    port.shape = permutation.iter().map(|&axis| unpacked.shape[axis] as usize).collect();
    port.layout.permutation = permutation;
}
