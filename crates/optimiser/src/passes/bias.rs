//! Per-channel offsets behind a layer.

use ediacara_graph::ops::{Activation, Add, Sub};
use ediacara_graph::rewrite::{Patch, Rewrite};
use ediacara_graph::{Graph, GraphError, NodeId, Tensor};

use super::linear::Linear;
use crate::known::{channel_numbers, real_constant};

/// See [`Rewrite::documentation`].
pub(super) struct IntoBias;

impl Rewrite for IntoBias {
    fn name(&self) -> &'static str {
        "into_bias"
    }

    fn documentation(&self) -> &'static str {
        "(w * x + b) + k = w * x + (b + k): a constant for each output channel, or one for all, that is added to a conv or \
         gemm whose only reader adds it, becomes its bias or joins it."
    }

    fn apply(&self, graph: &Graph, id: NodeId) -> Result<Option<Patch>, GraphError> {
        let node = graph.node(id);
        let negate = node.op_as::<Sub>().is_some();
        if !negate && node.op_as::<Add>().is_none() {
            return Ok(None);
        }
        let (left, right) = (node.inputs[0], node.inputs[1]);
        let (x, constant) = match (graph.constant(left), graph.constant(right)) {
            (None, Some(_)) => (left, right),
            (Some(_), None) if !negate => (right, left),
            _ => return Ok(None),
        };
        let output = node.outputs[0];
        let Some(layer) = Linear::behind(graph, x) else { return Ok(None) };
        if layer.activation != Activation::None || graph.ty(output) != graph.ty(x) {
            return Ok(None);
        }
        let Some(mut offsets) = channel_numbers(graph, constant, &graph.ty(x).shape) else { return Ok(None) };
        if negate {
            offsets.iter_mut().for_each(|offset| *offset = -*offset);
        }
        let mut operands = layer.operands();
        let mut name = format!("{}.bias", layer.node.name);
        if let Some(&bias) = layer.node.inputs.get(2) {
            let known = real_constant(graph, bias).and_then(|tensor| tensor.to_vec::<f32>().ok());
            let Some(bias_values) = known else { return Ok(None) };
            offsets.iter_mut().zip(bias_values).for_each(|(offset, bias)| *offset += bias);
            name.clone_from(&graph.value(bias).name);
        }
        let bias = Tensor::from_vec(&[offsets.len()], offsets);
        let bias = bias.map_err(|source| GraphError::Tensor { value: name.clone(), source })?;
        let mut patch = Patch::new();
        operands.truncate(2);
        operands.push(patch.constant(name, bias));
        layer.replace(&mut patch, output, &operands);
        Ok(Some(patch))
    }
}
