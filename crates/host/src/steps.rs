//! What an executor runs: nodes one by one, or made ready and with their followers in one pass.

use std::sync::Arc;

use ediacara_graph::{Follower, Graph, NodeId, OpError, Operand, Prepared, Tensor, ValueId};

/// Most operators that are offered to the one before them.
const MOST_FOLLOWERS: usize = 4;

/// One call of a run.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    /// The node whose results the outputs are.
    pub(crate) node: NodeId,
    pub(crate) inputs: Vec<ValueId>,
    pub(crate) outputs: Vec<ValueId>,
    /// What runs in place of the node's operator.
    prepared: Option<Arc<dyn Prepared>>,
}

impl Step {
    /// A node by itself.
    pub(crate) fn of(graph: &Graph, id: NodeId) -> Step {
        let node = graph.node(id);
        Step { node: id, inputs: node.inputs.clone(), outputs: node.outputs.clone(), prepared: None }
    }

    /// Whether the node's operator itself runs, so that its result may be a view.
    pub(crate) fn is_plain(&self) -> bool {
        self.prepared.is_none()
    }

    /// Computes the outputs.
    pub(crate) fn run(
        &self,
        graph: &Graph,
        inputs: &[&Tensor],
        outputs: &mut [Tensor],
    ) -> Result<(), OpError> {
        match &self.prepared {
            Some(prepared) => prepared.run(inputs, outputs),
            None => graph.node(self.node).op.run(inputs, outputs),
        }
    }
}

/// The nodes of `order`, each made ready with as many followers as it takes. A step comes where the last of its nodes did.
pub(crate) fn fuse(graph: &Graph, order: &[NodeId]) -> Vec<Step> {
    let mut place = vec![None; graph.node_count()];
    order.iter().enumerate().for_each(|(at, node)| place[node.index()] = Some(at));
    let mut steps: Vec<Option<Step>> = order.iter().map(|&node| Some(Step::of(graph, node))).collect();
    for (at, &head) in order.iter().enumerate() {
        if steps[at].as_ref().is_none_or(|step| !step.is_plain()) {
            continue;
        }
        let free = |node: NodeId| {
            place[node.index()].is_some_and(|at: usize| steps[at].as_ref().is_some_and(Step::is_plain))
        };
        let chain = followers(graph, head, &place, &free);
        let Some((step, taken)) = prepare(graph, head, &chain) else { continue };
        let nodes = std::iter::once(&head).chain(&chain[..taken]);
        let places: Vec<usize> = nodes.filter_map(|node| place[node.index()]).collect();
        places.iter().for_each(|&at| steps[at] = None);
        if let Some(&last) = places.last() {
            steps[last] = Some(step);
        }
    }
    steps.into_iter().flatten().collect()
}

/// Elementwise nodes in a row, each the only reader of what comes before it. `free` says of a node that runs whether none
/// has taken it yet.
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

/// The step of a node and of those of its followers that it takes.
fn prepare(graph: &Graph, head: NodeId, chain: &[NodeId]) -> Option<(Step, usize)> {
    let node = graph.node(head);
    let operand = |&input: &ValueId| Operand { ty: graph.ty(input), constant: graph.constant(input) };
    let operands: Vec<Operand> = node.inputs.iter().map(operand).collect();
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
    let (prepared, taken) = node.op.prepare(&operands, &followers)?;
    let last = chain[..taken].last().copied().unwrap_or(head);
    let inputs = [node.inputs.clone(), others[..taken].concat()].concat();
    let outputs = graph.node(last).outputs.clone();
    Some((Step { node: last, inputs, outputs, prepared: Some(prepared) }, taken))
}
