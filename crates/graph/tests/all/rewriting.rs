//! The rewrite driver: fixpoint, counting, bisection, loops, broken patches.

use ediacara_graph::ops::*;
use ediacara_graph::rewrite::{Context, Driver, Pass, Patch, Pipeline, Rewrite, RewritePass};
use ediacara_graph::{Graph, GraphError, NodeId, TensorType};

use crate::common::iota;

/// neg(neg(x)) = x
struct DoubleNegation;

impl Rewrite for DoubleNegation {
    fn name(&self) -> &'static str {
        "double_negation"
    }

    fn documentation(&self) -> &'static str {
        "neg(neg(x)) = x"
    }

    fn apply(&self, graph: &Graph, node: NodeId) -> Result<Option<Patch>, GraphError> {
        let outer = graph.node(node);
        if outer.op_as::<Neg>().is_none() {
            return Ok(None);
        }
        let Some(inner) = graph.producer(outer.inputs[0]).map(|inner| graph.node(inner)) else {
            return Ok(None);
        };
        Ok(inner.op_as::<Neg>().map(|_| Patch::replacing(outer.outputs[0], inner.inputs[0])))
    }
}

/// Swaps one operator for another, by names: a rule and its inverse loop.
struct Swap {
    name: &'static str,
    from: &'static str,
    to: fn() -> std::sync::Arc<dyn ediacara_graph::Op>,
}

impl Rewrite for Swap {
    fn name(&self) -> &'static str {
        self.name
    }

    fn documentation(&self) -> &'static str {
        "for tests"
    }

    fn apply(&self, graph: &Graph, node: NodeId) -> Result<Option<Patch>, GraphError> {
        let found = graph.node(node);
        if found.op.name() != self.from {
            return Ok(None);
        }
        let mut patch = Patch::new();
        let new = patch.node("", (self.to)(), &[found.inputs[0].into()]);
        patch.replace(found.outputs[0], new);
        Ok(Some(patch))
    }
}

/// A chain of `count` negations and an exponential.
fn negations(count: usize) -> Graph {
    let mut graph = Graph::new("negations");
    let mut value = graph.add_input("x", TensorType::f32(&[2]));
    for index in 0..count {
        value = graph.add(format!("neg{index}"), Neg, &[value]).unwrap();
    }
    let y = graph.add("y", Exp, &[value]).unwrap();
    graph.set_outputs(vec![y]);
    graph
}

fn operators(graph: &Graph) -> Vec<&'static str> {
    graph.order().into_iter().map(|id| graph.node(id).op.name()).collect()
}

#[test]
fn rules_are_applied_until_none_matches() {
    let rules: Vec<Box<dyn Rewrite>> = vec![Box::new(DoubleNegation)];
    for (count, left) in [(0, 0), (1, 1), (2, 0), (7, 1), (300, 0)] {
        let mut graph = negations(count);
        let mut context = Context::new();
        let applied = Driver::new(&rules).verifying().run(&mut graph, &mut context).unwrap();
        assert_eq!(applied, count / 2);
        assert_eq!(context.counts().get("double_negation").copied().unwrap_or(0), count / 2);
        assert_eq!(operators(&graph), [vec!["neg"; left], vec!["exp"]].concat());
    }
}

#[test]
fn stop_after_bisects() {
    let rules: Vec<Box<dyn Rewrite>> = vec![Box::new(DoubleNegation)];
    for limit in 0..4 {
        let mut graph = negations(6);
        let mut context = Context::stop_after(limit);
        Driver::new(&rules).run(&mut graph, &mut context).unwrap();
        assert_eq!(context.applications().len(), limit.min(3));
        assert_eq!(operators(&graph).len(), 7 - 2 * limit.min(3));
    }
}

#[test]
fn rules_that_undo_each_other_are_reported() {
    let there = Swap { name: "there", from: "sin", to: || std::sync::Arc::new(Cos) };
    let back = Swap { name: "back", from: "cos", to: || std::sync::Arc::new(Sin) };
    let rules: Vec<Box<dyn Rewrite>> = vec![Box::new(there), Box::new(back)];
    let mut graph = Graph::new("loop");
    let x = graph.add_input("x", TensorType::f32(&[2]));
    let y = graph.add("y", Sin, &[x]).unwrap();
    graph.set_outputs(vec![y]);
    let error = Driver::new(&rules).run(&mut graph, &mut Context::new()).unwrap_err().to_string();
    assert!(error.contains("it loops"), "{error}");
}

#[test]
fn a_patch_that_does_not_fit_names_its_rule() {
    struct Wrong;
    impl Rewrite for Wrong {
        fn name(&self) -> &'static str {
            "wrong"
        }
        fn documentation(&self) -> &'static str {
            "for tests"
        }
        fn apply(&self, graph: &Graph, node: NodeId) -> Result<Option<Patch>, GraphError> {
            let mut patch = Patch::new();
            let constant = patch.constant("c", iota(&[5]));
            patch.replace(graph.output_of(node), constant);
            Ok(Some(patch))
        }
    }
    let rules: Vec<Box<dyn Rewrite>> = vec![Box::new(Wrong)];
    let error = Driver::new(&rules).run(&mut negations(1), &mut Context::new()).unwrap_err();
    let GraphError::Pass { pass, source } = error else { panic!("{error}") };
    assert_eq!(pass, "wrong");
    assert!(matches!(*source, GraphError::Replacement { .. }));
}

#[test]
fn a_rule_may_wrap_the_value_it_replaces() {
    // relu(x) -> clamp(relu(x)): the new node goes on reading the old value.
    struct Wrap;
    impl Rewrite for Wrap {
        fn name(&self) -> &'static str {
            "wrap"
        }
        fn documentation(&self) -> &'static str {
            "for tests"
        }
        fn apply(&self, graph: &Graph, node: NodeId) -> Result<Option<Patch>, GraphError> {
            let output = graph.output_of(node);
            if graph.node(node).op.name() != "relu" || graph.consumers(output).len() == 1 {
                return Ok(None);
            }
            let mut patch = Patch::new();
            let clamped = patch.node("", Clamp { low: 0.0, high: 6.0 }, &[output.into()]);
            patch.replace(output, clamped);
            Ok(Some(patch))
        }
    }
    let mut graph = Graph::new("wrap");
    let x = graph.add_input("x", TensorType::f32(&[2]));
    let y = graph.add("y", Relu, &[x]).unwrap();
    graph.set_outputs(vec![y]);
    let rules: Vec<Box<dyn Rewrite>> = vec![Box::new(Wrap)];
    Driver::new(&rules).verifying().run(&mut graph, &mut Context::new()).unwrap();
    assert_eq!(operators(&graph), ["relu", "clamp"]);
    assert_eq!(graph.value(graph.outputs()[0]).name, "y");
}

#[test]
fn a_pipeline_is_a_visible_list() {
    let passes = || -> Vec<Box<dyn Pass>> {
        let rules: Vec<Box<dyn Rewrite>> = vec![Box::new(DoubleNegation)];
        vec![Box::new(RewritePass::new("simplify", "Algebra.", rules))]
    };
    let mut graph = negations(4);
    let mut seen = Vec::new();
    let pipeline = Pipeline::new(passes());
    let record = |report: &ediacara_graph::rewrite::PassReport, graph: &Graph| {
        seen.push((report.pass, report.changes, report.nodes, operators(graph).len()));
    };
    pipeline.run(&mut graph, &mut Context::new(), record).unwrap();
    assert_eq!(seen, [("simplify", 2, [5, 1], 1)]);
    assert!(Pipeline::new(passes()).without(&["simplify"]).unwrap().passes().is_empty());
    let error = Pipeline::new(passes()).without(&["simplfy"]).err().unwrap().to_string();
    assert_eq!(error, "no pass is called `simplfy`; did you mean `simplify`? There are simplify");
}
