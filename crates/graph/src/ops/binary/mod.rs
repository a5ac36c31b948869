//! Elementwise operators of two operands with NumPy broadcasting, one file each.

mod add;

pub use add::Add;

pub(crate) const DESCRIPTIONS: &[crate::OpDescription] = &[add::DESCRIPTION];
