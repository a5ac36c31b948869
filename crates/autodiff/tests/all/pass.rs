//! The reverse pass: what it prunes, what it refuses, and what is built on it.

use ediacara_autodiff::{
    GraphEmitter, Tape, clip_by_global_norm, clip_by_value, differentiate, differentiate_with_checkpoints,
    gradients,
};
use ediacara_graph::ops::*;
use ediacara_graph::{Attribute, Attributes, DType, Graph, Op, Registry, Tensor, TensorType};

use crate::common::{evaluate, numbers};

fn f64s(shape: &[usize], values: &[f64]) -> Tensor {
    Tensor::from_vec(shape, values.to_vec()).unwrap()
}

#[test]
fn a_value_used_twice_adds_up() {
    // The derivatives of x^3 + sin(x) are 3 x^2 + cos(x) and 6 x - sin(x).
    let mut graph = Graph::new("cubic");
    let x = graph.add_input("x", TensorType::new(DType::F64, &[]));
    let square = graph.add("square", Mul, &[x, x]).unwrap();
    let cube = graph.add("cube", Mul, &[square, x]).unwrap();
    let sine = graph.add("sine", Sin, &[x]).unwrap();
    let y = graph.add("y", Add, &[cube, sine]).unwrap();
    let first = gradients(&mut graph, y, &[x]).unwrap()[0];
    let second = gradients(&mut graph, first, &[x]).unwrap()[0];
    let third = gradients(&mut graph, second, &[x]).unwrap()[0];
    let found = evaluate(&graph, &[first, second, third], &[f64s(&[], &[0.7])]);
    let expected = [3.0 * 0.49 + 0.7_f64.cos(), 4.2 - 0.7_f64.sin(), 6.0 - 0.7_f64.cos()];
    for (found, expected) in found.iter().zip(expected) {
        assert!((numbers(found)[0] - expected).abs() < 1e-14);
    }
}

#[test]
fn what_does_not_lead_to_wrt_is_not_built() {
    let mut graph = Graph::new("pruned");
    let x = graph.add_input("x", TensorType::f32(&[2, 3]));
    let w = graph.add_input("w", TensorType::f32(&[4, 3]));
    let y = graph.add("y", Gemm::default(), &[x, w]).unwrap();
    let before = graph.node_count();
    let seed = graph.add_constant("seed", Tensor::full(&[2, 4], 1.0_f32).unwrap());
    differentiate(&mut graph, &[y], &[seed], &[w]).unwrap();
    let added: Vec<&str> = graph.nodes().skip(before).map(|id| graph.node(id).op.name()).collect();
    assert_eq!(added, ["transpose", "matmul"]);
}

#[test]
fn unconnected_is_nothing_or_zeros() {
    let mut graph = Graph::new("apart");
    let x = graph.add_input("x", TensorType::f32(&[2]));
    let z = graph.add_input("z", TensorType::f32(&[3]));
    let stopped = graph.add("stopped", StopGradient, &[z]).unwrap();
    let total = Reduce { kind: ReduceKind::Sum, axes: vec![0], keep_dims: false };
    let sum = graph.add("sum", total, &[stopped]).unwrap();
    let y = graph.add("y", Mul, &[x, sum]).unwrap();
    let seed = graph.add_constant("seed", Tensor::full(&[2], 1.0_f32).unwrap());
    let found = differentiate(&mut graph, &[y], &[seed], &[x, z]).unwrap();
    assert!(found[0].is_some() && found[1].is_none());
    let found = gradients(&mut graph, y, &[x, z]).unwrap();
    let inputs = [Tensor::full(&[2], 1.0_f32).unwrap(), Tensor::full(&[3], 2.0_f32).unwrap()];
    let found = evaluate(&graph, &found, &inputs);
    assert_eq!(numbers(&found[0]), [6.0, 6.0]);
    assert_eq!(numbers(&found[1]), [0.0; 3]);
}

#[test]
fn refusals_name_the_node() {
    let mut graph = Graph::new("quantised");
    let x = graph.add_constant("x", Tensor::full(&[2], 3_i8).unwrap());
    let scale = graph.add_input("scale", TensorType::f32(&[]));
    let zero = graph.add_constant("zero", Tensor::scalar(0_i8));
    let op = Registry::core().build("dequantize_linear", &Attributes::new().with("axis", Attribute::Int(0)));
    let y = graph.add("first dequantize", op.unwrap(), &[x, scale, zero]).unwrap();
    let error = gradients(&mut graph, y, &[scale]).unwrap_err().to_string();
    assert_eq!(
        error,
        "node `first dequantize`: dequantize_linear cannot be differentiated: it has no gradient rule"
    );
    let error = gradients(&mut graph, x, &[scale]).unwrap_err().to_string();
    assert_eq!(error, "`x` is i8[2]; only floating-point values can be differentiated");
    let error = differentiate(&mut graph, &[y], &[scale], &[scale]).unwrap_err().to_string();
    assert!(error.contains("output `first dequantize` is f32[2] but its seed `scale` is f32[]"), "{error}");
}

#[test]
fn clipping() {
    let mut graph = Graph::new("clipping");
    let a = graph.add_input("a", TensorType::new(DType::F64, &[2]));
    let b = graph.add_input("b", TensorType::new(DType::F64, &[1, 1]));
    let mut emitter = GraphEmitter::new(&mut graph, "clip");
    let by_value = clip_by_value(&mut emitter, &[a, b], 2.5).unwrap();
    let (by_norm, norm) = clip_by_global_norm(&mut emitter, &[a, b], 6.5).unwrap();
    let (loose, _) = clip_by_global_norm(&mut emitter, &[a, b], 100.0).unwrap();
    let outputs = [by_value, by_norm, vec![norm], loose].concat();
    // The norm of (3, -4, 12) is 13.
    let inputs = [f64s(&[2], &[3.0, -4.0]), f64s(&[1, 1], &[12.0])];
    let found: Vec<Vec<f64>> = evaluate(&graph, &outputs, &inputs).iter().map(numbers).collect();
    assert_eq!(found[..2], [vec![2.5, -2.5], vec![2.5]]);
    assert_eq!(found[2..5], [vec![1.5, -2.0], vec![6.0], vec![13.0]]);
    assert_eq!(found[5..], [vec![3.0, -4.0], vec![12.0]]);
    let zeros = [f64s(&[2], &[0.0; 2]), f64s(&[1, 1], &[0.0])];
    assert_eq!(numbers(&evaluate(&graph, &outputs, &zeros)[2]), [0.0; 2]);
}

/// The gradient of the sum of an operator's result with respect to its first operand.
fn gradient_of(op: impl Op, operands: &[Tensor]) -> Vec<f64> {
    let mut graph = Graph::new("kink");
    let inputs: Vec<_> = operands.iter().map(|tensor| graph.add_input("x", TensorType::of(tensor))).collect();
    let y = graph.add("y", op, &inputs).unwrap();
    let found = gradients(&mut graph, y, &inputs[..1]).unwrap();
    numbers(&evaluate(&graph, &found, operands)[0])
}

#[test]
fn points_without_a_derivative_have_the_gradients_of_pytorch() {
    let x = f64s(&[3], &[-1.0, 0.0, 1.0]);
    assert_eq!(gradient_of(Relu, std::slice::from_ref(&x)), [0.0, 0.0, 1.0]);
    assert_eq!(gradient_of(Abs, std::slice::from_ref(&x)), [-1.0, 0.0, 1.0]);
    assert_eq!(gradient_of(Sign, std::slice::from_ref(&x)), [0.0; 3]);
    assert_eq!(gradient_of(Clamp { low: -1.0, high: 0.0 }, std::slice::from_ref(&x)), [1.0, 1.0, 0.0]);
    let other = f64s(&[3], &[0.0; 3]);
    assert_eq!(gradient_of(Max, &[x.clone(), other.clone()]), [0.0, 0.5, 1.0]);
    assert_eq!(gradient_of(Min, &[x.clone(), other]), [1.0, 0.5, 0.0]);
    let ties = f64s(&[4], &[2.0, 1.0, 2.0, 2.0]);
    let third = 1.0 / 3.0;
    let largest = Reduce { kind: ReduceKind::Max, axes: vec![0], keep_dims: false };
    assert_eq!(gradient_of(largest, std::slice::from_ref(&ties)), [third, 0.0, third, third]);
    let pool = Pool {
        kind: PoolKind::Max,
        kernel: [1, 4],
        stride: [1; 2],
        padding: [0; 4],
        dilation: [1; 2],
        output: [1; 2],
        count_include_pad: false,
    };
    assert_eq!(gradient_of(pool, &[ties.reshape(&[1, 1, 1, 4]).unwrap()]), [1.0, 0.0, 0.0, 0.0]);
    let exponents = f64s(&[3], &[0.0, 1.0, 2.0]);
    assert_eq!(gradient_of(Pow, &[f64s(&[3], &[0.0; 3]), exponents]), [0.0, 1.0, 0.0]);
}

#[test]
fn a_product_with_zeros_has_the_product_of_the_others() {
    let product = |axes| Reduce { kind: ReduceKind::Product, axes, keep_dims: false };
    let x = f64s(&[2, 3], &[2.0, 0.0, 5.0, 0.0, 3.0, 0.0]);
    assert_eq!(gradient_of(product(vec![1]), std::slice::from_ref(&x)), [0.0, 10.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(gradient_of(product(vec![0]), &[x]), [0.0, 3.0, 0.0, 2.0, 0.0, 5.0]);
}

#[test]
fn a_pool_of_padding_alone_is_refused() {
    let mut graph = Graph::new("padding");
    let x = graph.add_input("x", TensorType::f32(&[1, 1, 3, 3]));
    let pool = Pool {
        kind: PoolKind::Max,
        kernel: [1; 2],
        stride: [1; 2],
        padding: [1; 4],
        dilation: [1; 2],
        output: [5; 2],
        count_include_pad: false,
    };
    let y = graph.add("y", pool, &[x]).unwrap();
    let error = gradients(&mut graph, y, &[x]).unwrap_err().to_string();
    assert!(error.starts_with("node `y`: pool cannot be differentiated: a window along axis 0"), "{error}");
}

/// Values are refused wherever they were not made, even where a value of the same index and type is.
#[test]
fn values_of_another_graph_or_tape_are_refused() {
    let graph_of = |name: &str| {
        let mut graph = Graph::new(name);
        let x = graph.add_input("x", TensorType::f32(&[2]));
        let y = graph.add("y", Sin, &[x]).unwrap();
        (graph, x, y)
    };
    let ((_, foreign_x, foreign_y), (mut graph, x, y)) = (graph_of("one"), graph_of("other"));
    let of_graph = |id: &str| {
        format!(
            "{id} is no value of graph `other`: it is of another graph or tape, or from before a `compact`"
        )
    };
    assert_eq!(gradients(&mut graph, foreign_y, &[x]).unwrap_err().to_string(), of_graph("value1"));
    assert_eq!(gradients(&mut graph, y, &[foreign_x]).unwrap_err().to_string(), of_graph("value0"));
    let checkpointed = differentiate_with_checkpoints(&mut graph, &[y], &[y], &[x], &[foreign_y]);
    assert_eq!(checkpointed.unwrap_err().to_string(), of_graph("value1"));

    let tensor = Tensor::full(&[2], 1.0_f32).unwrap();
    let (mut one, mut other) = (Tape::new(), Tape::new());
    let foreign = one.value("x", tensor.clone());
    let own = other.value("x", tensor);
    let of_tape =
        "value0 is no value of graph `tape`: it is of another graph or tape, or from before a `compact`";
    let error = other.apply(Add, &[own, foreign]).unwrap_err().to_string();
    assert_eq!(error, format!("node `add`: add: {of_tape}"));
    let y = other.apply(Sin, &[own]).unwrap();
    assert_eq!(other.gradients(y, &[foreign]).unwrap_err().to_string(), of_tape);
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| other.tensor(foreign).len())).is_err());
}
