//! Sessions: what a run needs and what it does not need.

#![allow(clippy::unwrap_used, reason = "a test stops where it fails")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ediacara_graph::ops::Add;
use ediacara_graph::{Attributes, Cost, Graph, Op, OpError, Tensor, TensorType, ValueId};
use ediacara_nn::{Parameter, Role, Update};
use ediacara_train::{Session, TrainError, freeze};

/// Gives its operand, and counts how often it is run.
#[derive(Debug, Clone, Default)]
struct Counting {
    runs: Arc<AtomicUsize>,
}

impl Counting {
    fn runs(&self) -> usize {
        self.runs.load(Ordering::Relaxed)
    }
}

impl Op for Counting {
    fn name(&self) -> &'static str {
        "counting"
    }

    fn attributes(&self) -> Attributes {
        Attributes::new()
    }

    fn infer(&self, inputs: &[&TensorType]) -> Result<Vec<TensorType>, OpError> {
        Ok(vec![inputs[0].clone()])
    }

    fn run(&self, inputs: &[&Tensor], outputs: &mut [Tensor]) -> Result<(), OpError> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        outputs[0] = inputs[0].clone();
        Ok(())
    }

    fn cost(&self, _: &[&TensorType], outputs: &[&TensorType]) -> Cost {
        Cost::others(outputs[0].elements() as u64)
    }
}

fn numbers(values: [f32; 2]) -> Tensor {
    Tensor::from_vec(&[2], values.to_vec()).unwrap()
}

#[test]
fn a_run_computes_what_its_fetches_and_updates_need_and_nothing_else() {
    let (shared, left, right) = (Counting::default(), Counting::default(), Counting::default());
    let mut graph = Graph::new("fork");
    let [x, y] = ["x", "y"].map(|name| graph.add_input(name, TensorType::f32(&[2])));
    let variable = graph.add_input("variable", TensorType::f32(&[2]));
    let common = graph.add("common", shared.clone(), &[x]).unwrap();
    let one = graph.add("left", left.clone(), &[common]).unwrap();
    let sum = graph.add("sum", Add, &[common, y]).unwrap();
    let other = graph.add("right", right.clone(), &[sum]).unwrap();
    let next = graph.add("next", Add, &[variable, common]).unwrap();
    let initial = numbers([10.0, 20.0]);
    let role = Role::Weight;
    let parameter = Parameter { name: "variable".to_owned(), value: variable, initial, role };
    let mut session = Session::new(graph, [&parameter], 1).unwrap();
    let (x_fed, y_fed) = (numbers([1.0, 2.0]), numbers([3.0, 4.0]));

    // This run needs only one branch, without the input of the other.
    let fetched = session.run(&[(x, &x_fed)], &[one], &[]).unwrap();
    assert_eq!(fetched[0].to_vec::<f32>().unwrap(), [1.0, 2.0]);
    assert_eq!([&shared, &left, &right].map(Counting::runs), [1, 1, 0]);
    // This run needs both, and what they share once.
    let fetched = session.run(&[(x, &x_fed), (y, &y_fed)], &[other, one], &[]).unwrap();
    assert_eq!(fetched[0].to_vec::<f32>().unwrap(), [4.0, 6.0]);
    assert_eq!([&shared, &left, &right].map(Counting::runs), [2, 2, 1]);
    // This run is an update alone, and the variable keeps its tensor for the next one.
    for expected in [[11.0, 22.0], [12.0, 24.0]] {
        session.run(&[(x, &x_fed)], &[], &[Update { variable, to: next }]).unwrap();
        assert_eq!(session.variable(variable).unwrap().to_vec::<f32>().unwrap(), expected);
    }
    assert_eq!([&shared, &left, &right].map(Counting::runs), [4, 2, 1]);
    // Values that are given already are not computed at all.
    let fetched = session.run(&[(x, &x_fed)], &[x, variable], &[]).unwrap();
    assert_eq!(fetched[1].to_vec::<f32>().unwrap(), [12.0, 24.0]);
    assert_eq!(shared.runs(), 4);
}

#[test]
fn a_feed_that_is_missing_or_misshapen_is_named_and_changes_nothing() {
    let mut graph = Graph::new("sum");
    let [x, variable] = ["x", "variable"].map(|name| graph.add_input(name, TensorType::f32(&[2])));
    let sum = graph.add("sum", Add, &[x, variable]).unwrap();
    let initial = numbers([1.0, 2.0]);
    let parameter = Parameter { name: "variable".to_owned(), value: variable, initial, role: Role::Weight };
    let mut session = Session::new(graph, [&parameter], 1).unwrap();
    let update = [Update { variable, to: sum }];
    let error = session.run(&[], &[sum], &update).unwrap_err().to_string();
    assert_eq!(error, "`x` is needed, and neither fed nor a variable");
    let long = Tensor::from_vec(&[3], vec![1.0_f32; 3]).unwrap();
    let wide = Tensor::from_vec(&[2], vec![1.0_f64; 2]).unwrap();
    for (feed, found) in [(&long, "f32[3]"), (&wide, "f64[2]")] {
        let error = session.run(&[(x, feed)], &[sum], &update).unwrap_err().to_string();
        assert_eq!(error, format!("input `x` is f32[2], but is given {found}"));
    }
    assert_eq!(session.variable(variable).unwrap().to_vec::<f32>().unwrap(), [1.0, 2.0]);
    let error = session.set_variable(variable, long).unwrap_err().to_string();
    assert!(error.contains("variable `variable` is f32 [2], not f32 [3]"), "{error}");
    let fed = numbers([4.0, 4.0]);
    assert_eq!(session.run(&[(x, &fed)], &[sum], &update).unwrap()[0].to_vec::<f32>().unwrap(), [5.0, 6.0]);
    assert_eq!(session.variable(variable).unwrap().to_vec::<f32>().unwrap(), [5.0, 6.0]);
}

/// `sum = x + w`, and `w` a parameter.
fn session() -> (Session, [ValueId; 3]) {
    let mut graph = Graph::new("sum");
    let x = graph.add_input("x", TensorType::f32(&[2]));
    let w = graph.add_variable("w", TensorType::f32(&[2]));
    let sum = graph.add("sum", Add, &[x, w]).unwrap();
    let parameter =
        Parameter { name: "w".to_owned(), value: w, initial: numbers([1.0, 2.0]), role: Role::Weight };
    (Session::new(graph, [&parameter], 1).unwrap(), [x, w, sum])
}

fn check<T>(result: Result<T, TrainError>, expected: &str) {
    let error = result.map(|_| ()).unwrap_err().to_string();
    assert_eq!(error, expected);
}

#[test]
fn what_a_run_is_asked_for_is_of_its_graph_and_in_its_place() {
    let (mut session, [x, w, sum]) = session();
    let (_, [foreign_x, foreign_w, foreign_sum]) = self::session();
    let foreign = |index: usize| {
        format!(
            "value{index} is no value of graph `sum`: it is of another graph or tape, or from before a `compact`"
        )
    };
    let fed = numbers([3.0, 4.0]);
    check(session.run(&[(x, &fed)], &[foreign_sum], &[]), &foreign(2));
    check(session.run(&[(foreign_x, &fed)], &[sum], &[]), &foreign(0));
    let update = |variable, to| [Update { variable, to }];
    check(session.run(&[(x, &fed)], &[], &update(w, foreign_sum)), &foreign(2));
    check(session.run(&[(x, &fed)], &[], &update(foreign_w, sum)), &foreign(1));
    check(session.set_variable(foreign_w, fed.clone()), &foreign(1));

    check(
        session.run(&[(x, &fed), (sum, &fed)], &[sum], &[]),
        "`sum` is given a tensor, but is no input: it is computed by add",
    );
    check(
        session.run(&[(x, &fed), (w, &fed)], &[sum], &[]),
        "`w` is fed, but is a variable of this session: give it to `set_variable`",
    );
    check(session.run(&[(x, &fed), (x, &fed)], &[sum], &[]), "input `x` is fed twice");
    check(
        session.run(&[(x, &fed)], &[], &update(x, sum)),
        "`x` is to be updated, but is no variable of this session",
    );
    let twice = [Update { variable: w, to: sum }, Update { variable: w, to: x }];
    check(session.run(&[(x, &fed)], &[], &twice), "variable `w` is updated twice in one run");
    assert_eq!(session.variable(w).unwrap().to_vec::<f32>().unwrap(), [1.0, 2.0]);
}

#[test]
fn parameters_fit_their_graph() {
    let mut graph = Graph::new("g");
    let x = graph.add_input("x", TensorType::f32(&[3]));
    let y = graph.add("y", Add, &[x, x]).unwrap();
    let parameter =
        |value| Parameter { name: "p".to_owned(), value, initial: numbers([1.0, 2.0]), role: Role::Weight };
    check(Session::new(graph.clone(), [&parameter(x)], 1), "input `x` is f32[3], but is given f32[2]");
    check(
        Session::new(graph.clone(), [&parameter(y)], 1),
        "`y` is given a tensor, but is no input: it is computed by add",
    );
    let foreign = Graph::new("other").add_input("x", TensorType::f32(&[2]));
    check(
        Session::new(graph, [&parameter(foreign)], 1),
        "value0 is no value of graph `g`: it is of another graph or tape, or from before a `compact`",
    );
}

/// A frozen network computes what the session would, with the present tensors of its variables, and needs
/// only `x`.
#[test]
fn a_frozen_network_has_its_parameters_as_constants() {
    let (mut session, [x, w, sum]) = session();
    session.set_variable(w, numbers([10.0, 20.0])).unwrap();
    let frozen = session.freeze(&[sum]).unwrap();
    assert_eq!(frozen.inputs().len(), 1);
    let executor = ediacara_host::Executor::new(&frozen, &ediacara_host::Options::default()).unwrap();
    let outputs = executor.run(&[numbers([3.0, 4.0])]).unwrap();
    assert_eq!(outputs[0].to_vec::<f32>().unwrap(), [13.0, 24.0]);
    let w_frozen = frozen.constant(frozen.value_by_name("w").unwrap()).unwrap();
    assert_eq!(w_frozen.to_vec::<f32>().unwrap(), [10.0, 20.0]);

    let graph = session.graph();
    check(freeze(graph, &[sum], []), "graph `sum` cannot be frozen without tensors of `w`");
    check(
        freeze(graph, &[sum], [(sum, numbers([0.0; 2]))]),
        "`sum` is given a tensor, but is no input: it is computed by add",
    );
    let (_, [.., foreign]) = self::session();
    check(
        freeze(graph, &[foreign], []),
        "value2 is no value of graph `sum`: it is of another graph or tape, or from before a `compact`",
    );
    // An output that needs no variable is frozen without one.
    assert_eq!(freeze(graph, &[x], []).unwrap().inputs().len(), 1);
}
