//! Loops that fold a tensor along axes, and the operators that give the index of the best element along one.

use ediacara_tensor::{DType, Element, Tensor, TensorError};
use rayon::prelude::*;

use super::walk::{CHUNK_ELEMENTS, offsets};
use super::{operand_error, operands, require_axis};
use crate::ops::reduce::reduced_shape;
use crate::{OpError, TensorType};

/// How many partial results one contiguous fold keeps, so that the loop vectorises.
///
/// The order of a sum depends on the shape alone.
const LANES: usize = 16;

/// Folds `x` along `axes` into `result`, dense over the other axes, starting from `identity`.
pub(crate) fn fold<T: Element>(
    x: &Tensor,
    axes: &[usize],
    result: &mut [T],
    identity: T,
    combine: impl Fn(T, T) -> T + Sync,
) -> Result<(), TensorError> {
    if x.is_empty() {
        result.fill(identity);
        return Ok(());
    }
    let (values, start) = x.as_storage::<T>()?;
    let axis_of = |axis: usize| (x.shape()[axis], x.strides()[axis]);
    let kept: Vec<(usize, isize)> = (0..x.rank()).filter(|axis| !axes.contains(axis)).map(axis_of).collect();
    let mut reduced: Vec<(usize, isize)> =
        (0..x.rank()).filter(|axis| axes.contains(axis)).map(axis_of).collect();
    let count: usize = reduced.iter().map(|axis| axis.0).product();
    let walks_rows = kept.iter().rfind(|axis| axis.0 > 1).is_some_and(|axis| axis.1 == 1);
    if walks_rows {
        // The kept axis is the dense one: whole rows are combined element by element.
        let (mut outer, mut row) = (kept, (1, 1));
        while let Some(axis) = outer.pop() {
            if axis.0 > 1 {
                row = axis;
                break;
            }
        }
        let (row_starts, steps) = (offsets(&outer), offsets(&reduced));
        let rows = result
            .par_chunks_mut(row.0)
            .zip(&row_starts)
            .with_min_len((CHUNK_ELEMENTS / (row.0 * count)).max(1));
        rows.for_each(|(results, &row_start)| {
            results.fill(identity);
            for &step in &steps {
                let line = &values[(start as isize + row_start + step) as usize..][..results.len()];
                results.iter_mut().zip(line).for_each(|(result, &value)| *result = combine(*result, value));
            }
        });
        return Ok(());
    }
    let inner = match reduced.iter().rposition(|axis| axis.0 > 1) {
        Some(position) => reduced.remove(position),
        None => (1, 1),
    };
    let (starts, steps) = (offsets(&kept), offsets(&reduced));
    let results = result.par_iter_mut().zip(&starts).with_min_len((CHUNK_ELEMENTS / count).max(1));
    results.for_each(|(result, &result_start)| {
        let mut folded = identity;
        for &step in &steps {
            let position = start as isize + result_start + step;
            folded = combine(folded, fold_line(values, position, inner, identity, &combine));
        }
        *result = folded;
    });
    Ok(())
}

fn fold_line<T: Element>(
    values: &[T],
    position: isize,
    (length, stride): (usize, isize),
    identity: T,
    combine: impl Fn(T, T) -> T,
) -> T {
    if stride != 1 {
        let at = |index: usize| values[(position + index as isize * stride) as usize];
        return (0..length).fold(identity, |folded, index| combine(folded, at(index)));
    }
    let line = &values[position as usize..][..length];
    let mut lanes = [identity; LANES];
    let chunks = line.chunks_exact(LANES);
    let rest = chunks.remainder();
    for chunk in chunks {
        for (lane, &value) in lanes.iter_mut().zip(chunk) {
            *lane = combine(*lane, value);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane = combine(*lane, value);
    }
    let mut width = LANES / 2;
    while width > 0 {
        for lane in 0..width {
            lanes[lane] = combine(lanes[lane], lanes[lane + width]);
        }
        width /= 2;
    }
    lanes[0]
}

/// The index along `axis` of the best element; `better(new, best)` compares.
pub(crate) fn best_index<T: Element>(
    x: &Tensor,
    axis: usize,
    output: &mut Tensor,
    better: impl Fn(T, T) -> bool + Sync,
) -> Result<(), TensorError> {
    let (values, start) = x.as_storage::<T>()?;
    let (size, stride) = (x.shape()[axis], x.strides()[axis]);
    let kept = (0..x.rank()).filter(|&other| other != axis).map(|axis| (x.shape()[axis], x.strides()[axis]));
    let starts = offsets(&kept.collect::<Vec<_>>());
    let results = output.as_mut_slice::<i64>()?.par_iter_mut().zip(&starts);
    results.with_min_len((CHUNK_ELEMENTS / size.max(1)).max(1)).for_each(|(result, &row)| {
        let at = |index: usize| values[(start as isize + row + index as isize * stride) as usize];
        let mut best = 0;
        for index in 1..size {
            if better(at(index), at(best)) {
                best = index;
            }
        }
        *result = best as i64;
    });
    Ok(())
}

/// The type of an operator that gives the index of the best element along an axis.
pub(crate) fn infer_best_index(
    op: &'static str,
    inputs: &[&TensorType],
    axis: usize,
    keep_dims: bool,
) -> Result<TensorType, OpError> {
    let [x] = operands(op, inputs)?;
    require_axis(op, "x", x, axis)?;
    if x.dtype == DType::Bool {
        return Err(operand_error(op, "x", x, "must have a numeric type"));
    }
    if x.shape[axis] == 0 {
        return Err(operand_error(op, "x", x, format!("axis {axis} is empty")));
    }
    Ok(TensorType::new(DType::I64, &reduced_shape(&x.shape, &[axis], keep_dims)))
}

/// Defines an operator that gives the index of the best element along an axis.
///
/// `better` compares two numbers; a NaN is better than any number.
macro_rules! best_index_op {
    (
        $(#[$doc:meta])* $type:ident, $name:literal, $documentation:literal,
        better: |$new:ident, $best:ident| $better:expr
    ) => {
        /// The operator as the registry knows it.
        pub(crate) const DESCRIPTION: $crate::OpDescription = $crate::OpDescription {
            name: $name,
            documentation: $documentation,
            build: |attributes| {
                let mut reader = $crate::AttributeReader::new($name, attributes);
                let op = $type {
                    axis: reader.int_as("axis")?,
                    keep_dims: reader.bool("keep_dims")?,
                    last: reader.flag("last")?,
                };
                reader.finish()?;
                Ok(std::sync::Arc::new(op))
            },
        };

        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $type {
            /// The axis, from 0.
            pub axis: usize,
            /// Whether the axis stays, with dimension 1.
            pub keep_dims: bool,
            /// Whether of equal elements the last one is taken.
            pub last: bool,
        }

        impl $crate::Op for $type {
            fn name(&self) -> &'static str {
                $name
            }

            fn attributes(&self) -> $crate::Attributes {
                use $crate::Attribute;
                $crate::Attributes::new()
                    .with("axis", Attribute::Int(self.axis as i64))
                    .with("keep_dims", Attribute::Bool(self.keep_dims))
                    .with("last", Attribute::Bool(self.last))
            }

            fn infer(
                &self,
                inputs: &[&$crate::TensorType],
            ) -> Result<Vec<$crate::TensorType>, $crate::OpError> {
                use $crate::ops::support::fold::infer_best_index;
                Ok(vec![infer_best_index($name, inputs, self.axis, self.keep_dims)?])
            }

            fn run(
                &self,
                inputs: &[&$crate::Tensor],
                outputs: &mut [$crate::Tensor],
            ) -> Result<(), $crate::OpError> {
                use $crate::ops::support::{fold::best_index, single_output, tensor_error, tensors};
                let [x] = tensors($name, inputs)?;
                let output = single_output($name, outputs)?;
                ediacara_tensor::with_element!(x.dtype(), T => {
                    // A comparison of a value with itself fails for NaN alone.
                    #[allow(clippy::eq_op, reason = "the way to find NaN in any element type")]
                    let better = |$new: T, $best: T| $better || ($new != $new && $best == $best);
                    let level = |new: T, best: T| new == best;
                    best_index(x, self.axis, output, |new, best| {
                        better(new, best) || (self.last && level(new, best))
                    })
                })
                .map_err(tensor_error($name))
            }

            fn cost(&self, inputs: &[&$crate::TensorType], _outputs: &[&$crate::TensorType]) -> $crate::Cost {
                $crate::Cost::others(inputs[0].elements() as u64)
            }
        }
    };
}
pub(crate) use best_index_op;
