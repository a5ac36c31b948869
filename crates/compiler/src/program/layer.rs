//! What the lowerings are given: one operation each, with its tensors placed in DRAM.

use std::ops::Range;

use ediacara_graph::ops::WindowOperation;
use ediacara_isa::{ElementType, LayerInfo, OperandTypes};
use ediacara_tensor::Tensor;

use crate::program::rows::Rows;
use crate::program::step::Moved;
use crate::program::view::{Image, View};
use crate::program::window::Window;

/// One layer of the network.
#[derive(Debug, Clone)]
pub struct Layer {
    /// What is known of it.
    pub info: LayerInfo,
    /// What it computes.
    pub kind: Kind,
}

/// What a layer computes.
#[derive(Debug, Clone)]
pub enum Kind {
    /// A convolution of any groups, or a matrix product as a convolution of one row of pixels.
    Conv(Box<Conv>),
    /// A depthwise convolution with one output channel an input channel.
    Depthwise(Box<Conv>),
    /// A depthwise convolution or a pool together with its neighbours.
    Block(Box<Block>),
    /// Pooling.
    Pool(Pool),
    /// A window of real numbers.
    FloatWindow(Box<FloatWindow>),
    /// Elementwise with two operands.
    Binary(Binary),
    /// Elementwise by a table.
    Table(Table),
    /// Float instructions over rows.
    Rows(Box<Rows>),
    /// Data movement.
    Copy(Copy),
}

impl Kind {
    /// What errors call it.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Kind::Conv(_) => "convolution",
            Kind::Depthwise(_) => "depthwise convolution",
            Kind::Block(_) => "block of convolutions",
            Kind::Pool(_) => "pooling",
            Kind::FloatWindow(_) => "window of real numbers",
            Kind::Binary(_) => "elementwise",
            Kind::Table(_) => "table",
            Kind::Rows(_) => "rows of real numbers",
            Kind::Copy(_) => "copy",
        }
    }

    /// Bytes of an element that the matrix engine multiplies; 1 where it multiplies none.
    pub(crate) fn matrix_element_bytes(&self) -> u64 {
        match self {
            Kind::Conv(conv) => conv.element.bytes() as u64,
            _ => 1,
        }
    }

    /// What a listing says of it besides its shape.
    pub(crate) fn detail(&self) -> String {
        match self {
            Kind::Conv(conv) | Kind::Depthwise(conv) => {
                let Window { kernel, stride, .. } = conv.window;
                let joined = match self {
                    Kind::Conv(conv) if conv.joined > 1 => format!(" joined {}", conv.joined),
                    _ => String::new(),
                };
                let rows =
                    conv.epilogue.as_ref().map_or_else(String::new, |rows| format!(" {}", rows.detail()));
                format!("kernel {kernel:?} stride {stride:?} groups {}{joined}{rows}", conv.groups)
            }
            Kind::Block(block) => {
                let (x, _, Window { kernel, stride, .. }) = block.middle.shape();
                format!("kernel {kernel:?} stride {stride:?} channels {}", x.channels)
            }
            Kind::Pool(Pool { window, .. }) => {
                format!("kernel {:?} stride {:?}", window.kernel, window.stride)
            }
            Kind::FloatWindow(layer) => {
                let Window { kernel, stride, .. } = layer.window;
                format!("{} kernel {kernel:?} stride {stride:?}", layer.operation)
            }
            Kind::Binary(_) | Kind::Table(_) => String::new(),
            Kind::Rows(rows) => rows.detail(),
            Kind::Copy(copy) => format!("{} parts", copy.parts.len()),
        }
    }
}

/// The constants of inner products, as in the graph.
#[derive(Debug, Clone)]
pub struct Weights {
    /// `i8[O, KH, KW, C / groups]` or `i8[O, K]`; empty where a layer computes them. Of real numbers, their bytes.
    pub values: Tensor,
    /// `i32[O]`. Of products of real numbers, the bits of f32s.
    pub bias: Tensor,
    /// What results are scaled by.
    pub scaling: Scaling,
}

/// What the sums of each output channel are scaled by.
#[derive(Debug, Clone)]
pub enum Scaling {
    /// On their way to eight bits (N-REQUANTISE).
    Integer {
        /// `i32[O]`.
        multiplier: Tensor,
        /// `u8[O]`.
        shift: Tensor,
    },
    /// As real numbers (N-FLOAT-READ): `f32[O]`.
    Real(Tensor),
}

impl Conv {
    /// Whether it makes one channel of one, and does nothing else: either unit can do that.
    pub(crate) fn is_of_one_channel(&self) -> bool {
        let channels = [self.x.channels, self.y.channels, self.groups];
        channels == [1; 3] && self.residual.is_none() && self.computed.is_none()
    }
}

/// How results are brought to eight bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// Zero point.
    pub zero: i8,
    /// Clamp.
    pub low: i8,
    /// Clamp.
    pub high: i8,
}

/// A convolution.
#[derive(Debug, Clone)]
pub struct Conv {
    /// The type of x and of the weights. Where an element has several bytes, the channels of x and of the weights are counted in
    /// bytes, and sums are real numbers in the order of N-FLOAT-DOT.
    pub element: ElementType,
    /// Input.
    pub x: Image,
    /// Output.
    pub y: Image,
    /// Window.
    pub window: Window,
    /// Groups.
    pub groups: u64,
    /// Constants.
    pub weights: Weights,
    /// The matrix `[O, K]` in DRAM that stands in for the values of `weights`, where another layer computes it. One
    /// of its axes is contiguous, and the window is a point.
    pub computed: Option<View>,
    /// Whether x is written after that matrix, which then goes to WRAM while x is waited for.
    pub computed_first: bool,
    /// Zero point of x.
    pub x_zero: i8,
    /// Zero point of w.
    pub w_zero: i8,
    /// Zero point and clamp of the result of the inner products.
    pub output: Output,
    /// What is done with the sums as real numbers, row by row of all output channels; nothing if they are brought to eight
    /// bits. Its axes are those of y. Then y, which has the extents of the sums, lies nowhere.
    pub epilogue: Option<Box<Rows>>,
    /// What is added before the result is stored.
    pub residual: Option<Residual>,
    /// What the result, or the sum, is looked up in before it is stored.
    pub table: Option<Lookup>,
    /// By output, the channel of the convolution that it is; nothing where they are in order.
    pub order: Option<Vec<u32>>,
    /// Neighbouring output pixels of a row that the array may compute as the channels of one; 1 computes each by itself.
    pub joined: u64,
    /// The number of its constants among those that several layers of the segment multiply by; nothing if it alone does.
    pub shared: Option<u32>,
    /// Where its constants stay on chip.
    pub held: Option<Held>,
}

/// Places of constants that stay on chip from the first layer that multiplies by them to the last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// Which of the constants that are held.
    pub index: u32,
    /// Bytes of WRAM.
    pub wram: Range<u64>,
    /// Records of PRAM.
    pub pram: Range<u64>,
}

/// A window on the vector unit and the convolutions around it, at least one, as one layer: what passes between them
/// stays on chip and has no address. With a depthwise convolution this is the inverted residual of MobileNetV2 (Sandler
/// et al. 2018), or a part of it.
#[derive(Debug, Clone)]
pub struct Block {
    /// The convolution before: any window, one group.
    pub expand: Option<Conv>,
    /// What the vector unit does.
    pub middle: Middle,
    /// The pointwise convolution after. A residual of it is the input of `expand`, which then is pointwise.
    pub project: Option<Conv>,
}

/// The window of a [`Block`].
#[derive(Debug, Clone)]
pub enum Middle {
    /// A depthwise convolution.
    Depthwise(Box<Conv>),
    /// A max pool.
    MaxPool(Box<Pool>),
}

impl Middle {
    /// Input, output and window.
    pub fn shape(&self) -> (Image, Image, Window) {
        match self {
            Middle::Depthwise(conv) => (conv.x, conv.y, conv.window),
            Middle::MaxPool(pool) => (pool.x, pool.y, pool.window),
        }
    }

    /// What padding holds.
    pub fn pad(&self) -> i8 {
        match self {
            Middle::Depthwise(conv) => conv.x_zero,
            Middle::MaxPool(pool) => pool.pad(),
        }
    }
}

/// An addition (N-ADD) fused into a convolution: the convolution's result is one operand.
#[derive(Debug, Clone, Copy)]
pub struct Residual {
    /// The other operand.
    pub image: Image,
    /// Multipliers, zero points and clamp; operand a is the convolution's result.
    pub constants: BinaryConstants,
}

/// Pooling.
#[derive(Debug, Clone)]
pub struct Pool {
    /// Input.
    pub x: Image,
    /// Output.
    pub y: Image,
    /// Window.
    pub window: Window,
    /// Max or average.
    pub mode: PoolMode,
    /// Zero point (averages) and clamp.
    pub output: Output,
}

impl Pool {
    /// What padding holds.
    pub fn pad(&self) -> i8 {
        match self.mode {
            PoolMode::Max => i8::MIN,
            PoolMode::Average { x_zero, .. } => x_zero,
        }
    }
}

/// Kinds of pooling.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PoolMode {
    /// N-MAXPOOL.
    Max,
    /// N-AVERAGE.
    Average {
        /// Zero point of x.
        x_zero: i8,
        /// `x_scale / y_scale`.
        ratio: f64,
        /// Whether padding counts.
        count_include_pad: bool,
    },
}

/// A window of real numbers, channel by channel.
#[derive(Debug, Clone)]
pub struct FloatWindow {
    /// Input; its channels are counted in bytes.
    pub x: Image,
    /// Output, of as many bytes.
    pub y: Image,
    /// Window.
    pub window: Window,
    /// What it computes.
    pub operation: WindowOperation,
    /// The types of input, weights and output, which have as many bytes.
    pub types: OperandTypes,
    /// `[KH, KW]` of the bytes of all channels, if there are weights.
    pub weights: Option<Vec<u8>>,
}

/// Multipliers, zero points and clamp of N-ADD, N-MULTIPLY; of N-MAXIMUM only the clamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BinaryConstants {
    /// Zero points of a, b.
    pub zeros: [i8; 2],
    /// Multipliers of a, b; N-MULTIPLY has one.
    pub multipliers: [u32; 2],
    /// Shift.
    pub shift: u8,
    /// Zero point and clamp of the result.
    pub output: Output,
}

/// Which binary operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    /// N-ADD.
    Add,
    /// N-MULTIPLY.
    Multiply,
    /// N-MAXIMUM.
    Maximum,
}

/// Elementwise with two operands.
#[derive(Debug, Clone)]
pub struct Binary {
    /// Which.
    pub op: BinaryOp,
    /// First operand, of the result's shape.
    pub a: View,
    /// Second operand; where its stride is 0 it is repeated.
    pub b: View,
    /// Result.
    pub d: View,
    /// Constants.
    pub constants: BinaryConstants,
}

/// Elementwise by a table.
#[derive(Debug, Clone)]
pub struct Table {
    /// Operand.
    pub a: View,
    /// Result.
    pub d: View,
    /// What elements are looked up in.
    pub lookup: Lookup,
}

/// A table (N-TABLE).
#[derive(Debug, Clone)]
pub struct Lookup {
    /// Its bytes, for -128 first.
    pub bytes: Vec<u8>,
    /// Its number among those that several layers of the segment look up; nothing if one alone does.
    pub shared: Option<u32>,
}

/// Data movement: a constant around the parts, if there is one, then the parts, in order. No byte is written twice.
#[derive(Debug, Clone)]
pub struct Copy {
    /// What is filled, and with what.
    pub fill: Option<(Vec<View>, i8)>,
    /// Source and destination, of equal shapes: bytes.
    pub parts: Vec<(View, View)>,
    /// Bytes that lie together in both, of an element.
    pub element: u64,
    /// Where a binding moves the destinations, which lie in DRAM.
    pub moved: Option<Moved>,
    /// Bytes that lie together in each row of the source and belong to it: what lies between two bytes of one row may be read.
    /// 0 where that is not known.
    pub own_row: u64,
}

impl Copy {
    /// Of bytes, without a constant around.
    pub fn of(parts: Vec<(View, View)>) -> Copy {
        Copy { fill: None, parts, element: 1, moved: None, own_row: 0 }
    }
}
