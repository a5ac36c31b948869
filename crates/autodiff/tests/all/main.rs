//! Tests of differentiation through its public surface.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod cases;
mod checkpoints;
mod common;
mod custom;
mod figures;
mod pass;
mod rules;
