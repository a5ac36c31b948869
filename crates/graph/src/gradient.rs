//! Gradient rules: what an operator's rule sees, and where the operators that it applies go.
//!
//! A rule is written once, against [`Emit`]. On a graph it adds nodes; on an eager tape it computes at once.
//! At points without a derivative the conventions are PyTorch's: relu and abs have 0 there, a clamp has 1 at
//! its bounds, and equal extrema share the gradient.

use ediacara_tensor::{DType, Tensor};

use crate::ops::{Add, Broadcast, Div, Mul, Neg, Reduce, ReduceKind, Reshape, Select, Sub, Transpose};
use crate::{GraphError, IntoOp, Op, OpError, TensorType, ValueId};
use std::sync::Arc;

/// The gradient with respect to each operand of an operator.
///
/// A gradient has the operand's type. It is nothing where it is zero everywhere or was not asked for.
pub type OperandGradients = Vec<Option<ValueId>>;

/// Where the operators of a gradient rule go.
///
/// All values are of one graph or tape.
pub trait Emit {
    /// The type of a value.
    ///
    /// # Panics
    /// It is of another graph or tape.
    fn ty(&self, value: ValueId) -> &TensorType;

    /// Checks that a value is of this graph or tape.
    ///
    /// # Errors
    /// It is of another one.
    fn check_value(&self, value: ValueId) -> Result<(), GraphError>;

    /// Applies an operator, and gives its results.
    ///
    /// # Errors
    /// The operator refuses the operands or, where it is computed at once, fails.
    fn apply(&mut self, op: Arc<dyn Op>, inputs: &[ValueId]) -> Result<Vec<ValueId>, OpError>;

    /// A value that is known.
    fn constant(&mut self, tensor: Tensor) -> ValueId;

    /// A value of the forward pass that the backward pass reads.
    ///
    /// Gradient checkpointing gives another value here, computed anew and equal to the bit.
    ///
    /// # Errors
    /// As [`apply`](Emit::apply).
    fn recall(&mut self, value: ValueId) -> Result<ValueId, OpError> {
        Ok(value)
    }
}

impl dyn Emit + '_ {
    /// The type of a value that `function` was given.
    ///
    /// # Errors
    /// It is of another graph or tape.
    pub fn type_of(&self, function: &str, value: ValueId) -> Result<&TensorType, OpError> {
        let foreign =
            |error: GraphError| OpError::Other { op: function.to_owned(), problem: error.to_string() };
        self.check_value(value).map_err(foreign)?;
        Ok(self.ty(value))
    }

    /// Applies an operator, and gives its only result.
    ///
    /// # Errors
    /// As [`apply`](Emit::apply); the operator has no result.
    pub fn one(&mut self, op: impl IntoOp, inputs: &[ValueId]) -> Result<ValueId, OpError> {
        let op = op.into_op();
        let name = op.name();
        let problem = || OpError::Other { op: name.to_owned(), problem: "has no result".to_owned() };
        self.apply(op, inputs)?.first().copied().ok_or_else(problem)
    }
}

/// What [`Op::gradient`] sees of the application that is differentiated, and its way to build gradients.
///
/// A method that takes values applies an operator to them and gives its result; its errors are that
/// operator's.
pub struct GradientContext<'a> {
    emit: &'a mut dyn Emit,
    inputs: &'a [ValueId],
    outputs: &'a [ValueId],
    output_gradients: &'a [Option<ValueId>],
    needed: &'a [bool],
}

impl<'a> GradientContext<'a> {
    /// The application of an operator to `inputs` that gave `outputs`.
    ///
    /// Each output has a gradient or none. `needed` tells which operands want a gradient; only operands of
    /// floating-point types may.
    pub fn new(
        emit: &'a mut dyn Emit,
        inputs: &'a [ValueId],
        outputs: &'a [ValueId],
        output_gradients: &'a [Option<ValueId>],
        needed: &'a [bool],
    ) -> GradientContext<'a> {
        GradientContext { emit, inputs, outputs, output_gradients, needed }
    }

    /// How many operands there are.
    pub fn input_count(&self) -> usize {
        self.inputs.len()
    }

    /// The value of an operand.
    ///
    /// # Errors
    /// It had to be computed anew, and that failed.
    ///
    /// # Panics
    /// There is no such operand. Every method that takes an operand's or a result's index panics likewise.
    pub fn input(&mut self, index: usize) -> Result<ValueId, OpError> {
        self.emit.recall(self.inputs[index])
    }

    /// The value of a result.
    ///
    /// # Errors
    /// It had to be computed anew, and that failed.
    pub fn output(&mut self, index: usize) -> Result<ValueId, OpError> {
        self.emit.recall(self.outputs[index])
    }

    /// The type of an operand.
    pub fn input_type(&self, index: usize) -> TensorType {
        self.emit.ty(self.inputs[index]).clone()
    }

    /// The type of a result.
    pub fn output_type(&self, index: usize) -> TensorType {
        self.emit.ty(self.outputs[index]).clone()
    }

    /// The gradient with respect to a result; zeros where nothing depends on it.
    ///
    /// # Errors
    /// There is no memory for the zeros.
    pub fn output_gradient(&mut self, index: usize) -> Result<ValueId, OpError> {
        match self.output_gradients[index] {
            Some(gradient) => Ok(gradient),
            None => self.zeros(&self.output_type(index)),
        }
    }

    /// Whether the gradient with respect to this operand is asked for.
    pub fn needs(&self, index: usize) -> bool {
        self.needed[index]
    }

    /// No gradient with respect to any operand.
    pub fn none(&self) -> OperandGradients {
        vec![None; self.inputs.len()]
    }

    /// The gradients that are asked for, each by `rule(context, operand)`.
    ///
    /// # Errors
    /// Those of the rule.
    pub fn for_needed(
        &mut self,
        mut rule: impl FnMut(&mut Self, usize) -> Result<ValueId, OpError>,
    ) -> Result<OperandGradients, OpError> {
        (0..self.inputs.len())
            .map(|index| self.needed[index].then(|| rule(self, index)).transpose())
            .collect()
    }

    /// The gradients of an elementwise operator of one result, each by `rule(context, operand, gradient of
    /// the result)` in the result's shape, and summed over what was broadcast.
    ///
    /// # Errors
    /// Those of the rule.
    pub fn elementwise(
        &mut self,
        rule: impl Fn(&mut Self, usize, ValueId) -> Result<ValueId, OpError>,
    ) -> Result<OperandGradients, OpError> {
        let gradient = self.output_gradient(0)?;
        self.for_needed(|context, operand| {
            let whole = rule(context, operand, gradient)?;
            context.sum_to(whole, &context.input_type(operand).shape)
        })
    }

    /// The type of a value.
    pub fn ty(&self, value: ValueId) -> &TensorType {
        self.emit.ty(value)
    }

    /// The only result of an operator.
    pub fn apply(&mut self, op: impl IntoOp, inputs: &[ValueId]) -> Result<ValueId, OpError> {
        self.emit.one(op, inputs)
    }

    /// A value that is known.
    pub fn constant(&mut self, tensor: Tensor) -> ValueId {
        self.emit.constant(tensor)
    }

    /// A scalar of the nearest value.
    pub fn scalar(&mut self, dtype: DType, value: f64) -> ValueId {
        self.constant(Tensor::scalar(value).cast(dtype))
    }

    /// Zeros of a type.
    pub fn zeros(&mut self, ty: &TensorType) -> Result<ValueId, OpError> {
        let zero = self.scalar(ty.dtype, 0.0);
        self.broadcast(zero, &ty.shape)
    }

    /// `x + y`.
    pub fn add(&mut self, x: ValueId, y: ValueId) -> Result<ValueId, OpError> {
        self.apply(Add, &[x, y])
    }

    /// `x - y`.
    pub fn sub(&mut self, x: ValueId, y: ValueId) -> Result<ValueId, OpError> {
        self.apply(Sub, &[x, y])
    }

    /// `x * y`.
    pub fn mul(&mut self, x: ValueId, y: ValueId) -> Result<ValueId, OpError> {
        self.apply(Mul, &[x, y])
    }

    /// `x / y`.
    pub fn div(&mut self, x: ValueId, y: ValueId) -> Result<ValueId, OpError> {
        self.apply(Div, &[x, y])
    }

    /// `-x`.
    pub fn neg(&mut self, x: ValueId) -> Result<ValueId, OpError> {
        self.apply(Neg, &[x])
    }

    /// `factor * x`.
    pub fn scale(&mut self, x: ValueId, factor: f64) -> Result<ValueId, OpError> {
        let factor = self.scalar(self.ty(x).dtype, factor);
        self.mul(x, factor)
    }

    /// `offset + x`.
    pub fn shift(&mut self, x: ValueId, offset: f64) -> Result<ValueId, OpError> {
        let offset = self.scalar(self.ty(x).dtype, offset);
        self.add(x, offset)
    }

    /// `x` where the condition is true, else 0.
    pub fn masked(&mut self, condition: ValueId, x: ValueId) -> Result<ValueId, OpError> {
        let zero = self.scalar(self.ty(x).dtype, 0.0);
        self.apply(Select, &[condition, x, zero])
    }

    /// The sum along axes, which stay with dimension 1.
    pub fn sum(&mut self, x: ValueId, axes: &[usize]) -> Result<ValueId, OpError> {
        self.apply(Reduce { kind: ReduceKind::Sum, axes: axes.to_vec(), keep_dims: true }, &[x])
    }

    /// The sum over what a broadcast from `shape` repeated: the result has that shape.
    pub fn sum_to(&mut self, x: ValueId, shape: &[usize]) -> Result<ValueId, OpError> {
        let from = self.ty(x).shape.clone();
        if from == shape {
            return Ok(x);
        }
        let added = from.len().saturating_sub(shape.len());
        let repeated = |&axis: &usize| axis < added || (shape[axis - added] == 1 && from[axis] != 1);
        let axes: Vec<usize> = (0..from.len()).filter(repeated).collect();
        let summed =
            self.apply(Reduce { kind: ReduceKind::Sum, axes: axes.clone(), keep_dims: false }, &[x])?;
        self.reshape(summed, shape)
    }

    /// The same elements under another shape.
    pub fn reshape(&mut self, x: ValueId, shape: &[usize]) -> Result<ValueId, OpError> {
        if self.ty(x).shape == shape {
            return Ok(x);
        }
        self.apply(Reshape { shape: shape.to_vec() }, &[x])
    }

    /// The elements repeated to a shape by NumPy's rule.
    pub fn broadcast(&mut self, x: ValueId, shape: &[usize]) -> Result<ValueId, OpError> {
        if self.ty(x).shape == shape {
            return Ok(x);
        }
        self.apply(Broadcast { shape: shape.to_vec() }, &[x])
    }

    /// The axes in another order.
    pub fn transpose(&mut self, x: ValueId, permutation: &[usize]) -> Result<ValueId, OpError> {
        self.apply(Transpose { permutation: permutation.to_vec() }, &[x])
    }

    /// The last two axes exchanged.
    ///
    /// # Errors
    /// There are fewer than two.
    pub fn transpose_matrices(&mut self, x: ValueId) -> Result<ValueId, OpError> {
        let rank = self.ty(x).rank();
        let mut permutation: Vec<usize> = (0..rank).collect();
        permutation[rank.saturating_sub(2)..].reverse();
        self.transpose(x, &permutation)
    }
}
