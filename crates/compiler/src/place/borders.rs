//! What a port says of an output: the host only dequantises it and lays it out.

use ediacara_graph::ops::{Barrier, DequantizeLinear, QuantizeLinear, Reshape, Transpose};
use ediacara_graph::{DType, Graph, NodeId, ValueId};
use ediacara_isa::{ElementType, Encoding, Layout, Port};

/// What a network's output is stored as, if the host only dequantises it and lays it out; `is_stored` says
/// what the DLP writes.
///
/// The port has neither name nor address yet.
pub(crate) fn stored(
    graph: &Graph,
    is_stored: impl Fn(ValueId) -> bool,
    output: ValueId,
) -> Option<(ValueId, Port)> {
    let mut steps = Vec::new();
    let mut value = output;
    while !is_stored(value) {
        let node = graph.producer(value).filter(|&node| lays_out(graph, node))?;
        steps.push(node);
        value = *graph.node(node).inputs.first()?;
    }
    let mut port = plain(graph, value);
    steps.iter().rev().try_for_each(|&step| follow(graph, step, &mut port))?;
    Some((value, port))
}

/// The port of a value as it is, without name and address.
pub(crate) fn plain(graph: &Graph, value: ValueId) -> Port {
    let (shape, element) = (&graph.ty(value).shape, element(graph.ty(value).dtype));
    match shape.is_empty() {
        false => Port { element, ..Port::plain("", 0, shape.clone()) },
        // What is stored has an axis at least.
        true => {
            let layout = Layout { permutation: vec![0], shape: Vec::new() };
            Port { layout, element, ..Port::plain("", 0, vec![1]) }
        }
    }
}

/// The type of what a segment of the DLP stores.
fn element(dtype: DType) -> ElementType {
    match dtype {
        DType::F16 => ElementType::F16,
        DType::BF16 => ElementType::BF16,
        DType::F32 => ElementType::F32,
        _ => ElementType::I8,
    }
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
