//! Gradient checkpointing: memory for time.

use std::collections::HashMap;
use std::sync::Arc;

use ediacara_graph::ops::Barrier;
use ediacara_graph::{Definition, Emit, Graph, GraphError, NodeId, Op, OpError, Tensor, TensorType, ValueId};

use crate::GraphEmitter;
use crate::reverse::{Pass, Target, check_request};

/// As [`differentiate`](crate::differentiate), but the backward pass keeps only inputs, constants and the
/// `checkpoints` of the forward pass.
///
/// What else a gradient rule reads is computed anew, from the kept values, by the same operators. The
/// gradients are equal to the bit. The nodes between two checkpoints are computed at most once more, when the
/// backward pass comes to them. If such a node needs nodes before the nearest checkpoint, those are computed
/// once more for each segment that needs them. Nodes that are computed anew read kept values behind a
/// `barrier`, so that no rewrite takes them for those of the forward pass. With a checkpoint every sqrt(n)
/// nodes of a chain of n nodes, memory grows with sqrt(n).
///
/// # Errors
/// As [`differentiate`](crate::differentiate); a checkpoint that is not of this graph.
pub fn differentiate_with_checkpoints(
    graph: &mut Graph,
    outputs: &[ValueId],
    seeds: &[ValueId],
    wrt: &[ValueId],
    checkpoints: &[ValueId],
) -> Result<Vec<Option<ValueId>>, GraphError> {
    check_request(graph, outputs, seeds, wrt)?;
    checkpoints.iter().try_for_each(|&value| graph.check_value(value))?;
    let pass = Pass::plan(graph, outputs, wrt);
    let forward = graph.value_count();
    let mut kept = vec![false; forward];
    checkpoints.iter().chain(outputs).for_each(|value| kept[value.index()] = true);
    // A segment ends with each node that computes a checkpoint.
    let mut segment = 0;
    let segments = pass.nodes.iter().map(|&node| {
        let own = segment;
        let ends = graph.outputs_of(node).iter().any(|output| checkpoints.contains(output));
        segment += usize::from(ends);
        own
    });
    let segments = segments.collect();
    let emitter = GraphEmitter::new(graph, "gradient");
    let mut target = Recomputing { emitter, kept, segments, current: usize::MAX, known: HashMap::new() };
    pass.run(&mut target, outputs, seeds, wrt)
}

/// Emits into a graph, and recalls values of the forward pass by computing them anew.
struct Recomputing<'g> {
    emitter: GraphEmitter<'g>,
    /// By [`ValueId::index`], over the values of the forward pass.
    kept: Vec<bool>,
    /// By position in the pass.
    segments: Vec<usize>,
    current: usize,
    /// What the current segment has computed anew or keeps behind a barrier.
    known: HashMap<ValueId, ValueId>,
}

impl Recomputing<'_> {
    /// Whether a value is there, and need not be computed anew.
    fn is_kept(&self, value: ValueId) -> bool {
        // Values that the backward pass has computed are its own.
        self.kept.get(value.index()).is_none_or(|&kept| kept) || self.graph().producer(value).is_none()
    }

    /// A value that a node which is computed anew reads; nothing if it is not known yet.
    fn operand(&mut self, value: ValueId) -> Result<Option<ValueId>, OpError> {
        if let Some(&known) = self.known.get(&value) {
            return Ok(Some(known));
        }
        if !self.is_kept(value) {
            return Ok(None);
        }
        if matches!(self.graph().value(value).definition, Definition::Constant(_)) {
            return Ok(Some(value));
        }
        let name = format!("{}.kept", self.graph().value(value).name);
        let behind = self.emitter.add(&name, Arc::new(Barrier), &[value])?;
        let behind = behind.first().copied().unwrap_or(value);
        self.known.insert(value, behind);
        Ok(Some(behind))
    }

    /// Computes a node anew, and what it needs before it.
    fn recompute(&mut self, node: NodeId) -> Result<(), OpError> {
        let mut stack = vec![node];
        while let Some(&top) = stack.last() {
            let (name, op, inputs, outputs) = {
                let node = self.graph().node(top);
                (node.name.clone(), Arc::clone(&node.op), node.inputs.clone(), node.outputs.clone())
            };
            if outputs.iter().all(|output| self.known.contains_key(output)) {
                stack.pop();
                continue;
            }
            let mut operands = Vec::with_capacity(inputs.len());
            let mut missing = None;
            for &input in &inputs {
                match self.operand(input)? {
                    Some(operand) => operands.push(operand),
                    None => missing = missing.or(self.graph().producer(input)),
                }
            }
            if let Some(missing) = missing {
                stack.push(missing);
                continue;
            }
            let results = self.emitter.add(&format!("{name}.again"), op, &operands)?;
            self.known.extend(outputs.iter().copied().zip(results));
            stack.pop();
        }
        Ok(())
    }
}

impl Emit for Recomputing<'_> {
    fn ty(&self, value: ValueId) -> &TensorType {
        self.emitter.ty(value)
    }

    fn check_value(&self, value: ValueId) -> Result<(), GraphError> {
        self.emitter.check_value(value)
    }

    fn apply(&mut self, op: Arc<dyn Op>, inputs: &[ValueId]) -> Result<Vec<ValueId>, OpError> {
        self.emitter.apply(op, inputs)
    }

    fn constant(&mut self, tensor: Tensor) -> ValueId {
        self.emitter.constant(tensor)
    }

    fn recall(&mut self, value: ValueId) -> Result<ValueId, OpError> {
        if self.is_kept(value) {
            return Ok(value);
        }
        if let (None, Some(node)) = (self.known.get(&value), self.graph().producer(value)) {
            self.recompute(node)?;
        }
        Ok(self.known.get(&value).copied().unwrap_or(value))
    }
}

impl Target for Recomputing<'_> {
    fn graph(&self) -> &Graph {
        self.emitter.graph()
    }

    fn enter(&mut self, node: NodeId, position: usize) {
        if self.segments[position] != self.current {
            self.current = self.segments[position];
            self.known.clear();
        }
        self.emitter.enter(node, position);
    }
}
