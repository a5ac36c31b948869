//! `non_zero`: where a tensor is not zero.

use std::sync::Arc;

use ediacara_tensor::{DType, Element, Tensor, with_element};

use super::support::{operand_error, operands, single_output, tensor_error, tensors, value_error};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, TensorType,
};

const NAME: &str = "non_zero";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "The positions of the elements that are not zero, in row-major order; NaN is not zero.\n\
        Operand: x of any type, of at least one axis. Result: y (i64) [rank of x, count]; column i has the \
        indices of position i.\n\
        Attributes: count; another number of such elements is an error.",
    build,
};

/// The positions (i64) of the elements that are not zero, a column each.
///
/// Shapes are static: their number is fixed when the graph is made, and another one is an error of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NonZero {
    /// How many there are.
    pub count: usize,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = NonZero { count: reader.int_as("count")? };
    reader.finish()?;
    Ok(Arc::new(op))
}

/// Calls `visit` with the place of every element that is not zero, in row-major order.
fn each_place<T: Element>(x: &Tensor, mut visit: impl FnMut(usize)) -> Result<(), OpError> {
    let x = x.to_contiguous();
    let values = x.as_slice::<T>().map_err(tensor_error(NAME))?;
    let zero = T::from_f64(0.0);
    let places = values.iter().enumerate().filter(|&(_, value)| *value != zero);
    places.for_each(|(place, _)| visit(place));
    Ok(())
}

impl NonZero {
    /// How many elements of a tensor are not zero.
    ///
    /// # Errors
    /// None for tensors that this crate makes.
    pub fn count_of(x: &Tensor) -> Result<usize, OpError> {
        let mut count = 0;
        with_element!(x.dtype(), T => each_place::<T>(x, |_| count += 1))?;
        Ok(count)
    }

    fn write(self, x: &Tensor, y: &mut [i64]) -> Result<(), OpError> {
        let found = NonZero::count_of(x)?;
        let count = self.count;
        if found != count {
            let problem = format!(
                "{found} elements are not zero, but shapes were made for {count}, as in the sample that the network \
                 was imported with; import it with an input like this one"
            );
            return Err(value_error(NAME, "x", problem));
        }
        let mut column = 0;
        with_element!(x.dtype(), T => each_place::<T>(x, |mut place| {
            for (axis, &size) in x.shape().iter().enumerate().rev() {
                y[axis * count + column] = (place % size) as i64;
                place /= size;
            }
            column += 1;
        }))
    }
}

impl Op for NonZero {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new().with("count", Attribute::Int(self.count as i64))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(NAME, inputs)?;
        if x.rank() == 0 || self.count > x.elements() {
            let problem = format!("must have an axis and at least count = {} elements", self.count);
            return Err(operand_error(NAME, "x", x, problem));
        }
        Ok(vec![TensorType::new(DType::I64, &[x.rank(), self.count])])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        self.write(x, output.as_mut_slice().map_err(tensor_error(NAME))?)
    }

    fn gradient(&self, _context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        Ok(vec![None])
    }

    fn cost(&self, inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::others(inputs[0].elements() as u64)
    }
}
