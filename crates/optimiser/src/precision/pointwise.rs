//! Operators whose results depend on the elements at their place alone: they leave images as they lie.

use ediacara_graph::ops::{Add, Clamp, Div, Max, Min, Mul, Pow, Sub};
use ediacara_graph::{Node, ValueId};

use super::forms::{CHANNELS_LAST, Form, Forms, Lowered};
use crate::Result;
use crate::islands::rewriter::Operand;
use crate::islands::rules;

/// Operators of one operand that [`rules::unary`] knows and that go element by element.
const FUNCTIONS: [&str; 10] =
    ["sqrt", "reciprocal", "relu", "neg", "abs", "exp", "log", "sigmoid", "tanh", "softplus"];

/// What such an operator becomes on images with channels last; nothing for other nodes, and where no operand lies so.
///
/// # Errors
/// The graph refuses what was built.
pub(super) fn lower(forms: &mut Forms, node: &Node) -> Result<Option<Lowered>> {
    let unary =
        node.inputs.len() == 1 && (FUNCTIONS.contains(&node.op.name()) || node.op_as::<Clamp>().is_some());
    let binary = node.op_as::<Add>().is_some()
        || node.op_as::<Sub>().is_some()
        || node.op_as::<Mul>().is_some()
        || node.op_as::<Div>().is_some()
        || node.op_as::<Max>().is_some()
        || node.op_as::<Min>().is_some()
        || node.op_as::<Pow>().is_some();
    let shape = forms.shape(node.outputs[0]);
    let lies_so = node.inputs.iter().any(|&input| forms.is_last(input) && forms.shape(input).len() == 4);
    if !(unary || binary) || shape.len() != 4 || !lies_so {
        return Ok(None);
    }
    let mut operands = Vec::with_capacity(node.inputs.len());
    for &input in &node.inputs {
        let Some(operand) = operand(forms, input)? else { return Ok(None) };
        operands.push(operand);
    }
    let shape = CHANNELS_LAST.map(|axis| shape[axis]);
    let result = match operands[..] {
        [a] => rules::unary(&mut forms.r, node, a)?,
        [a, b] if node.op_as::<Pow>().is_some() => rules::power(&mut forms.r, node.name.clone(), a, b)?,
        [a, b] => rules::binary(&mut forms.r, node, [a, b], &shape)?,
        _ => None,
    };
    Ok(result.map(|operand| Ok(Form::Last(operand.value))))
}

/// An operand with channels last; nothing for one of fewer axes that is computed. Constants may have fewer.
fn operand(forms: &mut Forms, value: ValueId) -> Result<Option<Operand>> {
    let shape = forms.shape(value);
    let Some(tensor) = forms.r.graph.constant(value).cloned() else {
        let image = if shape.len() == 4 { forms.image(value)? } else { None };
        return Ok(image.map(|value| Operand { value, reading: Default::default() }));
    };
    if tensor.len() == 1 || shape.len() > 4 {
        return Ok((tensor.len() == 1).then_some(Operand { value, reading: Default::default() }));
    }
    let all: Vec<usize> = std::iter::repeat_n(1, 4 - shape.len()).chain(shape).collect();
    let tensor = tensor.to_contiguous().reshape(&all)?.transpose(&CHANNELS_LAST)?.to_contiguous();
    let name = format!("{}.last", forms.r.graph.value(value).name);
    let value = forms.constant(name, tensor);
    Ok(Some(Operand { value, reading: Default::default() }))
}
