//! conv_transpose -> q_convs of stride 1, one for each phase of the result, whose results are joined.
//!
//! With stride s, output `s * i + j` sees the taps `t` with `t * dilation = j + padding (mod s)` and no
//! others. So each phase `j` is an ordinary convolution of stride 1 with a part of the kernel, turned around.
//! No zero is multiplied. Source: Shi et al., Real-Time Single Image and Video Super-Resolution Using an
//! Efficient Sub-Pixel Convolutional Neural Network, 2016; Dumoulin and Visin, A guide to convolution
//! arithmetic for deep learning, 2016.

use ediacara_graph::ops::{Concat, ConvTranspose, QConv, Reshape, Slice};
use ediacara_graph::{Node, NodeId, Tensor, ValueId};
use ediacara_kernels::int8::{Multiplier, QOutput, requantise};

use super::{Rule, bounds, unreadable_image};
use crate::Result;
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

/// Phases along a row whose pixels have fewer channels than this are computed as channels of one convolution,
/// if they read the same pixels.
///
/// Such short pixels fill no burst of any machine's memory.
const SHORT_PIXEL: usize = 64;

#[derive(Debug)]
struct QuantisedConvTranspose {
    conv: ConvTranspose,
    /// `[O, C / groups, KH, KW]`.
    weights: Weights,
    bias: Option<Bias>,
    /// Input `[height, width]`.
    input: [usize; 2],
    /// Result `[height, width]`.
    output: [usize; 2],
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
    let size = |value: ValueId| {
        let shape = &plan.graph.ty(value).shape;
        [shape[2], shape[3]]
    };
    let (input, output) = (size(x), size(node.outputs[0]));
    let emit = QuantisedConvTranspose { conv: conv.clone(), weights, bias, input, output };
    plan.accept_bounded(id, conv.activation, vec![x], (Layout::ChannelsLast, Scales::Free), emit)
}

/// One phase of one axis: a convolution of stride 1.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Phase {
    /// The kernel's taps, in the order of the input positions that they meet.
    taps: Vec<usize>,
    /// Input steps between them.
    dilation: usize,
    /// The part of the input that is read.
    read: [usize; 2],
    /// Padding before and after that part.
    padding: [usize; 2],
}

/// One axis of a transposed convolution.
#[derive(Debug, Clone, Copy)]
struct Axis {
    kernel: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    input: usize,
    output: usize,
}

impl Axis {
    /// Outputs of a phase; in some phases the last one may lie behind the result.
    fn outputs(&self) -> usize {
        self.output.div_ceil(self.stride)
    }

    /// Phase `index`, which makes the outputs `index`, `index + stride`, ...; nothing if they see no input.
    fn phase(&self, index: usize) -> Option<Phase> {
        let shifted = index + self.before;
        let (first, residue) = (shifted / self.stride, shifted % self.stride);
        let meets = |tap: &usize| (tap * self.dilation) % self.stride == residue;
        let taps: Vec<usize> = (0..self.kernel).rev().filter(meets).collect();
        let (&far, &near) = (taps.first()?, taps.last()?);
        // Output `stride * i + index` and tap t meet at input
        // `first + i - (t * dilation - residue) / stride`.
        let back = |tap: usize| ((tap * self.dilation - residue) / self.stride) as i64;
        let dilation = match taps[..] {
            [_, next, ..] => (far - next) * self.dilation / self.stride,
            _ => 1,
        };
        let (start, end) = (first as i64 - back(far), (first + self.outputs()) as i64 - back(near));
        let inside = |position: i64| position.clamp(0, self.input as i64) as usize;
        let read = [inside(start), inside(end)];
        let padding = [(-start).max(0) as usize, (end - self.input as i64).max(0) as usize];
        (read[0] < read[1]).then_some(Phase { taps, dilation, read, padding })
    }

    fn phases(&self) -> Vec<Option<Phase>> {
        (0..self.stride).map(|index| self.phase(index)).collect()
    }
}

/// A layer's numbers, and the scale that they are requantised to.
struct Numbers {
    integers: Integers,
    records: Records,
    output: QOutput,
    x_zero: i8,
}

impl QuantisedConvTranspose {
    fn axes(&self) -> [Axis; 2] {
        [0, 1].map(|axis| Axis {
            kernel: self.weights.shape()[2 + axis],
            stride: self.conv.stride[axis],
            dilation: self.conv.dilation[axis],
            before: self.conv.padding[axis],
            input: self.input[axis],
            output: self.output[axis],
        })
    }

    /// Weights `[phases * O, taps down, taps across, C / groups]` of phases that differ in their taps alone.
    fn sub_kernel(&self, values: &[i8], down: &Phase, across: &[&Phase]) -> Result<Tensor> {
        let &[outputs, inputs, height, width] = self.weights.shape() else { return Ok(Tensor::scalar(0_i8)) };
        let (rows, columns) = (down.taps.len(), across[0].taps.len());
        let mut found = Vec::with_capacity(across.len() * outputs * rows * columns * inputs);
        for phase in across {
            for output in 0..outputs {
                for &row in &down.taps {
                    for &column in &phase.taps {
                        let tap = row * width + column;
                        let at = |input: usize| values[(output * inputs + input) * height * width + tap];
                        found.extend((0..inputs).map(at));
                    }
                }
            }
        }
        Ok(Tensor::from_vec(&[across.len() * outputs, rows, columns, inputs], found)?)
    }

    /// The phases `across` of one phase `down` as channels of one convolution,
    /// `[N, rows, columns, phases * O]`.
    fn convolution(
        &self,
        emitter: &mut Emitter,
        name: &str,
        x: ValueId,
        numbers: &Numbers,
        (down, across): (&Phase, &[&Phase]),
    ) -> Result<ValueId> {
        let right = across[0];
        let shape = emitter.graph.ty(x).shape.clone();
        let mut part = Slice::all(&shape);
        for (axis, phase) in [(1, down), (2, right)] {
            (part.starts[axis], part.ends[axis]) = (phase.read[0] as i64, phase.read[1] as i64);
        }
        let read =
            if part == Slice::all(&shape) { x } else { emitter.add(format!("{name}.input"), part, &[x])? };
        let op = QConv {
            stride: [1, 1],
            padding: [down.padding[0], right.padding[0], down.padding[1], right.padding[1]],
            dilation: [down.dilation, right.dilation],
            groups: self.conv.groups,
            x_zero: numbers.x_zero,
            w_zero: numbers.integers.zero,
            y_zero: numbers.output.zero,
            low: numbers.output.low,
            high: numbers.output.high,
        };
        let weights = self.sub_kernel(&numbers.integers.values, down, across)?;
        let weight = emitter.constant(format!("{name}.weight"), weights);
        let Records { bias, multiplier, shift } = &numbers.records;
        let count = across.len();
        let channels = [count * self.weights.shape()[0]];
        let bias = Tensor::from_vec(&channels, bias.to_vec::<i32>()?.repeat(count))?;
        let multiplier = Tensor::from_vec(&channels, multiplier.to_vec::<i32>()?.repeat(count))?;
        let shift = Tensor::from_vec(&channels, shift.to_vec::<u8>()?.repeat(count))?;
        let bias = emitter.constant(format!("{name}.bias"), bias);
        let multiplier = emitter.constant(format!("{name}.multiplier"), multiplier);
        let shift = emitter.constant(format!("{name}.shift"), shift);
        emitter.add(name, op, &[read, weight, bias, multiplier, shift])
    }

    /// The result of a phase without taps: the bias, everywhere.
    fn constant(
        &self,
        emitter: &mut Emitter,
        name: &str,
        numbers: &Numbers,
        shape: &[usize],
    ) -> Result<ValueId> {
        let Records { bias, multiplier, shift } = &numbers.records;
        let (bias, multiplier) = (bias.to_vec::<i32>()?, multiplier.to_vec::<i32>()?);
        let shift = shift.to_vec::<u8>()?;
        let pixel: Vec<i8> = (0..bias.len())
            .map(|channel| {
                let factor = Multiplier { value: multiplier[channel], shift: shift[channel] };
                requantise(0, bias[channel], factor, numbers.output)
            })
            .collect();
        let pixels = shape.iter().product::<usize>() / pixel.len().max(1);
        Ok(emitter.constant(name, Tensor::from_vec(shape, pixel.repeat(pixels))?))
    }

    /// The rows of one phase `down`, `[N, rows, 1, width, O]`.
    fn rows(
        &self,
        emitter: &mut Emitter,
        name: &str,
        x: ValueId,
        numbers: &Numbers,
        down: Option<&Phase>,
    ) -> Result<ValueId> {
        let [rows, columns] = self.axes().map(|axis| axis.outputs());
        let stride = self.conv.stride[1];
        let (batch, outputs) = (emitter.graph.ty(x).shape[0], self.weights.shape()[0]);
        let phases = self.axes()[1].phases();
        let whole = vec![batch, rows, 1, columns * stride, outputs];
        let Some(down) = down else { return self.constant(emitter, name, numbers, &whole) };
        let all: Vec<&Phase> = phases.iter().flatten().collect();
        let alike = |phase: &&Phase| Phase { taps: Vec::new(), ..(*phase).clone() };
        let joined = all.len() == stride
            && outputs < SHORT_PIXEL
            && self.conv.groups == 1
            && all
                .iter()
                .all(|phase| phase.taps.len() == all[0].taps.len() && alike(phase) == alike(&all[0]));
        if joined || stride == 1 && !all.is_empty() {
            let y = self.convolution(emitter, name, x, numbers, (down, &all))?;
            return emitter.add(format!("{name}.rows"), Reshape { shape: whole }, &[y]);
        }
        let pixel = vec![batch, rows, columns, 1, outputs];
        let mut parts = Vec::with_capacity(stride);
        for (index, across) in phases.iter().enumerate() {
            let name = format!("{name}.{index}");
            parts.push(match across {
                None => self.constant(emitter, &name, numbers, &pixel)?,
                Some(across) => {
                    let y = self.convolution(emitter, &name, x, numbers, (down, &[across]))?;
                    emitter.add(format!("{name}.pixels"), Reshape { shape: pixel.clone() }, &[y])?
                }
            });
        }
        let joined = join(emitter, &format!("{name}.columns"), 3, &parts)?;
        emitter.add(format!("{name}.rows"), Reshape { shape: whole }, &[joined])
    }
}

fn join(emitter: &mut Emitter, name: &str, axis: usize, parts: &[ValueId]) -> Result<ValueId> {
    match parts {
        [one] => Ok(*one),
        _ => emitter.add(name, Concat { axis }, parts),
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
        let [down, across] = self.axes();
        let mut parts = Vec::with_capacity(down.stride);
        for (index, phase) in down.phases().iter().enumerate() {
            let name = format!("{name}.phase{index}");
            parts.push(self.rows(emitter, &name, x.value, &numbers, phase.as_ref())?);
        }
        let joined = join(emitter, &format!("{name}.joined"), 2, &parts)?;
        let shape = emitter.graph.ty(joined).shape.clone();
        let whole = vec![shape[0], down.outputs() * down.stride, across.outputs() * across.stride, shape[4]];
        let exact = whole[1..3] == self.output;
        let last = if exact { name.clone() } else { format!("{name}.whole") };
        let mut value = emitter.add(last, Reshape { shape: whole.clone() }, &[joined])?;
        if !exact {
            let mut part = Slice::all(&whole);
            (part.ends[1], part.ends[2]) = (self.output[0] as i64, self.output[1] as i64);
            value = emitter.add(name, part, &[value])?;
        }
        Ok(Stored { value, encoding: y, layout: Layout::ChannelsLast })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every pair of an output and a tap that meet inside the input, by the definition.
    ///
    /// Output `o` and tap `t` of input `i` meet where `o = stride * i + dilation * t - before`.
    #[test]
    fn phases_meet_what_the_definition_meets() {
        let mut cases = 0;
        let all = 1_usize..6 * 5 * 4 * 4 * 3;
        let parts = |at: usize| (1 + at % 5, 1 + at / 5 % 4, 1 + at / 20 % 3, at / 60 % 4, at / 240 % 3);
        for (kernel, stride, dilation, before, size) in all.map(parts) {
            let (input, after) = [(1, 0), (4, 0), (5, 2)][size];
            let full = stride * (input - 1) + dilation * (kernel - 1) + 1;
            if full > before + after {
                let output = full - before - after;
                compare(Axis { kernel, stride, dilation, before, input, output });
                cases += 1;
            }
        }
        assert!(cases > 400, "{cases}");
    }

    fn compare(axis: Axis) {
        let mut wanted = Vec::new();
        for input in 0..axis.input {
            for tap in 0..axis.kernel {
                let at = (axis.stride * input + axis.dilation * tap).checked_sub(axis.before);
                wanted.extend(at.filter(|&at| at < axis.output).map(|at| (at, tap, input)));
            }
        }
        let mut found = Vec::new();
        for (index, phase) in axis.phases().into_iter().enumerate() {
            let Some(phase) = phase else { continue };
            let extent = phase.dilation * (phase.taps.len() - 1) + 1;
            let length = phase.read[1] - phase.read[0] + phase.padding[0] + phase.padding[1];
            assert_eq!(length + 1 - extent, axis.outputs(), "{axis:?} {phase:?}");
            for output in 0..axis.outputs() {
                for (position, &tap) in phase.taps.iter().enumerate() {
                    let at = output + position * phase.dilation;
                    let Some(input) = at.checked_sub(phase.padding[0]).map(|at| at + phase.read[0]) else {
                        continue;
                    };
                    let place = output * axis.stride + index;
                    if input < phase.read[1] && place < axis.output {
                        found.push((place, tap, input));
                    }
                }
            }
        }
        wanted.sort_unstable();
        found.sort_unstable();
        assert_eq!(wanted, found, "{axis:?}");
    }
}
