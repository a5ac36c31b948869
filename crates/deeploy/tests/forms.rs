//! Operators of integers in the float dialect: to the bit what their kernels give.
//!
//! Rows are drawn of any width around any number, so that deviations and sums of all sizes occur; others are extreme.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use ediacara_autodiff::GraphEmitter;
use ediacara_graph::ops::Reading;
use ediacara_graph::{
    Attribute, Attributes, DType, Graph, Registry, RowForm, RowOperand, RowValue, Tensor, TensorType, ValueId,
};
use ediacara_host::{Executor, Options};

const SIGNED: Reading = Reading { scale: 1.0, zero: 0 };
const UNSIGNED: Reading = Reading { scale: 1.0, zero: i8::MIN };

/// An operator, its constant operands, and how its operand and its result are stored.
struct Case {
    name: &'static str,
    attributes: Attributes,
    constants: Vec<Tensor>,
    stored: [Reading; 2],
}

impl Case {
    fn op(&self) -> std::sync::Arc<dyn ediacara_graph::Op> {
        let mut registry = Registry::core();
        ediacara_deeploy::register(&mut registry).unwrap();
        registry.build(self.name, &self.attributes).unwrap()
    }

    /// The form as a graph of one input; nothing if the operator has none for that shape.
    fn form(&self, shape: &[usize]) -> Option<Graph> {
        let mut graph = Graph::new(self.name);
        let x = graph.add_input("x", TensorType { dtype: DType::I8, shape: shape.to_vec() });
        let operand = |value: ValueId, reading: Reading, constant: Option<Tensor>| RowOperand {
            row: RowValue { value, reading },
            constant,
        };
        let mut operands = vec![operand(x, self.stored[0], None)];
        for tensor in &self.constants {
            let value = graph.add_constant("constant", tensor.clone());
            operands.push(operand(value, Reading::default(), Some(tensor.clone())));
        }
        let mut emit = GraphEmitter::new(&mut graph, "form");
        let built = self.op().row_form(&mut RowForm::new(&mut emit, operands, self.stored[1])).unwrap()?;
        assert_eq!(built.reading, self.stored[1]);
        let last = graph.producer(built.value).unwrap();
        assert_eq!(graph.node(last).op.name(), "f_row");
        graph.set_outputs(vec![built.value]);
        graph.verify().unwrap();
        Some(graph)
    }

    /// Compares form and kernel on these stored numbers; gives how many different results there are.
    fn check(&self, shape: &[usize], stored: Vec<i8>) -> usize {
        let real = |stored: i8, reading: Reading| f32::from(i16::from(stored) - i16::from(reading.zero));
        let x =
            Tensor::from_vec(shape, stored.iter().map(|&one| real(one, self.stored[0])).collect()).unwrap();
        let op = self.op();
        let inputs: Vec<&Tensor> = [&x].into_iter().chain(&self.constants).collect();
        let types: Vec<TensorType> = inputs.iter().map(|tensor| TensorType::of(tensor)).collect();
        let ty = op.infer(&types.iter().collect::<Vec<_>>()).unwrap().remove(0);
        let mut outputs = [ty.zeros().unwrap()];
        op.run(&inputs, &mut outputs).unwrap();
        let expected = outputs[0].to_vec::<f32>().unwrap();
        let graph = self.form(shape).unwrap_or_else(|| panic!("{} has no form", self.name));
        let executor = Executor::new(&graph, &Options::default()).unwrap();
        let found = executor.run(&[Tensor::from_vec(shape, stored).unwrap()]).unwrap().swap_remove(0);
        assert_eq!(found.shape(), ty.shape);
        let found = found.to_vec::<i8>().unwrap();
        let [low, high] = [i8::MIN, i8::MAX].map(|bound| real(bound, self.stored[1]));
        for (at, (&expected, &found)) in expected.iter().zip(&found).enumerate() {
            let found = real(found, self.stored[1]);
            assert_eq!(found, expected.clamp(low, high), "{} at {at}, of {expected}", self.name);
        }
        found.iter().collect::<std::collections::HashSet<_>>().len()
    }

    /// Many rows of a length.
    fn check_rows(&self, seed: &mut u64, rows: usize, length: usize) {
        let stored = drawn(seed, rows, length);
        let distinct = self.check(&[rows, length], stored);
        // Shares of long rows are small.
        assert!(distinct > 8 || length > 128, "{}: {distinct} different results", self.name);
    }
}

fn next(seed: &mut u64) -> i32 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) as i32
}

/// Rows around any number and of any width, some of them of the two ends alone, and the constant ones.
fn drawn(seed: &mut u64, rows: usize, length: usize) -> Vec<i8> {
    let mut stored = Vec::with_capacity(rows * length);
    for row in 0..rows {
        let (centre, width, kind) = (next(seed) % 256 - 128, 1 + next(seed) % 256, next(seed) % 8);
        stored.extend((0..length).map(|_| match (row, kind) {
            (0, _) => i8::MIN,
            (1, _) => i8::MAX,
            (_, 0) => [i8::MIN, i8::MAX][(next(seed) % 2) as usize],
            (_, 1) if next(seed) % 16 > 0 => centre as i8,
            _ => (centre + next(seed) % (2 * width + 1) - width).clamp(-128, 127) as i8,
        }));
    }
    stored
}

fn numbers(seed: &mut u64, count: usize, [low, high]: [i32; 2]) -> Tensor {
    let values = (0..count).map(|_| (low + next(seed) % (high - low + 1)) as f32).collect();
    Tensor::from_vec(&[count], values).unwrap()
}

fn ints(pairs: &[(&str, i64)]) -> Attributes {
    pairs.iter().fold(Attributes::new(), |all, &(name, value)| all.with(name, Attribute::Int(value)))
}

fn ita_max(stored: Reading) -> Case {
    let attributes = ints(&[("levels", 256)]);
    Case { name: "ita_max", attributes, constants: Vec::new(), stored: [stored, UNSIGNED] }
}

fn softmax([a, b, c, log2]: [i64; 4]) -> Case {
    let attributes = ints(&[("a", a), ("b", b), ("c", c), ("log2", log2), ("levels", 256)]);
    Case { name: "i_softmax", attributes, constants: Vec::new(), stored: [SIGNED, UNSIGNED] }
}

fn rms_norm(divisor: i64, weight: Tensor, stored: Reading) -> Case {
    let attributes = ints(&[("divisor", divisor), ("levels", 256)]);
    Case { name: "i_rms_norm", attributes, constants: vec![weight], stored: [stored, SIGNED] }
}

fn layer_norm(divisor: i64, constants: [Tensor; 2]) -> Case {
    let attributes = ints(&[("divisor", divisor)]);
    Case { name: "i_layer_norm", attributes, constants: constants.to_vec(), stored: [SIGNED, SIGNED] }
}

fn mean(axes: &[usize], keep_dims: bool, stored: [Reading; 2]) -> Case {
    let attributes =
        Attributes::new().with("axes", Attribute::sizes(axes)).with("keep_dims", Attribute::Bool(keep_dims));
    Case { name: "integer_mean", attributes, constants: Vec::new(), stored }
}

#[test]
fn ita_max_of_rows() {
    let seed = &mut 1;
    for (rows, length) in [(4000, 2), (2000, 7), (1000, 64), (200, 333), (20, 4096)] {
        ita_max(SIGNED).check_rows(seed, rows, length);
    }
    ita_max(UNSIGNED).check_rows(seed, 500, 64);
}

/// Every row of two numbers.
#[test]
fn rows_of_two_are_exact_without_exception() {
    let pairs = || (i8::MIN..=i8::MAX).flat_map(|a| (i8::MIN..=i8::MAX).flat_map(move |b| [a, b]));
    ita_max(SIGNED).check(&[1 << 16, 2], pairs().collect());
    for polynomial in [[1, 86, 3888, 64], [1, 13, 86, 9], [1, 10, 57, 8]] {
        softmax(polynomial).check(&[1 << 16, 2], pairs().collect());
    }
    let constants = [numbers(&mut 5, 2, [200_000, 330_000]), numbers(&mut 6, 2, [-38_000, 34_000])];
    layer_norm(16_384, constants).check(&[1 << 16, 2], pairs().collect());
    let weight = numbers(&mut 7, 2, [2_500_000, 4_200_000]);
    rms_norm(65_536, weight, SIGNED).check(&[1 << 16, 2], pairs().collect());
}

/// The polynomials of a network at hand, and one of which two bytes are barely enough, for short rows.
#[test]
fn softmax_of_rows() {
    let seed = &mut 2;
    for polynomial in
        [[1, 86, 3888, 64], [1, 13, 86, 9], [1, 25, 331, 19], [3, 140, 5000, 80], [1, 10, 57, 8]]
    {
        for (rows, length) in [(4000, 2), (2000, 7), (1000, 16), (300, 100)] {
            if polynomial[0] == 3 && length > 7 {
                continue;
            }
            softmax(polynomial).check_rows(seed, rows, length);
        }
    }
}

#[test]
fn norms_of_rows() {
    let seed = &mut 3;
    for (rows, length) in [(3000, 3), (2000, 64), (500, 128), (300, 192), (60, 768), (60, 1024)] {
        let constants = [numbers(seed, length, [200_000, 330_000]), numbers(seed, length, [-38_000, 34_000])];
        layer_norm(16_384, constants).check_rows(seed, rows, length);
        let weight = Tensor::full(&[length], 3_931_285.0_f32).unwrap();
        rms_norm(65_536, weight, SIGNED).check_rows(seed, rows, length);
        let weight = numbers(seed, length, [-3_000_000, 3_000_000]);
        rms_norm(65_536, weight, SIGNED).check_rows(seed, rows, length);
    }
    let constants = [numbers(seed, 64, [-90_000, 90_000]), numbers(seed, 64, [-90_000, 90_000])];
    layer_norm(16_384, constants).check_rows(seed, 1000, 64);
    rms_norm(65_536, Tensor::full(&[64], 3_931_285.0_f32).unwrap(), UNSIGNED).check_rows(seed, 2000, 64);
}

#[test]
fn means_along_any_axes() {
    let seed = &mut 4;
    for (shape, axes, keep_dims) in [
        (vec![1, 64, 128], vec![1], false),
        (vec![2, 6, 50], vec![1], true),
        (vec![40, 12, 10], vec![0, 2], false),
        (vec![500, 10], vec![1], false),
        (vec![500, 7], vec![1], true),
        (vec![300, 16], vec![1], true),
    ] {
        let length = *shape.last().unwrap();
        let rows = shape.iter().product::<usize>() / length;
        let stored = drawn(seed, rows, length);
        mean(&axes, keep_dims, [SIGNED, SIGNED]).check(&shape, stored.clone());
        mean(&axes, keep_dims, [UNSIGNED, UNSIGNED]).check(&shape, stored);
    }
}

/// What would not be exact has no form: sums beyond 2^24, results that are stored in other steps, weights that are computed.
#[test]
fn what_is_not_exact_has_no_form() {
    let weight = |length: usize| Tensor::full(&[length], 3_931_285.0_f32).unwrap();
    assert!(rms_norm(65_536, weight(1024), SIGNED).form(&[2, 1024]).is_some());
    assert!(rms_norm(65_536, weight(1025), SIGNED).form(&[2, 1025]).is_none());
    assert!(rms_norm(65_536, weight(512), UNSIGNED).form(&[2, 512]).is_none());
    assert!(
        softmax([1, 86, 3888, 64]).form(&[2, 4000]).is_none(),
        "e^0 is 11,284, and 4,255 of them are too many"
    );
    assert!(softmax([40, 86, 3888, 64]).form(&[2, 4]).is_none(), "an exponential of more than 16 bits");
    assert!(softmax([0, 0, 0, 64]).form(&[2, 4]).is_none(), "no exponential");
    let other = Reading { scale: 0.5, zero: 0 };
    assert!(Case { stored: [SIGNED, other], ..ita_max(SIGNED) }.form(&[2, 4]).is_none());
    assert!(Case { stored: [other, UNSIGNED], ..ita_max(SIGNED) }.form(&[2, 4]).is_none());
    assert!(
        Case { stored: [SIGNED, UNSIGNED], ..rms_norm(65_536, weight(8), SIGNED) }.form(&[2, 8]).is_none()
    );
    assert!(mean(&[0], false, [SIGNED, SIGNED]).form(&[8]).is_none(), "a scalar has no row");
}
