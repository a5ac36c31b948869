//! Operators of one's own: handlers that are added to the import, and what they see of a node.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::writer::{bytes, input, int, ints_attribute, model, node, output, tensor};
use ediacara_graph::ops::{Add, Mul};
use ediacara_graph::{Graph, Tensor, ValueId};
use ediacara_onnx::{Context, ImportOptions, Node, NodeError, Operators, import_bytes};

/// x times the number `factor`, however it is written; 3 if it is not.
fn scale(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    let x = node.input(0)?;
    let factor = context.scalar_like(x, node.number("factor")?.unwrap_or(3.0))?;
    Ok(vec![context.emit(Mul, &[x, factor])?])
}

/// x + x in place of ONNX's relu, unless the file has no Scale beside it.
fn relu(context: &mut Context<'_>, node: &Node<'_>) -> Result<Vec<ValueId>, NodeError> {
    if !context.uses("my", "Scale") {
        return context.standard(node);
    }
    let x = node.input(0)?;
    Ok(vec![context.emit(Add, &[x, x])?])
}

fn operators() -> Operators {
    let mut operators = Operators::new();
    operators.add("my", "Scale", scale).add("ai.onnx", "Relu", relu);
    operators
}

fn import(model: &[u8], operators: Operators) -> Result<Graph, String> {
    let options = ImportOptions { operators, ..ImportOptions::default() };
    let imported = import_bytes("m.onnx", model, &options);
    imported.map(|(graph, _)| graph).map_err(|error| error.to_string())
}

/// The result for x = [-1, 2], or the error.
fn run(model: &[u8]) -> Result<Vec<f32>, String> {
    let graph = import(model, operators())?;
    let x = Tensor::from_vec(&[1, 2], vec![-1.0_f32, 2.0]).unwrap();
    Ok(common::run(&graph, &[x])?[0].to_vec::<f32>().unwrap())
}

fn on_x(nodes: &[Vec<u8>]) -> Vec<u8> {
    model(17, &[nodes.concat(), input("x", &[1, 2]), output("y")])
}

/// A node of the domain `my`, which is one more field of its message.
fn scale_node(inputs: &[&str], output: &str, attributes: &[Vec<u8>]) -> Vec<u8> {
    let message = node("Scale", inputs, &[output], attributes);
    // The first byte is the field's key, the second the length, which is short here.
    let body = [&message[2..], &bytes(7, "my")].concat();
    assert!(message[1] < 0x80);
    bytes(1, body)
}

/// An attribute of one field: type numbers are those of AttributeProto.
fn attribute(field: Vec<u8>, number: i64) -> Vec<u8> {
    [bytes(1, "factor"), field, int(20, number)].concat()
}

#[test]
fn a_number_is_read_in_every_form() {
    let float = |dims: &[i64]| bytes(5, tensor("t", 1, dims, &0.5_f32.to_le_bytes()));
    for (attribute, expected) in [
        (attribute(int(3, -4), 2), [4.0, -8.0]),
        (attribute([&[2 << 3 | 5], 0.5_f32.to_le_bytes().as_slice()].concat(), 1), [-0.5, 1.0]),
        (attribute(float(&[]), 4), [-0.5, 1.0]),
        (attribute(float(&[1]), 4), [-0.5, 1.0]),
        (ints_attribute("factor", &[7]), [-7.0, 14.0]),
        (ints_attribute("other", &[7]), [-3.0, 6.0]),
    ] {
        assert_eq!(run(&on_x(&[scale_node(&["x"], "y", &[attribute])])).unwrap(), expected);
    }
}

#[test]
fn errors_name_file_node_and_operator() {
    for (attribute, words) in [
        (ints_attribute("factor", &[7, 8]), "holds 2 numbers, not one"),
        (attribute(bytes(4, "text"), 3), "has the type STRING, it has to be a number or several"),
        (attribute(bytes(5, tensor("t", 1, &[2], &[0; 4])), 4), "attribute 'factor': its shape [2] of f32"),
    ] {
        let error = run(&on_x(&[scale_node(&["x"], "y", &[attribute])])).unwrap_err();
        assert!(error.starts_with("m.onnx: node 'node_y' (Scale): ") && error.contains(words), "{error}");
    }
    let error = run(&on_x(&[scale_node(&[], "y", &[])])).unwrap_err();
    assert!(error.contains("needs an operand 0"), "{error}");
    let error = import(&on_x(&[scale_node(&["x"], "y", &[])]), Operators::new()).unwrap_err();
    assert!(error.contains("not supported: my.Scale (node_y)"), "{error}");
}

/// A handler comes before Ediacara's own, to which it may pass a node on.
#[test]
fn an_operator_of_onnx_can_be_taken_over() {
    let relu = |input: &str, output: &str| node("Relu", &[input], &[output], &[]);
    assert_eq!(run(&on_x(&[relu("x", "y")])).unwrap(), [0.0, 2.0]);
    let beside = on_x(&[relu("x", "z"), scale_node(&["z"], "y", &[])]);
    assert_eq!(run(&beside).unwrap(), [-6.0, 12.0]);
    let entries: Vec<(String, String)> =
        operators().iter().map(|(domain, op)| (domain.to_owned(), op.to_owned())).collect();
    assert_eq!(entries, [("".to_owned(), "Relu".to_owned()), ("my".to_owned(), "Scale".to_owned())]);
}

/// Operator set 12 has the axes as an attribute, 13 as an operand; onnxruntime takes the last version given.
#[test]
fn the_last_version_of_an_operator_set_counts() {
    let squeeze = node("Squeeze", &["x"], &["y"], &[ints_attribute("axes", &[0])]);
    let graph = [squeeze, input("x", &[1, 1, 2]), output("y")].concat();
    let sets = [bytes(8, int(2, 19)), bytes(8, int(2, 12))].concat();
    let file = [int(1, 8), sets, bytes(7, graph)].concat();
    let graph = import(&file, Operators::new()).unwrap();
    assert_eq!(graph.ty(graph.outputs()[0]).shape, [1, 2]);
}
