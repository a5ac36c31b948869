//! Numeric kernels on plain slices.
//!
//! This crate knows no tensor, no graph and no machine. A kernel takes slices and a description of their
//! shapes, checks one against the other, and computes. The crate holds:
//!
//! - [`float`]: f32 (and f64) in NCHW, for the host: matrix product, convolution and its filter's gradient,
//!   transposed convolution, pooling.
//! - [`ordered`]: f32 to the bit as docs/numerics.md lays down, as the simulator and the RTL compute it.
//! - [`int8`]: i8 in NHWC, to the bit as docs/numerics.md lays down. The simulator and the RTL agree with it.
//!
//! Kernels run on the rayon pool of the caller. Work is cut into chunks by shape alone, never by the number
//! of threads, so that a result does not depend on how many threads computed it.
//!
//! Start reading at [`float::conv2d`] or [`int8::q_conv`].

mod array;
mod error;
pub mod float;
pub mod int8;
pub mod ordered;
mod scratch;
mod vectorise;
mod window;

pub use error::KernelError;
pub use window::Window;
