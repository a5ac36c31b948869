//! Floating point to the bit as docs/numerics.md, "Floating point", lays down.
//!
//! Every operation rounds by itself, subnormals count as zero, a NaN has one form, and each sum has one order.
//! The simulator computes with these functions, and the RTL agrees with them. The host's fast kernels
//! ([`crate::float`]) fuse and reorder instead.

mod array;
mod dot;
mod functions;
mod operation;
mod rows;
mod stored;
pub mod tables;
mod value;

pub use array::{OrderedScratch, Stored, array_dot};
pub use dot::{OrderedWeights, dot};
pub use functions::{
    exp2, exp2_row, log2, log2_row, reciprocal, reciprocal_root, reciprocal_root_row, reciprocal_row, root,
    root_row,
};
pub use operation::{Comparison, RowOperation, scale_row};
pub use rows::{row_dot, row_maximum, row_sum};
pub use stored::{
    Quantiser, read_accumulators, read_bf16, read_f16, read_f32, read_float_accumulators, read_i8, to_bf16,
    to_f16, write_bf16, write_f16, write_f32, write_i8,
};
pub use value::{add, canonical, maximum, minimum, multiply, subtract};
