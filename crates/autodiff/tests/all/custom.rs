//! The example's operators, registered from outside: against their closed forms, and trained with.

#[path = "../../examples/custom_op/exp.rs"]
mod exp;
#[path = "../../examples/custom_op/isru.rs"]
mod isru;
#[path = "../../examples/custom_op/sin.rs"]
mod sin;
#[path = "../../examples/custom_op/training.rs"]
mod training;

use ediacara_autodiff::{Tape, gradients};
use ediacara_graph::{Attributes, Graph, OpDescription, Registry, Tensor};

use crate::common::{evaluate, numbers};

/// Holds value, first and second derivative against closed forms, as a graph that was read from text, and
/// eagerly.
fn check(description: OpDescription, closed_forms: [fn(f64) -> f64; 3]) {
    let mut registry = Registry::core();
    registry.register(description).unwrap();
    assert!(registry.register(description).is_err());
    let name = description.name;
    let text = format!("graph \"unit\" {{\n  input %v: f64[3]\n  %y: f64[3] = {name}(%v)\n  output %y\n}}");
    let mut graph = Graph::parse(&text, &registry, &|_| None).unwrap();
    let (v, y) = (graph.inputs()[0], graph.outputs()[0]);
    let first = gradients(&mut graph, y, &[v]).unwrap()[0];
    let second = gradients(&mut graph, first, &[v]).unwrap()[0];
    let at = [-1.7, 0.0, 0.4];
    let input = Tensor::from_vec(&[3], at.to_vec()).unwrap();
    let found = evaluate(&graph, &[y, first, second], std::slice::from_ref(&input));
    for (index, v) in at.into_iter().enumerate() {
        for (found, expected) in found.iter().zip(closed_forms) {
            assert!((numbers(found)[index] - expected(v)).abs() < 1e-14, "{name} at {v}");
        }
    }
    let mut tape = Tape::new();
    let v = tape.value("v", input);
    let y = tape.apply(registry.build(name, &Attributes::new()).unwrap(), &[v]).unwrap();
    let first = tape.gradients(y, &[v]).unwrap()[0];
    assert!(tape.tensor(first).same_bits(&found[1]));
}

#[test]
fn registered_operators_are_differentiated_like_any_other() {
    check(
        isru::DESCRIPTION,
        [|v| v / (1.0 + v * v).sqrt(), |v| (1.0 + v * v).powf(-1.5), |v| -3.0 * v * (1.0 + v * v).powf(-2.5)],
    );
    check(exp::DESCRIPTION, [f64::exp, f64::exp, f64::exp]);
    check(sin::DESCRIPTION, [f64::sin, f64::cos, |v| -v.sin()]);
}

#[test]
fn registered_operators_train() {
    let factors = [(isru::DESCRIPTION, 50.0), (exp::DESCRIPTION, 10.0), (sin::DESCRIPTION, 500.0)];
    for (description, factor) in factors {
        let op = (description.build)(&Attributes::new()).unwrap();
        let [first, last] = training::train(&op).unwrap();
        assert!(last < first / factor, "{}: the loss falls from {first} to {last} only", description.name);
    }
}
