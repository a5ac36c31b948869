//! A pad before a convolution or pool.

use ediacara_graph::ops::{Conv, Pad, PadMode, Pool, PoolKind};
use ediacara_graph::rewrite::{Patch, Rewrite};
use ediacara_graph::{Graph, GraphError, IntoOp, NodeId, Op};
use std::sync::Arc;

/// See [`Rewrite::documentation`].
pub(super) struct PadIntoWindow;

impl Rewrite for PadIntoWindow {
    fn name(&self) -> &'static str {
        "pad_into_window"
    }

    fn documentation(&self) -> &'static str {
        "A pad of height and width by what the window pads with itself joins its padding: by 0 before a conv, or before \
         an average pool that has no other padding or counts it; by minus infinity before a max pool."
    }

    fn apply(&self, graph: &Graph, id: NodeId) -> Result<Option<Patch>, GraphError> {
        let node = graph.node(id);
        let Some(producer) = node.inputs.first().and_then(|&x| graph.producer(x)) else { return Ok(None) };
        let pad_node = graph.node(producer);
        let Some(frame) = pad_node.op_as::<Pad>().and_then(Frame::of) else { return Ok(None) };
        let Some(op) = padded(node.op.as_ref(), &frame) else { return Ok(None) };
        let mut inputs: Vec<_> = node.inputs.iter().map(|&input| input.into()).collect();
        inputs[0] = pad_node.inputs[0].into();
        let mut patch = Patch::new();
        let new = patch.node("", op, &inputs);
        patch.replace(node.outputs[0], new);
        Ok(Some(patch))
    }
}

/// A constant frame around height and width of [N,C,H,W].
struct Frame {
    /// `[top, left, bottom, right]`.
    sizes: [usize; 4],
    value: f64,
}

impl Frame {
    fn of(pad: &Pad) -> Option<Frame> {
        let (&[0, 0, top, left], &[0, 0, bottom, right]) = (pad.before.as_slice(), pad.after.as_slice())
        else {
            return None;
        };
        (pad.mode == PadMode::Constant)
            .then_some(Frame { sizes: [top, left, bottom, right], value: pad.value })
    }

    fn around(&self, padding: [usize; 4]) -> [usize; 4] {
        std::array::from_fn(|side| self.sizes[side] + padding[side])
    }
}

/// The operator with the frame in its padding, if that gives the same result.
fn padded(op: &dyn Op, frame: &Frame) -> Option<Arc<dyn Op>> {
    if let Some(conv) = op.downcast_ref::<Conv>() {
        return (frame.value == 0.0)
            .then(|| Conv { padding: frame.around(conv.padding), ..conv.clone() }.into_op());
    }
    let pool = op.downcast_ref::<Pool>()?;
    let same = match pool.kind {
        PoolKind::Max => frame.value == f64::NEG_INFINITY,
        PoolKind::Average => frame.value == 0.0 && (pool.count_include_pad || pool.padding == [0; 4]),
    };
    let count_include_pad = pool.kind == PoolKind::Average;
    same.then(|| Pool { padding: frame.around(pool.padding), count_include_pad, ..pool.clone() }.into_op())
}
