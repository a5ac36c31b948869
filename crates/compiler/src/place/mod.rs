//! What the DLP runs, what is left to the host, in which order, and DRAM.

pub(crate) mod bindings;
pub(crate) mod borders;
pub(crate) mod dram;
pub(crate) mod host;
pub(crate) mod pack;
pub(crate) mod partition;
pub(crate) mod segments;
