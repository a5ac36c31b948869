//! A network compiled for a machine, with the share of it that the DLP runs and why the rest stays on the
//! host.

use std::collections::{HashMap, HashSet};

use ediacara_arch::Machine;
use ediacara_compiler::{Compiled, HostOp, Options, Segment};
use ediacara_graph::{Graph, NodeId};
use ediacara_isa::{HostRest, Plan};
use ediacara_optimiser::Origin;
use ediacara_profile::{HostOpReport, Share, host_lines};

use crate::runner::Runner;
use crate::{Error, Prepared, plan};

/// A network for a machine.
#[derive(Debug, Clone)]
pub struct CompiledNetwork {
    /// The graph that was compiled: the int8 network in the form that the machine runs.
    pub graph: Graph,
    /// What became in it of the network's nodes.
    pub origins: Vec<Origin>,
    /// Its segments, as the compiler knows them.
    pub compiled: Compiled,
    /// The same as a plan, whose host segments are without their graphs: see [`CompiledNetwork::file`].
    pub plan: Plan,
    /// How much of the network the DLP runs.
    pub share: Share,
    /// What the host runs, and why.
    pub host_ops: Vec<HostOpReport>,
}

/// Whether a network may be compiled if the DLP runs nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostOnly {
    /// It is an error.
    Refused,
    /// The program is empty, and the host runs the network.
    Allowed,
}

/// Compiles a network.
///
/// # Errors
/// It does not compile for the machine, or the DLP would run nothing of it ([`Share::is_host_only`]) and that
/// is refused.
pub fn compile(
    prepared: &Prepared,
    machine: &Machine,
    options: &Options,
    host_only: HostOnly,
) -> Result<CompiledNetwork, Error> {
    let (graph, origins) = prepared.on(machine)?;
    let compiled = ediacara_compiler::compile(&graph, machine, options)?;
    let dlp: HashSet<NodeId> = compiled.dlp().flat_map(|segment| segment.nodes.iter().copied()).collect();
    let mut share = Share::default();
    for origin in &origins {
        share.add(origin.macs, runs_on_dlp(&graph, origin, &dlp));
    }
    let host_ops = host_ops(&compiled.host_ops, &origins);
    let mut plan = plan::frame(&graph, &compiled, machine);
    plan.notes.rest = Some(rest(&compiled, share, &origins));
    let network = CompiledNetwork { graph, origins, compiled, plan, share, host_ops };
    if share.is_host_only() && host_only == HostOnly::Refused {
        return Err(refusal(&prepared.name, &network, &dlp));
    }
    Ok(network)
}

/// Whether the DLP runs all of a node that computes. What only lays out its results for the host does not count,
/// unless there is nothing else.
pub(crate) fn runs_on_dlp(graph: &Graph, origin: &Origin, dlp: &HashSet<NodeId>) -> bool {
    let lays_out = |node: &NodeId| matches!(graph.node(*node).op.name(), "reshape" | "transpose");
    let computes = || origin.nodes.iter().filter(|node| !lays_out(node));
    match computes().next() {
        Some(_) => computes().all(|node| dlp.contains(node)),
        None => origin.nodes.iter().all(|node| dlp.contains(node)),
    }
}

impl CompiledNetwork {
    /// The plan as a file holds it: with the graphs of its host segments.
    ///
    /// # Errors
    /// A constant of the host's cannot be read.
    pub fn file(&self) -> Result<Plan, Error> {
        plan::with_host_programs(self.plan.clone(), &self.compiled)
    }

    /// The plan, ready to run.
    ///
    /// # Errors
    /// The host cannot plan a graph.
    pub fn runner<'a>(&'a self, machine: &'a Machine) -> Result<Runner<'a>, Error> {
        Runner::with_graphs(&self.plan, machine, |index| match &self.compiled.segments[index] {
            Segment::Host(segment) => Ok(segment.graph.clone()),
            Segment::Dlp(_) => Ok(Graph::default()),
        })
    }
}

/// The nodes that the host runs, each with the reason.
///
/// The quantiser gives the reason where it put the node there, because the compiler only sees that a node is
/// real.
fn host_ops(ops: &[HostOp], origins: &[Origin]) -> Vec<HostOpReport> {
    let left: HashMap<NodeId, _> = origins
        .iter()
        .filter_map(|origin| Some((origin, origin.left.as_ref()?)))
        .flat_map(|(origin, left)| origin.nodes.iter().map(move |&node| (node, left)))
        .collect();
    let report = |op: &HostOp| {
        let (reason, cause) = match left.get(&op.node) {
            Some(left) => (left.reason.clone(), left.cause.clone()),
            None => (op.reason.clone(), op.name.clone()),
        };
        HostOpReport { name: op.name.clone(), op: op.op.clone(), reason, cause }
    };
    ops.iter().map(report).collect()
}

/// Says what keeps the network off the DLP: the cause for the first node that multiplies, or else for the
/// first node.
fn refusal(name: &str, network: &CompiledNetwork, dlp: &HashSet<NodeId>) -> Error {
    let CompiledNetwork { graph, origins, share, host_ops, .. } = network;
    let on_host = |origin: &&Origin| origin.nodes.iter().any(|node| !dlp.contains(node));
    let first = origins.iter().filter(on_host).find(|origin| origin.macs > 0 || share.macs == 0);
    let name_of = |node: &NodeId| graph.node(*node).name.as_str();
    let blamed = |origin: &Origin| {
        let own = || origin.nodes.iter().find(|&node| !dlp.contains(node)).map(name_of);
        let cause = origin.left.as_ref().map(|left| left.cause.as_str()).or_else(own)?;
        host_ops.iter().find(|op| op.name == cause)
    };
    let reason = match first.and_then(blamed) {
        Some(op) => format!("{} `{}`: {}", op.op, op.name, op.reason),
        None => "it has no node that computes".to_owned(),
    };
    Error::HostOnly { network: name.to_owned(), share: *share, reason }
}

/// The plan's own account of what the host does.
fn rest(compiled: &Compiled, share: Share, origins: &[Origin]) -> HostRest {
    let counted: HashSet<NodeId> = origins.iter().flat_map(|origin| origin.nodes.iter().copied()).collect();
    let counts = |op: &&HostOp| counted.contains(&op.node);
    let ops: Vec<HostOp> = compiled.host_ops.iter().filter(counts).cloned().collect();
    HostRest {
        dlp_macs: share.dlp_macs,
        macs: share.macs,
        dlp_nodes: share.dlp_nodes,
        nodes: share.nodes,
        outputs: Vec::new(),
        reasons: host_lines(&host_ops(&ops, origins)),
    }
}

/// The share that an executable states of itself.
pub fn share_of(rest: &HostRest) -> Share {
    let HostRest { dlp_macs, macs, dlp_nodes, nodes, .. } = *rest;
    Share { dlp_macs, macs, dlp_nodes, nodes }
}

/// Refuses an executable if the DLP runs nothing of it, unless that is allowed.
///
/// # Errors
/// The executable says so itself.
pub fn refuse_empty(name: &str, rest: Option<&HostRest>, host_only: HostOnly) -> Result<(), Error> {
    match rest {
        Some(rest) if share_of(rest).is_host_only() && host_only == HostOnly::Refused => {
            let nothing = || "it has no node that computes".to_owned();
            let reason = rest.reasons.first().cloned().unwrap_or_else(nothing);
            Err(Error::HostOnly { network: name.to_owned(), share: share_of(rest), reason })
        }
        _ => Ok(()),
    }
}
