//! Data movement: through NRAM, in boxes.
//!
//! Where source and destination have a contiguous axis in common, whole runs are loaded and stored. Where
//! they have different ones, the vector unit transposes in NRAM between load and store. Otherwise bytes go
//! one by one, slowly.

use ediacara_isa::{ElementBytes, Memory, VectorOperation};

use crate::CompileError;
use crate::lower::lowering::{Context, Lowering};
use crate::lower::picks;
use crate::lower::slots::Pool;
use crate::program::boxes::{JointBox, JointSide, Place, boxes, joint, turned, turned_wide};
use crate::program::layer::Copy;
use crate::program::picks::Picks;
use crate::program::transfer::BoxCopy;
use crate::program::transfer::sides as chip_sides;
use crate::program::vector::Vector;
use crate::program::view::View;
use crate::program::window::Range;
use crate::tile::claim::Claim;

/// Bytes of a tile where memory is plenty.
const TILE_BYTES: u64 = 8192;

/// Appends the steps of data movement.
pub(crate) fn lower(lowering: &mut Lowering, copy: &Copy, context: Context) -> Result<(), CompileError> {
    if let Some(picks) = Picks::of(copy)
        && picks::lower(lowering, &picks, (lowering.rates.nram / 4).clamp(1, TILE_BYTES), context)?
    {
        return Ok(());
    }
    if let Some((views, value)) = &copy.fill {
        fill(lowering, views, *value, context)?;
    }
    for (from, to) in &copy.parts {
        if from.is_empty() {
            continue;
        }
        let sides = joint([from, to]);
        if let Some((element, sides, index)) = turned_wide(&sides, copy.element) {
            transpose(lowering, &sides, (index, element), [from, to], context)?;
            continue;
        }
        match turned(&sides) {
            Some(index) => transpose(lowering, &sides, (index, ElementBytes::One), [from, to], context)?,
            None if from.is_kept() || to.is_kept() => in_place(lowering, &sides, from, to),
            None => runs(lowering, sides, [from.base, to.base], context)?,
        }
    }
    Ok(())
}

/// Fills views: one painted tile, stored again and again.
fn fill(lowering: &mut Lowering, views: &[View], value: i8, context: Context) -> Result<(), CompileError> {
    let limit = (lowering.rates.nram / 4).clamp(1, TILE_BYTES);
    for view in views.iter().filter(|view| view.is_kept()) {
        let sides = joint([view]);
        for sweep in boxes(&sides, TILE_BYTES, sides.len())
            .iter()
            .flat_map(|part| part.sweeps(&sides, [Place::Kept(view.base)]))
        {
            let [d_strides] = sweep.strides;
            let fill = Vector::new(VectorOperation::Fill, sweep.addresses[0], sweep.length);
            lowering.vector(Vector { counts: sweep.counts, d_strides, value, ..fill });
        }
    }
    let cut = |view: &View| {
        let sides = joint([view]);
        let boxes = boxes(&sides, limit, sides.len());
        (view.base, sides, boxes)
    };
    let parts: Vec<_> = views.iter().filter(|view| !view.is_kept()).map(cut).collect();
    let Some(largest) = parts.iter().flat_map(|(_, _, boxes)| boxes.iter().map(JointBox::len)).max() else {
        return Ok(());
    };
    let [mut pool] = lowering.claim(Memory::Nram, [Claim::new(largest, 1, 1)], context)?;
    let tile = pool.next();
    lowering.fill(tile, largest, 1, 0, value);
    for (base, sides, boxes) in &parts {
        for part in boxes {
            lowering.store(&part.copy(sides, 0, *base, tile));
        }
    }
    Ok(())
}

/// From where the source lies to where the destination lies, of which one at least is kept in NRAM.
fn in_place(lowering: &mut Lowering, sides: &[JointSide<2>], from: &View, to: &View) {
    for part in boxes(sides, TILE_BYTES, sides.len()) {
        let transfer = |dram: usize, chip: usize| {
            let bases = [from.base, to.base];
            let side =
                |(side, &count): (&JointSide<2>, &u64)| (count, side.strides[dram], side.strides[chip]);
            let all: Vec<_> = sides.iter().zip(&part.counts).map(side).collect();
            BoxCopy {
                dram: bases[dram] + part.offsets[dram],
                chip: bases[chip] + part.offsets[chip],
                run: 1,
                sides: chip_sides(&all),
            }
        };
        match (from.is_kept(), to.is_kept()) {
            (true, false) => lowering.store(&transfer(1, 0)),
            (false, _) => lowering.load(Memory::Nram, &transfer(0, 1)),
            (true, true) => {
                for sweep in part.sweeps(sides, [Place::Kept(from.base), Place::Kept(to.base)]) {
                    let [a_strides, d_strides] = sweep.strides;
                    let copy = Vector::new(VectorOperation::Copy, sweep.addresses[1], sweep.length);
                    let (a, counts) = (sweep.addresses[0], sweep.counts);
                    lowering.vector(Vector { a, counts, a_strides, d_strides, ..copy });
                }
            }
        }
    }
}

/// Elements that the destination of a transposition is written in at least, if it has as many side by side: a row of
/// fewer wastes most of its burst.
const SHORTEST_RUN: u64 = 64;

struct State {
    sides: Vec<JointSide<2>>,
    bases: [u64; 2],
    tiles: Pool,
}

/// Loads and stores the same bytes.
fn runs(
    lowering: &mut Lowering,
    sides: Vec<JointSide<2>>,
    bases: [u64; 2],
    context: Context,
) -> Result<(), CompileError> {
    let boxes = boxes(&sides, (lowering.rates.nram / 4).clamp(1, TILE_BYTES), sides.len());
    let largest = boxes.iter().map(JointBox::len).max().unwrap_or(1);
    let count = (boxes.len() as u64).min(4);
    let [tiles] = lowering.claim(Memory::Nram, [Claim::new(largest, count, 1)], context)?;
    let mut state = State { sides, bases, tiles };
    let prepare = |lowering: &mut Lowering, state: &mut State, part: &JointBox<2>| {
        let tile = state.tiles.next();
        lowering.load(Memory::Nram, &part.copy(&state.sides, 0, state.bases[0], tile));
        tile
    };
    let compute = |lowering: &mut Lowering, state: &mut State, part: &JointBox<2>, tile: u64| {
        lowering.store(&part.copy(&state.sides, 1, state.bases[1], tile));
    };
    lowering.pipeline(&mut state, &boxes, count > 1, prepare, compute);
    Ok(())
}

/// One matrix of a transposition: `rows` along the destination's contiguous axis, `columns` along the
/// source's.
#[derive(Debug, Clone, Copy)]
struct Matrix {
    from: u64,
    to: u64,
    rows: Range,
    columns: Range,
}

/// Rows and columns of a tile of at most so many elements: whole rows of the source, unless that leaves rows of the
/// destination shorter than [`SHORTEST_RUN`].
fn tile(rows: u64, columns: u64, budget: u64) -> [u64; 2] {
    let whole = columns.min(budget);
    let of_whole = rows.min((budget / whole).max(1)).min((1 << 16) - 1);
    let least = rows.min(SHORTEST_RUN).min(budget);
    if of_whole >= least { [of_whole, whole] } else { [least, columns.min((budget / least).max(1))] }
}

/// Exchanges side 0, contiguous in the destination, with side `other`, contiguous in the source, for elements of so many
/// bytes. A source that is kept is transposed where it lies.
fn transpose(
    lowering: &mut Lowering,
    sides: &[JointSide<2>],
    (other, size): (usize, ElementBytes),
    [from, to]: [&View; 2],
    context: Context,
) -> Result<(), CompileError> {
    let (is_kept, bases) = (from.is_kept(), [from.base, to.base]);
    let (inner, outer, element) = (sides[0], sides[other], size.bytes());
    let budget = ((lowering.rates.nram / 4).clamp(1, TILE_BYTES) / element).max(1);
    let [rows, columns] = tile(inner.count, outer.count, budget);
    let mut rest: Vec<JointSide<2>> = sides
        .iter()
        .enumerate()
        .filter(|&(index, _)| index != 0 && index != other)
        .map(|(_, &side)| side)
        .collect();
    rest.push(JointSide { count: 1, strides: [0; 2] });
    let mut matrices = Vec::new();
    for place in boxes(&rest, 1, rest.len()) {
        for rows in Range::cut(inner.count, rows) {
            for columns in Range::cut(outer.count, columns) {
                let at = |k: usize| {
                    bases[k]
                        + place.offsets[k]
                        + rows.start * inner.strides[k]
                        + columns.start * outer.strides[k]
                };
                matrices.push(Matrix { from: at(0), to: at(1), rows, columns });
            }
        }
    }
    let count = (matrices.len() as u64).min(2);
    let claim = Claim::new(rows * columns * element, count, 1);
    let loaded = Claim::new(rows * columns * element, if is_kept { 0 } else { count }, 1);
    let mut pools = lowering.claim(Memory::Nram, [loaded, claim], context)?;
    let strides = [inner.strides[0], outer.strides[1]];
    let prepare = |lowering: &mut Lowering, pools: &mut [Pool; 2], matrix: Matrix| {
        if is_kept {
            return (matrix.from, strides[0] / element);
        }
        let tile = pools[0].next();
        let (rows, columns) = (matrix.rows.count, matrix.columns.count);
        let run = columns * element;
        let sides = chip_sides(&[(rows, strides[0], run)]);
        lowering.load(Memory::Nram, &BoxCopy { dram: matrix.from, chip: tile, run, sides });
        (tile, columns)
    };
    let compute = |lowering: &mut Lowering, pools: &mut [Pool; 2], matrix: Matrix, source: (u64, u64)| {
        let result = pools[1].next();
        let (rows, columns) = (matrix.rows.count, matrix.columns.count);
        lowering.vector(Vector {
            a: source.0,
            counts: [rows, 1],
            a_strides: [source.1, 0],
            d_strides: [rows, 0],
            element: size,
            ..Vector::new(VectorOperation::Transpose, result, columns)
        });
        let run = rows * element;
        let sides = chip_sides(&[(columns, strides[1], run)]);
        lowering.store(&BoxCopy { dram: matrix.to, chip: result, run, sides });
    };
    lowering.pipeline(&mut pools, matrices, count > 1, prepare, compute);
    Ok(())
}
