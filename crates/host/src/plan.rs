//! Which results share memory with which.
//!
//! Every result lives from the step that computes it to the last step that reads it or a view of it. Results
//! whose lives do not meet may use one buffer. The largest comes first; each takes the smallest buffer that
//! is free all its life. This is the greedy-by-size rule of Pisarchyk and Lee, "Efficient Memory Management
//! for Deep Neural Net Inference" (2020).

use ediacara_graph::{DType, Definition, Graph, NodeId, Tensor, TensorError, ValueId};

use crate::HostError;
use crate::steps::{Step, TO_CHANNELS_FIRST, TO_CHANNELS_LAST};

/// Where a value is during a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placement {
    /// Nowhere: nothing that runs computes or reads it.
    Absent,
    /// In memory that was there before: an input or a constant.
    External,
    /// In a buffer of the plan.
    Buffer(usize),
    /// In memory of its own, made anew by every run, because an output of the graph is in it.
    Fresh,
    /// In the memory of another value, of which it is a view.
    ///
    /// That value is never a view itself.
    View(ValueId),
}

/// A buffer that several values use one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufferPlan {
    /// Its element type.
    pub dtype: DType,
    /// Its size: the elements of the largest value that uses it.
    pub elements: usize,
}

/// The order of a graph's nodes, and a place for every value.
#[derive(Debug, Clone)]
pub struct MemoryPlan {
    /// The nodes that outputs depend on, in the order of the run.
    ///
    /// A step is an index into it.
    pub order: Vec<NodeId>,
    /// By [`ValueId::index`].
    pub placements: Vec<Placement>,
    /// What the placements name.
    pub buffers: Vec<BufferPlan>,
    /// By step: the values whose memory no later step reads; none of them is a view.
    pub released: Vec<Vec<ValueId>>,
    /// By [`ValueId::index`]: the views of a value.
    pub views: Vec<Vec<ValueId>>,
    /// Bytes of all results that have memory of their own, as if nothing were shared.
    pub unshared_bytes: usize,
}

/// First and last step, inclusive, of a value that is placed in a buffer.
#[derive(Debug, Clone, Copy)]
struct Life {
    value: ValueId,
    first: usize,
    last: usize,
}

impl Life {
    /// A step that reads one value while it writes another needs both, so lives meet where they touch.
    fn meets(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

impl MemoryPlan {
    /// Plans a graph.
    ///
    /// # Errors
    /// The graph has a cycle, an output that nothing computes, or a value that no memory can hold.
    pub fn new(graph: &Graph) -> Result<Self, HostError> {
        let order = needed_order(graph)?;
        let steps: Vec<Step> = order.iter().map(|&node| Step::of(graph, node)).collect();
        Self::of_steps(graph, &steps)
    }

    /// Plans some steps of a graph, in their order.
    pub(crate) fn of_steps(graph: &Graph, steps: &[Step]) -> Result<Self, HostError> {
        let order: Vec<NodeId> = steps.iter().map(|step| step.node).collect();
        let mut placements = place_views(graph, steps)?;
        let lives = lives(graph, steps, &mut placements);
        let unshared = graph
            .values()
            .filter(|value| matches!(placements[value.index()], Placement::Buffer(_) | Placement::Fresh));
        let unshared_bytes = unshared.map(|value| graph.ty(value).size_bytes()).sum();
        let mut released = vec![Vec::new(); order.len()];
        lives.iter().for_each(|life| released[life.last].push(life.value));
        let mut views = vec![Vec::new(); graph.value_count()];
        for value in graph.values() {
            if let Placement::View(root) = placements[value.index()] {
                views[root.index()].push(value);
            }
        }
        let buffers = assign(graph, lives, &mut placements);
        Ok(Self { order, placements, buffers, released, views, unshared_bytes })
    }

    /// The place of a value.
    pub fn placement(&self, value: ValueId) -> Placement {
        self.placements[value.index()]
    }

    /// Bytes of all buffers.
    pub fn buffer_bytes(&self) -> usize {
        self.buffers.iter().map(|buffer| buffer.elements * buffer.dtype.size_bytes()).sum()
    }
}

/// The nodes that the outputs depend on, topologically, each operand known before its reader.
pub(crate) fn needed_order(graph: &Graph) -> Result<Vec<NodeId>, HostError> {
    let mut needed = vec![false; graph.node_count()];
    let mut pending: Vec<ValueId> = graph.outputs().to_vec();
    while let Some(value) = pending.pop() {
        let producer = graph.producer(value);
        if let Some(node) = producer.filter(|node| !std::mem::replace(&mut needed[node.index()], true)) {
            pending.extend(&graph.node(node).inputs);
        }
    }
    let order: Vec<NodeId> = graph.order().into_iter().filter(|node| needed[node.index()]).collect();
    let mut known = vec![false; graph.value_count()];
    for value in graph.values() {
        known[value.index()] = !matches!(graph.value(value).definition, Definition::Node { .. });
    }
    for &node in &order {
        let node = graph.node(node);
        if let Some(&unknown) = node.inputs.iter().find(|input| !known[input.index()]) {
            let value = graph.value(unknown).name.clone();
            return Err(HostError::Order { node: node.name.clone(), value });
        }
        node.outputs.iter().for_each(|output| known[output.index()] = true);
    }
    match graph.outputs().iter().find(|output| !known[output.index()]) {
        None => Ok(order),
        Some(&output) => {
            let output = graph.value(output).name.clone();
            Err(HostError::Output { graph: graph.name.clone(), output })
        }
    }
}

/// Finds the views by asking each operator with a tensor of the operand's shape and strides.
///
/// Everything else that is computed gets `Fresh` for the time being.
fn place_views(graph: &Graph, steps: &[Step]) -> Result<Vec<Placement>, HostError> {
    let mut placements = vec![Placement::Absent; graph.value_count()];
    // Operands that are not dense. A dense one is made when it is needed: zeroed memory that nobody touches
    // costs addresses and nothing else.
    let mut shown: Vec<Option<Tensor>> = vec![None; graph.value_count()];
    let allocation =
        |node: NodeId| move |source| HostError::Allocation { node: graph.node(node).name.clone(), source };
    for value in graph.values() {
        if !matches!(graph.value(value).definition, Definition::Node { .. }) {
            placements[value.index()] = Placement::External;
        }
    }
    for step in steps {
        let (id, node) = (step.node, graph.node(step.node));
        step.outputs.iter().for_each(|output| placements[output.index()] = Placement::Fresh);
        if step.channels_last {
            for output in &step.outputs {
                let turned = graph.ty(*output).zeros().and_then(|zeros| channels_last(&zeros));
                shown[output.index()] = Some(turned.map_err(allocation(id))?);
            }
        }
        let ([input], [output], true) = (&step.inputs[..], &step.outputs[..], step.is_plain()) else {
            continue;
        };
        let operand = match &shown[input.index()] {
            Some(operand) => operand.clone(),
            None => graph.ty(*input).zeros().map_err(allocation(id))?,
        };
        if let Some(view) = node.op.view(&operand).filter(|view| fits(graph, *output, view)) {
            placements[output.index()] = Placement::View(root(&placements, *input));
            shown[output.index()] = Some(view).filter(|view| !view.is_contiguous());
        }
    }
    Ok(placements)
}

/// A tensor of the same shape `[N,C,H,W]` that lies in memory as `[N,H,W,C]`, with the same memory.
fn channels_last(tensor: &Tensor) -> Result<Tensor, TensorError> {
    let last = TO_CHANNELS_LAST.map(|axis| tensor.shape()[axis]);
    tensor.reshape(&last)?.transpose(&TO_CHANNELS_FIRST)
}

/// Whether a view has the type that the graph inferred; a view of another type is not used.
pub(crate) fn fits(graph: &Graph, value: ValueId, tensor: &Tensor) -> bool {
    let ty = graph.ty(value);
    tensor.dtype() == ty.dtype && tensor.shape() == ty.shape
}

fn root(placements: &[Placement], value: ValueId) -> ValueId {
    match placements[value.index()] {
        Placement::View(root) => root,
        _ => value,
    }
}

/// The lives of all values that may share memory; a value that an output of the graph is in stays `Fresh`.
fn lives(graph: &Graph, steps: &[Step], placements: &mut [Placement]) -> Vec<Life> {
    let mut in_output = vec![false; graph.value_count()];
    graph.outputs().iter().for_each(|&output| in_output[root(placements, output).index()] = true);
    let mut life_of = vec![None; graph.value_count()];
    let mut lives: Vec<Life> = Vec::new();
    for (step, Step { inputs, outputs, .. }) in steps.iter().enumerate() {
        for &input in inputs {
            if let Some(life) = life_of[root(placements, input).index()] {
                let life: &mut Life = &mut lives[life];
                life.last = step;
            }
        }
        for &output in outputs {
            if placements[output.index()] == Placement::Fresh && !in_output[output.index()] {
                life_of[output.index()] = Some(lives.len());
                lives.push(Life { value: output, first: step, last: step });
                // The buffer's number follows in `assign`.
                placements[output.index()] = Placement::Buffer(usize::MAX);
            }
        }
    }
    lives
}

/// Gives every life a buffer, largest first.
fn assign(graph: &Graph, mut lives: Vec<Life>, placements: &mut [Placement]) -> Vec<BufferPlan> {
    let elements = |life: &Life| graph.ty(life.value).elements();
    let bytes = |life: &Life| graph.ty(life.value).size_bytes();
    lives.sort_by_key(|life| (std::cmp::Reverse(bytes(life)), life.first));
    let mut buffers: Vec<(BufferPlan, Vec<Life>)> = Vec::new();
    for life in lives {
        let dtype = graph.ty(life.value).dtype;
        let free = |(buffer, users): &(BufferPlan, Vec<Life>)| {
            buffer.dtype == dtype && !users.iter().any(|user| user.meets(&life))
        };
        // Buffers come largest first, so the last free one is the smallest, and all are large enough.
        let index = buffers.iter().rposition(free).unwrap_or_else(|| {
            buffers.push((BufferPlan { dtype, elements: elements(&life) }, Vec::new()));
            buffers.len() - 1
        });
        buffers[index].1.push(life);
        placements[life.value.index()] = Placement::Buffer(index);
    }
    buffers.into_iter().map(|(buffer, _)| buffer).collect()
}
