//! Functions of one operand, element by element.

use ediacara_graph::ValueId;
use ediacara_tensor::DType;

use super::{Table, one};
use crate::context::Context;
use crate::error::{NodeError, NodeResult};

/// An operator that is one core op.
macro_rules! direct {
    ($core:literal) => {
        |context, node| one(context.unary($core, node.input(0)?)?)
    };
}

pub(super) const TABLE: Table = &[
    ("Abs", direct!("abs")),
    ("Ceil", direct!("ceil")),
    ("Cos", direct!("cos")),
    ("Erf", direct!("erf")),
    ("Exp", direct!("exp")),
    ("Floor", direct!("floor")),
    ("Log", direct!("log")),
    ("Neg", direct!("neg")),
    ("Not", direct!("not")),
    ("Reciprocal", direct!("reciprocal")),
    ("Round", direct!("round")),
    ("Sigmoid", direct!("sigmoid")),
    ("Sign", direct!("sign")),
    ("Sin", direct!("sin")),
    ("Sqrt", direct!("sqrt")),
    ("Softplus", direct!("softplus")),
    ("Tan", direct!("tan")),
    ("Tanh", direct!("tanh")),
    ("Sinh", |context, node| one(hyperbolic(context, node.input(0)?, "sub")?)),
    ("Cosh", |context, node| one(hyperbolic(context, node.input(0)?, "add")?)),
    ("IsNaN", |context, node| {
        // NaN is the only value that differs from itself.
        let x = node.input(0)?;
        let same = context.binary("equal", x, x)?;
        one(context.unary("not", same)?)
    }),
    ("IsInf", |context, node| {
        let x = node.input(0)?;
        if !context.dtype(x).is_float() {
            return Err(NodeError::new("asks whether integers are infinite; give it a float tensor"));
        }
        let (negative, positive) = (node.flag("detect_negative", true)?, node.flag("detect_positive", true)?);
        let probe = if negative && positive { context.unary("abs", x)? } else { x };
        let infinity = if positive { f64::INFINITY } else { f64::NEG_INFINITY };
        if !negative && !positive {
            let shape = context.shape(x).to_vec();
            return one(context.full(DType::Bool, &shape, 0.0)?);
        }
        let infinity = context.scalar_like(x, infinity)?;
        one(context.binary("equal", probe, infinity)?)
    }),
];

/// (e^x - e^-x) / 2 or (e^x + e^-x) / 2.
fn hyperbolic(context: &mut Context<'_>, x: ValueId, combine: &str) -> NodeResult<ValueId> {
    let negated = context.unary("neg", x)?;
    let (up, down) = (context.unary("exp", x)?, context.unary("exp", negated)?);
    let sum = context.binary(combine, up, down)?;
    context.binary_scalar("mul", sum, 0.5)
}
