//! `f_matmul`: the matrix product of real numbers, in the order of the matrix engine.

use std::sync::Arc;

use ediacara_tensor::Tensor;

use super::products::{Epilogue, Reduction, lanes, numbers, packed, products, require_products};
use super::{Writing, with_writing, writing};
use crate::ops::support::{mismatch, operands, require_rank, tensors};
use crate::{Attribute, AttributeReader, Attributes, Cost, Op, OpDescription, OpError, TensorType};

const NAME: &str = "f_matmul";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The product of a matrix with the transposition of another, as `float_dot` computes it (rules N-FLOAT-DOT \
        and N-FLOAT-READ of docs/numerics.md). A sum is multiplied by its scale, and then its bias is added.\n\
        Operands: x[M,K] and w[O,K] of one type: f16, bf16 or f32, bias f32[O], scale f32[O]. Result: y[M,O].\n\
        Attributes: lanes: products of a beat, a power of two to 128 (the machine's matrix.rows / bytes of an element); type, \
        inverse_scale, zero, low, high: how the result is stored.",
    build,
};

/// The product `x[M,K]` times `w[O,K]` transposed, with bias and scale `[O]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FMatMul {
    /// Products of a beat (`L` of N-FLOAT-DOT), a power of two from 1 to 128.
    pub lanes: usize,
    /// How the result is stored.
    pub result: Writing,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = FMatMul { lanes: lanes(&mut reader)?, result: writing(&mut reader)? };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl Op for FMatMul {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        with_writing(Attributes::new().with("lanes", Attribute::Int(self.lanes as i64)), self.result)
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x, w, bias, scale] = operands(NAME, inputs)?;
        require_rank(NAME, "x", x, 2, "[M,K]")?;
        require_rank(NAME, "w", w, 2, "[O,K]")?;
        require_products(NAME, self.lanes, [x, w], [bias, scale])?;
        if x.shape[1] != w.shape[1] {
            return Err(mismatch(NAME, ("x", x), ("w", w), "x[M,K] and w[O,K] must have one K"));
        }
        Ok(vec![TensorType { dtype: self.result.dtype, shape: vec![x.shape[0], w.shape[0]] }])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x, w, bias, scale] = tensors(NAME, inputs)?;
        let (rows, terms) = (x.shape()[0], x.shape()[1]);
        let (x, w) = (numbers(NAME, x)?, numbers(NAME, w)?);
        let reduction = Reduction { lanes: self.lanes, stretch: terms, stretches: 1 };
        let weights = packed(NAME, &reduction, (&w, 1))?;
        let gather = |row: usize, _: usize, window: &mut [f32]| {
            window[..terms].copy_from_slice(&x[row * terms..][..terms]);
        };
        let epilogue = Epilogue { bias, scale, result: &self.result };
        products(NAME, &reduction, &weights, rows, gather, &epilogue, outputs)
    }

    fn cost(&self, inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        super::dot_cost(outputs[0], inputs[1].shape[1])
    }
}
