//! A real network that motifs append layers to, with weights at random.

use ediacara_graph::ops::{
    Add, Clamp, Concat, Conv, ConvTranspose, Coordinates, Gemm, Max, Mul, Pool, PoolKind, Relu, Reshape,
    Resize, ResizeMode, Rounding, Sigmoid, Slice, Transpose,
};
use ediacara_graph::{Graph, IntoOp, Tensor, TensorType, ValueId};

use super::{PUBLISHED_SIDES, Size};
use crate::Random;
use crate::graph::Net;

/// A network under construction.
///
/// Images are `[batch, channels, height, width]`.
///
/// # Panics
/// Every method that adds an operator does so where the operator refuses its operands' shapes.
#[derive(Debug)]
pub struct Layers {
    net: Net,
    size: Size,
    outputs: Vec<ValueId>,
}

impl Layers {
    pub(super) fn new(seed: u64, size: Size) -> Layers {
        Layers { net: Net::new(seed), size, outputs: Vec::new() }
    }

    /// Where choices come from.
    pub(super) fn random(&mut self) -> &mut Random {
        &mut self.net.random
    }

    /// An input with a published side or any side, as wide as the size allows.
    pub(super) fn input(&mut self) -> ValueId {
        let most = self.size.side;
        let side = |random: &mut Random| {
            let published: Vec<_> = PUBLISHED_SIDES.into_iter().filter(|&side| side <= most).collect();
            if random.chance(50) { random.pick(&published) } else { random.between(1, most) }
        };
        let random = &mut self.net.random;
        let height = side(random);
        let width = if random.chance(70) { height } else { side(random) };
        let batch = random.pick(&[1, 1, 1, 1, 1, 1, 1, 2]);
        let pixels = batch * height * width;
        // A 3 x 3 convolution that keeps the width stays below the limit of multiply-adds.
        let by_macs = (self.size.macs / (9 * pixels)).isqrt();
        let most = by_macs.min(self.size.elements / pixels).clamp(1, 256);
        let channels =
            if random.chance(30) { random.between(1, most) } else { most - random.below(most.div_ceil(4)) };
        let channels = self.whole(channels);
        self.net.graph.add_input("input", TensorType::f32(&[batch, channels, height, width]))
    }

    /// The network, with outputs for `last` and for the values that were shown.
    pub(super) fn finish(mut self, last: ValueId) -> Graph {
        self.outputs.insert(0, last);
        let mut outputs = Vec::new();
        for value in self.outputs {
            if !outputs.contains(&value) {
                outputs.push(value);
            }
        }
        self.net.graph.set_outputs(outputs);
        self.net.graph.unlink_dead();
        self.net.graph
    }

    /// Makes a value an output of the network too.
    pub(super) fn show(&mut self, value: ValueId) {
        self.outputs.push(value);
    }

    pub(super) fn shape(&self, x: ValueId) -> Vec<usize> {
        self.net.shape(x)
    }

    pub(super) fn channels(&self, x: ValueId) -> usize {
        self.net.graph.ty(x).shape[1]
    }

    /// Height and width.
    pub(super) fn sides(&self, x: ValueId) -> [usize; 2] {
        let shape = &self.net.graph.ty(x).shape;
        [shape[2], shape[3]]
    }

    /// Channels for a 1 x 1 convolution of `x`: `wanted`, or as many as the size allows.
    pub(super) fn width(&mut self, x: ValueId, wanted: usize) -> usize {
        let pixels = self.pixels(x);
        let by_macs = 2 * self.size.macs / (pixels * self.channels(x));
        let most = by_macs.min(self.size.elements / pixels).clamp(1, 1024);
        self.whole(wanted.clamp(1, most))
    }

    /// Channels that a 3 x 3 convolution of an image with `x`'s sides may have on both sides.
    ///
    /// It is `wanted`, or as many as the size allows.
    pub(super) fn window_width(&mut self, x: ValueId, wanted: usize) -> usize {
        let pixels = self.pixels(x);
        let by_macs = (2 * self.size.macs / (9 * pixels)).isqrt();
        let most = by_macs.min(self.size.elements / pixels).clamp(1, 256);
        self.whole(wanted.clamp(1, most))
    }

    /// The image, after a 1 x 1 convolution if it has more channels than a window may read.
    pub(super) fn narrow(&mut self, x: ValueId) -> ValueId {
        let channels = self.channels(x);
        let width = self.window_width(x, channels);
        if 2 * channels > 3 * width { self.point(x, width) } else { x }
    }

    fn pixels(&self, x: ValueId) -> usize {
        let shape = self.shape(x);
        shape[0] * shape[2] * shape[3]
    }

    /// A hidden image as large as the size allows, and a residual around it.
    pub(super) fn crowd(&mut self, x: ValueId) -> ValueId {
        let most = self.size.elements / self.pixels(x);
        let wanted = most - self.net.random.below(most.div_ceil(5));
        let y = self.width(x, wanted);
        let y = self.point(x, y);
        let y = self.relu6(y);
        let channels = self.channels(x);
        let y = self.point(y, channels);
        self.add(x, y)
    }

    /// A width that is half of the time a multiple of eight, as most widths in the papers are.
    fn whole(&mut self, width: usize) -> usize {
        if width >= 8 && self.net.random.chance(50) { width / 8 * 8 } else { width.max(1) }
    }

    fn add_op(&mut self, op: impl IntoOp, inputs: &[ValueId]) -> ValueId {
        let op = op.into_op();
        let name = self.net.name(op.name());
        self.net.add_op(name, op, inputs)
    }

    /// Numbers between `-limit` and `limit`.
    fn constant(&mut self, shape: &[usize], limit: f32) -> ValueId {
        let count = shape.iter().product();
        let values: Vec<f32> =
            (0..count).map(|_| (self.net.random.below(2001) as f32 / 1000.0 - 1.0) * limit).collect();
        let name = self.net.name("w");
        self.net.constant(&name, shape, values)
    }

    /// A convolution with a bias, and with weights that make results spread as operands do.
    pub(super) fn conv(&mut self, x: ValueId, outputs: usize, kernel: [usize; 2], conv: Conv) -> ValueId {
        let inputs = self.channels(x) / conv.groups;
        let terms = (inputs * kernel[0] * kernel[1]) as f32;
        let w = self.constant(&[outputs, inputs, kernel[0], kernel[1]], 2.2 / terms.sqrt());
        let bias = self.constant(&[outputs], 0.3);
        self.add_op(conv, &[x, w, bias])
    }

    /// A 1 x 1 convolution.
    pub(super) fn point(&mut self, x: ValueId, outputs: usize) -> ValueId {
        self.conv(x, outputs, [1, 1], Conv::default())
    }

    /// A square window of odd size around each pixel, every `stride` pixels.
    pub(super) fn square(&mut self, x: ValueId, outputs: usize, kernel: usize, stride: usize) -> ValueId {
        let conv = Conv { stride: [stride; 2], padding: [kernel / 2; 4], ..Conv::default() };
        self.conv(x, outputs, [kernel; 2], conv)
    }

    /// As [`square`](Self::square), each channel for itself.
    pub(super) fn depthwise(&mut self, x: ValueId, kernel: usize, stride: usize) -> ValueId {
        let groups = self.channels(x);
        let conv = Conv { stride: [stride; 2], padding: [kernel / 2; 4], groups, ..Conv::default() };
        self.conv(x, groups, [kernel; 2], conv)
    }

    /// A transposed convolution that doubles the sides.
    pub(super) fn conv_transpose(&mut self, x: ValueId, outputs: usize) -> ValueId {
        let inputs = self.channels(x);
        let w = self.constant(&[inputs, outputs, 2, 2], 2.2 / (inputs as f32).sqrt());
        let bias = self.constant(&[outputs], 0.3);
        self.add_op(ConvTranspose { stride: [2, 2], ..ConvTranspose::default() }, &[x, w, bias])
    }

    /// Batch normalisation as inference has it: a factor and a term for each channel.
    pub(super) fn normalise(&mut self, x: ValueId) -> ValueId {
        let channels = self.channels(x);
        let factor = self.constant(&[1, channels, 1, 1], 1.5);
        let term = self.constant(&[1, channels, 1, 1], 0.5);
        let y = self.add_op(Mul, &[x, factor]);
        self.add_op(Add, &[y, term])
    }

    pub(super) fn relu(&mut self, x: ValueId) -> ValueId {
        self.add_op(Relu, &[x])
    }

    pub(super) fn relu6(&mut self, x: ValueId) -> ValueId {
        self.add_op(Clamp { low: 0.0, high: 6.0 }, &[x])
    }

    /// `clamp(x / 6 + 1 / 2, 0, 1)`.
    pub(super) fn hard_sigmoid(&mut self, x: ValueId) -> ValueId {
        let [sixth, half] =
            [1.0 / 6.0, 0.5].map(|value: f32| self.net.graph.add_constant("scalar", Tensor::scalar(value)));
        let y = self.add_op(Mul, &[x, sixth]);
        let y = self.add_op(Add, &[y, half]);
        self.add_op(Clamp { low: 0.0, high: 1.0 }, &[y])
    }

    /// h-swish: `x` times its hard sigmoid.
    pub(super) fn hard_swish(&mut self, x: ValueId) -> ValueId {
        let gate = self.hard_sigmoid(x);
        self.multiply(x, gate)
    }

    pub(super) fn sigmoid(&mut self, x: ValueId) -> ValueId {
        self.add_op(Sigmoid, &[x])
    }

    pub(super) fn add(&mut self, x: ValueId, y: ValueId) -> ValueId {
        self.add_op(Add, &[x, y])
    }

    /// The product of two images of one shape, or with a factor for each channel.
    pub(super) fn multiply(&mut self, x: ValueId, y: ValueId) -> ValueId {
        self.add_op(Mul, &[x, y])
    }

    /// The larger of two images of one shape.
    pub(super) fn maximum(&mut self, x: ValueId, y: ValueId) -> ValueId {
        self.add_op(Max, &[x, y])
    }

    /// Joins images along their channels.
    pub(super) fn concat(&mut self, list: &[ValueId]) -> ValueId {
        self.add_op(Concat { axis: 1 }, list)
    }

    /// Channels `from..to`.
    pub(super) fn channels_of(&mut self, x: ValueId, from: usize, to: usize) -> ValueId {
        let mut ends: Vec<i64> = self.shape(x).into_iter().map(|extent| extent as i64).collect();
        ends[1] = to as i64;
        self.add_op(Slice { starts: vec![0, from as i64, 0, 0], ends, steps: vec![1; 4] }, &[x])
    }

    /// A pool of square windows; padding counts for nothing.
    pub(super) fn pool(
        &mut self,
        x: ValueId,
        kind: PoolKind,
        kernel: usize,
        stride: usize,
        padding: usize,
    ) -> ValueId {
        let output = self.sides(x).map(|side| (side + 2 * padding - kernel) / stride + 1);
        let pool = Pool {
            kind,
            kernel: [kernel; 2],
            stride: [stride; 2],
            padding: [padding; 4],
            dilation: [1; 2],
            output,
            count_include_pad: false,
        };
        self.add_op(pool, &[x])
    }

    /// The mean of each channel, `[batch, channels, 1, 1]`.
    pub(super) fn global_average(&mut self, x: ValueId) -> ValueId {
        let pool = Pool {
            kind: PoolKind::Average,
            kernel: self.sides(x),
            stride: [1; 2],
            padding: [0; 4],
            dilation: [1; 2],
            output: [1, 1],
            count_include_pad: false,
        };
        self.add_op(pool, &[x])
    }

    /// An image of another size, the nearest element above and on the left.
    pub(super) fn resize(&mut self, x: ValueId, [height, width]: [usize; 2]) -> ValueId {
        let from = self.shape(x);
        let shape = vec![from[0], from[1], height, width];
        let scales = shape.iter().zip(&from).map(|(to, from)| *to as f64 / *from as f64).collect();
        let resize = Resize {
            mode: ResizeMode::Nearest,
            coordinates: Coordinates::Asymmetric,
            rounding: Rounding::Floor,
            shape,
            scales,
            cubic_coefficient: -0.75,
            exclude_outside: false,
        };
        self.add_op(resize, &[x])
    }

    /// Channels dealt out to `groups` in turn, by reshape, transpose, reshape.
    pub(super) fn shuffle(&mut self, x: ValueId, groups: usize) -> ValueId {
        let shape = self.shape(x);
        let split = vec![shape[0], groups, shape[1] / groups, shape[2], shape[3]];
        let y = self.add_op(Reshape { shape: split }, &[x]);
        let y = self.add_op(Transpose { permutation: vec![0, 2, 1, 3, 4] }, &[y]);
        self.add_op(Reshape { shape }, &[y])
    }

    /// A fully connected layer on an image of one pixel.
    pub(super) fn classifier(&mut self, x: ValueId, classes: usize) -> ValueId {
        let shape = self.shape(x);
        let terms: usize = shape[1..].iter().product();
        let flat = self.add_op(Reshape { shape: vec![shape[0], terms] }, &[x]);
        let w = self.constant(&[classes, terms], 2.2 / (terms as f32).sqrt());
        let bias = self.constant(&[classes], 0.3);
        self.add_op(Gemm::default(), &[flat, w, bias])
    }
}
