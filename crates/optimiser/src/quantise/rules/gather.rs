//! gather of channels -> q_conv 1x1 with one-hot weights.

use ediacara_graph::ops::{Conv, Gather};
use ediacara_graph::{Graph, Node, NodeId, Tensor};

use super::Rule;
use super::conv::QuantisedConv;
use crate::Result;
use crate::quantise::emit::{Emitter, Stored};
use crate::quantise::equalise::ChannelMap;
use crate::quantise::layout::Layout;
use crate::quantise::plan::{Emit, Lowering, Plan, Scales, Verdict};
use crate::quantise::weights::Weights;

pub(crate) const RULE: Rule = Rule {
    name: "gather",
    documentation: "gather with constant indices of the channels of [N,C,H,W] becomes q_conv 1x1 with one-hot weights. \
        Where operand and result share an encoding its multiplier is 1, so that it is exact.",
    check,
};

/// The channels that a gather takes along axis 1 of a rank-4 value, if its indices are known.
pub(super) fn channels(graph: &Graph, node: &Node) -> Option<Vec<usize>> {
    let op = node.op_as::<Gather>()?;
    let (x, indices) = (graph.ty(node.inputs[0]), graph.constant(node.inputs[1])?);
    if op.axis != 1 || x.rank() != 4 || indices.rank() != 1 {
        return None;
    }
    let wrap = |index: i64| if index < 0 { index + x.shape[1] as i64 } else { index } as usize;
    let indices = indices.cast(ediacara_graph::DType::I64).to_vec::<i64>().ok()?;
    Some(indices.into_iter().map(wrap).collect())
}

#[derive(Debug)]
struct OneHot {
    indices: Vec<usize>,
    channels: usize,
}

fn check(plan: &mut Plan, id: NodeId, node: &Node) -> Verdict {
    if node.op_as::<Gather>().is_none() {
        return Verdict::NotMine;
    }
    let x = node.inputs[0];
    let (Some(Layout::ChannelsLast), Some(indices)) = (plan.layout(x), channels(plan.graph, node)) else {
        return Verdict::Refused(
            "only a gather of channels with constant indices has an int8 form".to_owned(),
        );
    };
    let emit = OneHot { indices, channels: plan.graph.ty(x).shape[1] };
    plan.accept(id, vec![x], (Layout::ChannelsLast, Scales::Prefers), emit)
}

impl Emit for OneHot {
    fn channel_maps(&self, channels: &[usize], _place: usize) -> Option<Vec<ChannelMap>> {
        let mut map: ChannelMap = vec![None; channels[0]];
        for (position, &index) in self.indices.iter().enumerate() {
            // A channel that is taken twice would have to share with two channels.
            if map[index].replace(position).is_some() {
                return None;
            }
        }
        Some(vec![map])
    }

    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored> {
        let outputs = self.indices.len();
        let mut weights = vec![0_i8; outputs * self.channels];
        for (row, &index) in weights.chunks_exact_mut(self.channels).zip(&self.indices) {
            row[index] = 1;
        }
        let weights = Weights::Stored {
            values: Tensor::from_vec(&[outputs, self.channels, 1, 1], weights)?,
            scales: vec![1.0; outputs],
            zero: 0,
        };
        let conv = QuantisedConv {
            conv: Conv::default(),
            weights,
            bias: None,
            input: lowering.operands[0],
            gathered: None,
        };
        // With one scale on both sides the ratio is 1, and N-MULTIPLIER gives 2^30 / 2^30, which is exact.
        conv.emit(emitter, lowering, operands)
    }
}
