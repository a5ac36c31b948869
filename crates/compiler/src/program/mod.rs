//! What a program is made of, from the layers of a network to the bytes that steps touch. Nothing here decides anything.

pub(crate) mod boxes;
pub mod layer;
pub(crate) mod packing;
pub(crate) mod picks;
pub mod region;
pub mod rows;
pub(crate) mod shuffle;
pub mod step;
pub(crate) mod transfer;
pub mod vector;
pub mod view;
pub mod window;
