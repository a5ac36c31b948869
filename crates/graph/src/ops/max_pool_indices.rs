//! `max_pool_indices`: where a max pool finds its maxima.

use std::sync::Arc;

use ediacara_kernels::float::max_pool2d_indices;
use ediacara_tensor::{DType, Tensor};

use super::support::{
    operand_error, operands, read_float, require_float, single_output, tensor_error, tensors, with_float,
};
use super::window::read_positive;
use super::{Pool, PoolKind};
use crate::{Attribute, AttributeReader, Attributes, Cost, Op, OpDescription, OpError, TensorType};

const NAME: &str = "max_pool_indices";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "Where each window of a max pool finds its largest element, as an index into the plane H * W: \
        the first of equal ones. A window wholly in the padding gives 0.\n\
        Operand: x[N,C,H,W] of a floating-point type, the plane not empty. Result: y[N,C,OH,OW] (i32).\n\
        Attributes: kernel, stride, dilation [h,w] at least 1; padding [top,left,bottom,right]; output [OH,OW], \
        as of pool.",
    build,
};

/// Where each window of a max pool of `x[N,C,H,W]` finds its largest element: `[N,C,OH,OW]` of i32, indices
/// into the plane.
#[derive(Debug, Clone, PartialEq)]
pub struct MaxPoolIndices {
    /// The pool; its kind and divisor say nothing here.
    pub pool: Pool,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let pool = Pool {
        kind: PoolKind::Max,
        kernel: read_positive(&mut reader, "kernel")?,
        stride: read_positive(&mut reader, "stride")?,
        padding: reader.sizes_of("padding")?,
        dilation: read_positive(&mut reader, "dilation")?,
        output: read_positive(&mut reader, "output")?,
        count_include_pad: false,
    };
    reader.finish()?;
    Ok(Arc::new(MaxPoolIndices { pool }))
}

impl Op for MaxPoolIndices {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        let pool = &self.pool;
        Attributes::new()
            .with("kernel", Attribute::sizes(&pool.kernel))
            .with("stride", Attribute::sizes(&pool.stride))
            .with("padding", Attribute::sizes(&pool.padding))
            .with("dilation", Attribute::sizes(&pool.dilation))
            .with("output", Attribute::sizes(&pool.output))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(NAME, inputs)?;
        require_float(NAME, "x", x)?;
        let output = self.pool.infer(inputs)?;
        if x.shape[2..].contains(&0) {
            return Err(operand_error(NAME, "x", x, "a plane must not be empty"));
        }
        Ok(output.into_iter().map(|ty| TensorType::new(DType::I32, &ty.shape)).collect())
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        let indices = single_output(NAME, outputs)?.as_mut_slice::<i32>().map_err(tensor_error(NAME))?;
        let shape = self.pool.shape(x.shape());
        with_float!(x.dtype(), T => {
            let x = read_float::<T>(NAME, x)?;
            max_pool2d_indices(&shape, &x, indices).map_err(|source| OpError::Kernel { op: NAME, source })
        })
    }

    fn cost(&self, inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        self.pool.cost(inputs, outputs)
    }
}
