//! What softmax and its logarithm share: all but a few formulas.

use super::{operands, require_axis, require_float};
use crate::{OpError, TensorType};

/// One floating-point operand with this axis; the result has its type.
pub(crate) fn infer_softmax(
    op: &'static str,
    inputs: &[&TensorType],
    axis: usize,
) -> Result<TensorType, OpError> {
    let [x] = operands(op, inputs)?;
    require_float(op, "x", x)?;
    require_axis(op, "x", x, axis)?;
    Ok(x.clone())
}

/// Defines an operator over each `[size, inner]` block of a tensor, along `size`.
///
/// The largest value along the axis is subtracted first. `term` may change each difference, and gives what is
/// summed. `total` may change the sum, and `finish` changes each value by it. `cost` is told the number of
/// elements, `gradient` the axis.
macro_rules! softmax_op {
    (
        $(#[$doc:meta])* $type:ident, $name:literal, $documentation:literal,
        cost: $cost:expr,
        term: |$value:ident| $term:expr,
        $(total: |$sum:ident| $total:expr,)?
        finish: |$result:ident, $of_total:ident| $finish:expr,
        gradient: $gradient:expr
    ) => {
        /// The operator as the registry knows it.
        pub(crate) const DESCRIPTION: $crate::OpDescription = $crate::OpDescription {
            name: $name,
            documentation: $documentation,
            build,
        };

        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $type {
            /// The axis, from 0.
            pub axis: usize,
        }

        $crate::ops::support::integer_attributes!($name, $type { axis });

        impl $crate::Op for $type {
            fn name(&self) -> &'static str {
                $name
            }

            fn attributes(&self) -> $crate::Attributes {
                self.integers()
            }

            fn infer(
                &self,
                inputs: &[&$crate::TensorType],
            ) -> Result<Vec<$crate::TensorType>, $crate::OpError> {
                use $crate::ops::support::softmax::infer_softmax;
                Ok(vec![infer_softmax($name, inputs, self.axis)?])
            }

            fn run(
                &self,
                inputs: &[&$crate::Tensor],
                outputs: &mut [$crate::Tensor],
            ) -> Result<(), $crate::OpError> {
                use $crate::ops::support::walk::for_each_block;
                use $crate::ops::support::{single_output, tensor_error, tensors, with_float, write_float};
                let [x] = tensors($name, inputs)?;
                let output = single_output($name, outputs)?;
                if x.is_empty() {
                    return Ok(());
                }
                let size = x.shape()[self.axis];
                let inner: usize = x.shape()[self.axis + 1..].iter().product();
                with_float!(x.dtype(), T => write_float::<T>($name, output, |values| {
                    x.convert_to_slice(values).map_err(tensor_error($name))?;
                    let lines = || [vec![T::NEG_INFINITY; inner], vec![0.0; inner]];
                    for_each_block(values, size * inner, lines, |block, [largest, sums]| {
                        largest.fill(T::NEG_INFINITY);
                        sums.fill(0.0);
                        for row in block.chunks_exact(inner) {
                            for (largest, &value) in largest.iter_mut().zip(row) {
                                *largest = largest.max(value);
                            }
                        }
                        for row in block.chunks_exact_mut(inner) {
                            for (($value, sum), &largest) in row.iter_mut().zip(&mut *sums).zip(&*largest) {
                                *$value -= largest;
                                *sum += $term;
                            }
                        }
                        $(for $sum in &mut *sums {
                            $total;
                        })?
                        for row in block.chunks_exact_mut(inner) {
                            row.iter_mut().zip(&*sums).for_each(|($result, &$of_total)| $finish);
                        }
                    });
                    Ok(())
                }))
            }

            fn gradient(
                &self,
                context: &mut $crate::GradientContext,
            ) -> Result<$crate::OperandGradients, $crate::OpError> {
                Ok(vec![Some($gradient(context, self.axis)?)])
            }

            fn cost(&self, inputs: &[&$crate::TensorType], _outputs: &[&$crate::TensorType]) -> $crate::Cost {
                $cost(inputs[0].elements() as u64)
            }
        }
    };
}
pub(crate) use softmax_op;
