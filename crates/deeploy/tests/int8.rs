//! A RequantShift behind a product is the product's own way to 8 bits: host int8 gives the integers of its kernel.
//!
//! Numbers are drawn so that sums pass both bounds of 8 bits, and factors so that halves are common.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use ediacara_graph::ops::{Add, Conv, DequantizeLinear, MatMul, Mul, QuantizeLinear};
use ediacara_graph::{Attribute, Attributes, Graph, Registry, Tensor, TensorType, ValueId};
use ediacara_host::{Executor, Options};

/// A graph under construction, whose values are integers.
struct Integers {
    graph: Graph,
    seed: u64,
}

impl Integers {
    fn new() -> Integers {
        Integers { graph: Graph::new("integers"), seed: 1 }
    }

    /// Integers of 8 bits, -128 among them.
    fn drawn(&mut self, shape: &[usize]) -> Tensor {
        let count = shape.iter().product();
        let mut next = || {
            self.seed =
                self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            f32::from((self.seed >> 56) as u8 as i8)
        };
        let mut numbers: Vec<f32> = (0..count).map(|_| next()).collect();
        numbers[0] = -128.0;
        Tensor::from_vec(shape, numbers).unwrap()
    }

    fn constant(&mut self, tensor: Tensor) -> ValueId {
        self.graph.add_constant(format!("c{}", self.graph.value_count()), tensor)
    }

    /// An input of 8 bits.
    fn input(&mut self, shape: &[usize]) -> ValueId {
        let name = format!("x{}", self.graph.value_count());
        let x = self.graph.add_input(name, TensorType::f32(shape));
        self.stored(x, 0)
    }

    fn weights(&mut self, shape: &[usize]) -> ValueId {
        let tensor = self.drawn(shape);
        self.constant(tensor)
    }

    fn numbers(&mut self, shape: &[usize], numbers: &[f32]) -> ValueId {
        self.constant(Tensor::from_vec(shape, numbers.to_vec()).unwrap())
    }

    fn stored(&mut self, x: ValueId, zero: i8) -> ValueId {
        let (scale, zero) = (self.constant(Tensor::scalar(1.0_f32)), self.constant(Tensor::scalar(zero)));
        let q = self.graph.add("", QuantizeLinear { axis: 0 }, &[x, scale, zero]).unwrap();
        self.graph.add("", DequantizeLinear { axis: 0 }, &[q, scale, zero]).unwrap()
    }

    fn requantised(&mut self, x: ValueId, mul: ValueId, add: ValueId, div: i64, signed: bool) -> ValueId {
        let mut registry = Registry::core();
        ediacara_deeploy::register(&mut registry).unwrap();
        let attributes = Attributes::new()
            .with("div", Attribute::Int(div))
            .with("levels", Attribute::Int(256))
            .with("signed", Attribute::Bool(signed));
        let op = registry.build("requant_shift", &attributes).unwrap();
        let y = self.graph.add("", op, &[x, mul, add]).unwrap();
        self.stored(y, if signed { 0 } else { -128 })
    }

    /// By one number, with nothing added.
    fn scaled(&mut self, x: ValueId, mul: f32, div: i64) -> ValueId {
        let (mul, add) = (self.numbers(&[], &[mul]), self.numbers(&[], &[0.0]));
        self.requantised(x, mul, add, div, true)
    }

    /// Compares the graph with its int8 form, which has one node of each of `ops` and no RequantShift.
    fn check(mut self, y: ValueId, ops: &[&str], tolerance: f32) {
        self.graph.set_outputs(vec![y]);
        let shapes: Vec<Vec<usize>> =
            self.graph.inputs().iter().map(|&input| self.graph.ty(input).shape.clone()).collect();
        let inputs: Vec<Tensor> = shapes.iter().map(|shape| self.drawn(shape)).collect();
        let real = ediacara_optimiser::optimise(self.graph, &Default::default()).unwrap();
        let int8 = ediacara_optimiser::import_qdq(&real, None).unwrap().graph;
        let names: Vec<&str> = int8.nodes().map(|node| int8.node(node).op.name()).collect();
        assert!(!names.contains(&"requant_shift"), "{names:?}");
        for op in ops {
            assert_eq!(names.iter().filter(|name| *name == op).count(), 1, "{op} in {names:?}");
        }
        let run = |graph: &Graph| {
            let executor = Executor::new(graph, &Options::default()).unwrap();
            executor.run(&inputs).unwrap().swap_remove(0).to_vec::<f32>().unwrap()
        };
        let (expected, found) = (run(&real), run(&int8));
        let differences = expected.iter().zip(&found).map(|(expected, found)| (expected - found).abs());
        assert!(differences.fold(0.0, f32::max) <= tolerance, "{expected:?}, found {found:?}");
        let distinct = |bound: f32| expected.iter().filter(|&&number| number == bound).count();
        assert!(distinct(expected[0]) < expected.len(), "{expected:?}");
    }
}

/// Halves are common: every fourth sum ends in one.
#[test]
fn rows_times_weights() {
    for (mul, div) in [(120.0, 65536), (1.0, 4096), (8199.0, 1 << 25)] {
        let mut integers = Integers::new();
        let (x, w) = (integers.input(&[2, 3, 16]), integers.weights(&[16, 5]));
        let sums = integers.graph.add("", MatMul, &[x, w]).unwrap();
        let y = integers.scaled(sums, mul, div);
        integers.check(y, &["q_matmul"], 0.0);
    }
}

/// What is added is rounded to a step of the sum: one step of the result where that tips the scale.
#[test]
fn rows_times_weights_with_a_bias_and_an_offset() {
    let mut integers = Integers::new();
    let (x, w) = (integers.input(&[4, 3, 16]), integers.weights(&[16, 5]));
    let sums = integers.graph.add("", MatMul, &[x, w]).unwrap();
    let bias = integers.numbers(&[5], &[-1000.0, 0.0, 7.0, 4001.0, -3.0]);
    let sums = integers.graph.add("", Add, &[sums, bias]).unwrap();
    let (mul, add) = (integers.numbers(&[], &[77.0]), integers.numbers(&[], &[1_000_001.0]));
    let y = integers.requantised(sums, mul, add, 65536, false);
    integers.check(y, &["q_matmul"], 1.0);
}

#[test]
fn a_convolution_with_a_factor_for_each_channel() {
    let mut integers = Integers::new();
    let (x, w) = (integers.input(&[1, 3, 6, 6]), integers.weights(&[4, 3, 3, 3]));
    let conv = Conv { padding: [1; 4], ..Conv::default() };
    let sums = integers.graph.add("", conv, &[x, w]).unwrap();
    let mul = integers.numbers(&[4, 1, 1], &[5.0, 57.0, 16.0, 31.0]);
    let add = integers.numbers(&[4, 1, 1], &[-86_262.0, 85_866.0, 0.0, 12_345.0]);
    let y = integers.requantised(sums, mul, add, 16384, true);
    integers.check(y, &["q_conv"], 1.0);
}

#[test]
fn products_sums_and_factors_of_two_inputs() {
    let mut integers = Integers::new();
    let (x, y) = (integers.input(&[1, 1, 3, 16]), integers.input(&[1, 1, 16, 4]));
    let sums = integers.graph.add("", MatMul, &[x, y]).unwrap();
    let (mul, add) = (integers.numbers(&[], &[64.0]), integers.numbers(&[], &[64_000.0]));
    let y = integers.requantised(sums, mul, add, 65536, true);
    integers.check(y, &["q_matmul"], 0.0);

    let mut integers = Integers::new();
    let (x, y) = (integers.input(&[2, 3, 4]), integers.input(&[2, 3, 4]));
    let sum = integers.graph.add("", Add, &[x, y]).unwrap();
    let y = integers.scaled(sum, 49_152.0, 65536);
    integers.check(y, &["q_add"], 0.0);

    let mut integers = Integers::new();
    let (x, y) = (integers.input(&[2, 3, 4]), integers.input(&[2, 3, 4]));
    let product = integers.graph.add("", Mul, &[x, y]).unwrap();
    let y = integers.scaled(product, 772.0, 65536);
    integers.check(y, &["q_multiply"], 0.0);
}

/// Behind a stored value it is a table, which its kernel fills: half goes up.
#[test]
fn a_stored_value_goes_through_a_table() {
    let mut integers = Integers::new();
    let x = integers.input(&[8, 8]);
    let y = integers.scaled(x, 32_768.0, 65536);
    integers.check(y, &["q_table"], 0.0);
}
