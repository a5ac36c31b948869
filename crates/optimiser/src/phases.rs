//! A transposed convolution as convolutions of stride 1, one for each phase of its result.
//!
//! With stride s, output `s * i + j` sees the taps `t` with `t * dilation = j + padding (mod s)` and no
//! others. So each phase `j` is an ordinary convolution of stride 1 with a part of the kernel, turned around.
//! No zero is multiplied. Source: Shi et al., Real-Time Single Image and Video Super-Resolution Using an
//! Efficient Sub-Pixel Convolutional Neural Network, 2016; Dumoulin and Visin, A guide to convolution
//! arithmetic for deep learning, 2016.

use ediacara_graph::ops::{Concat, ConvTranspose, Reshape, Slice};
use ediacara_graph::{IntoOp, ValueId};

use crate::Result;

/// Phases along a row whose pixels have fewer bytes than this are computed as channels of one convolution,
/// if they read the same pixels.
///
/// Such short pixels fill no burst of any machine's memory.
const SHORT_PIXEL: usize = 64;

/// One phase of one axis: a convolution of stride 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Phase {
    /// The kernel's taps, in the order of the input positions that they meet.
    pub(crate) taps: Vec<usize>,
    /// Input steps between them.
    pub(crate) dilation: usize,
    /// The part of the input that is read.
    read: [usize; 2],
    /// Padding before and after that part.
    padding: [usize; 2],
}

/// One axis of a transposed convolution.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Axis {
    kernel: usize,
    stride: usize,
    dilation: usize,
    before: usize,
    input: usize,
    output: usize,
}

impl Axis {
    /// The two axes of an image, by the convolution, its weights `[O, C / groups, KH, KW]` and the shapes `[N, C, H, W]` of its
    /// operand and its result.
    pub(crate) fn both(
        conv: &ConvTranspose,
        weights: &[usize],
        input: &[usize],
        output: &[usize],
    ) -> [Axis; 2] {
        [0, 1].map(|axis| Axis {
            kernel: weights[2 + axis],
            stride: conv.stride[axis],
            dilation: conv.dilation[axis],
            before: conv.padding[axis],
            input: input[2 + axis],
            output: output[2 + axis],
        })
    }

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

/// What builds the phases' nodes.
pub(crate) trait Phases {
    /// The shape of a value.
    fn shape(&self, value: ValueId) -> Vec<usize>;

    /// A node that moves elements.
    ///
    /// # Errors
    /// The graph refuses it.
    fn moved(&mut self, name: String, op: impl IntoOp, inputs: &[ValueId]) -> Result<ValueId>;

    /// The phases `across` of one phase `down` as channels of one convolution of stride 1 of `x` `[N, H, W, C]`, with padding
    /// `[top, left, bottom, right]`: `[N, rows, columns, phases * O]`.
    ///
    /// # Errors
    /// The graph refuses it.
    fn convolution(
        &mut self,
        name: &str,
        x: ValueId,
        padding: [usize; 4],
        phases: (&Phase, &[&Phase]),
    ) -> Result<ValueId>;

    /// The result of a phase without taps: the bias, everywhere, along the last axis of `shape`.
    ///
    /// # Errors
    /// A tensor that cannot be made.
    fn constant(&mut self, name: &str, shape: &[usize]) -> Result<ValueId>;
}

/// Weights of phases that differ in their taps alone, and their shape `[phases * O, taps down, taps across, C / groups]`, out of
/// `values` of `shape` `[O, C / groups, KH, KW]`.
pub(crate) fn sub_kernel<T: Copy>(
    shape: &[usize],
    values: &[T],
    down: &Phase,
    across: &[&Phase],
) -> ([usize; 4], Vec<T>) {
    let (outputs, inputs, height, width) = (shape[0], shape[1], shape[2], shape[3]);
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
    ([across.len() * outputs, rows, columns, inputs], found)
}

/// A transposed convolution of an image with channels last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Transposed {
    pub(crate) axes: [Axis; 2],
    /// Channels of the result.
    pub(crate) outputs: usize,
    pub(crate) groups: usize,
    /// Bytes of an element of the result.
    pub(crate) element_bytes: usize,
}

impl Transposed {
    /// The result `[N, height, width, O]` for `x` `[N, H, W, C]`. The last node bears the name.
    ///
    /// # Errors
    /// The graph refuses a node.
    pub(crate) fn build(&self, phases: &mut impl Phases, name: &str, x: ValueId) -> Result<ValueId> {
        let [down, across] = self.axes;
        let mut parts = Vec::with_capacity(down.stride);
        for (index, phase) in down.phases().iter().enumerate() {
            parts.push(self.rows(phases, &format!("{name}.phase{index}"), x, phase.as_ref())?);
        }
        let joined = join(phases, format!("{name}.joined"), 2, &parts)?;
        let shape = phases.shape(joined);
        let whole = vec![shape[0], down.outputs() * down.stride, across.outputs() * across.stride, shape[4]];
        let exact = whole[1..3] == [down.output, across.output];
        let last = if exact { name.to_owned() } else { format!("{name}.whole") };
        let value = phases.moved(last, Reshape { shape: whole.clone() }, &[joined])?;
        if exact {
            return Ok(value);
        }
        let mut part = Slice::all(&whole);
        (part.ends[1], part.ends[2]) = (down.output as i64, across.output as i64);
        phases.moved(name.to_owned(), part, &[value])
    }

    /// The rows of one phase `down`, `[N, rows, 1, width, O]`.
    fn rows(
        &self,
        builder: &mut impl Phases,
        name: &str,
        x: ValueId,
        down: Option<&Phase>,
    ) -> Result<ValueId> {
        let [rows, columns] = self.axes.map(|axis| axis.outputs());
        let (stride, outputs) = (self.axes[1].stride, self.outputs);
        let batch = builder.shape(x)[0];
        let phases = self.axes[1].phases();
        let whole = vec![batch, rows, 1, columns * stride, outputs];
        let Some(down) = down else { return builder.constant(name, &whole) };
        let all: Vec<&Phase> = phases.iter().flatten().collect();
        let alike = |phase: &&Phase| Phase { taps: Vec::new(), ..(*phase).clone() };
        let joined = all.len() == stride
            && outputs * self.element_bytes < SHORT_PIXEL
            && self.groups == 1
            && all
                .iter()
                .all(|phase| phase.taps.len() == all[0].taps.len() && alike(phase) == alike(&all[0]));
        if joined || stride == 1 && !all.is_empty() {
            let y = convolution(builder, name, x, (down, &all))?;
            return builder.moved(format!("{name}.rows"), Reshape { shape: whole }, &[y]);
        }
        let pixel = vec![batch, rows, columns, 1, outputs];
        let mut parts = Vec::with_capacity(stride);
        for (index, across) in phases.iter().enumerate() {
            let name = format!("{name}.{index}");
            parts.push(match across {
                None => builder.constant(&name, &pixel)?,
                Some(across) => {
                    let y = convolution(builder, &name, x, (down, &[across]))?;
                    builder.moved(format!("{name}.pixels"), Reshape { shape: pixel.clone() }, &[y])?
                }
            });
        }
        let joined = join(builder, format!("{name}.columns"), 3, &parts)?;
        builder.moved(format!("{name}.rows"), Reshape { shape: whole }, &[joined])
    }
}

/// Phases as one convolution of the part of `x` that they read.
fn convolution(
    builder: &mut impl Phases,
    name: &str,
    x: ValueId,
    (down, across): (&Phase, &[&Phase]),
) -> Result<ValueId> {
    let right = across[0];
    let shape = builder.shape(x);
    let mut part = Slice::all(&shape);
    for (axis, phase) in [(1, down), (2, right)] {
        (part.starts[axis], part.ends[axis]) = (phase.read[0] as i64, phase.read[1] as i64);
    }
    let read = match part == Slice::all(&shape) {
        true => x,
        false => builder.moved(format!("{name}.input"), part, &[x])?,
    };
    let padding = [down.padding[0], right.padding[0], down.padding[1], right.padding[1]];
    builder.convolution(name, read, padding, (down, across))
}

fn join(builder: &mut impl Phases, name: String, axis: usize, parts: &[ValueId]) -> Result<ValueId> {
    match parts {
        [one] => Ok(*one),
        _ => builder.moved(name, Concat { axis }, parts),
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
