//! `resize`: interpolation to another size.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use ediacara_kernels::float::Float;
use ediacara_tensor::{Element, Tensor, with_element};

use super::MatMul;
use super::support::{
    operand_error, operands, require_float, single_output, tensor_error, tensors, with_float, write_float,
};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, TensorType,
};

const NAME: &str = "resize";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "Interpolation to another size, axis by axis, as ONNX Resize.\n\
        Operand: x of any type for nearest, a floating-point type for linear and cubic. Result: y of `shape`.\n\
        Attributes: mode nearest, linear or cubic; coordinates half_pixel, half_pixel_symmetric, \
        pytorch_half_pixel, \
        asymmetric or align_corners: how an index of y becomes a position in x; rounding round_prefer_floor, \
        round_prefer_ceil, floor or ceil, for nearest; shape; scales, one factor for each axis (y's size \
        over x's, \
        before it was rounded down); cubic_coefficient and exclude_outside, for cubic.",
    build,
};

/// Defines an enumeration whose values stand as words in text.
macro_rules! words {
    (
        $(#[$doc:meta])* $type:ident, $what:literal {
            $($(#[$variant_doc:meta])* $variant:ident = $word:literal),* $(,)?
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $type {
            $($(#[$variant_doc])* $variant),*
        }

        impl fmt::Display for $type {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str(match self {
                    $($type::$variant => $word),*
                })
            }
        }

        impl FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<$type, String> {
                match text {
                    $($word => Ok($type::$variant),)*
                    _ => Err(format!("`{text}` is no {}; known are {}", $what, [$($word),*].join(", "))),
                }
            }
        }
    };
}

words! {
    /// How elements between those of x are found.
    ResizeMode, "resize mode" {
        /// The nearest element.
        Nearest = "nearest",
        /// Linear interpolation along each axis.
        Linear = "linear",
        /// Cubic convolution along each axis.
        Cubic = "cubic",
    }
}

words! {
    /// How an index of the result becomes a position in x.
    ///
    /// `scale` is the result's size over x's.
    Coordinates, "coordinate rule" {
        /// `(i + 0.5) / scale - 0.5`.
        HalfPixel = "half_pixel",
        /// As half_pixel; what the rounding of the size cut off is split between both ends.
        HalfPixelSymmetric = "half_pixel_symmetric",
        /// As half_pixel, but 0 where the result has one element.
        PytorchHalfPixel = "pytorch_half_pixel",
        /// `i / scale`.
        Asymmetric = "asymmetric",
        /// `i * (x's size - 1) / (result's size - 1)`.
        AlignCorners = "align_corners",
    }
}

words! {
    /// Which element is nearest.
    Rounding, "rounding rule" {
        /// The nearest, halves down.
        RoundPreferFloor = "round_prefer_floor",
        /// The nearest, halves up.
        RoundPreferCeil = "round_prefer_ceil",
        /// The one before.
        Floor = "floor",
        /// The one after.
        Ceil = "ceil",
    }
}

/// Interpolation to another size.
#[derive(Debug, Clone, PartialEq)]
pub struct Resize {
    /// How elements between those of x are found.
    pub mode: ResizeMode,
    /// How an index of the result becomes a position in x.
    pub coordinates: Coordinates,
    /// Which element is nearest, for [`ResizeMode::Nearest`].
    pub rounding: Rounding,
    /// The result's dimensions.
    pub shape: Vec<usize>,
    /// The factor of each axis before the size was rounded down; positive and finite.
    pub scales: Vec<f64>,
    /// The coefficient `a` of cubic convolution; -0.75 in ONNX.
    pub cubic_coefficient: f64,
    /// Whether cubic weights outside x are dropped and the others scaled up; else the edge is repeated.
    pub exclude_outside: bool,
}

impl Resize {
    /// Nearest or linear interpolation to `shape`, with scales that are exactly the ratio of the sizes.
    pub fn to(
        mode: ResizeMode,
        coordinates: Coordinates,
        rounding: Rounding,
        from: &[usize],
        shape: &[usize],
    ) -> Resize {
        let scales = shape.iter().zip(from).map(|(&to, &from)| to as f64 / from as f64).collect();
        let shape = shape.to_vec();
        Resize {
            mode,
            coordinates,
            rounding,
            shape,
            scales,
            cubic_coefficient: -0.75,
            exclude_outside: false,
        }
    }

    /// The position in x, along an axis of `from` elements, of element `index` of the result.
    fn position(&self, axis: usize, index: usize, from: usize) -> f64 {
        let (to, scale, index) = (self.shape[axis] as f64, self.scales[axis], index as f64);
        let (from, half_pixel) = (from as f64, (index + 0.5) / scale - 0.5);
        match self.coordinates {
            Coordinates::HalfPixel => half_pixel,
            Coordinates::HalfPixelSymmetric => {
                let adjustment = to / (scale * from);
                from / 2.0 * (1.0 - adjustment) + half_pixel
            }
            Coordinates::PytorchHalfPixel if to <= 1.0 => 0.0,
            Coordinates::PytorchHalfPixel => half_pixel,
            Coordinates::Asymmetric => index / scale,
            Coordinates::AlignCorners if to <= 1.0 => 0.0,
            Coordinates::AlignCorners => index * (from - 1.0) / (to - 1.0),
        }
    }

    fn nearest(&self, axis: usize, index: usize, from: usize) -> usize {
        let position = self.position(axis, index, from);
        let rounded = match self.rounding {
            Rounding::RoundPreferFloor => (position - 0.5).ceil(),
            Rounding::RoundPreferCeil => (position + 0.5).floor(),
            Rounding::Floor => position.floor(),
            Rounding::Ceil => position.ceil(),
        };
        rounded.clamp(0.0, (from - 1) as f64) as usize
    }

    /// The elements of x and their weights that make element `index` of the result along an axis of `from` elements: as
    /// many as the mode has at most, and one at least.
    pub fn taps(&self, axis: usize, index: usize, from: usize) -> Vec<(usize, f64)> {
        let position = self.position(axis, index, from);
        let (base, fraction) = (position.floor(), position - position.floor());
        let weights: Vec<(f64, f64)> = match self.mode {
            ResizeMode::Nearest => return vec![(self.nearest(axis, index, from), 1.0)],
            ResizeMode::Linear => vec![(base, 1.0 - fraction), (base + 1.0, fraction)],
            ResizeMode::Cubic => {
                let weight = |offset: f64| cubic(self.cubic_coefficient, (fraction - offset).abs());
                [-1.0, 0.0, 1.0, 2.0].map(|offset| (base + offset, weight(offset))).to_vec()
            }
        };
        let last = (from - 1) as f64;
        let outside =
            |at: f64| self.mode == ResizeMode::Cubic && self.exclude_outside && !(0.0..=last).contains(&at);
        let total: f64 = weights.iter().filter(|(at, _)| !outside(*at)).map(|(_, weight)| weight).sum();
        let kept = weights.iter().filter(|(at, weight)| !outside(*at) && *weight != 0.0);
        kept.map(|&(at, weight)| (at.clamp(0.0, last) as usize, weight / total)).collect()
    }

    fn run_nearest<T: Element>(&self, x: &Tensor, output: &mut Tensor) -> Result<(), OpError> {
        let x = x.to_contiguous();
        let values = x.as_slice::<T>().map_err(tensor_error(NAME))?;
        let target = output.as_mut_slice::<T>().map_err(tensor_error(NAME))?;
        // Trailing axes that stay as they are make up the block that is copied whole.
        let unchanged = |axis: usize| {
            (0..self.shape[axis]).all(|index| self.nearest(axis, index, x.shape()[axis]) == index)
                && self.shape[axis] == x.shape()[axis]
        };
        let mut walked = x.rank();
        let mut block = 1;
        while walked > 0 && unchanged(walked - 1) {
            walked -= 1;
            block *= x.shape()[walked];
        }
        let mut sources = vec![0_usize];
        for axis in 0..walked {
            let size = x.shape()[axis];
            let along: Vec<usize> =
                (0..self.shape[axis]).map(|index| self.nearest(axis, index, size)).collect();
            sources =
                sources.iter().flat_map(|&row| along.iter().map(move |&index| row * size + index)).collect();
        }
        for (to, source) in target.chunks_exact_mut(block).zip(sources) {
            to.copy_from_slice(&values[source * block..][..block]);
        }
        Ok(())
    }

    /// Interpolates along every axis that changes, one after the other.
    fn interpolate<T: Float + Element>(&self, x: &Tensor) -> Result<Vec<T>, OpError> {
        let mut shape = x.shape().to_vec();
        let mut values = x.cast(T::DTYPE).to_vec::<T>().map_err(tensor_error(NAME))?;
        for axis in 0..shape.len() {
            if !self.keeps(axis, shape[axis]) {
                values = self.run_axis(&values, &shape, axis);
                shape[axis] = self.shape[axis];
            }
        }
        Ok(values)
    }

    /// Whether an axis of `size` elements stays as it is.
    pub fn keeps(&self, axis: usize, size: usize) -> bool {
        size == self.shape[axis] && (0..size).all(|index| self.taps(axis, index, size) == [(index, 1.0)])
    }

    /// The interpolation along one axis as a matrix `[from, to]`, transposed.
    fn transposed_matrix(&self, axis: usize, from: usize) -> Result<Tensor, OpError> {
        let to = self.shape[axis];
        let mut matrix = vec![0.0_f64; from * to];
        for index in 0..to {
            for (source, weight) in self.taps(axis, index, from) {
                matrix[source * to + index] += weight;
            }
        }
        Tensor::from_vec(&[from, to], matrix).map_err(tensor_error(NAME))
    }

    /// Interpolates along one axis of dense `values` of `shape`.
    fn run_axis<T: Float + Element>(&self, values: &[T], shape: &[usize], axis: usize) -> Vec<T> {
        let (from, to) = (shape[axis], self.shape[axis]);
        let inner: usize = shape[axis + 1..].iter().product();
        let outer: usize = shape[..axis].iter().product();
        let rounded = |(source, weight): (usize, f64)| (source, T::from_f64(weight));
        let taps: Vec<Vec<(usize, T)>> =
            (0..to).map(|index| self.taps(axis, index, from).into_iter().map(rounded).collect()).collect();
        let mut result = vec![T::ZERO; outer * to * inner];
        for (block, result) in result.chunks_exact_mut(to * inner).enumerate() {
            let values = &values[block * from * inner..][..from * inner];
            for (row, taps) in result.chunks_exact_mut(inner).zip(&taps) {
                for &(source, weight) in taps {
                    let line = &values[source * inner..][..inner];
                    row.iter_mut().zip(line).for_each(|(sum, &value)| *sum += weight * value);
                }
            }
        }
        result
    }
}

/// The kernel of cubic convolution (Keys, 1981) at `distance >= 0`.
fn cubic(a: f64, distance: f64) -> f64 {
    let d = distance;
    if d <= 1.0 {
        ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0
    } else if d < 2.0 {
        ((a * d - 5.0 * a) * d + 8.0 * a) * d - 4.0 * a
    } else {
        0.0
    }
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = Resize {
        mode: reader.parse("mode")?,
        coordinates: reader.parse("coordinates")?,
        rounding: reader.parse("rounding")?,
        shape: reader.sizes("shape")?,
        scales: reader.floats("scales")?,
        cubic_coefficient: reader.float("cubic_coefficient")?,
        exclude_outside: reader.flag("exclude_outside")?,
    };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl Op for Resize {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("mode", Attribute::word(self.mode))
            .with("coordinates", Attribute::word(self.coordinates))
            .with("rounding", Attribute::word(self.rounding))
            .with("shape", Attribute::sizes(&self.shape))
            .with("scales", Attribute::Floats(self.scales.clone()))
            .with("cubic_coefficient", Attribute::Float(self.cubic_coefficient))
            .with("exclude_outside", Attribute::Bool(self.exclude_outside))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(NAME, inputs)?;
        if self.mode != ResizeMode::Nearest {
            require_float(NAME, "x", x)?;
        }
        if self.shape.len() != x.rank() || self.scales.len() != x.rank() {
            return Err(operand_error(
                NAME,
                "x",
                x,
                "shape and scales must have one entry for each of its axes",
            ));
        }
        if self.scales.iter().any(|scale| !(scale.is_finite() && *scale > 0.0)) {
            return Err(operand_error(NAME, "x", x, format!("scales {:?} must be positive", self.scales)));
        }
        if x.shape.iter().zip(&self.shape).any(|(&from, &to)| from == 0 && to > 0) {
            return Err(operand_error(
                NAME,
                "x",
                x,
                format!("an empty axis cannot become one of {:?}", self.shape),
            ));
        }
        Ok(vec![TensorType::new(x.dtype, &self.shape)])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        if output.is_empty() {
            return Ok(());
        }
        if self.mode == ResizeMode::Nearest {
            return with_element!(x.dtype(), T => self.run_nearest::<T>(x, output));
        }
        with_float!(x.dtype(), T => {
            let values = self.interpolate::<T>(x)?;
            write_float::<T>(NAME, output, |target| {
                target.copy_from_slice(&values);
                Ok(())
            })
        })
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        // The operator is linear along each axis, so that the gradient takes the transposed matrices.
        let ty = context.input_type(0);
        let mut gradient = context.output_gradient(0)?;
        if self.shape.contains(&0) {
            return Ok(context.none());
        }
        for (axis, &from) in ty.shape.iter().enumerate() {
            if self.keeps(axis, from) {
                continue;
            }
            let mut shape = context.ty(gradient).shape.clone();
            let inner: usize = shape[axis + 1..].iter().product();
            let outer: usize = shape[..axis].iter().product();
            let matrix = self.transposed_matrix(axis, from)?.cast(ty.dtype);
            let matrix = context.constant(matrix);
            let blocks = context.reshape(gradient, &[outer, self.shape[axis], inner])?;
            let blocks = context.apply(MatMul, &[matrix, blocks])?;
            shape[axis] = from;
            gradient = context.reshape(blocks, &shape)?;
        }
        Ok(vec![Some(gradient)])
    }

    fn cost(&self, inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let taps = match self.mode {
            ResizeMode::Nearest => return Cost::NONE,
            ResizeMode::Linear => 2,
            ResizeMode::Cubic => 4,
        };
        // Each axis that changes takes one pass over what the passes before left.
        let mut shape = inputs[0].shape.clone();
        let mut cost = Cost::NONE;
        for axis in 0..shape.len() {
            if shape[axis] != outputs[0].shape[axis] {
                shape[axis] = outputs[0].shape[axis];
                let sums = Cost::inner_products(shape.iter().product::<usize>() as u64, taps, 0);
                cost += Cost { macs: 0, ..sums };
            }
        }
        cost
    }
}
