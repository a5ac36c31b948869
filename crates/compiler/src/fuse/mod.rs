//! Which nodes become one layer.

pub(crate) mod additions;
pub(crate) mod blocks;
pub(crate) mod epilogues;
pub(crate) mod gathers;
pub(crate) mod rows;
pub(crate) mod tables;
