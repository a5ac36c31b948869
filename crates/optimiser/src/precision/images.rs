//! What moves images, or reduces them along axes of their own: with channels last these have other numbers.

use ediacara_graph::ops::{
    Concat, FRow, Gather, LogSoftmax, Pad, PadMode, Reduce, Reshape, Resize, ResizeMode, Slice, Softmax,
    Transpose,
};
use ediacara_graph::{IntoOp, Node, ValueId};
use ediacara_kernels::ordered::RowOperation;

use super::forms::{CHANNELS_LAST, Form, Forms, Lowered};
use crate::Result;
use crate::interpolation::corners;
use crate::islands::reductions;
use crate::islands::rewriter::Operand;

/// The axes of images with channels last, in the order of images.
const FROM_CHANNELS_LAST: [usize; 4] = [0, 3, 1, 2];

/// What such a node becomes where its operand lies with channels last, and pads and resizes that move bytes alone; nothing for others.
///
/// # Errors
/// The graph refuses what was built.
pub(super) fn lower(forms: &mut Forms, node: &Node) -> Result<Option<Lowered>> {
    let x = node.inputs[0];
    let lies_so = node.inputs.iter().any(|&input| forms.is_last(input));
    if let Some(transpose) = node.op_as::<Transpose>().filter(|_| lies_so) {
        // Axis k of the result is axis `permutation[k]` of the image.
        let place = |axis: &usize| CHANNELS_LAST.iter().position(|own| own == axis);
        let Some(permutation) = transpose.permutation.iter().map(place).collect::<Option<Vec<usize>>>()
        else {
            return Ok(None);
        };
        return given(forms, node, x, permutation).map(Some);
    }
    if node.op_as::<Transpose>().is_some_and(|op| op.permutation == FROM_CHANNELS_LAST) {
        // What had its channels last has them last again.
        let Some(given) = forms.given(x)? else { return Ok(None) };
        return forms.typed_operand(given).map(|image| Some(Ok(Form::Last(image))));
    }
    if let Some(concat) = node.op_as::<Concat>().filter(|_| lies_so) {
        return joined(forms, node, concat.axis).map(Some);
    }
    if let Some(slice) = node.op_as::<Slice>().filter(|_| lies_so) {
        let op = Slice { starts: last(&slice.starts), ends: last(&slice.ends), steps: last(&slice.steps) };
        return image(forms, node, op).map(Some);
    }
    if let Some(gather) = node.op_as::<Gather>() {
        return gathered(forms, node, gather.axis, lies_so).map(Some);
    }
    if let Some(pad) = node.op_as::<Pad>() {
        let fills = pad.mode == PadMode::Constant && pad.value != 0.0;
        if fills || node.inputs.len() != 1 {
            return Ok(Some(Err("it pads with something else than zeros or its own elements".to_owned())));
        }
        if forms.shape(x).len() == 4 {
            return image(
                forms,
                node,
                Pad { before: last(&pad.before), after: last(&pad.after), ..pad.clone() },
            )
            .map(Some);
        }
        return moved(forms, node).map(Some);
    }
    if let Some(resize) = node.op_as::<Resize>() {
        if resize.mode == ResizeMode::Linear {
            return interpolated(forms, node, resize).map(Some);
        }
        if resize.mode != ResizeMode::Nearest {
            return Ok(Some(Err(format!("resize by {} interpolation", resize.mode))));
        }
        if forms.shape(x).len() == 4 {
            let op = Resize { shape: last(&resize.shape), scales: last(&resize.scales), ..resize.clone() };
            return image(forms, node, op).map(Some);
        }
        return moved(forms, node).map(Some);
    }
    if lies_so { reduced(forms, node) } else { Ok(None) }
}

/// Numbers of each axis in the order of an image with channels last.
fn last<T: Copy>(numbers: &[T]) -> Vec<T> {
    CHANNELS_LAST.iter().filter_map(|&axis| numbers.get(axis).copied()).collect()
}

/// A softmax, or a reduction that keeps its axes.
fn reduced(forms: &mut Forms, node: &Node) -> Result<Option<Lowered>> {
    let Some(x) = forms.image(node.inputs[0])? else { return Ok(None) };
    let a = Operand { value: x, reading: Default::default() };
    let place = |axis: usize| CHANNELS_LAST.iter().position(|&own| own == axis).unwrap_or(axis);
    let name = node.name.clone();
    let result = if let Some(softmax) = node.op_as::<Softmax>() {
        reductions::softmax(&mut forms.r, name, a, place(softmax.axis)).map(Some)?
    } else if let Some(softmax) = node.op_as::<LogSoftmax>() {
        reductions::log_softmax(&mut forms.r, name, a, place(softmax.axis)).map(Some)?
    } else if let Some(reduce) = node.op_as::<Reduce>() {
        let shape = forms.shape(node.outputs[0]);
        if shape.len() != 4 {
            return Ok(None);
        }
        let axes: Vec<usize> = reduce.axes.iter().map(|&axis| place(axis)).collect();
        reductions::reduction(&mut forms.r, name, (reduce.kind, &axes), a, last(&shape))?
    } else {
        return Ok(None);
    };
    Ok(result.map(|operand| Ok(Form::Last(operand.value))))
}

fn given(forms: &mut Forms, node: &Node, x: ValueId, permutation: Vec<usize>) -> Result<Lowered> {
    let Some(x) = forms.image(x)? else { return Ok(Err("its operand is no real image".to_owned())) };
    let shape = forms.shape(node.outputs[0]);
    let name = format!("{}.given", node.name);
    let value = match permutation.is_sorted() {
        true => forms.r.moved(name, Reshape { shape }, &[x])?,
        false => forms.r.moved(name, Transpose { permutation }, &[x])?,
    };
    Ok(Ok(Form::Given(Operand { value, reading: Default::default() })))
}

fn image(forms: &mut Forms, node: &Node, op: impl IntoOp) -> Result<Lowered> {
    let Some(x) = forms.image(node.inputs[0])? else {
        return Ok(Err("its operand is no real image".to_owned()));
    };
    let value = forms.r.moved(format!("{}.image", node.name), op, &[x])?;
    Ok(Ok(Form::Last(value)))
}

/// A resize by linear interpolation: the corners around each element, times their weights, summed in their order.
fn interpolated(forms: &mut Forms, node: &Node, resize: &Resize) -> Result<Lowered> {
    let shape = forms.shape(node.inputs[0]);
    let Some(x) = forms.image(node.inputs[0])? else {
        return Ok(Err("its operand is no real image".to_owned()));
    };
    let (name, mut sum) = (&node.name, None);
    for (number, corner) in corners(resize, &shape, &CHANNELS_LAST)?.into_iter().enumerate() {
        let mut value = x;
        for (axis, indices) in corner.gathers {
            let step = format!("{name}.neighbours.{number}.{axis}");
            let indices = forms.constant(format!("{name}.indices.{number}.{axis}"), indices);
            value = forms.r.moved(step, Gather { axis }, &[value, indices])?;
        }
        let weights = forms.constant(format!("{name}.weights.{number}"), corner.weights);
        let multiply = FRow::new(RowOperation::Multiply);
        let part = forms.r.add(format!("{name}.weighted.{number}"), multiply, &[value, weights])?;
        sum = Some(match sum {
            None => part,
            Some(sum) => {
                forms.r.add(format!("{name}.sum.{number}"), FRow::new(RowOperation::Add), &[sum, part])?
            }
        });
    }
    Ok(Ok(Form::Last(sum.unwrap_or(x))))
}

/// Elements that constant indices pick.
fn gathered(forms: &mut Forms, node: &Node, axis: usize, lies_so: bool) -> Result<Lowered> {
    let (x, indices) = (node.inputs[0], node.inputs[1]);
    let rank = forms.shape(indices).len();
    if forms.r.graph.constant(indices).is_none() || rank > 1 {
        return Ok(Err("its indices are computed, or no list of numbers".to_owned()));
    }
    // A gather by a scalar drops an axis, and makes no image.
    let (image, name) = (lies_so && rank == 1, node.name.clone());
    let x = match image {
        true => forms.image(x)?.map(|value| Operand { value, reading: Default::default() }),
        false => forms.given(x)?,
    };
    let Some(x) = x else { return Ok(Err("its operand is not real".to_owned())) };
    let place = CHANNELS_LAST.iter().position(|own| *own == axis).filter(|_| image).unwrap_or(axis);
    let value = forms.r.moved(format!("{name}.moved"), Gather { axis: place }, &[x.value, indices])?;
    Ok(Ok(if image { Form::Last(value) } else { Form::Given(Operand { value, ..x }) }))
}

fn moved(forms: &mut Forms, node: &Node) -> Result<Lowered> {
    let Some(x) = forms.given(node.inputs[0])? else { return Ok(Err("its operand is not real".to_owned())) };
    let value = forms.r.moved(format!("{}.moved", node.name), node.op.clone(), &[x.value])?;
    Ok(Ok(Form::Given(Operand { value, ..x })))
}

/// A concatenation of images.
fn joined(forms: &mut Forms, node: &Node, axis: usize) -> Result<Lowered> {
    let mut parts = Vec::with_capacity(node.inputs.len());
    for &input in &node.inputs {
        let Some(part) = forms.image(input)? else {
            return Ok(Err("one of its operands is no real image".to_owned()));
        };
        parts.push(part);
    }
    let axis = CHANNELS_LAST.iter().position(|&own| own == axis).unwrap_or(axis);
    let value = forms.r.moved(format!("{}.image", node.name), Concat { axis }, &parts)?;
    Ok(Ok(Form::Last(value)))
}
