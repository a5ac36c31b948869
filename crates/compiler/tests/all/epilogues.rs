//! Products that give real numbers, alone and with the rows that go on with their sums: every value as the host computes it.

use ediacara_arch::Machine;
use ediacara_compiler::Options;
use ediacara_fuzzgen::Random;
use ediacara_graph::ops::{FRow, FScale, QMatMulReal, Reading, Reshape, Writing};
use ediacara_graph::{Graph, Tensor, TensorType, ValueId};
use ediacara_kernels::ordered::RowOperation as R;

use crate::support::{check_on, tiny};

/// Machines with float lanes, the smallest first.
fn machines() -> Vec<Machine> {
    let mut small = tiny();
    small.vector.float_lanes = 2;
    small.validate().unwrap();
    let presets = ["dlp8", "dlp16", "dlp32"].map(|name| Machine::preset(name).unwrap());
    [small].into_iter().chain(presets).collect()
}

/// A graph in the making.
struct Net {
    graph: Graph,
    random: Random,
}

impl Net {
    fn new(seed: u64) -> Net {
        Net { graph: Graph::new("epilogues"), random: Random::new(seed) }
    }

    fn input(&mut self, shape: &[usize]) -> ValueId {
        self.graph.add_input("x", TensorType::i8(shape))
    }

    fn constant(&mut self, shape: &[usize]) -> ValueId {
        let values = (0..shape.iter().product()).map(|_| self.random.byte()).collect::<Vec<i8>>();
        self.graph.add_constant("w", Tensor::from_vec(shape, values).unwrap())
    }

    fn reals(&mut self, shape: &[usize]) -> ValueId {
        let real = |random: &mut Random| f32::from(random.byte()) / 64.0;
        let values = (0..shape.iter().product()).map(|_| real(&mut self.random)).collect();
        self.graph.add_constant("reals", Tensor::from_vec(shape, values).unwrap())
    }

    /// A product of matrices whose second may be computed; one scale and no bias, or records.
    fn product(&mut self, x: ValueId, w: ValueId, one_scale: bool) -> ValueId {
        let outputs = self.graph.ty(w).shape[0];
        let (bias, scale) = match one_scale {
            true => (vec![0; outputs], vec![0.001; outputs]),
            false => (
                (0..outputs).map(|_| i32::from(self.random.byte()) * 100).collect(),
                (0..outputs).map(|_| f32::from(self.random.byte()) / 1000.0).collect(),
            ),
        };
        let bias = self.graph.add_constant("bias", Tensor::from_vec(&[outputs], bias).unwrap());
        let scale = self.graph.add_constant("scale", Tensor::from_vec(&[outputs], scale).unwrap());
        let op = QMatMulReal { x_zero: self.random.byte(), w_zero: self.random.byte() };
        self.graph.add("product", op, &[x, w, bias, scale]).unwrap()
    }

    fn row(&mut self, operation: R, inputs: &[ValueId]) -> ValueId {
        self.graph.add(operation.name(), FRow::new(operation), inputs).unwrap()
    }

    fn stored(&mut self, value: ValueId) -> ValueId {
        let op = FRow { result: Writing::quantised(0.125, 3), ..FRow::new(R::Copy) };
        self.graph.add("stored", op, &[value]).unwrap()
    }

    /// Checks the network with these outputs, with epilogues and without: the layers of each, and whether all are one program.
    fn check(mut self, outputs: &[ValueId]) -> Vec<[usize; 2]> {
        self.graph.set_outputs(outputs.to_vec());
        let apart = Options { disable: vec!["fuse-epilogue".to_owned()], ..Options::default() };
        let layers = |machine: &Machine, options: &Options| {
            let (compiled, _) = check_on(&self.graph, machine, options, 3, true);
            assert!(compiled.host_ops.is_empty(), "{:?}", compiled.host_ops);
            compiled.only_dlp().unwrap().executable.layers.len()
        };
        machines()
            .iter()
            .map(|machine| [&Options::default(), &apart].map(|options| layers(machine, options)))
            .collect()
    }
}

#[test]
fn a_product_alone_stores_real_numbers() {
    // More outputs than PRAM has records, and more terms than a step has.
    for (rows, outputs, terms) in [(1, 1, 1), (7, 5, 3), (33, 40, 70), (3, 900, 20), (70, 12, 130)] {
        for one_scale in [true, false] {
            let mut net = Net::new(5);
            let (x, w) = (net.input(&[rows, terms]), net.constant(&[outputs, terms]));
            let y = net.product(x, w, one_scale);
            assert!(net.check(&[y]).iter().all(|layers| *layers == [1, 1]));
        }
    }
}

#[test]
fn sums_and_addends_are_one_layer_on_every_machine() {
    for (rows, outputs) in [(1, 9), (40, 30), (5, 120)] {
        let mut net = Net::new(7);
        let (x, w) = (net.input(&[rows, 24]), net.constant(&[outputs, 24]));
        let (product, addend) = (net.product(x, w, false), net.reals(&[rows, outputs]));
        // The sums are the second operand: they change places.
        let sum = net.row(R::Add, &[addend, product]);
        let y = net.stored(sum);
        assert!(net.check(&[sum, y]).iter().all(|layers| *layers == [1, 2]), "{rows} x {outputs}");
    }
}

#[test]
fn a_softmax_goes_on_with_the_sums_of_computed_matrices() {
    for (rows, columns, terms) in [(9, 7, 4), (37, 37, 16), (64, 100, 20)] {
        let mut net = Net::new(11);
        let (x, w) = (net.input(&[rows, terms]), net.input(&[columns, terms]));
        let product = net.product(x, w, true);
        let largest = net.row(R::RowMaximum, &[product]);
        let powers = net.row(R::Exp2, &[product, largest]);
        let sum = net.row(R::RowSum, &[powers]);
        let share = net.row(R::Reciprocal, &[sum]);
        let op = FRow { result: Writing::quantised(1.0 / 255.0, -128), ..FRow::new(R::Multiply) };
        let y = net.graph.add("y", op, &[powers, share]).unwrap();
        let layers = net.check(&[y]);
        // A row of the largest is no tile of the smallest machine.
        assert!(layers[1..].iter().all(|layers| *layers == [1, 2]), "{layers:?}");
    }
}

#[test]
fn a_norm_reads_the_sums_through_reshapes_and_has_records_of_its_own() {
    let mut net = Net::new(13);
    let (x, w) = (net.input(&[21, 12]), net.constant(&[16, 12]));
    let product = net.product(x, w, false);
    let shaped = net.graph.add("shaped", Reshape { shape: vec![1, 21, 16] }, &[product]).unwrap();
    let addend = net.reals(&[1, 21, 16]);
    let x = net.row(R::Subtract, &[addend, shaped]);
    let sum = net.row(R::RowSum, &[x]);
    let centred = net.row(R::Subtract, &[x, sum]);
    let squares = net.row(R::RowDot, &[centred, centred]);
    let root = net.row(R::ReciprocalRoot, &[squares]);
    let normal = net.row(R::Multiply, &[centred, root]);
    let (bias, scale) = (net.reals(&[16]), net.reals(&[16]));
    let result = Writing::quantised(0.01, 0);
    let y = net.graph.add("y", FScale { a: Reading::default(), result }, &[normal, bias, scale]).unwrap();
    let layers = net.check(&[y, x]);
    assert!(layers[1..].iter().all(|layers| *layers == [1, 2]), "{layers:?}");
}

#[test]
fn a_product_that_others_read_is_stored() {
    let mut net = Net::new(17);
    let (x, w) = (net.input(&[6, 12]), net.constant(&[8, 12]));
    let product = net.product(x, w, false);
    let y = net.stored(product);
    assert!(net.check(&[y, product]).iter().all(|layers| *layers == [2, 2]));
    // Rows of factors read records of their own, so that the sums pass NRAM.
    let mut net = Net::new(19);
    let (x, w) = (net.input(&[6, 12]), net.constant(&[8, 12]));
    let product = net.product(x, w, false);
    let (bias, scale) = (net.reals(&[8]), net.reals(&[8]));
    let result = Writing::default();
    let y = net.graph.add("y", FScale { a: Reading::default(), result }, &[product, bias, scale]).unwrap();
    assert!(net.check(&[y])[1..].iter().all(|layers| *layers == [1, 2]));
}
