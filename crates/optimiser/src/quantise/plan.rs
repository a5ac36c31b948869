//! The plan: which nodes of the real graph are lowered to int8, by which rule, and why the others are not.
//!
//! Planning looks at structure alone. Scales come afterwards ([`super::scales`]), the new graph last
//! ([`super::emit`]).

use std::collections::{HashMap, HashSet};

use ediacara_graph::ops::{
    Activation, Add, Cast, DequantizeLinear, Gather, Mul, Pool, Pow, Reduce, Reshape, Transpose,
};
use ediacara_graph::{DType, Graph, Node, NodeId, Rescaling, Tensor, ValueId};

use super::demand::{self, Demand, demands};
use super::emit::{Emitter, Stored};
use super::equalise::ChannelMap;
use super::layout::Layout;
use super::linear::Linear;
use super::rules;
use crate::channels::{self, ChannelAxes};
use crate::forest::Forest;
use crate::known::real_constant;
use crate::{Calibration, Encoding, Result};

/// Operations that the host does while its own turn begins, by the `[host]` of every preset: 16 a cycle for 1,000 cycles.
const TURN_OPERATIONS: u64 = 16_000;

/// How the scale and zero point of a result follow from those of the operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scales {
    /// Any scale and zero point will do: the rule requantises.
    Free,
    /// They are those of the first operand: the rule moves or compares stored values.
    Keeps,
    /// Any will do, but those of the first operand make the rule exact.
    Prefers,
    /// All operands must have those of the result.
    Joins,
}

/// A rule's own part of a lowering: builds the int8 nodes.
pub(crate) trait Emit: std::fmt::Debug {
    /// Adds the nodes; `operands` are stored in the encodings that [`Scales`] promised.
    fn emit(&self, emitter: &mut Emitter, lowering: &Lowering, operands: &[Stored]) -> Result<Stored>;

    /// The encoding of the result that follows from the operand's, if nothing prescribes one.
    fn own_encoding(&self, _graph: &Graph, _operand: Encoding) -> Result<Option<Encoding>> {
        Ok(None)
    }

    /// Whether it can rescale its result before it stores it.
    fn rescales(&self, _rescaling: &Rescaling) -> bool {
        false
    }

    /// The constant weights that multiply the channels of its operand, if that is what it does.
    fn as_linear(&self) -> Option<Linear<'_>> {
        None
    }

    /// How the result's channels come from each operand's, for operands of so many channels.
    ///
    /// `place` is the stored axis of the channels; the result has its own there, or where they are moved. The maps are given
    /// only if multiplying a channel by a number multiplies the result by that number. They are nothing if channels
    /// cannot be told apart so.
    fn channel_maps(&self, _channels: &[usize], _place: usize) -> Option<Vec<ChannelMap>> {
        None
    }
}

/// One step of the int8 graph: a node of the real graph, with what was absorbed into it.
#[derive(Debug)]
pub(crate) struct Lowering {
    /// The node whose operator names the step.
    pub(crate) node: NodeId,
    /// The values that are read in int8.
    pub(crate) operands: Vec<ValueId>,
    /// The value that is computed: the node's output or that of the last absorbed one.
    pub(crate) result: ValueId,
    /// How the result is stored.
    pub(crate) layout: Layout,
    /// How the result follows from what the node computes, if not as it is; a user's operator behind it says so.
    pub(crate) rescaling: Option<Rescaling>,
    /// What is applied to the result.
    pub(crate) activation: Activation,
    /// How the result's scale follows from those of the operands.
    pub(crate) scales: Scales,
    /// The rule's own part.
    pub(crate) emit: Box<dyn Emit>,
}

/// What becomes of a node of the real graph.
#[derive(Debug)]
pub(crate) enum Step {
    /// It is lowered.
    Lower(Lowering),
    /// Another node's lowering does its work.
    Absorbed,
    /// It describes a constant (a dequantised weight), which every reader makes for itself.
    Constant,
    /// It stays real, for this reason.
    Left(String),
}

/// What a rule says of a node.
pub(crate) enum Verdict {
    /// The rule is not about such nodes.
    NotMine,
    /// The node stays real, for this reason.
    Refused(String),
    /// The node is lowered.
    Accepted(Box<Lowering>),
}

impl From<Lowering> for Verdict {
    fn from(lowering: Lowering) -> Verdict {
        Verdict::Accepted(Box::new(lowering))
    }
}

/// Where scales come from.
#[derive(Clone, Copy)]
pub(crate) enum Ranges<'a> {
    /// From the statistics of each value over samples.
    Calibrated(&'a Calibration),
    /// From the quantize_linear and dequantize_linear nodes of a graph that is quantised already; what is
    /// multiplied, a product or part of a recurrence, and has no mark, from statistics.
    Marked(&'a HashMap<ValueId, Encoding>, Option<&'a Calibration>),
}

/// The plan, while it is made and after.
pub(crate) struct Plan<'a> {
    /// The real graph.
    pub(crate) graph: &'a Graph,
    ranges: Ranges<'a>,
    steps: Vec<Option<Step>>,
    layouts: Vec<Option<Layout>>,
    /// Values that are a table of another value.
    roots: HashMap<ValueId, ValueId>,
    /// Who wants each value in int8, by index.
    demands: Vec<Demand>,
    /// Real nodes that the DLP runs if they are not lowered; nothing if it does not compute with real numbers.
    floats: Option<HashSet<NodeId>>,
    /// Nodes that stay real by choice.
    kept: &'a HashSet<NodeId>,
    /// Values of the host that are not stored, because what is behind them is not worth a turn.
    denied: HashSet<ValueId>,
    axes: ChannelAxes,
}

impl<'a> Plan<'a> {
    /// Plans every node of `graph`.
    ///
    /// An island of int8 between nodes of the host that multiplies too little for a turn of its own is given
    /// back to the host.
    pub(crate) fn new(
        graph: &'a Graph,
        ranges: Ranges<'a>,
        mut floats: Option<HashSet<NodeId>>,
        kept: &'a HashSet<NodeId>,
    ) -> Plan<'a> {
        let mut denied = HashSet::new();
        loop {
            let plan = Plan::without(graph, ranges, (floats, kept), denied.clone());
            let before = denied.len();
            denied.extend(plan.small_islands());
            if denied.len() == before {
                return plan;
            }
            floats = plan.floats;
        }
    }

    /// Plans every node, without storing what is `denied`.
    fn without(
        graph: &'a Graph,
        ranges: Ranges<'a>,
        (floats, kept): (Option<HashSet<NodeId>>, &'a HashSet<NodeId>),
        denied: HashSet<ValueId>,
    ) -> Plan<'a> {
        let mut plan = Plan {
            graph,
            ranges,
            steps: std::iter::repeat_with(|| None).take(graph.node_count()).collect(),
            layouts: vec![None; graph.value_count()],
            roots: HashMap::new(),
            demands: demands(graph),
            floats,
            kept,
            denied,
            axes: ChannelAxes::find(graph),
        };
        for &input in graph.inputs() {
            let ty = graph.ty(input);
            if ty.dtype == DType::F32 && plan.has_scale(input) {
                plan.layouts[input.index()] = plan.input_layout(input);
            }
        }
        for node in graph.order() {
            if plan.steps[node.index()].is_none() {
                plan.plan_node(node);
            }
        }
        plan
    }

    fn plan_node(&mut self, id: NodeId) {
        let graph = self.graph;
        let node = graph.node(id);
        if node.inputs.iter().all(|&input| self.is_constant(input)) {
            self.steps[id.index()] = Some(Step::Constant);
            return;
        }
        if let Some(reason) = self.without_range(node) {
            self.steps[id.index()] = Some(Step::Left(reason));
            return;
        }
        if self.kept.contains(&id) {
            return self.leave(id, "it computes in floating point by choice".to_owned());
        }
        let left = self
            .computes_with_codes(node)
            .or_else(|| self.left_beside_the_host(id, node))
            .or_else(|| self.left_to_a_reduction(node))
            .or_else(|| self.left_to_a_magnitude(node));
        if let Some(reason) = left {
            self.leave(id, reason);
            return;
        }
        let mut reason = None;
        for rule in rules::all() {
            match (rule.check)(self, id, node) {
                Verdict::NotMine => {}
                Verdict::Refused(why) => reason = reason.or(Some(why)),
                Verdict::Accepted(lowering) => {
                    self.layouts[lowering.result.index()] = Some(lowering.layout);
                    self.steps[id.index()] = Some(Step::Lower(*lowering));
                    return;
                }
            }
        }
        if self.is_converted_input(node) && self.has_scale(node.outputs[0]) {
            self.layouts[node.outputs[0].index()] = self.input_layout(node.outputs[0]);
        }
        let reason = self
            .host_operand(node)
            .or(reason)
            .or_else(|| self.input_operand(node))
            .unwrap_or_else(|| format!("{} has no int8 form", node.op.name()));
        self.leave(id, reason);
    }

    /// Leaves a node to the host. What it computes is stored again where something multiplies it.
    fn leave(&mut self, id: NodeId, reason: String) {
        self.steps[id.index()] = Some(Step::Left(reason));
        for &output in self.graph.outputs_of(id) {
            let (ty, demand) = (self.graph.ty(output), self.demands[output.index()]);
            let unset = self.layouts[output.index()].is_none() && !self.denied.contains(&output);
            let wanted = demand.is_multiplied() || self.meets_only_int8(id, output);
            if unset && ty.dtype == DType::F32 && wanted && self.has_scale(output) {
                self.layouts[output.index()] = match demand.image && self.is_float(id) {
                    true => Layout::of_input(ty),
                    false => demand.layout(ty.rank()),
                };
            }
        }
    }

    /// Whether the DLP computes with real numbers.
    pub(crate) fn has_floats(&self) -> bool {
        self.floats.is_some()
    }

    /// Whether the DLP runs a node if it stays real.
    fn is_float(&self, node: NodeId) -> bool {
        self.floats.as_ref().is_some_and(|floats| floats.contains(&node))
    }

    /// Whether the DLP computes a value in real numbers, and something reads it that the DLP can only do in int8.
    fn meets_only_int8(&self, id: NodeId, value: ValueId) -> bool {
        let readers = self.graph.consumers(value);
        self.is_float(id) && readers.iter().any(|reader| !self.is_float(*reader))
    }

    /// Why a node that multiplies nothing stays with the host that computes its operands: all of them, unless
    /// it only moves what is then multiplied; or one of them, if nothing behind it is multiplied.
    fn left_beside_the_host(&self, id: NodeId, node: &Node) -> Option<String> {
        let demand = node.outputs.first().map(|output| self.demands[output.index()]).unwrap_or_default();
        let data = || node.inputs.iter().copied().filter(|&input| !self.is_constant(input));
        let from_host = data().find(|&input| self.is_left(input))?;
        let int8_alone = self.has_floats() && !self.is_float(id);
        if int8_alone && !data().any(|input| self.is_of_host(input)) {
            return None;
        }
        if self.graph.cost_of(id).macs > 0 || demand::moves(node) && demand.is_multiplied() {
            return None;
        }
        let alone = data().all(|input| self.is_left(input));
        let (name, behind) = (&self.graph.value(from_host).name, demand.behind || demand.is_multiplied());
        match (alone, behind) {
            (false, true) => None,
            (true, _) => {
                Some(format!("its operand `{name}` is the host's, and it multiplies nothing by weights"))
            }
            (false, false) => Some(format!("its operand `{name}` is the host's, and so is what follows")),
        }
    }

    /// Why a node stays with the host that reads what a marker made: it computes with the integers, not with the
    /// numbers that they stand for.
    fn computes_with_codes(&self, node: &Node) -> Option<String> {
        let is_code = |input: &&ValueId| {
            !self.is_constant(**input)
                && self.layout(**input).is_some()
                && self.graph.ty(**input).dtype != DType::F32
        };
        let knows =
            ["dequantize_linear", "reshape", "transpose", "slice", "gather"].contains(&node.op.name());
        let code = node.inputs.iter().find(is_code).filter(|_| !knows)?;
        Some(format!("it computes with the integers of `{}`", self.graph.value(*code).name))
    }

    /// Why an elementwise node stays with the host: reductions there read it, which would add up its rounding, and
    /// nothing else does, or one of its operands is the host's.
    fn left_to_a_reduction(&self, node: &Node) -> Option<String> {
        let reduces = |reader: &NodeId| self.graph.node(*reader).op_as::<Reduce>().is_some();
        let &[output] = node.outputs.as_slice() else { return None };
        let readers = self.graph.consumers(output);
        let reduced = readers.iter().filter(|reader| reduces(reader)).count();
        let alone = reduced == readers.len() && !self.graph.is_output(output);
        let beside = || node.inputs.iter().any(|&input| self.is_left(input));
        let left = node.op.is_elementwise() && reduced > 0 && (alone || beside());
        left.then(|| "a reduction on the host reads it".to_owned())
    }

    /// Why a square stays with the host: sums of two squares alone read it, as in the magnitude of a complex number.
    ///
    /// A square in int8 has half the bits of its operand. What a root makes of the sum would lose all that is below a
    /// sixteenth of the largest.
    fn left_to_a_magnitude(&self, node: &Node) -> Option<String> {
        let squares = |value: &ValueId| {
            let producer = self.graph.producer(*value).map(|producer| self.graph.node(producer));
            producer.is_some_and(|node| self.is_square(node))
        };
        let adds = |reader: &NodeId| {
            let node = self.graph.node(*reader);
            node.op_as::<Add>().is_some()
                && node.inputs[0] != node.inputs[1]
                && node.inputs.iter().all(squares)
        };
        let &[output] = node.outputs.as_slice() else { return None };
        let readers = self.graph.consumers(output);
        let alone = !readers.is_empty() && !self.graph.is_output(output) && readers.iter().all(adds);
        (self.is_square(node) && alone)
            .then(|| "a sum of squares reads it, and a square in int8 has half the bits".to_owned())
    }

    /// Whether a node multiplies a value with itself.
    fn is_square(&self, node: &Node) -> bool {
        let is_two = |exponent: ValueId| {
            let exponent = real_constant(self.graph, exponent);
            exponent.and_then(|tensor| tensor.to_vec::<f32>().ok()).is_some_and(|values| values == [2.0])
        };
        match *node.inputs.as_slice() {
            [x, y] if node.op_as::<Mul>().is_some() => x == y,
            [_, exponent] if node.op_as::<Pow>().is_some() => is_two(exponent),
            _ => false,
        }
    }

    /// Whether a reduction reads what is made of a value, and nothing multiplies that.
    pub(crate) fn is_only_reduced(&self, value: ValueId) -> bool {
        self.demands[value.index()].reduced && !self.leads_to_products(value)
    }

    /// Whether something behind a value multiplies it, or what elementwise operators make of it.
    pub(crate) fn leads_to_products(&self, value: ValueId) -> bool {
        let demand = self.demands[value.index()];
        demand.behind || demand.is_multiplied()
    }

    /// The order in which an input is stored: that of its axes where products or transpositions would have it so.
    fn input_layout(&self, input: ValueId) -> Option<Layout> {
        let ty = self.graph.ty(input);
        if self.is_marked(input) && self.is_no_image(input) {
            return Some(Layout::Plain);
        }
        let first = Layout::of_input(ty)?;
        let readers = self.graph.consumers(input);
        let turns = |reader: &NodeId| {
            let node = self.graph.node(*reader);
            let Some(wanted) = self.demanded(node.outputs[0]) else { return false };
            if let Some(transpose) = node.op_as::<Transpose>() {
                return rules::moves_nothing(&transpose.permutation, [Layout::Plain, wanted], &ty.shape);
            }
            let same = |to: &Reshape, from: Layout| {
                rules::reshaped(from, &ty.shape, &to.shape, Some(wanted)) == Some(wanted)
            };
            node.op_as::<Reshape>().is_some_and(|to| same(to, Layout::Plain) && !same(to, first))
        };
        let turned = !readers.is_empty() && readers.iter().all(turns);
        let plain = turned || self.demanded(input) == Some(Layout::Plain);
        Some(if plain { Layout::Plain } else { first })
    }

    /// Whether a value is of rows or a row, and neither it nor what elementwise operators make of it is read as an image.
    fn is_no_image(&self, value: ValueId) -> bool {
        !self.demands[value.index()].shaped && matches!(self.graph.ty(value).rank(), 1 | 3)
    }

    /// Values of the host that are read by islands of too few operations: what lowerings make of one another. Beside real nodes
    /// of the DLP's, islands that may be real as well are too small.
    fn small_islands(&self) -> Vec<ValueId> {
        let lowerings: Vec<&Lowering> = self.lowerings().collect();
        let by_result: HashMap<ValueId, usize> =
            lowerings.iter().enumerate().map(|(index, lowering)| (lowering.result, index)).collect();
        let mut islands = Forest::new(lowerings.len());
        for (index, lowering) in lowerings.iter().enumerate() {
            let before = lowering.operands.iter().filter_map(|operand| by_result.get(operand));
            before.for_each(|&before| islands.join(index, before));
        }
        let mut operations = vec![0; lowerings.len()];
        let mut may_be_real = vec![true; lowerings.len()];
        for (index, lowering) in lowerings.iter().enumerate() {
            let root = islands.root(index);
            operations[root] += 2 * self.graph.cost_of(lowering.node).macs;
            may_be_real[root] &= self.is_float(lowering.node);
        }
        let mut found = Vec::new();
        for (index, lowering) in lowerings.iter().enumerate() {
            let root = islands.root(index);
            let denies = |operand: &ValueId| {
                operations[root] < TURN_OPERATIONS && self.is_of_host(*operand)
                    || may_be_real[root] && self.is_left(*operand)
            };
            found.extend(lowering.operands.iter().copied().filter(denies));
        }
        found
    }

    /// Whether the host computes a value, other than by converting an input.
    fn is_of_host(&self, value: ValueId) -> bool {
        self.is_left(value) && !self.graph.producer(value).is_some_and(|node| self.is_float(node))
    }

    /// Whether a value is computed in real numbers, other than by converting an input.
    pub(crate) fn is_left(&self, value: ValueId) -> bool {
        let producer = self.graph.producer(value);
        let left = |node: NodeId| {
            matches!(self.step(node), Some(Step::Left(_))) && !self.is_converted_input(self.graph.node(node))
        };
        producer.is_some_and(left)
    }

    /// Operands that have no int8 form.
    fn real_operands(&self, node: &Node) -> impl Iterator<Item = ValueId> {
        node.inputs.iter().copied().filter(|&input| self.layout(input).is_none() && !self.is_constant(input))
    }

    /// Why a node cannot be lowered whatever its operator: samples give its result no range.
    fn without_range(&self, node: &Node) -> Option<String> {
        let Ranges::Calibrated(calibration) = self.ranges else { return None };
        node.outputs.iter().map(|&output| self.graph.value(output)).find_map(|value| {
            let is_empty = value.ty.elements() == 0;
            let problem = if is_empty { "has no elements" } else { "is infinite or not a number" };
            let unknown = is_empty || calibration.is_unbounded(&value.name);
            unknown.then(|| format!("its result `{}` {problem}", value.name))
        })
    }

    /// Whether a node turns an input of another type into f32, so that its result can be stored like an f32
    /// input.
    fn is_converted_input(&self, node: &Node) -> bool {
        let is_input = |value: &ValueId| self.graph.inputs().contains(value);
        let casts = node.op_as::<Cast>().is_some_and(|cast| cast.to == DType::F32);
        (casts || node.op_as::<DequantizeLinear>().is_some()) && node.inputs.first().is_some_and(is_input)
    }

    /// Why a node cannot be lowered whatever its operator: an operand is computed in floating point.
    fn host_operand(&self, node: &Node) -> Option<String> {
        let computed =
            |value| self.graph.producer(value).map(|producer| (value, self.graph.node(producer).op.name()));
        let (value, op) = self.real_operands(node).find_map(computed)?;
        let name = &self.graph.value(value).name;
        if self.denied.contains(&value) {
            return Some(format!(
                "its operand `{name}` comes from a {op} on the host, which has done the rest before a turn of the DLP began"
            ));
        }
        Some(format!("its operand `{name}` comes from a {op} on the host"))
    }

    /// Why a node cannot be lowered whatever its operator: an operand is an input of another type.
    fn input_operand(&self, node: &Node) -> Option<String> {
        let value = self.real_operands(node).next()?;
        Some(format!(
            "its operand `{}` is an input of type {}",
            self.graph.value(value).name,
            self.graph.ty(value)
        ))
    }

    /// The lowering of a node, if it has one.
    pub(crate) fn step(&self, node: NodeId) -> Option<&Step> {
        self.steps[node.index()].as_ref()
    }

    /// Every lowering, in topological order.
    pub(crate) fn lowerings(&self) -> impl Iterator<Item = &Lowering> {
        self.graph.order().into_iter().filter_map(|node| match self.step(node) {
            Some(Step::Lower(lowering)) => Some(lowering),
            _ => None,
        })
    }

    /// How a value is stored in int8; nothing if it is not stored so.
    pub(crate) fn layout(&self, value: ValueId) -> Option<Layout> {
        self.layouts[value.index()]
    }

    /// The axis of a value's channels; nothing if it has none.
    pub(crate) fn channel_axis(&self, value: ValueId) -> Option<usize> {
        self.axes.axis(self.graph, value)
    }

    /// How many channels a value has; 0 if it has no axis for them.
    pub(crate) fn channels(&self, value: ValueId) -> usize {
        self.channel_axis(value).map_or(0, |axis| self.graph.ty(value).shape[axis])
    }

    /// How the result's channels come from each operand's, if they come from them one by one.
    pub(crate) fn channel_maps(&self, lowering: &Lowering) -> Option<Vec<ChannelMap>> {
        let node = self.graph.node(lowering.node);
        let (first, axis) = (lowering.operands[0], self.channel_axis(lowering.result)?);
        let first_axis = self.channel_axis(first)?;
        let shape = &self.graph.ty(first).shape;
        let alike = match channels::moves_axes(node) {
            true => channels::moved(node, first_axis, shape) == Some(axis),
            false => lowering.operands.iter().all(|&operand| self.channel_axis(operand) == Some(axis)),
        };
        let place = self.layout(first)?.axis(shape.len(), first_axis)?;
        let of_images = node.op_as::<Pool>().is_some() || node.op_as::<Gather>().is_some();
        let has_channels = self.graph.ty(lowering.result).rank() >= 3 && (axis == 1 || !of_images);
        let fits = alike && has_channels;
        let counts: Vec<usize> = lowering.operands.iter().map(|&operand| self.channels(operand)).collect();
        lowering.emit.channel_maps(&counts, place).filter(|_| fits)
    }

    /// Whether a value is an input of the graph, or one that is only moved or turned into another type.
    ///
    /// The border stores it, which knows one scale for all.
    pub(crate) fn comes_from_outside(&self, value: ValueId) -> bool {
        let mut value = value;
        while let Some(producer) = self.graph.producer(value) {
            let node = self.graph.node(producer);
            if !demand::moves(node) && node.op_as::<Cast>().is_none() {
                return false;
            }
            value = node.inputs[0];
        }
        true
    }

    /// Whether the real remainder of the graph, or whoever runs it, reads a value.
    pub(crate) fn host_reads(&self, value: ValueId) -> bool {
        let stays_real = |node: &NodeId| matches!(self.step(*node), Some(Step::Left(_)));
        self.graph.is_output(value) || self.graph.consumers(value).iter().any(stays_real)
    }

    /// Whether a value comes from outside: an input of the graph, or a value that the host makes of one.
    pub(crate) fn host_writes(&self, value: ValueId) -> bool {
        let producer = self.graph.producer(value);
        producer.is_none_or(|node| matches!(self.step(node), Some(Step::Left(_))))
    }

    /// Whether a value is known: a constant, or computed from constants alone (a dequantised weight).
    pub(crate) fn is_constant(&self, value: ValueId) -> bool {
        match self.graph.producer(value) {
            Some(node) => matches!(self.step(node), Some(Step::Constant)),
            None => self.graph.constant(value).is_some(),
        }
    }

    /// Whether a value has a scale of its own.
    pub(crate) fn has_scale(&self, value: ValueId) -> bool {
        let is_bounded = |calibration: &Calibration| {
            let value = self.graph.value(value);
            value.ty.elements() > 0 && !calibration.is_unbounded(&value.name)
        };
        match self.ranges {
            Ranges::Calibrated(calibration) => is_bounded(calibration),
            Ranges::Marked(marks, calibration) => {
                let multiplies = |node: NodeId| self.graph.cost_of(node).macs > 0;
                let is_product = || self.graph.producer(value).is_some_and(multiplies);
                let is_real = self.graph.ty(value).dtype == DType::F32;
                let recurs =
                    || calibration.is_some_and(|all| all.class(&self.graph.value(value).name).is_some());
                let matters =
                    || is_real && (self.demands[value.index()].is_multiplied() || is_product() || recurs());
                marks.contains_key(&value) || calibration.is_some_and(is_bounded) && matters()
            }
        }
    }

    /// Whether a mark prescribes how a value is stored.
    pub(crate) fn is_marked(&self, value: ValueId) -> bool {
        matches!(self.ranges, Ranges::Marked(marks, _) if marks.contains_key(&value))
    }

    /// The order of axes in which what multiplies a value would have it; nothing if nothing does.
    pub(crate) fn demanded(&self, value: ValueId) -> Option<Layout> {
        let demand = self.demands[value.index()];
        demand.layout(self.graph.ty(value).rank()).filter(|_| demand.is_multiplied())
    }

    /// Marks a node as done by another node's lowering.
    pub(crate) fn absorb(&mut self, node: NodeId) {
        for &output in self.graph.outputs_of(node) {
            self.layouts[output.index()] = None;
        }
        self.steps[node.index()] = Some(Step::Absorbed);
    }

    /// Lowers `node` by a rule that can bound its result.
    ///
    /// A relu or clamp that alone reads the result is absorbed, unless the node has an activation already. So is an
    /// operator that rescales the result, if the rule can do it.
    pub(crate) fn accept_bounded(
        &mut self,
        node: NodeId,
        own: Activation,
        operands: Vec<ValueId>,
        (layout, scales): (Layout, Scales),
        emit: impl Emit + 'static,
    ) -> Verdict {
        let value = self.graph.output_of(node);
        let rescaling = self.rescaling_after(value).filter(|(_, rescaling)| emit.rescales(rescaling));
        let follower = match (own, &rescaling) {
            (Activation::None, Some((consumer, Rescaling { low, high, .. }))) => {
                Some((*consumer, Activation::Clamp { low: *low, high: *high }))
            }
            (Activation::None, None) => self.activation_after(value),
            _ => None,
        };
        let (result, activation) = match follower {
            Some((consumer, activation)) => (self.graph.output_of(consumer), activation),
            None => (value, own),
        };
        let rescaling = follower.and(rescaling).map(|(_, rescaling)| rescaling);
        if matches!(scales, Scales::Free | Scales::Joins) && !self.has_scale(result) {
            let reason = match self.ranges {
                Ranges::Marked(_, None) => {
                    "no quantize_linear follows, and no sample was given to calibrate by"
                }
                _ => "no quantize_linear follows",
            };
            return Verdict::Refused(format!("its result has no scale: {reason}"));
        }
        if let Some((consumer, _)) = follower {
            self.absorb(consumer);
        }
        let emit = Box::new(emit);
        Lowering { node, operands, result, layout, rescaling, activation, scales, emit }.into()
    }

    /// Lowers `node` by a rule that cannot bound its result.
    pub(crate) fn accept(
        &self,
        node: NodeId,
        operands: Vec<ValueId>,
        (layout, scales): (Layout, Scales),
        emit: impl Emit + 'static,
    ) -> Verdict {
        let (result, activation, emit) = (self.graph.output_of(node), Activation::None, Box::new(emit));
        Lowering { node, operands, result, layout, rescaling: None, activation, scales, emit }.into()
    }

    /// The operator that alone reads `value` and rescales it to what a mark prescribes.
    fn rescaling_after(&self, value: ValueId) -> Option<(NodeId, Rescaling)> {
        let Ranges::Marked(marks, _) = self.ranges else { return None };
        let consumer = self.graph.only_consumer(value).filter(|_| !marks.contains_key(&value))?;
        let node = self.graph.node(consumer);
        let &[result] = node.outputs.as_slice() else { return None };
        let alike = self.graph.ty(result) == self.graph.ty(value) && marks.contains_key(&result);
        let known: Vec<Option<&Tensor>> =
            node.inputs.iter().map(|&input| self.graph.constant(input)).collect();
        let first = node.inputs.first() == Some(&value);
        let rescaling = node.op.rescaling(&known).filter(|_| alike && first)?;
        rescaling.is_valid().then_some((consumer, rescaling))
    }

    /// The relu or clamp that alone reads `value`.
    fn activation_after(&self, value: ValueId) -> Option<(NodeId, Activation)> {
        let consumer = self.graph.only_consumer(value)?;
        Some((consumer, Activation::of(self.graph.node(consumer).op.as_ref())?))
    }

    /// Notes that `value` is computed by table from `root`.
    pub(crate) fn set_root(&mut self, value: ValueId, root: ValueId) {
        self.roots.insert(value, root);
    }

    /// The value that `value` is computed from by table, if it is.
    pub(crate) fn root(&self, value: ValueId) -> Option<ValueId> {
        self.roots.get(&value).copied()
    }
}
