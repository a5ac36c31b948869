//! The executor on the body of ResNet-50 at 224 x 224, f32 and int8, and on a chain of small nodes, where
//! its own cost per node shows.

use divan::Bencher;
use ediacara_graph::ops::*;
use ediacara_graph::{Graph, GraphError, Tensor, TensorType, ValueId};
use ediacara_host::{Executor, Options};

fn main() {
    divan::main();
}

/// A convolution with its activation.
///
/// Weights are constant; their values do not matter to the time.
type Layer = fn(&mut Graph, ValueId, Shape) -> Result<ValueId, GraphError>;
/// The sum of a residual block.
type Join = fn(&mut Graph, ValueId, ValueId) -> Result<ValueId, GraphError>;

#[derive(Clone, Copy)]
struct Shape {
    inputs: usize,
    outputs: usize,
    kernel: usize,
    stride: usize,
}

/// The 53 convolutions and 16 sums of ResNet-50 (He et al. 2015, stride in the 3 x 3 convolution).
///
/// The pooling and the classifier are left out.
fn body(graph: &mut Graph, x: ValueId, layer: Layer, join: Join) -> Result<ValueId, GraphError> {
    let mut value = layer(graph, x, Shape { inputs: 3, outputs: 64, kernel: 7, stride: 4 })?;
    let mut inputs = 64;
    for (stage, blocks) in [3, 4, 6, 3].into_iter().enumerate() {
        let width = 64 << stage;
        for block in 0..blocks {
            let stride = if block == 0 && stage > 0 { 2 } else { 1 };
            let mut shape = Shape { inputs, outputs: width, kernel: 1, stride: 1 };
            let mut branch = layer(graph, value, shape)?;
            shape = Shape { inputs: width, outputs: width, kernel: 3, stride };
            branch = layer(graph, branch, shape)?;
            shape = Shape { inputs: width, outputs: 4 * width, kernel: 1, stride: 1 };
            branch = layer(graph, branch, shape)?;
            let skip = if block == 0 {
                layer(graph, value, Shape { inputs, outputs: 4 * width, kernel: 1, stride })?
            } else {
                value
            };
            value = join(graph, branch, skip)?;
            inputs = 4 * width;
        }
    }
    Ok(value)
}

fn float_layer(graph: &mut Graph, x: ValueId, s: Shape) -> Result<ValueId, GraphError> {
    let tensor = |shape: &[usize]| Tensor::full(shape, 0.01f32);
    let weights = [s.outputs, s.inputs, s.kernel, s.kernel];
    let (Ok(w), Ok(bias)) = (tensor(&weights), tensor(&[s.outputs])) else { return Ok(x) };
    let (w, bias) = (graph.add_constant("w", w), graph.add_constant("bias", bias));
    let op = Conv {
        stride: [s.stride; 2],
        padding: [s.kernel / 2; 4],
        activation: Activation::Relu,
        ..Conv::default()
    };
    graph.add("conv", op, &[x, w, bias])
}

fn float_join(graph: &mut Graph, x: ValueId, y: ValueId) -> Result<ValueId, GraphError> {
    let sum = graph.add("sum", Add, &[x, y])?;
    graph.add("relu", Relu, &[sum])
}

fn int8_layer(graph: &mut Graph, x: ValueId, s: Shape) -> Result<ValueId, GraphError> {
    let depth = s.kernel * s.kernel * s.inputs;
    let values: Vec<i8> = (0..s.outputs * depth).map(|index| (index * 17) as i8).collect();
    let constants = (
        Tensor::from_vec(&[s.outputs, s.kernel, s.kernel, s.inputs], values),
        Tensor::full(&[s.outputs], 5i32),
        Tensor::full(&[s.outputs], 1i32 << 30),
        Tensor::full(&[s.outputs], 42u8),
    );
    let (Ok(w), Ok(bias), Ok(multiplier), Ok(shift)) = constants else { return Ok(x) };
    let operands = [w, bias, multiplier, shift].map(|tensor| graph.add_constant("constant", tensor));
    let op = QConv {
        stride: [s.stride; 2],
        padding: [s.kernel / 2; 4],
        dilation: [1; 2],
        groups: 1,
        x_zero: 3,
        w_zero: 0,
        y_zero: 3,
        low: 3,
        high: 127,
    };
    graph.add("q_conv", op, &[x, operands[0], operands[1], operands[2], operands[3]])
}

fn int8_join(graph: &mut Graph, x: ValueId, y: ValueId) -> Result<ValueId, GraphError> {
    let op = QAdd {
        x_zero: 3,
        y_zero: 3,
        x_multiplier: 1 << 30,
        y_multiplier: 1 << 30,
        shift: 31,
        out_zero: 3,
        low: 3,
        high: 127,
    };
    graph.add("q_add", op, &[x, y])
}

fn run(bencher: Bencher, input: TensorType, layer: Layer, join: Join) {
    let mut graph = Graph::new("resnet50");
    let x = graph.add_input("x", input.clone());
    let Ok(y) = body(&mut graph, x, layer, join) else { return };
    graph.set_outputs(vec![y]);
    let (Ok(executor), Ok(x)) = (Executor::new(&graph, &Options::default()), input.zeros()) else { return };
    bencher.bench_local(|| executor.run(std::slice::from_ref(&x)));
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn float(bencher: Bencher) {
    run(bencher, TensorType::f32(&[1, 3, 224, 224]), float_layer, float_join);
}

#[divan::bench(sample_count = 10, sample_size = 1)]
fn int8(bencher: Bencher) {
    run(bencher, TensorType::i8(&[1, 224, 224, 3]), int8_layer, int8_join);
}

/// A thousand nodes on four numbers.
#[divan::bench]
fn small_nodes(bencher: Bencher) {
    let mut graph = Graph::new("chain");
    let input = TensorType::f32(&[4]);
    let mut value = graph.add_input("x", input.clone());
    for _ in 0..1000 {
        let Ok(next) = graph.add("node", Neg, &[value]) else { return };
        value = next;
    }
    graph.set_outputs(vec![value]);
    let (Ok(executor), Ok(x)) = (Executor::new(&graph, &Options::default()), input.zeros()) else { return };
    bencher.bench_local(|| executor.run(std::slice::from_ref(&x)));
}
