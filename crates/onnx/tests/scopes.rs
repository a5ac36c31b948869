//! What names mean and which nodes count: dead nodes, the model's own functions, branches, and free
//! dimensions.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod common;

use common::writer::{bytes, input, int, int64s, model, node, output, tensor, value};
use ediacara_graph::{DType, Graph, Tensor};
use ediacara_onnx::{ImportOptions, import_bytes};

fn import(model: &[u8]) -> Result<Graph, String> {
    let imported = import_bytes("m.onnx", model, &ImportOptions::default());
    imported.map(|(graph, _)| graph).map_err(|error| error.to_string())
}

/// The result of a model for x = [-1, 2], or the error.
fn run(model: &[u8]) -> Result<Vec<f32>, String> {
    let graph = import(model)?;
    let x = Tensor::from_vec(&[1, 2], vec![-1.0_f32, 2.0]).unwrap();
    Ok(common::run(&graph, &[x])?[0].to_vec::<f32>().unwrap())
}

fn refused(model: &[u8], words: &[&str]) {
    let error = run(model).unwrap_err();
    for word in words {
        assert!(error.contains(word), "'{word}' is not in: {error}");
    }
}

fn on_x(nodes: &[Vec<u8>]) -> Vec<u8> {
    model(17, &[nodes.concat(), input("x", &[1, 2]), output("y")])
}

/// A float as a constant of one element.
fn float(name: &str, number: f32) -> Vec<u8> {
    bytes(5, tensor(name, 1, &[1], &number.to_le_bytes()))
}

fn truth(name: &str, holds: bool) -> Vec<u8> {
    bytes(5, tensor(name, 9, &[1], &[u8::from(holds)]))
}

#[test]
fn what_no_output_needs_is_not_looked_at() {
    let relu = node("Relu", &["x"], &["y"], &[]);
    let frobnicate = node("Frobnicate", &["x"], &["z"], &[]);
    let cycle = [node("Relu", &["b"], &["a"], &[]), node("Relu", &["a"], &["b"], &[])].concat();
    let stray = node("Relu", &["nowhere"], &["c"], &[]);
    let text = [bytes(5, tensor("s", 8, &[1], &[])), node("Relu", &["s"], &["d"], &[])].concat();
    for dead in [frobnicate, cycle, stray, text] {
        assert_eq!(run(&on_x(&[dead, relu.clone()])).unwrap(), [0.0, 2.0]);
    }
}

/// A function of domain `my`: names of operands, results and attributes, nodes, and attributes with defaults.
fn function(
    name: &str,
    [inputs, outputs, attributes]: [&[&str]; 3],
    nodes: &[Vec<u8>],
    defaults: &[Vec<u8>],
) -> Vec<u8> {
    let names =
        |field: u64, names: &[&str]| names.iter().map(|name| bytes(field, name)).collect::<Vec<_>>().concat();
    // Nodes are field 1 of a graph and field 7 of a function.
    let nodes =
        nodes.iter().map(|node| [vec![7 << 3 | 2], node[1..].to_vec()].concat()).collect::<Vec<_>>().concat();
    let defaults = defaults.iter().map(|attribute| bytes(11, attribute)).collect::<Vec<_>>().concat();
    let opset = bytes(9, int(2, 17));
    bytes(
        25,
        [
            bytes(1, name),
            names(4, inputs),
            names(5, outputs),
            names(6, attributes),
            nodes,
            defaults,
            opset,
            bytes(10, "my"),
        ]
        .concat(),
    )
}

/// A node that calls a function of domain `my`.
fn call(name: &str, inputs: &[&str], outputs: &[&str], attributes: &[Vec<u8>]) -> Vec<u8> {
    let body = node(name, inputs, outputs, attributes);
    // The length is one byte here; the domain is field 7.
    let inner = [body[2..].to_vec(), bytes(7, "my")].concat();
    bytes(1, inner)
}

fn float_attribute(name: &str, number: f32) -> Vec<u8> {
    [bytes(1, name), vec![2 << 3 | 5], number.to_le_bytes().to_vec(), int(20, 1)].concat()
}

fn reference(name: &str, to: &str) -> Vec<u8> {
    [bytes(1, name), int(20, 1), bytes(21, to)].concat()
}

#[test]
fn functions_are_taken_apart_in_place() {
    // Leaky(x, bias) with attribute slope (default 0.5) is LeakyRelu(x; alpha = slope), + bias if there is
    // one.
    let leaky = || {
        let nodes = [node("LeakyRelu", &["x"], &["y"], &[reference("alpha", "slope")])];
        function("Leaky", [&["x"], &["y"], &[]], &nodes, &[float_attribute("slope", 0.5)])
    };
    let with = |nodes: &[Vec<u8>], functions: &[Vec<u8>]| [on_x(nodes), functions.concat()].concat();
    let plain = with(&[call("Leaky", &["x"], &["y"], &[])], &[leaky()]);
    assert_eq!(run(&plain).unwrap(), [-0.5, 2.0]);
    let given = with(&[call("Leaky", &["x"], &["y"], &[float_attribute("slope", 0.25)])], &[leaky()]);
    assert_eq!(run(&given).unwrap(), [-0.25, 2.0]);

    // Twice calls Leaky on its operand and adds the result to itself. It is called twice, with names that
    // repeat inside.
    let twice = || {
        let nodes = [call("Leaky", &["x"], &["t"], &[]), node("Add", &["t", "t"], &["y"], &[])];
        function("Twice", [&["x"], &["y"], &[]], &nodes, &[])
    };
    let nested = [call("Twice", &["x"], &["t"], &[]), call("Twice", &["t"], &["y"], &[])];
    let nested = with(&nested, &[leaky(), twice()]);
    // -1 -> -0.5 -> -1 -> -0.5 -> -1; 2 -> 4 -> 8.
    assert_eq!(run(&nested).unwrap(), [-1.0, 8.0]);
    let names: Vec<String> = {
        let graph = import(&nested).unwrap();
        graph.nodes().map(|node| graph.node(node).name.clone()).collect()
    };
    assert!(names.iter().any(|name| name == "node_t/node_t" || name.starts_with("node_t/")), "{names:?}");

    // It does not matter what a function's dead nodes use; it matters what its live nodes use.
    let strange = |dead: bool| {
        let result = if dead { "unused" } else { "y" };
        let mut nodes = vec![node("Frobnicate", &["x"], &[result], &[])];
        if dead {
            nodes.push(node("Relu", &["x"], &["y"], &[]));
        }
        with(&[call("F", &["x"], &["y"], &[])], &[function("F", [&["x"], &["y"], &[]], &nodes, &[])])
    };
    assert_eq!(run(&strange(true)).unwrap(), [0.0, 2.0]);
    refused(&strange(false), &["Frobnicate"]);
}

#[test]
fn functions_that_make_no_sense_are_refused() {
    let with = |nodes: &[Vec<u8>], functions: &[Vec<u8>]| [on_x(nodes), functions.concat()].concat();
    let endless = function("F", [&["x"], &["y"], &[]], &[call("F", &["x"], &["y"], &[])], &[]);
    refused(&with(&[call("F", &["x"], &["y"], &[])], &[endless]), &["(F)", "calls itself"]);
    let relu = function("F", [&["x"], &["y"], &[]], &[node("Relu", &["x"], &["y"], &[])], &[]);
    refused(&with(&[call("F", &["x", "x"], &["y"], &[])], &[relu]), &["2 operands", "takes 1"]);
    refused(&on_x(&[call("Unknown", &["x"], &["y"], &[])]), &["my.Unknown"]);
    let outside = node("LeakyRelu", &["x"], &["y"], &[reference("alpha", "slope")]);
    refused(&on_x(&[outside]), &["'slope'", "outside of one"]);
}

/// A graph of these fields as attribute `name`.
fn branch(name: &str, fields: &[Vec<u8>]) -> Vec<u8> {
    [bytes(1, name), bytes(6, fields.concat()), int(20, 5)].concat()
}

#[test]
fn the_branch_of_a_known_condition_is_taken() {
    // then: x * 3 with a constant of the branch; else: the value from outside, rectified.
    let choice = |condition: Vec<u8>| {
        let then = [node("Mul", &["x", "k"], &["t"], &[]), float("k", 3.0), output("t")];
        let other = [node("Frobnicate", &["r"], &["e"], &[]), output("e")];
        let attributes = [branch("then_branch", &then), branch("else_branch", &other)];
        on_x(&[node("Relu", &["x"], &["r"], &[]), node("If", &["c"], &["y"], &attributes), condition])
    };
    assert_eq!(run(&choice(truth("c", true))).unwrap(), [-3.0, 6.0]);
    refused(&choice(truth("c", false)), &["Frobnicate"]);

    // A condition follows from a shape, and a branch gives a value of the graph around it.
    let passes = |size: i64| {
        let then = [output("r")];
        let other = [node("Neg", &["x"], &["e"], &[]), output("e")];
        let attributes = [branch("then_branch", &then), branch("else_branch", &other)];
        on_x(&[
            node("Relu", &["x"], &["r"], &[]),
            node("Size", &["x"], &["n"], &[]),
            node("Equal", &["n", "two"], &["c"], &[]),
            int64s("two", &[size]),
            node("If", &["c"], &["y"], &attributes),
        ])
    };
    assert_eq!(run(&passes(2)).unwrap(), [0.0, 2.0]);
    assert_eq!(run(&passes(3)).unwrap(), [1.0, -2.0]);
}

#[test]
fn a_condition_of_run_time_is_refused_by_name() {
    let attributes = [branch("then_branch", &[output("x")]), branch("else_branch", &[output("x")])];
    let cast = node("Cast", &["x"], &["c"], &[[bytes(1, "to"), int(3, 9), int(20, 2)].concat()]);
    refused(
        &on_x(&[cast, node("If", &["c"], &["y"], &attributes)]),
        &["(If)", "operand 'c'", "known at import"],
    );
}

/// An input of dimensions by name; a number is fixed.
fn symbolic(name: &str, dims: &[&str]) -> Vec<u8> {
    let dim = |text: &&str| match text.parse::<i64>() {
        Ok(size) => bytes(1, int(1, size)),
        Err(_) if text.is_empty() => bytes(1, []),
        Err(_) => bytes(1, bytes(2, text)),
    };
    let dims = dims.iter().map(dim).collect::<Vec<_>>().concat();
    let ty = bytes(1, [int(1, 1), bytes(2, dims)].concat());
    bytes(11, [bytes(1, name), bytes(2, ty)].concat())
}

#[test]
fn free_dimensions_take_their_sizes() {
    let add = node("Add", &["a", "b"], &["y"], &[]);
    let two = model(17, &[add, symbolic("a", &["N", "3", ""]), symbolic("b", &["N", "3", ""]), output("y")]);
    let shapes = |options: ImportOptions| {
        let (graph, report) = import_bytes("m.onnx", &two, &options).map_err(|error| error.to_string())?;
        let shapes: Vec<_> = graph.inputs().iter().map(|&input| graph.ty(input).shape.clone()).collect();
        Ok::<_, String>((shapes, report.dims.iter().filter(|dim| dim.given).count()))
    };
    let named = |name: &str, shape: &[usize]| vec![(name.to_owned(), shape.to_vec())];
    let both = ImportOptions { shapes: named("a", &[4, 3, 5]), ..ImportOptions::default() };
    // N is bound wherever it stands; the last dimension of b has no name and stays 1.
    assert_eq!(shapes(both).unwrap(), (vec![vec![4, 3, 5], vec![4, 3, 1]], 2));
    let zeros = |shape: &[usize]| Some(Tensor::zeros(DType::F32, shape).unwrap());
    let fed = ImportOptions { fed: vec![None, zeros(&[7, 3, 2])], ..ImportOptions::default() };
    assert_eq!(shapes(fed).unwrap(), (vec![vec![1, 3, 1], vec![1, 3, 2]], 1));
    let fed = ImportOptions { fed: vec![zeros(&[7, 3, 2])], ..ImportOptions::default() };
    assert_eq!(shapes(fed).unwrap(), (vec![vec![7, 3, 2], vec![7, 3, 1]], 2));
    // A tensor that does not fit the fixed sizes decides nothing.
    let fed = ImportOptions { fed: vec![zeros(&[7, 4, 2])], ..ImportOptions::default() };
    assert_eq!(shapes(fed).unwrap(), (vec![vec![1, 3, 1], vec![1, 3, 1]], 0));

    let wrong = ImportOptions { shapes: named("a", &[4, 3]), ..ImportOptions::default() };
    let error = shapes(wrong).unwrap_err();
    assert!(error.contains("'a' has 3 axes, but the shape [4, 3] is given"), "{error}");
    let twice = ImportOptions {
        dims: vec![("N".to_owned(), 2)],
        shapes: named("a", &[4, 3, 5]),
        ..ImportOptions::default()
    };
    let error = shapes(twice).unwrap_err();
    assert!(error.contains("'N' is given the sizes 2 and 4"), "{error}");
    let unknown = ImportOptions { shapes: named("c", &[1]), ..ImportOptions::default() };
    let error = shapes(unknown).unwrap_err();
    assert!(error.contains("no input named 'c'; it has: a, b"), "{error}");
}

#[test]
fn every_axis_can_be_called_after_its_input() {
    let add = node("Add", &["a", "b"], &["y"], &[]);
    let file = model(
        17,
        &[add, symbolic("a", &["N", "3", "?", "?"]), symbolic("b", &["N", "1", "1", "1"]), output("y")],
    );
    let shapes = |dims: &[(&str, usize)]| {
        let dims = dims.iter().map(|&(name, size)| (name.to_owned(), size)).collect();
        let options = ImportOptions { dims, ..ImportOptions::default() };
        let (graph, _) = import_bytes("m.onnx", &file, &options).map_err(|error| error.to_string())?;
        Ok::<_, String>(graph.inputs().iter().map(|&input| graph.ty(input).shape.clone()).collect::<Vec<_>>())
    };
    // Two axes called `?` are two; a name is bound wherever it stands; a fixed size gives way.
    assert_eq!(shapes(&[("a[2]", 5), ("a[3]", 7)]).unwrap(), [vec![1, 3, 5, 7], vec![1, 1, 1, 1]]);
    assert_eq!(shapes(&[("b[0]", 4)]).unwrap(), [vec![4, 3, 1, 1], vec![4, 1, 1, 1]]);
    assert_eq!(shapes(&[("a[1]", 2)]).unwrap(), [vec![1, 2, 1, 1], vec![1, 1, 1, 1]]);
    let error = shapes(&[("N", 2), ("b[0]", 4)]).unwrap_err();
    assert!(error.contains("'N' is given the sizes 2 and 4"), "{error}");
    let error = shapes(&[("a[4]", 2)]).unwrap_err();
    assert!(error.contains("no dimension named 'a[4]'; it has: N, a[2], a[3], a[0], a[1]"), "{error}");
}

#[test]
fn errors_of_shape_name_the_free_dimensions() {
    let add = node("Add", &["x", "w"], &["y"], &[]);
    let stored = bytes(5, tensor("w", 1, &[3, 4], &[0; 48]));
    let matmul = node("MatMul", &["x", "w"], &["y"], &[]);
    let refused = |node: Vec<u8>| {
        let file = model(17, &[node, symbolic("x", &["2", "K"]), stored.clone(), output("y")]);
        import_bytes("m.onnx", &file, &ImportOptions::default()).unwrap_err().to_string()
    };
    for error in [refused(matmul), refused(add)] {
        assert!(error.contains("--dim NAME=SIZE") && error.ends_with("they are K"), "{error}");
    }
    let fixed = model(17, &[node("MatMul", &["x", "x"], &["y"], &[]), value(11, "x", &[2, 3]), output("y")]);
    let error = import_bytes("m.onnx", &fixed, &ImportOptions::default()).unwrap_err().to_string();
    assert!(!error.contains("--dim"), "{error}");
}
