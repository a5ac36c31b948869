//! Dense tensors: a shared buffer, a shape, strides and an offset.
//!
//! This crate knows element types, views and tensor files. It does no arithmetic, which is the business of
//! `kernels`. It has no notion of operators or graphs. Start reading at [`Tensor`].

mod dtype;
mod element;
mod error;
mod file;
mod layout;
pub mod npy;
pub mod npz;
pub mod safetensors;
mod tensor;

pub use dtype::DType;
pub use element::{Buffer, Element};
pub use error::TensorError;
pub use file::{check_writable, write_atomically};
pub use half::{bf16, f16};
pub use layout::element_count;
pub use tensor::Tensor;

/// The result of every fallible function of this crate.
pub type Result<T, E = TensorError> = std::result::Result<T, E>;
