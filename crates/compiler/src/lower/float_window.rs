//! Windows of real numbers on the vector unit: pools and depthwise convolutions.
//!
//! Images count bytes, of which an element has several; instructions count elements.

use ediacara_graph::ops::WindowOperation;
use ediacara_isa::{Memory, OperandTypes, VectorOperation};

use crate::CompileError;
use crate::lower::depthwise::{Item, input, items, output};
use crate::lower::lowering::{Context, Lowering, Pad};
use crate::lower::pixels::{Part, Pixels};
use crate::lower::slots::Pool;
use crate::program::layer::FloatWindow;
use crate::program::vector::{FloatOperands, Vector};
use crate::program::window::Range;
use crate::tile::grouping;
use crate::tile::window::{WindowProblem, WindowTiling};

struct State<'a> {
    layer: &'a FloatWindow,
    problem: WindowProblem,
    tiling: WindowTiling,
    x: Pool,
    y: Pool,
    w: Pool,
    /// DRAM address of the weights of each channel tile; none where there are no weights.
    weights: Vec<u64>,
}

/// Appends the steps of a window.
pub(crate) fn lower(
    lowering: &mut Lowering,
    layer: &FloatWindow,
    context: Context,
) -> Result<(), CompileError> {
    let problem = grouping::float_window(layer);
    let choice = lowering.choices.window(&problem, lowering.rates.space()).map_err(|shortage| {
        lowering.does_not_fit(context, shortage.memory, shortage.needed, shortage.available)
    })?;
    let tiling = lowering.take(&choice);
    let claims = tiling.claims(&problem);
    let [x, y, w] = lowering.claim(Memory::Nram, [claims.x, claims.y, claims.w], context)?;
    let mut weights = Vec::new();
    if let Some(bytes) = &layer.weights {
        for channels in Range::cut(layer.x.channels, tiling.channels) {
            let tile = tile_of(layer, bytes, channels, tiling.joined);
            weights.push(lowering.dram.place(tile, &format!("weights of layer `{}`", context.name))?);
        }
    }
    let mut state = State { layer, problem, tiling, x, y, w, weights };
    let ahead = tiling.prefetches(&problem);
    lowering.pipeline(&mut state, items(&problem, &tiling), ahead, prepare, compute);
    Ok(())
}

/// `[window position][channel]`, the channels repeated for each joined pixel.
fn tile_of(layer: &FloatWindow, bytes: &[u8], channels: Range, joined: u64) -> Vec<u8> {
    let mut tile = Vec::new();
    for tap in bytes.chunks_exact(layer.x.channels as usize) {
        let own = &tap[channels.start as usize..(channels.start + channels.count) as usize];
        (0..joined).for_each(|_| tile.extend_from_slice(own));
    }
    tile
}

fn prepare(lowering: &mut Lowering, state: &mut State, item: Item) -> (Pixels, u64) {
    let weights = match state.weights.get(item.channel_tile as usize) {
        Some(&weights) => {
            let (slot, held) = state.w.take([item.channel_tile, 0, 0, 0]);
            if !held {
                let [rows, columns] = state.problem.window.kernel;
                let bytes = rows * columns * item.channels.count * state.tiling.joined;
                lowering.load_run(Memory::Nram, weights, state.w.base(slot), bytes);
            }
            state.w.base(slot)
        }
        None => 0,
    };
    let pad = match state.layer.operation {
        // Zeros of every type are zero bytes.
        WindowOperation::Sum | WindowOperation::Dot => Pad::Byte(0),
        WindowOperation::Maximum => Pad::Real(state.layer.types.a, state.layer.operation.pad()),
    };
    (input(lowering, &mut state.x, &state.problem, &state.tiling, &item, pad), weights)
}

fn compute(lowering: &mut Lowering, state: &mut State, item: Item, (x, w): (Pixels, u64)) {
    let part = Part { batch: item.batch, pixels: item.pixels, channels: item.channels };
    let y = output(&mut state.y, &state.problem, &part);
    window(lowering, state, &item, [x, y], w);
    if !state.problem.y.is_kept() {
        lowering.store_box(&state.problem.y, &part, y.address);
    }
}

/// The window over a tile: joined pixels first, then what is left of each row.
fn window(lowering: &mut Lowering, state: &State, item: &Item, [x, y]: [Pixels; 2], w: u64) {
    let (layer, window) = (state.layer, state.problem.window);
    let channels = item.channels.count;
    let [rows, columns] = item.pixels.map(|range| range.count);
    // At stride 1 the windows of neighbours are neighbours.
    let neighbours = window.stride[1] == 1 && x.pixel == channels && y.pixel == channels;
    let joined = match layer.operation {
        WindowOperation::Dot => state.tiling.joined,
        _ if neighbours => columns,
        _ => 1,
    };
    let OperandTypes { a, d, .. } = layer.types;
    let [of_x, of_y] = [a, d].map(|element| element.bytes() as u64);
    let op = match layer.operation {
        WindowOperation::Sum => VectorOperation::FloatWindowSum,
        WindowOperation::Dot => VectorOperation::FloatWindowDot,
        WindowOperation::Maximum => VectorOperation::FloatWindowMaximum,
    };
    let whole = columns / joined;
    let mut push = |first: u64, joined: u64, count: u64| {
        if count * joined == 0 {
            return;
        }
        lowering.vector(Vector {
            a: x.address + first * window.stride[1] * x.pixel,
            b: w,
            counts: [count, rows],
            a_strides: [window.stride[1] * joined * x.pixel / of_x, window.stride[0] * x.row / of_x],
            d_strides: [joined * y.pixel / of_y, y.row / of_y],
            window_counts: [window.kernel[1], window.kernel[0]],
            window_strides: [window.dilation[1] * x.pixel / of_x, window.dilation[0] * x.row / of_x],
            b_window_stride: channels * state.tiling.joined / of_x,
            float: FloatOperands { types: layer.types, ..FloatOperands::default() },
            ..Vector::new(op, y.address + first * y.pixel, joined * channels / of_x)
        });
    };
    push(0, joined, whole);
    push(whole * joined, columns % joined, 1);
}
