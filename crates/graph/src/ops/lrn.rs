//! `lrn`: local response normalisation across channels.

use std::sync::Arc;

use ediacara_kernels::float::Float;
use ediacara_tensor::{Element, Tensor};

use rayon::prelude::*;

use super::support::{
    operand_error, operands, read_float, require_float, single_output, tensor_error, tensors, with_float,
    write_float,
};
use super::{MatMul, Pow};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, TensorType,
};

const NAME: &str = "lrn";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "y = x / (bias + alpha / size * s)^beta, s the sum of the squares of x over `size` \
        neighbouring channels: from \\n\
        c - floor((size - 1) / 2) to c + ceil((size - 1) / 2), as far as there are channels.\n\
        Operand: x[N,C,..] of a floating-point type. Result: y like x.\n\
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
    /// The channels that each channel sums over, as a matrix `[C,C]` of ones and zeros.
    fn neighbours(&self, channels: usize) -> Vec<f64> {
        let (before, after) = ((self.size - 1) / 2, self.size / 2);
        let sums = |row: usize, column: usize| column + before >= row && column <= row + after;
        let row = |row| (0..channels).map(move |column| f64::from(u8::from(sums(row, column))));
        (0..channels).flat_map(row).collect()
    }

    /// One image of `channels` planes of `plane` elements.
    fn image<T: Float + Element>(&self, x: &[T], y: &mut [T], channels: usize, plane: usize) {
        let (alpha, beta, bias) =
            (T::from_f64(self.alpha / self.size as f64), T::from_f64(self.beta), T::from_f64(self.bias));
        let (before, after) = ((self.size - 1) / 2, self.size / 2);
        let mut squares = vec![T::ZERO; plane];
        for channel in 0..channels {
            squares.fill(T::ZERO);
            for neighbour in channel.saturating_sub(before)..(channel + after + 1).min(channels) {
                let values = &x[neighbour * plane..][..plane];
                squares.iter_mut().zip(values).for_each(|(sum, &value)| *sum += value * value);
            }
            let values = x[channel * plane..][..plane].iter().zip(&squares);
            let results = &mut y[channel * plane..][..plane];
            results
                .iter_mut()
                .zip(values)
                .for_each(|(y, (&x, &squares))| *y = x / (bias + alpha * squares).powf(beta));
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
        with_float!(x.dtype(), T => {
            let x = read_float::<T>(NAME, x)?;
            write_float::<T>(NAME, output, |y| {
                let images = y.par_chunks_mut(channels * plane).zip(x.par_chunks(channels * plane));
                images.for_each(|(y, x)| self.image(x, y, channels, plane));
                Ok(())
            })
        })
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        // With b = bias + alpha / size * s the gradient of x[j] is dy[j] b[j]^-beta, less 2 alpha beta / size
        // x[j] times the sum of dy[c] x[c] b[c]^(-beta - 1) over the channels c that sum over j.
        let ty = context.input_type(0);
        let (channels, plane) = (ty.shape[1], ty.shape[2..].iter().product::<usize>());
        let shape = [ty.shape[0], channels, plane];
        let neighbours = Tensor::from_vec(&[channels, channels], self.neighbours(channels))
            .map_err(tensor_error(NAME))?
            .cast(ty.dtype);
        let neighbours = context.constant(neighbours);
        let (x, gradient) = (context.input(0)?, context.output_gradient(0)?);
        let (x, gradient) = (context.reshape(x, &shape)?, context.reshape(gradient, &shape)?);
        let squares = context.mul(x, x)?;
        let sums = context.apply(MatMul, &[neighbours, squares])?;
        let sums = context.scale(sums, self.alpha / self.size as f64)?;
        let base = context.shift(sums, self.bias)?;
        let exponent = context.scalar(ty.dtype, -self.beta);
        let power = context.apply(Pow, &[base, exponent])?;
        let direct = context.mul(gradient, power)?;
        let through = context.mul(direct, x)?;
        let through = context.div(through, base)?;
        let transposed = context.transpose(neighbours, &[1, 0])?;
        let through = context.apply(MatMul, &[transposed, through])?;
        let through = context.mul(through, x)?;
        let through = context.scale(through, 2.0 * self.alpha * self.beta / self.size as f64)?;
        let dx = context.sub(direct, through)?;
        Ok(vec![Some(context.reshape(dx, &ty.shape)?)])
    }

    fn cost(&self, inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        let elements = inputs[0].elements() as u64;
        // A sum of squares, one product and one sum for the base, one power and one division.
        Cost { macs: 0, ..Cost::inner_products(elements, self.size as u64, elements) }
            + Cost::multiplications(elements)
            + Cost::others(2 * elements)
    }
}
