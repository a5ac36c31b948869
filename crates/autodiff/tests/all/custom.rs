//! The example's operator, registered from outside: against its closed forms.

#[path = "../../examples/custom_op/isru.rs"]
mod isru;

use ediacara_autodiff::{Tape, gradients};
use ediacara_graph::{Graph, Registry, Tensor};

use crate::common::{evaluate, numbers};

#[test]
fn a_registered_operator_is_differentiated_like_any_other() {
    let mut registry = Registry::core();
    registry.register(isru::DESCRIPTION).unwrap();
    assert!(registry.register(isru::DESCRIPTION).is_err());
    let text = "graph \"unit\" {\n  input %v: f64[3]\n  %y: f64[3] = isru(%v)\n  output %y\n}";
    let mut graph = Graph::parse(text, &registry, &|_| None).unwrap();
    let (v, y) = (graph.inputs()[0], graph.outputs()[0]);
    let first = gradients(&mut graph, y, &[v]).unwrap()[0];
    let second = gradients(&mut graph, first, &[v]).unwrap()[0];
    let at = [-1.7, 0.0, 0.4];
    let input = Tensor::from_vec(&[3], at.to_vec()).unwrap();
    let found = evaluate(&graph, &[y, first, second], std::slice::from_ref(&input));
    for (index, v) in at.into_iter().enumerate() {
        let base: f64 = 1.0 + v * v;
        let expected = [v / base.sqrt(), base.powf(-1.5), -3.0 * v * base.powf(-2.5)];
        for (found, expected) in found.iter().zip(expected) {
            assert!((numbers(found)[index] - expected).abs() < 1e-14);
        }
    }
    let mut tape = Tape::new();
    let v = tape.value("v", input);
    let y = tape.apply(isru::Isru, &[v]).unwrap();
    let first = tape.gradients(y, &[v]).unwrap()[0];
    assert!(tape.tensor(first).same_bits(&found[1]));
}
