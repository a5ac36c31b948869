//! The report of what was compiled and simulated: cycles, layers, nodes, segments. The checks fill in the rest.

use std::collections::{BTreeMap, HashMap, HashSet};

use ediacara_arch::Machine;
use ediacara_compiler::{DlpSegment, HostSegment, Segment};
use ediacara_graph::{Graph, NodeId, ValueId};
use ediacara_optimiser::Origin;
use ediacara_profile::{
    Check, LayerReport, LayerYardstick, MatrixBeats, NodeReport, Placement, Quantisation, RunReport,
    SegmentReport, engine_reports, layer_reports,
};
use ediacara_sim::{Outcome, Requester};
use serde_json::Map;

use crate::compile::{CompiledNetwork, runs_on_dlp};
use crate::prepare::Prepared;
use crate::runner::{Ran, SegmentRan};
use crate::{Model, plan, results};

/// What the cycles of the host and of the network's border rest on.
const MODELLED: &str = "modelled";

/// The report of a run, without checks, outputs and wall times.
pub(crate) fn account(
    model: &Model,
    prepared: &Prepared,
    network: &CompiledNetwork,
    machine: &Machine,
    ran: &Ran,
) -> RunReport {
    let compiled = &network.compiled;
    let outcomes: Vec<&Outcome> = ran.dlp().map(|(_, outcome)| outcome).collect();
    let mut layers: Vec<LayerReport> = Vec::new();
    for (segment, outcome) in compiled.dlp().zip(&outcomes) {
        layers.extend(layer_reports(machine, &segment.executable.layers, &yardsticks(segment), outcome));
    }
    let sum = |number: fn(&Outcome) -> u64| outcomes.iter().map(|outcome| number(outcome)).sum::<u64>();
    let (dlp_cycles, host_cycles) = (ran.dlp_cycles(), ran.host_cycles());
    let roofline: f64 = layers.iter().map(|layer| layer.roofline_cycles).sum();
    let roofline = roofline.ceil() as u64;
    let over_roofline = dlp_cycles as f64 / roofline.max(1) as f64;
    let clock_hz = machine.chip.clock_hz;
    let basis = machine.timing_basis();
    let mut cycles_by_basis = BTreeMap::from([(MODELLED.to_owned(), host_cycles + ran.transfer_cycles)]);
    *cycles_by_basis.entry(basis.to_owned()).or_default() += dlp_cycles;
    RunReport {
        model: model.name.clone(),
        machine: machine.name.clone(),
        on_dlp: network.share,
        placement: Placement::of(network.share),
        precision: prepared.computes_in(),
        timing_basis: basis.to_owned(),
        cycles: ran.cycles(),
        dlp_cycles,
        host_cycles,
        transfer_cycles: ran.transfer_cycles,
        cycles_by_basis,
        segments: segments(network, ran),
        nodes: nodes(machine, network, ran),
        clock_hz,
        seconds_simulated: ran.cycles() as f64 / clock_hz as f64,
        macs: layers.iter().map(|layer| layer.macs).sum(),
        mac_utilisation: mac_utilisation(machine, &layers, dlp_cycles),
        dram_read_bytes: sum(|outcome| outcome.dram_read_bytes),
        dram_write_bytes: sum(|outcome| outcome.dram_write_bytes),
        fetch_bytes: sum(|outcome| outcome.traffic[Requester::Fetch as usize].bursts)
            * u64::from(machine.dram.burst_bytes),
        instructions: sum(|outcome| outcome.instructions),
        floor_cycles: compiled.dlp().map(|segment| segment.bounds.floor_cycles).sum(),
        layer_roofline_cycles: roofline,
        cycles_over_roofline: over_roofline,
        cycles_over_bound: over_roofline,
        matrix_beats: MatrixBeats::of(machine, &layers),
        what_if: None,
        check: Check::none(),
        quantisation: Quantisation::by(prepared.method.clone(), prepared.seeded_inputs.clone()),
        outputs: results::described(&network.graph),
        top: Vec::new(),
        made_up_inputs: Vec::new(),
        layers,
        engines: engine_reports(outcomes),
        input_warnings: Vec::new(),
        host_ops: network.host_ops.clone(),
        wall_seconds: Map::new(),
    }
}

/// The compiler's figures for each layer of a segment.
pub(crate) fn yardsticks(segment: &DlpSegment) -> Vec<LayerYardstick> {
    let beats = segment.repeated_beats.iter().zip(&segment.matrix_element_bytes);
    let layers = segment.bounds.roofline_cycles.iter().zip(beats);
    let yardstick = |(&roofline_cycles, (&repeated_matrix_cycles, &matrix_element_bytes))| LayerYardstick {
        roofline_cycles,
        repeated_matrix_cycles,
        matrix_element_bytes,
    };
    layers.map(yardstick).collect()
}

/// Multiply-accumulates of the matrix unit over what it could do in all cycles.
///
/// If the matrix unit has none, those of the vector unit count.
fn mac_utilisation(machine: &Machine, layers: &[LayerReport], cycles: u64) -> f64 {
    let sum = |field: fn(&LayerReport) -> u64| layers.iter().map(field).sum::<u64>() as f64;
    // A beat multiplies as many numbers as fit into its bytes.
    let matrix = sum(|layer| layer.matrix_macs * layer.matrix_element_bytes);
    let all = sum(|layer| layer.macs);
    let (macs, peak) = match matrix > 0.0 {
        true => (matrix, machine.peak_macs_per_cycle() as f64),
        false => (all, f64::from(machine.vector.lanes)),
    };
    macs / (cycles.max(1) as f64 * peak)
}

fn segments(network: &CompiledNetwork, ran: &Ran) -> Vec<SegmentReport> {
    let report = |(segment, ran): (&Segment, &SegmentRan)| {
        let (place, nodes) = match segment {
            Segment::Dlp(segment) => ("dlp", segment.nodes.len()),
            Segment::Host(segment) => ("host", segment.nodes.len()),
        };
        let cycles = match ran {
            SegmentRan::Dlp { outcome, .. } => outcome.cycles,
            SegmentRan::Host { cycles } => *cycles,
        };
        SegmentReport { place, cycles, nodes }
    };
    network.compiled.segments.iter().zip(&ran.segments).map(report).collect()
}

/// The nodes of the network as imported and optimised, each with where it ran.
fn nodes(machine: &Machine, network: &CompiledNetwork, ran: &Ran) -> Vec<NodeReport> {
    // The segment of each node of the int8 network, and its cycles there.
    let mut known: HashMap<NodeId, (usize, u64)> = HashMap::new();
    for (index, (segment, ran)) in network.compiled.segments.iter().zip(&ran.segments).enumerate() {
        let nodes = match (segment, ran) {
            (Segment::Dlp(segment), SegmentRan::Dlp { outcome, .. }) => {
                dlp_nodes(&network.graph, segment, outcome)
            }
            (Segment::Host(segment), _) => host_nodes(machine, segment),
            (Segment::Dlp(_), SegmentRan::Host { .. }) => Vec::new(),
        };
        known.extend(nodes.into_iter().map(|(node, cycles)| (node, (index, cycles))));
    }
    let on_dlp: HashSet<NodeId> =
        network.compiled.dlp().flat_map(|segment| segment.nodes.iter().copied()).collect();
    // Several nodes of the network may be one node of int8, whose cycles are the last one's.
    let mut cycles: HashMap<NodeId, u64> = known.iter().map(|(&node, &(_, cycles))| (node, cycles)).collect();
    let mut report = |origin: &Origin| {
        let is_dlp = runs_on_dlp(&network.graph, origin, &on_dlp);
        let reason = origin.left.as_ref().map(|left| left.reason.clone()).or_else(|| {
            let here = |op: &&ediacara_compiler::HostOp| origin.nodes.contains(&op.node);
            network.compiled.host_ops.iter().find(here).map(|op| op.reason.clone())
        });
        let segments = origin.nodes.iter().filter_map(|node| known.get(node));
        NodeReport {
            name: origin.node.clone(),
            op: origin.op.clone(),
            place: if is_dlp { "dlp" } else { "host" },
            reason: reason.filter(|_| !is_dlp),
            segment: segments.map(|&(segment, _)| segment).max(),
            macs: origin.macs,
            cycles: origin.nodes.iter().filter_map(|node| cycles.remove(node)).sum(),
        }
    };
    let mut nodes: Vec<NodeReport> = network.origins.iter().rev().map(&mut report).collect();
    nodes.reverse();
    nodes
}

/// The cycles of each layer, at the first node whose result it completes, or stores once more.
fn dlp_nodes(graph: &Graph, segment: &DlpSegment, outcome: &Outcome) -> Vec<(NodeId, u64)> {
    let mut completing: HashMap<ValueId, Vec<u32>> = HashMap::new();
    for home in &segment.homes {
        completing.entry(home.value).or_default().push(home.layer);
    }
    let mut counted: HashSet<u32> = HashSet::new();
    let mut nodes = Vec::with_capacity(segment.nodes.len());
    for &node in &segment.nodes {
        let layers = completing.remove(&graph.output_of(node)).unwrap_or_default();
        let own = layers.into_iter().filter(|&layer| counted.insert(layer));
        let accounts = own.filter_map(|layer| outcome.layers.get(layer as usize));
        nodes.push((node, accounts.map(|layer| layer.cycles).sum()));
    }
    nodes
}

fn host_nodes(machine: &Machine, segment: &HostSegment) -> Vec<(NodeId, u64)> {
    let order = segment.graph.order();
    let cycles = order.iter().map(|&node| plan::node_cycles(&segment.graph, node, &machine.host));
    segment.nodes.iter().copied().zip(cycles).collect()
}
