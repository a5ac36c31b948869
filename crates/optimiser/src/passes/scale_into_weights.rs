//! Per-channel factors behind a layer.

use ediacara_graph::ops::{Activation, Div, Mul};
use ediacara_graph::rewrite::{Patch, Rewrite};
use ediacara_graph::{Graph, GraphError, NodeId, Tensor};

use super::linear::Linear;
use super::stored::Stored;
use crate::known::{channel_numbers, real_constant};

/// See [`Rewrite::documentation`].
pub(super) struct ScaleIntoWeights;

impl Rewrite for ScaleIntoWeights {
    fn name(&self) -> &'static str {
        "scale_into_weights"
    }

    fn documentation(&self) -> &'static str {
        "(w * x + b) * k = (w k) * x + b k: a factor for each output channel, or one for all, goes into the constant \
         weights and bias of the conv or gemm that it alone reads. A factor before a layer stays: with padding it is \
         not the same, and between layers something usually is in the way."
    }

    fn apply(&self, graph: &Graph, id: NodeId) -> Result<Option<Patch>, GraphError> {
        let node = graph.node(id);
        let invert = node.op_as::<Div>().is_some();
        if !invert && node.op_as::<Mul>().is_none() {
            return Ok(None);
        }
        let (left, right) = (node.inputs[0], node.inputs[1]);
        let (x, constant) = match (graph.constant(left), graph.constant(right)) {
            (None, Some(_)) => (left, right),
            (Some(_), None) if !invert => (right, left),
            _ => return Ok(None),
        };
        let output = node.outputs[0];
        let Some(layer) = Linear::behind(graph, x) else { return Ok(None) };
        if layer.activation != Activation::None || graph.ty(output) != graph.ty(x) {
            return Ok(None);
        }
        let Some(mut factors) = channel_numbers(graph, constant, &graph.ty(x).shape) else { return Ok(None) };
        if invert {
            factors.iter_mut().for_each(|factor| *factor = 1.0 / *factor);
        }
        let mut patch = Patch::new();
        let mut operands = layer.operands();
        for (index, (operand, &value)) in operands.iter_mut().zip(&layer.node.inputs).enumerate().skip(1) {
            // A bias may become real: what it is added to has 32 bits.
            let known = if index == 1 { graph.constant(value).cloned() } else { real_constant(graph, value) };
            let name = graph.value(value).name.clone();
            *operand = if let Some(tensor) = known.and_then(|tensor| scaled(&tensor, &factors)) {
                patch.constant(name, tensor)
            } else if let Some(stored) =
                Stored::behind(graph, value).and_then(|stored| stored.scaled(&factors))
            {
                stored.add_to(&mut patch, &name)
            } else {
                return Ok(None);
            };
        }
        layer.replace(&mut patch, output, &operands);
        Ok(Some(patch))
    }
}

/// `tensor` with each row along axis 0 multiplied by its factor.
fn scaled(tensor: &Tensor, factors: &[f32]) -> Option<Tensor> {
    let mut values = tensor.to_vec::<f32>().ok()?;
    let each = values.len() / factors.len().max(1);
    if each == 0 {
        return None;
    }
    for (row, factor) in values.chunks_mut(each).zip(factors) {
        row.iter_mut().for_each(|value| *value *= factor);
    }
    Tensor::from_vec(tensor.shape(), values).ok()
}
