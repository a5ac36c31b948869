//! `IntegerMean`: means of integers, rounded.

use std::sync::Arc;

use ediacara_graph::ops::{Reshape, RowOperation as R, Transpose, Writing};
use ediacara_graph::{
    Attribute, AttributeReader, Attributes, Cost, Op, OpDescription, OpError, RowForm, RowValue, Tensor,
    TensorType, ValueId,
};
use ediacara_onnx::{Context, Node, NodeError};

use super::normal::{LONGEST_ROW, signed};
use crate::stored::{stored_input, stored_like};
use crate::support::{
    Wide, floor_div, integers, operand_error, operands, tensor_error, tensors, whole, write,
};

const NAME: &str = "integer_mean";

pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The mean of integers along some axes. Of a power of two of them half is rounded up, of another number \
        away from zero.\n\
        Operand: x, f32 of integers. Result: y without these axes, or with 1 in their place.\n\
        Attributes: axes, ascending, at least one; keep_dims.",
    build: |attributes| {
        let mut reader = AttributeReader::new(NAME, attributes);
        let axes = reader.sizes("axes")?;
        if axes.is_empty() || axes.windows(2).any(|pair| pair[0] >= pair[1]) {
            return Err(reader.error("axes", format!("{axes:?} must ascend and not be empty")));
        }
        let keep_dims = reader.bool("keep_dims")?;
        reader.finish()?;
        Ok(Arc::new(IntegerMean { axes, keep_dims }))
    },
};

/// The mean of integers along some axes, rounded.
#[derive(Debug)]
pub(crate) struct IntegerMean {
    axes: Vec<usize>,
    keep_dims: bool,
}

/// The rounded quotient of a sum of `count` integers.
fn mean(sum: Wide, count: usize) -> Wide {
    let divisor = count as Wide;
    match (count.is_power_of_two(), sum < 0) {
        (true, _) => floor_div(sum + divisor / 2, divisor),
        (false, false) => (sum + divisor / 2) / divisor,
        (false, true) => (sum - divisor / 2) / divisor,
    }
}

/// What is added to a sum, and what the result is multiplied by, so that the nearest integer is the mean of every sum of `count` numbers between bounds;
/// nothing if there are no such numbers.
///
/// Half a step of the sum decides for the larger of two; a factor that is a little too large, for the one further from zero.
fn rounding(count: usize, [low, high]: [i32; 2]) -> Option<(f32, f32)> {
    let first = 1.0 / count as f32;
    let (offset, factors) = match count.is_power_of_two() {
        true => (0.5, vec![first]),
        false => (0.0, (0..64).map(|units| f32::from_bits(first.to_bits() + units)).collect()),
    };
    let bounds = [low, high].map(|bound| i64::from(bound) * count as i64);
    let is_mean = |sum: i64, factor: f32| {
        let found = ((sum as f32 + offset) * factor).round_ties_even();
        Wide::from(found as i64) == mean(sum.into(), count)
    };
    let exact = |factor: &f32| (bounds[0]..=bounds[1]).all(|sum| is_mean(sum, *factor));
    factors.into_iter().find(exact).map(|factor| (offset, factor))
}

impl Op for IntegerMean {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("axes", Attribute::sizes(&self.axes))
            .with("keep_dims", Attribute::Bool(self.keep_dims))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(NAME, inputs)?;
        if self.axes.iter().any(|&axis| x.shape.get(axis).is_none_or(|&size| size == 0)) {
            return Err(operand_error(NAME, "x", x, "must have the axes of the mean, with elements"));
        }
        let sizes = x.shape.iter().enumerate();
        let kept = sizes.filter_map(|(axis, &size)| match (self.axes.contains(&axis), self.keep_dims) {
            (false, _) => Some(size),
            (true, true) => Some(1),
            (true, false) => None,
        });
        Ok(vec![TensorType::f32(&kept.collect::<Vec<_>>())])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        // With the axes of the mean innermost, each mean is of neighbours.
        let kept = (0..x.rank()).filter(|axis| !self.axes.contains(axis));
        let order: Vec<usize> = kept.chain(self.axes.iter().copied()).collect();
        let count =
            self.axes.iter().map(|&axis| x.shape().get(axis).copied().unwrap_or(1)).product::<usize>();
        let values = integers(NAME, &x.transpose(&order).map_err(tensor_error(NAME))?)?;
        let sums = values.chunks_exact(count.max(1)).map(|part| part.iter().sum::<Wide>());
        write(NAME, outputs, sums.map(|sum| mean(sum, count)))
    }

    /// Sums are exact, and every one of them is tried.
    fn row_form(&self, form: &mut RowForm<'_>) -> Result<Option<RowValue>, OpError> {
        let Some((x, bounds)) = form.whole_numbers(0) else { return Ok(None) };
        let shape = form.shape(x).to_vec();
        let (means, kept): (Vec<usize>, Vec<usize>) =
            (0..shape.len()).partition(|axis| self.axes.contains(axis));
        let count = means.iter().map(|&axis| shape[axis]).product::<usize>();
        let results = self.infer(&[&TensorType::f32(&shape)])?;
        let Some(result) = results.first().filter(|result| result.rank() > 0) else { return Ok(None) };
        if form.result().scale != 1.0 || count > LONGEST_ROW {
            return Ok(None);
        }
        let Some((offset, factor)) = rounding(count, bounds) else { return Ok(None) };
        let permutation: Vec<usize> = kept.iter().chain(&means).copied().collect();
        let mut rows: Vec<usize> = kept.iter().map(|&axis| shape[axis]).collect();
        rows.push(count);
        let is_turned = !permutation.is_sorted();
        let turned = if is_turned { form.moved(Transpose { permutation }, x)? } else { x };
        let turned = form.moved(Reshape { shape: rows }, turned)?;
        let sum = form.unary(R::RowSum, turned)?;
        let sum = form.moved(Reshape { shape: result.shape.clone() }, sum)?;
        let writing = Writing { inverse_scale: factor, zero: form.result().zero, ..signed() };
        form.store_pair(R::Add, sum, offset, writing).map(Some)
    }

    fn cost(&self, inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let elements = |types: &[&TensorType]| types.iter().map(|ty| ty.elements() as u64).sum::<u64>();
        Cost::additions(elements(inputs)) + Cost::others(elements(outputs))
    }
}

/// IntegerMean(x; axes, keepdims). The mean of integers of 8 bits is marked as one.
pub(crate) fn import(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    let x = stored_input(context, node.input(0)?)?;
    let rank = context.shape(x).len() as i64;
    let given = node.numbers("axes")?.ok_or_else(|| NodeError::new("has no attribute 'axes'"))?;
    let mut axes: Vec<i64> =
        given.iter().map(|&axis| if axis < 0.0 { axis as i64 + rank } else { axis as i64 }).collect();
    axes.sort_unstable();
    let keep_dims = node.numbers("keepdims")?.is_none() || whole(node, "keepdims")? != 0;
    let attributes =
        Attributes::new().with("axes", Attribute::Ints(axes)).with("keep_dims", Attribute::Bool(keep_dims));
    let means = context.emit_all((DESCRIPTION.build)(&attributes)?, &[x])?;
    means.into_iter().map(|mean| stored_like(context, mean, x)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// -3 / 2 = -1.5 goes up to -1 as a mean of two, and -9 / 6 away from zero to -2 as one of six.
    #[test]
    fn half_goes_up_or_away_from_zero() {
        assert_eq!([mean(-3, 2), mean(3, 2), mean(-5, 4), mean(-7, 4)], [-1, 2, -1, -2]);
        assert_eq!([mean(-9, 6), mean(9, 6), mean(-8, 6), mean(8, 6)], [-2, 2, -1, 1]);
    }

    #[test]
    fn any_axes_are_averaged() {
        let x = Tensor::from_vec(&[2, 2, 2], vec![1.0_f32, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]).unwrap();
        let op = IntegerMean { axes: vec![0, 2], keep_dims: false };
        let mut outputs = vec![op.infer(&[&TensorType::of(&x)]).unwrap()[0].zeros().unwrap()];
        op.run(&[&x], &mut outputs).unwrap();
        // (1 + 2 + 5 + 6) / 4 = 3.5 and (3 + 4 + 7 + 8) / 4 = 5.5.
        assert_eq!(outputs[0].to_vec::<f32>().unwrap(), [4.0, 6.0]);
    }
}
