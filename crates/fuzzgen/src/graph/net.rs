//! A quantised network that is built value by value, with constants drawn at random.

use ediacara_graph::ops::{
    Concat, Coordinates, Gather, Pad, PadMode, PoolKind, QAdd, QConv, QMatMul, QMaximum, QMultiply, QPool,
    QTable, Reshape, Resize, ResizeMode, Rounding, Slice, Transpose,
};
use ediacara_graph::{Graph, IntoOp, TensorType, ValueId};
use ediacara_kernels::int8::{Multiplier, quantize_multiplier};
use ediacara_tensor::{Element, Tensor};

use crate::Random;

/// The shape of a convolution to build.
///
/// Pairs are `[down, across]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvShape {
    /// Output channels.
    pub outputs: usize,
    /// Size of the window.
    pub kernel: [usize; 2],
    /// Elements from one window to the next.
    pub stride: [usize; 2],
    /// Rows above, columns on the left, rows below, columns on the right.
    pub padding: [usize; 4],
    /// Elements from one element of a window to the next.
    pub dilation: [usize; 2],
    /// Groups of channels. With as many as there are channels, it is a depthwise convolution.
    pub groups: usize,
}

impl ConvShape {
    /// A 1 x 1 convolution.
    pub fn point(outputs: usize) -> ConvShape {
        ConvShape { outputs, kernel: [1, 1], stride: [1, 1], padding: [0; 4], dilation: [1, 1], groups: 1 }
    }

    /// A square window with the same padding on all sides.
    pub fn square(outputs: usize, kernel: usize, stride: usize, padding: usize) -> ConvShape {
        let point = ConvShape::point(outputs);
        ConvShape { kernel: [kernel; 2], stride: [stride; 2], padding: [padding; 4], ..point }
    }
}

/// A quantised network with random constants: weights, biases, scales, zero points, clamps and tables.
///
/// Images are `[batch, height, width, channels]`.
///
/// # Panics
/// Every method that adds an operator does so where the operator refuses its operands' shapes.
#[derive(Debug)]
pub struct Net {
    /// What was built so far. The caller sets its outputs.
    pub graph: Graph,
    /// Where constants come from.
    pub random: Random,
    count: usize,
}

impl Net {
    /// An empty network; `seed` gives its constants.
    pub fn new(seed: u64) -> Net {
        Net { graph: Graph::new("random"), random: Random::new(seed), count: 0 }
    }

    /// An input of bytes.
    pub fn input(&mut self, shape: &[usize]) -> ValueId {
        self.graph.add_input("input", TensorType::i8(shape))
    }

    /// The shape of a value.
    pub fn shape(&self, value: ValueId) -> Vec<usize> {
        self.graph.ty(value).shape.clone()
    }

    pub(super) fn name(&mut self, op: &str) -> String {
        self.count += 1;
        format!("{op}{}", self.count)
    }

    #[allow(clippy::expect_used, reason = "as the type says: a caller's mistake")]
    pub(super) fn add_op(&mut self, name: String, op: impl IntoOp, inputs: &[ValueId]) -> ValueId {
        self.graph.add(name, op, inputs).expect("an operator with operands that fit")
    }

    #[allow(clippy::expect_used, reason = "as many values as the shape has are drawn here")]
    pub(super) fn constant<T: Element>(&mut self, name: &str, shape: &[usize], values: Vec<T>) -> ValueId {
        let tensor = Tensor::from_vec(shape, values).expect("as many values as elements");
        self.graph.add_constant(name, tensor)
    }

    fn bytes(&mut self, count: usize) -> Vec<i8> {
        (0..count).map(|_| self.random.byte()).collect()
    }

    /// A clamp, mostly of the whole range.
    fn clamp(&mut self) -> (i8, i8) {
        if self.random.below(100) < 70 {
            (-128, 127)
        } else {
            (self.random.below(60) as i8 - 90, 90 + self.random.below(30) as i8)
        }
    }

    /// Bias, multiplier and shift of every output, so that sums of `terms` products become about 50.
    fn records(&mut self, name: &str, outputs: usize, terms: usize) -> [ValueId; 3] {
        let scale = 50.0 / (terms as f64).sqrt() / 5000.0;
        let mut multipliers = Vec::new();
        let mut shifts = Vec::new();
        let mut biases = Vec::new();
        for _ in 0..outputs {
            let found = multiplier(scale * (0.5 + self.random.below(1000) as f64 / 1000.0));
            multipliers.push(found.value);
            shifts.push(found.shift);
            biases.push(self.random.below(4001) as i32 - 2000);
        }
        [
            self.constant(&format!("{name}.b"), &[outputs], biases),
            self.constant(&format!("{name}.m"), &[outputs], multipliers),
            self.constant(&format!("{name}.s"), &[outputs], shifts),
        ]
    }

    /// A convolution of an image.
    pub fn conv(&mut self, x: ValueId, shape: ConvShape) -> ValueId {
        let channels = self.shape(x)[3];
        let name = self.name("conv");
        let dimensions = [shape.outputs, shape.kernel[0], shape.kernel[1], channels / shape.groups];
        let elements = dimensions.iter().product();
        let values = self.bytes(elements);
        let w = self.constant(&format!("{name}.w"), &dimensions, values);
        let [bias, multiplier, shift] = self.records(&name, shape.outputs, elements / shape.outputs);
        let (low, high) = self.clamp();
        let op = QConv {
            stride: shape.stride,
            padding: shape.padding,
            dilation: shape.dilation,
            groups: shape.groups,
            x_zero: self.random.byte(),
            w_zero: if self.random.below(100) < 50 { 0 } else { self.random.byte() },
            y_zero: self.random.byte() / 2,
            low,
            high,
        };
        self.add_op(name, op, &[x, w, bias, multiplier, shift])
    }

    /// A fully connected layer on a matrix `[rows, terms]`.
    pub fn matmul(&mut self, x: ValueId, outputs: usize) -> ValueId {
        let terms = self.shape(x)[1];
        let name = self.name("matmul");
        let values = self.bytes(outputs * terms);
        let w = self.constant(&format!("{name}.w"), &[outputs, terms], values);
        let [bias, multiplier, shift] = self.records(&name, outputs, terms);
        let (low, high) = self.clamp();
        let (x_zero, y_zero) = (self.random.byte(), self.random.byte() / 2);
        let op = QMatMul { x_zero, w_zero: 0, y_zero, low, high };
        self.add_op(name, op, &[x, w, bias, multiplier, shift])
    }

    /// A product of computed matrices, `[rows, terms]` by `[outputs, terms]`.
    pub fn product(&mut self, x: ValueId, y: ValueId) -> ValueId {
        let (terms, outputs) = (self.shape(x)[1], self.shape(y)[0]);
        let name = self.name("product");
        let [bias, multiplier, shift] = self.records(&name, outputs, terms);
        let (low, high) = self.clamp();
        let [x_zero, w_zero] = [0; 2].map(|_| self.random.byte());
        let op = QMatMul { x_zero, w_zero, y_zero: self.random.byte() / 2, low, high };
        self.add_op(name, op, &[x, y, bias, multiplier, shift])
    }

    /// A transposed convolution of an image by `stride`, as it is quantised.
    ///
    /// Each phase of the result is a convolution of its own, with a window of up to 3 x 3. Their results are
    /// interleaved.
    pub fn conv_transpose(&mut self, x: ValueId, outputs: usize, stride: [usize; 2]) -> ValueId {
        let shape = self.shape(x);
        let [batch, height, width] = [shape[0], shape[1], shape[2]];
        let mut rows = Vec::new();
        for _ in 0..stride[0] {
            let mut pixels = Vec::new();
            for _ in 0..stride[1] {
                let mut conv = ConvShape::point(outputs);
                for axis in 0..2 {
                    conv.kernel[axis] = self.random.between(1, 3);
                    conv.padding[axis] = self.random.below(conv.kernel[axis]);
                    conv.padding[axis + 2] = conv.kernel[axis] - 1 - conv.padding[axis];
                }
                let y = self.conv(x, conv);
                pixels.push(self.reshape(y, &[batch, height, width, 1, outputs]));
            }
            let row = self.concat(&pixels, 3);
            rows.push(self.reshape(row, &[batch, height, 1, width * stride[1], outputs]));
        }
        let y = self.concat(&rows, 2);
        self.reshape(y, &[batch, height * stride[0], width * stride[1], outputs])
    }

    /// A pooling of an image; `window` is its size and its stride, and `padding` is as in [`ConvShape`].
    pub fn pool(
        &mut self,
        x: ValueId,
        kind: PoolKind,
        window: [[usize; 2]; 2],
        padding: [usize; 4],
        ceil: bool,
        count_include_pad: bool,
    ) -> ValueId {
        let shape = self.shape(x);
        let [kernel, stride] = window;
        let output = [0, 1].map(|axis| {
            let room = shape[1 + axis] + padding[axis] + padding[axis + 2] - kernel[axis];
            let mut size = if ceil { room.div_ceil(stride[axis]) } else { room / stride[axis] } + 1;
            // As in ONNX, the last window starts inside the input or the padding before it.
            if (size - 1) * stride[axis] >= shape[1 + axis] + padding[axis] {
                size -= 1;
            }
            size
        });
        let name = self.name("pool");
        let (low, high) = self.clamp();
        let op = QPool {
            kind,
            kernel,
            stride,
            padding,
            output,
            x_zero: self.random.byte(),
            y_zero: self.random.byte() / 2,
            ratio: 0.3 + self.random.below(100) as f64 / 70.0,
            count_include_pad,
            low,
            high,
        };
        self.add_op(name, op, &[x])
    }

    /// The mean of each channel.
    pub fn global_average(&mut self, x: ValueId) -> ValueId {
        let shape = self.shape(x);
        self.pool(x, PoolKind::Average, [[shape[1], shape[2]], [1, 1]], [0; 4], false, false)
    }

    /// The sum of two values of one shape.
    pub fn add(&mut self, x: ValueId, y: ValueId) -> ValueId {
        let name = self.name("add");
        let found = multiplier(0.6);
        let (low, high) = self.clamp();
        let op = QAdd {
            x_zero: self.random.byte(),
            y_zero: self.random.byte(),
            x_multiplier: found.value,
            y_multiplier: (f64::from(found.value) * 0.7) as i32,
            shift: found.shift,
            out_zero: self.random.byte() / 2,
            low,
            high,
        };
        self.add_op(name, op, &[x, y])
    }

    /// The product of two values of one shape, or of a value and a factor for each channel.
    pub fn multiply(&mut self, x: ValueId, y: ValueId) -> ValueId {
        let name = self.name("multiply");
        let found = multiplier(0.011);
        let (low, high) = self.clamp();
        let op = QMultiply {
            x_zero: self.random.byte(),
            y_zero: self.random.byte(),
            multiplier: found.value,
            shift: found.shift,
            out_zero: self.random.byte() / 2,
            low,
            high,
        };
        self.add_op(name, op, &[x, y])
    }

    /// The larger of two values of one shape, element by element.
    pub fn maximum(&mut self, x: ValueId, y: ValueId) -> ValueId {
        let name = self.name("maximum");
        let (low, high) = self.clamp();
        self.add_op(name, QMaximum { low, high }, &[x, y])
    }

    /// Any function of a byte, which is what activations become.
    pub fn table(&mut self, x: ValueId) -> ValueId {
        let name = self.name("table");
        let values = self.bytes(256);
        let table = self.constant(&format!("{name}.t"), &[256], values);
        self.add_op(name, QTable, &[x, table])
    }

    /// Joins values along an axis.
    pub fn concat(&mut self, list: &[ValueId], axis: usize) -> ValueId {
        let name = self.name("concat");
        self.add_op(name, Concat { axis }, list)
    }

    /// A part of a value, as ONNX Slice.
    pub fn slice(&mut self, x: ValueId, starts: &[i64], ends: &[i64], steps: &[i64]) -> ValueId {
        let name = self.name("slice");
        let op = Slice { starts: starts.to_vec(), ends: ends.to_vec(), steps: steps.to_vec() };
        self.add_op(name, op, &[x])
    }

    /// Puts a frame around a value.
    pub fn pad(&mut self, x: ValueId, before: &[usize], after: &[usize], mode: PadMode) -> ValueId {
        let name = self.name("pad");
        let value = f64::from(self.random.byte());
        let op = Pad { before: before.to_vec(), after: after.to_vec(), mode, value };
        self.add_op(name, op, &[x])
    }

    /// The elements that `indices` name along an axis.
    pub fn gather(&mut self, x: ValueId, axis: usize, indices: Tensor) -> ValueId {
        let name = self.name("gather");
        let indices = self.graph.add_constant(format!("{name}.i"), indices);
        self.add_op(name, Gather { axis }, &[x, indices])
    }

    /// The channels of an image in another order, as a shuffle is quantised: by weights of ones and zeros.
    pub fn reorder(&mut self, x: ValueId, order: &[usize]) -> ValueId {
        let (name, channels) = (self.name("reorder"), order.len());
        let one = |&channel: &usize| (0..channels).map(move |at| i8::from(at == channel));
        let w = order.iter().flat_map(one).collect();
        let w = self.constant(&format!("{name}.w"), &[channels, 1, 1, channels], w);
        let bias = self.constant(&format!("{name}.b"), &[channels], vec![0_i32; channels]);
        let multiplier = self.constant(&format!("{name}.m"), &[channels], vec![1_i32 << 30; channels]);
        let shift = self.constant(&format!("{name}.s"), &[channels], vec![30_u8; channels]);
        let zero = self.random.byte();
        let op = QConv {
            stride: [1; 2],
            padding: [0; 4],
            dilation: [1; 2],
            groups: 1,
            x_zero: zero,
            w_zero: 0,
            y_zero: zero,
            low: i8::MIN,
            high: i8::MAX,
        };
        self.add_op(name, op, &[x, w, bias, multiplier, shift])
    }

    /// The same bytes in another shape.
    pub fn reshape(&mut self, x: ValueId, shape: &[usize]) -> ValueId {
        let name = self.name("reshape");
        self.add_op(name, Reshape { shape: shape.to_vec() }, &[x])
    }

    /// Axes in another order.
    pub fn transpose(&mut self, x: ValueId, permutation: &[usize]) -> ValueId {
        let name = self.name("transpose");
        self.add_op(name, Transpose { permutation: permutation.to_vec() }, &[x])
    }

    /// Channels dealt out to `groups` in turn, by reshape, transpose, reshape.
    pub fn shuffle(&mut self, x: ValueId, groups: usize) -> ValueId {
        let shape = self.shape(x);
        let y = self.reshape(x, &[shape[0], shape[1], shape[2], groups, shape[3] / groups]);
        let y = self.transpose(y, &[0, 1, 2, 4, 3]);
        self.reshape(y, &shape)
    }

    /// An image of another size, the nearest element above and on the left.
    pub fn resize(&mut self, x: ValueId, [height, width]: [usize; 2]) -> ValueId {
        let from = self.shape(x);
        let shape = vec![from[0], height, width, from[3]];
        let scales = shape.iter().zip(&from).map(|(to, from)| *to as f64 / *from as f64).collect();
        let op = Resize {
            mode: ResizeMode::Nearest,
            coordinates: Coordinates::Asymmetric,
            rounding: Rounding::Floor,
            shape,
            scales,
            cubic_coefficient: -0.75,
            exclude_outside: false,
        };
        let name = self.name("resize");
        self.add_op(name, op, &[x])
    }
}

#[allow(clippy::expect_used, reason = "ratios here are far below 2^30")]
fn multiplier(ratio: f64) -> Multiplier {
    quantize_multiplier(ratio).expect("a small ratio")
}
