//! `RequantShift`: a sum of products brought back to few bits.

use std::sync::Arc;

use ediacara_graph::{
    Attribute, AttributeReader, Attributes, Cost, Op, OpDescription, OpError, Rescaling, Tensor, TensorType,
    ValueId,
};
use ediacara_onnx::{Context, Node, NodeError};

use crate::stored::{LEVELS, Sign, stored, stored_input};
use crate::support::{
    Wide, floor_div, integers, operand_error, operands, positive, tensor_error, tensors, whole, write,
};

const NAME: &str = "requant_shift";

pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "clamp((x * mul + add + div / 2) // div): half is rounded up.\n\
        Operands: x, mul and add, f32 of integers; mul and add broadcast to the shape of x. Result: y like x.\n\
        Attributes: div, above 0; levels, above 0: how many numbers the result takes; signed: whether they are -levels/2 \
        to levels/2 - 1, or 0 to levels - 1.",
    build: |attributes| {
        let mut reader = AttributeReader::new(NAME, attributes);
        let div = positive(&mut reader, "div")?;
        let (levels, signed) = (positive(&mut reader, "levels")?, reader.bool("signed")?);
        reader.finish()?;
        Ok(Arc::new(RequantShift { div, levels, signed }))
    },
};

/// `clamp((x * mul + add + div / 2) // div)`.
#[derive(Debug)]
pub(crate) struct RequantShift {
    div: Wide,
    levels: Wide,
    signed: bool,
}

impl RequantShift {
    /// The smallest and the largest result.
    fn bounds(&self) -> [Wide; 2] {
        match self.signed {
            true => [-(self.levels / 2), self.levels / 2 - 1],
            false => [0, self.levels - 1],
        }
    }

    fn of(&self, x: Wide, mul: Wide, add: Wide) -> Wide {
        let [low, high] = self.bounds();
        floor_div(x * mul + add + self.div / 2, self.div).max(low).min(high)
    }
}

impl Op for RequantShift {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("div", Attribute::Int(self.div as i64))
            .with("levels", Attribute::Int(self.levels as i64))
            .with("signed", Attribute::Bool(self.signed))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x, mul, add] = operands(NAME, inputs)?;
        for (name, operand) in [("mul", mul), ("add", add)] {
            let aligned = operand.shape.iter().rev().zip(x.shape.iter().rev());
            let fits =
                operand.rank() <= x.rank() && aligned.into_iter().all(|(own, x)| *own == 1 || own == x);
            // One number fits a scalar as well.
            if !fits && operand.elements() != 1 {
                return Err(operand_error(NAME, name, operand, "must broadcast to the shape of x"));
            }
        }
        Ok(vec![x.clone()])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x, mul, add] = tensors(NAME, inputs)?;
        let spread = |operand: &Tensor| {
            let operand = match operand.len() {
                1 => operand.reshape(&[]).map_err(tensor_error(NAME))?,
                _ => operand.clone(),
            };
            integers(NAME, &operand.broadcast_to(x.shape()).map_err(tensor_error(NAME))?)
        };
        let (mul, add) = (spread(mul)?, spread(add)?);
        let values = integers(NAME, x)?.into_iter().zip(mul).zip(add);
        write(NAME, outputs, values.map(|((x, mul), add)| self.of(x, mul, add)))
    }

    /// Behind a stored value it is a table on the DLP.
    fn is_elementwise(&self) -> bool {
        true
    }

    /// Behind a product it is the product's own way to 8 bits (N-REQUANTISE), which rounds half up as well.
    fn rescaling(&self, operands: &[Option<&Tensor>]) -> Option<Rescaling> {
        let &[_, Some(mul), Some(add)] = operands else { return None };
        let numbers = |operand: &Tensor| {
            // One number, or one for each channel of an image.
            let &[.., channels, 1, 1] = operand.shape() else {
                return operand.to_vec::<f32>().ok().filter(|numbers| numbers.len() == 1);
            };
            operand.to_vec::<f32>().ok().filter(|numbers| numbers.len() == channels)
        };
        let (mul, add) = (numbers(mul)?, numbers(add)?);
        let count = mul.len().max(add.len());
        let spread = |numbers: &[f32]| match numbers {
            &[one] => Some(vec![one; count]),
            all => (all.len() == count).then(|| all.to_vec()),
        };
        let shares =
            |numbers: Vec<f32>| numbers.into_iter().map(|one| f64::from(one) / self.div as f64).collect();
        let (factors, offsets): (Vec<f64>, Vec<f64>) = (shares(spread(&mul)?), shares(spread(&add)?));
        let [low, high] = self.bounds().map(|bound| bound as f32);
        Some(Rescaling { factors, offsets, low, high }).filter(Rescaling::is_valid)
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let count = outputs.iter().map(|output| output.elements() as u64).sum::<u64>();
        Cost::multiplications(count) + Cost::additions(2 * count) + Cost::others(3 * count)
    }
}

/// RequantShift(x, mul, add; div, n_levels_out or n_levels, signed).
///
/// A result of 8 bits is marked as such. Where nothing is multiplied or added, the mark is all there is.
pub(crate) fn import(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    let (x, mul, add) = (stored_input(context, node.input(0)?)?, node.input(1)?, node.input(2)?);
    let levels = if node.numbers("n_levels_out")?.is_some() { "n_levels_out" } else { "n_levels" };
    let (div, levels, signed) = (whole(node, "div")?, whole(node, levels)?, whole(node, "signed")? != 0);
    let only = |number: f64, value: ValueId, context: &Context<'_>| {
        let known = context.known(value).and_then(|tensor| tensor.to_vec::<f32>().ok());
        known.is_some_and(|numbers| numbers.iter().all(|&one| f64::from(one) == number))
    };
    let unchanged = levels == LEVELS && only(div as f64, mul, context) && only(0.0, add, context);
    let y = if unchanged {
        x
    } else {
        let attributes = Attributes::new()
            .with("div", Attribute::Int(div))
            .with("levels", Attribute::Int(levels))
            .with("signed", Attribute::Bool(signed));
        let results = context.emit_all((DESCRIPTION.build)(&attributes)?, &[x, mul, add])?;
        results.first().copied().unwrap_or(x)
    };
    let sign = if signed { Sign::Signed } else { Sign::Unsigned };
    Ok(vec![if levels == LEVELS { stored(context, y, sign)? } else { y }])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(div: Wide, signed: bool, [x, mul, add]: [Wide; 3]) -> Wide {
        RequantShift { div, levels: 256, signed }.of(x, mul, add)
    }

    /// Half goes up on both sides of zero; away from zero would give -3 and -2.
    #[test]
    fn half_is_rounded_up() {
        assert_eq!(of(4, true, [-10, 1, 0]), -2);
        assert_eq!(of(4, true, [-6, 1, 0]), -1);
        assert_eq!(of(4, true, [6, 1, 0]), 2);
        assert_eq!(of(4, true, [5, 1, 0]), 1);
        assert_eq!(of(4, true, [-5, 1, 0]), -1);
    }

    /// With div = 1 nothing is added.
    #[test]
    fn nothing_is_added_where_nothing_is_divided() {
        assert_eq!(of(1, true, [-7, 3, 1]), -20);
    }

    #[test]
    fn results_are_held_to_their_range() {
        assert_eq!(of(1, true, [200, 1, 0]), 127);
        assert_eq!(of(1, true, [-200, 1, 0]), -128);
        assert_eq!(of(1, false, [300, 1, 0]), 255);
        assert_eq!(of(1, false, [-1, 1, 0]), 0);
    }

    /// 4097^2 is odd and beyond 2^24, so that f32 would round it down to an even number: 64 would come out.
    #[test]
    fn products_are_exact() {
        assert_eq!(of(2, true, [4097, 4097, -16_785_280]), 65);
    }
}
