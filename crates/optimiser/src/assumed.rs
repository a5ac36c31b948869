//! Ranges that nothing measured.
//!
//! They are enough for a program's structure, and so for its cycles.

use std::collections::HashSet;

use ediacara_graph::ops::{Clamp, Conv, ConvTranspose, Gemm};
use ediacara_graph::{DType, Graph, Node, ValueId};

use crate::Range;

/// Operators whose result is never negative.
const NEVER_NEGATIVE: [&str; 7] = ["abs", "exp", "relu", "sigmoid", "softmax", "softplus", "sqrt"];

/// Operators whose result is not negative if no real operand is.
const KEEP_SIGN: [&str; 12] = [
    "add",
    "broadcast",
    "concat",
    "gather",
    "max",
    "min",
    "mul",
    "pad",
    "pool",
    "reshape",
    "resize",
    "transpose",
];

/// A range for every f32 value that is not constant, by name: from 0 to 1 for rectified values, from -1 to 1
/// for others.
pub(crate) fn ranges(graph: &Graph) -> Vec<(String, Range)> {
    let mut rectified = HashSet::new();
    for id in graph.order() {
        let node = graph.node(id);
        if is_rectified(graph, node, &rectified) {
            rectified.extend(node.outputs.iter().copied());
        }
    }
    let computed = graph.order().into_iter().flat_map(|node| graph.outputs_of(node).to_vec());
    let values = graph.inputs().iter().copied().chain(computed);
    let range = |value: ValueId| {
        let low = if rectified.contains(&value) { 0.0 } else { -1.0 };
        (graph.value(value).name.clone(), Range { low, high: 1.0 })
    };
    values.filter(|&value| graph.ty(value).dtype == DType::F32).map(range).collect()
}

fn is_rectified(graph: &Graph, node: &Node, rectified: &HashSet<ValueId>) -> bool {
    let activation = node
        .op_as::<Conv>()
        .map(|conv| conv.activation)
        .or_else(|| node.op_as::<Gemm>().map(|gemm| gemm.activation))
        .or_else(|| node.op_as::<ConvTranspose>().map(|conv| conv.activation));
    if let Some(activation) = activation {
        return activation.bounds().0 >= 0.0;
    }
    if let Some(clamp) = node.op_as::<Clamp>() {
        return clamp.low >= 0.0;
    }
    let of_rectified = || {
        let mut real = node.inputs.iter().filter(|&&input| graph.ty(input).dtype == DType::F32);
        real.all(|input| rectified.contains(input))
    };
    let name = node.op.name();
    NEVER_NEGATIVE.contains(&name) || (KEEP_SIGN.contains(&name) && of_rectified())
}
