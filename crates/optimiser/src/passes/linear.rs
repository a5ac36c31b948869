//! What `conv` and `gemm` have in common: weights with output channels outermost, a bias, an activation.

use ediacara_graph::ops::{Activation, Conv, Gemm};
use ediacara_graph::rewrite::{Patch, PatchValue};
use ediacara_graph::{Graph, IntoOp, Node, NodeId, Op, ValueId};
use std::sync::Arc;

/// A convolution or fully connected layer.
#[derive(Clone, Copy)]
pub(super) struct Linear<'a> {
    /// The node.
    pub(super) node: &'a Node,
    /// Applied to its result.
    pub(super) activation: Activation,
    op: LinearOp<'a>,
}

#[derive(Clone, Copy)]
enum LinearOp<'a> {
    Conv(&'a Conv),
    Gemm,
}

impl<'a> Linear<'a> {
    /// The layer that computes `value` for one reader alone.
    pub(super) fn behind(graph: &'a Graph, value: ValueId) -> Option<Linear<'a>> {
        graph.only_consumer(value)?;
        Linear::of(graph, graph.producer(value)?)
    }

    /// The node as a layer, if it is one.
    pub(super) fn of(graph: &'a Graph, id: NodeId) -> Option<Linear<'a>> {
        let node = graph.node(id);
        if let Some(conv) = node.op_as::<Conv>() {
            return Some(Linear { node, activation: conv.activation, op: LinearOp::Conv(conv) });
        }
        let activation = node.op_as::<Gemm>()?.activation;
        Some(Linear { node, activation, op: LinearOp::Gemm })
    }

    /// The operands in order: x, weights, bias if there is one.
    pub(super) fn operands(&self) -> Vec<PatchValue> {
        self.node.inputs.iter().map(|&input| input.into()).collect()
    }

    /// The same operator with another activation.
    pub(super) fn with_activation(&self, activation: Activation) -> Arc<dyn Op> {
        match self.op {
            LinearOp::Conv(conv) => Conv { activation, ..conv.clone() }.into_op(),
            LinearOp::Gemm => Gemm { activation }.into_op(),
        }
    }

    /// Adds this layer with other operands to the patch, in place of `value`.
    pub(super) fn replace(&self, patch: &mut Patch, value: ValueId, operands: &[PatchValue]) {
        let new = patch.node(self.node.name.clone(), self.node.op.clone(), operands);
        patch.replace(value, new);
    }
}
