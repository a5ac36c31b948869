//! The closed core of operators, one file each: documentation, attributes, shape and type rule, host kernel, cost.
//!
//! f32 tensors of images are NCHW. An operator that is a composition of these is not here: importers decompose.

mod activation;
mod binary;
mod conv;
mod gemm;
mod pool;
mod reshape;
mod support;
mod window;

pub use activation::Activation;
pub use binary::*;
pub use conv::Conv;
pub use gemm::Gemm;
pub use pool::{Pool, PoolKind};
pub use reshape::Reshape;

use crate::OpDescription;

/// Every core operator.
pub(crate) fn descriptions() -> impl Iterator<Item = OpDescription> {
    let others = [conv::DESCRIPTION, gemm::DESCRIPTION, pool::DESCRIPTION, reshape::DESCRIPTION];
    others.into_iter().chain(binary::DESCRIPTIONS.iter().copied())
}
