//! Operators whose results depend on the elements at their place alone: they leave images as they lie.

use std::f32::consts::LOG2_E;

use ediacara_graph::ops::{Add, Clamp, Div, Max, Min, Mul, Pow, Sub};
use ediacara_graph::{Node, ValueId};
use ediacara_kernels::ordered::{Comparison, RowOperation as R};

use super::forms::{CHANNELS_LAST, Form, Forms, Lowered};
use crate::Result;
use crate::islands::rewriter::{Operand, Rewriter, Second};
use crate::islands::rules;

/// Operators of one operand that [`rules::unary`] knows and that go element by element.
const FUNCTIONS: [&str; 10] =
    ["sqrt", "reciprocal", "relu", "neg", "abs", "exp", "log", "sigmoid", "tanh", "softplus"];

/// The coefficients of the error function, and of its reciprocal, of least degree first (Abramowitz and Stegun 1964, 7.1.26). The error
/// is 1.5e-7 at most.
const ERF: [f32; 5] = [0.254_829_6, -0.284_496_72, 1.421_413_8, -1.453_152_1, 1.061_405_4];
const ERF_SCALE: f32 = 0.327_591_1;

/// `erf(a)`: with `t = 1 / (1 + p * |a|)`, `sign(a) * (1 - polynomial(t) * e^(-a^2))`.
fn erf(r: &mut Rewriter, name: &str, a: Operand) -> Result<Operand> {
    let pair =
        |r: &mut Rewriter, what: &str, operation, a, b| r.pair(format!("{name}.{what}"), operation, a, b);
    let negative = pair(r, "negative", R::Multiply, a, Second::Number(-1.0))?;
    let size = pair(r, "size", R::Maximum, a, Second::Value(negative))?;
    let scaled = pair(r, "scaled", R::Multiply, size, Second::Number(ERF_SCALE))?;
    let one = pair(r, "one", R::Add, scaled, Second::Number(1.0))?;
    let t = r.unary(format!("{name}.t"), R::Reciprocal, one)?;
    let last = ERF.len() - 1;
    let mut sum = pair(r, "term", R::Multiply, t, Second::Number(ERF[last]))?;
    for (index, &coefficient) in ERF[..last].iter().enumerate().rev() {
        sum = pair(r, &format!("sum.{index}"), R::Add, sum, Second::Number(coefficient))?;
        sum = pair(r, &format!("product.{index}"), R::Multiply, sum, Second::Value(t))?;
    }
    let square = pair(r, "square", R::Multiply, a, Second::Value(a))?;
    let exponent = pair(r, "exponent", R::Multiply, square, Second::Number(-LOG2_E))?;
    let power = pair(r, "power", R::Exp2, exponent, Second::Number(0.0))?;
    let rest = pair(r, "rest", R::Multiply, power, Second::Value(sum))?;
    let below = pair(r, "below", R::Multiply, rest, Second::Number(-1.0))?;
    let value = pair(r, "value", R::Add, below, Second::Number(1.0))?;
    let positive = pair(r, "positive", R::Compare(Comparison::GreaterEqual), a, Second::Number(0.0))?;
    let doubled = pair(r, "doubled", R::Multiply, positive, Second::Number(2.0))?;
    let sign = pair(r, "sign", R::Subtract, doubled, Second::Number(1.0))?;
    pair(r, "rows", R::Multiply, value, Second::Value(sign))
}

/// What such an operator becomes on images with channels last; nothing for other nodes, and where no operand lies so.
///
/// # Errors
/// The graph refuses what was built.
pub(super) fn lower(forms: &mut Forms, node: &Node) -> Result<Option<Lowered>> {
    if node.op.name() == "erf" {
        let last = forms.is_last(node.inputs[0]);
        let a = match last {
            true => operand(forms, node.inputs[0])?,
            false => forms.given(node.inputs[0])?,
        };
        let Some(a) = a else { return Ok(None) };
        let result = erf(&mut forms.r, &node.name, a)?;
        return Ok(Some(Ok(if last { Form::Last(result.value) } else { Form::Given(result) })));
    }
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
