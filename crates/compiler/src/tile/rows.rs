//! How many rows of a chain are on chip at a time, and where its values lie there.

use std::fmt;

use ediacara_isa::{Memory, VectorOperation};

use crate::program::rows::{RowOperand, RowStep, RowValue, Rows};
use crate::tile::claim::Claim;
use crate::tile::cost::{Choice, Estimate, Rates, Search};

/// A block: rows along the last axis of rows, and along the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowTiling {
    /// Along the last axis, and along the one before. More than one of those only where the last axis is whole.
    pub rows: [u64; 2],
}

impl fmt::Display for RowTiling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} x {} rows", self.rows[1], self.rows[0])
    }
}

/// The area of NRAM in which a value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    /// Loaded once, the same for every row.
    Whole,
    /// Loaded for each block.
    Loaded,
    /// Between steps.
    Between,
    /// Stored after each block.
    Stored,
    /// Where a tensor is kept.
    Kept,
}

/// Where each value of a block lies: its area, and the offset there.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// By value.
    pub places: Vec<(Area, u64)>,
    /// Bytes of the areas that are loaded once, loaded, between, stored.
    pub bytes: [u64; 4],
}

impl Plan {
    /// For blocks of at most so many rows, and so many elements of each.
    pub(crate) fn new(rows: &Rows, count: u64, elements: u64) -> Plan {
        let mut plan = Plan { places: vec![(Area::Between, 0); rows.values.len()], bytes: [0; 4] };
        for (index, value) in rows.values.iter().enumerate() {
            let area = match &value.tensor {
                None => continue,
                Some(view) if view.memory == Memory::Nram => Area::Kept,
                Some(_) if value.written => Area::Stored,
                Some(_) if value.is_same_for_all() => Area::Whole,
                Some(_) => Area::Loaded,
            };
            let size = match area {
                Area::Whole => value.row_bytes(),
                _ => rows.bytes_of(value, elements) * count,
            };
            let used = match area {
                Area::Whole => &mut plan.bytes[0],
                Area::Loaded => &mut plan.bytes[1],
                Area::Stored => &mut plan.bytes[3],
                Area::Between | Area::Kept => {
                    plan.places[index] = (area, 0);
                    continue;
                }
            };
            plan.places[index] = (area, *used);
            *used += size;
        }
        plan.place_between(rows, count, elements);
        plan
    }

    /// Gives what passes between steps places that are free while it lives.
    fn place_between(&mut self, rows: &Rows, count: u64, elements: u64) {
        // Places: offset, bytes, and the step after which each is free.
        let mut known: Vec<(u64, u64, usize)> = Vec::new();
        for (number, step) in rows.steps.iter().enumerate() {
            let value = &rows.values[step.d];
            if value.tensor.is_some() {
                continue;
            }
            let bytes = rows.bytes_of(value, elements) * count;
            let until = rows.last_use(step.d).unwrap_or(number);
            let own =
                |place: u64| self.places[step.a] == (Area::Between, place) && may_be_in_place(rows, step);
            let free = |&&(place, size, last): &&(u64, u64, usize)| {
                size == bytes && (last < number || last == number && own(place))
            };
            let found = known.iter().find(free).map(|&(place, ..)| place);
            let place = found.unwrap_or(self.bytes[2]);
            match known.iter_mut().find(|(known, ..)| *known == place) {
                Some(known) => known.2 = until,
                None => {
                    known.push((place, bytes, until));
                    self.bytes[2] += bytes;
                }
            }
            self.places[step.d] = (Area::Between, place);
        }
    }

    /// What is claimed of NRAM for so many blocks.
    pub(crate) fn claims(&self, blocks: u64) -> [Claim; 4] {
        let twice = blocks.min(2);
        let [whole, loaded, between, stored] = self.bytes;
        let claim = |bytes: u64, count: u64| Claim::new(bytes, if bytes == 0 { 0 } else { count }, 1);
        [claim(whole, 1), claim(loaded, twice), claim(between, 1), claim(stored, twice)]
    }
}

/// Whether a step's result may lie where its first operand, which nobody reads afterwards, lies.
fn may_be_in_place(rows: &Rows, step: &RowStep) -> bool {
    let (a, d) = (&rows.values[step.a], &rows.values[step.d]);
    step.operation.rule().in_place && a.element == d.element && a.length == d.length
}

/// Elements that a step takes a beat (T-VECTOR-WIDTH).
pub(crate) fn width(rows: &Rows, step: &RowStep, rates: &Rates) -> u64 {
    let rule = step.operation.rule();
    let bytes = |value: &RowValue| if value.length == rows.length { value.element.bytes() as u64 } else { 0 };
    let b = match step.b {
        RowOperand::Value(b) => bytes(&rows.values[b]),
        RowOperand::None | RowOperand::Constant(_) => 0,
    };
    let in_nram = rule.a.is_some() && !rows.reads_sums(step);
    let a = if in_nram { bytes(&rows.values[step.a]) } else { 0 };
    let widest = a.max(b).max(bytes(&rows.values[step.d])).max(1);
    rates.float_lanes.min(rates.lanes / widest).max(1)
}

/// Whether a step goes over one number a row, so that the numbers of a block are one row.
pub(crate) fn goes_over_numbers(rows: &Rows, step: &RowStep) -> bool {
    rows.values[step.a].length == 1 && rows.length > 1
}

/// Records that the steps read, beside those of sums.
pub(crate) fn record_count(rows: &Rows) -> u64 {
    rows.steps.iter().filter(|step| step.records.is_some()).count() as u64 * rows.length
}

/// Bytes of a row that are stored, or loaded, through DRAM.
pub(crate) fn moved_bytes(rows: &Rows, written: bool) -> u64 {
    moved(rows, written).map(RowValue::row_bytes).sum()
}

/// What is stored, or loaded, for every row.
fn moved(rows: &Rows, written: bool) -> impl Iterator<Item = &RowValue> {
    let tensors =
        rows.values.iter().filter(move |value| value.written == written && !value.is_same_for_all());
    tensors.filter(|value| value.tensor.as_ref().is_some_and(|view| view.memory != Memory::Nram))
}

/// Beats of a step over so many rows.
pub(crate) fn beats(rows: &Rows, step: &RowStep, count: u64, rates: &Rates) -> u64 {
    let width = width(rows, step, rates);
    if goes_over_numbers(rows, step) { count.div_ceil(width) } else { count * rows.length.div_ceil(width) }
}

/// The blocks that are expected to take the fewest cycles; nothing if one row does not fit.
pub(crate) fn choose(rows: &Rows, rates: &Rates) -> Option<Choice<RowTiling>> {
    let last = rows.axes.len() - 1;
    let (inner, outer) = (rows.axes[last], rows.axes[last - 1]);
    let mut search = Search::new();
    for pieces in pieces(inner) {
        let across = inner.div_ceil(pieces);
        let down = if pieces == 1 { pieces_of(outer) } else { vec![1] };
        for down in down {
            let tiling = RowTiling { rows: [across, down] };
            if let Some(estimate) = estimate(rows, &tiling, rates) {
                search.offer(tiling, estimate, estimate.total());
            }
        }
    }
    search.finish()
}

/// Numbers of pieces that an axis is cut into.
fn pieces(extent: u64) -> impl Iterator<Item = u64> {
    let doubled = (0..64).map(|power| 1_u64 << power).flat_map(|pieces| [pieces, pieces * 3 / 2 * 2]);
    let mut all: Vec<u64> = doubled.take_while(|&pieces| pieces < extent).chain([extent]).collect();
    all.sort_unstable();
    all.dedup();
    all.into_iter()
}

/// Lengths of the pieces that an axis is cut into.
fn pieces_of(extent: u64) -> Vec<u64> {
    pieces(extent).map(|pieces| extent.div_ceil(pieces)).collect()
}

/// What blocks of that size are expected to cost; nothing if they do not fit.
pub(crate) fn estimate(rows: &Rows, tiling: &RowTiling, rates: &Rates) -> Option<Estimate> {
    const COUNT_LIMIT: u64 = (1 << 16) - 1;
    let [across, down] = tiling.rows;
    let count = across * down;
    if across > COUNT_LIMIT || down > COUNT_LIMIT || count * rows.length >= 1 << 24 {
        return None;
    }
    let last = rows.axes.len() - 1;
    let others: u64 = rows.axes[..last - 1].iter().product();
    let blocks = rows.axes[last].div_ceil(across) * rows.axes[last - 1].div_ceil(down) * others;
    let plan = Plan::new(rows, count, rows.length);
    let units: u64 = plan.claims(blocks).iter().map(Claim::units).sum();
    if units > rates.nram || record_count(rows) > rates.pram {
        return None;
    }
    let compute = rows.steps.iter().map(|step| beats(rows, step, count, rates) as f64 + rates.vector_latency);
    let block_vector: f64 = compute.sum();
    let transfer = |written: bool| {
        let bursts = |value: &RowValue| rates.bursts((value.row_bytes() * count) as f64);
        moved(rows, written).map(|value| bursts(value) * rates.burst_cycles).sum::<f64>()
    };
    let [load, store] = [false, true].map(transfer);
    let (vector, dram) = (block_vector * blocks as f64, (load + store) * blocks as f64);
    let latency = if load + store > 0.0 { rates.dram_latency } else { 0.0 };
    Some(Estimate {
        vector,
        dram,
        steady: vector.max(dram),
        start: if load > 0.0 { latency + load } else { 0.0 },
        drain: if store > 0.0 { latency + store } else { rates.vector_latency },
        ..Estimate::default()
    })
}

/// The instruction of an operation on rows.
pub(crate) fn instruction(
    operation: ediacara_kernels::ordered::RowOperation,
) -> (VectorOperation, ediacara_isa::Relation) {
    use VectorOperation as V;
    use ediacara_isa::Relation;
    use ediacara_kernels::ordered::{Comparison, RowOperation as R};
    let relation = match operation {
        R::Compare(Comparison::NotEqual) => Relation::NotEqual,
        R::Compare(Comparison::Less) => Relation::Less,
        R::Compare(Comparison::LessEqual) => Relation::LessEqual,
        R::Compare(Comparison::Greater) => Relation::Greater,
        R::Compare(Comparison::GreaterEqual) => Relation::GreaterEqual,
        _ => Relation::Equal,
    };
    let instruction = match operation {
        R::Copy => V::FloatCopy,
        R::Add => V::FloatAdd,
        R::Subtract => V::FloatSubtract,
        R::Multiply => V::FloatMultiply,
        R::Maximum => V::FloatMaximum,
        R::Minimum => V::FloatMinimum,
        R::Compare(_) => V::FloatCompare,
        R::Exp2 => V::FloatExp2,
        R::Log2 => V::FloatLog2,
        R::Reciprocal => V::FloatReciprocal,
        R::ReciprocalRoot => V::FloatReciprocalRoot,
        R::Root => V::FloatRoot,
        R::RowSum => V::FloatRowSum,
        R::RowDot => V::FloatRowDot,
        R::RowMaximum => V::FloatRowMaximum,
    };
    (instruction, relation)
}
