//! `ITAMax`: the softmax of the accelerator ITA, in powers of two.

use std::sync::Arc;

use ediacara_graph::ops::{Comparison, RowOperation as R, Writing};
use ediacara_graph::{
    Attribute, AttributeReader, Attributes, Cost, Op, OpDescription, OpError, RowForm, RowValue, Tensor,
    TensorType, ValueId,
};
use ediacara_onnx::{Context, Node, NodeError};

use super::normal::{LONGEST_ROW, signed, unsigned};
use crate::stored::{LEVELS, Sign, stored, stored_input};
use crate::support::{Wide, floor_div, integers, operands, positive, row_length, tensors, whole, write};

const NAME: &str = "ita_max";

/// Differences that count as one more halving: 2^5.
const HALVING_BITS: u32 = 5;

/// What an element with the largest value adds to the sum.
const UNIT: Wide = 256;

/// More halvings than this leave nothing.
const MOST_HALVINGS: Wide = 64;

pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "A softmax of integers along the last axis, in powers of two: with s = (max x - x + 16) >> 5, \
        y = (((levels - 1) * 256) // sum(256 >> s)) >> s.\n\
        Operand: x, f32 of integers. Result: y like x, 0 to levels - 1. Attribute: levels, above 0.",
    build: |attributes| {
        let mut reader = AttributeReader::new(NAME, attributes);
        let levels = positive(&mut reader, "levels")?;
        reader.finish()?;
        Ok(Arc::new(ItaMax { levels }))
    },
};

/// `(((levels - 1) * 256) // sum(256 >> s)) >> s` with `s = (max x - x + 16) >> 5`.
///
/// Source: Islamoglu et al., ITA: An Energy-Efficient Attention and Softmax Accelerator for Quantized Transformers,
/// 2023.
#[derive(Debug)]
pub(crate) struct ItaMax {
    levels: Wide,
}

impl ItaMax {
    fn of(&self, row: &[Wide]) -> Vec<Wide> {
        let largest = row.iter().copied().max().unwrap_or(0);
        let rounding = 1 << (HALVING_BITS - 1);
        let halvings = |x: &Wide| ((largest - x + rounding) >> HALVING_BITS).min(MOST_HALVINGS);
        // The largest element has no halving, so that the sum is at least one unit.
        let sum: Wide = row.iter().map(|x| UNIT >> halvings(x)).sum();
        let inverse = floor_div((self.levels - 1) * UNIT, sum.max(1));
        row.iter().map(|x| inverse >> halvings(x)).collect()
    }
}

impl Op for ItaMax {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new().with("levels", Attribute::Int(self.levels as i64))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(NAME, inputs)?;
        row_length(NAME, x)?;
        Ok(vec![x.clone()])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        let length = row_length(NAME, &TensorType::of(x))?;
        let values = integers(NAME, x)?;
        write(NAME, outputs, values.chunks_exact(length).flat_map(|row| self.of(row)))
    }

    /// Halvings are powers of two, of which f32 adds and multiplies these few exactly.
    fn row_form(&self, form: &mut RowForm<'_>) -> Result<Option<RowValue>, OpError> {
        let Some((x, _)) = form.whole_numbers(0) else { return Ok(None) };
        let length = form.shape(x).last().copied().unwrap_or_default();
        let is_unsigned = form.result() == RowValue::stored_as(unsigned());
        if !is_unsigned || self.levels > Wide::from(LEVELS) || length > LONGEST_ROW {
            return Ok(None);
        }
        let (step, unit) = ((1 << HALVING_BITS) as f32, UNIT as f32);
        let largest = form.unary(R::RowMaximum, x)?;
        let start = form.pair(R::Multiply, largest, 1.0 / step)?;
        let start = form.pair(R::Add, start, 0.5 / step)?;
        // The number of halvings, below 0. Differences are at most 255, so that it is -8 at least. No quotient lies half-way.
        let mut shared = x;
        shared.reading.scale = 1.0 / step;
        let halvings = form.store_pair(R::Subtract, shared, start, signed())?;
        let powers = form.pair(R::Exp2, halvings, -unit.log2())?;
        let sum = form.unary(R::RowSum, powers)?;
        // The nearest integer is the quotient rounded down, or one more: its product with the sum is too large then.
        let total = (self.levels - 1) as f32 * unit;
        let share = form.unary(R::Reciprocal, sum)?;
        let near = form.store_pair(R::Multiply, share, total, unsigned())?;
        let product = form.pair(R::Multiply, near, sum)?;
        let over = form.pair(R::Compare(Comparison::Greater), product, total)?;
        let inverse = form.pair(R::Subtract, near, over)?;
        // Halved, rounded down: multiples of 1 / unit, of which none lies half-way after half a step is taken away.
        let whole = form.pair(R::Multiply, powers, inverse)?;
        let writing = Writing { inverse_scale: 1.0 / unit, ..unsigned() };
        form.store_pair(R::Add, whole, 0.5 - 0.5 * unit, writing).map(Some)
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let count = outputs.iter().map(|output| output.elements() as u64).sum::<u64>();
        Cost::additions(3 * count) + Cost::others(4 * count)
    }
}

/// ITAMax(x; n_levels). A result of 8 bits is marked as such.
pub(crate) fn import(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    let levels = whole(node, "n_levels")?;
    let attributes = Attributes::new().with("levels", Attribute::Int(levels));
    let x = stored_input(context, node.input(0)?)?;
    let results = context.emit_all((DESCRIPTION.build)(&attributes)?, &[x])?;
    match (levels == LEVELS, results.as_slice()) {
        (true, &[y]) => Ok(vec![stored(context, y, Sign::Unsigned)?]),
        _ => Ok(results),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_rounded_to_halvings() {
        let max = ItaMax { levels: 256 };
        // s = 0, 0, 1, 1, 2: the sum is 256 + 256 + 128 + 128 + 64 = 832, and 65280 // 832 = 78.
        assert_eq!(max.of(&[100, 85, 84, 53, 52]), [78, 78, 39, 39, 19]);
        assert_eq!(max.of(&[7]), [255]);
        assert_eq!(max.of(&[127, -2_000_000_000]), [255, 0]);
    }
}
