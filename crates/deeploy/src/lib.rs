//! The operators of Deeploy's graphs, added from outside through what is public: [`operators`] imports them,
//! [`register`] lets a registry read them from text.
//!
//! Deeploy (ETH Zurich and University of Bologna, <https://github.com/pulp-platform/Deeploy>, Apache-2.0) compiles
//! networks for small processors. Its graphs hold integers in tensors of f32, with operators of their own in the
//! domain of ONNX, or training steps with their gradients. The formulas here are those of its C reference
//! (TargetLibraries/Generic), in our words.
//!
//! What f32 computes exactly enough is composed of core operators: `float.rs` and `training.rs`. What has to be
//! computed in integers is an [`Op`](ediacara_graph::Op) with a kernel: `integer/`. Results of 8 bits are marked with
//! quantize_linear and dequantize_linear of step 1, from which the optimiser takes their int8 form. Softmaxes, norms and
//! means build themselves of float instructions (`row_form`), with the bits of their kernels.
//!
//! This crate is also the example of how an operator is added from outside: see docs/import.md. Start reading at
//! `integer/activation.rs`.

mod float;
mod integer;
mod stored;
mod support;
mod training;

use ediacara_graph::{OpError, Registry};
use ediacara_onnx::Operators;

/// The importers of Deeploy's operators.
///
/// Those that share their name with an operator of ONNX take Deeploy's form of it, and leave the others to
/// Ediacara.
pub fn operators() -> Operators {
    let mut operators = Operators::new();
    for (op, handler) in integer::IMPORTED.iter().chain(float::IMPORTED) {
        operators.add("", op, *handler);
    }
    for (domain, op, handler) in training::IMPORTED {
        operators.add(domain, op, *handler);
    }
    operators
}

/// Adds Deeploy's operators to a registry, so that it reads them from a graph's text.
///
/// # Errors
/// A name is taken.
pub fn register(registry: &mut Registry) -> Result<(), OpError> {
    integer::DESCRIPTIONS.iter().try_for_each(|description| registry.register(*description))
}
