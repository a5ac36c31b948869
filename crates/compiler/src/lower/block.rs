//! A depthwise convolution or a pool with its neighbours: matrix and vector unit at work at once.
//!
//! Pieces ([`crate::tile::block`]) pass four stages: *expand* (matrix unit), *requantise* and *window* (vector
//! unit), *project* (matrix unit). At step j of the pipeline piece j+2 is expanded, j+1 requantised, j goes through
//! the window and j-1 is projected, so that all that a stage reads was written a step before, by the other engine, while
//! this one worked on something else. What a stage loads is loaded one step ahead.
//!
//! The stages of one step are written in an order that is right even if they ran one after the other; nothing here
//! knows of semaphores.

use ediacara_arch::RECORD_BYTES;
use ediacara_isa::Memory;

use crate::CompileError;
use crate::lower::depthwise::{Rows, window_rows, window_weights};
use crate::lower::lowering::{Context, Lowering, TileSource};
use crate::lower::pixels::Part;
use crate::lower::pixels::Pixels;
use crate::lower::pool;
use crate::lower::products::{Products, Sums};
use crate::lower::slots::Pool;
use crate::lower::weights::{TileImage, slices};
use crate::program::layer::{Block, Conv, Middle};
use crate::program::window::{Range, Tile};
use crate::tile::block::tiling::{BlockProblem, BlockTiling, Piece, expand_steps, whole, x_tile};
use crate::tile::convolution::{Chunk, Problem};
use crate::tile::cost::Rates;
use crate::tile::grouping::{self, Grouping, Joint};

/// One piece on its way.
#[derive(Debug, Clone, Copy)]
struct Stage {
    batch: u64,
    /// Output rows of the tile, and which tile of all batches it is.
    rows: Range,
    tile: u32,
    /// Channels of the group, and which group it is.
    channels: Range,
    group: u32,
    /// Which item it is part of, counted over tiles and groups.
    item: u32,
    piece: Piece,
    /// Whether the piece is the first of its item.
    begins: bool,
    /// Whether the group is the last of the tile.
    completes: bool,
}

/// DRAM addresses of the constants, by group.
#[derive(Default)]
struct Constants {
    expand_weights: Vec<u64>,
    expand_records: u64,
    window_weights: Vec<u64>,
    window_records: Vec<u64>,
    project_weights: Vec<u64>,
    project_records: u64,
}

struct State<'a> {
    block: &'a Block,
    problem: BlockProblem,
    stages: Vec<Stage>,
    constants: Constants,
    x: Pool,
    middle: Pool,
    between: Pool,
    y: Pool,
    window_weights: Pool,
    expand_weights: Pool,
    project_weights: Pool,
    expanded: Pool,
    projected: Pool,
    expand_records: Pool,
    window_records: Pool,
    project_records: Pool,
    /// By stage: where its accumulators and its depthwise output are.
    accumulators: Vec<u64>,
    outputs: Vec<u64>,
    groups: usize,
}

/// Appends the steps of a block.
pub(crate) fn lower(lowering: &mut Lowering, block: &Block, context: Context) -> Result<(), CompileError> {
    let problem = grouping::block(block);
    let Some(choice) = lowering.choices.block(&problem, lowering.rates.space()) else {
        let problem = "no tile of the block fits: compile with `--disable fuse-block`".to_owned();
        return Err(CompileError::Layer { layer: context.name.to_owned(), problem });
    };
    let tiling = lowering.take(&choice);
    let claims = tiling.claims(&problem, &lowering.rates);
    let [x, middle, between, y, window_weights] = lowering.claim(Memory::Nram, claims.nram(), context)?;
    let [expand_weights, project_weights] = lowering.claim(Memory::Wram, claims.wram(), context)?;
    let [expanded, projected] = lowering.claim(Memory::Aram, claims.aram(), context)?;
    let [expand_records, window_records, project_records] =
        lowering.claim(Memory::Pram, claims.pram(), context)?;
    let constants = place(lowering, block, &problem, &tiling, context)?;
    if let Some(beats) = lowering.repeated_beats.last_mut() {
        *beats += repeated_beats(&problem, &tiling, &lowering.rates);
    }
    let stages = stages(&problem, &tiling);
    let count = stages.len();
    let mut state = State {
        block,
        problem,
        stages,
        constants,
        x,
        middle,
        between,
        y,
        window_weights,
        expand_weights,
        project_weights,
        expanded,
        projected,
        expand_records,
        window_records,
        project_records,
        accumulators: vec![0; count],
        outputs: vec![0; count],
        groups: problem.groups(tiling.channels).len(),
    };
    run(lowering, &mut state);
    Ok(())
}

/// The pipeline, filled and drained.
fn run(lowering: &mut Lowering, state: &mut State) {
    for step in 0..state.stages.len() + 5 {
        // Pieces are loaded first, three steps before they go through the window.
        let piece = |state: &State, ahead: i32| {
            let at = step.checked_sub((3 - ahead) as usize)?;
            state.stages.get(at).copied().map(|stage| (at, stage))
        };
        let ahead = [3, 2, 1, 0].map(|ahead| piece(state, ahead).map(|(_, stage)| stage));
        lowering.tile = ahead.iter().flatten().next().map(|stage| stage.tile);
        load(lowering, state, ahead);
        if let Some((_, stage)) = piece(state, -2) {
            lowering.tile = Some(stage.tile);
            finish(lowering, state, &stage);
        }
        if let Some((at, stage)) = piece(state, 2) {
            lowering.tile = Some(stage.tile);
            expand(lowering, state, at, &stage);
        }
        if let Some((at, stage)) = piece(state, 0) {
            lowering.tile = Some(stage.tile);
            window(lowering, state, at, &stage);
        }
        if let Some((at, stage)) = piece(state, 1) {
            lowering.tile = Some(stage.tile);
            requantise(lowering, state, at, &stage);
        }
        if let Some((at, stage)) = piece(state, -1) {
            lowering.tile = Some(stage.tile);
            project(lowering, state, at, &stage);
        }
    }
    lowering.tile = None;
}

/// The pieces in program order: tile by tile, group by group.
fn stages(problem: &BlockProblem, tiling: &BlockTiling) -> Vec<Stage> {
    let groups = problem.groups(tiling.channels);
    let mut found = Vec::new();
    let mut tile = 0;
    for batch in 0..problem.window.y.batch {
        for rows in Range::cut(problem.window.y.height, tiling.rows) {
            let pieces = problem.pieces(rows, tiling.piece);
            for (group, &channels) in groups.iter().enumerate() {
                found.extend(pieces.iter().enumerate().map(|(index, &piece)| Stage {
                    batch,
                    rows,
                    tile,
                    channels,
                    group: group as u32,
                    item: tile * groups.len() as u32 + group as u32,
                    piece,
                    begins: index == 0,
                    completes: group + 1 == groups.len(),
                }));
            }
            tile += 1;
        }
    }
    found
}

/// Beats on rows that are expanded for two tiles, because the windows of both see them.
fn repeated_beats(problem: &BlockProblem, tiling: &BlockTiling, rates: &Rates) -> u64 {
    let Some(expand) = &problem.expand else { return 0 };
    let (mut repeated, mut end, mut across) = (0, 0, 0);
    for rows in Range::cut(problem.window.y.height, tiling.rows) {
        let middle = problem.middle(rows, 1);
        repeated += end.min(middle.rows.first + middle.rows.valid).saturating_sub(middle.rows.first);
        end = end.max(middle.rows.first + middle.rows.valid);
        across = middle.columns.valid;
    }
    let groups = problem.groups(tiling.channels);
    let blocks: u64 = groups.iter().map(|group| group.count.div_ceil(rates.columns)).sum();
    problem.window.y.batch * repeated * across * blocks * expand_steps(expand, rates)
}

/// Puts the constants into DRAM, group by group, as they are loaded.
fn place(
    lowering: &mut Lowering,
    block: &Block,
    problem: &BlockProblem,
    tiling: &BlockTiling,
    context: Context,
) -> Result<Constants, CompileError> {
    let groups = problem.groups(tiling.channels);
    let columns = lowering.rates.columns;
    let mut constants = Constants::default();
    if let (Some(conv), Some(problem)) = (&block.expand, &problem.expand) {
        let (_, chunk) = whole(problem);
        let parts: Vec<(Range, Chunk)> = groups
            .iter()
            .map(|group| (Range::new(group.start / columns, group.count.div_ceil(columns)), chunk))
            .collect();
        (constants.expand_weights, constants.expand_records) =
            place_products(lowering, conv, problem, &parts, context)?;
    }
    if let (Some(conv), Some(problem)) = (&block.project, &problem.project) {
        let (_, chunk) = whole(problem);
        let blocks = Range::new(0, problem.outputs.div_ceil(columns));
        let parts: Vec<(Range, Chunk)> =
            groups.iter().map(|&channels| (blocks, Chunk { channels, ..chunk })).collect();
        (constants.project_weights, constants.project_records) =
            place_products(lowering, conv, problem, &parts, context)?;
    }
    let Middle::Depthwise(conv) = &block.middle else { return Ok(constants) };
    let slices = slices(&conv.weights, context)?;
    for &group in &groups {
        let what = format!("window weights of layer `{}`", context.name);
        let joined = problem.joined(group.count, &lowering.rates);
        let weights = window_weights(&slices, conv, group, joined);
        constants.window_weights.push(lowering.dram.place(weights, &what)?);
        let records = slices.records(group).repeat(joined as usize);
        constants.window_records.push(lowering.dram.place(records, &what)?);
    }
    Ok(constants)
}

/// Weights of a product, part by part (blocks of output channels, chunk of the reduction), and all its records.
fn place_products(
    lowering: &mut Lowering,
    conv: &Conv,
    problem: &Problem,
    parts: &[(Range, Chunk)],
    context: Context,
) -> Result<(Vec<u64>, u64), CompileError> {
    let slices = slices(&conv.weights, context)?;
    let (tiling, _) = whole(problem);
    let grouping =
        Grouping { merged: 1, inputs: problem.inputs, outputs: problem.outputs, joint: Joint::NONE };
    let array = [lowering.rates.rows, lowering.rates.columns];
    let order = None;
    let image = TileImage { slices, zero: conv.w_zero, grouping, order, problem, tiling: &tiling, array };
    let (mut bytes, mut offsets) = (Vec::new(), Vec::new());
    for (blocks, chunk) in parts {
        bytes.resize(bytes.len().next_multiple_of(lowering.rates.burst as usize), 0);
        offsets.push(bytes.len() as u64);
        bytes.extend(image.bytes(0, *blocks, chunk));
    }
    let what = format!("weights of layer `{}`", context.name);
    let base = lowering.dram.place(bytes, &what)?;
    let records = lowering.dram.place(slices.records(Range::new(0, problem.outputs)), &what)?;
    Ok((offsets.into_iter().map(|offset| base + offset).collect(), records))
}

impl State<'_> {
    /// Tile of the window's input.
    fn tile(&self, stage: &Stage) -> Tile {
        self.problem.middle(stage.rows, stage.channels.count)
    }

    /// Address of the tile of the block's input, where that is loaded.
    fn input(&self, stage: &Stage) -> u64 {
        self.x.base(stage.tile as usize % self.x.len())
    }

    /// Where the first tap of the expansion of the tile's first pixel lies.
    fn expansion(&self, stage: &Stage, problem: &Problem) -> Pixels {
        let middle = self.tile(stage);
        if problem.x.is_kept() {
            let pixels = [middle.rows, middle.columns].map(|span| Range::new(span.first, span.valid));
            let position = [0, 1].map(|axis| problem.window.start(axis, pixels[axis], Range::new(0, 1)));
            return Pixels::framed(&problem.x, stage.batch, position, 0);
        }
        let tile = x_tile(problem, &middle);
        Pixels { address: self.input(stage) + tile.origin(), pixel: tile.pixel, row: tile.row_stride() }
    }

    /// Where the first tap of the window of the tile's first output lies.
    fn middle(&self, stage: &Stage) -> Pixels {
        let window = &self.problem.window;
        if self.problem.expand.is_none() && window.x.is_kept() {
            let pixels = [stage.rows, Range::new(0, self.width())];
            let position = [0, 1].map(|axis| window.window.start(axis, pixels[axis], Range::new(0, 1)));
            return Pixels::framed(&window.x, stage.batch, position, stage.channels.start);
        }
        let tile = self.tile(stage);
        let slot = self.middle.base(stage.item as usize % self.middle.len());
        Pixels { address: slot + tile.origin(), pixel: tile.pixel, row: tile.row_stride() }
    }

    /// The pixels that a piece completes, and some channels of them.
    fn part(&self, stage: &Stage, channels: Range) -> Part {
        let pixels = [stage.piece.output, Range::new(0, self.width())];
        Part { batch: stage.batch, pixels, channels }
    }

    /// Pixels of an output row.
    fn width(&self) -> u64 {
        self.problem.window.y.width
    }
}

impl Stage {
    /// The slot of what depends on the group alone, and whether it has to be loaded: a pool either holds all groups or
    /// takes them in turn.
    fn slot(&self, pool: &Pool, groups: usize) -> (usize, bool) {
        if pool.len() >= groups {
            (self.group as usize, self.tile == 0)
        } else {
            (self.item as usize % pool.len(), true)
        }
    }
}

/// Loads what the pieces of the next step read: for expansion, requantisation, window and projection.
fn load(lowering: &mut Lowering, state: &mut State, stages: [Option<Stage>; 4]) {
    let [expand, requantise, window, project] = stages.map(|stage| stage.filter(|stage| stage.begins));
    if let (Some(stage), Some(problem)) = (expand, state.problem.expand) {
        load_expansion(lowering, state, &stage, &problem);
    }
    if let (Some(stage), true) = (requantise, state.block.expand.is_some())
        && let (slot, true) = stage.slot(&state.expand_records, state.groups)
    {
        let address = state.constants.expand_records + RECORD_BYTES * stage.channels.start;
        let chip = state.expand_records.base(slot);
        lowering.load_run(Memory::Pram, address, chip, RECORD_BYTES * stage.channels.count);
    }
    if let Some(stage) = window {
        load_window(lowering, state, &stage);
    }
    if let (Some(stage), Some(problem)) = (project, &state.problem.project) {
        if let (slot, true) = stage.slot(&state.project_weights, state.groups) {
            let rates = &lowering.rates;
            let bytes = stage.channels.count.div_ceil(rates.rows) * problem.blocks(rates) * rates.row_bytes();
            let address = state.constants.project_weights[stage.group as usize];
            lowering.load_run(Memory::Wram, address, state.project_weights.base(slot), bytes);
        }
        if stage.item == 0 {
            let (address, bytes) = (state.constants.project_records, RECORD_BYTES * problem.outputs);
            lowering.load_run(Memory::Pram, address, state.project_records.base(0), bytes);
        }
    }
}

/// Loads the weights of the expansion of a group and, with a tile's first group, the tile of the block's input.
fn load_expansion(lowering: &mut Lowering, state: &mut State, stage: &Stage, problem: &Problem) {
    if let (slot, true) = stage.slot(&state.expand_weights, state.groups) {
        let rates = &lowering.rates;
        let blocks = stage.channels.count.div_ceil(rates.columns);
        let bytes = blocks * expand_steps(problem, rates) * rates.row_bytes();
        let address = state.constants.expand_weights[stage.group as usize];
        lowering.load_run(Memory::Wram, address, state.expand_weights.base(slot), bytes);
    }
    if let (0, Some(conv), false) = (stage.group, &state.block.expand, problem.x.is_kept()) {
        let tile = x_tile(problem, &state.tile(stage));
        let source = TileSource { image: &conv.x, batch: stage.batch, channel: 0, pad: conv.x_zero.into() };
        let slot = stage.tile as usize % state.x.len();
        lowering.load_tile(&mut state.x, slot, &tile, &source);
    }
}

/// Loads weights and records of the window of a group; and the tile itself, where nothing expands.
fn load_window(lowering: &mut Lowering, state: &mut State, stage: &Stage) {
    if let Middle::Depthwise(conv) = &state.block.middle {
        load_weights(lowering, state, stage, conv);
    }
    if state.block.expand.is_none() && !state.problem.window.x.is_kept() {
        let (image, _, _) = state.block.middle.shape();
        let slot = stage.item as usize % state.middle.len();
        let (tile, channel) = (state.tile(stage), stage.channels.start);
        let source =
            TileSource { image: &image, batch: stage.batch, channel, pad: state.block.middle.pad().into() };
        lowering.load_tile(&mut state.middle, slot, &tile, &source);
    }
}

/// Loads weights and records of the depthwise convolution of a group.
fn load_weights(lowering: &mut Lowering, state: &State, stage: &Stage, conv: &Conv) {
    let row = stage.channels.count * state.problem.joined(stage.channels.count, &lowering.rates);
    let group = stage.group as usize;
    if let (slot, true) = stage.slot(&state.window_records, state.groups) {
        let address = state.constants.window_records[group];
        lowering.load_run(Memory::Pram, address, state.window_records.base(slot), RECORD_BYTES * row);
    }
    if let (slot, true) = stage.slot(&state.window_weights, state.groups) {
        let taps = conv.window.kernel[0] * conv.window.kernel[1];
        let address = state.constants.window_weights[group];
        lowering.load_run(Memory::Nram, address, state.window_weights.base(slot), taps * row);
    }
}

/// Inner products of the rows that a piece adds.
fn expand(lowering: &mut Lowering, state: &mut State, at: usize, stage: &Stage) {
    let (Some(conv), Some(problem)) = (&state.block.expand, state.problem.expand) else { return };
    let input = stage.piece.input;
    if input.count == 0 {
        return;
    }
    let rates = lowering.rates;
    let (tiling, chunk) = whole(&problem);
    let (middle, x) = (state.tile(stage), state.expansion(stage, &problem));
    let (weights, _) = stage.slot(&state.expand_weights, state.groups);
    let accumulators = state.expanded.next();
    state.accumulators[at] = accumulators;
    let first = input.start - middle.rows.first;
    lowering.dot(&Products {
        conv,
        problem: &problem,
        tiling: &tiling,
        chunk,
        x: Pixels { address: x.address + first * problem.window.stride[0] * x.row, ..x },
        w: state.expand_weights.base(weights),
        acc: accumulators,
        pixels: [middle.columns.valid, input.count],
        blocks: stage.channels.count.div_ceil(rates.columns),
        accumulate: false,
    });
}

/// Brings accumulators into the framed input of the window, whose padding is painted first.
fn requantise(lowering: &mut Lowering, state: &mut State, at: usize, stage: &Stage) {
    let Some(conv) = &state.block.expand else { return };
    let tile = state.tile(stage);
    let base = state.middle.base(0);
    if stage.begins {
        let geometry = [stage.rows.start as u32, stage.rows.count as u32, stage.channels.count as u32, 0];
        if state.middle.note(0) != Some(geometry) {
            lowering.paint(base, &tile, state.block.middle.pad());
            state.middle.set_note(0, Some(geometry));
        }
    }
    let input = stage.piece.input;
    if input.count == 0 {
        return;
    }
    let (records, _) = stage.slot(&state.expand_records, state.groups);
    let channels = stage.channels.count;
    let pixel = channels.next_multiple_of(lowering.rates.columns);
    let width = tile.columns.valid;
    let first = base + tile.first_valid() + (input.start - tile.rows.first) * tile.row_stride();
    let sums = Sums {
        acc: state.accumulators[at],
        p: state.expand_records.base(records),
        y: first,
        channels,
        counts: [width, input.count],
        acc_strides: [pixel, width * pixel],
        y_strides: [tile.pixel, tile.row_stride()],
    };
    lowering.requantise(&conv.output, &sums);
}

/// The window over the rows that a piece completes.
fn window(lowering: &mut Lowering, state: &mut State, at: usize, stage: &Stage) {
    let rows = stage.piece.output;
    if rows.count == 0 {
        return;
    }
    let projects = state.block.project.is_some();
    let part = state.part(stage, stage.channels);
    let image = state.problem.window.y;
    let kept = !projects && image.is_kept();
    let y = match projects {
        _ if kept => Pixels::kept(&image, &part),
        true => Pixels::dense(state.between.next(), &part),
        false => Pixels::dense(state.y.next(), &part),
    };
    state.outputs[at] = y.address;
    let mut x = state.middle(stage);
    x.address += (rows.start - stage.rows.start) * state.problem.window.window.stride[0] * x.row;
    let channels = stage.channels.count;
    match &state.block.middle {
        Middle::Depthwise(conv) => {
            let (weights, _) = stage.slot(&state.window_weights, state.groups);
            let (records, _) = stage.slot(&state.window_records, state.groups);
            let rows = Rows {
                channels,
                joined: state.problem.joined(channels, &lowering.rates),
                pixels: [rows.count, state.width()],
                x,
                w: state.window_weights.base(weights),
                p: state.window_records.base(records),
                y,
            };
            window_rows(lowering, conv, &rows);
        }
        Middle::MaxPool(layer) => {
            pool::rows(lowering, layer, channels, [rows.count, state.width()], [x, y], pool::UNSCALED);
        }
    }
    if !projects && !kept {
        lowering.store_box(&image, &part, y.address);
    }
}

/// Adds the products of a group into the accumulators of the tile.
fn project(lowering: &mut Lowering, state: &mut State, at: usize, stage: &Stage) {
    let (Some(conv), Some(problem)) = (&state.block.project, state.problem.project) else { return };
    let rows = stage.piece.output;
    if rows.count == 0 {
        return;
    }
    let rates = lowering.rates;
    let (weights, _) = stage.slot(&state.project_weights, state.groups);
    let blocks = problem.blocks(&rates);
    let (tiling, chunk) = whole(&problem);
    lowering.dot(&Products {
        conv,
        problem: &problem,
        tiling: &tiling,
        chunk: Chunk { channels: stage.channels, ..chunk },
        x: Pixels { address: state.outputs[at], pixel: stage.channels.count, row: 0 },
        w: state.project_weights.base(weights),
        acc: projected(state, stage, blocks * rates.columns),
        pixels: [rows.count * state.width(), 1],
        blocks,
        accumulate: stage.group > 0,
    });
}

/// First accumulator of the rows of a piece, for pixels of `pixel` accumulators.
fn projected(state: &State, stage: &Stage, pixel: u64) -> u64 {
    state.projected.base(0) + (stage.piece.output.start - stage.rows.start) * state.width() * pixel
}

/// Requantises what the last group completed, adds the residual, and stores.
fn finish(lowering: &mut Lowering, state: &mut State, stage: &Stage) {
    let (Some(conv), Some(problem), true) =
        (&state.block.project, state.problem.project, stage.completes && stage.piece.output.count > 0)
    else {
        return;
    };
    let rows = stage.piece.output;
    let pixel = problem.blocks(&lowering.rates) * lowering.rates.columns;
    let part = state.part(stage, Range::new(0, problem.outputs));
    let y = match problem.y.is_kept() {
        true => Pixels::kept(&problem.y, &part),
        false => Pixels::dense(state.y.next(), &part),
    };
    let address = projected(state, stage, pixel);
    let sums = Pixels { address, pixel, row: state.width() * pixel };
    let addend = conv.residual.as_ref().map(|residual| match residual.image.is_kept() {
        true => Pixels::kept(&residual.image, &part),
        false => {
            let row = state.width() * problem.outputs;
            let first = rows.start - state.tile(stage).rows.first;
            Pixels::dense(state.input(stage) + first * row, &part)
        }
    });
    let records = state.project_records.base(0);
    lowering.finish((conv, &problem), &part, (&sums, records), &y, addend.as_ref());
}
