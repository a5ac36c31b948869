//! Functions of one operand, made of powers of two, reciprocals and roots.

use std::f32::consts::{LN_2, LOG2_E};

use ediacara_graph::ops::Reading;
use ediacara_kernels::ordered::RowOperation as R;

use super::rewriter::{Operand, Rewriter, Second};
use crate::Result;

/// A function by the name of its operator; nothing if it has no form in the dialect.
///
/// # Errors
/// The graph refuses what was built.
pub(crate) fn named(r: &mut Rewriter<'_>, op: &str, name: String, a: Operand) -> Result<Option<Operand>> {
    let last = format!("{name}.rows");
    Ok(Some(match op {
        "sqrt" => r.unary(last, R::Root, a)?,
        "reciprocal" => r.unary(last, R::Reciprocal, a)?,
        "relu" => r.pair(last, R::Maximum, a, Second::Number(0.0))?,
        "neg" => r.pair(last, R::Multiply, a, Second::Number(-1.0))?,
        "abs" => {
            let negative = r.pair(format!("{name}.negative"), R::Multiply, a, Second::Number(-1.0))?;
            r.pair(last, R::Maximum, a, Second::Value(negative))?
        }
        "exp" => {
            let scaled = scaled(r, &name, a, LOG2_E)?;
            r.pair(last, R::Exp2, scaled, Second::Number(0.0))?
        }
        "log" => {
            let log2 = r.unary(format!("{name}.log2"), R::Log2, a)?;
            r.pair(last, R::Multiply, log2, Second::Number(LN_2))?
        }
        "sigmoid" => sigmoid(r, &name, last, a, 1.0)?,
        "tanh" => {
            // tanh(x) = 2 / (1 + e^(-2x)) - 1
            let sigmoid = sigmoid(r, &name, format!("{name}.sigmoid"), a, 2.0)?;
            let doubled = r.pair(format!("{name}.doubled"), R::Multiply, sigmoid, Second::Number(2.0))?;
            r.pair(last, R::Subtract, doubled, Second::Number(1.0))?
        }
        "softplus" => softplus(r, &name, last, a)?,
        _ => return Ok(None),
    }))
}

/// The operand times a factor: in the scale of an i8 where there is one.
pub(crate) fn scaled(r: &mut Rewriter<'_>, name: &str, a: Operand, factor: f32) -> Result<Operand> {
    if r.graph.ty(a.value).dtype == ediacara_graph::DType::I8 {
        let reading = Reading { scale: a.reading.scale * factor, ..a.reading };
        return Ok(Operand { reading, ..a });
    }
    r.pair(format!("{name}.scaled"), R::Multiply, a, Second::Number(factor))
}

/// `1 / (1 + e^(-factor * a))`
fn sigmoid(r: &mut Rewriter<'_>, name: &str, last: String, a: Operand, factor: f32) -> Result<Operand> {
    let scaled = scaled(r, name, a, -factor * LOG2_E)?;
    let power = r.pair(format!("{name}.power"), R::Exp2, scaled, Second::Number(0.0))?;
    let sum = r.pair(format!("{name}.sum"), R::Add, power, Second::Number(1.0))?;
    r.unary(last, R::Reciprocal, sum)
}

/// `max(a, 0) + ln(1 + e^-|a|)`, which does not overflow.
fn softplus(r: &mut Rewriter<'_>, name: &str, last: String, a: Operand) -> Result<Operand> {
    let negative = r.pair(format!("{name}.negative"), R::Multiply, a, Second::Number(-1.0))?;
    let small = r.pair(format!("{name}.small"), R::Minimum, a, Second::Value(negative))?;
    let scaled = r.pair(format!("{name}.scaled"), R::Multiply, small, Second::Number(LOG2_E))?;
    let power = r.pair(format!("{name}.power"), R::Exp2, scaled, Second::Number(0.0))?;
    let sum = r.pair(format!("{name}.sum"), R::Add, power, Second::Number(1.0))?;
    let log2 = r.unary(format!("{name}.log2"), R::Log2, sum)?;
    let log = r.pair(format!("{name}.log"), R::Multiply, log2, Second::Number(LN_2))?;
    let above = r.pair(format!("{name}.above"), R::Maximum, a, Second::Number(0.0))?;
    r.pair(last, R::Add, above, Second::Value(log))
}
