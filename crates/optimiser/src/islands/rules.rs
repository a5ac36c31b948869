//! Which nodes have a form in the float dialect, and which.

use ediacara_graph::ops::{
    Add, Broadcast, Clamp, Concat, Div, Gather, LogSoftmax, Lrn, Max, Min, Mul, Pool, Pow, Reduce, Reshape,
    Select, Slice, Softmax, Sub, Transpose,
};
use ediacara_graph::{DType, Node, NodeId, Tensor, ValueId};
use ediacara_kernels::ordered::RowOperation as R;

use super::rewriter::{Operand, Rewriter, Second};
use super::{functions, reductions};
use crate::Result;

/// Copies of a value that are joined: each is a transfer of its own.
const MOST_COPIES: usize = 64;

/// Elements of a constant that is repeated, at most.
const MOST_REPEATED: usize = 1 << 20;

/// What a node computes, in nodes of the dialect; nothing if it has no form there.
///
/// # Errors
/// The graph refuses what was built.
pub(crate) fn lower(r: &mut Rewriter<'_>, id: NodeId) -> Result<Option<Operand>> {
    let node = r.graph.node(id).clone();
    let name = node.name.clone();
    if node.outputs.len() != 1 || node.inputs.is_empty() {
        return Ok(None);
    }
    if node.op_as::<Select>().is_some() {
        return selection(r, &node);
    }
    if let Some(gather) = node.op_as::<Gather>() {
        return picked(r, &node, gather.axis);
    }
    let mut operands = Vec::with_capacity(node.inputs.len());
    for &input in &node.inputs {
        let Some(operand) = r.operand(input)? else { return Ok(None) };
        operands.push(operand);
    }
    let shape = r.graph.ty(node.outputs[0]).shape.clone();
    if shape.is_empty() || shape.contains(&0) || operands.len() == 1 && r.shape(operands[0]).is_empty() {
        return Ok(None);
    }
    if let Some(broadcast) = node.op_as::<Broadcast>() {
        return repeated(r, name, operands[0], &broadcast.shape);
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

pub(crate) fn unary(r: &mut Rewriter<'_>, node: &Node, a: Operand) -> Result<Option<Operand>> {
    let name = node.name.clone();
    if let Some(softmax) = node.op_as::<Softmax>() {
        return reductions::softmax(r, name, a, softmax.axis).map(Some);
    }
    if let Some(lrn) = node.op_as::<Lrn>().filter(|lrn| lrn.size > 0) {
        return reductions::local_response(r, name, a, lrn).map(Some);
    }
    if let Some(softmax) = node.op_as::<LogSoftmax>() {
        return reductions::log_softmax(r, name, a, softmax.axis).map(Some);
    }
    if let Some(reduce) = node.op_as::<Reduce>() {
        let shape = r.graph.ty(node.outputs[0]).shape.clone();
        return reductions::reduction(r, name, (reduce.kind, &reduce.axes), a, shape);
    }
    if let Some(pool) = node.op_as::<Pool>() {
        let shape = r.graph.ty(node.outputs[0]).shape.clone();
        let Some((kind, axes)) = reductions::whole_axes(pool, &r.shape(a)) else { return Ok(None) };
        return reductions::reduction(r, name, (kind, &axes), a, shape);
    }
    if let Some(clamp) = node.op_as::<Clamp>() {
        let [low, high] = [clamp.low, clamp.high].map(|bound| Second::Number(bound as f32));
        let above = r.pair(format!("{name}.low"), R::Maximum, a, low)?;
        return r.pair(format!("{name}.rows"), R::Minimum, above, high).map(Some);
    }
    functions::named(r, node.op.name(), name, a)
}

/// `a^b` of a constant exponent that is a small integer or half of one.
pub(crate) fn power(r: &mut Rewriter<'_>, name: String, a: Operand, b: Operand) -> Result<Option<Operand>> {
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

/// A sum, difference, product, quotient, maximum or minimum.
pub(crate) fn binary(
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
    let Second::Value(b) = b else { return Ok(None) };
    let b = if is_whole(r, b) { b } else { broadcast_constant(r, &name, b, shape)? };
    if !is_whole(r, b) {
        return Ok(None);
    }
    // The whole operand is the first: a - b is -b + a.
    let (b, operation) = match operation {
        R::Subtract => (r.pair(format!("{name}.negative"), R::Multiply, b, Second::Number(-1.0))?, R::Add),
        other => (b, other),
    };
    let a = second(r, a);
    r.pair(last, operation, b, a).map(Some)
}

/// A constant repeated to a larger shape; another value as it is.
fn broadcast_constant(
    r: &mut Rewriter<'_>,
    name: &str,
    operand: Operand,
    shape: &[usize],
) -> Result<Operand> {
    let Some(tensor) = r.constant(operand).filter(|_| shape.iter().product::<usize>() <= MOST_REPEATED)
    else {
        return Ok(operand);
    };
    let whole = tensor.broadcast_to(shape)?.to_contiguous();
    let value = r.graph.add_constant(format!("{name}.repeated"), whole);
    Ok(Operand { value, ..operand })
}

/// A choice between a value and constants by a constant condition, as in a mask: the value is held between bounds that are infinite
/// where it is chosen, and both the constant elsewhere.
fn selection(r: &mut Rewriter<'_>, node: &Node) -> Result<Option<Operand>> {
    let [condition, x, y] = node.inputs[..] else { return Ok(None) };
    if let Some(number) = without_nan(r, node) {
        return r.operand(number);
    }
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
    let above = bound("above", f32::INFINITY)?;
    let below = bound("below", f32::NEG_INFINITY)?;
    // No number is less than the least, so that it needs no bound from below.
    let is_least =
        chosen.iter().zip(&numbers).all(|(&chosen, &number)| chosen == wanted || number <= f32::MIN);
    if is_least {
        return r.pair(format!("{}.rows", node.name), R::Minimum, kept, above).map(Some);
    }
    let bounded = r.pair(format!("{}.bounded", node.name), R::Minimum, kept, above)?;
    r.pair(format!("{}.rows", node.name), R::Maximum, bounded, below).map(Some)
}

/// The value that a node gives but for 0 where it is no number, if all that reads the result stores it in int8: there a NaN is
/// 0 (N-FLOAT-WRITE).
fn without_nan(r: &Rewriter<'_>, node: &Node) -> Option<ValueId> {
    let [condition, x, y] = node.inputs[..] else { return None };
    let made_by = |value: ValueId| r.graph.producer(value).map(|node| r.graph.node(node));
    let is_zero = |value: ValueId| {
        let numbers = r.graph.constant(value).and_then(|tensor| tensor.cast(DType::F32).to_vec::<f32>().ok());
        numbers.is_some_and(|numbers| numbers.iter().all(|&number| number == 0.0))
    };
    let inverted = made_by(condition).filter(|node| node.op.name() == "not")?;
    let compared = made_by(inverted.inputs[0]).filter(|node| node.op.name() == "equal")?;
    let is_nan = compared.inputs[..] == [y, y] && is_zero(x);
    let alike = r.graph.ty(y) == r.graph.ty(node.outputs[0]);
    // Before a network is quantised, what multiplies stands for what stores.
    let is_real = !r.graph.nodes().any(|id| r.graph.node(id).op.name() == "quantize_linear");
    let stores = |reader: NodeId| match r.graph.node(reader).op.name() {
        "quantize_linear" => true,
        "matmul" | "gemm" => is_real,
        _ => false,
    };
    let all_store = r.graph.consumers(node.outputs[0]).into_iter().all(stores);
    (is_nan && alike && all_store && !r.graph.is_output(node.outputs[0])).then_some(y)
}

/// The shape of two tensors together, whose axes are aligned at the right.
fn aligned(a: &[usize], b: &[usize]) -> Vec<usize> {
    let rank = a.len().max(b.len());
    let extent =
        |shape: &[usize], axis: usize| (axis + shape.len()).checked_sub(rank).map_or(1, |own| shape[own]);
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

/// A value repeated along axes of one: joined with itself.
fn repeated(r: &mut Rewriter<'_>, name: String, a: Operand, shape: &[usize]) -> Result<Option<Operand>> {
    let missing = shape.len().saturating_sub(r.shape(a).len());
    let own: Vec<usize> = std::iter::repeat_n(1, missing).chain(r.shape(a)).collect();
    let mut result = r.reshape(format!("{name}.axes"), a, own.clone())?;
    for (axis, (&from, &to)) in own.iter().zip(shape).enumerate() {
        if from == to {
            continue;
        }
        if from != 1 || to > MOST_COPIES {
            return Ok(None);
        }
        let value = r.moved(format!("{name}.rows.{axis}"), Concat { axis }, &vec![result.value; to])?;
        result = Operand { value, ..result };
    }
    Ok(Some(result))
}

/// A gather by constant indices that follow one another: a slice.
fn picked(r: &mut Rewriter<'_>, node: &Node, axis: usize) -> Result<Option<Operand>> {
    let [x, indices] = node.inputs[..] else { return Ok(None) };
    let Some(indices) = r.graph.constant(indices).filter(|indices| !indices.is_empty()) else {
        return Ok(None);
    };
    let indices = indices.cast(DType::I64).to_vec::<i64>()?;
    let Some(a) = r.operand(x)? else { return Ok(None) };
    let (shape, result) = (r.shape(a), r.graph.ty(node.outputs[0]).shape.clone());
    let Some(&extent) = shape.get(axis).filter(|_| !result.is_empty()) else { return Ok(None) };
    let first = if indices[0] < 0 { indices[0] + extent as i64 } else { indices[0] };
    let follow = |(index, &one): (usize, &i64)| {
        (if one < 0 { one + extent as i64 } else { one }) == first + index as i64
    };
    if !indices.iter().enumerate().all(follow) {
        return Ok(None);
    }
    let mut slice = Slice::all(&shape);
    (slice.starts[axis], slice.ends[axis]) = (first, first + indices.len() as i64);
    let value = r.moved(format!("{}.slice", node.name), slice, &[a.value])?;
    r.reshape(format!("{}.rows", node.name), Operand { value, ..a }, result).map(Some)
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
        let value = r.moved(name, node.op.clone(), &values)?;
        return Ok(Some(Operand { value, ..first }));
    }
    let mut values = Vec::with_capacity(operands.len());
    for (index, &operand) in operands.iter().enumerate() {
        values.push(r.real(format!("{}.real.{index}", node.name), operand)?);
    }
    let value = r.moved(name, node.op.clone(), &values)?;
    Ok(Some(Operand { value, reading: Default::default() }))
}
