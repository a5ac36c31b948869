//! The [`Context`], through which handlers emit core ops.
//!
//! Every method takes and returns values of the graph under construction. An op whose operands are all
//! constant is computed at once, within the limits of the options; else it becomes a node. The graph refuses
//! values of the wrong type or shape, with errors that name the core op and both shapes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ediacara_graph::{Attributes, Graph, Op, Registry, TensorType, ValueId};
use ediacara_tensor::{DType, Element as _, Tensor, with_element};

use crate::error::{NodeError, NodeResult};
use crate::external::External;
use crate::limits::Limits;
use crate::node::Node;
use crate::proto::TensorProto;
use crate::sample::Sample;
use crate::tensor;

/// The most elements of a value that is dequantised because a handler asks for it.
const SMALL: usize = 1 << 16;

/// The graph under construction, for the node that is being handled.
///
/// What a handler emits is named after its node. An operator whose operands are all constant is computed at once,
/// within the limits of the options.
pub struct Context<'a> {
    /// The version of the default operator set.
    pub(crate) opset: i64,
    pub(crate) graph: Graph,
    registry: Registry,
    /// The ops without attributes that were asked for, by name; all nodes of one op share it.
    plain: HashMap<String, Arc<dyn Op>>,
    external: &'a External,
    limits: Limits,
    /// Bytes that constants may still take, bytes that folded ones may still take, and work that folding may
    /// still do.
    bytes_left: usize,
    folded_left: usize,
    work_left: u64,
    /// The name of the node that is being handled, and how many values it has made.
    label: String,
    made: usize,
    /// Domain and type of every operator of the file's graph, if a user's handlers may ask for them.
    used: HashSet<(&'a str, &'a str)>,
    /// Names in the file of dynamically quantised values that stay real numbers.
    passed_on: HashSet<&'a str>,
    /// How many values were passed on so.
    dynamic: usize,
    /// Values of a sample run; nothing inside the body of a loop, which is a graph of its own.
    pub(crate) sample: Option<Sample>,
}

/// What a body of its own replaces while it is built.
pub(crate) struct Around {
    graph: Graph,
    sample: Option<Sample>,
}

impl<'a> Context<'a> {
    pub(crate) fn new(name: &str, opset: i64, external: &'a External, limits: Limits) -> Context<'a> {
        Context {
            opset,
            graph: Graph::new(name),
            registry: Registry::core(),
            plain: HashMap::new(),
            external,
            limits,
            bytes_left: limits.total_bytes,
            folded_left: limits.folded_bytes,
            work_left: limits.folding_work,
            label: String::new(),
            made: 0,
            used: HashSet::new(),
            passed_on: HashSet::new(),
            dynamic: 0,
            sample: Some(Sample::default()),
        }
    }

    /// Says which operators the file's graph uses: domain and type.
    pub(crate) fn set_used(&mut self, used: HashSet<(&'a str, &'a str)>) {
        self.used = used;
    }

    /// Says which dynamically quantised values stay real numbers, by their names in the file.
    pub(crate) fn set_passed_on(&mut self, names: HashSet<&'a str>) {
        self.passed_on = names;
    }

    /// Whether the dynamically quantised value of that name stays a real number, which is counted.
    pub(crate) fn pass_on(&mut self, name: &str) -> bool {
        let passed = self.passed_on.contains(name);
        self.dynamic += usize::from(passed);
        passed
    }

    /// How many dynamically quantised values stayed real numbers.
    pub(crate) fn dynamic(&self) -> usize {
        self.dynamic
    }

    /// Names everything that is made from now on after `label`, which is unique in the file.
    pub(crate) fn begin(&mut self, label: &str) {
        label.clone_into(&mut self.label);
        self.made = 0;
    }

    /// A graph of its own, which `build` fills.
    pub(crate) fn body(
        &mut self,
        name: &str,
        build: impl FnOnce(&mut Self) -> NodeResult<()>,
    ) -> NodeResult<Graph> {
        let around = self.enter(name);
        let place = (std::mem::take(&mut self.label), self.made);
        let built = build(self);
        (self.label, self.made) = place;
        let body = self.leave(around);
        built.map(|()| body)
    }

    /// Begins a graph of its own; [`Context::leave`] ends it.
    pub(crate) fn enter(&mut self, name: &str) -> Around {
        Around { graph: std::mem::replace(&mut self.graph, Graph::new(name)), sample: self.sample.take() }
    }

    /// Goes back to the graph around, and gives the one that was built.
    pub(crate) fn leave(&mut self, around: Around) -> Graph {
        self.sample = around.sample;
        std::mem::replace(&mut self.graph, around.graph)
    }

    /// A name for the next thing that a node makes: the label for the first, the label and a number for the
    /// others.
    fn next_name(&mut self) -> String {
        self.made += 1;
        if self.made == 1 { self.label.clone() } else { format!("{}/{}", self.label, self.made) }
    }

    // What is known about values.

    /// The version of the default operator set.
    pub fn opset(&self) -> i64 {
        self.opset
    }

    /// Whether the file's graph has a node of this operator, so that dialects that share names can be told apart.
    ///
    /// The domain of ONNX itself is empty here. Nodes of functions and branches do not count.
    pub fn uses(&self, domain: &str, op: &str) -> bool {
        self.used.contains(&(domain, op))
    }

    /// Whether a value is an input of the network.
    pub fn is_input(&self, value: ValueId) -> bool {
        self.graph.inputs().contains(&value)
    }

    /// The dimensions of a value.
    pub fn shape(&self, value: ValueId) -> &[usize] {
        &self.graph.ty(value).shape
    }

    /// The element type of a value.
    pub fn dtype(&self, value: ValueId) -> DType {
        self.graph.ty(value).dtype
    }

    /// The value of a constant, or of a small one that stays dequantize_linear of its integers (a padding
    /// value, say).
    pub fn known(&self, value: ValueId) -> Option<Tensor> {
        if let Some(tensor) = self.graph.constant(value) {
            return Some(tensor.clone());
        }
        let node = self.graph.node(self.graph.producer(value)?);
        if node.op.name() != "dequantize_linear" || self.graph.ty(value).elements() > SMALL {
            return None;
        }
        let inputs: Option<Vec<&Tensor>> =
            node.inputs.iter().map(|&input| self.graph.constant(input)).collect();
        let mut outputs = [self.graph.ty(value).zeros().ok()?];
        node.op.run(&inputs?, &mut outputs).ok()?;
        let [output] = outputs;
        Some(output)
    }

    /// The scale and the zero point of the dequantize_linear that gives a value, be it reshaped or transposed; nothing if there are
    /// several of them or none.
    pub fn stored_as(&self, value: ValueId) -> Option<(f32, Tensor)> {
        let node = self.graph.node(self.graph.producer(value)?);
        match node.op.name() {
            "reshape" | "transpose" => self.stored_as(node.inputs[0]),
            "dequantize_linear" => {
                let &[_, scale, zero] = node.inputs.as_slice() else { return None };
                let zero = self.graph.constant(zero).filter(|zero| zero.len() == 1)?;
                let scale = self.graph.constant(scale)?.to_vec::<f32>().ok()?;
                scale.first().filter(|_| scale.len() == 1).map(|&scale| (scale, zero.clone()))
            }
            _ => None,
        }
    }

    /// The only element of a constant of one element.
    pub(crate) fn constant_scalar(&self, value: ValueId) -> Option<f64> {
        let tensor = self.known(value).filter(|tensor| tensor.len() == 1)?;
        tensor.cast(DType::F64).to_vec::<f64>().ok()?.first().copied()
    }

    /// The integers of a constant, in order; nothing if the value is computed, or real.
    pub(crate) fn constant_integers(&self, value: ValueId) -> Option<Vec<i64>> {
        let tensor = self.graph.constant(value).filter(|tensor| tensor.dtype().is_integer())?;
        tensor.cast(DType::I64).to_vec().ok()
    }

    /// The value of operand `index`; nothing if it is left out.
    ///
    /// Integers and truth values that depend on data are those of the sample, and guarded.
    pub(crate) fn constant_of(&mut self, node: &Node<'_>, index: usize) -> NodeResult<Option<Tensor>> {
        let Some(value) = node.optional(index) else { return Ok(None) };
        let operand = node.input_name(index);
        if let Some(tensor) = self.known(value).or_else(|| self.guarded(value, operand)) {
            return Ok(Some(tensor));
        }
        Err(self.depends_on_data(value, operand))
    }

    /// The integers or truth values of the sample, on which shapes will stand; `operand` is for errors.
    pub(crate) fn guarded(&mut self, value: ValueId, operand: &str) -> Option<Tensor> {
        self.sample.as_mut()?.guarded(&self.graph, value, operand)
    }

    /// The error of a value that has to be known and is not.
    pub(crate) fn depends_on_data(&self, value: ValueId, operand: &str) -> NodeError {
        NodeError::NotConstant { operand: operand.to_owned(), inputs: self.inputs_behind(value) }
    }

    /// The names of the network's inputs that a value is computed from.
    fn inputs_behind(&self, value: ValueId) -> Box<[String]> {
        let (mut seen, mut open) = (HashSet::from([value]), vec![value]);
        while let Some(value) = open.pop() {
            let Some(node) = self.graph.producer(value) else { continue };
            open.extend(self.graph.node(node).inputs.iter().copied().filter(|&input| seen.insert(input)));
        }
        let inputs = self.graph.inputs().iter().filter(|input| seen.contains(input));
        inputs.map(|&input| self.graph.value(input).name.clone()).collect()
    }

    /// The value of operand `index`, which has to be there.
    pub(crate) fn required(&mut self, node: &Node<'_>, index: usize) -> NodeResult<Tensor> {
        node.input(index)?;
        self.constant_of(node, index)?.ok_or_else(|| NodeError::new("lacks an operand"))
    }

    /// Operand `index` as integers (axes, sizes, a shape); nothing if it is left out.
    pub(crate) fn constant_ints(&mut self, node: &Node<'_>, index: usize) -> NodeResult<Option<Vec<i64>>> {
        let Some(tensor) = self.constant_of(node, index)? else { return Ok(None) };
        if !tensor.dtype().is_integer() || tensor.rank() > 1 {
            return Err(NodeError::new(format!(
                "has an operand '{}' of {} and shape {:?}; it has to be a list of integers",
                node.input_name(index),
                tensor.dtype(),
                tensor.shape()
            )));
        }
        tensor.cast(DType::I64).to_vec::<i64>().map(Some).map_err(failed)
    }

    pub(crate) fn required_ints(&mut self, node: &Node<'_>, index: usize) -> NodeResult<Vec<i64>> {
        node.input(index)?;
        Ok(self.constant_ints(node, index)?.unwrap_or_default())
    }

    // Constants.

    /// Adds a constant, within the limit of all constants together.
    ///
    /// # Errors
    /// It is beyond the limit.
    pub fn constant(&mut self, tensor: Tensor) -> Result<ValueId, NodeError> {
        self.charge(tensor.size_bytes())?;
        let name = self.next_name();
        Ok(self.graph.add_constant(name, tensor))
    }

    /// Adds a tensor that is stored in the file; `place` names it in errors.
    pub(crate) fn stored(&mut self, proto: &TensorProto, place: &str) -> NodeResult<ValueId> {
        let named = |found| NodeError::new(format!("{place}: {found}"));
        let header = tensor::header(proto, self.limits.tensor_bytes).map_err(named)?;
        self.charge(header.size_bytes)?;
        let tensor = tensor::decode(proto, self.external, self.limits.tensor_bytes).map_err(named)?;
        let name = self.next_name();
        Ok(self.graph.add_constant(name, tensor))
    }

    fn charge(&mut self, bytes: usize) -> NodeResult<()> {
        match self.bytes_left.checked_sub(bytes) {
            Some(left) => {
                self.bytes_left = left;
                Ok(())
            }
            None => Err(NodeError::new(format!(
                "needs {bytes} more bytes of constants, but only {} of the limit of {} are left; raise \
                 ImportOptions::limits if that is right",
                self.bytes_left, self.limits.total_bytes
            ))),
        }
    }

    /// A scalar of any type; the nearest value of that type.
    pub(crate) fn scalar(&mut self, dtype: DType, value: f64) -> NodeResult<ValueId> {
        self.constant(with_element!(dtype, T => Tensor::scalar(T::from_f64(value))))
    }

    /// A scalar of the type of `like`.
    ///
    /// # Errors
    /// As of [`Context::constant`].
    pub fn scalar_like(&mut self, like: ValueId, value: f64) -> Result<ValueId, NodeError> {
        self.scalar(self.dtype(like), value)
    }

    /// A tensor of one value.
    pub(crate) fn full(&mut self, dtype: DType, shape: &[usize], value: f64) -> NodeResult<ValueId> {
        let scalar = self.scalar(dtype, value)?;
        self.broadcast(scalar, shape)
    }

    /// 0, 1, 2, ... of `count` elements.
    pub(crate) fn ramp(&mut self, dtype: DType, count: usize) -> NodeResult<ValueId> {
        let bytes = count.saturating_mul(dtype.size_bytes());
        if bytes > self.bytes_left {
            self.charge(bytes)?;
        }
        let ramp = Tensor::from_vec(&[count], (0..count as i64).collect()).map_err(failed)?;
        self.constant(ramp.cast(dtype))
    }

    // Emission.

    /// Emits an op, and gives its only result.
    ///
    /// # Errors
    /// As of [`Context::emit_all`]; the op has no result.
    pub fn emit(&mut self, op: impl Op, inputs: &[ValueId]) -> Result<ValueId, NodeError> {
        let results = self.emit_all(Arc::new(op), inputs)?;
        results.first().copied().ok_or_else(|| NodeError::new("became an op without a result"))
    }

    /// Emits the op of that name, without attributes.
    fn emit_plain(&mut self, op: &str, inputs: &[ValueId]) -> NodeResult<ValueId> {
        let op = match self.plain.get(op) {
            Some(known) => Arc::clone(known),
            None => {
                let built = self.registry.build(op, &Attributes::new()).map_err(failed)?;
                self.plain.insert(op.to_owned(), Arc::clone(&built));
                built
            }
        };
        let results = self.emit_all(op, inputs)?;
        results.first().copied().ok_or_else(|| NodeError::new("became an op without a result"))
    }

    /// Emits an op: folded if all operands are constant and the limits allow it, else as a node.
    ///
    /// A dequantize_linear is never folded, because a quantised network would lose its weights' integers,
    /// scales and zero points.
    ///
    /// # Errors
    /// The op refuses its operands, or fails on constants; the graph would have more nodes than the limits allow.
    pub fn emit_all(&mut self, op: Arc<dyn Op>, inputs: &[ValueId]) -> Result<Vec<ValueId>, NodeError> {
        let types: Vec<&TensorType> = inputs.iter().map(|&input| self.graph.ty(input)).collect();
        let results = op.infer(&types).map_err(failed)?;
        let mut bytes = 0usize;
        for ty in &results {
            let size = tensor::checked_size_bytes(ty.dtype, &ty.shape, self.limits.result_bytes);
            bytes =
                bytes.saturating_add(size.map_err(|found| NodeError::new(format!("its result: {found}")))?);
        }
        if results.iter().all(|ty| ty.elements() == 0) {
            return self.empty(&results);
        }
        let constants: Option<Vec<Tensor>> =
            inputs.iter().map(|&input| self.graph.constant(input).cloned()).collect();
        if let Some(constants) = constants.filter(|_| op.name() != "dequantize_linear")
            && let Some(tensors) = self.fold(&*op, &constants, &types_of(&constants), &results, bytes)?
        {
            let mut values = Vec::with_capacity(tensors.len());
            for tensor in tensors {
                let name = self.next_name();
                values.push(self.graph.add_constant(name, tensor));
            }
            return Ok(values);
        }
        if self.graph.node_count() >= self.limits.nodes {
            return Err(NodeError::new(format!(
                "would be more than the limit of {} nodes; raise ImportOptions::limits if that is right",
                self.limits.nodes
            )));
        }
        let name = self.next_name();
        let node = self.graph.add_node(name, op, inputs).map_err(failed)?;
        Ok(self.graph.outputs_of(node).to_vec())
    }

    /// Results without elements are known whatever the operands are.
    fn empty(&mut self, types: &[TensorType]) -> NodeResult<Vec<ValueId>> {
        let mut values = Vec::with_capacity(types.len());
        for ty in types {
            let name = self.next_name();
            values.push(self.graph.add_constant(name, ty.zeros().map_err(failed)?));
        }
        Ok(values)
    }

    /// Computes an op of constants, unless that goes beyond the limits.
    fn fold(
        &mut self,
        op: &dyn Op,
        inputs: &[Tensor],
        input_types: &[TensorType],
        types: &[TensorType],
        bytes: usize,
    ) -> NodeResult<Option<Vec<Tensor>>> {
        if let [input] = inputs
            && let Some(view) = op.view(input)
            && view.is_contiguous()
        {
            return Ok(Some(vec![view]));
        }
        let inputs: Vec<&Tensor> = inputs.iter().collect();
        let work = work(op, &input_types.iter().collect::<Vec<_>>(), types);
        let (Some(work), Some(folded), Some(bytes)) = (
            self.work_left.checked_sub(work),
            self.folded_left.checked_sub(bytes),
            self.bytes_left.checked_sub(bytes),
        ) else {
            return Ok(None);
        };
        (self.work_left, self.folded_left, self.bytes_left) = (work, folded, bytes);
        let mut outputs = Vec::with_capacity(types.len());
        for ty in types {
            outputs.push(ty.zeros().map_err(failed)?);
        }
        // An op without elements has nothing to compute.
        if outputs.iter().any(|output| !output.is_empty()) {
            op.run(&inputs, &mut outputs).map_err(failed)?;
        }
        Ok(Some(outputs))
    }

    // Core ops, by what they do.

    /// A function of one operand, by the core op's name.
    pub(crate) fn unary(&mut self, op: &str, x: ValueId) -> NodeResult<ValueId> {
        self.emit_plain(op, &[x])
    }

    /// A function of two operands with broadcasting, by the core op's name.
    pub(crate) fn binary(&mut self, op: &str, left: ValueId, right: ValueId) -> NodeResult<ValueId> {
        self.emit_plain(op, &[left, right])
    }

    /// A function of an operand and a number.
    pub(crate) fn binary_scalar(&mut self, op: &str, left: ValueId, right: f64) -> NodeResult<ValueId> {
        let right = self.scalar_like(left, right)?;
        self.binary(op, left, right)
    }
}

fn types_of(tensors: &[Tensor]) -> Vec<TensorType> {
    tensors.iter().map(TensorType::of).collect()
}

/// The work of one execution: its arithmetic and the elements that it writes.
///
/// It is beyond all limits where the product of the sizes is so large that counting would overflow.
fn work(op: &dyn Op, inputs: &[&TensorType], outputs: &[TensorType]) -> u64 {
    let written: u64 = outputs.iter().map(|ty| ty.elements() as u64).sum();
    let read = inputs.iter().map(|ty| ty.elements() as u64).max().unwrap_or(1);
    if u128::from(written) * u128::from(read.max(1)) > 1 << 62 {
        return u64::MAX;
    }
    op.cost(inputs, &outputs.iter().collect::<Vec<_>>()).total().saturating_add(written)
}

/// An error of graph or tensor, as what is wrong with the node.
pub(crate) fn failed(error: impl std::fmt::Display) -> NodeError {
    NodeError::new(error.to_string())
}
