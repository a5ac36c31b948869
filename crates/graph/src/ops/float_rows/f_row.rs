//! `f_row`: an operation on rows of real numbers.

use std::sync::Arc;

use ediacara_kernels::ordered::RowOperation;
use ediacara_tensor::Tensor;

use super::{Elements, Reading, Writing, reading, require_stored, with_types, write_rows, writing};
use crate::ops::support::{between, mismatch, operand_error, single_output};
use crate::{Attribute, AttributeReader, Attributes, Cost, Op, OpDescription, OpError, TensorType};

const NAME: &str = "f_row";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "An operation on rows of real numbers (rules N-FLOAT-* of docs/numerics.md); the last axis is a row.\n\
        Operands: a (i8, f16, bf16, f32); b, where the operation has a second operand and it is no constant: of the same \
        types, each axis as long as that of a or 1, axes missing on the left. Result: of a's shape, or with \
        a last axis of 1 where the operation reduces rows.\n\
        Attributes: operation: copy, add, subtract, multiply, maximum, minimum, equal, not_equal, less, less_equal, \
        greater, greater_equal, exp2 (of a - b), log2, reciprocal, reciprocal_root, root, row_sum, row_dot, row_maximum; \
        constant: b, if there is no operand; a_scale, a_zero, b_scale, b_zero: what an i8 stands for; type, \
        inverse_scale, zero, low, high: how the result is stored.",
    build,
};

/// An operation on rows of real numbers: one float instruction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FRow {
    /// Which.
    pub operation: RowOperation,
    /// What stands for b if there is no operand.
    pub constant: f32,
    /// What the i8s of a stand for.
    pub a: Reading,
    /// What the i8s of b stand for.
    pub b: Reading,
    /// How the result is stored.
    pub result: Writing,
}

impl FRow {
    /// Of f32 to f32.
    pub fn new(operation: RowOperation) -> FRow {
        FRow {
            operation,
            constant: 0.0,
            a: Reading::default(),
            b: Reading::default(),
            result: Writing::default(),
        }
    }
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let name = reader.text("operation")?;
    let operation = RowOperation::from_name(name)
        .ok_or_else(|| reader.error("operation", format!("there is no operation `{name}` on rows")))?;
    let op = FRow {
        operation,
        constant: reader.float("constant")? as f32,
        a: reading(&mut reader, "a_scale", "a_zero")?,
        b: reading(&mut reader, "b_scale", "b_zero")?,
        result: writing(&mut reader)?,
    };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl Op for FRow {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        let attributes = Attributes::new()
            .with("operation", Attribute::word(self.operation.name()))
            .with("constant", Attribute::Float(self.constant.into()));
        with_types(attributes, &[("a", self.a), ("b", self.b)], self.result)
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        between(NAME, 1, 1 + usize::from(self.operation.is_pair()), inputs.len())?;
        let a = inputs[0];
        require_stored(NAME, "a", a)?;
        if a.rank() == 0 {
            return Err(operand_error(NAME, "a", a, "must have an axis"));
        }
        if let Some(b) = inputs.get(1) {
            require_stored(NAME, "b", b)?;
            let fits = b.rank() <= a.rank()
                && b.shape
                    .iter()
                    .rev()
                    .zip(a.shape.iter().rev())
                    .all(|(&own, &of_a)| own == of_a || own == 1);
            if !fits {
                return Err(mismatch(
                    NAME,
                    ("a", a),
                    ("b", b),
                    "each axis of b must be as long as that of a, or 1",
                ));
            }
        }
        let mut shape = a.shape.clone();
        if let Some(last) = shape.last_mut().filter(|_| self.operation.reduces()) {
            *last = 1;
        }
        Ok(vec![TensorType { dtype: self.result.dtype, shape }])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let output = single_output(NAME, outputs)?;
        let shape = inputs[0].shape();
        let length = shape.last().copied().unwrap_or_default();
        if inputs[0].is_empty() {
            return match self.operation.reduces() {
                true => {
                    Err(OpError::Other { op: NAME.to_owned(), problem: "a row has no element".to_owned() })
                }
                false => Ok(()),
            };
        }
        let a = inputs[0].to_contiguous();
        let a = Elements::of(NAME, &a, self.a)?;
        let b = inputs.get(1).map(|b| b.to_contiguous());
        let b = match &b {
            Some(b) => Some((Elements::of(NAME, b, self.b)?, Rows::new(b.shape(), shape))),
            None => None,
        };
        let result = if self.operation.reduces() { 1 } else { length };
        let scratch = || (vec![0.0; length], vec![self.constant; length]);
        write_rows(NAME, &self.result, result, output, scratch, |index, (a_row, b_row), out| {
            a.read(index * length, a_row);
            if let Some((elements, rows)) = &b {
                rows.read(elements, index, b_row);
            }
            self.operation.compute(a_row, b_row, out);
        })
    }

    fn cost(&self, inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        let elements = inputs[0].elements() as u64;
        match self.operation {
            RowOperation::Copy => Cost::others(0),
            RowOperation::Add | RowOperation::Subtract | RowOperation::RowSum => Cost::additions(elements),
            RowOperation::Multiply => Cost::multiplications(elements),
            RowOperation::RowDot => Cost::additions(elements) + Cost::multiplications(elements),
            _ => Cost::others(elements),
        }
    }
}

/// Which row of b goes with each row of a.
struct Rows {
    /// By axis before the last, outermost first: its length in a, and b's rows from one index to the next.
    axes: Vec<(usize, usize)>,
    /// Elements of a row of b: one, or as many as a's.
    length: usize,
}

impl Rows {
    fn new(b: &[usize], a: &[usize]) -> Rows {
        let (outer, missing) = (a.len() - 1, a.len() - b.len().min(a.len()));
        let mut step = 1;
        let mut axes = vec![(1, 0); outer];
        for axis in (0..outer).rev() {
            let own = if axis < missing { 1 } else { b[axis - missing] };
            axes[axis] = (a[axis], if own == 1 { 0 } else { step });
            step *= own;
        }
        Rows { axes, length: b.last().copied().unwrap_or(1) }
    }

    fn read(&self, elements: &Elements<'_>, index: usize, out: &mut [f32]) {
        let (mut rest, mut row) = (index, 0);
        for &(length, step) in self.axes.iter().rev() {
            row += rest % length * step;
            rest /= length;
        }
        elements.read(row * self.length, &mut out[..self.length]);
        let first = out[0];
        out[self.length..].fill(first);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops where it fails")]
mod tests {
    use ediacara_tensor::DType;

    use super::*;

    fn run(op: FRow, inputs: &[&Tensor]) -> Tensor {
        let types: Vec<TensorType> =
            inputs.iter().map(|t| TensorType { dtype: t.dtype(), shape: t.shape().to_vec() }).collect();
        let ty = op.infer(&types.iter().collect::<Vec<_>>()).unwrap().remove(0);
        let mut outputs = [Tensor::zeros(ty.dtype, &ty.shape).unwrap()];
        op.run(inputs, &mut outputs).unwrap();
        let [output] = outputs;
        output
    }

    #[test]
    fn b_is_repeated_along_axes_of_one() {
        let a = Tensor::from_vec(&[2, 2, 2], (0..8).map(|v| v as f32).collect()).unwrap();
        let b = Tensor::from_vec(&[2, 1], vec![10.0_f32, 20.0]).unwrap();
        let sum = run(FRow::new(RowOperation::Add), &[&a, &b]);
        assert_eq!(sum.to_vec::<f32>().unwrap(), [10.0, 11.0, 22.0, 23.0, 14.0, 15.0, 26.0, 27.0]);
        let row = Tensor::from_vec(&[2], vec![1.0_f32, -1.0]).unwrap();
        let product = run(FRow::new(RowOperation::Multiply), &[&a, &row]);
        assert_eq!(product.to_vec::<f32>().unwrap(), [0.0, -1.0, 2.0, -3.0, 4.0, -5.0, 6.0, -7.0]);
    }

    #[test]
    fn bytes_are_scaled_on_the_way_in_and_out() {
        let a = Tensor::from_vec(&[1, 3], vec![3_i8, -1, 127]).unwrap();
        let op = FRow {
            a: Reading { scale: 0.5, zero: -1 },
            constant: 2.0,
            result: Writing::quantised(0.25, 10),
            ..FRow::new(RowOperation::Multiply)
        };
        // ((3 + 1) * 0.5) * 2 = 4, 0, 128; in quarters 16, 0, 512, about 10.
        assert_eq!(run(op, &[&a]).to_vec::<i8>().unwrap(), [26, 10, 127]);
    }

    #[test]
    fn a_reduction_leaves_one_number_a_row() {
        let a = Tensor::from_vec(&[2, 3], vec![1.0_f32, 2.0, 3.0, -4.0, -5.0, -6.0]).unwrap();
        let sum = run(FRow::new(RowOperation::RowSum), &[&a]);
        assert_eq!((sum.shape(), sum.to_vec::<f32>().unwrap()), (&[2, 1][..], vec![6.0, -15.0]));
        let half = FRow {
            result: Writing { dtype: DType::F16, ..Writing::default() },
            ..FRow::new(RowOperation::RowMaximum)
        };
        assert_eq!(run(half, &[&a]).to_vec::<half::f16>().unwrap().map_f32(), [3.0, -4.0]);
    }

    trait MapF32 {
        fn map_f32(&self) -> Vec<f32>;
    }

    impl MapF32 for Vec<half::f16> {
        fn map_f32(&self) -> Vec<f32> {
            self.iter().map(|value| value.to_f32()).collect()
        }
    }
}
