//! Means of whole maps on the matrix unit: products with an identity matrix, all of whose pixels add to the same sums.

use ediacara_arch::RECORD_BYTES;
use ediacara_isa::{ElementType, Memory};

use crate::CompileError;
use crate::lower::lowering::{Context, Lowering};
use crate::lower::pixels::{Part, Pixels};
use crate::lower::products::Sums;
use crate::lower::slots::Pool;
use crate::program::layer::{Pool as PoolLayer, PoolMode};
use crate::program::step::{Dot, Work};
use crate::program::window::Range;
use crate::tile::mean::{MeanTiling, identity_rows, pieces};

/// One piece of one image's map.
#[derive(Debug, Clone, Copy)]
struct Item {
    part: Part,
    is_first: bool,
    is_last: bool,
}

struct State<'a> {
    layer: &'a PoolLayer,
    x: Pool,
    y: Pool,
    acc: Pool,
    p: Pool,
    /// WRAM address of the identity matrix, behind which a row of zeros lies.
    w: u64,
    /// DRAM address of the records.
    records: u64,
    /// Where the sums of the map in hand are.
    sums: u64,
}

/// Appends the steps of a mean whose every result has that multiplier and shift.
pub(crate) fn lower(
    lowering: &mut Lowering,
    layer: &PoolLayer,
    tiling: &MeanTiling,
    record: (u32, u8),
    context: Context,
) -> Result<(), CompileError> {
    let claims = tiling.claims([&layer.x, &layer.y], &lowering.rates);
    let [x, y] = lowering.claim(Memory::Nram, [claims.x, claims.y], context)?;
    let [mut w] = lowering.claim(Memory::Wram, [claims.w], context)?;
    let [acc] = lowering.claim(Memory::Aram, [claims.acc], context)?;
    let [p] = lowering.claim(Memory::Pram, [claims.p], context)?;
    let matrix = identity(lowering);
    let (bytes, w) = (matrix.len() as u64, w.next());
    let address = lowering.dram.place(matrix, &format!("weights of layer `{}`", context.name))?;
    lowering.load_run(Memory::Wram, address, w, bytes);
    let records = lowering
        .dram
        .place(records(record, layer.x.channels), &format!("records of layer `{}`", context.name))?;
    let mut state = State { layer, x, y, acc, p, w, records, sums: 0 };
    lowering.pipeline(&mut state, items(layer, tiling), tiling.slots > 1, prepare, compute);
    Ok(())
}

/// `[step][column][row]` of ones where the row is the column, and a row of zeros.
fn identity(lowering: &Lowering) -> Vec<u8> {
    let rates = &lowering.rates;
    let [rows, row_bytes] = [rates.rows, rates.row_bytes()];
    let mut bytes = vec![0; ((identity_rows(rates) + 1) * row_bytes) as usize];
    for column in 0..rates.columns {
        bytes[(column / rows * row_bytes + column * rows + column % rows) as usize] = 1;
    }
    bytes
}

fn records((multiplier, shift): (u32, u8), channels: u64) -> Vec<u8> {
    let mut record = vec![0; 4];
    record.extend(multiplier.to_le_bytes());
    record.extend([shift, 0, 0, 0]);
    record.repeat(channels as usize)
}

fn items(layer: &PoolLayer, tiling: &MeanTiling) -> Vec<Item> {
    let pieces = pieces(&layer.x, tiling);
    let mut found = Vec::new();
    for channels in Range::cut(layer.x.channels, tiling.channels) {
        for batch in 0..layer.x.batch {
            for (index, &pixels) in pieces.iter().enumerate() {
                let part = Part { batch, pixels, channels };
                found.push(Item { part, is_first: index == 0, is_last: index + 1 == pieces.len() });
            }
        }
    }
    found
}

/// Where a piece lies in NRAM, loaded if the map is not kept there; and its records.
fn prepare(lowering: &mut Lowering, state: &mut State, item: Item) -> (Pixels, u64) {
    let Item { part, .. } = item;
    let (p, held) = state.p.take([part.channels.start as u32, 0, 0, 0]);
    if !held {
        let address = state.records + part.channels.start * RECORD_BYTES;
        lowering.load_run(Memory::Pram, address, state.p.base(p), part.channels.count * RECORD_BYTES);
    }
    let x = match state.layer.x.is_kept() {
        true => Pixels::kept(&state.layer.x, &part),
        false => {
            let slot = state.x.next();
            lowering.load_box(&state.layer.x, &part, slot);
            Pixels::dense(slot, &part)
        }
    };
    (x, state.p.base(p))
}

fn compute(lowering: &mut Lowering, state: &mut State, item: Item, (x, p): (Pixels, u64)) {
    let Item { part, is_first, is_last } = item;
    let (columns, channels) = (lowering.rates.columns, part.channels.count);
    let rows = identity_rows(&lowering.rates);
    let PoolMode::Average { x_zero, .. } = state.layer.mode else { return };
    let sum = Dot {
        element: ElementType::I8,
        x: x.address,
        w: state.w,
        acc: state.sums,
        pixels: [part.pixels[1].count, part.pixels[0].count],
        blocks: 1,
        accumulate: true,
        x_strides: [x.pixel, x.row],
        stretch: columns,
        window_counts: [1; 2],
        window_strides: [0; 2],
        w_block_stride: 0,
        acc_stride_pixel: 0,
        acc_stride_block: columns,
        x_zero,
        w_zero: 0,
        row_bytes: lowering.rates.row_bytes(),
        rows: lowering.rates.rows,
        columns,
    };
    if is_first {
        state.sums = state.acc.next();
        let w = state.w + rows * sum.row_bytes;
        let blocks = channels.div_ceil(columns);
        let zero = Dot { w, acc: state.sums, pixels: [1; 2], blocks, accumulate: false, stretch: 1, ..sum };
        lowering.push(Work::Dot(zero));
    }
    for block in Range::cut(channels, columns) {
        let (x, acc) = (x.address + block.start, state.sums + block.start);
        lowering.push(Work::Dot(Dot { x, acc, stretch: block.count, ..sum }));
    }
    if is_last {
        store(lowering, state, &part, p);
    }
}

/// Requantises the sums of a map, and stores them where the result is not kept.
fn store(lowering: &mut Lowering, state: &mut State, part: &Part, p: u64) {
    let part = Part { pixels: [Range::new(0, 1); 2], ..*part };
    let y = match state.layer.y.is_kept() {
        true => Pixels::kept(&state.layer.y, &part),
        false => Pixels::dense(state.y.next(), &part),
    };
    let (acc, channels) = (state.sums, part.channels.count);
    let sums =
        Sums { acc, p, y: y.address, channels, counts: [1; 2], acc_strides: [0; 2], y_strides: [0; 2] };
    lowering.requantise(&state.layer.output, &sums);
    if !state.layer.y.is_kept() {
        lowering.store_box(&state.layer.y, &part, y.address);
    }
}
