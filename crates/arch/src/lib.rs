//! Machine descriptions.
//!
//! A [`Machine`] holds what a TOML file says about one deep learning processor: its memories, engines, rates
//! and latencies. It is data: this crate computes only a few sizes that follow from it. Every value is
//! checked when a description is read, so that the simulator, the compiler and the generated hardware may
//! rely on the ranges stated here.
//!
//! Start at [`Machine::load`].

mod error;
mod machine;
mod presets;
mod validate;

pub use error::{ArchError, Problem};
pub use machine::{
    Chip, Core, Dram, ElementType, Fraction, Host, LoadEngine, Machine, MatrixKind, MatrixUnit, RECORD_BYTES,
    VectorUnit,
};
