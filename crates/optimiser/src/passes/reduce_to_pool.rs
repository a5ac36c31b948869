//! Means and maxima over an image -> pool.

use ediacara_graph::ops::{Pool, PoolKind, Reduce, ReduceKind, Reshape};
use ediacara_graph::rewrite::{Patch, Rewrite};
use ediacara_graph::{DType, Graph, GraphError, NodeId};

/// See [`Rewrite::documentation`].
pub(super) struct ReduceToPool;

impl Rewrite for ReduceToPool {
    fn name(&self) -> &'static str {
        "reduce_to_pool"
    }

    fn documentation(&self) -> &'static str {
        "The mean or maximum of x[N,C,H,W] along H, W or both is a pool of one window there."
    }

    fn apply(&self, graph: &Graph, id: NodeId) -> Result<Option<Patch>, GraphError> {
        let node = graph.node(id);
        let Some(Reduce { kind, axes, keep_dims }) = node.op_as::<Reduce>() else { return Ok(None) };
        let kind = match kind {
            ReduceKind::Mean => PoolKind::Average,
            ReduceKind::Max => PoolKind::Max,
            _ => return Ok(None),
        };
        let (x, y) = (node.inputs[0], node.outputs[0]);
        let (&[batch, channels, height, width], DType::F32) = (&graph.ty(x).shape[..], graph.ty(x).dtype)
        else {
            return Ok(None);
        };
        let over_image = !axes.is_empty() && axes.iter().all(|axis| matches!(axis, 2 | 3));
        if !over_image || [batch, channels, height, width].contains(&0) {
            return Ok(None);
        }
        // The operand may meet its own moment again, as in a normalisation or a softmax. int8 would then
        // round the moment to steps that are coarse beside the differences.
        if graph.consumers(y).iter().any(|&reader| graph.node(reader).inputs.contains(&x)) {
            return Ok(None);
        }
        let [tall, wide] =
            [(2, height), (3, width)].map(|(axis, size)| if axes.contains(&axis) { size } else { 1 });
        let output = [height / tall, width / wide];
        let pool = Pool {
            kind,
            kernel: [tall, wide],
            stride: [1; 2],
            padding: [0; 4],
            dilation: [1; 2],
            output,
            count_include_pad: false,
        };
        let mut patch = Patch::new();
        let pooled = patch.node("", pool, &[x.into()]);
        let new = match keep_dims {
            true => pooled,
            false => patch.node("", Reshape { shape: graph.ty(y).shape.clone() }, &[pooled]),
        };
        patch.replace(y, new);
        Ok(Some(patch))
    }
}
