//! The layers of a network that multiply and add, in the sizes that the models on paper need.

use ediacara_graph::ops::Conv;
use ediacara_graph::{Graph, NodeId};

/// A convolution, or a matrix product as a convolution of one pixel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// The node's name.
    pub name: String,
    /// Images.
    pub batch: u64,
    /// Output channels.
    pub outputs: u64,
    /// Input channels of a group.
    pub inputs: u64,
    /// Groups of channels that do not see each other.
    pub groups: u64,
    /// Output rows and columns.
    pub pixels: [u64; 2],
    /// Input rows and columns.
    pub image: [u64; 2],
    /// Taps down and across.
    pub kernel: [u64; 2],
    /// Steps between windows, down and across.
    pub stride: [u64; 2],
    /// Distance between taps, down and across.
    pub dilation: [u64; 2],
    /// Zeros above and to the left.
    pub padding: [u64; 2],
}

impl Layer {
    /// Multiply-accumulates.
    pub fn macs(&self) -> u64 {
        self.batch * self.outputs * self.pixels[0] * self.pixels[1] * self.reduction()
    }

    /// Products that are summed up for one output.
    pub fn reduction(&self) -> u64 {
        self.inputs * self.kernel[0] * self.kernel[1]
    }

    /// Weights.
    pub fn weights(&self) -> u64 {
        self.outputs * self.reduction()
    }

    /// Outputs.
    pub fn results(&self) -> u64 {
        self.batch * self.outputs * self.pixels[0] * self.pixels[1]
    }

    /// Whether it is a convolution and not a matrix product.
    pub fn is_convolution(&self) -> bool {
        self.image != [1, 1] || self.kernel != [1, 1]
    }
}

/// The convolutions and matrix products with weights of a real network, in order.
pub fn layers(graph: &Graph) -> Vec<Layer> {
    graph.order().into_iter().filter_map(|id| layer(graph, id)).collect()
}

fn layer(graph: &Graph, id: NodeId) -> Option<Layer> {
    let node = graph.node(id);
    let types = graph.input_types(id);
    let (x, w) = (types.first()?, types.get(1)?);
    let y = graph.output_types(id).into_iter().next()?;
    let sizes = |shape: &[usize]| -> Vec<u64> { shape.iter().map(|&size| size as u64).collect() };
    let (x, w, y) = (sizes(&x.shape), sizes(&w.shape), sizes(&y.shape));
    let pair = |values: &[usize]| [values[0] as u64, values[1] as u64];
    if let Some(conv) = node.op_as::<Conv>() {
        let ([batch, _, height, width], [outputs, inputs, down, across]) = (four(&x)?, four(&w)?);
        return Some(Layer {
            name: node.name.clone(),
            batch,
            outputs,
            inputs,
            groups: conv.groups as u64,
            pixels: [*y.get(2)?, *y.get(3)?],
            image: [height, width],
            kernel: [down, across],
            stride: pair(&conv.stride),
            dilation: pair(&conv.dilation),
            padding: pair(&conv.padding),
        });
    }
    if !matches!(node.op.name(), "gemm" | "matmul") || w.len() != 2 {
        return None;
    }
    let results: u64 = y.iter().product();
    let outputs = *y.last()?;
    Some(Layer {
        name: node.name.clone(),
        batch: results / outputs.max(1),
        outputs,
        inputs: graph.cost_of(id).macs / results.max(1),
        groups: 1,
        pixels: [1, 1],
        image: [1, 1],
        kernel: [1, 1],
        stride: [1, 1],
        dilation: [1, 1],
        padding: [0, 0],
    })
}

fn four(sizes: &[u64]) -> Option<[u64; 4]> {
    sizes.try_into().ok()
}
