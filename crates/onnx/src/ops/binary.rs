//! Functions of two or more operands, element by element, with broadcasting.

use ediacara_graph::ValueId;
use ediacara_graph::ops::Modulo;
use ediacara_tensor::DType;

use super::{Table, one};
use crate::context::Context;
use crate::error::{NodeError, NodeResult};
use crate::node::{Node, axis};

/// An operator of two operands that is one core op.
macro_rules! direct {
    ($core:literal) => {
        |context, node| {
            let (left, right) = operands(context, node)?;
            one(context.binary($core, left, right)?)
        }
    };
}

/// An operator of any number of operands: a chain of one core op.
macro_rules! chain {
    ($core:literal) => {
        |context, node| one(chain(context, node, $core)?)
    };
}

pub(super) const TABLE: Table = &[
    ("Add", direct!("add")),
    ("Sub", direct!("sub")),
    ("Mul", direct!("mul")),
    ("Div", |context, node| {
        let (left, right) = operands(context, node)?;
        check_division(context, left, right)?;
        one(context.binary("div", left, right)?)
    }),
    ("Equal", direct!("equal")),
    ("Less", direct!("less")),
    ("LessOrEqual", direct!("less_equal")),
    ("Greater", direct!("greater")),
    ("GreaterOrEqual", direct!("greater_equal")),
    ("And", direct!("and")),
    ("Or", direct!("or")),
    ("Xor", direct!("xor")),
    ("Max", chain!("max")),
    ("Min", chain!("min")),
    ("Sum", chain!("add")),
    ("Mean", |context, node| {
        let sum = chain(context, node, "add")?;
        one(context.binary_scalar("div", sum, node.inputs.len() as f64)?)
    }),
    ("Pow", pow),
    ("Mod", modulo),
    ("Where", |context, node| {
        let (condition, left, right) = (node.input(0)?, node.input(1)?, node.input(2)?);
        one(context.select(condition, left, right)?)
    }),
];

/// Both operands; before opset 7 the second one was aligned by the attributes `broadcast` and `axis`.
fn operands(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<(ValueId, ValueId)> {
    let (left, mut right) = (node.input(0)?, node.input(1)?);
    if context.opset < 7
        && node.flag("broadcast", false)?
        && let Some(start) = node.int("axis")?
    {
        let rank = context.shape(left).len();
        let mut shape = context.shape(right).to_vec();
        let start = axis(start, rank)?;
        if start + shape.len() > rank {
            return Err(NodeError::new(format!("broadcasts {shape:?} from axis {start} of {rank} axes")));
        }
        shape.resize(rank - start, 1);
        right = context.reshape(right, &shape)?;
    }
    Ok((left, right))
}

/// Refuses quotients that are no integer: by a constant that holds 0, and of the least integer by -1.
///
/// The specification leaves both open, and runtimes differ or stop.
fn check_division(context: &Context<'_>, dividend: ValueId, divisor: ValueId) -> NodeResult<()> {
    let least = match context.dtype(divisor) {
        DType::I32 => i64::from(i32::MIN),
        DType::I64 => i64::MIN,
        DType::I8 => i64::from(i8::MIN),
        // An unsigned type has no -1.
        DType::U8 => 0,
        _ => return Ok(()),
    };
    let Some(divisors) = context.constant_integers(divisor) else { return Ok(()) };
    if divisors.contains(&0) {
        return Err(NodeError::new("divides integers by a constant that holds 0"));
    }
    let dividends = context.constant_integers(dividend);
    if divisors.contains(&-1) && dividends.is_some_and(|dividends| dividends.contains(&least)) {
        return Err(NodeError::new(format!("divides {least}, the least integer of its type, by -1")));
    }
    Ok(())
}

fn chain(context: &mut Context<'_>, node: &Node<'_>, op: &'static str) -> NodeResult<ValueId> {
    let values = node.all_inputs()?;
    let mut result = values[0];
    for &value in &values[1..] {
        result = context.binary(op, result, value)?;
    }
    Ok(result)
}

/// The result has the type of the base; the exponent may have another one.
fn pow(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let (base, exponent) = operands(context, node)?;
    let (result_type, exponent_type) = (context.dtype(base), context.dtype(exponent));
    if result_type.is_float() {
        let exponent = context.cast(exponent, result_type)?;
        return one(context.binary("pow", base, exponent)?);
    }
    // Integer powers with integer exponents go over f64, which holds every i32 and most results that fit i64.
    let wide = if exponent_type.is_float() { exponent_type } else { DType::F64 };
    let (base, exponent) = (context.cast(base, wide)?, context.cast(exponent, wide)?);
    let power = context.binary("pow", base, exponent)?;
    one(context.cast(power, result_type)?)
}

/// With `fmod` = 1 the sign is the dividend's, as in C; else it is the divisor's, as in Python.
fn modulo(context: &mut Context<'_>, node: &Node<'_>) -> NodeResult<Vec<ValueId>> {
    let (left, right) = operands(context, node)?;
    check_division(context, left, right)?;
    one(context.emit(Modulo { truncated: node.flag("fmod", false)? }, &[left, right])?)
}
