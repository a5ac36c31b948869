//! The shared parts of elementwise operators: classes of element types, the type rules, and the macros that
//! make an operator of a formula.

use ediacara_tensor::DType;

use super::walk::broadcast_shapes;
use super::{mismatch, operand_error, operands, require_same_dtype};
use crate::ops::{Equal, Select};
use crate::{GradientContext, IntoOp, OpError, TensorType, ValueId};

/// A class of element types that an operator takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    /// f32, f16, bf16, f64.
    Float,
    /// i8, u8, i32, i64.
    Integer,
    /// bool.
    Bool,
}

impl Class {
    fn of(dtype: DType) -> Class {
        match dtype {
            DType::Bool => Class::Bool,
            dtype if dtype.is_float() => Class::Float,
            _ => Class::Integer,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Class::Float => "floating-point",
            Class::Integer => "integer",
            Class::Bool => "bool",
        }
    }
}

fn require_class(op: &'static str, operand: &str, ty: &TensorType, classes: &[Class]) -> Result<(), OpError> {
    if classes.contains(&Class::of(ty.dtype)) {
        return Ok(());
    }
    let names: Vec<&str> = classes.iter().map(|class| class.name()).collect();
    Err(operand_error(op, operand, ty, format!("the type must be {}", names.join(" or "))))
}

/// One operand of one of the classes; the result has its type.
pub(crate) fn infer_unary(
    op: &'static str,
    classes: &[Class],
    inputs: &[&TensorType],
) -> Result<TensorType, OpError> {
    let [x] = operands(op, inputs)?;
    require_class(op, "x", x, classes)?;
    Ok(x.clone())
}

/// Two operands of one type of the classes, broadcast together.
pub(crate) fn infer_binary(
    op: &'static str,
    classes: &[Class],
    inputs: &[&TensorType],
) -> Result<TensorType, OpError> {
    let [x, y] = operands(op, inputs)?;
    require_class(op, "x", x, classes)?;
    require_same_dtype(op, ("x", x), ("y", y))?;
    match broadcast_shapes(&x.shape, &y.shape) {
        Some(shape) => Ok(TensorType { dtype: x.dtype, shape }),
        None => {
            let problem = "aligned at the right, dimensions must be equal or 1";
            Err(mismatch(op, ("x", x), ("y", y), problem))
        }
    }
}

/// The gradient of the larger or smaller of two operands.
///
/// It goes to the operand that `wins` its comparison with the other; equal operands get half each.
pub(crate) fn extremum_gradient(
    context: &mut GradientContext,
    wins: impl IntoOp,
    operand: usize,
    gradient: ValueId,
) -> Result<ValueId, OpError> {
    let (own, other) = (context.input(operand)?, context.input(1 - operand)?);
    let half = context.scale(gradient, 0.5)?;
    let ties = context.apply(Equal, &[own, other])?;
    let shared = context.masked(ties, half)?;
    let wins = context.apply(wins, &[own, other])?;
    context.apply(Select, &[wins, gradient, shared])
}

/// The first of two things; the second only decides whether the first is there.
macro_rules! first {
    ($first:expr, $($second:tt)*) => {
        $first
    };
}
pub(crate) use first;

/// Defines an operator without attributes that is computed element by element.
///
/// `infer` is its type rule. `run` is its loop over the operands' tensors into the only output. `cost` is the
/// cost of one element. `gradient` is a rule for
/// [`GradientContext::elementwise`](crate::GradientContext::elementwise); `gradient_is_zero: context` says
/// that the gradient is zero wherever it exists.
macro_rules! elementwise_op {
    (
        $(#[$doc:meta])* $type:ident, $name:literal, $documentation:literal, cost: $cost:expr,
        infer: $infer:expr,
        run: |$operands:ident, $output:ident| $run:expr
        $(, gradient: $gradient:expr)?
        $(, gradient_is_zero: $zero:ident)?
    ) => {
        /// The operator as the registry knows it.
        pub(crate) const DESCRIPTION: $crate::OpDescription = $crate::OpDescription {
            name: $name,
            documentation: $documentation,
            build: |attributes| {
                $crate::AttributeReader::new($name, attributes).finish()?;
                Ok(std::sync::Arc::new($type))
            },
        };

        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct $type;

        impl $crate::Op for $type {
            fn name(&self) -> &'static str {
                $name
            }

            fn attributes(&self) -> $crate::Attributes {
                $crate::Attributes::new()
            }

            fn is_elementwise(&self) -> bool {
                true
            }

            $(
                fn gradient(
                    &self,
                    context: &mut $crate::GradientContext,
                ) -> Result<$crate::OperandGradients, $crate::OpError> {
                    context.elementwise($gradient)
                }
            )?
            $(
                fn gradient(
                    &self,
                    $zero: &mut $crate::GradientContext,
                ) -> Result<$crate::OperandGradients, $crate::OpError> {
                    Ok($zero.none())
                }
            )?

            fn infer(
                &self,
                inputs: &[&$crate::TensorType],
            ) -> Result<Vec<$crate::TensorType>, $crate::OpError> {
                $infer(inputs).map(|ty| vec![ty])
            }

            fn run(
                &self,
                inputs: &[&$crate::Tensor],
                outputs: &mut [$crate::Tensor],
            ) -> Result<(), $crate::OpError> {
                use $crate::ops::support::{single_output, tensor_error, tensors};
                let $operands = tensors($name, inputs)?;
                let $output = single_output($name, outputs)?;
                $run.map_err(tensor_error($name))
            }

            fn cost(&self, _inputs: &[&$crate::TensorType], outputs: &[&$crate::TensorType]) -> $crate::Cost {
                $cost(outputs[0].elements() as u64)
            }
        }
    };
}
pub(crate) use elementwise_op;

/// Defines an elementwise operator from its formula; the result has the operands' type.
///
/// `$infer` and `$walk` are the type rule and the loop for as many operands as the formula has.
///
/// `float` is computed in f32 and in f64 (f16 and bf16 go through f32), `integer` in each integer type,
/// `boolean` in bool; a class that is left out is refused. The rest is as in [`elementwise_op`].
macro_rules! formula_op {
    (
        $infer:ident, $walk:ident;
        $(#[$doc:meta])* $type:ident, $name:literal, $documentation:literal, cost: $cost:expr
        $(, float: |$($x:ident),+| $float:expr)?
        $(, integer: |$($i:ident),+| $integer:expr)?
        $(, boolean: |$($b:ident),+| $bool:expr)?
        $(, gradient: $gradient:expr)?
        $(, gradient_is_zero: $zero:ident)?
    ) => {
        $crate::ops::support::elementwise::elementwise_op! {
            $(#[$doc])* $type, $name, $documentation, cost: $cost,
            infer: |inputs| {
                use $crate::ops::support::elementwise::{Class, first, $infer};
                let classes = [
                    $(first!(Class::Float, $float),)?
                    $(first!(Class::Integer, $integer),)?
                    $(first!(Class::Bool, $bool),)?
                ];
                $infer($name, &classes, inputs)
            },
            run: |operands, output| {
                use $crate::ops::support::walk::$walk;
                #[allow(unused_imports, reason = "not every operator has floating-point arms")]
                use ediacara_tensor::{bf16, f16, DType};
                match operands[0].dtype() {
                    $(
                        DType::F32 => $walk(operands, output, |$($x: f32),+| -> f32 { $float }),
                        DType::F64 => $walk(operands, output, |$($x: f64),+| -> f64 { $float }),
                        DType::F16 => $walk(operands, output, |$($x: f16),+| {
                            $(let $x = $x.to_f32();)+
                            f16::from_f32($float)
                        }),
                        DType::BF16 => $walk(operands, output, |$($x: bf16),+| {
                            $(let $x = $x.to_f32();)+
                            bf16::from_f32($float)
                        }),
                    )?
                    $(
                        DType::I8 => $walk(operands, output, |$($i: i8),+| -> i8 { $integer }),
                        DType::U8 => $walk(operands, output, |$($i: u8),+| -> u8 { $integer }),
                        DType::I32 => $walk(operands, output, |$($i: i32),+| -> i32 { $integer }),
                        DType::I64 => $walk(operands, output, |$($i: i64),+| -> i64 { $integer }),
                    )?
                    $(DType::Bool => $walk(operands, output, |$($b: bool),+| -> bool { $bool }),)?
                    dtype => {
                        let supported = "a type that its shape rule takes";
                        return Err($crate::OpError::Unsupported { op: $name, dtype, supported });
                    }
                }
            }
            $(, gradient: $gradient)?
            $(, gradient_is_zero: $zero)?
        }
    };
}
pub(crate) use formula_op;

/// Defines an operator of one operand: a [`formula_op`].
macro_rules! unary_op {
    ($($formula:tt)*) => {
        $crate::ops::support::elementwise::formula_op! { infer_unary, map; $($formula)* }
    };
}
pub(crate) use unary_op;

/// Defines an operator of two operands of one type with NumPy broadcasting: a [`formula_op`].
macro_rules! binary_op {
    ($($formula:tt)*) => {
        $crate::ops::support::elementwise::formula_op! { infer_binary, zip; $($formula)* }
    };
}
pub(crate) use binary_op;

/// Defines a comparison of two operands of one type with NumPy broadcasting; the result is bool.
///
/// `on` lists the classes.
macro_rules! comparison_op {
    (
        $(#[$doc:meta])* $type:ident, $name:literal, $documentation:literal, on: [$($class:ident),*],
        |$x:ident, $y:ident| $body:expr
    ) => {
        $crate::ops::support::elementwise::elementwise_op! {
            $(#[$doc])* $type, $name, $documentation, cost: $crate::Cost::others,
            infer: |inputs| {
                use $crate::ops::support::elementwise::{Class, infer_binary};
                let ty = infer_binary($name, &[$(Class::$class),*], inputs);
                ty.map(|ty| $crate::TensorType { dtype: $crate::DType::Bool, ..ty })
            },
            run: |operands, output| {
                use $crate::ops::support::walk::zip;
                let [left, _] = operands;
                ediacara_tensor::with_element!(left.dtype(), T => {
                    zip(operands, output, |$x: T, $y: T| -> bool { $body })
                })
            }
        }
    };
}
pub(crate) use comparison_op;
