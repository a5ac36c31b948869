//! A graph in the making, with its parameters.

use ediacara_autodiff::GraphEmitter;
use ediacara_graph::ops::Cast;
use ediacara_graph::{DType, Emit, Graph, GraphError, IntoOp, OpError, TensorType, ValueId};
use ediacara_tensor::Tensor;

use crate::{Initialiser, NnError};

/// The most elements of a parameter: a gigabyte of f32, checked before memory is reserved.
const PARAMETER_LIMIT: usize = 1 << 28;

/// What a network is built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Dropout drops, and batch normalisation takes the statistics of the batch.
    Training,
    /// Dropout is nothing, and batch normalisation takes the statistics that training gathered.
    Inference,
}

/// What a parameter is for; only weights decay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Multiplies what comes into a layer.
    Weight,
    /// Is added, or scales a normalised value.
    Bias,
    /// Is gathered from what passes through, not learnt.
    Statistic,
}

/// A value of the graph that keeps its tensor from one run to the next.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// The name, unique in the graph: the layer's, then its own, such as `conv1.weight`.
    pub name: String,
    /// An input of the graph.
    pub value: ValueId,
    /// What it holds before the first run.
    pub initial: Tensor,
    /// What it is for.
    pub role: Role,
}

/// The value that a parameter or a state takes after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Update {
    /// The parameter's value.
    pub variable: ValueId,
    /// What it becomes, of the same type.
    pub to: ValueId,
}

/// A graph in the making.
///
/// Layers add nodes to it and declare parameters, which are inputs of the graph.
///
/// Built twice with the same calls and seed, for training and for inference, it has the same parameters in
/// the same order. That is how a trained network is run, or exported.
#[derive(Debug)]
pub struct Scope {
    graph: Graph,
    mode: Mode,
    seed: u64,
    parameters: Vec<Parameter>,
    updates: Vec<Update>,
    /// What layers compute in.
    compute: DType,
    /// What the nodes that follow are called.
    name: String,
}

impl Scope {
    /// An empty graph of this name.
    ///
    /// Initial values come from the seed and the parameters' names.
    pub fn new(name: &str, mode: Mode, seed: u64) -> Scope {
        Scope {
            graph: Graph::new(name),
            mode,
            seed,
            parameters: Vec::new(),
            updates: Vec::new(),
            compute: DType::F32,
            name: String::new(),
        }
    }

    /// What the network is built for.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Lets the layers that follow compute in another type than f32, usually f16 or bf16.
    ///
    /// Their parameters stay f32, in which they are learnt; layers see them rounded. The input of the first
    /// layer has to be [`cast`](Scope::cast).
    pub fn compute_in(&mut self, dtype: DType) {
        self.compute = dtype;
    }

    /// What layers compute in.
    pub fn compute_type(&self) -> DType {
        self.compute
    }

    /// `x` in another type; `x` itself if it has that type.
    ///
    /// # Errors
    /// There is no such conversion.
    pub fn cast(&mut self, x: ValueId, to: DType) -> Result<ValueId, NnError> {
        self.graph.check_value(x)?;
        if self.graph.ty(x).dtype == to { Ok(x) } else { self.apply(Cast { to }, &[x]) }
    }

    /// An input that is fed at every run.
    pub fn input(&mut self, name: &str, ty: TensorType) -> ValueId {
        self.graph.add_input(name, ty)
    }

    /// An input that keeps its tensor from one run to the next, beside the parameters of layers.
    ///
    /// An optimiser may remember something in it.
    pub fn variable(&mut self, name: &str, initial: Tensor) -> Parameter {
        let value = self.graph.add_variable(name, TensorType::of(&initial));
        Parameter { name: self.graph.value(value).name.clone(), value, initial, role: Role::Statistic }
    }

    /// A parameter, kept in f32 and given in the type that layers compute in.
    ///
    /// # Errors
    /// It would have more than 2^28 elements.
    pub fn parameter(
        &mut self,
        name: &str,
        shape: &[usize],
        initialiser: Initialiser,
        role: Role,
    ) -> Result<ValueId, NnError> {
        let value = self.full_parameter(name, shape, initialiser, role)?;
        self.cast(value, self.compute)
    }

    /// A parameter of f32, whatever layers compute in.
    ///
    /// # Errors
    /// It would have more than 2^28 elements.
    pub fn full_parameter(
        &mut self,
        name: &str,
        shape: &[usize],
        initialiser: Initialiser,
        role: Role,
    ) -> Result<ValueId, NnError> {
        let elements = shape.iter().try_fold(1_usize, |product, &extent| product.checked_mul(extent));
        if elements.is_none_or(|elements| elements > PARAMETER_LIMIT) {
            let (name, shape) = (name.to_owned(), shape.to_vec());
            return Err(NnError::Parameter { name, shape, limit: PARAMETER_LIMIT });
        }
        let initial = initialiser.tensor(shape, self.seed, name)?;
        let value = self.graph.add_variable(name, TensorType::of(&initial));
        self.parameters.push(Parameter { name: self.graph.value(value).name.clone(), value, initial, role });
        Ok(value)
    }

    /// The value of an operator of one result; the node has the name of the layer that is being built.
    ///
    /// # Errors
    /// The operator refuses the operands.
    pub fn apply(&mut self, op: impl IntoOp, inputs: &[ValueId]) -> Result<ValueId, NnError> {
        let op = op.into_op();
        let name = if self.name.is_empty() { op.name().to_owned() } else { self.name.clone() };
        Ok(self.graph.add(name, op, inputs)?)
    }

    /// A value that is known.
    pub fn constant(&mut self, tensor: Tensor) -> ValueId {
        let layer = if self.name.is_empty() { "scope" } else { &self.name };
        self.graph.add_constant(format!("{layer}.constant"), tensor)
    }

    /// Where losses build: nodes called `name`.
    pub fn emitter(&mut self, name: &str) -> GraphEmitter<'_> {
        GraphEmitter::new(&mut self.graph, name)
    }

    /// Builds something of [functions](crate::functional), whose nodes are called `name`.
    ///
    /// # Errors
    /// Those of `build`, with the name.
    pub fn compose<T>(
        &mut self,
        name: &str,
        build: impl FnOnce(&mut dyn Emit) -> Result<T, OpError>,
    ) -> Result<T, NnError> {
        let at = |source| GraphError::Op { node: name.to_owned(), source: Box::new(source) };
        Ok(build(&mut self.emitter(name)).map_err(at)?)
    }

    /// The dimensions of a layer's operand.
    ///
    /// # Errors
    /// It is of another graph, or not of the type that layers compute in.
    pub(crate) fn operand(&self, layer: &str, x: ValueId, expected: &str) -> Result<Vec<usize>, NnError> {
        self.graph.check_value(x)?;
        let ty = self.graph.ty(x);
        if ty.dtype != self.compute {
            let (found, compute) = (ty.dtype, self.compute);
            return Err(self.misfit(layer, x, format!("{compute} {expected}, not {found}; `cast` it first")));
        }
        Ok(ty.shape.clone())
    }

    /// The sizes N, C, H and W of a layer's images.
    ///
    /// # Errors
    /// As [`operand`](Scope::operand); there are not four dimensions, or no element.
    pub(crate) fn images(&self, layer: &str, x: ValueId) -> Result<[usize; 4], NnError> {
        const EXPECTED: &str = "[N, C, H, W]";
        match self.operand(layer, x, EXPECTED)?[..] {
            [batch, channels, height, width] if channels > 0 && height > 0 && width > 0 => {
                Ok([batch, channels, height, width])
            }
            [_, _, _, _] => {
                Err(self.misfit(layer, x, format!("{EXPECTED} with at least one element a sample")))
            }
            _ => Err(self.misfit(layer, x, EXPECTED.to_owned())),
        }
    }

    /// Refuses a layer if one of these sizes is 0.
    pub(crate) fn positive(&self, layer: &str, sizes: &[(&str, usize)]) -> Result<(), NnError> {
        match sizes.iter().find(|(_, size)| *size == 0) {
            Some((what, _)) => {
                Err(NnError::Layer { layer: layer.to_owned(), problem: format!("0 {what}; give 1 or more") })
            }
            None => Ok(()),
        }
    }

    /// The name that errors give a layer without a name of its own: the name that is being built, or its
    /// kind.
    pub(crate) fn layer_name(&self, kind: &str) -> String {
        if self.name.is_empty() { kind.to_owned() } else { self.name.clone() }
    }

    /// The error of a layer that cannot take its operand.
    pub(crate) fn misfit(&self, layer: &str, value: ValueId, expected: String) -> NnError {
        let value = self.graph.value(value);
        NnError::Operand {
            layer: layer.to_owned(),
            value: value.name.clone(),
            ty: value.ty.clone(),
            expected,
        }
    }

    /// The values of an operator, as a node of this name.
    ///
    /// # Errors
    /// The operator refuses the operands.
    pub fn apply_all(
        &mut self,
        name: &str,
        op: impl IntoOp,
        inputs: &[ValueId],
    ) -> Result<Vec<ValueId>, NnError> {
        let node = self.graph.add_node(name, op, inputs)?;
        Ok(self.graph.outputs_of(node).to_vec())
    }

    /// The graph so far.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The graph so far, for what is built on graphs, as gradients are.
    pub fn graph_mut(&mut self) -> &mut Graph {
        &mut self.graph
    }

    /// The parameters so far.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// Builds something whose nodes are called `name`.
    ///
    /// # Errors
    /// Those of `build`.
    pub fn named<T>(
        &mut self,
        name: &str,
        build: impl FnOnce(&mut Scope) -> Result<T, NnError>,
    ) -> Result<T, NnError> {
        let outer = std::mem::replace(&mut self.name, name.to_owned());
        let result = build(self);
        self.name = outer;
        result
    }

    /// Lets a statistic take another value after each training run.
    pub fn update(&mut self, variable: ValueId, to: ValueId) {
        self.updates.push(Update { variable, to });
    }

    /// The element type of a value.
    ///
    /// # Panics
    /// It is of another graph.
    pub fn dtype(&self, value: ValueId) -> DType {
        self.graph.ty(value).dtype
    }

    /// The dimensions of a value.
    ///
    /// # Panics
    /// It is of another graph.
    pub fn shape(&self, value: ValueId) -> &[usize] {
        &self.graph.ty(value).shape
    }

    /// The graph, its parameters in the order of their declaration, and the values that statistics take.
    pub fn finish(self) -> (Graph, Vec<Parameter>, Vec<Update>) {
        (self.graph, self.parameters, self.updates)
    }
}
