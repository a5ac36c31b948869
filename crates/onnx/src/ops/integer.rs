//! Products of integers, and quantisation with scales that are computed from the data (dynamic int8).
//!
//! A network with dynamic scales computes in real numbers but for the storage of its activations. Where a
//! DynamicQuantizeLinear is read by products alone, its result is imported as the real values, of scale 1.
//! So the weights stay as given, and the activations' scales become the optimiser's business, as in a network
//! of real numbers. [`passed_on`] says where that is so.

use std::collections::{HashMap, HashSet};

use ediacara_graph::ValueId;
use ediacara_graph::ops::ReduceKind;
use ediacara_tensor::DType;

use super::quantise::dequantised;
use super::{Table, apply, one};
use crate::context::Context;
use crate::error::{NodeError, NodeResult};
use crate::head::Head;
use crate::node::Node;

/// The operators that ONNX itself has.
pub(super) const TABLE: Table = &[
    ("DynamicQuantizeLinear", dynamic_quantize),
    ("MatMulInteger", |context, node| one(product(context, node, &MATMUL)?)),
    ("ConvInteger", |context, node| one(product(context, node, &CONV)?)),
];

/// The operators of onnxruntime.
pub(super) const MICROSOFT: Table = &[
    ("DynamicQuantizeMatMul", |context, node| {
        let (x, scale) = (node.input(0)?, node.input(2)?);
        let weight = dequantised(context, node.input(1)?, scale, node.optional(3), 1)?;
        one(with_bias(context, [x, weight], node.optional(4))?)
    }),
    ("MatMulIntegerToFloat", |context, node| {
        let (scale, zero) = (node.input(2)?, node.optional(4));
        let x = match node.input(0)? {
            real if context.dtype(real).is_float() => real,
            stored => dequantised(context, stored, scale, zero, 0)?,
        };
        let weight = dequantised(context, node.input(1)?, node.input(3)?, node.optional(5), 1)?;
        one(with_bias(context, [x, weight], node.optional(6))?)
    }),
];

fn with_bias(
    context: &mut Context<'_>,
    [x, weight]: [ValueId; 2],
    bias: Option<ValueId>,
) -> NodeResult<ValueId> {
    let product = context.matmul(x, weight)?;
    bias.map_or(Ok(product), |bias| context.binary("add", product, bias))
}

/// Names that DynamicQuantizeLinear nodes give integers that may stay real numbers.
///
/// They are read only as the data of products that take the zero point from the same node, and the scale only
/// multiplies. `outputs` are those of the graph.
pub(crate) fn passed_on<'a>(nodes: &'a [impl Head], outputs: &[&str]) -> HashSet<&'a str> {
    let dynamic = || nodes.iter().filter(|node| node.operator()[1] == "DynamicQuantizeLinear");
    let mut sources: HashMap<&str, (usize, usize)> = HashMap::new();
    for (source, node) in dynamic().enumerate() {
        sources.extend(node.outputs().enumerate().map(|(index, name)| (name, (source, index))));
    }
    if sources.is_empty() {
        return HashSet::new();
    }
    let mut refused: HashSet<usize> =
        outputs.iter().filter_map(|name| sources.get(name)).map(|&(source, _)| source).collect();
    for reader in nodes {
        let inputs: Vec<Option<&(usize, usize)>> = reader.inputs().map(|name| sources.get(name)).collect();
        // Where the data, their scale and their zero point are read.
        let places = match reader.operator()[1] {
            "MatMulInteger" | "ConvInteger" => [Some(0), None, Some(2)],
            "MatMulIntegerToFloat" => [Some(0), Some(2), Some(4)],
            "Mul" => [None; 3],
            _ => {
                reader.each_read(&mut |name| refused.extend(sources.get(name).map(|&(source, _)| source)));
                continue;
            }
        };
        let data = inputs.first().copied().flatten().filter(|&&(_, output)| output == 0);
        for (place, &&(source, output)) in
            inputs.iter().enumerate().filter_map(|(place, input)| Some((place, input.as_ref()?)))
        {
            let scales = output == 1 && reader.operator()[1] == "Mul";
            let own = places[output.min(2)] == Some(place) && data.is_some_and(|&(other, _)| other == source);
            if !scales && !own {
                refused.insert(source);
            }
        }
    }
    let passed = dynamic().enumerate().filter(|(source, _)| !refused.contains(source));
    passed.filter_map(|(_, node)| node.outputs().next()).collect()
}

/// The results: integers, their scale and their zero point.
fn dynamic_quantize(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    if context.pass_on(node.proto.output.first().map_or("", String::as_str)) {
        let (scale, zero) = (context.scalar_like(x, 1.0)?, context.scalar(DType::U8, 0.0)?);
        return Ok(vec![x, scale, zero]);
    }
    let axes: Vec<usize> = (0..context.shape(x).len()).collect();
    let high = context.reduce(x, ReduceKind::Max, &axes, false)?;
    let low = context.reduce(x, ReduceKind::Min, &axes, false)?;
    let (high, low) = (context.binary_scalar("max", high, 0.0)?, context.binary_scalar("min", low, 0.0)?);
    let width = context.binary("sub", high, low)?;
    let scale = context.binary_scalar("div", width, 255.0)?;
    let below = context.unary("neg", low)?;
    let steps = context.binary("div", below, scale)?;
    let rounded = context.unary("round", steps)?;
    let zero = context.clamp(rounded, 0.0, 255.0)?;
    let scaled = context.binary("div", x, scale)?;
    let rounded = context.unary("round", scaled)?;
    let moved = context.binary("add", rounded, zero)?;
    let kept = context.clamp(moved, 0.0, 255.0)?;
    Ok(vec![context.cast(kept, DType::U8)?, scale, context.cast(zero, DType::U8)?])
}

/// A product of integers as one of real numbers.
struct Product {
    /// The operator on real numbers.
    op: &'static str,
    /// The axes along which several zero points of data and weights run, from the end.
    zero_axes: [usize; 2],
}

const MATMUL: Product = Product { op: "MatMul", zero_axes: [2, 1] };
const CONV: Product = Product { op: "Conv", zero_axes: [usize::MAX, usize::MAX] };

/// The largest magnitude of an integer that f32 holds with all before it.
const EXACT: usize = 1 << 24;

/// A product of integers less their zero points.
fn product(context: &mut Context<'_>, node: &Node<'_>, product: &Product) -> NodeResult<ValueId> {
    let (x, weight) = (node.input(0)?, node.input(1)?);
    let [rows, columns] = product.zero_axes;
    let rank = context.shape(weight).len();
    if context.dtype(x).is_float() {
        let scale = context.scalar(DType::F32, 1.0)?;
        let axis = rank.saturating_sub(columns);
        let weight = dequantised(context, weight, scale, node.optional(3), axis)?;
        return apply(context, node, product.op, vec![Some(x), Some(weight)]);
    }
    let x = centred(context, x, node.optional(2), rows)?;
    let weight = centred(context, weight, node.optional(3), columns)?;
    if product.op == "MatMul" {
        return context.matmul(x, weight);
    }
    // The core convolves real numbers: differences of 8 bits, products of twice 8.
    let terms: usize = context.shape(weight).iter().skip(1).product();
    if terms.saturating_mul(255 * 255) > EXACT {
        return Err(NodeError::new(format!(
            "adds {terms} products of integers, more than f32 holds exactly; quantise the network statically, or \
             leave the quantisation to Ediacara"
        )));
    }
    let (x, weight) = (context.cast(x, DType::F32)?, context.cast(weight, DType::F32)?);
    let sums = apply(context, node, product.op, vec![Some(x), Some(weight)])?;
    context.cast(sums, DType::I32)
}

/// Integers less their zero points, which are one or run along an axis, counted from the end.
fn centred(context: &mut Context<'_>, x: ValueId, zero: Option<ValueId>, axis: usize) -> NodeResult<ValueId> {
    let wide = context.cast(x, DType::I32)?;
    let Some(zero) = zero else { return Ok(wide) };
    let zero = context.cast(zero, DType::I32)?;
    let shape = context.shape(zero).to_vec();
    let zero = match *shape.as_slice() {
        [] | [1] => context.reshape(zero, &[])?,
        [count] => {
            let rank = context.shape(x).len();
            let mut aligned = vec![1; rank];
            if let Some(extent) = aligned.get_mut(rank.saturating_sub(axis)) {
                *extent = count;
            }
            context.reshape(zero, &aligned)?
        }
        _ => zero,
    };
    context.binary("sub", wide, zero)
}
