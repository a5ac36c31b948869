//! Which chains of the float dialect go on with the sums of a product where the matrix engine leaves them, tile by tile, so that
//! both engines work at once and the sums have no place in NRAM or DRAM.

use std::collections::{HashMap, HashSet};

use ediacara_graph::DType;
use ediacara_graph::ops::{FConv, FMatMul, FRow, FScale, Reshape};
use ediacara_graph::{Graph, NodeId, ValueId};

use crate::fuse::rows::Chain;
use crate::place::partition::{is_real_product, multiplies_real};
use crate::place::segments::DlpPart;
use crate::tile::cost::Rates;

/// The product that a chain goes on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ProductOf {
    /// The product.
    pub product: NodeId,
    /// Reshapes of its result that the chain reads.
    pub between: Vec<NodeId>,
}

impl ProductOf {
    /// The nodes whose results have no place.
    pub(crate) fn nodes(&self) -> impl Iterator<Item = NodeId> + '_ {
        [self.product].into_iter().chain(self.between.iter().copied())
    }
}

/// Finds the product that each chain goes on with, the last that it reads: by the chain's first node.
pub(crate) fn fuse_epilogues(
    graph: &Graph,
    part: &DlpPart,
    chains: &[Chain],
    rates: &Rates,
) -> HashMap<NodeId, ProductOf> {
    let finder = Finder {
        graph,
        dlp: part.dlp.iter().copied().collect(),
        outputs: part.outputs.iter().copied().collect(),
        rates,
    };
    chains.iter().filter_map(|chain| Some((chain.nodes[0], finder.product(chain)?))).collect()
}

/// What all sums of a product are multiplied by, if nothing is added to them and the factor is the same for all.
pub(crate) fn one_scale(graph: &Graph, product: NodeId) -> Option<f32> {
    if multiplies_real(graph, product) {
        // A zero of one sign that is added may turn one of the other.
        return None;
    }
    let constant = |index: usize| graph.constant(graph.node(product).inputs[index]);
    let (bias, scale) = (constant(2)?.to_vec::<i32>().ok()?, constant(3)?.to_vec::<f32>().ok()?);
    let first = *scale.first()?;
    (bias.iter().all(|&bias| bias == 0) && scale.iter().all(|scale| scale.to_bits() == first.to_bits()))
        .then_some(first)
}

/// Whether a product of real numbers stores them in a narrower type, as which they are read.
fn is_rounded(graph: &Graph, id: NodeId) -> bool {
    let node = graph.node(id);
    let stored = match (node.op_as::<FConv>(), node.op_as::<FMatMul>()) {
        (Some(op), _) => op.result.dtype,
        (_, Some(op)) => op.result.dtype,
        (None, None) => return false,
    };
    stored != DType::F32
}

struct Finder<'a> {
    graph: &'a Graph,
    dlp: HashSet<NodeId>,
    outputs: HashSet<ValueId>,
    rates: &'a Rates,
}

impl Finder<'_> {
    fn product(&self, chain: &Chain) -> Option<ProductOf> {
        let own: HashSet<NodeId> = chain.nodes.iter().copied().collect();
        let read = chain.nodes.iter().rev().flat_map(|&id| self.graph.node(id).inputs.iter().rev().copied());
        read.into_iter().find_map(|value| self.behind(value, chain, &own))
    }

    /// The product that gives a value that a chain reads, if nobody else reads it, and the chain can go on with it.
    fn behind(&self, value: ValueId, chain: &Chain, own: &HashSet<NodeId>) -> Option<ProductOf> {
        let alone = |value: ValueId, readers: &dyn Fn(&NodeId) -> bool| {
            !self.outputs.contains(&value) && self.graph.consumers(value).iter().all(readers)
        };
        let last = self.graph.producer(value).filter(|producer| self.dlp.contains(producer))?;
        if self.graph.ty(value).shape != chain.shape || !alone(value, &|reader| own.contains(reader)) {
            return None;
        }
        let (mut node, mut between) = (last, Vec::new());
        while self.graph.node(node).op_as::<Reshape>().is_some() {
            between.push(node);
            let source = self.graph.node(node).inputs[0];
            if !alone(source, &|reader| *reader == node) {
                return None;
            }
            node = self.graph.producer(source).filter(|producer| self.dlp.contains(producer))?;
        }
        if !is_real_product(self.graph, node) || is_rounded(self.graph, node) {
            return None;
        }
        let (&channels, extents) = self.graph.ty(self.graph.output_of(node)).shape.split_last()?;
        let rows: usize = extents.iter().product();
        let (&length, outer) = chain.shape.split_last()?;
        // Rows of one axis are evenly apart wherever they lie.
        let evenly = between.is_empty() || outer.iter().filter(|&&extent| extent != 1).count() <= 1;
        let fits = length == channels && outer.iter().product::<usize>() == rows && evenly;
        (fits && self.has_room(node, chain)).then_some(ProductOf { product: node, between })
    }

    /// Whether two tiles of a row each fit ARAM, their records PRAM, and what goes with a row a part of NRAM. A chain whose
    /// rows may be cut always has room.
    fn has_room(&self, product: NodeId, chain: &Chain) -> bool {
        let graph = self.graph;
        let nodes = || chain.nodes.iter().map(|&id| graph.node(id));
        let values: HashSet<ValueId> =
            nodes().flat_map(|node| node.inputs.iter().chain(&node.outputs)).copied().collect();
        let extent = |value: ValueId| graph.ty(value).shape.last().copied().unwrap_or(1);
        let is_number = |value: ValueId| graph.constant(value).is_some_and(|tensor| tensor.len() == 1);
        let length = extent(graph.output_of(product));
        let by_element = nodes().all(|node| node.op_as::<FRow>().is_some_and(|op| !op.operation.reduces()))
            && values.iter().all(|&value| is_number(value) || extent(value) == length);
        if by_element {
            return true;
        }
        let scaled = nodes().filter(|node| node.op_as::<FScale>().is_some()).count() as u64;
        let read = u64::from(one_scale(graph, product).is_none());
        let records = (scaled + read) * length as u64;
        let bytes = |value: &ValueId| (extent(*value) * graph.ty(*value).dtype.size_bytes()) as u64;
        let in_nram = 2 * values.iter().map(bytes).sum::<u64>();
        let sums = (length as u64).next_multiple_of(self.rates.columns);
        records <= self.rates.pram && 2 * sums <= self.rates.aram && in_nram <= self.rates.nram / 2
    }
}
