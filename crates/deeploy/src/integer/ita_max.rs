//! `ITAMax`: the softmax of the accelerator ITA, in powers of two.

use std::sync::Arc;

use ediacara_graph::{
    Attribute, AttributeReader, Attributes, Cost, Op, OpDescription, OpError, Tensor, TensorType, ValueId,
};
use ediacara_onnx::{Context, Node, NodeError};

use crate::stored::{LEVELS, Sign, stored};
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

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let count = outputs.iter().map(|output| output.elements() as u64).sum::<u64>();
        Cost::additions(3 * count) + Cost::others(4 * count)
    }
}

/// ITAMax(x; n_levels). A result of 8 bits is marked as such.
pub(crate) fn import(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    let levels = whole(node, "n_levels")?;
    let attributes = Attributes::new().with("levels", Attribute::Int(levels));
    let results = context.emit_all((DESCRIPTION.build)(&attributes)?, &[node.input(0)?])?;
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
