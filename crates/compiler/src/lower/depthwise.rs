//! Depthwise convolutions on the vector unit.

use ediacara_arch::RECORD_BYTES;
use ediacara_isa::{Memory, VectorOperation};

use crate::CompileError;
use crate::lower::conv;
use crate::lower::lowering::{Context, Lowering, Pad, TileSource};
use crate::lower::pixels::Part;
use crate::lower::pixels::Pixels;
use crate::lower::slots::Pool;
use crate::lower::weights::{Slices, slices};
use crate::program::layer::Conv;
use crate::program::vector::Vector;
use crate::program::window::Range;
use crate::tile::grouping;
use crate::tile::window::{WindowProblem, WindowTiling};

/// One tile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Item {
    pub batch: u64,
    pub pixels: [Range; 2],
    pub channels: Range,
    pub channel_tile: u32,
    pub index: u32,
}

struct State<'a> {
    conv: &'a Conv,
    problem: WindowProblem,
    tiling: WindowTiling,
    x: Pool,
    y: Pool,
    w: Pool,
    p: Pool,
    /// DRAM addresses of weights and records of each channel tile.
    constants: Vec<[u64; 2]>,
}

struct Prepared {
    x: Pixels,
    w: u64,
    p: u64,
}

/// Appends the steps of a depthwise convolution. One whose window does not fit NRAM goes to the matrix
/// unit, which can split it.
pub(crate) fn lower(lowering: &mut Lowering, conv: &Conv, context: Context) -> Result<(), CompileError> {
    let problem = grouping::depthwise(conv);
    let Ok(choice) = lowering.choices.window(&problem, lowering.rates.space()) else {
        return conv::lower(lowering, conv, context);
    };
    let tiling = lowering.take(&choice);
    let claims = tiling.claims(&problem);
    let [x, y, w, table] =
        lowering.claim(Memory::Nram, [claims.x, claims.y, claims.w, claims.table], context)?;
    let [p] = lowering.claim(Memory::Pram, [claims.p], context)?;
    let slices = slices(&conv.weights, context)?;
    let mut constants = Vec::new();
    for channels in Range::cut(conv.x.channels, tiling.channels) {
        let what = format!("weights of layer `{}`", context.name);
        let weights = lowering.dram.place(window_weights(&slices, conv, channels, tiling.joined), &what)?;
        let records = slices.records(channels).repeat(tiling.joined as usize);
        constants.push([weights, lowering.dram.place(records, &what)?]);
    }
    let mut state = State { conv, problem, tiling, x, y, w, p, constants };
    if let Some(lookup) = &conv.table {
        lowering.load_table(lookup, table, context)?;
    }
    let ahead = tiling.prefetches(&problem);
    lowering.pipeline(&mut state, items(&problem, &tiling), ahead, prepare, compute);
    Ok(())
}

/// `[window position][channel]`, the channels repeated for each joined pixel.
pub(crate) fn window_weights(slices: &Slices, conv: &Conv, channels: Range, joined: u64) -> Vec<u8> {
    let taps = conv.window.kernel[0] * conv.window.kernel[1];
    let mut bytes = Vec::with_capacity((taps * channels.count * joined) as usize);
    for tap in 0..taps {
        for _ in 0..joined {
            let all = channels.start..channels.start + channels.count;
            bytes.extend(all.map(|channel| slices.values[(channel * taps + tap) as usize] as u8));
        }
    }
    bytes
}

/// The items of a windowed operation, tile of channels by tile of channels.
pub(crate) fn items(problem: &WindowProblem, tiling: &WindowTiling) -> Vec<Item> {
    let mut found = Vec::new();
    for (channel_tile, channels) in Range::cut(problem.y.channels, tiling.channels).into_iter().enumerate() {
        for batch in 0..problem.y.batch {
            for rows in Range::cut(problem.y.height, tiling.pixels[0]) {
                for columns in Range::cut(problem.y.width, tiling.pixels[1]) {
                    let index = found.len() as u32;
                    let pixels = [rows, columns];
                    found.push(Item { batch, pixels, channels, channel_tile: channel_tile as u32, index });
                }
            }
        }
    }
    found
}

fn prepare(lowering: &mut Lowering, state: &mut State, item: Item) -> Prepared {
    let row = item.channels.count * state.tiling.joined;
    let [weights, records] = state.constants[item.channel_tile as usize];
    let key = [item.channel_tile, 0, 0, 0];
    let (p, held) = state.p.take(key);
    let (w, _) = state.w.take(key);
    if !held {
        lowering.load_run(Memory::Pram, records, state.p.base(p), row * RECORD_BYTES);
        let taps = state.conv.window.kernel[0] * state.conv.window.kernel[1];
        lowering.load_run(Memory::Nram, weights, state.w.base(w), row * taps);
    }
    let x = input(lowering, &mut state.x, &state.problem, &state.tiling, &item, state.conv.x_zero);
    Prepared { x, w: state.w.base(w), p: state.p.base(p) }
}

/// Where the first tap of the item's first output lies in NRAM; loaded, framed by `pad`, if the input is not kept there.
pub(crate) fn input(
    lowering: &mut Lowering,
    slots: &mut Pool,
    problem: &WindowProblem,
    tiling: &WindowTiling,
    item: &Item,
    pad: impl Into<Pad>,
) -> Pixels {
    let channel = item.channels.start;
    if problem.x.is_kept() {
        let first = Range::new(0, 1);
        let position = [0, 1].map(|axis| problem.window.start(axis, item.pixels[axis], first));
        return Pixels::framed(&problem.x, item.batch, position, channel);
    }
    let tile = tiling.tile(problem, item.pixels, item.channels.count);
    let (slot, _) = slots.take([item.index, 0, 0, 0]);
    let source = TileSource { image: &problem.x, batch: item.batch, channel, pad: pad.into() };
    lowering.load_tile(slots, slot, &tile, &source);
    Pixels { address: slots.base(slot) + tile.origin(), pixel: tile.pixel, row: tile.row_stride() }
}

/// Where the item's outputs go: to their place if they are kept, otherwise to a slot from which they are stored.
pub(crate) fn output(slots: &mut Pool, problem: &WindowProblem, part: &Part) -> Pixels {
    match problem.y.is_kept() {
        true => Pixels::kept(&problem.y, part),
        false => Pixels::dense(slots.next(), part),
    }
}

fn compute(lowering: &mut Lowering, state: &mut State, item: Item, prepared: Prepared) {
    let part = Part { batch: item.batch, pixels: item.pixels, channels: item.channels };
    let y = output(&mut state.y, &state.problem, &part);
    let Prepared { x, w, p } = prepared;
    let pixels = item.pixels.map(|range| range.count);
    let rows = Rows { channels: item.channels.count, joined: state.tiling.joined, pixels, x, w, p, y };
    window_rows(lowering, state.conv, &rows);
    if state.conv.table.is_some() {
        lowering.look_up(&y, &part);
    }
    if !state.problem.y.is_kept() {
        lowering.store_box(&state.problem.y, &part, y.address);
    }
}

/// Some output rows of a window, for [`window_rows`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows {
    /// Channels that are convolved.
    pub channels: u64,
    /// Neighbouring pixels that form one row of the vector unit: they lie next to each other in `x` and `y` if there
    /// are two.
    pub joined: u64,
    /// Output rows, and pixels of a row.
    pub pixels: [u64; 2],
    /// The framed input from the first tap of the first output on.
    pub x: Pixels,
    /// NRAM address of the weights.
    pub w: u64,
    /// First record.
    pub p: u64,
    /// The outputs.
    pub y: Pixels,
}

/// The window over some rows of a framed input.
pub(crate) fn window_rows(lowering: &mut Lowering, conv: &Conv, part: &Rows) {
    let Rows { channels, joined, x, y, .. } = *part;
    let window = conv.window;
    let [rows, columns] = part.pixels;
    let template = Vector {
        b: part.w,
        p: part.p,
        d_strides: [joined * y.pixel, y.row],
        a_strides: [window.stride[1] * joined * x.pixel, window.stride[0] * x.row],
        window_counts: [window.kernel[1], window.kernel[0]],
        window_strides: [window.dilation[1] * x.pixel, window.dilation[0] * x.row],
        b_window_stride: channels * joined,
        zeros: [conv.x_zero, conv.w_zero, conv.output.zero],
        low: conv.output.low,
        high: conv.output.high,
        ..Vector::new(VectorOperation::Depthwise, y.address, channels)
    };
    let a = x.address;
    let (whole, rest) = (columns / joined, columns % joined);
    if whole > 0 {
        lowering.vector(Vector { a, length: joined * channels, counts: [whole, rows], ..template });
    }
    if rest > 0 {
        let skipped = whole * joined;
        lowering.vector(Vector {
            a: a + skipped * x.pixel,
            d: y.address + skipped * y.pixel,
            length: rest * channels,
            counts: [1, rows],
            ..template
        });
    }
}
