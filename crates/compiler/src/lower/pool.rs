//! Pooling on the vector unit.
//!
//! A max pool's frame holds -128, an average's the zero point, which adds nothing. Where padding is not
//! counted, output pixels near the border average fewer elements; they are cut into rectangles of one
//! count, each with its multiplier.

use ediacara_isa::{ElementType, Memory, VectorOperation};
use ediacara_kernels::int8::quantize_multiplier;
use ediacara_tensor::Tensor;

use crate::CompileError;
use crate::lower::depthwise::{Item, input, items, output};
use crate::lower::lowering::{Context, Lowering};
use crate::lower::pixels::Part;
use crate::lower::pixels::Pixels;
use crate::lower::slots::Pool;
use crate::lower::{self, conv};
use crate::program::layer::{Conv, Output, Pool as PoolLayer, PoolMode, Scaling, Weights};
use crate::program::vector::Vector;
use crate::program::window::{Range, Window};
use crate::tile::window::{WindowProblem, WindowTiling};
use crate::tile::{grouping, mean};

/// Multiplier and shift of what is not scaled: maxima, and windows that count nothing.
pub(crate) const UNSCALED: (u32, u8) = (0, 1);

struct State<'a> {
    layer: &'a PoolLayer,
    problem: WindowProblem,
    tiling: WindowTiling,
    x: Pool,
    y: Pool,
    /// Multiplier and shift by count.
    multipliers: Vec<Option<(u32, u8)>>,
}

/// Appends the steps of a pooling layer.
pub(crate) fn lower(
    lowering: &mut Lowering,
    layer: &PoolLayer,
    context: Context,
) -> Result<(), CompileError> {
    let problem = grouping::pool(layer);
    let multipliers = multipliers(layer, context)?;
    let window = lowering.choices.window(&problem, lowering.rates.space());
    let cycles = window.map_or(f64::INFINITY, |choice| choice.estimate.cycles());
    if let (Some(choice), Some(record)) = (mean::faster(layer, cycles, &lowering.rates), only(&multipliers)) {
        let tiling = lowering.take(&choice);
        return lower::mean::lower(lowering, layer, &tiling, record, context);
    }
    let tiling = match window {
        Ok(choice) => lowering.take(&choice),
        Err(shortage) => {
            // The matrix unit sums windows of any size piece by piece.
            return match as_convolution(layer, &multipliers) {
                Some(layer) => conv::lower(lowering, &layer, context),
                None => {
                    Err(lowering.does_not_fit(context, shortage.memory, shortage.needed, shortage.available))
                }
            };
        }
    };
    let claims = tiling.claims(&problem);
    let [x, y] = lowering.claim(Memory::Nram, [claims.x, claims.y], context)?;
    let mut state = State { layer, problem, tiling, x, y, multipliers };
    let ahead = tiling.prefetches(&problem);
    lowering.pipeline(&mut state, items(&problem, &tiling), ahead, prepare, compute);
    Ok(())
}

/// The elements that outputs of `axis` count, as maximal ranges of one count.
fn counted(layer: &PoolLayer, axis: usize, range: Range) -> Vec<(Range, u64)> {
    let PoolMode::Average { count_include_pad, .. } = layer.mode else { return vec![(range, 1)] };
    let Window { kernel, stride, before, after, dilation } = layer.window;
    let size = [layer.x.height, layer.x.width][axis];
    let (low, high) = if count_include_pad {
        (0, before[axis] + size + after[axis])
    } else {
        (before[axis], before[axis] + size)
    };
    let count = |output: u64| {
        let start = output * stride[axis];
        (0..kernel[axis]).filter(|tap| (low..high).contains(&(start + tap * dilation[axis]))).count() as u64
    };
    let mut found: Vec<(Range, u64)> = Vec::new();
    for output in range.start..range.start + range.count {
        let n = count(output);
        match found.last_mut() {
            Some((last, m)) if *m == n => last.count += 1,
            _ => found.push((Range::new(output, 1), n)),
        }
    }
    found
}

/// Multiplier and shift for every count that occurs.
fn multipliers(layer: &PoolLayer, context: Context) -> Result<Vec<Option<(u32, u8)>>, CompileError> {
    let PoolMode::Average { ratio, .. } = layer.mode else { return Ok(vec![Some(UNSCALED); 2]) };
    let mut found = vec![None; (layer.window.kernel[0] * layer.window.kernel[1] + 1) as usize];
    // A window that counts nothing sums nothing: any multiplier gives the zero point.
    found[0] = Some(UNSCALED);
    for (_, down) in counted(layer, 0, Range::new(0, layer.y.height)) {
        for (_, across) in counted(layer, 1, Range::new(0, layer.y.width)) {
            let n = down * across;
            if n > 0 && found[n as usize].is_none() {
                let multiplier = quantize_multiplier(ratio / n as f64).map_err(|error| {
                    CompileError::Layer { layer: context.name.to_owned(), problem: error.to_string() }
                })?;
                found[n as usize] = Some((multiplier.value as u32, multiplier.shift));
            }
        }
    }
    Ok(found)
}

/// Multiplier and shift where all windows count as many elements.
fn only(multipliers: &[Option<(u32, u8)>]) -> Option<(u32, u8)> {
    let mut used = multipliers.iter().skip(1).flatten();
    let (&record, None) = (used.next()?, used.next()) else { return None };
    Some(record)
}

/// An average of one count everywhere as a depthwise convolution with weights of one.
fn as_convolution(layer: &PoolLayer, multipliers: &[Option<(u32, u8)>]) -> Option<Conv> {
    let PoolMode::Average { x_zero, .. } = layer.mode else { return None };
    let (multiplier, shift) = only(multipliers)?;
    let channels = layer.x.channels as usize;
    let [kernel_down, kernel_across] = layer.window.kernel.map(|taps| taps as usize);
    let weights = Weights {
        values: Tensor::full(&[channels, kernel_down, kernel_across, 1], 1_i8).ok()?,
        bias: Tensor::full(&[channels], 0_i32).ok()?,
        scaling: Scaling::Integer {
            multiplier: Tensor::full(&[channels], multiplier as i32).ok()?,
            shift: Tensor::full(&[channels], shift).ok()?,
        },
    };
    let groups = layer.x.channels;
    let (x, y, window, output) = (layer.x, layer.y, layer.window, layer.output);
    Some(Conv {
        element: ElementType::I8,
        x,
        y,
        window,
        groups,
        weights,
        computed: None,
        computed_first: false,
        x_zero,
        w_zero: 0,
        output,
        epilogue: None,
        residual: None,
        table: None,
        order: None,
        joined: 1,
        shared: None,
        held: None,
    })
}

fn prepare(lowering: &mut Lowering, state: &mut State, item: Item) -> Pixels {
    input(lowering, &mut state.x, &state.problem, &state.tiling, &item, state.layer.pad())
}

fn compute(lowering: &mut Lowering, state: &mut State, item: Item, x: Pixels) {
    let part = Part { batch: item.batch, pixels: item.pixels, channels: item.channels };
    let y = output(&mut state.y, &state.problem, &part);
    for (rows, down) in counted(state.layer, 0, item.pixels[0]) {
        for (columns, across) in counted(state.layer, 1, item.pixels[1]) {
            let count = (down * across) as usize;
            // Only counts that occur are asked for, and those have a multiplier.
            let multiplier = state.multipliers.get(count).copied().flatten().unwrap_or(UNSCALED);
            rectangle(lowering, state.layer, &item, [rows, columns], [x, y], multiplier);
        }
    }
    if !state.problem.y.is_kept() {
        lowering.store_box(&state.problem.y, &part, y.address);
    }
}

/// One instruction for a rectangle of outputs inside a tile.
fn rectangle(
    lowering: &mut Lowering,
    layer: &PoolLayer,
    item: &Item,
    pixels: [Range; 2],
    [x, y]: [Pixels; 2],
    (multiplier, shift): (u32, u8),
) {
    let stride = layer.window.stride;
    let [row, column] = [0, 1].map(|axis| pixels[axis].start - item.pixels[axis].start);
    let x_first = x.address + column * stride[1] * x.pixel + row * stride[0] * x.row;
    let y_first = y.address + column * y.pixel + row * y.row;
    let places = [Pixels { address: x_first, ..x }, Pixels { address: y_first, ..y }];
    rows(lowering, layer, item.channels.count, pixels.map(|range| range.count), places, (multiplier, shift));
}

/// Pools some rows of outputs: of `x` from the first tap of the first output on, into `y`.
pub(crate) fn rows(
    lowering: &mut Lowering,
    layer: &PoolLayer,
    channels: u64,
    [rows, columns]: [u64; 2],
    [x, y]: [Pixels; 2],
    (multiplier, shift): (u32, u8),
) {
    let window = layer.window;
    let (op, x_zero) = match layer.mode {
        PoolMode::Max => (VectorOperation::MaxPool, 0),
        PoolMode::Average { x_zero, .. } => (VectorOperation::AveragePool, x_zero),
    };
    let Output { zero, low, high } = layer.output;
    // At stride 1 the windows of neighbours are neighbours: one long row.
    let joined = window.stride[1] == 1 && x.pixel == channels && y.pixel == channels;
    let (length, across) = if joined { (columns * channels, 1) } else { (channels, columns) };
    lowering.vector(Vector {
        a: x.address,
        counts: [across, rows],
        a_strides: [window.stride[1] * x.pixel, window.stride[0] * x.row],
        d_strides: [y.pixel, y.row],
        window_counts: [window.kernel[1], window.kernel[0]],
        window_strides: [window.dilation[1] * x.pixel, window.dilation[0] * x.row],
        zeros: [x_zero, 0, zero],
        low,
        high,
        multipliers: [multiplier, 0],
        shift,
        ..Vector::new(op, y.address, length)
    });
}
