//! Outputs have names of their own, whatever value stands behind them.

use ediacara_graph::ops::Relu;
use ediacara_graph::{Graph, TensorType, ValueId};

fn names(graph: &Graph, values: &[ValueId]) -> Vec<String> {
    values.iter().map(|&value| graph.value(value).name.clone()).collect()
}

#[test]
fn an_output_has_its_name_and_what_had_it_before_a_suffix() {
    let mut graph = Graph::new("test");
    let x = graph.add_input("x", TensorType::f32(&[2]));
    let inner = graph.add("y", Relu, &[x]).unwrap();
    let last = graph.add("last", Relu, &[inner]).unwrap();
    graph.set_named_outputs(&[("y".to_owned(), last)]).unwrap();
    assert_eq!(graph.outputs(), [last]);
    assert_eq!(names(&graph, &[inner, last]), ["y_1", "y"]);
    assert_eq!(graph.value_by_name("y"), Some(last));
}

#[test]
fn one_value_can_be_two_outputs_and_an_input_one() {
    let mut graph = Graph::new("test");
    let x = graph.add_input("x", TensorType::f32(&[2]));
    let y = graph.add("a", Relu, &[x]).unwrap();
    let outputs = [("a", y), ("b", y), ("same", x), ("x", x)].map(|(name, value)| (name.to_owned(), value));
    graph.set_named_outputs(&outputs).unwrap();
    assert_eq!(names(&graph, graph.outputs()), ["a", "b", "same", "x"]);
    assert_eq!(graph.outputs()[3], x);
    assert_eq!(names(&graph, graph.inputs()), ["x"]);
    graph.verify().unwrap();
    graph.compact();
    assert_eq!(names(&graph, graph.outputs()), ["a", "b", "same", "x"]);
}

#[test]
fn of_two_outputs_of_one_name_the_first_keeps_it() {
    let mut graph = Graph::new("test");
    let x = graph.add_input("x", TensorType::f32(&[2]));
    let y = graph.add("y", Relu, &[x]).unwrap();
    graph.set_named_outputs(&[("y".to_owned(), y), ("y".to_owned(), y)]).unwrap();
    assert_eq!(names(&graph, graph.outputs()), ["y", "y_1"]);
}
