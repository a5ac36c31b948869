//! Programs that are written once, and run eagerly or become a graph.

use ediacara_graph::{Emit, GraphError, IntoOp, OpError, ValueId};

use crate::{GraphEmitter, Tape};

/// Where a program's operators go: an eager [`Tape`] computes them, a [`GraphEmitter`] adds them to a graph.
///
/// The numbers are the same, to the bit.
///
/// Functions that take `&mut dyn Emit`, such as losses, take a `&mut dyn Recorder` as well.
pub trait Recorder: Emit {
    /// The gradients of a loss with respect to values, as [`gradients`](crate::gradients) gives them.
    ///
    /// # Errors
    /// As [`gradients`](crate::gradients) and, on a tape, those of the operators of the gradients.
    fn gradients(&mut self, loss: ValueId, wrt: &[ValueId]) -> Result<Vec<ValueId>, GraphError>;
}

impl dyn Recorder + '_ {
    /// Applies an operator, and gives its only result.
    ///
    /// # Errors
    /// The operator refuses the operands or, on a tape, fails; it has no result.
    pub fn one(&mut self, op: impl IntoOp, inputs: &[ValueId]) -> Result<ValueId, OpError> {
        (self as &mut dyn Emit).one(op, inputs)
    }
}

impl Recorder for Tape {
    fn gradients(&mut self, loss: ValueId, wrt: &[ValueId]) -> Result<Vec<ValueId>, GraphError> {
        Tape::gradients(self, loss, wrt)
    }
}

impl Recorder for GraphEmitter<'_> {
    fn gradients(&mut self, loss: ValueId, wrt: &[ValueId]) -> Result<Vec<ValueId>, GraphError> {
        crate::gradients(self.graph_mut(), loss, wrt)
    }
}
