//! `lrn`: local response normalisation across channels.

use std::sync::Arc;

use ediacara_tensor::Tensor;

use rayon::prelude::*;

use super::support::{operand_error, operands, read_f32, require_float, single_output, tensors, write_f32};
use crate::{Attribute, AttributeReader, Attributes, Cost, Op, OpDescription, OpError, TensorType};

const NAME: &str = "lrn";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "y = x / (bias + alpha / size * s)^beta, s the sum of the squares of x over `size` \
        neighbouring channels: from \\n\
        c - floor((size - 1) / 2) to c + ceil((size - 1) / 2), as far as there are channels.\n\
        Operand: x[N,C,..] of type f32, f16 or bf16. Result: y like x.\n\
        Attributes: size at least 1; alpha, beta, bias (floats).",
    build,
};

/// Local response normalisation across channels of `x[N,C,..]`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lrn {
    /// Channels summed over, at least 1.
    pub size: usize,
    /// Factor of the mean of squares.
    pub alpha: f64,
    /// Exponent.
    pub beta: f64,
    /// Added before the power.
    pub bias: f64,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = Lrn {
        size: reader.int_as("size")?,
        alpha: reader.float("alpha")?,
        beta: reader.float("beta")?,
        bias: reader.float("bias")?,
    };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl Lrn {
    /// One image of `channels` planes of `plane` elements.
    fn image(&self, x: &[f32], y: &mut [f32], channels: usize, plane: usize) {
        let (alpha, beta, bias) =
            ((self.alpha / self.size as f64) as f32, self.beta as f32, self.bias as f32);
        let (before, after) = ((self.size - 1) / 2, self.size / 2);
        let mut squares = vec![0.0_f32; plane];
        for channel in 0..channels {
            squares.fill(0.0);
            for neighbour in channel.saturating_sub(before)..(channel + after + 1).min(channels) {
                let values = &x[neighbour * plane..][..plane];
                squares.iter_mut().zip(values).for_each(|(sum, value)| *sum += value * value);
            }
            let values = x[channel * plane..][..plane].iter().zip(&squares);
            let results = &mut y[channel * plane..][..plane];
            results
                .iter_mut()
                .zip(values)
                .for_each(|(y, (x, squares))| *y = x / (bias + alpha * squares).powf(beta));
        }
    }
}

impl Op for Lrn {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("size", Attribute::Int(self.size as i64))
            .with("alpha", Attribute::Float(self.alpha))
            .with("beta", Attribute::Float(self.beta))
            .with("bias", Attribute::Float(self.bias))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(NAME, inputs)?;
        require_float(NAME, "x", x)?;
        if self.size == 0 {
            let problem = "must be at least 1".to_owned();
            return Err(OpError::Attribute { op: NAME.to_owned(), attribute: "size".to_owned(), problem });
        }
        if x.rank() < 2 {
            return Err(operand_error(NAME, "x", x, "must have rank 2 or more, [N,C,..]"));
        }
        Ok(vec![x.clone()])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        if x.is_empty() {
            return Ok(());
        }
        let (channels, plane) = (x.shape()[1], x.shape()[2..].iter().product::<usize>());
        let x = read_f32(NAME, x)?;
        write_f32(NAME, output, |y| {
            let images = y.par_chunks_mut(channels * plane).zip(x.par_chunks(channels * plane));
            images.for_each(|(y, x)| self.image(x, y, channels, plane));
            Ok(())
        })
    }

    fn cost(&self, inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        let elements = inputs[0].elements() as u64;
        // A sum of squares, one product and one sum for the base, one power and one division.
        Cost::inner_products(elements, self.size as u64, elements)
            + Cost::multiplications(elements)
            + Cost::others(2 * elements)
    }
}
