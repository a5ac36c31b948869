//! The activation that `conv` and `gemm` apply to their result.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use ediacara_kernels::float;

use super::{Clamp, Greater, Less, Relu};
use crate::{GradientContext, Op, OpError, ValueId};

/// What is applied to a result before it is stored.
///
/// In text: `none`, `relu`, `"clamp(0.0,6.0)"`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Activation {
    /// The result as it is.
    #[default]
    None,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, low), high)`.
    Clamp {
        /// Lower bound.
        low: f32,
        /// Upper bound.
        high: f32,
    },
}

impl Activation {
    /// The bounds that the activation keeps its result in; infinite where it has none.
    pub fn bounds(self) -> (f32, f32) {
        match self {
            Activation::None => (f32::NEG_INFINITY, f32::INFINITY),
            Activation::Relu => (0.0, f32::INFINITY),
            Activation::Clamp { low, high } => (low, high),
        }
    }

    /// The activation that an operator is, if it is one.
    ///
    /// A clamp's bounds are rounded to f32, as the clamp itself rounds them for an operand in f32.
    pub fn of(op: &dyn Op) -> Option<Activation> {
        if op.downcast_ref::<Relu>().is_some() {
            return Some(Activation::Relu);
        }
        let clamp = op.downcast_ref::<Clamp>()?;
        Some(Activation::Clamp { low: clamp.low as f32, high: clamp.high as f32 })
    }

    /// Comparisons for one element.
    pub(crate) fn comparisons(self) -> u64 {
        match self {
            Activation::None => 0,
            Activation::Relu => 1,
            Activation::Clamp { .. } => 2,
        }
    }

    /// The gradient of the only result before the activation.
    ///
    /// Like PyTorch's, it is 0 where a relu gives 0 and where a bound of a clamp holds.
    pub(crate) fn gradient(self, context: &mut GradientContext) -> Result<ValueId, OpError> {
        let gradient = context.output_gradient(0)?;
        let (low, high) = self.bounds();
        let sides: [(f32, Arc<dyn Op>); 2] = [(low, Arc::new(Greater)), (high, Arc::new(Less))];
        sides.into_iter().filter(|(bound, _)| bound.is_finite()).try_fold(
            gradient,
            |gradient, (bound, inside)| {
                let y = context.output(0)?;
                let bound = context.scalar(context.ty(y).dtype, bound.into());
                let inside = context.apply(inside, &[y, bound])?;
                context.masked(inside, gradient)
            },
        )
    }

    pub(crate) fn kernel(self) -> float::Activation {
        match self {
            Activation::None => float::Activation::None,
            Activation::Relu => float::Activation::Relu,
            Activation::Clamp { low, high } => float::Activation::Clamp { low, high },
        }
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Activation::None => formatter.write_str("none"),
            Activation::Relu => formatter.write_str("relu"),
            Activation::Clamp { low, high } => write!(formatter, "clamp({low:?},{high:?})"),
        }
    }
}

impl FromStr for Activation {
    type Err = String;

    fn from_str(text: &str) -> Result<Activation, String> {
        let error = || format!("`{text}` is no activation; known are none, relu and \"clamp(low,high)\"");
        match text {
            "none" => return Ok(Activation::None),
            "relu" => return Ok(Activation::Relu),
            _ => {}
        }
        let bounds = text.strip_prefix("clamp(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(error)?;
        let (low, high) = bounds.split_once(',').ok_or_else(error)?;
        let low: f32 = low.trim().parse().map_err(|_| error())?;
        let high: f32 = high.trim().parse().map_err(|_| error())?;
        Ok(Activation::Clamp { low, high })
    }
}
