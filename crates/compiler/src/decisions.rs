//! What the passes decided, as messages for whoever runs with `-v`: a sentence a decision.
//!
//! Decisions that change what runs where are messages of level info; what there is one of for every node is debug.
//! Nothing is formatted unless somebody listens.

use std::collections::HashMap;

use ediacara_graph::{Graph, NodeId, ValueId};

use crate::build::homes::Placement;
use crate::fuse::blocks::BlockNodes;
use crate::fuse::gathers::GatherOf;
use crate::fuse::tables::LookedUp;
use crate::keep::decide::Keeping;
use crate::keep::hold::Holding;
use crate::place::pack::in_order;
use crate::place::segments::{Division, DlpPart, Part};
use crate::program::packing::Packing;

/// Which nodes the host runs and why, and which the DLP.
pub(crate) fn tell_partition(graph: &Graph, division: &Division) {
    let dlp: Vec<NodeId> = division.parts.iter().flat_map(Part::dlp).copied().collect();
    let (segments, nodes, host) = (division.parts.len(), dlp.len(), division.host.len());
    tracing::info!("partition: segments: {segments}, nodes on the DLP: {nodes}, on the host: {host}");
    for op in &division.host {
        tracing::info!("partition: `{}` ({}) runs on the host: {}", op.name, op.op, op.reason);
    }
    for node in dlp.into_iter().map(|id| graph.node(id)) {
        tracing::debug!("partition: `{}` ({}) runs on the DLP", node.name, node.op.name());
    }
}

/// Which additions are done by the products before them, in the order of the graph.
pub(crate) fn tell_additions(graph: &Graph, part: &DlpPart, fused: &HashMap<NodeId, (NodeId, usize)>) {
    for (add, product) in part.dlp.iter().filter_map(|add| Some((*add, fused.get(add)?.0))) {
        let [add, product] = [add, product].map(|id| &graph.node(id).name);
        tracing::info!("fuse-add: `{product}` does the addition `{add}` as well");
    }
}

/// Which gathers of channels are done by the convolutions before them, in the order of the graph.
pub(crate) fn tell_gathers(graph: &Graph, part: &DlpPart, fused: &HashMap<NodeId, GatherOf>) {
    for (gather, conv) in part.dlp.iter().filter_map(|gather| Some((*gather, fused.get(gather)?.conv))) {
        let [gather, conv] = [gather, conv].map(|id| &graph.node(id).name);
        tracing::info!("fuse-gather: `{conv}` writes its channels in the order of `{gather}`");
    }
}

/// Which tables are done by the layers before them, in the order of the graph.
pub(crate) fn tell_tables(graph: &Graph, part: &DlpPart, fused: &HashMap<NodeId, LookedUp>) {
    for (table, before) in part.dlp.iter().filter_map(|table| Some((*table, fused.get(table)?.before))) {
        let [table, before] = [table, before].map(|id| &graph.node(id).name);
        tracing::info!("fuse-table: the layer of `{before}` does the table `{table}` as well");
    }
}

/// Which caches lie in DRAM as WRAM wants them, in the order of the graph's values.
pub(crate) fn tell_packings(graph: &Graph, packings: &HashMap<ValueId, Packing>) {
    for value in in_order(packings) {
        tracing::info!("pack: `{}` lies in DRAM as WRAM wants it", graph.value(value).name);
    }
}

/// Which nodes run as one block.
pub(crate) fn tell_blocks(graph: &Graph, blocks: &[BlockNodes]) {
    for block in blocks {
        let names: Vec<String> =
            block.nodes().into_iter().map(|id| format!("`{}`", graph.node(id).name)).collect();
        tracing::info!("fuse-block: {} run as one block", names.join(", "));
    }
}

/// Where activations lie in DRAM, in the order of the graph's values.
pub(crate) fn tell_placement(graph: &Graph, placement: &Placement) {
    if !tracing::enabled!(tracing::Level::DEBUG) {
        return;
    }
    let mut homes: Vec<(&ValueId, _)> = placement.homes.iter().collect();
    homes.sort_by_key(|(value, _)| **value);
    for (value, view) in homes {
        let name = &graph.value(*value).name;
        tracing::debug!(
            "place: `{name}` lies in DRAM at {:#x}, {:?} with pitches of {:?} bytes",
            view.base,
            view.shape,
            view.strides
        );
    }
}

/// Which weights stay in WRAM from layer to layer, and why others do not.
pub(crate) fn tell_holdings(holdings: &[Holding]) {
    for holding in holdings {
        tracing::info!("hold: {holding}");
    }
}

/// Which activations stay in NRAM; why the others do not is debug.
pub(crate) fn tell_keepings(keepings: &[Keeping]) {
    for keeping in keepings {
        match keeping.is_kept() {
            true => tracing::info!("keep: {keeping}"),
            false => tracing::debug!("keep: {keeping}"),
        }
    }
}
