//! What a graph consists of, layer by layer: parameters, neurons, arithmetic and memory.
//!
//! A layer is a node that computes on data, with two exceptions. Nodes that compute on constants only are no
//! layers; their constants count for the layer that uses them. A multiplication and an addition by
//! per-channel constants, one after the other, are one layer of kind `batch_norm`. `reshape`, which computes
//! and moves nothing, is left out.
//!
//! Parameters are the elements of constants that a network learns: floating-point tensors (but no scalars),
//! 8-bit weights, and the 32-bit biases of quantised layers. Scales, zero points, tables, indices and shapes
//! are none. A constant that several layers use counts once, for the first.
//!
//! Neurons are what a convolution or a fully connected layer (a product with learned weights) gives: the elements of
//! its output. Other layers have none, so a network's neurons are those that textbooks count; some add the input's.

use std::collections::HashSet;

use ediacara_graph::{Cost, DType, Graph, Node, NodeId, TensorType, ValueId};
use ediacara_tensor::{Element, Tensor, with_element};
use serde::Serialize;

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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
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
    /// Sum over the layers: those of convolutions and fully connected layers.
    pub neurons: u64,
    /// The same, and the elements of the inputs.
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
    pub layers: Vec<Layer>,
}

impl Summary {
    /// Summarises a graph.
    pub fn new(graph: &Graph) -> Self {
        let layers = Layers::new(graph).collect();
        let sum = |field: fn(&Layer) -> u64| layers.iter().map(field).sum();
        let input_bytes = graph.inputs().iter().map(|&value| graph.ty(value).size_bytes() as u64).sum();
        let input_elements: u64 = graph.inputs().iter().map(|&value| graph.ty(value).elements() as u64).sum();
        let parameter_bytes = sum(|layer| layer.parameter_bytes);
        let activation_bytes = sum(|layer| layer.output_bytes);
        Self {
            name: graph.name.clone(),
            inputs: graph.inputs().iter().map(|&value| port(graph, value)).collect(),
            outputs: graph.outputs().iter().map(|&value| port(graph, value)).collect(),
            parameters: sum(|layer| layer.parameters),
            zeros: sum(|layer| layer.zeros),
            neurons: sum(|layer| layer.neurons),
            neurons_with_inputs: sum(|layer| layer.neurons) + input_elements,
            multiplications: sum(|layer| layer.multiplications),
            additions: sum(|layer| layer.additions),
            others: sum(|layer| layer.others),
            macs: sum(|layer| layer.macs),
            input_bytes,
            parameter_bytes,
            activation_bytes,
            memory_bytes: input_bytes + parameter_bytes + activation_bytes,
            layers,
        }
    }
}

fn port(graph: &Graph, value: ValueId) -> Port {
    let TensorType { dtype, shape } = graph.ty(value);
    Port { name: graph.value(value).name.clone(), dtype: dtype.name(), shape: shape.clone() }
}

/// The walk over a graph that gathers its layers.
struct Layers<'a> {
    graph: &'a Graph,
    /// Values that do not depend on any input: constants and what is computed from them.
    known: HashSet<ValueId>,
    /// Constants whose parameters have been counted.
    counted: HashSet<ValueId>,
}

impl<'a> Layers<'a> {
    fn new(graph: &'a Graph) -> Self {
        let mut known: HashSet<ValueId> =
            graph.values().filter(|&value| graph.constant(value).is_some()).collect();
        for id in graph.order() {
            let node = graph.node(id);
            if node.inputs.iter().all(|input| known.contains(input)) {
                known.extend(&node.outputs);
            }
        }
        Self { graph, known, counted: HashSet::new() }
    }

    fn collect(mut self) -> Vec<Layer> {
        let mut layers = Vec::new();
        let mut merged = HashSet::new();
        for id in self.graph.order() {
            let node = self.graph.node(id);
            let on_constants = node.outputs.iter().all(|output| self.known.contains(output));
            if on_constants || node.op.name() == "reshape" || merged.contains(&id) {
                continue;
            }
            match self.shift_after(id) {
                Some(shift) => {
                    merged.insert(shift);
                    layers.push(self.batch_norm(id, shift));
                }
                None => {
                    let kind = node.op.name().to_string();
                    layers.push(self.layer(node.name.clone(), kind, &[id]));
                }
            }
        }
        layers
    }

    /// The addition of per-channel constants that makes a batch normalisation of the multiplication `scale`.
    fn shift_after(&self, scale: NodeId) -> Option<NodeId> {
        let by_channel = |id: NodeId, op: &str| {
            let node = self.graph.node(id);
            let [left, right] = node.inputs.as_slice() else { return false };
            let constants = [left, right].into_iter().filter(|value| self.known.contains(value));
            let shapes: Vec<_> = constants.map(|&value| &self.graph.ty(value).shape).collect();
            let output = &self.graph.ty(self.graph.output_of(id)).shape;
            node.op.name() == op && matches!(shapes.as_slice(), [shape] if is_channel_vector(shape, output))
        };
        if !by_channel(scale, "mul") {
            return None;
        }
        self.graph.only_consumer(self.graph.output_of(scale)).filter(|&shift| by_channel(shift, "add"))
    }

    fn batch_norm(&mut self, scale: NodeId, shift: NodeId) -> Layer {
        let (scale_name, shift_name) = (&self.graph.node(scale).name, &self.graph.node(shift).name);
        let common = scale_name.bytes().zip(shift_name.bytes()).take_while(|(left, right)| left == right);
        let common = scale_name.get(..common.count()).unwrap_or_default();
        let common = common.trim_end_matches(|last: char| !last.is_alphanumeric()).trim_end_matches(".s");
        let name = if common.is_empty() { scale_name } else { common };
        self.layer(name.to_string(), "batch_norm".to_string(), &[scale, shift])
    }

    /// The layer that the nodes make, each but the last feeding the next.
    fn layer(&mut self, name: String, kind: String, nodes: &[NodeId]) -> Layer {
        let graph = self.graph;
        let outputs: Vec<&TensorType> =
            nodes.last().map(|&last| graph.output_types(last)).unwrap_or_default();
        let cost: Cost = nodes.iter().map(|&id| graph.cost_of(id)).sum();
        let mut parameters = Parameters::default();
        for &id in nodes {
            self.count_parameters(graph.node(id), &mut parameters);
        }
        let output_bytes = outputs.iter().map(|ty| ty.size_bytes() as u64).sum();
        let operands = nodes.first().map(|&first| graph.node(first).inputs.as_slice()).unwrap_or_default();
        let computed = operands.iter().filter(|value| !self.known.contains(value));
        let read_bytes: u64 = computed.map(|&value| graph.ty(value).size_bytes() as u64).sum();
        Layer {
            name,
            kind,
            output_shape: outputs.first().map(|ty| ty.shape.clone()).unwrap_or_default(),
            parameters: parameters.count,
            zeros: parameters.zeros,
            neurons: nodes.iter().map(|&id| self.neurons(id)).sum(),
            multiplications: cost.multiplications,
            additions: cost.additions,
            others: cost.others,
            macs: cost.macs,
            parameter_bytes: parameters.bytes,
            output_bytes,
            memory_bytes: read_bytes + parameters.bytes + output_bytes,
        }
    }

    /// The elements of a node's output where it is a convolution or a fully connected layer. A product of two computed
    /// matrices, as in attention, has no weights and so no neurons.
    fn neurons(&self, id: NodeId) -> u64 {
        let node = self.graph.node(id);
        let has_neurons = match node.op.name() {
            "conv" | "conv_transpose" | "q_conv" | "gemm" => true,
            "matmul" | "q_matmul" => node.inputs.iter().take(2).any(|input| self.known.contains(input)),
            _ => false,
        };
        if has_neurons { self.graph.output_types(id).iter().map(|ty| ty.elements() as u64).sum() } else { 0 }
    }

    /// Adds the parameters among a node's constant operands, and among the constants that these are computed
    /// from.
    fn count_parameters(&mut self, node: &Node, parameters: &mut Parameters) {
        for (index, &value) in node.inputs.iter().enumerate() {
            if !self.known.contains(&value) || self.counted.contains(&value) {
                continue;
            }
            if let Some(producer) = self.graph.producer(value) {
                self.counted.insert(value);
                self.count_parameters(self.graph.node(producer), parameters);
                continue;
            }
            let ty = self.graph.ty(value);
            if is_parameter(node.op.name(), index, ty) {
                self.counted.insert(value);
                parameters.count += ty.elements() as u64;
                parameters.zeros += self.graph.constant(value).map_or(0, zeros);
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

/// How many elements are 0: of a quantised tensor, 0 as it is stored.
fn zeros(tensor: &Tensor) -> u64 {
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
        // Scale and zero point are the format's.
        "quantize_linear" | "dequantize_linear" => operand == 0,
        // Multipliers and shifts are derived from scales.
        "q_conv" | "q_matmul" => operand == 1 || operand == 2,
        "q_table" => false,
        _ => ty.dtype.is_float() || matches!(ty.dtype, DType::I8 | DType::U8),
    }
}
