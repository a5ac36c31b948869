//! `f_scale`: a factor and an addend for each element of a row.

use std::sync::Arc;

use ediacara_kernels::ordered::{canonical, scale_row};
use ediacara_tensor::{DType, Tensor};

use super::{Elements, Reading, Writing, reading, require_stored, with_types, write_rows, writing};
use crate::ops::support::{
    operand_error, operands, require_dtype, require_shape, single_output, tensor_error, tensors,
};
use crate::{AttributeReader, Attributes, Cost, Op, OpDescription, OpError, TensorType};

const NAME: &str = "f_scale";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "a * scale + bias, element by element of a row, which round one after the other (rule \
        N-FLOAT-SCALE of docs/numerics.md); the last axis is a row.\n\
        Operands: a (i8, f16, bf16, f32), bias f32[L], scale f32[L], where L is the length of a row. Result: of a's shape.\n\
        Attributes: a_scale, a_zero: what an i8 stands for; type, inverse_scale, zero, low, high: how the result is \
        stored.",
    build,
};

/// `a * scale + bias`: the float instruction that reads records.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FScale {
    /// What the i8s of a stand for.
    pub a: Reading,
    /// How the result is stored.
    pub result: Writing,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = FScale { a: reading(&mut reader, "a_scale", "a_zero")?, result: writing(&mut reader)? };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl Op for FScale {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        with_types(Attributes::new(), &[("a", self.a)], self.result)
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [a, bias, scale] = operands(NAME, inputs)?;
        require_stored(NAME, "a", a)?;
        let Some(&length) = a.shape.last() else {
            return Err(operand_error(NAME, "a", a, "must have an axis"));
        };
        for (name, ty) in [("bias", bias), ("scale", scale)] {
            require_dtype(NAME, name, ty, DType::F32)?;
            require_shape(NAME, name, ty, &[length], "one entry for each element of a row")?;
        }
        Ok(vec![TensorType { dtype: self.result.dtype, shape: a.shape.clone() }])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [a, bias, scale] = tensors(NAME, inputs)?;
        let length = bias.len();
        if a.is_empty() {
            return Ok(());
        }
        let [a, bias, scale] = [a, bias, scale].map(Tensor::to_contiguous);
        let a = Elements::of(NAME, &a, self.a)?;
        let numbers = |tensor: &Tensor| -> Result<Vec<f32>, OpError> {
            let values = tensor.as_slice::<f32>().map_err(tensor_error(NAME))?;
            Ok(values.iter().map(|&value| canonical(value)).collect())
        };
        let (bias, scale) = (numbers(&bias)?, numbers(&scale)?);
        let (output, scratch) = (single_output(NAME, outputs)?, || vec![0.0; length]);
        write_rows(NAME, &self.result, length, output, scratch, |index, row, out| {
            a.read(index * length, row);
            scale_row(row, bias.iter().copied().zip(scale.iter().copied()), out);
        })
    }

    fn cost(&self, inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        let elements = inputs[0].elements() as u64;
        Cost::additions(elements) + Cost::multiplications(elements)
    }
}
