//! Tests of the graph crate through its public surface.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod common;
mod elementwise;
mod floats;
mod linear;
mod movement;
mod named_outputs;
mod quantised;
mod rewriting;
mod structure;
mod text;
