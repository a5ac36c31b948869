//! `reduce`: sums, means, extrema and products along axes.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use ediacara_tensor::{DType, Element, Tensor, with_element};

use super::support::{
    fold::fold, operand_error, operands, require_axis, single_output, tensor_error, tensors, with_float,
};
use super::transpose::inverse;
use super::{Cast, Equal, Select};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, TensorType, ValueId,
};

const NAME: &str = "reduce";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The sum, mean, maximum, minimum or product along axes. Of no element the sum is 0, the \
        product 1, the mean NaN (0 for \\n\
        integers), the maximum the type's lowest and the minimum its highest value. Integers are summed in \
        64 bits and wrap.\n\
        Operand: x of a numeric type; bool for max and min. Result: y without the axes, or with 1 in their \
        place.\n\
        Attributes: kind sum, mean, max, min or product; axes, each at most once; keep_dims.",
    build,
};

/// What is computed along the axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReduceKind {
    /// The sum.
    Sum,
    /// The arithmetic mean; of integers, truncated towards zero.
    Mean,
    /// The largest element; NaN wins.
    Max,
    /// The smallest element; NaN wins.
    Min,
    /// The product.
    Product,
}

const KINDS: [(ReduceKind, &str); 5] = [
    (ReduceKind::Sum, "sum"),
    (ReduceKind::Mean, "mean"),
    (ReduceKind::Max, "max"),
    (ReduceKind::Min, "min"),
    (ReduceKind::Product, "product"),
];

impl fmt::Display for ReduceKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = KINDS.iter().find(|(kind, _)| kind == self).map_or("", |(_, name)| name);
        formatter.write_str(name)
    }
}

impl FromStr for ReduceKind {
    type Err = String;

    fn from_str(text: &str) -> Result<ReduceKind, String> {
        let kind = KINDS.iter().find(|(_, name)| *name == text).map(|(kind, _)| *kind);
        kind.ok_or_else(|| {
            format!("`{text}` is no kind of reduction; known are sum, mean, max, min and product")
        })
    }
}

/// The sum, mean, maximum, minimum or product along axes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reduce {
    /// What is computed.
    pub kind: ReduceKind,
    /// The axes that are reduced, each at most once; none reduces nothing.
    pub axes: Vec<usize>,
    /// Whether the axes stay, with dimension 1.
    pub keep_dims: bool,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = Reduce {
        kind: reader.parse("kind")?,
        axes: reader.sizes("axes")?,
        keep_dims: reader.bool("keep_dims")?,
    };
    reader.finish()?;
    Ok(Arc::new(op))
}

/// The shape without `axes`, or with 1 in their place.
pub(crate) fn reduced_shape(shape: &[usize], axes: &[usize], keep_dims: bool) -> Vec<usize> {
    let dimensions = shape.iter().enumerate();
    let kept = dimensions.filter_map(|(axis, &dimension)| match (axes.contains(&axis), keep_dims) {
        (false, _) => Some(dimension),
        (true, true) => Some(1),
        (true, false) => None,
    });
    kept.collect()
}

macro_rules! reduce_as {
    (
        $self:expr, $x:expr, $type:ty, $add:expr, $multiply:expr, $lowest:expr, $highest:expr, $is_nan:expr,
        $divide:expr
    ) => {{
        let count = $self.axes.iter().map(|&axis| $x.shape()[axis]).product::<usize>();
        let mut result =
            vec![<$type>::default(); reduced_shape($x.shape(), &$self.axes, false).iter().product()];
        let larger = |a: $type, b: $type| if a > b || $is_nan(a) { a } else { b };
        let smaller = |a: $type, b: $type| if a < b || $is_nan(a) { a } else { b };
        let outcome = match $self.kind {
            ReduceKind::Sum | ReduceKind::Mean => fold($x, &$self.axes, &mut result, 0 as $type, $add),
            ReduceKind::Product => fold($x, &$self.axes, &mut result, 1 as $type, $multiply),
            ReduceKind::Max => fold($x, &$self.axes, &mut result, $lowest, larger),
            ReduceKind::Min => fold($x, &$self.axes, &mut result, $highest, smaller),
        };
        outcome.map_err(tensor_error(NAME))?;
        if $self.kind == ReduceKind::Mean {
            result.iter_mut().for_each(|sum| *sum = $divide(*sum, count));
        }
        result
    }};
}

impl Reduce {
    /// For each element of x, the product of the others that it is multiplied with.
    ///
    /// The product is right where an element is 0 too. The memory grows with the square of the number of
    /// elements that are multiplied.
    fn products_of_others(&self, context: &mut GradientContext) -> Result<ValueId, OpError> {
        let ty = context.input_type(0);
        let kept: Vec<usize> = (0..ty.rank()).filter(|axis| !self.axes.contains(axis)).collect();
        let permutation = [kept.as_slice(), &self.axes].concat();
        let moved: Vec<usize> = permutation.iter().map(|&axis| ty.shape[axis]).collect();
        let rows: usize = moved[..kept.len()].iter().product();
        let count: usize = moved[kept.len()..].iter().product();
        let x = context.input(0)?;
        let x = context.transpose(x, &permutation)?;
        let x = context.reshape(x, &[rows, 1, count])?;
        let own: Vec<bool> = (0..count * count).map(|index| index / count == index % count).collect();
        let own = Tensor::from_vec(&[count, count], own).map_err(tensor_error(NAME))?;
        let (own, one) = (context.constant(own), context.scalar(ty.dtype, 1.0));
        let others = context.apply(Select, &[own, one, x])?;
        let product = Reduce { kind: ReduceKind::Product, axes: vec![2], keep_dims: false };
        let products = context.apply(product, &[others])?;
        let products = context.reshape(products, &moved)?;
        context.transpose(products, &inverse(&permutation))
    }

    /// Reduces any integer type in 64 bits; `bounds` are the type's lowest and highest value.
    fn run_integer(&self, x: &Tensor, bounds: [i64; 2]) -> Result<Vec<i64>, OpError> {
        Ok(reduce_as!(
            self,
            x,
            i64,
            i64::wrapping_add,
            i64::wrapping_mul,
            bounds[0],
            bounds[1],
            |_| false,
            |sum: i64, count: usize| sum.checked_div(count as i64).unwrap_or(0)
        ))
    }
}

/// The lowest and highest value of an integer type or bool.
fn integer_bounds(dtype: DType) -> [i64; 2] {
    match dtype {
        DType::I8 => [i8::MIN.into(), i8::MAX.into()],
        DType::U8 => [u8::MIN.into(), u8::MAX.into()],
        DType::I32 => [i32::MIN.into(), i32::MAX.into()],
        DType::Bool => [0, 1],
        _ => [i64::MIN, i64::MAX],
    }
}

impl Op for Reduce {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("kind", Attribute::word(self.kind))
            .with("axes", Attribute::sizes(&self.axes))
            .with("keep_dims", Attribute::Bool(self.keep_dims))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(NAME, inputs)?;
        for (position, &axis) in self.axes.iter().enumerate() {
            require_axis(NAME, "x", x, axis)?;
            if self.axes[..position].contains(&axis) {
                return Err(operand_error(NAME, "x", x, format!("axis {axis} is named twice")));
            }
        }
        if x.dtype == DType::Bool && !matches!(self.kind, ReduceKind::Max | ReduceKind::Min) {
            return Err(operand_error(NAME, "x", x, format!("a {} needs a numeric type", self.kind)));
        }
        Ok(vec![TensorType { dtype: x.dtype, shape: reduced_shape(&x.shape, &self.axes, self.keep_dims) }])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        let shape = output.shape().to_vec();
        let result = if x.dtype().is_float() {
            with_float!(x.dtype(), T => {
                let x = &x.cast(T::DTYPE);
                let (add, multiply) = (|a: T, b: T| a + b, |a: T, b: T| a * b);
                let divide = |sum: T, count: usize| sum / count as T;
                let (lowest, highest) = (T::NEG_INFINITY, T::INFINITY);
                let result = reduce_as!(self, x, T, add, multiply, lowest, highest, T::is_nan, divide);
                Tensor::from_vec(&shape, result)
            })
        } else {
            Tensor::from_vec(&shape, self.run_integer(&x.cast(DType::I64), integer_bounds(x.dtype()))?)
        };
        let result = result.map_err(tensor_error(NAME))?;
        with_element!(output.dtype(), T => {
            result.convert_to_slice(output.as_mut_slice::<T>().map_err(tensor_error(NAME))?)
        })
        .map_err(tensor_error(NAME))
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let x = context.input_type(0);
        let kept = reduced_shape(&x.shape, &self.axes, true);
        let gradient = context.output_gradient(0)?;
        let gradient = context.reshape(gradient, &kept)?;
        let count: usize = self.axes.iter().map(|&axis| x.shape[axis]).product();
        let dx = match self.kind {
            ReduceKind::Sum => context.broadcast(gradient, &x.shape)?,
            ReduceKind::Mean => {
                let share = context.scale(gradient, 1.0 / count as f64)?;
                context.broadcast(share, &x.shape)?
            }
            ReduceKind::Max | ReduceKind::Min => {
                let (x, y) = (context.input(0)?, context.output(0)?);
                let y = context.reshape(y, &kept)?;
                let extreme = context.apply(Equal, &[x, y])?;
                let ones = context.apply(Cast { to: context.ty(x).dtype }, &[extreme])?;
                let ties = context.sum(ones, &self.axes)?;
                let share = context.div(gradient, ties)?;
                context.mul(ones, share)?
            }
            ReduceKind::Product => {
                let others = self.products_of_others(context)?;
                context.mul(gradient, others)?
            }
        };
        Ok(vec![Some(dx)])
    }

    fn cost(&self, inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        let results = outputs[0].elements() as u64;
        let steps = (inputs[0].elements() as u64).saturating_sub(results);
        match self.kind {
            ReduceKind::Sum => Cost::additions(steps),
            ReduceKind::Mean => Cost::additions(steps) + Cost::others(results),
            ReduceKind::Max | ReduceKind::Min => Cost::others(steps),
            ReduceKind::Product => Cost::multiplications(steps),
        }
    }
}
