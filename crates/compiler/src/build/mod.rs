//! From nodes to layers: where each value lies in DRAM, and what each layer computes there.

pub(crate) mod homes;
pub(crate) mod layers;
mod movement;
pub(crate) mod ports;
mod real;
mod row_pairs;
pub(crate) mod rows;
