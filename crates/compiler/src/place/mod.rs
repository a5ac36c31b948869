//! What the DLP runs, what is left to the host, and DRAM.

pub(crate) mod dram;
pub(crate) mod host;
pub mod partition;
