//! Which activations stay in NRAM between layers, and what that makes of the layers' operands.

pub(crate) mod decide;
pub(crate) mod operands;
pub(crate) mod residence;
