//! Nodes that change nothing.

use ediacara_graph::ops::{
    Add, Broadcast, Cast, Clamp, Concat, Div, Gather, Mul, Pad, Pool, Reshape, Slice, Sub, Transpose,
};
use ediacara_graph::rewrite::{Patch, Rewrite};
use ediacara_graph::{DType, Graph, GraphError, Node, NodeId, ValueId};

/// See [`Rewrite::documentation`].
pub(super) struct Identities;

impl Rewrite for Identities {
    fn name(&self) -> &'static str {
        "identities"
    }

    fn documentation(&self) -> &'static str {
        "A reshape, broadcast or cast to what its operand is, a transpose in order, a slice of all, a pad by nothing, a \
         concat of one, a gather of all in order, a pool of single elements, a clamp without bounds, x * 1, x / 1, \
         x + 0 and x - 0 are their operand."
    }

    fn apply(&self, graph: &Graph, id: NodeId) -> Result<Option<Patch>, GraphError> {
        let node = graph.node(id);
        let (&[output], Some(x)) = (node.outputs.as_slice(), unchanged(graph, node)) else { return Ok(None) };
        // An output of the graph keeps its name; an input, a constant or another output cannot take that name
        // over.
        let keeps_name = graph.is_output(output) && (graph.producer(x).is_none() || graph.is_output(x));
        if graph.ty(x) != graph.ty(output) || keeps_name {
            return Ok(None);
        }
        Ok(Some(Patch::replacing(output, x)))
    }
}

/// The operand that the node's result equals, provided that its type is right too.
fn unchanged(graph: &Graph, node: &Node) -> Option<ValueId> {
    let x = *node.inputs.first()?;
    let shape = &graph.ty(x).shape;
    let op = node.op.as_ref();
    let changes_nothing = if let Some(transpose) = op.downcast_ref::<Transpose>() {
        transpose.permutation.is_sorted()
    } else if let Some(slice) = op.downcast_ref::<Slice>() {
        *slice == Slice::all(shape)
    } else if let Some(pad) = op.downcast_ref::<Pad>() {
        pad.before.iter().chain(&pad.after).all(|&count| count == 0)
    } else if let Some(pool) = op.downcast_ref::<Pool>() {
        pool.kernel == [1, 1] && pool.stride == [1, 1] && pool.padding == [0; 4]
    } else if let Some(clamp) = op.downcast_ref::<Clamp>() {
        clamp.low == f64::NEG_INFINITY && clamp.high == f64::INFINITY
    } else if let Some(gather) = op.downcast_ref::<Gather>() {
        takes_all(graph, node.inputs[1], shape[gather.axis])
    } else if op.downcast_ref::<Concat>().is_some() {
        node.inputs.len() == 1
    } else if op.downcast_ref::<Mul>().is_some() || op.downcast_ref::<Add>().is_some() {
        let neutral = if op.name() == "mul" { 1.0 } else { 0.0 };
        return match (all_equal(graph, x, neutral), all_equal(graph, node.inputs[1], neutral)) {
            (_, true) => Some(x),
            (true, false) => Some(node.inputs[1]),
            (false, false) => None,
        };
    } else if op.downcast_ref::<Div>().is_some() {
        all_equal(graph, node.inputs[1], 1.0)
    } else if op.downcast_ref::<Sub>().is_some() {
        all_equal(graph, node.inputs[1], 0.0)
    } else {
        // The type of their result decides.
        op.downcast_ref::<Reshape>().is_some()
            || op.downcast_ref::<Cast>().is_some()
            || op.downcast_ref::<Broadcast>().is_some()
    };
    changes_nothing.then_some(x)
}

/// Whether a constant consists of one number.
fn all_equal(graph: &Graph, value: ValueId, number: f32) -> bool {
    let numbers = graph.constant(value).filter(|tensor| tensor.dtype() == DType::F32);
    numbers
        .and_then(|tensor| tensor.as_slice::<f32>().ok())
        .is_some_and(|all| all.iter().all(|&one| one == number))
}

/// Whether constant indices are 0, 1, ... in one row.
fn takes_all(graph: &Graph, indices: ValueId, size: usize) -> bool {
    let Some(indices) = graph.constant(indices).filter(|indices| indices.shape() == [size]) else {
        return false;
    };
    let indices = indices.cast(DType::I64).to_vec::<i64>().unwrap_or_default();
    indices.len() == size && indices.iter().enumerate().all(|(position, &index)| index == position as i64)
}
