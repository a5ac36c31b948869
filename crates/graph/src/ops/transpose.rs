//! `transpose`: a permutation of the axes.

use std::sync::Arc;

use ediacara_tensor::Tensor;

use super::support::{copy_into, operand_error, operands, single_output, tensor_error, tensors};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, TensorType,
};

const NAME: &str = "transpose";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The axes in another order: axis i of y is axis permutation[i] of x.\n\
        Operand: x of any type. Result: y.\n\
        Attributes: permutation, each axis of x once.",
    build,
};

/// The axes in another order: axis `i` of the result is axis `permutation[i]` of x.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transpose {
    /// Each axis of x once.
    pub permutation: Vec<usize>,
}

impl Transpose {
    /// From NCHW to NHWC.
    pub fn to_nhwc() -> Transpose {
        Transpose { permutation: vec![0, 2, 3, 1] }
    }

    /// From NHWC to NCHW.
    pub fn to_nchw() -> Transpose {
        Transpose { permutation: vec![0, 3, 1, 2] }
    }
}

/// The permutation that undoes another.
pub(crate) fn inverse(permutation: &[usize]) -> Vec<usize> {
    let mut inverse = vec![0; permutation.len()];
    permutation.iter().enumerate().for_each(|(to, &from)| inverse[from] = to);
    inverse
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = Transpose { permutation: reader.sizes("permutation")? };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl Op for Transpose {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new().with("permutation", Attribute::sizes(&self.permutation))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(NAME, inputs)?;
        let mut sorted = self.permutation.clone();
        sorted.sort_unstable();
        if !sorted.into_iter().eq(0..x.rank()) {
            let problem = format!("{:?} must name each of its {} axes once", self.permutation, x.rank());
            return Err(operand_error(NAME, "x", x, problem));
        }
        let shape: Vec<usize> = self.permutation.iter().map(|&axis| x.shape[axis]).collect();
        Ok(vec![TensorType { dtype: x.dtype, shape }])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        let view = x.transpose(&self.permutation).map_err(tensor_error(NAME))?;
        copy_into(NAME, &view, single_output(NAME, outputs)?)
    }

    fn view(&self, input: &Tensor) -> Option<Tensor> {
        input.transpose(&self.permutation).ok()
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let gradient = context.output_gradient(0)?;
        Ok(vec![Some(context.transpose(gradient, &inverse(&self.permutation))?)])
    }

    fn cost(&self, _inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::NONE
    }
}
