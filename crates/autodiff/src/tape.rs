//! Eager execution: operators are computed as they are applied, and recorded.

use std::sync::Arc;

use ediacara_graph::{Emit, Graph, GraphError, IntoOp, NodeId, Op, OpError, Tensor, TensorType, ValueId};

use crate::reverse::{Pass, Target, check_request, ones};

/// A record of eager computation: a graph, and the tensor of each of its values.
///
/// A backward pass is recorded like anything else, so that it can be differentiated again. Everything that
/// has been computed stays until the tape is dropped.
#[derive(Debug)]
pub struct Tape {
    graph: Graph,
    /// By [`ValueId::index`].
    values: Vec<Tensor>,
    /// What the nodes that follow are called; after their operator if it is empty.
    name: String,
}

impl Tape {
    /// An empty tape.
    pub fn new() -> Tape {
        Tape { graph: Graph::new("tape"), values: Vec::new(), name: String::new() }
    }

    /// A value from outside: data, or a parameter.
    pub fn value(&mut self, name: impl Into<String>, tensor: Tensor) -> ValueId {
        self.values.push(tensor.to_contiguous());
        self.graph.add_input(name, TensorType::of(&tensor))
    }

    /// Applies an operator of one result and computes it.
    ///
    /// # Errors
    /// The operator refuses the operands, or fails; the node is named after the operator.
    pub fn apply(&mut self, op: impl IntoOp, inputs: &[ValueId]) -> Result<ValueId, GraphError> {
        let op = op.into_op();
        let name = op.name();
        let at = |source| GraphError::Op { node: name.to_owned(), source: Box::new(source) };
        let results = Emit::apply(self, op, inputs).map_err(at)?;
        let problem = || GraphError::Other { problem: format!("{name} has no result") };
        results.first().copied().ok_or_else(problem)
    }

    /// The tensor of a value.
    ///
    /// # Panics
    /// It is not of this tape.
    pub fn tensor(&self, value: ValueId) -> &Tensor {
        // The graph panics at a value of another graph, which may have the index of one of its own.
        let _own = self.graph.value(value);
        &self.values[value.index()]
    }

    /// What has been recorded: the same computation as a static graph, whose inputs are the tape's
    /// [`value`](Tape::value)s.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The gradients of a loss with respect to values, computed and recorded.
    ///
    /// Otherwise as [`gradients`](crate::gradients).
    ///
    /// # Errors
    /// As [`gradients`](crate::gradients), and those of the operators of the gradients.
    pub fn gradients(&mut self, loss: ValueId, wrt: &[ValueId]) -> Result<Vec<ValueId>, GraphError> {
        check_request(&self.graph, &[loss], &[loss], wrt)?;
        let seed = ones(&mut self.graph, loss)?;
        self.remember_constant(seed);
        let pass = Pass::plan(&self.graph, &[loss], wrt);
        let found = pass.run(self, &[loss], &[seed], wrt);
        self.name.clear();
        let zeros = |(found, &value): (Option<ValueId>, &ValueId)| match found {
            Some(gradient) => Ok(gradient),
            None => {
                let name = self.graph.value(value).name.clone();
                let zeros = self.graph.ty(value).zeros();
                let zeros = zeros.map_err(|source| GraphError::Tensor { value: name, source })?;
                Ok(self.constant(zeros))
            }
        };
        found?.into_iter().zip(wrt).map(zeros).collect()
    }

    /// Keeps the tensor of a constant that was just added to the graph.
    fn remember_constant(&mut self, value: ValueId) {
        if let Some(tensor) = self.graph.constant(value) {
            self.values.push(tensor.clone());
        }
    }

    fn compute(&self, op: &dyn Op, inputs: &[ValueId]) -> Result<Vec<Tensor>, OpError> {
        let foreign =
            |error: GraphError| OpError::Other { op: op.name().to_owned(), problem: error.to_string() };
        inputs.iter().try_for_each(|&input| self.graph.check_value(input)).map_err(foreign)?;
        let operands: Vec<&Tensor> = inputs.iter().map(|&input| &self.values[input.index()]).collect();
        let types: Vec<TensorType> = operands.iter().map(|tensor| TensorType::of(tensor)).collect();
        let inferred = op.infer(&types.iter().collect::<Vec<_>>())?;
        if let ([operand], [ty]) = (&operands[..], &inferred[..])
            && let Some(view) = op.view(operand).filter(|view| TensorType::of(view) == *ty)
        {
            return Ok(vec![view]);
        }
        let zeros = |ty: &TensorType| ty.zeros().map_err(|source| OpError::Tensor { op: op.name(), source });
        let mut outputs = inferred.iter().map(zeros).collect::<Result<Vec<Tensor>, OpError>>()?;
        op.run(&operands, &mut outputs)?;
        Ok(outputs)
    }
}

impl Default for Tape {
    fn default() -> Tape {
        Tape::new()
    }
}

impl Emit for Tape {
    fn ty(&self, value: ValueId) -> &TensorType {
        self.graph.ty(value)
    }

    fn check_value(&self, value: ValueId) -> Result<(), GraphError> {
        self.graph.check_value(value)
    }

    fn apply(&mut self, op: Arc<dyn Op>, inputs: &[ValueId]) -> Result<Vec<ValueId>, OpError> {
        // Results are computed first, so that a failure leaves no trace.
        let tensors = self.compute(op.as_ref(), inputs)?;
        let op_name = op.name();
        let name = if self.name.is_empty() { op_name } else { &self.name };
        let node = self.graph.add_node(name, op, inputs).map_err(|error| match error {
            GraphError::Op { source, .. } => *source,
            error => OpError::Other { op: op_name.to_owned(), problem: error.to_string() },
        })?;
        self.values.extend(tensors);
        Ok(self.graph.outputs_of(node).to_vec())
    }

    fn constant(&mut self, tensor: Tensor) -> ValueId {
        let value = self.graph.add_constant("constant", tensor);
        self.remember_constant(value);
        value
    }
}

impl Target for Tape {
    fn graph(&self) -> &Graph {
        &self.graph
    }

    fn enter(&mut self, node: NodeId, _position: usize) {
        self.name = format!("{}.gradient", self.graph.node(node).name);
    }
}
