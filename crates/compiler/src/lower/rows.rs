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
use crate::program::window::Range;
use crate::tile::claim::Claim;
use crate::tile::rows::{Area, Plan, choose, goes_over_numbers, record_count};

/// A chain whose blocks are lowered one after the other.
pub(super) struct Chain<'a> {
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

/// Where a chain has its places on chip.
pub(super) struct Places {
    /// Of what is loaded once, and of what passes between steps: first addresses in NRAM.
    pub constant: [u64; 2],
    /// Of what is loaded and of what is stored for each block.
    pub pools: [Pool; 2],
    /// The first record of PRAM that is its own.
    pub records: u64,
}

/// A block of rows.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// Index of its first row along each axis.
    pub start: SmallVec<[u64; 6]>,
    /// Rows along the last axis and along the one before.
    pub rows: [u64; 2],
    /// Which elements of each row.
    pub elements: Range,
}

/// Sums of a block in ARAM, and the first of their records.
#[derive(Debug, Clone, Copy)]
pub(super) struct SumsOf {
    /// The first accumulator.
    pub address: u64,
    /// Accumulators between rows along the last axis and the one before.
    pub strides: [u64; 2],
    /// The first record.
    pub records: u64,
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
        let needed = Plan::new(layer, 1, layer.length).bytes.iter().sum();
        let available = lowering.rates.nram;
        return Err(lowering.does_not_fit(context, Memory::Nram, needed, available));
    };
    let tiling = lowering.take(&choice);
    let blocks = blocks(layer, tiling.rows);
    let plan = Plan::new(layer, tiling.rows[0] * tiling.rows[1], layer.length);
    let [mut whole, loaded, mut between, stored] =
        lowering.claim(Memory::Nram, plan.claims(blocks.len() as u64), context)?;
    let base = |pool: &mut Pool| if pool.len() > 0 { pool.next() } else { 0 };
    let constant = [base(&mut whole), base(&mut between)];
    let records = match record_count(layer) {
        0 => 0,
        count => {
            let [mut pool] = lowering.claim(Memory::Pram, [Claim::new(count, 1, 1)], context)?;
            pool.next()
        }
    };
    let places = Places { constant, pools: [loaded, stored], records };
    let mut chain = Chain::begin(lowering, (layer, plan), places, context)?;
    let ahead = blocks.len() > 1;
    lowering.pipeline(
        &mut chain,
        &blocks,
        ahead,
        |lowering, chain, block| chain.load(lowering, block),
        |lowering, chain, block, loaded| chain.compute(lowering, block, loaded, None),
    );
    Ok(())
}

/// Brings the records of all steps to PRAM, and gives the first of each step.
fn load_records(
    lowering: &mut Lowering,
    layer: &Rows,
    mut next: u64,
    context: Context,
) -> Result<Vec<u64>, CompileError> {
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
    let elements = Range::new(0, layer.length);
    let mut found = vec![Block { start: SmallVec::new(), rows: [1, 1], elements }];
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
    /// Bytes of a value that come before the block's elements of a row.
    fn offset(&self, layer: &Rows, value: &RowValue) -> u64 {
        if value.length == layer.length { self.elements.start * value.element.bytes() as u64 } else { 0 }
    }

    /// The address of a tensor's first row.
    fn address(&self, layer: &Rows, value: &RowValue, view: &View) -> u64 {
        let rows = self.start.iter().zip(&view.strides).map(|(index, stride)| index * stride).sum::<u64>();
        view.base + rows + self.offset(layer, value)
    }

    /// A tensor's rows densely on chip, but for axes along which it is repeated.
    fn copy(&self, layer: &Rows, value: &RowValue, view: &View, chip: u64) -> BoxCopy {
        let mut sides = SmallVec::new();
        let run = layer.bytes_of(value, self.elements.count);
        let mut dense = run;
        for (&count, stride) in self.rows.iter().zip(row_strides(view)).filter(|(_, stride)| *stride > 0) {
            sides.push(Side { count, dram: stride, chip: dense });
            dense *= count;
        }
        BoxCopy { dram: self.address(layer, value, view), chip, run, sides }
    }

    /// Elements between rows of a value that [`Block::copy`] brought, or that steps write.
    fn strides(&self, layer: &Rows, value: &RowValue) -> [u64; 2] {
        let repeated = |axis: usize| {
            value.tensor.as_ref().is_some_and(|view| !value.written && row_strides(view)[axis] == 0)
        };
        let length = layer.bytes_of(value, self.elements.count) / value.element.bytes() as u64;
        let inner = if repeated(0) { 0 } else { length };
        let rows = if repeated(0) { 1 } else { self.rows[0] };
        [inner, if repeated(1) { 0 } else { length * rows }]
    }
}

/// Bytes between rows along the last axis and the one before; 0 along an axis of one row, which has no say.
fn row_strides(view: &View) -> [u64; 2] {
    let last = view.shape.len() - 2;
    [last, last - 1].map(|axis| if view.shape[axis] == 1 { 0 } else { view.strides[axis] })
}

impl<'a> Chain<'a> {
    /// Loads what is the same for all blocks.
    pub(super) fn begin(
        lowering: &mut Lowering,
        (layer, plan): (&'a Rows, Plan),
        places: Places,
        context: Context,
    ) -> Result<Chain<'a>, CompileError> {
        let Places { constant: [whole, between], pools: [loaded, stored], records } = places;
        let records = load_records(lowering, layer, records, context)?;
        for (value, &(area, offset)) in layer.values.iter().zip(&plan.places) {
            if let (Area::Whole, Some(view)) = (area, &value.tensor) {
                lowering.load_run(Memory::Nram, view.base, whole + offset, value.row_bytes());
            }
        }
        Ok(Chain { layer, plan, whole, between, loaded, stored, records })
    }

    /// Loads what a block reads, and says where.
    pub(super) fn load(&mut self, lowering: &mut Lowering, block: &Block) -> u64 {
        let slot = if self.loaded.len() > 0 { self.loaded.next() } else { 0 };
        for (value, &(area, offset)) in self.layer.values.iter().zip(&self.plan.places) {
            if let (Area::Loaded, Some(view)) = (area, &value.tensor) {
                lowering.load(Memory::Nram, &block.copy(self.layer, value, view, slot + offset));
            }
        }
        slot
    }

    /// Takes the steps, and stores what they leave; `loaded` is what [`Chain::load`] gave.
    pub(super) fn compute(
        &mut self,
        lowering: &mut Lowering,
        block: &Block,
        loaded: u64,
        sums: Option<&SumsOf>,
    ) {
        let (layer, stored) = (self.layer, if self.stored.len() > 0 { self.stored.next() } else { 0 });
        let places: Vec<Place> = (0..layer.values.len())
            .map(|index| {
                let (value, (area, offset)) = (&layer.values[index], self.plan.places[index]);
                if let (true, Some(sums)) = (layer.sums.is_some_and(|sums| sums.value == index), sums) {
                    return Place { address: sums.address, strides: sums.strides };
                }
                let base = match area {
                    Area::Whole => self.whole + block.offset(layer, value),
                    Area::Loaded => loaded,
                    Area::Between => self.between,
                    Area::Stored => stored,
                    Area::Kept => return kept(layer, block, value),
                };
                Place { address: base + offset, strides: block.strides(layer, value) }
            })
            .collect();
        for (index, step) in layer.steps.iter().enumerate() {
            let records = match sums {
                Some(sums) if layer.reads_sums(step) => sums.records,
                _ => self.records[index],
            };
            lowering.vector(vector(layer, block, &places, (records, step)));
        }
        for (value, &(area, offset)) in layer.values.iter().zip(&self.plan.places) {
            if let (Area::Stored, Some(view)) = (area, &value.tensor) {
                lowering.store(&block.copy(layer, value, view, stored + offset));
            }
        }
    }
}

/// Where the rows of a tensor lie that is kept in NRAM.
fn kept(layer: &Rows, block: &Block, value: &RowValue) -> Place {
    let Some(view) = &value.tensor else { return Place { address: 0, strides: [0; 2] } };
    let strides = row_strides(view).map(|stride| stride / view.element);
    Place { address: block.address(layer, value, view), strides }
}

/// The instruction of a step for a block.
fn vector(layer: &Rows, block: &Block, places: &[Place], (records, step): (u64, &RowStep)) -> Vector {
    let (a, d) = (&layer.values[step.a], &layer.values[step.d]);
    let b = match step.b {
        RowOperand::Value(b) => Some(b),
        RowOperand::None | RowOperand::Constant(_) => None,
    };
    let numbers = goes_over_numbers(layer, step);
    let element = |value: Option<usize>| value.map_or(d.element, |value| layer.values[value].element);
    let mut float = FloatOperands {
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
    if let Some(sums) = layer.sums.filter(|_| layer.reads_sums(step)) {
        (float.memory, float.records) = (Memory::Aram, sums.scale.is_none());
        float.scales[0] = sums.scale.unwrap_or(1.0);
    }
    let [across, down] = block.rows;
    let vector = Vector {
        a: places[step.a].address,
        b: b.map_or(0, |b| places[b].address),
        p: records,
        zeros: [step.readings[0].zero, step.readings[1].zero, step.writing.zero],
        low: step.writing.low,
        high: step.writing.high,
        float,
        ..Vector::new(step.operation, places[step.d].address, block.elements.count)
    };
    let vector = if numbers { Vector { length: 1, ..vector } } else { vector };
    let dense = |value: usize| across * down == 1 || places[value].strides == [1, across];
    if numbers && [Some(step.a), b, Some(step.d)].into_iter().flatten().all(dense) {
        // One number a row: one row of them all.
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
