//! The closed core of operators, one file each: documentation, attributes, shape and type rule, host kernel,
//! cost.
//!
//! f32 tensors of images are NCHW; the quantised dialect ([`QConv`] and its kin) is i8 in NHWC, and the float
//! dialect ([`FRow`] and its kin) goes by rows, the last axis. A function
//! that is a composition of these operators is not here: importers decompose it.

mod activation;
mod arg_max;
mod arg_min;
mod barrier;
mod binary;
mod broadcast;
mod cast;
mod channels_last;
mod clamp;
mod concat;
mod conv;
mod conv_filter_gradient;
mod conv_transpose;
mod cumulative_sum;
mod dequantize_linear;
mod float_rows;
mod gather;
mod gather_elements;
mod gather_nd;
mod gemm;
mod guard;
mod index_add;
mod log_softmax;
mod lrn;
mod matmul;
mod max_pool_indices;
mod non_zero;
mod pad;
mod pool;
mod quantised;
mod quantize_linear;
mod recur;
mod reduce;
mod reshape;
mod resize;
mod scatter_elements;
mod scatter_nd;
mod select;
mod slice;
mod slice_scatter;
mod softmax;
mod stop_gradient;
mod support;
mod tensor_scatter;
mod top_k;
mod transpose;
mod unary;
mod window;

pub use activation::Activation;
pub use arg_max::ArgMax;
pub use arg_min::ArgMin;
pub use barrier::Barrier;
pub use binary::*;
pub use broadcast::Broadcast;
pub use cast::Cast;
pub use clamp::Clamp;
pub use concat::Concat;
pub use conv::Conv;
pub use conv_filter_gradient::ConvFilterGradient;
pub use conv_transpose::ConvTranspose;
pub use cumulative_sum::CumulativeSum;
pub use dequantize_linear::DequantizeLinear;
pub use float_rows::{
    Comparison, FConv, FMatMul, FRow, FScale, FWindow, Reading, RowOperation, WindowOperation, Writing,
};
pub use gather::Gather;
pub use gather_elements::GatherElements;
pub use gather_nd::GatherNd;
pub use gemm::Gemm;
pub use guard::Guard;
pub use index_add::IndexAdd;
pub use log_softmax::LogSoftmax;
pub use lrn::Lrn;
pub use matmul::MatMul;
pub use max_pool_indices::MaxPoolIndices;
pub use non_zero::NonZero;
pub use pad::{Pad, PadMode};
pub use pool::{Pool, PoolKind};
pub use quantised::{QAdd, QConv, QMatMul, QMatMulReal, QMaximum, QMultiply, QPool, QTable};
pub use quantize_linear::QuantizeLinear;
pub use recur::Recur;
pub use reduce::{Reduce, ReduceKind};
pub use reshape::Reshape;
pub use resize::{Coordinates, Resize, ResizeMode, Rounding};
pub use scatter_elements::ScatterElements;
pub use scatter_nd::ScatterNd;
pub use select::Select;
pub use slice::Slice;
pub use slice_scatter::SliceScatter;
pub use softmax::Softmax;
pub use stop_gradient::StopGradient;
pub use tensor_scatter::TensorScatter;
pub use top_k::TopK;
pub use transpose::Transpose;
pub use unary::*;

use crate::OpDescription;

const DESCRIPTIONS: &[OpDescription] = &[
    arg_max::DESCRIPTION,
    arg_min::DESCRIPTION,
    barrier::DESCRIPTION,
    broadcast::DESCRIPTION,
    cast::DESCRIPTION,
    clamp::DESCRIPTION,
    concat::DESCRIPTION,
    conv::DESCRIPTION,
    conv_filter_gradient::DESCRIPTION,
    conv_transpose::DESCRIPTION,
    cumulative_sum::DESCRIPTION,
    dequantize_linear::DESCRIPTION,
    gather::DESCRIPTION,
    gather_elements::DESCRIPTION,
    gather_nd::DESCRIPTION,
    gemm::DESCRIPTION,
    guard::DESCRIPTION,
    index_add::DESCRIPTION,
    log_softmax::DESCRIPTION,
    lrn::DESCRIPTION,
    matmul::DESCRIPTION,
    max_pool_indices::DESCRIPTION,
    non_zero::DESCRIPTION,
    pad::DESCRIPTION,
    pool::DESCRIPTION,
    quantize_linear::DESCRIPTION,
    recur::DESCRIPTION,
    reduce::DESCRIPTION,
    reshape::DESCRIPTION,
    resize::DESCRIPTION,
    scatter_elements::DESCRIPTION,
    scatter_nd::DESCRIPTION,
    select::DESCRIPTION,
    slice::DESCRIPTION,
    slice_scatter::DESCRIPTION,
    softmax::DESCRIPTION,
    stop_gradient::DESCRIPTION,
    tensor_scatter::DESCRIPTION,
    top_k::DESCRIPTION,
    transpose::DESCRIPTION,
];

/// Every core operator.
pub(crate) fn descriptions() -> impl Iterator<Item = OpDescription> {
    [
        DESCRIPTIONS,
        unary::DESCRIPTIONS,
        binary::DESCRIPTIONS,
        quantised::DESCRIPTIONS,
        float_rows::DESCRIPTIONS,
    ]
    .into_iter()
    .flatten()
    .copied()
}
