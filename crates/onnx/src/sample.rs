//! Values of a sample run: what decides shapes and depends on data is taken from there, and guarded.
//!
//! Shapes are static. If a handler needs integers or truth values that are computed from inputs, the sample gives
//! them, and the graph checks them in every run.

use std::collections::HashMap;
use std::sync::Arc;

use ediacara_graph::ops::Guard;
use ediacara_graph::{Graph, ValueId};
use ediacara_tensor::{DType, Tensor};

/// The values of one run, as far as they were asked for.
#[derive(Default)]
pub(crate) struct Sample {
    values: HashMap<ValueId, Tensor>,
    /// The values whose integers the shapes stand on.
    guarded: Vec<(ValueId, Guard)>,
}

impl Sample {
    /// Gives an input of the network its value.
    pub(crate) fn feed(&mut self, input: ValueId, value: Tensor) {
        self.values.insert(input, value);
    }

    /// A value of the run; nothing if it depends on an input without one, or cannot be computed.
    pub(crate) fn value(&mut self, graph: &Graph, value: ValueId) -> Option<Tensor> {
        let mut needed = Vec::new();
        let mut open = vec![value];
        while let Some(value) = open.pop() {
            if self.values.contains_key(&value) || graph.constant(value).is_some() {
                continue;
            }
            let node = graph.producer(value)?;
            needed.push(node);
            open.extend(&graph.node(node).inputs);
        }
        // Nodes are made in an order in which every value comes before its readers.
        needed.sort_unstable_by_key(|node| node.index());
        needed.dedup();
        for node in needed {
            let (op, inputs) = (&graph.node(node).op, &graph.node(node).inputs);
            let known = |input: &ValueId| graph.constant(*input).or_else(|| self.values.get(input));
            let operands: Option<Vec<&Tensor>> = inputs.iter().map(known).collect();
            let zeros = graph.outputs_of(node).iter().map(|&output| graph.ty(output).zeros().ok());
            let mut results = zeros.collect::<Option<Vec<Tensor>>>()?;
            op.run(&operands?, &mut results).ok()?;
            self.values.extend(graph.outputs_of(node).iter().copied().zip(results));
        }
        graph.constant(value).or_else(|| self.values.get(&value)).cloned()
    }

    /// As [`Sample::value`], for integers and truth values that shapes will stand on; `name` is for errors of later
    /// runs.
    pub(crate) fn guarded(&mut self, graph: &Graph, value: ValueId, name: &str) -> Option<Tensor> {
        let dtype = graph.ty(value).dtype;
        if !dtype.is_integer() && dtype != DType::Bool {
            return None;
        }
        let tensor = self.value(graph, value)?;
        if !self.guarded.iter().any(|(other, _)| *other == value) {
            let expected = tensor.cast(DType::I64).to_vec().ok()?;
            self.guarded.push((value, Guard { expected, name: name.to_owned() }));
        }
        Some(tensor)
    }

    /// The guards that runs have to pass, each with the value that it looks at.
    pub(crate) fn into_guards(self) -> impl Iterator<Item = (ValueId, Arc<Guard>)> {
        self.guarded.into_iter().map(|(value, guard)| (value, Arc::new(guard)))
    }
}
