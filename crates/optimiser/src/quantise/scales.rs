//! The encoding of every stored value, from calibrated ranges or from the marks of a graph that is quantised
//! already.

use std::collections::{HashMap, HashSet};

use ediacara_graph::ops::{Activation, Pad, PadMode, Pool, PoolKind};
use ediacara_graph::{Graph, NodeId, ValueId};

use super::equalise::Factors;
use super::plan::{Lowering, Plan, Scales};
use crate::{Calibration, Encoding, OptimiserError, Range, Result};

/// How much wider than its own range a value's encoding may become so that it shares that of a concat it goes
/// into.
///
/// Sharing saves a table and its rounding. A factor of 2 costs the value's other readers one of their eight
/// bits.
const SHARING_LIMIT: f64 = 1.4;

/// How far the range of an answer, which the host reads and nothing of the DLP is made of, reaches beyond the range that
/// calibration saw.
///
/// A few samples do not hold the largest answer, and an answer that is cut off loses to its neighbours. A
/// number that is cut off inside the network is made up for by a thousand others.
const ANSWER_MARGIN: f32 = 1.5;

/// A real value of no more elements, as a mean over an image is, gets the same margin where samples are made up: they show
/// few of its numbers.
const FEW_ELEMENTS: usize = 256;

/// The encoding of every value that is stored.
#[derive(Debug, Default)]
pub(crate) struct Encodings {
    by_value: HashMap<ValueId, Encoding>,
    /// The numbers by which channels are divided before they are stored, and the numbers that are subtracted
    /// first.
    pub(crate) factors: Factors,
}

impl Encodings {
    /// The encoding of a value of the real graph.
    pub(crate) fn get(&self, value: ValueId) -> Option<Encoding> {
        self.by_value.get(&value).copied()
    }

    /// The encodings that quantize_linear and dequantize_linear prescribe, and those that follow from them.
    ///
    /// An encoding follows where a step keeps its operand's, and where a table's own range decides. Otherwise, and in a
    /// recurrence, it spans the calibrated range.
    pub(crate) fn from_marks(
        plan: &Plan,
        marks: &HashMap<ValueId, Encoding>,
        calibration: Option<&Calibration>,
    ) -> Result<Encodings> {
        let mut encodings = Encodings { by_value: marks.clone(), factors: Factors::default() };
        let measured = |value: ValueId| {
            let range = calibration?.range(&plan.graph.value(value).name)?;
            Some(Encoding::of_range(range.with_zero()))
        };
        for lowering in plan.lowerings() {
            for &operand in &lowering.operands {
                if encodings.get(operand).is_none() {
                    encodings.by_value.extend(measured(operand).map(|encoding| (operand, encoding)));
                }
            }
            if encodings.get(lowering.result).is_some() {
                continue;
            }
            let operand = encodings.get(lowering.operands[0]);
            // One scale in all steps of a recurrence lets them share their constants.
            let name = &plan.graph.value(lowering.result).name;
            let recurs = calibration.is_some_and(|calibration| calibration.class(name).is_some());
            let tied =
                (recurs && lowering.scales == Scales::Free).then(|| measured(lowering.result)).flatten();
            let own = match (lowering.scales, operand) {
                (Scales::Free, Some(operand)) => lowering.emit.own_encoding(plan.graph, operand)?,
                (Scales::Joins, _) => {
                    measured(lowering.result).or_else(|| encodings.spanning(&lowering.operands))
                }
                (_, operand) => operand,
            };
            let encoding = tied.or(own).or_else(|| measured(lowering.result));
            encodings.by_value.extend(encoding.map(|encoding| (lowering.result, encoding)));
        }
        Ok(encodings)
    }

    /// An encoding that holds all that these values can be: theirs if they have the same.
    fn spanning(&self, values: &[ValueId]) -> Option<Encoding> {
        let all: Option<Vec<Encoding>> = values.iter().map(|&value| self.get(value)).collect();
        let all = all?;
        let &first = all.first()?;
        if all.iter().all(|&encoding| encoding == first) {
            return Some(first);
        }
        let bounds: Vec<f32> = all
            .iter()
            .flat_map(|encoding| [i8::MIN, i8::MAX].map(|stored| encoding.decode(stored)))
            .collect();
        Range::of(&bounds).map(|range| Encoding::of_range(range.with_zero()))
    }

    /// The encodings that span the calibrated ranges; values that a step needs or prefers in one encoding
    /// share it.
    pub(crate) fn from_calibration(plan: &Plan, calibration: &Calibration) -> Result<Encodings> {
        let factors =
            if calibration.is_assumed() { Factors::default() } else { Factors::find(plan, calibration) };
        let mut classes = Classes::default();
        let mut tied: HashMap<&str, ValueId> = HashMap::new();
        for lowering in plan.lowerings() {
            for &value in lowering.operands.iter().chain([&lowering.result]) {
                let name = &plan.graph.value(value).name;
                let known = calibration.statistics(name).ok_or_else(|| OptimiserError::NotCalibrated {
                    value: name.clone(),
                    graph: plan.graph.name.clone(),
                })?;
                let range = factors.range(value, known.channel_ranges()).unwrap_or(known.range());
                let range = unpadded(plan.graph, calibration, value).unwrap_or(range);
                classes.add(value, range.with_zero());
                if let Some(class) = calibration.class(name) {
                    let first = *tied.entry(class).or_insert(value);
                    classes.merge(first, value);
                }
            }
        }
        let readers = Readers::new(plan);
        let before = before_lowerings(plan);
        for lowering in plan.lowerings() {
            // A looked-up function rarely goes beyond what it has shown; a sigmoid never does. What is tied is read by
            // the next step, too.
            let is_tied = calibration.class(&plan.graph.value(lowering.result).name).is_some();
            let is_answer = plan.host_reads(lowering.result) && !before.contains(&lowering.result);
            if !is_tied && is_answer && plan.root(lowering.result).is_none() {
                classes.widen(lowering.result, lowering.activation);
            }
        }
        if calibration.is_made_up() {
            let operands = plan.lowerings().flat_map(|lowering| &lowering.operands).copied();
            let is_small = |value: &ValueId| plan.graph.ty(*value).elements() <= FEW_ELEMENTS;
            let of_few: HashSet<ValueId> =
                operands.filter(|operand| plan.is_left(*operand) && is_small(operand)).collect();
            of_few.into_iter().for_each(|value| classes.widen(value, Activation::None));
        }
        for lowering in plan.lowerings().filter(|lowering| lowering.scales == Scales::Keeps) {
            classes.merge(lowering.operands[0], lowering.result);
        }
        // The steps of a recurrence have the range that they need, whatever one of them is joined with.
        let fixed: HashSet<ValueId> = tied.values().map(|&value| classes.root(value)).collect();
        for lowering in plan.lowerings().filter(|lowering| lowering.scales == Scales::Joins) {
            for &operand in &lowering.operands {
                if fixed.contains(&classes.root(operand)) {
                    continue;
                }
                let shares = calibration.is_assumed() || readers.only_joins(operand);
                if shares || classes.growth(operand, lowering.result) <= SHARING_LIMIT {
                    classes.merge(operand, lowering.result);
                }
            }
        }
        for lowering in plan.lowerings().filter(|lowering| lowering.scales == Scales::Prefers) {
            let (operand, result) = (lowering.operands[0], lowering.result);
            if classes.growth(operand, result).max(classes.growth(result, operand)) <= SHARING_LIMIT {
                classes.merge(operand, result);
            }
        }
        Ok(Encodings { by_value: classes.encodings(), factors })
    }
}

/// The values that something lowered is made of, be it through nodes of the host.
fn before_lowerings(plan: &Plan) -> HashSet<ValueId> {
    let mut found = HashSet::new();
    let mut open: Vec<ValueId> = plan.lowerings().flat_map(|lowering| lowering.operands.clone()).collect();
    while let Some(value) = open.pop() {
        if found.insert(value)
            && let Some(node) = plan.graph.producer(value)
        {
            open.extend(plan.graph.node(node).inputs.iter().copied());
        }
    }
    found
}

/// The range of a pad's operand, if the result is only read by maxima and the padding is less than all of the
/// operand.
///
/// Padding that stands for minus infinity is never chosen, so that it need not be told from the smallest
/// number.
fn unpadded(graph: &Graph, calibration: &Calibration, value: ValueId) -> Option<Range> {
    let node = graph.node(graph.producer(value)?);
    let pad = node.op_as::<Pad>()?;
    let is_maximum =
        |reader: &NodeId| graph.node(*reader).op_as::<Pool>().is_some_and(|pool| pool.kind == PoolKind::Max);
    let range = calibration.range(&graph.value(node.inputs[0]).name)?;
    let never_chosen = !graph.is_output(value) && graph.consumers(value).iter().all(is_maximum);
    let below = pad.mode == PadMode::Constant && pad.value < f64::from(range.low);
    (never_chosen && below).then_some(range)
}

/// Which steps read a value.
struct Readers<'a> {
    by_value: HashMap<ValueId, Vec<&'a Lowering>>,
    plan: &'a Plan<'a>,
}

impl<'a> Readers<'a> {
    fn new(plan: &'a Plan) -> Readers<'a> {
        let mut by_value: HashMap<ValueId, Vec<&Lowering>> = HashMap::new();
        for lowering in plan.lowerings() {
            for &operand in &lowering.operands {
                by_value.entry(operand).or_default().push(lowering);
            }
        }
        Readers { by_value, plan }
    }

    /// Whether nothing but concats reads a value, so that it may as well be rounded as they need it.
    fn only_joins(&self, value: ValueId) -> bool {
        let readers = self.by_value.get(&value).map_or(&[][..], Vec::as_slice);
        let all_read = self.plan.graph.consumers(value).len() == readers.len();
        all_read
            && !self.plan.graph.is_output(value)
            && readers.iter().all(|reader| reader.scales == Scales::Joins)
    }
}

/// Values that share one encoding, as a forest: the root of a class has the range of all of them.
#[derive(Default)]
struct Classes {
    parents: HashMap<ValueId, ValueId>,
    ranges: HashMap<ValueId, Range>,
}

impl Classes {
    fn add(&mut self, value: ValueId, range: Range) {
        self.parents.entry(value).or_insert(value);
        self.ranges.entry(value).or_insert(range);
    }

    /// Extends a value's range by the margin of answers, within what its activation allows.
    fn widen(&mut self, value: ValueId, activation: Activation) {
        let (low, high) = activation.bounds();
        if let Some(range) = self.ranges.get_mut(&value) {
            range.low = (range.low * ANSWER_MARGIN).max(low);
            range.high = (range.high * ANSWER_MARGIN).min(high);
        }
    }

    fn root(&self, mut value: ValueId) -> ValueId {
        while self.parents[&value] != value {
            value = self.parents[&value];
        }
        value
    }

    fn merge(&mut self, left: ValueId, right: ValueId) {
        let (left, right) = (self.root(left), self.root(right));
        let range = self.ranges[&left].union(self.ranges[&right]);
        self.parents.insert(right, left);
        self.ranges.insert(left, range);
    }

    /// How many times as wide the range of `value` would become if it shared that of `other`.
    fn growth(&self, value: ValueId, other: ValueId) -> f64 {
        let (own, other) = (self.ranges[&self.root(value)], self.ranges[&self.root(other)]);
        own.union(other).width() / own.width().max(f64::MIN_POSITIVE)
    }

    fn encodings(&self) -> HashMap<ValueId, Encoding> {
        self.parents
            .keys()
            .map(|&value| (value, Encoding::of_range(self.ranges[&self.root(value)])))
            .collect()
    }
}
