//! What an executor runs: nodes one by one, or made ready and with their followers in one pass.

use std::sync::Arc;

use ediacara_graph::{
    Follower, Graph, NodeId, Op, OpError, Operand, Place, Prepared, Ready, Tensor, TensorError, ValueId,
};

/// The most operators that are offered to the one before them.
const MOST_FOLLOWERS: usize = 4;

/// The axes of `[N,H,W,C]` in `[N,C,H,W]`.
pub(crate) const TO_CHANNELS_LAST: [usize; 4] = [0, 2, 3, 1];
/// The axes of `[N,C,H,W]` in `[N,H,W,C]`.
pub(crate) const TO_CHANNELS_FIRST: [usize; 4] = [0, 3, 1, 2];

/// One call of a run.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// The node whose results are the outputs.
    pub(crate) node: NodeId,
    pub(crate) inputs: Vec<ValueId>,
    pub(crate) outputs: Vec<ValueId>,
    /// Whether outputs are written as `[N,H,W,C]`.
    pub(crate) channels_last: bool,
    work: Work,
}

/// What computes a step.
#[derive(Debug, Clone)]
enum Work {
    /// The node's operator.
    Node,
    /// An operator that was made ready.
    Prepared(Arc<dyn Prepared>),
    /// An operator on operands that are seen as `[N,H,W,C]`.
    Turned(Arc<dyn Op>),
}

impl Step {
    /// A node by itself.
    pub(crate) fn of(graph: &Graph, id: NodeId) -> Step {
        let node = graph.node(id);
        let (inputs, outputs) = (node.inputs.to_vec(), node.outputs.to_vec());
        Step { node: id, inputs, outputs, channels_last: false, work: Work::Node }
    }

    /// Whether the node's operator itself runs, so that its result may be a view.
    pub(crate) fn is_plain(&self) -> bool {
        matches!(self.work, Work::Node)
    }

    /// Computes the outputs.
    pub(crate) fn run(
        &self,
        graph: &Graph,
        inputs: &[&Tensor],
        outputs: &mut [Tensor],
    ) -> Result<(), OpError> {
        match &self.work {
            Work::Node => graph.node(self.node).op.run(inputs, outputs),
            Work::Prepared(prepared) => prepared.run(inputs, outputs),
            Work::Turned(op) => {
                let turned = inputs.iter().map(|input| turned(input)).collect::<Result<Vec<_>, _>>();
                let turned = turned.map_err(|source| OpError::Tensor { op: op.name(), source })?;
                op.run(&turned.iter().collect::<Vec<_>>(), outputs)
            }
        }
    }
}

/// A view of `[N,C,H,W]`, or of what is broadcast to it, as `[N,H,W,C]`.
fn turned(tensor: &Tensor) -> Result<Tensor, TensorError> {
    let missing = TO_CHANNELS_LAST.len().saturating_sub(tensor.rank());
    if missing == 0 {
        return tensor.transpose(&TO_CHANNELS_LAST);
    }
    tensor.reshape(&[vec![1; missing], tensor.shape().to_vec()].concat())?.transpose(&TO_CHANNELS_LAST)
}

/// The nodes of `order`, each made ready with as many followers as it takes.
///
/// With any order of sums, images may have channels last. A step comes where the last of its nodes did.
pub(crate) fn fuse(graph: &Graph, order: &[NodeId], any_order: bool) -> Vec<Step> {
    let mut place = vec![None; graph.node_count()];
    order.iter().enumerate().for_each(|(at, node)| place[node.index()] = Some(at));
    let mut steps: Vec<Option<Step>> = order.iter().map(|&node| Some(Step::of(graph, node))).collect();
    let mut layouts = Layouts { graph, any_order, last: vec![false; graph.value_count()] };
    for (at, &head) in order.iter().enumerate() {
        if steps[at].as_ref().is_none_or(|step| !step.is_plain()) {
            continue;
        }
        let free = |node: NodeId| {
            place[node.index()].is_some_and(|at: usize| steps[at].as_ref().is_some_and(Step::is_plain))
        };
        let chain = followers(graph, head, &place, &free);
        let (step, taken) = match prepare(graph, head, &chain, &layouts) {
            Some(prepared) => prepared,
            None => match layouts.turn(head) {
                Some(step) => (step, 0),
                None => continue,
            },
        };
        if step.channels_last {
            step.outputs.iter().for_each(|output| layouts.last[output.index()] = true);
        }
        explain(graph, head, &chain[..taken], step.channels_last);
        let nodes = std::iter::once(&head).chain(&chain[..taken]);
        let places: Vec<usize> = nodes.filter_map(|node| place[node.index()]).collect();
        places.iter().for_each(|&at| steps[at] = None);
        if let Some(&last) = places.last() {
            steps[last] = Some(step);
        }
    }
    steps.into_iter().flatten().collect()
}

/// Says what runs with what.
fn explain(graph: &Graph, head: NodeId, taken: &[NodeId], channels_last: bool) {
    let name = &graph.node(head).name;
    let layout = if channels_last { ", channels last" } else { "" };
    match taken.iter().map(|&node| format!("`{}`", graph.node(node).name)).collect::<Vec<_>>() {
        followers if followers.is_empty() => tracing::debug!("`{name}` is made ready{layout}"),
        followers => tracing::debug!("`{name}` computes {} with it{layout}", followers.join(" and ")),
    }
}

/// Which values lie in memory with channels last.
struct Layouts<'g> {
    graph: &'g Graph,
    /// Whether any value may lie so, and sums may have another order.
    any_order: bool,
    /// By [`ValueId::index`].
    last: Vec<bool>,
}

impl Layouts<'_> {
    /// A node that computes from images with channels last to such images, if all its images are of that
    /// kind.
    fn turn(&self, id: NodeId) -> Option<Step> {
        let (graph, node) = (self.graph, self.graph.node(id));
        let [output] = node.outputs[..] else { return None };
        let shape = &graph.ty(output).shape;
        let is_last = |input: &ValueId| self.last[input.index()];
        // A broadcast operand is small, and its strides do not matter.
        let small = |input: &ValueId| {
            node.op.is_elementwise() && graph.ty(*input).elements() < graph.ty(output).elements()
        };
        let fits = shape.len() == TO_CHANNELS_LAST.len()
            && node.inputs.iter().any(is_last)
            && node.inputs.iter().all(|input| is_last(input) || small(input));
        if !fits {
            return None;
        }
        let op =
            if node.op.is_elementwise() { Arc::clone(&node.op) } else { node.op.with_channels_last()? };
        Some(Step { channels_last: true, work: Work::Turned(op), ..Step::of(graph, id) })
    }
}

/// Elementwise nodes in a row, each the only reader of what comes before it.
///
/// `free` says of a node that runs whether none has taken it yet.
fn followers(
    graph: &Graph,
    head: NodeId,
    place: &[Option<usize>],
    free: &impl Fn(NodeId) -> bool,
) -> Vec<NodeId> {
    let mut chain = Vec::new();
    let mut outputs = &graph.node(head).outputs;
    while let ([value], true) = (&outputs[..], chain.len() < MOST_FOLLOWERS) {
        let readers: Vec<NodeId> =
            graph.consumers(*value).into_iter().filter(|node| place[node.index()].is_some()).collect();
        let [reader] = readers[..] else { break };
        let node = graph.node(reader);
        let reads = node.inputs.iter().filter(|input| *input == value).count();
        if reads != 1
            || !free(reader)
            || !node.op.is_elementwise()
            || node.outputs.len() != 1
            || graph.outputs().contains(value)
        {
            break;
        }
        chain.push(reader);
        outputs = &node.outputs;
    }
    chain
}

/// The step of a node and of the followers that it takes.
fn prepare(graph: &Graph, head: NodeId, chain: &[NodeId], layouts: &Layouts) -> Option<(Step, usize)> {
    let node = graph.node(head);
    let operand = |&input: &ValueId| Operand {
        ty: graph.ty(input),
        constant: graph.constant(input),
        channels_last: layouts.last[input.index()],
    };
    let mut before = node.outputs.first().copied();
    let mut others = Vec::with_capacity(chain.len());
    let mut followers = Vec::with_capacity(chain.len());
    for &follower in chain {
        let node = graph.node(follower);
        let own: Vec<ValueId> = node.inputs.iter().copied().filter(|&input| Some(input) != before).collect();
        followers
            .push(Follower { op: &*node.op, others: own.iter().map(|&input| graph.ty(input)).collect() });
        others.push(own);
        before = node.outputs.first().copied();
    }
    let operands = node.inputs.iter().map(operand).collect();
    let place = Place { operands, followers, any_order: layouts.any_order };
    let Ready { prepared, followers: taken, channels_last } = node.op.prepare(&place)?;
    let last = chain[..taken].last().copied().unwrap_or(head);
    let inputs = [node.inputs.to_vec(), others[..taken].concat()].concat();
    let outputs = graph.node(last).outputs.to_vec();
    Some((Step { node: last, inputs, outputs, channels_last, work: Work::Prepared(prepared) }, taken))
}
