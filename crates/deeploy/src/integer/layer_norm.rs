//! `iLayerNorm`: rows of integers less their mean, divided by their deviation.

use std::sync::Arc;

use ediacara_graph::ops::{Reading, RowOperation};
use ediacara_graph::{
    Attribute, AttributeReader, Attributes, Cost, Op, OpDescription, OpError, RowForm, RowValue, Tensor,
    TensorType, ValueId,
};
use ediacara_onnx::{Context, Node, NodeError};

use super::normal::{deviation, is_exact, mean, normalised, numbers};
use super::quotient::Quotient;
use crate::stored::{LEVELS, Sign, stored, stored_input};
use crate::support::{
    Wide, floor_div, integers, operands, positive, require_row, row_length, tensors, whole, write,
};

const NAME: &str = "i_layer_norm";

pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "A row of integers normalised: with c = x - sum(x) tdiv length and s = floor(sqrt(sum(c^2) tdiv length + \
        1)), y = ((c * weight) tdiv s + bias) // divisor.\n\
        Operands: x, weight[length] and bias[length], f32 of integers, length being the last dimension of x. Result: y \
        like x. Attribute: divisor, above 0.",
    build: |attributes| {
        let mut reader = AttributeReader::new(NAME, attributes);
        let divisor = positive(&mut reader, "divisor")?;
        reader.finish()?;
        Ok(Arc::new(LayerNorm { divisor }))
    },
};

/// `((c * weight) tdiv floor(sqrt(mean c^2 + 1)) + bias) // divisor` with `c = x - mean`; the last division rounds
/// down.
#[derive(Debug)]
pub(crate) struct LayerNorm {
    divisor: Wide,
}

impl LayerNorm {
    fn of(&self, row: &[Wide], weight: &[Wide], bias: &[Wide]) -> Vec<Wide> {
        let length = (row.len() as Wide).max(1);
        let mean = row.iter().sum::<Wide>() / length;
        let squares: Wide = row.iter().map(|x| (x - mean) * (x - mean)).sum();
        let deviation = (squares / length + 1).isqrt();
        let scaled = |((x, weight), bias): ((&Wide, &Wide), &Wide)| {
            floor_div((x - mean) * weight / deviation + bias, self.divisor)
        };
        row.iter().zip(weight).zip(bias).map(scaled).collect()
    }
}

impl Op for LayerNorm {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new().with("divisor", Attribute::Int(self.divisor as i64))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x, weight, bias] = operands(NAME, inputs)?;
        require_row(NAME, "weight", weight, x)?;
        require_row(NAME, "bias", bias, x)?;
        Ok(vec![x.clone()])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x, weight, bias] = tensors(NAME, inputs)?;
        let length = row_length(NAME, &TensorType::of(x))?;
        let values = integers(NAME, x)?;
        let (weight, bias) = (integers(NAME, weight)?, integers(NAME, bias)?);
        write(NAME, outputs, values.chunks_exact(length).flat_map(|row| self.of(row, &weight, &bias)))
    }

    /// As that of the norm by squares, of what is left when the mean is taken away.
    fn row_form(&self, form: &mut RowForm<'_>) -> Result<Option<RowValue>, OpError> {
        let [weight, bias] = [1, 2].map(|index| form.constant(index).and_then(numbers));
        let (Some((x, [low, high])), Some(weight), Some(bias)) = (form.whole_numbers(0), weight, bias) else {
            return Ok(None);
        };
        let count = form.shape(x).last().copied().unwrap_or_default();
        let width = high - low;
        if form.result() != Reading::default() {
            return Ok(None);
        }
        if !is_exact(count, (width + 1) / 2) {
            return form.refuse(format!("squares of {count} numbers of {width} steps add up beyond 2^24"));
        }
        let quotient = Quotient {
            x: [-width, width],
            // Squares of distances to a mean are at most (width / 2)^2 on average; rounding the mean adds less than 1.
            largest_deviation: (width + 1) / 2 + 1,
            divisor: self.divisor,
            weight: &weight,
            bias: &bias,
        };
        let sum = form.unary(RowOperation::RowSum, x)?;
        let mean = mean(form, sum, count, x.reading.zero)?;
        let centred = form.pair(RowOperation::Subtract, x, mean)?;
        let squares = form.pair(RowOperation::RowDot, centred, centred)?;
        let deviation = deviation(form, squares, count)?;
        normalised(form, centred, deviation, &quotient)
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let count = outputs.iter().map(|output| output.elements() as u64).sum::<u64>();
        Cost::multiplications(2 * count) + Cost::additions(4 * count) + Cost::others(2 * count)
    }
}

/// iLayerNorm(x, weight, bias; D, n_levels).
///
/// A result of 8 bits is marked as such, which holds it to its range. Deeploy's kernel has no such bounds and
/// would wrap.
pub(crate) fn import(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    let attributes = Attributes::new().with("divisor", Attribute::Int(whole(node, "D")?));
    let operands = [stored_input(context, node.input(0)?)?, node.input(1)?, node.input(2)?];
    let results = context.emit_all((DESCRIPTION.build)(&attributes)?, &operands)?;
    match (node.number("n_levels")? == Some(LEVELS as f64), results.as_slice()) {
        (true, &[y]) => Ok(vec![stored(context, y, Sign::Signed)?]),
        _ => Ok(results),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The mean of -7 and 2 is -2.5, which becomes -2, not -3.
    #[test]
    fn the_mean_rounds_to_zero() {
        let norm = LayerNorm { divisor: 1 };
        // c = -5, 4; (25 + 16) / 2 + 1 = 21, of which the root is 4; -5 * 10 / 4 = -12, 4 * 10 / 4 = 10.
        assert_eq!(norm.of(&[-7, 2], &[10, 10], &[0, 1]), [-12, 11]);
    }

    #[test]
    fn the_last_division_rounds_down() {
        let norm = LayerNorm { divisor: 4 };
        assert_eq!(norm.of(&[-7, 2], &[10, 10], &[0, 1]), [-3, 2]);
    }

    #[test]
    fn a_constant_row_has_a_deviation_of_one() {
        let norm = LayerNorm { divisor: 1 };
        assert_eq!(norm.of(&[3, 3], &[100, 100], &[-7, 300]), [-7, 300]);
    }
}
