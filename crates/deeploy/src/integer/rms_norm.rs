//! `iRMSNorm`: rows of integers divided by the root of their mean square.

use std::sync::Arc;

use ediacara_graph::ops::{Reading, RowOperation};
use ediacara_graph::{
    Attribute, AttributeReader, Attributes, Cost, Op, OpDescription, OpError, RowForm, RowValue, Tensor,
    TensorType, ValueId,
};
use ediacara_onnx::{Context, Node, NodeError};

use super::normal::{deviation, is_exact, normalised, numbers};
use super::quotient::Quotient;
use crate::stored::{LEVELS, Sign, stored, stored_input};
use crate::support::{
    Wide, floor_div, integers, operands, positive, require_row, row_length, tensors, whole, write,
};

const NAME: &str = "i_rms_norm";

pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "A row of integers divided by the root of its mean square: with s = floor(sqrt(sum(x^2) tdiv length + 1)), \
        y = clamp(((x * weight) tdiv s) // divisor, -levels/2, levels/2 - 1).\n\
        Operands: x and weight[length], f32 of integers, length being the last dimension of x. Result: y like x.\n\
        Attributes: divisor and levels, above 0.",
    build: |attributes| {
        let mut reader = AttributeReader::new(NAME, attributes);
        let op =
            RmsNorm { divisor: positive(&mut reader, "divisor")?, levels: positive(&mut reader, "levels")? };
        reader.finish()?;
        Ok(Arc::new(op))
    },
};

/// `clamp(((x * weight) tdiv floor(sqrt(mean square + 1))) // divisor)`; the last division rounds down.
#[derive(Debug)]
pub(crate) struct RmsNorm {
    divisor: Wide,
    levels: Wide,
}

impl RmsNorm {
    fn of(&self, row: &[Wide], weight: &[Wide]) -> Vec<Wide> {
        let squares: Wide = row.iter().map(|x| x * x).sum();
        let deviation = (squares / (row.len() as Wide).max(1) + 1).isqrt();
        let scaled = |(x, weight): (&Wide, &Wide)| floor_div(x * weight / deviation, self.divisor);
        let (low, high) = (-(self.levels / 2), self.levels / 2 - 1);
        row.iter().zip(weight).map(scaled).map(|y| y.max(low).min(high)).collect()
    }
}

impl Op for RmsNorm {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("divisor", Attribute::Int(self.divisor as i64))
            .with("levels", Attribute::Int(self.levels as i64))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x, weight] = operands(NAME, inputs)?;
        require_row(NAME, "weight", weight, x)?;
        Ok(vec![x.clone()])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x, weight] = tensors(NAME, inputs)?;
        let length = row_length(NAME, &TensorType::of(x))?;
        let (values, weight) = (integers(NAME, x)?, integers(NAME, weight)?);
        write(NAME, outputs, values.chunks_exact(length).flat_map(|row| self.of(row, &weight)))
    }

    /// The squares are added exactly, and the quotient has factors that make it exact.
    fn row_form(&self, form: &mut RowForm<'_>) -> Result<Option<RowValue>, OpError> {
        let weight = form.constant(1).and_then(numbers);
        let (Some((x, range)), Some(weight)) = (form.whole_numbers(0), weight) else { return Ok(None) };
        let count = form.shape(x).last().copied().unwrap_or_default();
        let largest = range[0].abs().max(range[1].abs());
        let signed = form.result() == Reading::default() && self.levels == Wide::from(LEVELS);
        if !signed {
            return Ok(None);
        }
        if !is_exact(count, largest) {
            return form.refuse(format!("squares of {count} numbers of up to {largest} add up beyond 2^24"));
        }
        let quotient = Quotient {
            x: range,
            // The root of the largest mean square and 1 more.
            largest_deviation: largest + i32::from(largest == 0),
            divisor: self.divisor,
            weight: &weight,
            bias: &vec![0; count],
        };
        let squares = form.pair(RowOperation::RowDot, x, x)?;
        let deviation = deviation(form, squares, count)?;
        normalised(form, x, deviation, &quotient)
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let count = outputs.iter().map(|output| output.elements() as u64).sum::<u64>();
        Cost::multiplications(2 * count) + Cost::additions(count) + Cost::others(4 * count)
    }
}

/// iRMSNorm(x, weight; D, n_levels). A result of 8 bits is marked as such.
pub(crate) fn import(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    let levels = whole(node, "n_levels")?;
    let attributes = Attributes::new()
        .with("divisor", Attribute::Int(whole(node, "D")?))
        .with("levels", Attribute::Int(levels));
    let operands = [stored_input(context, node.input(0)?)?, node.input(1)?];
    let results = context.emit_all((DESCRIPTION.build)(&attributes)?, &operands)?;
    match (levels == LEVELS, results.as_slice()) {
        (true, &[y]) => Ok(vec![stored(context, y, Sign::Signed)?]),
        _ => Ok(results),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without the 1 a row of zeros would divide by zero, and a mean square of 8 would have the root 2.
    #[test]
    fn one_is_added_to_the_mean_square() {
        let norm = RmsNorm { divisor: 1, levels: 256 };
        assert_eq!(norm.of(&[0, 0], &[5, 5]), [0, 0]);
        // (16 + 0) / 2 + 1 = 9.
        assert_eq!(norm.of(&[4, 0], &[30, 30]), [40, 0]);
    }

    /// The root rounds down, the division by it to zero, that by `divisor` to minus infinity.
    #[test]
    fn each_division_rounds_its_own_way() {
        let norm = RmsNorm { divisor: 2, levels: 256 };
        // (25 + 9) / 2 + 1 = 18, of which the root is 4; 35 / 4 = 8, 8 // 2 = 4; -21 / 4 = -5, -5 // 2 = -3.
        assert_eq!(norm.of(&[5, -3], &[7, 7]), [4, -3]);
    }

    #[test]
    fn results_are_held_to_their_range() {
        let norm = RmsNorm { divisor: 1, levels: 256 };
        assert_eq!(norm.of(&[100, -100], &[1000, 1000]), [127, -128]);
    }
}
