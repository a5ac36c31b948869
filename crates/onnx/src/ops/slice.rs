//! Operators that cut out and put together: Slice, Split, Concat.

use ediacara_graph::ValueId;

use super::{Table, one};
use crate::context::Context;
use crate::error::{NodeError, NodeResult};
use crate::node::{Node, axes, axis, sizes};

pub(super) const TABLE: Table = &[("Slice", slice), ("Split", split), ("Concat", concat)];

/// Starts, ends, axes and steps were attributes before opset 10 (and steps did not exist).
fn slice(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let shape = context.shape(x).to_vec();
    let attribute = |name: &str| node.ints(name).map(|values| values.map(<[i64]>::to_vec));
    let (starts, ends, given, steps) = if context.opset < 10 {
        let missing = || NodeError::new("has no starts or no ends; the file is damaged");
        let (starts, ends) = (attribute("starts")?, attribute("ends")?);
        (starts.ok_or_else(missing)?, ends.ok_or_else(missing)?, attribute("axes")?, None)
    } else {
        (
            context.required_ints(node, 1)?,
            context.required_ints(node, 2)?,
            context.constant_ints(node, 3)?,
            context.constant_ints(node, 4)?,
        )
    };
    let given = given.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = steps.unwrap_or_else(|| vec![1; starts.len()]);
    if ends.len() != starts.len() || given.len() != starts.len() || steps.len() != starts.len() {
        return Err(NodeError::new(format!(
            "has {} starts, {} ends, {} axes and {} steps; their numbers have to agree",
            starts.len(),
            ends.len(),
            given.len(),
            steps.len()
        )));
    }
    let (mut all_starts, mut all_steps) = (vec![0i64; shape.len()], vec![1i64; shape.len()]);
    let mut all_ends: Vec<i64> = shape.iter().map(|&size| size as i64).collect();
    for (index, axis) in axes(&given, shape.len())?.into_iter().enumerate() {
        let (size, step) = (shape[axis] as i64, steps[index]);
        if step == 0 {
            return Err(NodeError::new(format!("steps by 0 along axis {axis}")));
        }
        let from_end = |value: i64| if value < 0 { value.saturating_add(size) } else { value };
        let (start, end) = (from_end(starts[index]), from_end(ends[index]));
        (all_starts[axis], all_ends[axis]) = if step > 0 {
            let start = start.clamp(0, size);
            (start, end.clamp(start, size))
        } else {
            // A slice that goes backwards may end one before the first element.
            let start = start.clamp(-1, size - 1);
            (start, end.clamp(-1, start))
        };
        all_steps[axis] = step;
    }
    one(context.slice(x, &all_starts, &all_ends, &all_steps)?)
}

/// Sizes were an attribute before opset 13; without sizes the parts are equal, and the last may be smaller.
fn split(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let x = node.input(0)?;
    let shape = context.shape(x).to_vec();
    let axis = axis(node.int_or("axis", 0)?, shape.len())?;
    let given = if context.opset < 13 {
        node.ints("split")?.map(<[i64]>::to_vec)
    } else {
        context.constant_ints(node, 1)?
    };
    let parts = match given {
        Some(given) => sizes(&given, "split")?,
        None => {
            let count = node.int("num_outputs")?.and_then(|count| usize::try_from(count).ok());
            let count = count.unwrap_or(node.proto.output.len());
            if count == 0 || count > node.proto.output.len() {
                return Err(NodeError::new(format!(
                    "splits into {count} parts, but has {} outputs",
                    node.proto.output.len()
                )));
            }
            let part = shape[axis].div_ceil(count);
            (0..count).map(|index| part.min(shape[axis].saturating_sub(index * part))).collect()
        }
    };
    if parts.iter().try_fold(0usize, |sum, &part| sum.checked_add(part)) != Some(shape[axis]) {
        return Err(NodeError::new(format!("splits {} elements of axis {axis} into {parts:?}", shape[axis])));
    }
    let mut results = Vec::new();
    let mut start = 0;
    for part in parts.into_iter().take(node.proto.output.len()) {
        results.push(context.slice_axis(x, axis, start, start + part)?);
        start += part;
    }
    Ok(results)
}

fn concat(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let values = node.all_inputs()?;
    let rank = context.shape(values[0]).len();
    let axis = axis(node.int_or("axis", 1)?, rank)?;
    if let [only] = values[..] {
        return one(only);
    }
    one(context.concat(&values, axis)?)
}
