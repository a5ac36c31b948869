//! `iSoftmax`: a softmax of integers with a polynomial for the exponential.

use std::sync::Arc;

use ediacara_graph::ops::{Comparison, RowOperation as R, Writing};
use ediacara_graph::{
    Attribute, AttributeReader, Attributes, Cost, Op, OpDescription, OpError, RowForm, RowValue, Tensor,
    TensorType, ValueId,
};
use ediacara_onnx::{Context, Node, NodeError};

use super::normal::{EXACT, LONGEST_ROW, signed, unsigned};
use crate::stored::{LEVELS, Sign, stored, stored_input};
use crate::support::{
    Wide, floor_div, integer, integers, operands, positive, row_length, tensors, whole, write,
};

const NAME: &str = "i_softmax";

/// The largest exponent of 2 that an exponential is divided by.
const MOST_HALVINGS: Wide = 31;

pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "I-BERT's softmax of integers along the last axis: with d = x - max x, z = clamp(-d tdiv log2, 0, 31), \
        p = d + z * log2 and e = (a * (p + b)^2 + c) >> z, y = (e * (levels - 1)) // sum(e).\n\
        Operand: x, f32 of integers. Result: y like x. Attributes: a, b, c; log2 and levels, above 0.",
    build: |attributes| {
        let mut reader = AttributeReader::new(NAME, attributes);
        let [a, b, c] = ["a", "b", "c"].map(|name| integer(&mut reader, name));
        let op = Softmax {
            polynomial: [a?, b?, c?],
            log2: positive(&mut reader, "log2")?,
            levels: positive(&mut reader, "levels")?,
        };
        reader.finish()?;
        Ok(Arc::new(op))
    },
};

/// `(e * (levels - 1)) // sum(e)`, where `e` stands for the exponential of `x - max x`.
///
/// Source: Kim et al., I-BERT: Integer-only BERT Quantization, 2021, algorithm 3.
#[derive(Debug)]
pub(crate) struct Softmax {
    /// `a`, `b` and `c` of `a * (p + b)^2 + c`.
    polynomial: [Wide; 3],
    log2: Wide,
    levels: Wide,
}

impl Softmax {
    /// What stands for the exponential of a number that is at most 0.
    fn exponential(&self, below: Wide) -> Wide {
        let [a, b, c] = self.polynomial;
        let halvings = (-below / self.log2).min(MOST_HALVINGS);
        let rest = below + halvings * self.log2 + b;
        (a * rest * rest + c) >> halvings
    }

    fn of(&self, row: &[Wide]) -> Result<Vec<Wide>, OpError> {
        let largest = row.iter().copied().max().unwrap_or(0);
        let exponentials: Vec<Wide> = row.iter().map(|x| self.exponential(x - largest)).collect();
        let sum: Wide = exponentials.iter().sum();
        if sum <= 0 {
            let problem = format!("the coefficients make a sum of {sum} of a row, which has to be above 0");
            return Err(OpError::Value { op: NAME, operand: "x".to_owned(), problem });
        }
        // Only coefficients that make no exponential come near the bounds.
        let share = |one: Wide| floor_div(one.saturating_mul(self.levels - 1), sum);
        Ok(exponentials.into_iter().map(share).collect())
    }
}

/// The exponentials of all differences to the largest of a row of 8 bits, the smallest first, if they are of 16 bits, and that of 0 is above 0.
fn exponentials(softmax: &Softmax) -> Option<Vec<u16>> {
    let all: Option<Vec<u16>> = (-255..=0).map(|below| softmax.exponential(below).try_into().ok()).collect();
    all.filter(|all| all.last().is_some_and(|&largest| largest > 0))
}

/// What two tables of bytes give for a difference to the largest, which is stored with 127 for 0.
fn look_up(form: &mut RowForm<'_>, below: RowValue, numbers: &[u16]) -> Result<RowValue, OpError> {
    let byte = |shift: u32| {
        let mut table = [0; 256];
        for (entry, number) in table.iter_mut().zip(numbers) {
            // N-STORE: unsigned numbers are 128 less.
            *entry = ((number >> shift) as u8 ^ 0x80) as i8;
        }
        table
    };
    let low = form.look_up(below, byte(0), i8::MIN)?;
    if numbers.iter().all(|&number| number < 256) {
        return Ok(low);
    }
    let mut high = form.look_up(below, byte(8), i8::MIN)?;
    high.reading.scale = 256.0;
    form.pair(R::Add, high, low)
}

impl Op for Softmax {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        let [a, b, c] = self.polynomial.map(|number| Attribute::Int(number as i64));
        Attributes::new()
            .with("a", a)
            .with("b", b)
            .with("c", c)
            .with("log2", Attribute::Int(self.log2 as i64))
            .with("levels", Attribute::Int(self.levels as i64))
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
        let rows: Result<Vec<Vec<Wide>>, OpError> =
            values.chunks_exact(length).map(|row| self.of(row)).collect();
        write(NAME, outputs, rows?.into_iter().flatten())
    }

    /// An exponential is two bytes that the difference to the largest looks up; its share is a quotient of integers below 2^24.
    fn row_form(&self, form: &mut RowForm<'_>) -> Result<Option<RowValue>, OpError> {
        let Some((x, _)) = form.whole_numbers(0) else { return Ok(None) };
        let Some(numbers) = exponentials(self) else {
            return form.refuse("its coefficients make exponentials beyond 16 bits");
        };
        let length = form.shape(x).last().copied().unwrap_or_default();
        let largest = i64::from(numbers.iter().copied().max().unwrap_or_default());
        let most = self.levels - 1;
        let is_unsigned = form.result() == RowValue::stored_as(unsigned()) && most < Wide::from(LEVELS);
        // Sums, and products of a share that is one too large with them.
        let is_exact = length <= LONGEST_ROW && largest * (length as i64 + most as i64) <= EXACT;
        if !is_unsigned {
            return Ok(None);
        }
        if !is_exact {
            return form.refuse(format!("exponentials of {length} numbers add up beyond 2^24"));
        }
        let top = form.unary(R::RowMaximum, x)?;
        let below = form.store_pair(R::Subtract, x, top, Writing { zero: i8::MAX, ..signed() })?;
        let powers = look_up(form, below, &numbers)?;
        let sum = form.unary(R::RowSum, powers)?;
        let share = form.unary(R::Reciprocal, sum)?;
        let share = form.pair(R::Multiply, share, most as f32)?;
        // The nearest integer is the quotient rounded down, or one more: its product with the sum is too large then.
        let near = form.store_pair(R::Multiply, powers, share, unsigned())?;
        let product = form.pair(R::Multiply, near, sum)?;
        let whole = form.pair(R::Multiply, powers, most as f32)?;
        let over = form.pair(R::Compare(Comparison::Less), whole, product)?;
        form.store_pair(R::Subtract, near, over, unsigned()).map(Some)
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let count = outputs.iter().map(|output| output.elements() as u64).sum::<u64>();
        Cost::multiplications(4 * count) + Cost::additions(5 * count) + Cost::others(5 * count)
    }
}

/// iSoftmax(x; coeffA, coeffB, coeffC, log2, n_levels). A result of 8 bits is marked as such.
pub(crate) fn import(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    let levels = whole(node, "n_levels")?;
    let attributes = Attributes::new()
        .with("a", Attribute::Int(whole(node, "coeffA")?))
        .with("b", Attribute::Int(whole(node, "coeffB")?))
        .with("c", Attribute::Int(whole(node, "coeffC")?))
        .with("log2", Attribute::Int(whole(node, "log2")?))
        .with("levels", Attribute::Int(levels));
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
    fn the_largest_of_two_takes_its_share() {
        let softmax = Softmax { polynomial: [1, 86, 3888], log2: 64, levels: 256 };
        // e = 86^2 + 3888 = 11284 and, for d = -70: z = 1, p = -6, (80^2 + 3888) >> 1 = 5144. Of 16428 that is
        // 11284 * 255 // 16428 = 175 and 5144 * 255 // 16428 = 79: both are rounded down.
        assert_eq!(softmax.of(&[10, -60]).unwrap(), [175, 79]);
        assert_eq!(softmax.of(&[3]).unwrap(), [255]);
    }

    /// Beyond 31 halvings the argument of the polynomial grows, as in Deeploy's kernel, but is shifted away.
    #[test]
    fn halvings_are_limited() {
        let softmax = Softmax { polynomial: [1, 86, 3888], log2: 64, levels: 256 };
        assert_eq!(softmax.of(&[0, -64 * 40]).unwrap(), [255, 0]);
    }

    #[test]
    fn a_sum_of_zero_is_refused() {
        let softmax = Softmax { polynomial: [0, 0, 0], log2: 1, levels: 256 };
        assert!(softmax.of(&[1, 2]).is_err());
    }
}
