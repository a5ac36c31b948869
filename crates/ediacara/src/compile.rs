//! A network compiled for a machine, with the share of it that the DLP runs and why the rest stays on the
//! host.

use std::collections::{HashMap, HashSet};

use ediacara_arch::Machine;
use ediacara_compiler::{Compiled, HostOp, Options};
use ediacara_graph::{Graph, NodeId, ValueId};
use ediacara_isa::HostRest;
use ediacara_optimiser::Origin;
use ediacara_profile::{HostOpReport, Share, host_lines};

use crate::{Error, Prepared};

/// A network for a machine.
#[derive(Debug, Clone)]
pub struct CompiledNetwork {
    /// The program, whose notes say the rest, and what the host runs.
    pub compiled: Compiled,
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
    let mut compiled = ediacara_compiler::compile(&prepared.quantised, machine, options)?;
    let dlp: HashSet<NodeId> = compiled.dlp_nodes.iter().copied().collect();
    let mut share = Share::default();
    for origin in &prepared.origins {
        share.add(origin.macs, origin.nodes.iter().all(|node| dlp.contains(node)));
    }
    let host_ops = host_ops(&compiled.host_ops, &prepared.origins);
    if share.is_host_only() && host_only == HostOnly::Refused {
        return Err(refusal(prepared, share, &dlp, &host_ops));
    }
    compiled.executable.notes.rest = Some(rest(&prepared.quantised, &compiled, share, &prepared.origins));
    Ok(CompiledNetwork { compiled, share, host_ops })
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
fn refusal(prepared: &Prepared, share: Share, dlp: &HashSet<NodeId>, ops: &[HostOpReport]) -> Error {
    let on_host = |origin: &&Origin| origin.nodes.iter().any(|node| !dlp.contains(node));
    let first = prepared.origins.iter().filter(on_host).find(|origin| origin.macs > 0 || share.macs == 0);
    let name_of = |node: &NodeId| prepared.quantised.node(*node).name.as_str();
    let blamed = |origin: &Origin| {
        let own = || origin.nodes.iter().find(|&node| !dlp.contains(node)).map(name_of);
        let cause = origin.left.as_ref().map(|left| left.cause.as_str()).or_else(own)?;
        ops.iter().find(|op| op.name == cause)
    };
    let reason = match first.and_then(blamed) {
        Some(op) => format!("{} `{}`: {}", op.op, op.name, op.reason),
        None => "it has no node that computes".to_owned(),
    };
    Error::HostOnly { network: prepared.name.clone(), share, reason }
}

/// The executable's own account of what it does not run.
fn rest(graph: &Graph, compiled: &Compiled, share: Share, origins: &[Origin]) -> HostRest {
    let counted: HashSet<NodeId> = origins.iter().flat_map(|origin| origin.nodes.iter().copied()).collect();
    let host: HashSet<NodeId> = compiled.host_ops.iter().map(|op| op.node).collect();
    // An output stays the program's behind a node that only turns stored integers into real numbers, or lays
    // them out.
    let computes = |node: NodeId| host.contains(&node) && counted.contains(&node);
    let mut behind: HashSet<ValueId> = HashSet::new();
    for id in graph.order() {
        let node = graph.node(id);
        if computes(id) || node.inputs.iter().any(|input| behind.contains(input)) {
            behind.extend(&node.outputs);
        }
    }
    let outputs = graph.outputs().iter().filter(|&output| behind.contains(output));
    let counts = |op: &&HostOp| counted.contains(&op.node);
    let ops: Vec<HostOp> = compiled.host_ops.iter().filter(counts).cloned().collect();
    HostRest {
        dlp_macs: share.dlp_macs,
        macs: share.macs,
        dlp_nodes: share.dlp_nodes,
        nodes: share.nodes,
        outputs: outputs.map(|&output| graph.value(output).name.clone()).collect(),
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
