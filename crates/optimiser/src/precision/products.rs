//! Convolutions and matrix products.

use ediacara_graph::ops::{
    Activation, Concat, Conv, FConv, FMatMul, FRow, FWindow, Gemm, MatMul, Reshape, Slice, Transpose,
    WindowOperation, Writing,
};
use ediacara_graph::{DType, Node, Tensor, ValueId};
use ediacara_kernels::ordered::RowOperation;

use super::forms::{Form, Forms, Lowered};
use crate::Result;
use crate::islands::rewriter::{Operand, Second};

/// What a convolution, a fully connected layer or a matrix product becomes; nothing for other nodes.
///
/// # Errors
/// The graph refuses what was built.
pub(super) fn lower(forms: &mut Forms, node: &Node) -> Result<Option<Lowered>> {
    if let Some(conv) = node.op_as::<Conv>() {
        return convolution(forms, node, conv).map(Some);
    }
    if let Some(gemm) = node.op_as::<Gemm>() {
        return fully_connected(forms, node, gemm.activation).map(Some);
    }
    match node.op_as::<MatMul>() {
        Some(_) => product(forms, node).map(Some),
        None => Ok(None),
    }
}

pub(super) fn real_constant(forms: &Forms, value: ValueId) -> Option<Tensor> {
    forms.r.graph.constant(value).filter(|tensor| tensor.dtype() == DType::F32).cloned()
}

/// Bias and scale of a product, as constants; nothing if the bias is computed.
pub(super) fn records(
    forms: &mut Forms,
    name: &str,
    bias: Option<ValueId>,
    outputs: usize,
) -> Result<Option<[ValueId; 2]>> {
    let bias = match bias {
        Some(bias) => match real_constant(forms, bias).filter(|bias| bias.len() == outputs) {
            Some(bias) => bias.to_contiguous().reshape(&[outputs])?,
            None => return Ok(None),
        },
        None => Tensor::zeros(DType::F32, &[outputs])?,
    };
    let bias = forms.constant(format!("{name}.bias"), bias);
    let scale = forms.constant(format!("{name}.scale"), Tensor::full(&[outputs], 1.0_f32)?);
    Ok(Some([bias, scale]))
}

fn convolution(forms: &mut Forms, node: &Node, conv: &Conv) -> Result<Lowered> {
    let name = node.name.clone();
    let Some(w) = real_constant(forms, node.inputs[1]).filter(|w| w.rank() == 4) else {
        return Ok(Err("its weights are computed".to_owned()));
    };
    let (outputs, channels) = (w.shape()[0], forms.shape(node.inputs[0])[1]);
    let Some(x) = forms.image(node.inputs[0])? else {
        return Ok(Err("its operand is no real image".to_owned()));
    };
    if conv.groups == channels && outputs == channels && channels > 1 {
        let value = depthwise(forms, node, conv, (x, &w))?;
        return activated(forms, &name, value, conv.activation);
    }
    let Some(records) = records(forms, &name, node.inputs.get(2).copied(), outputs)? else {
        return Ok(Err("its bias is computed".to_owned()));
    };
    let w = w.transpose(&[0, 2, 3, 1])?.to_contiguous().cast(forms.dtype);
    let w = forms.constant(format!("{name}.weights"), w);
    let op = FConv {
        stride: conv.stride,
        padding: conv.padding,
        dilation: conv.dilation,
        groups: conv.groups,
        lanes: forms.lanes,
        result: before(forms, conv.activation),
    };
    let [bias, scale] = records;
    let value = forms.r.add(format!("{name}.product"), op, &[x, w, bias, scale])?;
    activated(forms, &name, value, conv.activation)
}

/// How a product stores what an activation reads: as it is, since the activation goes on with the sums.
pub(super) fn before(forms: &Forms, activation: Activation) -> Writing {
    if activation == Activation::None { forms.writing() } else { Writing::default() }
}

/// A convolution of each channel by itself: a window, and an addition of the bias.
fn depthwise(forms: &mut Forms, node: &Node, conv: &Conv, (x, w): (ValueId, &Tensor)) -> Result<ValueId> {
    let (name, shape) = (&node.name, w.shape().to_vec());
    let output = forms.shape(node.outputs[0]);
    let w = w.transpose(&[2, 3, 0, 1])?.to_contiguous().reshape(&[shape[2], shape[3], shape[0]])?;
    let w = forms.constant(format!("{name}.weights"), w.cast(forms.dtype));
    let op = FWindow {
        operation: WindowOperation::Dot,
        kernel: [shape[2], shape[3]],
        stride: conv.stride,
        padding: conv.padding,
        dilation: conv.dilation,
        output: [output[2], output[3]],
        result: forms.writing(),
    };
    let value = forms.r.add(format!("{name}.window"), op, &[x, w])?;
    let Some(&bias) = node.inputs.get(2) else { return Ok(value) };
    let add = FRow { result: forms.writing(), ..FRow::new(RowOperation::Add) };
    forms.r.add(format!("{name}.biased"), add, &[value, bias])
}

/// What an activation makes of an image with channels last.
pub(super) fn activated(
    forms: &mut Forms,
    name: &str,
    value: ValueId,
    activation: Activation,
) -> Result<Lowered> {
    Ok(Ok(Form::Last(bounded(forms, name, value, activation)?)))
}

fn bounded(forms: &mut Forms, name: &str, value: ValueId, activation: Activation) -> Result<ValueId> {
    let operand = Operand { value, reading: Default::default() };
    let pair = |forms: &mut Forms, what: &str, operation, a, bound| {
        forms.r.pair(format!("{name}.{what}"), operation, a, Second::Number(bound))
    };
    let bounded = match activation {
        Activation::None => operand,
        Activation::Relu => pair(forms, "relu", RowOperation::Maximum, operand, 0.0)?,
        Activation::Clamp { low, high } => {
            let above = pair(forms, "low", RowOperation::Maximum, operand, low)?;
            pair(forms, "high", RowOperation::Minimum, above, high)?
        }
    };
    Ok(bounded.value)
}

/// A value of two axes in the type of products.
fn matrix(forms: &mut Forms, value: ValueId) -> Result<Option<ValueId>> {
    match forms.given(value)?.filter(|operand| forms.shape(operand.value).len() == 2) {
        Some(operand) => forms.typed_operand(operand).map(Some),
        None => Ok(None),
    }
}

fn fully_connected(forms: &mut Forms, node: &Node, activation: Activation) -> Result<Lowered> {
    let name = node.name.clone();
    let operands = [matrix(forms, node.inputs[0])?, matrix(forms, node.inputs[1])?];
    let [Some(x), Some(w)] = operands else {
        return Ok(Err("its operands are no real matrices".to_owned()));
    };
    let outputs = forms.shape(w)[0];
    let Some([bias, scale]) = records(forms, &name, node.inputs.get(2).copied(), outputs)? else {
        return Ok(Err("its bias is computed".to_owned()));
    };
    let op = FMatMul { lanes: forms.lanes, result: before(forms, activation) };
    let value = forms.r.add(format!("{name}.product"), op, &[x, w, bias, scale])?;
    let value = bounded(forms, &name, value, activation)?;
    Ok(Ok(Form::Given(Operand { value, reading: Default::default() })))
}

/// A product of matrices: of all rows with one constant matrix, or one for each matrix of a batch.
fn product(forms: &mut Forms, node: &Node) -> Result<Lowered> {
    let (name, [x, y]) = (&node.name, [node.inputs[0], node.inputs[1]]);
    let shapes = [x, y].map(|value| forms.shape(value));
    if shapes.iter().any(|shape| shape.len() < 2) {
        return Ok(Err("a vector as an operand of matmul".to_owned()));
    }
    let result = forms.shape(node.outputs[0]);
    let columns = shapes[1][shapes[1].len() - 1];
    let terms = shapes[0][shapes[0].len() - 1];
    let (Some(a), Some(b)) = (forms.given(x)?, forms.given(y)?) else {
        return Ok(Err("its operands are not real".to_owned()));
    };
    let [a, b] = [forms.typed_operand(a)?, forms.typed_operand(b)?];
    let Some([bias, scale]) = records(forms, name, None, columns)? else {
        return Ok(Err("its bias is computed".to_owned()));
    };
    let op = FMatMul { lanes: forms.lanes, result: forms.writing() };
    let batch = &result[..result.len() - 2];
    let rows = shapes[0][shapes[0].len() - 2];
    let alone = shapes[1][..shapes[1].len() - 2].iter().all(|&extent| extent == 1);
    if alone {
        let all = shapes[0].iter().product::<usize>() / terms;
        let a = reshaped(forms, format!("{name}.rows"), a, &[all, terms])?;
        let b = part(forms, &format!("{name}.matrix"), b, &[], [terms, columns])?;
        let b = forms.r.moved(format!("{name}.turned"), Transpose { permutation: vec![1, 0] }, &[b])?;
        let value = forms.r.add(format!("{name}.product"), op, &[a, b, bias, scale])?;
        let value = reshaped(forms, format!("{name}.result"), value, &result)?;
        return Ok(Ok(Form::Given(Operand { value, reading: Default::default() })));
    }
    let count: usize = batch.iter().product();
    let mut parts = Vec::with_capacity(count);
    for at in 0..count {
        let index = index_of(at, batch);
        let a = part(forms, &format!("{name}.x.{at}"), a, &index, [rows, terms])?;
        let b = part(forms, &format!("{name}.y.{at}"), b, &index, [terms, columns])?;
        let b =
            forms.r.moved(format!("{name}.y.{at}.turned"), Transpose { permutation: vec![1, 0] }, &[b])?;
        let value = forms.r.add(format!("{name}.{at}"), op, &[a, b, bias, scale])?;
        parts.push(reshaped(forms, format!("{name}.{at}.matrix"), value, &[1, rows, columns])?);
    }
    let joined = match parts[..] {
        [one] => one,
        _ => forms.r.moved(format!("{name}.joined"), Concat { axis: 0 }, &parts)?,
    };
    let value = reshaped(forms, format!("{name}.result"), joined, &result)?;
    Ok(Ok(Form::Given(Operand { value, reading: Default::default() })))
}

fn reshaped(forms: &mut Forms, name: String, value: ValueId, shape: &[usize]) -> Result<ValueId> {
    if forms.shape(value) == shape {
        return Ok(value);
    }
    forms.r.moved(name, Reshape { shape: shape.to_vec() }, &[value])
}

/// The matrix of a value at an index of the result's batch; dimensions of 1 are repeated.
fn part(
    forms: &mut Forms,
    name: &str,
    value: ValueId,
    index: &[usize],
    matrix: [usize; 2],
) -> Result<ValueId> {
    let shape = forms.shape(value);
    let own = shape.len() - 2;
    let mut slice = Slice::all(&shape);
    // Axes are aligned at the right.
    for (axis, &extent) in shape[..own].iter().enumerate() {
        let at = (index.len() + axis).checked_sub(own).and_then(|at| index.get(at)).copied().unwrap_or(0);
        let at = if extent == 1 { 0 } else { at as i64 };
        (slice.starts[axis], slice.ends[axis]) = (at, at + 1);
    }
    let value = match slice == Slice::all(&shape) {
        true => value,
        false => forms.r.moved(format!("{name}.part"), slice, &[value])?,
    };
    reshaped(forms, format!("{name}.matrix"), value, &matrix)
}

/// The index of element `at` of a row-major tensor.
fn index_of(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for axis in (0..shape.len()).rev() {
        (index[axis], at) = (at % shape[axis], at / shape[axis]);
    }
    index
}
