//! Results and gradients against those of PyTorch, at kinks too.
//!
//! `tests/data/pytorch.json` holds the figures, and the script that made them.

use ediacara_autodiff::differentiate;
use ediacara_graph::{DType, Graph, Registry, Tensor, ValueId};
use serde_json::Value;

use crate::common::{evaluate, numbers};

fn tensor(value: &Value) -> Tensor {
    let shape: Vec<usize> =
        value["shape"].as_array().unwrap().iter().map(|size| size.as_u64().unwrap() as usize).collect();
    let values = value["values"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
    Tensor::from_vec::<f64>(&shape, values).unwrap()
}

fn declared(tensor: &Tensor) -> String {
    let sizes: Vec<String> = tensor.shape().iter().map(ToString::to_string).collect();
    format!("f64[{}]", sizes.join(","))
}

fn assert_near(found: &Tensor, expected: &Tensor, what: &str) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    for (found, expected) in numbers(found).into_iter().zip(numbers(expected)) {
        assert!(
            (found - expected).abs() <= 1e-12 * expected.abs().max(1.0),
            "{what}: {found}, not {expected}"
        );
    }
}

#[test]
fn results_and_gradients_are_those_of_pytorch() {
    let figures: Value = serde_json::from_str(include_str!("../data/pytorch.json")).unwrap();
    let cases = figures["cases"].as_array().unwrap();
    assert!(cases.len() >= 14);
    for case in cases {
        let name = case["name"].as_str().unwrap();
        let operands = case["inputs"].as_object().unwrap();
        let inputs: Vec<Tensor> = operands.values().map(tensor).collect();
        let expected = tensor(&case["result"]);
        let mut text = format!("graph \"{name}\" {{\n");
        for (operand, tensor) in operands.keys().zip(&inputs) {
            text += &format!("  input %{operand}: {}\n", declared(tensor));
        }
        text += &format!("  %result: {} = {}\n", declared(&expected), case["graph"].as_str().unwrap());
        text += "  output %result\n}\n";
        let mut graph = Graph::parse(&text, &Registry::core(), &|_| None).unwrap();
        let (result, wrt) = (graph.outputs()[0], graph.inputs().to_vec());
        // The weights of the script: linspace(-1, 2).
        let count = expected.len();
        let weight = |index: usize| -1.0 + 3.0 * index as f64 / (count - 1) as f64;
        let weights =
            Tensor::from_vec(expected.shape(), (0..count).map(weight).collect::<Vec<f64>>()).unwrap();
        assert_eq!(weights.dtype(), DType::F64);
        let seed = graph.add_constant("seed", weights);
        let found = differentiate(&mut graph, &[result], &[seed], &wrt).unwrap();
        let outputs: Vec<ValueId> =
            std::iter::once(result).chain(found.into_iter().map(Option::unwrap)).collect();
        let found = evaluate(&graph, &outputs, &inputs);
        assert_near(&found[0], &expected, name);
        for ((operand, found), index) in operands.keys().zip(&found[1..]).zip(0..) {
            let expected = tensor(&case["gradients"][operand]);
            assert_near(found, &expected, &format!("{name}, gradient {index}"));
        }
    }
}
