//! The tables of inputs and outputs: what the host turns into stored bytes and back, under the network's names.

use ediacara_graph::ops::{Barrier, DequantizeLinear, QuantizeLinear, Reshape, Transpose};
use ediacara_graph::{Graph, NodeId, ValueId};
use ediacara_isa::{Encoding, Layout, Port};

use crate::CompileError;
use crate::build::homes::Placement;
use crate::place::partition::Partition;

/// The ports of a program.
#[derive(Debug)]
pub(crate) struct Ports {
    /// What the host writes, in the order of [`Partition::fed`].
    pub inputs: Vec<Port>,
    /// What the host reads: the network's outputs in their order, then what it computes others from.
    pub outputs: Vec<Port>,
    /// For each of [`Partition::outputs`], the name of an output port that holds its bytes.
    pub read: Vec<String>,
}

/// The ports of a program.
///
/// # Errors
/// A value has no home in DRAM.
pub(crate) fn ports(
    graph: &Graph,
    division: &Partition,
    placement: &Placement,
) -> Result<Ports, CompileError> {
    let address = |value: ValueId| {
        let missing = || CompileError::Layer {
            layer: graph.value(value).name.clone(),
            problem: "the value has no home in DRAM".to_owned(),
        };
        placement.homes.get(&value).map(|view| view.base).ok_or_else(missing)
    };
    let mut inputs: Vec<Port> = Vec::new();
    for (value, fed) in &division.fed {
        let extents = &graph.ty(fed.input).shape;
        let mut name = graph.value(fed.input).name.clone();
        if inputs.iter().any(|port| port.name == name) {
            // One input under two scales: the second port is called after its value.
            name = graph.value(*value).name.clone();
        }
        let mut port =
            Port::plain(name, address(*value)?, fed.permutation.iter().map(|&axis| extents[axis]).collect());
        port.encoding = fed.scale.map(|(scale, zero)| Encoding { scale, zero: zero.into() });
        port.layout = Layout { permutation: fed.permutation.clone(), shape: extents.clone() };
        inputs.push(port);
    }
    let mut outputs: Vec<Port> = Vec::new();
    let mut read: Vec<Option<String>> = vec![None; division.outputs.len()];
    for &output in graph.outputs() {
        let name = &graph.value(output).name;
        let Some((value, mut port)) = stored(graph, division, output) else { continue };
        if outputs.iter().all(|port| port.name != *name) {
            (port.name, port.address) = (name.clone(), address(value)?);
            outputs.push(port);
        }
        let place = division.outputs.iter().position(|&read| read == value);
        if let Some(place) = place.and_then(|place| read.get_mut(place)) {
            place.get_or_insert_with(|| name.clone());
        }
    }
    for (&value, name) in division.outputs.iter().zip(&mut read) {
        if name.is_none() {
            let own = graph.value(value).name.clone();
            outputs.push(Port::plain(own.clone(), address(value)?, graph.ty(value).shape.clone()));
            *name = Some(own);
        }
    }
    Ok(Ports { inputs, outputs, read: read.into_iter().flatten().collect() })
}

/// What a network's output is stored as, if the host only dequantises it and lays it out.
fn stored(graph: &Graph, division: &Partition, output: ValueId) -> Option<(ValueId, Port)> {
    let mut steps = Vec::new();
    let mut value = output;
    while !division.outputs.contains(&value) {
        let node = graph.producer(value).filter(|&node| lays_out(graph, node))?;
        steps.push(node);
        value = *graph.node(node).inputs.first()?;
    }
    let shape = &graph.ty(value).shape;
    if shape.is_empty() {
        return None;
    }
    let mut port = Port::plain("", 0, shape.clone());
    steps.iter().rev().try_for_each(|&step| follow(graph, step, &mut port))?;
    Some((value, port))
}

/// Whether a node is of the kind that [`follow`] knows.
fn lays_out(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    node.op_as::<Barrier>().is_some()
        || node.op_as::<DequantizeLinear>().is_some()
        || node.op_as::<QuantizeLinear>().is_some()
        || node.op_as::<Reshape>().is_some()
        || node.op_as::<Transpose>().is_some()
}

/// The port behind one more step of the host; nothing if it is none that a port can say.
fn follow(graph: &Graph, id: NodeId, port: &mut Port) -> Option<()> {
    let node = graph.node(id);
    if node.op_as::<Barrier>().is_some() {
        return Some(());
    }
    if node.op_as::<DequantizeLinear>().is_some() {
        let encoding = encoding(graph, id)?;
        return port.encoding.replace(encoding).is_none().then_some(());
    }
    if node.op_as::<QuantizeLinear>().is_some() {
        // What is quantised as it was stored is what was stored.
        return (port.encoding.take()? == encoding(graph, id)?).then_some(());
    }
    if node.op_as::<Reshape>().is_some() {
        let layout = &mut port.layout;
        layout.shape.clone_from(&graph.ty(node.outputs[0]).shape);
        if layout.permutation.is_sorted() && !layout.shape.is_empty() {
            // Nothing was moved yet, so that the bytes may as well be stored under the new shape.
            port.shape.clone_from(&layout.shape);
            *layout = Layout::plain(&port.shape);
        }
        return Some(());
    }
    let step = &node.op_as::<Transpose>()?.permutation;
    if port.layout.shape != port.unpermuted_shape() {
        return None;
    }
    // Axis k of the result is axis step[k] of the operand.
    let axes = port.layout.permutation.iter().map(|&axis| step.iter().position(|&from| from == axis));
    let permutation = axes.collect::<Option<Vec<usize>>>()?;
    port.layout = Layout::permuted(&port.shape, permutation);
    Some(())
}

/// The one scale and zero point of a quantize_linear or dequantize_linear of i8.
fn encoding(graph: &Graph, id: NodeId) -> Option<Encoding> {
    let [_, scale, zero] = graph.node(id).inputs[..] else { return None };
    let scale = graph.constant(scale)?.to_vec::<f32>().ok()?;
    let zero = graph.constant(zero)?.to_vec::<i8>().ok()?;
    let ([scale], [zero]) = (scale.as_slice(), zero.as_slice()) else { return None };
    let sensible = scale.is_finite() && *scale > 0.0;
    sensible.then_some(Encoding { scale: *scale, zero: i32::from(*zero) })
}
