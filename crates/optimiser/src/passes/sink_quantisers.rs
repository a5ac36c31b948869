//! Operators compute on real values, and integers are only stored.
//!
//! Writers of files move integers about between a quantize_linear and the dequantize_linear behind it. What
//! only moves or compares them gives the same on the real values that they stand for, quantised again.

use ediacara_graph::ops::{DequantizeLinear, Pool, PoolKind, QuantizeLinear, Resize, ResizeMode};
use ediacara_graph::rewrite::{Patch, PatchValue, Rewrite};
use ediacara_graph::{Graph, GraphError, Node, NodeId, ValueId};

/// See [`Rewrite::documentation`].
pub(super) struct SinkQuantisers;

/// Whether quantising the result of a node on real values gives what the node gives of the integers.
fn commutes(node: &Node) -> bool {
    match node.op.name() {
        "reshape" | "transpose" | "slice" | "concat" | "broadcast" => true,
        "resize" => node.op_as::<Resize>().is_some_and(|resize| resize.mode == ResizeMode::Nearest),
        _ => node.op_as::<Pool>().is_some_and(|pool| pool.kind == PoolKind::Max),
    }
}

/// Scale and zero point of a value that a quantize_linear gives with one of each.
fn quantised(graph: &Graph, value: ValueId) -> Option<[ValueId; 2]> {
    let node = graph.node(graph.producer(value)?);
    let &[_, scale, zero] = node.inputs.as_slice() else { return None };
    let is_one = |value| graph.constant(value).is_some_and(|tensor| tensor.len() == 1);
    (node.op.name() == "quantize_linear" && is_one(scale) && is_one(zero)).then_some([scale, zero])
}

impl Rewrite for SinkQuantisers {
    fn name(&self) -> &'static str {
        "sink_quantisers"
    }

    fn documentation(&self) -> &'static str {
        "What only moves or compares the integers of a quantize_linear works on the real values that they stand for."
    }

    fn apply(&self, graph: &Graph, id: NodeId) -> Result<Option<Patch>, GraphError> {
        let node = graph.node(id);
        let gathers = node.op.name() == "gather";
        if !gathers && !commutes(node) {
            return Ok(None);
        }
        let data = if gathers { &node.inputs[..1] } else { &node.inputs };
        let Some(sources) = data.iter().map(|&value| quantised(graph, value)).collect::<Option<Vec<_>>>()
        else {
            return Ok(None);
        };
        let Some(&[scale, zero]) = sources.first() else { return Ok(None) };
        let same = |left: ValueId, right: ValueId| match (graph.constant(left), graph.constant(right)) {
            (Some(left), Some(right)) => {
                left.as_bytes().ok() == right.as_bytes().ok() && left.dtype() == right.dtype()
            }
            _ => false,
        };
        if sources.iter().any(|source| !same(source[0], scale) || !same(source[1], zero)) {
            return Ok(None);
        }
        let mut patch = Patch::new();
        let mut inputs: Vec<PatchValue> = node.inputs.iter().map(|&input| input.into()).collect();
        for (index, input) in inputs.iter_mut().take(data.len()).enumerate() {
            let operands = [*input, scale.into(), zero.into()];
            *input =
                patch.node(format!("{}.real{index}", node.name), DequantizeLinear { axis: 0 }, &operands);
        }
        let moved = patch.node(format!("{}.real", node.name), node.op.clone(), &inputs);
        let stored = patch.node("", QuantizeLinear { axis: 0 }, &[moved, scale.into(), zero.into()]);
        patch.replace(node.outputs[0], stored);
        Ok(Some(patch))
    }
}
