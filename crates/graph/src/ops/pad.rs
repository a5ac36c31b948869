//! `pad`: elements added around a tensor.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use ediacara_tensor::{Element, Tensor, with_element};

use super::support::{operand_error, operands, single_output, tensor_error, tensors};
use super::{IndexAdd, Slice};
use crate::{
    Attribute, AttributeReader, Attributes, Cost, GradientContext, Op, OpDescription, OpError,
    OperandGradients, TensorType,
};

const NAME: &str = "pad";

/// The operator as the registry knows it.
pub(crate) const DESCRIPTION: OpDescription = OpDescription {
    name: NAME,
    documentation: "Elements added before and after along each axis: a constant, the nearest element (edge), \
        or the mirror image without the \
        border itself (reflect).\n\
        Operand: x of any type; edge needs a non-empty axis where it pads, reflect one longer than the \
        padding. Result: y.\n\
        Attributes: before, after: one entry for each axis; mode constant, edge or reflect; value (a float, \
        rounded to x's type), for \
        constant.",
    build,
};

/// What stands in the padding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PadMode {
    /// A constant.
    Constant,
    /// The nearest element.
    Edge,
    /// The mirror image, the border itself not repeated.
    Reflect,
}

impl fmt::Display for PadMode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            PadMode::Constant => "constant",
            PadMode::Edge => "edge",
            PadMode::Reflect => "reflect",
        })
    }
}

impl FromStr for PadMode {
    type Err = String;

    fn from_str(text: &str) -> Result<PadMode, String> {
        match text {
            "constant" => Ok(PadMode::Constant),
            "edge" => Ok(PadMode::Edge),
            "reflect" => Ok(PadMode::Reflect),
            _ => Err(format!("`{text}` is no padding mode; known are constant, edge and reflect")),
        }
    }
}

/// Elements added before and after along each axis.
#[derive(Debug, Clone, PartialEq)]
pub struct Pad {
    /// How many before, one entry for each axis.
    pub before: Vec<usize>,
    /// How many after, one entry for each axis.
    pub after: Vec<usize>,
    /// What stands there.
    pub mode: PadMode,
    /// The constant of [`PadMode::Constant`], rounded to the element type.
    pub value: f64,
}

fn build(attributes: &Attributes) -> Result<Arc<dyn Op>, OpError> {
    let mut reader = AttributeReader::new(NAME, attributes);
    let op = Pad {
        before: reader.sizes("before")?,
        after: reader.sizes("after")?,
        mode: reader.parse("mode")?,
        value: reader.float("value")?,
    };
    reader.finish()?;
    Ok(Arc::new(op))
}

impl Pad {
    /// For each index along `axis` of the result, the index of x that stands there; nothing for the constant.
    fn sources(&self, axis: usize, size: usize) -> Vec<Option<usize>> {
        let source = |index: usize| {
            let (before, last) = (self.before[axis], size.saturating_sub(1));
            match (index.checked_sub(before), self.mode) {
                (Some(index), _) if index < size => Some(index),
                (_, PadMode::Constant) => None,
                (None, PadMode::Edge) => Some(0),
                (Some(_), PadMode::Edge) => Some(last),
                (None, PadMode::Reflect) => Some(before - index),
                (Some(index), PadMode::Reflect) => Some(2 * last - index),
            }
        };
        (0..self.before[axis] + size + self.after[axis]).map(source).collect()
    }

    fn fill<T: Element>(&self, x: &Tensor, output: &mut Tensor) -> Result<(), OpError> {
        let shape = output.shape().to_vec();
        let x = x.to_contiguous();
        let values = x.as_slice::<T>().map_err(tensor_error(NAME))?;
        let target = output.as_mut_slice::<T>().map_err(tensor_error(NAME))?;
        if target.is_empty() {
            return Ok(());
        }
        let constant = T::from_f64(self.value);
        let Some((&size, outer)) = x.shape().split_last() else {
            target.copy_from_slice(values);
            return Ok(());
        };
        let sources: Vec<Vec<Option<usize>>> =
            outer.iter().enumerate().map(|(axis, &size)| self.sources(axis, size)).collect();
        let last_axis = outer.len();
        let (before, columns) = (self.before[last_axis], self.sources(last_axis, size));
        let mut index = vec![0_usize; outer.len()];
        for row in target.chunks_exact_mut(shape[last_axis]) {
            let mut places = index.iter().zip(&sources).zip(outer);
            let source_row =
                places.try_fold(0, |row, ((&index, sources), &size)| Some(row * size + sources[index]?));
            match source_row {
                None => row.fill(constant),
                Some(source_row) => {
                    let line = &values[source_row * size..][..size];
                    row[before..before + size].copy_from_slice(line);
                    let edges = (0..before).chain(before + size..columns.len());
                    edges.for_each(|column| {
                        row[column] = columns[column].map_or(constant, |source| line[source])
                    });
                }
            }
            step(&mut index, &shape);
        }
        Ok(())
    }
}

/// Steps a row-major odometer.
fn step(index: &mut [usize], shape: &[usize]) {
    for (counter, &dimension) in index.iter_mut().zip(shape).rev() {
        *counter += 1;
        if *counter < dimension {
            return;
        }
        *counter = 0;
    }
}

impl Op for Pad {
    fn name(&self) -> &'static str {
        NAME
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
            .with("before", Attribute::sizes(&self.before))
            .with("after", Attribute::sizes(&self.after))
            .with("mode", Attribute::word(self.mode))
            .with("value", Attribute::Float(self.value))
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        let [x] = operands(NAME, inputs)?;
        if self.before.len() != x.rank() || self.after.len() != x.rank() {
            return Err(operand_error(
                NAME,
                "x",
                x,
                "before and after must have one entry for each of its axes",
            ));
        }
        let mut shape = Vec::with_capacity(x.rank());
        for (axis, &size) in x.shape.iter().enumerate() {
            let (before, after) = (self.before[axis], self.after[axis]);
            let possible = match self.mode {
                PadMode::Constant => true,
                PadMode::Edge => size > 0 || before.max(after) == 0,
                PadMode::Reflect => size > before.max(after) || before.max(after) == 0,
            };
            let padded = size.checked_add(before).and_then(|sum| sum.checked_add(after)).filter(|_| possible);
            shape.push(padded.ok_or_else(|| {
                let problem =
                    format!("cannot be padded by {before} and {after} along axis {axis} ({})", self.mode);
                operand_error(NAME, "x", x, problem)
            })?);
        }
        Ok(vec![TensorType { dtype: x.dtype, shape }])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        let [x] = tensors(NAME, inputs)?;
        let output = single_output(NAME, outputs)?;
        with_element!(x.dtype(), T => self.fill::<T>(x, output))
    }

    fn gradient(&self, context: &mut GradientContext) -> Result<OperandGradients, OpError> {
        let mut gradient = context.output_gradient(0)?;
        let shape = context.input_type(0).shape;
        if self.mode == PadMode::Constant {
            let mut inner = Slice::all(&context.ty(gradient).shape.clone());
            for (axis, size) in shape.iter().enumerate() {
                inner.starts[axis] = self.before[axis] as i64;
                inner.ends[axis] = (self.before[axis] + size) as i64;
            }
            return Ok(vec![Some(context.apply(inner, &[gradient])?)]);
        }
        for (axis, &size) in shape.iter().enumerate() {
            if self.before[axis] + self.after[axis] == 0 {
                continue;
            }
            let sources: Vec<i64> =
                self.sources(axis, size).into_iter().flatten().map(|source| source as i64).collect();
            let sources = Tensor::from_vec(&[sources.len()], sources).map_err(tensor_error(NAME))?;
            let sources = context.constant(sources);
            gradient = context.apply(IndexAdd { axis, size }, &[sources, gradient])?;
        }
        Ok(vec![Some(gradient)])
    }

    fn cost(&self, _inputs: &[&TensorType], _outputs: &[&TensorType]) -> Cost {
        Cost::NONE
    }
}
