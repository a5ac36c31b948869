//! Networks that quantise by what they read (dynamic int8), and products of integers.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::writer::{bytes, input, int, model, node, output, tensor};
use ediacara_graph::{Graph, Tensor};
use ediacara_onnx::{ImportOptions, import_bytes};

/// x [1, 3] quantised by what it is, times weights [3, 2] of the scale 1/4, as onnxruntime writes it.
fn dynamic(outputs: &[&str]) -> Vec<u8> {
    let weights: Vec<u8> = [1_i8, -2, 3, 4, -5, 6].iter().map(|&weight| weight as u8).collect();
    let nodes = [
        node("DynamicQuantizeLinear", &["x"], &["q", "s", "z"], &[]),
        node("MatMulInteger", &["q", "w", "z", "wz"], &["p"], &[]),
        // To float: an attribute of type INT with the value 1.
        node("Cast", &["p"], &["f"], &[[bytes(1, "to"), int(3, 1), int(20, 2)].concat()]),
        node("Mul", &["s", "ws"], &["m"], &[]),
        node("Mul", &["f", "m"], &["y"], &[]),
    ];
    let stored = [
        bytes(5, tensor("w", 3, &[3, 2], &weights)),
        bytes(5, tensor("wz", 3, &[], &[0])),
        bytes(5, tensor("ws", 1, &[], &0.25_f32.to_le_bytes())),
    ];
    let outputs = outputs.iter().map(|name| output(name)).collect::<Vec<_>>().concat();
    model(17, &[nodes.concat(), stored.concat(), input("x", &[1, 3]), outputs])
}

fn imported(file: &[u8]) -> (Graph, usize) {
    let (graph, report) = import_bytes("m.onnx", file, &ImportOptions::default()).unwrap();
    (graph, report.dynamic)
}

#[test]
fn activations_stay_real_and_weights_stay_stored_where_only_products_read_them() {
    let (graph, dynamic) = imported(&dynamic(&["y"]));
    assert_eq!(dynamic, 1);
    let ops: Vec<&str> = graph.order().into_iter().map(|id| graph.node(id).op.name()).collect();
    assert_eq!(ops, ["dequantize_linear", "matmul", "mul"]);
    let x = Tensor::from_vec(&[1, 3], vec![0.1_f32, -0.7, 2.3]).unwrap();
    let y = common::run(&graph, &[x]).unwrap()[0].to_vec::<f32>().unwrap();
    // (0.1 - 2.1 - 11.5) / 4 and (-0.2 - 2.8 + 13.8) / 4.
    assert!((y[0] + 3.375).abs() < 1e-6 && (y[1] - 2.7).abs() < 1e-6, "{y:?}");
}

#[test]
fn integers_that_something_else_reads_are_those_of_onnx() {
    let (graph, dynamic) = imported(&dynamic(&["q", "s", "z", "p"]));
    assert_eq!(dynamic, 0);
    let x = Tensor::from_vec(&[1, 3], vec![0.1_f32, -0.7, 2.3]).unwrap();
    let found = common::run(&graph, &[x]).unwrap();
    // The scale is 3 / 255, the zero point 0.7 * 85 = 59.5 to even, and x * 85 is 8.5, -59.5 and 195.5.
    let scale = found[1].to_vec::<f32>().unwrap()[0];
    let zero = i32::from(found[2].to_vec::<u8>().unwrap()[0]);
    assert!((scale - 3.0 / 255.0).abs() < 1e-8 && (59..=60).contains(&zero), "{scale} {zero}");
    let q: Vec<i32> = found[0].to_vec::<u8>().unwrap().into_iter().map(i32::from).collect();
    for (q, wanted) in q.iter().zip([8.5_f64, -59.5, 195.5]) {
        assert!((f64::from(q - zero) - wanted).abs() <= 1.0, "{q} {zero} {wanted}");
    }
    let centred: Vec<i32> = q.iter().map(|q| q - zero).collect();
    let products =
        [[1, 3, -5], [-2, 4, 6]].map(|column| column.iter().zip(&centred).map(|(w, x)| w * x).sum::<i32>());
    assert_eq!(found[3].to_vec::<i32>().unwrap(), products);
}
