//! Activations behind a layer.

use ediacara_graph::ops::Activation;
use ediacara_graph::rewrite::{Patch, Rewrite};
use ediacara_graph::{Graph, GraphError, NodeId};

use super::linear::Linear;

/// See [`Rewrite::documentation`].
pub(super) struct FuseActivation;

impl Rewrite for FuseActivation {
    fn name(&self) -> &'static str {
        "fuse_activation"
    }

    fn documentation(&self) -> &'static str {
        "A relu or clamp that alone reads a conv or gemm becomes its activation; bounds of bounds are bounds."
    }

    fn apply(&self, graph: &Graph, id: NodeId) -> Result<Option<Patch>, GraphError> {
        let node = graph.node(id);
        let Some(outer) = Activation::of(node.op.as_ref()) else { return Ok(None) };
        let Some(layer) = Linear::behind(graph, node.inputs[0]) else { return Ok(None) };
        let mut patch = Patch::new();
        let op = layer.with_activation(chained(layer.activation, outer));
        let new = patch.node(layer.node.name.clone(), op, &layer.operands());
        patch.replace(node.outputs[0], new);
        Ok(Some(patch))
    }
}

/// `outer(inner(x))` as one activation.
fn chained(inner: Activation, outer: Activation) -> Activation {
    let ((low, high), (outer_low, outer_high)) = (inner.bounds(), outer.bounds());
    let bounded = |bound: f32| bound.max(outer_low).min(outer_high);
    match (inner, bounded(low), bounded(high)) {
        (Activation::None, ..) => outer,
        (_, 0.0, f32::INFINITY) => Activation::Relu,
        (_, low, high) => Activation::Clamp { low, high },
    }
}
