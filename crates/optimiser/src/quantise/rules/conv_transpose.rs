//! conv_transpose -> q_convs of stride 1, one for each phase of the result, whose results are joined.

use ediacara_graph::ops::{ConvTranspose, QConv};
use ediacara_graph::{IntoOp, Node, NodeId, Tensor, ValueId};
use ediacara_kernels::int8::{Multiplier, QOutput, requantise};

use super::{Rule, bounds, unreadable_image};
use crate::Result;
use crate::phases::{Axis, Phase, Phases, Transposed, sub_kernel};
use crate::quantise::emit::{Emitter, Stored};
use crate::quantise::layer::{Integers, Layer, Records};
use crate::quantise::layout::Layout;
use crate::quantise::plan::{Emit, Lowering, Plan, Scales, Verdict};
use crate::quantise::weights::{Bias, Weights};

pub(crate) const RULE: Rule = Rule {
    name: "conv_transpose",
    documentation: "conv_transpose with constant weights becomes one q_conv of stride 1 for each phase of its stride, \
        symmetric per output channel, whose results are joined by concat and reshape. A phase that no tap meets is a \
        constant.",
    check,
};

#[derive(Debug)]
struct QuantisedConvTranspose {
    conv: ConvTranspose,
    /// `[O, C / groups, KH, KW]`.
    weights: Weights,
    bias: Option<Bias>,
    axes: [Axis; 2],
}

fn check(plan: &mut Plan, id: NodeId, node: &Node) -> Verdict {
    let Some(conv) = node.op_as::<ConvTranspose>() else { return Verdict::NotMine };
    let x = node.inputs[0];
    if let Some(reason) = unreadable_image(plan, x) {
        return Verdict::Refused(reason);
    }
    let weights = Weights::read_outputs_first(plan.graph, node.inputs[1], conv.groups);
    let bias = node.inputs.get(2).map(|&bias| Bias::read(plan.graph, bias)).transpose();
    let (weights, bias) = match (weights, bias) {
        (Ok(weights), Ok(bias)) => (weights, bias),
        (Err(reason), _) | (_, Err(reason)) => return Verdict::Refused(reason),
    };
    let shape_of = |value: ValueId| plan.graph.ty(value).shape.as_slice();
    let axes = Axis::both(conv, weights.shape(), shape_of(x), shape_of(node.outputs[0]));
    let emit = QuantisedConvTranspose { conv: conv.clone(), weights, bias, axes };
    plan.accept_bounded(id, conv.activation, vec![x], (Layout::ChannelsLast, Scales::Free), emit)
}

/// A layer's numbers, and the scale that they are requantised to.
struct Numbers {
    integers: Integers,
    records: Records,
    output: QOutput,
    x_zero: i8,
}

/// What builds the layer's phases.
struct Builder<'a, 'b> {
    emitter: &'a mut Emitter<'b>,
    layer: &'a QuantisedConvTranspose,
    numbers: Numbers,
}

impl Phases for Builder<'_, '_> {
    fn shape(&self, value: ValueId) -> Vec<usize> {
        self.emitter.graph.ty(value).shape.clone()
    }

    fn moved(&mut self, name: String, op: impl IntoOp, inputs: &[ValueId]) -> Result<ValueId> {
        self.emitter.add(name, op, inputs)
    }

    fn convolution(
        &mut self,
        name: &str,
        x: ValueId,
        padding: [usize; 4],
        (down, across): (&Phase, &[&Phase]),
    ) -> Result<ValueId> {
        let Numbers { integers, records, output, x_zero } = &self.numbers;
        let op = QConv {
            stride: [1, 1],
            padding,
            dilation: [down.dilation, across[0].dilation],
            groups: self.layer.conv.groups,
            x_zero: *x_zero,
            w_zero: integers.zero,
            y_zero: output.zero,
            low: output.low,
            high: output.high,
        };
        let (shape, weights) = sub_kernel(self.layer.weights.shape(), &integers.values, down, across);
        let weights = Tensor::from_vec(&shape, weights)?;
        let emitter = &mut *self.emitter;
        let weight = emitter.constant(format!("{name}.weight"), weights);
        let Records { bias, multiplier, shift } = records;
        let count = across.len();
        let channels = [count * self.layer.weights.shape()[0]];
        let bias = Tensor::from_vec(&channels, bias.to_vec::<i32>()?.repeat(count))?;
        let multiplier = Tensor::from_vec(&channels, multiplier.to_vec::<i32>()?.repeat(count))?;
        let shift = Tensor::from_vec(&channels, shift.to_vec::<u8>()?.repeat(count))?;
        let bias = emitter.constant(format!("{name}.bias"), bias);
        let multiplier = emitter.constant(format!("{name}.multiplier"), multiplier);
        let shift = emitter.constant(format!("{name}.shift"), shift);
        emitter.add(name, op, &[x, weight, bias, multiplier, shift])
    }

    fn constant(&mut self, name: &str, shape: &[usize]) -> Result<ValueId> {
        let Records { bias, multiplier, shift } = &self.numbers.records;
        let (bias, multiplier) = (bias.to_vec::<i32>()?, multiplier.to_vec::<i32>()?);
        let shift = shift.to_vec::<u8>()?;
        let pixel: Vec<i8> = (0..bias.len())
            .map(|channel| {
                let factor = Multiplier { value: multiplier[channel], shift: shift[channel] };
                requantise(0, bias[channel], factor, self.numbers.output)
            })
            .collect();
        let pixels = shape.iter().product::<usize>() / pixel.len().max(1);
        Ok(self.emitter.constant(name, Tensor::from_vec(shape, pixel.repeat(pixels))?))
    }
}

impl Emit for QuantisedConvTranspose {
    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored> {
        let x = emitter.with_channels_last(lowering, operands[0], 4)?;
        let y = emitter.encoding(lowering)?;
        let layer = Layer {
            weights: &self.weights,
            bias: self.bias.as_ref(),
            groups: self.conv.groups,
            rescaling: None,
        };
        let mut knowledge = emitter.knowledge(lowering, lowering.operands[0]);
        // Each output sees the taps of its own phase, so that the sum over all taps says nothing about the
        // bias.
        (knowledge.means, knowledge.moments) = (Vec::new(), None);
        let (integers, records) = layer
            .quantise([x.encoding.scale, y.scale], &knowledge, |ratio| emitter.multiplier(lowering, ratio))?;
        let (low, high) = bounds(lowering.activation, y);
        let output = QOutput { zero: y.zero, low, high };
        let numbers = Numbers { integers, records, output, x_zero: x.encoding.zero };
        let name = emitter.name(lowering);
        let shape = Transposed {
            axes: self.axes,
            outputs: self.weights.shape()[0],
            groups: self.conv.groups,
            element_bytes: 1,
        };
        let value = shape.build(&mut Builder { emitter, layer: self, numbers }, &name, x.value)?;
        Ok(Stored { value, encoding: y, layout: Layout::ChannelsLast })
    }
}
