//! Which activations stay in NRAM between layers, what that makes of the layers' operands, and which weights stay in WRAM.

pub(crate) mod decide;
pub(crate) mod export;
pub(crate) mod hold;
pub(crate) mod operands;
pub(crate) mod residence;
