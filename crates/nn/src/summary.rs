//! What a graph consists of, layer by layer: parameters, neurons, arithmetic and memory.
//!
//! A layer is a node that computes on data, with two exceptions. Nodes that compute on constants only are no
//! layers; their constants count for the layer that uses them. A multiplication by per-channel constants and
//! an addition of others right after it are one layer of kind `batch_norm`. `reshape`, which computes and
//! moves nothing, is left out.
//!
//! Parameters are the elements of constants that a network learns: floating-point tensors (but no scalars),
//! 8-bit weights, and the 32-bit biases of quantised layers. Scales, zero points, tables, indices and shapes
//! are none. A constant that several layers use counts once, for the first.
//!
//! Neurons are the elements of the output of a convolution or a fully connected layer (a product with learned
//! weights). Other layers have none, so that a network's neurons are those that textbooks count; some add the
//! input's.
//!
//! A summary keeps the totals and finds the layers in the graph whenever they are asked for. The layers of a
//! network of a million nodes would take more memory than the network.

use std::collections::{HashMap, HashSet};

use ediacara_graph::{Cost, DType, Graph, Node, NodeId, TensorType, ValueId};
use ediacara_tensor::{Element, Tensor, with_element};
use serde::{Serialize, Serializer};

/// An input or output of a graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its element type.
    pub dtype: &'static str,
    /// Its dimensions.
    pub shape: Vec<usize>,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Layer {
    /// The node's name.
    pub name: String,
    /// The operator's name, or `batch_norm`.
    pub kind: String,
    /// The dimensions of the (first) output.
    pub output_shape: Vec<usize>,
    /// Learned numbers that no earlier layer has counted.
    pub parameters: u64,
    /// Those of them that are 0.
    pub zeros: u64,
    /// Elements of the output of a convolution or fully connected layer; 0 for all others.
    pub neurons: u64,
    /// Multiplications, those of `macs` included.
    pub multiplications: u64,
    /// Additions, those of `macs` included; a sum of n terms takes n - 1.
    pub additions: u64,
    /// Other scalar operations: comparisons, divisions, functions, conversions.
    pub others: u64,
    /// Multiply-accumulates of convolutions and matrix products.
    pub macs: u64,
    /// Bytes of the parameters.
    pub parameter_bytes: u64,
    /// Bytes of all outputs.
    pub output_bytes: u64,
    /// Bytes that the layer reads and writes: computed operands, parameters, outputs.
    pub memory_bytes: u64,
}

/// A graph's layers and their totals.
#[derive(Debug, Clone, Serialize)]
pub struct Summary<'a> {
    /// The graph's name.
    pub name: String,
    /// The graph's inputs.
    pub inputs: Vec<Port>,
    /// The graph's outputs.
    pub outputs: Vec<Port>,
    /// Sum over the layers.
    pub parameters: u64,
    /// Sum over the layers.
    pub zeros: u64,
    /// Sum over the layers; only convolutions and fully connected layers have any.
    pub neurons: u64,
    /// The same, with the elements of the inputs added.
    pub neurons_with_inputs: u64,
    /// Sum over the layers.
    pub multiplications: u64,
    /// Sum over the layers.
    pub additions: u64,
    /// Sum over the layers.
    pub others: u64,
    /// Sum over the layers.
    pub macs: u64,
    /// Bytes of the inputs.
    pub input_bytes: u64,
    /// Bytes of the parameters.
    pub parameter_bytes: u64,
    /// Bytes of all layers' outputs, as if each were kept.
    pub activation_bytes: u64,
    /// Inputs, parameters and activations together.
    pub memory_bytes: u64,
    /// The layers, in an order in which they can be computed.
    pub layers: Layers<'a>,
}

impl<'a> Summary<'a> {
    /// Summarises a graph.
    pub fn new(graph: &'a Graph) -> Self {
        let input_bytes = graph.inputs().iter().map(|&value| graph.ty(value).size_bytes() as u64).sum();
        let input_elements: u64 = graph.inputs().iter().map(|&value| graph.ty(value).elements() as u64).sum();
        let mut summary = Self {
            name: graph.name.clone(),
            inputs: graph.inputs().iter().map(|&value| port(graph, value)).collect(),
            outputs: graph.outputs().iter().map(|&value| port(graph, value)).collect(),
            parameters: 0,
            zeros: 0,
            neurons: 0,
            neurons_with_inputs: input_elements,
            multiplications: 0,
            additions: 0,
            others: 0,
            macs: 0,
            input_bytes,
            parameter_bytes: 0,
            activation_bytes: 0,
            memory_bytes: input_bytes,
            layers: Layers::new(graph),
        };
        summary.add_up();
        summary
    }

    /// Adds up the layers.
    fn add_up(&mut self) {
        let mut count = 0;
        for layer in self.layers.iter() {
            count += 1;
            self.parameters += layer.parameters;
            self.zeros += layer.zeros;
            self.neurons += layer.neurons;
            self.neurons_with_inputs += layer.neurons;
            self.multiplications += layer.multiplications;
            self.additions += layer.additions;
            self.others += layer.others;
            self.macs += layer.macs;
            self.parameter_bytes += layer.parameter_bytes;
            self.activation_bytes += layer.output_bytes;
            self.memory_bytes += layer.parameter_bytes + layer.output_bytes;
        }
        self.layers.count = count;
    }
}

fn port(graph: &Graph, value: ValueId) -> Port {
    let TensorType { dtype, shape } = graph.ty(value);
    Port { name: graph.value(value).name.clone(), dtype: dtype.name(), shape: shape.clone() }
}

/// The layers of a graph, which are not kept; each is made when it is asked for.
#[derive(Debug, Clone)]
pub struct Layers<'a> {
    graph: &'a Graph,
    /// The nodes, in an order in which they can be computed.
    order: Vec<NodeId>,
    /// Which values, by index, do not depend on any input: constants and what is computed from them.
    known: Vec<bool>,
    /// How many elements are 0 in every constant that is a parameter of some node.
    zeros: HashMap<ValueId, u64>,
    count: usize,
}

impl<'a> Layers<'a> {
    fn new(graph: &'a Graph) -> Self {
        let order = graph.order();
        let mut known: Vec<bool> = graph.values().map(|value| graph.constant(value).is_some()).collect();
        let mut zeros = HashMap::new();
        for &id in &order {
            let node = graph.node(id);
            if node.inputs.iter().all(|input| known[input.index()]) {
                node.outputs.iter().for_each(|output| known[output.index()] = true);
            }
            for (index, &value) in node.inputs.iter().enumerate() {
                if let Some(tensor) = graph.constant(value)
                    && is_parameter(node.op.name(), index, graph.ty(value))
                {
                    zeros.entry(value).or_insert_with(|| zeros_of(tensor));
                }
            }
        }
        Self { graph, order, known, zeros, count: 0 }
    }

    /// How many layers there are.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Every layer in turn.
    pub fn iter(&self) -> impl Iterator<Item = Layer> {
        Walk { layers: self, next: 0, merged: HashSet::new(), counted: HashSet::new() }
    }

    fn is_known(&self, value: &ValueId) -> bool {
        self.known[value.index()]
    }

    /// The addition of per-channel constants that makes a batch normalisation of the multiplication `scale`.
    fn shift_after(&self, scale: NodeId) -> Option<NodeId> {
        let by_channel = |id: NodeId, op: &str| {
            let node = self.graph.node(id);
            let [left, right] = node.inputs.as_slice() else { return false };
            let constants = [left, right].into_iter().filter(|value| self.is_known(value));
            let shapes: Vec<_> = constants.map(|&value| &self.graph.ty(value).shape).collect();
            let output = &self.graph.ty(self.graph.output_of(id)).shape;
            node.op.name() == op && matches!(shapes.as_slice(), [shape] if is_channel_vector(shape, output))
        };
        if !by_channel(scale, "mul") {
            return None;
        }
        self.graph.only_consumer(self.graph.output_of(scale)).filter(|&shift| by_channel(shift, "add"))
    }

    /// The elements of a node's output if it is a convolution or a fully connected layer.
    ///
    /// A product of two computed matrices, as in attention, has no weights and so no neurons.
    fn neurons(&self, id: NodeId) -> u64 {
        let node = self.graph.node(id);
        let has_neurons = match node.op.name() {
            "conv" | "conv_transpose" | "q_conv" | "gemm" => true,
            "matmul" | "q_matmul" => node.inputs.iter().take(2).any(|input| self.is_known(input)),
            _ => false,
        };
        if has_neurons { self.graph.output_types(id).iter().map(|ty| ty.elements() as u64).sum() } else { 0 }
    }
}

impl Serialize for Layers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

/// The walk over a graph that makes its layers.
struct Walk<'s, 'a> {
    layers: &'s Layers<'a>,
    /// The position in the order of nodes.
    next: usize,
    /// Nodes ahead that are part of a layer which has been made.
    merged: HashSet<NodeId>,
    /// Constants whose parameters have been counted.
    counted: HashSet<ValueId>,
}

impl Iterator for Walk<'_, '_> {
    type Item = Layer;

    fn next(&mut self) -> Option<Layer> {
        loop {
            let id = *self.layers.order.get(self.next)?;
            self.next += 1;
            let node = self.layers.graph.node(id);
            let on_constants = node.outputs.iter().all(|output| self.layers.is_known(output));
            if on_constants || node.op.name() == "reshape" || self.merged.remove(&id) {
                continue;
            }
            return Some(match self.layers.shift_after(id) {
                Some(shift) => {
                    self.merged.insert(shift);
                    self.batch_norm(id, shift)
                }
                None => self.layer(node.name.clone(), node.op.name().to_string(), &[id]),
            });
        }
    }
}

impl Walk<'_, '_> {
    fn batch_norm(&mut self, scale: NodeId, shift: NodeId) -> Layer {
        let (scale_name, shift_name) =
            (&self.layers.graph.node(scale).name, &self.layers.graph.node(shift).name);
        let common = scale_name.bytes().zip(shift_name.bytes()).take_while(|(left, right)| left == right);
        let common = scale_name.get(..common.count()).unwrap_or_default();
        let common = common.trim_end_matches(|last: char| !last.is_alphanumeric()).trim_end_matches(".s");
        let name = if common.is_empty() { scale_name } else { common };
        self.layer(name.to_string(), "batch_norm".to_string(), &[scale, shift])
    }

    /// The layer that the nodes make; each node but the last feeds the next.
    fn layer(&mut self, name: String, kind: String, nodes: &[NodeId]) -> Layer {
        let graph = self.layers.graph;
        let outputs: Vec<&TensorType> =
            nodes.last().map(|&last| graph.output_types(last)).unwrap_or_default();
        let cost: Cost = nodes.iter().map(|&id| graph.cost_of(id)).sum();
        let mut parameters = Parameters::default();
        for &id in nodes {
            self.count_parameters(graph.node(id), &mut parameters);
        }
        let output_bytes = outputs.iter().map(|ty| ty.size_bytes() as u64).sum();
        let operands = nodes.first().map(|&first| graph.node(first).inputs.as_slice()).unwrap_or_default();
        let computed = operands.iter().filter(|value| !self.layers.is_known(value));
        let read_bytes: u64 = computed.map(|&value| graph.ty(value).size_bytes() as u64).sum();
        Layer {
            name,
            kind,
            output_shape: outputs.first().map(|ty| ty.shape.clone()).unwrap_or_default(),
            parameters: parameters.count,
            zeros: parameters.zeros,
            neurons: nodes.iter().map(|&id| self.layers.neurons(id)).sum(),
            multiplications: cost.multiplications,
            additions: cost.additions,
            others: cost.others,
            macs: cost.macs,
            parameter_bytes: parameters.bytes,
            output_bytes,
            memory_bytes: read_bytes + parameters.bytes + output_bytes,
        }
    }

    /// Adds the parameters among a node's constant operands, and among the constants that these are computed
    /// from.
    fn count_parameters(&mut self, node: &Node, parameters: &mut Parameters) {
        let graph = self.layers.graph;
        for (index, &value) in node.inputs.iter().enumerate() {
            if !self.layers.is_known(&value) || self.counted.contains(&value) {
                continue;
            }
            if let Some(producer) = graph.producer(value) {
                self.counted.insert(value);
                self.count_parameters(graph.node(producer), parameters);
                continue;
            }
            let ty = graph.ty(value);
            if is_parameter(node.op.name(), index, ty) {
                self.counted.insert(value);
                parameters.count += ty.elements() as u64;
                parameters.zeros += self.layers.zeros.get(&value).copied().unwrap_or(0);
                parameters.bytes += ty.size_bytes() as u64;
            }
        }
    }
}

/// What the constants of a layer hold.
#[derive(Debug, Default)]
struct Parameters {
    count: u64,
    zeros: u64,
    bytes: u64,
}

/// How many elements are 0; in a quantised tensor, 0 as it is stored.
fn zeros_of(tensor: &Tensor) -> u64 {
    let tensor = tensor.to_contiguous();
    fn count<T: Element + Default + PartialEq>(tensor: &Tensor) -> u64 {
        let values = tensor.as_slice::<T>().unwrap_or_default();
        values.iter().filter(|&&value| value == T::default()).count() as u64
    }
    with_element!(tensor.dtype(), T => count::<T>(&tensor))
}

/// Whether `shape` holds one number for each channel of `output` (axis 1), broadcast over everything else.
fn is_channel_vector(shape: &[usize], output: &[usize]) -> bool {
    let Some(missing) = output.len().checked_sub(shape.len()) else { return false };
    output.len() >= 3
        && missing <= 1
        && shape
            .iter()
            .enumerate()
            .all(|(axis, &size)| size == if axis + missing == 1 { output[1] } else { 1 })
}

/// Whether a constant operand of this type holds learned numbers.
fn is_parameter(op: &str, operand: usize, ty: &TensorType) -> bool {
    if ty.rank() == 0 {
        return false;
    }
    match op {
        // Scale and zero point belong to the format.
        "quantize_linear" | "dequantize_linear" => operand == 0,
        // Multipliers and shifts are derived from scales.
        "q_conv" | "q_matmul" => operand == 1 || operand == 2,
        "q_table" => false,
        _ => ty.dtype.is_float() || matches!(ty.dtype, DType::I8 | DType::U8),
    }
}
