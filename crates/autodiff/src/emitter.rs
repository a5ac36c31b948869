//! Where gradient rules put their nodes: into a graph.

use std::collections::HashMap;
use std::sync::Arc;

use ediacara_graph::{DType, Emit, Graph, GraphError, Op, OpError, Tensor, TensorType, ValueId};

/// Adds what is emitted to a graph, as nodes of one name.
///
/// Scalars of one type and value are one constant.
#[derive(Debug)]
pub struct GraphEmitter<'g> {
    graph: &'g mut Graph,
    name: String,
    scalars: HashMap<(DType, u64), ValueId>,
}

impl<'g> GraphEmitter<'g> {
    /// An emitter into `graph` whose nodes are called `name`.
    pub fn new(graph: &'g mut Graph, name: impl Into<String>) -> GraphEmitter<'g> {
        GraphEmitter { graph, name: name.into(), scalars: HashMap::new() }
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        self.graph
    }

    /// The graph, for what is built on graphs.
    pub(crate) fn graph_mut(&mut self) -> &mut Graph {
        self.graph
    }

    /// Gives the nodes that follow this name.
    pub fn set_name(&mut self, name: impl Into<String>) {
        self.name = name.into();
    }

    /// Adds a node of an operator to the graph, and gives its results.
    pub(crate) fn add(
        &mut self,
        name: &str,
        op: Arc<dyn Op>,
        inputs: &[ValueId],
    ) -> Result<Vec<ValueId>, OpError> {
        let op_name = op.name();
        match self.graph.add_node(name, op, inputs) {
            Ok(node) => Ok(self.graph.outputs_of(node).to_vec()),
            Err(GraphError::Op { source, .. }) => Err(*source),
            Err(error) => Err(OpError::Other { op: op_name.to_owned(), problem: error.to_string() }),
        }
    }
}

impl Emit for GraphEmitter<'_> {
    fn ty(&self, value: ValueId) -> &TensorType {
        self.graph.ty(value)
    }

    fn check_value(&self, value: ValueId) -> Result<(), GraphError> {
        self.graph.check_value(value)
    }

    fn apply(&mut self, op: Arc<dyn Op>, inputs: &[ValueId]) -> Result<Vec<ValueId>, OpError> {
        let name = std::mem::take(&mut self.name);
        let result = self.add(&name, op, inputs);
        self.name = name;
        result
    }

    fn constant(&mut self, tensor: Tensor) -> ValueId {
        let key = scalar_key(&tensor);
        if let Some(&known) = key.and_then(|key| self.scalars.get(&key)) {
            return known;
        }
        let name = if key.is_some() { "scalar".to_owned() } else { format!("{}.constant", self.name) };
        let value = self.graph.add_constant(name, tensor);
        if let Some(key) = key {
            self.scalars.insert(key, value);
        }
        value
    }
}

/// Type and bits of a floating-point scalar.
fn scalar_key(tensor: &Tensor) -> Option<(DType, u64)> {
    let scalar = tensor.rank() == 0 && tensor.dtype().is_float();
    let value = scalar.then(|| tensor.cast(DType::F64).to_vec::<f64>().ok())??;
    Some((tensor.dtype(), value.first()?.to_bits()))
}
