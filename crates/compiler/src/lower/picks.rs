//! Elements picked out of rows: rows are loaded, picked from in NRAM, and stored.

use ediacara_isa::{Memory, VectorOperation};

use crate::CompileError;
use crate::lower::lowering::{Context, Lowering};
use crate::lower::slots::Pool;
use crate::program::boxes::{JointBox, boxes};
use crate::program::picks::Picks;
use crate::program::transfer::{BoxCopy, sides as chip_sides};
use crate::program::vector::Vector;
use crate::tile::claim::Claim;

/// Appends the steps, with tiles of at most so many bytes; whether a row fits, without which there are none.
pub(crate) fn lower(
    lowering: &mut Lowering,
    picks: &Picks,
    bytes: u64,
    context: Context,
) -> Result<bool, CompileError> {
    let budget = bytes / picks.rows[0].max(picks.rows[1]);
    if budget == 0 {
        return Ok(false);
    }
    let tiles = boxes(&picks.sides, budget, picks.sides.len());
    let most = tiles.iter().map(JointBox::len).max().unwrap_or(1);
    let count = (tiles.len() as u64).min(2);
    let claims = picks.rows.map(|bytes| Claim::new(most * bytes, count, 1));
    let mut pools = lowering.claim(Memory::Nram, claims, context)?;
    // Rows of a tile lie one after the other in NRAM.
    let transfer = |tile: &JointBox<2>, k: usize, chip: u64| {
        let mut dense = picks.rows[k];
        let mut all = Vec::with_capacity(tile.counts.len());
        for (side, &count) in picks.sides.iter().zip(&tile.counts) {
            all.push((count, side.strides[k], dense));
            dense *= count;
        }
        BoxCopy { dram: picks.bases[k] + tile.offsets[k], chip, run: picks.rows[k], sides: chip_sides(&all) }
    };
    let prepare = |lowering: &mut Lowering, pools: &mut [Pool; 2], tile: &JointBox<2>| {
        let source = pools[0].next();
        lowering.load(Memory::Nram, &transfer(tile, 0, source));
        source
    };
    let compute = |lowering: &mut Lowering, pools: &mut [Pool; 2], tile: &JointBox<2>, source: u64| {
        let result = pools[1].next();
        copy_runs(lowering, picks, tile.len(), [source, result]);
        lowering.store(&transfer(tile, 1, result));
    };
    lowering.pipeline(&mut pools, &tiles, count > 1, prepare, compute);
    Ok(true)
}

/// Moves what is picked from `rows` rows that lie at the first address to those at the second.
fn copy_runs(lowering: &mut Lowering, picks: &Picks, rows: u64, [source, result]: [u64; 2]) {
    let [from_row, to_row] = picks.rows;
    for run in &picks.runs {
        let (a, d) = (source + run.offsets[0], result + run.offsets[1]);
        let whole = run.is_contiguous(picks.element);
        let length = if whole { run.count * picks.element } else { picks.element };
        let (counts, a_strides, d_strides) = match whole {
            true => ([rows, 1], [from_row, 0], [to_row, 0]),
            false => ([run.count, rows], [run.strides[0], from_row], [run.strides[1], to_row]),
        };
        let copy = Vector::new(VectorOperation::Copy, d, length);
        lowering.vector(Vector { a, counts, a_strides, d_strides, ..copy });
    }
}
