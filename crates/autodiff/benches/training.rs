//! Forward and backward pass of the networks that training is measured on, without the optimiser's step.
//!
//! Run with `cargo bench -p ediacara-autodiff`.
#![allow(clippy::unwrap_used, reason = "a bench that fails may panic")]

use divan::counter::ItemsCount;
use ediacara_autodiff::gradients;
use ediacara_graph::ops::*;
use ediacara_graph::{Graph, Tensor, TensorType, ValueId};
use ediacara_host::{Executor, Options};

fn main() {
    divan::main();
}

/// Values in -0.1..0.1.
fn tensor(shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    let value = |index: usize| ((index * 7919) % 2003) as f32 / 10_015.0 - 0.1;
    Tensor::from_vec(shape, (0..count).map(value).collect()).unwrap()
}

/// A network whose parameters are inputs, with its loss and their gradients as outputs.
struct Network {
    graph: Graph,
    inputs: Vec<Tensor>,
    parameters: Vec<ValueId>,
}

impl Network {
    fn new() -> Network {
        Network { graph: Graph::new("network"), inputs: Vec::new(), parameters: Vec::new() }
    }

    fn input(&mut self, shape: &[usize]) -> ValueId {
        self.inputs.push(tensor(shape));
        self.graph.add_input("input", TensorType::f32(shape))
    }

    fn parameter(&mut self, shape: &[usize]) -> ValueId {
        let value = self.input(shape);
        self.parameters.push(value);
        value
    }

    fn dense(&mut self, x: ValueId, [inputs, outputs]: [usize; 2], activation: Activation) -> ValueId {
        let (w, b) = (self.parameter(&[outputs, inputs]), self.parameter(&[outputs]));
        self.graph.add("dense", Gemm { activation }, &[x, w, b]).unwrap()
    }

    fn conv(&mut self, x: ValueId, [inputs, outputs]: [usize; 2], padding: usize) -> ValueId {
        let (w, b) = (self.parameter(&[outputs, inputs, 5, 5]), self.parameter(&[outputs]));
        let conv = Conv { padding: [padding; 4], activation: Activation::Relu, ..Conv::default() };
        let y = self.graph.add("conv", conv, &[x, w, b]).unwrap();
        let shape = &self.graph.ty(y).shape;
        let output = [shape[2] / 2, shape[3] / 2];
        let pool = Pool {
            kind: PoolKind::Max,
            kernel: [2; 2],
            stride: [2; 2],
            padding: [0; 4],
            dilation: [1; 2],
            output,
            count_include_pad: false,
        };
        self.graph.add("pool", pool, &[y]).unwrap()
    }

    /// The cross-entropy against one-hot labels, and the gradients.
    fn executor(mut self, logits: ValueId) -> (Executor, Vec<Tensor>) {
        let shape = self.graph.ty(logits).shape.clone();
        let labels = self.input(&shape);
        let scores = self.graph.add("scores", LogSoftmax { axis: 1 }, &[logits]).unwrap();
        let picked = self.graph.add("picked", Mul, &[scores, labels]).unwrap();
        let mean = Reduce { kind: ReduceKind::Mean, axes: vec![0, 1], keep_dims: false };
        let loss = self.graph.add("loss", mean, &[picked]).unwrap();
        let mut outputs = gradients(&mut self.graph, loss, &self.parameters).unwrap();
        outputs.insert(0, loss);
        self.graph.set_outputs(outputs);
        self.graph.compact();
        (Executor::new(&self.graph, &Options::with_threads(2)).unwrap(), self.inputs)
    }
}

fn run(bencher: divan::Bencher, batch: usize, (executor, inputs): (Executor, Vec<Tensor>)) {
    bencher.counter(ItemsCount::new(batch)).bench(|| executor.run(&inputs).unwrap());
}

/// 784-512-10, batch 128.
#[divan::bench]
fn mlp(bencher: divan::Bencher) {
    let mut network = Network::new();
    let x = network.input(&[128, 784]);
    let hidden = network.dense(x, [784, 512], Activation::Relu);
    let logits = network.dense(hidden, [512, 10], Activation::None);
    run(bencher, 128, network.executor(logits));
}

/// LeNet-5 with relu and max pools, batch 64.
#[divan::bench]
fn lenet5(bencher: divan::Bencher) {
    let mut network = Network::new();
    let x = network.input(&[64, 1, 28, 28]);
    let x = network.conv(x, [1, 6], 2);
    let x = network.conv(x, [6, 16], 0);
    let x = network.graph.add("flat", Reshape { shape: vec![64, 400] }, &[x]).unwrap();
    let x = network.dense(x, [400, 120], Activation::Relu);
    let x = network.dense(x, [120, 84], Activation::Relu);
    let logits = network.dense(x, [84, 10], Activation::None);
    run(bencher, 64, network.executor(logits));
}
