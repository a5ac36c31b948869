//! Values that are known before the graph runs.

use ediacara_graph::ops::{Div, Mul};
use ediacara_graph::{DType, Graph, Node, Tensor, ValueId};

/// The longest chain of nodes between a constant and a value that is computed from it; importers make chains
/// of three.
const SEARCH_DEPTH: usize = 8;

/// The tensor of a real constant: given as such, or computed from constants alone (dequantised, then perhaps
/// moved).
pub(crate) fn real_constant(graph: &Graph, value: ValueId) -> Option<Tensor> {
    let tensor = computed(graph, value, SEARCH_DEPTH)?;
    (tensor.dtype() == DType::F32).then_some(tensor)
}

fn computed(graph: &Graph, value: ValueId, depth: usize) -> Option<Tensor> {
    if let Some(tensor) = graph.constant(value) {
        return Some(tensor.clone());
    }
    let node = graph.node(graph.producer(value)?);
    let &[output] = node.outputs.as_slice() else { return None };
    let depth = depth.checked_sub(1)?;
    let inputs: Option<Vec<Tensor>> =
        node.inputs.iter().map(|&input| computed(graph, input, depth)).collect();
    let mut outputs = [graph.ty(output).zeros().ok()?];
    node.op.run(&inputs?.iter().collect::<Vec<_>>(), &mut outputs).ok()?;
    let [output] = outputs;
    Some(output)
}

/// Whether [`real_constant`] would find a tensor, of any type, which it does not compute.
pub(crate) fn is_known(graph: &Graph, value: ValueId) -> bool {
    fn within(graph: &Graph, value: ValueId, depth: usize) -> bool {
        let Some(node) = graph.producer(value) else { return graph.constant(value).is_some() };
        depth > 0 && graph.node(node).inputs.iter().all(|&input| within(graph, input, depth - 1))
    }
    within(graph, value, SEARCH_DEPTH)
}

/// A constant as one number for each channel of a value of shape [N,C,H,W].
///
/// The constant is given so, or is one number for all channels.
pub(crate) fn channel_numbers(graph: &Graph, constant: ValueId, shape: &[usize]) -> Option<Vec<f32>> {
    let tensor = real_constant(graph, constant)?;
    let channels = shape[1];
    let rank = tensor.rank();
    // NumPy aligns shapes at the right: the channel axis of a rank-3 constant is its first.
    let along_channels = (0..rank).all(|axis| {
        let dimension = tensor.shape()[axis];
        dimension == 1 || (axis + shape.len() == rank + 1 && dimension == channels)
    });
    if rank > shape.len() || !along_channels {
        return None;
    }
    let numbers = tensor.to_vec::<f32>().ok()?;
    match numbers.as_slice() {
        [one] => Some(vec![*one; channels]),
        _ => Some(numbers),
    }
}

/// What a node multiplies or divides by one number, and the number's value.
pub(crate) fn scaled_by(graph: &Graph, node: &Node) -> Option<(ValueId, ValueId)> {
    let &[left, right] = node.inputs.as_slice() else { return None };
    let divides = node.op_as::<Div>().is_some();
    if !divides && node.op_as::<Mul>().is_none() {
        return None;
    }
    let (x, factor) = match (graph.constant(left), graph.constant(right)) {
        (None, Some(_)) => (left, right),
        (Some(_), None) if !divides => (right, left),
        _ => return None,
    };
    let number = graph.constant(factor).filter(|tensor| tensor.len() == 1)?.to_vec::<f32>().ok()?;
    let is_factor = number[0].is_finite() && number[0] > 0.0;
    (is_factor && graph.ty(x) == graph.ty(node.outputs[0])).then_some((x, factor))
}
