//! Which nodes have a form in the float dialect, and which.

use ediacara_graph::ops::{
    Add, Clamp, Concat, Div, Max, Min, Mul, Pow, Reduce, ReduceKind, Reshape, Select, Slice, Softmax, Sub,
    Transpose,
};
use ediacara_graph::{Node, NodeId, Tensor, ValueId};
use ediacara_kernels::ordered::RowOperation as R;

use super::functions;
use super::rewriter::{Operand, Rewriter, Second};
use crate::Result;

/// What a node computes, in nodes of the dialect; nothing if it has no form there.
///
/// # Errors
/// The graph refuses what was built.
pub(super) fn lower(r: &mut Rewriter<'_>, id: NodeId) -> Result<Option<Operand>> {
    let node = r.graph.node(id).clone();
    let name = node.name.clone();
    if node.outputs.len() != 1 || node.inputs.is_empty() {
        return Ok(None);
    }
    if node.op_as::<Select>().is_some() {
        return selection(r, &node);
    }
    let mut operands = Vec::with_capacity(node.inputs.len());
    for &input in &node.inputs {
        let Some(operand) = r.operand(input)? else { return Ok(None) };
        operands.push(operand);
    }
    let shape = r.graph.ty(node.outputs[0]).shape.clone();
    if shape.is_empty() || r.shape(operands[0]).is_empty() || shape.contains(&0) {
        return Ok(None);
    }
    if let Some(done) = moved(r, &node, &operands)? {
        return Ok(Some(done));
    }
    match operands[..] {
        [a] => unary(r, &node, a),
        [a, b] => {
            if node.op_as::<Pow>().is_some() {
                return power(r, name, a, b);
            }
            binary(r, &node, [a, b], &shape)
        }
        _ => Ok(None),
    }
}

fn unary(r: &mut Rewriter<'_>, node: &Node, a: Operand) -> Result<Option<Operand>> {
    let name = node.name.clone();
    if let Some(softmax) = node.op_as::<Softmax>() {
        let is_last = softmax.axis + 1 == r.shape(a).len();
        return if is_last { functions::softmax(r, name, a).map(Some) } else { Ok(None) };
    }
    if let Some(reduce) = node.op_as::<Reduce>() {
        return reduction(r, node, reduce, a);
    }
    if let Some(clamp) = node.op_as::<Clamp>() {
        let [low, high] = [clamp.low, clamp.high].map(|bound| Second::Number(bound as f32));
        let above = r.pair(format!("{name}.low"), R::Maximum, a, low)?;
        return r.pair(format!("{name}.rows"), R::Minimum, above, high).map(Some);
    }
    functions::named(r, node.op.name(), name, a)
}

/// `a^b` of a constant exponent that is a small integer or half of one.
fn power(r: &mut Rewriter<'_>, name: String, a: Operand, b: Operand) -> Result<Option<Operand>> {
    let Some(exponent) = r.number(b) else { return Ok(None) };
    let square = |r: &mut Rewriter<'_>, name: String| r.pair(name, R::Multiply, a, Second::Value(a));
    Ok(Some(match exponent {
        2.0 => square(r, format!("{name}.rows"))?,
        3.0 => {
            let squared = square(r, format!("{name}.square"))?;
            r.pair(format!("{name}.rows"), R::Multiply, squared, Second::Value(a))?
        }
        0.5 => r.unary(format!("{name}.rows"), R::Root, a)?,
        -0.5 => r.unary(format!("{name}.rows"), R::ReciprocalRoot, a)?,
        -1.0 => r.unary(format!("{name}.rows"), R::Reciprocal, a)?,
        _ => return Ok(None),
    }))
}

/// A sum, mean, maximum or minimum along the last axes.
fn reduction(r: &mut Rewriter<'_>, node: &Node, reduce: &Reduce, a: Operand) -> Result<Option<Operand>> {
    let (name, shape) = (node.name.clone(), r.shape(a));
    let mut axes = reduce.axes.clone();
    axes.sort_unstable();
    let first = shape.len() - axes.len().min(shape.len());
    if axes.is_empty() || !axes.iter().copied().eq(first..shape.len()) {
        return Ok(None);
    }
    let length: usize = shape[first..].iter().product();
    let mut rows = shape[..first].to_vec();
    rows.push(length);
    let a = r.reshape(format!("{name}.merged"), a, rows)?;
    let reduced = match reduce.kind {
        ReduceKind::Sum => r.unary(format!("{name}.rows"), R::RowSum, a)?,
        ReduceKind::Mean => {
            let sum = r.unary(format!("{name}.sum"), R::RowSum, a)?;
            r.pair(format!("{name}.rows"), R::Multiply, sum, Second::Number(1.0 / length as f32))?
        }
        ReduceKind::Max => r.unary(format!("{name}.rows"), R::RowMaximum, a)?,
        ReduceKind::Min => {
            let negative = r.pair(format!("{name}.negative"), R::Multiply, a, Second::Number(-1.0))?;
            let largest = r.unary(format!("{name}.largest"), R::RowMaximum, negative)?;
            r.pair(format!("{name}.rows"), R::Multiply, largest, Second::Number(-1.0))?
        }
        ReduceKind::Product => return Ok(None),
    };
    let shape = r.graph.ty(node.outputs[0]).shape.clone();
    if shape.is_empty() {
        return Ok(None);
    }
    r.reshape(format!("{name}.shaped"), reduced, shape).map(Some)
}

/// A sum, difference, product, quotient, maximum or minimum.
fn binary(
    r: &mut Rewriter<'_>,
    node: &Node,
    [a, b]: [Operand; 2],
    shape: &[usize],
) -> Result<Option<Operand>> {
    let name = node.name.clone();
    let divides = node.op_as::<Div>().is_some();
    let operation = match () {
        () if node.op_as::<Add>().is_some() => R::Add,
        () if node.op_as::<Sub>().is_some() => R::Subtract,
        () if node.op_as::<Mul>().is_some() || divides => R::Multiply,
        () if node.op_as::<Max>().is_some() => R::Maximum,
        () if node.op_as::<Min>().is_some() => R::Minimum,
        () => return Ok(None),
    };
    let b = if divides { reciprocal(r, &name, b)? } else { second(r, b) };
    let is_whole = |r: &Rewriter<'_>, operand: Operand| r.shape(operand) == shape;
    let last = format!("{name}.rows");
    if is_whole(r, a) {
        return r.pair(last, operation, a, b).map(Some);
    }
    // The whole operand is the first: a - b is -b + a.
    let Second::Value(b) = b else { return Ok(None) };
    if !is_whole(r, b) {
        return Ok(None);
    }
    let (b, operation) = match operation {
        R::Subtract => (r.pair(format!("{name}.negative"), R::Multiply, b, Second::Number(-1.0))?, R::Add),
        other => (b, other),
    };
    let a = second(r, a);
    r.pair(last, operation, b, a).map(Some)
}

/// A choice between a value and constants by a constant condition, as in a mask: the value is held between bounds that are infinite
/// where it is chosen, and both the constant elsewhere.
fn selection(r: &mut Rewriter<'_>, node: &Node) -> Result<Option<Operand>> {
    let [condition, x, y] = node.inputs[..] else { return Ok(None) };
    let Some(condition) = r.graph.constant(condition).cloned() else { return Ok(None) };
    let (kept, constant, wanted) = match (r.graph.constant(x), r.graph.constant(y)) {
        (None, Some(constant)) => (x, constant.clone(), true),
        (Some(constant), None) => (y, constant.clone(), false),
        _ => return Ok(None),
    };
    let Some(kept) = r.operand(kept)? else { return Ok(None) };
    let shape = r.graph.ty(node.outputs[0]).shape.clone();
    let own: Vec<usize> = aligned(condition.shape(), constant.shape());
    if r.shape(kept) != shape || own.is_empty() {
        return Ok(None);
    }
    let chosen = condition.broadcast_to(&own)?.to_contiguous().to_vec::<bool>()?;
    let numbers = constant.broadcast_to(&own)?.to_contiguous().to_vec::<f32>()?;
    let mut bound = |suffix: &str, infinite: f32| -> Result<Second> {
        let of = |(&chosen, &number): (&bool, &f32)| if chosen == wanted { infinite } else { number };
        let tensor = Tensor::from_vec(&own, chosen.iter().zip(&numbers).map(of).collect())?;
        let value = r.graph.add_constant(format!("{}.{suffix}", node.name), tensor);
        Ok(Second::Value(Operand { value, reading: Default::default() }))
    };
    let (above, below) = (bound("above", f32::INFINITY)?, bound("below", f32::NEG_INFINITY)?);
    let bounded = r.pair(format!("{}.bounded", node.name), R::Minimum, kept, above)?;
    r.pair(format!("{}.rows", node.name), R::Maximum, bounded, below).map(Some)
}

/// The shape of two tensors together, whose axes are aligned at the right.
fn aligned(a: &[usize], b: &[usize]) -> Vec<usize> {
    let rank = a.len().max(b.len());
    let extent = |shape: &[usize], axis: usize| {
        (axis + shape.len()).checked_sub(rank).map_or(1, |own| shape[own])
    };
    (0..rank).map(|axis| extent(a, axis).max(extent(b, axis))).collect()
}

/// An operand as the second of an instruction.
fn second(r: &Rewriter<'_>, operand: Operand) -> Second {
    r.number(operand).map_or(Second::Value(operand), Second::Number)
}

/// The reciprocal of an operand, of a constant at once.
fn reciprocal(r: &mut Rewriter<'_>, name: &str, operand: Operand) -> Result<Second> {
    if let Some(number) = r.number(operand) {
        return Ok(Second::Number(1.0 / number));
    }
    if let Some(tensor) = r.constant(operand) {
        let inverse: Vec<f32> = tensor.to_vec::<f32>()?.into_iter().map(|number| 1.0 / number).collect();
        let tensor = Tensor::from_vec(tensor.shape(), inverse)?;
        let value = r.graph.add_constant(format!("{name}.inverse"), tensor);
        return Ok(Second::Value(Operand { value, ..operand }));
    }
    Ok(Second::Value(r.unary(format!("{name}.reciprocal"), R::Reciprocal, operand)?))
}

/// A node that only moves: the same node of what the operands are stored as.
fn moved(r: &mut Rewriter<'_>, node: &Node, operands: &[Operand]) -> Result<Option<Operand>> {
    let moves = node.op_as::<Reshape>().is_some()
        || node.op_as::<Transpose>().is_some()
        || node.op_as::<Slice>().is_some()
        || node.op_as::<Concat>().is_some();
    let &[first, ref others @ ..] = operands else { return Ok(None) };
    if !moves {
        return Ok(None);
    }
    let alike = |other: &Operand| {
        other.reading == first.reading && r.graph.ty(other.value).dtype == r.graph.ty(first.value).dtype
    };
    let name = format!("{}.rows", node.name);
    if others.iter().all(alike) {
        let values: Vec<ValueId> = operands.iter().map(|operand| operand.value).collect();
        let value = r.add(name, node.op.clone(), &values)?;
        return Ok(Some(Operand { value, ..first }));
    }
    let mut values = Vec::with_capacity(operands.len());
    for (index, &operand) in operands.iter().enumerate() {
        values.push(r.real(format!("{}.real.{index}", node.name), operand)?);
    }
    let value = r.add(name, node.op.clone(), &values)?;
    Ok(Some(Operand { value, reading: Default::default() }))
}
