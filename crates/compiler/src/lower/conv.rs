//! Convolutions and matrix products on the matrix unit.
//!
//! The layer is cut by a [`Tiling`]. An item is one tile of pixels, one tile of output channels and one
//! chunk of the reduction: one `dot`. After the last chunk the accumulators are requantised into an output
//! tile, a residual is added if there is one, a table is looked up if there is one, and the tile is stored.

use ediacara_arch::RECORD_BYTES;
use ediacara_isa::Memory;
use smallvec::SmallVec;

use crate::CompileError;
use crate::lower::lowering::{Context, HeldConstants, Lowering, TileSource};
use crate::lower::pixels::Part;
use crate::lower::pixels::Pixels;
use crate::lower::products::Products;
use crate::lower::rows::{Block, Chain, Places, SumsOf};
use crate::lower::slots::Pool;
use crate::lower::staging::{Staged, deal};
use crate::lower::weights::{TileImage, slices};
use crate::program::layer::Conv;
use crate::program::rows::Rows;
use crate::program::transfer::{BoxCopy, sides};
use crate::program::view::View;
use crate::program::window::Range;
use crate::tile::convolution::{Chunk, Order, Problem, Shortage, Tiling};
use crate::tile::cost::{Rates, Space};
use crate::tile::grouping::{self, Grouping};
use crate::tile::rows::Plan;

/// One `dot`.
#[derive(Debug, Clone, Copy)]
struct Item {
    group: u64,
    batch: u64,
    pixels: [Range; 2],
    pixel_tile: u32,
    blocks: Range,
    channel_tile: u32,
    chunk: usize,
}

struct Prepared {
    x: Pixels,
    w: u64,
    p: u64,
    residual: Option<Pixels>,
    /// Where what the epilogue reads was loaded to.
    loaded: u64,
}

struct State<'a> {
    conv: &'a Conv,
    problem: Problem,
    tiling: Tiling,
    chunks: Vec<Chunk>,
    x: Pool,
    y: Pool,
    residual: Pool,
    w: Pool,
    p: Pool,
    acc: Pool,
    epilogue: Option<Chain<'a>>,
    /// By tile of pixels, where the sums are on which it works.
    accumulators: Vec<u64>,
    /// DRAM address of each weight tile, [group][channel tile][chunk]; none of weights that are staged.
    weights: Vec<u64>,
    /// Where weights that a layer computes pass through NRAM.
    staged: Option<Staged>,
    /// DRAM address of the records of all channels.
    records: u64,
}

/// Appends the steps of a convolution.
pub(crate) fn lower(lowering: &mut Lowering, conv: &Conv, context: Context) -> Result<(), CompileError> {
    let rates = lowering.rates;
    let (problem, grouping) = grouping::convolution(conv, &rates);
    let space = conv.held.as_ref().map_or(rates.space(), |held| Space::of_held(held, rates.nram));
    let choice =
        lowering.choices.product(&problem, space).map_err(|shortage| refuse(lowering, context, shortage))?;
    let tiling = lowering.take(&choice);
    let claims = tiling.claims(&problem, &rates);
    let nram = [claims.x, claims.y, claims.residual, claims.staging, claims.table, claims.between];
    let [x, y, residual, staging, table, between] = lowering.claim(Memory::Nram, nram, context)?;
    let passing = conv.computed.as_ref().filter(|matrix| matrix.packing.is_none());
    let staged = passing.map(|matrix| Staged::new(matrix, staging, conv.w_zero));
    let cut = Cut { problem: &problem, tiling: &tiling, grouping, chunks: &tiling.chunks(&problem) };
    let (HeldConstants { w, p, weights, records }, own) = constants(lowering, conv, &cut, context)?;
    let unseen = || {
        let problem = "its rows cannot be seen as the pixels of its product".to_owned();
        CompileError::Layer { layer: context.name.to_owned(), problem }
    };
    let over_pixels = |rows: &Rows| rows.over(&axes(&problem)).ok_or_else(unseen);
    let rows = conv.epilogue.as_deref().map(over_pixels).transpose()?;
    let epilogue = match &rows {
        Some(rows) => {
            let (pixels, outputs) = tiling.largest(&problem, &rates);
            let plan = Plan::new(rows, pixels, outputs);
            let base = if between.len() > 0 { between.base(0) } else { 0 };
            let pools = [residual.clone(), y.clone()];
            let places = Places { constant: [base, base + plan.bytes[0]], pools, records: own };
            Some(Chain::begin(lowering, (rows, plan), places, context)?)
        }
        None => None,
    };
    let [acc] = lowering.claim(Memory::Aram, [claims.acc], context)?;
    let chunks = tiling.chunks(&problem);
    let mut state = State {
        conv,
        problem,
        tiling,
        chunks,
        x,
        y,
        residual,
        w,
        p,
        acc,
        epilogue,
        accumulators: Vec::new(),
        weights,
        staged,
        records,
    };
    if let Some(lookup) = &conv.table {
        lowering.load_table(lookup, table, context)?;
    }
    let ahead = tiling.prefetches(&problem, &rates);
    let items = items(&state, rates.columns);
    let pixel_tiles = items.iter().map(|item| item.pixel_tile as usize + 1).max().unwrap_or_default();
    state.accumulators = vec![0; pixel_tiles];
    lowering.pipeline(&mut state, items, ahead, prepare, compute);
    if let Some(held) = &conv.held {
        let State { w, p, weights, records, .. } = state;
        lowering.held.insert(held.index, HeldConstants { w, p, weights, records });
    }
    Ok(())
}

/// A convolution and how it is cut.
struct Cut<'a> {
    problem: &'a Problem,
    tiling: &'a Tiling,
    grouping: Grouping,
    chunks: &'a [Chunk],
}

/// The axes of the pixels of an output.
fn axes(problem: &Problem) -> [u64; 3] {
    [problem.y.batch, problem.y.height, problem.y.width]
}

/// The slots of weights and records, and where these lie in DRAM; and the first record of an epilogue's own. What is held on
/// chip is as the layer before left it.
fn constants(
    lowering: &mut Lowering,
    conv: &Conv,
    cut: &Cut,
    context: Context,
) -> Result<(HeldConstants, u64), CompileError> {
    let claims = cut.tiling.claims(cut.problem, &lowering.rates);
    let Some(held) = &conv.held else {
        let [w] = lowering.claim(Memory::Wram, [claims.w], context)?;
        let [p, own] = lowering.claim(Memory::Pram, [claims.p, claims.records], context)?;
        let (weights, records) = place(lowering, conv, cut, context)?;
        return Ok((HeldConstants { w, p, weights, records }, own.base(0)));
    };
    let constants = match lowering.held.remove(&held.index) {
        Some(constants) => constants,
        None => {
            let (weights, records) = place(lowering, conv, cut, context)?;
            let (w, p) = (Pool::at(held.wram.start, &claims.w), Pool::at(held.pram.start, &claims.p));
            HeldConstants { w, p, weights, records }
        }
    };
    lowering.note(Memory::Wram, std::slice::from_ref(&constants.w), Some(held.index));
    lowering.note(Memory::Pram, std::slice::from_ref(&constants.p), Some(held.index));
    Ok((constants, 0))
}

fn refuse(lowering: &Lowering, context: Context, shortage: Shortage) -> CompileError {
    lowering.does_not_fit(context, shortage.memory, shortage.needed, shortage.available)
}

fn channel_tiles(problem: &Problem, tiling: &Tiling, columns: u64) -> Vec<Range> {
    Range::cut(problem.outputs.div_ceil(columns), tiling.blocks)
}

/// Puts the constants into DRAM: weights tile by tile, as they are loaded, and records.
fn place(
    lowering: &mut Lowering,
    conv: &Conv,
    cut: &Cut,
    context: Context,
) -> Result<(Vec<u64>, u64), CompileError> {
    let &Cut { problem, tiling, grouping, chunks } = cut;
    let slices = slices(&conv.weights, context)?;
    let what = |part: &str| format!("{part} of layer `{}`", context.name);
    let order = conv.order.as_deref();
    let records = match order {
        Some(order) => slices.records_of(order.iter().map(|&channel| channel as usize)),
        None => slices.records(Range::new(0, conv.y.channels)),
    };
    let records = records.repeat(grouping.joint.pixels as usize);
    if conv.computed.is_some() {
        return Ok((Vec::new(), lowering.dram.place(records, &what("records"))?));
    }
    let array = [lowering.rates.rows, lowering.rates.columns];
    let image = TileImage { slices, zero: conv.w_zero, grouping, order, problem, tiling, array };
    let (mut bytes, mut offsets) = (Vec::new(), Vec::new());
    for group in 0..problem.groups {
        for blocks in channel_tiles(problem, tiling, array[1]) {
            for chunk in chunks {
                bytes.resize(bytes.len().next_multiple_of(lowering.rates.burst as usize), 0);
                offsets.push(bytes.len() as u64);
                bytes.extend(image.bytes(group, blocks, chunk));
            }
        }
    }
    let base = lowering.dram.place(bytes, &what("weights"))?;
    let records = lowering.dram.place(records, &what("records"))?;
    Ok((offsets.into_iter().map(|offset| base + offset).collect(), records))
}

/// The items in program order.
fn items(state: &State, columns: u64) -> Vec<Item> {
    let State { problem, tiling, .. } = state;
    let mut pixels = Vec::new();
    for batch in 0..problem.y.batch {
        for rows in Range::cut(problem.y.height, tiling.pixels[0]) {
            for across in Range::cut(problem.y.width, tiling.pixels[1]) {
                pixels.push((batch, [rows, across]));
            }
        }
    }
    let channels = channel_tiles(problem, tiling, columns);
    let mut products = Vec::new();
    for group in 0..problem.groups {
        products.extend(channels.iter().enumerate().map(|(tile, &blocks)| (group, tile as u32, blocks)));
    }
    let (xs, ws, chunks) = (0..pixels.len(), 0..products.len(), 0..state.chunks.len());
    let mut found = Vec::with_capacity(xs.len() * ws.len() * chunks.len());
    let mut add = |pixel: usize, product: usize, chunk: usize| {
        let ((batch, pixels), (group, channel_tile, blocks)) = (pixels[pixel], products[product]);
        found.push(Item { group, batch, pixels, pixel_tile: pixel as u32, blocks, channel_tile, chunk });
    };
    match tiling.order {
        Order::WeightsOuter => {
            ws.for_each(|w| xs.clone().for_each(|x| chunks.clone().for_each(|chunk| add(x, w, chunk))));
        }
        Order::ChunksOuter => {
            ws.for_each(|w| chunks.clone().for_each(|chunk| xs.clone().for_each(|x| add(x, w, chunk))));
        }
        Order::PixelsOuter => {
            xs.for_each(|x| ws.clone().for_each(|w| chunks.clone().for_each(|chunk| add(x, w, chunk))));
        }
    }
    found
}

impl State<'_> {
    /// Output channels of the item, counted over all groups.
    fn outputs(&self, item: &Item, columns: u64) -> Range {
        let first = item.blocks.start * columns;
        let count = (item.blocks.count * columns).min(self.problem.outputs - first);
        Range::new(item.group * self.problem.outputs + first, count)
    }

    fn part(&self, item: &Item, columns: u64) -> Part {
        Part { batch: item.batch, pixels: item.pixels, channels: self.outputs(item, columns) }
    }

    fn block(&self, item: &Item, columns: u64) -> Block {
        let [rows, across] = item.pixels;
        Block {
            start: SmallVec::from_slice(&[item.batch, rows.start, across.start]),
            rows: [across.count, rows.count],
            elements: self.outputs(item, columns),
        }
    }

    fn is_last_chunk(&self, item: &Item) -> bool {
        item.chunk + 1 == self.chunks.len()
    }
}

/// Loads what the item needs and its slots do not hold yet: weights first, as they depend on nothing that
/// is computed. Those that are computed are dealt out to WRAM before the input is loaded, or behind it.
fn prepare(lowering: &mut Lowering, state: &mut State, item: Item) -> Prepared {
    let (w, tile) = weights(lowering, state, &item);
    let p = records(lowering, state, &item);
    let (first, last) = if state.conv.computed_first { (tile, None) } else { (None, tile) };
    if let Some(tile) = first {
        deal(lowering, &tile);
    }
    let x = input(lowering, state, &item);
    let part = state.part(&item, lowering.rates.columns);
    let block = state.block(&item, lowering.rates.columns);
    let is_last = state.is_last_chunk(&item);
    let loaded = match &mut state.epilogue {
        Some(epilogue) if is_last => epilogue.load(lowering, &block),
        _ => 0,
    };
    let residual = match &state.problem.residual {
        Some(image) if state.is_last_chunk(&item) && image.is_kept() => Some(Pixels::kept(image, &part)),
        Some(image) if state.is_last_chunk(&item) => {
            let slot = state.residual.next();
            lowering.load_box(image, &part, slot);
            Some(Pixels::dense(slot, &part))
        }
        _ => None,
    };
    if let Some(tile) = last {
        deal(lowering, &tile);
    }
    Prepared { x, w, p, residual, loaded }
}

/// The WRAM address of the item's weights, loaded if they are not there yet; those that are computed are loaded to NRAM, with
/// what [`deal`] is to do.
fn weights(lowering: &mut Lowering, state: &mut State, item: &Item) -> (u64, Option<BoxCopy>) {
    let (problem, chunk) = (state.problem, state.chunks[item.chunk]);
    let (slot, held) = state.w.take([item.group as u32, item.channel_tile, item.chunk as u32, 0]);
    let chip = state.w.base(slot);
    if held {
        return (chip, None);
    }
    if let Some(staged) = &mut state.staged {
        return (chip, Some(staged.load(lowering, item.blocks, chunk.channels, chip)));
    }
    if let Some(matrix) = &state.conv.computed {
        lowering.load(Memory::Wram, &packed(&lowering.rates, matrix, [item.blocks, chunk.channels], chip));
        return (chip, None);
    }
    let columns = lowering.rates.columns;
    let tile_index = (item.group * problem.outputs.div_ceil(columns).div_ceil(state.tiling.blocks))
        + u64::from(item.channel_tile);
    let address = state.weights[tile_index as usize * state.chunks.len() + item.chunk];
    let steps = state.tiling.steps(&problem, &chunk, &lowering.rates);
    lowering.load_run(Memory::Wram, address, chip, item.blocks.count * steps * lowering.rates.row_bytes());
    (chip, None)
}

/// Blocks of output columns and terms of a packed matrix to WRAM address `chip`. Chunks of terms are whole steps.
fn packed(rates: &Rates, matrix: &View, [blocks, terms]: [Range; 2], chip: u64) -> BoxCopy {
    let (all, steps) = (matrix.shape[1] / rates.rows, terms.count / rates.rows);
    let first = blocks.start * all + terms.start / rates.rows;
    let [pitch, run] = [all, steps].map(|steps| steps * rates.row_bytes());
    let dram = matrix.base + first * rates.row_bytes();
    BoxCopy { dram, chip, run, sides: sides(&[(blocks.count, pitch, run)]) }
}

/// The PRAM address of the item's records, loaded if they are not there yet.
fn records(lowering: &mut Lowering, state: &mut State, item: &Item) -> u64 {
    let (slot, held) = state.p.take([item.group as u32, item.channel_tile, 0, 0]);
    let chip = state.p.base(slot);
    let reads_records = state.problem.epilogue.is_none_or(|epilogue| epilogue.reads_records);
    if !held && reads_records {
        let outputs = state.outputs(item, lowering.rates.columns);
        let address = state.records + outputs.start * RECORD_BYTES;
        lowering.load_run(Memory::Pram, address, chip, outputs.count * RECORD_BYTES);
    }
    chip
}

/// Where the first tap of the item's first output lies in NRAM, loaded if it is not there yet.
fn input(lowering: &mut Lowering, state: &mut State, item: &Item) -> Pixels {
    let (problem, chunk) = (state.problem, state.chunks[item.chunk]);
    let own = item.group * problem.inputs;
    if problem.x.is_kept() {
        let position = [0, 1].map(|axis| problem.window.start(axis, item.pixels[axis], chunk.taps[axis]));
        return Pixels::framed(&problem.x, item.batch, position, own + chunk.channels.start);
    }
    let shared = state.tiling.shared_input;
    let group = if shared { 0 } else { item.group };
    let tile = state.tiling.tile(&problem, item.pixels, &chunk);
    let (slot, held) = state.x.take([group as u32, item.pixel_tile, item.chunk as u32, 0]);
    if !held {
        let channel = if shared { 0 } else { own + chunk.channels.start };
        let source =
            TileSource { image: &problem.x, batch: item.batch, channel, pad: state.conv.x_zero.into() };
        lowering.load_tile(&mut state.x, slot, &tile, &source);
    }
    let channel = if shared { own } else { 0 };
    let address = state.x.base(slot) + tile.origin() + channel;
    Pixels { address, pixel: tile.pixel, row: tile.row_stride() }
}

fn compute(lowering: &mut Lowering, state: &mut State, item: Item, prepared: Prepared) {
    if item.chunk == 0 {
        state.accumulators[item.pixel_tile as usize] = state.acc.next();
    }
    let accumulators = state.accumulators[item.pixel_tile as usize];
    let columns = lowering.rates.columns;
    let part = state.part(&item, columns);
    lowering.dot(&Products {
        conv: state.conv,
        problem: &state.problem,
        tiling: &state.tiling,
        chunk: state.chunks[item.chunk],
        x: prepared.x,
        w: prepared.w,
        acc: accumulators,
        pixels: [item.pixels[1].count, item.pixels[0].count],
        blocks: item.blocks.count,
        accumulate: item.chunk > 0,
    });
    if !state.is_last_chunk(&item) {
        return;
    }
    let pixel = item.blocks.count * columns;
    let block = state.block(&item, columns);
    if let Some(epilogue) = &mut state.epilogue {
        let strides = [pixel, part.pixels[1].count * pixel];
        let sums = SumsOf { address: accumulators, strides, records: prepared.p };
        return epilogue.compute(lowering, &block, prepared.loaded, Some(&sums));
    }
    let problem = &state.problem;
    let y = match problem.y.is_kept() {
        true => Pixels::kept(&problem.y, &part),
        false => Pixels::dense(state.y.next(), &part),
    };
    let sums = Pixels { address: accumulators, pixel, row: part.pixels[1].count * pixel };
    let addend = prepared.residual.as_ref();
    lowering.finish((state.conv, problem), &part, (&sums, prepared.p), &y, addend);
}
