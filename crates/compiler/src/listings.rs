//! The results of passes as text, one line a thing.

use std::collections::HashMap;

use ediacara_graph::{Graph, NodeId, ValueId};

use crate::build::homes::Placement;
use crate::fuse::blocks::BlockNodes;
use crate::fuse::rows::Chain;
use crate::place::pack::in_order;
use crate::place::segments::{Division, Part};
use crate::program::layer::Layer;
use crate::program::packing::Packing;
use crate::program::view::View;
use crate::synchronise::Ordered;

pub(crate) fn partition_text(graph: &Graph, division: &Division) -> String {
    let mut text = String::new();
    let value = |value: ValueId| &graph.value(value).name;
    for part in &division.parts {
        match part {
            Part::Dlp(part) => {
                part.fed.iter().for_each(|(_, fed)| text += &format!("input  {}\n", value(fed.source)));
                for &node in &part.dlp {
                    text += &format!("dlp    {} {}\n", graph.node(node).op.name(), graph.node(node).name);
                }
                part.outputs.iter().for_each(|&output| text += &format!("output {}\n", value(output)));
            }
            Part::Host(part) => {
                for &node in &part.nodes {
                    text += &format!("host   {} {}\n", graph.node(node).op.name(), graph.node(node).name);
                }
            }
        }
    }
    for op in &division.host {
        text += &format!("reason {} {}: {}\n", op.op, op.name, op.reason);
    }
    text
}

/// Caches and what their last axis is to the products that read them.
pub(crate) fn packings_text(graph: &Graph, packings: &HashMap<ValueId, Packing>) -> String {
    let last = |value: &ValueId| if packings[value].outputs_last { "outputs" } else { "terms" };
    let line = |value: ValueId| format!("{} {} last\n", graph.value(value).name, last(&value));
    in_order(packings).into_iter().map(line).collect()
}

/// Nodes after those whose layers do them.
pub(crate) fn pairs_text(graph: &Graph, pairs: impl Iterator<Item = [NodeId; 2]>) -> String {
    let name = |id: NodeId| &graph.node(id).name;
    let mut lines: Vec<String> =
        pairs.map(|[before, after]| format!("{} + {}\n", name(before), name(after))).collect();
    lines.sort();
    lines.concat()
}

pub(crate) fn chain_text(graph: &Graph, chain: &Chain) -> String {
    let names: Vec<&str> = chain.nodes.iter().map(|&id| graph.node(id).name.as_str()).collect();
    format!("{:?} {}\n", chain.shape, names.join(", "))
}

pub(crate) fn block_text(graph: &Graph, block: &BlockNodes) -> String {
    let names: Vec<&str> = block.nodes().into_iter().map(|id| graph.node(id).name.as_str()).collect();
    names.join(" + ") + "\n"
}

pub(crate) fn placement_text(graph: &Graph, placement: &Placement) -> String {
    let mut homes: Vec<_> = placement.homes.iter().collect();
    homes.sort_by_key(|(value, _)| **value);
    let line = |(value, view): (&ValueId, &View)| {
        format!("{} {:#x} {:?} pitch {:?}\n", graph.value(*value).name, view.base, view.shape, view.strides)
    };
    homes.into_iter().map(line).collect()
}

pub(crate) fn layer_text(layer: &Layer) -> String {
    let detail = layer.kind.detail();
    format!("{} {} {:?} {detail}\n", layer.info.op, layer.info.name, layer.info.shape)
}

pub(crate) fn ordered_text(ordered: &Ordered) -> String {
    let list = |mask: u16| {
        let set: Vec<String> =
            (0..16).filter(|bit| mask >> bit & 1 == 1).map(|bit| bit.to_string()).collect();
        set.join(",")
    };
    format!("{} wait({}) post({})\n", ordered.step, list(ordered.wait), list(ordered.post))
}
