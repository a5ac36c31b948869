//! Every gradient rule against central differences in f64, first and second order.

use std::collections::BTreeSet;

use ediacara_autodiff::{Tape, differentiate, gradients};
use ediacara_graph::ops::{Mul, Reduce, ReduceKind};
use ediacara_graph::{Graph, Registry, Tensor, TensorType, ValueId};
use ediacara_host::{Executor, Options};

use crate::cases::{Case, Operand, UNCHECKED, cases};
use crate::common::{Random, evaluate, numbers};

const SEEDS: u64 = 4;
/// The step of the differences: error terms of about 1e-10 from the cut and 1e-11 from rounding.
const STEP: f64 = 1e-5;
/// Relative to the larger of 1 and the gradient.
const TOLERANCE: f64 = 1e-7;

/// The application of a case, and the sum of its first result times random weights.
struct Check {
    graph: Graph,
    inputs: Vec<Tensor>,
    wrt: Vec<ValueId>,
    loss: ValueId,
}

fn weighted_sum(graph: &mut Graph, random: &mut Random, value: ValueId) -> ValueId {
    let shape = graph.ty(value).shape.clone();
    let weights = random.spread(&shape, -2.0, 2.0);
    let weights = graph.add_constant("weights", weights);
    let product = graph.add("weighted", Mul, &[value, weights]).unwrap();
    let axes = (0..shape.len()).collect();
    graph.add("loss", Reduce { kind: ReduceKind::Sum, axes, keep_dims: false }, &[product]).unwrap()
}

impl Check {
    fn new(case: &Case, random: &mut Random) -> Check {
        let mut graph = Graph::new(case.op.name());
        let (mut inputs, mut wrt, mut operands) = (Vec::new(), Vec::new(), Vec::new());
        for operand in &case.operands {
            match operand {
                Operand::Real(shape, low, high) => {
                    let tensor = random.spread(shape, *low, *high);
                    let value = graph.add_input("x", TensorType::of(&tensor));
                    inputs.push(tensor);
                    wrt.push(value);
                    operands.push(value);
                }
                Operand::Fixed(tensor) => operands.push(graph.add_constant("fixed", tensor.clone())),
            }
        }
        let node = graph.add_node("node", case.op.clone(), &operands).unwrap();
        let result = graph.outputs_of(node)[0];
        let loss = weighted_sum(&mut graph, random, result);
        Check { graph, inputs, wrt, loss }
    }

    /// Holds `gradients` of `loss` against differences; where a gradient is nothing the differences must be
    /// zero.
    fn hold(&self, loss: ValueId, gradients: &[Option<ValueId>], what: &str) {
        let mut value = self.graph.clone();
        value.set_outputs(vec![loss]);
        value.compact();
        let executor = Executor::new(&value, &Options::default()).unwrap();
        let at = |inputs: &[Tensor]| numbers(&executor.run(inputs).unwrap()[0])[0];
        for (index, gradient) in gradients.iter().enumerate() {
            let original = numbers(&self.inputs[index]);
            let found = match gradient {
                Some(gradient) => numbers(&evaluate(&self.graph, &[*gradient], &self.inputs)[0]),
                None => vec![0.0; original.len()],
            };
            assert_eq!(found.len(), original.len());
            for element in 0..original.len() {
                let moved = |by: f64| {
                    let mut values = original.clone();
                    values[element] += by;
                    let mut inputs = self.inputs.clone();
                    inputs[index] = Tensor::from_vec(inputs[index].shape(), values).unwrap();
                    at(&inputs)
                };
                let difference = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
                let error = (found[element] - difference).abs();
                assert!(
                    error <= TOLERANCE * difference.abs().max(1.0),
                    "{what}: operand {index}, element {element}: gradient {}, difference {difference}\n{}",
                    found[element],
                    self.graph.to_text()
                );
            }
        }
    }
}

#[test]
fn first_and_second_order_agree_with_central_differences() {
    for seed in 0..SEEDS {
        let mut random = Random(seed);
        for case in cases(&mut random) {
            let mut check = Check::new(&case, &mut random);
            let loss = check.loss;
            let (seeded, wrt) =
                (check.graph.add_constant("seed", Tensor::scalar(1.0_f64)), check.wrt.clone());
            let first = differentiate(&mut check.graph, &[loss], &[seeded], &wrt).unwrap();
            check.hold(loss, &first, &format!("seed {seed}, {}", case.op.name()));
            for gradient in first.into_iter().flatten() {
                let sum = weighted_sum(&mut check.graph, &mut random, gradient);
                let second = differentiate(&mut check.graph, &[sum], &[seeded], &wrt).unwrap();
                check.hold(sum, &second, &format!("seed {seed}, second order of {}", case.op.name()));
            }
        }
    }
}

#[test]
fn every_core_operator_is_checked_or_has_a_reason() {
    let checked: BTreeSet<&str> = cases(&mut Random(0)).iter().map(|case| case.op.name()).collect();
    let excused: BTreeSet<&str> = UNCHECKED.iter().map(|(name, _)| *name).collect();
    let registry = Registry::core();
    let known: BTreeSet<&str> = registry.iter().map(|description| description.name).collect();
    let covered: BTreeSet<&str> = checked.union(&excused).copied().collect();
    assert_eq!(known, covered);
    assert_eq!(checked.intersection(&excused).next(), None);
}

#[test]
fn a_tape_computes_what_a_graph_computes() {
    let mut random = Random(7);
    for case in cases(&mut random) {
        let mut check = Check::new(&case, &mut random);
        let mut tape = Tape::new();
        let (mut values, mut operands) = (Vec::new(), Vec::new());
        let mut inputs = check.inputs.iter();
        for operand in &case.operands {
            let value = match operand {
                Operand::Real(..) => tape.value("x", inputs.next().unwrap().clone()),
                Operand::Fixed(tensor) => tape.value("fixed", tensor.clone()),
            };
            operands.push(value);
            if matches!(operand, Operand::Real(..)) {
                values.push(value);
            }
        }
        let y = tape.apply(case.op.clone(), &operands).unwrap();
        let eager = tape.gradients(y, &values).unwrap();
        let node = check.graph.producer(check.graph.value_by_name("weighted").unwrap()).unwrap();
        let y = check.graph.node(node).inputs[0];
        let wrt = check.wrt.clone();
        let lazy = gradients(&mut check.graph, y, &wrt).unwrap();
        for (eager, lazy) in eager.into_iter().zip(evaluate(&check.graph, &lazy, &check.inputs)) {
            assert!(tape.tensor(eager).same_bits(&lazy), "{}", case.op.name());
        }
    }
}
