//! conv -> q_conv.

use ediacara_graph::ops::{Conv, Gather, QConv};
use ediacara_graph::{DType, Node, NodeId, Rescaling, Tensor, ValueId};

use super::{Rule, bounds, unreadable_image};
use crate::quantise::emit::{Emitter, Stored};
use crate::quantise::layer::{Layer, Records};
use crate::quantise::layout::Layout;
use crate::quantise::linear::Linear;
use crate::quantise::plan::{Emit, Lowering, Plan, Scales, Step, Verdict};
use crate::quantise::weights::{Bias, Weights};
use crate::{Encoding, Result};

pub(crate) const RULE: Rule = Rule {
    name: "conv",
    documentation: "conv with constant weights becomes q_conv with weights [O,KH,KW,C/groups], symmetric per output \
        channel; its activation becomes the clamp, its bias is corrected for the rounding of the weights. A gather of channels that only a 1x1 conv reads is folded into \
        the weights: channels that were not gathered weigh nothing.",
    check,
};

/// Weights, bias, and the channels of a folded gather.
#[derive(Debug)]
pub(crate) struct QuantisedConv {
    pub(super) conv: Conv,
    pub(super) weights: Weights,
    pub(super) bias: Option<Bias>,
    /// The operand in the real graph, before a gather was folded.
    pub(super) input: ValueId,
    /// Where the weights' input channels are among the operand's, and how many channels the operand has.
    pub(super) gathered: Option<(Vec<usize>, usize)>,
}

fn check(plan: &mut Plan, id: NodeId, node: &Node) -> Verdict {
    let Some(conv) = node.op_as::<Conv>() else { return Verdict::NotMine };
    let mut x = node.inputs[0];
    if let Some(reason) = unreadable_image(plan, x) {
        return Verdict::Refused(reason);
    }
    let weights = match Weights::read(plan.graph, node.inputs[1]) {
        Ok(weights) => weights,
        Err(reason) => return Verdict::Refused(reason),
    };
    let bias = match node.inputs.get(2).map(|&bias| Bias::read(plan.graph, bias)).transpose() {
        Ok(bias) => bias,
        Err(reason) => return Verdict::Refused(reason),
    };
    let mut gathered = None;
    let gather = foldable_gather(plan, conv, x, weights.shape());
    if let Some((_, source, indices)) = &gather {
        gathered = Some((indices.clone(), plan.graph.ty(*source).shape[1]));
        x = *source;
    }
    let emit = QuantisedConv { conv: conv.clone(), weights, bias, input: node.inputs[0], gathered };
    let verdict =
        plan.accept_bounded(id, conv.activation, vec![x], (Layout::ChannelsLast, Scales::Free), emit);
    if let (Some((gather, ..)), Verdict::Accepted(_)) = (gather, &verdict) {
        plan.absorb(gather);
    }
    verdict
}

/// The gather of channels that makes `x` for this convolution alone, the value that it reads, and the
/// channels.
///
/// It is nothing if folding does not pay: a larger kernel would multiply the work, and a repeated channel
/// needs a sum of two weights.
fn foldable_gather(
    plan: &Plan,
    conv: &Conv,
    x: ValueId,
    weights: &[usize],
) -> Option<(NodeId, ValueId, Vec<usize>)> {
    if conv.groups != 1 || weights[2..] != [1, 1] {
        return None;
    }
    plan.graph.only_consumer(x)?;
    let producer = plan.graph.producer(x)?;
    let Some(Step::Lower(lowering)) = plan.step(producer) else { return None };
    let gather = plan.graph.node(producer);
    gather.op_as::<Gather>()?;
    let indices = super::gather::channels(plan.graph, gather)?;
    let mut sorted = indices.clone();
    sorted.sort_unstable();
    sorted.dedup();
    (sorted.len() == indices.len()).then_some((producer, lowering.operands[0], indices))
}

impl QuantisedConv {
    /// Weights [O,KH,KW,I], their zero point, and records.
    fn quantised(
        &self,
        emitter: &Emitter,
        lowering: &Lowering,
        x: Stored,
        y: Encoding,
    ) -> Result<(Tensor, i8, Records)> {
        let layer = Layer {
            weights: &self.weights,
            bias: self.bias.as_ref(),
            groups: self.conv.groups,
            rescaling: lowering.rescaling.as_ref(),
        };
        let mut knowledge = emitter.knowledge(lowering, self.input);
        if let Some((indices, _)) = &self.gathered {
            for numbers in [&mut knowledge.input_factors, &mut knowledge.input_offsets].into_iter().flatten()
            {
                *numbers = indices.iter().map(|&index| numbers[index]).collect();
            }
        }
        let (integers, records) = layer
            .quantise([x.encoding.scale, y.scale], &knowledge, |ratio| emitter.multiplier(lowering, ratio))?;
        let [outputs, inputs, height, width] = self.weights.shape() else {
            return Err(emitter.error(lowering.node, "its weights do not have rank 4"));
        };
        let mut weights = Tensor::from_vec(&[*outputs, *inputs, *height, *width], integers.values)?;
        if let Some((indices, channels)) = &self.gathered {
            weights = scatter_channels(&weights, indices, *channels, integers.zero)?;
        }
        Ok((weights.transpose(&[0, 2, 3, 1])?.to_contiguous(), integers.zero, records))
    }
}

impl Emit for QuantisedConv {
    fn rescales(&self, rescaling: &Rescaling) -> bool {
        let count = rescaling.factors.len();
        count == 1 || Some(&count) == self.weights.shape().first()
    }

    fn as_linear(&self) -> Option<Linear<'_>> {
        let gathered = self.gathered.as_ref().map(|(indices, _)| indices.as_slice());
        let is_padded = self.conv.padding != [0; 4];
        let linear = Linear { weights: &self.weights, groups: self.conv.groups, gathered, is_padded };
        (self.weights.shape().len() == 4).then_some(linear)
    }

    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored> {
        let x = emitter.with_channels_last(lowering, operands[0], 4)?;
        let y = emitter.encoding(lowering)?;
        let constants = emitter.constants(lowering, |emitter| self.quantised(emitter, lowering, x, y))?;
        let (low, high) = bounds(lowering.activation, y);
        let op = QConv {
            stride: self.conv.stride,
            padding: self.conv.padding,
            dilation: self.conv.dilation,
            groups: self.conv.groups,
            x_zero: x.encoding.zero,
            w_zero: constants.w_zero,
            y_zero: y.zero,
            low,
            high,
        };
        let [weight, bias, multiplier, shift] = constants.values;
        let name = emitter.name(lowering);
        let value = emitter.add(name, op, &[x.value, weight, bias, multiplier, shift])?;
        Ok(Stored { value, encoding: y, layout: Layout::ChannelsLast })
    }
}

/// Spreads weights [O,I,1,1] to [O,channels,1,1].
///
/// Input channel `k` goes to `indices[k]`; the others get `zero`, which has no effect.
fn scatter_channels(weights: &Tensor, indices: &[usize], channels: usize, zero: i8) -> Result<Tensor> {
    debug_assert_eq!(weights.dtype(), DType::I8);
    let outputs = weights.shape()[0];
    let values = weights.to_vec::<i8>()?;
    let mut spread = vec![zero; outputs * channels];
    for (row, values) in spread.chunks_exact_mut(channels).zip(values.chunks_exact(indices.len())) {
        for (&index, &value) in indices.iter().zip(values) {
            row[index] = value;
        }
    }
    Ok(Tensor::from_vec(&[outputs, channels, 1, 1], spread)?)
}
