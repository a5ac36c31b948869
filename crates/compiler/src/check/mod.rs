//! Doubts about what was allocated, by code that did not choose it.

pub(crate) mod declared;
pub(crate) mod disjoint;
