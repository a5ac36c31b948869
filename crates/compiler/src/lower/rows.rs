//! Chains of float instructions, a block of rows at a time.

use ediacara_arch::RECORD_BYTES;
use ediacara_isa::{Memory, OperandTypes};
use smallvec::SmallVec;

use crate::CompileError;
use crate::lower::lowering::{Context, Lowering};
use crate::lower::slots::Pool;
use crate::program::rows::{RowOperand, RowStep, RowValue, Rows};
use crate::program::transfer::{BoxCopy, Side};
use crate::program::vector::{FloatOperands, Vector};
use crate::program::view::View;
use crate::tile::rows::{Area, Plan, choose, goes_over_numbers};

struct State<'a> {
    layer: &'a Rows,
    plan: Plan,
    /// Where what is loaded once lies.
    whole: u64,
    between: u64,
    loaded: Pool,
    stored: Pool,
    /// The first record of each step that reads some.
    records: Vec<u64>,
}

/// A block of rows.
#[derive(Debug, Clone)]
struct Block {
    /// Index of its first row along each axis.
    start: SmallVec<[u64; 6]>,
    /// Rows along the last axis and along the one before.
    rows: [u64; 2],
}

/// Where a value of a block lies, and elements between its rows along the last axis and the one before.
#[derive(Debug, Clone, Copy)]
struct Place {
    address: u64,
    strides: [u64; 2],
}

/// Appends the steps of a chain.
pub(crate) fn lower(lowering: &mut Lowering, layer: &Rows, context: Context) -> Result<(), CompileError> {
    let Some(choice) = choose(layer, &lowering.rates) else {
        let needed = Plan::new(layer, 1).bytes.iter().sum();
        let available = lowering.rates.nram;
        return Err(lowering.does_not_fit(context, Memory::Nram, needed, available));
    };
    let tiling = lowering.take(&choice);
    let blocks = blocks(layer, tiling.rows);
    let plan = Plan::new(layer, tiling.rows[0] * tiling.rows[1]);
    let [mut whole, loaded, mut between, stored] =
        lowering.claim(Memory::Nram, plan.claims(blocks.len() as u64), context)?;
    let base = |pool: &mut Pool| if pool.len() > 0 { pool.next() } else { 0 };
    let (whole, between) = (base(&mut whole), base(&mut between));
    let records = load_records(lowering, layer, context)?;
    for (value, &(area, offset)) in layer.values.iter().zip(&plan.places) {
        if let (Area::Whole, Some(view)) = (area, &value.tensor) {
            lowering.load_run(Memory::Nram, view.base, whole + offset, value.row_bytes());
        }
    }
    let ahead = blocks.len() > 1;
    let mut state = State { layer, plan, whole, between, loaded, stored, records };
    lowering.pipeline(&mut state, &blocks, ahead, prepare, compute);
    Ok(())
}

/// Brings the records of all steps to PRAM, and gives the first of each step.
fn load_records(lowering: &mut Lowering, layer: &Rows, context: Context) -> Result<Vec<u64>, CompileError> {
    let with_records = layer.steps.iter().filter(|step| step.records.is_some()).count() as u64;
    if with_records == 0 {
        return Ok(vec![0; layer.steps.len()]);
    }
    let claim = crate::tile::claim::Claim::new(layer.length * with_records, 1, 1);
    let [mut pool] = lowering.claim(Memory::Pram, [claim], context)?;
    let mut next = pool.next();
    let mut first = Vec::with_capacity(layer.steps.len());
    for step in &layer.steps {
        first.push(next);
        let Some(records) = &step.records else { continue };
        let mut bytes = Vec::with_capacity(records.len() * RECORD_BYTES as usize);
        for [bias, scale] in records {
            bytes.extend(bias.to_le_bytes());
            bytes.extend(scale.to_le_bytes());
            bytes.extend([0; 4]);
        }
        let length = bytes.len() as u64;
        let address = lowering.dram.place(bytes, &format!("records of layer `{}`", context.name))?;
        lowering.load_run(Memory::Pram, address, next, length);
        next += layer.length;
    }
    Ok(first)
}

/// The blocks in order.
fn blocks(layer: &Rows, [across, down]: [u64; 2]) -> Vec<Block> {
    let last = layer.axes.len() - 1;
    let mut found = vec![Block { start: SmallVec::new(), rows: [1, 1] }];
    for (axis, &extent) in layer.axes.iter().enumerate() {
        let step = match axis {
            _ if axis == last => across,
            _ if axis + 1 == last => down,
            _ => 1,
        };
        let cut = |block: &Block, start: u64| {
            let mut block = block.clone();
            block.start.push(start);
            let count = step.min(extent - start);
            match axis {
                _ if axis == last => block.rows[0] = count,
                _ if axis + 1 == last => block.rows[1] = count,
                _ => {}
            }
            block
        };
        let starts = || (0..extent).step_by(step as usize);
        found = found.iter().flat_map(|block| starts().map(move |start| cut(block, start))).collect();
    }
    found
}

impl Block {
    /// The address of a tensor's first row.
    fn address(&self, view: &View) -> u64 {
        view.base + self.start.iter().zip(&view.strides).map(|(index, stride)| index * stride).sum::<u64>()
    }

    /// A tensor's rows densely on chip, but for axes along which it is repeated.
    fn copy(&self, value: &RowValue, view: &View, chip: u64) -> BoxCopy {
        let mut sides = SmallVec::new();
        let mut dense = value.row_bytes();
        for (&count, stride) in self.rows.iter().zip(row_strides(view)).filter(|(_, stride)| *stride > 0) {
            sides.push(Side { count, dram: stride, chip: dense });
            dense *= count;
        }
        BoxCopy { dram: self.address(view), chip, run: value.row_bytes(), sides }
    }

    /// Elements between rows of a value that [`Block::copy`] brought, or that steps write.
    fn strides(&self, value: &RowValue) -> [u64; 2] {
        let repeated = |axis: usize| {
            value.tensor.as_ref().is_some_and(|view| !value.written && row_strides(view)[axis] == 0)
        };
        let inner = if repeated(0) { 0 } else { value.length };
        let rows = if repeated(0) { 1 } else { self.rows[0] };
        [inner, if repeated(1) { 0 } else { value.length * rows }]
    }
}

/// Bytes between rows along the last axis and the one before; 0 along an axis of one row, which has no say.
fn row_strides(view: &View) -> [u64; 2] {
    let last = view.shape.len() - 2;
    [last, last - 1].map(|axis| if view.shape[axis] == 1 { 0 } else { view.strides[axis] })
}

fn prepare(lowering: &mut Lowering, state: &mut State, block: &Block) -> u64 {
    let slot = if state.loaded.len() > 0 { state.loaded.next() } else { 0 };
    for (value, &(area, offset)) in state.layer.values.iter().zip(&state.plan.places) {
        if let (Area::Loaded, Some(view)) = (area, &value.tensor) {
            lowering.load(Memory::Nram, &block.copy(value, view, slot + offset));
        }
    }
    slot
}

fn compute(lowering: &mut Lowering, state: &mut State, block: &Block, loaded: u64) {
    let stored = if state.stored.len() > 0 { state.stored.next() } else { 0 };
    let places: Vec<Place> = (0..state.layer.values.len())
        .map(|index| {
            let (value, (area, offset)) = (&state.layer.values[index], state.plan.places[index]);
            let base = match area {
                Area::Whole => state.whole,
                Area::Loaded => loaded,
                Area::Between => state.between,
                Area::Stored => stored,
                Area::Kept => return kept(block, value),
            };
            Place { address: base + offset, strides: block.strides(value) }
        })
        .collect();
    for (index, step) in state.layer.steps.iter().enumerate() {
        lowering.vector(vector(state, block, &places, (index, step)));
    }
    for (value, &(area, offset)) in state.layer.values.iter().zip(&state.plan.places) {
        if let (Area::Stored, Some(view)) = (area, &value.tensor) {
            lowering.store(&block.copy(value, view, stored + offset));
        }
    }
}

/// Where the rows of a tensor lie that is kept in NRAM.
fn kept(block: &Block, value: &RowValue) -> Place {
    let Some(view) = &value.tensor else { return Place { address: 0, strides: [0; 2] } };
    Place { address: block.address(view), strides: row_strides(view).map(|stride| stride / view.element) }
}

/// The instruction of a step for a block.
fn vector(state: &State, block: &Block, places: &[Place], (index, step): (usize, &RowStep)) -> Vector {
    let layer = state.layer;
    let (a, d) = (&layer.values[step.a], &layer.values[step.d]);
    let b = match step.b {
        RowOperand::Value(b) => Some(b),
        RowOperand::None | RowOperand::Constant(_) => None,
    };
    let numbers = goes_over_numbers(layer, step);
    let element = |value: Option<usize>| value.map_or(d.element, |value| layer.values[value].element);
    let float = FloatOperands {
        types: OperandTypes { a: a.element, b: element(b), d: d.element },
        scales: step.readings.map(|reading| reading.scale),
        inverse_scale: step.writing.inverse_scale,
        constant: match step.b {
            RowOperand::Constant(constant) => Some(constant),
            RowOperand::None | RowOperand::Value(_) => None,
        },
        scalar: b.is_some_and(|b| layer.values[b].length == 1 && layer.length > 1 && !numbers),
        relation: step.relation,
        ..FloatOperands::default()
    };
    let [across, down] = block.rows;
    let vector = Vector {
        a: places[step.a].address,
        b: b.map_or(0, |b| places[b].address),
        p: state.records[index],
        zeros: [step.readings[0].zero, step.readings[1].zero, step.writing.zero],
        low: step.writing.low,
        high: step.writing.high,
        float,
        ..Vector::new(step.operation, places[step.d].address, layer.length)
    };
    if numbers {
        // One number a row, densely: one row of them all.
        return Vector { length: across * down, ..vector };
    }
    Vector {
        counts: [across, down],
        a_strides: places[step.a].strides,
        b_strides: b.map_or([0; 2], |b| places[b].strides),
        d_strides: places[step.d].strides,
        ..vector
    }
}
