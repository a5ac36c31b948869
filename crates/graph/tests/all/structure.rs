//! The graph's structure: building, order, replacement, compaction, verification, the registry.

use std::sync::Arc;

use ediacara_graph::ops::*;
use ediacara_graph::{
    Attributes, Cost, Graph, GraphError, Op, OpDescription, OpError, Registry, Tensor, TensorType, ValueId,
};

use crate::common::{iota, tensor};

/// x -> relu -> add(x) -> y
fn residual() -> (Graph, ValueId, ValueId) {
    let mut graph = Graph::new("residual");
    let x = graph.add_input("x", TensorType::f32(&[2, 3]));
    let hidden = graph.add("hidden", Relu, &[x]).unwrap();
    let y = graph.add("y", Add, &[hidden, x]).unwrap();
    graph.set_outputs(vec![y]);
    (graph, x, hidden)
}

#[test]
fn values_know_their_definition_and_readers() {
    let (graph, x, hidden) = residual();
    graph.verify().unwrap();
    let relu = graph.producer(hidden).unwrap();
    let add = graph.only_consumer(hidden).unwrap();
    assert_eq!(graph.consumers(x), [relu, add]);
    assert!(graph.node(relu).op_as::<Relu>().is_some() && graph.node(relu).op_as::<Add>().is_none());
    assert_eq!(graph.order(), [relu, add]);
    assert_eq!(graph.outputs_of(relu), [hidden]);
    assert_eq!(graph.cost_of(add), Cost::additions(6));
    assert!(graph.producer(x).is_none() && graph.constant(x).is_none());
    assert_eq!(graph.only_consumer(graph.outputs()[0]), None);
}

#[test]
fn names_of_values_are_unique() {
    let mut graph = Graph::new("names");
    let first = graph.add_input("x", TensorType::f32(&[1]));
    let second = graph.add("x", Relu, &[first]).unwrap();
    let third = graph.add_constant("", iota(&[1]));
    assert_eq!([first, second, third].map(|id| graph.value(id).name.clone()), ["x", "x_1", "value"]);
    graph.rename_value(first, "input");
    graph.rename_value(second, "x");
    assert_eq!(graph.value_by_name("x"), Some(second));
    assert_eq!(graph.value_by_name("x_1"), None);
    let top = graph.add_node("best", TopK { k: 1, axis: 0, largest: true }, &[first]).unwrap();
    let names: Vec<&str> = graph.outputs_of(top).iter().map(|&id| graph.value(id).name.as_str()).collect();
    assert_eq!(names, ["best.0", "best.1"]);
    graph.verify().unwrap();
}

#[test]
fn errors_name_node_operator_operand_and_shapes() {
    let mut graph = Graph::new("errors");
    let x = graph.add_input("x", TensorType::f32(&[2, 3]));
    let w = graph.add_constant("w", iota(&[4, 5]));
    let error = graph.add_node("fc1", Gemm::default(), &[x, w]).unwrap_err();
    let GraphError::Op { node, source } = &error else { panic!("{error}") };
    assert_eq!(node, "fc1");
    assert_eq!(
        source.to_string(),
        "gemm: operand `x` is f32[2,3] but operand `w` is f32[4,5]: x[M,K] and w[N,K] must have one K"
    );
    let huge = graph.add_node("huge", Broadcast { shape: vec![1 << 40, 1 << 40, 2, 3] }, &[x]).unwrap_err();
    assert!(matches!(huge, GraphError::Op { .. }), "{huge}");
    let foreign = {
        let mut other = Graph::new("other");
        (0..9).map(|_| other.add_input("v", TensorType::f32(&[1]))).last().unwrap()
    };
    let error = graph.add_node("n", Relu, &[foreign]).unwrap_err();
    assert!(matches!(error, GraphError::ForeignValue { .. }), "{error}");
    graph.verify().unwrap();
}

/// A value is refused wherever it was not made, even where the graph has one of the same index and type.
#[test]
fn a_value_of_another_graph_is_refused() {
    let ty = TensorType::f32(&[2]);
    let refused = |graph: &mut Graph, value: ValueId, id: &str| {
        let problem = format!(
            "{id} is no value of graph `{}`: it is of another graph or tape, or from before a `compact`",
            graph.name
        );
        assert_eq!(graph.add("n", Relu, &[value]).unwrap_err().to_string(), problem);
        let own = graph.inputs()[0];
        assert_eq!(graph.replace_uses(own, value).unwrap_err().to_string(), problem);
        assert!(graph.check_value(own).is_ok());
    };
    let (mut one, mut other) = (Graph::new("one"), Graph::new("other"));
    let shared = one.add_input("x", ty.clone());
    other.add_input("x", ty.clone());
    refused(&mut other, shared, "value0");

    // A clone knows what was there before, and neither knows what the other one adds.
    let mut clone = one.clone();
    clone.name = "clone".to_owned();
    clone.add("y", Relu, &[shared]).unwrap();
    let late = one.add("y", Relu, &[shared]).unwrap();
    assert_eq!(clone.value_by_name("y").unwrap().index(), late.index());
    refused(&mut clone, late, "value1");

    // After a compact every value is a new one.
    one.set_outputs(vec![late]);
    let map = one.compact();
    refused(&mut one, shared, "value0");
    assert_eq!(map[shared.index()], Some(one.inputs()[0]));
    one.verify().unwrap();
}

#[test]
#[should_panic(expected = "value0 is no value of graph `other`: it is of another graph or tape")]
fn an_output_of_another_graph_is_refused() {
    let foreign = Graph::new("one").add_input("x", TensorType::f32(&[2]));
    let mut other = Graph::new("other");
    other.add_input("x", TensorType::f32(&[2]));
    other.set_outputs(vec![foreign]);
}

#[test]
fn a_variable_stays_one() {
    let mut graph = Graph::new("g");
    let x = graph.add_input("x", TensorType::f32(&[2]));
    let w = graph.add_variable("w", TensorType::f32(&[2]));
    let y = graph.add("y", Add, &[x, w]).unwrap();
    graph.set_outputs(vec![y]);
    let text = graph.to_text();
    assert!(text.contains("  variable %w: f32[2]\n"), "{text}");
    let mut again = Graph::parse(&text, &Registry::core(), &|_| None).unwrap();
    again.compact();
    assert_eq!(again.to_text(), text);
    let variables =
        |graph: &Graph| graph.inputs().iter().map(|&id| graph.is_variable(id)).collect::<Vec<_>>();
    assert_eq!(variables(&again), [false, true]);
}

#[test]
fn replacement_keeps_the_interface_and_order_follows() {
    let (mut graph, x, hidden) = residual();
    let y = graph.outputs()[0];
    let late = graph.add("late", Abs, &[x]).unwrap();
    graph.replace_uses(hidden, late).unwrap();
    graph.verify().unwrap();
    assert_eq!(graph.unlink_dead(), 1);
    graph.verify().unwrap();
    let names: Vec<&str> = graph.order().into_iter().map(|id| graph.node(id).name.as_str()).collect();
    assert_eq!(names, ["late", "y"]);
    let shifted = graph.add("shifted", Exp, &[y]).unwrap();
    let node = graph.producer(shifted).unwrap();
    graph.replace_uses_except(y, shifted, &[node]).unwrap();
    assert_eq!(graph.outputs(), [shifted]);
    assert_eq!(graph.value(shifted).name, "y");
    graph.verify().unwrap();
    let narrow = graph.add_input("narrow", TensorType::f32(&[2]));
    assert!(graph.replace_uses(x, narrow).unwrap_err().to_string().contains("f32[2,3] cannot be replaced"));
}

#[test]
fn compaction_drops_the_dead_and_maps_the_living() {
    let (mut graph, x, hidden) = residual();
    let unused = graph.add_constant("unused", iota(&[3]));
    let used = graph.add_constant("used", iota(&[2, 3]));
    let y = graph.outputs()[0];
    graph.add("dead", Neg, &[hidden]).unwrap();
    let z = graph.add("z", Mul, &[y, used]).unwrap();
    graph.set_outputs(vec![z, used]);
    let text = graph.to_text();
    let map = graph.compact();
    graph.verify().unwrap();
    assert_eq!(map[unused.index()], None);
    assert!(map[x.index()].is_some() && map[used.index()].is_some());
    assert_eq!(graph.node_count(), 3);
    assert_eq!(graph.value(map[z.index()].unwrap()).name, "z");
    assert_eq!(
        graph.to_text(),
        text.lines().filter(|line| !line.contains("dead")).map(|l| format!("{l}\n")).collect::<String>()
    );
}

#[test]
fn a_cycle_is_found() {
    let (mut graph, x, hidden) = residual();
    // The node reads its own result, which replace_uses_except is there to avoid.
    graph.replace_uses(x, hidden).unwrap();
    assert!(graph.verify().unwrap_err().to_string().contains("in a cycle"));
}

#[test]
fn a_changed_operator_must_keep_its_types() {
    let mut graph = Graph::new("op");
    let x = graph.add_input("x", TensorType::f32(&[1, 1, 4, 4]));
    let w = graph.add_constant("w", iota(&[1, 1, 3, 3]));
    let y = graph.add("y", Conv::default(), &[x, w]).unwrap();
    let node = graph.producer(y).unwrap();
    let fused = Conv { activation: Activation::Relu, ..Conv::default() };
    graph.replace_op(node, fused).unwrap();
    assert!(graph.replace_op(node, Conv { padding: [1; 4], ..Conv::default() }).is_err());
    assert_eq!(graph.node(node).op_as::<Conv>().unwrap().activation, Activation::Relu);
}

/// Doubles: an operator of a user's own.
#[derive(Debug)]
struct Double;

impl Op for Double {
    fn name(&self) -> &'static str {
        "double"
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        Ok(vec![inputs[0].clone()])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        Mul.run(&[inputs[0], &Tensor::scalar(2.0_f32)], outputs)
    }

    fn cost(&self, _inputs: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        Cost::multiplications(outputs[0].elements() as u64)
    }
}

#[test]
fn a_user_registers_an_operator() {
    let mut registry = Registry::core();
    let description =
        OpDescription { name: "double", documentation: "Doubles.", build: |_| Ok(Arc::new(Double)) };
    registry.register(description).unwrap();
    assert!(registry.register(description).unwrap_err().to_string().contains("registered already"));
    let text = "graph \"user\" { input %x: f32[2] %y: f32[2] = double(%x) output %y }";
    let graph = Graph::parse(text, &registry, &|_| None).unwrap();
    let node = graph.order()[0];
    let mut outputs = [Tensor::zeros(ediacara_graph::DType::F32, &[2]).unwrap()];
    graph.node(node).op.run(&[&tensor(&[2], &[1.5_f32, -1.0])], &mut outputs).unwrap();
    assert_eq!(outputs[0].to_vec::<f32>().unwrap(), [3.0, -2.0]);
    let unknown = Registry::core().build("conv2", &Attributes::new()).unwrap_err().to_string();
    assert_eq!(unknown, "no operator is called `conv2`; did you mean `conv`?");
}

#[test]
fn every_core_operator_is_documented_and_refuses_strange_attributes() {
    let strange = Attributes::new().with("no_such_attribute", ediacara_graph::Attribute::Int(1));
    let mut count = 0;
    for description in Registry::core().iter() {
        assert!(
            description.documentation.contains("perand"),
            "{} does not say its operands",
            description.name
        );
        assert!((description.build)(&strange).is_err(), "{}", description.name);
        count += 1;
    }
    assert_eq!(count, 88);
}
