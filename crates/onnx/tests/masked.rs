//! Positions of what is not zero: assignments to what a mask selects, and shapes that a sample gives.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::writer::{bytes, input, int, int64s, ints_attribute, model, node, output, tensor};
use ediacara_graph::{DType, Graph, Tensor};
use ediacara_onnx::{ImportOptions, import_bytes};

fn import(file: &[u8], sample: Option<&Tensor>) -> Result<Graph, String> {
    let options = ImportOptions { fed: vec![sample.cloned()], ..ImportOptions::default() };
    import_bytes("m.onnx", file, &options).map(|(graph, _)| graph).map_err(|error| error.to_string())
}

fn ops(graph: &Graph) -> Vec<&str> {
    graph.order().into_iter().map(|id| graph.node(id).op.name()).collect()
}

fn reals(shape: &[usize], values: &[f32]) -> Tensor {
    Tensor::from_vec(shape, values.to_vec()).unwrap()
}

fn f32s(name: &str, values: &[f32]) -> Vec<u8> {
    let raw: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    bytes(5, tensor(name, 1, &[], &raw))
}

fn transpose(from: &str, to: &str) -> Vec<u8> {
    node("Transpose", &[from], &[to], &[ints_attribute("perm", &[1, 0])])
}

/// `x[x < 0] = exp(x[x < 0]) - 1` as PyTorch exports it: masked_scatter flattens the updates and cuts them to the
/// number of positions.
fn exponential(outputs: &[&str]) -> Vec<u8> {
    let nodes = [
        node("Less", &["x", "zero"], &["mask"], &[]),
        node("NonZero", &["mask"], &["found"], &[]),
        transpose("found", "rows"),
        node("GatherND", &["x", "rows"], &["picked"], &[]),
        node("Exp", &["picked"], &["grown"], &[]),
        node("Sub", &["grown", "one"], &["updates"], &[]),
        node("Shape", &["x"], &["shape"], &[]),
        node("Expand", &["mask", "shape"], &["expanded"], &[]),
        node("NonZero", &["expanded"], &["again"], &[]),
        transpose("again", "places"),
        node("Reshape", &["updates", "whole"], &["flat"], &[]),
        node("Shape", &["places"], &["extents"], &[]),
        node("Gather", &["extents", "first"], &["number"], &[]),
        node("Unsqueeze", &["number", "first_axis"], &["end"], &[]),
        node("Slice", &["flat", "first_axis", "end", "first_axis"], &["cut"], &[]),
        node("ScatterND", &["x", "places", "cut"], &["y"], &[]),
    ];
    let index = bytes(5, tensor("first", 7, &[], &0_i64.to_le_bytes()));
    let stored = [f32s("zero", &[0.0]), f32s("one", &[1.0]), index];
    let lists = [int64s("whole", &[-1]), int64s("first_axis", &[0])];
    let outputs = outputs.iter().map(|name| output(name)).collect::<Vec<_>>().concat();
    model(17, &[nodes.concat(), stored.concat(), lists.concat(), input("x", &[2, 3]), outputs])
}

#[test]
fn an_assignment_to_what_a_mask_selects_is_a_select() {
    let graph = import(&exponential(&["y"]), None).unwrap();
    let names = ops(&graph);
    assert!(names.contains(&"select") && !names.contains(&"non_zero"), "{names:?}");
    // Any number of elements may be negative.
    for values in [[-1.0, 2.0, 0.0, -0.5, 3.0, 4.0], [1.0; 6], [-2.0; 6]] {
        let y = common::run(&graph, &[reals(&[2, 3], &values)]).unwrap();
        let wanted = values.map(|value| if value < 0.0 { value.exp() - 1.0 } else { value });
        common::compare(&y[0], &reals(&[2, 3], &wanted), 1e-6, 1e-7).unwrap();
    }
}

#[test]
fn positions_that_something_else_reads_need_a_sample() {
    let file = exponential(&["y", "rows"]);
    let error = import(&file, None).unwrap_err();
    assert!(error.contains("--input FILE"), "{error}");
    let sample = reals(&[2, 3], &[-1.0, 2.0, 0.0, -0.5, 3.0, 4.0]);
    let graph = import(&file, Some(&sample)).unwrap();
    let found = common::run(&graph, std::slice::from_ref(&sample)).unwrap();
    assert_eq!(found[1].to_vec::<i64>().unwrap(), [0, 0, 1, 0]);
    let wanted = [(-1.0_f32).exp() - 1.0, 2.0, 0.0, (-0.5_f32).exp() - 1.0, 3.0, 4.0];
    common::compare(&found[0], &reals(&[2, 3], &wanted), 1e-6, 1e-7).unwrap();
    // Two negative elements elsewhere are as good; three are not.
    let moved = common::run(&graph, &[reals(&[2, 3], &[1.0, -2.0, 0.0, 5.0, -3.0, 4.0])]).unwrap();
    assert_eq!(moved[1].to_vec::<i64>().unwrap(), [0, 1, 1, 1]);
    let error = common::run(&graph, &[reals(&[2, 3], &[-1.0, -1.0, -1.0, 0.0, 0.0, 0.0])]).unwrap_err();
    assert!(error.contains("3 elements are not zero, but shapes were made for 2"), "{error}");
}

/// The mask selects rows; what is selected is replaced by one number, spread over their number.
#[test]
fn whole_rows_take_one_number() {
    let nodes = [
        node("NonZero", &["mask"], &["found"], &[]),
        transpose("found", "rows"),
        node("GatherND", &["x", "rows"], &["picked"], &[]),
        // As quantised files write a constant.
        node("QuantizeLinear", &["ten", "one", "nil"], &["ten_quantised"], &[]),
        node("DequantizeLinear", &["ten_quantised", "one", "nil"], &["ten_again"], &[]),
        node("Mul", &["picked", "ten_again"], &["updates"], &[]),
        node("ScatterND", &["x", "rows", "updates"], &["y"], &[]),
    ];
    let mask = bytes(5, tensor("truths", 7, &[3], &[1_i64, 0, 2].map(i64::to_le_bytes).concat()));
    let copy = node("Mul", &["truths", "scale"], &["mask"], &[]);
    let nil = bytes(5, tensor("nil", 3, &[], &[0]));
    let stored = [mask, f32s("ten", &[10.0]), f32s("one", &[1.0]), nil].concat();
    let scale =
        bytes(11, [bytes(1, "scale"), bytes(2, bytes(1, [int(1, 7), bytes(2, [])].concat()))].concat());
    let file = model(17, &[copy, nodes.concat(), stored, input("x", &[3, 2]), scale, output("y")]);
    let graph = import(&file, None).unwrap();
    let fed = [reals(&[3, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), Tensor::scalar(1_i64)];
    let y = common::run(&graph, &fed).unwrap();
    assert_eq!(y[0].to_vec::<f32>().unwrap(), [10.0, 20.0, 3.0, 4.0, 50.0, 60.0]);
}

/// x, repeated as often as its largest element says.
fn repeated() -> Vec<u8> {
    let nodes = [
        node("ReduceMax", &["x"], &["high"], &[[bytes(1, "keepdims"), int(3, 0), int(20, 2)].concat()]),
        node("Cast", &["high"], &["times"], &[[bytes(1, "to"), int(3, 7), int(20, 2)].concat()]),
        node("Unsqueeze", &["times", "axis"], &["repeats"], &[]),
        node("Tile", &["x", "repeats"], &["y"], &[]),
    ];
    model(17, &[nodes.concat(), int64s("axis", &[0]), input("x", &[2]), output("y")])
}

#[test]
fn shapes_that_depend_on_data_are_those_of_the_sample() {
    let error = import(&repeated(), None).unwrap_err();
    assert!(error.contains("--value x=NUMBER, or give a sample (--input FILE"), "{error}");
    let graph = import(&repeated(), Some(&reals(&[2], &[1.0, 3.0]))).unwrap();
    assert!(ops(&graph).contains(&"guard"));
    let y = common::run(&graph, &[reals(&[2], &[3.5, -1.0])]).unwrap();
    assert_eq!(y[0].to_vec::<f32>().unwrap(), [3.5, -1.0, 3.5, -1.0, 3.5, -1.0]);
    let error = common::run(&graph, &[reals(&[2], &[2.0, 1.0])]).unwrap_err();
    assert!(error.contains("'repeats' is [2], but shapes were made for [3]"), "{error}");
    assert!(error.contains("import it with an input like this one"), "{error}");
}

#[test]
fn a_sample_without_any_is_guarded_too() {
    let nodes = [
        node("NonZero", &["x"], &["found"], &[]),
        node("Cast", &["found"], &["real"], &[[bytes(1, "to"), int(3, 1), int(20, 2)].concat()]),
        node("Concat", &["real", "x"], &["y"], &[[bytes(1, "axis"), int(3, 1), int(20, 2)].concat()]),
    ];
    let file = model(17, &[nodes.concat(), input("x", &[2, 2]), output("y")]);
    let graph = import(&file, Some(&Tensor::zeros(DType::F32, &[2, 2]).unwrap())).unwrap();
    let y = common::run(&graph, &[reals(&[2, 2], &[0.0; 4])]).unwrap();
    assert_eq!(y[0].shape(), [2, 2]);
    let error = common::run(&graph, &[reals(&[2, 2], &[0.0, 1.0, 0.0, 0.0])]).unwrap_err();
    assert!(error.contains("that are not zero' is [1], but shapes were made for [0]"), "{error}");
}
